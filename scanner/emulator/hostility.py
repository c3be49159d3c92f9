"""Limits and faults: what Azure does to a client that is too fast, too late, or merely unlucky."""

from __future__ import annotations

import base64
import json
import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from scanner.emulator.behaviour import Behaviour
from scanner.emulator.exchange import ServiceError

Clock = Callable[[], float]
Fault = Literal["error", "cut"]
FEDERATED_TENANT_FACTOR = 3


@dataclass(frozen=True, slots=True)
class Quota:
    """The state of the Resource Graph window after a query."""

    remaining: int
    resets_after: int
    allowed: bool

    @property
    def headers(self) -> dict[str, str]:
        """The two headers every answer of Resource Graph carries."""
        minutes, seconds = divmod(self.resets_after, 60)
        return {
            "x-ms-user-quota-remaining": str(self.remaining),
            "x-ms-user-quota-resets-after": f"00:{minutes:02}:{seconds:02}",
        }


class Hostility:
    """Counters and windows of one emulator. `clock` gives seconds and may be replaced in tests."""

    def __init__(self, behaviour: Behaviour, clock: Clock) -> None:
        self._behaviour = behaviour
        self._clock = clock
        self._lock = threading.Lock()
        self._requests = 0
        self._successors = 0
        self._window_start = -math.inf
        self._window_used = 0
        self._federated: dict[str, deque[float]] = {}
        self._table_queries: dict[str, int] = {}
        self._token_uses: dict[str, int] = {}
        self._expired_once = False

    def fault(self) -> Fault | None:
        """What happens to the next request, if anything."""
        with self._lock:
            self._requests += 1
            for kind, every in (("error", self._behaviour.error_every), ("cut", self._behaviour.cut_every)):
                if every and self._requests % every == 0:
                    return "error" if kind == "error" else "cut"
        return None

    def truncated(self) -> bool:
        """Whether this page, which has a successor, loses its token."""
        every = self._behaviour.truncate_every
        with self._lock:
            self._successors += 1
            return bool(every) and self._successors % every == 0

    def query(self) -> Quota:
        """Count one Resource Graph query against the window."""
        behaviour = self._behaviour
        with self._lock:
            now = self._clock()
            if now - self._window_start >= behaviour.quota_window:
                self._window_start, self._window_used = now, 0
            left = math.ceil(self._window_start + behaviour.quota_window - now)
            if behaviour.quota and self._window_used >= behaviour.quota_queries:
                return Quota(0, left, False)
            self._window_used += 1
            used = self._window_used if behaviour.quota else 1
            return Quota(behaviour.quota_queries - used, left, True)

    def settled(self, tables: frozenset[str]) -> bool:
        """Count a query of these tables; True when all their rows have arrived."""
        with self._lock:
            counts = []
            for table in sorted(tables):
                self._table_queries[table] = self._table_queries.get(table, 0) + 1
                counts.append(self._table_queries[table])
            return min(counts, default=1) > self._behaviour.fresh_after

    def federated(self, subscription: str) -> bool:
        """Count one list of federated credentials; False when it is one too many in this second."""
        if not self._behaviour.federated_limiter:
            return True
        limit = self._behaviour.federated_per_second
        with self._lock:
            now = self._clock()
            for key, most in ((subscription, limit), ("", limit * FEDERATED_TENANT_FACTOR)):
                recent = self._federated.setdefault(key, deque())
                while recent and now - recent[0] >= 1.0:
                    recent.popleft()
                if len(recent) >= most:
                    return False
            self._federated[subscription].append(now)
            self._federated[""].append(now)
        return True

    def use_token(self, token: str) -> ServiceError | None:
        """Count one use of a valid token; the 401 to answer when it has expired."""
        behaviour = self._behaviour
        if not behaviour.token_requests:
            return None
        with self._lock:
            used = self._token_uses.get(token, 0)
            dead = self._expired_once and not behaviour.token_renewal
            if used < behaviour.token_requests and not dead:
                self._token_uses[token] = used + 1
                return None
            self._expired_once = True
        challenge = (
            'Bearer authorization_uri="https://login.microsoftonline.com/common", error="invalid_token"'
        )
        if behaviour.token_challenge == "claims":  # noqa: S105 - a switch, not a secret
            claims = json.dumps({"access_token": {"nbf": {"essential": True, "value": "1"}}})
            encoded = base64.b64encode(claims.encode()).decode()
            challenge = f'Bearer realm="", error="insufficient_claims", claims="{encoded}"'
        return ServiceError(
            401,
            "ExpiredAuthenticationToken",
            "The access token expiry UTC time is earlier than current UTC time.",
            headers={"WWW-Authenticate": challenge},
        )

    def too_many_requests(self, wait: int, code: str, message: str, headers: dict[str, str]) -> ServiceError:
        """A 429 in the flavour that is switched on."""
        if self._behaviour.throttle == "retry-after":
            headers = {**headers, "Retry-After": str(max(1, wait))}
        return ServiceError(429, code, message, details=[{"code": code, "message": message}], headers=headers)
