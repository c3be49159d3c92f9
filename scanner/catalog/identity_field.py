"""`identity.type` of an ARM resource, in all its spellings, as two booleans."""

from __future__ import annotations

import re

import msgspec

# `SystemAndUserAssigned` and `SystemAssignedUserAssigned` are one word in some services.
_WORDS = re.compile(r"(?:systemassigned|userassigned|systemand(?=userassigned)|none)+")
_SEPARATOR = re.compile(r"[,;|+&]")


class AssignedKinds(msgspec.Struct, frozen=True):
    """Which kinds of managed identity a resource says it has.

    `unknown` is the text that was not understood, empty if all was. With it, `system` and `user` tell what was
    understood and must not be read as "has none".
    """

    system: bool
    user: bool
    unknown: str = ""


def read_identity_type(value: object) -> AssignedKinds:
    """Read `identity.type`; never raises.

    Understood, without regard to case and to blanks: `SystemAssigned`, `UserAssigned`, `None`, both with a comma
    between them in either order, `SystemAndUserAssigned`, `SystemAssignedUserAssigned`. Missing, null or blank is
    none. Other words (a service's own, such as `ActorIdentity`) and other types of value are `unknown`.
    """
    if value is None:
        return AssignedKinds(system=False, user=False)
    if not isinstance(value, str):
        return AssignedKinds(system=False, user=False, unknown=repr(value)[:100])
    pieces = ["".join(piece.lower().split()) for piece in _SEPARATOR.split(value)]
    understood = [piece for piece in pieces if _WORDS.fullmatch(piece)]
    return AssignedKinds(
        system=any("system" in piece for piece in understood),
        user=any("user" in piece for piece in understood),
        unknown="" if len(understood) == len([piece for piece in pieces if piece]) else value.strip()[:100],
    )
