"""The shape of a tenant file: one class per table, one field per key. The language of its values: tenant_file.py."""

from __future__ import annotations

from typing import Any

import msgspec


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A table of the file in which a key that means nothing is an error."""


class GroupEntry(Strict):
    """`[management_groups.NAME]`; without a parent it lies under the tenant root group."""

    name: str = ""
    parent: str = ""


class SubscriptionEntry(Strict):
    """`[subscriptions.KEY]`. `refused`: the caller may not read it."""

    name: str
    management_group: str = ""
    id: str = ""
    state: str = "Enabled"
    refused: bool = False


class FederatedEntry(Strict):
    """A federated credential of an identity; `expression` makes it a flexible one without a subject."""

    name: str
    issuer: str
    subject: str = ""
    audiences: list[str] = msgspec.field(default_factory=lambda: ["api://AzureADTokenExchange"])
    expression: str = ""


class AppRoleEntry(Strict):
    """An application permission of an identity on another API."""

    id: str
    resource: str = "Microsoft Graph"


class IdentityEntry(Strict):
    """`[[identity]]`, a user-assigned identity."""

    name: str
    where: str = msgspec.field(name="in")
    location: str = "westeurope"
    tags: dict[str, Any] | None = None
    isolation_scope: str = "None"
    federated: list[FederatedEntry] = []
    app_roles: list[AppRoleEntry] = []
    client_id: str = ""
    principal_id: str = ""


class AttachedEntry(Strict):
    """The `identity` of a resource. `type` overrides the spelling; `raw` is the whole object, verbatim."""

    system: bool = False
    user: list[str] = []
    type: str = ""
    raw: dict[str, Any] | None = None
    empty_entries: bool = False


class ResourceEntry(Strict):
    """`[[resource]]`. `on` instead of `in` for an extension resource of another one."""

    type: str
    name: str
    where: str = msgspec.field(name="in", default="")
    on: str = ""
    ref: str = ""
    table: str = ""
    kind: str = ""
    location: str = "westeurope"
    managed_by: str = ""
    sku: dict[str, Any] | None = None
    tags: dict[str, Any] | None = None
    zones: list[str] | None = None
    identity: AttachedEntry | None = None
    properties: dict[str, Any] = {}


class PolicyEntry(Strict):
    """`[[policy_assignment]]`."""

    name: str
    scope: str
    location: str = "westeurope"
    identity: AttachedEntry | None = None
    properties: dict[str, Any] = {}


class PermissionsEntry(Strict):
    """One permission entry of a custom role or deny assignment."""

    actions: list[str] = []
    not_actions: list[str] = []
    data_actions: list[str] = []
    not_data_actions: list[str] = []
    condition: str = ""


class RoleEntry(Strict):
    """`[[role]]`, a custom role definition."""

    name: str
    scopes: list[str]
    permissions: list[PermissionsEntry]
    description: str = ""


class AssignmentEntry(Strict):
    """`[[assignment]]`. `role` is the name of a built-in or custom role; `principal_type` overrides the derived one."""

    principal: str
    role: str
    scope: str
    condition: str = ""
    description: str = ""
    principal_type: str | None = None
    delegated_identity: str = ""
    created: str = "2026-03-02T09:15:00.0000000Z"


class ScheduleEntry(Strict):
    """`[[eligible]]` or `[[active]]`: an assignment of Privileged Identity Management."""

    principal: str
    role: str
    scope: str
    start: str = "2026-09-01T08:00:00Z"
    end: str | None = None
    member_type: str = "Direct"
    condition: str = ""


class DenyEntry(Strict):
    """`[[deny]]`, a deny assignment."""

    name: str
    scope: str
    permissions: list[PermissionsEntry]
    principals: list[str] = msgspec.field(default_factory=lambda: ["everyone"])
    exclude: list[str] = []
    description: str = ""
    system_protected: bool = True
    child_scopes: bool = True


class ClassicEntry(Strict):
    """`[[classic_administrator]]` of a subscription."""

    subscription: str
    email: str
    role: str = "CoAdministrator"
    state: str = "Enabled"


class UserEntry(Strict):
    """`[[user]]`, `[[application]]`."""

    name: str


class DirectoryGroupEntry(Strict):
    """`[[group]]` with its direct members, written as principals."""

    name: str
    members: list[str] = []


class TenantEntry(Strict, kw_only=True):
    """The whole file."""

    name: str
    id: str = ""
    scanner: str
    pim_licensed: bool = True
    graph: bool = True
    mixed_case: bool = False
    root_group_name: str = "Tenant Root Group"
    management_groups: dict[str, GroupEntry] = {}
    subscriptions: dict[str, SubscriptionEntry]
    identity: list[IdentityEntry] = []
    resource: list[ResourceEntry] = []
    policy_assignment: list[PolicyEntry] = []
    role: list[RoleEntry] = []
    assignment: list[AssignmentEntry] = []
    eligible: list[ScheduleEntry] = []
    active: list[ScheduleEntry] = []
    deny: list[DenyEntry] = []
    classic_administrator: list[ClassicEntry] = []
    user: list[UserEntry] = []
    application: list[UserEntry] = []
    group: list[DirectoryGroupEntry] = []
