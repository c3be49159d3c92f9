"""A workload holds Owner, or a role that allows as much, on a whole subscription or more.

## What it finds
A role assignment that a managed identity or another service principal holds now, directly or through a group,
at subscription, management group or tenant root scope, whose role really allows everything: managing
resources of every kind **and** granting access. It is judged by the role's action lists, so a renamed custom
role with `*` is found and a custom role that is merely called Owner is not. A condition that restricts which
role assignments may be written, and a deny assignment that takes the power away, are respected.

## Why it matters
Whoever gets code to run on the host, or a token from it, owns the subscription: every resource, every secret,
every other identity, and the access of everybody else. A workload never needs to grant access to the whole
subscription it runs in.

## How to fix it
Assign the narrow roles that it needs at the resource group or resource, then remove this assignment. What it does
stands in the activity log of the subscription.

```sh
az role assignment create --assignee-object-id "<principal id>" --assignee-principal-type ServicePrincipal \\
    --role "<narrow role>" --scope "<resource group or resource id>"
az role assignment delete --ids "<role assignment id>"
```

In Terraform, narrow `scope` and `role_definition_name` of the `azurerm_role_assignment`; in Bicep, move the
`Microsoft.Authorization/roleAssignments` resource into a module with the scope of the resource group.

A deployment identity that must grant access gets *Role Based Access Control Administrator* with a condition
that lists the roles it may assign, beside Contributor on its resource groups.

## References
- https://learn.microsoft.com/azure/role-based-access-control/best-practices
- https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview
"""

from scanner.rule import (
    CONDITION_ON_BLOBS,
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
    management_group,
    member,
    person,
    principal,
    refused,
    subscription,
    unknown,
)

META = Meta(
    id="MI201",
    name="owner-at-subscription-or-above",
    severity=Severity.CRITICAL,
    effort=Effort.MEDIUM,
    subject="workload_assignments",
    reads=("access",),
    key=("holder",),
    message="{holder} has full control of {scope} ({role} at {level} scope)",
    controls=("mcsb:PA-7", "mcsb:PA-1"),
    since="0.1",
    points_at=("properties.roleDefinitionName", "properties.roleDefinitionId"),
)


def _held(facts: Facts, *powers: str) -> Frame:
    """Return access at subscription or above by one of these powers, without a condition."""
    return facts.access.filter(
        col("level") <= Level.SUBSCRIPTION, col("power").is_in(powers), ~col("conditioned")
    )


def check(facts: Facts) -> Frame:
    """Return workload grants at subscription or above that give full control."""
    return (
        _held(facts, "full_control")
        .filter(col("workload"))
        .select("assignment", "holder", "role", "scope", "level", "group", "pattern")
    )


def undecided(facts: Facts) -> Frame:
    """Return those whose role, or whose holder, is not known well enough."""
    return (
        _held(facts, "full_control", "not_understood")
        .filter(~col("doubt").is_null())
        .with_columns(reason=col("doubt"))
    )


_BLOB_READ = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
_NO_AUTHORIZATION = ("Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete")

