"""The local Azure on a loopback port: HTTP/1.1 with kept connections, one thread per connection."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from scanner.emulator.authorization import Authorization
from scanner.emulator.behaviour import Behaviour
from scanner.emulator.exchange import Request, Response, Route, ServiceError
from scanner.emulator.hostility import Clock, Fault
from scanner.emulator.imds import Imds, MetadataHeaderError
from scanner.emulator.managed_identity import ManagedIdentity
from scanner.emulator.management import Management
from scanner.emulator.microsoft_graph import MicrosoftGraph
from scanner.emulator.resource_graph import ResourceGraph
from scanner.emulator.tenant import Tenant
from scanner.emulator.world import World

ARM_AUDIENCES = (
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://management.core.usgovcloudapi.net",
    "https://management.chinacloudapi.cn",
)
GRAPH_AUDIENCES = (
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
)
MOST_BODY = 4 * 1024 * 1024


class Recorded(NamedTuple):
    """One request as it was answered. The query is as the client wrote it; headers are not kept."""

    method: str
    path: str
    query: str
    status: int


class Emulator:
    """A running local Azure, for use in a `with` statement.

    `url` is where it listens. `requests` are all requests so far in the order of their answers, `writes` those
    that would have changed something (all refused with 405). `clock` gives seconds for quotas and limits, `pause`
    waits out the latency; both may be replaced in tests. Raises OSError when the port is taken,
    EngineMissingError without the `emulator` extra.
    """

    def __init__(
        self,
        tenant: Tenant,
        *,
        port: int = 0,
        behaviour: Behaviour | None = None,
        clock: Clock = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.tenant = tenant
        self.behaviour = behaviour or Behaviour()
        self.requests: list[Recorded] = []
        self.writes: list[Recorded] = []
        self._pause = pause
        self._world = World(tenant, self.behaviour, clock)
        self._imds = Imds(self._world)
        self._graph = ResourceGraph(self._world)
        services = (
            self._imds,
            self._graph,
            ManagedIdentity(self._world),
            Authorization(self._world),
            Management(self._world),
            MicrosoftGraph(self._world),
        )
        self._routes: list[Route] = [found for service in services for found in service.routes()]
        self._record_lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve in the background until `stop`."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="emulator", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every open connection, and free the inventory."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.close_connections()
        self._server.server_close()
        self._graph.close()

    def environment(self) -> dict[str, str]:
        """Environment variables with which `midas scan` and azure-identity use this Azure."""
        return {
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": self.url,
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
            "MIDAS_ARM_ENDPOINT": self.url,
            "MIDAS_GRAPH_ENDPOINT": self.url,
        }

    def answer(self, request: Request) -> tuple[Response, Fault | None]:
        """The answer to a request, and the fault with which it is to be sent."""
        if self.behaviour.latency:
            self._pause(self.behaviour.latency)
        fault: Fault | None = None
        write = False
        try:
            found, write = self._find(request)
            if found is None or found[0].plane != "imds":
                fault = self._world.hostility.fault()
            if write:
                raise ServiceError(
                    405, "MethodNotAllowed", f"The local Azure only reads: {request.method} is refused."
                )
            response = self._answer(request, found, fault)
        except (ServiceError, MetadataHeaderError) as error:
            response = error.response()
        recorded = Recorded(request.method, request.path, request.raw_query, response.status)
        with self._record_lock:
            self.requests.append(recorded)
            if write:
                self.writes.append(recorded)
        return response, fault

    def _find(self, request: Request) -> tuple[tuple[Route, Any] | None, bool]:
        """The operation a request means, and whether it would write."""
        path = request.path.rstrip("/") or "/"
        elsewhere = False
        for candidate in self._routes:
            match = candidate.pattern.fullmatch(path)
            if match is None:
                continue
            if candidate.method == request.method:
                return (candidate, match), False
            elsewhere = True
        # Azure has POSTs that read; those are routes. Every other POST, and every other verb, changes something.
        return None, request.method not in ("GET", "HEAD") or (elsewhere and request.method != "GET")

    def _answer(self, request: Request, found: tuple[Route, Any] | None, fault: Fault | None) -> Response:
        if found is None:
            plane = "graph" if request.path.lower().startswith(("/v1.0/", "/beta/")) else "arm"
        else:
            plane = found[0].plane
        if fault == "error":
            raise ServiceError(
                self.behaviour.error_status, "ServerTimeout", "The server could not answer; try again later."
            )
        if plane != "imds":
            self._imds.check(request, ARM_AUDIENCES if plane == "arm" else GRAPH_AUDIENCES)
        if found is None:
            raise ServiceError(
                404,
                "InvalidResourceType" if plane == "arm" else "Request_ResourceNotFound",
                f"The local Azure does not model '{request.path}'.",
            )
        operation, match = found
        version = request.query.get("api-version", "")
        if operation.versions and version not in operation.versions:
            if not version:
                raise ServiceError(
                    400,
                    "MissingApiVersionParameter",
                    "The api-version query parameter (?api-version=) is required for all requests.",
                )
            known = ", ".join(sorted(operation.versions))
            raise ServiceError(
                400,
                "NoRegisteredProviderFound",
                f"No registered resource provider found for API version '{version}' of '{request.path}'. "
                f"The supported api-versions are '{known}'.",
            )
        return operation.handler(request, match)


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that stopping does not wait for clients to go away."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], emulator: Emulator) -> None:
        self.emulator = emulator
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        self._workers: list[threading.Thread] = []
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is everyday; anything else is shown as usual."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        with self._open_lock:
            waiting = list(self._open)
        for connection in waiting:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                # The client closed it first; its thread is on the way out.
                continue


class _Handler(BaseHTTPRequestHandler):
    """Turns HTTP into Request and Response."""

    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "MidasEmulator"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 120

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MOST_BODY or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self._send(
                ServiceError(
                    413, "RequestEntityTooLarge", "A body of at most 4 MiB, of known length."
                ).response()
            )
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
        response, fault = self.server.emulator.answer(request)
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


def serve(
    tenant: Tenant,
    port: int,
    behaviour: Behaviour,
    out: Callable[[str], None],
    *,
    wait: Callable[[], object] | None = None,
) -> Sequence[Recorded]:
    """Serve until interrupted; says through `out` how to use it. Returns the refused writes (normally none).

    `wait` blocks until serving should end; by default until Ctrl-C. Raises what Emulator raises.
    """
    with Emulator(tenant, port=port, behaviour=behaviour) as emulator:
        out(
            f"{tenant.name}: {len(tenant.hierarchy.subscriptions)} subscriptions on {emulator.url} (Ctrl-C ends)"
        )
        for name, value in emulator.environment().items():
            out(f"export {name}={value}")
        try:
            (wait or threading.Event().wait)()
        except KeyboardInterrupt:
            out(f"{len(emulator.requests)} requests answered, {len(emulator.writes)} writes refused")
        return emulator.writes
