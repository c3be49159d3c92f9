"""One user-assigned identity is used in more than one subscription.

## What it finds
A user-assigned managed identity that resources of two or more subscriptions can act as. What counts is where
the resources are, not where the identity is: identities that a platform team keeps in a subscription of their
own are not found as long as each serves one subscription. Policy assignments at a management group lie in no
subscription and do not count, nor do subscriptions that code does not give by their ids.

## Why it matters
A subscription is a boundary: for administration, for the bill, often between development and production.
A shared identity is a way through it. Whoever administers one of the subscriptions, or runs code on a host in
it, has the access that the workloads in the other one need.

## How to fix it
Create an identity in each subscription, give it the roles that the workload there needs, attach it, and take
the shared one off:

```sh
az identity create --name "id-orders" --resource-group "orders" --subscription "<subscription of the workload>"
az vm identity assign --ids "<vm id>" --identities "<new identity id>"
az vm identity remove --ids "<vm id>" --identities "<shared identity id>"
```

Then see to it that it stays so: with `isolationScope: 'Regional'` an identity cannot be used outside its
region, and without `Microsoft.ManagedIdentity/userAssignedIdentities/assign/action` for deployments of other
subscriptions on its resource group nobody there can attach it.
"""

from scanner.rule import (
    Facts,
    Frame,
    Meta,
    Severity,
    attached,
    bad,
    col,
    good,
    identity,
    lit,
    refused,
    resource,
    subscription,
    unknown,
)

META = Meta(
    id="MI106",
    name="identity-shared-across-subscriptions",
    severity=Severity.MEDIUM,
    subject="user_assigned_identities",
    reads=("attachments", "subscriptions_not_given"),
    message="{name} is used by resources of {subscriptions} subscriptions",
    controls=("mcsb:PA-7", "mcsb:IM-3"),
    since="0.1",
)


def _places(facts: Facts) -> Frame:
    """Return identities with every resource that can act as them, and its subscription."""
    places = facts.entities.select("subscription", resource="entity")
    return (
        facts.attachments.select("identity", "resource")
        .join(places, on="resource")
        .filter(~col("subscription").is_null())
    )


def _in_several(places: Frame) -> Frame:
    return (
        places.group_by("identity")
        .agg(subscriptions=col("subscription").n_unique(), resources=col("resource").n_unique())
        .filter(col("subscriptions") > 1)
    )


def check(facts: Facts) -> Frame:
    """Return user-assigned identities with the number of subscriptions whose resources can act as them."""
    not_given = facts.subscriptions_not_given.select(subscription=col("scope"))
    used_in = _in_several(_places(facts).join(not_given, on="subscription", how="anti"))
    return facts.user_assigned_identities.select("identity").join(used_in, on="identity")


def undecided(facts: Facts) -> Frame:
    """Return identities in subscriptions of which code does not say whether they are different ones."""
    used_in = _in_several(_places(facts)).with_columns(
        reason=lit("the code that uses it does not say in which subscriptions that is")
    )
    return facts.user_assigned_identities.select("identity").join(used_in, on="identity")


_POLICY = "Microsoft.Authorization/policyAssignments"

CASES = (
    bad(
        "development and production",
        subscription("dev"),
        subscription("prod"),
        identity("app", subscription="dev"),
        attached("app", to="vm-dev", subscription="dev"),
        attached("app", to="vm-prod", subscription="prod"),
    ),
    bad(
        "kept centrally, used in two others",
        subscription("shared"),
        subscription("dev"),
        identity("app", subscription="shared"),
        attached("app", to="vm-main"),
        attached("app", to="vm-dev", subscription="dev"),
    ),
    bad(
        "through a nested property in one of them",
        subscription("dev"),
        identity("app"),
        attached("app", to="vm"),
        resource("registry", "Microsoft.ContainerRegistry/registries", subscription="dev"),
        attached("app", to="registry", property="properties.encryption.keyVaultProperties.identity"),
    ),
    good(
        "two resources of one subscription", identity("app"), attached("app", to="a"), attached("app", to="b")
    ),
    good(
        "kept centrally, used in one other subscription",
        subscription("shared"),
        identity("app", subscription="shared"),
        attached("app", to="vm"),
    ),
    good(
        "a policy assignment at a management group and a virtual machine",
        identity("remediate"),
        attached("remediate", to="vm"),
        resource("tagging", _POLICY, at="management_group:corp"),
        attached("remediate", to="tagging", property="identity.userAssignedIdentities"),
    ),
    good(
        "two identities, a subscription each",
        subscription("dev"),
        identity("app"),
        identity("app-dev", subscription="dev"),
        attached("app", to="vm"),
        attached("app-dev", to="vm-dev", subscription="dev"),
    ),
    good("nothing uses it", identity("spare")),
    unknown(
        "two pieces of code that do not say where they are deployed",
        subscription("dev", known=False),
        subscription("prod", known=False),
        identity("app"),
        attached("app", to="vm-dev", subscription="dev"),
        attached("app", to="vm-prod", subscription="prod"),
    ),
    bad(
        "two subscriptions, and code that does not say where it is deployed",
        subscription("dev", known=False),
        subscription("prod"),
        identity("app"),
        attached("app", to="vm"),
        attached("app", to="vm-dev", subscription="dev"),
        attached("app", to="vm-prod", subscription="prod"),
    ),
    unknown(
        "a subscription was not read: something there may use it",
        identity("app"),
        attached("app", to="vm"),
        refused("attachments", at="subscription:other"),
    ),
)
