"""A tenant as the emulator serves it: Resource Graph rows, and what only ARM and Microsoft Graph know."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from scanner.emulator.hierarchy import Hierarchy
from scanner.errors import UserError

Row = dict[str, Any]
PrincipalKind = Literal["servicePrincipal", "user", "group", "device"]
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "emulator.midas.invalid")


class TenantError(UserError):
    """A tenant that cannot be loaded: what is wrong, where (file and line or key), and what to do."""


def guid(*parts: str) -> str:
    """The GUID of a thing the tenant file names but gives no GUID: always the same for the same parts."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(part.lower() for part in parts)))


@dataclass(frozen=True, slots=True)
class AppRole:
    """An application permission held by a service principal."""

    id: str
    resource_id: str
    resource_name: str


@dataclass(slots=True)
class Principal:
    """An object of the directory. Deleted principals are simply not there."""

    id: str
    kind: PrincipalKind
    name: str
    app_id: str = ""
    service_principal_type: str = ""
    """`ManagedIdentity` or `Application`, for service principals."""
    alternative_names: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    """Object ids, for groups."""
    app_roles: tuple[AppRole, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """The managed identity that scans: what the token endpoint gives a token for."""

    object_id: str
    client_id: str
    resource_id: str


@dataclass
class Tenant:
    """Everything the local Azure knows. Build one with `load_tenant` or `generate`."""

    name: str
    tenant_id: str
    hierarchy: Hierarchy
    caller: Caller
    tables: dict[str, list[Row]] = field(default_factory=dict)
    """Resource Graph rows by table, ids as Azure would write them."""
    federated: dict[str, list[Row]] = field(default_factory=dict)
    """Federated credentials by lower-case identity id, in their newest shape."""
    eligible: list[Row] = field(default_factory=list)
    active: list[Row] = field(default_factory=list)
    """PIM: eligible assignments, and assignments for a limited time, as schedule instances."""
    deny: list[Row] = field(default_factory=list)
    principals: dict[str, Principal] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    """Lower-case ids of subscriptions the caller may not read."""
    pim_licensed: bool = True
    graph: bool = True
    mixed_case: bool = False

    def rows(self, kind: str) -> Iterator[Row]:
        """Rows of one resource type (lower-case), from whichever table holds it."""
        for table in self.tables.values():
            for row in table:
                if row["type"] == kind:
                    yield row

    @cached_property
    def identities(self) -> dict[str, Row]:
        """User-assigned identities by lower-case id."""
        return {
            row["id"].lower(): row for row in self.rows("microsoft.managedidentity/userassignedidentities")
        }

    @cached_property
    def by_id(self) -> dict[str, Row]:
        """Every row by its lower-case id."""
        return {row["id"].lower(): row for table in self.tables.values() for row in table}

    @cached_property
    def role_assignments(self) -> list[tuple[str, Row]]:
        """Role assignments as ARM writes them, each with its lower-case scope."""
        return [
            (
                row["properties"]["scope"].lower(),
                {**_plain(row), "type": "Microsoft.Authorization/roleAssignments"},
            )
            for row in self.rows("microsoft.authorization/roleassignments")
        ]

    @cached_property
    def groups_of(self) -> dict[str, list[str]]:
        """Object ids of the groups each object is a direct member of."""
        found: dict[str, list[str]] = {}
        for principal in self.principals.values():
            for member in principal.members:
                found.setdefault(member, []).append(principal.id)
        return found

    def transitive_groups(self, object_id: str) -> list[str]:
        """Object ids of all groups that contain the object, directly or through groups."""
        found: list[str] = []
        waiting = list(self.groups_of.get(object_id, ()))
        while waiting:
            group = waiting.pop(0)
            if group not in found:
                found.append(group)
                waiting += self.groups_of.get(group, ())
        return found

    def subscription_ids(self, names: Iterable[str]) -> frozenset[str]:
        """Lower-case ids of subscriptions given by key, name or id. Raises TenantError for an unknown one."""
        known = {}
        for subscription in self.hierarchy.subscriptions.values():
            for name in (subscription.key, subscription.name, subscription.id):
                known[name.lower()] = subscription.id.lower()
        unknown = [name for name in names if name.lower() not in known]
        if unknown:
            listed = ", ".join(sorted(s.key for s in self.hierarchy.subscriptions.values())[:20])
            raise TenantError(f"{self.name}: no subscription {unknown[0]!r}; there are {listed}")
        return frozenset(known[name.lower()] for name in names)


def _plain(row: Row) -> Row:
    return {key: row[key] for key in ("id", "name", "properties")}


TENANTS = Path(__file__).with_name("tenants")


def load_tenant(name_or_path: str | Path) -> Tenant:
    """Load a tenant that ships with Midas by name (`contoso`, `messy`), or from a TOML or JSON file.

    Raises TenantError with the file, the line or key, and what to change.
    """
    from scanner.emulator.tenant_build import build_tenant
    from scanner.emulator.tenant_file import read_tenant_file

    text = str(name_or_path)
    shipped = TENANTS / f"{text}.toml"
    if isinstance(name_or_path, str) and text.isidentifier() and shipped.is_file():
        return build_tenant(read_tenant_file(shipped))
    path = Path(name_or_path)
    if not path.is_file():
        names = ", ".join(sorted(p.stem for p in TENANTS.glob("*.toml")))
        raise TenantError(
            f"{text}: no such tenant file; give a path, or one of the tenants that ship: {names}"
        )
    return build_tenant(read_tenant_file(path))
