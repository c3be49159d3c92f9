"""Judge all rules over one world, in one query plan.

Data flow: every rule's frames are *built* (nothing is read yet), then all are collected together, so that
shared scans run once; then keys become entities and rows become findings. A rule that crashes, in building or
in collecting, is set aside with its fault and the others go on.

The verdict of a subject: FAIL when the check returns it, unless a gap in a table whose *absence of rows*
convicts makes that UNKNOWN; else UNKNOWN when the rule says it is undecided or a gap in a table it reads
concerns it; else PASS. What the rule does not apply to is NOT APPLICABLE. Every part of the subject table
itself that was not read adds one UNKNOWN under the id of what was not read.
"""

from __future__ import annotations

import string
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

import msgspec

from scanner.engine.finding import (
    RuleFault,
)
from scanner.engine.registry import Rule, line_in
from scanner.facts.coverage import Coverage, Doubt, GapRow, concerned
from scanner.facts.schema import is_key_column
from scanner.rule import Facts

if TYPE_CHECKING:
    import polars as pl

    from scanner.facts.store import FactStore


class CheckError(Exception):
    """A check whose frame does not fit its META: the message says which column."""


class _Plan(msgspec.Struct):
    """One rule's lazy frames, in the order they are collected."""

    rule: Rule
    failing: pl.LazyFrame
    subjects: pl.LazyFrame | None
    """None where they are all rows of the subject table."""
    everything: pl.LazyFrame
    undecided: pl.LazyFrame | None
    absent: list[Doubt]
    reads: list[tuple[Doubt, pl.LazyFrame]]

    def frames(self) -> list[pl.LazyFrame]:
        import polars as pl

        frames = [self.failing]
        if self.subjects is not None:
            frames.append(self.subjects.select(pl.len()))
        if self.undecided is not None:
            frames.append(self.undecided)
        return [*frames, *(frame for _, frame in self.reads)]


class Judged(msgspec.Struct):
    """One rule's verdicts, still as keys. ``failing`` and the frames in ``unknown`` have the subject's key column."""

    rule: Rule
    failing: pl.DataFrame
    subjects: int
    everything: int
    unknown: list[tuple[pl.DataFrame, str]] = msgspec.field(default_factory=list)
    unread: list[GapRow] = msgspec.field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many subjects fail."""
        return int(self.failing[self.rule.meta.subject_key].n_unique()) if len(self.failing) else 0

    @property
    def undecided(self) -> int:
        """How many subjects are unknown, each unread part of the subject table counting as one."""
        return sum(len(frame) for frame, _ in self.unknown) + len(self.unread)


class Judgement(msgspec.Struct, frozen=True):
    """All rules' verdicts over one world."""

    judged: tuple[Judged, ...]
    faults: tuple[RuleFault, ...]
    crashed: tuple[tuple[Rule, int], ...]
    """Rules that crashed, with the number of their subjects, all of them unknown."""


def judge(
    store: FactStore, rules: Sequence[Rule], parameters: Mapping[str, Mapping[str, Any]] | None = None
) -> Judgement:
    """Evaluate rules; ``parameters`` maps a code to the values that replace its defaults."""
    coverage = Coverage(store)
    plans: list[_Plan] = []
    broken: list[tuple[Rule, str]] = []
    idle = _without_subjects(store, rules)
    idle_codes = {rule.meta.id for rule in idle}
    for rule in rules:
        if rule.meta.id in idle_codes:
            continue
        with _guard(rule, broken):
            plans.append(_plan(store, coverage, rule, (parameters or {}).get(rule.meta.id)))
    judged, failed = _collect(plans, coverage)
    judged += [_of_nothing(rule, coverage) for rule in idle]
    broken.extend(failed)
    crashed = tuple((rule, _count(store, rule)) for rule, _ in broken)
    faults = tuple(RuleFault(code=rule.meta.id, error=error) for rule, error in broken)
    return Judgement(tuple(judged), tuple(sorted(faults, key=lambda fault: fault.code)), crashed)


