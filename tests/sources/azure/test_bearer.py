"""The token goes where it may, is replaced when it is refused, and a wrong tenant is said at once."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace

import pytest
from azure.core.pipeline import PipelineContext, PipelineRequest, PipelineResponse
from azure.core.rest import HttpRequest

from scanner.sources.azure.bearer import BearerToken
from scanner.sources.azure.credentials import Token
from scanner.sources.azure.errors import SourceError, TokenRejectedError

SCOPE = "https://management.azure.com/.default"


class Tokens:
    def __init__(self) -> None:
        self.claims: list[str | None] = []

    def get(self, scope):
        return Token("first", 9)

    def replace(self, scope, rejected, claims):
        self.claims.append(claims)
        return Token(f"after {rejected.text}", 9)


class Service:
    """Answers 401 to every token but one, and notes which tokens it was shown."""

    def __init__(self, accepts: str, code: str = "ExpiredAuthenticationToken", header: str = "") -> None:
        self.accepts = accepts
        self.body = json.dumps({"error": {"code": code}}).encode()
        self.header = header
        self.shown: list[str] = []

    def send(self, request):
        self.shown.append(request.http_request.headers["Authorization"])
        status = 200 if self.shown[-1] == f"Bearer {self.accepts}" else 401
        answer = SimpleNamespace(
            status_code=status, headers={"WWW-Authenticate": self.header}, body=lambda: self.body
        )
        return PipelineResponse(request.http_request, answer, request.context)


def send(service, tokens, url="https://management.azure.com/x"):
    policy = BearerToken(tokens, SCOPE)
    policy.next = service
    return policy.send(PipelineRequest(HttpRequest("GET", url), PipelineContext(None)))


def test_a_good_token_is_sent_once():
    service = Service("first")
    assert send(service, Tokens()).http_response.status_code == 200
    assert service.shown == ["Bearer first"]


def test_a_refused_token_is_replaced_and_its_claims_handed_on():
    claims = base64.urlsafe_b64encode(b'{"access_token":{"nbf":1}}').decode().rstrip("=")
    service = Service("after first", header=f'Bearer error="insufficient_claims", claims="{claims}"')
    tokens = Tokens()
    assert send(service, tokens).http_response.status_code == 200
    assert service.shown == ["Bearer first", "Bearer after first"]
    assert tokens.claims == ['{"access_token":{"nbf":1}}']


def test_claims_that_cannot_be_read_are_left_out():
    tokens = Tokens()
    send(Service("after first", header='Bearer claims="////"'), tokens)
    assert tokens.claims == [None]


def test_a_second_refusal_is_the_end():
    with pytest.raises(TokenRejectedError):
        send(Service("nothing"), Tokens())


def test_a_token_of_another_tenant_is_said_at_once():
    service = Service("nothing", code="InvalidAuthenticationTokenTenant")
    with pytest.raises(SourceError, match=r"another tenant.*az login --tenant"):
        send(service, Tokens())
    assert len(service.shown) == 1


@pytest.mark.parametrize("url", ["http://management.azure.com/x", "http://10.1.2.3/x"])
def test_no_token_over_plain_http(url):
    service = Service("first")
    with pytest.raises(SourceError, match="plain http"):
        send(service, Tokens(), url)
    assert service.shown == []


def test_plain_http_to_this_machine_is_allowed():
    assert send(Service("first"), Tokens(), "http://127.0.0.1:1/x").http_response.status_code == 200
