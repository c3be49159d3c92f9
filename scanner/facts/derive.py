"""Facts computed from facts.

Computed once, when facts are built, and kept in snapshots: ``scope_ancestors``, ``capabilities``, ``grants``,
``denials``, ``limits``. Computed when a rule reads them: ``access``, because it can be far larger than what it comes
from, and ``escalations`` (a module of its own), a search and no plan. Everything here is Polars over integer keys; only
roles and deny assignments, which are few, are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scanner.facts.access import access, denials, grants, holders, limits, marked_assignments
from scanner.facts.role_powers import role_capabilities, role_entries
from scanner.facts.schema import TABLES

if TYPE_CHECKING:
    import polars as pl

DEEPEST = 32
"""Steps from a scope to the root followed at most; Azure allows six levels of management groups, so more is a cycle."""


def derive(collected: Mapping[str, pl.LazyFrame]) -> dict[str, pl.LazyFrame]:
    """Return all tables: the collected ones, ``assignments`` completed, and the derived ones."""
    import polars as pl

    from scanner.facts.store import polars_schema

    frames = {name: frame for name, frame in collected.items() if not TABLES[name].derived}
    for name, table in TABLES.items():
        if not table.derived and name not in frames:
            frames[name] = pl.LazyFrame(schema=polars_schema(table))
    frames["scope_ancestors"] = scope_ancestors(frames["scopes"])
    entries, known = role_entries(frames), holders(frames)
    frames["capabilities"] = role_capabilities(frames, entries)
    frames["assignments"] = marked_assignments(frames, known)
    frames["grants"] = grants(frames, known)
    frames["denials"] = denials(frames, entries)
    frames["limits"] = limits(frames, entries)
    return frames | lazily_derived(frames)


def lazily_derived(frames: Mapping[str, pl.LazyFrame]) -> dict[str, pl.LazyFrame]:
    """Return the derived tables that are not stored, as plans over the stored ones."""
    return {"access": access(frames)}


def scope_ancestors(scopes: pl.LazyFrame) -> pl.LazyFrame:
    """Return every scope with every scope above it, itself at distance 0. A cycle of parents ends."""
    import polars as pl

    parents = scopes.select("scope", "parent").collect()
    steps = [parents.select("scope", ancestor=pl.col("scope"), distance=pl.lit(0, pl.UInt32))]
    above = parents.filter(pl.col("parent") != pl.col("scope"))
    climbing = above.select("scope", ancestor="parent")
    up = above.select(ancestor="scope", parent="parent")
    for distance in range(1, DEEPEST + 1):
        if climbing.is_empty():
            break
        steps.append(climbing.with_columns(distance=pl.lit(distance, pl.UInt32)))
        climbing = climbing.join(up, on="ancestor", maintain_order="left").select("scope", ancestor="parent")
        climbing = climbing.filter(pl.col("scope") != pl.col("ancestor"))
    else:
        return (
            pl.concat(steps)
            .group_by("scope", "ancestor")
            .agg(pl.col("distance").min())
            .sort("scope", "distance", "ancestor")
            .lazy()
        )
    return pl.concat(steps).lazy()
