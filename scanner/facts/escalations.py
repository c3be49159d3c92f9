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
from scanner.facts.best_paths import MOST_STEPS, best, power_of_way, ranked, told, two
from scanner.facts.identity_hosts import IdentityHosts
from scanner.facts.schema import TABLES
from scanner.facts.takeovers import (
    TakeoverFacts,
    anybody_may_control,
    closed_identities,
    federation_unread,
    who_controls,
    who_may_take,
)

if TYPE_CHECKING:
    import polars as pl


def escalations(frames: Mapping[str, pl.LazyFrame], held: pl.LazyFrame) -> pl.DataFrame:
    """Return the table of that name; ``held`` is ``access``."""
    import polars as pl

    from scanner.facts.store import polars_schema

    schema = polars_schema(TABLES["escalations"])
    holding = who_controls(held, frames["principals"])
    if holding["identity"].null_count() == len(holding) and not anybody_may_control(holding):
        return pl.DataFrame(schema=schema)
    who = who_may_take(frames, holding)
    if who.is_empty():
        return pl.DataFrame(schema=schema)
    facts = TakeoverFacts(frames, holding, who)
    if facts.takers.is_empty():
        return pl.DataFrame(schema=schema)
    clear = facts.takers.filter(pl.col("doubt").is_null())
    sure, covered = _search(facts, facts.seeds, clear, facts.covered, beside=True)
    found = [sure.with_columns(doubt=pl.lit(None, pl.String))]
    if len(covered) > len(facts.covered) and federation_unread(frames):
        alone, _ = _search(facts, facts.seeds, clear, facts.covered)
        found.append(alone.with_columns(doubt=pl.lit(_SIGNS_IN)))
    doubtful = facts.doubtful_seeds()
    if not doubtful.is_empty() or len(clear) < len(facts.takers):
        perhaps, _ = _search(facts, pl.concat([facts.seeds, doubtful]), facts.takers, covered)
        found.append(perhaps.with_columns(doubt=pl.coalesce("doubt", pl.lit(_HOLDS))))
    if anybody_may_control(holding):
        found.append(_of_anybody(facts).with_columns(doubt=pl.coalesce("doubt", pl.lit(_HOLDS))))
    table = pl.DataFrame(schema=schema)
    for part in found:
        shaped = part.select(pl.col(name).cast(kind) for name, kind in schema.items())
        table = table.vstack(shaped.join(table, on="assignment", how="anti"))
    return table.join(closed_identities(frames).collect(), on="identity", how="anti")


_HOLDS = "what an identity that it can become holds was not read or not understood"
_SIGNS_IN = "whether anybody signs in as its holder from elsewhere was not read"


