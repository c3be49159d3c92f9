"""Markdown for a job summary or a pull-request comment.

Every text that is not ours stands in a code span: there it can be neither markup nor a mention. GitHub cuts a
job summary at 1 MiB and a comment at 65,536 characters, so only the worst findings are listed.
"""

from __future__ import annotations

import re

from reports.hostile import LABEL_LIMIT, shown
from reports.pages import first_sentence, read_page
from reports.report import Report
from reports.summary import (
    counted,
    families,
    place_of,
    plural,
    priorities,
    scope_name,
    title_of,
    verdict,
    why_nothing_judged,
)

FINDING_LIMIT = 100
LIST_LIMIT = 20

_TICKS = re.compile("`+")


def render(report: Report) -> bytes:
    """Return the report as Markdown."""
    lines = [f"# Midas: {verdict(report)}", "", f"Scanned {code(report.run.target)}.", ""]
    lines += _unread(report)
    lines += ["## Families", "", "| Family | Score | Subjects |", "| --- | ---: | --- |"]
    for family in families(report):
        score = "–" if family.score is None else str(family.score)
        lines.append(f"| {family.name} | {score} | {counted(family.failed, family.judged, family.unknown)} |")
    first = priorities(report)[:5]
    if first:
        lines += ["", "## What to fix first", ""]
        for number, priority in enumerate(first, 1):
            fix = first_sentence(read_page(priority.rule.page).fix)
            hint = f": {code(fix)}" if fix else ""
            lines.append(
                f"{number}. **{title_of(priority.rule.name)}** ({priority.rule.code}, {priority.severity.value}, "
                f"{plural(len(priority.findings), 'finding')}){hint}"
            )
    findings = report.open_findings
    if findings:
        in_code = any(finding.location is not None for finding in findings)
        place = (" Place |", " --- |") if in_code else ("", "")
        lines += ["", "## Findings", ""]
        lines += [f"| Severity | Rule |{place[0]} Subject | What |", f"| --- | --- |{place[1]} --- | --- |"]
        for finding in findings[:FINDING_LIMIT]:
            subject = code(finding.subject.name or finding.subject.id, LABEL_LIMIT)
            rule = f"{finding.code} {title_of(finding.name)}"
            where = f" {code(place_of(finding), 200)} |" if in_code else ""
            lines.append(
                f"| {finding.severity.value} | {rule} |{where} {subject} | {code(finding.message, 200)} |"
            )
        if len(findings) > FINDING_LIMIT:
            lines += ["", f"{plural(len(findings) - FINDING_LIMIT, 'more finding')}: see the JSON report."]
    accepted = len(report.findings) - len(findings)
    if accepted:
        lines += ["", f"{plural(accepted, 'finding')} accepted."]
    return ("\n".join(lines) + "\n").encode()


def code(text: str, limit: int = 500) -> str:
    """Return text as a code span that also holds inside a table cell."""
    # How a backslash before a pipe is read in a cell differs between readers, so no pipe is left to read.
    safe = shown(text, limit).replace("|", "\\u007c") or " "
    longest = max((len(run) for run in _TICKS.findall(safe)), default=0)
    fence = "`" * (longest + 1)
    # A span that begins or ends with a backtick, or is blank, needs the padding that Markdown strips.
    pad = " " if longest else ""
    return f"{fence}{pad}{safe}{pad}{fence}"


def _unread(report: Report) -> list[str]:
    idle = why_nothing_judged(report)
    lines = [f"- {idle}."] if idle else []
    lines += [f"- Rule {fault.code} crashed: {code(fault.error)}" for fault in report.faults]
    for gap in report.gaps[:LIST_LIMIT]:
        detail = f": {gap.detail}" if gap.detail else ""
        lines.append(f"- Not read: {code(f'{gap.table}: {gap.reason}{detail} ({scope_name(gap.scope)})')}")
    if len(report.gaps) > LIST_LIMIT:
        lines.append(f"- {plural(len(report.gaps) - LIST_LIMIT, 'more gap')}: see the JSON report.")
    lines += [f"- Notice: {code(notice)}" for notice in report.notices[:LIST_LIMIT]]
    if len(report.notices) > LIST_LIMIT:
        lines.append(f"- {plural(len(report.notices) - LIST_LIMIT, 'more notice')}: see the JSON report.")
    return ["## Not read, and notices", "", *lines, ""] if lines else []