CASES = (
    bad("Owner on a subscription", identity("app"), assigned("app", "Owner")),
    bad("Owner on a management group", identity("app"), assigned("app", "Owner", at="management_group:corp")),
    bad("Owner on the tenant root", identity("app"), assigned("app", "Owner", at="tenant")),
    bad("a service principal that is no managed identity", principal("ci"), assigned("ci", "Owner")),
    bad(
        "held through a group",
        identity("app"),
        principal("team", "Group"),
        person("somebody"),
        member("app", of="team"),
        member("somebody", of="team"),
        assigned("team", "Owner"),
    ),
    bad(
        "a: a custom role with a harmless name allows everything",
        identity("app"),
        custom_role("Reader", actions=["*"]),
        assigned("app", "Reader"),
    ),
    bad(
        "b: the wildcard stands in the second permission entry",
        identity("app"),
        custom_role("deploy", actions=["Microsoft.Storage/*/read"], second={"actions": ["*"]}),
        assigned("app", "deploy"),
    ),
    bad(
        "h: every write, those of role assignments included",
        identity("app"),
        custom_role("writer", actions=["*/write"]),
        assigned("app", "writer"),
    ),
    bad(
        "what one entry takes away another one gives",
        identity("app"),
        custom_role(
            "split",
            actions=["*"],
            not_actions=["Microsoft.Authorization/*"],
            second={"actions": ["microsoft.authorization/roleassignments/WRITE"]},
        ),
        assigned("app", "split"),
    ),
    bad(
        "a condition about blobs does not restrict an owner",
        identity("app"),
        custom_role("all", actions=["*"], data_actions=[_BLOB_READ]),
        assigned("app", "all", condition=CONDITION_ON_BLOBS),
    ),
    bad(
        "a denial of something else leaves full control",
        identity("app"),
        assigned("app", "Owner"),
        denied(None, actions=["Microsoft.ManagedIdentity/*"]),
    ),
    bad(
        "denied to everybody but this one",
        identity("app"),
        assigned("app", "Owner"),
        denied(None, actions=["*"], spares=["app"]),
    ),
    bad(
        "denied in one resource group only",
        identity("app"),
        assigned("app", "Owner"),
        denied(None, actions=["*"], at="resource_group:locked"),
    ),
    bad(
        "the deny assignments were not read, which hides no owner",
        identity("app"),
        assigned("app", "Owner"),
        refused("deny_assignments"),
    ),
    good(
        "a name says nothing: a custom role called Owner that only reads",
        identity("app"),
        custom_role("Owner", actions=["*/read"]),
        assigned("app", "Owner"),
    ),
    good("Owner on a resource group", identity("app"), assigned("app", "Owner", at="resource_group:app")),
    good("Contributor cannot grant access", identity("app"), assigned("app", "Contributor")),
    good(
        "c and d: granting access is not managing everything, which is a finding of its own",
        identity("app"),
        custom_role("granter", actions=["Microsoft.Authorization/*"]),
        custom_role("assigner", actions=["Microsoft.Authorization/roleAssignments/write"]),
        assigned("app", "granter"),
        assigned("app", "assigner"),
    ),
    good(
        "e, f and g: reading, all data, and everything but the authorization writes",
        identity("app"),
        custom_role("reader", actions=["*/read"]),
        custom_role("data", data_actions=["*"]),
        custom_role("builder", actions=["*"], not_actions=_NO_AUTHORIZATION),
        assigned("app", "reader"),
        assigned("app", "data"),
        assigned("app", "builder"),
    ),
    good(
        "a condition restricts which role assignments it may write",
        identity("app"),
        assigned("app", "Owner", condition=CONDITION_ON_GRANTING),
    ),
    good(
        "it must be activated first",
        identity("app"),
        assigned("app", "Owner", eligible=True),
        assigned("app", "Reader"),
    ),
    good(
        "deny assignments take it away",
        identity("app"),
        assigned("app", "Owner"),
        denied(None, actions=["*"], at="management_group:corp"),
    ),
    good(
        "deny assignments take the granting away",
        identity("app"),
        assigned("app", "Owner"),
        denied("app", actions=["Microsoft.Authorization/*/write"]),
    ),
    good(
        "people are judged by access reviews, not here",
        identity("app"),
        person("admin"),
        principal("admins", "Group"),
        member("admin", of="admins"),
        assigned("admin", "Owner"),
        assigned("admins", "Owner"),
        assigned("app", "Reader"),
    ),
    good(
        "the group's members were not read, but it holds little",
        principal("team", "Group"),
        assigned("team", "Reader"),
        assigned("team", "Owner", at="resource_group:app"),
        refused("memberships"),
    ),
    good(
        "nobody understood a role that is held on a resource group, or by a person",
        identity("app"),
        person("admin"),
        custom_role("odd", readable=False),
        assigned("app", "odd", at="resource_group:app"),
        assigned("admin", "odd"),
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
        assigned("team", "Owner"),
        refused("memberships"),
    ),
    unknown(
        "the members of one of two groups were not read",
        principal("team", "Group"),
        principal("admins", "Group"),
        assigned("team", "Owner"),
        assigned("admins", "Owner"),
        refused("memberships", at="group:team"),
    ),
    unknown(
        "not even the kind of the principal is known",
        principal("somebody", "Unknown"),
        assigned("somebody", "Owner"),
    ),
    unknown("the roles were not read", identity("app"), assigned("app", "Reader"), refused("roles")),
    unknown(
        "a subscription whose assignments were not read",
        management_group("sandbox"),
        subscription("other", under="management_group:sandbox"),
        identity("app"),
        assigned("app", "Reader"),
        refused("assignments", at="subscription:other"),
        finds=("other",),
    ),
)
