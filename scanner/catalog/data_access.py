"""Services whose data a managed identity can reach, so that nobody needs their keys.

Types in lower case, from the services' documentation of Microsoft Entra authentication and the data roles of Azure
RBAC. Left out on purpose: services that only a key opens (Notification Hubs, function keys, deployment tokens), and
Application Insights, whose connection string names a place rather than opening one.
"""

from __future__ import annotations

OPENED_BY_IDENTITY = (
    "microsoft.appconfiguration/configurationstores",
    "microsoft.batch/batchaccounts",
    "microsoft.cache/redis",
    "microsoft.cache/redisenterprise",
    "microsoft.cognitiveservices/accounts",
    "microsoft.communication/communicationservices",
    "microsoft.containerregistry/registries",
    "microsoft.devices/iothubs",
    "microsoft.devices/provisioningservices",
    "microsoft.documentdb/databaseaccounts",
    "microsoft.documentdb/mongoclusters",
    "microsoft.eventgrid/domains",
    "microsoft.eventgrid/namespaces",
    "microsoft.eventgrid/partnernamespaces",
    "microsoft.eventgrid/topics",
    "microsoft.eventhub/namespaces",
    "microsoft.maps/accounts",
    "microsoft.relay/namespaces",
    "microsoft.search/searchservices",
    "microsoft.servicebus/namespaces",
    "microsoft.signalrservice/signalr",
    "microsoft.signalrservice/webpubsub",
    "microsoft.storage/storageaccounts",
)
"""Types of services; keys of what lies below them (the authorization rule of a queue) are theirs too."""


def opened_by_identity(service: str) -> bool:
    """Whether a managed identity can be given access to the data of a service of this type (any case), or below it."""
    lower = service.lower()
    return any(lower == known or lower.startswith(known + "/") for known in OPENED_BY_IDENTITY)


def opened_pattern() -> str:
    """Return a regular expression for the lower-case types of which :func:`opened_by_identity` is true."""
    return "^(?:" + "|".join(known.replace(".", r"\.") for known in OPENED_BY_IDENTITY) + ")(?:/|$)"
