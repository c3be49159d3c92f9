"""The socket: HTTP/1.1 with kept connections, one thread per connection."""

from __future__ import annotations

import contextlib
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from scanner.emulator.exchange import Request, Response, ServiceError
from scanner.emulator.hostility import Fault

MOST_BODY = 4 * 1024 * 1024
Answer = Callable[[Request], tuple[Response, Fault | None]]


class Listener(ThreadingHTTPServer):
    """Knows its open connections, so that stopping does not wait for clients to go away."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], answer: Answer) -> None:
        self.answer = answer
        self._open: dict[socket.socket, threading.Thread] = {}
        self._open_lock = threading.Lock()
        super().__init__(address, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a new connection in a thread of its own."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._open_lock:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that ends."""
        with self._open_lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is everyday; anything else is shown as usual."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        """End every open connection and wait until the answer it is working on is done."""
        with self._open_lock:
            waiting = dict(self._open)
        for connection, thread in waiting.items():
            # A client that closed it first has its thread on the way out already.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()


class Handler(BaseHTTPRequestHandler):
    """Turns HTTP into Request and Response."""

    server: Listener
    protocol_version = "HTTP/1.1"
    server_version = "MidasEmulator"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 120

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MOST_BODY or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            refusal = ServiceError(413, "RequestEntityTooLarge", "A body of at most 4 MiB, of known length.")
            self._send(refusal.response())
            return
        body = self.rfile.read(int(length))
        target = urlsplit(self.path)
        host = self.headers.get("Host") or f"127.0.0.1:{self.server.server_port}"
        request = Request(
            method=self.command,
            path=unquote(target.path),
            query={name.lower(): value for name, value in parse_qsl(target.query, keep_blank_values=True)},
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            origin=f"http://{host}",
            raw_query=target.query,
        )
        response, fault = self.server.answer(request)
        self._send(response, cut=fault == "cut")

    def _send(self, response: Response, *, cut: bool = False) -> None:
        payload = response.payload()
        number = str(uuid.uuid4())
        headers: Mapping[str, str] = {
            "Content-Type": "application/json; charset=utf-8",
            "Content-Length": str(len(payload)),
            "Cache-Control": "no-cache",
            "x-ms-request-id": number,
            "x-ms-correlation-request-id": number,
            "x-ms-routing-request-id": f"EMULATOR:{number}",
            "x-ms-ratelimit-remaining-subscription-reads": "249",
            **response.headers,
        }
        self.send_response(response.status)
        for name, value in headers.items():
            self.send_header(name, value)
        if cut:
            self.send_header("Connection", "close")
            payload = payload[: len(payload) // 2]
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    # http.server looks these names up; all verbs go the same way.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: the emulator keeps its own record."""
