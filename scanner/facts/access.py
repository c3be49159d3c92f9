"""Who holds what: workloads behind assignments, grants, and what deny assignments and conditions take away again.

What was not read never takes access away: a denial counts only where it surely hits, and a group whose members were
not read may have workloads among them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from scanner.catalog.capabilities import capabilities, denied_powers
from scanner.catalog.powers import Power
from scanner.facts import ids
from scanner.facts.role_powers import Entries, permission_entries
from scanner.facts.schema import TABLES

if TYPE_CHECKING:
    import polars as pl


class Holders(NamedTuple):
    """Principals, by what is known of the workloads behind them (keys of principals)."""

    groups_with_workloads: frozenset[int]
    not_known: frozenset[int]
    """Groups whose members were not read, and principals of which not even the kind is known."""
    untyped_identities: frozenset[int]
    """Principals without a kind that are the service principal of a managed identity."""


def holders(frames: Mapping[str, pl.LazyFrame]) -> Holders:
    """Look at principals, memberships and the gaps in memberships."""
    import polars as pl

    principals = frames["principals"]
    workloads = pl.concat(
        [
            principals.filter(pl.col("type") == "ServicePrincipal").select("principal"),
            frames["identities"].select("principal").drop_nulls(),
        ]
    )
    groups = frames["memberships"].join(workloads, on="principal", how="semi").select("group").unique()
    unread = frames["gaps"].filter(pl.col("table") == "memberships").select("scope_id").collect().to_series()
    all_groups = principals.filter(pl.col("type") == "Group").select("principal")
    if ids.ROOT not in unread.to_list():
        unread_groups = frames["entities"].filter(pl.col("id").str.to_lowercase().is_in(unread.implode()))
        all_groups = all_groups.join(unread_groups.select(principal="entity"), on="principal", how="semi")
    untyped = principals.filter(pl.col("type") == "Unknown").select("principal")
    theirs = untyped.join(frames["identities"].select("principal"), on="principal", how="semi")
    sets = pl.collect_all([groups, all_groups, untyped, theirs])
    with_workloads, unread_keys, untyped_keys, identities = (
        frozenset(frame.to_series().to_list()) for frame in sets
    )
    return Holders(with_workloads, unread_keys | (untyped_keys - identities), identities)


def marked_assignments(frames: Mapping[str, pl.LazyFrame], known: Holders) -> pl.LazyFrame:
    """Say of every assignment whether a workload holds it: through a group too, and null where that is not known."""
    import polars as pl

    surely = known.groups_with_workloads | known.untyped_identities
    workload = pl.col("workload")
    if known.not_known:
        workload = pl.when(_among(known.not_known)).then(None).otherwise(workload)
    if surely:
        workload = pl.when(_among(surely)).then(True).otherwise(workload)
    return frames["assignments"].with_columns(workload=workload)


def _among(principals: Iterable[int]) -> Any:
    import polars as pl

    return pl.col("principal").is_in(pl.Series(sorted(principals), dtype=pl.UInt32).implode())


def grants(frames: Mapping[str, pl.LazyFrame], known: Holders) -> pl.LazyFrame:
    """Return access as it is held: directly, and once more for every known member of an assigned group."""
    import polars as pl

    identities = (
        frames["identities"]
        .filter(pl.col("principal").is_not_null())
        .select(holder="principal", identity="identity")
        .unique("holder", keep="first", maintain_order=True)
    )
    names = [column.name for column in TABLES["grants"].columns]
    held = frames["assignments"].with_columns(
        holder=pl.col("principal"),
        conditioned=pl.col("condition").fill_null("").str.strip_chars() != "",
    )
    # Orders are kept everywhere: equal facts make equal snapshots.
    direct = held.join(identities, on="holder", how="left", maintain_order="left").with_columns(
        group=pl.lit(None, pl.UInt32)
    )
    # A group is no service principal: its workloads have rows of their own, below.
    read = known.groups_with_workloads - known.not_known
    for groups, value in ((read, False), (known.groups_with_workloads & known.not_known, None)):
        if groups:
            marked = pl.when(_among(groups)).then(pl.lit(value, pl.Boolean)).otherwise(pl.col("workload"))
            direct = direct.with_columns(workload=marked)
    if frames["memberships"].limit(1).collect().is_empty():
        return direct.select(names)
    members = (
        frames["memberships"]
        .unique(maintain_order=True)
        .join(
            frames["principals"].select("principal", "type"),
            on="principal",
            how="left",
            maintain_order="left",
        )
        .select(holder="principal", type="type", group="group")
        .join(identities, on="holder", how="left", maintain_order="left")
        .with_columns(
            workload=(pl.col("type") == "ServicePrincipal").fill_null(False)
            | pl.col("identity").is_not_null()
        )
    )
    through = held.drop("holder", "workload").join(
        members, left_on="principal", right_on="group", coalesce=False, maintain_order="left_right"
    )
    return pl.concat([direct.select(names), through.select(names)])


class Denial(NamedTuple):
    """A deny assignment whose reach is known."""

    denial: int
    scope: int
    below: bool
    entries: Entries
    everybody: bool
    principals: frozenset[int]
    """Who is denied; with `everybody`, who is spared."""


def denials(frames: Mapping[str, pl.LazyFrame], entries: Mapping[int, Entries]) -> pl.LazyFrame:
    """Return the powers that deny assignments take from role assignments.

    A denial counts when it holds at the assignment's scope or above: one below leaves the power elsewhere. It counts
    for a group's assignment only when no member of the group is known to be spared.
    """
    import polars as pl

    from scanner.facts.store import polars_schema

    schema = polars_schema(TABLES["denials"])
    rows = frames["deny_assignments"].collect().to_dicts()
    found = understood(rows, frames) if rows else []
    if not found:
        return pl.LazyFrame(schema=schema)
    key = pl.UInt32
    placed = pl.LazyFrame(
        [(one.denial, one.scope, one.below, one.everybody) for one in found],
        schema={"denial": key, "ancestor": key, "below": pl.Boolean, "everybody": pl.Boolean},
        orient="row",
    )
    listed = pl.LazyFrame(
        [(one.denial, principal) for one in found for principal in sorted(one.principals)],
        schema={"denial": key, "principal": key},
        orient="row",
    )
    hit = (
        frames["assignments"]
        .select("assignment", "principal", "role", "scope")
        .join(
            frames["scope_ancestors"]
            .join(placed, on="ancestor")
            .filter(pl.col("below") | (pl.col("distance") == 0))
            .select("scope", "denial", "everybody"),
            on="scope",
        )
    )
    named = hit.filter(~pl.col("everybody")).join(listed, on=["denial", "principal"], how="semi")
    anybody = hit.filter(pl.col("everybody")).join(listed, on=["denial", "principal"], how="anti")
    hit = pl.concat([named, anybody]).select("assignment", "role", "denial")
    denied = {one.denial: one.entries for one in found}
    taken: dict[tuple[Entries, int], list[str]] = {}
    lost: list[tuple[int, int, str]] = []
    for denial, role in hit.select("denial", "role").unique().sort("denial", "role").collect().iter_rows():
        same = (denied[denial], role)
        if same not in taken:
            taken[same] = sorted(denied_powers(denied[denial], entries.get(role, ())))
        lost.extend((denial, role, power) for power in taken[same])
    powers = pl.LazyFrame(lost, schema={"denial": key, "role": key, "power": pl.String}, orient="row")
    found_powers = hit.join(powers, on=["denial", "role"]).select(list(schema))
    return found_powers.sort("assignment", "denial", "power").collect().lazy()


def understood(rows: Sequence[Mapping[str, Any]], frames: Mapping[str, pl.LazyFrame]) -> list[Denial]:
    """Return the denials whose reach is known: a group is unfolded into its members, an unread one spares anybody."""
    by_denial: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_denial[row["denial"]].append(row)
    members: dict[int, set[int]] = defaultdict(set)
    groups: dict[int, set[int]] = defaultdict(set)
    for member, group in frames["memberships"].select("principal", "group").collect().iter_rows():
        members[group].add(member)
        groups[member].add(group)
    unread = _unread_among(rows, frames)
    found = []
    for denial, parts in sorted(by_denial.items()):
        denied = {row["principal"] for row in parts if not row["excluded"]}
        spared = {row["principal"] for row in parts if row["excluded"]}
        if spared & unread or None in spared:
            continue
        spared |= {member for group in spared for member in members.get(group, ())}
        spared |= {group for one in spared for group in groups.get(one, ())}
        everybody = None in denied
        named = {one for one in denied if one is not None}
        named |= {member for group in named for member in members.get(group, ())}
        entries = permission_entries(_once(parts), "denial").get(denial, ())
        first = parts[0]
        principals = spared if everybody else named - spared
        found.append(
            Denial(denial, first["scope"], first["below"], entries, everybody, frozenset(principals))
        )
    return found


def _unread_among(rows: Sequence[Mapping[str, Any]], frames: Mapping[str, pl.LazyFrame]) -> frozenset[int]:
    """Return whom denials may spare who is not known: all principals are looked at only if there is somebody."""
    import polars as pl

    spared = {row["principal"] for row in rows if row["excluded"] and row["principal"] is not None}
    doubtful = frames["principals"].filter(
        pl.col("type").is_in(["Group", "Unknown"]),
        pl.col("principal").is_in(pl.Series(sorted(spared), dtype=pl.UInt32).implode()),
    )
    if not spared or doubtful.limit(1).collect().is_empty():
        return frozenset()
    return holders(frames).not_known


def _once(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Drop the repetition of patterns for each denied or spared principal."""
    seen: dict[tuple[int, str, str], Mapping[str, Any]] = {}
    for row in rows:
        seen.setdefault((row["entry"], row["part"], row["pattern"]), row)
    return list(seen.values())


