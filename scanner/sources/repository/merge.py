"""Many units into one world of facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from scanner.facts.schema import TABLES
from scanner.facts.store import FactsBuilder
from scanner.sources.declared.naming import NO_GROUP, is_synthetic
from scanner.sources.declared.unit_facts import merge
from scanner.sources.repository.located import LocatedPlace, LocatedUnit


class Merger:
    """Unites units. What has the same id in several units is one thing: declared in one, looked up in another.

    Where a thing is declared counts, not where it is looked up; so rows about looking up are added at the end.
    """

    def __init__(self, deployed_to: Mapping[str, str] | None = None) -> None:
        self.builder = FactsBuilder()
        self._deployed_to = deployed_to or {}
        self._later: list[tuple[str, Mapping[str, Any]]] = []
        self._gaps: set[tuple[str, str, str, str]] = set()
        self._rows: set[tuple[Any, ...]] = set()
        self._settings: set[tuple[int, str]] = set()

    def add(self, unit: LocatedUnit) -> None:
        """Add a unit; the order of units decides which spelling of an id is shown, so it must be a fixed one."""
        rows = dict(unit.facts.rows)
        declarations, settings = rows.pop("declarations", []), rows.pop("settings", [])
        existing = {row["entity"] for row in declarations if row["existing"]}
        facts = msgspec.structs.replace(unit.facts, rows=rows)
        if self._deployed_to:
            facts.entities = [
                (kind, self._placed(entity_id), name, type_)
                for kind, entity_id, name, type_ in facts.entities
            ]
        keys = merge(facts, self.builder, self._rows)
        for row in settings:
            # One thing with different values in two units is judged by the first one; a property has one value.
            resource, path = keys[row["resource"]], row["path"]
            if (resource, path) not in self._settings:
                self._settings.add((resource, path))
                self.builder.add("settings", **{**row, "resource": resource})
        for row in declarations:
            self._row("declarations", {**row, "entity": keys[row["entity"]]}, later=row["existing"])
        for place in unit.places:
            row = _place(place, keys[place.entity])
            self._row(place.table, row, later=place.entity in existing)
        for gap in unit.gaps:
            self.gap(gap.table, gap.where, gap.reason, gap.detail)

    def _placed(self, entity_id: str) -> str:
        """Return an id in the resource group or subscription that it is known to lie in, when code does not say."""
        group, rest = in_group(entity_id)
        if group in self._deployed_to:
            return self._deployed_to[group] + rest
        subscription, tail = in_subscription(entity_id)
        known = self._deployed_to.get(subscription)
        return entity_id if known is None else known + tail

    def gap(self, table: str, where: str, reason: str, detail: str) -> None:
        """Record a gap once, however many units ran into it."""
        if (table, where, reason, detail) not in self._gaps:
            self._gaps.add((table, where, reason, detail))
            self.builder.gap(table, where, reason, detail)

    def finish(self) -> FactsBuilder:
        """Return the builder with everything in it.

        A repository is never the whole of a tenant, so no table is said to be whole, and none to be missing: what it
        does not declare is simply not its subject. What could not be read of it are gaps with their places.
        """
        for table, row in self._later:
            self.builder.add(table, **row)
        self._later = []
        for name, table_class in TABLES.items():
            if not table_class.derived:
                self.builder.unasked(name)
        return self.builder

    def _row(self, table: str, row: Mapping[str, Any], *, later: bool) -> None:
        if later:
            self._later.append((table, row))
        else:
            self.builder.add(table, **row)


def _place(place: LocatedPlace, entity: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "entity": entity,
        "uri": place.uri,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
    }
    if place.table == "property_places":
        row["path"] = place.what
    elif place.table == "module_calls":
        row["depth"] = int(place.what)
    return row


def in_subscription(entity_id: str) -> tuple[str, str]:
    """Return the subscription's id that an id begins with, in lower case, and the rest; empty where there is none."""
    parts = entity_id.split("/", 3)
    if len(parts) < 3 or parts[0] or parts[1].lower() != "subscriptions":
        return "", entity_id
    subscription = f"/subscriptions/{parts[2]}"
    return subscription.lower(), entity_id[len(subscription) :]


def in_group(entity_id: str) -> tuple[str, str]:
    """Return the resource group's id that an id begins with, in lower case, and the rest; empty where there is none."""
    parts = entity_id.split("/", 5)
    if len(parts) < 5 or parts[1].lower() != "subscriptions" or parts[3].lower() != "resourcegroups":
        return "", entity_id
    group = "/".join(parts[:5])
    return group.lower(), entity_id[len(group) :]


class State(msgspec.Struct, frozen=True):
    """What a state of a repository declares: its units in a fixed order, and the files that were not read."""

    units: list[LocatedUnit]
    gaps: list[tuple[str, str, str]]
    """Path, reason and detail."""

    def facts(self, deployed_to: Mapping[str, str] | None = None) -> FactsBuilder:
        """Return all units in one builder.

        ``deployed_to`` maps ids of subscriptions and resource groups that code does not give, in lower case, to real
        ones.
        """
        merger = Merger(deployed_to)
        for unit in self.units:
            merger.add(unit)
        for uri, reason, detail in self.gaps:
            merger.gap("places", uri, reason, detail)
        return merger.finish()

    def tails(self) -> dict[str, set[str]]:
        """Return what lies in each subscription and resource group that code does not give: ids without it, lower case.

        Only what is wholly known is among them, and what Azure knows by an id.
        """
        found: dict[str, set[str]] = {}
        for unit in self.units:
            for _, entity_id, _, _ in unit.facts.entities:
                subscription, tail = in_subscription(entity_id)
                if is_synthetic(subscription):
                    _add(found.setdefault(subscription, set()), tail)
                group, tail = in_group(entity_id)
                if group.rpartition("/")[2].startswith(NO_GROUP):
                    _add(found.setdefault(group, set()), tail)
        return found

    def ids(self) -> Iterator[str]:
        """Yield the id of every entity, in lower case."""
        for unit in self.units:
            yield from (entity_id.lower() for _, entity_id, _, _ in unit.facts.entities)


def _add(tails: set[str], tail: str) -> None:
    if tail and not any(sign in tail for sign in "({#"):
        tails.add(tail.lower())
