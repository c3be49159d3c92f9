"""What evaluation works with beyond ``declared.values``: lists that are not wholly known, blocks, and comparing.

A ``for`` over something unknown is evaluated once, for one representative item: ``[for r in var.roles : r.name]`` is
an :class:`OpenList` of one :class:`Unknown` that is written ``var.roles[*].name``.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable

from scanner.sources.declared.values import KeyRead, Object, Property, Ref, Text, Unknown, Value

MOST_PARTS = 50_000
"""Parts of one value; what is larger is not kept."""
MOST_VALUE_DEPTH = 64
MOST_TEXT = 1_000_000
"""Characters of a text that an expression makes."""
MOST_OPTIONS = 16
_MOST_SHOWN = 100
_MOST_SHOWN_PARTS = 40
_MOST_NUMBER = 10**300


class OpenList(list[Value]):
    """A list that may have other items than these: each stands for any number of them, also for none."""


class Partial(OpenList):
    """A list of which the last items may be missing: instances of a resource whose count may be one of two."""

    least = 0
    """How many there are at least."""


class Set(list[Value]):
    """A set: its items are told apart by what they are, not by their numbers."""


class Blocks(list[Value]):
    """Nested blocks of one type, each an :class:`Object` that has more attributes than are written."""


class Failed(Exception):  # noqa: N818  # not an error of Midas: Terraform would refuse the expression too
    """An expression has no value; for people, without a full stop. ``try`` and ``can`` catch it, as in Terraform."""


class Undetermined(Exception):  # noqa: N818  # not an error either
    """A function cannot be computed here; for people, without a full stop."""


class Missing:
    """The class of ``MISSING``."""


MISSING = Missing()
"""Stands for an argument that is not written."""


def relisted(value: list[Value], items: list[Value]) -> list[Value]:
    """Return other items in a list of the same kind."""
    made = type(value)(items)
    if isinstance(value, Partial) and isinstance(made, Partial):
        made.least = value.least
    return made


def unknown(
    shown: str, why: str, *, secret: bool = False, options: tuple[Value, ...] | list[Value] = ()
) -> Unknown:
    """Make an unknown; options are made distinct, and dropped when there are too many to be of use."""
    kept: list[Value] = []
    for option in options:
        for each in option.options if isinstance(option, Unknown) and option.options else (option,):
            if each not in kept:
                kept.append(each)
        if len(kept) > MOST_OPTIONS:
            kept = []
            break
    return Unknown(shown, why, secret, tuple(kept))


def brief(value: Value) -> str:
    """Return how a value is written, short; of two that differ beyond that the checksum of what was cut differs."""
    pieces: list[str] = []
    left = [_MOST_SHOWN_PARTS]
    _show(value, pieces, left, 0)
    shown = "".join(pieces)
    return shown if len(shown) <= _MOST_SHOWN else shorten(shown)


def shorten(shown: str) -> str:
    """Cut text that is too long to show, with a checksum in place of what is cut."""
    if len(shown) <= _MOST_SHOWN:
        return shown
    return f"{shown[:_MOST_SHOWN]}...{zlib.crc32(shown.encode('utf-8', 'replace')):08x}"


def _show(value: Value, out: list[str], left: list[int], depth: int) -> None:
    left[0] -= 1
    if left[0] < 0 or depth > 8:
        out.append("...")
    elif isinstance(value, str):
        out.append(value[:_MOST_SHOWN] if depth == 0 else f'"{value[:_MOST_SHOWN]}"')
    elif isinstance(value, Unknown | Ref | KeyRead):
        out.append(value.shown)
    elif isinstance(value, Text):
        for part in value.parts:
            if isinstance(part, str):
                out.append(part)
            else:
                out.append("{")
                _show(part, out, left, depth + 1)
                out.append("}")
    elif isinstance(value, list):
        out.append("[")
        for number, item in enumerate(value[: _MOST_SHOWN_PARTS + 1]):
            if number:
                out.append(", ")
            _show(item, out, left, depth + 1)
        out.append("]")
    elif isinstance(value, Object):
        out.append("{")
        for number, (name, held) in enumerate(value.properties.items()):
            if number > _MOST_SHOWN_PARTS:
                break
            out.append(f"{', ' if number else ''}{name} = ")
            _show(held.value, out, left, depth + 1)
        out.append("...}" if value.open else "}")
    elif isinstance(value, bool):
        out.append("true" if value else "false")
    elif value is None:
        out.append("null")
    else:
        out.append(str(value))


def parts(value: Value, most: int = MOST_PARTS) -> tuple[int, bool]:
    """Count the parts of a value, shared ones as often as they occur; say whether a module is among them.

    Raises :class:`Failed` when there are more than ``most`` or they are nested too deeply.
    """
    count = 0
    modules = False
    stack: list[tuple[Value, int]] = [(value, 0)]
    while stack:
        each, depth = stack.pop()
        count += 1
        if count > most:
            raise Failed(f"its value has more than {most:,} parts")
        if depth > MOST_VALUE_DEPTH:
            raise Failed(f"its value is nested more than {MOST_VALUE_DEPTH} deep")
        if isinstance(each, list):
            stack.extend([(item, depth + 1) for item in each])
        elif isinstance(each, Object):
            stack.extend([(held.value, depth + 1) for held in each.properties.values()])
        elif isinstance(each, Text):
            stack.extend([(part, depth + 1) for part in each.parts])
        elif isinstance(each, Unknown):
            stack.extend([(option, depth + 1) for option in each.options])
        elif each is not None and not isinstance(each, str | int | float | Ref | KeyRead):
            modules = True
    return count, modules


def determined(value: Value) -> bool:
    """Whether a value is known through and through: no representative of a list, no reference."""
    if isinstance(value, list):
        return not isinstance(value, OpenList) and all(determined(item) for item in value)
    if isinstance(value, Object):
        return (
            not value.open
            and not value.names
            and all(determined(held.value) for held in value.properties.values())
        )
    return not isinstance(value, Unknown | Ref | KeyRead | Text)


def why(value: Value) -> str:
    """Return the first reason why a value is not known."""
    otherwise = "its items are not known"
    stack = [value]
    for _ in range(MOST_PARTS):
        if not stack:
            break
        each = stack.pop()
        if isinstance(each, Unknown):
            return each.why
        if isinstance(each, Ref | KeyRead):
            return f"{each.shown} is known after deployment"
        if isinstance(each, Text):
            stack.extend(reversed(each.parts))
        elif isinstance(each, list):
            if isinstance(each, OpenList):
                otherwise = "the list is not wholly known"
            stack.extend(reversed(each))
        elif isinstance(each, Object):
            if each.open:
                otherwise = "the object is not wholly known"
            stack.extend(reversed([held.value for held in each.properties.values()]))
    return otherwise


def is_secret(value: Value) -> bool:
    """Whether something in a value is declared to be a secret."""
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, Unknown):
            if each.secret:
                return True
        elif isinstance(each, Text):
            stack.extend(each.parts)
        elif isinstance(each, list):
            stack.extend(each)
        elif isinstance(each, Object):
            stack.extend([held.value for held in each.properties.values()])
    return False


def same(left: Value, right: Value) -> bool | None:
    """Whether two values are equal, wherever they are written; None when that cannot be known."""
    if left is right:
        return True
    if isinstance(left, Unknown | Ref | KeyRead | Text) or isinstance(right, Unknown | Ref | KeyRead | Text):
        return _same_symbolic(left, right)
    if isinstance(left, list) and isinstance(right, list):
        if isinstance(left, OpenList) or isinstance(right, OpenList):
            return None
        if len(left) != len(right):
            return False
        return _all(same(one, other) for one, other in zip(left, right, strict=True))
    if isinstance(left, Object) and isinstance(right, Object):
        if left.open or right.open or left.names or right.names:
            return None
        if left.properties.keys() != right.properties.keys():
            return False
        return _all(same(held.value, right.properties[name].value) for name, held in left.properties.items())
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool) and left == right
    return left == right


def _all(answers: Iterable[bool | None]) -> bool | None:
    known: bool | None = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            known = None
    return known


def _same_symbolic(left: Value, right: Value) -> bool | None:
    if isinstance(left, Unknown | Ref | KeyRead | Text) and left == right:
        return True
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Unknown) and one.options:
            return False if all(same(option, other) is False for option in one.options) else None
        if isinstance(one, Text) and not isinstance(other, Unknown | Ref | KeyRead | Text):
            # Text with something known in it is neither null nor empty nor a number.
            return None if isinstance(other, str) and other else False
        if isinstance(one, Ref) and one.path in (("id",), ("name",)) and (other is None or other == ""):
            return False
    return None


def number(value: int | float) -> int | float:
    """Return a number as Terraform has it: whole ones are integers. Raises :class:`Failed` for absurd ones."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Failed("its value is no finite number")
        if value.is_integer() and abs(value) < 2**63:
            return int(value)
        return value
    if abs(value) > _MOST_NUMBER:
        raise Failed("its value is no number that can be handled")
    return value


