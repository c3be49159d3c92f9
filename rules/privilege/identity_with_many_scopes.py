"""A managed identity holds access in very many places.

## What it finds
A managed identity that holds roles now, directly or through groups, at more scopes than the parameter `scopes` allows.
Two roles on one resource group count as one scope.

## Why it matters
An identity is made for one workload, and a workload touches a few things. One that has access in dozens of places
serves several masters: nobody can tell any more which access is whose, so none of it is ever taken away, and its token
is worth all of it together.

## How to fix it
Give each workload an identity of its own and move its assignments there. What the shared one holds in all
management groups and subscriptions that you may read, Resource Graph says:

```sh
az extension add --name resource-graph
az graph query --management-groups "<tenant id>" --first 1000 --query "data" --output table \\
    -q "authorizationresources
    | where type =~ 'microsoft.authorization/roleassignments' and properties.principalId =~ '<principal id>'
    | project scope = tostring(properties.scope), role = tostring(properties.roleDefinitionId)"
az identity create --name "<workload>" --resource-group "<group>"
```

Where one workload really needs them all, one assignment on the resource group that holds them is easier to review.
An identity of the platform may be accepted under `[[exceptions]]`, and another limit be set:

```toml
[rules.MI210]
scopes = 50
```

## References
- https://learn.microsoft.com/azure/role-based-access-control/best-practices
"""

from scanner.rule import (
    Effort,
    Facts,
    Frame,
    Meta,
    Parameter,
    Severity,
    assigned,
    bad,
    col,
    good,
    identity,
    member,
    principal,
    refused,
    unknown,
)

META = Meta(
    id="MI210",
    name="identity-with-many-scopes",
    severity=Severity.LOW,
    effort=Effort.HIGH,
    subject="identities",
    reads=("grants",),
    parameters=(Parameter("scopes", 10, "The most scopes at which one identity may hold roles.", minimum=1),),
    message="{name} holds access at {scopes} scopes",
    controls=("mcsb:PA-7", "mcsb:PA-4"),
    since="0.1",
)


def check(facts: Facts) -> Frame:
    """Return identities with more distinct scopes than allowed."""
    held = facts.grants.filter(~col("eligible")).select("identity", "scope").drop_nulls("identity")
    allowed = facts.parameter("scopes")
    held_by = held.group_by("identity").agg(held=col("scope").len())
    # Few hold that many assignments at all.
    many = held_by.filter(col("held") > allowed)  # for speed alone
    counted = (
        held.join(many, on="identity")
        .group_by("identity")
        .agg(scopes=col("scope").n_unique())
        .filter(col("scopes") > allowed)
    )
    return facts.identities.select("identity").join(counted, on="identity")


_TEN = tuple(assigned("app", "Reader", at=f"resource_group:group{number}") for number in range(10))

CASES = (
    bad(
        "one more than allowed",
        identity("app"),
        *_TEN,
        assigned("app", "Reader", at="resource_group:more"),
    ),
    bad(
        "some of them through a group",
        identity("app"),
        principal("team", "Group"),
        member("app", of="team"),
        *_TEN,
        assigned("team", "Reader", at="resource_group:more"),
    ),
    bad(
        "a stricter limit",
        identity("app"),
        assigned("app", "Reader", at="resource_group:one"),
        assigned("app", "Reader", at="resource_group:two"),
        scopes=1,
    ),
    good("as many as allowed", identity("app"), *_TEN),
    good(
        "several roles at one scope",
        identity("app"),
        assigned("app", "Reader"),
        assigned("app", "AcrPull"),
        scopes=1,
    ),
    good(
        "what must be activated first is not held",
        identity("app"),
        assigned("app", "Reader", at="resource_group:one"),
        assigned("app", "Reader", at="resource_group:two", eligible=True),
        scopes=1,
    ),
    good(
        "two identities with one scope each, and a stranger with many",
        identity("app"),
        identity("job"),
        principal("ci"),
        assigned("app", "Reader", at="resource_group:one"),
        assigned("job", "Reader", at="resource_group:two"),
        assigned("ci", "Reader", at="resource_group:one"),
        assigned("ci", "Reader", at="resource_group:two"),
        scopes=1,
    ),
    unknown(
        "the assignments of one subscription were not read",
        identity("app"),
        refused("assignments", at="subscription:main"),
    ),
)
