"""What reports draw rather than list: who holds how much how widely, and how much was seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import msgspec

from scanner.facts.schema import LEVEL_NAMES, Level

if TYPE_CHECKING:
    from scanner.facts.store import FactStore


class Exposure(msgspec.Struct, frozen=True):
    """How many managed identities hold a privilege at a scope level: one cell of the picture.

    ``level`` is a name of :data:`scanner.facts.schema.LEVEL_NAMES`; an identity counts once per level, at its
    strongest privilege there.
    """

    level: str
    privilege: str
    identities: int


def exposure(store: FactStore) -> tuple[tuple[Exposure, ...], tuple[str, ...]]:
    """Return the cells that are not empty, widest level and strongest privilege first, and the order of privileges."""
    import polars as pl

    from scanner.catalog.capabilities import Capability
    from scanner.catalog.powers import Power
    from scanner.catalog.privilege import Privilege, privilege

    held: dict[int, list[Capability]] = defaultdict(list)
    for row in store.frame("capabilities").collect().iter_rows(named=True):
        one = Capability(
            power=Power(row["power"]),
            entry=0,
            by=row["pattern"],
            operation="",
            conditioned=row["conditioned"],
        )
        held[row["role"]].append(one)
    ranks = {role: int(privilege(powers)) for role, powers in held.items()}
    ranked = pl.LazyFrame(
        {"role": list(ranks), "rank": list(ranks.values())}, schema={"role": pl.UInt32, "rank": pl.UInt8}
    )
    strongest = (
        store.frame("grants")
        .filter(pl.col("identity").is_not_null() & ~pl.col("eligible"))
        .join(ranked, on="role")
        .group_by("identity", "level")
        .agg(pl.col("rank").max())
        .group_by("level", "rank")
        .agg(identities=pl.len())
        .sort("level", "rank", descending=[False, True])
        .collect()
    )
    cells = tuple(
        Exposure(LEVEL_NAMES[Level(level)], Privilege(rank).label, count)
        for level, rank, count in strongest.iter_rows()
    )
    order = sorted((Privilege(rank) for rank in {*ranks.values()}), reverse=True)
    return cells, tuple(rank.label for rank in order)


def seen(store: FactStore) -> dict[str, int]:
    """Return how many of each kind were seen, for the head of a report."""
    import polars as pl

    names = {
        "managed identities": "identities",
        "role assignments": "assignments",
        "role definitions": "roles",
        "resources": "resources",
        "federated credentials": "federated_credentials",
    }
    frames = [store.frame(table).select(pl.len()) for table in names.values()]
    levels = store.frame("scopes").group_by("level").agg(pl.len())
    *counts, by_level = pl.collect_all([*frames, levels])
    found = {name: int(count.item()) for name, count in zip(names, counts, strict=True)}
    widths: Counter[int] = Counter(dict(by_level.iter_rows()))
    found["subscriptions"] = widths[Level.SUBSCRIPTION]
    found["management groups"] = widths[Level.MANAGEMENT_GROUP]
    return found
