"""A user-assigned identity that nothing uses and that holds no access.

## What it finds
A user-assigned managed identity that no resource is attached to (neither through its `identity` block nor
through a nested property such as a cluster's kubelet identity), that trusts no external issuer through a
federated identity credential, and that holds no role assignment. One that still holds access is
`orphaned-identity-with-access`.

A use that Azure Resource Graph does not list is not seen: a container registry task, a deployment, a machine
learning compute. Access that is not a role assignment (a Key Vault access policy, a database user, a Microsoft
Graph permission) is not seen either, and access through a group only where its members were read. Ask the
owner before deleting.

## Why it matters
Whoever may attach identities in its resource group can bring it back to life unnoticed, and nobody will miss
it or review it: it is access waiting to be granted. It also hides the identities that matter.

## How to fix it
Ask the owner named in its tags, then delete the identity:

```sh
az identity delete --ids "<identity id>"
```

In Bicep or Terraform remove the `Microsoft.ManagedIdentity/userAssignedIdentities` resource or the
`azurerm_user_assigned_identity` block. If it is kept on purpose (a spare for recovery, say), accept it with a
reason and an expiry date under `[[exceptions]]` in `midas.toml`.
"""

from scanner.rule import (
    Confidence,
    Effort,
    Facts,
    Frame,
    Meta,
    Severity,
    assigned,
    attached,
    bad,
    col,
    federated,
    good,
    identity,
    lit,
    member,
    principal,
    refused,
    unknown,
)

META = Meta(
    id="MI101",
    name="orphaned-user-assigned-identity",
    severity=Severity.LOW,
    confidence=Confidence.MEDIUM,
    effort=Effort.LOW,
    subject="user_assigned_identities",
    absent=("attachments", "federated_credentials", "grants"),
    message="{name} is attached to nothing, trusts no external issuer and holds no access",
    controls=("mcsb:IM-3", "mcsb:PA-3"),
    since="0.1",
)


def check(facts: Facts) -> Frame:
    """Return user-assigned identities without attachment, federated credential and grant."""
    return _unused(facts).filter(~col("principal").is_null()).select("identity", "location")


def undecided(facts: Facts) -> Frame:
    """Return unused identities: those that do not fail are here because their access cannot be looked up."""
    return _unused(facts).with_columns(
        reason=lit("its principal is not known, so its access could not be looked up")
    )


def _unused(facts: Facts) -> Frame:
    return (
        facts.user_assigned_identities.join(facts.attachments, on="identity", how="anti")
        .join(facts.federated_credentials, on="identity", how="anti")
        .join(facts.grants, on="identity", how="anti")
    )


CASES = (
    bad("nothing uses it", identity("spare")),
    bad(
        "a resource is attached, but to another identity",
        identity("spare"),
        identity("app"),
        attached("app", to="vm"),
    ),
    bad("its name and group say spare, but nobody has accepted it", identity("id-spare", group="recovery")),
    good("attached to a virtual machine", identity("app"), attached("app", to="vm")),
    good(
        "attached through a nested property",
        identity("kubelet"),
        attached("kubelet", to="cluster", property="properties.identityProfile.kubeletidentity.resourceId"),
    ),
    good(
        "a workflow becomes it",
        identity("deploy"),
        federated(
            "deploy",
            issuer="https://token.actions.githubusercontent.com",
            subject="repo:contoso/shop:ref:refs/heads/main",
        ),
    ),
    good("it still holds access, which is a finding of its own", identity("old"), assigned("old", "Reader")),
    good(
        "it still holds access through a group",
        identity("old"),
        principal("readers", "Group"),
        member("old", of="readers"),
        assigned("readers", "Reader"),
    ),
    good(
        "the federated credentials of an identity that is attached were not read",
        identity("app"),
        attached("app", to="vm"),
        refused("federated_credentials", at="identity:app"),
    ),
    unknown(
        "one subscription was not read", identity("app"), refused("attachments", at="subscription:other")
    ),
    unknown(
        "its federated credentials were not read",
        identity("app"),
        refused("federated_credentials", at="identity:app"),
    ),
    unknown("the role assignments were not read", identity("app"), refused("grants", at="subscription:main")),
    unknown("Azure has not given it a principal yet", identity("new", without_principal=True)),
    good(
        "it is in use, whatever its principal is",
        identity("new", without_principal=True),
        attached("new", to="vm"),
    ),
)
