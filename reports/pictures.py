"""The pictures of the HTML report, laid out as numbers; the template draws them as inline SVG."""

from __future__ import annotations

import msgspec

from reports.hostile import LABEL_LIMIT, shown
from reports.report import Report
from reports.summary import FamilySummary
from scanner.facts.schema import LEVEL_NAMES
from scanner.rule import Severity

STEPS = 5
"""Shades of the heat map: 1 is the least reach, 0 an empty cell."""


class Cell(msgspec.Struct, frozen=True):
    """One cell of the heat map: place in SVG units, how many identities, how strong a colour."""

    x: int
    y: int
    identities: int
    shade: int
    level: str
    privilege: str


class Label(msgspec.Struct, frozen=True):
    """A text of a picture at its place."""

    x: int
    y: int
    text: str


class HeatMap(msgspec.Struct, frozen=True, kw_only=True):
    """Identities by privilege (rows, strongest first) and scope level (columns, widest first)."""

    width: int
    height: int
    cell_width: int
    cell_height: int
    columns: tuple[Label, ...]
    rows: tuple[Label, ...]
    cells: tuple[Cell, ...]
    levels: tuple[str, ...]
    table: tuple[tuple[str, tuple[int, ...]], ...]
    description: str


class Segment(msgspec.Struct, frozen=True):
    """A part of a bar: place and width in SVG units, severity and count; ``label`` where it has room."""

    x: float
    width: float
    severity: Severity
    count: int
    label: str


class Bar(msgspec.Struct, frozen=True):
    """One family's findings by severity."""

    y: int
    family: str
    total: int
    end: float
    segments: tuple[Segment, ...]


class BarChart(msgspec.Struct, frozen=True, kw_only=True):
    """Findings by severity for each family."""

    width: int
    height: int
    bar_height: int
    bars: tuple[Bar, ...]
    description: str


def heat_map(report: Report) -> HeatMap | None:
    """Lay out the exposure of the report; None when no identity holds a privilege."""
    counts = {(cell.privilege, cell.level): cell.identities for cell in report.exposure if cell.identities}
    if not counts:
        return None
    known = [*LEVEL_NAMES.values()]
    levels = [*known, *sorted({level for _, level in counts} - set(known))]
    found = sorted({privilege for privilege, _ in counts} - set(report.privileges))
    privileges = [*report.privileges, *found]
    names = [shown(privilege, 24) for privilege in privileges]
    left = 28 + 7 * max(len(name) for name in names)
    top, cell_width, cell_height, gap = 44, 84, 34, 4
    cells = tuple(
        Cell(
            x=left + column * (cell_width + gap),
            y=top + row * (cell_height + gap),
            identities=number,
            shade=_shade(row, len(privileges), column, len(levels)) if number else 0,
            level=level,
            privilege=shown(privilege, LABEL_LIMIT),
        )
        for row, privilege in enumerate(privileges)
        for column, level in enumerate(levels)
        for number in [counts.get((privilege, level), 0)]
    )
    widest = min(counts, key=lambda key: (levels.index(key[1]), privileges.index(key[0])))
    return HeatMap(
        width=left + len(levels) * (cell_width + gap),
        height=top + len(privileges) * (cell_height + gap),
        cell_width=cell_width,
        cell_height=cell_height,
        # One word a line: "management group" is wider than its column.
        columns=tuple(
            Label(left + column * (cell_width + gap) + cell_width // 2, top - 10 - 15 * below, word)
            for column, level in enumerate(levels)
            for below, word in enumerate(reversed(shown(level, 24).split(" ", 1)))
        ),
        rows=tuple(
            Label(left - 12, top + row * (cell_height + gap) + cell_height // 2 + 5, name)
            for row, name in enumerate(names)
        ),
        cells=cells,
        levels=tuple(levels),
        table=tuple(
            (shown(privilege, LABEL_LIMIT), tuple(counts.get((privilege, level), 0) for level in levels))
            for privilege in privileges
        ),
        description=(
            f"Managed identities by the strongest privilege they hold at each scope level. Widest: {counts[widest]:,} "
            f"with {shown(widest[0], LABEL_LIMIT)} at {widest[1]}."
        ),
    )


def _shade(row: int, rows: int, column: int, columns: int) -> int:
    """Return how far a cell reaches, 1 to STEPS: the stronger the privilege and the wider the level, the more.

    The number of identities does not matter: one owner of everything is worse than a hundred readers.
    """
    strength = (rows - 1 - row) / (rows - 1) if rows > 1 else 1.0
    width = (columns - 1 - column) / (columns - 1)
    return 1 + round((STEPS - 1) * (strength + width) / 2)


def bar_chart(families: list[FamilySummary]) -> BarChart | None:
    """Lay out the findings of each family; None when there are none."""
    totals = {family.name: sum(family.by_severity.values()) for family in families}
    most = max(totals.values(), default=0)
    if not most:
        return None
    left, top, bar_height, gap, full = 170, 6, 26, 14, 400
    bars = []
    for row, family in enumerate(families):
        x = float(left)
        segments = []
        for severity, count in family.by_severity.items():
            if count:
                # Every finding stays visible beside thousands: a segment is never thinner than 3 units.
                width = max(3.0, round(full * count / most, 1))
                label = f"{count:,}" if width >= 9 * len(f"{count:,}") + 6 else ""
                segments.append(Segment(round(x, 1), width, severity, count, label))
                x += width
        y = top + row * (bar_height + gap)
        bars.append(Bar(y, family.name, totals[family.name], round(x, 1), tuple(segments)))
    worst = max(families, key=lambda family: totals[family.name])
    return BarChart(
        width=left + full + 80,
        height=top + len(families) * (bar_height + gap),
        bar_height=bar_height,
        bars=tuple(bars),
        description=f"Open findings by severity in each family of rules. Most: {worst.name}, {most:,}.",
    )
