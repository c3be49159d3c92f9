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
from scanner.engine import describe, evaluate
from scanner.engine.finding import Gap
from scanner.engine.picture import exposure, seen
from scanner.engine.policy import accept, is_complete, nothing_judged
from scanner.engine.registry import Rule
from scanner.facts.snapshot import Origin
from scanner.facts.store import FactStore
from scanner.settings import Settings


class World(msgspec.Struct, frozen=True):
    """Facts with where they came from."""

    store: FactStore
    origin: Origin


class Question(msgspec.Struct, frozen=True):
    """What the chosen rules need to know: tables, and ARM type and path of resource properties."""

    tables: frozenset[str]
    settings: frozenset[tuple[str, str]]


def question(rules: Sequence[Rule]) -> Question:
    """Return what must be collected so that these rules can judge."""
    return Question(
        tables=frozenset[str]().union(*(rule.meta.tables for rule in rules)),
        settings=frozenset((s.type.lower(), s.path) for rule in rules for s in rule.meta.settings),
    )


def scan(
    open_world: Callable[[Question], World],
    rules: Sequence[Rule],
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    today: Callable[[], date] = date.today,
) -> Report:
    """Open a world, judge it, apply policy, and return the report."""
    started = now()
    world = open_world(question(rules))
    judgement = evaluate.judge(world.store, rules, settings.parameters)
    entities = describe.entities_of(world.store, judgement)
    results = describe.results(judgement, settings.severities)
    found = describe.findings(judgement, entities, settings.severities)
    found, notices = accept(found, settings.exceptions, today(), judged={rule.meta.id for rule in rules})
    if nothing_judged(results):
        notices = ("nothing was judged: no rule found a subject in what was read", *notices)
    gaps = tuple(Gap(g["table"], g["scope_id"], g["reason"], g["detail"]) for g in world.store.gaps())
    cells, privileges = exposure(world.store)
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
            complete=is_complete(results, gaps, judgement.faults),
            requests=origin.requests,
            subjects=seen(world.store),
        ),
        rules=results,
        findings=found,
        unknown=describe.unknowns(judgement, entities),
        gaps=gaps,
        faults=judgement.faults,
        notices=notices,
        exposure=cells,
        privileges=privileges,
        threshold=settings.fail_on,
    )
