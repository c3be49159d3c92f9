"""A managed identity can do more than read in a subscription other than its own.

## What it finds
A role assignment that a managed identity holds now, directly or through a group, on a subscription, or on something
in a subscription, in which the identity itself does not lie, with a role that does more than read settings. Two kinds
are left out: the system-assigned identities of policy assignments, whose work it is, and the subscriptions named in
the parameters. Access given on a management group is judged by other rules (MI201 to MI205). In code the two
subscriptions count as different only where both are given by their ids.

## Why it matters
Subscriptions are the border between production and test, and between teams. Who controls the subscription of the
identity can attach it, federate it or run code as it, and so acts in the other subscription without holding any access
there. Reviewers of the other subscription see only a name.

## How to fix it
Give the workload an identity of its own in the subscription where it works, or move the resource it needs:

```sh
az identity create --name "<name>" --resource-group "<group>" --subscription "<the other subscription>"
az role assignment delete --ids "<role assignment id>"
```

If the other subscription holds what all share (registries, DNS zones, workspaces), or the identity belongs to the
platform, say so in `midas.toml`, by name or id:

```toml
[rules.MI209]
shared_subscriptions = ["connectivity"]
platform_subscriptions = ["management"]
```
"""

from scanner.rule import (
    Confidence,
    Effort,
    Facts,
    Frame,
    Level,
    Meta,
    Parameter,
    Severity,
    assigned,
    bad,
    col,
    concat,
    custom_role,
    good,
    identity,
    lit,
    member,
    person,
    principal,
    refused,
    resource,
    subscription,
    unknown,
)

META = Meta(
    id="MI209",
    name="access-in-another-subscription",
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    effort=Effort.HIGH,
    subject="workload_assignments",
    reads=(
        "grants",
        "capabilities",
        "identities",
        "scopes",
        "subscriptions_not_given",
        "assignments_of_unseen_identities",
    ),
    parameters=(
        Parameter(
            "shared_subscriptions",
            (),
            "Subscriptions, by name or id, that hold what all share: identities from anywhere may have access there.",
        ),
        Parameter(
            "platform_subscriptions",
            (),
            "Subscriptions, by name or id, of the platform: their identities may have access anywhere.",
        ),
    ),
    key=("holder",),
    message="{holder} of {home_subscription} holds {role} in {other_subscription}, on the {level} {scope}",
    controls=("mcsb:PA-7",),
    since="0.1",
    points_at=("properties.roleDefinitionName", "properties.roleDefinitionId"),
)

_POLICY_ASSIGNMENT = "microsoft.authorization/policyassignments"


def _named(facts: Facts, parameter: str) -> Frame:
    """Return the subscriptions that a parameter names, by name, id or resource id."""
    wanted = [
        str(value).strip().lower().removeprefix("/subscriptions/") for value in facts.parameter(parameter)
    ]
    same_id = col("id").str.to_lowercase().str.replace("/subscriptions/", "", literal=True).is_in(wanted)
    subscriptions = facts.scopes.select(entity=col("subscription"))
    return (
        facts.entities.join(subscriptions, on="entity")
        .filter(same_id | col("name").str.to_lowercase().is_in(wanted))
        .select("entity")
    )


def _held(facts: Facts, grants: Frame) -> Frame:
    """Return active grants within subscriptions that are not shared, of roles that do more than read."""
    doing = facts.capabilities.filter(col("power") != "read").select("role")
    within = facts.scopes.select("scope", other_subscription=col("subscription")).join(
        _named(facts, "shared_subscriptions"), left_on="other_subscription", right_on="entity", how="anti"
    )
    return (
        grants.filter(col("level") >= Level.SUBSCRIPTION, ~col("eligible"))
        .join(doing, on="role", how="semi")
        .join(within, on="scope")
    )


def _homes(facts: Facts) -> Frame:
    """Return the subscription of every identity, but for those whose work is everywhere."""
    placed = facts.entities.select("entity", "type", home_subscription=col("subscription"))
    of_policies = placed.filter(col("type") == _POLICY_ASSIGNMENT)
    return (
        facts.identities.select("identity", "resource")
        .join(of_policies, left_on="resource", right_on="entity", how="anti")
        .join(placed, left_on="identity", right_on="entity")
        .join(
            _named(facts, "platform_subscriptions"),
            left_on="home_subscription",
            right_on="entity",
            how="anti",
        )
        .select("identity", "home_subscription")
    )


def _elsewhere(facts: Facts, grants: Frame, homes: Frame) -> Frame:
    """Return grants of identities in what is, or may be, another subscription than their own."""
    held = _held(facts, grants).join(homes, on="identity")
    return held.filter(col("home_subscription") != col("other_subscription")).select(
        "assignment", "holder", "role", "scope", "level", "group", "home_subscription", "other_subscription"
    )


def check(facts: Facts) -> Frame:
    """Return grants of identities in another subscription than their own."""
    not_given = facts.subscriptions_not_given.select("scope")
    return (
        _elsewhere(facts, facts.grants, _homes(facts))
        .join(not_given, left_on="home_subscription", right_on="scope", how="anti")
        .join(not_given, left_on="other_subscription", right_on="scope", how="anti")
    )


def undecided(facts: Facts) -> Frame:
    """Return grants of which it is not known which identity holds them, or which subscriptions are meant."""
    not_given = facts.subscriptions_not_given.select("scope")
    open_homes = _homes(facts).join(not_given, left_on="home_subscription", right_on="scope")
    open_scopes = facts.scopes.join(not_given, left_on="subscription", right_on="scope").select("scope")
    elsewhere = concat(
        _elsewhere(facts, facts.grants, open_homes),
        _elsewhere(facts, facts.grants.join(open_scopes, on="scope"), _homes(facts)),
    ).with_columns(reason=lit("the code does not say which subscriptions these are"))
    unseen = facts.assignments_of_unseen_identities.select("assignment", "reason")
    held = _held(facts, facts.grants.join(unseen, on="assignment"))
    return concat(held.select("assignment", "reason"), elsewhere.select("assignment", "reason"))


