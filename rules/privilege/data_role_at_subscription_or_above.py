"""A workload can read or change data in a whole subscription or more.

## What it finds
A role assignment that a managed identity or another service principal holds now, directly or through a group, at
subscription, management group or tenant root scope, whose role has data actions that reach what customers keep in
services: blobs, secrets, messages, logs. Data actions that only publish metrics or read names are not counted. A
condition, on the assignment or in the role, that restricts the data actions is respected. Full control of a
subscription is reported by MI201 and not again here.

## Why it matters
The role reaches the data of every service in the subscription, those of other teams and those that are created next
year included. A workload needs one or two of them, and nobody who creates a storage account or a key vault there will
know who can read it already.

## How to fix it
Assign the role on the one resource whose data the workload needs (a storage account, a vault, a workspace), and remove
the wide assignment:

```sh
az role assignment create --assignee-object-id "<principal id>" --assignee-principal-type ServicePrincipal \\
    --role "Storage Blob Data Reader" --scope "<storage account id>"
az role assignment delete --ids "<role assignment id>"
```

```bicep
resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, app.id, roleId)
  scope: account
  properties: {
    principalId: app.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  }
}
```

In Terraform, set `scope = azurerm_storage_account.app.id` in the `azurerm_role_assignment`.

## References
- https://learn.microsoft.com/azure/role-based-access-control/scope-overview
- https://learn.microsoft.com/azure/role-based-access-control/conditions-overview
"""

from scanner.rule import (
    CONDITION_ON_BLOBS,
    CONDITION_ON_FEDERATING,
    CONDITION_ON_GRANTING,
    Effort,
    Facts,
    Frame,
    Level,
    Meta,
    Severity,
    assigned,
    bad,
    col,
    custom_role,
    denied,
    good,
    identity,
    member,
    person,
    principal,
    refused,
    unknown,
)

META = Meta(
    id="MI205",
    name="data-role-at-subscription-or-above",
    severity=Severity.HIGH,
    effort=Effort.LOW,
    subject="workload_assignments",
    reads=("access",),
    key=("holder",),
    message="{holder} reaches the data of services in all of {scope} ({role} at {level} scope)",
    controls=("mcsb:PA-7",),
    since="0.1",
    points_at=("properties.roleDefinitionName", "properties.roleDefinitionId"),
)


def _held(facts: Facts, *powers: str) -> Frame:
    """Return access at subscription or above by one of these powers without a condition, short of full control."""
    wide = facts.access.filter(col("level") <= Level.SUBSCRIPTION, ~col("conditioned"))
    full_control = wide.filter(col("power") == "full_control")
    return wide.filter(col("power").is_in(powers)).join(full_control, on="assignment", how="anti")


def check(facts: Facts) -> Frame:
    """Return workload grants at subscription or above that reach data and fall short of full control."""
    return (
        _held(facts, "data_access")
        .filter(col("workload"))
        .select("assignment", "holder", "role", "scope", "level", "group", "pattern")
    )


def undecided(facts: Facts) -> Frame:
    """Return those whose role, or whose holder, is not known well enough."""
    return (
        _held(facts, "data_access", "not_understood")
        .filter(~col("doubt").is_null())
        .with_columns(reason=col("doubt"))
    )


_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"

