"""A Kubernetes cluster signs in to Azure as a service principal with a secret instead of a managed identity.

## What it finds
An AKS cluster without a managed identity whose `servicePrincipalProfile` names an application (a cluster on a
managed identity says `msi` there), or in code hands it a secret, whatever the application is.

## Why it matters
The secret lies on every node, so whoever gets out of a container onto its node has it, and can use it from
anywhere. It expires, by default after a year, and then the cluster can no longer attach disks, change load
balancers or pull images. The application usually holds Contributor on the resource group of the nodes.

## How to fix it
Move the cluster to a managed identity, then renew the nodes, which go on using the secret until then:

```sh
az aks update --resource-group "<group>" --name "<cluster>" --enable-managed-identity
az aks nodepool upgrade --resource-group "<group>" --cluster-name "<cluster>" --name "<pool>" --node-image-only
```

Give the new identity the roles that the application had outside the node resource group (virtual network,
registry), remove those of the application, and delete its secret. In Terraform replace `service_principal`
with:

```hcl
identity {
  type = "SystemAssigned"
}
```

## References
- https://learn.microsoft.com/azure/aks/use-managed-identity
"""

from scanner.rule import (
    Facts,
    Frame,
    Meta,
    PlainFix,
    RemoveProperty,
    SetProperty,
    Setting,
    Severity,
    attached,
    bad,
    col,
    credential_in_use,
    good,
    identity,
    lit,
    refused,
    resource,
    setting,
    unknown,
)

CLUSTER = "microsoft.containerservice/managedclusters"
CLIENT = Setting("Microsoft.ContainerService/managedClusters", "properties.servicePrincipalProfile.clientId")

META = Meta(
    id="MI108",
    name="aks-cluster-on-service-principal",
    severity=Severity.MEDIUM,
    subject="resources",
    reads=("credentials",),
    settings=(CLIENT,),
    message="{name} signs in with the secret of a service principal ({client}), not with a managed identity",
    controls=("mcsb:IM-3", "mcsb:IM-8"),
    since="0.1",
    points_at=("properties.servicePrincipalProfile.clientId",),
)


FIX = PlainFix(
    (RemoveProperty("properties.servicePrincipalProfile"), SetProperty("identity.type", "SystemAssigned")),
    needs="the identity needs the roles that the application has beside the nodes' own group; then renew the nodes",
)


def applies(facts: Facts) -> Frame:
    """Return AKS clusters."""
    return facts.resources.filter(col("type") == CLUSTER)


def check(facts: Facts) -> Frame:
    """Return clusters without identity whose profile names an application, or has a secret for one."""
    return (
        _perhaps_without_identity(facts)
        .filter(~col("system_assigned"), ~col("user_assigned"))
        .join(_clients(facts), on="resource", how="left")
        .join(_with_secret(facts), on="resource", how="left")
        .with_columns(client=col("client").fill_null(col("not_named")))
        .filter(col("client") != "msi")
        .select("resource", "client")
    )


def undecided(facts: Facts) -> Frame:
    """Return clusters that may have no identity and do not say that they sign in as one either."""
    signs_in_as_identity = _clients(facts).filter(col("client") == "msi")
    return (
        _perhaps_without_identity(facts)
        .join(signs_in_as_identity, on="resource", how="anti")
        .select("resource")
        .with_columns(
            reason=lit("it is not known whether it has an identity, or as which application it signs in")
        )
    )


def _perhaps_without_identity(facts: Facts) -> Frame:
    has_one = col("system_assigned").fill_null(False) | col("user_assigned").fill_null(False)
    return applies(facts).filter(~has_one)


def _clients(facts: Facts) -> Frame:
    """Return resources with the client id in their profile, in lower case, where there is one."""
    return (
        facts.settings.filter(col("path") == CLIENT.path, col("resolved"))
        .with_columns(client=col("value").str.strip_chars('" ').str.to_lowercase())
        .filter(col("client") != "")
        .select("resource", "client")
    )


def _with_secret(facts: Facts) -> Frame:
    """Return resources that are given an application's secret: in code it may not be known of which application."""
    seen = facts.credentials.filter(col("type") == "service-principal").select("resource").unique()
    return seen.with_columns(not_named=lit("known when it is deployed"))


