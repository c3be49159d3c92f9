"""The four reads of Microsoft Graph that Midas needs: principals by id, managed identities, app roles, groups."""

from __future__ import annotations

import re

from scanner.emulator.exchange import Json, Request, Response, Route, ServiceError, page, route
from scanner.emulator.tenant import Principal, guid
from scanner.emulator.world import World

MOST_IDS = 1_000
MOST_ROWS = 999
MANAGED = re.compile(r"servicePrincipalType\s+eq\s+'ManagedIdentity'", re.IGNORECASE)
CONTEXT = "https://graph.microsoft.com/v1.0/$metadata#"


class MicrosoftGraph:
    """Answers from the tenant's directory."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The four reads."""
        one = r"/v1\.0/servicePrincipals/(?P<id>[^/]+)"
        return [
            route(
                "POST", r"/v1\.0/directoryObjects/(?:microsoft\.graph\.)?getByIds", self.by_ids, plane="graph"
            ),
            route("GET", r"/v1\.0/servicePrincipals", self.service_principals, plane="graph"),
            route("GET", rf"{one}/appRoleAssignments", self.app_roles, plane="graph"),
            route("GET", rf"{one}/transitiveMemberOf", self.groups, plane="graph"),
        ]

    def _check_permitted(self) -> None:
        if not self._world.graph:
            raise ServiceError(
                403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
            )

    def _page(self, request: Request, rows: list[Json], kind: str, extra: Json | None = None) -> Response:
        top = request.query.get("$top", "")
        size = self._world.behaviour.page_size
        if top:
            if not (top.isascii() and top.isdigit() and 1 <= int(top) <= MOST_ROWS):
                raise ServiceError(400, "Request_UnsupportedQuery", f"Invalid page size specified: '{top}'.")
            size = int(top)
        select = [name.strip() for name in request.query.get("$select", "").split(",") if name.strip()]
        if select:
            rows = [{k: v for k, v in row.items() if k in select or k.startswith("@")} for row in rows]
        context = {"@odata.context": f"{CONTEXT}{kind}", **(extra or {})}
        return page(request, rows, size, link="@odata.nextLink", extra=context)

    def by_ids(self, request: Request, _: re.Match[str]) -> Response:
        """The objects among up to 1,000 ids that exist, all at once; the others are left out without a word."""
        self._check_permitted()
        body = request.json()
        ids, kinds = body.get("ids"), body.get("types") or []
        if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
            raise ServiceError(400, "Request_BadRequest", "'ids' must be a list of object ids.")
        if len(ids) > MOST_IDS:
            raise ServiceError(400, "Request_BadRequest", f"Too many ids: at most {MOST_IDS} are allowed.")
        wanted = {str(kind).lower() for kind in kinds}
        found = []
        for object_id in dict.fromkeys(i.lower() for i in ids):
            principal = self._world.tenant.principals.get(object_id)
            if principal is not None and (not wanted or principal.kind.lower() in wanted):
                found.append(self._object(principal))
        return Response(200, {"@odata.context": f"{CONTEXT}directoryObjects", "value": found})

    def _object(self, principal: Principal) -> Json:
        entry: Json = {
            "@odata.type": f"#microsoft.graph.{principal.kind}",
            "id": principal.id,
            "displayName": principal.name,
        }
        if principal.kind == "servicePrincipal":
            entry |= {
                "appId": principal.app_id,
                "servicePrincipalType": principal.service_principal_type,
                "alternativeNames": list(principal.alternative_names),
                "accountEnabled": True,
                "appOwnerOrganizationId": self._world.tenant.tenant_id,
            }
        elif principal.kind == "group":
            entry |= {"securityEnabled": True, "groupTypes": []}
        return entry

    def service_principals(self, request: Request, _: re.Match[str]) -> Response:
        """Managed identities; the filter is an advanced query and needs its header and $count."""
        self._check_permitted()
        rows = [p for p in self._world.tenant.principals.values() if p.kind == "servicePrincipal"]
        extra: Json = {}
        text = request.query.get("$filter", "").strip()
        if text:
            if not MANAGED.fullmatch(text):
                raise ServiceError(400, "Request_UnsupportedQuery", f"The filter '{text}' is not supported.")
            advanced = request.headers.get("consistencylevel", "").lower() == "eventual"
            if not advanced or request.query.get("$count", "").lower() != "true":
                raise ServiceError(
                    400,
                    "Request_UnsupportedQuery",
                    "Unsupported property filter clause operation: needs ConsistencyLevel eventual and $count=true.",
                )
            rows = [p for p in rows if p.service_principal_type == "ManagedIdentity"]
            extra = {"@odata.count": len(rows)}
        return self._page(request, [self._object(p) for p in rows], "servicePrincipals", extra)

    def _principal(self, match: re.Match[str]) -> Principal:
        self._check_permitted()
        found = self._world.tenant.principals.get(match["id"].lower())
        if found is None or found.kind != "servicePrincipal":
            raise ServiceError(
                404,
                "Request_ResourceNotFound",
                f"Resource '{match['id']}' does not exist or one of its queried reference-property objects are "
                "not present.",
            )
        return found

    def app_roles(self, request: Request, match: re.Match[str]) -> Response:
        """Application permissions held by a service principal."""
        principal = self._principal(match)
        found: list[Json] = [
            {
                "id": guid(self._world.tenant.name, "app-role", principal.id, role.resource_id, role.id),
                "appRoleId": role.id,
                "createdDateTime": "2026-03-02T09:15:00Z",
                "principalDisplayName": principal.name,
                "principalId": principal.id,
                "principalType": "ServicePrincipal",
                "resourceDisplayName": role.resource_name,
                "resourceId": role.resource_id,
            }
            for role in principal.app_roles
        ]
        return self._page(request, found, "appRoleAssignments")

    def groups(self, request: Request, match: re.Match[str]) -> Response:
        """Groups that contain a service principal, directly or through groups."""
        principal = self._principal(match)
        tenant = self._world.tenant
        found = [self._object(tenant.principals[group]) for group in tenant.transitive_groups(principal.id)]
        return self._page(request, found, "directoryObjects")
