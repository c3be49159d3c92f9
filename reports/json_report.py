"""The JSON report: a frozen shape, ``midas/v1``, described by ``schemas/midas-v1.schema.json``.

Nothing is cut or made visible here: this is the full text for machines. Characters that do not print are
spelled as JSON escapes, so the file is safe to print all the same.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from reports.hostile import json_bytes
from reports.report import Report
from reports.summary import is_complete
from scanner.engine.finding import Finding, Gap, RuleResult, Unknown

SCHEMA = "midas/v1"
SCHEMA_FILE = Path(__file__).parent / "schemas" / "midas-v1.schema.json"


def render(report: Report) -> bytes:
    """Return the report as JSON; the same report gives the same bytes."""
    return json_bytes(
        {
            "schema": SCHEMA,
            "tool": {"name": report.tool.name, "version": report.tool.version},
            "run": _run(report),
            "rules": [_rule(rule) for rule in report.rules],
            "findings": [_finding(finding) for finding in report.findings],
            "unknown": [_unknown(unknown) for unknown in report.unknown],
            "gaps": [_gap(gap) for gap in report.gaps],
        }
    )


def _run(report: Report) -> dict[str, Any]:
    run = report.run
    return {
        "source": run.source,
        "target": run.target,
        "tenant": run.tenant,
        "cloud": run.cloud,
        "started": _time(run.started),
        "finished": _time(run.finished),
        "facts_from": _time(run.facts_from),
        "complete": is_complete(report),
        "requests": run.requests,
        "subjects": run.subjects,
        "threshold": report.threshold.value if report.threshold else None,
        "faults": [{"code": fault.code, "error": fault.error} for fault in report.faults],
        "notices": list(report.notices),
    }


def _rule(rule: RuleResult) -> dict[str, Any]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.value,
        "pass": rule.passed,
        "fail": rule.failed,
        "unknown": rule.unknown,
        "not_applicable": rule.not_applicable,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    location, accepted = finding.location, finding.suppressed
    document: dict[str, Any] = {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "message": finding.message,
        "subject": {"id": finding.subject.id, "type": finding.subject.type, "name": finding.subject.name},
        "location": None if location is None else to_builtins(location),
        "evidence": finding.evidence,
        "fingerprint": finding.fingerprint,
        "suppressed": False
        if accepted is None
        else {
            "kind": accepted.kind,
            "reason": accepted.reason,
            "owner": accepted.owner,
            "expires": accepted.expires,
        },
    }
    # Only code has these; a consumer that knows tenants alone sees the shape it knows.
    if finding.declared is not None:
        document["declared"] = to_builtins(finding.declared)
    if finding.related:
        document["related"] = to_builtins(finding.related)
    if finding.fixes:
        document["fixes"] = to_builtins(finding.fixes)
    if finding.change:
        document["change"] = finding.change
    return document


def _unknown(unknown: Unknown) -> dict[str, Any]:
    document: dict[str, Any] = {
        "code": unknown.code,
        "subject": unknown.subject,
        "reason": unknown.reason,
    }
    if unknown.location is not None:
        document["location"] = to_builtins(unknown.location)
    return document


def _gap(gap: Gap) -> dict[str, str]:
    reason = f"{gap.reason}: {gap.detail}" if gap.detail else gap.reason
    return {"table": gap.table, "scope": gap.scope, "reason": reason}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
