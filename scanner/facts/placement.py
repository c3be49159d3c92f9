"""Where in a tenant code is deployed to that does not say it: told by the names that are there already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from scanner.facts.schema import Level
from scanner.facts.store import FactStore

_IN_SUBSCRIPTION = r"^(?i)(/subscriptions/[^/]+)(/.+)$"
_IN_GROUP = r"^(?i)(/subscriptions/[^/]+/resourcegroups/[^/]+)(/.+)$"
_SLASHES = "/subscriptions/x".count("/")
_ENOUGH_NAMES = 2
"""Names of what lies in a resource group that make it the one: a single name may be the same by chance."""


class Placement(msgspec.Struct, frozen=True):
    """Where in a tenant the subscriptions and resource groups are that code does not give; keys are in lower case."""

    found: dict[str, str]
    unsure: dict[str, list[str]]
    """What could be several."""
    nowhere: tuple[str, ...]
    """What could not be told at all."""


def place_in(
    tenant: FactStore, tails: Mapping[str, Collection[str]], told: Mapping[str, str] | None = None
) -> Placement:
    """Find where code is deployed to by the names that the tenant has; ``told`` is what needs no finding.

    ``tails`` holds, for a subscription or resource group that code does not give, the ids in it without its own, in
    lower case. The subscription that holds the most of them is it; where none holds any, the only subscription there
    is. A resource group is it when it alone holds the most, at least two names and more than half of them.
    """
    found = dict(told or {})
    unsure: dict[str, list[str]] = {}
    groups = {code for code in tails if code.count("/") > _SLASHES}
    holders = _holders(tenant, _IN_SUBSCRIPTION, [tails[code] for code in tails if code not in groups])
    only = _subscriptions(tenant)
    for code in sorted(tails.keys() - groups - found.keys()):
        best, _ = _best(holders, tails[code])
        if len(best) == 1 or (not best and len(only) == 1):
            found[code] = (best or only)[0]
        elif best:
            unsure[code] = best
    holders = _holders(tenant, _IN_GROUP, [tails[code] for code in groups])
    for code in sorted(groups - found.keys()):
        subscription = code[: code.index("/resourcegroups/")]
        # The tenant's own subscription where code gives it, else what was found for it.
        given = not ("(" in subscription or "{" in subscription)
        within = subscription if given else found.get(subscription, "")
        best, names = _best(holders, tails[code], within.lower())
        if names < _ENOUGH_NAMES or 2 * names <= len(tails[code]):
            continue
        if len(best) > 1:
            unsure[code] = best
            continue
        found[code] = best[0]
        if not given and subscription not in unsure:
            found.setdefault(subscription, best[0][: best[0].lower().index("/resourcegroups/")])
    return Placement(found, unsure, tuple(sorted(tails.keys() - found.keys() - unsure.keys())))


def _holders(tenant: FactStore, pattern: str, wanted: Iterable[Collection[str]]) -> dict[str, list[str]]:
    """Return for each tail wanted the subscriptions or resource groups of the tenant that hold it."""
    import polars as pl

    tails = pl.Series(sorted(set[str]().union(*wanted)), dtype=pl.String).implode()
    parts = tenant.frame("entities").select(
        tail=pl.col("id").str.extract(pattern, 2).str.to_lowercase(),
        holder=pl.col("id").str.extract(pattern, 1),
    )
    held: dict[str, dict[str, str]] = {}
    for tail, holder in (
        parts.filter(pl.col("tail").is_in(tails)).unique(maintain_order=True).collect().iter_rows()
    ):
        held.setdefault(tail, {}).setdefault(holder.lower(), holder)
    return {tail: list(spelt.values()) for tail, spelt in held.items()}


def _best(
    holders: Mapping[str, Sequence[str]], tails: Collection[str], within: str = ""
) -> tuple[list[str], int]:
    """Return who holds the most of the tails, sorted, and how many that are; only what lies within a subscription."""
    counts: dict[str, int] = {}
    spelling: dict[str, str] = {}
    for tail in tails:
        for holder in holders.get(tail, ()):
            same = holder.lower()
            if same.startswith(f"{within}/" if within else ""):
                spelling.setdefault(same, holder)
                counts[same] = counts.get(same, 0) + 1
    most = max(counts.values(), default=0)
    return sorted(spelling[same] for same, count in counts.items() if count == most), most


def _subscriptions(tenant: FactStore) -> list[str]:
    import polars as pl

    scopes = tenant.frame("scopes").filter(pl.col("level") == int(Level.SUBSCRIPTION)).select("scope")
    every = scopes.join(tenant.frame("entities"), left_on="scope", right_on="entity").select("id").collect()
    return every["id"].to_list()
