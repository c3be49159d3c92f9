"""Who may take which identities, and where: what the search for paths to Owner (``escalations``) reads of the facts.

An identity can be taken at the hosts that carry it, and at itself, by assignments on any scope above. Assignments are
sorted into *kinds*: those of one kind (role, condition, ...) can do the same wherever they are. Who can hand out access
where something can be taken gives it to itself, and so has every way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from scanner.catalog.hosts import CLOSED, CLUSTER
from scanner.catalog.powers import Power
from scanner.facts.access import NOT_KNOWN, NOT_UNDERSTOOD, Denial, understood
from scanner.facts.coverage import HIDES_NOTHING, OUTSIDE
from scanner.facts.identity_hosts import (
    ASSIGN,
    OVER_IDENTITY,
    IdentityHosts,
    way_of_types,
)
from scanner.facts.role_powers import Entries, permission_entries
from scanner.facts.role_ways import denied_ways, ways_of
from scanner.facts.schema import Level

if TYPE_CHECKING:
    import polars as pl

_CONTROLS = (Power.FULL_CONTROL, Power.GRANT_ACCESS)
_TAKES = (*OVER_IDENTITY, Power.RUN_CODE, Power.GRANT_ACCESS)


def who_controls(held: pl.LazyFrame, principals: pl.LazyFrame) -> pl.DataFrame:
    """Return who controls, or may control, a subscription or more; ``anybody`` where a group's members were not read.

    A principal of which code says neither who nor what it is, stays what it is: nobody that is known. Its own
    assignment is unknown to the rules about it; that any declared identity may be meant is no reason to doubt them all.
    """
    import polars as pl

    groups = principals.filter(pl.col("type") == "Group").select(holder="principal", group=pl.lit(value=True))
    powers = [str(power) for power in (*_CONTROLS, Power.NOT_UNDERSTOOD)]
    return (
        held.filter(
            pl.col("level") <= int(Level.SUBSCRIPTION),
            pl.col("power").is_in(powers),
            ~pl.col("conditioned"),
        )
        .select("holder", "identity", "scope", "level", "power", "workload")
        .unique()
        .join(groups, on="holder", how="left")
        .with_columns(anybody=pl.col("workload").is_null() & pl.col("group").fill_null(value=False))
        .drop("group")
        .collect()
    )


def anybody_may_control(holding: pl.DataFrame) -> bool:
    """Whether a group whose members were not read controls a subscription: any identity may be one of them."""
    import polars as pl

    return not holding.filter("anybody", pl.col("power") != str(Power.NOT_UNDERSTOOD)).is_empty()


def federation_unread(frames: Mapping[str, pl.LazyFrame]) -> bool:
    """Whether federated credentials were not read somewhere."""
    import polars as pl

    idle = sorted(HIDES_NOTHING | {OUTSIDE})
    unread = frames["gaps"].filter(
        pl.col("table") == "federated_credentials",
        pl.col("scope_id").str.starts_with("/"),  # what is open in code is no doubt about what else it says
        ~pl.col("reason").is_in(idle),
    )
    return not unread.limit(1).collect().is_empty()


def who_may_take(frames: Mapping[str, pl.LazyFrame], holding: pl.DataFrame) -> pl.DataFrame:
    """Return grants of roles that may take identities, but of holders that control all there is to gain already."""
    import polars as pl

    powers = [str(power) for power in (*_TAKES, Power.NOT_UNDERSTOOD)]
    gone = frames["principals"].filter(~pl.col("exists"), pl.col("type") != "ForeignGroup")
    roles = frames["capabilities"].filter(pl.col("power").is_in(powers)).select("role").unique()
    found = (
        frames["grants"]
        .filter(
            ~pl.col("eligible"),
            pl.col("workload").fill_null(True),
            ~pl.col("holder").is_in(_have_it_all(holding).implode()),
        )
        .join(roles, on="role", how="semi")
        .join(gone, left_on="holder", right_on="principal", how="anti")
        .select(
            "assignment", "role", "scope", "level", "holder", "identity", "group", "workload", "conditioned"
        )
        .collect()
    )
    restricted = found.filter("conditioned").select("assignment").unique()
    conditions = frames["assignments"].select("assignment", "condition")
    if restricted.is_empty():
        conditions = conditions.limit(0)
    conditions_of = conditions.join(restricted.lazy(), on="assignment", how="semi").collect()
    return found.join(conditions_of, on="assignment", how="left").select(
        pl.exclude("conditioned"),
        principal=pl.coalesce("group", "holder"),
        wide=pl.col("level") <= int(Level.SUBSCRIPTION),
    )


def _have_it_all(holding: pl.DataFrame) -> pl.Series:
    """Return the holders that can gain nothing: there is one scope to gain, and they control it."""
    import polars as pl

    to_gain = holding.filter(pl.col("identity").is_not_null() | pl.col("anybody"))["scope"].unique()
    if len(to_gain) > 1:
        return holding["holder"].clear()
    understood_roles = pl.col("power") != str(Power.NOT_UNDERSTOOD)
    return holding.filter(understood_roles, pl.col("scope").is_in(to_gain.implode()))["holder"].unique()


@dataclass
class TakeoverFacts:
    """What the search reads of the facts, and reads once."""

    frames: Mapping[str, pl.LazyFrame]
    holding: pl.DataFrame
    """As `who_controls` returns it."""
    found: pl.DataFrame
    """As `who_may_take` returns it."""
    seeds: pl.DataFrame = field(init=False)
    """Identities with the scopes they control: identity, gained_scope, gained_level, weaker, owner_identity."""
    covered: pl.DataFrame = field(init=False)
    """Holders with the scopes they control already, all below included where it matters: holder, ancestor."""
    takers: pl.DataFrame = field(init=False)
    """Assignments that may take an identity: assignment, principal, holder, identity, scope, kind, doubt."""
    kind_ways: pl.DataFrame = field(init=False)
    denials: list[Denial] = field(init=False)
    denied: pl.DataFrame = field(init=False)
    """What deny assignments take, those with the same patterns together: patterns, kind, way."""

    def __post_init__(self) -> None:
        import polars as pl

        surely = self.holding.filter(
            pl.col("power") != str(Power.NOT_UNDERSTOOD), pl.col("workload").fill_null(False)
        )
        self.seeds = _seeds(surely)
        # Whoever is in a group that was not read controls what the group controls.
        understood_roles = pl.col("power") != str(Power.NOT_UNDERSTOOD)
        self.covered = self.holding.filter(understood_roles).select("holder", ancestor="scope").unique()
        rows = self.frames["deny_assignments"].collect().to_dicts()
        self.denials = understood(rows, self.frames) if rows else []
        self._sort_into_kinds(self.found)

    @cached_property
    def hosts(self) -> IdentityHosts:
        """Where those can be taken that a path can lead through: who controls something, and who may take others."""
        import polars as pl

        on_paths = pl.concat([self.holding["identity"], self.takers["identity"]]).drop_nulls()
        denying = pl.Series([one.scope for one in self.denials], dtype=pl.UInt32)
        return IdentityHosts(self.frames, on_paths, pl.concat([self.takers["scope"], denying]))

    def doubtful_seeds(self) -> pl.DataFrame:
        """Return identities that perhaps control a scope, by a role that was not understood."""
        import polars as pl

        unread = self.holding.filter(pl.col("power") == str(Power.NOT_UNDERSTOOD))
        return _seeds(unread).join(self.seeds, on=["identity", "gained_scope"], how="anti")

    def _sort_into_kinds(self, found: pl.DataFrame) -> None:
        import polars as pl

        same = ["role", "condition", "wide"]
        pairs = found.select(same).unique().sort(same, nulls_last=True).with_row_index("pair")
        entries = self._entries(pairs["role"])
        readable = set(self.frames["roles"].filter("readable").select("role").collect().to_series())
        of_pair: list[tuple[int, int, bool, bool]] = []
        for pair, role, condition, wide in pairs.iter_rows():
            of_pair.extend(
                (pair, *way) for way in ways_of(entries.get(role, ()), condition, wide, role in readable)
            )
        key = pl.UInt32
        flag = pl.Boolean
        schema = {"pair": key, "way": pl.UInt8, "attaches": flag, "existing": flag}
        ways = pl.DataFrame(of_pair, schema=schema, orient="row")
        found = found.join(pairs, on=same, nulls_equal=True)
        hosting = self._who_can_host(found, ways.filter("attaches"))
        found = found.join(hosting, on="holder", how="left").with_columns(pl.col("hosts").fill_null(False))
        kinds = found.select("pair", "hosts").unique().sort("pair", "hosts").with_row_index("kind")
        # Attaching alone runs nothing: it takes a host somewhere as well.
        assigns = (pl.col("way") != ASSIGN) | pl.col("hosts")
        self.kind_ways = (
            kinds.join(ways.filter("existing"), on="pair")
            .filter(assigns)
            .select("kind", pl.col("way").cast(pl.UInt8))
        )
        self.takers = (
            found.join(kinds, on=["pair", "hosts"])
            .join(self.kind_ways, on="kind", how="semi")
            .with_columns(
                doubt=pl.when(pl.col("workload").is_null())
                .then(pl.lit(NOT_KNOWN))
                .when(~pl.col("role").is_in(pl.Series(sorted(readable), dtype=key).implode()))
                .then(pl.lit(NOT_UNDERSTOOD))
            )
            .select(
                "assignment",
                "principal",
                "holder",
                "identity",
                "group",
                "role",
                "scope",
                "level",
                "kind",
                "doubt",
            )
        )
        self._read_denials(kinds.join(pairs, on="pair").select("kind", "role", "condition"), entries)

    def _entries(self, roles: pl.Series) -> dict[int, Entries]:
        import polars as pl

        wanted = pl.col("role").is_in(roles.unique().implode())
        return permission_entries(
            self.frames["permissions"].filter(wanted).collect().iter_rows(named=True), "role"
        )

    def _who_can_host(self, found: pl.DataFrame, attaching: pl.DataFrame) -> pl.DataFrame:
        """Return the holders that can make some host act as an identity: holder, hosts (true)."""
        import polars as pl

        lost = (
            self.frames["denials"]
            .filter(pl.col("power") == str(Power.RUN_CODE))
            .select("assignment")
            .collect()
        )
        able = found.join(attaching.select("pair").unique(), on="pair", how="semi")
        able = able.join(lost, on="assignment", how="anti")
        one = pl.col("level") == int(Level.RESOURCE)
        on_one = able.filter(one).select("holder", "pair", "scope")
        types = self._types(on_one["scope"].unique())
        on_host = on_one.join(types, left_on="scope", right_on="place").join(
            attaching.filter("existing"), on=["pair", "way"], how="semi"
        )
        holders = pl.concat([able.filter(~one).select("holder"), on_host.select("holder")]).unique()
        return holders.with_columns(hosts=pl.lit(value=True))

    def _types(self, places: pl.Series) -> pl.DataFrame:
        """Return the resources among entities on which code can run: place, way."""
        import polars as pl

        return (
            self.frames["entities"]
            .filter(pl.col("entity").is_in(places.implode()))
            .select(place="entity", type="type")
            .join(way_of_types().lazy(), on="type")
            .select("place", "way")
            .collect()
        )

    def _read_denials(self, kinds: pl.DataFrame, entries: Mapping[int, Entries]) -> None:
        import polars as pl

        # Managed applications and clusters come with a deny assignment each, thousands of them all alike.
        self._patterns = {
            denied: number for number, denied in enumerate(dict.fromkeys(one.entries for one in self.denials))
        }
        taken = [
            (number, role, condition, way)
            for denied, number in self._patterns.items()
            for role, condition in kinds.select("role", "condition").unique().iter_rows()
            for way in denied_ways(denied, entries.get(role, ()), condition)
        ]
        schema = {"patterns": pl.UInt32, "role": pl.UInt32, "condition": pl.String, "way": pl.UInt8}
        of_roles = pl.DataFrame(taken, schema=schema, orient="row")
        met = kinds.join(of_roles, on=["role", "condition"], nulls_equal=True)
        self.denied = met.select("patterns", "kind", "way")

    def below_denials(self, places: pl.DataFrame) -> pl.DataFrame:
        """Return the deny assignments that hold at places: place, denial, everybody, patterns."""
        import polars as pl

        key, flag = pl.UInt32, pl.Boolean
        schema = {"scope": key, "denial": key, "below": flag, "everybody": flag, "patterns": key}
        listed = [
            (one.scope, one.denial, one.below, one.everybody, self._patterns[one.entries])
            for one in self.denials
        ]
        held = pl.DataFrame(listed, schema=schema, orient="row")
        denying = pl.col("scope").is_in(held["scope"].unique().implode())
        at = places.filter(denying).select("place", "scope").unique().join(held, on="scope")
        here = pl.col("below") | (pl.col("place") == pl.col("scope"))
        return at.filter(here).select("place", "denial", "everybody", "patterns")

    def listed(self) -> pl.DataFrame:
        """Return whom denials name (with ``everybody``: spare): denial, principal."""
        import polars as pl

        rows = [(one.denial, principal) for one in self.denials for principal in sorted(one.principals)]
        return pl.DataFrame(rows, schema={"denial": pl.UInt32, "principal": pl.UInt32}, orient="row")


def _seeds(holding: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    weaker = pl.col("power") != str(Power.FULL_CONTROL)
    return (
        holding.filter(pl.col("identity").is_not_null())
        .group_by("identity", gained_scope="scope", gained_level="level")
        .agg(weaker=weaker.min())
        .with_columns(owner_identity="identity")
    )


def closed_identities(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Return the identities that no code of a customer runs as, so that no path starts at them: identity."""
    import polars as pl

    # A cluster's own identity is its control plane's.
    types = [*sorted(CLOSED), CLUSTER]
    hosts = frames["resources"].filter(pl.col("type").is_in(types)).select("resource")
    # Others that code knows Azure to make beside it, as for a cluster's nodes, are attached nowhere.
    owned = frames["identities"].join(hosts, on="resource", how="semi").select("identity", "resource")
    return owned.join(frames["attachments"], on=["identity", "resource"], how="semi").select("identity")
