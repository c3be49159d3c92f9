"""A role assignment whose principal no longer exists.

## What it finds
A role assignment that holds now and whose principal the directory does not know any more: the identity, the
application, the user or the group was deleted and its access was left behind. Foreign groups live in another
directory and are left undecided, and so is everything where the directory could not be asked.

## Why it matters
No new principal ever gets the same object id, but a deleted application, user or group can be restored for
30 days and then has the access again. Until it is removed it counts against the 4,000 role assignments of the
subscription, and a reviewer must find out anew each time that it is nobody's. Where many are left, the next
deletion is not cleaned up either.

## How to fix it
Delete the role assignment:

```sh
az role assignment delete --ids "<role assignment id>"
```

In Bicep or Terraform remove the `Microsoft.Authorization/roleAssignments` resource or the
`azurerm_role_assignment` block together with the identity it was made for; declare both in one module, so that
they go together.

## References
- https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
"""

from scanner.rule import (
    Effort,
    Facts,
    Frame,
    Meta,
    Severity,
    Stage,
    assigned,
    bad,
    col,
    good,
    identity,
    lit,
    person,
    principal,
    refused,
    unknown,
)

META = Meta(
    id="MI104",
    name="assignment-to-deleted-principal",
    severity=Severity.LOW,
    effort=Effort.LOW,
    subject="assignments",
    reads=("principals",),
    message="{principal} no longer exists, but its access to {scope} remains ({role} at {level} scope)",
    controls=("mcsb:PA-3", "mcsb:PA-4"),
    since="0.1",
    stages=(Stage.DEPLOYED,),
)


def applies(facts: Facts) -> Frame:
    """Return role assignments that hold now."""
    return facts.assignments.filter(~col("eligible"))


def check(facts: Facts) -> Frame:
    """Return role assignments of principals that the directory does not know."""
    gone = facts.principals.filter(~col("exists"), col("type") != "ForeignGroup").select("principal")
    return (
        applies(facts)
        .join(gone, on="principal", how="semi")
        .select("assignment", "principal", "role", "scope", "level")
    )


def undecided(facts: Facts) -> Frame:
    """Return role assignments of principals of which the directory did not say whether they exist."""
    said = facts.principals.filter(~col("exists").is_null(), col("type") != "ForeignGroup").select(
        "principal"
    )
    return (
        applies(facts)
        .join(said, on="principal", how="anti")
        .select("assignment")
        .with_columns(reason=lit("the directory did not say whether its principal still exists"))
    )


CASES = (
    bad("a deleted identity", principal("ghost", exists=False), assigned("ghost", "Contributor")),
    bad("a person who has left", principal("leaver", "User", exists=False), assigned("leaver", "Reader")),
    bad(
        "one of two on the same scope",
        identity("app"),
        assigned("app", "Reader"),
        principal("ghost", exists=False),
        assigned("ghost", "Reader"),
        finds=("ghost Reader",),
    ),
    bad(
        "Azure did not say what kind of principal it was",
        principal("ghost", "Unknown", exists=False),
        assigned("ghost", "Storage Blob Data Reader", at="resource_group:data"),
    ),
    good("a living identity", identity("app"), assigned("app", "Contributor")),
    good("a living person", person("kim"), assigned("kim", "Reader")),
    good(
        "an eligible assignment of somebody deleted gives nothing",
        principal("ghost", "User", exists=False),
        assigned("ghost", "Owner", eligible=True),
    ),
    good(
        "an eligible assignment, the directory not asked",
        principal("kim", "User", exists=None),
        assigned("kim", "Owner", eligible=True),
    ),
    unknown("the directory was not asked", principal("robot", exists=None), assigned("robot", "Reader")),
    unknown(
        "a group of another directory, which this directory cannot know",
        principal("partners", "ForeignGroup", exists=False),
        assigned("partners", "Reader"),
    ),
    unknown(
        "a group of another directory, whatever was said of it",
        principal("partners", "ForeignGroup"),
        assigned("partners", "Reader"),
    ),
    unknown("the directory was refused", identity("app"), assigned("app", "Reader"), refused("principals")),
)
