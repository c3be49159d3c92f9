"""One request and one answer, and the errors Azure would give, independent of the socket they travel on."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Plane = Literal["arm", "graph", "imds"]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """An incoming request. `path` is percent-decoded; names of headers and query parameters are lower-case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    origin: str
    """Scheme, host and port under which the caller reached the emulator: what a nextLink starts with."""
    raw_query: str = ""

    def json(self) -> Json:
        """The body as a JSON object. Raises ServiceError 400 when it is none."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError as error:
            raise ServiceError(
                400, "InvalidRequestContent", "The request content was not valid JSON."
            ) from error
        if not isinstance(value, dict):
            raise ServiceError(400, "InvalidRequestContent", "The request content is not a JSON object.")
        return value


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. `body` is either encoded already or an object to encode as JSON."""

    status: int
    body: Json | bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> bytes:
        """The bytes that go on the wire."""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


class ServiceError(Exception):
    """An error that a service answers, in the shape of ARM and of Microsoft Graph."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[Json] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = list(details)
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer that carries this error."""
        error: Json = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = self.details
        return Response(self.status, {"error": error}, self.headers)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: which request it answers, in which api-versions, and by what."""

    method: str
    pattern: re.Pattern[str]
    handler: Callable[[Request, re.Match[str]], Response]
    versions: frozenset[str] = frozenset()
    plane: Plane = "arm"


def route(
    method: str,
    pattern: str,
    handler: Callable[[Request, re.Match[str]], Response],
    *versions: str,
    plane: Plane = "arm",
) -> Route:
    """A Route for the whole path, compared without case as Azure compares."""
    return Route(method, re.compile(pattern, re.IGNORECASE), handler, frozenset(versions), plane)


def page(
    request: Request, rows: Sequence[Json], size: int, *, link: str = "nextLink", extra: Json | None = None
) -> Response:
    """One page of a list: `value`, and an absolute link to the next page on the caller's own host.

    The token is the offset in base64, as Azure's is opaque to the caller; a token that was not issued here is 400.
    """
    start, size = 0, max(1, size)
    token = request.query.get("$skiptoken")
    if token:
        try:
            start = int(base64.urlsafe_b64decode(token.encode()).decode())
        except (binascii.Error, ValueError) as error:
            raise ServiceError(
                400, "InvalidSkipToken", "The skip token is not one this service issued."
            ) from error
    answer: Json = {**(extra or {}), "value": list(rows[start : start + size])}
    if start + size < len(rows):
        following = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        kept = [part for part in request.raw_query.split("&") if part and not _is_skip_token(part)]
        answer[link] = (
            f"{request.origin}{_quoted(request.path)}?{'&'.join([*kept, f'$skiptoken={following}'])}"
        )
    return Response(200, answer)


def _is_skip_token(part: str) -> bool:
    return part.lower().startswith(("$skiptoken=", "%24skiptoken="))


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(path, safe="/()'$@:")


def authorization_failed(client: str, action: str, scope: str) -> ServiceError:
    """403 as ARM words it: who, which action, over which scope."""
    return ServiceError(
        403,
        "AuthorizationFailed",
        f"The client '{client}' with object id '{client}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please "
        "refresh your credentials.",
    )
