"""From keys to words: verdict counts, findings and unknowns as reports print them."""

from __future__ import annotations

import gc
import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scanner.engine.evaluate import Judged, Judgement
from scanner.engine.finding import Finding, RuleResult, Subject, Unknown, fingerprint
from scanner.engine.registry import Rule
from scanner.engine.whereabouts import NOWHERE, PlacesInCode, Whereabouts, places_in_code
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


class Entity:
    """One entity as findings show it; ``evidence`` is shared by all that show it, so it must not be changed."""

    __slots__ = ("evidence", "subject", "subscription")

    def __init__(self, subject: Subject, subscription: str | None) -> None:
        self.subject = subject
        self.subscription = subscription
        self.evidence = {"id": subject.id, "name": subject.name, "type": subject.type}


class Entities:
    """The entities that findings and unknowns speak of, read once, in the order of their ids.

    Each has a *position* in that order. Findings are made in the order of positions, so that among millions
    of entities the next one lies beside the last in memory.
    """

    def __init__(self, store: FactStore, keys: pl.Series) -> None:
        import polars as pl

        wanted = keys.unique().implode()
        entities = store.frame("entities")
        rows = entities.filter(pl.col("entity").is_in(wanted))
        found = rows.select("entity", "id", "type", "name", "subscription").collect()
        found = found.sort(pl.col("id").str.to_lowercase(), "entity")
        subscriptions = found["subscription"].drop_nulls().unique().implode()
        names = entities.filter(pl.col("entity").is_in(subscriptions)).select("entity", "name").collect()
        called: dict[int | None, str] = dict(names.iter_rows())
        self._in_order = [
            Entity(Subject(entity_id, type_, name), called.get(subscription))
            for _, entity_id, type_, name, subscription in found.iter_rows()
        ]
        # A position for every possible key: four bytes each, and read without hashing.
        size = 1 + int(found["entity"].max() or 0)  # type: ignore[arg-type]
        positions = pl.int_range(len(found), dtype=pl.UInt32, eager=True)
        self._position = pl.zeros(size, dtype=pl.UInt32, eager=True).scatter(found["entity"], positions)
        self.in_code = places_in_code(store, wanted)
        """Where in a repository the entities, by key, are declared; empty for a tenant."""
        self._keys: list[int] = found["entity"].to_list() if self.in_code else []

    def placed(self, frame: pl.DataFrame, subject: str) -> pl.DataFrame:
        """Return the frame with positions in place of keys, in the order of the subject's position."""
        keys = [name for name in frame.columns if is_key_column(name)]
        return frame.with_columns(self._position.gather(frame[name]).alias(name) for name in keys).sort(
            subject
        )

    def at(self, position: int) -> Entity:
        """Return the entity at a position."""
        return self._in_order[position]

    def subject(self, key: int) -> Subject:
        """Return an entity, by its key, as the subject of a finding."""
        return self.at(self._position[key]).subject

    def key(self, position: int) -> int:
        """Return the key of the entity at a position, in a world that has code."""
        return self._keys[position]


def entities_of(store: FactStore, judgement: Judgement) -> Entities:
    """Read the entities that the findings and listed unknowns of a judgement need."""
    import polars as pl

    keys = [pl.Series([], dtype=pl.UInt32)]
    for one in judgement.judged:
        keys.extend(one.failing[name].drop_nulls() for name in one.failing.columns if is_key_column(name))
        keys.extend(frame[one.rule.meta.subject_key].head(LISTED_UNKNOWNS) for frame, _ in one.unknown)
    with _paused_collector():
        return Entities(store, pl.concat(keys))


def findings(
    judgement: Judgement, entities: Entities, severities: Mapping[str, Severity] | None = None
) -> tuple[Finding, ...]:
    """Return every finding, in the fixed order: severity, code, subject id, fingerprint."""
    found: list[Finding] = []
    severity_of = {
        one.rule.meta.id: (severities or {}).get(one.rule.meta.id, one.rule.meta.severity)
        for one in judgement.judged
    }
    with _paused_collector():
        # Rules in their order, and the findings of each sorted by themselves: cheaper than sorting all.
        for one in sorted(
            judgement.judged, key=lambda one: (severity_of[one.rule.meta.id].rank, one.rule.meta.id)
        ):
            if one.failing.is_empty():
                continue
            own = list(_Phrasing(one, entities, severity_of[one.rule.meta.id]).findings())
            if one.rule.meta.key:
                # They come in the order of subjects; only those of one subject are still to be told apart.
                own.sort(key=lambda finding: (finding.subject.id.lower(), finding.fingerprint))
            found += own
    return tuple(found)


