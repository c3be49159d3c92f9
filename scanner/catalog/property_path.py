"""Property paths as rules and the catalogue write them: ``properties.a.b``, ``properties.rules[].port``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ABSENT = object()
"""Stands for a property that is not there, which is not the same as one that is null."""


def pieces(path: str) -> tuple[str, ...]:
    """Split a path at its dots; ``[]`` and ``{}`` stay with the name they follow."""
    return tuple(piece for piece in path.split(".") if piece)


def fixed_part(path: str) -> tuple[str, ...]:
    """Return the names up to the first array or map: what a query can project."""
    names: list[str] = []
    for piece in pieces(path):
        bare = piece.removesuffix("[]").removesuffix("{}")
        names.append(bare)
        if bare != piece:
            break
    return tuple(names)


def dig(resource: Any, path: str) -> Any:
    """Return the value at a path, :data:`ABSENT` when there is none. Keys are compared without case.

    After ``[]`` or ``{}`` the result is the list of what the elements hold, without the absent ones.
    """
    return _dig(resource, pieces(path))


def _dig(value: Any, rest: tuple[str, ...]) -> Any:
    for number, piece in enumerate(rest):
        bare = piece.removesuffix("[]").removesuffix("{}")
        value = member(value, bare)
        if value is ABSENT:
            return ABSENT
        if bare != piece:
            inner = list(value.values()) if isinstance(value, Mapping) else value
            if not isinstance(inner, list):
                return ABSENT
            found = [_dig(element, rest[number + 1 :]) for element in inner]
            return [element for element in found if element is not ABSENT]
    return value


def member(value: Any, name: str) -> Any:
    """Return a member of a JSON object by its name without case, the exact spelling first; else :data:`ABSENT`."""
    if not isinstance(value, Mapping):
        return ABSENT
    if name in value:
        return value[name]
    wanted = name.lower()
    for key, inner in value.items():
        if isinstance(key, str) and key.lower() == wanted:
            return inner
    return ABSENT
