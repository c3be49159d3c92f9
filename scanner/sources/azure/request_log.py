"""The log of every request that was sent: method, path, status. It is kept with the snapshot as proof."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy

from scanner.sources.azure.errors import ForeignHostError, ReadOnlyViolation, SourceError

LOG_NAME = "requests.jsonl"


class Sent(msgspec.Struct, frozen=True):
    """One request. ``status`` is 0 when no whole answer came back. Of the query only the api-version is kept."""

    method: str
    host: str
    path: str
    api_version: str
    status: int


class RequestLog:
    """Appends to ``requests.jsonl`` in a folder; a resumed scan goes on in the same file. Safe from many threads."""

    def __init__(self, folder: Path) -> None:
        path = folder / LOG_NAME
        self._file = path.open("ab")
        path.chmod(0o600)
        # A killed scan may have left half a line, to which the next one must not be added.
        whole = path.read_bytes().rfind(b"\n") + 1
        self._file.truncate(whole)
        self._lock = threading.Lock()

    def add(self, sent: Sent) -> None:
        """Write one line; raises :class:`SourceError` when the disk does not take it."""
        try:
            with self._lock:
                self._file.write(msgspec.json.encode(sent) + b"\n")
                self._file.flush()
        except OSError as error:
            raise SourceError(
                f"the request log cannot be written: {error.strerror or error}",
                where=self._file.name,
                todo="free some space there, then go on with --resume",
            ) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


class RequestLogPolicy(HTTPPolicy[Any, Any]):
    """Logs each attempt with its status, repeated ones included."""

    def __init__(self, log: RequestLog) -> None:
        super().__init__()
        self._log = log

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send, and write the line whatever comes back."""
        url = urlsplit(request.http_request.url)
        version = parse_qs(url.query).get("api-version", [""])[0]
        status, sent = 0, True
        try:
            response = self.next.send(request)
            status = int(response.http_response.status_code)
        except (ReadOnlyViolation, ForeignHostError):
            sent = False
            raise
        finally:
            if sent:
                self._log.add(
                    Sent(
                        method=str(request.http_request.method),
                        host=url.netloc.rpartition("@")[2],
                        path=url.path,
                        api_version=version,
                        status=status,
                    )
                )
        return response
