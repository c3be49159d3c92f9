"""Where identities can be taken, at themselves and on resources that carry them, and which share all their hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scanner.catalog.hosts import CLUSTER, HOST_TYPES
from scanner.catalog.powers import Power

if TYPE_CHECKING:
    import polars as pl

OVER_IDENTITY = (Power.ASSIGN_IDENTITY, Power.FEDERATE_IDENTITY)
WAYS = (*OVER_IDENTITY, *sorted(HOST_TYPES))
"""The ways to an identity, by number: over itself, or by running code on a host of a type that carries it."""
ASSIGN, FEDERATE = 0, 1
WAY_OF_TYPE = {name: number for number, name in enumerate(WAYS) if name in HOST_TYPES}


MOST_SHARED = 500_000
"""Pairs, at most, of an identity and what others on its host lead to; where there are more, the fullest hosts count as
shared with nobody, so that what is found there is told."""


def way_of_types() -> pl.DataFrame:
    """Return the types of resources on which code can run: type, way."""
    import polars as pl

    schema = {"type": pl.String, "way": pl.UInt8}
    return pl.DataFrame({"type": list(WAY_OF_TYPE), "way": list(WAY_OF_TYPE.values())}, schema=schema)


class IdentityHosts:
    """The places of some identities, read once for all steps of a search.

    ``scopes``: those that matter; what holds elsewhere is left out.
    """

    def __init__(self, frames: Mapping[str, pl.LazyFrame], identities: pl.Series, scopes: pl.Series) -> None:
        import polars as pl

        wanted = pl.col("identity").is_in(identities.unique().implode())
        seen, carried, federated = pl.collect_all(
            [
                frames["identities"].filter(wanted).select("identity", "user_assigned", "resource"),
                frames["attachments"].filter(wanted).select("identity", "property", place="resource"),
                frames["federated_credentials"].filter(wanted).select("identity"),
            ]
        )
        own = seen.filter(pl.col("resource").is_not_null()).select(
            "identity", property=pl.lit(""), place="resource"
        )
        # Code speaks of identities that Azure makes for a resource beside its own, as for a cluster's nodes.
        own = own.join(carried, on=["identity", "place"], how="anti")
        hosts = pl.concat([carried, own]).unique()
        over = seen.filter("user_assigned").select("identity", place="identity")
        wanted_places = pl.concat([over["place"], hosts["place"]]).unique()
        about = (
            frames["entities"]
            .filter(pl.col("entity").is_in(wanted_places.implode()))
            .select("parent", "type", place="entity")
            .collect()
        )
        self._scopes = scopes.unique()
        self._above = (
            frames["scope_ancestors"]
            .filter(
                pl.col("scope").is_in(about["parent"].unique().implode()),
                pl.col("ancestor").is_in(self._scopes.implode()),
            )
            .select("ancestor", parent="scope")
            .collect()
        )
        # Code in a cluster reaches the identities of the nodes and add-ons, not the one of the control plane.
        of_nodes = (pl.col("type") != CLUSTER) | ~pl.col("property").str.starts_with("identity.")
        acting = hosts.join(about, on="place").filter(of_nodes).select("identity", "place", "parent", "type")
        on_host = acting.unique().join(way_of_types(), on="type").select("identity", "way", "place", "parent")
        over = over.join(about, on="place").select("identity", "place", "parent")
        over_it = [
            over.select("identity", pl.lit(way, pl.UInt8).alias("way"), "place", "parent")
            for way in (ASSIGN, FEDERATE)
        ]
        self.at = pl.concat([*over_it, on_host])
        """Each place of each identity once: identity, way, place, parent (of the place)."""
        self._keep_shared(hosts, acting, federated)

    def _keep_shared(self, hosts: pl.DataFrame, acting: pl.DataFrame, federated: pl.DataFrame) -> None:
        """Keep the hosts of identities that run nowhere but where another one of these is, and who is there."""
        import polars as pl

        carried = hosts.select("identity", "place").unique()
        alone = carried.filter(pl.col("place").is_unique())
        # Whoever else signs in as an identity is on none of its hosts.
        elsewhere = pl.concat([alone.select("identity"), federated])
        self._carried = carried.join(elsewhere, on="identity", how="anti")
        there = pl.col("place").is_in(self._carried["place"].unique().implode())
        self._acting = acting.filter(there).select("identity", "place").unique()

    def places(self, identities: pl.Series) -> pl.DataFrame:
        """Return where identities can be taken, with the scopes that contain it: identity, way, place, scope."""
        import polars as pl

        found = self.at.filter(pl.col("identity").is_in(identities.unique().implode()))
        here = found.filter(pl.col("place").is_in(self._scopes.implode()))
        here = here.select("identity", "way", "place", scope="place")
        above = found.join(self._above, on="parent").select("identity", "way", "place", scope="ancestor")
        return pl.concat([here, above])

    def two_of_each(self) -> pl.DataFrame:
        """Return the ways that lead to some identity at or below scopes: scope, way, and two of the identities.

        ``first`` and ``last`` are the same where there is one only; one of them may be the holder itself.
        """
        import polars as pl

        two = {"first": pl.col("identity").min(), "last": pl.col("identity").max()}
        here = self.at.filter(pl.col("place").is_in(self._scopes.implode()))
        here = here.select("identity", "way", scope="place").group_by("scope", "way").agg(**two)
        within = self.at.group_by("parent", "way").agg(**two).join(self._above, on="parent")
        both = pl.concat([here, within.rename({"ancestor": "scope"}).select(here.columns)])
        return both.group_by("scope", "way").agg(pl.col("first").min(), pl.col("last").max())

    def beside(self, leading: pl.DataFrame) -> pl.DataFrame:
        """Return identities that run nowhere but beside one that leads to a scope: identity, gained_scope.

        ``leading`` has the same columns. On every host of such an identity there is another one that leads there: what
        runs as the first is on that host and can act as the other, whatever the first may do.
        """
        import polars as pl

        two = {"first": pl.col("identity").min(), "last": pl.col("identity").max()}
        there = self._acting.join(leading, on="identity").group_by("place", "gained_scope").agg(**two)
        pairs = (
            there.group_by("place")
            .len("gains")
            .join(self._carried.group_by("place").len("carried"), on="place")
            .select("place", pairs=pl.col("gains").cast(pl.UInt64) * pl.col("carried"))
            .sort("pairs", "place")
        )
        there = there.join(pairs.filter(pl.col("pairs").cum_sum() <= MOST_SHARED), on="place", how="semi")
        shared = self._carried.join(there, on="place").filter(
            (pl.col("identity") != pl.col("first")) | (pl.col("identity") != pl.col("last"))
        )
        if shared.is_empty():
            return shared.select("identity", "gained_scope")
        theirs = pl.col("identity").is_in(shared["identity"].unique().implode())
        hosts = self._carried.filter(theirs).group_by("identity").len("hosts")
        counted = shared.group_by("identity", "gained_scope").len("shared").join(hosts, on="identity")
        return counted.filter(pl.col("shared") == pl.col("hosts")).select("identity", "gained_scope")
