"""Walks through values that anybody may have written: never deep in the stack, never longer than the budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from scanner.catalog.property_path import pieces
from scanner.sources.declared.values import (
    NOT_WRITTEN,
    KeyRead,
    Object,
    Ref,
    Text,
    Unknown,
    Value,
)

MOST_STEPS = 1_000_000
"""Values looked at in one unit."""
_MOST_VISITS = 64
"""How often one object or list is entered in one walk: what is shared can stand in itself exponentially often."""
_DEEPEST = 64
_MOST_PARTS = 50_000
"""Values in one property that is handed to rules; what is larger is not known."""


class Budget:
    """How many values may still be looked at."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    @property
    def spent(self) -> bool:
        """Whether something was left out."""
        return self.left <= 0


class Leaf(NamedTuple):
    """A value that is not known text, with its path and the offsets of the narrowest property that is written."""

    path: tuple[str, ...]
    value: Ref | KeyRead | Unknown
    start: int
    end: int


def not_known(value: Value, budget: Budget) -> Iterator[Leaf]:
    """Yield every reference, key and unknown in a value, in order, those that name properties included.

    The parts of a text have the path of the text, the options of an unknown that of the unknown, and the service whose
    key is read that of the key. List positions are written as numbers.
    """
    visits: dict[int, int] = {}
    waiting: list[tuple[_Path, Value, int, int]] = [(None, value, NOT_WRITTEN, NOT_WRITTEN)]
    while waiting and budget.left > 0:
        budget.left -= 1
        path, one, start, end = waiting.pop()
        if one is None or isinstance(one, str | int | float):
            continue
        if isinstance(one, list | Object):
            visits[id(one)] = visits.get(id(one), 0) + 1
            if visits[id(one)] > _MOST_VISITS:
                continue
        if isinstance(one, list):
            many = one[: budget.left]
            waiting.extend(
                ((path, number), many[number], start, end) for number in reversed(range(len(many)))
            )
        elif isinstance(one, Object):
            for name, inner in reversed(one.properties.items()):
                at = (inner.start, inner.end) if inner.written else (start, end)
                waiting.append(((path, name), inner.value, *at))
                named = one.names.get(name)
                if named is not None:
                    waiting.append(((path, name), named, *at))
        elif isinstance(one, Text):
            waiting.extend((path, part, start, end) for part in reversed(one.parts))
        else:
            yield Leaf(_steps(path), one, start, end)
            if isinstance(one, Unknown):
                waiting.extend((path, option, start, end) for option in reversed(one.options))
            elif isinstance(one, KeyRead):
                waiting.append((path, one.of, start, end))


_Path: TypeAlias = "tuple[_Path, str | int] | None"
"""A path as its last step and what is before it: the walk makes many, few are looked at."""


def _steps(path: _Path) -> tuple[str, ...]:
    steps: list[str] = []
    while path is not None:
        path, step = path
        steps.append(str(step))
    return tuple(reversed(steps))


def plain(value: Value, stand_in: Callable[[Value], Any]) -> tuple[Any, bool]:
    """Return a value as decoded JSON, and whether it is known through and through.

    ``stand_in`` says what stands for what is not known; it is not called for the rest of an open object.
    """
    room = [_MOST_PARTS]
    whole = [True]

    def read(one: Value, depth: int) -> Any:
        room[0] -= 1
        if depth > _DEEPEST or room[0] < 0:
            whole[0] = False
            return stand_in(Unknown("…", "it is too large"))
        if isinstance(one, list):
            return [read(item, depth + 1) for item in one[: max(0, room[0]) + 1]]
        if isinstance(one, Object):
            if one.open or one.names:
                whole[0] = False
            return {
                name: read(inner.value, depth + 1) for name, inner in one.properties.items() if room[0] >= 0
            }
        if isinstance(one, Unknown | Ref | KeyRead | Text):
            whole[0] = False
            return stand_in(one)
        return one

    made = read(value, 0)
    return made, whole[0] and room[0] >= 0


class Found(NamedTuple):
    """A value at a path, with the concrete property it stands in (``properties.rules[0].port``) and its offsets."""

    where: str
    value: Value
    start: int
    end: int


def find(body: Object, path: str, most: int = 10_000) -> list[Found]:
    """Return every value that a path of the catalogue leads to; ``[]`` follows an array, ``{}`` a map of any names.

    A lone object where an array belongs is taken as its only element. A path that leads into something not known ends
    there: that value is returned.
    """
    found = [Found("", body, NOT_WRITTEN, NOT_WRITTEN)]
    for piece in pieces(path):
        bare = piece.removesuffix("[]").removesuffix("{}")
        inner = [step for one in found for step in _member(one, bare)]
        if bare != piece:
            inner = [step for one in inner for step in _elements(one, piece)]
        found = inner[:most]
        if not found:
            break
    return found


def _member(one: Found, name: str) -> list[Found]:
    value = one.value
    if isinstance(value, Unknown | Ref | Text | KeyRead):
        return [one] if one.where else []
    if not isinstance(value, Object):
        return []
    held = value.get(name)
    if held is None:
        if not value.open:
            return []
        unknown = Unknown(name, "its object is not wholly known")
        return [Found(_step(one.where, name), unknown, one.start, one.end)]
    at = (held.start, held.end) if held.written else (one.start, one.end)
    return [Found(_step(one.where, name), held.value, *at)]


def _elements(one: Found, piece: str) -> list[Found]:
    value = one.value
    if piece.endswith("[]"):
        if isinstance(value, list):
            return [
                Found(f"{one.where}[{number}]", item, one.start, one.end) for number, item in enumerate(value)
            ]
        return [one]
    if isinstance(value, Object):
        return [step for name in value.properties for step in _member(one, name)]
    return [one] if isinstance(value, Unknown | Ref | Text | KeyRead) else []


def written_path(path: tuple[str, ...]) -> str:
    """Return a path of names and list positions as people write it: ``properties.rules[0].port``."""
    where = ""
    for step in path:
        where = f"{where}[{step}]" if step.isdigit() and where else _step(where, step)
    return where


def _step(where: str, name: str) -> str:
    plain_name = name.replace("_", "").replace("-", "").replace("$", "")
    if plain_name.isalnum():
        return f"{where}.{name}" if where else name
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"{where}['{escaped}']"
