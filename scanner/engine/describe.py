"""From keys to words: verdict counts, findings and unknowns as reports print them."""

from __future__ import annotations

import gc
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scanner.engine.evaluate import Judged, Judgement
from scanner.engine.finding import Finding, Location, RuleResult, Subject, Unknown, fingerprint
from scanner.engine.registry import Rule
from scanner.facts import ids
from scanner.facts.schema import LEVEL_NAMES, Level, is_key_column
from scanner.rule import Severity

if TYPE_CHECKING:
    import polars as pl

    from scanner.facts.store import FactStore

LISTED_UNKNOWNS = 1_000
"""Unknown subjects listed one by one per rule and reason; beyond, the count stands and one line says so."""


def results(judgement: Judgement, severities: Mapping[str, Severity] | None = None) -> tuple[RuleResult, ...]:
    """Return every rule with its verdict counts, in the order of codes; ``severities`` overrides by code."""
    found = [
        _result(
            one.rule,
            severities,
            failed=one.failed,
            unknown=one.undecided,
            passed=max(one.subjects - one.failed - sum(len(frame) for frame, _ in one.unknown), 0),
            not_applicable=max(one.everything - one.subjects, 0),
        )
        for one in judgement.judged
    ]
    found.extend(_result(rule, severities, unknown=count) for rule, count in judgement.crashed)
    return tuple(sorted(found, key=lambda result: result.code))


def _result(rule: Rule, severities: Mapping[str, Severity] | None, **counts: int) -> RuleResult:
    meta = rule.meta
    return RuleResult(
        code=meta.id,
        name=meta.name,
        severity=(severities or {}).get(meta.id, meta.severity),
        confidence=meta.confidence,
        effort=meta.effort,
        page=rule.page,
        controls=meta.controls,
        references=meta.references,
        **counts,
    )


class Entities:
    """The entities that findings and unknowns speak of, read once."""

    def __init__(self, store: FactStore, keys: pl.Series) -> None:
        import polars as pl

        wanted = keys.unique().implode()
        rows = store.frame("entities").filter(pl.col("entity").is_in(wanted))
        found = rows.select("entity", "id", "type", "name", "subscription").collect()
        self._subjects: dict[int, Subject] = {}
        self._subscription: dict[int, int | None] = {}
        self._evidence: dict[int, dict[str, str]] = {}
        for key, entity_id, type_, name, subscription in found.iter_rows():
            self._subjects[key] = Subject(entity_id, type_, name)
            self._subscription[key] = subscription
        subscriptions = found["subscription"].drop_nulls().unique().implode()
        names = store.frame("entities").filter(pl.col("entity").is_in(subscriptions)).select("entity", "name")
        self._subscription_names: dict[int | None, str] = dict(names.collect().iter_rows())
        places = store.frame("places").filter(pl.col("entity").is_in(wanted)).collect()
        self._places = {row.pop("entity"): Location(**row) for row in places.to_dicts()}

    def subject(self, key: int) -> Subject:
        """Return an entity as the subject of a finding."""
        return self._subjects[key]

    def evidence(self, key: int) -> dict[str, str]:
        """Return an entity as a piece of evidence; the same object each time, so it must not be changed."""
        shown = self._evidence.get(key)
        if shown is None:
            subject = self._subjects[key]
            shown = self._evidence[key] = {"id": subject.id, "name": subject.name, "type": subject.type}
        return shown

    def subscription(self, key: int) -> str | None:
        """Return the name of the subscription an entity lies in."""
        return self._subscription_names.get(self._subscription[key])

    def location(self, key: int) -> Location | None:
        """Return the place in a repository where an entity is declared."""
        return self._places.get(key)


def entities_of(store: FactStore, judgement: Judgement) -> Entities:
    """Read the entities that the findings and listed unknowns of a judgement need."""
    import polars as pl

    keys = [pl.Series([], dtype=pl.UInt32)]
    for one in judgement.judged:
        keys.extend(one.failing[name].drop_nulls() for name in one.failing.columns if is_key_column(name))
        keys.extend(frame[one.rule.meta.subject_key].head(LISTED_UNKNOWNS) for frame, _ in one.unknown)
    return Entities(store, pl.concat(keys))


