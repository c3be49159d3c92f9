"""The HTML report: one self-contained file that fetches nothing and trusts nothing.

Every text passes :mod:`reports.hostile` and Jinja's autoescaping. The page's Content-Security-Policy allows
exactly its own style sheet and script, by hash; there are no style attributes and no inline handlers. Without
scripting the page shows everything; the script adds filter, search and sort.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from reports.changes import Changes, Hunk
from reports.evidence import Evidence, evidence_of
from reports.hostile import LABEL_LIMIT, TABLE_LIMIT, shown
from reports.pages import first_sentence, read_page, to_html
from reports.pictures import bar_chart, heat_map
from reports.report import Report
from reports.snippet import SUSPECT_FAMILY, CodeLine, Snippet, snippet_of
from reports.summary import (
    Priority,
    busiest_subjects,
    by_severity,
    counted,
    families,
    family_name,
    family_of,
    identifier_of,
    is_complete,
    over_threshold,
    place_of,
    place_text,
    plural,
    priorities,
    scope_name,
    title_of,
    verdict,
    why_nothing_judged,
)
from scanner.engine.finding import Finding, RuleResult, Unknown
from scanner.engine.source_files import SourceFiles
from scanner.rule import Severity

FINDING_LIMIT = 10_000
"""Findings in the page, the worst first; the JSON report has them all."""

CARDS = 6
"""Weaknesses among what to fix first: two rows of three, or three of two."""

LIST_LIMIT = 500
"""Gaps, and unknown subjects of one rule, in the page."""

ID_LIMIT = 2_000
"""Characters of the id of a subject, so that it can be copied; Azure's own are shorter."""

SNIPPET_LINES = 10
LINE_ROOM = 400
"""Characters of a line of code."""
RELATED = 10
"""Other places of one finding."""

_TEMPLATES = Path(__file__).parent / "templates"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as the page shows it: every text visible and cut."""

    anchor: str
    code: str
    family: int
    severity: Severity
    confidence: str
    effort: str
    title: str
    message: str
    subject: str
    subject_id: str
    subject_type: str
    subscription: str
    place: str
    code_lines: tuple[CodeLine, ...]
    """What the finding points at, where that is code that can be read."""
    more_lines: int
    related: tuple[tuple[str, str], ...]
    """Message and place of what belongs to it."""
    fixes: tuple[tuple[str, str, str], ...]
    """What it does, the flag that makes it, what it needs first."""
    changes: tuple[Hunk, ...]
    """What the first of them makes of the code."""
    evidence: tuple[Evidence, ...]
    is_accepted: bool
    accepted: str
    fingerprint: str


class RuleView(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as the page shows it; ``finds``, ``why``, ``fix`` and ``references`` are HTML."""

    code: str
    title: str
    severity: Severity
    confidence: str
    effort: str
    family: str
    counts: str
    state: str
    not_applicable: int
    finds: Any
    why: Any
    fix: Any
    references: Any
    links: tuple[str, ...]
    controls: tuple[str, ...]
    unknown: tuple[tuple[str, str], ...]
    more_unknown: int


