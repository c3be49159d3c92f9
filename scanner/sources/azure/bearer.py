"""Putting the token on requests, and asking for another one when the service refuses it."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy

from scanner.sources.azure.answer import decode, error_codes
from scanner.sources.azure.cloud import is_loopback
from scanner.sources.azure.credentials import Token, Tokens
from scanner.sources.azure.errors import SourceError, TokenRejectedError

_CLAIMS = re.compile(r'claims="?([A-Za-z0-9+/=_-]+)"?', re.IGNORECASE)


class BearerToken(HTTPPolicy[Any, Any]):
    """Sends the token over https or to this machine only. After a 401 the credential is asked once more."""

    def __init__(self, tokens: Tokens, scope: str) -> None:
        super().__init__()
        self._tokens = tokens
        self._scope = scope

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Authorize and send; raises :class:`SourceError` or :class:`TokenRejectedError`."""
        url = urlsplit(request.http_request.url)
        if url.scheme != "https" and not is_loopback(url.hostname or ""):
            raise SourceError(
                "a token is not sent over plain http", where=url.hostname or "", todo="use an https endpoint"
            )
        token = self._tokens.get(self._scope)
        response = self._send_with(token, request)
        if response.http_response.status_code != 401:
            return response
        self._check_tenant(response)
        token = self._tokens.replace(self._scope, token, _claims(response))
        response = self._send_with(token, request)
        if response.http_response.status_code == 401:
            # Asked for yet another, the credential says that this one was already a replacement.
            self._tokens.replace(self._scope, token, None)
            raise TokenRejectedError("a newly requested token is refused as well")
        return response

    def _send_with(self, token: Token, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        request.http_request.headers["Authorization"] = f"Bearer {token.text}"
        return self.next.send(request)

    def _check_tenant(self, response: PipelineResponse[Any, Any]) -> None:
        try:
            decoded = decode(bytes(response.http_response.body()))
        except (ValueError, RecursionError):
            return
        if "InvalidAuthenticationTokenTenant" in error_codes(decoded):
            raise SourceError(
                "the token is from another tenant than the subscription",
                where="sign-in",
                todo="sign in to the tenant that owns the subscription: `az login --tenant ID`, or AZURE_TENANT_ID",
            )


def _claims(response: PipelineResponse[Any, Any]) -> str | None:
    found = _CLAIMS.search(response.http_response.headers.get("WWW-Authenticate", ""))
    if found is None:
        return None
    encoded = found.group(1).replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
