"""Write down the findings there are, so that only later ones count: ``midas baseline``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import msgspec

from scanner import run
from scanner.engine.baseline import BaselineError, make_baseline, read_baseline
from scanner.engine.registry import Rule
from scanner.run import Question, World
from scanner.settings import Settings


def draw(
    open_world: Callable[[Question], World],
    rules: Sequence[Rule],
    settings: Settings,
    path: Path,
    *,
    reason: str = "",
    today: Callable[[], date] = date.today,
) -> int:
    """Write the baseline of a world and return how many findings are in it.

    What was in the file before keeps its day and its reason. Raises
    :class:`~scanner.engine.baseline.BaselineError` when the file cannot be written, or is no baseline.
    """
    before = read_baseline(path) if path.exists() else None
    without = msgspec.structs.replace(settings, baseline=None)
    report = run.scan(open_world, rules, without, every_instance=True)
    data = make_baseline(report.findings, today(), reason=reason, before=before)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BaselineError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from error
    return sum(finding.suppressed is None for finding in report.findings)
