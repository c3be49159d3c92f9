"""Budgets: how many requests each service allows whom, kept before Azure has to say no.

The figures are Azure's documented ones. All budgets of a request are taken together under one lock, because
the one that makes it wait longest decides when it really starts.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from scanner.sources.azure.errors import StoppedError

QUERIES_PER_WINDOW = 15
WINDOW_SECONDS = 5.0
LISTS_PER_SUBSCRIPTION, LISTS_PER_TENANT = 5, 15
"""Lists of federated credentials per second."""
# Requests may overtake each other by this much between here and the service's own clock.
LATENESS = 0.05
_SECOND = 1.0 + LATENESS

_SUBSCRIPTION = re.compile(r"^/subscriptions/([^/]+)", re.IGNORECASE)


class Clock(Protocol):
    """Time and waiting, so that tests can do without both."""

    def now(self) -> float:
        """Seconds since some fixed moment."""

    def sleep(self, seconds: float) -> None:
        """Wait; raises :class:`StoppedError` when the scan is told to stop."""

    def check(self) -> None:
        """Raise :class:`StoppedError` when the scan is told to stop."""

    def stop(self) -> None:
        """Wake every sleeper, and let none sleep again."""


class SystemClock:
    """The real clock, whose sleepers can be woken to stop."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait ``seconds``; raises :class:`StoppedError` at once when :meth:`stop` is or was called."""
        if self._stop.wait(max(0.0, seconds)):
            raise StoppedError

    def check(self) -> None:
        """Raise :class:`StoppedError` when :meth:`stop` was called."""
        if self._stop.is_set():
            raise StoppedError

    def stop(self) -> None:
        """Wake every sleeper, and let none sleep again."""
        self._stop.set()


class Budget(Protocol):
    """One limit."""

    def ready_at(self, now: float, cost: int) -> float:
        """Return the earliest moment at which a request of this cost may start."""

    def take(self, now: float, cost: int) -> None:
        """Count a request that starts now."""

    def hold(self, until: float) -> None:
        """Let nothing start before a moment: the service said so."""


