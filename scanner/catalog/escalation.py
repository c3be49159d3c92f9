"""Operations that let their holder become, or act as, somebody else: one record per operation.

The file is made by `python -m scanner.catalog.compile`. What a role can do with them is decided in
`capabilities`; here stands only what each operation leads to.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal

import msgspec

from scanner.catalog.data_files import data

Outcome = Literal[
    "run-as-identity",
    "run-code",
    "identity-attach",
    "token",
    "grant-rights",
    "credential",
    "poison",
    "weaken-control",
    "carrier",
]


class EscalationAction(msgspec.Struct, frozen=True, omit_defaults=True):
    """One operation and what it leads to.

    `reach`: the resource type whose identity or rights can be reached, `*` for everything at the scope.
    `technique`: how, in a few words. `needs`: other operations that are usually needed as well.
    """

    action: str
    outcome: Outcome
    reach: str
    technique: str
    data: bool = False
    needs: tuple[str, ...] = ()


class EscalationFile(msgspec.Struct, frozen=True):
    """The shape of `data/escalation_actions.json`."""

    schema: int
    date: str
    sources: tuple[str, ...]
    actions: tuple[EscalationAction, ...]


@cache
def escalation_file() -> EscalationFile:
    """The shipped file with its date and sources."""
    raw = data("escalation_actions.json")
    return msgspec.json.decode(raw, type=EscalationFile)


@cache
def escalation_actions() -> Mapping[str, EscalationAction]:
    """All of them by operation name (lower-case)."""
    return MappingProxyType({entry.action.lower(): entry for entry in escalation_file().actions})
