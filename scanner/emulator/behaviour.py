"""Every way in which the local Azure can be slow, forgetful, restrictive or broken: one switch each.

The defaults are fair weather. A field left at `None` follows the tenant file. From the command line a switch
is `--set name=value`, for example `--set quota=on --set latency=0.2 --set refused_subscriptions=shop-prod,data`.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from scanner.errors import UserError

PAYLOAD_LIMIT = 16 * 1024 * 1024


class BehaviourError(UserError):
    """A `--set` switch that does not exist or has a value of the wrong kind; the text says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the emulator behaves. Counters of the form `..._every` are 0 for never, 1 for always."""

    latency: float = 0.0
    """Seconds that every answer takes, concurrent requests side by side."""
    quota: bool = False
    """Resource Graph allows `quota_queries` queries in `quota_window` seconds; more are answered 429."""
    quota_queries: int = 15
    """Queries in one window. Every page is a query."""
    quota_window: float = 5.0
    """Seconds of one window, from its first query."""
    throttle: Literal["retry-after", "headers-only"] = "retry-after"
    """A 429 carries Retry-After, or only the service's own headers (then the SDK does not repeat a POST)."""
    error_every: int = 0
    """Every n-th request (tokens apart) fails with `error_status`."""
    error_status: int = 503
    """The status of such a failure."""
    cut_every: int = 0
    """Every n-th answer (tokens apart) stops in the middle of its body and the connection is closed."""
    truncate_every: int = 0
    """Every n-th Resource Graph page that has a successor says resultTruncated "true" and gives no $skipToken."""
    payload_limit: int = PAYLOAD_LIMIT
    """Bytes of a Resource Graph answer above which it becomes 400 ResponsePayloadTooLarge."""
    fresh_after: int = 0
    """About one row in eight, of each Resource Graph table, is missing from the first n queries of the table."""
    refused_subscriptions: tuple[str, ...] = ()
    """Subscriptions (key, name or id) the caller may not read, in addition to those of the tenant file."""
    pim_licensed: bool | None = None
    """False: PIM calls answer 400 AadPremiumLicenseRequired."""
    pim_refused: bool = False
    """PIM calls answer 403 AuthorizationFailed, with a licence or without."""
    graph: bool | None = None
    """False: Microsoft Graph answers 403 Authorization_RequestDenied."""
    associated_resources: bool = False
    """True: the caller holds listAssociatedResources/action. Reader does not, so the default is refused."""
    root_readable: bool = False
    """True: the caller may list at scope `/` itself. Reader at the tenant root group may not."""
    federated_limiter: bool = False
    """Federated credential lists are limited to `federated_per_second` per subscription (429 above)."""
    federated_per_second: int = 5
    """Lists of federated credentials per second and subscription; three times as many per tenant."""
    mixed_case: bool | None = None
    """Ids inside rows come back in another case than the id of the thing they name."""
    token_requests: int = 0
    """A token is accepted for n requests and then answered 401; 0 is without limit."""
    token_renewal: bool = True
    """False: after the first token has expired no later token is accepted either."""
    token_challenge: Literal["plain", "claims"] = "plain"  # noqa: S105 - a switch, not a secret
    """The 401 of an expired token asks for claims (the SDK then renews by itself) or says only that it expired."""
    page_size: int = 100
    """Rows on a page of an ARM list, and of a Microsoft Graph list without $top."""


def with_switches(behaviour: Behaviour, switches: Iterable[str]) -> Behaviour:
    """`behaviour` changed by `name=value` switches as given after `--set`. Raises BehaviourError."""
    hints = get_type_hints(Behaviour)
    names = [field.name for field in fields(Behaviour)]
    values: dict[str, Any] = {name: getattr(behaviour, name) for name in names}
    for switch in switches:
        name, equals, text = switch.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in hints:
            raise BehaviourError(
                f"--set {switch}: write NAME=VALUE, where NAME is one of {', '.join(sorted(hints))}"
            )
        values[name] = _parse(name, text.strip(), hints[name])
    return Behaviour(**values)


def _parse(name: str, text: str, hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(arg for arg in get_args(hint) if arg is not type(None))
    if get_origin(hint) is Literal:
        allowed = get_args(hint)
        if text in allowed:
            return text
        raise BehaviourError(f"--set {name}={text}: the value is one of {', '.join(allowed)}")
    if get_origin(hint) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if hint is bool:
        words = {"on": True, "true": True, "yes": True, "1": True}
        words |= {"off": False, "false": False, "no": False, "0": False}
        if text.lower() in words:
            return words[text.lower()]
        raise BehaviourError(f"--set {name}={text}: the value is on or off")
    try:
        number = hint(text)
    except ValueError as error:
        kind = "a whole number" if hint is int else "a number"
        raise BehaviourError(f"--set {name}={text}: the value is {kind}") from error
    if not 0 <= number < float("inf"):
        raise BehaviourError(f"--set {name}={text}: the value is 0 or more")
    return number
