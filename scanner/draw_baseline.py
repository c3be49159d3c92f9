"""Write down the findings there are, so that only later ones count: ``midas baseline``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import msgspec

from scanner import run
from scanner.compare import said
from scanner.engine.baseline import BaselineError, make_baseline, read_baseline
from scanner.engine.registry import Rule
from scanner.question import Question
from scanner.settings import Settings
from scanner.world import OpensWorld, World, seen_whole


def draw(
    open_world: OpensWorld,
    rules: Sequence[Rule],
    settings: Settings,
    path: Path,
    *,
    reason: str = "",
    today: Callable[[], date] = date.today,
) -> tuple[int, int]:
    """Write the baseline of a world; return how many findings are in it, and how many more stay from before.

    What was in the file before keeps its day and its reason. It stays when it could not be looked for: its rule did not
    run, its file was not among those read, or it is of a tenant and this is code. Raises
    :class:`~scanner.engine.baseline.BaselineError` when the file cannot be written, or is no baseline.
    """
    before = read_baseline(path) if path.exists() else None
    without = msgspec.structs.replace(settings, baseline=None)
    opened: list[World] = []

    def opening(wanted: Question) -> World:
        opened.append(open_world(wanted))
        return opened[-1]

    report = run.scan(opening, rules, without, every_instance=True)
    judged = {rule.meta.id for rule in rules}
    whole = seen_whole(opened[-1], report.gaps)
    if before is not None and report.sources is not None:
        before = before.following(report.findings, said, report.sources.is_gone)
    data = make_baseline(
        report.findings,
        today(),
        reason=reason,
        before=before,
        said=said,
        keeps=lambda entry: not (entry.code in judged and whole(entry.uri)),
    )
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BaselineError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from error
    drawn = {finding.fingerprint for finding in report.findings if finding.suppressed is None}
    return len(drawn), len(read_baseline(path).entries) - len(drawn)
