"""The roles of a case's world: built-in ones from the catalogue, and custom ones as a case lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scanner.facts.schema import Kind
from scanner.facts.store import FactsBuilder

_PARTS = {
    "actions": "actions",
    "notActions": "not_actions",
    "dataActions": "data_actions",
    "notDataActions": "not_data_actions",
}


def role_id(guid: str) -> str:
    """Return the Azure id of a role definition."""
    return f"/providers/Microsoft.Authorization/roleDefinitions/{guid}"


def add_role(
    builder: FactsBuilder,
    name: str,
    guid: str,
    entries: Sequence[Mapping[str, Any]],
    *,
    custom: bool,
    readable: bool = True,
) -> int:
    """Add a role with its permission entries, once, and return its key."""
    key = builder.entity(Kind.ROLE, role_id(guid), name=name)
    if builder.has_row("roles", key):
        return key
    builder.add("roles", role=key, guid=guid, custom=custom, readable=readable)
    if not readable:
        builder.gap("roles", role_id(guid), "malformed", "The permissions could not be understood.")
    for number, entry in enumerate(entries):
        for part, own in _PARTS.items():
            for pattern in entry.get(own, ()):
                builder.add(
                    "permissions",
                    role=key,
                    entry=number,
                    part=part,
                    pattern=pattern,
                    condition=entry.get("condition"),
                )
    return key


def add_built_in_role(builder: FactsBuilder, name: str) -> int | None:
    """Add a built-in role by its name and return its key; None when no role is called so."""
    from scanner.catalog.roles import role_by_name

    built_in = role_by_name(name)
    if built_in is None:
        return None
    entries = [
        {own: getattr(entry, own) for own in _PARTS.values()} | {"condition": entry.condition}
        for entry in built_in.permissions
    ]
    return add_role(builder, built_in.name, built_in.guid, entries, custom=False)
