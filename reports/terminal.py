"""The summary on a terminal: the verdict, each family, the worst findings, what was not read.

Plain text where there is no terminal or ``NO_COLOR`` is set. Text from Azure is never markup here and never
reaches the terminal with its control characters.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING, TextIO

from reports.hostile import shown
from reports.pages import first_sentence, read_page
from reports.report import Report
from reports.summary import (
    Priority,
    by_severity,
    counted,
    families,
    is_complete,
    over_threshold,
    priorities,
    verdict,
)
from scanner.engine.finding import Finding
from scanner.rule import Severity

if TYPE_CHECKING:
    from rich.text import Text

WORST = 10
_TALL = 32
"""Lines of a screen that has room for more than one gap, crash and notice."""
_STYLES: dict[Severity, str] = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}


def render(report: Report) -> bytes:
    """Return the summary as plain text, 100 columns wide."""
    stream = StringIO()
    show(report, stream=stream, width=100)
    return stream.getvalue().encode("utf-8", "replace")


def show(
    report: Report,
    *,
    files: Sequence[tuple[str, str]] = (),
    stream: TextIO | None = None,
    width: int | None = None,
    height: int | None = None,
) -> None:
    """Print the summary to ``stream`` (standard output), with the ``files`` written: pairs of format and path.

    ``width`` and ``height`` are columns and lines; on a terminal they are its own, elsewhere 100 columns and
    any number of lines. It fits a screen of 24 lines and more: what was not read is told in any case, the
    findings give way.
    """
    from rich.console import Console

    target = stream or sys.stdout
    if target.isatty():
        size = shutil.get_terminal_size()
        width, height = width or size.columns, height or size.lines
    console = Console(file=target, width=width or 100, highlight=False, markup=False, emoji=False)
    head = _head(report)
    tail = _tail(report, files, each=3 if height is None or height >= _TALL else 1)
    # One line stays free for the prompt, and the block of findings has an empty line before it.
    room = None if height is None else max(3, height - len(head) - len(tail) - 2)
    for line in [*head, *_worst(report, room, console.width), *tail]:
        line.truncate(console.width, overflow="ellipsis")
        console.print(line, no_wrap=True, overflow="ignore", crop=False)


def _line(*parts: str | tuple[str, str]) -> Text:
    from rich.text import Text

    line = Text()
    for part in parts:
        if isinstance(part, str):
            line.append(part)
        else:
            line.append(part[0], style=part[1])
    return line


def _head(report: Report) -> list[Text]:
    findings = report.open_findings
    style = (
        "bold red" if over_threshold(report) else "bold yellow" if not is_complete(report) else "bold green"
    )
    if findings and not over_threshold(report):
        style = "bold yellow"
    lines = [_line(("Midas  ", "bold"), (verdict(report), style))]
    run = report.run
    read = ", ".join(f"{number:,} {kind}" for kind, number in run.subjects.items())
    lines.append(_line((shown(f"       {run.target}{': ' + read if read else ''}"), "dim")))
    if findings:
        accepted = len(report.findings) - len(findings)
        counts = [
            (f"{number:,} {sev.value}", _STYLES[sev])
            for sev, number in by_severity(findings).items()
            if number
        ]
        counts += [(f"{accepted:,} accepted", "dim")] if accepted else []
        lines.append(_line("       ", *(part for count in counts for part in (count, "  "))))
        lines[-1].rstrip()
    lines.append(_line())
    for family in families(report):
        score = "  -" if family.score is None else f"{family.score:3}"
        style = "red" if family.failed else "yellow" if family.unknown else "green"
        lines.append(
            _line(
                f"  {family.name:<21}",
                (f"{score}/100  ", style),
                counted(family.failed, family.judged, family.unknown),
            )
        )
    return lines


def _worst(report: Report, room: int | None, width: int) -> list[Text]:
    findings = report.open_findings[:WORST]
    if not findings:
        return []
    hints = {priority.rule.code: _hint(priority) for priority in priorities(report)}
    blocks: list[list[Text]] = []
    code = ""
    for finding in findings:
        block = [_finding_line(finding, width)]
        # One fix per rule: findings of a rule stand together, the first one carries it.
        if finding.code != code and hints[finding.code]:
            block.append(_line(f"             {hints[finding.code]}"))
        code = finding.code
        blocks.append(block)
    lines = [_line()]
    for number, block in enumerate(blocks):
        rest = len(report.open_findings) - number
        # The last line that fits says how many are not shown.
        needed = len(block) + (1 if rest > 1 else 0)
        if room is not None and number and len(lines) + needed > room:
            break
        lines.extend(block)
    else:
        number = len(blocks)
    if number < len(report.open_findings):
        lines.append(_line((f"  and {len(report.open_findings) - number:,} more", "dim")))
    return lines


def _finding_line(finding: Finding, width: int) -> Text:
    used = 2 + 9 + 7
    return _line(
        "  ",
        (f"{finding.severity.value:<9}", _STYLES[finding.severity]),
        (f"{finding.code}  ", "dim"),
        shown(finding.message, max(12, width - used)),
    )


def _hint(priority: Priority) -> str:
    sentence = first_sentence(read_page(priority.rule.page).fix)
    return shown(f"fix: {sentence}") if sentence else ""


def _tail(report: Report, files: Sequence[tuple[str, str]], each: int) -> list[Text]:
    """Return what was not read, at most ``each`` of a kind and how many more, and the files."""
    gaps = [
        f"{gap.table} in {gap.scope}: {gap.reason}{f': {gap.detail}' if gap.detail else ''}"
        for gap in report.gaps
    ]
    faults = [f"{fault.code}: {fault.error}" for fault in report.faults]
    lines: list[Text] = []
    for label, style, texts in (
        ("rule crashed", "bold red", faults),
        ("not read", "bold yellow", gaps),
        ("notice", "yellow", list(report.notices)),
    ):
        lines.extend(_line((f"  {label:<14}", style), shown(text)) for text in texts[:each])
        if len(texts) > each:
            lines.append(_line((f"  {label:<14}", style), f"and {len(texts) - each:,} more: see the reports"))
    lines.extend(_line((f"  {name:<14}", "dim"), shown(path)) for name, path in files)
    return [_line(), *lines] if lines else []
