"""Units built by hand, and their facts with ids in place of keys."""

from __future__ import annotations

from itertools import count
from typing import Any

from scanner.facts.schema import TABLES
from scanner.sources.declared.declaration import Declaration, Place, Scope, SourceGap, Unit
from scanner.sources.declared.translate import Wanted, translate
from scanner.sources.declared.unit_facts import UnitFacts, key_columns
from scanner.sources.declared.values import Object, Property, Ref, Unknown, Value

ALL = frozenset(name for name, table in TABLES.items() if not table.derived)
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
OWNER_ID = f"/providers/Microsoft.Authorization/roleDefinitions/{OWNER}"
UNIT = "/subscriptions/(infra:prod)"
GROUP = f"{UNIT}/resourceGroups/app"
IDENTITY_TYPE = "microsoft.managedidentity/userassignedidentities"
ASSIGNMENT_TYPE = "microsoft.authorization/roleassignments"
ROLE_TYPE = "microsoft.authorization/roledefinitions"
APP_TYPE = "microsoft.web/sites"

_offsets = count(1000, 10)


def body(values: dict[str, Any], *, open: bool = False, names: dict[str, Value] | None = None) -> Object:  # noqa: A002
    """Make an object whose properties have places of their own; inner dicts become objects too."""
    return Object(
        {name: Property(_value(value), at := next(_offsets), at + 5) for name, value in values.items()},
        open,
        names or {},
    )


def unwritten(values: dict[str, Any]) -> Object:
    """Make an object whose properties are filled in, not written."""
    return Object({name: Property(_value(value)) for name, value in values.items()})


def _value(value: Any) -> Value:
    if isinstance(value, dict):
        return body(value)
    if isinstance(value, list):
        return [_value(item) for item in value]
    result: Value = value
    return result


def ref(target: str, *path: str) -> Ref:
    return Ref(target, path or ("id",), ".".join((target, *path)))


def unknown(shown: str = "var.unknown", **more: Any) -> Unknown:
    return Unknown(shown, "the variable has no default", **more)


def declare(
    kind: str,
    address: str,
    name: Value = None,
    parent: Value = None,
    values: dict[str, Any] | Object | None = None,
    **more: Any,
) -> Declaration:
    start = next(_offsets)
    return Declaration(
        address=address,
        type=kind,
        name=address if name is None else name,
        parent=parent,
        body=values if isinstance(values, Object) else body(values or {}),
        language=more.pop("language", "bicep"),
        place=Place("infra/prod/main.tf", start, start + 4),
        whole=Place("infra/prod/main.tf", start, start + 9),
        **more,
    )


def group(address: str = "app", **more: Any) -> Declaration:
    return declare("microsoft.resources/resourcegroups", address, **more)


def identity(address: str = "id", name: Value = "id-app", **more: Any) -> Declaration:
    more.setdefault("parent", ref("app"))
    return declare(IDENTITY_TYPE, address, name, **more)


def assignment(address: str = "grant", **properties: Any) -> Declaration:
    parent = properties.pop("parent", None)
    return declare(ASSIGNMENT_TYPE, address, unknown("guid()"), parent, {"properties": properties})


def unit(*declarations: Declaration, level: str = "subscription", **more: Any) -> Unit:
    return Unit(
        root=more.pop("root", "infra/prod"),
        language="terraform",
        scope=more.pop("scope", Scope(level)),
        declarations=list(declarations),
        gaps=more.pop("gaps", []),
        files=["infra/prod/main.tf"],
    )


def facts_of(
    *declarations: Declaration, settings: set[tuple[str, str]] | None = None, **more: Any
) -> UnitFacts:
    points_at = frozenset(more.pop("points_at", ()))
    wanted = Wanted(ALL, frozenset(settings or ()), points_at)
    return translate(unit(*declarations, **more), wanted)


def rows(facts: UnitFacts, table: str) -> list[dict[str, Any]]:
    """Rows of a table with ids in place of keys."""
    keys = key_columns(table)
    return [
        {
            name: facts.entities[value][1] if name in keys and value is not None else value
            for name, value in row.items()
        }
        for row in facts.rows.get(table, [])
    ]


def names(facts: UnitFacts) -> dict[str, str | None]:
    return {entity_id: name for _, entity_id, name, _ in facts.entities}


def kinds(facts: UnitFacts) -> dict[str, str]:
    return {entity_id: kind for kind, entity_id, _, _ in facts.entities}


def placed(facts: UnitFacts, table: str = "places") -> list[tuple[str, str, Place]]:
    return [
        (facts.entities[entity][1], what, place) for name, entity, what, place in facts.at if name == table
    ]


def gap(place: Place, reason: str = "malformed") -> SourceGap:
    return SourceGap(place, reason, "It does not parse.")
