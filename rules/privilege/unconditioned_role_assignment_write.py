"""A workload can give access to anybody, itself included.

## What it finds
A role assignment, at any scope, that lets a managed identity or another service principal write role
assignments or role definitions there without a condition: neither the assignment nor the role's own permission
entry restricts which roles it may hand out. It is judged by the role's action lists, so
`Microsoft.Authorization/*` in a custom role is found as User Access Administrator is. Full control of a
subscription or more is reported by MI201 and not again here.

## Why it matters
Whoever can write role assignments at a scope decides who owns it: one call makes the workload, or anybody else,
Owner there. The permission looks small in a list of roles, and the step it allows leaves only one line
in the activity log.

## How to fix it
Restrict the assignment by a condition that lists the roles the workload may hand out. For a deployment that gives
an application access to its storage, say, these are one or two:

```sh
az role assignment create --assignee-object-id "<principal id>" --assignee-principal-type ServicePrincipal \\
    --role "Role Based Access Control Administrator" --scope "<resource group id>" \\
    --condition-version "2.0" --condition "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {<role guid>, <role guid>})) AND ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR (@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {<role guid>, <role guid>}))"
az role assignment delete --ids "<role assignment id>"
```

In Terraform these are `condition` and `condition_version` of `azurerm_role_assignment`, in Bicep the properties of
the same names. If it hands out nothing, take `Microsoft.Authorization/*/write` out of its custom role, or assign
Contributor in place of Owner.

## References
- https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview
- https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-examples
"""  # noqa: E501 -- a condition to paste is one line

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
    id="MI203",
    name="unconditioned-role-assignment-write",
    severity=Severity.HIGH,
    effort=Effort.MEDIUM,
    subject="workload_assignments",
    reads=("access",),
    key=("holder",),
    message="{holder} can give anybody access to {scope}, itself included ({role} at {level} scope)",
    controls=("mcsb:PA-7", "mcsb:PA-1"),
    since="0.1",
    points_at=("properties.roleDefinitionName", "properties.roleDefinitionId"),
)


def _held(facts: Facts, *powers: str) -> Frame:
    """Return access by one of these powers without a condition, short of what MI201 reports."""
    free = facts.access.filter(~col("conditioned"))
    full_control = free.filter(col("level") <= Level.SUBSCRIPTION, col("power") == "full_control")
    return free.filter(col("power").is_in(powers)).join(full_control, on="assignment", how="anti")


def check(facts: Facts) -> Frame:
    """Return workload grants that hand out access without a condition and fall short of full control."""
    return (
        _held(facts, "grant_access")
        .filter(col("workload"))
        .select("assignment", "holder", "role", "scope", "level", "group", "pattern")
    )


def undecided(facts: Facts) -> Frame:
    """Return those whose role, or whose holder, is not known well enough."""
    return (
        _held(facts, "grant_access", "not_understood")
        .filter(~col("doubt").is_null())
        .with_columns(reason=col("doubt"))
    )


_NO_OTHER_PROVIDER = [f"Microsoft.{letter}*" for letter in "bcdefghijklmnopqrstuvwxyz"]

