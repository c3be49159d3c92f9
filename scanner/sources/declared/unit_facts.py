"""The facts of one unit, apart from all others: small enough to be kept, merged into one world later.

A worker makes them where it parsed the unit; a cache keeps them; no value of a property is in them but those that
rules asked for, so no secret of a file is.
"""

from __future__ import annotations

from typing import Any

import msgspec

from scanner.catalog.permissions import patterns
from scanner.catalog.roles import builtin_roles
from scanner.facts import ids
from scanner.facts.schema import TABLES, Kind, Level, is_key_column
from scanner.facts.store import FactsBuilder
from scanner.sources.declared.declaration import Place


class UnitFacts(msgspec.Struct, kw_only=True):
    """Rows with keys that count within the unit: a key is a position in ``entities``."""

    unit: str
    entities: list[tuple[str, str, str | None, str | None]] = []
    """Kind, id, name, type: what :meth:`FactsBuilder.entity` takes."""
    rows: dict[str, list[dict[str, Any]]] = {}
    """Table to rows. Rows of ``places``, ``property_places`` and ``module_calls`` are in ``at`` instead."""
    at: list[tuple[str, int, str, Place]] = []
    """Table (one of those three), entity, path or depth as text or ``""``, and the place."""
    gaps: list[tuple[str, Place, str, str]] = []
    """Table, place, reason, detail."""
    doubts: list[tuple[str, int, str, str]] = []
    """Gaps about one row that is there all the same: table, entity, reason, detail. Who does not fail is unknown."""
    scopes: list[tuple[int, str]] = []
    """Entities that are scopes, with the id of what contains them where their own id does not tell, else ``""``."""


class UnitBuilder:
    """Records what a translator says of one unit; the counterpart of :class:`FactsBuilder`."""

    def __init__(self, unit: str) -> None:
        self.facts = UnitFacts(unit=unit, entities=[], rows={}, at=[], gaps=[], doubts=[], scopes=[])
        self._keys: dict[str, int] = {}
        self._scopes: set[int] = set()
        self._properties: set[tuple[int, str]] = set()

    def entity(self, kind: Kind, entity_id: str, *, name: str | None = None, type: str | None = None) -> int:  # noqa: A002
        """Return the unit's key of an entity, making it on first sight. Ids are compared without case."""
        same = ids.same(entity_id)
        key = self._keys.get(same)
        if key is None:
            key = len(self.facts.entities)
            self._keys[same] = key
            self.facts.entities.append((str(kind), entity_id, name, type))
        else:
            kind_before, id_before, name_before, type_before = self.facts.entities[key]
            if kind_before == Kind.SCOPE:
                kind_before = str(kind)
            self.facts.entities[key] = (kind_before, id_before, name_before or name, type_before or type)
        return key

    def key_of(self, entity_id: str) -> int | None:
        """Return the unit's key of an entity seen before, or None."""
        return self._keys.get(ids.same(entity_id))

    def scope(self, scope_id: str, *, parent: str = "") -> int:
        """Return the unit's key of a scope."""
        kind = Kind.SCOPE
        if ids.place(scope_id).level is Level.RESOURCE:
            identity = "/microsoft.managedidentity/userassignedidentities/" in scope_id.lower()
            kind = Kind.IDENTITY if identity else Kind.RESOURCE
        key = self.entity(kind, scope_id)
        if key not in self._scopes or parent:
            self._scopes.add(key)
            self.facts.scopes.append((key, parent))
        return key

    def add(self, table: str, **values: Any) -> dict[str, Any]:
        """Add a row and return it, for who may learn more of it; keys are the unit's."""
        self.facts.rows.setdefault(table, []).append(values)
        return values

    def place(self, entity: int, place: Place) -> None:
        """Say where an entity is declared; the first word counts."""
        self.facts.at.append(("places", entity, "", place))

    def property_place(self, entity: int, path: str, place: Place) -> None:
        """Say where a property of an entity is written; the first word counts."""
        if (entity, path) not in self._properties:
            self._properties.add((entity, path))
            self.facts.at.append(("property_places", entity, path, place))

    def module_call(self, entity: int, depth: int, place: Place) -> None:
        """Say through which module call an entity is declared."""
        self.facts.at.append(("module_calls", entity, str(depth), place))

    def gap(self, table: str, place: Place, reason: str, detail: str) -> None:
        """Record a part of a file that was not read or cannot be known."""
        self.facts.gaps.append((table, place, reason, detail))

    def doubt(self, table: str, entity: int, reason: str, detail: str) -> None:
        """Record that a row of an entity in its own table does not say all: a role not understood, a condition."""
        self.facts.doubts.append((table, entity, reason, detail))


def key_columns(table: str) -> tuple[str, ...]:
    """Return the columns of a table that hold keys."""
    return tuple(column.name for column in TABLES[table].columns if is_key_column(column.name))


def merge(unit: UnitFacts, builder: FactsBuilder, seen: set[tuple[Any, ...]] | None = None) -> list[int]:
    """Add a unit's entities, scopes and rows to a world; returns the world's key for each of the unit's.

    Places and gaps are left to the caller, which knows how to turn offsets into lines. Of rows that are wholly alike
    only the first is added; give the same ``seen`` for every unit, so that this holds for what several of them say.
    The permissions of built-in roles are no unit's: they come from the catalogue, once.
    """
    seen = set() if seen is None else seen
    keys = [
        builder.entity(Kind(kind), entity_id, name=name, type=type_)
        for kind, entity_id, name, type_ in unit.entities
    ]
    for entity, parent in unit.scopes:
        builder.scope(unit.entities[entity][1], parent=parent or None)
    for table, rows in unit.rows.items():
        columns = key_columns(table)
        unique = TABLES[table].row is not None
        for row in rows:
            placed = {
                name: keys[value] if name in columns and value is not None else value
                for name, value in row.items()
            }
            if not unique:
                same = (table, *placed.values())
                if same in seen:
                    continue
                seen.add(same)
            elif table == "roles" and not placed["custom"]:
                _add_built_in(builder, placed["role"], placed["guid"])
            builder.add(table, **placed)
    for table, entity, reason, detail in unit.doubts:
        builder.gap(table, builder.id_of(keys[entity]), reason, detail)
    return keys


def _add_built_in(builder: FactsBuilder, role: int, guid: str) -> None:
    shipped = None if builder.has_row("roles", role) else builtin_roles().get(guid)
    for entry, part, pattern, condition in patterns(shipped.permissions) if shipped is not None else ():
        builder.add("permissions", role=role, entry=entry, part=part, pattern=pattern, condition=condition)
