"""Findings in code as good compilers tell them: the line, the span marked, the reason, the fix; file by file."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from reports.hostile import shown
from reports.line import Line, cells, wrapped
from reports.pages import first_sentence, read_page
from reports.report import Report
from reports.snippet import CodeLine, snippet_of
from reports.summary import place_text
from scanner.engine.finding import Finding, Location
from scanner.engine.whereabouts import DECLARED_HERE
from scanner.rule import Severity

LISTED = 200
"""Findings that are listed, the worst; every report file has them all."""
RELATED = 6
"""Other places of one finding."""
ALSO = 3
"""What is said besides of one place."""
LINE_ROOM = 200
"""Columns of a line of code where there is no terminal."""

STYLES = MappingProxyType(
    {
        Severity.CRITICAL: "bold red",
        Severity.HIGH: "red",
        Severity.MEDIUM: "yellow",
        Severity.LOW: "cyan",
        Severity.INFO: "dim",
    }
)


def listing(report: Report, width: int | None) -> list[Line]:
    """Return the open findings that are in code, by file and line; how many more there are at the end."""
    found = [(finding, finding.location) for finding in report.open_findings if finding.location is not None]
    kept = sorted(found[:LISTED], key=lambda pair: _order(pair[1]))
    pages = {rule.code: rule.page for rule in report.rules}
    told: set[str] = set()
    lines: list[Line] = []
    for finding, location in kept:
        if lines:
            lines.append(Line())
        lines += _block(
            report, finding, location, "" if finding.code in told else _fix(finding, pages), width
        )
        told.add(finding.code)
    if len(found) > len(kept):
        lines += [Line(), Line((f"and {len(found) - len(kept):,} more in code: see the reports", "dim"))]
    return lines


def _order(location: Location) -> tuple[str, int, int]:
    return location.uri, location.line, location.column


def _fix(finding: Finding, pages: dict[str, str]) -> str:
    if finding.fixes:
        fix = finding.fixes[0]
        if fix.needs:
            return f"{shown(fix.description)} (midas check --fix-all does it); {shown(fix.needs)}"
        return f"{shown(fix.description)} (midas check --fix does it)"
    return shown(first_sentence(read_page(pages.get(finding.code, "")).fix))


def _block(
    report: Report, finding: Finding, location: Location, fix: str, width: int | None
) -> Iterator[Line]:
    style = STYLES[finding.severity]
    gutter = len(str(location.line))
    edge = " " * gutter
    yield Line((finding.severity.value, style), " ", (f"{finding.code} {shown(finding.name)}", "bold"))
    address = finding.declared.address if finding.declared is not None else ""
    within = f" in {shown(address)}" if address else ""
    yield Line((f"{edge}--> ", "blue"), shown(place_text(location)), (within, "dim"))
    snippet = snippet_of(report.sources, finding)
    if snippet is not None:
        yield Line((f"{edge} |", "blue"))
        # The sign between number and code takes three columns.
        code = snippet.lines[0].fitted(LINE_ROOM if width is None else max(20, width - gutter - 3))
        yield Line((f"{code.number} | ", "blue"), code.text)
        yield Line((f"{edge} | ", "blue"), (_carets(code), style))
        yield Line((f"{edge} |", "blue"))
    notes = [("", finding.message)]
    also = finding.evidence.get("also")
    if isinstance(also, list):
        notes += [("also: ", str(text)) for text in also[:ALSO]]
        if len(also) > ALSO:
            notes.append(("", f"and {len(also) - ALSO:,} more of this place: see the reports"))
    # Where it is declared stands on the line with the place, by its address.
    others = [related for related in finding.related if related.message != DECLARED_HERE]
    notes += [("", f"{related.message}: {place_text(related.location)}") for related in others[:RELATED]]
    if len(others) > RELATED:
        notes.append(("", f"and {len(others) - RELATED} more places: see the reports"))
    if fix:
        notes.append(("fix: ", fix))
    for label, text in notes:
        yield from _note(edge, label, shown(text), width)


def _carets(code: CodeLine) -> str:
    blank = " " * cells(code.text[: code.start])
    return blank + "^" * max(1, cells(code.text[code.start : code.end]))


def _note(edge: str, label: str, text: str, width: int | None) -> Iterator[Line]:
    whole = label + text
    first, *more = [whole] if width is None else wrapped(whole, max(20, width - len(edge) - 3))
    yield Line((f"{edge} = ", "blue"), *([(label, "bold"), first[len(label) :]] if label else [first]))
    for line in more:
        yield Line(f"{edge}   {line}")
