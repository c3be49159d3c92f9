"""Which of several paths to Owner is told: the widest, then the shortest; and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.catalog.powers import Power
from scanner.facts.identity_hosts import OVER_IDENTITY, WAYS

if TYPE_CHECKING:
    import polars as pl

MOST_STEPS = 8
"""Identities on a path at most; a longer one is found when it is one step shorter, or its end is closed."""


def two(paths: pl.DataFrame, what: list[str]) -> pl.DataFrame:
    """Return the best two identities of each group: one of them may be the holder itself."""
    if len(paths) < 2:
        return paths
    first = best(paths, what)
    others = paths.join(first.select(*what, "target_identity"), on=[*what, "target_identity"], how="anti")
    return first.vstack(best(others, what).select(first.columns))


def ranked(offers: pl.DataFrame) -> pl.DataFrame:
    """Return offers with their order in two numbers: what is told of several paths is the widest, then the shortest."""
    import polars as pl

    wide = pl.lit(1 << 32, pl.Int64)  # keys have 32 bits
    gain = (pl.col("gained_level").cast(pl.Int64) * (MOST_STEPS + 1) + pl.col("steps")) * 2 + pl.col("weaker")
    return offers.with_columns(
        gain=gain * wide + pl.col("gained_scope"), taken=pl.col("way") * wide + pl.col("target_identity")
    )


def best(paths: pl.DataFrame, what: list[str]) -> pl.DataFrame:
    """Return the best path of each group."""
    import polars as pl

    if len(paths) < 2:
        return paths
    # Two passes over numbers take a third of the time of a sort by all that is in them.
    for rank in ("gain", "taken"):
        paths = paths.filter(pl.col(rank) == pl.col(rank).min().over(what))
    return paths.sort("place").unique(what, keep="first", maintain_order=True)


def told(paths: pl.DataFrame, alike: pl.DataFrame, single: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of the table, and how many identities each assignment's holder can become."""
    import polars as pl

    one = ["assignment", "holder"]
    of_spot = alike.group_by("spot").len("many")
    own = alike.rename({"target_identity": "identity"})
    itself = paths.join(own, on=["spot", "identity"], how="semi").select(*one, itself=pl.lit(1, pl.UInt32))
    others = single.join(paths.select(*one, "spot", "identity"), on=one)
    others = others.filter(pl.col("target_identity").ne_missing(pl.col("identity")))
    others = others.join(alike, on=["spot", "target_identity"], how="anti")
    counted = (
        paths.join(of_spot, on="spot", how="left")
        .join(itself, on=one, how="left")
        .join(others.group_by(one).len("singly"), on=one, how="left")
    )
    numbers = (pl.col(name).fill_null(0).cast(pl.Int64) for name in ("many", "itself", "singly"))
    many, minus, singly = numbers
    on_host = pl.col("way") >= len(OVER_IDENTITY)
    return counted.with_columns(
        power=power_of_way(),
        host_resource=pl.when(on_host).then(pl.col("place")),
        gained_power=pl.when("weaker")
        .then(pl.lit(str(Power.GRANT_ACCESS)))
        .otherwise(pl.lit(str(Power.FULL_CONTROL))),
        identities=many - minus + singly,
    )


def power_of_way() -> pl.Expr:
    """Return the power that the way in column ``way`` takes."""
    import polars as pl

    powers = [str(power) for power in OVER_IDENTITY] + [str(Power.RUN_CODE)] * (
        len(WAYS) - len(OVER_IDENTITY)
    )
    return pl.lit(pl.Series(powers).implode()).list.get(pl.col("way"))
