"""A custom role lets its holder hand out access.

## What it finds
A custom role that allows writing role assignments, role definitions or privileged access requests without a
condition in the permission entry, judged by what its entries leave after their notActions: `*`, `*/write`,
`Microsoft.Authorization/*` and the plain operation are all found, whatever the role is called.

## Why it matters
Whoever holds such a role is one call away from Owner of its scope. Built-in roles with that power are few and known
by name; a custom one hides in a list of hundreds, and gets assigned by people who read its name only.

## How to fix it
Take the power to grant access out of the role:

```sh
az role definition list --name "<role name>" --custom-role-only true --output json > role.json
# remove Microsoft.Authorization/* from "actions"; where an entry has a wildcard, add to its "notActions":
#   "Microsoft.Authorization/*/write", "Microsoft.Authorization/*/delete",
#   "Microsoft.Authorization/elevateAccess/action"
az role definition update --role-definition role.json
```

In Terraform the lists are in the `permissions` block of `azurerm_role_definition`, in Bicep under
`properties.permissions` of `Microsoft.Authorization/roleDefinitions`. Who has to hand out a few roles gets the built-in
*Role Based Access Control Administrator* with a condition that lists them.

## References
- https://learn.microsoft.com/azure/role-based-access-control/custom-roles
- https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview
"""

from scanner.rule import (
    CONDITION_ON_GRANTING,
    Effort,
    Facts,
    Frame,
    Meta,
    Severity,
    assigned,
    bad,
    col,
    custom_role,
    good,
    identity,
    lit,
    refused,
    unknown,
    when,
)

META = Meta(
    id="MI207",
    name="custom-role-that-can-grant-roles",
    severity=Severity.HIGH,
    effort=Effort.LOW,
    subject="custom_roles",
    reads=("capabilities",),
    message="whoever holds the custom role {name} can hand out access: {pattern} lets them {granting}",
    controls=("mcsb:PA-7", "mcsb:PA-1"),
    since="0.1",
    points_at=("properties.permissions[].actions", "properties.permissions[].dataActions"),
)


def check(facts: Facts) -> Frame:
    """Return custom roles that grant access without a condition, the pattern and what of access it lets them write."""
    free = facts.capabilities.filter(~col("conditioned"))
    # The pattern of `grant_access` gives the first of these that the role allows.
    ways = free.group_by("role").agg(
        assigns=(col("power") == "write_role_assignments").any(),
        defines=(col("power") == "define_roles").any(),
    )
    granting = (
        when(col("assigns"))
        .then(lit("write role assignments"))
        .when(col("defines"))
        .then(lit("write role definitions"))
        .otherwise(lit("write requests for privileged access"))
    )
    return (
        facts.custom_roles.join(free.filter(col("power") == "grant_access"), on="role")
        .join(ways, on="role")
        .with_columns(granting=granting)
        .select("role", "pattern", "granting")
    )


CASES = (
    bad("a: everything", custom_role("Reader", actions=["*"])),
    bad(
        "b: in the second permission entry",
        custom_role("second", actions=["Microsoft.Storage/*/read"], second={"actions": ["*"]}),
    ),
    bad("c: a whole provider", custom_role("c", actions=["Microsoft.Authorization/*"])),
    bad("d: the one operation", custom_role("d", actions=["Microsoft.Authorization/roleAssignments/write"])),
    bad(
        "the one operation, spelt otherwise",
        custom_role("d", actions=["MICROSOFT.authorization/ROLEassignments/Write"]),
    ),
    bad("h: every write", custom_role("h", actions=["*/write"])),
    bad("rewriting roles", custom_role("definer", actions=["Microsoft.Authorization/roleDefinitions/write"])),
    bad(
        "what one entry takes away another one gives",
        custom_role(
            "split",
            actions=["*"],
            not_actions=["Microsoft.Authorization/*"],
            second={"actions": ["Microsoft.Authorization/roleAssignments/*"]},
        ),
    ),
    bad(
        "a condition in one of two entries",
        custom_role(
            "half",
            actions=["Microsoft.Authorization/roleAssignments/write"],
            condition=CONDITION_ON_GRANTING,
            second={"actions": ["Microsoft.Authorization/roleAssignments/write"]},
        ),
    ),
    good("e: reading", custom_role("Owner", actions=["*/read"])),
    good("f: all data", custom_role("f", data_actions=["*"])),
    good(
        "g: everything but the authorization writes and deletes",
        custom_role(
            "g",
            actions=["*"],
            not_actions=["Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete"],
        ),
    ),
    good(
        "the permission entry carries a condition",
        custom_role(
            "some", actions=["Microsoft.Authorization/roleAssignments/write"], condition=CONDITION_ON_GRANTING
        ),
    ),
    good(
        "a built-in role is what it is",
        custom_role("narrow", actions=["Microsoft.Compute/virtualMachines/start/action"]),
        identity("app"),
        assigned("app", "Owner"),
    ),
    unknown("its permissions were not understood", custom_role("odd", readable=False)),
    unknown(
        "the permissions were not read", custom_role("narrow", actions=["*/read"]), refused("permissions")
    ),
)