def _without_subjects(store: FactStore, rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules that have nothing to judge: their queries need not even be built.

    Building them all takes longer than running them over a small world, where most rules have no subject.
    """
    import polars as pl

    tables = list(dict.fromkeys(rule.meta.subject for rule in rules))
    heads = pl.collect_all([store.frame(table).head(1) for table in tables]) if tables else []
    empty = {table for table, head in zip(tables, heads, strict=True) if head.is_empty()}
    return [rule for rule in rules if rule.meta.subject in empty]


def _of_nothing(rule: Rule, coverage: Coverage) -> Judged:
    """Return the verdicts of a rule without subjects: what was not read may hide some."""
    import polars as pl

    nothing = pl.DataFrame(schema={rule.meta.subject_key: pl.UInt32})
    return Judged(rule, nothing, 0, 0, [], coverage.unread(rule.meta.subject))


@contextmanager
def _guard(rule: Rule, broken: list[tuple[Rule, str]]) -> Iterator[None]:
    """Set a rule aside when it crashes, whatever it raises, `sys.exit` included; what it prints goes to stderr.

    The engine's one broad guard: a rule is anybody's code, and the others go on.
    """
    import polars as pl

    try:
        with redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit, pl.exceptions.PanicException) as error:  # noqa: BLE001 -- see above
        said = f"{type(error).__name__}: {str(error).strip() or 'no message'}".split("\n\n", 1)[0]
        line = line_in(error, rule.path)
        broken.append((rule, f"{said} ({rule.path.name}:{line})" if line else said))


def _count(store: FactStore, rule: Rule) -> int:
    import polars as pl

    return int(store.frame(rule.meta.subject).select(pl.len()).collect().item())


def _plan(store: FactStore, coverage: Coverage, rule: Rule, parameters: Mapping[str, Any] | None) -> _Plan:
    import polars as pl

    meta = rule.meta
    key = meta.subject_key
    facts = Facts(store, meta, parameters)
    everything = store.frame(meta.subject).select(key)
    subjects = None if rule.applies is None else _native(rule.applies(facts), key, "applies").select(key)
    judged = everything if subjects is None else subjects
    failing = _checked(rule, _native(rule.check(facts), key, "check"))
    undecided = None
    if rule.undecided is not None:
        undecided = _native(rule.undecided(facts), key, "undecided")
        if "reason" not in undecided.collect_schema().names():
            raise CheckError("undecided(facts) must return a column called reason")
        # Reasons are few and subjects may be many: as categories they take four bytes each.
        undecided = undecided.select(key, pl.col("reason").cast(pl.Categorical)).unique(key, keep="any")
    settings = ("settings",) if meta.settings else ()
    reads = []
    for doubt in coverage.doubts(meta.subject, (*meta.reads, *settings)) + coverage.own_doubts(meta.subject):
        whom = (
            judged if doubt.within is None else concerned(judged, key, store.frame("entities"), doubt.within)
        )
        reads.append((doubt, whom))
    absent = coverage.doubts(meta.subject, meta.absent, absent=True)
    if absent:
        failing = failing.join(
            store.frame("entities").select(_entity="entity", _subscription="subscription", _parent="parent"),
            left_on=key,
            right_on="_entity",
            how="left",
        )
    return _Plan(rule, failing, subjects, everything, undecided, absent, reads)


def _native(frame: Any, key: str, function: str) -> pl.LazyFrame:
    import narwhals as nw
    import polars as pl

    native = nw.to_native(frame, pass_through=True)
    if not isinstance(native, pl.LazyFrame):
        raise CheckError(f"{function}(facts) must return a lazy frame, not {type(native).__name__}")
    schema = native.collect_schema()
    if key not in schema:
        raise CheckError(
            f"{function}(facts) returned no column {key!r}; it returned {', '.join(schema.names()) or 'none'}"
        )
    for name, kind in schema.items():
        if is_key_column(name) and kind != pl.UInt32:
            raise CheckError(
                f"{function}(facts): the name of column {name!r} says that it holds keys, but it holds {kind}; "
                "call it something that does not end in a kind of entity"
            )
    return native


def _checked(rule: Rule, failing: pl.LazyFrame) -> pl.LazyFrame:
    names = set(failing.collect_schema().names())
    fields = {root for root, _ in _fields(rule.meta.message)} - {"name"}
    missing = sorted((fields | set(rule.meta.key)) - names)
    if missing:
        raise CheckError(
            f"check(facts) returned no column {missing[0]!r}, which META.message or META.key names"
        )
    return failing


def _fields(template: str) -> list[tuple[str, str]]:
    """Return the fields of a message template as (column, part of the entity), in their order."""
    fields = []
    for _, name, _, _ in string.Formatter().parse(template):
        if name is not None:
            root, _, part = name.partition(".")
            fields.append((root, part))
    return fields


def _collect(plans: Sequence[_Plan], coverage: Coverage) -> tuple[list[Judged], list[tuple[Rule, str]]]:
    import polars as pl

    # Many rules have the same subjects: these are counted once.
    counts = {plan.rule.meta.subject: plan.everything.select(pl.len()) for plan in plans}
    frames: list[pl.DataFrame] | None
    try:
        frames = pl.collect_all([*counts.values(), *(frame for plan in plans for frame in plan.frames())])
    except (Exception, pl.exceptions.PanicException):  # noqa: BLE001 -- guarded below, one by one
        frames = None
    counted = pl.collect_all(list(counts.values())) if frames is None else frames[: len(counts)]
    everything = {table: int(count.item()) for table, count in zip(counts, counted, strict=True)}
    judged: list[Judged] = []
    broken: list[tuple[Rule, str]] = []
    at = len(counts)
    for plan in plans:
        width = len(plan.frames())
        with _guard(plan.rule, broken):
            own = pl.collect_all(plan.frames()) if frames is None else frames[at : at + width]
            judged.append(_settle(plan, own, everything[plan.rule.meta.subject], coverage))
        at += width
    return judged, broken


def _settle(plan: _Plan, frames: Sequence[pl.DataFrame], everything: int, coverage: Coverage) -> Judged:
    """Turn one rule's collected frames into disjoint sets of failing and unknown subjects."""
    import polars as pl

    meta = plan.rule.meta
    key = meta.subject_key
    failing, *rest = frames
    subjects = everything
    if plan.subjects is not None:
        count, *rest = rest
        subjects = int(count.item())
    repeated = failing.select(key, *meta.key).is_duplicated() if len(failing) else None
    if repeated is not None and repeated.any():
        raise CheckError(
            f"check(facts) returned a subject twice; {' + '.join((key, *meta.key))} must be unique, see META.key"
        )
    judged = Judged(plan.rule, failing, subjects, everything, [], coverage.unread(meta.subject))
    for doubt in plan.absent:
        hit = _doubted(judged.failing, key, doubt.within)
        if len(hit):
            judged.unknown.append((hit.select(key).unique(), f"would fail, but {doubt.gap.sentence}"))
            judged.failing = judged.failing.join(hit.select(key), on=key, how="anti")
    if plan.absent:
        judged.failing = judged.failing.drop("_subscription", "_parent")
    settled = [judged.failing.select(key), *(frame for frame, _ in judged.unknown)]
    taken = pl.concat(settled).unique()
    if plan.undecided is not None:
        undecided, *rest = rest
        if len(undecided):
            undecided = undecided.join(taken, on=key, how="anti")
            for (reason,), part in undecided.group_by("reason", maintain_order=True):
                judged.unknown.append((part.select(key), str(reason)))
            taken = pl.concat([taken, undecided.select(key)])
    for (doubt, _), frame in zip(plan.reads, rest, strict=True):
        hit = frame.select(key).unique().join(taken, on=key, how="anti")
        if len(hit):
            judged.unknown.append((hit, doubt.gap.sentence))
            taken = pl.concat([taken, hit])
    return judged


def _doubted(failing: pl.DataFrame, key: str, within: frozenset[int] | None) -> pl.DataFrame:
    import polars as pl

    if within is None or not len(failing):
        return failing
    inside = pl.Series(sorted(within), dtype=pl.UInt32).implode()
    return failing.filter(
        pl.col(key).is_in(inside) | pl.col("_subscription").is_in(inside) | pl.col("_parent").is_in(inside)
    )
