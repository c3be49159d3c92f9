"""The port itself: verbs, versions, tokens, kept connections."""

from __future__ import annotations

import http.client
import json
import socket

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, DefaultAzureCredential, ManagedIdentityCredential
from azure.mgmt.msi import ManagedServiceIdentityClient

from scanner.emulator import Behaviour, Emulator, PortError, serve

TOKEN = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/subscriptions/S/resourceGroups/g?api-version=2021-04-01"),
        ("PATCH", "/subscriptions/S/resourceGroups/g?api-version=2021-04-01"),
        ("DELETE", "/subscriptions/S/resourceGroups/g?api-version=2021-04-01"),
        ("POST", "/subscriptions/S/providers/Microsoft.ManagedIdentity/register?api-version=2016-02-01"),
        ("POST", "/subscriptions?api-version=2022-12-01"),
        ("DELETE", "/v1.0/servicePrincipals/1"),
    ],
)
def test_whatever_would_write_is_refused_and_recorded(start, contoso, method, path):
    caller = start(contoso)
    answer = caller.ask(method, path)
    assert (answer.status, answer.code) == (405, "MethodNotAllowed")
    assert [(w.method, w.path, w.status) for w in caller.emulator.writes] == [
        (method, path.split("?")[0], 405)
    ]


def test_the_sdks_own_write_is_recorded(start, contoso, sdk, subscription):
    emulator = start(contoso).emulator
    with ManagedServiceIdentityClient(subscription_id=subscription("platform"), **sdk(emulator)) as client:
        with pytest.raises(Exception, match="MethodNotAllowed"):
            client.user_assigned_identities.create_or_update("rg-aks", "id-new", {"location": "westeurope"})
        assert [w.method for w in emulator.writes] == ["PUT"]


def test_reading_leaves_no_write(start, contoso):
    caller = start(contoso)
    caller.query("resources | project id")
    caller.get("/subscriptions?api-version=2022-12-01")
    assert caller.emulator.writes == []
    assert [(r.method, r.path, r.status) for r in caller.emulator.requests] == [
        ("GET", "/metadata/identity/oauth2/token", 200),
        ("POST", "/providers/Microsoft.ResourceGraph/resources", 200),
        ("GET", "/subscriptions", 200),
    ]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/subscriptions?api-version=2020-01-01", "NoRegisteredProviderFound"),
        ("/subscriptions", "MissingApiVersionParameter"),
        (
            "/providers/Microsoft.Management/managementGroups?api-version=2018-03-01-preview",
            "NoRegisteredProviderFound",
        ),
    ],
)
def test_versions_that_are_not_modelled_are_refused(start, contoso, path, code):
    answer = start(contoso).get(path)
    assert (answer.status, answer.code) == (400, code)


def test_an_sdk_client_of_another_generation_is_noticed(start, contoso, subscription):
    caller = start(contoso)
    path = f"/subscriptions/{subscription('platform')}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    assert caller.get(f"{path}?api-version=2018-11-30").code == "NoRegisteredProviderFound"


