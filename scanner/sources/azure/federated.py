"""Federated credentials: in no index, so one list for each user-assigned identity, within the provider's limits.

The stable version of the API shows a flexible credential without its expression. Each credential that comes
without a subject is therefore read once more in the newer version that has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from azure.core.rest import HttpRequest

from scanner.catalog.property_path import ABSENT, dig
from scanner.sources.azure.answer import SINK, Sink
from scanner.sources.azure.errors import ServiceRefusalError
from scanner.sources.azure.gather import Read
from scanner.sources.azure.raw import UNREAD_EXPRESSION

if TYPE_CHECKING:
    from scanner.sources.azure.transport import Transport

SERVICE = "the list of federated credentials"
FLEXIBLE_API_VERSION = "2025-01-31-preview"
_IDENTITY = re.compile(
    r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\.ManagedIdentity"
    r"/userAssignedIdentities/([^/]+)",
    re.IGNORECASE,
)


def federated_reads(transport: Transport, identity_ids: Iterable[str]) -> tuple[list[Read], list[str]]:
    """Return a read for each identity id, and the ids that are not those of user-assigned identities."""
    reads, odd = [], []
    for identity_id in identity_ids:
        found = _IDENTITY.fullmatch(identity_id.rstrip("/"))
        if found is None:
            odd.append(identity_id)
            continue
        reads.append(_read(transport, identity_id.rstrip("/"), *found.groups()))
    return reads, odd


def _read(transport: Transport, identity_id: str, subscription: str, group: str, name: str) -> Read:
    def ask() -> list[Any]:
        sink = Sink()
        client = transport.identities(subscription)
        for _ in client.federated_identity_credentials.list(
            resource_group_name=group, resource_name=name, **{SINK: sink}
        ):
            pass
        rows = sink.rows()
        return [_completed(transport, identity_id, row) for row in rows]

    return Read(
        name=f"federated credentials | {identity_id.lower()}",
        service=SERVICE,
        ask=ask,
        gaps=(("federated_credentials", identity_id),),
    )


def _completed(transport: Transport, identity_id: str, row: Any) -> Any:
    subject = dig(row, "properties.subject")
    name = row.get("name") if isinstance(row, dict) else None
    if not isinstance(name, str) or (isinstance(subject, str) and subject.strip()):
        return row
    if dig(row, "properties.claimsMatchingExpression.value") is not ABSENT:
        return row
    sink = Sink()
    url = f"{transport.cloud.arm}{quote(identity_id)}/federatedIdentityCredentials/{quote(name, safe='')}"
    request = HttpRequest("GET", url, params={"api-version": FLEXIBLE_API_VERSION})
    try:
        transport.manager().send_request(request, stream=False, answer_sink=sink)
    except ServiceRefusalError as error:
        return {**row, UNREAD_EXPRESSION: f"{error.status} {error.code}"}
    return sink.pages[0]
