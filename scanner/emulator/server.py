"""The local Azure on a loopback port: HTTP/1.1 with kept connections, one thread per connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from scanner.emulator.authorization import Authorization
from scanner.emulator.behaviour import Behaviour
from scanner.emulator.exchange import Request, Response, Route, ServiceError
from scanner.emulator.hostility import Clock, Fault
from scanner.emulator.imds import Imds, MetadataHeaderError
from scanner.emulator.listener import Listener
from scanner.emulator.managed_identity import ManagedIdentity
from scanner.emulator.management import Management
from scanner.emulator.microsoft_graph import MicrosoftGraph
from scanner.emulator.resource_graph import ResourceGraph
from scanner.emulator.tenant import Tenant
from scanner.emulator.world import World
from scanner.errors import UserError

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


class Recorded(NamedTuple):
    """One request as it was answered. The query is as the client wrote it; headers are not kept."""

    method: str
    path: str
    query: str
    status: int


class PortError(UserError):
    """The port cannot be listened on; the text says why and what to do."""


class Emulator:
    """A running local Azure, for use in a `with` statement.

    `url` is where it listens. `requests` are all requests so far in the order of their answers, `writes` those
    that would have changed something (all refused with 405). `clock` gives seconds for quotas and limits, `pause`
    waits out the latency; both may be replaced in tests. Raises PortError when the port is taken,
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
        try:
            self._server = Listener(("127.0.0.1", port), self.answer)
        except OSError as error:
            self._graph.close()
            raise PortError(
                f"port {port} of 127.0.0.1 cannot be used ({error.strerror}); give another port, or 0 for a free one"
            ) from error
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
