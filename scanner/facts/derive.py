"""Facts computed from facts.

Computed once, when facts are built, and kept in snapshots: ``scope_ancestors``, ``capabilities``, ``denials``,
``grants``. Computed when a rule reads them, because they can be far larger than what they come from:
``reach`` and ``escalations``. Everything here is Polars over integer keys; only roles and deny assignments,
which are few, are looked at one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scanner.catalog.capabilities import Power, capabilities, denied_powers
from scanner.catalog.permissions import PermissionEntry
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
    frames["capabilities"] = role_capabilities(frames["roles"], frames["permissions"])
    frames["assignments"] = _with_group_workloads(frames)
    frames["grants"] = grants(frames)
    frames["denials"] = denials(frames)
    return frames | lazily_derived(frames)


def lazily_derived(frames: Mapping[str, pl.LazyFrame]) -> dict[str, pl.LazyFrame]:
    """Return the derived tables that are not stored, as plans over the stored ones."""
    reached = reach(frames)
    return {"reach": reached, "escalations": escalations(frames, reached)}


def scope_ancestors(scopes: pl.LazyFrame) -> pl.LazyFrame:
    """Return every scope with every scope above it, itself at distance 0. A cycle of parents ends at its first repeat."""
    import polars as pl

    parents = scopes.select("scope", "parent").collect()
    steps = [parents.select("scope", ancestor=pl.col("scope"), distance=pl.lit(0, pl.UInt32))]
    climbing = parents.filter(pl.col("parent").is_not_null()).select("scope", ancestor="parent")
    up = parents.filter(pl.col("parent").is_not_null()).select(ancestor="scope", parent="parent")
    for distance in range(1, DEEPEST + 1):
        if climbing.is_empty():
            break
        steps.append(climbing.with_columns(distance=pl.lit(distance, pl.UInt32)))
        climbing = climbing.join(up, on="ancestor").select("scope", ancestor="parent")
        climbing = climbing.filter(pl.col("scope") != pl.col("ancestor"))
    else:
        return pl.concat(steps).group_by("scope", "ancestor").agg(pl.col("distance").min()).lazy()
    return pl.concat(steps).lazy()


def role_capabilities(roles: pl.LazyFrame, permissions: pl.LazyFrame) -> pl.LazyFrame:
    """Return the powers of every role that could be read."""
    import polars as pl

    from scanner.facts.store import polars_schema

    entries = permission_entries(permissions.collect().to_dicts(), "role")
    rows = []
    for role in roles.filter(pl.col("readable")).select("role").collect().to_series():
        for capability in capabilities(entries.get(role, ())):
            rows.append(
                {
                    "role": role,
                    "power": str(capability.power),
                    "pattern": capability.by,
                    "conditioned": capability.conditioned,
                }
            )
    return pl.DataFrame(rows, schema=polars_schema(TABLES["capabilities"])).lazy()


def permission_entries(
    rows: Sequence[Mapping[str, Any]], owner: str
) -> dict[int, tuple[PermissionEntry, ...]]:
    """Put pattern rows back together into permission entries, by the role or deny assignment that owns them."""
    entries: dict[int, dict[int, dict[str, list[str]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    conditions: dict[tuple[int, int], str | None] = {}
    for row in rows:
        entries[row[owner]][row["entry"]][row["part"]].append(row["pattern"])
        conditions[row[owner], row["entry"]] = row.get("condition")
    return {
        key: tuple(
            PermissionEntry(
                actions=tuple(parts["actions"]),
                not_actions=tuple(parts["notActions"]),
                data_actions=tuple(parts["dataActions"]),
                not_data_actions=tuple(parts["notDataActions"]),
                condition=conditions[key, number],
            )
            for number, parts in sorted(numbered.items())
        )
        for key, numbered in entries.items()
    }


def _with_group_workloads(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Mark assignments to groups that are known to have a service principal among their members as held by workloads."""
    import polars as pl

    services = frames["principals"].filter(pl.col("type") == "ServicePrincipal").select("principal")
    groups = (
        frames["memberships"]
        .join(services, on="principal", how="semi")
        .select(principal="group")
        .unique()
        .collect()
    )
    if groups.is_empty():
        return frames["assignments"]
    return frames["assignments"].with_columns(
        workload=pl.col("workload") | pl.col("principal").is_in(groups.to_series().implode())
    )


