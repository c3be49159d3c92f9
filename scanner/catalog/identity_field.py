"""`identity.type` of an ARM resource, in all its spellings, as two booleans."""

from __future__ import annotations

import re

import msgspec

# Longest first: `systemassigneduserassigned` and `systemanduserassigned` are one word in some services.
_WORD = re.compile(r"systemassigned|userassigned|systemand(?=userassigned)|none")
_SEPARATOR = re.compile(r"[\s,;|+&]+")


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
    text = _SEPARATOR.sub("", value.lower())
    rest = _WORD.sub(" ", text).strip()
    words = set(_WORD.findall(text))
    return AssignedKinds(
        system="systemassigned" in words or "systemand" in words,
        user="userassigned" in words,
        unknown=value.strip()[:100] if rest else "",
    )
