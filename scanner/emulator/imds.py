"""The instance metadata endpoint that gives managed identities their tokens."""

from __future__ import annotations

import base64
import itertools
import json
import re
import threading
import time

from scanner.emulator.exchange import Request, Response, Route, ServiceError, route
from scanner.emulator.world import World

LIFETIME = 86_399
API_VERSION = "2018-02-01"
# The four spellings of "which identity": the last one is what the asynchronous credential sends.
SELECTORS = ("client_id", "object_id", "msi_res_id", "resource_id")


class Imds:
    """Issues tokens for the tenant's caller and recognises them again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._numbers = itertools.count(1)
        self._issued: dict[str, str] = {}
        self._lock = threading.Lock()

    def routes(self) -> list[Route]:
        """The token request and the list of versions."""
        return [
            route("GET", r"/metadata/identity/oauth2/token", self.token, plane="imds"),
            route("GET", r"/metadata/versions", self.versions, plane="imds"),
        ]

    def versions(self, request: Request, _: re.Match[str]) -> Response:
        """The api-versions of the metadata endpoint."""
        _check_header(request)
        return Response(200, {"apiVersions": [API_VERSION]})

    def token(self, request: Request, _: re.Match[str]) -> Response:
        """A token for the resource asked for."""
        _check_header(request)
        if request.query.get("api-version") != API_VERSION:
            return _refused("bad_request", f"api-version must be {API_VERSION}")
        resource = request.query.get("resource", "")
        if not resource:
            return _refused("bad_request_102", "Required audience parameter not specified")
        caller = self._world.tenant.caller
        own = (caller.client_id, caller.object_id, caller.resource_id, caller.resource_id)
        for selector, value in zip(SELECTORS, own, strict=True):
            asked = request.query.get(selector)
            if asked is not None and asked.lower() != value.lower():
                return _refused("invalid_request", "Identity not found")
        now = int(time.time())
        token = self._issue(resource, now)
        return Response(
            200,
            {
                "access_token": token,
                "client_id": caller.client_id,
                "expires_in": str(LIFETIME),
                "expires_on": str(now + LIFETIME),
                "ext_expires_in": str(LIFETIME),
                "not_before": str(now),
                "resource": resource,
                "token_type": "Bearer",
            },
        )

    def _issue(self, resource: str, now: int) -> str:
        caller = self._world.tenant.caller
        claims = {
            "aud": resource,
            "iss": f"https://sts.windows.net/{self._world.tenant.tenant_id}/",
            "iat": now,
            "exp": now + LIFETIME,
            "tid": self._world.tenant.tenant_id,
            "oid": caller.object_id,
            "appid": caller.client_id,
            "uti": str(next(self._numbers)),
        }
        # Shaped as Azure's tokens are, for clients that look inside; signed by nobody.
        parts = [{"alg": "none", "typ": "JWT"}, claims]
        token = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
        token += ".emulated"
        with self._lock:
            self._issued[token] = resource
        return token

    def check(self, request: Request, audiences: tuple[str, ...]) -> None:
        """Accept a request that carries a token of this endpoint for one of the audiences, else ServiceError 401."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        challenge = {
            "WWW-Authenticate": 'Bearer authorization_uri="https://login.microsoftonline.com/common", '
            'error="invalid_token", error_description="The authentication failed because of missing header."'
        }
        if scheme.lower() != "bearer" or not token:
            raise ServiceError(
                401,
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
                headers=challenge,
            )
        with self._lock:
            audience = self._issued.get(token)
        if audience is None:
            raise ServiceError(
                401, "InvalidAuthenticationToken", "The access token is invalid.", headers=challenge
            )
        if audience.rstrip("/") not in (*audiences, request.origin):
            raise ServiceError(
                401,
                "InvalidAuthenticationTokenAudience",
                "The access token has been obtained for wrong audience or resource.",
                headers=challenge,
            )
        expired = self._world.hostility.use_token(token)
        if expired is not None:
            raise expired


def _check_header(request: Request) -> None:
    if request.headers.get("metadata", "").lower() != "true":
        raise MetadataHeaderError


class MetadataHeaderError(Exception):
    """A request without `Metadata: true`, which browsers and forwarded requests cannot add."""

    def response(self) -> Response:
        """400 in the shape of the metadata endpoint."""
        return _refused("bad_request_102", "Required metadata header not specified")


def _refused(error: str, description: str) -> Response:
    return Response(400, {"error": error, "error_description": description})
