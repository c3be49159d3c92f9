"""A workload holds Owner, or a role that allows as much, on a whole subscription or more.

## What it finds
A role assignment that a managed identity or another service principal holds now, directly or through a group,
at subscription, management group or tenant root scope, whose role really allows everything: managing
resources of every kind **and** granting access. It is judged by the role's action lists, so a renamed custom
role with `*` is found, and deny assignments that take the power away are respected.

## Why it matters
Whoever gets code to run on the host, or a token from it, owns the subscription: every resource, every secret,
every other identity, and the access of everybody else. A workload never needs to grant access to the whole
subscription it runs in.

## How to fix it
Find out what it does (`az role assignment list --assignee <principal id> --all`, and its activity log), assign
the narrow roles for that at the resource group or resource, then remove this assignment:

```sh
az role assignment create --assignee-object-id <principal id> --assignee-principal-type ServicePrincipal \\
    --role "<narrow role>" --scope "<resource group or resource id>"
az role assignment delete --ids "<role assignment id>"
```

A deployment identity that must grant access gets *Role Based Access Control Administrator* with a condition
that lists the roles it may assign, beside Contributor on its resource groups.
"""

from scanner.rule import (
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
    unknown,
)

META = Meta(
    id="MI201",
    name="owner-at-subscription-or-above",
    severity=Severity.CRITICAL,
    effort=Effort.MEDIUM,
    subject="workload_assignments",
    reads=("grants", "capabilities", "denials", "assignments_of_unreadable_roles"),
    key=("holder",),
    message="{holder} has full control ({role}) of the {level} {scope}",
    controls=("mcsb:PA-7", "mcsb:PA-1"),
    since="0.1",
)


def check(facts: Facts) -> Frame:
    """Return workload grants at subscription or above whose role gives full control that no deny assignment takes."""
    powerful = facts.capabilities.filter(col("power") == "full_control", ~col("conditioned"))
    return (
        facts.grants.filter(col("level") <= Level.SUBSCRIPTION, col("workload"), ~col("eligible"), ~col("conditioned"))
        .join(powerful.select("role", "pattern"), on="role")
        .join(facts.denials.filter(col("power") == "full_control"), on="assignment", how="anti")
        .select("assignment", "holder", "role", "scope", "level", "group", "pattern")
    )


def undecided(facts: Facts) -> Frame:
    """Return wide assignments of roles whose permissions are not known."""
    return facts.assignments_of_unreadable_roles.filter(col("level") <= Level.SUBSCRIPTION)


CASES = (
    bad("Owner on a subscription", identity("app"), assigned("app", "Owner")),
)