def render(report: Report) -> bytes:
    """Return the page; the same report gives the same bytes."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = lambda text: shown(str(text))
    environment.filters["place"] = lambda scope: shown(scope_name(scope))
    environment.filters["number"] = lambda number: f"{number:,}"
    environment.filters["plural"] = plural
    style, script = _asset("report.css"), _asset("report.js")
    summaries = families(report)
    kept = _worst(report)
    unknown: dict[str, list[Unknown]] = {}
    for answer in report.unknown:
        unknown.setdefault(answer.code, []).append(answer)
    page = environment.get_template(
        "report.html.j2"
    ).render(
        policy=(
            f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
        # Our own files, not input: they hold no text from a report.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        report=report,
        run=report.run,
        verdict=verdict(report),
        failing=over_threshold(report),
        complete=is_complete(report),
        idle=why_nothing_judged(report),
        severities=by_severity(report.open_findings),
        accepted=len(report.findings) - len(report.open_findings),
        families=summaries,
        counted=counted,
        heat=heat_map(report),
        bars=bar_chart(summaries),
        priorities=[_priority(priority) for priority in priorities(report)[:CARDS]],
        busiest=[_busiest(findings) for findings in busiest_subjects(report, 8)],
        rows=_rows(kept, report.sources),
        total=len(report.findings),
        left_out=len(report.findings) - len(kept),
        subscriptions=sorted({shown(f.subscription, LABEL_LIMIT) for f in kept if f.subscription}),
        codes=sorted({(finding.code, title_of(finding.name)) for finding in kept}),
        gaps=report.gaps[:LIST_LIMIT],
        more_gaps=max(0, len(report.gaps) - LIST_LIMIT),
        rules=[_rule(rule, unknown.get(rule.code, [])) for rule in report.rules],
        moment=_moment,
    )
    return f"{page}\n".encode()


def _worst(report: Report) -> tuple[Finding, ...]:
    """Return the findings that the page has room for, open ones before accepted ones."""
    ordered = sorted(report.findings, key=lambda finding: finding.suppressed is not None)
    return tuple(ordered[:FINDING_LIMIT])


def _rows(findings: tuple[Finding, ...], sources: SourceFiles | None) -> Iterator[Row]:
    seen: set[str] = set()
    changes = None if sources is None else Changes(sources)
    for finding in findings:
        anchor = f"finding-{finding.fingerprint}"
        while anchor in seen:
            anchor += "-again"
        seen.add(anchor)
        yield _row(finding, anchor, snippet_of(sources, finding, SNIPPET_LINES), changes)


def _row(finding: Finding, anchor: str, snippet: Snippet | None, changes: Changes | None) -> Row:
    accepted = finding.suppressed
    return Row(
        anchor=anchor,
        code=finding.code,
        family=finding.family,
        severity=finding.severity,
        confidence=finding.confidence.value,
        effort=finding.effort.value,
        title=title_of(finding.name),
        message=shown(finding.message),
        subject=shown(finding.subject.name or finding.subject.id, LABEL_LIMIT),
        subject_id=shown(identifier_of(finding), ID_LIMIT),
        subject_type=shown(finding.subject.type, LABEL_LIMIT),
        subscription=shown(finding.subscription or "", LABEL_LIMIT),
        place=shown(place_of(finding)),
        code_lines=tuple(line.fitted(LINE_ROOM) for line in snippet.lines) if snippet else (),
        more_lines=snippet.more if snippet else 0,
        related=tuple(
            (shown(related.message), shown(place_text(related.location)))
            for related in finding.related[:RELATED]
        ),
        fixes=tuple(
            (shown(fix.description), "--fix-all" if fix.needs else "--fix", shown(fix.needs))
            for fix in finding.fixes
        ),
        changes=changes.hunks(finding.fixes[0].edits, suspect=finding.family == SUSPECT_FAMILY)
        if changes is not None and finding.fixes
        else (),
        evidence=tuple(evidence_of(finding)),
        is_accepted=accepted is not None,
        accepted="" if accepted is None else _accepted(accepted.reason, accepted.owner, accepted.expires),
        fingerprint=finding.fingerprint,
    )


def _accepted(reason: str, owner: str, expires: str) -> str:
    text = shown(reason) or "no reason given"
    if owner:
        text += f"; accepted by {shown(owner, LABEL_LIMIT)}"
    return f"{text}; until {shown(expires, LABEL_LIMIT)}" if expires else text


def _priority(priority: Priority) -> dict[str, Any]:
    page = read_page(priority.rule.page)
    names = dict.fromkeys(
        shown(finding.subject.name or finding.subject.id, 60) for finding in priority.findings
    )
    return {
        "code": priority.rule.code,
        "title": title_of(priority.rule.name),
        "severity": priority.severity,
        "effort": priority.findings[0].effort.value,
        "count": len(priority.findings),
        "why": first_sentence(page.why) or first_sentence(page.finds),
        "fix": first_sentence(page.fix),
        "subjects": list(names)[:3],
        "more": max(0, len(names) - 3),
    }


def _busiest(findings: tuple[Finding, ...]) -> dict[str, Any]:
    first = findings[0]
    counts = Counter(finding.code for finding in findings)
    worst = {
        finding.code: finding for finding in sorted(findings, key=lambda f: f.severity.rank, reverse=True)
    }
    listed = sorted(worst.values(), key=lambda finding: finding.severity.rank)
    return {
        "name": shown(first.subject.name or first.subject.id, 60),
        "id": shown(identifier_of(first), TABLE_LIMIT),
        "query": shown(identifier_of(first))[:TABLE_LIMIT],
        "findings": [
            {"severity": finding.severity, "title": title_of(finding.name), "count": counts[finding.code]}
            for finding in listed[:6]
        ],
        "more": max(0, len(listed) - 6),
    }


def _rule(rule: RuleResult, unknown: list[Unknown]) -> RuleView:
    page = read_page(rule.page)
    return RuleView(
        code=rule.code,
        title=title_of(rule.name),
        severity=rule.severity,
        confidence=rule.confidence.value,
        effort=rule.effort.value,
        family=family_name(family_of(rule.code)),
        counts=counted(rule.failed, rule.judged, rule.unknown),
        state="failed" if rule.failed else "unknown" if rule.unknown else "passed" if rule.judged else "idle",
        not_applicable=rule.not_applicable,
        finds=_markup(page.finds),
        why=_markup(page.why),
        fix=_markup(page.fix),
        references=_markup(page.references),
        links=tuple(link for link in rule.references if link.startswith("https://")),
        controls=tuple(shown(control, LABEL_LIMIT) for control in rule.controls),
        unknown=tuple((shown(u.subject), shown(u.reason)) for u in unknown[:LIST_LIMIT]),
        more_unknown=max(0, len(unknown) - LIST_LIMIT),
    )


def _markup(markdown: str) -> Any:
    from markupsafe import Markup

    # The Markdown writer escapes raw HTML, so what it returns is safe to mark as HTML.
    return Markup(to_html(markdown)) if markdown else ""  # noqa: S704


@cache
def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
