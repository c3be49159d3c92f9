"""A made-up tenant of any size: the same numbers and seed give the same tenant, byte for byte."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from random import Random

from scanner.emulator.hierarchy import Hierarchy, ManagementGroup, Subscription
from scanner.emulator.rows import assignment_row, built_in_role_rows, container_rows, resource_id, row
from scanner.emulator.tenant import Caller, Principal, Row, Tenant, TenantError

UAI = "Microsoft.ManagedIdentity/userAssignedIdentities"
SUBSCRIPTIONS_PER_GROUP = 20
IDENTITIES_PER_GROUP = 10
MOST = 5_000_000
LOCATIONS = ("westeurope", "northeurope", "germanywestcentral")
# Kinds of resource that carry identities, and how often each appears.
KINDS = (
    ("Microsoft.Compute/virtualMachines", 5),
    ("Microsoft.Web/sites", 4),
    ("Microsoft.App/containerApps", 3),
    ("Microsoft.Logic/workflows", 1),
)
ROLES = (
    ("Reader", 30),
    ("Storage Blob Data Reader", 20),
    ("Storage Blob Data Contributor", 15),
    ("Key Vault Secrets User", 15),
    ("AcrPull", 8),
    ("Contributor", 8),
    ("User Access Administrator", 2),
    ("Owner", 2),
)
ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything. Each identity also brings one resource, most of which carry it."""

    subscriptions: int
    identities: int
    assignments: int


def parse_scale(text: str) -> Scale:
    """`SUBSCRIPTIONS,IDENTITIES,ASSIGNMENTS` as a Scale. Raises TenantError."""
    parts = text.split(",")
    todo = "write three whole numbers, for example --scale 20,1000,10000"
    if len(parts) != 3 or not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        raise TenantError(f"--scale {text}: not SUBSCRIPTIONS,IDENTITIES,ASSIGNMENTS; {todo}")
    subscriptions, identities, assignments = (int(part) for part in parts)
    if subscriptions < 1 or identities < 1:
        raise TenantError(f"--scale {text}: needs at least one subscription and one identity; {todo}")
    if max(subscriptions, identities, assignments) > MOST:
        raise TenantError(f"--scale {text}: over {MOST:,}, too much for memory; write smaller numbers")
    return Scale(subscriptions, identities, assignments)


def generate(scale: Scale, *, seed: int = 1) -> Tenant:
    """A tenant with exactly so many subscriptions, user-assigned identities and role assignments."""
    return _Generator(scale, seed).tenant()


