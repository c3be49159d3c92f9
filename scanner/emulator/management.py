"""Management groups, subscriptions and tenants."""

from __future__ import annotations

import re

from scanner.emulator.exchange import Json, Request, Response, Route, ServiceError, page, route
from scanner.emulator.hierarchy import ManagementGroup, Subscription
from scanner.emulator.world import World

GROUPS = "2023-04-01"
SUBSCRIPTIONS = "2022-12-01"
BASE = r"/providers/Microsoft\.Management/managementGroups"
GROUP_TYPE = "Microsoft.Management/managementGroups"


class Management:
    """Answers what lies where."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Lists and single objects."""
        return [
            route("GET", BASE, self.groups, GROUPS),
            route("GET", rf"{BASE}/(?P<name>[^/]+)", self.group, GROUPS),
            route("GET", rf"{BASE}/(?P<name>[^/]+)/descendants", self.descendants, GROUPS),
            route("GET", rf"{BASE}/(?P<name>[^/]+)/subscriptions", self.group_subscriptions, GROUPS),
            route("POST", r"/providers/Microsoft\.Management/getEntities", self.entities, GROUPS),
            route("GET", r"/subscriptions", self.subscriptions, SUBSCRIPTIONS),
            route("GET", r"/subscriptions/(?P<id>[^/]+)", self.subscription, SUBSCRIPTIONS),
            route("GET", r"/tenants", self.tenants, SUBSCRIPTIONS),
        ]

    def _page(self, request: Request, rows: list[Json]) -> Response:
        return page(request, rows, self._world.behaviour.page_size)

    def _readable(self) -> list[Subscription]:
        found = self._world.tenant.hierarchy.subscriptions
        return [subscription for key, subscription in found.items() if key not in self._world.refused]

    def _group(self, match: re.Match[str]) -> ManagementGroup:
        found = self._world.tenant.hierarchy.groups.get(match["name"].lower())
        if found is None:
            raise ServiceError(404, "NotFound", f"Management group '{match['name']}' cannot be found.")
        return found

    def groups(self, request: Request, _: re.Match[str]) -> Response:
        """All management groups."""
        tenant = self._world.tenant
        return self._page(
            request,
            [
                {
                    "id": group.id,
                    "name": group.name,
                    "type": GROUP_TYPE,
                    "properties": {"tenantId": tenant.tenant_id, "displayName": group.display_name},
                }
                for group in tenant.hierarchy.groups.values()
            ],
        )

    def group(self, _: Request, match: re.Match[str]) -> Response:
        """One management group with its parent."""
        tenant, group = self._world.tenant, self._group(match)
        details: Json = {"version": 1}
        chain = tenant.hierarchy.group_chain(group.name)[1:]
        if chain:
            details["parent"] = {
                "id": chain[0].id,
                "name": chain[0].name,
                "displayName": chain[0].display_name,
            }
        return Response(
            200,
            {
                "id": group.id,
                "name": group.name,
                "type": GROUP_TYPE,
                "properties": {
                    "tenantId": tenant.tenant_id,
                    "displayName": group.display_name,
                    "details": details,
                },
            },
        )

    def descendants(self, request: Request, match: re.Match[str]) -> Response:
        """Groups and subscriptions below a group."""
        hierarchy, group = self._world.tenant.hierarchy, self._group(match)
        groups, subscriptions = hierarchy.below_group(group.name)
        found: list[Json] = []
        for below in (hierarchy.groups[name] for name in sorted(groups - {group.name.lower()})):
            parent = hierarchy.groups[str(below.parent).lower()].id
            found.append(
                {
                    "id": below.id,
                    "name": below.name,
                    "type": GROUP_TYPE,
                    "properties": {"displayName": below.display_name, "parent": {"id": parent}},
                }
            )
        for held in (hierarchy.subscriptions[key] for key in sorted(subscriptions - self._world.refused)):
            found.append(
                {
                    "id": f"/subscriptions/{held.id}",
                    "name": held.id,
                    "type": f"{GROUP_TYPE}/subscriptions",
                    "properties": {
                        "displayName": held.name,
                        "parent": {"id": hierarchy.groups[held.management_group.lower()].id},
                    },
                }
            )
        return self._page(request, found)

    def group_subscriptions(self, request: Request, match: re.Match[str]) -> Response:
        """Subscriptions directly in a group."""
        group = self._group(match)
        return self._page(
            request,
            [
                {
                    "id": f"{group.id}/subscriptions/{subscription.id}",
                    "name": subscription.id,
                    "type": f"{GROUP_TYPE}/subscriptions",
                    "properties": {
                        "tenant": self._world.tenant.tenant_id,
                        "displayName": subscription.name,
                        "parent": {"id": group.id},
                        "state": subscription.state,
                    },
                }
                for subscription in self._readable()
                if subscription.management_group.lower() == group.name.lower()
            ],
        )

    def entities(self, request: Request, _: re.Match[str]) -> Response:
        """Groups and subscriptions in one list; a POST that only reads."""
        hierarchy = self._world.tenant.hierarchy
        found: list[Json] = [
            {
                "id": group.id,
                "name": group.name,
                "type": GROUP_TYPE,
                "properties": {"displayName": group.display_name},
            }
            for group in hierarchy.groups.values()
        ]
        for held in self._readable():
            shown: Json = {"displayName": held.name}
            found.append(
                {
                    "id": f"/subscriptions/{held.id}",
                    "name": held.id,
                    "type": "/subscriptions",
                    "properties": shown,
                }
            )
        return self._page(request, found)

    def _subscription(self, subscription: Subscription) -> Json:
        return {
            "id": f"/subscriptions/{subscription.id}",
            "subscriptionId": subscription.id,
            "tenantId": self._world.tenant.tenant_id,
            "displayName": subscription.name,
            "state": subscription.state,
            "authorizationSource": "RoleBased",
        }

    def subscriptions(self, request: Request, _: re.Match[str]) -> Response:
        """Subscriptions the caller may read: refused ones are missing without a word."""
        return self._page(request, [self._subscription(s) for s in self._readable()])

    def subscription(self, _: Request, match: re.Match[str]) -> Response:
        """One subscription."""
        key = self._world.check_readable(
            f"/subscriptions/{match['id']}", "Microsoft.Resources/subscriptions/read"
        ).split("/")[2]
        return Response(200, self._subscription(self._world.tenant.hierarchy.subscriptions[key]))

    def tenants(self, request: Request, _: re.Match[str]) -> Response:
        """The one tenant."""
        tenant = self._world.tenant
        return self._page(
            request,
            [
                {
                    "id": f"/tenants/{tenant.tenant_id}",
                    "tenantId": tenant.tenant_id,
                    "displayName": tenant.name,
                    "tenantCategory": "Home",
                }
            ],
        )
