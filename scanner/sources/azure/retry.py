"""Asking again: for POST as for GET, in both flavours of 429, on server errors and on answers cut short."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import DecodeError, IncompleteReadError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy

from scanner.sources.azure.throttle import Clock, Throttle, wait_before

ATTEMPTS = 6
"""Requests at most for one answer when the service fails or the connection breaks."""
ATTEMPTS_WHEN_THROTTLED = 20
"""Requests at most when the service only says "later": the quota is shared, so patience pays."""
_FAILURES = frozenset([408, 500, 502, 503, 504])
_BROKEN = (ServiceRequestError, ServiceResponseError, IncompleteReadError, DecodeError)


class RetryReads(HTTPPolicy[Any, Any]):
    """Repeats a request that can be repeated: all are reads. The last answer or error is given as it is."""

    def __init__(self, clock: Clock, throttle: Throttle) -> None:
        super().__init__()
        self._clock = clock
        self._throttle = throttle

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send until there is an answer that is worth having, or no patience left."""
        path = urlsplit(request.http_request.url).path
        failed = throttled = 0
        while True:
            try:
                response = self.next.send(request)
            except _BROKEN:
                failed += 1
                if failed >= ATTEMPTS:
                    raise
                self._clock.sleep(wait_before(failed, None))
                continue
            status = response.http_response.status_code
            headers = response.http_response.headers
            if status == 429:
                throttled += 1
                if throttled >= ATTEMPTS_WHEN_THROTTLED:
                    return response
                self._throttle.hold(path, wait_before(throttled, headers))
            elif status in _FAILURES:
                failed += 1
                if failed >= ATTEMPTS:
                    return response
                self._clock.sleep(wait_before(failed, headers))
            else:
                return response


class TakeTurn(HTTPPolicy[Any, Any]):
    """Inside the retry loop: each attempt waits for its budgets, and each answer tells what is left of them."""

    def __init__(self, throttle: Throttle) -> None:
        super().__init__()
        self._throttle = throttle

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Wait, send, observe."""
        path = urlsplit(request.http_request.url).path
        self._throttle.acquire(path)
        response = self.next.send(request)
        self._throttle.observe(path, response.http_response.headers)
        return response