def test_paths_outside_the_model_are_404_with_their_name(start, contoso):
    answer = start(contoso).get("/subscriptions/x/providers/Microsoft.Nothing/things?api-version=1")
    assert (answer.status, answer.code) == (404, "InvalidResourceType")
    assert "Microsoft.Nothing" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({}, "AuthenticationFailed"),
        ({"Authorization": "Basic eDp5"}, "AuthenticationFailed"),
        ({"Authorization": "Bearer made-up"}, "InvalidAuthenticationToken"),
    ],
)
def test_no_token_or_a_foreign_one_is_401(start, contoso, header, code):
    answer = start(contoso).raw("GET", "/subscriptions?api-version=2022-12-01", header)
    assert (answer.status, answer.code) == (401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_a_token_for_graph_does_not_open_arm(start, contoso):
    caller = start(contoso)
    token = caller.token("https://graph.microsoft.com")
    answer = caller.raw("GET", "/subscriptions?api-version=2022-12-01", {"Authorization": f"Bearer {token}"})
    assert (answer.status, answer.code) == (401, "InvalidAuthenticationTokenAudience")


def test_metadata_header_is_required(start, contoso):
    answer = start(contoso).raw("GET", TOKEN, {})
    assert (answer.status, answer.json["error"]) == (400, "bad_request_102")
    assert start(contoso).raw("GET", "/metadata/versions", {"Metadata": "true"}).json == {
        "apiVersions": ["2018-02-01"]
    }


@pytest.mark.parametrize("spelling", ["client_id", "object_id", "msi_res_id", "resource_id"])
def test_the_identity_can_be_named_in_four_ways(start, contoso, spelling):
    caller = start(contoso)
    own = {
        "client_id": contoso.caller.client_id,
        "object_id": contoso.caller.object_id.upper(),
        "msi_res_id": contoso.caller.resource_id,
        "resource_id": contoso.caller.resource_id.upper(),
    }
    given = caller.raw("GET", f"{TOKEN}&{spelling}={own[spelling]}", {"Metadata": "true"})
    assert given.json["client_id"] == contoso.caller.client_id
    other = caller.raw(
        "GET", f"{TOKEN}&{spelling}=11111111-2222-4333-8444-555555555555", {"Metadata": "true"}
    )
    assert (other.status, other.json["error"]) == (400, "invalid_request")


def test_azure_identity_gets_its_token_here(start, contoso, monkeypatch):
    for name, value in start(contoso).emulator.environment().items():
        monkeypatch.setenv(name, value)
    scope = "https://management.azure.com/.default"
    with DefaultAzureCredential() as default:
        assert default.get_token(scope).token.count(".") == 2
    with ManagedIdentityCredential(client_id=contoso.caller.client_id) as named:
        assert named.get_token(scope).token.count(".") == 2
    with (
        ManagedIdentityCredential(client_id="11111111-2222-4333-8444-555555555555") as wrong,
        pytest.raises((CredentialUnavailableError, ClientAuthenticationError)),
    ):
        wrong.get_token(scope)


def test_next_links_stay_on_the_host_that_was_asked(start, contoso):
    caller = start(contoso, behaviour=Behaviour(page_size=1))
    first = caller.get("/subscriptions?api-version=2022-12-01").json
    assert first["nextLink"].startswith(
        f"{caller.emulator.url}/subscriptions?api-version=2022-12-01&$skiptoken="
    )
    second = caller.get(first["nextLink"]).json
    assert second["value"][0]["displayName"] == "Contoso Data Production"
    broken = caller.get("/subscriptions?api-version=2022-12-01&$skiptoken=abc")
    assert (broken.status, broken.code) == (400, "InvalidSkipToken")


def test_one_connection_serves_many_requests(start, contoso):
    caller = start(contoso)
    caller.token()
    kept = caller.connection.sock
    for _ in range(5):
        caller.query("resources | project id")
    assert caller.connection.sock is kept


def test_oversized_and_broken_requests_are_answered(start, contoso):
    caller = start(contoso)
    target = ("127.0.0.1", int(caller.emulator.url.rsplit(":", 1)[1]))
    with socket.create_connection(target, timeout=10) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert raw.recv(64).startswith(b"HTTP/1.1 413")
    headers = {"Authorization": f"Bearer {caller.token()}", "Content-Type": "application/json"}
    path = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"
    for body in (
        b"{",
        b"[]",
        b'{"query": 7}',
        b'{"query": "resources", "options": []}',
        b'{"query": "resources", "subscriptions": "x"}',
    ):
        assert caller.raw("POST", path, headers, body).status in (400, 200), body
    assert caller.raw("POST", path, headers, b"{").code == "InvalidRequestContent"


def test_stopping_does_not_wait_for_clients(contoso):
    emulator = Emulator(contoso)
    emulator.start()
    connection = http.client.HTTPConnection("127.0.0.1", int(emulator.url.rsplit(":", 1)[1]), timeout=10)
    connection.request("GET", "/subscriptions")
    assert connection.getresponse().read()
    emulator.stop()
    connection.close()
    with pytest.raises(ConnectionError):
        connection.request("GET", "/subscriptions")
    connection.close()


def test_a_port_in_use_is_an_error_with_its_reason(start, contoso):
    taken = int(start(contoso).emulator.url.rsplit(":", 1)[1])
    with pytest.raises(
        PortError, match=f"port {taken} of 127.0.0.1 cannot be used .*; give another port, or 0"
    ):
        Emulator(contoso, port=taken)


def test_serve_says_how_to_use_it_and_gives_back_refused_writes(contoso):
    lines = []

    def wait():
        url = next(line for line in lines if line.startswith("export MIDAS_ARM_ENDPOINT=")).split("=", 1)[1]
        connection = http.client.HTTPConnection("127.0.0.1", int(url.rsplit(":", 1)[1]), timeout=10)
        connection.request("DELETE", "/subscriptions/x")
        assert json.loads(connection.getresponse().read())["error"]["code"] == "MethodNotAllowed"
        connection.close()
        raise KeyboardInterrupt

    writes = serve(contoso, 0, Behaviour(), lines.append, wait=wait)
    assert [(w.method, w.path) for w in writes] == [("DELETE", "/subscriptions/x")]
    assert lines[0].startswith("Contoso: 3 subscriptions on http://127.0.0.1:")
    assert lines[-1] == "1 requests answered, 1 writes refused"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("api-version=2017-04-02&resource=https://management.azure.com", "bad_request"),
        ("api-version=2018-02-01", "bad_request_102"),
    ],
)
def test_token_requests_azure_would_refuse(start, contoso, query, error):
    answer = start(contoso).raw("GET", f"/metadata/identity/oauth2/token?{query}", {"Metadata": "true"})
    assert (answer.status, answer.json["error"]) == (400, error)


def test_faults_do_not_touch_tokens(start, contoso):
    caller = start(contoso, behaviour=Behaviour(error_every=1))
    assert caller.token().count(".") == 2
    assert caller.get("/subscriptions?api-version=2022-12-01").status == 503
