"""Who may do what, from a tenant file: roles, assignments, PIM schedules, denials, classic administrators."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Literal

from scanner.emulator.names import Names
from scanner.emulator.rows import assignment_row, built_in_role_rows, permissions, role_row, row
from scanner.emulator.tenant import Row, guid
from scanner.emulator.tenant_file import TenantSource
from scanner.emulator.tenant_schema import PermissionsEntry, ScheduleEntry

AUTHORIZATION = "/providers/Microsoft.Authorization"


class Access:
    """Resolves the access part of one file, once its identities, resources and directory are declared."""

    def __init__(self, source: TenantSource, tenant_id: str, names: Names) -> None:
        self.source = source
        self.tenant_id = tenant_id
        self.names = names
        self.roles: dict[str, tuple[str, bool]] = {}

    def rows(self) -> list[Row]:
        """The table authorizationresources. Raises TenantError."""
        return [
            *self._role_rows(),
            *self._assignment_rows(),
            *self._active_rows(),
            *self._classic_rows(),
        ]

    def schedules(self, kind: Literal["eligible", "active"]) -> list[Row]:
        """PIM schedule instances; call `rows` first."""
        entries = self.source.content.active if kind == "active" else self.source.content.eligible
        return [self._schedule(f"{kind}[{n}]", entry, kind == "active") for n, entry in enumerate(entries)]

    def _role_rows(self) -> list[Row]:
        rows = built_in_role_rows(self.tenant_id)
        self.roles = {r["properties"]["roleName"].lower(): (r["name"], False) for r in rows}
        for number, entry in enumerate(self.source.content.role):
            key = f"role[{number}]"
            if entry.name.lower() in self.roles:
                raise self.source.error(f"{key}.name", f"{entry.name!r} exists already", "rename this role")
            scopes = [self.names.scope(scope, f"{key}.scopes") for scope in entry.scopes]
            if not scopes:
                raise self.source.error(f"{key}.scopes", "is empty", "name at least one scope")
            number_id = guid(self.source.content.name, "role", entry.name)
            self.roles[entry.name.lower()] = (number_id, True)
            # A custom role is listed once from every subscription it can be assigned in.
            places = ["/".join(s.split("/")[:3]) if s.startswith("/subscriptions/") else "" for s in scopes]
            rows += [
                role_row(
                    self.tenant_id,
                    number_id,
                    entry.name,
                    [_permissions(p) for p in entry.permissions],
                    scopes=scopes,
                    custom=True,
                    description=entry.description,
                    seen_from=place,
                )
                for place in dict.fromkeys(places)
            ]
        return rows

    def _role_id(self, name: str, scope: str, key: str) -> str:
        found = self.roles.get(name.lower())
        if found is None:
            close = get_close_matches(name.lower(), self.roles, n=1)
            todo = f"did you mean {close[0]!r}?" if close else "name a built-in role or add a [[role]]"
            raise self.source.error(f"{key}.role", f"no role {name!r}", todo)
        number, custom = found
        if custom and scope.startswith("/subscriptions/"):
            return f"{'/'.join(scope.split('/')[:3])}{AUTHORIZATION}/roleDefinitions/{number}"
        return f"{AUTHORIZATION}/RoleDefinitions/{number}"

    def _assignment_rows(self) -> list[Row]:
        rows = []
        for number, entry in enumerate(self.source.content.assignment):
            key = f"assignment[{number}]"
            scope = self.names.scope(entry.scope, f"{key}.scope")
            kind = self.names.principal_type(entry.principal)
            if entry.principal_type is not None:
                kind = entry.principal_type
            rows.append(
                assignment_row(
                    self.tenant_id,
                    scope,
                    guid(self.source.content.name, "assignment", scope, entry.principal, entry.role),
                    principal_id=self.names.principal(entry.principal, f"{key}.principal"),
                    principal_type=kind or None,
                    role_definition_id=self._role_id(entry.role, scope, key),
                    created=entry.created,
                    condition=entry.condition,
                    description=entry.description,
                    delegatedManagedIdentityResourceId=self.names.text(entry.delegated_identity, key),
                )
            )
        return rows

    def _active_rows(self) -> list[Row]:
        """What holds for a limited time is a role assignment like any other as long as it does."""
        rows = []
        for number, entry in enumerate(self.source.content.active):
            key = f"active[{number}]"
            scope = self.names.scope(entry.scope, f"{key}.scope")
            rows.append(
                assignment_row(
                    self.tenant_id,
                    scope,
                    self._origin(scope, entry),
                    principal_id=self.names.principal(entry.principal, f"{key}.principal"),
                    principal_type=self.names.principal_type(entry.principal) or None,
                    role_definition_id=self._role_id(entry.role, scope, key),
                    created=entry.start,
                    condition=entry.condition,
                )
            )
        return rows

    def _origin(self, scope: str, entry: ScheduleEntry) -> str:
        """The name of the role assignment that an active schedule instance stands for."""
        return guid(self.source.content.name, "active", scope, entry.principal, entry.role)

    def _classic_rows(self) -> list[Row]:
        rows = []
        for number, classic in enumerate(self.source.content.classic_administrator):
            key = f"classic_administrator[{number}].subscription"
            subscription = self.names.subscription(classic.subscription, key)
            name = guid(self.source.content.name, "classic", subscription, classic.email)
            rows.append(
                row(
                    f"/subscriptions/{subscription}{AUTHORIZATION}/classicAdministrators/{name}",
                    name,
                    "microsoft.authorization/classicadministrators",
                    self.tenant_id,
                    properties={
                        "emailAddress": classic.email,
                        "role": classic.role,
                        "adminState": classic.state,
                    },
                )
            )

        return rows

    def _schedule(self, key: str, entry: ScheduleEntry, active: bool) -> Row:
        scope = self.names.scope(entry.scope, f"{key}.scope")
        kind = "Assignment" if active else "Eligibility"
        name = guid(self.source.content.name, kind, scope, entry.principal, entry.role)
        base = f"{scope.rstrip('/')}{AUTHORIZATION}/role{kind}Schedule"
        properties: Row = {
            "scope": scope,
            "roleDefinitionId": self._role_id(entry.role, scope, key),
            "principalId": self.names.principal(entry.principal, f"{key}.principal"),
            "principalType": self.names.principal_type(entry.principal),
            f"role{kind}ScheduleId": f"{base}s/{name}",
            "status": "Provisioned",
            "startDateTime": entry.start,
            "endDateTime": entry.end,
            "memberType": entry.member_type,
        }
        if active:
            properties["assignmentType"] = "Activated"
            origin = self._origin(scope, entry)
            properties["originRoleAssignmentId"] = (
                f"{scope.rstrip('/')}{AUTHORIZATION}/RoleAssignments/{origin}"
            )
        if entry.condition:
            properties |= {"condition": entry.condition, "conditionVersion": "2.0"}
        return {
            "id": f"{base}Instances/{name}",
            "name": name,
            "type": f"Microsoft.Authorization/role{kind}ScheduleInstances",
            "properties": properties,
        }

    def _principal(self, name: str, key: str) -> Row:
        return {"id": self.names.principal(name, key), "type": self.names.principal_type(name)}

    def denials(self) -> list[Row]:
        """Deny assignments as ARM writes them."""
        found = []
        everyone = {"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}
        for number, entry in enumerate(self.source.content.deny):
            key = f"deny[{number}]"
            scope = self.names.scope(entry.scope, f"{key}.scope")
            name = guid(self.source.content.name, "deny", scope, entry.name)
            found.append(
                {
                    "id": f"{scope.rstrip('/')}{AUTHORIZATION}/denyAssignments/{name}",
                    "name": name,
                    "type": "Microsoft.Authorization/denyAssignments",
                    "properties": {
                        "denyAssignmentName": entry.name,
                        "description": entry.description,
                        "permissions": [_permissions(p) for p in entry.permissions],
                        "scope": scope,
                        "doNotApplyToChildScopes": not entry.child_scopes,
                        "principals": [
                            everyone if n == "everyone" else self._principal(n, f"{key}.principals")
                            for n in entry.principals
                        ],
                        "excludePrincipals": [self._principal(n, f"{key}.exclude") for n in entry.exclude],
                        "isSystemProtected": entry.system_protected,
                    },
                }
            )
        return found


def _permissions(entry: PermissionsEntry) -> dict[str, Any]:
    return permissions(
        entry.actions, entry.not_actions, entry.data_actions, entry.not_data_actions, entry.condition
    )
