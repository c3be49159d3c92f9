"""A custom role allows an operation of every resource provider by a wildcard.

## What it finds
A custom role with a pattern in `actions` or `dataActions` whose provider is a wildcard, such as `*`, `*/write` or
`Microsoft.*/delete`, in any of its permission entries. `*/read` in `actions` is no danger (Reader has it), nor is
`*/register/action`; `*/read` in `dataActions` is one, for it reads everybody's data. A role whose notActions leave
nothing but reading is not reported. A wildcard within one provider (`Microsoft.Compute/*`) is not reported here.

## Why it matters
The role grows by itself: every operation that any provider adds from now on is in it, and nobody is asked. It is also
wider than its author thought, because `*` in an action crosses slashes: `*/write` writes role assignments too. And
notActions take away only from the entry they stand in, so a second entry gives back what the first one leaves out.

## How to fix it
Replace the wildcard by the operations that the role is for. What its holders did in the last months stands in the
activity log of each subscription:

```sh
az role definition list --name "<role name>" --custom-role-only true --output json > role.json
az monitor activity-log list --subscription "<subscription>" --caller "<principal id>" --offset 90d \\
    --max-events 5000 --query "[].operationName.value" --output tsv | sort | uniq -c
# write those operations, or Provider/type/*, into "actions" in place of the wildcard
az role definition update --role-definition role.json
```

In Terraform the lists are in the `permissions` block of `azurerm_role_definition`, in Bicep under
`properties.permissions` of `Microsoft.Authorization/roleDefinitions`. If a built-in role fits, assign that and delete
the custom one.

## References
- https://learn.microsoft.com/azure/role-based-access-control/custom-roles
- https://learn.microsoft.com/azure/role-based-access-control/best-practices
"""

from scanner.rule import (
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
    refused,
    unknown,
)

META = Meta(
    id="MI206",
    name="custom-role-with-wildcard-actions",
    severity=Severity.MEDIUM,
    effort=Effort.MEDIUM,
    subject="custom_roles",
    reads=("permissions", "capabilities"),
    message="the custom role {name} allows {pattern}, of every provider there is and will be",
    controls=("mcsb:PA-7",),
    since="0.1",
    points_at=("properties.permissions[].actions", "properties.permissions[].dataActions"),
)


def check(facts: Facts) -> Frame:
    """Return custom roles that do more than read and have a pattern with a wildcard for its provider."""
    bare = col("pattern").str.to_lowercase().str.strip_chars()
    harmless = bare.str.ends_with("/read") | bare.str.ends_with("/register/action")
    wild = facts.permissions.filter(
        col("part").is_in(["actions", "dataActions"]),
        bare.str.contains(r"^[^/]*\*"),
        (col("part") == "dataActions") | ~harmless,
    )
    doing = facts.capabilities.filter(col("power") != "read")
    return (
        facts.custom_roles.join(wild, on="role")
        .join(doing, on="role", how="semi")
        .group_by("role")
        .agg(col("pattern").min())
    )


CASES = (
    bad("a: everything", custom_role("all", actions=["*"])),
    bad(
        "b: in the second permission entry",
        custom_role("second", actions=["Microsoft.Storage/*/read"], second={"actions": ["*"]}),
    ),
    bad("f: all data", custom_role("data", data_actions=["*"])),
    bad(
        "g: everything but the authorization writes and deletes, and what is added tomorrow",
        custom_role(
            "builder",
            actions=["*"],
            not_actions=["Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete"],
        ),
    ),
    bad("h: every write", custom_role("writer", actions=["*/write"])),
    bad("every delete, with a blank and in capitals", custom_role("cleaner", actions=[" */DELETE "])),
    bad(
        "every provider of one publisher",
        custom_role("publisher", actions=["Microsoft.*/virtualMachines/write"]),
    ),
    bad("every operation called by a name", custom_role("keys", actions=["*/listKeys/action"])),
    bad("reading everybody's data", custom_role("reader", data_actions=["*/read"])),
    bad(
        "beside a list of sensible actions",
        custom_role("mixed", actions=["Microsoft.Compute/virtualMachines/start/action", "*/action"]),
    ),
    good(
        "c: one provider, which is a finding of its own",
        custom_role("c", actions=["Microsoft.Authorization/*"]),
    ),
    good(
        "d: one operation, which is a finding of its own",
        custom_role("d", actions=["Microsoft.Authorization/roleAssignments/write"]),
    ),
    good(
        "e: reading settings",
        custom_role("e", actions=["*/read", "Microsoft.Compute/virtualMachines/start/action"]),
    ),
    good(
        "reading settings, with a blank and in capitals",
        custom_role("e", actions=[" */READ ", "Microsoft.Compute/virtualMachines/start/action"]),
    ),
    good(
        "registering providers",
        custom_role("starter", actions=["*/register/action", "Microsoft.Storage/storageAccounts/write"]),
    ),
    good(
        "wildcards within a provider",
        custom_role("compute", actions=["Microsoft.Compute/*", "Microsoft.Web/*/write"]),
    ),
    good(
        "wildcards in notActions take away",
        custom_role("limited", actions=["Microsoft.Compute/*"], not_actions=["*/delete"]),
    ),
    good(
        "wildcards in notDataActions take away",
        custom_role("limited", data_actions=["Microsoft.Storage/*"], not_data_actions=["*/delete"]),
    ),
    good(
        "notActions leave nothing but reading",
        custom_role("audit", actions=["*"], not_actions=["*/write", "*/delete", "*/action"]),
    ),
    good(
        "a built-in role is what it is",
        custom_role("narrow", actions=["Microsoft.Compute/virtualMachines/start/action"]),
        identity("app"),
        assigned("app", "Contributor"),
    ),
    unknown("its permissions were not understood", custom_role("odd", readable=False)),
    unknown(
        "the permissions were not read", custom_role("narrow", actions=["*/read"]), refused("permissions")
    ),
)
