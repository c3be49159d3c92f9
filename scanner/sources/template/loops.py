"""Loops over arrays and counts; one run stands for all where what it goes over is not known."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from scanner.sources.declared.values import Unknown, Value
from scanner.sources.template.evaluation import MOST_INSTANCES, Evaluation
from scanner.sources.template.frames import HANDLES, Env, Held, Instances, handle_of, settled
from scanner.sources.template.maybe import (
    is_more,
    is_spread,
    more,
    possible_arrays,
    spread,
    with_possible_items,
)
from scanner.sources.template.model import Call, Loop
from scanner.sources.template.operators import truth
from scanner.sources.template.symbolic import shown


class Step(msgspec.Struct):
    """One run of a loop."""

    env: Env
    index: Value
    conditional: bool


def loop(ev: Evaluation, node: Loop, env: Env) -> Value:
    """Return the list that a loop makes."""
    items: list[Value] = []
    unsure = False
    for step in steps_of(ev, node, env, of_resource=False):
        items.append(ev.plain(node.body, step.env))
        unsure = unsure or step.conditional
    if unsure:
        items.append(more(f"for {node.item or node.name or 'copy'}"))
    return items


def steps_of(ev: Evaluation, node: Loop, env: Env, *, of_resource: bool) -> Iterator[Step]:
    """Yield the runs of a loop. One stands for all where what it goes over is not known."""
    label = node.name or (node.item if of_resource else "")
    for position, (item, index_value, unsure) in enumerate(_collection(ev, node, env)):
        if position >= MOST_INSTANCES:
            detail = f"A loop runs more than {MOST_INSTANCES:,} times: what follows is not evaluated."
            ev.tell(env.frame, node.collection, "skipped", detail)
            return
        if ev.exhausted:
            return
        names: dict[str, Held] = {}
        if node.item:
            names[node.item] = item
        if node.index:
            names[node.index] = index_value
        inner = env.looping(label, index_value, of_resource, names)
        conditional_step = unsure
        if node.condition is not None:
            wanted = truth(ev.plain(node.condition, inner))
            if wanted is False:
                continue
            conditional_step = unsure or wanted is None
        yield Step(inner, index_value, conditional_step)


def _collection(ev: Evaluation, node: Loop, env: Env) -> Iterator[tuple[Held, Value, bool]]:
    collection = node.collection
    if isinstance(collection, Call) and collection.name.lower() == "range" and len(collection.arguments) == 2:
        first, count = (ev.plain(argument, env) for argument in collection.arguments)
        if isinstance(first, int) and isinstance(count, int):
            # Not made as a list: a hostile count costs nothing.
            for number in range(min(max(count, 0), MOST_INSTANCES + 1)):
                yield first + number, number, False
            return
        name = node.name or node.item or "copy"
        counts = _counts(count)
        if isinstance(first, int) and counts:
            for number in range(min(max(counts), MOST_INSTANCES + 1)):
                yield first + number, number, number >= min(counts)
            return
        yield Unknown(name, "how often its loop runs is not known"), _unknown_index(name), True
        return
    found = ev.value(collection, env)
    if isinstance(found, Instances):
        for number, instance in enumerate(found.items):
            yield handle_of(instance), _unknown_index(node.item) if found.open else number, found.open
        return
    value = settled(found) if isinstance(found, HANDLES) else found
    if value is None:
        return
    choices = None if isinstance(value, list) else possible_arrays(value)
    if choices is not None:
        value = [spread(value)]
    if not isinstance(value, list):
        secret = isinstance(value, Unknown) and value.secret
        single = Unknown(f"{node.item} of {shown(value)}", "what its loop goes over is not known", secret)
        yield single, _unknown_index(node.item), True
        return
    unsure = any(is_more(each) for each in value)
    known_so_far = True
    for number, (each, sure) in enumerate(with_possible_items(value)):
        if is_more(each) and number > 0:
            continue  # what was yielded before it stands for it
        known_so_far = known_so_far and not unsure and sure and not is_spread(each)
        item: Value = each
        if isinstance(each, Unknown) and is_spread(each):
            of = each.shown.removeprefix("...").strip() or "it"
            item = Unknown(f"{node.item} of {of}", each.why, each.secret)
        yield (
            item,
            number if known_so_far else _unknown_index(node.item),
            unsure or not sure or is_spread(each),
        )


def _counts(value: Value) -> list[int]:
    """Return the numbers that something unknown can be; nothing when it can be anything."""
    options = value.options if isinstance(value, Unknown) else ()
    counts = [option for option in options if isinstance(option, int) and option >= 0]
    return counts if len(counts) == len(options) else []


def _unknown_index(name: str) -> Unknown:
    return Unknown(f"index of {name}", "how often its loop runs is not known")
