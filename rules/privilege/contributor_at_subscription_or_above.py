"""A workload holds Contributor, or a role that allows as much, on a whole subscription or more.

## What it finds
A role assignment that a managed identity or another service principal holds now, directly or through a group,
at subscription, management group or tenant root scope, whose role can create and change most kinds of
resources. It is judged by what the role's action lists leave: `*` without a few providers is found, and
Contributor whose notActions leave one service only is not. What also grants access without a condition is
reported as full control (MI201) and not again here; an Owner whose condition restricts the granting is
reported here.

## Why it matters
Managing everything is one step away from owning everything. The workload, or whoever gets a token of it, can run
code on every virtual machine, attach other identities and act as them, read the keys of storage accounts, and
delete what it likes. A fault in one application becomes a fault of the subscription.

## How to fix it
Assign the role on the one resource group that the workload manages, or better a role for the one service, and
remove the wide assignment:

```sh
az role assignment create --assignee-object-id "<principal id>" --assignee-principal-type ServicePrincipal \\
    --role "Contributor" --scope "/subscriptions/<subscription>/resourceGroups/<group>"
az role assignment delete --ids "<role assignment id>"
```

```terraform
resource "azurerm_role_assignment" "deploy" {
  scope                = azurerm_resource_group.app.id
  role_definition_name = "Contributor"
  principal_id         = azurerm_user_assigned_identity.deploy.principal_id
}
```

The identity of a policy assignment that remediates gets the roles its policy definition lists under
`roleDefinitionIds`, at the scope of the assignment. Where that is Contributor and cannot be narrowed, accept it
with a reason under `[[exceptions]]` in `midas.toml`.

## References
- https://learn.microsoft.com/azure/role-based-access-control/best-practices
- https://learn.microsoft.com/azure/role-based-access-control/scope-overview
"""

from scanner.rule import (
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
    id="MI202",
    name="contributor-at-subscription-or-above",
    severity=Severity.HIGH,
    effort=Effort.MEDIUM,
    subject="workload_assignments",
    reads=("access",),
    key=("holder",),
    message="{holder} can manage everything in {scope} ({role} at {level} scope)",
    controls=("mcsb:PA-7", "mcsb:PA-1"),
    since="0.1",
    points_at=("properties.roleDefinitionName", "properties.roleDefinitionId"),
)


def _held(facts: Facts, *powers: str) -> Frame:
    """Return access at subscription or above by one of these powers, without full control (MI201)."""
    wide = facts.access.filter(col("level") <= Level.SUBSCRIPTION)
    full_control = wide.filter(col("power") == "full_control", ~col("conditioned"))
    return wide.filter(col("power").is_in(powers)).join(full_control, on="assignment", how="anti")


def check(facts: Facts) -> Frame:
    """Return workload grants at subscription or above that manage everything and fall short of full control."""
    return (
        _held(facts, "manage_everything")
        .filter(col("workload"))
        .select("assignment", "holder", "role", "scope", "level", "group", "pattern")
    )


def undecided(facts: Facts) -> Frame:
    """Return those whose role, or whose holder, is not known well enough."""
    return (
        _held(facts, "manage_everything", "not_understood")
        .filter(~col("doubt").is_null())
        .with_columns(reason=col("doubt"))
    )


_NO_AUTHORIZATION = ("Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete")

CASES = (
    bad("Contributor on a subscription", identity("app"), assigned("app", "Contributor")),
    bad("on a management group", identity("app"), assigned("app", "Contributor", at="management_group:corp")),
    bad(
        "held through a group",
        identity("app"),
        principal("team", "Group"),
        member("app", of="team"),
        assigned("team", "Contributor"),
    ),
    bad(
        "g: everything but the authorization writes and deletes, under a harmless name",
        identity("app"),
        custom_role("Reader", actions=["*"], not_actions=_NO_AUTHORIZATION),
        assigned("app", "Reader"),
    ),
    bad(
        "Contributor without a few providers is still one",
        identity("app"),
        custom_role(
            "almost", actions=["*"], not_actions=["Microsoft.Authorization/*", "Microsoft.Network/*"]
        ),
        assigned("app", "almost"),
    ),
    bad(
        "an Owner whose condition restricts the granting still manages everything",
        identity("app"),
        assigned("app", "Owner", condition=CONDITION_ON_GRANTING),
    ),
    bad(
        "an Owner whose granting is denied still manages everything",
        identity("app"),
        assigned("app", "Owner"),
        denied("app", actions=["Microsoft.Authorization/*/write"]),
    ),
    bad(
        "full control of one assignment says nothing about another",
        identity("app"),
        assigned("app", "Contributor"),
        assigned("app", "Owner"),
        finds=("app Contributor",),
    ),
    good("Owner is a finding of its own", identity("app"), assigned("app", "Owner")),
    good(
        "an Owner whose condition restricts something else is still one",
        identity("app"),
        assigned("app", "Owner", condition=CONDITION_ON_FEDERATING),
    ),
    good(
        "an Owner to whom something else is denied is still one",
        identity("app"),
        assigned("app", "Owner"),
        denied("app", actions=["Microsoft.ManagedIdentity/*"]),
    ),
    good(
        "a, b and h: full control is a finding of its own",
        identity("app"),
        custom_role("all", actions=["*"]),
        custom_role("second", actions=["Microsoft.Storage/*/read"], second={"actions": ["*"]}),
        custom_role("writer", actions=["*/write"]),
        assigned("app", "all"),
        assigned("app", "second"),
        assigned("app", "writer"),
    ),
    good(
        "c, d, e and f: granting, reading and data are not managing",
        identity("app"),
        custom_role("granter", actions=["Microsoft.Authorization/*"]),
        custom_role("assigner", actions=["Microsoft.Authorization/roleAssignments/write"]),
        custom_role("reader", actions=["*/read"]),
        custom_role("data", data_actions=["*"]),
        assigned("app", "granter"),
        assigned("app", "assigner"),
        assigned("app", "reader"),
        assigned("app", "data"),
    ),
    good(
        "Contributor is judged on what its notActions leave",
        identity("app"),
        custom_role("Contributor", actions=["*"], not_actions=["*/write", "*/delete", "*/action"]),
        assigned("app", "Contributor"),
    ),
    good("on a resource group", identity("app"), assigned("app", "Contributor", at="resource_group:app")),
    good(
        "one service only",
        identity("app"),
        assigned("app", "Network Contributor"),
        assigned("app", "Virtual Machine Contributor"),
    ),
    good(
        "it must be activated first",
        identity("app"),
        assigned("app", "Contributor", eligible=True),
        assigned("app", "Reader"),
    ),
    good(
        "deny assignments take it away",
        identity("app"),
        assigned("app", "Contributor"),
        denied(None, actions=["*"]),
    ),
    good(
        "people are judged by access reviews, not here",
        identity("app"),
        person("developer"),
        assigned("developer", "Contributor"),
        assigned("app", "Reader"),
    ),
    good(
        "nobody understood a role that is held by a person",
        identity("app"),
        person("developer"),
        custom_role("odd", readable=False),
        assigned("developer", "odd"),
        assigned("app", "Reader"),
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
        assigned("team", "Contributor"),
        refused("memberships"),
    ),
)