_AKS = "Microsoft.ContainerService/managedClusters"
_APPLICATION = "8a6c2f6e-4d0b-4b58-9c1d-1f2f3a4b5c6d"

CASES = (
    bad("an application", resource("old", _AKS), setting("old", CLIENT.path, _APPLICATION)),
    bad(
        "an application whose name begins like the word for a managed identity",
        resource("old", _AKS),
        setting("old", CLIENT.path, "msi-app"),
    ),
    bad(
        "one of two clusters",
        resource("new", _AKS, system_assigned=True),
        setting("new", CLIENT.path, "msi"),
        resource("old", _AKS),
        setting("old", CLIENT.path, _APPLICATION),
        finds=("old",),
    ),
    bad(
        "in code, an application and its secret, both given when it is deployed",
        resource("old", _AKS),
        setting("old", CLIENT.path, None, resolved=False),
        credential_in_use("old", "service-principal", property="properties.servicePrincipalProfile.clientId"),
    ),
    good(
        "an own identity, and an application whose secret is left in the profile",
        resource("new", _AKS, system_assigned=True),
        credential_in_use("new", "service-principal"),
    ),
    good(
        "a managed identity",
        resource("new", _AKS, system_assigned=True),
        identity("new-own", of="new"),
        setting("new", CLIENT.path, "msi"),
    ),
    good("a managed identity in odd case", resource("new", _AKS), setting("new", CLIENT.path, "MSI")),
    good(
        "a user-assigned identity, and an application left in the profile",
        resource("new", _AKS, user_assigned=True),
        identity("cluster"),
        attached("cluster", to="new"),
        setting("new", CLIENT.path, _APPLICATION),
    ),
    good(
        "a system-assigned identity, and an application left in the profile",
        resource("new", _AKS, system_assigned=True),
        setting("new", CLIENT.path, _APPLICATION),
    ),
    good("it has an identity and says no more", resource("new", _AKS, system_assigned=True)),
    good("it has a user-assigned identity and says no more", resource("new", _AKS, user_assigned=True)),
    good(
        "something that is no cluster",
        resource("robot", "Microsoft.Example/robots"),
        setting("robot", CLIENT.path, _APPLICATION),
    ),
    unknown(
        "in code, a secret of something else and an application that is given when it is deployed",
        resource("new", _AKS),
        setting("new", CLIENT.path, None, resolved=False),
        credential_in_use("new", "registry-password"),
    ),
    unknown(
        "the profile cannot be resolved",
        resource("new", _AKS),
        setting("new", CLIENT.path, "[parameters('clientId')]", resolved=False),
    ),
    unknown(
        "in code, an application, or an own identity if a parameter says so",
        resource("new", _AKS, system_assigned=None),
        setting("new", CLIENT.path, _APPLICATION),
    ),
    unknown(
        "in code, an application, or the identities that a parameter names",
        resource("new", _AKS, user_assigned=None),
        setting("new", CLIENT.path, _APPLICATION),
    ),
    good(
        "in code, an own identity beside those that a parameter names",
        resource("new", _AKS, system_assigned=True, user_assigned=None),
        setting("new", CLIENT.path, _APPLICATION),
    ),
    good(
        "in code, an identity beside its own, if a parameter says so",
        resource("new", _AKS, system_assigned=None, user_assigned=True),
        setting("new", CLIENT.path, _APPLICATION),
    ),
    unknown("neither identity nor application", resource("new", _AKS), setting("new", CLIENT.path, None)),
    unknown("an empty application", resource("new", _AKS), setting("new", CLIENT.path, "")),
    unknown(
        "only another property is known",
        resource("new", _AKS),
        setting("new", "properties.kubernetesVersion", "1.33"),
    ),
    unknown("nothing of the profile is known", resource("new", _AKS)),
    unknown(
        "the properties were not read",
        resource("new", _AKS),
        setting("new", CLIENT.path, "msi"),
        refused("settings", at="subscription:main"),
    ),
    unknown(
        "whether it is given a secret was not read",
        resource("new", _AKS),
        setting("new", CLIENT.path, "msi"),
        refused("credentials", at="subscription:main"),
    ),
)
