"""A resource that runs code has no managed identity and uses a key or a secret instead.

## What it finds
A compute resource (a web app, container app, container group, automation account, data factory, ...) without
any managed identity that is seen to use a credential: a password of an Azure registry, a storage key, a secret value
of its own. Where no credential is seen nothing is said, because plenty of compute calls no other service at all. To
see every compute resource without an identity, ask for it:

```toml
[rules.MI107]
always = true
```

Clusters on a service principal are `aks-cluster-on-service-principal`. The rule advises: a secret may be for a
service outside Azure, which no managed identity opens.

## Why it matters
A key or password is copied, logged, left in a pipeline and seldom changed, and whoever has it can use it from
anywhere. A managed identity has no secret to lose: its tokens live for hours, only on that host, and its access
is a role assignment that can be reviewed and taken away.

## How to fix it
Give the resource an identity, give the identity the role it needs, and refer to it in place of the secret.
For a registry:

```sh
az containerapp identity assign --ids "<app id>" --system-assigned
az role assignment create --role AcrPull --scope "<registry id>" \\
    --assignee-object-id "<principal id>" --assignee-principal-type ServicePrincipal
az containerapp registry set --ids "<app id>" --server "contoso.azurecr.io" --identity system
```

```bicep
identity: { type: 'SystemAssigned' }
properties: {
  configuration: {
    registries: [ { server: 'contoso.azurecr.io', identity: 'system' } ]
    secrets: [ { name: 'api-key', keyVaultUrl: 'https://contoso.vault.azure.net/secrets/api-key', identity: 'system' } ]
  }
}
```
"""

from scanner.rule import (
    Confidence,
    Facts,
    Frame,
    Meta,
    Parameter,
    Severity,
    bad,
    col,
    credential_in_use,
    good,
    identity,
    lit,
    refused,
    resource,
    unknown,
)

COMPUTE = (
    "microsoft.app/containerapps",
    "microsoft.app/jobs",
    "microsoft.app/sessionpools",
    "microsoft.appplatform/spring/apps",
    "microsoft.automation/automationaccounts",
    "microsoft.batch/batchaccounts",
    "microsoft.batch/batchaccounts/pools",
    "microsoft.compute/virtualmachines",
    "microsoft.compute/virtualmachinescalesets",
    "microsoft.containerinstance/containergroups",
    "microsoft.databricks/accessconnectors",
    "microsoft.datafactory/factories",
    "microsoft.devopsinfrastructure/pools",
    "microsoft.hdinsight/clusters",
    "microsoft.loadtestservice/loadtests",
    "microsoft.logic/workflows",
    "microsoft.machinelearningservices/workspaces",
    "microsoft.machinelearningservices/workspaces/batchendpoints",
    "microsoft.machinelearningservices/workspaces/computes",
    "microsoft.machinelearningservices/workspaces/onlineendpoints",
    "microsoft.redhatopenshift/openshiftclusters",
    "microsoft.resources/deploymentscripts",
    "microsoft.servicefabric/clusters/applications",
    "microsoft.servicefabric/managedclusters/applications",
    "microsoft.streamanalytics/streamingjobs",
    "microsoft.synapse/workspaces",
    "microsoft.web/sites",
    "microsoft.web/sites/slots",
    "microsoft.web/staticsites",
)
"""Types that run their owner's code or call other services for it; a cluster of nodes has a rule of its own."""

META = Meta(
    id="MI107",
    name="compute-without-identity",
    severity=Severity.LOW,
    confidence=Confidence.LOW,
    subject="resources",
    reads=("credentials",),
    parameters=(
        Parameter("always", False, "report compute without an identity even where no credential is seen"),
    ),
    message="{name} runs without a managed identity (keys or secrets seen in use: {seen})",
    controls=("mcsb:IM-3", "mcsb:IM-8"),
    since="0.1",
)


def applies(facts: Facts) -> Frame:
    """Return compute resources that could have an identity and are not known to have one."""
    has_one = col("system_assigned").fill_null(False) | col("user_assigned").fill_null(False)
    return facts.resources.filter(col("type").is_in(list(COMPUTE)), col("identity_capable"), ~has_one)


