"""Whom a gap concerns: which subjects of a rule can no longer be passed, or convicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from scanner.facts import ids
from scanner.facts.schema import Span, gap_tables, table_of

if TYPE_CHECKING:
    import polars as pl

    from scanner.facts.store import FactStore


HIDES_NOTHING = frozenset(["unlicensed"])
"""Reasons of gaps behind which no row can hide: a feature that a tenant has no licence for holds nothing there."""

OUTSIDE = "outside"
"""The reason of gaps outside the scope that was asked for. A pass is a pass within that scope, so they take none
away; but nobody is convicted of an absence that was only looked for in part of the tenant."""


PLACES = "places"
"""The table whose gaps are parts of files that were not read: anything may be declared there."""


class GapRow(msgspec.Struct, frozen=True):
    """A gap as it stands in the facts; ``scope_id`` in lower case, ``/`` for everything."""

    table: str
    scope_id: str
    reason: str
    detail: str

    @property
    def in_code(self) -> bool:
        """Whether it is a place in a repository, not a scope of Azure."""
        return not self.scope_id.startswith("/")

    @property
    def sentence(self) -> str:
        """The gap for people."""
        if self.in_code:
            return f"{self.scope_id} not read: {self.reason}. {self.detail}"
        where = "anywhere" if self.scope_id == ids.ROOT else f"in {self.scope_id}"
        return f"{self.table} not read {where}: {self.reason}. {self.detail}"


class Doubt(msgspec.Struct, frozen=True):
    """A gap with the subjects it concerns: everybody (None), or those in or under these entities."""

    gap: GapRow
    within: frozenset[int] | None


class Coverage:
    """The gaps of one world, asked per rule."""

    def __init__(self, store: FactStore) -> None:
        self._store = store
        self.gaps = [
            GapRow(row["table"], row["scope_id"], row["reason"], row["detail"]) for row in store.gaps()
        ]
        self._known: dict[str, int] | None = None
        self._below: dict[int, frozenset[int]] | None = None
        self._rows: dict[str, frozenset[int]] = {}

    def of(self, *names: str, outside: bool = False) -> list[GapRow]:
        """Return the gaps that leave doubt about the rows of these tables or views."""
        tables = frozenset[str]().union(*(gap_tables(name) for name in names))
        idle = HIDES_NOTHING if outside else HIDES_NOTHING | {OUTSIDE}
        return [gap for gap in self.gaps if gap.table in tables and gap.reason not in idle]

    def doubts(self, subject: str, names: tuple[str, ...], *, absent: bool = False) -> list[Doubt]:
        """Return the gaps in these tables that concern subjects that were seen.

        The subject table's own gaps are not among them: a subject that was seen was read, and those that were
        not are unknown as a whole (:meth:`of`). A local gap concerns what lies in its scope; a gap in a table
        whose rows may speak of anything concerns everybody. ``absent``: it is the lack of rows that convicts.
        """
        own = gap_tables(subject)
        doubts = []
        for gap in self.of(*names, outside=absent):
            if gap.table in own or gap.in_code:
                # A repository is an open world: what one place hides adds no doubt about what another one says.
                continue
            if self._is_row(subject, gap.scope_id):
                # What is not known is about this one subject: its own client id, say, by which it could be used.
                doubts.append(Doubt(gap, self._entities_within(gap.scope_id)))
            elif gap.scope_id == ids.ROOT or table_of(gap.table).span is Span.ANYWHERE:
                doubts.append(Doubt(gap, None))
            else:
                doubts.append(Doubt(gap, self._entities_within(gap.scope_id)))
        return doubts

    def own_doubts(self, subject: str) -> list[Doubt]:
        """Return the gaps of the subject table that are about single subjects that were seen: a role not understood."""
        return [
            Doubt(gap, self._entities_within(gap.scope_id))
            for gap in self.of(subject)
            if self._is_row(subject, gap.scope_id)
        ]

    def unread(self, subject: str) -> list[GapRow]:
        """Return the gaps behind which subjects may hide: one for each scope, or place in a repository."""
        hidden = {
            gap.scope_id: gap
            for gap in reversed([*self.of(subject), *self.of(PLACES)])
            if not self._is_row(subject, gap.scope_id)
        }
        return [hidden[scope_id] for scope_id in sorted(hidden)]

    def _is_row(self, subject: str, scope_id: str) -> bool:
        """Whether what was not read is one row of the subject's table that was itself seen."""
        import polars as pl

        table = table_of(subject)
        if table.row is None or scope_id == ids.ROOT:
            return False
        if table.name not in self._rows:
            known = pl.Series(sorted(self._keys().values()), dtype=pl.UInt32).implode()
            rows = self._store.frame(table.name).select(table.row).filter(pl.col(table.row).is_in(known))
            self._rows[table.name] = frozenset(rows.collect().to_series())
        return self._keys().get(scope_id) in self._rows[table.name]

    def _keys(self) -> dict[str, int]:
        """Return the key of every entity that a gap is about, by its id in lower case: one pass over all entities."""
        import polars as pl

        if self._known is None:
            wanted = pl.Series(sorted({gap.scope_id for gap in self.gaps}), dtype=pl.String).implode()
            same = pl.col("id").str.to_lowercase().str.strip_chars_end("/")
            found = self._store.frame("entities").select(same.alias("same"), "entity") if self.gaps else None
            self._known = (
                {}
                if found is None
                else dict(found.filter(pl.col("same").is_in(wanted)).collect().iter_rows())
            )
        return self._known

    def _entities_within(self, scope_id: str) -> frozenset[int]:
        """Return the key of the entity with this id and of every scope below it; empty when it was never seen."""
        import polars as pl

        if self._below is None:
            known = pl.Series(sorted(self._keys().values()), dtype=pl.UInt32).implode()
            below = self._store.frame("scope_ancestors").filter(pl.col("ancestor").is_in(known)).collect()
            self._below = {
                ancestor: frozenset(scopes)
                for ancestor, scopes in below.group_by("ancestor").agg("scope").iter_rows()
            }
        key = self._keys().get(scope_id)
        return frozenset() if key is None else self._below.get(key, frozenset()) | {key}


def concerned(
    subjects: pl.LazyFrame, key: str, entities: pl.LazyFrame, within: frozenset[int]
) -> pl.LazyFrame:
    """Return those subjects (one key column) that are, or lie in, one of these entities."""
    import polars as pl

    inside = pl.Series(sorted(within), dtype=pl.UInt32).implode()
    placed = entities.select(pl.col("entity").alias(key), "subscription", "parent")
    return (
        subjects.select(key)
        .join(placed, on=key)
        .filter(
            pl.col(key).is_in(inside) | pl.col("subscription").is_in(inside) | pl.col("parent").is_in(inside)
        )
        .select(key)
    )
