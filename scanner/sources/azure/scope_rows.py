"""Rows of management groups, subscriptions and resource groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.catalog.property_path import ABSENT, dig
from scanner.facts import ids
from scanner.sources.azure.raw import Context, id_of, object_of, text_of, type_of
from scanner.sources.azure.tag_rows import add_tags

GROUP = "microsoft.management/managementgroups"
SUBSCRIPTION = "microsoft.resources/subscriptions"
RESOURCE_GROUP = "microsoft.resources/subscriptions/resourcegroups"
_PREFIX = "/providers/Microsoft.Management/managementGroups/"


class ScopeRows:
    """Makes scopes, each below the one that contains it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        context.builder.scope(ids.ROOT, name="tenant root")

    def add(self, row: Mapping[str, Any]) -> None:
        """Add the scope of a row."""
        scope_id = id_of(row)
        if scope_id is None:
            self._context.malformed(row, "It has no id", "scopes")
            return
        builder = self._context.builder
        kind = type_of(row)
        if kind == RESOURCE_GROUP:
            builder.scope(scope_id, name=text_of(row, "name"))
        else:
            path = "properties.managementGroupAncestorsChain"
            if kind == GROUP:
                path = "properties.details.managementGroupAncestorsChain"
            name = text_of(object_of(row, "properties"), "displayName") or text_of(row, "name")
            builder.scope(scope_id, name=name, parent=self._above(row, scope_id, path))
        add_tags(self._context, row, builder.scope(scope_id))

    def _above(self, row: Mapping[str, Any], scope_id: str, path: str) -> str | None:
        """Make the groups above a scope, nearest first in its chain, and return the id of the nearest."""
        chain = dig(row, path)
        if chain is ABSENT or chain is None:
            # An export may hold the bare subscription: what is above it is then not known.
            self._context.builder.gap(
                "scopes", scope_id, "skipped", "The row does not say which management groups contain it."
            )
            return None
        names = [text_of(link, "name") for link in chain] if isinstance(chain, list) else [None]
        if None in names or "/" in "".join(name or "" for name in names):
            self._context.malformed(row, "Its chain of management groups cannot be read", "scopes")
            return None
        above = [_PREFIX + str(name) for name in names]
        for number, group in enumerate(above):
            parent = above[number + 1] if number + 1 < len(above) else ids.ROOT
            self._context.builder.scope(group, name=text_of(chain[number], "displayName"), parent=parent)
        return above[0] if above else ids.ROOT
