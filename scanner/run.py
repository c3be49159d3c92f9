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
from scanner.compare import compared, new_gaps, once_for_each_place, only_new, said
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
    below: tuple[str, ...] = ()
    """The paths from the repository's root that were looked at; none: all of it."""
    with_comments: tuple[str, ...] = ()
    """Those of them that speak of Midas, perhaps to accept a finding."""
    before: Before | None = None
    """What it was before a change; None where no change is judged."""
    memory: Memory | None = None
    """Keeps what judging it came to, while it stays the same."""
    elsewhere: Callable[[], bytes | None] | None = None
    """Has it judged by another process; see :func:`scanner.verdicts.judge`."""


class Before(msgspec.Struct, frozen=True):
    """An earlier state of a world, in words; ``store`` is None when its facts were the same."""

    called: str
    store: FactStore | None
    sources: SourceFiles | None = None
    """The files as they were; None where there was none, or they were the same."""
    moves: Callable[[], Sequence[tuple[str, str]]] = tuple
    """Returns old and new addresses of what the code of now says has moved."""


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
    verdicts = judge(world.store, rules, settings, world.memory, world.elsewhere)
    results, found = verdicts.results, verdicts.findings
    unknown, gaps = verdicts.unknown, verdicts.gaps
    baseline = None if settings.baseline is None else read_baseline(settings.baseline)
    if baseline is not None and world.sources is not None:
        baseline = baseline.following(found, said, world.sources.is_gone)
    found, notices = accept(
        found,
        settings.exceptions,
        today(),
        judged={rule.meta.id for rule in rules},
        ignores=ignores_of(world.with_comments, world.sources) if world.sources is not None else (),
        baseline=baseline,
        within=seen_whole(world, gaps),
        codes=settings.codes,
    )
    notices += world.notices
    if world.before is not None:
        then = verdicts if world.before.store is None else judge(world.before.store, rules, settings)
        had = found if then is verdicts else then.findings
        marked = compared(found, had, world.sources, world.before.moves)
        results, found, unknown = only_new(results, marked, unknown, then.unknown)
        gaps = new_gaps(gaps, then.gaps, world.sources, world.before.sources)
        notices += _there_before(
            world.before.called,
            len(marked) - len(found),
            len(verdicts.unknown) - len(unknown),
            len(verdicts.gaps) - len(gaps),
        )
    if world.origin.source == "repository" and not every_instance:
        found = once_for_each_place(found)
    codes = {finding.code for finding in found}
    if world.sources is not None and any(rule.fix is not None and rule.meta.id in codes for rule in rules):
        # What edits are made of takes longer to import than most code takes to judge.
        from scanner.engine.fixes import offer

        found = offer(found, rules, world.sources)
    if nothing_judged(verdicts.results):
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
            complete=is_complete(verdicts.results, gaps, verdicts.faults),
            requests=origin.requests,
            subjects=verdicts.seen,
        ),
        rules=results,
        findings=found,
        unknown=unknown,
        gaps=gaps,
        faults=verdicts.faults,
        notices=notices,
        exposure=verdicts.exposure,
        privileges=verdicts.privileges,
        threshold=settings.fail_on,
        sources=world.sources,
    )


def _there_before(called: str, findings: int, unknown: int, gaps: int) -> tuple[str, ...]:
    """Return what is said of that which a change did not bring."""
    findings_were = "finding was" if findings == 1 else "findings were"
    told = [f"{f'{findings:,}' if findings else 'no'} {findings_were} there before ({called})"]
    also = [
        f"{count:,} {what}{'' if count == 1 else 's'}"
        for count, what in ((unknown, "unknown verdict"), (gaps, "gap"))
        if count
    ]
    if also:
        were = "was" if unknown + gaps == 1 else "were"
        told.append(f"{' and '.join(also)} {were} there before, too: run it without --since to see all")
    return tuple(told)


def seen_whole(world: World, gaps: Sequence[Gap]) -> Callable[[str], bool]:
    """Return what says whether all was read that could hold the findings of a file, or of the tenant for the name "".

    Of a tenant with gaps, of files that were not looked at, and in a tenant of what is accepted in code nothing can be
    said to be gone. A file that is there no more holds nothing.
    """
    in_code = world.origin.source == "repository"
    not_whole = _files_of(gaps)

    def whole(uri: str) -> bool:
        if not uri or not in_code:
            return not (uri or in_code or gaps)
        looked = not world.below or any(uri == path or uri.startswith(f"{path}/") for path in world.below)
        gone = looked and world.sources is not None and world.sources.is_gone(uri)
        return gone or (uri in world.files and uri not in not_whole)

    return whole


def _files_of(gaps: Sequence[Gap]) -> frozenset[str]:
    """Return the files in which something could not be read; a gap in code has a file and perhaps a line."""
    return frozenset(
        uri if line.isdigit() else gap.scope for gap in gaps for uri, _, line in [gap.scope.rpartition(":")]
    )
