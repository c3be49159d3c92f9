"""Plain requests and real SDK clients against an emulator."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.identity import ManagedIdentityCredential

from scanner.emulator import Emulator, Tenant, load_tenant

ARM = "https://management.azure.com"
GRAPH = "https://graph.microsoft.com"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])

    @property
    def detail_codes(self) -> list[str]:
        return [detail["code"] for detail in self.json["error"]["details"]]


@dataclass
class Caller:
    """Asks one emulator over one kept connection, with a token it fetched itself."""

    emulator: Emulator
    tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        target = urlsplit(self.emulator.url)
        self.connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=20)

    def raw(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
        self.connection.request(method, quote(path, safe="/?&=$%:'()*,+"), body=body, headers=headers)
        response = self.connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def token(self, resource: str = ARM) -> str:
        if resource not in self.tokens:
            path = f"/metadata/identity/oauth2/token?api-version=2018-02-01&resource={resource}"
            self.tokens[resource] = self.raw("GET", path, {"Metadata": "true"}).json["access_token"]
        return self.tokens[resource]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        path = path.removeprefix(self.emulator.url)
        resource = GRAPH if path.startswith("/v1.0/") else ARM
        sent = {"Authorization": f"Bearer {self.token(resource)}", **headers}
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        return self.raw(method, path, sent, payload)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def query(self, text: str, *, version: str = "2024-04-01", **body: Any) -> Answer:
        options = body.pop("options", {"authorizationScopeFilter": "AtScopeAboveAndBelow"})
        if version == "2021-03-01":
            options = {k: v for k, v in options.items() if k != "authorizationScopeFilter"}
        path = f"/providers/Microsoft.ResourceGraph/resources?api-version={version}"
        return self.ask("POST", path, {"query": text, "options": options, **body})

    def ids(self, text: str, **body: Any) -> list[str]:
        """The last segments of the ids a query returns."""
        answer = self.query(text, **body)
        assert answer.status == 200, answer.text
        return [row["id"].rsplit("/", 1)[-1] for row in answer.json["data"]]


@pytest.fixture(scope="session")
def contoso() -> Tenant:
    return load_tenant("contoso")


@pytest.fixture(scope="session")
def messy() -> Tenant:
    return load_tenant("messy")


@pytest.fixture
def start() -> Iterator[Callable[..., Caller]]:
    """Starts emulators that are stopped after the test; gives a Caller for each."""
    running: list[Caller] = []

    def begin(tenant: Tenant, **options: Any) -> Caller:
        emulator = Emulator(tenant, **options)
        emulator.start()
        running.append(Caller(emulator))
        return running[-1]

    yield begin
    for caller in running:
        caller.connection.close()
        caller.emulator.stop()


class PlainHttp(SansIOHTTPPolicy[Any, Any]):
    """The SDK refuses bearer tokens over http unless a request says otherwise."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.context.options.setdefault("enforce_https", False)


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Callable[[Emulator], dict[str, Any]]:
    """Keyword arguments with which any management client uses an emulator, token endpoint included."""

    def arguments(emulator: Emulator) -> dict[str, Any]:
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        return {
            "credential": ManagedIdentityCredential(),
            "base_url": emulator.url,
            "credential_scopes": [f"{ARM}/.default"],
            "per_call_policies": [PlainHttp()],
            "retry_total": 0,
        }

    return arguments


@pytest.fixture
def subscription(contoso: Tenant) -> Callable[[str], str]:
    """The id of a Contoso subscription by its key."""
    by_key = {s.key: s.id for s in contoso.hierarchy.subscriptions.values()}
    return lambda key: by_key[key]
