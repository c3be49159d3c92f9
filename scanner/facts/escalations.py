"""Paths to Owner through another identity: who, by which assignment, can become one that controls a subscription.

The search starts at the few identities that have full control of a subscription or more, or can hand out access there,
and goes outwards, one identity a step. At each step the identities found last are laid out where they can be taken,
with every scope above, and met with the assignments on those scopes. What meets is reduced first: assignments of one
kind on one scope reach the same identities, so that no pair of assignment and identity is made. Deny assignments hold
in places: what lies below one is met one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from scanner.catalog.powers import Power
from scanner.facts.schema import TABLES
from scanner.facts.takeovers import OVER_IDENTITY, WAYS, TakeoverFacts, anybody_may_control, who_controls

if TYPE_CHECKING:
    import polars as pl

MOST_STEPS = 8
"""Identities on a path at most; a longer one is found when it is one step shorter, or its end is closed."""


def escalations(frames: Mapping[str, pl.LazyFrame], held: pl.LazyFrame) -> pl.DataFrame:
    """Return the table of that name; ``held`` is ``access``."""
    import polars as pl

    from scanner.facts.store import polars_schema

    schema = polars_schema(TABLES["escalations"])
    holding = who_controls(held)
    if holding["identity"].null_count() == len(holding) and not anybody_may_control(holding):
        return pl.DataFrame(schema=schema)
    facts = TakeoverFacts(frames, holding)
    if facts.takers.is_empty():
        return pl.DataFrame(schema=schema)
    sure = _search(facts, facts.seeds, facts.takers.filter(pl.col("doubt").is_null()))
    found = [sure.with_columns(doubt=pl.lit(None, pl.String))]
    doubtful = facts.doubtful_seeds()
    if not doubtful.is_empty() or facts.takers["doubt"].null_count() < len(facts.takers):
        perhaps = _search(facts, pl.concat([facts.seeds, doubtful]), facts.takers)
        said = pl.coalesce(
            "doubt", pl.lit("what an identity that it can become holds was not read or not understood")
        )
        found.append(perhaps.join(sure, on="assignment", how="anti").with_columns(doubt=said))
    return pl.concat(found, how="diagonal").select(pl.col(name).cast(kind) for name, kind in schema.items())


def _search(facts: TakeoverFacts, seeds: pl.DataFrame, takers: pl.DataFrame) -> pl.DataFrame:
    """Return the best path of each assignment and holder, with how many identities it can become."""
    import polars as pl

    taking = _Taking(facts, takers)
    frontier = seeds.with_columns(steps=pl.lit(0, pl.UInt32))
    known = frontier.select("identity", "steps").unique()
    meetings = []
    for step in range(MOST_STEPS):
        if frontier.is_empty() and step:
            break
        met = _meet(facts, frontier, taking)
        # An identity that is nearer to an end itself would be told a way around; one that is an end, of other ends.
        nearer = known.filter(pl.col("steps").is_between(1, step, closed="left")).select("identity")
        paths = met.paths.join(nearer, on="identity", how="anti")
        meetings.append(_Met(_best(paths, ["assignment", "holder"]), met.alike, met.single))
        # Whom an identity leads to is known by its shortest path; it is met once.
        onwards = paths.filter(pl.col("identity").is_not_null()).join(known, on="identity", how="anti")
        frontier = _best(onwards, ["identity"]).select(frontier.columns)
        known = pl.concat([known, frontier.select(known.columns)])
    best = _best(pl.concat([met.paths for met in meetings]), ["assignment", "holder"])
    alike = pl.concat([met.alike for met in meetings]).unique()
    single = pl.concat([met.single for met in meetings]).unique()
    return _told(best, alike, single)


class _Taking:
    """The assignments of a search, by the *spots* where they are: a kind of assignment on a scope."""

    def __init__(self, facts: TakeoverFacts, takers: pl.DataFrame) -> None:
        import polars as pl

        at = takers.select("scope", "kind").unique().with_row_index("spot")
        self._takers = takers.join(at, on=["scope", "kind"])
        self._kind_ways = facts.kind_ways
        controlling = pl.col("holder").is_in(facts.covered["holder"].unique().implode())
        self.others = at.join(self._takers.filter(~controlling), on="spot", how="semi")
        self.controlling = at.join(self._takers.filter(controlling), on="spot", how="semi")
        self.all = at
        self._is_controlling = controlling

    def meet(self, offers: pl.DataFrame, spots: pl.DataFrame) -> pl.DataFrame:
        """Return what is offered on scopes with the spots that can take it."""
        import polars as pl

        # Few scopes have an offer, and few a spot: neither side is joined whole.
        there = spots.filter(pl.col("scope").is_in(offers["scope"].unique().implode()))
        return offers.join(there, on="scope").join(self._kind_ways, on=["kind", "way"], how="semi")

    def takers(self, met: pl.DataFrame, *, controlling: bool) -> pl.DataFrame:
        """Return what spots were met with, with their assignments."""
        import polars as pl

        wanted = pl.col("spot").is_in(met["spot"].unique().implode())
        who = self._is_controlling if controlling else ~self._is_controlling
        return met.join(self._takers.filter(wanted, who).drop("scope", "kind"), on="spot")


class _Met(NamedTuple):
    """What one step finds."""

    paths: pl.DataFrame
    """Assignments with identities that they can take, two at most for each scope that is gained."""
    alike: pl.DataFrame
    """Which identities the assignments of a spot can take: spot, target_identity."""
    single: pl.DataFrame
    """The same where deny assignments hold: assignment, holder, target_identity."""


def _meet(facts: TakeoverFacts, frontier: pl.DataFrame, taking: _Taking) -> _Met:
    """Return who can take the identities of the frontier."""
    import polars as pl

    places = facts.places(frontier["identity"]).rename({"identity": "target_identity"})
    locks = facts.below_denials(places)
    gains = frontier.rename({"identity": "target_identity"}).with_columns(steps=pl.col("steps") + 1)
    free = places.join(locks, on="place", how="anti")
    offers = _ranked(free.join(gains, on="target_identity"))
    near = taking.meet(_two(offers, ["scope", "way"]), taking.others)
    # Who controls something is told of something else: for those, all that there is must be looked at.
    all_near = taking.meet(_two(offers, ["scope", "way", "gained_scope"]), taking.controlling)
    locked = taking.meet(places.join(locks, on="place", how="semi"), taking.all)
    single = pl.concat([taking.takers(locked, controlling=which) for which in (False, True)])
    single = single.join(_lost(facts, single, locks), on=["assignment", "place", "kind", "way"], how="anti")
    paths = [
        taking.takers(_two(near, ["spot"]), controlling=False),
        taking.takers(_two(all_near, ["spot", "gained_scope"]), controlling=True),
        _ranked(single.join(gains, on="target_identity")),
    ]
    met = pl.concat([some.select(paths[0].columns) for some in paths])
    met = met.filter(pl.col("identity").ne_missing(pl.col("target_identity")))
    met = met.join(_held_already(facts, frontier), on=["holder", "gained_scope"], how="anti")
    alike = taking.meet(free, taking.all).select("spot", "target_identity").unique()
    return _Met(met, alike, single.select("assignment", "holder", "target_identity").unique())


def _lost(facts: TakeoverFacts, locked: pl.DataFrame, locks: pl.DataFrame) -> pl.DataFrame:
    """Return what deny assignments take of what would be met: assignment, place, kind, way."""
    import polars as pl

    what = ["assignment", "place", "kind", "way"]
    hit = locked.select(*what, "principal").unique().join(locks, on="place")
    hit = hit.join(facts.denied, on=["patterns", "kind", "way"], how="semi")
    listed = facts.listed()
    named = hit.filter(~pl.col("everybody")).join(listed, on=["denial", "principal"], how="semi")
    anybody = hit.filter(pl.col("everybody")).join(listed, on=["denial", "principal"], how="anti")
    return pl.concat([named, anybody]).select(what).unique()


def _held_already(facts: TakeoverFacts, frontier: pl.DataFrame) -> pl.DataFrame:
    """Return who controls what could be gained already: holder, gained_scope."""
    import polars as pl

    gained = pl.col("scope").is_in(frontier["gained_scope"].unique().implode())
    above = (
        facts.frames["scope_ancestors"]
        .filter(gained)
        .select(gained_scope="scope", ancestor="ancestor")
        .collect()
    )
    return facts.covered.join(above, on="ancestor").select("holder", "gained_scope").unique()


def _two(paths: pl.DataFrame, what: list[str]) -> pl.DataFrame:
    """Return the best two identities of each group: one of them may be the holder itself."""
    first = _best(paths, what)
    others = paths.join(first.select(*what, "target_identity"), on=[*what, "target_identity"], how="anti")
    return first.vstack(_best(others, what).select(first.columns))


def _ranked(offers: pl.DataFrame) -> pl.DataFrame:
    """Return offers with their order in two numbers: what is told of several paths is the widest, then the shortest."""
    import polars as pl

    wide = pl.lit(1 << 32, pl.Int64)  # keys have 32 bits
    gain = (pl.col("gained_level").cast(pl.Int64) * (MOST_STEPS + 1) + pl.col("steps")) * 2 + pl.col("weaker")
    return offers.with_columns(
        gain=gain * wide + pl.col("gained_scope"), taken=pl.col("way") * wide + pl.col("target_identity")
    )


def _best(paths: pl.DataFrame, what: list[str]) -> pl.DataFrame:
    """Return the best path of each group."""
    import polars as pl

    # Two passes over numbers take a third of the time of a sort by all that is in them.
    for rank in ("gain", "taken"):
        paths = paths.filter(pl.col(rank) == pl.col(rank).min().over(what))
    return paths.sort("place").unique(what, keep="first", maintain_order=True)


def _told(best: pl.DataFrame, alike: pl.DataFrame, single: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of the table, and how many identities each assignment's holder can become."""
    import polars as pl

    one = ["assignment", "holder"]
    of_spot = alike.group_by("spot").len("many")
    own = alike.rename({"target_identity": "identity"})
    itself = best.join(own, on=["spot", "identity"], how="semi").select(*one, itself=pl.lit(1, pl.UInt32))
    others = single.join(best.select(*one, "spot", "identity"), on=one)
    others = others.filter(pl.col("target_identity").ne_missing(pl.col("identity")))
    others = others.join(alike, on=["spot", "target_identity"], how="anti")
    counted = (
        best.join(of_spot, on="spot", how="left")
        .join(itself, on=one, how="left")
        .join(others.group_by(one).len("singly"), on=one, how="left")
    )
    numbers = (pl.col(name).fill_null(0).cast(pl.Int64) for name in ("many", "itself", "singly"))
    many, minus, singly = numbers
    powers = pl.Series(
        [str(power) for power in OVER_IDENTITY] + [str(Power.RUN_CODE)] * (len(WAYS) - len(OVER_IDENTITY))
    )
    on_host = pl.col("way") >= len(OVER_IDENTITY)
    return counted.with_columns(
        power=pl.lit(powers.implode()).list.get(pl.col("way")),
        host_resource=pl.when(on_host).then(pl.col("place")),
        gained_power=pl.when("weaker")
        .then(pl.lit(str(Power.GRANT_ACCESS)))
        .otherwise(pl.lit(str(Power.FULL_CONTROL))),
        identities=many - minus + singly,
    )
