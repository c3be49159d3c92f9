"""What roles and deny assignments list, put back together from pattern rows, and the powers that roles give."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from scanner.catalog.capabilities import capabilities
from scanner.catalog.permissions import PermissionEntry
from scanner.catalog.powers import Power
from scanner.facts.schema import TABLES

if TYPE_CHECKING:
    import polars as pl

Entries = tuple[PermissionEntry, ...]


def permission_entries(rows: Iterable[Mapping[str, Any]], owner: str) -> dict[int, Entries]:
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


def role_entries(frames: Mapping[str, pl.LazyFrame]) -> dict[int, Entries]:
    """Return the permission entries of every role that has any."""
    return permission_entries(frames["permissions"].collect().iter_rows(named=True), "role")


def role_capabilities(frames: Mapping[str, pl.LazyFrame], entries: Mapping[int, Entries]) -> pl.LazyFrame:
    """Return the powers of every role.

    A role that could not be read, or that is assigned and was never seen, gives `not_understood`: what nobody could
    read must not look harmless.
    """
    import polars as pl

    from scanner.facts.store import polars_schema

    readable = frames["roles"].filter(pl.col("readable")).select("role").collect().to_series()
    rows: list[dict[str, Any]] = []
    for role in readable.unique(maintain_order=True):
        for capability in capabilities(entries.get(role, ())):
            rows.append(
                {
                    "role": role,
                    "power": str(capability.power),
                    "pattern": capability.by,
                    "conditioned": capability.conditioned,
                    "data": capability.data,
                }
            )
    named = pl.concat([frames["roles"].select("role"), frames["assignments"].select("role")]).unique()
    for role in named.filter(~pl.col("role").is_in(readable.implode())).collect().to_series().sort():
        nothing = {"pattern": "", "conditioned": False, "data": False}
        rows.append({"role": role, "power": str(Power.NOT_UNDERSTOOD)} | nothing)
    return pl.DataFrame(rows, schema=polars_schema(TABLES["capabilities"])).lazy()
