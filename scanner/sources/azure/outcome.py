"""From what a request ended with to the reason of a gap."""

from __future__ import annotations

import msgspec
from azure.core.exceptions import AzureError

from scanner.sources.azure.errors import (
    BrokenAnswerError,
    ForeignHostError,
    ServiceRefusalError,
    TokenRejectedError,
)

GAP_ERRORS: tuple[type[Exception], ...] = (
    ServiceRefusalError,
    BrokenAnswerError,
    ForeignHostError,
    TokenRejectedError,
    AzureError,
)
"""What a single read may end with while the scan goes on."""


class Outcome(msgspec.Struct, frozen=True):
    """Why something was not read: one of the gap reasons, and a sentence without secrets."""

    reason: str
    detail: str


def outcome_of(error: Exception, service: str) -> Outcome:
    """Say in gap words what an error of :data:`GAP_ERRORS` means. Equal errors give equal words."""
    if isinstance(error, TokenRejectedError):
        if error.never:
            return Outcome("refused", f"This sign-in gives no token for {service}: {error.why}.")
        return Outcome("expired", f"The sign-in ended while {service} was read: {error.why}.")
    if isinstance(error, ServiceRefusalError):
        return _refusal(error, service)
    if isinstance(error, BrokenAnswerError):
        return Outcome("malformed", f"{service} gave an answer that cannot be read: {error}.")
    if isinstance(error, ForeignHostError):
        return Outcome("failed", f"{service} gave a link to another host, which was not followed.")
    return Outcome("failed", f"{service} could not be reached or broke off ({type(error).__name__}).")


def _refusal(error: ServiceRefusalError, service: str) -> Outcome:
    said = f"{error.status} {error.code}".strip()
    if error.says("AadPremiumLicenseRequired"):
        return Outcome(
            "unlicensed", f"{service} needs an Entra ID P2 or Governance licence, which the tenant has not."
        )
    if error.says("DisallowedLogicalTableName"):
        return Outcome("unsupported", f"{service} does not have this table in this cloud.")
    if error.says("ResponsePayloadTooLarge"):
        return Outcome("truncated", f"A single row is larger than {service} can answer.")
    if error.status == 403 or error.says("AuthorizationFailed"):
        return Outcome("refused", f"{service} refuses to show it to this sign-in ({said}).")
    if error.status == 404:
        return Outcome("refused", f"{service} does not know it or does not show it to this sign-in ({said}).")
    if error.status == 401:
        return Outcome("expired", f"{service} does not accept the token ({said}).")
    if error.status == 405:
        return Outcome("unsupported", f"{service} does not offer this read here ({said}).")
    if error.status == 429:
        return Outcome("throttled", f"{service} kept asking to come back later ({said}).")
    return Outcome("failed", f"{service} answered {said}.")