def grants(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Return access as it is held: directly, and once more for every known member of an assigned group."""
    import polars as pl

    identities = (
        frames["identities"]
        .filter(pl.col("principal").is_not_null())
        .select(holder="principal", identity="identity")
    )
    wanted = [
        "assignment",
        "role",
        "scope",
        "level",
        "holder",
        "identity",
        "group",
        "workload",
        "eligible",
        "conditioned",
    ]
    held = frames["assignments"].with_columns(
        holder=pl.col("principal"),
        conditioned=pl.col("condition").is_not_null() & (pl.col("condition") != ""),
    )
    direct = held.join(identities.unique("holder"), on="holder", how="left").with_columns(
        group=pl.lit(None, pl.UInt32)
    )
    if frames["memberships"].limit(1).collect().is_empty():
        return direct.select(wanted)
    members = frames["memberships"].join(
        frames["principals"].select("principal", member_is=pl.col("type") == "ServicePrincipal"),
        on="principal",
    )
    through = (
        held.drop("holder")
        .join(
            members.select(holder="principal", member_is="member_is", through="group"),
            left_on="principal",
            right_on="through",
        )
        .join(identities.unique("holder"), on="holder", how="left")
        .with_columns(group=pl.col("principal"), workload=pl.col("member_is"))
    )
    return pl.concat([direct.select(wanted), through.select(wanted)])


def denials(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Return the powers that deny assignments take from role assignments.

    A denial counts when it holds at the assignment's scope or above: one below leaves the power elsewhere.
    """
    import polars as pl

    from scanner.facts.store import polars_schema

    empty = pl.LazyFrame(schema=polars_schema(TABLES["denials"]))
    rows = frames["deny_assignments"].collect().to_dicts()
    if not rows:
        return empty
    patterns: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        patterns[row["denial"]].append(row)
    permissions = frames["permissions"].collect().to_dicts()
    roles = permission_entries(permissions, "role")
    found = []
    for denial, parts in patterns.items():
        entries = permission_entries(_once(parts), "denial").get(denial, ())
        whom = {row["principal"] for row in parts if not row["excluded"]}
        spared = [row["principal"] for row in parts if row["excluded"] and row["principal"] is not None]
        scope, below = parts[0]["scope"], parts[0]["below"]
        within = frames["scope_ancestors"].filter(pl.col("ancestor") == scope)
        if not below:
            within = within.filter(pl.col("distance") == 0)
        hit = (
            frames["assignments"]
            .join(within, on="scope", how="semi")
            .filter(~pl.col("principal").is_in(spared))
        )
        if None not in whom:
            hit = hit.filter(pl.col("principal").is_in(list(whom)))
        for row in hit.select("assignment", "role").collect().to_dicts():
            for power in denied_powers(entries, roles.get(row["role"], ())):
                found.append({"assignment": row["assignment"], "power": str(power), "denial": denial})
    return pl.DataFrame(found, schema=polars_schema(TABLES["denials"])).lazy() if found else empty


def _once(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Drop the repetition of patterns for each denied or spared principal."""
    seen = {}
    for row in rows:
        seen.setdefault((row["entry"], row["part"], row["pattern"]), row)
    return list(seen.values())


def reach(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Return, per identity and power, the widest scopes at which the identity holds the power now."""
    import polars as pl

    held = (
        frames["grants"]
        .filter(pl.col("identity").is_not_null() & ~pl.col("eligible"))
        .join(frames["capabilities"].select("role", "power"), on="role")
        .join(frames["denials"].select("assignment", "power"), on=["assignment", "power"], how="anti")
        .select("identity", "power", "scope", "level")
        .unique()
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
