"""The one frozen report that every writer takes."""

from __future__ import annotations

from datetime import datetime

import msgspec

from scanner.engine.finding import Finding, Gap, RuleFault, RuleResult, Unknown
from scanner.engine.picture import Exposure
from scanner.engine.source_files import SourceFiles
from scanner.rule import Severity

__all__ = ["Exposure", "Report", "RunInfo", "ToolInfo"]


class ToolInfo(msgspec.Struct, frozen=True):
    """Who made the report."""

    name: str
    version: str


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What was scanned and how.

    ``source`` is azure, snapshot, export or repository; ``target`` is what was asked for, in words (tenant, management
    group, subscriptions, path); times are UTC; ``complete`` is False when anything asked for was not read or a rule
    crashed; ``requests`` is the number of requests sent, all of them reads.
    """

    source: str
    target: str
    tenant: str
    cloud: str
    started: datetime
    finished: datetime
    facts_from: datetime
    """When the facts were read: for a snapshot, long before this run."""
    complete: bool
    requests: int
    subjects: dict[str, int]
    """How many of each kind were seen: identities, role assignments, resources, subscriptions, ..."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a writer may print. Findings are in a fixed order: severity, code, subject id, fingerprint.

    Suppressed findings are among them and say why. ``threshold`` is the severity from which on the exit code
    is 1, None for never.
    """

    tool: ToolInfo
    run: RunInfo
    rules: tuple[RuleResult, ...]
    findings: tuple[Finding, ...]
    unknown: tuple[Unknown, ...]
    gaps: tuple[Gap, ...]
    faults: tuple[RuleFault, ...] = ()
    notices: tuple[str, ...] = ()
    """One sentence each: an expired exception, an exception that matched nothing, ..."""
    exposure: tuple[Exposure, ...] = ()
    privileges: tuple[str, ...] = ()
    """The order of the privileges in ``exposure``, strongest first."""
    threshold: Severity | None = Severity.LOW
    sources: SourceFiles | None = None
    """The files in which findings are, for showing their lines; None for a tenant."""

    @property
    def open_findings(self) -> tuple[Finding, ...]:
        """The findings that nobody accepted."""
        return tuple(finding for finding in self.findings if finding.suppressed is None)
