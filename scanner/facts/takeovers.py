"""Who may take which identities, and where: what the search for paths to Owner (``escalations``) reads of the facts.

An identity can be taken at the hosts that carry it, and at itself, by assignments on any scope above. Assignments are
sorted into *kinds*: those of one kind (role, condition, ...) can do the same wherever they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.catalog.capabilities import capabilities, denied_powers
from scanner.catalog.hosts import CLUSTER, HOST_TYPES, POLICY_ASSIGNMENT, host_ways
from scanner.catalog.powers import Power
from scanner.facts.access import NOT_KNOWN, NOT_UNDERSTOOD, Denial, under_condition, understood
from scanner.facts.role_powers import Entries, permission_entries
from scanner.facts.schema import Level

if TYPE_CHECKING:
    import polars as pl

OVER_IDENTITY = (Power.ASSIGN_IDENTITY, Power.FEDERATE_IDENTITY)
WAYS = (*OVER_IDENTITY, *sorted(HOST_TYPES))
"""The ways to an identity, by number: over itself, or by running code on a host of a type that carries it."""
_ASSIGN, _FEDERATE = 0, 1
WAY_OF_TYPE = {name: number for number, name in enumerate(WAYS) if name in HOST_TYPES}
_CONTROLS = (Power.FULL_CONTROL, Power.GRANT_ACCESS)
_TAKES = (*OVER_IDENTITY, Power.RUN_CODE)


def who_controls(held: pl.LazyFrame) -> pl.DataFrame:
    """Return who controls, or may control, a subscription or more."""
    import polars as pl

    powers = [str(power) for power in (*_CONTROLS, Power.NOT_UNDERSTOOD)]
    return (
        held.filter(
            pl.col("level") <= int(Level.SUBSCRIPTION),
            pl.col("power").is_in(powers),
            ~pl.col("conditioned"),
        )
        .select("holder", "identity", "scope", "level", "power", "workload")
        .unique()
        .collect()
    )


def anybody_may_control(holding: pl.DataFrame) -> bool:
    """Whether a group whose members were not read controls a subscription: any identity may be one of them."""
    import polars as pl

    return not holding.filter(
        pl.col("workload").is_null(), pl.col("power") != str(Power.NOT_UNDERSTOOD)
    ).is_empty()


@dataclass
class TakeoverFacts:
    """What the search reads of the facts, and reads once."""

    frames: Mapping[str, pl.LazyFrame]
    holding: pl.DataFrame
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
        self._read_takers()

    def doubtful_seeds(self) -> pl.DataFrame:
        """Return identities that perhaps control a scope."""
        import polars as pl

        unread = self.holding.filter(pl.col("power") == str(Power.NOT_UNDERSTOOD))
        found = [_seeds(unread)]
        if anybody_may_control(self.holding):
            widest = self.holding.filter(pl.col("workload").is_null()).sort("level", "scope").head(1)
            anybody = self.frames["identities"].select("identity").unique("identity").collect()
            found.append(_seeds(anybody.join(widest.drop("identity"), how="cross")))
        return pl.concat(found).join(self.seeds, on=["identity", "gained_scope"], how="anti")

    def _read_takers(self) -> None:
        import polars as pl

        powers = [str(power) for power in (*_TAKES, Power.NOT_UNDERSTOOD)]
        roles = self.frames["capabilities"].filter(pl.col("power").is_in(powers)).select("role").unique()
        found = (
            self.frames["grants"]
            .filter(~pl.col("eligible"), pl.col("workload").fill_null(True))
            .join(roles, on="role", how="semi")
            .select(
                "assignment",
                "role",
                "scope",
                "level",
                "holder",
                "identity",
                "group",
                "workload",
                "conditioned",
            )
            .collect()
        )
        conditions = self.frames["assignments"].select("assignment", "condition")
        restricted = found.filter("conditioned").select("assignment").unique()
        conditions_of = conditions.join(restricted.lazy(), on="assignment", how="semi").collect()
        found = found.join(conditions_of, on="assignment", how="left").drop("conditioned")
        found = found.with_columns(
            principal=pl.coalesce("group", "holder"), wide=pl.col("level") <= int(Level.SUBSCRIPTION)
        )
        self._sort_into_kinds(found)

    def _sort_into_kinds(self, found: pl.DataFrame) -> None:
        import polars as pl

        same = ["role", "condition", "wide"]
        pairs = found.select(same).unique().sort(same, nulls_last=True).with_row_index("pair")
        entries = self._entries(pairs["role"])
        readable = set(self.frames["roles"].filter("readable").select("role").collect().to_series())
        of_pair: list[tuple[int, int, bool]] = []
        for pair, role, condition, wide in pairs.iter_rows():
            of_pair.extend(
                (pair, *way) for way in _ways(entries.get(role, ()), condition, wide, role in readable)
            )
        key = pl.UInt32
        ways = pl.DataFrame(
            of_pair, schema={"pair": key, "way": pl.UInt8, "attaches": pl.Boolean}, orient="row"
        )
        found = found.join(pairs, on=same, nulls_equal=True)
        hosting = self._who_can_host(found, ways.filter("attaches"))
        found = found.join(hosting, on="holder", how="left").with_columns(pl.col("hosts").fill_null(False))
        kinds = found.select("pair", "hosts").unique().sort("pair", "hosts").with_row_index("kind")
        # Attaching alone runs nothing: it takes a host somewhere as well.
        assigns = (pl.col("way") != _ASSIGN) | pl.col("hosts")
        self.kind_ways = (
            kinds.join(ways, on="pair").filter(assigns).select("kind", pl.col("way").cast(pl.UInt8))
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
        self._read_denials(kinds.join(pairs, on="pair").select("kind", "role"), entries)

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
            attaching, on=["pair", "way"], how="semi"
        )
        holders = pl.concat([able.filter(~one).select("holder"), on_host.select("holder")]).unique()
        return holders.with_columns(hosts=pl.lit(value=True))

    def _types(self, places: pl.Series) -> pl.DataFrame:
        """Return the resources among entities on which code can run: place, way."""
        import polars as pl

        types = pl.DataFrame(
            {"type": list(WAY_OF_TYPE), "way": list(WAY_OF_TYPE.values())},
            schema={"type": pl.String, "way": pl.UInt8},
        )
        return (
            self.frames["entities"]
            .filter(pl.col("entity").is_in(places.implode()))
            .select(place="entity", type="type")
            .join(types.lazy(), on="type")
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
            (number, role, way)
            for denied, number in self._patterns.items()
            for role in kinds["role"].unique()
            for way in _denied_ways(denied, entries.get(role, ()))
        ]
        schema = {"patterns": pl.UInt32, "role": pl.UInt32, "way": pl.UInt8}
        of_roles = pl.DataFrame(taken, schema=schema, orient="row")
        self.denied = kinds.join(of_roles, on="role").select("patterns", "kind", "way")

    def places(self, identities: pl.Series) -> pl.DataFrame:
        """Return where identities can be taken, with every scope that contains it: identity, way, place, scope."""
        import polars as pl

        wanted = pl.col("identity").is_in(identities.unique().implode())
        seen = self.frames["identities"].filter(wanted)
        over = seen.filter("user_assigned").select("identity", place="identity").collect()
        of_cluster = pl.col("property").str.starts_with("identity.")
        carried = self.frames["attachments"].filter(wanted).select("identity", "property", place="resource")
        own = seen.filter(pl.col("resource").is_not_null()).select(
            "identity", property=pl.lit("identity.principalId"), place="resource"
        )
        hosts = pl.concat([carried, own]).unique().collect()
        hosts = hosts.join(self._types(hosts["place"].unique()), on="place")
        hosts = hosts.filter(~(of_cluster & (pl.col("way") == WAY_OF_TYPE[CLUSTER])))
        found = pl.concat(
            [
                *(
                    over.select("identity", pl.lit(way, pl.UInt8).alias("way"), "place")
                    for way in (_ASSIGN, _FEDERATE)
                ),
                hosts.select("identity", "way", "place"),
            ]
        ).unique()
        return found.join(self._above(found["place"].unique()), on="place")

    def _above(self, places: pl.Series) -> pl.DataFrame:
        """Return places with all scopes that contain them, themselves included: place, scope."""
        import polars as pl

        placed = self.frames["entities"].filter(pl.col("entity").is_in(places.implode()))
        parents = placed.select(place="entity", parent="parent").collect()
        within = parents["parent"].unique().implode()
        above = self.frames["scope_ancestors"].filter(pl.col("scope").is_in(within))
        above_parents = above.select(parent="scope", scope="ancestor").collect()
        return pl.concat(
            [
                parents.select("place", scope="place"),
                parents.join(above_parents, on="parent").select("place", "scope"),
            ]
        )

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
        at = places.select("place", "scope").unique().join(held, on="scope")
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


def _ways(entries: Entries, condition: str | None, wide: bool, readable: bool) -> Iterable[tuple[int, bool]]:
    """Return the ways of a role under an assignment's condition, each with whether it makes a host act as another."""
    if not readable:
        return [(way, True) for way, name in enumerate(WAYS) if wide or name != POLICY_ASSIGNMENT]
    left = under_condition(entries, condition)
    free = {held.power for held in capabilities(left) if not held.conditioned}
    found = [(way, False) for way, power in enumerate(OVER_IDENTITY) if power in free]
    hosts = host_ways(left)
    return found + [
        (WAY_OF_TYPE[way.type], way.attaches) for way in hosts if wide or way.type != POLICY_ASSIGNMENT
    ]


def _denied_ways(denied: Entries, entries: Entries) -> list[int]:
    lost = denied_powers(denied, entries)
    found = [way for way, power in enumerate(OVER_IDENTITY) if power in lost]
    left = {way.type for way in host_ways(entries, denied)}
    return found + [WAY_OF_TYPE[way.type] for way in host_ways(entries) if way.type not in left]
