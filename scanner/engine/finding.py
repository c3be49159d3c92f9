"""What judging yields: findings, verdict counts, unknowns, faults of rules."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from scanner.rule import Confidence, Effort, Severity


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What a finding is about: Azure id as Azure wrote it, ARM type in lower case, name for people."""

    id: str
    type: str
    name: str


class Location(msgspec.Struct, frozen=True, gc=False):
    """A place in a repository; lines and columns count from 1, the end column stands after the last character."""

    uri: str
    line: int
    column: int
    end_line: int
    end_column: int


class Related(msgspec.Struct, frozen=True, gc=False):
    """Another place in a repository that belongs to a finding, and what stands there: "identity app", "called here"."""

    location: Location
    message: str


class Declared(msgspec.Struct, frozen=True, gc=False):
    """How code declares the subject of a finding: where its head is, by which address, in which language.

    ``address`` and ``language`` are empty where only the place is known.
    """

    place: Location
    address: str = ""
    language: str = ""


class Edit(msgspec.Struct, frozen=True, gc=False):
    """Text that replaces what stands from one place to another in a file; an insertion where both are the same."""

    uri: str
    start_line: int
    start_column: int
    end_line: int
    end_column: int
    text: str


class Fix(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Plain edits after which the finding is gone: all of them together.

    ``needs``: what must be so elsewhere before the change is deployed; empty when it is safe as it is.
    """

    description: str
    edits: tuple[Edit, ...]
    needs: str = ""


class Suppression(msgspec.Struct, frozen=True):
    """Why a finding does not count: who accepted it, until when (ISO date), and the reason.

    ``kind`` is exception (a setting), inline (a comment in the code) or baseline (a file of findings that were there).
    """

    kind: str
    reason: str
    owner: str = ""
    expires: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A subject that fails a rule. ``evidence`` maps a column to a value or to {id, name, type} of an entity.

    In code it points at ``location`` (the line to change), says where its subject is ``declared``, and which places
    are ``related``: what the evidence names, then the module calls that lead there, the innermost first. ``change`` is
    new or unchanged where the finding was compared with an earlier state of the code, else empty.
    """

    code: str
    name: str
    severity: Severity
    confidence: Confidence
    effort: Effort
    message: str
    subject: Subject
    subscription: str | None
    location: Location | None
    evidence: dict[str, Any]
    fingerprint: str
    suppressed: Suppression | None = None
    declared: Declared | None = None
    related: tuple[Related, ...] = ()
    fixes: tuple[Fix, ...] = ()
    change: str = ""

    @property
    def family(self) -> int:
        """The family digit of the code."""
        return int(self.code[2])


class Unknown(msgspec.Struct, frozen=True):
    """A subject, or the id of a scope that was not read, of which a rule cannot speak, and why.

    ``location`` is where code declares the subject.
    """

    code: str
    subject: str
    reason: str
    location: Location | None = None


class Gap(msgspec.Struct, frozen=True):
    """What was not read: the table, the Azure id of the scope (``/`` for everything), the reason and its detail."""

    table: str
    scope: str
    reason: str
    detail: str


class RuleFault(msgspec.Struct, frozen=True):
    """A rule that crashed: every subject of it is UNKNOWN."""

    code: str
    error: str


class RuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """One rule with its counts of subjects per verdict and all a report prints about it."""

    code: str
    name: str
    severity: Severity
    confidence: Confidence
    effort: Effort
    page: str
    """The rule's docstring: Markdown with the three fixed headings."""
    controls: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    passed: int = 0
    failed: int = 0
    unknown: int = 0
    not_applicable: int = 0

    @property
    def judged(self) -> int:
        """The M of "N of M failed": subjects with a verdict, unknown ones included."""
        return self.passed + self.failed + self.unknown


def fingerprint(code: str, subject_id: str, key: tuple[str, ...]) -> str:
    """Return 32 hexadecimal digits that stay the same while code, subject and declared key do (case is ignored)."""
    parts = "\x1f".join([code, subject_id.lower(), *(part.lower() for part in key)])
    return hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()[:32]
