"""A role assignment that a wider one already contains.

## What it finds
A role assignment of a managed identity or another service principal whose holder has the same role, directly or
through a group, at a scope that contains this one: Reader on a resource group below Reader on the subscription. The
wider one has to hold now and without a condition. Narrower *roles* below a wider role are not reported: when Owner of
the subscription goes, they are what should remain.

## Why it matters
The narrow assignment grants nothing, and misleads. Removing it changes nothing, so a review that takes it away
believes in a fix that did not happen; and a condition on it restricts nothing, because the wider one has none. It also
counts against the limit of role assignments in a subscription.

## How to fix it
Remove the wider assignment if the narrow one is enough, which is the better case; else remove the narrow one:

```sh
az role assignment delete --ids "<id of the wider role assignment>"
# or
az role assignment delete --ids "<id of this role assignment>"
```

In Terraform or Bicep remove the `azurerm_role_assignment` or `Microsoft.Authorization/roleAssignments` in question.

## References
- https://learn.microsoft.com/azure/role-based-access-control/scope-overview
"""

from scanner.rule import (
    CONDITION_ON_BLOBS,
    Effort,
    Facts,
    Frame,
    Meta,
    Severity,
    assigned,
    bad,
    col,
    custom_role,
    declared,
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
    id="MI208",
    name="redundant-assignment-under-wider-one",
    severity=Severity.LOW,
    effort=Effort.LOW,
    subject="workload_assignments",
    reads=("grants", "scope_ancestors", "declarations", "assignments_of_unread_groups"),
    message="{principal} holds {role} on the {level} {scope} twice: the wider assignment is on {wider_scope}",
    controls=("mcsb:PA-3", "mcsb:PA-4"),
    since="0.1",
)


def _covered(facts: Facts, subjects: Frame) -> Frame:
    """Return those assignments whose principal holds the same role freely at a scope above, with the steps up to it."""
    above = facts.scope_ancestors.filter(col("distance") > 0)
    # Most scopes contain no other one: leaving those out first makes the large join below three times cheaper.
    containers = above.select(scope=col("ancestor")).unique()
    perhaps = facts.declarations.filter(col("conditional")).select(assignment=col("entity"))
    wider = (
        facts.grants.filter(~col("eligible"), ~col("conditioned"))
        .join(containers, on="scope")
        .join(perhaps, on="assignment", how="anti")
    )
    return (
        subjects.select("assignment", "principal", "role", "scope", "level")
        .join(above, on="scope")
        .join(
            wider.select("role", principal=col("holder"), ancestor=col("scope")),
            on=["principal", "role", "ancestor"],
        )
        .group_by("assignment", "principal", "role", "scope", "level")
        .agg(col("distance").min())
    )


def check(facts: Facts) -> Frame:
    """Return workload assignments with the nearest scope above at which the same is held."""
    covered = _covered(facts, facts.workload_assignments.filter(col("workload")))
    return covered.join(facts.scope_ancestors, on=["scope", "distance"]).select(
        "assignment", "principal", "role", "scope", "level", wider_scope=col("ancestor")
    )


def undecided(facts: Facts) -> Frame:
    """Return those of groups whose members were not read."""
    reasons = facts.assignments_of_unread_groups.select("assignment", "reason")
    return _covered(facts, facts.assignments_of_unread_groups).join(reasons, on="assignment")


_GROUP = "resource_group:app"

