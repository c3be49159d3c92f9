"""Facts computed from facts.

Computed once, when facts are built, and kept in snapshots: ``scope_ancestors``, ``capabilities``, ``grants``,
``denials``, ``limits``. Computed when a rule reads them, because they can be far larger than what they come from:
``access``, ``reach`` and ``escalations``. Everything here is Polars over integer keys; only roles and deny assignments,
which are few, are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scanner.catalog.powers import Power
from scanner.facts.access import access, denials, grants, holders, limits, marked_assignments
from scanner.facts.role_powers import role_capabilities, role_entries
from scanner.facts.schema import TABLES

if TYPE_CHECKING:
    import polars as pl

DEEPEST = 32
"""Steps from a scope to the root followed at most; Azure allows six levels of management groups, so more is a cycle."""

TAKES_OVER_IDENTITY = (Power.ASSIGN_IDENTITY, Power.FEDERATE_IDENTITY)
TAKES_OVER_HOST = (Power.RUN_CODE,)


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
    held = access(frames)
    reached = reach(frames, held)
    return {"access": held, "reach": reached, "escalations": escalations(frames, reached)}


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


def reach(frames: Mapping[str, pl.LazyFrame], held: pl.LazyFrame) -> pl.LazyFrame:
    """Return, per identity and power, the widest scopes at which the identity holds the power now."""
    import polars as pl

    held = (
        held.filter(pl.col("identity").is_not_null()).select("identity", "power", "scope", "level").unique()
    )
    above = frames["scope_ancestors"].filter(pl.col("distance") > 0).select("scope", "ancestor")
    covered = (
        held.select("identity", "power", "scope")
        .join(above, on="scope")
        .join(
            held.select("identity", "power", ancestor="scope"),
            on=["identity", "power", "ancestor"],
            how="semi",
        )
        .select("identity", "power", "scope")
        .unique()
    )
    return held.join(covered, on=["identity", "power", "scope"], how="anti")


def escalations(frames: Mapping[str, pl.LazyFrame], reached: pl.LazyFrame) -> pl.LazyFrame:
    """Return which identity can become which other one.

    Power over an identity (attach it, federate it) takes it over when it holds where the identity lies; power
    to run code on a resource takes over what the resource is attached to.
    """
    import polars as pl

    placed = frames["entities"].select("entity", "parent")
    identities = (
        frames["identities"]
        .filter(pl.col("user_assigned"))
        .select(target_identity="identity")
        .join(placed.rename({"entity": "target_identity"}), on="target_identity")
        .join(frames["scope_ancestors"].select(parent="scope", scope="ancestor"), on="parent")
        .select("target_identity", "scope")
    )
    at_itself = frames["identities"].select(target_identity="identity", scope="identity")
    hosts = (
        frames["attachments"]
        .select("resource", target_identity="identity")
        .join(placed.rename({"entity": "resource"}), on="resource")
        .join(frames["scope_ancestors"].select(parent="scope", scope="ancestor"), on="parent")
        .select("target_identity", "scope")
    )
    at_host = frames["attachments"].select(target_identity="identity", scope="resource")
    by_identity = reached.filter(pl.col("power").is_in([str(power) for power in TAKES_OVER_IDENTITY]))
    by_host = reached.filter(pl.col("power").is_in([str(power) for power in TAKES_OVER_HOST]))
    wanted = ["identity", "target_identity", "power", "scope"]
    taken = pl.concat(
        [
            by_identity.join(pl.concat([identities, at_itself]), on="scope").select(wanted),
            by_host.join(pl.concat([hosts, at_host]), on="scope").select(wanted),
        ]
    )
    return taken.filter(pl.col("identity") != pl.col("target_identity")).unique()
