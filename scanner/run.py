"""One scan, start to end. Read this first.

    rules --(what they read)--> facts --(judge)--> verdicts --(policy)--> report --(write)--> files

Nothing here parses flags or prints; nothing below here knows of flags.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from reports.report import Report, RunInfo, ToolInfo
from scanner import __version__
from scanner.compare import compared, new_gaps, once_for_each_place, only_new, said, there_before
from scanner.engine.baseline import read_baseline
from scanner.engine.fixes import offer
from scanner.engine.ignores import ignores_of
from scanner.engine.policy import accept, is_complete, nothing_judged
from scanner.engine.registry import Rule
from scanner.question import question
from scanner.settings import Settings
from scanner.verdicts import judge
from scanner.world import OpensWorld, seen_whole


def scan(
    open_world: OpensWorld,
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
        notices += there_before(
            world.before.called,
            len(marked) - len(found),
            len(verdicts.unknown) - len(unknown),
            len(verdicts.gaps) - len(gaps),
        )
    if world.origin.source == "repository" and not every_instance:
        found = once_for_each_place(found)
    found = offer(found, rules, world.sources)
    if nothing_judged(verdicts.results):
        no_code = world.origin.source == "repository" and not world.files
        why = "there is no infrastructure file" if no_code else "no rule found a subject in what was read"
        notices = (f"nothing was judged: {why}", *notices)
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
