"""Signing in: which credential, asked how often, and what is said when it fails."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AzureCliCredential,
    CredentialUnavailableError,
    DefaultAzureCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
)

from scanner.sources.azure.cloud import cloud_named
from scanner.sources.azure.credentials import Token, Tokens, credential
from scanner.sources.azure.errors import SourceError, TokenRejectedError
from scanner.sources.azure.request import AuthSettings

PUBLIC = cloud_named("public", {})
ARM, GRAPH = PUBLIC.arm_scope, PUBLIC.graph_scope


class Issuer:
    """Issues numbered tokens, or fails."""

    def __init__(self, *, lifetime: int = 3_600, fails: Exception | None = None) -> None:
        self.lifetime = lifetime
        self.fails = fails
        self.made = 0
        self.asked: list[tuple[str, dict]] = []

    def make(self):
        self.made += 1
        return SimpleNamespace(get_token=self.get_token)

    def get_token(self, scope, **options):
        self.asked.append((scope, options))
        if self.fails is not None:
            raise self.fails
        return SimpleNamespace(token=f"secret-{len(self.asked)}", expires_on=1_000 + self.lifetime)


def tokens(issuer: Issuer, **auth) -> Tokens:
    return Tokens(issuer.make, AuthSettings(**auth), now=lambda: 1_000.0)


@pytest.mark.parametrize(
    ("auth", "kind"),
    [
        (AuthSettings(), DefaultAzureCredential),
        (AuthSettings(method="managed-identity"), ManagedIdentityCredential),
        (AuthSettings(method="managed-identity", client_id="x"), ManagedIdentityCredential),
        (
            AuthSettings(method="managed-identity", identity_resource_id="/subscriptions/x"),
            ManagedIdentityCredential,
        ),
        (AuthSettings(method="azure-cli", tenant_id="t"), AzureCliCredential),
        (AuthSettings(method="environment"), EnvironmentCredential),
    ],
)
def test_each_method_has_its_credential(auth, kind):
    assert isinstance(credential(auth, PUBLIC), kind)


def test_workload_identity_without_its_environment_is_said(monkeypatch):
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SourceError, match="AZURE_FEDERATED_TOKEN_FILE"):
        credential(AuthSettings(method="workload-identity"), PUBLIC)


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        (
            AuthSettings(method="managed-identity", client_id="x", identity_resource_id="/y"),
            "name one identity twice",
        ),
        (AuthSettings(method="azure-cli", identity_resource_id="/y"), "does not go with --auth azure-cli"),
    ],
)
def test_settings_that_contradict_each_other(auth, says):
    with pytest.raises(SourceError, match=says):
        credential(auth, PUBLIC)


def test_a_token_is_asked_for_once_by_any_number_of_threads():
    issuer = Issuer()
    held = tokens(issuer)
    threads = [threading.Thread(target=held.get, args=(scope,)) for scope in (ARM, GRAPH) * 10]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(scope for scope, _ in issuer.asked) == sorted([ARM, GRAPH])
    assert issuer.made == 1


def test_a_token_about_to_end_is_replaced():
    issuer = Issuer(lifetime=200)
    held = tokens(issuer)
    assert held.get(ARM) != held.get(ARM)


def test_a_refused_token_is_replaced_once_by_a_credential_made_anew():
    issuer = Issuer()
    held = tokens(issuer)
    first = held.get(ARM)
    second = held.replace(ARM, first, '{"access_token":{}}')
    assert issuer.made == 2
    assert issuer.asked[1] == (ARM, {"claims": '{"access_token":{}}'})
    # A second thread with the same refused token gets what the first one got.
    assert held.replace(ARM, first, None) == second
    with pytest.raises(TokenRejectedError, match="newly requested token is refused as well"):
        held.replace(ARM, second, None)
    with pytest.raises(TokenRejectedError):
        held.get(ARM)
    assert held.get(GRAPH).text == "secret-3"


def test_the_tenant_is_handed_to_the_credential():
    issuer = Issuer()
    tokens(issuer, tenant_id="t").get(ARM)
    assert issuer.asked == [(ARM, {"tenant_id": "t"})]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (CredentialUnavailableError("nothing here"), "no Azure login was found"),
        (
            ClientAuthenticationError("AADSTS700082: the refresh token has expired; abc123"),
            r"refused \(AADSTS700082\)",
        ),
        (ClientAuthenticationError("none of the methods worked"), "no Azure login was found"),
        (ClientAuthenticationError("AADSTS90002: Tenant 'x' not found"), "not known in this tenant"),
        (ValueError("bad"), "cannot be used as configured"),
    ],
)
def test_what_is_said_when_signing_in_fails(error, says):
    with pytest.raises(SourceError, match=says) as caught:
        tokens(Issuer(fails=error)).get(ARM)
    assert "abc123" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_sign_in_without_rights_in_the_directory_is_no_end_of_the_scan():
    issuer = Issuer()
    held = tokens(issuer)
    held.get(ARM)
    issuer.fails = ClientAuthenticationError("AADSTS65001: no consent")
    with pytest.raises(TokenRejectedError) as caught:
        held.get(GRAPH)
    assert caught.value.never
    assert held.get(ARM).text == "secret-1"


def test_a_token_is_in_no_representation():
    assert "hidden" not in repr(Token("hidden", 1))
