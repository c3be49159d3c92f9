"""One collection, stage by stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from scanner.facts import ids
from scanner.facts.schema import collected_tables
from scanner.facts.store import FactsBuilder, FactStore
from scanner.sources.azure.authorization import AuthorizationReader
from scanner.sources.azure.collect import About
from scanner.sources.azure.coverage import Cover
from scanner.sources.azure.directory_stage import DirectoryStage
from scanner.sources.azure.errors import SourceError
from scanner.sources.azure.federated_stage import FederatedStage
from scanner.sources.azure.gather import Gatherer, Read
from scanner.sources.azure.journal import Journal
from scanner.sources.azure.needs import IDENTITY_TYPE, needs_of
from scanner.sources.azure.normalise import (
    ACTIVE_TYPE,
    CLASSIC_TYPE,
    CREDENTIAL_TYPE,
    DENIAL_TYPE,
    ELIGIBLE_TYPE,
    Normaliser,
    rows_in_order,
    subscription_of,
)
from scanner.sources.azure.outcome import Outcome
from scanner.sources.azure.outside import Outside
from scanner.sources.azure.plan import census, containers, queries, unasked
from scanner.sources.azure.raw import guid_of, id_of, is_guid, type_of
from scanner.sources.azure.request import CollectRequest, ScanScope
from scanner.sources.azure.resource_graph import Query, Reading, ResourceGraph, Target, batches
from scanner.sources.azure.scope_rows import GROUP, SUBSCRIPTION

if TYPE_CHECKING:
    from scanner.sources.azure.pools import Pools
    from scanner.sources.azure.progress import Progress
    from scanner.sources.azure.transport import Transport

# ARM rows are told apart by the list they came from: their own `type` has another case, or none.
_TYPE_OF_READ = {
    "deny assignments": DENIAL_TYPE,
    "active": ACTIVE_TYPE,
    "eligible": ELIGIBLE_TYPE,
    "classic administrators": CLASSIC_TYPE,
    "federated credentials": CREDENTIAL_TYPE,
}


class Collection:
    """What :func:`scanner.sources.azure.collect.collect` does, with everything it does it with."""

    def __init__(
        self,
        request: CollectRequest,
        transport: Transport,
        journal: Journal,
        pools: Pools,
        progress: Progress,
    ) -> None:
        self._request = request
        self._needs = needs_of(request.tables, request.settings)
        self._transport = transport
        self._progress = progress
        self._graph = ResourceGraph(transport.resource_graph(), journal, pools.resource_graph, progress)
        self._gatherer = Gatherer(journal, pools.neighbours, progress)
        self._federated = FederatedStage(transport, Gatherer(journal, pools.federated, progress))
        self._authorization = AuthorizationReader(transport)
        self._builder = FactsBuilder()
        self._cover = Cover(self._builder, self._needs)
        self._normaliser = Normaliser(self._builder, self._needs)
        self._taken: dict[str, set[int]] = {}

    def run(self) -> tuple[FactStore, About]:
        """Collect; raises :class:`SourceError` when there is nothing to read."""
        whole = self._whole_targets()
        scopes, present = self._what_there_is(whole)
        subscriptions = sorted({name.lower() for row in scopes if (name := _subscription(row)) is not None})
        for row in rows_in_order(scopes):
            self._normaliser.add(row)
        self._cover.unreadable(self._request.scope.subscriptions, subscriptions)
        groups = [found for row in scopes if type_of(row) == GROUP and (found := id_of(row)) is not None]
        if self._request.scope.subscriptions:
            # What the groups above hand down is in the lists of the subscriptions.
            whole, groups = batches(subscriptions), []
        listed = self._authorization.reads(self._needs, subscriptions, groups)
        listing = self._gatherer.start(listed)
        readings = self._resources(subscriptions, whole, present)
        self._begin_federated()
        tenants = Counter(tenant for row in scopes if (tenant := guid_of(row, "tenantId")) is not None)
        tenant = tenants.most_common(1)[0][0] if tenants else ""
        self._look_outside(subscriptions, tenant)
        self._cover.failed(listed, self._gatherer.finish("Denials and PIM", listing))
        listed += self._classic(subscriptions, readings)
        self._add(listed)
        self._normaliser.complete_assignments()
        self._last_reads()
        self._normaliser.settle()
        if self._is_whole(tenant):
            if not any(
                type_of(row) == GROUP and ids.last_segment(id_of(row) or "") == tenant for row in scopes
            ):
                self._cover.partial()
            self._cover.hidden(self._normaliser.places_of_missing_identities(), subscriptions)
        self._cover.state(subscriptions)
        return self._builder.finish(), About(tenant=tenant, subscriptions=tuple(subscriptions))

    def _whole_targets(self) -> list[Target]:
        """Return where to ask about the scan's scope as a whole."""
        scope = self._request.scope
        if scope.subscriptions:
            odd = [name for name in scope.subscriptions if not is_guid(name)]
            if odd:
                raise SourceError(
                    f"{odd[0]!r} is not a subscription id",
                    where="--subscription",
                    todo="give the GUID: `az account list --output table` shows it",
                )
            return batches(sorted({name.lower() for name in scope.subscriptions}))
        if scope.management_group is not None:
            group = scope.management_group.rsplit("/", 1)[-1]
            scope_id = f"/providers/Microsoft.Management/managementGroups/{group}"
            return [
                Target(name="management group", body={"managementGroups": [group]}, scope_ids=(scope_id,))
            ]
        return [Target(name="tenant", body={}, scope_ids=(ids.ROOT,))]

    def _what_there_is(self, targets: Sequence[Target]) -> tuple[list[Any], Counter[str] | None]:
        """Return the rows of scopes, and how many resources there are of each type (None when not known)."""
        scopes: dict[str, Any] = {}
        counted: Counter[str] = Counter()
        odd = []

        def take(query: Query, rows: list[Any]) -> None:
            for row in rows:
                if query.name == "containers":
                    scopes.setdefault(str(id_of(row) or f"{len(scopes)}").lower(), row)
                elif (
                    isinstance(row, dict)
                    and isinstance(row.get("id"), str)
                    and isinstance(row.get("rows"), int)
                ):
                    counted[row["id"].lower()] += row["rows"]
                else:
                    odd.append(row)

        asked = [(query, target) for query in (containers(self._needs), census()) for target in targets]
        readings = self._graph.read("What there is", asked, take)
        unknown = any(reading.query.name == "census" and reading.outcome is not None for reading in readings)
        found = [reading for reading in readings if reading.query.name == "containers"]
        if not any(_subscription(row) for row in scopes.values()):
            raise self._nothing(found)
        for reading in found:
            self._cover.unseen(reading)
        return list(scopes.values()), None if unknown or odd else counted

    def _nothing(self, found: Sequence[Reading]) -> SourceError:
        outcomes = [reading.outcome for reading in found if reading.outcome is not None]
        # That some are refused says less than why the others could not even be asked for.
        outcomes.sort(key=lambda outcome: outcome.reason == "refused")
        outcome = outcomes[0] if outcomes else None
        where = self._request.scope.in_words()
        if outcome is None or outcome.reason == "refused":
            return SourceError(
                "no subscription can be read there",
                where=where,
                todo="check the id and the tenant you are signed in to, and give this sign-in the role Reader there",
            )
        return SourceError(
            f"nothing could be read ({outcome.reason}): {outcome.detail}",
            where=where,
            todo="sign in anew" if outcome.reason == "expired" else "try again later, with --resume to go on",
        )

    def _resources(
        self, subscriptions: Sequence[str], whole: Sequence[Target], present: Counter[str] | None
    ) -> list[Reading]:
        parts = batches(subscriptions)
        wanted = sorted(queries(self._needs, present), key=_turn)
        asked = [(query, target) for query in wanted for target in (whole if query.whole else parts)]
        readings = self._graph.read("Resource Graph", asked, self._take)
        for reading in readings:
            self._cover.lost(reading)
        for kind in unasked(self._needs):
            self._cover.gap(
                "settings", ids.ROOT, Outcome("unsupported", f"Resource Graph has no rows of {kind}.")
            )
        return readings

    def _take(self, query: Query, rows: list[Any]) -> None:
        """Normalise a page. Rows above subscriptions are given once for each batch of subscriptions."""
        if IDENTITY_TYPE not in query.name:
            # Queries give their rows in turn: all identities have been seen.
            self._begin_federated()
        taken = self._taken.setdefault(query.name, set())
        for row in rows_in_order(rows):
            own = id_of(row)
            if own is not None:
                known = hash(own.lower())
                if known in taken:
                    continue
                taken.add(known)
                if type_of(row) == IDENTITY_TYPE:
                    self._federated.want(own)
            self._normaliser.add(row)

    def _classic(self, subscriptions: Sequence[str], readings: Sequence[Reading]) -> list[Read]:
        """Read classic administrators from the older provider if Resource Graph did not give them."""
        unread = any(
            reading.query.name == "assignments" and reading.outcome is not None for reading in readings
        )
        if not unread or not self._needs.any_of("classic_administrators"):
            return []
        reads = self._authorization.classic(subscriptions)
        self._cover.replaced("classic_administrators")
        self._cover.failed(
            reads, self._gatherer.finish("Classic administrators", self._gatherer.start(reads))
        )
        return reads

    def _begin_federated(self) -> None:
        if self._needs.any_of("federated_credentials"):
            self._federated.begin()

    def _is_whole(self, tenant: str) -> bool:
        """Whether all of the tenant was asked for: the root management group is named as the tenant."""
        scope = self._request.scope
        group = (scope.management_group or "").rsplit("/", 1)[-1].lower()
        return scope == ScanScope() or (bool(tenant) and group == tenant)

    def _look_outside(self, subscriptions: Sequence[str], tenant: str) -> None:
        """Search the rest of the tenant, if there may be one."""
        scope = self._request.scope
        asked = frozenset[str]().union(*(collected_tables(table) for table in self._request.tables))
        if self._is_whole(tenant) or asked.isdisjoint(("attachments", "assignments")):
            return
        outside = Outside(
            self._graph, self._builder, self._normaliser, self._needs, self._cover, scope=scope.in_words()
        )
        elsewhere = outside.read(subscriptions)
        if self._needs.any_of("deny_assignments"):
            reads = self._authorization.denials(elsewhere)
            failed = self._gatherer.finish("Denials elsewhere", self._gatherer.start(reads))
            for outcome in failed.values():
                self._cover.outside("deny_assignments", scope.in_words(), outcome.detail)
            self._add(reads)

    def _last_reads(self) -> None:
        """Read the directory, which needs the principals seen, and wait for the federated credentials.

        Side by side, for those wait most of the time for the identity provider's narrow limits.
        """
        directory = DirectoryStage(self._transport, self._normaliser, self._needs)
        started = {**self._gatherer.start(directory.reads), **self._federated.started}
        failed = self._gatherer.finish("Federated credentials and directory", started)
        for identity_id in self._federated.odd:
            self._cover.gap(
                "federated_credentials",
                identity_id,
                Outcome("malformed", "The id is not that of a user-assigned identity."),
            )
        self._cover.failed([*directory.reads, *self._federated.reads], failed)
        self._add(self._federated.reads)
        directory.take(self._gatherer, failed)

    def _add(self, reads: Sequence[Read]) -> None:
        for read, row in self._gatherer.rows(reads):
            kind = _TYPE_OF_READ[read.name.partition(" | ")[0]]
            self._normaliser.add({**row, "type": kind} if isinstance(row, dict) else row)


def _turn(query: Query) -> int:
    """Identities come first, then roles, for the others refer to them."""
    if IDENTITY_TYPE in query.name:
        return 0
    return 1 if query.name == "roles" else 2


def _subscription(row: Any) -> str | None:
    if type_of(row) != SUBSCRIPTION:
        return None
    name = subscription_of(row)
    return name if name is not None and is_guid(name) else None
