"""The value of each class of expression but calls: literals, operators, loops, ways into objects and arrays."""

from __future__ import annotations

from scanner.sources.declared.values import Object, Property, Ref, Text, Unknown, Value, show, text
from scanner.sources.template.evaluation import MOST_PARTS, MOST_TEXT, NOT_DEPLOYED, Evaluation
from scanner.sources.template.frames import Closure, Env, Held, Instances, handle_of
from scanner.sources.template.maybe import overlay, spread
from scanner.sources.template.members import item_from_end, item_of, member_of
from scanner.sources.template.model import (
    Array,
    Broken,
    Constant,
    Expression,
    Index,
    Interpolation,
    Lambda,
    Loop,
    Member,
    Nested,
    ObjectLiteral,
    Outside,
    Spread,
    Unary,
    Unread,
)
from scanner.sources.template.spelling import spelled
from scanner.sources.template.symbolic import shown


def constant(_ev: Evaluation, node: Constant, _env: Env) -> Value:
    """Return the value of a literal."""
    return node.value


def interpolation(ev: Evaluation, node: Interpolation, env: Env) -> Value:
    """Return the text that an interpolated string makes."""
    return joined([part if isinstance(part, str) else ev.plain(part, env) for part in node.parts])


def joined(parts: list[Value]) -> Value:
    """Join parts to one text of bounded size. Containers in a text are shown as what they are."""
    size = count = 0
    plain: list[Value] = []
    for part in parts:
        each = part
        if isinstance(part, list | Object):
            each = Unknown(shown(part), "it is no text")
        elif part is None:
            each = ""
        count += len(each.parts) if isinstance(each, Text) else 1
        if isinstance(each, Text):
            size += sum(len(piece) for piece in each.parts if isinstance(piece, str))
        elif isinstance(each, str):
            size += len(each)
        plain.append(each)
    if size > MOST_TEXT or count > MOST_PARTS:
        return Unknown("...", "it is too long")
    return text(plain)


def array(ev: Evaluation, node: Array, env: Env) -> Value:
    """Return a list; what is spread into it from something unknown stays one unknown item."""
    items: list[Value] = []
    for item in node.items:
        kind = type(item)
        if kind is Constant:
            items.append(item.value)  # type: ignore[union-attr]  # its type was looked at
            continue
        if kind is Spread:
            found = ev.plain(item.expression, env)  # type: ignore[union-attr]
            if isinstance(found, list):
                items.extend(found)
            elif found is not None:
                items.append(spread(found))
            continue
        made = ev.plain(item, env)
        if kind is Loop and isinstance(made, list):
            items.extend(made)
        else:
            items.append(made)
    return items


def array_of_spread(ev: Evaluation, node: Spread, env: Env) -> Value:
    """Return what is spread; only an array that holds it spreads it, see :func:`array`."""
    return ev.plain(node.expression, env)


def object_(ev: Evaluation, node: ObjectLiteral, env: Env) -> Value:
    """Return an object with the place of each property."""
    if node.spreads:
        return _spread_object(ev, node, env)
    return _object_part(ev, node, env, 0, len(node.entries))


def _object_part(ev: Evaluation, node: ObjectLiteral, env: Env, begin: int, end: int) -> Object:
    properties: dict[str, Property] = {}
    names: dict[str, Value] = {}
    for entry in node.entries[begin:end]:
        name = entry.name
        if type(name) is not str:
            named = ev.plain(name, env)  # type: ignore[arg-type]  # no str: an expression
            if isinstance(named, str):
                name = named
            else:
                name = show(named) if not isinstance(named, list | Object) else shown(named)
                names[name] = named
        value_node = entry.value
        if type(value_node) is Constant:
            value: Value = value_node.value
        else:
            value = ev.plain(value_node, env)
        properties[name] = Property(value, entry.start, entry.end)
    return Object(properties, False, names)


def _spread_object(ev: Evaluation, node: ObjectLiteral, env: Env) -> Value:
    made: Value = Object({})
    begin = 0
    for position, expression in node.spreads:
        made = overlay(made, _object_part(ev, node, env, begin, position), deep=False)
        made = overlay(made, ev.plain(expression, env), deep=False)
        begin = position
    return overlay(made, _object_part(ev, node, env, begin, len(node.entries)), deep=False)


def member(ev: Evaluation, node: Member, env: Env) -> Held:
    """Return ``base.name``."""
    safe = node.safe or _asked_safely(node.base)
    return member_of(ev, ev.value(node.base, env), node.name, node, safe=safe, env=env)


def index(ev: Evaluation, node: Index, env: Env) -> Held:
    """Return ``base[index]``."""
    if isinstance(node.index, Unary) and node.index.operator == "^":
        back = ev.plain(node.index.operand, env)
        return item_from_end(ev.plain(node.base, env), back, node, safe=node.safe)
    safe = node.safe or _asked_safely(node.base)
    return item_of(ev, ev.value(node.base, env), ev.plain(node.index, env), node, safe=safe, env=env)


def _asked_safely(node: Expression) -> bool:
    """Whether a step before was asked for with a question mark: where that gave null, so does the rest."""
    while isinstance(node, Member | Index):
        if node.safe:
            return True
        node = node.base
    return False


def nested(ev: Evaluation, node: Nested, env: Env) -> Held:
    """Return ``base::name``: the resource of that name declared inside another."""
    from scanner.sources.template.resources import expand

    base = ev.value(node.base, env)
    if isinstance(base, Instances) and len(base.items) == 1:
        base = handle_of(base.items[0])
    if isinstance(base, Ref) and not base.path:
        outer = ev.declared.get(base.target)
        if outer is not None:
            for child in outer.resource.nested:
                if child.symbol == node.name:
                    return one_or_all(expand(ev, outer.frame, child, outer), spelled(node))
    return Unknown(spelled(node), f"no resource {node.name} is declared there")


def one_or_all(instances: Instances, name: str) -> Held:
    """Return what a symbol stands for: a resource, a module, or all instances of a loop."""
    if instances.looped:
        return instances
    if not instances.items:
        return Unknown(name, NOT_DEPLOYED)
    return handle_of(instances.items[0])


def lambda_(_ev: Evaluation, node: Lambda, env: Env) -> Held:
    """Return a lambda with what it sees."""
    return Closure(node, env)


def outside(ev: Evaluation, node: Outside, _env: Env) -> Held:
    """Return what an expression of the file around a template gives."""
    return ev.value(node.expression, node.env)


def broken(_ev: Evaluation, node: Broken, _env: Env) -> Value:
    """Return what stands for an expression that does not parse; a gap told of it when it was read."""
    return Unknown(node.shown, "it does not parse")


def unread(_ev: Evaluation, _node: Unread, _env: Env) -> Value:
    """Return what stands for a template: it is deployed, but is no value."""
    return Unknown("template", "it is no value")