def _search(
    facts: TakeoverFacts,
    seeds: pl.DataFrame,
    takers: pl.DataFrame,
    covered: pl.DataFrame,
    *,
    beside: bool = False,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the best path of each assignment and holder, with how many identities it can become.

    ``covered`` is what holders control already; returned with what they have ``beside`` an identity on all their hosts.
    """
    import polars as pl

    from scanner.facts.store import polars_schema

    taking = _Taking(facts, takers, covered)
    frontier = seeds.with_columns(steps=pl.lit(0, pl.UInt32))
    known = frontier.select("identity", "steps").unique()
    leading = frontier.select("identity", "gained_scope").clear()
    meetings = []
    for step in range(MOST_STEPS):
        if frontier.is_empty():
            break
        if beside:
            leading = pl.concat([leading, frontier.select(leading.columns)])
            taking.cover(_beside(facts, leading))
        met = _meet(facts, frontier, taking)
        # An identity that is nearer to an end itself would be told a way around; one that is an end, of other ends.
        nearer = known.filter(pl.col("steps").is_between(1, step, closed="left")).select("identity")
        paths = met.paths.join(nearer, on="identity", how="anti")
        meetings.append(_Met(best(paths, ["assignment", "holder"]), met.alike, met.single))
        # Whom an identity leads to is known by its shortest path; it is met once.
        onwards = paths.filter(pl.col("identity").is_not_null()).join(known, on="identity", how="anti")
        frontier = best(onwards, ["identity"]).select(frontier.columns)
        known = pl.concat([known, frontier.select(known.columns)])
    if not meetings:
        return pl.DataFrame(schema=polars_schema(TABLES["escalations"])), taking.covered
    paths = best(pl.concat([met.paths for met in meetings]), ["assignment", "holder"])
    alike = pl.concat([met.alike for met in meetings]).unique()
    single = pl.concat([met.single for met in meetings]).unique()
    return told(paths, alike, single), taking.covered


def _beside(facts: TakeoverFacts, leading: pl.DataFrame) -> pl.DataFrame:
    """Return what holders have already: whatever runs as them can act as an identity that leads there."""
    import polars as pl

    found = facts.hosts.beside(leading)
    theirs = pl.col("identity").is_in(found["identity"].unique().implode())
    holders = facts.takers.filter(theirs).select("holder", "identity").unique()
    return holders.join(found, on="identity").select("holder", ancestor="gained_scope")


def _of_anybody(facts: TakeoverFacts) -> pl.DataFrame:
    """Return whoever can become some identity, one of them each, where any may be in a group of owners.

    Deny assignments below are not looked at: this is told as not known, never as a finding.
    """
    import polars as pl

    unread = facts.holding.filter("anybody", pl.col("power") != str(Power.NOT_UNDERSTOOD))
    widest = unread.sort("level", "scope", "power").head(1)
    widest = widest.select(gained_scope="scope", gained_level="level", gained_power="power")
    everybody = facts.frames["identities"].select("identity").unique().collect()
    below = IdentityHosts(facts.frames, everybody["identity"], facts.takers["scope"]).two_of_each()
    met = below.join(facts.takers, on="scope").join(facts.kind_ways, on=["kind", "way"], how="semi")
    first_is_another = pl.col("first").ne_missing(pl.col("identity"))
    met = met.with_columns(target_identity=pl.when(first_is_another).then("first").otherwise("last"))
    met = met.filter(pl.col("target_identity").ne_missing(pl.col("identity"))).join(widest, how="cross")
    met = met.join(_held_already(facts, widest, facts.covered), on=["holder", "gained_scope"], how="anti")
    one = met.sort("way", "target_identity").unique(["assignment", "holder"], keep="first")
    return one.with_columns(
        power=power_of_way(),
        host_resource=pl.lit(None, pl.UInt32),
        owner_identity="target_identity",
        steps=1,
        identities=1,
    )


class _Taking:
    """The assignments of a search, by the *spots* where they are: a kind of assignment on a scope."""

    def __init__(self, facts: TakeoverFacts, takers: pl.DataFrame, covered: pl.DataFrame) -> None:
        self.all = takers.select("scope", "kind").unique().with_row_index("spot")
        self._takers = takers.join(self.all, on=["scope", "kind"])
        self._kind_ways = facts.kind_ways
        self.covered = covered
        self._sort()

    def cover(self, more: pl.DataFrame) -> None:
        """Add to what holders control already."""
        import polars as pl

        if not more.is_empty():
            self.covered = pl.concat([self.covered, more]).unique()
            self._sort()

    def _sort(self) -> None:
        import polars as pl

        controlling = pl.col("holder").is_in(self.covered["holder"].unique().implode())
        self.others = self.all.join(self._takers.filter(~controlling), on="spot", how="semi")
        self.controlling = self.all.join(self._takers.filter(controlling), on="spot", how="semi")
        self._is_controlling = controlling

    def meet(self, offers: pl.DataFrame, spots: pl.DataFrame) -> pl.DataFrame:
        """Return what is offered on scopes with the spots that can take it."""
        import polars as pl

        # Few scopes have an offer, and few a spot: neither side is joined whole.
        there = spots.filter(pl.col("scope").is_in(offers["scope"].unique().implode()))
        return offers.join(there, on="scope").join(self._kind_ways, on=["kind", "way"], how="semi")

    def takers(
        self,
        met: pl.DataFrame,
        *,
        controlling: bool,
        only: pl.Series | None = None,
        but: pl.Series | None = None,
    ) -> pl.DataFrame:
        """Return what spots were met with, with their assignments: ``only`` of some holders, or of all ``but`` some."""
        import polars as pl

        wanted = pl.col("spot").is_in(met["spot"].unique().implode())
        who = self._is_controlling if controlling else ~self._is_controlling
        if only is not None:
            who &= pl.col("holder").is_in(only.implode())
        if but is not None and len(but):
            who &= ~pl.col("holder").is_in(but.implode())
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

    places = facts.hosts.places(frontier["identity"]).rename({"identity": "target_identity"})
    locks = facts.below_denials(places)
    gains = frontier.rename({"identity": "target_identity"}).with_columns(steps=pl.col("steps") + 1)
    free = places if locks.is_empty() else places.join(locks, on="place", how="anti")
    offers = ranked(free.join(gains, on="target_identity"))
    held = _held_already(facts, frontier, taking.covered)
    near = taking.meet(two(offers, ["scope", "way"]), taking.others)
    paths = [taking.takers(two(near, ["spot"]), controlling=False)]
    if not taking.controlling.is_empty():
        # Who controls something is told of something else: for those, all that there is must be looked at.
        all_near = taking.meet(two(offers, ["scope", "way", "gained_scope"]), taking.controlling)
        paths.append(_least(two(all_near, ["spot", "gained_scope"]), taking, held))
    single = pl.DataFrame(schema=dict.fromkeys(["assignment", "holder", "target_identity"], pl.UInt32))
    if not locks.is_empty():
        locked = taking.meet(places.join(locks, on="place", how="semi"), taking.all)
        by_one = pl.concat([taking.takers(locked, controlling=which) for which in (False, True)])
        lost = _lost(facts, by_one, locks)
        by_one = by_one.join(lost, on=["assignment", "place", "kind", "way"], how="anti")
        paths.append(ranked(by_one.join(gains, on="target_identity")))
        single = by_one.select(single.columns).unique()
    met = pl.concat([some.select(paths[0].columns) for some in paths])
    met = met.filter(pl.col("identity").ne_missing(pl.col("target_identity")))
    met = met.join(held, on=["holder", "gained_scope"], how="anti")
    alike = taking.meet(free, taking.all).select("spot", "target_identity").unique()
    return _Met(met, alike, single)


def _least(all_near: pl.DataFrame, taking: _Taking, held: pl.DataFrame) -> pl.DataFrame:
    """Return what is to be gained with those who control something, each with as much as may be the best for it.

    Who controls some of the scopes that can be gained looks at as many, and at two more: one that it may lead to
    itself, and another one. With all of them, a thousand owners of a subscription each would make a million rows.
    """
    import polars as pl

    order = all_near.group_by("spot", "gained_scope").agg(pl.col("gain").min())
    nth = order.select("spot", "gained_scope", nth=pl.col("gain").rank("ordinal").over("spot"))
    ordered = all_near.join(nth, on=["spot", "gained_scope"])
    needed = held.group_by("holder").len("needed").with_columns(pl.col("needed") + 2)
    most = 4
    more = needed.filter(pl.col("needed") > most)
    met = [taking.takers(ordered.filter(pl.col("nth") <= most), controlling=True, but=more["holder"])]
    while not more.is_empty():
        most *= 4
        these = more.filter(pl.col("needed") <= most)["holder"]
        more = more.filter(pl.col("needed") > most)
        met.append(taking.takers(ordered.filter(pl.col("nth") <= most), controlling=True, only=these))
    return pl.concat(met)


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


def _held_already(facts: TakeoverFacts, frontier: pl.DataFrame, covered: pl.DataFrame) -> pl.DataFrame:
    """Return who controls what could be gained already: holder, gained_scope."""
    import polars as pl

    gained = pl.col("scope").is_in(frontier["gained_scope"].unique().implode())
    above = (
        facts.frames["scope_ancestors"]
        .filter(gained)
        .select(gained_scope="scope", ancestor="ancestor")
        .collect()
    )
    return covered.join(above, on="ancestor").select("holder", "gained_scope").unique()
