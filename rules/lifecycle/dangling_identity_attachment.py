"""A resource refers to a managed identity that does not exist.

## What it finds
A resource whose `identity` block, or a nested property such as a registry login or a customer-managed key,
names a user-assigned identity that is not there, although the subscription where it should be was read whole.

## Why it matters
Deleting a user-assigned identity does not take it off the resources that use it. They go on naming it: token
requests fail, key rotation and image pulls stop, and the next deployment is refused. And the name is free:
whoever may create identities in that resource group can create it again, and the next deployment gives the
resource that identity with whatever access its new owner gave it.

## How to fix it
Take the reference off, or create the identity again and deploy the resource and its role assignments anew:

```sh
az vm identity remove --ids "<resource id>" --identities "<identity id>"
az webapp identity remove --ids "<resource id>" --identities "<identity id>"
az containerapp identity remove --ids "<resource id>" --user-assigned "<identity id>"
```

In Bicep remove the key from `identity.userAssignedIdentities`, in Terraform from `identity_ids`. A nested
property needs another identity in its place.

## References
- https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq
"""

from scanner.rule import (
    Effort,
    Facts,
    Frame,
    Meta,
    Severity,
    Stage,
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
    id="MI103",
    name="dangling-identity-attachment",
    severity=Severity.MEDIUM,
    effort=Effort.LOW,
    subject="resources",
    reads=("attachments",),
    key=("identity", "property"),
    message="{name} refers to {identity} in {property}, but that identity does not exist",
    controls=("mcsb:IM-3",),
    since="0.1",
    stages=(Stage.DEPLOYED,),
)


def check(facts: Facts) -> Frame:
    """Return resources with each missing identity and the property that names it."""
    return (
        facts.attachments.filter(~col("found"))
        .select("resource", "identity", "property")
        .unique(["resource", "identity", "property"])
    )


def undecided(facts: Facts) -> Frame:
    """Return resources that name an identity in a place that was not read."""
    return (
        facts.attachments.filter(col("found").is_null())
        .select("resource")
        .with_columns(reason=lit("it refers to an identity in a place that was not read"))
    )


CASES = (
    bad("its identity was deleted", resource("vm"), attached("gone", to="vm")),
    bad(
        "one of two identities was deleted",
        identity("app"),
        attached("app", to="vm"),
        resource("vm"),
        attached("gone", to="vm"),
    ),
    bad(
        "the identity for a customer-managed key was deleted",
        resource("vault-user", "Microsoft.Storage/storageAccounts"),
        attached("gone", to="vault-user", property="properties.encryption.identity.userAssignedIdentity"),
    ),
    bad(
        "two properties name the same missing identity",
        resource("app", "Microsoft.App/containerApps"),
        attached("gone", to="app"),
        attached("gone", to="app", property="properties.configuration.registries[0].identity"),
    ),
    bad(
        "one is missing for certain, another may be",
        resource("vm"),
        attached("gone", to="vm"),
        subscription("other"),
        attached("far", to="vm", subscription="other"),
        refused("identities", at="subscription:other"),
    ),
    good("its identity is there", resource("vm"), identity("app"), attached("app", to="vm")),
    good("its own identity", resource("vm", system_assigned=True), identity("vm-own", of="vm")),
    good("it has no identity", resource("vm")),
    good(
        "its identity is in another subscription that was read",
        resource("vm"),
        subscription("other"),
        identity("app", subscription="other"),
        attached("app", to="vm"),
    ),
    unknown(
        "the subscription where its identity should be was refused",
        resource("vm"),
        subscription("other"),
        attached("far", to="vm", subscription="other"),
        refused("identities", at="subscription:other"),
    ),
    unknown("no identity was read", resource("vm"), attached("app", to="vm"), refused("identities")),
    unknown("the attachments were not read", resource("vm"), refused("attachments")),
)
