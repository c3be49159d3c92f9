"""The summary on a terminal: the verdict, each family, the worst findings, what was not read.

Of code, every finding is told with its line first, and the summary is short and comes last, where one looks.

Plain text, and whole lines, where there is no terminal; plain text where ``NO_COLOR`` is set. Text from Azure
is never markup here and never reaches the terminal with its control characters.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

from reports.hostile import shortened, shown
from reports.line import Line, coloured, plain, wrapped
from reports.listing import STYLES, listing
from reports.pages import first_sentence, read_page
from reports.report import Report
from reports.summary import (
    Priority,
    by_severity,
    counted,
    families,
    is_complete,
    over_threshold,
    place_text,
    priorities,
    scope_name,
    verdict,
)
from reports.write import say
from scanner.engine.finding import Finding, Gap, Location

WORST = 10
_TALL = 32
"""Lines of a screen that has room for more than one gap, crash and notice."""
_IN_CODE = 10
"""Gaps, crashes and notices that are told of code, whatever the screen: they have places to look at."""
_ENOUGH = 8
"""Lines of findings; where there would be fewer, what was seen is told in one line."""
_ID_ROOM = 40
_LONG_ID = re.compile(rf"/\S{{{_ID_ROOM},}}")
_INDENT = 7
_UNDER_FINDING = " " * 13
_RELATED = 2
"""Places in code that are told of a finding whose subject is in none."""
_LABEL = 16
"""Columns before the text of a gap, a crash, a notice or a file."""


def render(report: Report) -> bytes:
    """Return the summary as plain text, no line cut."""
    return plain(_summary(report, (), None, None)).encode("utf-8", "replace")


def show(
    report: Report,
    *,
    files: Sequence[tuple[str, str]] = (),
    stream: TextIO | None = None,
    width: int | None = None,
    height: int | None = None,
) -> None:
    """Print the summary to ``stream`` (standard output), with the ``files`` written: pairs of format and path.

    ``width`` and ``height`` are columns and lines: on a terminal its own, elsewhere as many as it takes, so a
    log keeps every reason and name whole. On a screen of 24 lines and more it fits: what was not read is told
    in any case, the findings give way.

    Says nothing where standard output is closed or its reader has gone; characters that the stream cannot
    hold are replaced. Raises :class:`~reports.write.OutputError` when the stream takes no more.
    """
    target = stream if stream is not None else sys.stdout
    # Python has None for a standard stream that was closed before it started: nobody reads, nothing is said.
    if target is None:
        return
    is_terminal = _is_terminal(target)
    if is_terminal:
        size = shutil.get_terminal_size()
        width, height = width or size.columns, height or size.lines
    lines = _summary(report, files, width, height)
    colour = (is_terminal or os.environ.get("FORCE_COLOR")) and not os.environ.get("NO_COLOR")
    say(coloured(lines, target) if colour else plain(lines), target, "the summary")


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        # A stand-in for a stream need not have it; a closed stream raises, and says so when written to.
        return False


def _summary(
    report: Report, files: Sequence[tuple[str, str]], width: int | None, height: int | None
) -> list[Line]:
    each = 3 if height is None or height >= _TALL else 1
    tail = _tail(report, files, width, _IN_CODE if report.run.source == "repository" else each)
    if report.run.source == "repository":
        told = listing(report, width)
        lines = [
            *told,
            *([Line()] if told else []),
            *_head(report, width, 1),
            *_worst(report, None, width),
            *tail,
        ]
        return [line.truncated(width) for line in lines]
    head, room = _head(report, width, 3), None
    if height is not None:
        # One line stays free for the prompt, and the block of findings has an empty line before it.
        left = height - len(tail) - 2
        if left - len(head) < min(_ENOUGH, len(_worst(report, None, width))):
            head = _head(report, width, 1)
        room = max(3, left - len(head))
    lines = [*head, *_worst(report, room, width), *tail]
    return [line.truncated(width) for line in lines]


def _wrapped(text: str, width: int | None, most: int) -> list[str]:
    """Return the text in at most so many lines that fit beside the indent; in one line without a width."""
    if width is None:
        return [text]
    return wrapped(text, max(12, width - _INDENT), most)


def _head(report: Report, width: int | None, most: int) -> list[Line]:
    findings = report.open_findings
    style = (
        "bold red" if over_threshold(report) else "bold yellow" if not is_complete(report) else "bold green"
    )
    if findings and not over_threshold(report):
        style = "bold yellow"
    first, *more = _wrapped(verdict(report), width, 3)
    lines = [Line(("Midas  ", "bold"), (first, style))]
    lines += [Line(" " * _INDENT, (text, style)) for text in more]
    run = report.run
    in_code = run.source == "repository"
    # In code most kinds are missing most of the time, and that says nothing.
    read = ", ".join(
        _counted_kind(number, kind) for kind, number in run.subjects.items() if number or not in_code
    )
    told = shown(f"{run.target}{': ' + read if read else ''}")
    lines += [Line(" " * _INDENT, (text, "dim")) for text in _wrapped(told, width, most)]
    accepted = len(report.findings) - len(findings)
    if findings or accepted:
        counts = [
            (f"{number:,} {sev.value}", STYLES[sev])
            for sev, number in by_severity(findings).items()
            if number
        ]
        counts += [(f"{accepted:,} accepted", "dim")] if accepted else []
        lines.append(Line(" " * _INDENT, *(part for count in counts for part in (count, "  "))))
    if in_code:
        return lines
    lines.append(Line())
    for family in families(report):
        score = "  -" if family.score is None else f"{family.score:3}"
        style = (
            "red" if family.failed else "yellow" if family.unknown else "green" if family.judged else "dim"
        )
        lines.append(
            Line(
                f"  {family.name:<21}",
                (f"{score}/100  ", style),
                counted(family.failed, family.judged, family.unknown),
            )
        )
    return lines


def _counted_kind(number: int, kind: str) -> str:
    if number == 1:
        kind = f"{kind[:-3]}y" if kind.endswith("ies") else kind.removesuffix("s")
    return f"{number:,} {kind}"


def _worst(report: Report, room: int | None, width: int | None) -> list[Line]:
    """Return the worst findings, one line each; of a repository those that are in no file."""
    open_findings = report.open_findings
    if report.run.source == "repository":
        open_findings = tuple(finding for finding in open_findings if finding.location is None)
    findings = open_findings[:WORST]
    if not findings:
        return []
    hints = {priority.rule.code: _hint(priority) for priority in priorities(report)}
    blocks: list[list[Line]] = []
    code = ""
    for finding in findings:
        block = [_finding_line(finding, width)]
        block += [Line(_UNDER_FINDING, (place, "dim")) for place in _places(finding)]
        # One fix per rule: findings of a rule stand together, the first one carries it.
        if finding.code != code and hints[finding.code]:
            block.append(Line(f"{_UNDER_FINDING}{hints[finding.code]}"))
        code = finding.code
        blocks.append(block)
    lines = [Line()]
    for number, block in enumerate(blocks):
        rest = len(open_findings) - number
        # The last line that fits says how many are not shown.
        needed = len(block) + (1 if rest > 1 else 0)
        if room is not None and number and len(lines) + needed > room:
            break
        lines.extend(block)
    else:
        number = len(blocks)
    if number < len(open_findings):
        lines.append(Line((f"  and {len(open_findings) - number:,} more", "dim")))
    return lines


def _places(finding: Finding) -> list[str]:
    """Return where code declares a finding of a tenant, or, where it does not, what the finding speaks of."""
    if finding.location is not None:
        return [f"--> {shown(place_text(finding.location))}"]
    told = [f"{related.message}: {place_text(related.location)}" for related in finding.related[:_RELATED]]
    return [f"= {shown(text)}" for text in told]


def _finding_line(finding: Finding, width: int | None) -> Line:
    used = 2 + 9 + 7
    return Line(
        "  ",
        (f"{finding.severity.value:<9}", STYLES[finding.severity]),
        (f"{finding.code}  ", "dim"),
        _message(shown(finding.message), None if width is None else width - used),
    )


def _message(text: str, room: int | None) -> str:
    """Return a message that fits: it says who, what and where in this order, so its end gives way, and long ids."""
    if room is None or len(text) <= room:
        return text
    text = _LONG_ID.sub(lambda match: shortened(match[0], _ID_ROOM), text)
    return text if len(text) <= room else f"{text[: max(12, room) - 1]}…"


def _hint(priority: Priority) -> str:
    sentence = first_sentence(read_page(priority.rule.page).fix)
    return shown(f"fix: {sentence}") if sentence else ""


def _fitting(text: str, room: int | None) -> str:
    return text if room is None else shortened(text, max(12, room))


def _gap_text(gap: Gap, room: int | None) -> str:
    """Return the gap with its reason before its scope: the scope is the long part, the reason what to act on.

    In code the place comes first, and what table would have had a row there says nothing.
    """
    if not gap.scope.startswith("/"):
        return f"{shown(gap.scope)}: {shown(gap.reason)}{': ' + shown(gap.detail) if gap.detail else ''}"
    table, scope = shown(gap.table), shown(scope_name(gap.scope))
    reason = f"{table}: {shown(gap.reason)}{': ' + shown(gap.detail) if gap.detail else ''}"
    if room is None:
        return f"{reason} ({scope})"
    scope = shortened(scope, max(16, room // 3, room - len(reason) - 3))
    left = max(16, room - len(scope) - 3)
    return f"{reason if len(reason) <= left else reason[: left - 1] + '…'} ({scope})"


def _unclear(report: Report) -> list[str]:
    """Return the declarations of which rules cannot speak, those of the most severe rules first."""
    severity = {rule.code: rule.severity.rank for rule in report.rules}
    codes: dict[tuple[Location, str], list[str]] = {}
    for unknown in sorted(report.unknown, key=lambda one: severity.get(one.code, 0)):
        if unknown.location is not None:
            codes.setdefault((unknown.location, unknown.reason), []).append(unknown.code)
    return [
        shown(f"{place_text(location)}: {reason} ({', '.join(found)})")
        for (location, reason), found in codes.items()
    ]


def _tail(report: Report, files: Sequence[tuple[str, str]], width: int | None, each: int) -> list[Line]:
    """Return what was not read, at most ``each`` of a kind and how many more, and the files."""
    room = None if width is None else width - _LABEL
    lines: list[Line] = []
    first_line = verdict(report).lower()
    in_code = report.run.source == "repository"
    elsewhere = "see the reports" if files else "--output html=FILE has them all"
    for label, style, texts in (
        ("rule crashed", "bold red", [shown(f"{fault.code}: {fault.error}") for fault in report.faults]),
        ("not read", "bold yellow", [_gap_text(gap, room) for gap in report.gaps[:each]]),
        ("unknown", "yellow", _unclear(report) if in_code else []),
        ("notice", "yellow", [shown(notice) for notice in report.notices if notice.lower() != first_line]),
    ):
        for text in texts[:each]:
            # Of code nothing else tells what is wrong where; a tenant's summary fits the screen.
            first, *more = wrapped(text, max(12, room)) if in_code and room is not None else [text]
            lines.append(Line((f"  {label:<14}", style), first))
            lines.extend(Line(" " * _LABEL, line) for line in more)
        total = len(report.gaps) if label == "not read" else len(texts)
        if total > each:
            lines.append(Line((f"  {label:<14}", style), f"and {total - each:,} more: {elsewhere}"))
    lines.extend(Line((f"  {name:<14}", "dim"), _fitting(shown(path), room)) for name, path in files)
    return [Line(), *lines] if lines else []