class _Generator:
    def __init__(self, scale: Scale, seed: int) -> None:
        self.scale = scale
        self.random = Random(seed)  # noqa: S311 - repeatable on purpose, nothing secret
        self.tenant_id = self.guid()
        groups = {self.tenant_id: ManagementGroup(self.tenant_id, "Tenant Root Group", None)}
        for number in range(-(-scale.subscriptions // SUBSCRIPTIONS_PER_GROUP)):
            name = f"mg-{number:04}"
            groups[name] = ManagementGroup(name, f"Division {number}", self.tenant_id)
        subscriptions = {}
        for number in range(scale.subscriptions):
            key, above = f"sub-{number:05}", f"mg-{number // SUBSCRIPTIONS_PER_GROUP:04}"
            subscription = Subscription(key, self.guid(), f"Generated {number}", above)
            subscriptions[subscription.id] = subscription
        self.hierarchy = Hierarchy(self.tenant_id, groups, subscriptions)
        self.subscriptions = list(subscriptions.values())
        self.principals: dict[str, Principal] = {}
        self.holders: list[str] = []
        self.resources: list[Row] = []
        self.groups: dict[str, str] = {}
        self.federated: dict[str, list[Row]] = {}

    def guid(self) -> str:
        """The next GUID of the seed's sequence."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def tenant(self) -> Tenant:
        for number in range(self.scale.identities):
            self._identity(number)
        assignments = self._assignments()
        first = self.resources[0]
        return Tenant(
            name=f"generated-{self.scale.subscriptions}-{self.scale.identities}-{self.scale.assignments}",
            tenant_id=self.tenant_id,
            hierarchy=self.hierarchy,
            caller=Caller(first["properties"]["principalId"], first["properties"]["clientId"], first["id"]),
            tables={
                "resources": self.resources,
                "resourcecontainers": container_rows(self.hierarchy, self.tenant_id, self.groups),
                "authorizationresources": built_in_role_rows(self.tenant_id) + assignments,
            },
            federated=self.federated,
            principals=self.principals,
        )

    def _identity(self, number: int) -> None:
        """One identity and the resource that belongs to it; one identity in ten is left unattached."""
        draw = self.random
        home = self.subscriptions[number % len(self.subscriptions)]
        location = LOCATIONS[draw.randrange(len(LOCATIONS))]
        index = number // (len(self.subscriptions) * IDENTITIES_PER_GROUP)
        group = f"/subscriptions/{home.id}/resourceGroups/rg-{index:04}"
        self.groups.setdefault(group, location)
        name = f"id-{number:07}"
        identity = resource_id(group, UAI, name)
        object_id, client_id = self.guid(), self.guid()
        self.holders.append(object_id)
        self.principals[object_id] = Principal(
            object_id, "servicePrincipal", name, client_id, "ManagedIdentity", ("isExplicit=True", identity)
        )
        properties = {"tenantId": self.tenant_id, "principalId": object_id, "clientId": client_id}
        self.resources.append(
            row(identity, name, UAI, self.tenant_id, location=location, properties=properties)
        )
        if draw.random() < 0.1:
            branch = draw.choice(("main", "release", "*"))
            subject = f"repo:contoso/service-{number}:ref:refs/heads/{branch}"
            audiences = ["api://AzureADTokenExchange"]
            self.federated[identity.lower()] = [
                {
                    "name": "pipeline",
                    "properties": {"issuer": ISSUER, "subject": subject, "audiences": audiences},
                }
            ]
        kind = draw.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])[0]
        host_name = f"{kind.split('/')[1].lower()}-{number:07}"
        attached: Row | None = None
        if draw.random() < 0.9:
            attached = {
                "type": "UserAssigned",
                "userAssignedIdentities": {identity: {"principalId": object_id, "clientId": client_id}},
            }
        host = resource_id(group, kind, host_name)
        self.resources.append(
            row(host, host_name, kind, self.tenant_id, location=location, identity=attached)
        )

    def _assignments(self) -> list[Row]:
        draw = self.random
        ids = self._role_ids()
        names, weights = [name for name, _ in ROLES], [weight for _, weight in ROLES]
        groups = list(self.groups)
        above = [group.id for group in self.hierarchy.groups.values()]
        rows = []
        for role in draw.choices(names, weights, k=self.scale.assignments):
            where = draw.random()
            if where < 0.6:
                scope = groups[draw.randrange(len(groups))]
            elif where < 0.85:
                scope = self.resources[draw.randrange(len(self.resources))]["id"]
            elif where < 0.99:
                scope = f"/subscriptions/{self.subscriptions[draw.randrange(len(self.subscriptions))].id}"
            else:
                scope = above[draw.randrange(len(above))]
            rows.append(
                assignment_row(
                    self.tenant_id,
                    scope,
                    self.guid(),
                    principal_id=self.holders[draw.randrange(len(self.holders))],
                    principal_type="ServicePrincipal",
                    role_definition_id=ids[role],
                    created="2026-03-02T09:15:00.0000000Z",
                )
            )
        return rows

    def _role_ids(self) -> dict[str, str]:
        from scanner.catalog.roles import role_by_name

        found = {}
        for name, _ in ROLES:
            role = role_by_name(name)
            if role is None:
                raise TenantError(
                    f"the role catalogue has no role {name!r}; make it again or mend generate.py"
                )
            found[name] = f"/providers/Microsoft.Authorization/RoleDefinitions/{role.guid}"
        return found
