"""Looking beyond the scope of a narrow scan, for what concerns the identities in it.

An identity of a subscription that is scanned may be attached to a resource of another one, and may hold access
there. Whoever looked only at home would call it orphaned, and somebody would delete it. So the rest of the tenant,
as far as the sign-in sees it, is searched for these two things, and nothing else there is looked at. Where that
is not possible a gap with the reason ``outside`` says so, and nobody is convicted of an absence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from scanner.facts import ids
from scanner.facts.store import FactsBuilder
from scanner.sources.azure.coverage import Cover
from scanner.sources.azure.needs import Needs
from scanner.sources.azure.normalise import Normaliser, rows_in_order, subscription_of
from scanner.sources.azure.outside_plan import (
    APART_AT_MOST,
    ASSIGNMENTS,
    CENSUS,
    Sought,
    apart_from,
    assignment_queries,
    first_queries,
    role_queries,
    second_queries,
    sought,
    subscriptions_there_are,
)
from scanner.sources.azure.raw import is_guid
from scanner.sources.azure.resource_graph import Query, Reading, ResourceGraph, Target, batches

_TENANT = Target(name="tenant", body={}, scope_ids=(ids.ROOT,))


class Outside:
    """One search. The identities and assignments of the scan's own scope must all have been added."""

    def __init__(
        self,
        graph: ResourceGraph,
        builder: FactsBuilder,
        normaliser: Normaliser,
        needs: Needs,
        cover: Cover,
        *,
        scope: str,
    ) -> None:
        """``scope`` is the scan's scope in words."""
        self._graph = graph
        self._builder = builder
        self._normaliser = normaliser
        self._needs = needs
        self._cover = cover
        self._scope = scope
        self._present: Counter[str] = Counter()
        self._mentioning: dict[int, Counter[str]] = {}
        self._assignments: list[Any] = []
        self._roles: list[Any] = []

    def read(self, subscriptions: Sequence[str]) -> list[str]:
        """Search outside these subscriptions (GUIDs); returns those in which access was found."""
        there: dict[str, Any] = {}

        def take(_: Query, rows: list[Any]) -> None:
            there.update({str(subscription_of(row) or "").lower(): row for row in rows})

        (listing,) = self._graph.read("Subscriptions elsewhere", [(subscriptions_there_are(), _TENANT)], take)
        others = sorted(guid for guid in there if is_guid(guid) and guid not in subscriptions)
        if listing.outcome is not None:
            self._not_read("attachments", listing.outcome.detail)
            self._not_read("assignments", listing.outcome.detail)
        elif not others:
            why = "This sign-in sees no other subscription, and one that it does not see may"
            then = "If there is none, scan with --tenant."
            self._cover.outside(
                "attachments", self._scope, f"{why} have resources that use its identities. {then}"
            )
            self._cover.outside("assignments", self._scope, f"{why} give access to its identities. {then}")
        if not others:
            return []
        if len(subscriptions) <= APART_AT_MOST:
            self._search([_TENANT], apart_from(subscriptions))
        else:
            self._search(batches(others), "")
        for guid in others:
            if self._builder.key_of(f"/subscriptions/{guid}") is not None:
                self._normaliser.add(there[guid])
        return self._with_access(set(others))

    def _search(self, targets: Sequence[Target], apart: str) -> None:
        own = [row for row in self._builder.rows("identities") if row["user_assigned"]]
        homes = {ids.place(self._builder.id_of(row["identity"])).subscription for row in own}
        names = {row["client_id"] for row in own} | {
            self._builder.id_of(row["principal"]) for row in own if row["principal"] is not None
        }
        parts = sought(
            {home.rsplit("/", 1)[-1].lower() for home in homes if home is not None},
            {name for name in names if name is not None},
        )
        wanted = [query for one in parts for query in first_queries(one, apart)]
        if self._needs.any_of("assignments"):
            wanted += assignment_queries(self._normaliser.identity_object_ids(), apart)
        asked = [(query, target) for query in wanted for target in targets]
        self._failed(self._graph.read("Rest of the tenant", asked, self._take))
        wanted = self._in_detail(parts, apart)
        asked = [(query, target) for query in wanted for target in targets]
        roles = role_queries(self._normaliser.unknown_roles(self._assignments))
        asked += [(query, _TENANT) for query in roles]
        if asked:
            self._failed(self._graph.read("Rest of the tenant in detail", asked, self._take))
        for row in rows_in_order([*self._roles, *self._assignments]):
            self._normaliser.add(row)

    def _in_detail(self, parts: Sequence[Sought], apart: str) -> list[Query]:
        return [
            query
            for one in parts
            for query in second_queries(one, apart, self._present, self._mentioning.get(one.part, Counter()))
        ]

    def _take(self, query: Query, rows: list[Any]) -> None:
        if query.name.startswith(CENSUS):
            mentioning = self._mentioning.setdefault(int(query.name.rsplit(" ", 1)[-1]), Counter())
            for row in rows:
                self._count(row, mentioning)
        elif query.name.startswith(ASSIGNMENTS):
            self._assignments += rows
        elif "roles" in query.feeds or "permissions" in query.feeds:
            self._roles += rows
        else:
            for row in rows:
                self._normaliser.add_use(row)

    def _count(self, row: Any, mentioning: Counter[str]) -> None:
        counted = [row.get(name) for name in ("id", "rows", "mentions")] if isinstance(row, dict) else []
        match counted:
            case [str() as kind, int() as present, int() as mentions]:
                self._present[kind.lower()] += present
                if mentions:
                    mentioning[kind.lower()] += mentions
            case _:
                self._not_read("attachments", "Resource Graph gave a count of resources that cannot be read.")

    def _failed(self, readings: Sequence[Reading]) -> None:
        for reading in readings:
            if reading.outcome is not None:
                for table in reading.query.feeds:
                    self._not_read(table, reading.outcome.detail)

    def _not_read(self, table: str, why: str) -> None:
        self._cover.outside(table, self._scope, f"The rest of the tenant could not be searched: {why}")

    def _with_access(self, others: set[str]) -> list[str]:
        """Return those of these subscriptions (GUIDs) in which an assignment that was found holds."""
        scopes = (self._builder.id_of(row["scope"]) for row in self._builder.rows("assignments"))
        places = {ids.place(scope_id).subscription for scope_id in set(scopes)}
        return sorted({place.rsplit("/", 1)[-1].lower() for place in places if place is not None} & others)
