"""Microsoft.ManagedIdentity: user-assigned identities, federated credentials, associated resources."""

from __future__ import annotations

import re

from scanner.emulator.exchange import (
    Json,
    Request,
    Response,
    Route,
    ServiceError,
    authorization_failed,
    page,
    route,
)
from scanner.emulator.tenant import Row
from scanner.emulator.world import World

STABLE = "2024-11-30"
# Previews show flexible credentials, which the stable version leaves without subject and expression.
PREVIEWS = ("2025-01-31-preview", "2025-05-31-preview")
ASSOCIATED = ("2021-09-30-preview", "2022-01-31-preview")
PROVIDER = r"/providers/Microsoft\.ManagedIdentity"
SUBSCRIPTION = r"(?P<scope>/subscriptions/[^/]+)"
GROUP = r"(?P<scope>/subscriptions/[^/]+/resourceGroups/[^/]+)"
IDENTITY = rf"(?P<id>/subscriptions/[^/]+/resourceGroups/[^/]+{PROVIDER}/userAssignedIdentities/[^/]+)"
READ = "Microsoft.ManagedIdentity/userAssignedIdentities/read"
READ_CREDENTIALS = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read"
LIST_ASSOCIATED = "Microsoft.ManagedIdentity/userAssignedIdentities/listAssociatedResources/action"


class ManagedIdentity:
    """Answers the identity provider's reads."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Lists, single identities, credentials, the system-assigned identity of a scope, associated resources."""
        versions = (STABLE, *PREVIEWS)
        return [
            route("GET", rf"{SUBSCRIPTION}{PROVIDER}/userAssignedIdentities", self.identities, *versions),
            route("GET", rf"{GROUP}{PROVIDER}/userAssignedIdentities", self.identities, *versions),
            route("GET", IDENTITY, self.identity, *versions),
            route("GET", rf"{IDENTITY}/federatedIdentityCredentials", self.credentials, *versions),
            route(
                "GET", rf"{IDENTITY}/federatedIdentityCredentials/(?P<name>[^/]+)", self.credential, *versions
            ),
            route("GET", rf"(?P<scope>/.+){PROVIDER}/identities/default", self.system_assigned, *versions),
            route("POST", rf"{IDENTITY}/listAssociatedResources", self.associated, *ASSOCIATED),
        ]

    def identities(self, request: Request, match: re.Match[str]) -> Response:
        """The identities of a subscription or resource group."""
        scope = self._world.check_readable(match["scope"], READ)
        found = [
            _arm(row) for key, row in self._world.tenant.identities.items() if key.startswith(f"{scope}/")
        ]
        return page(request, found, self._world.behaviour.page_size)

    def identity(self, _: Request, match: re.Match[str]) -> Response:
        """One identity."""
        return Response(200, _arm(self._identity(match["id"], READ)))

    def _identity(self, resource_id: str, action: str) -> Row:
        self._world.check_readable(resource_id, action)
        row = self._world.tenant.identities.get(resource_id.lower())
        if row is None:
            raise ServiceError(404, "ResourceNotFound", f"The Resource '{resource_id}' was not found.")
        return row

    def _credentials_of(self, resource_id: str, version: str) -> list[Json]:
        row = self._identity(resource_id, READ_CREDENTIALS)
        found = []
        for credential in self._world.tenant.federated.get(resource_id.lower(), ()):
            properties = dict(credential["properties"])
            if version == STABLE:
                properties.pop("claimsMatchingExpression", None)
            found.append(
                {
                    "id": f"{_lower_groups(row['id'])}/federatedIdentityCredentials/{credential['name']}",
                    "name": credential["name"],
                    "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
                    "properties": properties,
                }
            )
        return found

    def credentials(self, request: Request, match: re.Match[str]) -> Response:
        """The federated credentials of one identity, within the provider's limit per second."""
        subscription = match["id"].split("/")[2].lower()
        found = self._credentials_of(match["id"], request.query["api-version"])
        if not self._world.hostility.federated(subscription):
            raise self._world.hostility.too_many_requests(
                1,
                "TooManyRequests",
                "The request was throttled: too many lists of federated credentials.",
                {},
            )
        top = request.query.get("$top", "")
        size = int(top) if top.isascii() and top.isdigit() and int(top) else self._world.behaviour.page_size
        return page(request, found, size)

    def credential(self, request: Request, match: re.Match[str]) -> Response:
        """One federated credential."""
        for found in self._credentials_of(match["id"], request.query["api-version"]):
            if found["name"].lower() == match["name"].lower():
                return Response(200, found)
        raise ServiceError(
            404, "NotFound", f"The federated identity credential '{match['name']}' was not found."
        )

    def system_assigned(self, _: Request, match: re.Match[str]) -> Response:
        """The system-assigned identity of a resource."""
        scope = self._world.check_readable(match["scope"], "Microsoft.ManagedIdentity/identities/read")
        row = self._world.tenant.by_id.get(scope)
        identity = (row or {}).get("identity") or {}
        principal = self._world.tenant.principals.get(identity.get("principalId", ""))
        if row is None or principal is None:
            raise ServiceError(
                404, "ResourceNotFound", f"No system-assigned identity was found for '{scope}'."
            )
        return Response(
            200,
            {
                "id": f"{row['id']}/providers/Microsoft.ManagedIdentity/identities/default",
                "name": "default",
                "type": "Microsoft.ManagedIdentity/identities",
                "location": row["location"],
                "properties": {
                    "tenantId": self._world.tenant.tenant_id,
                    "principalId": principal.id,
                    "clientId": principal.app_id,
                },
            },
        )

    def associated(self, request: Request, match: re.Match[str]) -> Response:
        """Resources whose top-level `identity` names this one. An action, so Reader does not have it."""
        row = self._identity(match["id"], LIST_ASSOCIATED)
        if not self._world.behaviour.associated_resources:
            raise authorization_failed(self._world.tenant.caller.object_id, LIST_ASSOCIATED, row["id"])
        wanted = row["id"].lower()
        found = []
        for other in self._world.tenant.by_id.values():
            attached = (other["identity"] or {}).get("userAssignedIdentities") or {}
            if any(key.lower() == wanted for key in attached):
                subscription = self._world.tenant.hierarchy.subscriptions.get(other["subscriptionId"].lower())
                found.append(
                    {
                        "id": other["id"],
                        "name": other["name"],
                        "type": other["type"],
                        "resourceGroup": other["resourceGroup"],
                        "subscriptionId": other["subscriptionId"],
                        "subscriptionDisplayName": subscription.name if subscription else "",
                    }
                )
        top = request.query.get("$top", "")
        size = int(top) if top.isascii() and top.isdigit() else self._world.behaviour.page_size
        return page(request, found, max(1, size), extra={"totalCount": len(found)})


def _lower_groups(resource_id: str) -> str:
    # This provider answers `resourcegroups` in lower case.
    return re.sub("/resourceGroups/", "/resourcegroups/", resource_id, flags=re.IGNORECASE)


def _arm(row: Row) -> Json:
    return {
        "id": _lower_groups(row["id"]),
        "name": row["name"],
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
        "location": row["location"],
        "tags": row["tags"] or {},
        "properties": row["properties"],
    }
