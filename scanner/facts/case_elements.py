"""What a case is made of: a verdict, a sentence, and the elements of its world. The words are in ``cases``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from scanner.facts.schema import Kind


class CaseError(Exception):
    """A case that contradicts itself or names something that does not exist."""


class Element(msgspec.Struct, frozen=True):
    """One thing in a case's world. ``kind`` is what a finding about it would be about."""

    name: str
    values: Mapping[str, Any] = msgspec.field(default_factory=dict)
    order: int = 50
    what: str = ""
    kind: Kind | None = None


class Case(msgspec.Struct, frozen=True):
    """A world and the verdict that the rule must give in it.

    ``finds`` are the names of the elements that fail (or are unknown), by default the first one of the kind
    that the rule judges.
    """

    verdict: Literal["fail", "pass", "unknown", "not_applicable"]
    title: str
    elements: tuple[Element, ...]
    finds: tuple[str, ...] | None = None
    parameters: Mapping[str, Any] = msgspec.field(default_factory=dict)
