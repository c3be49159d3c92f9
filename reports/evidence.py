"""The evidence of a finding as a person reads it: a label in words, the value in words, the Azure ids behind it."""

from __future__ import annotations

import re
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

_NOT_DEPLOYED = re.compile(
    r"/(?:subscriptions|providers/Microsoft\.Management/managementGroups)/\(", re.IGNORECASE
)
"""The beginning of an id that stands for something in code: its subscription is one in name only."""

_OPERATIONS = MappingProxyType(
    {"read": "read", "write": "write operation", "delete": "deletion", "action": "other operation"}
)


class Evidence(msgspec.Struct, frozen=True):
    """One piece of evidence: what it is, what it says, what that means, and the Azure ids behind it."""

    label: str
    value: str
    meaning: str
    ids: tuple[str, ...]


def evidence_of(finding: Finding) -> Iterator[Evidence]:
    """Yield the evidence of a finding in its order, every text visible and cut."""
    in_code = finding.location is not None
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
            # Contributor is ``*`` without a few: notActions are no part of the pattern.
            meaning += meaning and ", short of what the role excludes"
        if key == "power" and isinstance(value, str):
            text, meaning = value.replace("_", " "), power_meaning(value)
        ids = tuple(
            shown(str(member["id"]))
            for member in members[:MEMBER_LIMIT]
            if entity_name(member) is not None and not (in_code and _NOT_DEPLOYED.match(str(member["id"])))
        )
        label = _LABELS.get(key) or str(key).replace("_", " ")
        yield Evidence(shown(label, LABEL_LIMIT), shown(text), shown(meaning), ids)


def power_meaning(power: str) -> str:
    """Return in words what a power lets its holder do; empty for one that the catalogue does not know."""
    from scanner.catalog.powers import MEANINGS

    sentence = next((sentence for known, sentence in MEANINGS.items() if known == power), "")
    return sentence[:1].lower() + sentence[1:].removesuffix(".")


def pattern_meaning(pattern: str) -> str:
    """Return in words which operations a pattern of a role allows; empty where it says so itself.

    ``*/write`` is "every write operation of every provider". Patterns are matched as Azure does, without regard
    to case, and ``*`` stands for any run of characters, slashes among them.
    """
    *place, last = pattern.strip().split("/")
    if "*" not in (*place, last):
        return ""
    what = "operation" if last == "*" else _OPERATIONS.get(last.lower())
    if what is None:
        return ""
    if set(place) <= {"*"}:
        return f"every {what} of every provider"
    if last != "*" and place[-1] == "*":
        place.pop()
    if "*" in "".join(place):
        return ""
    return f"every {what} of this provider" if len(place) == 1 else f"every {what} of this type and below"