def check(facts: Facts) -> Frame:
    """Return those that surely have none, with the number of credentials seen and the first place where one is."""
    return _bare(facts).filter(~col("open")).drop("open")


def undecided(facts: Facts) -> Frame:
    """Return those of which code does not let know whether they have one."""
    return _bare(facts).with_columns(reason=lit("the code does not let know whether it has an identity"))


def _bare(facts: Facts) -> Frame:
    seen = facts.credentials.group_by("resource").agg(
        seen=col("credential").n_unique(), first_seen_in=col("property").min()
    )
    bare = (
        applies(facts)
        .select("resource", open=col("system_assigned").is_null() | col("user_assigned").is_null())
        .join(seen, on="resource", how="left")
        .with_columns(seen=col("seen").fill_null(0))
    )
    if facts.parameter("always"):
        return bare
    return bare.filter(col("seen") > 0)


_APP = "Microsoft.App/containerApps"
_PASSWORD = "properties.configuration.registries[0].passwordSecretRef"  # noqa: S105 -- a property's name

CASES = (
    bad(
        "a container app that logs in to its registry with a password",
        resource("shop", _APP),
        credential_in_use("shop", "registry-password", property=_PASSWORD),
    ),
    bad(
        "two secrets are one finding",
        resource("shop", _APP),
        credential_in_use("shop", "registry-password", property=_PASSWORD),
        credential_in_use("shop", "secret-value"),
    ),
    bad("a virtual machine of which nothing is known, when asked for", resource("vm"), always=True),
    bad(
        "a secret for a service outside Azure: accept it",
        resource("mailer", _APP),
        credential_in_use("mailer", "secret-value", property="properties.configuration.secrets[0]"),
    ),
    good("a virtual machine of which nothing is known", resource("vm")),
    good(
        "another app uses a secret",
        resource("shop", _APP),
        resource("api", _APP, system_assigned=True),
        identity("api-own", of="api"),
        credential_in_use("api", "secret-value"),
    ),
    good(
        "it has an identity of its own beside the secret",
        resource("shop", _APP, system_assigned=True),
        credential_in_use("shop", "secret-value"),
    ),
    good(
        "it has a user-assigned identity beside the secret",
        resource("shop", _APP, user_assigned=True),
        credential_in_use("shop", "secret-value"),
        always=True,
    ),
    good(
        "a storage account runs nothing",
        resource("data", "Microsoft.Storage/storageAccounts"),
        credential_in_use("data", "storage-key"),
        always=True,
    ),
    good(
        "a cluster on a service principal is a finding of its own",
        resource("cluster", "Microsoft.ContainerService/managedClusters"),
        credential_in_use("cluster", "service-principal", property="properties.servicePrincipalProfile"),
    ),
    good(
        "a resource that cannot have an identity",
        resource("old", "Microsoft.Web/sites", identity_capable=False),
        credential_in_use("old", "storage-key"),
    ),
    good(
        "it has an identity, whatever was not read of credentials",
        resource("shop", _APP, system_assigned=True),
        refused("credentials"),
    ),
    unknown(
        "in code, an own identity if a parameter says so",
        resource("shop", _APP, system_assigned=None),
        credential_in_use("shop", "secret-value"),
    ),
    unknown(
        "in code, the identities that a parameter names, if any",
        resource("shop", _APP, user_assigned=None),
        credential_in_use("shop", "secret-value"),
    ),
    good(
        "in code, an own identity beside those that a parameter names",
        resource("shop", _APP, system_assigned=True, user_assigned=None),
        credential_in_use("shop", "secret-value"),
    ),
    good(
        "in code, an identity beside its own, if a parameter says so",
        resource("shop", _APP, system_assigned=None, user_assigned=True),
        credential_in_use("shop", "secret-value"),
    ),
    unknown("whether it uses credentials was not read", resource("shop", _APP), refused("credentials")),
)
