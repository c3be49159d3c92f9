"""The evidence of a finding as a person reads it: a label in words, the value in words, the Azure ids behind it."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

import msgspec

from reports.hostile import LABEL_LIMIT, entity_name, shown, spoken
from scanner.engine.finding import Finding

MEMBER_LIMIT = 20
"""Members of a list that are shown."""

_LABELS = MappingProxyType(
    {
        "pattern": "allowed by",
        "power": "lets the holder",
        "group": "held through",
        "level": "scope level",
        "held": "role assignments",
        "sharing": "resources sharing it",
    }
)
"""Column to its label, where the column's own name is not what a reader would say."""

_VERBS = MappingProxyType({"read": "read", "write": "write", "delete": "delete", "action": "other"})


class Evidence(msgspec.Struct, frozen=True):
    """One piece of evidence: what it is, what it says, in how far it needs explaining, and the Azure ids behind it."""

    label: str
    value: str
    meaning: str
    ids: tuple[str, ...]


def evidence_of(finding: Finding) -> Iterator[Evidence]:
    """Yield the evidence of a finding in its order, every text visible and cut."""
    for key, value in finding.evidence.items():
        members = value if isinstance(value, list | tuple) else [value]
        more = len(members) - MEMBER_LIMIT
        text = ", ".join(spoken(member) for member in members[:MEMBER_LIMIT]) or "none"
        if more > 0:
            text = f"{shown(text)} and {more:,} more"
        meaning = ""
        if key == "group" and value is None:
            text = "no group: directly"
        if key == "pattern" and isinstance(value, str):
            meaning = pattern_meaning(value)
        ids = tuple(
            shown(str(member["id"])) for member in members[:MEMBER_LIMIT] if entity_name(member) is not None
        )
        label = _LABELS.get(key) or str(key).replace("_", " ")
        yield Evidence(shown(label, LABEL_LIMIT), shown(text), shown(meaning), ids)


def pattern_meaning(pattern: str) -> str:
    """Return in words which operations a pattern of a role allows; empty where it says so itself.

    ``*/write`` is "every write operation of every provider". Patterns are matched as Azure does, without regard
    to case, and ``*`` stands for any run of characters, slashes among them.
    """
    parts = pattern.strip().split("/")
    if "*" not in pattern:
        return ""
    if set(parts) == {"*"}:
        return "every operation of every provider"
    *place, last = parts
    if last == "*" and "*" not in "".join(place):
        return (
            f"every operation of {'/'.join(place)} and below"
            if len(place) > 1
            else f"every operation of {place[0]}"
        )
    verb = _VERBS.get(last.lower())
    if verb is None:
        return ""
    if place and set(place) == {"*"}:
        return f"every {verb} operation of every provider"
    if place and place[-1] == "*" and "*" not in "".join(place[:-1]):
        return f"every {verb} operation of {'/'.join(place[:-1])}{' and below' if len(place) > 2 else ''}"
    return ""
