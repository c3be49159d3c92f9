"""Services whose data a managed identity can reach, so that nobody needs their keys.

Types in lower case, from the services' documentation of Microsoft Entra authentication and the data roles of Azure
RBAC. Left out on purpose: services that only a key opens (Notification Hubs, function keys, deployment tokens), and
Application Insights, whose connection string names a place rather than opening one.
"""

from __future__ import annotations

from collections.abc import Mapping

OPENED_BY_IDENTITY: Mapping[str, str] = {
    "microsoft.appconfiguration/configurationstores": "an App Configuration store",
    "microsoft.batch/batchaccounts": "a Batch account",
    "microsoft.cache/redis": "an Azure Cache for Redis",
    "microsoft.cache/redisenterprise": "an Azure Managed Redis",
    "microsoft.cognitiveservices/accounts": "an AI services account",
    "microsoft.communication/communicationservices": "a Communication Services resource",
    "microsoft.containerregistry/registries": "a container registry",
    "microsoft.devices/iothubs": "an IoT hub",
    "microsoft.devices/provisioningservices": "a device provisioning service",
    "microsoft.documentdb/databaseaccounts": "a Cosmos DB account",
    "microsoft.documentdb/mongoclusters": "a DocumentDB cluster",
    "microsoft.eventgrid/domains": "an Event Grid domain",
    "microsoft.eventgrid/namespaces": "an Event Grid namespace",
    "microsoft.eventgrid/partnernamespaces": "an Event Grid partner namespace",
    "microsoft.eventgrid/topics": "an Event Grid topic",
    "microsoft.eventhub/namespaces": "an Event Hubs namespace",
    "microsoft.maps/accounts": "a Maps account",
    "microsoft.relay/namespaces": "a Relay namespace",
    "microsoft.search/searchservices": "a search service",
    "microsoft.servicebus/namespaces": "a Service Bus namespace",
    "microsoft.signalrservice/signalr": "a SignalR service",
    "microsoft.signalrservice/webpubsub": "a Web PubSub service",
    "microsoft.storage/storageaccounts": "a storage account",
}
"""Types of services, and what people call one; keys of what lies below (a queue's authorization rule) are theirs."""


def opened_by_identity(service: str) -> bool:
    """Whether a managed identity can be given access to the data of a service of this type (any case), or below it."""
    lower = service.lower()
    return any(lower == known or lower.startswith(known + "/") for known in OPENED_BY_IDENTITY)


def opened_pattern() -> str:
    """Return a regular expression for the lower-case types of which :func:`opened_by_identity` is true.

    Its one group is the type in ``OPENED_BY_IDENTITY``.
    """
    return "^(" + "|".join(known.replace(".", r"\.") for known in OPENED_BY_IDENTITY) + ")(?:/|$)"


_ONLY_BY_KEY = (
    # receiver, service, property: what signs in with a key there, also where it could elsewhere with an identity
    (r"microsoft\.streamanalytics/.*", r"microsoft\.devices/iothubs", r".*"),
    (
        r"microsoft\.streamanalytics/.*",
        r"microsoft\.storage/storageaccounts",
        r".*datasource\.properties\.accountkey",
    ),
    (r"microsoft\.digitaltwins/.*", r"microsoft\.eventgrid/.*", r".*"),
    (r"microsoft\.devices/provisioningservices", r"microsoft\.devices/iothubs", r".*"),
)
"""IoT hubs and tables of streams, Event Grid topics of digital twins, linked hubs: as the resources' schemas tell."""


def only_by_key_pattern() -> str:
    """Return a regular expression for ``receiver|service|property`` in lower case, where nothing but a key will do."""
    return "^(?:" + "|".join(r"\|".join(parts) for parts in _ONLY_BY_KEY) + ")$"
