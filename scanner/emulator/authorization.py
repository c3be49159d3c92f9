"""Microsoft.Authorization: assignments, definitions, denials, PIM, classic administrators."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

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

PROVIDER = r"(?P<scope>(?:/.+)?)/providers/Microsoft\.Authorization"
ROLES = ("2022-04-01", "2022-05-01-preview")
DENY = ("2022-04-01", "2024-07-01-preview")
PIM = ("2020-10-01", "2024-09-01-preview")
ASSIGNMENT_LIMIT = 4_000
Scoped = tuple[str, Row]


class Authorization:
    """Answers the authorization provider's reads."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Every list the SDK offers and Midas reads, at any scope."""
        return [
            route("GET", rf"{PROVIDER}/roleAssignments", self.assignments, "2022-04-01"),
            route("GET", rf"{PROVIDER}/roleAssignments/(?P<name>[^/]+)", self.assignment, "2022-04-01"),
            route("GET", rf"{PROVIDER}/roleDefinitions", self.definitions, *ROLES),
            route("GET", rf"{PROVIDER}/roleDefinitions/(?P<name>[^/]+)", self.definition, *ROLES),
            route("GET", rf"{PROVIDER}/denyAssignments", self.denials, *DENY),
            *(
                route("GET", rf"{PROVIDER}/role{kind}Schedule{suffix}", self._pim(kind, suffix), *PIM)
                for kind in ("Assignment", "Eligibility")
                for suffix in ("s", "Instances")
            ),
            route("GET", rf"{PROVIDER}/roleManagementPolicyAssignments", self.pim_policies, *PIM),
            route("GET", rf"{PROVIDER}/classicAdministrators", self.classic, "2015-07-01"),
            route("GET", rf"{PROVIDER}/roleAssignmentsUsageMetrics", self.usage, "2019-08-01-preview"),
        ]

    def _readable(self, match: re.Match[str], what: str) -> str:
        return self._world.check_readable(match["scope"], f"Microsoft.Authorization/{what}/read")

    def _page(self, request: Request, rows: list[Json]) -> Response:
        return page(request, rows, self._world.behaviour.page_size)

    def assignments(self, request: Request, match: re.Match[str]) -> Response:
        """Role assignments with the service's own filters."""
        scope = self._readable(match, "roleAssignments")
        return self._page(request, self._selected(self._world.tenant.role_assignments, scope, request))

    def assignment(self, _: Request, match: re.Match[str]) -> Response:
        """One role assignment."""
        scope = self._readable(match, "roleAssignments")
        for at, row in self._world.tenant.role_assignments:
            if at == scope and row["name"].lower() == match["name"].lower():
                return Response(200, row)
        raise ServiceError(
            404, "RoleAssignmentNotFound", f"The role assignment '{match['name']}' is not found."
        )

    def _selected(self, rows: Iterable[Scoped], scope: str, request: Request) -> list[Row]:
        """Rows of a list call at `scope` under its $filter.

        Without a filter: here, below and inherited; a management group does not reach into its subscriptions.
        """
        text = request.query.get("$filter", "").strip()
        above = set(self._world.tenant.hierarchy.above(scope))
        deep = scope.startswith("/subscriptions/")
        below = f"{scope}/"

        def at_or_above(at: str) -> bool:
            return at == scope or at in above

        def anywhere(at: str) -> bool:
            return at_or_above(at) or (deep and at.startswith(below))

        principals: frozenset[str] | None = None
        reach: Callable[[str], bool] = anywhere
        for part in filter(None, (p.strip() for p in re.split(r"\s+and\s+", text, flags=re.IGNORECASE))):
            if part.lower() == "atscope()":
                reach = at_or_above
            elif found := re.fullmatch(r"principalId eq '([^']*)'", part, re.IGNORECASE):
                principals = frozenset({found.group(1).lower()})
            elif found := re.fullmatch(r"assignedTo\('([^']*)'\)", part, re.IGNORECASE):
                principals = self._with_groups(found.group(1).lower())
            elif part.lower() == "astarget()":
                principals = self._with_groups(self._world.tenant.caller.object_id)
            elif found := re.fullmatch(r"denyAssignmentName eq '([^']*)'", part, re.IGNORECASE):
                named = found.group(1)
                rows = [(at, row) for at, row in rows if row["properties"].get("denyAssignmentName") == named]
            else:
                raise ServiceError(400, "InvalidFilter", f"The filter '{text}' is not supported.")
        return [
            row for at, row in rows if reach(at) and (principals is None or principals & _principals_of(row))
        ]

    def _with_groups(self, object_id: str) -> frozenset[str]:
        return frozenset({object_id, *self._world.tenant.transitive_groups(object_id)})

    def definitions(self, request: Request, match: re.Match[str]) -> Response:
        """Role definitions that can be assigned at a scope, and below it on request."""
        scope = self._readable(match, "roleDefinitions")
        text = request.query.get("$filter", "").strip()
        reach = {scope, *self._world.tenant.hierarchy.above(scope)}
        # Resource Graph repeats a custom role for each subscription, ARM lists it once.
        rows = list(
            {
                r["name"]: r for r in self._world.tenant.rows("microsoft.authorization/roledefinitions")
            }.values()
        )
        deep = False
        for part in filter(None, (p.strip() for p in re.split(r"\s+and\s+", text, flags=re.IGNORECASE))):
            if part.lower() == "atscopeandbelow()":
                deep = True
            elif found := re.fullmatch(r"type eq '([^']*)'", part, re.IGNORECASE):
                rows = [r for r in rows if r["properties"]["type"].lower() == found.group(1).lower()]
            elif found := re.fullmatch(r"roleName eq '([^']*)'", part, re.IGNORECASE):
                rows = [r for r in rows if r["properties"]["roleName"].lower() == found.group(1).lower()]
            else:
                raise ServiceError(400, "InvalidFilter", f"The filter '{text}' is not supported.")
        visible = [
            _definition(row, request.query["api-version"])
            for row in rows
            for scopes in [[s.lower() for s in row["properties"]["assignableScopes"]]]
            if reach & set(scopes) or (deep and any(s.startswith(f"{scope}/") for s in scopes))
        ]
        return self._page(request, visible)

    def definition(self, request: Request, match: re.Match[str]) -> Response:
        """One role definition by its GUID."""
        self._readable(match, "roleDefinitions")
        for row in self._world.tenant.rows("microsoft.authorization/roledefinitions"):
            if row["name"].lower() == match["name"].lower():
                return Response(200, _definition(row, request.query["api-version"]))
        raise ServiceError(
            404, "RoleDefinitionDoesNotExist", f"The role definition '{match['name']}' does not exist."
        )

    def denials(self, request: Request, match: re.Match[str]) -> Response:
        """Deny assignments, which Resource Graph does not hold."""
        scope = self._readable(match, "denyAssignments")
        return self._page(request, self._selected(_scoped(self._world.tenant.deny), scope, request))

    def _check_licence(self) -> None:
        if not self._world.pim_licensed:
            raise ServiceError(
                400,
                "AadPremiumLicenseRequired",
                "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
            )

    def _pim(self, kind: str, suffix: str) -> Callable[[Request, re.Match[str]], Response]:
        def handler(request: Request, match: re.Match[str]) -> Response:
            scope = self._readable(match, f"role{kind}Schedules")
            if self._world.behaviour.pim_refused:
                action = f"Microsoft.Authorization/role{kind}Schedule{suffix}/read"
                raise authorization_failed(self._world.tenant.caller.object_id, action, scope)
            self._check_licence()
            tenant = self._world.tenant
            rows = self._selected(
                _scoped(tenant.active if kind == "Assignment" else tenant.eligible), scope, request
            )
            if suffix == "s":
                rows = [_as_schedule(row, kind) for row in rows]
            return self._page(request, rows)

        return handler

    def pim_policies(self, request: Request, match: re.Match[str]) -> Response:
        """Which management policy governs each eligible role."""
        scope = self._readable(match, "roleManagementPolicyAssignments")
        self._check_licence()
        found = []
        for row in self._selected(_scoped(self._world.tenant.eligible), scope, request):
            properties = row["properties"]
            base = f"{properties['scope'].rstrip('/')}/providers/Microsoft.Authorization"
            role = properties["roleDefinitionId"].split("/")[-1]
            found.append(
                {
                    "id": f"{base}/roleManagementPolicyAssignments/{row['name']}_{role}",
                    "name": f"{row['name']}_{role}",
                    "type": "Microsoft.Authorization/roleManagementPolicyAssignments",
                    "properties": {
                        "scope": properties["scope"],
                        "roleDefinitionId": properties["roleDefinitionId"],
                        "policyId": f"{base}/roleManagementPolicies/{row['name']}",
                    },
                }
            )
        return self._page(request, found)

    def classic(self, request: Request, match: re.Match[str]) -> Response:
        """Classic administrators of a subscription."""
        scope = self._readable(match, "classicAdministrators")
        found = [
            {
                "id": row["id"],
                "name": row["name"],
                "type": "Microsoft.Authorization/classicAdministrators",
                "properties": {k: v for k, v in row["properties"].items() if k != "adminState"},
            }
            for row in self._world.tenant.rows("microsoft.authorization/classicadministrators")
            if row["id"].lower().startswith(f"{scope}/")
        ]
        return self._page(request, found)

    def usage(self, _: Request, match: re.Match[str]) -> Response:
        """How many of a subscription's role assignments are used."""
        scope = self._readable(match, "roleAssignments")
        used = sum(
            1 for at, _ in self._world.tenant.role_assignments if at == scope or at.startswith(f"{scope}/")
        )
        return Response(
            200,
            {
                "subscriptionId": scope.split("/")[2],
                "roleAssignmentsLimit": ASSIGNMENT_LIMIT,
                "roleAssignmentsCurrentCount": used,
                "roleAssignmentsRemainingCount": ASSIGNMENT_LIMIT - used,
            },
        )


def _scoped(rows: Iterable[Row]) -> list[Scoped]:
    return [(row["properties"]["scope"].lower(), row) for row in rows]


def _principals_of(row: Row) -> frozenset[str]:
    properties = row["properties"]
    several = properties.get("principals")
    if several is not None:
        return frozenset(principal["id"].lower() for principal in several)
    return frozenset({str(properties["principalId"]).lower()})


def _definition(row: Row, version: str) -> Json:
    properties: dict[str, Any] = dict(row["properties"])
    if version == ROLES[0]:
        # The stable version does not know conditions inside a permission entry.
        properties["permissions"] = [
            {key: value for key, value in entry.items() if not key.startswith("condition")}
            for entry in properties["permissions"]
        ]
    properties.pop("isServiceRole", None)
    return {
        "id": row["id"],
        "name": row["name"],
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": properties,
    }


def _as_schedule(row: Row, kind: str) -> Json:
    """The schedule behind a schedule instance."""
    properties = {key: value for key, value in row["properties"].items() if not key.endswith("ScheduleId")}
    return {
        "id": row["properties"][f"role{kind}ScheduleId"],
        "name": row["name"],
        "type": f"Microsoft.Authorization/role{kind}Schedules",
        "properties": properties,
    }