CASES = (
    bad("blobs of a subscription", identity("app"), assigned("app", "Storage Blob Data Reader")),
    bad(
        "secrets of a management group",
        identity("app"),
        assigned("app", "Key Vault Secrets User", at="management_group:corp"),
    ),
    bad(
        "held through a group",
        identity("app"),
        principal("team", "Group"),
        member("app", of="team"),
        assigned("team", "Storage Blob Data Reader"),
    ),
    bad(
        "f: all data, under a harmless name",
        identity("app"),
        custom_role("Reader", data_actions=["*"]),
        assigned("app", "Reader"),
    ),
    bad(
        "reading is enough when it is data",
        identity("app"),
        custom_role("data reader", data_actions=["*/read"]),
        assigned("app", "data reader"),
    ),
    bad(
        "a role that manages everything and reads data has two faults",
        identity("app"),
        custom_role(
            "both",
            actions=["*"],
            not_actions=["Microsoft.Authorization/*"],
            data_actions=["Microsoft.KeyVault/vaults/secrets/getSecret/action"],
        ),
        assigned("app", "both"),
    ),
    bad(
        "an owner of all data whose condition restricts the granting",
        identity("app"),
        custom_role("all", actions=["*"], data_actions=["*"]),
        assigned("app", "all", condition=CONDITION_ON_GRANTING),
    ),
    bad(
        "an owner of all data whose granting is denied",
        identity("app"),
        custom_role("all", actions=["*"], data_actions=["*"]),
        assigned("app", "all"),
        denied("app", actions=["Microsoft.Authorization/*"]),
    ),
    bad(
        "the condition restricts reading, not writing",
        identity("app"),
        assigned("app", "Storage Blob Data Owner", condition=CONDITION_ON_BLOBS),
    ),
    bad(
        "full control of one assignment says nothing about another",
        identity("app"),
        assigned("app", "Storage Blob Data Reader"),
        assigned("app", "Owner"),
        finds=("app Storage Blob Data Reader",),
    ),
    good(
        "on one resource group",
        identity("app"),
        assigned("app", "Storage Blob Data Reader", at="resource_group:app"),
    ),
    good(
        "a, b and h: what manages the services has no data actions",
        identity("app"),
        custom_role("all", actions=["*"]),
        custom_role("second", actions=["Microsoft.Storage/*/read"], second={"actions": ["*"]}),
        custom_role("writer", actions=["*/write"]),
        assigned("app", "all"),
        assigned("app", "second"),
        assigned("app", "writer"),
    ),
    good(
        "c, d, e and g: neither has what grants or reads settings",
        identity("app"),
        custom_role("granter", actions=["Microsoft.Authorization/*"]),
        custom_role("assigner", actions=["Microsoft.Authorization/roleAssignments/write"]),
        custom_role("Storage Blob Data Reader", actions=["*/read"]),
        custom_role(
            "builder",
            actions=["*"],
            not_actions=["Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete"],
        ),
        assigned("app", "granter"),
        assigned("app", "assigner"),
        assigned("app", "Storage Blob Data Reader"),
        assigned("app", "builder"),
    ),
    good(
        "full control of a subscription with its data is a finding of its own",
        identity("app"),
        custom_role("all", actions=["*"], data_actions=["*"]),
        assigned("app", "all"),
    ),
    good(
        "so it is where the condition restricts something else",
        identity("app"),
        custom_role("all", actions=["*"], data_actions=["*"]),
        assigned("app", "all", condition=CONDITION_ON_FEDERATING),
    ),
    good(
        "so it is where something else is denied",
        identity("app"),
        custom_role("all", actions=["*"], data_actions=["*"]),
        assigned("app", "all"),
        denied("app", actions=["Microsoft.ManagedIdentity/*"]),
    ),
    good(
        "publishing metrics is no access to data",
        identity("app"),
        assigned("app", "Monitoring Metrics Publisher"),
    ),
    good(
        "notDataActions leave nothing",
        identity("app"),
        custom_role("none", data_actions=["Microsoft.Storage/*"], not_data_actions=["Microsoft.Storage/*"]),
        assigned("app", "none"),
    ),
    good(
        "the assignment's condition restricts it",
        identity("app"),
        assigned("app", "Storage Blob Data Reader", condition=CONDITION_ON_BLOBS),
    ),
    good(
        "the role's own permission entry carries the condition",
        identity("app"),
        custom_role("public blobs", data_actions=[f"{_BLOBS}/read"], condition=CONDITION_ON_BLOBS),
        assigned("app", "public blobs"),
    ),
    good(
        "a deny assignment takes it away",
        identity("app"),
        assigned("app", "Storage Blob Data Reader"),
        denied(None, data_actions=["Microsoft.Storage/*"]),
    ),
    good(
        "it must be activated first",
        identity("app"),
        assigned("app", "Storage Blob Data Reader", eligible=True),
        assigned("app", "Reader"),
    ),
    good(
        "people are judged by access reviews, not here",
        identity("app"),
        person("analyst"),
        assigned("analyst", "Storage Blob Data Reader"),
        assigned("app", "Reader"),
    ),
    good(
        "nobody understood a role that is held by a person, or further down",
        identity("app"),
        person("analyst"),
        custom_role("odd", readable=False),
        assigned("analyst", "odd"),
        assigned("app", "odd", at="resource_group:app"),
    ),
    unknown(
        "a role that nobody understood",
        identity("app"),
        custom_role("odd", readable=False),
        assigned("app", "odd"),
    ),
    unknown(
        "the directory was not asked who is in the group",
        principal("team", "Group"),
        assigned("team", "Storage Blob Data Reader"),
        refused("memberships"),
    ),
)