CASES = (
    bad("User Access Administrator", identity("app"), assigned("app", "User Access Administrator")),
    bad(
        "Role Based Access Control Administrator on one resource",
        identity("app"),
        assigned("app", "Role Based Access Control Administrator", at="identity:app"),
    ),
    bad("Owner of a resource group", identity("app"), assigned("app", "Owner", at="resource_group:app")),
    bad(
        "held through a group",
        identity("app"),
        principal("team", "Group"),
        member("app", of="team"),
        assigned("team", "User Access Administrator"),
    ),
    bad(
        "c: a whole provider",
        identity("app"),
        custom_role("Reader", actions=["Microsoft.Authorization/*"]),
        assigned("app", "Reader"),
    ),
    bad(
        "d: the one operation",
        identity("app"),
        custom_role("assigner", actions=["Microsoft.Authorization/roleAssignments/write"]),
        assigned("app", "assigner", at="resource_group:app"),
    ),
    bad(
        "it can rewrite role definitions, its own among them",
        identity("app"),
        custom_role("definer", actions=["Microsoft.Authorization/roleDefinitions/write"]),
        assigned("app", "definer", condition=CONDITION_ON_GRANTING),
    ),
    bad(
        "a condition about something else does not restrict the granting",
        identity("app"),
        custom_role("both", actions=["Microsoft.Authorization/*", "Microsoft.ManagedIdentity/*"]),
        assigned("app", "both", condition=CONDITION_ON_FEDERATING),
    ),
    bad(
        "full control of a subscription that a deny assignment cuts down to the granting",
        identity("app"),
        assigned("app", "Owner"),
        denied("app", actions=_NO_OTHER_PROVIDER),
    ),
    bad(
        "full control of one assignment says nothing about another",
        identity("app"),
        assigned("app", "Owner"),
        assigned("app", "User Access Administrator"),
        finds=("app User Access Administrator",),
    ),
    good("full control of a subscription is a finding of its own", identity("app"), assigned("app", "Owner")),
    good(
        "so it is where something else is denied",
        identity("app"),
        assigned("app", "Owner"),
        denied("app", actions=["Microsoft.ManagedIdentity/*"]),
    ),
    good(
        "a, b and h: full control of a subscription is a finding of its own",
        identity("app"),
        custom_role("all", actions=["*"]),
        custom_role("second", actions=["Microsoft.Storage/*/read"], second={"actions": ["*"]}),
        custom_role("writer", actions=["*/write"]),
        assigned("app", "all"),
        assigned("app", "second"),
        assigned("app", "writer"),
    ),
    good(
        "e, f and g: reading, all data, and everything but the authorization writes",
        identity("app"),
        custom_role("User Access Administrator", actions=["*/read"]),
        custom_role("data", data_actions=["*"]),
        custom_role(
            "builder",
            actions=["*"],
            not_actions=["Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete"],
        ),
        assigned("app", "User Access Administrator"),
        assigned("app", "data", at="resource_group:app"),
        assigned("app", "builder", at="resource_group:app"),
    ),
    good(
        "the assignment's condition says which roles",
        identity("app"),
        assigned("app", "Role Based Access Control Administrator", condition=CONDITION_ON_GRANTING),
        assigned("app", "Owner", at="resource_group:app", condition=CONDITION_ON_GRANTING),
    ),
    good(
        "the role's own permission entry carries the condition",
        identity("app"),
        assigned("app", "Key Vault Data Access Administrator"),
    ),
    good("Contributor", identity("app"), assigned("app", "Contributor")),
    good(
        "it must be activated first",
        identity("app"),
        assigned("app", "User Access Administrator", eligible=True),
        assigned("app", "Reader"),
    ),
    good(
        "a deny assignment takes it away",
        identity("app"),
        assigned("app", "User Access Administrator"),
        denied(None, actions=["Microsoft.Authorization/*"]),
    ),
    good(
        "people are judged by access reviews, not here",
        identity("app"),
        person("admin"),
        assigned("admin", "User Access Administrator"),
        assigned("app", "Reader"),
    ),
    good(
        "nobody understood a role that is held by a person",
        identity("app"),
        person("admin"),
        custom_role("odd", readable=False),
        assigned("admin", "odd"),
        assigned("app", "Reader"),
    ),
    unknown(
        "a role that nobody understood, at any scope",
        identity("app"),
        custom_role("odd", readable=False),
        assigned("app", "odd", at="resource_group:app"),
    ),
    unknown(
        "the directory was not asked who is in the group",
        principal("team", "Group"),
        assigned("team", "User Access Administrator", at="resource_group:app"),
        refused("memberships"),
    ),
)
