"""Answers that nobody promised: cut, endless, of another shape, or an error in any of Azure's forms."""

from __future__ import annotations

import pytest

from scanner.sources.azure.answer import Sink, decode, error_codes
from scanner.sources.azure.errors import (
    BrokenAnswerError,
    ForeignHostError,
    ServiceRefusalError,
    TokenRejectedError,
)
from scanner.sources.azure.outcome import outcome_of


def test_a_link_is_followed_once():
    sink = Sink()
    assert sink.take({"value": [1], "nextLink": "https://a.example/2"}) == "https://a.example/2"
    assert sink.take({"value": [2], "@odata.nextLink": "https://a.example/3"}) == "https://a.example/3"
    assert sink.take({"value": [3], "nextLink": ""}) is None
    assert sink.next_link is None
    assert sink.rows() == [1, 2, 3]
    with pytest.raises(BrokenAnswerError, match="already read"):
        sink.take({"value": [4], "nextLink": "https://a.example/2"})


@pytest.mark.parametrize(
    "link", [7, ["x"], "relative/path", "https://a.example/{subscription}", "https://[::1"]
)
def test_what_is_no_link_is_not_followed(link):
    with pytest.raises(BrokenAnswerError):
        Sink().take({"value": [], "nextLink": link})


@pytest.mark.parametrize("page", [{}, {"value": None}, {"value": {"a": 1}}, {"value": "rows"}])
def test_an_answer_without_a_list_is_broken(page):
    sink = Sink()
    sink.take(page)
    with pytest.raises(BrokenAnswerError, match="no list"):
        sink.rows()


def test_text_that_is_no_text_is_replaced():
    assert decode(b'{"a":"\xff"}') == {"a": "\ufffd"}
    assert decode(b'{"a":"\\ud800"}') == {"a": "\ud800"}
    with pytest.raises(ValueError, match="Expecting value"):
        decode(b"<html>")
    with pytest.raises((RecursionError, ValueError)):
        decode(b"[" * 1_000_000)


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({"error": {"code": "AuthorizationFailed", "message": "m"}}, ["AuthorizationFailed"]),
        (
            {
                "error": {
                    "code": "BadRequest",
                    "details": [{"code": "InvalidQuery"}, {"code": "ParserFailure"}],
                }
            },
            ["BadRequest", "InvalidQuery", "ParserFailure"],
        ),
        ({"error": {"code": "A", "innerError": {"code": "B", "innererror": {"code": "C"}}}}, ["A", "B", "C"]),
        ({"code": "Bare"}, ["Bare"]),
        ({"error": {"code": "<b>\u001b[31mred</b>" + "x" * 500}}, ["b31mredb" + "x" * 65]),
        ({"error": "text"}, []),
        ([1], []),
        (None, []),
        ({"error": {"code": 7, "details": "x"}}, []),
    ],
)
def test_error_codes_of_any_body(body, codes):
    assert list(error_codes(body)) == codes


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ServiceRefusalError(403, ("AuthorizationFailed",)), "refused"),
        (ServiceRefusalError(404, ("SubscriptionNotFound",)), "refused"),
        (ServiceRefusalError(400, ("AadPremiumLicenseRequired",)), "unlicensed"),
        (ServiceRefusalError(400, ("BadRequest", "DisallowedLogicalTableName")), "unsupported"),
        (ServiceRefusalError(400, ("BadRequest", "ResponsePayloadTooLarge")), "truncated"),
        (ServiceRefusalError(405, ()), "unsupported"),
        (ServiceRefusalError(429, ("RateLimiting",)), "throttled"),
        (ServiceRefusalError(503, ()), "failed"),
        (ServiceRefusalError(401, ()), "expired"),
        (ServiceRefusalError(400, ("BadRequest", "InvalidQuery")), "failed"),
        (TokenRejectedError("gone"), "expired"),
        (TokenRejectedError("gone", never=True), "refused"),
        (BrokenAnswerError("odd"), "malformed"),
        (ForeignHostError("elsewhere"), "failed"),
    ],
)
def test_every_end_of_a_request_has_its_reason(error, reason):
    outcome = outcome_of(error, "the service")
    assert outcome.reason == reason
    assert outcome.detail.endswith(".")
    assert "the service" in outcome.detail.lower()
