"""From a tenant file to a Tenant: names resolved, ids derived, rows in Azure's shape."""

from __future__ import annotations

from typing import Any

from scanner.emulator.hierarchy import Hierarchy, ManagementGroup, Subscription
from scanner.emulator.names import Names
from scanner.emulator.rows import TABLE_OF_TYPE, container_rows, resource_id, row
from scanner.emulator.tenant import AppRole, Caller, Principal, Row, Tenant, guid
from scanner.emulator.tenant_access import AUTHORIZATION, Access
from scanner.emulator.tenant_file import TenantSource
from scanner.emulator.tenant_schema import AttachedEntry, IdentityEntry

UAI = "Microsoft.ManagedIdentity/userAssignedIdentities"


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

    def tenant(self) -> Tenant:
        content = self.content
        self._declare()
        federated = {
            self._identity(n, entry): self._credentials(n, entry) for n, entry in enumerate(content.identity)
        }
        self._resources()
        self._policies()
        self._directory()
        access = Access(self.source, self.tenant_id, self.names)
        self.tables["authorizationresources"] = access.rows()
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
            eligible=access.schedules("eligible"),
            active=access.schedules("active"),
            deny=access.denials(),
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
            return {name: self.names.filled(value, f"{key}.raw") for name, value in entry.raw.items()}
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
