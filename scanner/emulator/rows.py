"""Resource Graph rows in Azure's shape: lower-case types and resource groups, empty text instead of absence."""

from __future__ import annotations

from typing import Any

from scanner.emulator.hierarchy import Hierarchy, ManagementGroup, Subscription
from scanner.emulator.tenant import Row

TABLE_OF_TYPE = {
    "microsoft.web/sites/config": "appserviceresources",
    "microsoft.web/sites/slots/config": "appserviceresources",
    "microsoft.web/sites/workflows": "appserviceresources",
    "microsoft.batch/batchaccounts/pools": "batchresources",
    "microsoft.kubernetesconfiguration/extensions": "kubernetesconfigurationresources",
    "microsoft.kubernetesconfiguration/fluxconfigurations": "kubernetesconfigurationresources",
    "microsoft.kusto/clusters/dataconnections": "kustoresources",
    "microsoft.kusto/clusters/databases/dataconnections": "kustoresources",
    "microsoft.managedservices/registrationassignments": "managedserviceresources",
    "microsoft.managedservices/registrationdefinitions": "managedserviceresources",
}


def row(
    resource_id: str,
    name: str,
    arm_type: str,
    tenant_id: str,
    *,
    location: str = "",
    properties: dict[str, Any] | None = None,
    **more: Any,
) -> Row:
    """One row; `arm_type` is the ARM type in any case, the rest of the columns may be given by name."""
    parts = resource_id.split("/")
    inside = len(parts) > 2 and parts[1].lower() == "subscriptions"
    grouped = len(parts) > 4 and parts[3].lower() == "resourcegroups"
    return {
        "id": resource_id,
        "name": name,
        "type": arm_type.lower(),
        "tenantId": tenant_id,
        "kind": "",
        "location": location,
        "resourceGroup": parts[4].lower() if inside and grouped else "",
        "subscriptionId": parts[2] if inside else "",
        "managedBy": "",
        "sku": None,
        "plan": None,
        "properties": {} if properties is None else properties,
        "tags": None,
        "identity": None,
        "zones": None,
        "extendedLocation": None,
        **more,
    }


def resource_id(where: str, kind: str, name: str) -> str:
    """The id of a resource of `kind` under `where` (a scope id); a child's name is `parent/child`."""
    provider, *types = kind.split("/")
    pairs = "/".join(part for pair in zip(types, name.split("/"), strict=True) for part in pair)
    return f"{where.rstrip('/')}/providers/{provider}/{pairs}"


def container_rows(hierarchy: Hierarchy, tenant_id: str, groups: dict[str, str]) -> list[Row]:
    """Management groups, subscriptions and resource groups. `groups`: location by resource-group id."""
    rows = [_group_row(hierarchy, group, tenant_id) for group in hierarchy.groups.values()]
    rows += [_subscription_row(hierarchy, s, tenant_id) for s in hierarchy.subscriptions.values()]
    for group_id, location in groups.items():
        rows.append(
            row(
                group_id,
                group_id.split("/")[-1],
                "microsoft.resources/subscriptions/resourcegroups",
                tenant_id,
                location=location,
                properties={"provisioningState": "Succeeded"},
            )
        )
    return rows


def _link(group: ManagementGroup) -> dict[str, str]:
    return {"displayName": group.display_name, "name": group.name}


def _group_row(hierarchy: Hierarchy, group: ManagementGroup, tenant_id: str) -> Row:
    chain = hierarchy.group_chain(group.name)[1:]
    parent = {**_link(chain[0]), "id": chain[0].id} if chain else None
    return row(
        group.id,
        group.name,
        "microsoft.management/managementgroups",
        tenant_id,
        properties={
            "displayName": group.display_name,
            "tenantId": tenant_id,
            "details": {
                "managementGroupAncestors": [above.name for above in chain],
                "managementGroupAncestorsChain": [_link(above) for above in chain],
                "parent": parent,
                "version": 1,
            },
        },
    )


def _subscription_row(hierarchy: Hierarchy, subscription: Subscription, tenant_id: str) -> Row:
    return row(
        f"/subscriptions/{subscription.id}",
        subscription.name,
        "microsoft.resources/subscriptions",
        tenant_id,
        properties={
            "managedByTenants": [],
            "managementGroupAncestorsChain": [
                _link(group) for group in hierarchy.group_chain(subscription.management_group)
            ],
            "state": subscription.state,
            "subscriptionPolicies": {"quotaId": "EnterpriseAgreement_2014-09-01", "spendingLimit": "Off"},
        },
    )


def assignment_row(
    tenant_id: str,
    scope: str,
    name: str,
    *,
    principal_id: str,
    principal_type: str | None,
    role_definition_id: str,
    created: str,
    **more: Any,
) -> Row:
    """A role assignment. `principal_type` None leaves the key away, as on old rows."""
    properties: dict[str, Any] = {
        "principalId": principal_id,
        "roleDefinitionId": role_definition_id,
        "scope": scope,
        "createdOn": created,
        "updatedOn": created,
        **{key: value for key, value in more.items() if value},
    }
    if principal_type is not None:
        properties["principalType"] = principal_type
    if properties.get("condition"):
        properties["conditionVersion"] = "2.0"
    return row(
        f"{scope.rstrip('/')}/providers/Microsoft.Authorization/RoleAssignments/{name}",
        name,
        "microsoft.authorization/roleassignments",
        tenant_id,
        properties=properties,
    )


def role_row(
    tenant_id: str,
    guid: str,
    name: str,
    permissions: list[dict[str, Any]],
    *,
    scopes: list[str],
    custom: bool,
    description: str = "",
    seen_from: str = "",
) -> Row:
    """A role definition, as seen from a subscription (`/subscriptions/...`) or from above them."""
    return row(
        f"{seen_from}/providers/Microsoft.Authorization/RoleDefinitions/{guid}",
        guid,
        "microsoft.authorization/roledefinitions",
        tenant_id,
        properties={
            "roleName": name,
            "type": "CustomRole" if custom else "BuiltInRole",
            "description": description,
            "permissions": permissions,
            "assignableScopes": scopes,
            "isServiceRole": False,
        },
    )


def built_in_role_rows(tenant_id: str) -> list[Row]:
    """Every role Azure ships and has not removed."""
    from scanner.catalog.roles import builtin_roles

    return [
        role_row(
            tenant_id,
            role.guid,
            role.name,
            [
                permissions(e.actions, e.not_actions, e.data_actions, e.not_data_actions, e.condition or "")
                for e in role.permissions
            ],
            scopes=list(role.assignable_scopes),
            custom=False,
        )
        for role in builtin_roles().values()
        if role.status != "removed"
    ]


def permissions(
    actions: Any, not_actions: Any, data_actions: Any, not_data_actions: Any, condition: str
) -> dict[str, Any]:
    """One permission entry in REST names."""
    entry: dict[str, Any] = {
        "actions": list(actions),
        "notActions": list(not_actions),
        "dataActions": list(data_actions),
        "notDataActions": list(not_data_actions),
    }
    if condition:
        entry |= {"condition": condition, "conditionVersion": "2.0"}
    return entry
