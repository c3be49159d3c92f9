"""Values as infrastructure files give them: known, or known to come from somewhere, or not known.

A value is one of

* ``str``, ``int``, ``float``, ``bool``, ``None``: known;
* ``list`` of values;
* :class:`Object`: names to properties, each with the place where it is written;
* :class:`Ref`: a property of something declared in the same unit, known after deployment;
* :class:`KeyRead`: a key, password or connection string read from a service;
* :class:`Text`: text with parts that are themselves not known;
* :class:`Unknown`: nothing but how it is written.

Two values that are built alike are equal, also when they are not known: ``"${var.prefix}-id"`` written twice in
one unit is the same name. That is how a role assignment finds the identity it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

# No value contains itself, so that the cycle collector need not look at them (``gc=False``): there are very many.

NOT_WRITTEN = -1
"""Stands for the offsets of a property that is not written in the declaration itself."""


class Unknown(msgspec.Struct, frozen=True, tag="unknown", array_like=True, gc=False):
    """A value that cannot be known before deployment. ``shown`` is how it is written: ``var.scope``, ``env()``."""

    shown: str
    why: str
    """For people, without a full stop: "the variable has no default", "no value is given for the parameter"."""
    secret: bool = False
    """Whether it is declared to be a secret: ``sensitive``, ``@secure()``, ``securestring``."""
    options: tuple[Value, ...] = ()
    """The values it can have when that much is known: both sides of a condition; empty when anything is possible."""


class Ref(msgspec.Struct, frozen=True, tag="ref", array_like=True, gc=False):
    """A property of a declaration: ``path`` is ``("id",)``, ``("name",)``, ``("properties", "principalId")``, ..."""

    target: str
    """The address of the declaration."""
    path: tuple[str, ...]
    shown: str


class KeyRead(msgspec.Struct, frozen=True, tag="key", array_like=True, gc=False):
    """A key, password, token or connection string that is read from a service when deploying."""

    of: Value
    """The service: a :class:`Ref` with the path ``("id",)``, an ARM id, or what stands in its place."""
    service: str
    """The ARM type of the service in lower case; empty when it cannot be told."""
    operation: str
    """How it is read: ``listKeys``, ``primary_access_key``, ``listConnectionStrings``, ..."""
    shown: str


class Text(msgspec.Struct, frozen=True, tag="text", array_like=True, gc=False):
    """Text with at least one part that is not a known string."""

    parts: tuple[Value, ...]


class Property(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A named value in an object; offsets in bytes of name and value together, in the file of the declaration."""

    value: Value
    start: int = NOT_WRITTEN
    end: int = NOT_WRITTEN

    @property
    def written(self) -> bool:
        """Whether it is written in the declaration itself and so has a place."""
        return self.start != NOT_WRITTEN


class Object(msgspec.Struct, frozen=True, tag="object", array_like=True, gc=False):
    """Names to properties; compare names without case, as Azure does, with :meth:`get`."""

    properties: dict[str, Property]
    open: bool = False
    """Whether it may have more properties than are known: it is united with, or made from, something unknown."""
    names: dict[str, Value] = {}
    """For a property whose name is not known text (``'${app.id}': {}``): what its name in ``properties`` stands for."""

    def get(self, name: str) -> Property | None:
        """Return a property by its name without case, the exact spelling first."""
        found = self.properties.get(name)
        if found is None:
            wanted = name.lower()
            for other, held in self.properties.items():
                if other.lower() == wanted:
                    return held
        return found


Value: TypeAlias = "str | int | float | bool | list[Value] | Object | Ref | KeyRead | Text | Unknown | None"


_LONGEST_SHOWN = 4_000
_DEEPEST_SHOWN = 32


def show(value: Value) -> str:
    """Return how a value is written, for messages and as a stable part of ids; a secret shows its kind only.

    A known text is returned whole; of anything else the first 4,000 characters, 32 levels deep, with an ellipsis.
    """
    if isinstance(value, str):
        return value
    pieces: list[str] = []
    _show(value, pieces, 0, _LONGEST_SHOWN)
    return "".join(pieces)


