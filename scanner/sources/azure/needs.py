"""What a scan has to collect, worked out from what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from scanner.facts.schema import collected_tables

IDENTITY_TYPE = "microsoft.managedidentity/userassignedidentities"


class Needs(msgspec.Struct, frozen=True):
    """What is asked for: collected tables, and property paths by ARM type in lower case."""

    tables: frozenset[str]
    settings: Mapping[str, tuple[str, ...]]

    def any_of(self, *tables: str) -> bool:
        """Whether one of these tables is asked for."""
        return not self.tables.isdisjoint(tables)

    def feeds(self, *tables: str) -> tuple[str, ...]:
        """Those of these tables that are asked for, in this order."""
        return tuple(table for table in tables if table in self.tables)


def needs_of(tables: Iterable[str], settings: Iterable[tuple[str, str]]) -> Needs:
    """Resolve derived tables and views, and add what the others cannot be read without."""
    paths: dict[str, list[str]] = {}
    for resource_type, path in sorted(set(settings)):
        paths.setdefault(resource_type.lower(), []).append(path)
    wanted = {"identities", "attachments", "scopes"}
    for table in tables:
        wanted |= collected_tables(table)
    if paths:
        wanted |= {"settings", "resources"}
    if "deny_assignments" in wanted or "memberships" in wanted:
        wanted.add("assignments")
    if wanted & {"assignments", "roles", "permissions"}:
        wanted |= {"roles", "permissions"}
    if "assignments" in wanted:
        wanted.add("principals")
    return Needs(frozenset(wanted), {kind: tuple(found) for kind, found in paths.items()})
