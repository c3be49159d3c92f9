"""Which queries find, outside a narrow scan, what concerns its identities: who uses them, and what they may do.

A resource elsewhere names an identity by its id, which holds the GUID of the identity's own subscription, or by its
client or object id. So the service itself is asked for rows that mention one of these GUIDs; what they mention it
as is read from the few rows that come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

import msgspec

from scanner.catalog.attachments import attachment_paths, resource_graph_table, types_with_nested_attachments
from scanner.sources.azure.kql import listed
from scanner.sources.azure.needs import Needs
from scanner.sources.azure.plan import tables_of_their_own, typed
from scanner.sources.azure.resource_graph import Query

HOMES_PER_QUERY, NAMES_PER_QUERY = 100, 200
"""GUIDs sought in one query, to keep its text within some ten kilobytes."""
PRINCIPALS_PER_QUERY = 300
APART_AT_MOST = 300
"""Subscriptions that a query can leave out by name; of larger scopes, the others are asked by name instead."""
CENSUS = "census elsewhere"
ASSIGNMENTS = "assignments elsewhere"
_USER_ASSIGNED = "/userassignedidentities/"
# Attachments are all that is taken from resources elsewhere.
_ONLY_USES = Needs(frozenset(["attachments"]), {})


class Sought(msgspec.Struct, frozen=True):
    """GUIDs to seek in one query: home subscriptions of identities, and client and object ids of identities."""

    part: int
    homes: tuple[str, ...]
    names: tuple[str, ...]

    def in_properties(self) -> str:
        """The condition that properties mention one of them."""
        named = f"tostring(properties) has_any ({listed(self.names)})" if self.names else ""
        return _either(self._as_id("tostring(properties)"), named)

    def in_identity(self) -> str:
        """The condition that an identity block does: it holds whole ids. Empty when no home is sought."""
        return self._as_id("tostring(identity)")

    def anywhere(self) -> str:
        """The condition that either does."""
        return _either(self.in_identity(), self.in_properties())

    def _as_id(self, column: str) -> str:
        if not self.homes:
            return ""
        return f"({column} contains '{_USER_ASSIGNED}' and {column} has_any ({listed(self.homes)}))"


def sought(homes: Iterable[str], names: Iterable[str]) -> list[Sought]:
    """Divide GUIDs among as few queries as they need."""
    parts = zip_longest(
        _parts(sorted(homes), HOMES_PER_QUERY), _parts(sorted(names), NAMES_PER_QUERY), fillvalue=()
    )
    return [Sought(number, homes, names) for number, (homes, names) in enumerate(parts)]


def subscriptions_there_are() -> Query:
    """All subscriptions that the sign-in can see."""
    return Query(
        name="subscriptions elsewhere",
        text="resourcecontainers | where type =~ 'microsoft.resources/subscriptions' "
        "| project id, name, type, subscriptionId, properties | order by id asc",
        feeds=(),
        whole=True,
    )


def first_queries(one: Sought, apart: str) -> list[Query]:
    """Return the queries for the identity blocks of all types, and which types mention an identity elsewhere in them.

    ``apart`` is the condition that leaves out what lies in the scan's own scope; it may be empty.
    """
    nested = [kind for kind in types_with_nested_attachments() if resource_graph_table(kind) == "resources"]
    queries = [
        Query(
            name=f"{CENSUS} {one.part}",
            text=f"resources{_where(apart)} | summarize rows = count(), mentions = countif("
            f"type in~ ({listed(nested)}) and {one.in_properties()}) by type "
            "| project id = type, rows, mentions | order by id asc",
            feeds=("attachments",),
        )
    ]
    if one.homes:
        queries.append(
            Query(
                name=f"identity blocks elsewhere {one.part}",
                text=f"resources{_where(apart, one.in_identity())} "
                "| project id, name, type, identity | order by id asc",
                feeds=("attachments",),
            )
        )
    return queries


def second_queries(
    one: Sought, apart: str, present: Mapping[str, int], mentioning: Mapping[str, int]
) -> list[Query]:
    """Return the queries for the types that mention an identity, and for tables of their own that may.

    ``present`` counts all resources of the census by type, ``mentioning`` those that mention an identity.
    """
    found = [_narrowed(query, one, apart, one.in_properties()) for query in typed(_ONLY_USES, mentioning)]
    return found + [
        _narrowed(query, one, apart, one.anywhere())
        for query in tables_of_their_own(_ONLY_USES, present)
        if one.homes or query.name in _tables_that_name_by_guid()
    ]


def assignment_queries(object_ids: Sequence[str], apart: str) -> list[Query]:
    """Return the queries for role assignments elsewhere of these principals."""
    return [
        Query(
            name=f"{ASSIGNMENTS} {number}",
            text="authorizationresources"
            + _where(
                "type =~ 'microsoft.authorization/roleassignments'",
                f"tostring(properties.principalId) in~ ({listed(part)})",
                apart,
            )
            + " | project id, name, type, subscriptionId, properties | order by id asc",
            feeds=("assignments",),
        )
        for number, part in enumerate(_parts(sorted(object_ids), PRINCIPALS_PER_QUERY))
    ]


def role_queries(guids: Iterable[str]) -> list[Query]:
    """Return the queries for role definitions by their GUIDs."""
    return [
        Query(
            name=f"roles elsewhere {number} {part[0]}",
            text=f"authorizationresources | where type =~ 'microsoft.authorization/roledefinitions' "
            f"and name in~ ({listed(part)}) | project id, name, type, subscriptionId, properties | order by id asc",
            feeds=("roles", "permissions"),
        )
        for number, part in enumerate(_parts(sorted(guids), NAMES_PER_QUERY))
    ]


def apart_from(subscriptions: Sequence[str]) -> str:
    """The condition that a row lies in none of these subscriptions."""
    return f"subscriptionId !in~ ({listed(subscriptions)})"


def _tables_that_name_by_guid() -> set[str | None]:
    """Return the tables with a type that may name an identity by its client or object id alone."""
    return {
        resource_graph_table(kind)
        for kind in types_with_nested_attachments()
        if any(entry.holds != "resource_id" for entry in attachment_paths(kind))
    }


def _narrowed(query: Query, one: Sought, apart: str, condition: str) -> Query:
    """Ask a query of the scan's own resources for those elsewhere that meet a condition."""
    head, project, rest = query.text.partition(" | project ")
    return msgspec.structs.replace(
        query,
        name=f"{query.name} elsewhere {one.part}",
        text=" and ".join(filter(None, (head, apart, condition))) + project + rest,
        feeds=("attachments",),
    )


def _either(*conditions: str) -> str:
    return f"({' or '.join(filter(None, conditions))})"


def _where(*conditions: str) -> str:
    wanted = " and ".join(filter(None, conditions))
    return f" | where {wanted}" if wanted else ""


def _parts(items: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(items[start : start + size]) for start in range(0, len(items), size)]
