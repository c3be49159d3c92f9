"""SARIF 2.1.0, valid against the OASIS schema and made for GitHub code scanning.

GitHub refuses a run with more than 25,000 results (it shows 5,000) and a rule with more than 20 tags (it shows
10); a description is cut at 1,024 characters. The limits are kept here, and what is left out is said in a notification.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from reports.artifact import category
from reports.hostile import json_bytes, shown
from reports.pages import first_sentence, plain_text, read_page
from reports.redact import MASK
from reports.report import Report
from reports.sarif_places import (
    DESCRIPTION_LIMIT,
    location_of,
    message,
    place_of_gap,
    show_code,
    show_related,
)
from reports.summary import family_name, family_of, is_complete, plural, title_of, why_nothing_judged
from scanner.engine.finding import Finding, RuleResult, Suppression
from scanner.rule import Confidence, Severity

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
RESULT_LIMIT = 25_000
TAG_LIMIT = 10
NOTIFICATION_LIMIT = 1_000
"""Notifications of one kind; the JSON report has them all."""

SECURITY_SEVERITY: dict[Severity, str] = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
    Severity.INFO: "0.5",
}
_LEVELS: dict[Severity, str] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_PROBLEM_SEVERITY = {"error": "error", "warning": "warning", "note": "recommendation"}
_PRECISION = {Confidence.HIGH: "high", Confidence.MEDIUM: "medium", Confidence.LOW: "low"}

_CHECK = {"repository": "check"}
_NOTIFICATIONS: tuple[tuple[str, str, str], ...] = (
    ("gap", "Not read", "Something could not be read; what depends on it is unknown, not clean."),
    ("rule-fault", "Rule crashed", "A rule crashed; every subject of it is unknown."),
    ("unknown", "Unknown", "A rule could not give an answer for some subjects."),
    ("notice", "Notice", "Something about the settings or the exceptions needs attention."),
    (
        "left-out",
        "Left out",
        "The file would exceed a limit of its consumers, so the least severe are left out.",
    ),
    ("nothing-judged", "Nothing judged", "No rule judged a single subject: no finding means nothing here."),
)
_NOTIFICATION_INDEX = {name: index for index, (name, _, _) in enumerate(_NOTIFICATIONS)}


def render(report: Report) -> bytes:
    """Return the report as SARIF; the same report gives the same bytes."""
    index = {rule.code: number for number, rule in enumerate(report.rules)}
    kept = sorted(report.findings, key=lambda finding: finding.suppressed is not None)[:RESULT_LIMIT]
    # Open findings are kept before accepted ones; the order within the file stays the report's.
    results = report.findings if len(kept) == len(report.findings) else _in_order(report, kept)
    run = {
        "tool": {
            "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "rules": [_rule(rule) for rule in report.rules],
                "notifications": [
                    {
                        "id": name,
                        "name": title,
                        "shortDescription": {"text": title},
                        "fullDescription": {"text": text},
                    }
                    for name, title, text in _NOTIFICATIONS
                ],
            }
        },
        "automationDetails": {
            "id": category(report),
            "description": {
                "text": f"Midas {_CHECK.get(report.run.source, 'scan')} of {message(report.run.target)}"
            },
        },
        "invocations": [
            {
                "executionSuccessful": is_complete(report),
                "startTimeUtc": _time(report.run.started),
                "endTimeUtc": _time(report.run.finished),
                "toolExecutionNotifications": _notifications(
                    report, index, len(report.findings) - len(results)
                ),
            }
        ],
        "originalUriBaseIds": {
            "AZURE": {
                "description": {"text": "Azure resource ids, lower-cased, as paths: nothing is stored there."}
            },
            "%SRCROOT%": {"description": {"text": "The root of the repository."}},
        },
        "columnKind": "unicodeCodePoints",
        **({"redactionTokens": [MASK]} if report.sources else {}),
        "results": _results(report, results, index),
        "properties": _short(
            {
                "source": report.run.source,
                "tenant": report.run.tenant,
                "cloud": report.run.cloud,
                "factsFrom": _time(report.run.facts_from),
                "requests": report.run.requests,
                "subjects": report.run.subjects,
            }
        ),
    }
    return json_bytes({"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]})


def _in_order(report: Report, kept: list[Finding]) -> tuple[Finding, ...]:
    chosen = {id(finding) for finding in kept}
    return tuple(finding for finding in report.findings if id(finding) in chosen)


def _rule(rule: RuleResult) -> dict[str, Any]:
    page = read_page(rule.page)
    title = page.title or title_of(rule.name)
    level = _LEVELS[rule.severity]
    full = plain_text(page.finds) or title
    document: dict[str, Any] = {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": shown(title, DESCRIPTION_LIMIT)},
        "fullDescription": {"text": full if len(full) <= DESCRIPTION_LIMIT else first_sentence(page.finds)},
        "help": {"text": plain_text(page.markdown) or title, "markdown": page.markdown or title},
        "defaultConfiguration": {"level": level},
        "properties": {
            "security-severity": SECURITY_SEVERITY[rule.severity],
            "problem.severity": _PROBLEM_SEVERITY[level],
            "precision": _PRECISION[rule.confidence],
            "tags": _tags(rule),
            "controls": list(rule.controls),
            "effort": rule.effort.value,
            "counts": {
                "pass": rule.passed,
                "fail": rule.failed,
                "unknown": rule.unknown,
                "not_applicable": rule.not_applicable,
            },
        },
    }
    link = next((reference for reference in rule.references if reference.startswith("https://")), None)
    if link:
        document["helpUri"] = link
    return document


def _tags(rule: RuleResult) -> list[str]:
    family = family_name(family_of(rule.code)).lower().replace(" ", "-")
    return list(dict.fromkeys(["security", "azure", family, *rule.controls]))[:TAG_LIMIT]


def _results(report: Report, findings: Sequence[Finding], index: dict[str, int]) -> list[dict[str, Any]]:
    seen: Counter[str] = Counter()
    results = []
    # SARIF wants it on every result of a run or on none.
    compared = any(finding.change for finding in findings)
    for finding in findings:
        seen[finding.fingerprint] += 1
        result = _result(finding, index, seen[finding.fingerprint])
        if compared:
            result["baselineState"] = finding.change or "unchanged"
        if finding.location is not None:
            show_code(result, finding, finding.location, report.sources)
        show_related(result, finding)
        results.append(result)
    return results


def _result(finding: Finding, index: dict[str, int], occurrence: int) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "effort": finding.effort.value,
        "evidence": _short(finding.evidence),
    }
    if finding.subscription is not None:
        properties["subscription"] = shown(finding.subscription)
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "kind": "fail",
        "level": _LEVELS[finding.severity],
        "message": {"text": message(finding.message)},
        "locations": [location_of(finding)],
        # GitHub tells alerts apart by the hash of the line alone. Findings on one resource share its line 1,
        # so the hash is made of the fingerprint: two holders of one group assignment stay two alerts.
        "partialFingerprints": {
            "midas/v1": finding.fingerprint,
            "primaryLocationLineHash": f"{finding.fingerprint}:{occurrence}",
        },
        # SARIF wants the property on every result of a run or on none; empty means: not suppressed.
        "suppressions": [_suppression(finding.suppressed)] if finding.suppressed else [],
        "properties": properties,
    }
    if finding.code in index:
        result["ruleIndex"] = index[finding.code]
    return result


def _suppression(suppression: Suppression) -> dict[str, Any]:
    parts = [suppression.reason]
    if suppression.owner:
        parts.append(f"accepted by {suppression.owner}")
    if suppression.expires:
        parts.append(f"until {suppression.expires}")
    return {
        "kind": "inSource" if suppression.kind == "inline" else "external",
        "status": "accepted",
        "justification": shown("; ".join(parts), DESCRIPTION_LIMIT),
    }


def _notifications(report: Report, index: dict[str, int], left_out: int) -> list[dict[str, Any]]:
    found = [
        _notification("rule-fault", "error", f"{fault.code} crashed: {fault.error}", rule=(fault.code, index))
        for fault in report.faults
    ]
    idle = why_nothing_judged(report)
    if idle:
        found.append(_notification("nothing-judged", "error", idle))
    for gap in report.gaps[:NOTIFICATION_LIMIT]:
        text = f"Not read: {gap.table} in {gap.scope}: {gap.reason}"
        found.append(_notification("gap", "warning", f"{text}: {gap.detail}" if gap.detail else text))
        place = place_of_gap(gap.scope)
        if place is not None:
            found[-1]["locations"] = [place]
    if len(report.gaps) > NOTIFICATION_LIMIT:
        rest = len(report.gaps) - NOTIFICATION_LIMIT
        found.append(_notification("left-out", "warning", f"{plural(rest, 'more gap')}: see the JSON report"))
    found.extend(
        _notification(
            "unknown",
            "note",
            f"{rule.code} {rule.name}: {rule.unknown:,} of {rule.judged:,} subjects unknown",
            rule=(rule.code, index),
        )
        for rule in report.rules
        if rule.unknown
    )
    found.extend(_notification("notice", "warning", notice) for notice in report.notices[:NOTIFICATION_LIMIT])
    if left_out:
        total = len(report.findings)
        text = f"{left_out:,} of {total:,} findings are left out, the least severe ones: see the JSON report"
        found.append(_notification("left-out", "warning", text))
    return found


def _notification(
    kind: str, level: str, text: str, rule: tuple[str, dict[str, int]] | None = None
) -> dict[str, Any]:
    notification: dict[str, Any] = {
        "descriptor": {"id": kind, "index": _NOTIFICATION_INDEX[kind]},
        "level": level,
        "message": {"text": message(text)},
    }
    if rule is not None and rule[0] in rule[1]:
        notification["associatedRule"] = {"id": rule[0], "index": rule[1][rule[0]]}
    return notification


def _short(value: Any) -> Any:
    """Return evidence with every text cut, so that one hostile name cannot fill the file."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {shown(str(key)): _short(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_short(item) for item in value[:100]]
    return value


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