CASES = (
    bad(
        "a resource group below the subscription",
        identity("app"),
        assigned("app", "Reader", as_="wide"),
        assigned("app", "Reader", at=_GROUP, as_="narrow"),
        finds=("narrow",),
    ),
    bad(
        "below the tenant root, and below two scopes at once",
        identity("app"),
        assigned("app", "Reader", at="tenant", as_="widest"),
        assigned("app", "Reader", as_="wide"),
        assigned("app", "Reader", at="identity:app", as_="narrow"),
        finds=("wide", "narrow"),
    ),
    bad(
        "a resource below its resource group",
        identity("app"),
        assigned("app", "Reader", at=_GROUP, as_="wide"),
        assigned("app", "Reader", at="identity:app", as_="narrow"),
        finds=("narrow",),
    ),
    bad(
        "the wider one is held through a group",
        identity("app"),
        principal("team", "Group"),
        member("app", of="team"),
        assigned("team", "Reader", as_="wide"),
        assigned("app", "Reader", at=_GROUP, as_="narrow"),
        finds=("narrow",),
    ),
    bad(
        "the wider one is held twice",
        identity("app"),
        principal("team", "Group"),
        member("app", of="team"),
        assigned("team", "Reader", as_="through a group"),
        assigned("app", "Reader", as_="wide"),
        assigned("app", "Reader", at=_GROUP, as_="narrow"),
        finds=("narrow",),
    ),
    bad(
        "both are a group's, in which there is a workload",
        identity("app"),
        principal("team", "Group"),
        member("app", of="team"),
        assigned("team", "Reader", as_="wide"),
        assigned("team", "Reader", at=_GROUP, as_="narrow"),
        finds=("narrow",),
    ),
    bad(
        "its condition restricts nothing, for the wider one has none",
        identity("app"),
        assigned("app", "Storage Blob Data Reader", as_="wide"),
        assigned("app", "Storage Blob Data Reader", at=_GROUP, condition=CONDITION_ON_BLOBS, as_="narrow"),
        finds=("narrow",),
    ),
    good("one assignment does not contain itself", identity("app"), assigned("app", "Reader")),
    good(
        "another role",
        identity("app"),
        assigned("app", "Reader"),
        assigned("app", "Contributor", at=_GROUP),
    ),
    good(
        "a narrower role below Owner is what should remain",
        identity("app"),
        assigned("app", "Owner"),
        assigned("app", "Reader", at=_GROUP),
    ),
    good(
        "two roles that allow the same are two decisions",
        identity("app"),
        custom_role("reader", actions=["*/read"]),
        custom_role("auditor", actions=["*/read"]),
        assigned("app", "reader"),
        assigned("app", "auditor", at=_GROUP),
    ),
    good(
        "another holder",
        identity("app"),
        identity("job"),
        assigned("app", "Reader"),
        assigned("job", "Reader", at=_GROUP),
    ),
    good(
        "a member has it further up, the group has not",
        identity("app"),
        identity("job"),
        principal("team", "Group"),
        member("app", of="team"),
        member("job", of="team"),
        assigned("app", "Reader"),
        assigned("team", "Reader", at=_GROUP),
    ),
    good(
        "beside each other",
        subscription("other"),
        identity("app"),
        assigned("app", "Reader", at="subscription:other"),
        assigned("app", "Reader", at=_GROUP),
        assigned("app", "Reader", at="resource_group:web"),
    ),
    good(
        "a management group beside its own",
        management_group("sandbox"),
        identity("app"),
        assigned("app", "Reader", at="management_group:sandbox"),
        assigned("app", "Reader"),
    ),
    good(
        "the wider one has a condition",
        identity("app"),
        assigned("app", "Storage Blob Data Reader", condition=CONDITION_ON_BLOBS),
        assigned("app", "Storage Blob Data Reader", at=_GROUP),
    ),
    good(
        "the wider one must be activated first",
        identity("app"),
        assigned("app", "Reader", eligible=True),
        assigned("app", "Reader", at=_GROUP),
    ),
    good(
        "people are judged by access reviews, not here",
        identity("app"),
        person("developer"),
        assigned("developer", "Reader"),
        assigned("developer", "Reader", at=_GROUP),
        assigned("app", "Reader"),
    ),
    good(
        "in code the wider one is made under a condition, perhaps where this one is not",
        identity("app"),
        assigned("app", "Reader", as_="wide"),
        assigned("app", "Reader", at=_GROUP, as_="narrow"),
        declared("wide", conditional=True),
        declared("narrow"),
    ),
    bad(
        "in code, and the narrower one is made under a condition",
        identity("app"),
        assigned("app", "Reader", as_="wide"),
        assigned("app", "Reader", at=_GROUP, as_="narrow"),
        declared("wide"),
        declared("narrow", conditional=True),
        finds=("narrow",),
    ),
    unknown(
        "the directory was not asked who is in the group",
        principal("team", "Group"),
        assigned("team", "Reader", as_="wide"),
        assigned("team", "Reader", at=_GROUP, as_="narrow"),
        refused("memberships"),
        finds=("narrow",),
    ),
)
