"""Code reads a service's key and hands it to a host whose managed identity could open that service without it.

## What it finds
A template that reads a key or connection string (`listKeys()`, `listConnectionStrings()`, `primary_access_key`, ...)
and puts it into an app setting, a connection string, an environment variable, a container app's secret, a value in
App Configuration or a link to a service, of a resource that can have a managed identity, where the service accepts
one: Storage, Cosmos DB, Service Bus, Event Hubs, App Configuration, AI services, Search, Redis, SignalR, a registry
and others.

Not reported are keys without which it does not work: the content share of a function app
(`WEBSITE_CONTENTAZUREFILECONNECTIONSTRING`) and other mounted file shares, web server logs in a container
(`DIAGNOSTICS_AZUREBLOBCONTAINERSASURL`), the log of the first version of functions (`AzureWebJobsDashboard`, which
later ones ignore: take it out), Cosmos DB accounts for MongoDB, Cassandra or Gremlin, the functions of a static web
app, Notification Hubs, what a stream analytics job reads from an IoT hub or writes into tables, the hubs of a device
provisioning service, the Event Grid topics of digital twins; nor the connection string of Application Insights, which
opens nothing.

## Why it matters
The code holds no secret, but every deployment copies one: into the settings, which everybody who may configure the
host can read, into the state file and into the memory of the process. Whoever has it can do everything to the service
from anywhere, and it stays valid until somebody renews it, which breaks all that use it.

## How to fix it
Give the host an identity, give the identity a data role on the service, and hand it the service's name or endpoint:

```bicep
resource app 'Microsoft.Web/sites@2024-04-01' = {
  identity: { type: 'SystemAssigned' }
  properties: {
    siteConfig: {
      appSettings: [ { name: 'AzureWebJobsStorage__accountName', value: storage.name } ]
    }
  }
}
```

```hcl
resource "azurerm_linux_function_app" "app" {
  storage_account_name          = azurerm_storage_account.data.name
  storage_uses_managed_identity = true
  identity { type = "SystemAssigned" }
}
```

The settings of an ARM template are the same as in Bicep. In code, `DefaultAzureCredential` and an endpoint take the
place of the connection string. Then turn the keys off, with `allowSharedKeyAccess: false` or `disableLocalAuth: true`.

## References
- https://learn.microsoft.com/azure/azure-functions/functions-identity-based-connections-tutorial
- https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-status
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
    in_output,
    key_read,
    lit,
    refused,
    resource,
    setting,
    unknown,
)

INTERFACES = Setting("Microsoft.DocumentDB/databaseAccounts", "properties.capabilities")

META = Meta(
    id="MI601",
    name="key-read-by-reference",
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    subject="key_reads",
    reads=("needless_key_reads", "resources"),
    settings=(INTERFACES,),
    message="{resource} is handed a key of {opened} in {property}, where a managed identity would do",
    controls=("mcsb:IM-3", "mcsb:IM-8"),
    stages=(Stage.DECLARED,),
    since="0.2",
)

_NEEDED = (
    "website_contentazurefileconnectionstring",
    "diagnostics_azureblobcontainersasurl",
    "azurewebjobsdashboard",
)
"""Settings that take nothing but a key, in lower case."""

_HOSTS = r"^microsoft\.(web/sites(/slots)?/config|synapse/workspaces/linkedservices)$"
"""Children in which the settings of a host are kept."""

_LINKS = (
    r"^microsoft\.(batch/batchaccounts|cache/redis|datafactory/factories/linkedservices|synapse/workspaces/linkedservices"
    r"|machinelearningservices/workspaces/(datastores|connections)|streamanalytics/streamingjobs(/inputs|/outputs)?|web/connections"
    r"|devices/iothubs|digitaltwins/digitaltwinsinstances/endpoints|apimanagement/service/loggers"
    r"|cognitiveservices/accounts(/projects)?/connections|appconfiguration/configurationstores/keyvalues"
    r"|sql/servers(/databases)?/(extended)?auditingsettings|sql/servers/devopsauditingsettings)$"
)
"""What keeps the key in a property of its own and could sign in with an identity there."""


def applies(facts: Facts) -> Frame:
    """Return keys that are handed to something that can have an identity."""
    capable = facts.resources.filter(col("identity_capable")).select("resource", capable=lit(True))
    kinds = facts.entities.select(resource=col("entity"), receiver=col("type"))
    named = col("sink").is_in(["app_setting", "connection_string", "environment_variable", "secret"])
    host = col("capable").fill_null(False) | col("receiver").str.contains(_HOSTS)
    image = (col("service") == "microsoft.containerregistry/registries") & col("capable").fill_null(False)
    linked = col("receiver").str.contains(_LINKS) | image
    return (
        facts.key_reads.join(kinds, on="resource")
        .join(capable, on="resource", how="left")
        .filter((named & host) | linked, col("receiver") != "microsoft.web/staticsites")
        .filter(~col("property").str.to_lowercase().is_in(_NEEDED))
        .drop("capable", "receiver")
    )


def check(facts: Facts) -> Frame:
    """Return those of services that an identity opens, whatever interface they have."""
    other = facts.settings.filter(
        col("path") == INTERFACES.path, col("value").str.contains(_OTHER_INTERFACES)
    )
    mongo = facts.resources.filter(col("kind") == "mongodb")
    return (
        applies(facts)
        .join(
            facts.needless_key_reads.select("credential", "service", "opened").unique(),
            on=["credential", "service"],
        )
        .join(other, left_on="read_resource", right_on="resource", how="anti")
        .join(mongo, left_on="read_resource", right_on="resource", how="anti")
        .select(
            "credential", "resource", "read_resource", "service", "opened", "operation", "sink", "property"
        )
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
_APP = resource("shop", "Microsoft.Web/sites", system_assigned=True)
_DATA = resource("data", "Microsoft.Storage/storageAccounts")

CASES = (
    bad("a function app's own storage", _APP, _DATA, key_read("AzureWebJobsStorage", to="shop", of="data")),
    bad(
        "an account that is not declared here, for an app that has no identity yet",
        resource("shop", "Microsoft.Web/sites"),
        key_read("ConnectionStrings:Data", to="shop", sink="connection_string"),
    ),
    bad(
        "an environment variable of a container group",
        resource("job", "Microsoft.ContainerInstance/containerGroups"),
        key_read(
            "QUEUE",
            to="job",
            service="Microsoft.ServiceBus/namespaces/AuthorizationRules",
            operation="primary_connection_string",
            sink="environment_variable",
        ),
    ),
    bad(
        "a secret of a container app",
        resource("api", "Microsoft.App/containerApps"),
        key_read("redis", to="api", service="Microsoft.Cache/redis", sink="secret"),
    ),
    bad(
        "settings that are a child of the app",
        resource("appsettings", "Microsoft.Web/sites/config", identity_capable=False),
        key_read("SEARCH_KEY", to="appsettings", service="Microsoft.Search/searchServices"),
    ),
    *(
        bad(
            f"what could sign in with an identity: {kind}",
            resource("kept", f"Microsoft.{kind}", identity_capable=False),
            key_read(f"properties.{where}", to="kept", sink="property"),
        )
        for kind, where in (
            ("DataFactory/factories/linkedServices", "typeProperties.connectionString"),
            ("AppConfiguration/configurationStores/keyValues", "value"),
            ("Sql/servers/auditingSettings", "storageAccountAccessKey"),
            ("Sql/servers/devOpsAuditingSettings", "storageAccountAccessKey"),
        )
    ),
    *(
        bad(
            f"a connection to an AI service: {kind}",
            resource("openai", f"Microsoft.{kind}/connections", identity_capable=False),
            key_read(
                "properties.credentials.key",
                to="openai",
                service="Microsoft.CognitiveServices/accounts",
                sink="property",
            ),
        )
        for kind in ("MachineLearningServices/workspaces", "CognitiveServices/accounts/projects")
    ),
    bad(
        "a registry's password for a container group's images",
        resource("job", "Microsoft.ContainerInstance/containerGroups"),
        key_read(
            "properties.imageRegistryCredentials",
            to="job",
            service="Microsoft.ContainerRegistry/registries",
            operation="listCredentials",
            sink="property",
        ),
    ),
    bad(
        "Cosmos DB for NoSQL",
        _APP,
        resource("db", _COSMOS, kind="globaldocumentdb"),
        setting("db", INTERFACES.path, [{"name": "EnableServerless"}]),
        setting("db", "tags.note", "do not EnableGremlin"),
        key_read("COSMOS_KEY", to="shop", of="db", service=_COSMOS),
    ),
    good(
        "the content share of a function app can only be mounted with a key",
        _APP,
        key_read("WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", to="shop"),
    ),
    good(
        "web server logs are written with a signed address",
        _APP,
        key_read("DIAGNOSTICS_AZUREBLOBCONTAINERSASURL", to="shop", operation="listServiceSas"),
    ),
    good(
        "the log of the first version of functions, which signs in with nothing else, and which later ones ignore",
        _APP,
        key_read("AzureWebJobsDashboard", to="shop"),
    ),
    good(
        "Application Insights: its connection string opens nothing",
        _APP,
        key_read(
            "APPLICATIONINSIGHTS_CONNECTION_STRING",
            to="shop",
            service="Microsoft.Insights/components",
            operation="connection_string",
        ),
    ),
    good(
        "the key of an IoT hub or of a table is all that a stream analytics job takes for these",
        resource("devices", "Microsoft.StreamAnalytics/streamingJobs/inputs", identity_capable=False),
        key_read(
            "properties.datasource.properties.sharedAccessPolicyKey",
            to="devices",
            service="Microsoft.Devices/IotHubs",
            sink="property",
        ),
        resource("rows", "Microsoft.StreamAnalytics/streamingJobs/outputs", identity_capable=False),
        key_read("properties.datasource.properties.accountKey", to="rows", sink="property"),
    ),
    good(
        "a device provisioning service is linked to its hubs by their connection strings",
        resource("dps", "Microsoft.Devices/provisioningServices"),
        key_read(
            "properties.iotHubs[0].connectionString",
            to="dps",
            service="Microsoft.Devices/IotHubs",
            operation="primary_connection_string",
            sink="property",
        ),
    ),
    good(
        "a service that only a key opens",
        _APP,
        key_read("HUB", to="shop", service="Microsoft.NotificationHubs/namespaces"),
    ),
    good(
        "Cosmos DB for MongoDB keeps its keys",
        _APP,
        resource("db", _COSMOS, kind="mongodb"),
        key_read("MONGO", to="shop", of="db", service=_COSMOS),
    ),
    good(
        "Cosmos DB for Gremlin keeps its keys",
        _APP,
        resource("db", _COSMOS),
        setting("db", INTERFACES.path, [{"name": "EnableGremlin"}]),
        key_read("GRAPH", to="shop", of="db", service=_COSMOS),
    ),
    good(
        "the functions of a static web app have no identity",
        resource("site", "Microsoft.Web/staticSites"),
        key_read("STORAGE", to="site"),
    ),
    good(
        "a file share that containers mount needs a key",
        resource("share", "Microsoft.App/managedEnvironments/storages", identity_capable=False),
        key_read("properties.azureFile.accountKey", to="share", sink="property"),
        resource("job", "Microsoft.ContainerInstance/containerGroups"),
        key_read("properties.volumes[0].azureFile.storageAccountKey", to="job", sink="property"),
    ),
    good(
        "a registry's password where no identity can be",
        resource("import", "Microsoft.ContainerRegistry/registries/importPipelines", identity_capable=False),
        key_read(
            "properties.source",
            to="import",
            service="Microsoft.ContainerRegistry/registries",
            sink="property",
        ),
    ),
    good(
        "a vault keeps secrets for others, which is a finding of its own",
        resource("kept", "Microsoft.KeyVault/vaults/secrets", identity_capable=False),
        key_read("properties.value", to="kept", sink="secret"),
    ),
    good("an output is a finding of its own", _APP, in_output("storageKey")),
    good(
        "whether a host with another setting is meant does not matter for a link",
        resource("hub", "Microsoft.Devices/IotHubs"),
        key_read("properties.routing", to="hub", service="Microsoft.Example/others", sink="property"),
    ),
    unknown(
        "a key of nobody knows what",
        _APP,
        key_read("KEY", to="shop", service=""),
    ),
    unknown(
        "the settings of the database were not read",
        _APP,
        resource("db", "Microsoft.Storage/storageAccounts"),
        key_read("WEBSITE", to="shop", service="Microsoft.Insights/components"),
        refused("settings"),
    ),
)
