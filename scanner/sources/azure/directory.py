"""Microsoft Graph, only where it is permitted: which principals still exist, and which groups hold identities.

Through azure-core alone: the Graph SDK is four hundred megabytes for these three reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from azure.core.rest import HttpRequest

from scanner.sources.azure.answer import Sink
from scanner.sources.azure.errors import ServiceRefusalError
from scanner.sources.azure.gather import Read

if TYPE_CHECKING:
    from scanner.sources.azure.transport import Transport

SERVICE = "Microsoft Graph"
IDS_PER_CALL = 1_000
ROWS_PER_PAGE = 999
_KINDS = ["servicePrincipal", "user", "group", "device"]


def principal_reads(transport: Transport, object_ids: Iterable[str]) -> list[Read]:
    """Return the reads that ask which of these object ids exist. Each row of theirs is one that does."""
    ids = sorted(set(object_ids))
    reads = []
    for start in range(0, len(ids), IDS_PER_CALL):
        part = ids[start : start + IDS_PER_CALL]
        reads.append(
            Read(
                name=f"principals | {start} | {part[0]}",
                service=SERVICE,
                ask=lambda part=part: _by_ids(transport, part),  # type: ignore[misc]
                gaps=(("principals", "/"),),
                subjects=tuple(part),
            )
        )
    return reads


def managed_identity_read(transport: Transport) -> Read:
    """Return the read of all service principals that are managed identities."""

    def ask() -> list[Any]:
        # The filter is an advanced query, which wants this header and the count.
        return _followed(
            transport,
            HttpRequest(
                "GET",
                f"{transport.cloud.graph}/v1.0/servicePrincipals",
                params={
                    "$filter": "servicePrincipalType eq 'ManagedIdentity'",
                    "$count": "true",
                    "$select": "id,appId,displayName,servicePrincipalType,alternativeNames",
                    "$top": str(ROWS_PER_PAGE),
                },
                headers={"ConsistencyLevel": "eventual"},
            ),
        )

    return Read(name="managed identities", service=SERVICE, ask=ask, gaps=(("principals", "/"),))


def membership_reads(transport: Transport, object_ids: Iterable[str], groups: Iterable[str]) -> list[Read]:
    """Return the reads of the groups each of these principals is in. A failure is a gap for every one of ``groups``.

    What is refused for one is refused for all: hundreds of thousands need not be asked to know it.
    """
    gaps = tuple(("memberships", group) for group in sorted(groups))
    refusals: list[ServiceRefusalError] = []

    def ask(object_id: str) -> list[Any]:
        if refusals:
            raise refusals[0]
        request = HttpRequest(
            "GET",
            f"{transport.cloud.graph}/v1.0/servicePrincipals/{quote(object_id, safe='')}/transitiveMemberOf",
            params={"$select": "id,displayName", "$top": str(ROWS_PER_PAGE)},
        )
        try:
            return _followed(transport, request)
        except ServiceRefusalError as error:
            if error.status == 404:  # who does not exist is in no group
                return []
            if error.status == 403:
                refusals.append(error)
            raise

    return [
        Read(
            name=f"memberships | {object_id}",
            service=SERVICE,
            ask=lambda object_id=object_id: ask(object_id),  # type: ignore[misc]
            gaps=gaps,
            subjects=(object_id,),
        )
        for object_id in sorted(set(object_ids))
    ]


def _by_ids(transport: Transport, ids: list[str]) -> list[Any]:
    request = HttpRequest(
        "POST",
        f"{transport.cloud.graph}/v1.0/directoryObjects/getByIds",
        content=json.dumps({"ids": ids, "types": _KINDS}).encode(),
        headers={"Content-Type": "application/json"},
    )
    return _followed(transport, request)


def _followed(transport: Transport, request: HttpRequest) -> list[Any]:
    """Send a request and follow its pages to their end."""
    sink = Sink()
    client = transport.directory()
    link: str | None = ""
    while link is not None:
        client.send_request(request, stream=False, answer_sink=sink)
        link = sink.next_link
        if link is not None:
            request = HttpRequest("GET", link, headers={"ConsistencyLevel": "eventual"})
    return sink.rows()
