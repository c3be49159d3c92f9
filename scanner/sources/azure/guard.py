"""Read-only by construction: the last policy of every pipeline lets reads through, and nothing else."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

from scanner.sources.azure.cloud import is_loopback
from scanner.sources.azure.errors import ForeignHostError, ReadOnlyViolation

READING_POSTS = (
    re.compile(r"/providers/Microsoft\.ResourceGraph/resources", re.IGNORECASE),
    re.compile(r"/v1\.0/directoryObjects/getByIds", re.IGNORECASE),
    re.compile(
        r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity"
        r"/userAssignedIdentities/[^/]+/listAssociatedResources",
        re.IGNORECASE,
    ),
)
"""The queries that Azure wants as POST. A path must match as a whole."""


class ReadOnlyGuard(SansIOHTTPPolicy[Any, Any]):
    """Refuses every request that could change something, and every host but the one the pipeline is for.

    It stands right before the transport, so that no other policy can add or alter a request behind it. The
    host is checked because a page of a list names the URL of the next one: a token must not follow it elsewhere.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = urlsplit(endpoint)

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Raise :class:`ReadOnlyViolation` or :class:`ForeignHostError` unless it is a read of this service."""
        method = str(request.http_request.method).upper()
        url = urlsplit(request.http_request.url)
        if method != "GET" and not (
            method == "POST" and any(allowed.fullmatch(url.path) for allowed in READING_POSTS)
        ):
            raise ReadOnlyViolation(f"{method} {url.path} is not a read: it was not sent")
        own = self._endpoint.hostname or ""
        host = url.hostname or ""
        below = host.endswith("." + own) and not is_loopback(own)
        if (
            url.scheme != self._endpoint.scheme
            or not (host == own or below)
            or _port(url) != _port(self._endpoint)
        ):
            raise ForeignHostError(f"an answer of {own} points to {host[:200]!r}: not followed")


def _port(url: Any) -> int:
    return url.port or (443 if url.scheme == "https" else 80)
