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

NOT_WRITTEN = -1
"""Stands for the offsets of a property that is not written in the declaration itself."""


class Unknown(msgspec.Struct, frozen=True, tag="unknown", array_like=True):
    """A value that cannot be known before deployment. ``shown`` is how it is written: ``var.scope``, ``env()``."""

    shown: str
    why: str
    """For people, without a full stop: "the variable has no default", "no value is given for the parameter"."""
    secret: bool = False
    """Whether it is declared to be a secret: ``sensitive``, ``@secure()``, ``securestring``."""
    options: tuple[Value, ...] = ()
    """The values it can have when that much is known: both sides of a condition; empty when anything is possible."""


class Ref(msgspec.Struct, frozen=True, tag="ref", array_like=True):
    """A property of a declaration: ``path`` is ``("id",)``, ``("name",)``, ``("properties", "principalId")``, ..."""

    target: str
    """The address of the declaration."""
    path: tuple[str, ...]
    shown: str


class KeyRead(msgspec.Struct, frozen=True, tag="key", array_like=True):
    """A key, password, token or connection string that is read from a service when deploying."""

    of: Value
    """The service: a :class:`Ref` with the path ``("id",)``, an ARM id, or what stands in its place."""
    service: str
    """The ARM type of the service in lower case; empty when it cannot be told."""
    operation: str
    """How it is read: ``listKeys``, ``primary_access_key``, ``listConnectionStrings``, ..."""
    shown: str


class Text(msgspec.Struct, frozen=True, tag="text", array_like=True):
    """Text with at least one part that is not a known string."""

    parts: tuple[Value, ...]


class Property(msgspec.Struct, frozen=True, array_like=True):
    """A named value in an object; offsets in bytes of name and value together, in the file of the declaration."""

    value: Value
    start: int = NOT_WRITTEN
    end: int = NOT_WRITTEN

    @property
    def written(self) -> bool:
        """Whether it is written in the declaration itself and so has a place."""
        return self.start != NOT_WRITTEN


class Object(msgspec.Struct, frozen=True, tag="object", array_like=True):
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


def show(value: Value) -> str:
    """Return how a value is written, for messages and as a stable part of ids; a secret shows its kind only."""
    if isinstance(value, str):
        return value
    if isinstance(value, Unknown | Ref | KeyRead):
        return "{" + value.shown + "}"
    if isinstance(value, Text):
        return "".join(show(part) for part in value.parts)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ", ".join(show(item) for item in value) + "]"
    if isinstance(value, Object):
        return "{" + ", ".join(f"{name}: {show(held.value)}" for name, held in value.properties.items()) + "}"
    return str(value)


def text(parts: list[Value]) -> Value:
    """Join parts into one text: a plain ``str`` when all are known, else a :class:`Text` with neighbours joined."""
    joined: list[Value] = []
    for part in parts:
        pieces = part.parts if isinstance(part, Text) else (part,)
        for piece in pieces:
            plain = _plain(piece)
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
    if isinstance(value, list):
        return all(is_known(item) for item in value)
    if isinstance(value, Object):
        return not value.open and all(is_known(held.value) for held in value.properties.values())
    return not isinstance(value, Unknown | Ref | KeyRead | Text)


def leaves(value: Value, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Value]]:
    """Yield every scalar and every value that is not known, with its path; list positions are written as numbers.

    What :class:`Text` is made of is yielded part by part under the path of the text, known parts left out.
    """
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from leaves(item, (*path, str(number)))
    elif isinstance(value, Object):
        for name, held in value.properties.items():
            yield from leaves(held.value, (*path, name))
    elif isinstance(value, Text):
        for part in value.parts:
            if not isinstance(part, str):
                yield from leaves(part, path)
    else:
        yield path, value


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
