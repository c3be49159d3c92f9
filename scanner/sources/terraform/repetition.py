"""``count`` and ``for_each``: how often a block is made, and what ``count.index`` and ``each`` are each time."""

from __future__ import annotations

from typing import Literal as OneOf

import msgspec

from scanner.sources.declared.declaration import Place
from scanner.sources.declared.values import Unknown, Value
from scanner.sources.terraform.expressions import Evaluator, whole_number
from scanner.sources.terraform.scope import Scope
from scanner.sources.terraform.symbolic import Failed, brief, made, scalar_text, shorten, unknown, why
from scanner.sources.terraform.syntax import Block

MOST_COPIES = 1_000


class Copy(msgspec.Struct):
    """One instance that a block makes."""

    suffix: str
    """What follows its address: ``["a"]``, ``[0]``; ``[*]`` when neither key nor number can be known."""
    key: Value
    names: dict[str, Value]
    conditional: bool = False


class Copies(msgspec.Struct):
    """All instances that a block makes."""

    kind: OneOf["one", "count", "each"]
    copies: list[Copy]
    more: bool = False
    """Whether each stands for any number of them, as where the collection is not known."""


ONE = Copies("one", [Copy("", None, {})])


def copies_of(evaluator: Evaluator, block: Block, scope: Scope) -> Copies:
    """Return the instances of a resource or module. Records a gap for those beyond ``MOST_COPIES``.

    Raises :class:`Failed` when ``for_each`` or ``count`` cannot be evaluated.
    """
    each = block.body.attributes.get("for_each")
    if each is not None:
        value = evaluator.force(evaluator.evaluate(each.value, scope))
        return _limited(evaluator, _each(evaluator, value), Place(block.uri, each.start, each.end))
    count = block.body.attributes.get("count")
    if count is not None:
        value = evaluator.force(evaluator.evaluate(count.value, scope))
        return _limited(evaluator, _count(value), Place(block.uri, count.start, count.end))
    return ONE


def unknown_copies(kind: OneOf["count", "each"], of: str, reason: str) -> Copies:
    """Return the one instance that stands for all when nothing is known of how many there are."""
    if kind == "count":
        index = unknown(shorten(f"range({of})[*]"), reason)
        return Copies(kind, [Copy("[*]", index, {"count": made({"index": index})}, True)], True)
    key, item = unknown(shorten(f"keys({of})[*]"), reason), unknown(shorten(f"{of}[*]"), reason)
    return Copies(kind, [Copy("[*]", key, {"each": made({"key": key, "value": item})}, True)], True)


def _limited(evaluator: Evaluator, copies: Copies, place: Place) -> Copies:
    total = len(copies.copies)
    if total > MOST_COPIES:
        detail = f"It is made {total:,} times; only the first {MOST_COPIES:,} are read."
        evaluator.budget.tell(place, "skipped", detail)
        copies.copies = copies.copies[:MOST_COPIES]
    evaluator.budget.spend(len(copies.copies))
    return copies


def _count(value: Value) -> Copies:
    if isinstance(value, Unknown) and value.options:
        numbers = [_whole(option) for option in value.options]
        known = [number for number in numbers if number is not None]
        if len(known) == len(numbers):
            return _counted(max(known), min(known))
    number = _whole(value)
    if number is not None:
        return _counted(number, number)
    if value is None:
        raise Failed("count is null")
    if isinstance(value, list) or (not isinstance(value, Unknown) and scalar_text(value) is not None):
        raise Failed("count is no whole number")
    return unknown_copies("count", brief(value), why(value))


def _whole(value: Value) -> int | None:
    # Older versions took true for one.
    return int(value) if isinstance(value, bool) else whole_number(value)


def _counted(number: int, least: int) -> Copies:
    copies = [
        Copy(f"[{at}]", at, {"count": made({"index": at})}, at >= least)
        for at in range(min(number, MOST_COPIES))
    ]
    # The length says how many there would be without making millions of them.
    return Copies("count", _Longer(copies, number)) if number > MOST_COPIES else Copies("count", copies)


class _Longer(list[Copy]):
    """A list that stands for a longer one."""

    def __init__(self, copies: list[Copy], length: int) -> None:
        super().__init__(copies)
        self._length = length

    def __len__(self) -> int:
        return self._length


def _each(evaluator: Evaluator, value: Value) -> Copies:
    if isinstance(value, Unknown) and value.options:
        return _one_of(evaluator, value)
    if value is None:
        raise Failed("for_each is null")
    pairs, more = evaluator.pairs(value)
    if more and isinstance(value, Unknown):
        return unknown_copies("each", brief(value), value.why)
    copies: list[Copy] = []
    suffixes: set[str] = set()
    for key, item in pairs:
        # A set has no keys but its items.
        copy = _copy(item if isinstance(value, list) else key, item, more)
        if copy.suffix not in suffixes:
            suffixes.add(copy.suffix)
            copies.append(copy)
    return Copies("each", copies, more)


def _copy(key: Value, item: Value, more: bool) -> Copy:
    name = scalar_text(key)
    if name is not None:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        suffix = f'["{shorten(escaped)}"]'
        key = name
    else:
        suffix = f"[{{{brief(key)}}}]"
    return Copy(suffix, key, {"each": made({"key": key, "value": item})}, more)


def _one_of(evaluator: Evaluator, value: Unknown) -> Copies:
    """Return the instances of every collection that it may be; those that not all have are conditional."""
    copies: dict[str, Copy] = {}
    times: dict[str, int] = {}
    more = False
    for option in value.options:
        one = _each(evaluator, option) if option is not None else Copies("each", [])
        more = more or one.more
        for copy in one.copies:
            times[copy.suffix] = times.get(copy.suffix, 0) + 1
            copies.setdefault(copy.suffix, copy)
    for suffix, copy in copies.items():
        copy.conditional = copy.conditional or times[suffix] < len(value.options)
    return Copies("each", list(copies.values()), more)
