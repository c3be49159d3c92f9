"""From a tenant file to a Tenant: names resolved, ids derived, rows in Azure's shape."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from scanner.emulator.hierarchy import Hierarchy, ManagementGroup, Subscription
from scanner.emulator.names import Names
from scanner.emulator.rows import (
    TABLE_OF_TYPE,
    assignment_row,
    built_in_role_rows,
    container_rows,
    permissions,
    resource_id,
    role_row,
    row,
)
from scanner.emulator.tenant import AppRole, Caller, Principal, Row, Tenant, guid
from scanner.emulator.tenant_file import (
    AttachedEntry,
    IdentityEntry,
    PermissionsEntry,
    ScheduleEntry,
    TenantSource,
)

UAI = "Microsoft.ManagedIdentity/userAssignedIdentities"
AUTHORIZATION = "/providers/Microsoft.Authorization"


def build_tenant(source: TenantSource) -> Tenant:
    """Resolve every name in the file. Raises TenantError naming file, line and key."""
    return _Build(source).tenant()


def _hierarchy(source: TenantSource, tenant_id: str) -> Hierarchy:
    content = source.content
    root = ManagementGroup(tenant_id, content.root_group_name, None)
    groups = {tenant_id.lower(): root}
    for name, group in content.management_groups.items():
        parent = group.parent or tenant_id
        if group.parent and group.parent not in content.management_groups:
            known = ", ".join(content.management_groups)
            raise source.error(
                f"management_groups.{name}.parent", f"no group {parent!r}", f"there are {known}"
            )
        groups[name.lower()] = ManagementGroup(name, group.name or name, parent)
    for name in content.management_groups:
        seen: list[str] = []
        current: str | None = name
        while current is not None:
            if current in seen:
                raise source.error(
                    f"management_groups.{name}.parent", "the parents form a circle", "break it"
                )
            seen.append(current)
            current = groups[current.lower()].parent
    subscriptions = {}
    for key, entry in content.subscriptions.items():
        above = entry.management_group or tenant_id
        if above.lower() not in groups:
            known = ", ".join(content.management_groups)
            where = f"subscriptions.{key}.management_group"
            raise source.error(where, f"no group {above!r}", f"there are {known}")
        number = entry.id or guid(content.name, "subscription", key)
        subscriptions[number.lower()] = Subscription(key, number, entry.name, above, entry.state)
    return Hierarchy(tenant_id, groups, subscriptions)


class _Build:
    """One pass over the file; resources before what refers to them."""

    def __init__(self, source: TenantSource) -> None:
        self.source = source
        self.content = source.content
        self.tenant_id = self.content.id or guid(self.content.name, "tenant")
        self.hierarchy = _hierarchy(source, self.tenant_id)
        self.names = Names(source, self.tenant_id, self.hierarchy)
        self.tables: dict[str, list[Row]] = {
            "resources": [],
            "authorizationresources": [],
            "policyresources": [],
        }
        self.groups: dict[str, str] = {}
        self.principals: dict[str, Principal] = {}
        self.roles: dict[str, tuple[str, bool]] = {}

    def tenant(self) -> Tenant:
        content = self.content
        self._declare()
        federated = {
            self._identity(n, entry): self._credentials(n, entry) for n, entry in enumerate(content.identity)
        }
        self._resources()
        self._policies()
        self._directory()
        self._roles()
        self._assignments()
        refused = {
            self.names.subscription(key, "subscriptions").lower()
            for key, entry in content.subscriptions.items()
            if entry.refused
        }
        scanner = self.names.entity(content.scanner, "scanner")
        if scanner is None or not scanner.client_id:
            raise self.source.error("scanner", f"{content.scanner!r} is no identity", "name an [[identity]]")
        self.tables["resourcecontainers"] = container_rows(self.hierarchy, self.tenant_id, self.groups)
        return Tenant(
            name=content.name,
            tenant_id=self.tenant_id,
            hierarchy=self.hierarchy,
            caller=Caller(scanner.principal_id, scanner.client_id, scanner.id),
            tables=self.tables,
            federated=federated,
            eligible=[self._schedule(f"eligible[{n}]", e, False) for n, e in enumerate(content.eligible)],
            active=[self._schedule(f"active[{n}]", e, True) for n, e in enumerate(content.active)],
            deny=self._denials(),
            principals=self.principals,
            refused=frozenset(refused),
            pim_licensed=content.pim_licensed,
            graph=content.graph,
            mixed_case=content.mixed_case,
        )

    def _declare(self) -> None:
        """Give every identity and resource its id first, so that any string may refer to any of them."""
        for number, identity in enumerate(self.content.identity):
            key = f"identity[{number}]"
            where = self._group(identity.where, f"{key}.in", identity.location)
            self.names.declare(
                identity.name,
                resource_id(where, UAI, identity.name),
                f"{key}.name",
                principal_id=identity.principal_id or guid(self.content.name, where, identity.name, "object"),
                client_id=identity.client_id or guid(self.content.name, where, identity.name, "client"),
            )
        for number, resource in enumerate(self.content.resource):
            key = f"resource[{number}]"
            if bool(resource.where) == bool(resource.on):
                raise self.source.error(
                    key, "needs `in` or `on`, and not both", "say where the resource lies"
                )
            if resource.type.count("/") != resource.name.count("/") + 1:
                raise self.source.error(
                    f"{key}.name",
                    f"{resource.name!r} does not fit the type {resource.type!r}",
                    "a child resource is named parent/child, one name per part of the type",
                )
            if resource.on:
                parent = self.names.entity(resource.on, f"{key}.on")
                if parent is None:
                    raise self.names.unknown(resource.on, f"{key}.on")
                where = parent.id
            else:
                where = self._group(resource.where, f"{key}.in", resource.location)
            system = resource.identity is not None and resource.identity.system
            self.names.declare(
                resource.ref or resource.name,
                resource_id(where, resource.type, resource.name),
                f"{key}.name",
                principal_id=guid(self.content.name, where, resource.type, resource.name, "system")
                if system
                else "",
                client_id=guid(self.content.name, where, resource.name, "client") if system else "",
            )

    def _group(self, where: str, key: str, location: str) -> str:
        subscription, slash, group = where.partition("/")
        if not slash or not group or "/" in group:
            raise self.source.error(key, f"{where!r} is no place", "write SUBSCRIPTION/RESOURCE-GROUP")
        found = f"/subscriptions/{self.names.subscription(subscription, key)}/resourceGroups/{group}"
        self.groups.setdefault(found, location)
        return found

    def _identity(self, number: int, entry: IdentityEntry) -> str:
        found = self.names.entities[entry.name]
        self.tables["resources"].append(
            row(
                found.id,
                entry.name,
                UAI,
                self.tenant_id,
                location=entry.location,
                tags=self.names.filled(entry.tags, f"identity[{number}].tags"),
                properties={
                    "tenantId": self.tenant_id,
                    "principalId": found.principal_id,
                    "clientId": found.client_id,
                    "isolationScope": entry.isolation_scope,
                },
            )
        )
        self.principals[found.principal_id] = Principal(
            found.principal_id,
            "servicePrincipal",
            entry.name,
            app_id=found.client_id,
            service_principal_type="ManagedIdentity",
            alternative_names=("isExplicit=True", found.id),
            app_roles=tuple(
                AppRole(role.id, guid(self.content.name, "api", role.resource), role.resource)
                for role in entry.app_roles
            ),
        )
        return found.id.lower()

    def _credentials(self, number: int, entry: IdentityEntry) -> list[Row]:
        if len(entry.federated) > 20:
            raise self.source.error(
                f"identity[{number}]", "has over 20 federated credentials", "Azure allows 20"
            )
        found = []
        for credential in entry.federated:
            properties: Row = {
                "issuer": self.names.filled(credential.issuer, f"identity[{number}].federated"),
                "audiences": credential.audiences,
            }
            if credential.expression:
                properties["claimsMatchingExpression"] = {
                    "value": credential.expression,
                    "languageVersion": 1,
                }
            else:
                properties["subject"] = credential.subject
            found.append({"name": credential.name, "properties": properties})
        return found

    def _attached(self, entry: AttachedEntry | None, own: str, key: str) -> Row | None:
        """The `identity` object of a resource or policy assignment."""
        if entry is None:
            return None
        if entry.raw is not None:
            raw = self.names.filled(entry.raw, f"{key}.raw")
            assert isinstance(raw, dict)  # noqa: S101 - `filled` keeps the shape
            return raw
        spelling = {(True, True): "SystemAssigned, UserAssigned", (True, False): "SystemAssigned"}
        kind = entry.type or spelling.get(
            (entry.system, bool(entry.user)), "UserAssigned" if entry.user else "None"
        )
        identity: Row = {"type": kind}
        if entry.system:
            identity |= {"principalId": self.names.entities[own].principal_id, "tenantId": self.tenant_id}
        if entry.user:
            attached: dict[str, Row] = {}
            for name in entry.user:
                found = self.names.entity(name, f"{key}.user")
                if found is None and not name.startswith(("/", "${")):
                    raise self.names.unknown(name, f"{key}.user")
                if found is None or entry.empty_entries:
                    attached[found.id if found else self.names.text(name, f"{key}.user")] = {}
                else:
                    attached[found.id] = {"principalId": found.principal_id, "clientId": found.client_id}
            identity["userAssignedIdentities"] = attached
        return identity

    def _resources(self) -> None:
        for number, entry in enumerate(self.content.resource):
            key = f"resource[{number}]"
            own = entry.ref or entry.name
            found = self.names.entities[own]
            table = entry.table or TABLE_OF_TYPE.get(entry.type.lower(), "resources")
            self.tables.setdefault(table, []).append(
                row(
                    found.id,
                    entry.name.split("/")[-1],
                    entry.type,
                    self.tenant_id,
                    kind=entry.kind,
                    location=entry.location,
                    managedBy=self.names.text(entry.managed_by, f"{key}.managed_by"),
                    sku=entry.sku,
                    zones=entry.zones,
                    tags=self.names.filled(entry.tags, f"{key}.tags"),
                    identity=self._attached(entry.identity, own, f"{key}.identity"),
                    properties=self.names.filled(entry.properties, f"{key}.properties"),
                )
            )
            if found.principal_id:
                self._system_principal(own)

    def _system_principal(self, name: str) -> None:
        found = self.names.entities[name]
        self.principals[found.principal_id] = Principal(
            found.principal_id,
            "servicePrincipal",
            name,
            app_id=found.client_id,
            service_principal_type="ManagedIdentity",
            alternative_names=("isExplicit=False", found.id),
        )

    def _policies(self) -> None:
        for number, entry in enumerate(self.content.policy_assignment):
            key = f"policy_assignment[{number}]"
            scope = self.names.scope(entry.scope, f"{key}.scope")
            policy = f"{scope.rstrip('/')}{AUTHORIZATION}/policyAssignments/{entry.name}"
            system = entry.identity is not None and entry.identity.system
            object_id = guid(self.content.name, policy, "system") if system else ""
            client_id = guid(self.content.name, policy, "client") if system else ""
            self.names.declare(entry.name, policy, f"{key}.name", principal_id=object_id, client_id=client_id)
            self.tables["policyresources"].append(
                row(
                    policy,
                    entry.name,
                    "microsoft.authorization/policyassignments",
                    self.tenant_id,
                    location=entry.location,
                    identity=self._attached(entry.identity, entry.name, f"{key}.identity"),
                    properties={**(self.names.filled(entry.properties, key) or {}), "scope": scope},
                )
            )
            if system:
                self._system_principal(entry.name)

    def _directory(self) -> None:
        for number, user in enumerate(self.content.user):
            self._object("user", user.name, f"user[{number}].name", "user")
        for number, application in enumerate(self.content.application):
            found = self._object("app", application.name, f"application[{number}].name", "servicePrincipal")
            found.app_id = guid(self.content.name, "application", application.name)
            found.service_principal_type = "Application"
        groups = [
            (self._object("group", entry.name, f"group[{n}].name", "group"), n, entry)
            for n, entry in enumerate(self.content.group)
        ]
        for group, number, entry in groups:
            group.members = tuple(
                self.names.principal(name, f"group[{number}].members") for name in entry.members
            )

    def _object(self, prefix: str, name: str, key: str, kind: Any) -> Principal:
        object_id = guid(self.content.name, prefix, name)
        self.names.declare_principal(f"{prefix}:{name}", object_id, key)
        self.principals[object_id] = Principal(object_id, kind, name)
        return self.principals[object_id]

    def _roles(self) -> None:
        rows = built_in_role_rows(self.tenant_id)
        self.roles = {r["properties"]["roleName"].lower(): (r["name"], False) for r in rows}
        for number, entry in enumerate(self.content.role):
            key = f"role[{number}]"
            if entry.name.lower() in self.roles:
                raise self.source.error(f"{key}.name", f"{entry.name!r} exists already", "rename this role")
            scopes = [self.names.scope(scope, f"{key}.scopes") for scope in entry.scopes]
            if not scopes:
                raise self.source.error(f"{key}.scopes", "is empty", "name at least one scope")
            number_id = guid(self.content.name, "role", entry.name)
            self.roles[entry.name.lower()] = (number_id, True)
            rows.append(
                role_row(
                    self.tenant_id,
                    number_id,
                    entry.name,
                    [_permissions(p) for p in entry.permissions],
                    scopes=scopes,
                    custom=True,
                    description=entry.description,
                )
            )
        self.tables["authorizationresources"] += rows

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

    def _assignments(self) -> None:
        rows = self.tables["authorizationresources"]
        for number, entry in enumerate(self.content.assignment):
            key = f"assignment[{number}]"
            scope = self.names.scope(entry.scope, f"{key}.scope")
            kind = self.names.principal_type(entry.principal)
            if entry.principal_type is not None:
                kind = entry.principal_type
            rows.append(
                assignment_row(
                    self.tenant_id,
                    scope,
                    guid(self.content.name, "assignment", scope, entry.principal, entry.role),
                    principal_id=self.names.principal(entry.principal, f"{key}.principal"),
                    principal_type=kind or None,
                    role_definition_id=self._role_id(entry.role, scope, key),
                    created=entry.created,
                    condition=entry.condition,
                    description=entry.description,
                    delegatedManagedIdentityResourceId=self.names.text(entry.delegated_identity, key),
                )
            )
        for number, classic in enumerate(self.content.classic_administrator):
            key = f"classic_administrator[{number}].subscription"
            subscription = self.names.subscription(classic.subscription, key)
            name = guid(self.content.name, "classic", subscription, classic.email)
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

    def _schedule(self, key: str, entry: ScheduleEntry, active: bool) -> Row:
        scope = self.names.scope(entry.scope, f"{key}.scope")
        kind = "Assignment" if active else "Eligibility"
        name = guid(self.content.name, kind, scope, entry.principal, entry.role)
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
        if entry.condition:
            properties |= {"condition": entry.condition, "conditionVersion": "2.0"}
        return {
            "id": f"{base}Instances/{name}",
            "name": name,
            "type": f"Microsoft.Authorization/role{kind}ScheduleInstances",
            "properties": properties,
        }

    def _denials(self) -> list[Row]:
        found = []
        everyone = {"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}
        resolve: Callable[[str, str], Row] = lambda name, key: {  # noqa: E731
            "id": self.names.principal(name, key),
            "type": self.names.principal_type(name),
        }
        for number, entry in enumerate(self.content.deny):
            key = f"deny[{number}]"
            scope = self.names.scope(entry.scope, f"{key}.scope")
            name = guid(self.content.name, "deny", scope, entry.name)
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
                            everyone if n == "everyone" else resolve(n, f"{key}.principals")
                            for n in entry.principals
                        ],
                        "excludePrincipals": [resolve(n, f"{key}.exclude") for n in entry.exclude],
                        "isSystemProtected": entry.system_protected,
                    },
                }
            )
        return found


def _permissions(entry: PermissionsEntry) -> dict[str, Any]:
    return permissions(
        entry.actions, entry.not_actions, entry.data_actions, entry.not_data_actions, entry.condition
    )