def limits(frames: Mapping[str, pl.LazyFrame], entries: Mapping[int, Entries]) -> pl.LazyFrame:
    """Return the powers that the condition on an assignment restricts, each role and condition judged once."""
    import polars as pl

    conditioned = (
        frames["assignments"]
        .filter(pl.col("condition").fill_null("").str.strip_chars() != "")
        .select("assignment", "role", "condition")
    )
    pairs = conditioned.select("role", "condition").unique().sort("role", "condition").collect()
    rows = [
        (role, condition, str(power))
        for role, condition in pairs.iter_rows()
        for power in sorted(restricted_powers(entries.get(role, ()), condition))
    ]
    schema = {"role": pl.UInt32, "condition": pl.String, "power": pl.String}
    powers = pl.LazyFrame(rows, schema=schema, orient="row")
    limited = conditioned.join(powers, on=["role", "condition"]).select("assignment", "power")
    return limited.sort("assignment", "power").collect().lazy()


def under_condition(entries: Entries, condition: str | None) -> Entries:
    """Return a role's entries as an assignment with this condition gives them."""
    if condition is None or not condition.strip():
        return entries
    return tuple(
        msgspec.structs.replace(
            entry,
            condition=condition if entry.condition is None else f"({entry.condition}) AND ({condition})",
        )
        for entry in entries
    )


