"""A service's key is copied into a key vault, although a managed identity could open the service without it.

## What it finds
A Key Vault secret whose value is, or contains, a key or connection string that the code reads from a service which
accepts managed identities: Storage, Cosmos DB for NoSQL, Service Bus, Event Hubs, Redis, AI services and others. Keys
of services that accept nothing else (Cosmos DB for MongoDB, Cassandra or Gremlin, Notification Hubs, ...) are what a
vault is for and are not reported. Who reads the secret is not known: what only takes a key, such as a mounted file
share, is a reason to accept the finding.

## Why it matters
A vault keeps the key better than a setting does, but it stays a key: whoever may read the secret has a copy that opens
everything in the service from anywhere, and who used it cannot be told. The copy is not renewed when the key is, so
nobody dares to renew it. And whoever can open the vault has an identity already, which could open the service.

## How to fix it
Give the identity that reads the secret a role on the service, hand it the endpoint, and remove the secret:

```bicep
resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, app.id, 'blob')
  properties: {
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      'ba92f5b4-2d11-453d-a403-e96b0029c9fe' // Storage Blob Data Contributor
    )
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
  }
}
```

```hcl
resource "azurerm_role_assignment" "blobs" {
  scope                = azurerm_storage_account.data.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_linux_web_app.app.identity[0].principal_id
}
```

## References
- https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview
- https://learn.microsoft.com/azure/storage/blobs/authorize-access-azure-active-directory
"""

from scanner.rule import (
    Confidence,
    Facts,
    Frame,
    Meta,
    Setting,
    Severity,
    Stage,
    bad,
    col,
    good,
    key_read,
    lit,
    refused,
    resource,
    setting,
    unknown,
)

INTERFACES = Setting("Microsoft.DocumentDB/databaseAccounts", "properties.capabilities")

META = Meta(
    id="MI606",
    name="key-copied-into-vault",
    severity=Severity.LOW,
    confidence=Confidence.MEDIUM,
    subject="key_reads",
    reads=("needless_key_reads", "resources"),
    settings=(INTERFACES,),
    message="{resource} holds a copy of a key of {opened}, which a managed identity could open without one",
    controls=("mcsb:IM-3", "mcsb:IM-8"),
    stages=(Stage.DECLARED,),
    since="0.2",
)


def applies(facts: Facts) -> Frame:
    """Return keys that are handed to a secret of a vault."""
    kept = facts.entities.filter(col("type") == "microsoft.keyvault/vaults/secrets")
    return facts.key_reads.join(kept.select(resource=col("entity")), on="resource")


def check(facts: Facts) -> Frame:
    """Return those of services that an identity opens."""
    mongo = facts.resources.filter(col("kind") == "mongodb")
    other = facts.settings.filter(
        col("path") == INTERFACES.path, col("value").str.contains(_OTHER_INTERFACES)
    )
    return (
        applies(facts)
        .join(
            facts.needless_key_reads.select("credential", "service", "opened").unique(),
            on=["credential", "service"],
        )
        .join(mongo, left_on="read_resource", right_on="resource", how="anti")
        .join(other, left_on="read_resource", right_on="resource", how="anti")
        .select("credential", "resource", "read_resource", "service", "opened", "operation")
    )


_OTHER_INTERFACES = "(?i)enable(mongo|cassandra|gremlin)"


def undecided(facts: Facts) -> Frame:
    """Return keys of which it cannot be told what they open."""
    return (
        applies(facts)
        .filter(col("service") == "")
        .with_columns(reason=lit("the code does not tell which service's key it is"))
    )


_COSMOS = "Microsoft.DocumentDB/databaseAccounts"
_SECRET = resource("storage-key", "Microsoft.KeyVault/vaults/secrets", identity_capable=False)

CASES = (
    bad("a storage key", _SECRET, key_read("properties.value", to="storage-key", sink="secret")),
    bad(
        "a key of Cosmos DB for NoSQL",
        _SECRET,
        resource("db", _COSMOS, kind="globaldocumentdb"),
        setting("db", INTERFACES.path, [{"name": "EnableServerless"}]),
        setting("db", "tags.note", "do not EnableGremlin"),
        key_read("properties.value", to="storage-key", of="db", service=_COSMOS, sink="secret"),
    ),
    bad(
        "for a tool that knows no identities: accept it",
        _SECRET,
        key_read("properties.value", to="storage-key", operation="primary_connection_string", sink="secret"),
    ),
    good(
        "a key of Cosmos DB for MongoDB",
        _SECRET,
        resource("db", _COSMOS, kind="mongodb"),
        key_read("properties.value", to="storage-key", of="db", service=_COSMOS, sink="secret"),
    ),
    good(
        "a key of Cosmos DB for Gremlin",
        _SECRET,
        resource("db", _COSMOS),
        setting("db", INTERFACES.path, [{"name": "EnableGremlin"}]),
        key_read("properties.value", to="storage-key", of="db", service=_COSMOS, sink="secret"),
    ),
    good(
        "a key of a service that only a key opens",
        _SECRET,
        key_read(
            "properties.value",
            to="storage-key",
            service="Microsoft.NotificationHubs/namespaces",
            sink="secret",
        ),
    ),
    good(
        "a setting of a host is a finding of its own",
        resource("shop", "Microsoft.Web/sites"),
        key_read("AzureWebJobsStorage", to="shop"),
    ),
    unknown(
        "a key of nobody knows what",
        _SECRET,
        key_read("properties.value", to="storage-key", service="", sink="secret"),
    ),
    unknown("the keys were not read", _SECRET, refused("key_reads"), finds=("tenant",)),
)
