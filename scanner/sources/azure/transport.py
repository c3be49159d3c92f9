"""One transport for all of Azure: every client of a scan has this pipeline and no other.

Its policies, outermost first: deliver raw answers; repeat; sign; take turns within the budgets; decode; log;
guard. Azure's own list is not used: it holds a policy that registers resource providers, which is a write.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core import PipelineClient
from azure.core.pipeline.policies import HeadersPolicy, RequestIdPolicy, UserAgentPolicy
from azure.core.pipeline.transport import RequestsTransport

from scanner import __version__
from scanner.sources.azure.answer import DecodeBody, DeliverAnswer
from scanner.sources.azure.bearer import BearerToken
from scanner.sources.azure.cloud import Cloud
from scanner.sources.azure.connections import OpenConnections
from scanner.sources.azure.credentials import Tokens
from scanner.sources.azure.guard import ReadOnlyGuard
from scanner.sources.azure.request_log import RequestLog, RequestLogPolicy
from scanner.sources.azure.retry import RetryReads, TakeTurn
from scanner.sources.azure.throttle import Clock, Throttle

if TYPE_CHECKING:
    from azure.mgmt.authorization import AuthorizationManagementClient
    from azure.mgmt.msi import ManagedServiceIdentityClient
    from azure.mgmt.resourcegraph import ResourceGraphClient

_Client = TypeVar("_Client")

CONNECT_SECONDS, READ_SECONDS = 10, 120
WORKERS = 10
"""Requests in flight at most, out of each pool of threads."""


class Transport:
    """Makes the clients, which share connections, tokens, budgets and the request log. Use in a ``with`` block."""

    def __init__(
        self, cloud: Cloud, tokens: Tokens, clock: Clock, throttle: Throttle, log: RequestLog
    ) -> None:
        # azure-core and azure-identity tell through logging what is told here as gaps and errors.
        for name in ("azure", "urllib3"):
            logger = logging.getLogger(name)
            if not logger.handlers:
                logger.addHandler(logging.NullHandler())
        self.cloud = cloud
        self._tokens = tokens
        self._clock = clock
        self._throttle = throttle
        self._log = log
        plain = any(url.startswith("http:") for url in (cloud.arm, cloud.graph))
        self._http = RequestsTransport(
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            # A token for a server on this machine must not travel to a proxy in plain text.
            use_env_settings=not plain,
        )
        # Opened here and not by the first request: ten first requests at once would each make a session.
        self._http.open()
        self._connections = OpenConnections()
        for adapter in self._http.session.adapters.values():
            # As many connections as there are threads; the library keeps ten and throws the others away.
            adapter.init_poolmanager(4, 3 * WORKERS)
            adapter.poolmanager.pool_classes_by_scheme = self._connections.pool_classes()
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        self._log.close()

    def hang_up(self) -> None:
        """Give up the answers that are awaited; a proxy's are waited for."""
        self._connections.hang_up()

    def policies(self, endpoint: str, scope: str) -> list[Any]:
        """Return the whole pipeline for an endpoint, outermost first."""
        return [
            RequestIdPolicy(),
            HeadersPolicy({"Accept": "application/json"}),
            UserAgentPolicy(base_user_agent=f"midas-scanner/{__version__}"),
            DeliverAnswer(),
            RetryReads(self._clock, self._throttle),
            BearerToken(self._tokens, scope),
            TakeTurn(self._throttle),
            DecodeBody(),
            RequestLogPolicy(self._log),
            ReadOnlyGuard(endpoint),
        ]

    def resource_graph(self) -> ResourceGraphClient:
        """Return the Resource Graph client."""
        from azure.mgmt.resourcegraph import ResourceGraphClient

        return self._once("resource graph", "", lambda: ResourceGraphClient(**self._manager()))

    def identities(self, subscription: str) -> ManagedServiceIdentityClient:
        """Return the managed identity client of a subscription (a GUID)."""
        from azure.mgmt.msi import ManagedServiceIdentityClient

        return self._once(
            "msi",
            subscription,
            lambda: ManagedServiceIdentityClient(subscription_id=subscription, **self._manager()),
        )

    def authorization(self, subscription: str, operations: str) -> AuthorizationManagementClient:
        """Return an authorization client of a subscription, for one group of operations.

        One for each group: the client has one api-version for following pages, that of the group used last.
        """
        from azure.mgmt.authorization import AuthorizationManagementClient

        return self._once(
            "authorization " + operations,
            subscription,
            lambda: AuthorizationManagementClient(subscription_id=subscription, **self._manager()),
        )

    def manager(self) -> PipelineClient[Any, Any]:
        """Return a bare client for Azure Resource Manager, for what the typed ones cannot ask."""
        return self._once(
            "manager",
            "",
            lambda: PipelineClient(
                self.cloud.arm,
                policies=self.policies(self.cloud.arm, self.cloud.arm_scope),
                transport=self._http,
            ),
        )

    def directory(self) -> PipelineClient[Any, Any]:
        """Return a bare client for Microsoft Graph."""
        return self._once(
            "directory",
            "",
            lambda: PipelineClient(
                self.cloud.graph,
                policies=self.policies(self.cloud.graph, self.cloud.graph_scope),
                transport=self._http,
            ),
        )

    def _manager(self) -> dict[str, Any]:
        return {
            # The pipeline signs; the clients only insist on being given something.
            "credential": _Unused(),
            "base_url": self.cloud.arm,
            "credential_scopes": [self.cloud.arm_scope],
            "policies": self.policies(self.cloud.arm, self.cloud.arm_scope),
            "transport": self._http,
        }

    def _once(self, what: str, whose: str, make: Callable[[], _Client]) -> _Client:
        with self._lock:
            key = (what, whose)
            if key not in self._clients:
                self._clients[key] = make()
            client: _Client = self._clients[key]
            return client


class _Unused:
    """Stands where a client wants a credential; whoever asks it for a token has bypassed the pipeline."""

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        raise RuntimeError("tokens are put on by the pipeline")
