"""One scan, start to end. Read this first.

    rules --(what they read)--> facts --(judge)--> verdicts --(policy)--> report --(write)--> files

Nothing here parses flags or prints; nothing below here knows of flags.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

import msgspec

from reports.report import Report, RunInfo, ToolInfo
from scanner import __version__
from scanner.compare import compared, once_for_each_place, only_new
from scanner.engine.baseline import read_baseline
from scanner.engine.finding import Gap
from scanner.engine.ignores import ignores_of
from scanner.engine.policy import accept, is_complete, nothing_judged
from scanner.engine.registry import Rule
from scanner.engine.source_files import SourceFiles
from scanner.facts.snapshot import Origin
from scanner.facts.store import FactStore
from scanner.settings import Settings
from scanner.verdicts import Memory, judge


class World(msgspec.Struct, frozen=True):
    """Facts with where they came from, and what there is to say of reading them."""

    store: FactStore
    origin: Origin
    notices: tuple[str, ...] = ()
    sources: SourceFiles | None = None
    """The files that declare it; None for a tenant."""
    files: frozenset[str] = frozenset()
    """The files that were looked at."""
    with_comments: tuple[str, ...] = ()
    """Those of them that speak of Midas, perhaps to accept a finding."""
    before: Before | None = None
    """What it was before a change; None where no change is judged."""
    memory: Memory | None = None
    """Keeps what judging it came to, while it stays the same."""


class Before(msgspec.Struct, frozen=True):
    """An earlier state of a world, in words; ``store`` is None when its facts were the same."""

    called: str
    store: FactStore | None
    sources: SourceFiles | None


class Question(msgspec.Struct, frozen=True):
    """What the chosen rules need to know: tables, ARM type and path of resource properties, and of what is pointed at.

    ``points_at`` are paths of properties whose places in code findings show; a tenant has none.
    """

    tables: frozenset[str]
    settings: frozenset[tuple[str, str]]
    points_at: frozenset[str] = frozenset()


def question(rules: Sequence[Rule]) -> Question:
    """Return what must be collected so that these rules can judge."""
    return Question(
        tables=frozenset[str]().union(*(rule.meta.tables for rule in rules)),
        settings=frozenset((s.type.lower(), s.path) for rule in rules for s in rule.meta.settings),
        points_at=frozenset(path for rule in rules for path in rule.meta.points_at),
    )


def scan(
    open_world: Callable[[Question], World],
    rules: Sequence[Rule],
    settings: Settings,
    *,
    every_instance: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    today: Callable[[], date] = date.today,
) -> Report:
    """Open a world, judge it, apply policy, and return the report.

    In code a rule has one finding for each place; with ``every_instance``, one for everything that is declared there.
    """
    started = now()
    world = open_world(question(rules))
    verdicts = judge(world.store, rules, settings, world.memory)
    results, found = verdicts.results, verdicts.findings
    not_whole = _files_of(verdicts.gaps)
    found, notices = accept(
        found,
        settings.exceptions,
        today(),
        judged={rule.meta.id for rule in rules},
        ignores=ignores_of(world.with_comments, world.sources) if world.sources is not None else (),
        baseline=None if settings.baseline is None else read_baseline(settings.baseline),
        within=lambda uri: uri in world.files and uri not in not_whole,
    )
    notices += world.notices
    if world.before is not None:
        had = found
        if world.before.store is not None:
            had = judge(world.before.store, rules, settings).findings
        marked = compared(found, had, world.sources, world.before.sources)
        results, found = only_new(results, marked)
        had_before = len(marked) - len(found)
        findings_were = "finding was" if had_before == 1 else "findings were"
        notices += (
            f"{f'{had_before:,}' if had_before else 'no'} {findings_were} there before ({world.before.called})",
        )
    if world.origin.source == "repository" and not every_instance:
        found = once_for_each_place(found)
    codes = {finding.code for finding in found}
    if world.sources is not None and any(rule.fix is not None and rule.meta.id in codes for rule in rules):
        # What edits are made of takes longer to import than most code takes to judge.
        from scanner.engine.fixes import offer

        found = offer(found, rules, world.sources)
    if nothing_judged(results):
        notices = ("nothing was judged: no rule found a subject in what was read", *notices)
    origin = world.origin
    return Report(
        tool=ToolInfo("midas", __version__),
        run=RunInfo(
            source=origin.source,
            target=origin.target,
            tenant=origin.tenant,
            cloud=origin.cloud,
            started=started,
            finished=now(),
            facts_from=origin.read_at,
            complete=is_complete(results, verdicts.gaps, verdicts.faults),
            requests=origin.requests,
            subjects=verdicts.seen,
        ),
        rules=results,
        findings=found,
        unknown=verdicts.unknown,
        gaps=verdicts.gaps,
        faults=verdicts.faults,
        notices=notices,
        exposure=verdicts.exposure,
        privileges=verdicts.privileges,
        threshold=settings.fail_on,
        sources=world.sources,
    )


def _files_of(gaps: Sequence[Gap]) -> frozenset[str]:
    """Return the files in which something could not be read; a gap in code has a file and perhaps a line."""
    return frozenset(
        uri if line.isdigit() else gap.scope for gap in gaps for uri, _, line in [gap.scope.rpartition(":")]
    )