def scalar_text(value: Value) -> str | None:
    """Return a known scalar as Terraform converts it to a string; None for what is not one."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return None


def made(properties: dict[str, Value], *, more: bool = False) -> Object:
    """Make an object that is not written anywhere."""
    return Object({name: Property(value) for name, value in properties.items()}, more)


def each_option(value: Value, apply: Callable[[Value], Value]) -> list[Value]:
    """Apply something to what an unknown can be, leaving out where it fails."""
    out: list[Value] = []
    for option in value.options if isinstance(value, Unknown) else (value,):
        try:
            out.append(apply(option))
        except Failed:
            continue
    return out


def masked(value: Value, shown: str) -> Value:
    """Return a value that is declared to be a secret without the texts in it: numbers and what is empty stay.

    ``shown`` is how the value is written; of a part of it, with the name of the part.
    """
    if isinstance(value, str) and value:
        return Unknown(shown, "it is declared to be a secret", True)
    if isinstance(value, Text):
        hidden = enumerate(value.parts)
        return Text(
            tuple(part if isinstance(part, str) else masked(part, f"{shown}[{at}]") for at, part in hidden)
        )
    if isinstance(value, Unknown):
        return Unknown(value.shown, value.why, True)
    if isinstance(value, list):
        return relisted(value, [masked(item, f"{shown}[{at}]") for at, item in enumerate(value)])
    if isinstance(value, Object):
        properties = {
            name: Property(masked(held.value, f"{shown}.{name}"), held.start, held.end)
            for name, held in value.properties.items()
        }
        return Object(properties, value.open, value.names)
    return value
