"""What the services of one emulator share: the tenant, the behaviour, the counters."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from scanner.emulator.behaviour import Behaviour
from scanner.emulator.exchange import ServiceError, authorization_failed
from scanner.emulator.hierarchy import MANAGEMENT_GROUPS, ROOT
from scanner.emulator.hostility import Clock, Hostility
from scanner.emulator.tenant import Tenant


@dataclass
class World:
    """One running Azure. Raises TenantError when `behaviour` refuses a subscription that does not exist."""

    tenant: Tenant
    behaviour: Behaviour
    clock: Clock
    hostility: Hostility = field(init=False)
    refused: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.hostility = Hostility(self.behaviour, self.clock)
        more = self.tenant.subscription_ids(self.behaviour.refused_subscriptions)
        self.refused = self.tenant.refused | more

    @cached_property
    def pim_licensed(self) -> bool:
        """Whether PIM calls are answered."""
        chosen = self.behaviour.pim_licensed
        return self.tenant.pim_licensed if chosen is None else chosen

    @cached_property
    def graph(self) -> bool:
        """Whether Microsoft Graph is permitted."""
        return self.tenant.graph if self.behaviour.graph is None else self.behaviour.graph

    @cached_property
    def mixed_case(self) -> bool:
        """Whether ids inside rows change their case."""
        chosen = self.behaviour.mixed_case
        return self.tenant.mixed_case if chosen is None else chosen

    def check_readable(self, scope: str, action: str) -> str:
        """The lower-case scope id, if it exists and may be read. Raises ServiceError 403 or 404."""
        scope = "/" + scope.strip("/").lower()
        hierarchy = self.tenant.hierarchy
        if scope == ROOT:
            if not self.behaviour.root_readable:
                raise authorization_failed(self.tenant.caller.object_id, action, ROOT)
            return ROOT
        if scope.startswith(MANAGEMENT_GROUPS):
            # Azure does not tell a caller whether a group it may not read exists.
            if scope.removeprefix(MANAGEMENT_GROUPS).split("/")[0] not in hierarchy.groups:
                raise authorization_failed(self.tenant.caller.object_id, action, scope)
            return scope
        parts = scope.split("/")
        if len(parts) < 3 or parts[1] != "subscriptions":
            raise ServiceError(400, "InvalidRequestUri", f"The scope '{scope}' is not valid.")
        if parts[2] not in hierarchy.subscriptions:
            raise ServiceError(
                404, "SubscriptionNotFound", f"The subscription '{parts[2]}' could not be found."
            )
        if parts[2] in self.refused:
            raise authorization_failed(self.tenant.caller.object_id, action, f"/subscriptions/{parts[2]}")
        return scope