@contextmanager
def _paused_collector() -> Iterator[None]:
    """Pause the garbage collector: it would walk what lasts again and again while it is made, for nothing."""
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
        self._failing = entities.placed(judged.failing, judged.rule.meta.subject_key)
        self._entities = entities
        self._severity = severity
        columns = judged.failing.columns
        self._is_key = [is_key_column(name) for name in columns]
        self._is_level = [name.rsplit("_", 1)[-1] == "level" for name in columns]
        self._subject_at = columns.index(self._meta.subject_key)
        self._evidence = [(at, name) for at, name in enumerate(columns) if at != self._subject_at]
        self._identifying = [columns.index(name) for name in self._meta.key]
        self._template: list[tuple[str, int | None, str]] = []
        """Text, then the column whose value follows it (None: none does), then the part of an entity."""
        for literal, name, _, _ in string.Formatter().parse(self._meta.message):
            root, _, part = (name or "").partition(".")
            at = None if name is None else self._subject_at if root == "name" else columns.index(root)
            self._template.append((literal, at, part or "name"))

    def findings(self) -> Iterator[Finding]:
        """Yield the findings in the order of the rows."""
        meta, entity_at, in_code = self._meta, self._entities.at, self._entities.in_code
        keys = [at for at, is_key in enumerate(self._is_key) if is_key]
        levels = [at for at, is_level in enumerate(self._is_level) if is_level]
        for row in self._failing.iter_rows():
            shown: list[Any] = list(row)
            for at in keys:
                if row[at] is not None:
                    shown[at] = entity_at(row[at])
            for at in levels:
                if row[at] is not None:
                    shown[at] = LEVEL_NAMES[Level(row[at])]
            about: Entity = shown[self._subject_at]
            identifying = tuple(_identity(shown[at]) for at in self._identifying)
            where = self._where(row, shown, in_code) if in_code else NOWHERE
            yield Finding(
                code=meta.id,
                name=meta.name,
                severity=self._severity,
                confidence=meta.confidence,
                effort=meta.effort,
                message=self._message(shown),
                subject=about.subject,
                subscription=about.subscription,
                location=where.location,
                evidence={name: _evidence(shown[at]) for at, name in self._evidence},
                fingerprint=fingerprint(meta.id, about.subject.id, identifying),
                declared=where.declared,
                related=where.related,
            )

    def _where(self, row: Sequence[Any], shown: Sequence[Any], in_code: PlacesInCode) -> Whereabouts:
        """Return where in code the finding of a row is; what it shows of other entities is related."""
        others = [
            (name, self._entities.key(row[at]), shown[at].subject.name)
            for at, name in self._evidence
            if self._is_key[at] and row[at] is not None
        ]
        return in_code.of(self._entities.key(row[self._subject_at]), self._meta.points_at, others)

    def _message(self, shown: Sequence[Any]) -> str:
        parts = []
        for literal, at, part in self._template:
            parts.append(literal)
            if at is not None:
                value = shown[at]
                if isinstance(value, Entity):
                    parts.append(getattr(value.subject, part))
                else:
                    parts.append("nothing" if value is None else str(value))
        return "".join(parts)


def _evidence(value: Any) -> Any:
    return value.evidence if isinstance(value, Entity) else value


def _identity(value: Any) -> str:
    return value.subject.id if isinstance(value, Entity) else str(value)


def unknowns(judgement: Judgement, entities: Entities) -> tuple[Unknown, ...]:
    """Return what the rules cannot speak of, in a fixed order; long lists are cut and say so."""
    found: list[Unknown] = []
    for one in judgement.judged:
        code, key = one.rule.meta.id, one.rule.meta.subject_key
        for frame, reason in one.unknown:
            keys = frame[key].to_list()
            found.extend(
                Unknown(code, entities.subject(k).id, reason, entities.in_code.place(k))
                for k in keys[:LISTED_UNKNOWNS]
            )
            if len(keys) > LISTED_UNKNOWNS:
                found.append(Unknown(code, ids.ROOT, f"and {len(keys) - LISTED_UNKNOWNS} more: {reason}"))
        found.extend(Unknown(code, gap.scope_id, gap.sentence) for gap in one.unread)
    found.extend(Unknown(rule.meta.id, ids.ROOT, "the rule crashed") for rule, _ in judgement.crashed)
    return tuple(sorted(found, key=lambda u: (u.code, u.subject.lower(), u.reason)))
