"""Functions that take a lambda: ``map``, ``filter``, ``reduce``, ``sort``, ``toObject``, ``groupBy``, ``mapValues``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key

from scanner.sources.declared.values import Object, Property, Unknown, Value, show
from scanner.sources.template.evaluation import MOST_INSTANCES, Evaluation, Form
from scanner.sources.template.frames import HANDLES, Closure, Env, Held, Instances, handle_of, settled
from scanner.sources.template.maybe import (
    is_more,
    is_spread,
    more,
    possible_arrays,
    spread,
    with_possible_items,
)
from scanner.sources.template.model import Call, Constant, Lambda
from scanner.sources.template.operators import truth
from scanner.sources.template.spelling import spelled
from scanner.sources.template.symbolic import call_value, shown


class _Items:
    """What a lambda is applied to: items, and whether there may be others."""

    def __init__(self, ev: Evaluation, node: Call, env: Env) -> None:
        self.items: list[Held] = []
        self.unsure = False
        found = ev.value(node.arguments[0], env)
        if isinstance(found, Instances):
            self.items = [handle_of(item) for item in found.items]
            self.unsure = found.open
            return
        value = settled(found) if isinstance(found, HANDLES) else found
        if isinstance(value, Unknown) and possible_arrays(value) is not None:
            value = [spread(value)]
        if isinstance(value, list):
            possible = with_possible_items(value)
            self.unsure = any(is_spread(item) for item in value)
            value = [item for item, _ in possible]
            if len(value) > MOST_INSTANCES:
                detail = f"An array has more than {MOST_INSTANCES:,} items: what follows is not evaluated."
                ev.tell(env.frame, node, "skipped", detail)
            # A mark that there may be more stands for no item of its own after others.
            self.items = [
                item for number, item in enumerate(value[:MOST_INSTANCES]) if number == 0 or not is_more(item)
            ]
            self.unsure = self.unsure or any(is_spread(item) for item in value) or len(value) > MOST_INSTANCES
        elif value is not None:
            secret = isinstance(value, Unknown) and value.secret
            self.items = [Unknown(f"item of {shown(value)}", "what it is taken from is not known", secret)]
            self.unsure = True


Run = Callable[[Held, Value], Held]


def _runner(ev: Evaluation, node: Call, env: Env, position: int) -> Run | None:
    """Return what applies the lambda at a position to an item and its index (or to two items)."""
    if position >= len(node.arguments):
        return None
    closure = ev.value(node.arguments[position], env)
    if not isinstance(closure, Closure):
        return None
    names = closure.node.parameters

    def run(first: Held, second: Held) -> Held:
        given: dict[str, Held] = dict(zip(names, (first, second), strict=False))
        return ev.value(closure.node.body, closure.env.binding(given))

    return run


def _plain(found: Held) -> Value:
    return settled(found) if isinstance(found, HANDLES) else found


def _not_a_lambda(ev: Evaluation, node: Call, env: Env) -> Value:
    return call_value(node.name, [ev.plain(argument, env) for argument in node.arguments])


def _more(node: Call) -> Unknown:
    return more(spelled(node.arguments[0]))


def lambda_call(_ev: Evaluation, node: Call, env: Env) -> Held:
    """``lambda('item', body)``: ARM's way to write one."""
    names = [str(each.value) for each in node.arguments[:-1] if isinstance(each, Constant)]
    if not node.arguments:
        return Unknown("lambda()", "it has no body")
    return Closure(Lambda(names, node.arguments[-1], node.start, node.end), env)


def lambda_variables(ev: Evaluation, node: Call, env: Env) -> Held:
    """``lambdaVariables('item')``."""
    name = ev.plain(node.arguments[0], env) if node.arguments else None
    if isinstance(name, str) and name in env.locals:
        return env.locals[name]
    return Unknown(spelled(node), "there is no such variable of a lambda")


def map_(ev: Evaluation, node: Call, env: Env) -> Held:
    """``map(array, item => value)``."""
    run = _runner(ev, node, env, 1)
    if run is None:
        return _not_a_lambda(ev, node, env)
    over = _Items(ev, node, env)
    made = [_plain(run(item, number)) for number, item in enumerate(over.items)]
    return [*made, _more(node)] if over.unsure else made