class Window:
    """At most ``limit`` starts in any ``seconds``."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._starts: deque[float] = deque(maxlen=limit)
        self._held = 0.0

    def ready_at(self, now: float, cost: int) -> float:  # noqa: ARG002 - every request costs one here
        """The moment at which the oldest of the last ``limit`` starts leaves the window."""
        full = len(self._starts) == self.limit
        return max(now, self._held, self._starts[0] + self.seconds if full else 0.0)

    def take(self, now: float, cost: int) -> None:  # noqa: ARG002
        """Count a start."""
        self._starts.append(now)

    def hold(self, until: float) -> None:
        """Let nothing start before ``until``."""
        self._held = max(self._held, until)

    def used_up(self, now: float) -> bool:
        """Whether our own requests alone account for the whole window."""
        return len(self._starts) == self.limit and self._starts[0] > now - self.seconds


class Bucket:
    """A token bucket: ``capacity`` units at once, ``refill`` units per second."""

    def __init__(self, capacity: int, refill: float) -> None:
        self._capacity = capacity
        self._refill = refill
        self._units = float(capacity)
        self._at = 0.0
        self._held = 0.0

    def ready_at(self, now: float, cost: int) -> float:
        """The moment at which ``cost`` units are there."""
        missing = min(cost, self._capacity) - self._level(now)
        return max(now, self._held, now + max(0.0, missing) / self._refill)

    def take(self, now: float, cost: int) -> None:
        """Take the units."""
        self._units = self._level(now) - cost
        self._at = now

    def hold(self, until: float) -> None:
        """Let nothing start before ``until``."""
        self._held = max(self._held, until)

    def _level(self, now: float) -> float:
        return min(float(self._capacity), self._units + (now - self._at) * self._refill)


Key = tuple[str, ...]


def budgets_of(path: str) -> tuple[list[Key], int]:
    """Return the budgets that a request to ``path`` draws on, and its cost in their units."""
    lower = path.lower()
    found = _SUBSCRIPTION.match(lower)
    whose = found.group(1) if found else "tenant"
    if lower.startswith(("/v1.0/", "/beta/")):
        costly = lower.endswith("/getbyids") or "/transitivememberof" in lower
        return [("directory",)], 5 if costly else 2
    if lower.endswith("/providers/microsoft.resourcegraph/resources"):
        return [("resource graph",)], 1
    if lower.endswith("/listassociatedresources"):
        return [("associated resources",)], 1
    if lower.endswith("/federatedidentitycredentials"):
        return [("federated", whose), ("federated", "every subscription"), ("manager", whose)], 1
    if "/federatedidentitycredentials/" in lower:
        return [("one federated", whose), ("manager", whose)], 1
    return [("manager", whose)], 1


def _make(key: Key) -> Budget:
    if key == ("resource graph",):
        return Window(QUERIES_PER_WINDOW, WINDOW_SECONDS + LATENESS)
    if key == ("associated resources",):
        return Window(1, _SECOND)
    if key == ("federated", "every subscription"):
        return Window(LISTS_PER_TENANT, _SECOND)
    if key[0] == "federated":
        return Window(LISTS_PER_SUBSCRIPTION, _SECOND)
    if key[0] == "one federated":
        return Window(10, _SECOND)
    if key == ("directory",):
        return Bucket(3_500, 350.0)
    return Bucket(250, 25.0)


class Throttle:
    """All budgets of one scan. Safe for use from many threads."""

    def __init__(self, clock: Clock, waiting: Callable[[float], None]) -> None:
        self._clock = clock
        self._waiting = waiting
        self._lock = threading.Lock()
        self._budgets: dict[Key, Budget] = {}

    def acquire(self, path: str) -> None:
        """Wait until a request to ``path`` may start, and count it. Raises :class:`StoppedError`."""
        keys, cost = budgets_of(path)
        while True:
            self._clock.check()
            with self._lock:
                budgets = [self._budget(key) for key in keys]
                now = self._clock.now()
                ready = max(budget.ready_at(now, cost) for budget in budgets)
                if ready <= now:
                    for budget in budgets:
                        budget.take(now, cost)
                    return
            self._waiting(ready - now)
            self._clock.sleep(ready - now)

    def hold(self, path: str, seconds: float) -> None:
        """Let no request on the narrowest budget of ``path`` start for this long: the service said so."""
        keys, _ = budgets_of(path)
        with self._lock:
            self._budget(keys[0]).hold(self._clock.now() + seconds)

    def observe(self, path: str, headers: Mapping[str, str]) -> None:
        """Read the quota headers of an answer from Resource Graph.

        When nothing remains and our own requests do not explain it, somebody else shares the quota or it is
        smaller than documented: then the service's word on when it resets counts. When they do, our own window
        is the more exact clock, for the header has whole seconds.
        """
        if budgets_of(path)[0] != [("resource graph",)]:
            return
        remaining = headers.get("x-ms-user-quota-remaining", "").strip()
        resets = reset_seconds(headers)
        if not remaining.lstrip("-").isdigit() or int(remaining) > 0 or resets is None:
            return
        with self._lock:
            window = self._budget(("resource graph",))
            now = self._clock.now()
            if isinstance(window, Window) and not window.used_up(now):
                window.hold(now + resets)

    def _budget(self, key: Key) -> Budget:
        if key not in self._budgets:
            self._budgets[key] = _make(key)
        return self._budgets[key]


_RESET = re.compile(r"^\s*(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d+)?)\s*$")
LONGEST_WAIT = 300.0
"""Seconds that a service's word is believed for; a longer wait is a refusal."""


def reset_seconds(headers: Mapping[str, str]) -> float | None:
    """Read ``x-ms-user-quota-resets-after`` (``hh:mm:ss``) as seconds; None when absent or odd."""
    found = _RESET.match(headers.get("x-ms-user-quota-resets-after", ""))
    if found is None:
        return None
    hours, minutes, seconds = found.groups()
    return min(LONGEST_WAIT, int(hours) * 3600 + int(minutes) * 60 + float(seconds))


def wait_asked(headers: Mapping[str, str]) -> float | None:
    """Return how long a 429 or 503 asks to wait, in seconds, from whichever header says it; None when none does."""
    for name, unit in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if text.replace(".", "", 1).isdigit():
            return min(LONGEST_WAIT, float(text) * unit)
    return reset_seconds(headers)


def wait_before(attempt: int, headers: Mapping[str, str] | None) -> float:
    """Return the pause in seconds before attempt number ``attempt`` (the first repetition is 1)."""
    asked = wait_asked(headers) if headers is not None else None
    backoff: float = min(30.0, 0.5 * 2.0 ** (attempt - 1))
    return backoff if asked is None else max(asked, LATENESS)
