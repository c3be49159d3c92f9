"""The findings as a table for a spreadsheet.

A cell that a spreadsheet would take for a formula is guarded by an apostrophe, so a resource named
``=HYPERLINK(...)`` stays a text (CWE-1236).
"""

from __future__ import annotations

import csv
from io import StringIO

from reports.hostile import shown
from reports.report import Report
from reports.summary import identifier_of
from scanner.engine.finding import Finding

CELL_LIMIT = 5_000
"""Characters of a cell; spreadsheets stop at 32,767."""

COLUMNS = (
    "code",
    "name",
    "severity",
    "confidence",
    "effort",
    "message",
    "subject_name",
    "subject_type",
    "subject_id",
    "subscription",
    "file",
    "line",
    "column",
    "accepted",
    "fingerprint",
)

_FORMULA = ("=", "+", "-", "@")


def render(report: Report) -> bytes:
    """Return one line per finding, accepted ones included, under a line of column names (UTF-8, RFC 4180)."""
    stream = StringIO()
    table = csv.writer(stream, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for finding in report.findings:
        table.writerow([_cell(text) for text in _texts(finding)])
    return stream.getvalue().encode()


def _texts(finding: Finding) -> tuple[str, ...]:
    location = finding.location
    return (
        finding.code,
        finding.name,
        finding.severity.value,
        finding.confidence.value,
        finding.effort.value,
        finding.message,
        finding.subject.name,
        finding.subject.type,
        identifier_of(finding),
        finding.subscription or "",
        location.uri if location else "",
        str(location.line) if location else "",
        str(location.column) if location else "",
        finding.suppressed.reason if finding.suppressed else "",
        finding.fingerprint,
    )


def _cell(text: str) -> str:
    safe = shown(text, CELL_LIMIT)
    return f"'{safe}" if safe.lstrip().startswith(_FORMULA) else safe