def _show(value: Value, pieces: list[str], depth: int, room: int) -> int:
    """Append how a value is written; returns how many characters may still follow."""
    if room <= 0:
        return room
    if isinstance(value, Text):
        for part in value.parts:
            room = _show(part, pieces, depth + 1, room)
        return room
    if isinstance(value, list | Object):
        return _show_many(value, pieces, depth, room)
    if isinstance(value, str):
        piece = value
    elif isinstance(value, Unknown | Ref | KeyRead):
        piece = "{" + value.shown + "}"
    elif isinstance(value, bool):
        piece = "true" if value else "false"
    else:
        piece = "null" if value is None else str(value)
    pieces.append(piece if len(piece) <= room else piece[:room] + "…")
    return room - len(piece)


def _show_many(value: list[Value] | Object, pieces: list[str], depth: int, room: int) -> int:
    opening, closing = "[]" if isinstance(value, list) else "{}"
    if depth >= _DEEPEST_SHOWN:
        pieces.append(opening + "…" + closing)
        return room - 3
    items = [("", item) for item in value] if isinstance(value, list) else _named(value)
    pieces.append(opening)
    for number, (name, item) in enumerate(items):
        if room <= 0:
            pieces.append("…")
            break
        head = (", " if number else "") + name
        pieces.append(head)
        room = _show(item, pieces, depth + 1, room - len(head))
    pieces.append(closing)
    return room - 2


def _named(value: Object) -> list[tuple[str, Value]]:
    return [(f"{name}: ", held.value) for name, held in value.properties.items()]


def text(parts: list[Value]) -> Value:
    """Join parts into one text: a plain ``str`` when all are known, else a :class:`Text` with neighbours joined."""
    joined: list[Value] = []
    for part in parts:
        pieces = part.parts if type(part) is Text else (part,)
        for piece in pieces:
            plain = piece if type(piece) is str else _plain(piece)
            if plain is None:
                joined.append(piece)
            elif joined and isinstance(joined[-1], str):
                joined[-1] += plain
            elif plain:
                joined.append(plain)
    if all(isinstance(part, str) for part in joined):
        return "".join(part for part in joined if isinstance(part, str))
    if len(joined) == 1 and not isinstance(joined[0], list | Object):
        return joined[0]
    return Text(tuple(joined))


def _plain(value: Value) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return None


def is_known(value: Value) -> bool:
    """Whether a value is known through and through."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Unknown | Ref | KeyRead | Text):
            return False
        if isinstance(one, list | Object):
            if id(one) in seen:
                continue
            seen.add(id(one))
            if isinstance(one, list):
                waiting.extend(one)
            elif one.open:
                return False
            else:
                waiting.extend(held.value for held in one.properties.values())
    return True


def leaves(value: Value, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Value]]:
    """Yield every scalar and every value that is not known, with its path; list positions are written as numbers.

    What :class:`Text` is made of is yielded part by part under the path of the text, known parts left out.
    """
    waiting: list[tuple[tuple[str, ...], Value]] = [(path, value)]
    while waiting:
        at, one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(((*at, str(number)), one[number]) for number in reversed(range(len(one))))
        elif isinstance(one, Object):
            waiting.extend(((*at, name), held.value) for name, held in reversed(one.properties.items()))
        elif isinstance(one, Text):
            waiting.extend((at, part) for part in reversed(one.parts) if not isinstance(part, str))
        else:
            yield at, one


def dig(value: Value, path: tuple[str, ...]) -> Property | None:
    """Return the property at a path of names and list positions; None when it is not there.

    A path that leads into something not known ends there: that property is returned.
    """
    held = Property(value)
    for step in path:
        inner = held.value
        if isinstance(inner, Object):
            found = inner.get(step)
            if found is None:
                if not inner.open:
                    return None
                return Property(Unknown(step, "its object is not wholly known"), held.start, held.end)
            held = found if found.written else Property(found.value, held.start, held.end)
        elif isinstance(inner, list):
            if not step.isdigit() or int(step) >= len(inner):
                return None
            held = Property(inner[int(step)], held.start, held.end)
        elif isinstance(inner, Unknown | Ref | Text | KeyRead):
            return held
        else:
            return None
    return held
