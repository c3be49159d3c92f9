"""From raw rows to facts: the same for a live tenant and for an export of one.

Rows are told apart by their type. What cannot be understood becomes a gap that names the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scanner.catalog.property_path import member
from scanner.facts import ids
from scanner.facts.store import FactsBuilder
from scanner.sources.azure.authorization_rows import AuthorizationRows
from scanner.sources.azure.identity_rows import IdentityRows
from scanner.sources.azure.needs import IDENTITY_TYPE, Needs
from scanner.sources.azure.principal_rows import UNKNOWN, PrincipalRows
from scanner.sources.azure.raw import Context, guid_of, type_of
from scanner.sources.azure.resource_rows import ResourceRows
from scanner.sources.azure.scope_rows import GROUP, RESOURCE_GROUP, SUBSCRIPTION, ScopeRows

CREDENTIAL_TYPE = IDENTITY_TYPE + "/federatedidentitycredentials"
_AUTHORIZATION = "microsoft.authorization/"
ASSIGNMENT_TYPE = _AUTHORIZATION + "roleassignments"
ROLE_TYPE = _AUTHORIZATION + "roledefinitions"
DENIAL_TYPE = _AUTHORIZATION + "denyassignments"
ACTIVE_TYPE = _AUTHORIZATION + "roleassignmentscheduleinstances"
ELIGIBLE_TYPE = _AUTHORIZATION + "roleeligibilityscheduleinstances"
CLASSIC_TYPE = _AUTHORIZATION + "classicadministrators"

# Later ones refer to earlier ones, and an id is shown as the row that it belongs to writes it.
ORDER = (GROUP, SUBSCRIPTION, RESOURCE_GROUP, IDENTITY_TYPE, ROLE_TYPE)
"""Types that are to be added first, in this order."""

# What a row whose type cannot be read may have been.
_ANYTHING = ("resources", "attachments", "identities", "assignments", "roles")


class Normaliser:
    """Turns rows into facts.

    Add identities before what refers to them; then once each :meth:`complete_assignments` and :meth:`settle`.
    """

    def __init__(self, builder: FactsBuilder, needs: Needs) -> None:
        self.builder = builder
        self._context = Context(builder, needs)
        self.principals = PrincipalRows(self._context)
        self._scopes = ScopeRows(self._context)
        self._identities = IdentityRows(self._context, self.principals)
        self._resources = ResourceRows(self._context, self._identities, self.principals)
        self._authorization = AuthorizationRows(self._context, self.principals)
        self._by_type: dict[str, Callable[[Mapping[str, Any]], None]] = {
            GROUP: self._scopes.add,
            SUBSCRIPTION: self._scopes.add,
            RESOURCE_GROUP: self._scopes.add,
            IDENTITY_TYPE: self._identities.add,
            CREDENTIAL_TYPE: self._identities.add_credential,
            ROLE_TYPE: self._authorization.add_role,
            ASSIGNMENT_TYPE: self._authorization.add_assignment,
            DENIAL_TYPE: self._authorization.add_denial,
            CLASSIC_TYPE: self._authorization.add_classic,
            ACTIVE_TYPE: lambda row: self._authorization.add_schedule(row, eligible=False),
            ELIGIBLE_TYPE: lambda row: self._authorization.add_schedule(row, eligible=True),
        }

    def add(self, row: Any) -> None:
        """Add one row of any type."""
        kind = type_of(row)
        if not isinstance(row, Mapping) or not kind:
            self._context.malformed(row, "It has no type", *_ANYTHING)
            return
        self._by_type.get(kind, self._resources.add)(row)

    def add_use(self, row: Any) -> None:
        """Add the uses that a resource outside the scan's scope makes of identities that were added."""
        self._resources.add_use(row)

    def unknown_roles(self, rows: Iterable[Any]) -> set[str]:
        """Return the GUIDs of the roles that role assignments (raw rows) name and of which nothing is known."""
        return self._authorization.unknown_roles(rows)

    def found(self, row: Any) -> None:
        """Add an object that the directory gave."""
        self.principals.found(row)

    def groups_with_access(self) -> frozenset[str]:
        """Object ids of the groups that hold a role assignment; a principal of unknown kind may be one."""
        return frozenset(
            self.builder.id_of(row["principal"])
            for row in self.builder.rows("assignments")
            if self.principals.kind(row["principal"]) in ("Group", UNKNOWN)
        )

    def names_strangers(self) -> bool:
        """Whether a resource names an identity by a client or object id that no identity read has."""
        return self._resources.names_strangers()

    def places_of_missing_identities(self) -> set[str]:
        """Subscriptions (resource ids) of identities that resources act as and of which no row was read."""
        missing = {
            self.builder.id_of(row["identity"])
            for row in self.builder.rows("attachments")
            if not self.builder.has_row("identities", row["identity"])
        }
        places = {ids.place(identity_id).subscription for identity_id in missing}
        return {place.lower() for place in places if place is not None}

    def identity_object_ids(self) -> list[str]:
        """Object ids of the service principals of all identities read."""
        return [
            self.builder.id_of(row["principal"])
            for row in self.builder.rows("identities")
            if row["principal"] is not None
        ]

    def members(self, object_id: str, groups: Iterable[Any], holding: frozenset[str]) -> None:
        """Add the groups, out of those that hold access (object ids), that a principal is a member of."""
        for group in groups:
            group_id = guid_of(group, "id")
            if group_id is None:
                self._context.malformed(group, "A group has no id", "memberships", scope_id="/")
            elif group_id in holding:
                self.builder.add(
                    "memberships",
                    principal=self.principals.named(object_id, "ServicePrincipal"),
                    group=self.principals.named(group_id, "Group"),
                )

    def complete_assignments(self) -> None:
        """Add what Privileged Identity Management tells beyond the list; all principals are known then."""
        self._authorization.complete()

    def settle(self) -> None:
        """Resolve what could only be resolved when everything was read, and make the rows of principals."""
        self._resources.settle()
        self._authorization.settle()
        for row in self.builder.rows("identities"):
            if row["client_id"] is None and row["principal"] is not None:
                row["client_id"] = self.principals.client_ids.get(self.builder.id_of(row["principal"]))
        self.principals.settle()


def rows_in_order(rows: Iterable[Any]) -> list[Any]:
    """Return rows in the order in which they are to be added; rows of equal rank stay as they are."""
    rank = {kind: number for number, kind in enumerate(ORDER)}
    return sorted(rows, key=lambda row: rank.get(type_of(row), len(rank)))


def subscription_of(row: Any) -> str | None:
    """Return the GUID of the subscription that a row of a subscription is about."""
    own = member(row, "id")
    if isinstance(own, str) and own.lower().startswith("/subscriptions/"):
        return own.rstrip("/").rsplit("/", 1)[-1]
    return None