def findings(
    judgement: Judgement, entities: Entities, severities: Mapping[str, Severity] | None = None
) -> tuple[Finding, ...]:
    """Return every finding, in the fixed order: severity, code, subject id, fingerprint."""
    found: list[Finding] = []
    with _paused_collector():
        for one in judgement.judged:
            severity = (severities or {}).get(one.rule.meta.id, one.rule.meta.severity)
            found.extend(_Phrasing(one, entities, severity).findings())
    return tuple(sorted(found, key=lambda f: (f.severity.rank, f.code, f.subject.id.lower(), f.fingerprint)))


@contextmanager
def _paused_collector() -> Iterator[None]:
    """Pause the garbage collector: it would walk all findings again and again while they are made, and frees none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Phrasing:
    """Turns one rule's failing rows into findings; what is the same for all rows is worked out once."""

    def __init__(self, judged: Judged, entities: Entities, severity: Severity) -> None:
        self._meta = judged.rule.meta
        self._failing = judged.failing
        self._entities = entities
        self._severity = severity
        columns = judged.failing.columns
        self._keys = [is_key_column(name) for name in columns]
        self._levels = [name.rsplit("_", 1)[-1] == "level" for name in columns]
        self._subject_at = columns.index(self._meta.subject_key)
        self._identifying = [columns.index(name) for name in self._meta.key]
        self._template = [
            (literal, None if name is None else (name.partition(".")[0], name.partition(".")[2]))
            for literal, name, _, _ in string.Formatter().parse(self._meta.message)
        ]

    def findings(self) -> Iterator[Finding]:
        """Yield the findings in the order of the rows."""
        meta, entities, columns = self._meta, self._entities, self._failing.columns
        for row in self._failing.iter_rows():
            key = row[self._subject_at]
            subject = entities.subject(key)
            shown = [self._show(at, value) for at, value in enumerate(row)]
            identifying = tuple(_identify(shown[at]) for at in self._identifying)
            yield Finding(
                code=meta.id,
                name=meta.name,
                severity=self._severity,
                confidence=meta.confidence,
                effort=meta.effort,
                message=self._message(subject, dict(zip(columns, shown, strict=True))),
                subject=subject,
                subscription=entities.subscription(key),
                location=entities.location(key),
                evidence={
                    name: entities.evidence(row[at]) if self._keys[at] and value else value
                    for at, (name, value) in enumerate(zip(columns, shown, strict=True))
                    if at != self._subject_at
                },
                fingerprint=fingerprint(meta.id, subject.id, identifying),
            )

    def _show(self, at: int, value: Any) -> Any:
        if value is None:
            return None
        if self._keys[at]:
            return self._entities.subject(value)
        return LEVEL_NAMES[Level(value)] if self._levels[at] else value

    def _message(self, subject: Subject, shown: Mapping[str, Any]) -> str:
        parts = []
        for literal, asked in self._template:
            parts.append(literal)
            if asked is None:
                continue
            root, part = asked
            value = subject.name if root == "name" else shown[root]
            if isinstance(value, Subject):
                value = getattr(value, part or "name")
            parts.append("nothing" if value is None else str(value))
        return "".join(parts)


def _identify(value: Any) -> str:
    return value.id if isinstance(value, Subject) else str(value)


def unknowns(judgement: Judgement, entities: Entities) -> tuple[Unknown, ...]:
    """Return what the rules cannot speak of, in a fixed order; long lists are cut and say so."""
    found: list[Unknown] = []
    for one in judgement.judged:
        code, key = one.rule.meta.id, one.rule.meta.subject_key
        for frame, reason in one.unknown:
            keys = frame[key].to_list()
            found.extend(Unknown(code, entities.subject(k).id, reason) for k in keys[:LISTED_UNKNOWNS])
            if len(keys) > LISTED_UNKNOWNS:
                found.append(Unknown(code, ids.ROOT, f"and {len(keys) - LISTED_UNKNOWNS} more: {reason}"))
        found.extend(Unknown(code, gap.scope_id, gap.sentence) for gap in one.unread)
    found.extend(Unknown(rule.meta.id, ids.ROOT, "the rule crashed") for rule, _ in judgement.crashed)
    return tuple(sorted(found, key=lambda u: (u.code, u.subject.lower(), u.reason)))
