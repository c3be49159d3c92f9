"""A user-assigned identity that nothing uses still holds access.

## What it finds
A user-assigned managed identity that no resource is attached to, directly or through a nested property, and
that trusts no external issuer through a federated identity credential, but that still holds role assignments,
its own or through a group. Identities that something uses are not what this rule is about.

## Why it matters
Access that outlives its workload can be taken over unnoticed: the owner has moved on, and no running workload
changes its behaviour. Whoever may attach identities (`Managed Identity Operator` on its resource group is
enough), or may add a federated credential to it, has the access.

## How to fix it
Remove the identity's role assignments, then the identity itself. Look at what it holds before; an assignment
that is left behind shows as an unknown principal for ever. `az role assignment list` sees one subscription at a
time; Resource Graph sees all management groups and subscriptions that you may read:

```sh
az extension add --name resource-graph
az graph query --management-groups "<tenant id>" --first 1000 --query "data[].id" --output tsv \\
    -q "authorizationresources
    | where type =~ 'microsoft.authorization/roleassignments' and properties.principalId =~ '<principal id>'
    | project id"
az role assignment delete --ids "<role assignment id>" "<role assignment id>"
az identity delete --ids "<identity id>"
```

An assignment at the tenant root itself is listed by `az role assignment list --scope "/"`. What the identity holds
through a group ends with it; what it is eligible for is removed in Privileged Identity Management.

In Bicep remove the `Microsoft.Authorization/roleAssignments` and the
`Microsoft.ManagedIdentity/userAssignedIdentities` resource; in Terraform `azurerm_role_assignment` and
`azurerm_user_assigned_identity`. If its workload is only switched off for a while, take the access away now
and give it back with the workload.
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
    id="MI102",
    name="orphaned-identity-with-access",
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    effort=Effort.LOW,
    subject="user_assigned_identities",
    reads=("grants",),
    absent=("attachments", "federated_credentials"),
    message="{name} is attached to nothing and trusts no external issuer, yet holds access "
    "(role assignments: {held}, the widest at {widest_level} scope)",
    controls=("mcsb:IM-3", "mcsb:PA-3"),
    since="0.1",
)


def applies(facts: Facts) -> Frame:
    """Return user-assigned identities without attachment and federated credential."""
    return facts.user_assigned_identities.join(facts.attachments, on="identity", how="anti").join(
        facts.federated_credentials, on="identity", how="anti"
    )


def check(facts: Facts) -> Frame:
    """Return orphans with the number of role assignments they hold, active or eligible, and the widest level."""
    return (
        applies(facts)
        .select("identity")
        .join(facts.grants, on="identity")
        .group_by("identity")
        .agg(held=col("assignment").n_unique(), widest_level=col("level").min())
    )


def undecided(facts: Facts) -> Frame:
    """Return orphans whose access cannot be looked up."""
    return (
        applies(facts)
        .filter(col("principal").is_null())
        .with_columns(reason=lit("its principal is not known, so its access could not be looked up"))
    )


CASES = (
    bad("its virtual machine is gone", identity("old"), assigned("old", "Reader")),
    bad(
        "it holds access through a group only",
        identity("old"),
        principal("writers", "Group"),
        member("old", of="writers"),
        assigned("writers", "Contributor", at="resource_group:web"),
    ),
    bad(
        "its twin is in use, it is not",
        identity("old"),
        identity("app"),
        attached("app", to="vm"),
        assigned("old", "Reader"),
        assigned("app", "Reader"),
        finds=("old",),
    ),
    bad(
        "a workload that is switched off for the winter: take the access away until it returns",
        identity("season"),
        assigned("season", "Storage Blob Data Reader", at="resource_group:season"),
    ),
    good(
        "attached to a virtual machine", identity("app"), attached("app", to="vm"), assigned("app", "Reader")
    ),
    good(
        "a cluster's add-on uses it",
        identity("addon"),
        attached("addon", to="cluster", property="properties.addonProfiles.azurepolicy.identity.resourceId"),
        assigned("addon", "Reader"),
    ),
    good(
        "a workflow becomes it",
        identity("deploy"),
        federated(
            "deploy",
            issuer="https://token.actions.githubusercontent.com",
            subject="repo:contoso/shop:ref:refs/heads/main",
        ),
        assigned("deploy", "Contributor", at="resource_group:shop"),
    ),
    good("it holds nothing, which is a finding of its own", identity("spare")),
    good(
        "only somebody else holds access",
        identity("spare"),
        principal("robot"),
        assigned("robot", "Owner"),
    ),
    good(
        "an identity in use, whatever was not read of role assignments",
        identity("app"),
        attached("app", to="vm"),
        refused("grants"),
    ),
    unknown(
        "one subscription was not read: something there may use it",
        identity("old"),
        assigned("old", "Reader"),
        refused("attachments", at="subscription:other"),
    ),
    unknown(
        "its federated credentials were not read",
        identity("old"),
        assigned("old", "Reader"),
        refused("federated_credentials", at="identity:old"),
    ),
    unknown("the role assignments were not read", identity("spare"), refused("grants")),
    unknown("Azure has not given it a principal yet", identity("new", without_principal=True)),
)