_OTHER = subscription("other")

CASES = (
    bad(
        "Contributor on a resource group elsewhere",
        _OTHER,
        identity("app"),
        assigned("app", "Contributor", at="resource_group:other/web"),
    ),
    bad(
        "a data role on all of it",
        _OTHER,
        identity("app"),
        assigned("app", "Key Vault Secrets User", at="subscription:other"),
    ),
    bad(
        "the system-assigned identity of a machine",
        _OTHER,
        resource("vm", system_assigned=True),
        identity("vm-id", of="vm"),
        assigned("vm-id", "Contributor", at="subscription:other"),
    ),
    bad(
        "held through a group",
        _OTHER,
        identity("app"),
        principal("team", "Group"),
        member("app", of="team"),
        assigned("team", "Contributor", at="subscription:other"),
    ),
    bad(
        "the parameters name others",
        _OTHER,
        subscription("hub"),
        identity("app"),
        assigned("app", "Contributor", at="subscription:other"),
        shared_subscriptions=("hub", "main"),
        platform_subscriptions=("hub", "other"),
    ),
    good("in its own subscription", identity("app"), assigned("app", "Contributor")),
    good(
        "reading settings elsewhere, or pulling images, does nothing there",
        _OTHER,
        identity("app"),
        custom_role("Contributor", actions=["*/read"]),
        assigned("app", "Reader", at="subscription:other"),
        assigned("app", "Contributor", at="subscription:other"),
        assigned("app", "AcrPull", at="resource_group:other/registry"),
    ),
    good(
        "a subscription that all share, by name",
        subscription("Connectivity"),
        identity("app"),
        assigned("app", "Private DNS Zone Contributor", at="resource_group:Connectivity/dns"),
        shared_subscriptions=("CONNECTIVITY ",),
    ),
    good(
        "a subscription that all share, by id",
        _OTHER,
        identity("app"),
        assigned("app", "Private DNS Zone Contributor", at="resource_group:other/dns"),
        shared_subscriptions=("6CDA29F8-960E-5AB1-8095-7F9E7F5B58D6",),
    ),
    good(
        "a subscription that all share, by resource id",
        _OTHER,
        identity("app"),
        assigned("app", "Private DNS Zone Contributor", at="resource_group:other/dns"),
        shared_subscriptions=("/subscriptions/6cda29f8-960e-5ab1-8095-7f9e7f5b58d6",),
    ),
    good(
        "an identity of the platform",
        _OTHER,
        identity("deploy", subscription="other"),
        assigned("deploy", "Contributor"),
        platform_subscriptions=("other",),
    ),
    good(
        "a policy assignment remediates elsewhere",
        _OTHER,
        resource("logs", "Microsoft.Authorization/policyAssignments", system_assigned=True),
        identity("logs-id", of="logs"),
        assigned("logs-id", "Log Analytics Contributor", at="subscription:other"),
    ),
    good(
        "above subscriptions there is no other one",
        identity("app"),
        assigned("app", "Contributor", at="management_group:corp"),
    ),
    good(
        "it must be activated first",
        _OTHER,
        identity("app"),
        assigned("app", "Contributor", at="subscription:other", eligible=True),
        assigned("app", "Reader"),
    ),
    good(
        "a person, and a service principal that is no managed identity, lie nowhere",
        _OTHER,
        identity("app"),
        person("developer"),
        principal("ci"),
        assigned("developer", "Contributor", at="subscription:other"),
        assigned("ci", "Contributor", at="subscription:other"),
    ),
    unknown(
        "code that does not say to which subscription the identity is deployed",
        subscription("unit", known=False),
        identity("app", subscription="unit"),
        assigned("app", "Contributor"),
    ),
    unknown(
        "code that does not say which subscription it gives access to",
        subscription("unit", known=False),
        identity("app"),
        assigned("app", "Contributor", at="subscription:unit"),
    ),
    good(
        "code that gives access where it is deployed",
        subscription("unit", known=False),
        identity("app", subscription="unit"),
        assigned("app", "Contributor", at="resource_group:unit/web"),
    ),
    unknown(
        "the directory was not asked who is in the group",
        principal("team", "Group"),
        assigned("team", "Contributor"),
        refused("memberships"),
    ),
    unknown(
        "the identities were not read",
        principal("somebody"),
        assigned("somebody", "Contributor"),
        refused("identities"),
    ),
    unknown(
        "the directory knows a managed identity that was not among those read",
        principal("far", managed=True),
        assigned("far", "Contributor"),
    ),
    unknown(
        "who holds it may be an identity of the subscription that was not read",
        principal("somebody", exists=None),
        assigned("somebody", "Contributor"),
        refused("identities", at="subscription:other"),
    ),
    good(
        "nor does it above subscriptions, where there is no other one",
        principal("far", managed=True),
        assigned("far", "Contributor", at="management_group:corp"),
    ),
    good(
        "which identity it is does not matter for reading settings",
        principal("far", managed=True),
        assigned("far", "Reader"),
    ),
    bad(
        "one identity is known, another one is not",
        _OTHER,
        identity("app", subscription="other"),
        principal("far", managed=True),
        assigned("app", "Contributor"),
        assigned("far", "Contributor"),
        finds=("app Contributor",),
    ),
)
