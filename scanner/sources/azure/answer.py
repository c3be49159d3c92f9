"""Answers as they came, past the SDK models: rows are read raw, so that an odd one cannot stop the others.

The SDK clients build the requests and follow the pages. What they would turn into models is taken out of the
answer before they see it: models of two generations differ, refuse unexpected values, and cost time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard
from urllib.parse import urlsplit

import msgspec
from azure.core.exceptions import DecodeError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import ContentDecodePolicy, HTTPPolicy, SansIOHTTPPolicy

from scanner.sources.azure.errors import BrokenAnswerError, ServiceRefusalError

SINK = "answer_sink"
"""Name of the keyword by which an SDK operation is given a :class:`Sink`."""
_DECODED = "midas.decoded"
MOST_PAGES = 100_000


class Sink:
    """Takes the answers of one SDK operation, page by page."""

    def __init__(self) -> None:
        self.pages: list[dict[str, Any]] = []
        self.next_link: str | None = None
        self.headers: Mapping[str, str] = {}
        self._links: set[str] = set()

    def take(self, page: dict[str, Any]) -> str | None:
        """Keep a page and return the link to the next one. A link seen before would never end."""
        self.pages.append(page)
        self.next_link = None
        link = page.get("nextLink") or page.get("@odata.nextLink")
        if link is None or link == "":
            return None
        if not _is_link(link) or link in self._links or len(self.pages) >= MOST_PAGES:
            raise BrokenAnswerError(
                "the link to the next page is not one, or leads back to a page already read"
            )
        self._links.add(link)
        self.next_link = link
        return link

    def rows(self) -> list[Any]:
        """All elements of all pages' ``value`` lists, whatever they are; raises :class:`BrokenAnswerError`."""
        rows: list[Any] = []
        for page in self.pages:
            value = page.get("value")
            if not isinstance(value, list):
                raise BrokenAnswerError("the answer has no list of values")
            rows += value
        return rows


def _is_link(link: Any) -> TypeGuard[str]:
    # Braces would be taken for placeholders by the SDK.
    if not isinstance(link, str) or "{" in link or "}" in link:
        return False
    try:
        return bool(urlsplit(link).hostname)
    except ValueError:
        return False


class DecodeBody(SansIOHTTPPolicy[Any, Any]):
    """Decodes the body inside the retry loop, so that one cut in its middle is asked for again."""

    def on_response(
        self,
        request: PipelineRequest[Any],  # noqa: ARG002 - the policy interface
        response: PipelineResponse[Any, Any],
    ) -> None:
        """Keep the decoded body; raises :class:`DecodeError` for a success that is not JSON."""
        body = _body(response.http_response)
        try:
            decoded = decode(body)
        except (ValueError, RecursionError) as error:
            if response.http_response.status_code < 400:
                raise DecodeError("the body is not JSON", response=response.http_response) from error
            decoded = None
        response.context[_DECODED] = decoded


class DeliverAnswer(HTTPPolicy[Any, Any]):
    """Outside the retry loop: hands the decoded body to the caller's :class:`Sink`, an empty one to the SDK.

    An error becomes a :class:`ServiceRefusalError`, whatever SDK asked.
    """

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send and deliver."""
        sink: Sink | None = request.context.options.pop(SINK, None)
        response = self.next.send(request)
        decoded = response.context.get(_DECODED)
        status = int(response.http_response.status_code)
        if status >= 400:
            raise ServiceRefusalError(status, tuple(error_codes(decoded)))
        if status != 200 or not isinstance(decoded, dict):
            raise BrokenAnswerError(f"status {status} without a JSON object")
        link = None
        if sink is not None:
            sink.headers = response.http_response.headers
            link = sink.take(decoded)
        bare: dict[str, Any] = {
            "value": [],
            "data": [],
            "totalRecords": 0,
            "count": 0,
            "resultTruncated": "false",
        }
        if link is not None:
            bare["nextLink"] = link
        response.context[ContentDecodePolicy.CONTEXT_NAME] = bare
        return PipelineResponse(response.http_request, _Bare(bare), response.context)


class _Bare:
    """The answer that the SDK gets to see: a success with an empty list and the link to the next page."""

    status_code = 200
    headers: dict[str, str] = {"content-type": "application/json"}  # noqa: RUF012 - read only, by the SDK

    def __init__(self, content: dict[str, Any]) -> None:
        self._text = json.dumps(content)

    def text(self, encoding: str | None = None) -> str:  # noqa: ARG002 - the SDK's signature
        return self._text

    def body(self) -> bytes:
        return self._text.encode()


def decode(body: bytes) -> Any:
    """Decode JSON; bytes that are not UTF-8 and lone surrogates are replaced. Raises ValueError or RecursionError."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(body.decode("utf-8", "replace"))


def _body(response: Any) -> bytes:
    body = response.body() if callable(getattr(response, "body", None)) else response.content
    return bytes(body)


def error_codes(decoded: Any) -> Iterator[str]:
    """Yield the error codes of an ARM or Graph error body, outermost first; at most a few, each cut short."""
    level = [decoded.get("error", decoded)] if isinstance(decoded, dict) else []
    for _ in range(4):
        deeper: list[Any] = []
        for error in level[:20]:
            if isinstance(error, dict):
                code = error.get("code")
                if isinstance(code, str):
                    yield "".join(char for char in code[:80] if char.isalnum() or char in "._-")
                details = error.get("details")
                deeper += details if isinstance(details, list) else []
                deeper += [error[key] for key in ("innererror", "innerError") if key in error]
        level = deeper