def restricted_powers(entries: Entries, condition: str) -> frozenset[Power]:
    """Return the powers of a role that an assignment with this condition gives not at all or only where it is met."""
    both = under_condition(entries, condition)
    before = {held.power for held in capabilities(entries) if not held.conditioned}
    free = {held.power for held in capabilities(both) if not held.conditioned}
    if Power.WRITE_ROLE_ASSIGNMENTS in before - free:
        # The set-up that Azure recommends for Owner: its condition speaks of role assignments, and leaves the other
        # ways to access, such as role definitions, as they are.
        free -= {Power.GRANT_ACCESS, Power.FULL_CONTROL}
    return frozenset(before - free)


NOT_UNDERSTOOD = "the permissions of its role were not read or not understood"
NOT_KNOWN = "its holder is a group whose members were not read, or a principal whose kind is not known"


def access(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Return the powers that are held now, by whom and where, as a plan: a rule's filters reach into its joins."""
    import polars as pl

    given = frames["capabilities"].rename({"conditioned": "entry_conditioned"})
    both = ["assignment", "power"]
    not_understood = pl.col("power") == str(Power.NOT_UNDERSTOOD)
    return (
        frames["grants"]
        .filter(~pl.col("eligible"))
        .drop("eligible", "conditioned")
        .join(given, on="role")
        .join(frames["denials"].select(both), on=both, how="anti")
        .join(frames["limits"].select(*both, limited=pl.lit(True)), on=both, how="left")
        .with_columns(
            conditioned=pl.col("entry_conditioned") | pl.col("limited").fill_null(False),
            doubt=pl.when(pl.col("workload").fill_null(True) & not_understood)
            .then(pl.lit(NOT_UNDERSTOOD))
            .when(pl.col("workload").is_null())
            .then(pl.lit(NOT_KNOWN)),
        )
        .select([column.name for column in TABLES["access"].columns])
    )