def filter_(ev: Evaluation, node: Call, env: Env) -> Held:
    """``filter(array, item => condition)``; an item that may be in it is kept, and the array is not closed."""
    run = _runner(ev, node, env, 1)
    if run is None:
        return _not_a_lambda(ev, node, env)
    over = _Items(ev, node, env)
    kept: list[Value] = []
    unsure = over.unsure
    for number, item in enumerate(over.items):
        wanted = truth(_plain(run(item, number)))
        if wanted is False:
            continue
        if wanted is None:
            unsure = True
        kept.append(_plain(item))
    return [*kept, _more(node)] if unsure else kept


def reduce_(ev: Evaluation, node: Call, env: Env) -> Held:
    """``reduce(array, start, (current, next) => value)``."""
    run = _runner(ev, node, env, 2)
    if run is None:
        return _not_a_lambda(ev, node, env)
    over = _Items(ev, node, env)
    current: Held = ev.value(node.arguments[1], env)
    for item in over.items:
        current = ev.bounded(run(current, item), env.frame, node)  # type: ignore[arg-type]  # an item, no index
    value = _plain(current)
    if not over.unsure:
        return value
    if isinstance(value, Object):
        return Object(value.properties, True, value.names)
    if isinstance(value, list):
        return [*value, _more(node)]
    return Unknown(spelled(node), "what it is made of is not known")


def sort_(ev: Evaluation, node: Call, env: Env) -> Held:
    """``sort(array, (a, b) => a < b)``; an order that is not known leaves no item at a known position."""
    run = _runner(ev, node, env, 1)
    if run is None:
        return _not_a_lambda(ev, node, env)
    over = _Items(ev, node, env)
    items = [_plain(item) for item in over.items]
    unsure = over.unsure

    def compare(left: Value, right: Value) -> int:
        nonlocal unsure
        before = truth(_plain(run(left, right)))
        if before is None:
            unsure = True
            return 0
        if before:
            return -1
        return 1 if truth(_plain(run(right, left))) else 0

    if not unsure:
        items = sorted(items, key=cmp_to_key(compare))
    return [_more(node), *items] if unsure else items


def to_object(ev: Evaluation, node: Call, env: Env) -> Held:
    """``toObject(array, item => name, item => value)``."""
    key, value = _runner(ev, node, env, 1), _runner(ev, node, env, 2)
    if key is None:
        return _not_a_lambda(ev, node, env)
    over = _Items(ev, node, env)
    properties: dict[str, Property] = {}
    names: dict[str, Value] = {}
    for number, item in enumerate(over.items):
        name = _plain(key(item, number))
        written = name if isinstance(name, str) else _key_of(name)
        if not isinstance(name, str):
            names[written] = name
        properties[written] = Property(_plain(value(item, number)) if value is not None else _plain(item))
    return Object(properties, over.unsure, names)


def _key_of(name: Value) -> str:
    return shown(name) if isinstance(name, list | Object) else show(name)


def group_by(ev: Evaluation, node: Call, env: Env) -> Held:
    """``groupBy(array, item => name)``."""
    key = _runner(ev, node, env, 1)
    if key is None:
        return _not_a_lambda(ev, node, env)
    over = _Items(ev, node, env)
    groups: dict[str, list[Value]] = {}
    names: dict[str, Value] = {}
    for number, item in enumerate(over.items):
        name = _plain(key(item, number))
        written = name if isinstance(name, str) else _key_of(name)
        if not isinstance(name, str):
            names[written] = name
        groups.setdefault(written, []).append(_plain(item))
    return Object({name: Property(list(items)) for name, items in groups.items()}, over.unsure, names)


def map_values(ev: Evaluation, node: Call, env: Env) -> Held:
    """``mapValues(object, value => value)``."""
    run = _runner(ev, node, env, 1)
    found = ev.plain(node.arguments[0], env) if node.arguments else None
    if run is None or not isinstance(found, Object):
        return _not_a_lambda(ev, node, env)
    made = {
        name: Property(_plain(run(held.value, number)), held.start, held.end)
        for number, (name, held) in enumerate(found.properties.items())
    }
    return Object(made, found.open, found.names)


LAMBDAS: dict[str, Form] = {
    "lambda": lambda_call,
    "lambdavariables": lambda_variables,
    "map": map_,
    "filter": filter_,
    "reduce": reduce_,
    "sort": sort_,
    "toobject": to_object,
    "groupby": group_by,
    "mapvalues": map_values,
}
