"""No write leaves, whichever client is told to write, and no token follows a link to another host."""

from __future__ import annotations

import json
import socket
import threading
from types import SimpleNamespace

import pytest
from azure.core import PipelineClient
from azure.core.rest import HttpRequest

from scanner.sources.azure.cloud import cloud_named
from scanner.sources.azure.credentials import Tokens, credential
from scanner.sources.azure.errors import ForeignHostError, ReadOnlyViolation, StoppedError
from scanner.sources.azure.guard import ReadOnlyGuard
from scanner.sources.azure.request import AuthSettings
from scanner.sources.azure.request_log import RequestLog, Sent
from scanner.sources.azure.retry import RetryReads
from scanner.sources.azure.throttle import Throttle
from scanner.sources.azure.transport import Transport

ARM = "https://management.azure.com"
IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"


def send(method: str, url: str, endpoint: str = ARM) -> None:
    ReadOnlyGuard(endpoint).on_request(SimpleNamespace(http_request=HttpRequest(method, url)))


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST", "OPTIONS", "put"])
def test_every_other_method_is_refused(method):
    with pytest.raises(ReadOnlyViolation, match="not a read"):
        send(method, ARM + IDENTITY)


@pytest.mark.parametrize(
    "path",
    [
        "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01",
        "/providers/microsoft.resourcegraph/RESOURCES",
        "/v1.0/directoryObjects/getByIds",
        IDENTITY + "/listAssociatedResources",
    ],
)
def test_the_posts_that_read_pass(path):
    send("POST", ARM + path)


@pytest.mark.parametrize(
    "path",
    [
        "/providers/Microsoft.ResourceGraph/resources/x",
        "/subscriptions/s/providers/Microsoft.ManagedIdentity/register",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a/listKeys",
        IDENTITY + "/listAssociatedResources/../../delete",
        "/x?/providers/Microsoft.ResourceGraph/resources",
        "/v1.0/directoryObjects/getByIds/extra",
        "/v1.0/$batch",
    ],
)
def test_other_posts_are_refused(path):
    with pytest.raises(ReadOnlyViolation):
        send("POST", ARM + path)


@pytest.mark.parametrize(
    "url", [ARM + IDENTITY, "https://management.azure.com:443/x", "https://weu.management.azure.com/"]
)
def test_links_of_the_service_itself_are_followed(url):
    send("GET", url)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/subscriptions",
        "https://management.azure.com.evil.example/",
        "https://evilmanagement.azure.com/",
        "http://management.azure.com/",
        "https://management.azure.com:8443/",
        "https://management.azure.com@evil.example/",
    ],
)
def test_links_to_anywhere_else_are_not(url):
    with pytest.raises(ForeignHostError):
        send("GET", url)


@pytest.fixture
def transport(start_azure, clock, tmp_path):
    start_azure()
    cloud = cloud_named("public")
    auth = AuthSettings(method="managed-identity")
    tokens = Tokens(lambda: credential(auth, cloud), auth)
    with Transport(cloud, tokens, clock, Throttle(clock, lambda s: None), RequestLog(tmp_path)) as made:
        yield made


def test_the_sdk_itself_cannot_write(start_azure, transport, tmp_path):
    subscription = "5666f4a9-6867-5c03-aae9-b2a6c222bd4b"
    identities = transport.identities(subscription).user_assigned_identities
    with pytest.raises(ReadOnlyViolation, match="PUT"):
        identities.create_or_update("rg", "new", {"location": "westeurope"})
    with pytest.raises(ReadOnlyViolation, match="DELETE"):
        identities.delete("rg", "old")
    with pytest.raises(ReadOnlyViolation, match="PUT"):
        transport.authorization(subscription, "x").role_assignments.create("scope", "name", {})
    assert (tmp_path / "requests.jsonl").read_bytes() == b""


def test_the_log_has_method_path_and_status_but_no_query(transport, tmp_path):
    scope = "/subscriptions/00000000-1111-4111-8111-111111111111/providers/Microsoft.Authorization/denyAssignments"
    url = f"{transport.cloud.arm}{scope}?api-version=2022-04-01&$skiptoken=secret"
    with pytest.raises(Exception, match="404"):
        transport.manager().send_request(HttpRequest("GET", url))
    (line,) = (tmp_path / "requests.jsonl").read_text().splitlines()
    assert "secret" not in line
    entry = json.loads(line)
    assert (entry["method"], entry["path"], entry["status"]) == ("GET", scope, 404)
    assert entry["api_version"] == "2022-04-01"
    assert (tmp_path / "requests.jsonl").stat().st_mode & 0o077 == 0


def test_an_answer_that_does_not_come_can_be_given_up(transport):
    ended = []

    def ask(url: str) -> None:
        try:
            transport.manager().send_request(HttpRequest("GET", url))
        except StoppedError:
            ended.append("given up")

    class Stopped:
        def sleep(self, seconds: float) -> None:
            raise StoppedError

    with socket.create_server(("127.0.0.1", 0)) as silent:
        path = "/subscriptions?api-version=2022-12-01"
        url = f"http://127.0.0.1:{silent.getsockname()[1]}{path}"
        policies = transport.policies(url.removesuffix(path), transport.cloud.arm_scope)
        retry = next(policy for policy in policies if isinstance(policy, RetryReads))
        retry._clock = Stopped()
        client = PipelineClient(url, policies=policies, transport=transport._http)
        transport.manager = lambda: client
        thread = threading.Thread(target=ask, args=(url,))
        thread.start()
        accepted, _ = silent.accept()
        with accepted:
            assert accepted.recv(4) == b"GET "
            transport.hang_up()
            thread.join(timeout=10)
    assert ended == ["given up"]


def test_plain_http_to_this_machine_does_not_go_through_a_proxy(transport, tmp_path, monkeypatch):
    client = transport.manager()
    url = f"{transport.cloud.arm}/subscriptions?api-version=2022-12-01"
    client.send_request(HttpRequest("GET", url))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    client.send_request(HttpRequest("GET", url))
    log = [json.loads(line)["status"] for line in (tmp_path / "requests.jsonl").read_text().splitlines()]
    assert log == [200, 200]


def test_a_log_that_was_cut_in_the_middle_of_a_line_goes_on_with_a_whole_one(tmp_path):
    sent = Sent(method="GET", host="h", path="/a", api_version="1", status=200)
    log = RequestLog(tmp_path)
    log.add(sent)
    log.close()
    with (tmp_path / "requests.jsonl").open("ab") as file:
        file.write(b'{"method":"GE')
    log = RequestLog(tmp_path)
    log.add(sent)
    log.close()
    lines = (tmp_path / "requests.jsonl").read_text().splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["/a", "/a"]
