"""Budgets are kept, alone and together, whatever the number of threads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

import pytest

from scanner.sources.azure.errors import StoppedError
from scanner.sources.azure.federated_stage import in_turn
from scanner.sources.azure.throttle import (
    Bucket,
    SystemClock,
    Throttle,
    Window,
    budgets_of,
    reset_seconds,
    wait_asked,
    wait_before,
)

GRAPH = "/providers/Microsoft.ResourceGraph/resources"
ONE, TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def federated(subscription: str) -> str:
    return (
        f"/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.ManagedIdentity"
        "/userAssignedIdentities/app/federatedIdentityCredentials"
    )


class Recorded(Throttle):
    """Notes when each request started."""

    def __init__(self, clock: object) -> None:
        super().__init__(clock, lambda seconds: None)  # type: ignore[arg-type]
        self.clock = clock
        self.starts: list[float] = []

    def acquire(self, path: str) -> None:
        super().acquire(path)
        self.starts.append(self.clock.now())  # type: ignore[attr-defined]


def most_in(starts: list[float], seconds: float) -> int:
    """The most starts in any half-open interval of this length."""
    return max(sum(1 for other in starts if start <= other < start + seconds) for start in starts)


def test_resource_graph_has_fifteen_queries_in_any_five_seconds(clock):
    throttle = Recorded(clock)
    for _ in range(100):
        throttle.acquire(GRAPH)
    assert most_in(throttle.starts, 5.0) == 15
    # Six full windows after the first, each a little late.
    assert throttle.starts[-1] - throttle.starts[0] == pytest.approx(6 * 5.05)


def test_threads_share_the_window(clock):
    throttle = Recorded(clock)
    threads = [
        threading.Thread(target=lambda: [throttle.acquire(GRAPH) for _ in range(10)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Starts are noted a moment after they were counted, so the count is of those that were allowed.
    assert len(throttle.starts) == 80
    assert max(throttle.starts) - min(throttle.starts) >= 5 * 5.05 - 0.001


def test_federated_credentials_are_five_a_second_in_a_subscription_and_fifteen_in_the_tenant(clock):
    throttle = Recorded(clock)
    for _ in range(12):
        throttle.acquire(federated(ONE))
    assert most_in(throttle.starts, 1.0) == 5
    others = Recorded(clock)
    for number in range(40):
        others.acquire(federated(f"{number:08}-1111-4111-8111-111111111111"))
    assert most_in(others.starts, 1.0) == 15


def test_the_subscriptions_with_most_identities_are_served_first_and_always():
    ids = [
        f"/subscriptions/{home}/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{n:03}"
        for home, count in (("a", 3), ("B", 40), ("c", 12), ("d", 1), ("e", 12))
        for n in range(count)
    ]
    ordered = in_turn(ids)
    assert sorted(ordered) == sorted(ids)
    served = [Counter(one.split("/")[2] for one in ordered[at : at + 15]) for at in (0, 15)]
    assert served == [{"B": 5, "c": 5, "e": 5}, {"B": 5, "c": 5, "e": 5}]
    assert Counter(one.split("/")[2] for one in ordered[30:43]) == {"B": 5, "a": 3, "c": 2, "e": 2, "d": 1}
    assert in_turn([]) == []
    assert [one for one in ordered if "/B/" in one] == [one for one in ids if "/B/" in one]


def test_a_subscription_that_waits_does_not_make_another_wait(clock):
    throttle = Recorded(clock)
    for _ in range(5):
        throttle.acquire(federated(ONE))
    throttle.acquire(federated(TWO))
    assert clock.slept == []


def test_manager_reads_have_a_bucket_for_each_subscription(clock):
    throttle = Recorded(clock)
    path = f"/subscriptions/{ONE}/providers/Microsoft.Authorization/denyAssignments"
    for _ in range(250):
        throttle.acquire(path)
    assert clock.slept == []
    throttle.acquire(path)
    assert clock.slept == [pytest.approx(1 / 25)]
    throttle.acquire(path.replace(ONE, TWO))
    assert len(clock.slept) == 1


def test_an_expensive_call_costs_more_of_the_bucket():
    bucket = Bucket(10, 1.0)
    bucket.take(0.0, 8)
    assert bucket.ready_at(0.0, 5) == pytest.approx(3.0)


def test_costs_and_owners_of_requests():
    assert budgets_of("/v1.0/directoryObjects/getByIds") == ([("directory",)], 5)
    assert budgets_of("/v1.0/servicePrincipals") == ([("directory",)], 2)
    assert budgets_of(federated(ONE))[0] == [
        ("federated", ONE),
        ("federated", "every subscription"),
        ("manager", ONE),
    ]
    assert budgets_of(federated(ONE) + "/ci")[0] == [("one federated", ONE), ("manager", ONE)]
    assert budgets_of("/providers/Microsoft.Management/managementGroups/corp")[0] == [("manager", "tenant")]


def quota(remaining: str, after: str) -> Mapping[str, str]:
    return {"x-ms-user-quota-remaining": remaining, "x-ms-user-quota-resets-after": after}


def test_a_quota_that_somebody_else_used_up_is_waited_for(clock):
    throttle = Recorded(clock)
    throttle.acquire(GRAPH)
    throttle.observe(GRAPH, quota("0", "00:00:04"))
    throttle.acquire(GRAPH)
    assert clock.slept == [pytest.approx(4.0)]


def test_a_quota_that_we_used_up_ourselves_is_timed_by_our_own_window(clock):
    throttle = Recorded(clock)
    for _ in range(15):
        throttle.acquire(GRAPH)
    throttle.observe(GRAPH, quota("0", "00:00:30"))
    throttle.acquire(GRAPH)
    assert clock.slept == [pytest.approx(5.05)]


@pytest.mark.parametrize("remaining", ["", "many", "3", "-"])
def test_quota_headers_that_say_nothing_are_no_reason_to_wait(clock, remaining):
    throttle = Recorded(clock)
    throttle.observe(GRAPH, quota(remaining, "00:00:04"))
    throttle.acquire(GRAPH)
    assert clock.slept == []


def test_a_held_budget_starts_nothing(clock):
    throttle = Recorded(clock)
    throttle.hold(GRAPH, 7.0)
    throttle.acquire(f"/subscriptions/{ONE}/providers/Microsoft.Authorization/denyAssignments")
    assert clock.slept == []
    throttle.acquire(GRAPH)
    assert clock.slept == [pytest.approx(7.0)]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        (quota("0", "00:01:05"), 65.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "999999"}, 300.0),
        ({}, None),
    ],
)
def test_how_long_an_answer_asks_to_wait(headers, seconds):
    assert wait_asked(headers) == seconds


def test_without_a_word_the_pause_doubles_up_to_half_a_minute():
    assert [wait_before(attempt, None) for attempt in (1, 2, 3, 10)] == [0.5, 1.0, 2.0, 30.0]


@pytest.mark.parametrize("text", ["", "soon", "00:05", "1:2:3:4"])
def test_an_odd_reset_is_none(text):
    assert reset_seconds({"x-ms-user-quota-resets-after": text}) is None


def test_a_window_lets_its_oldest_start_go():
    window = Window(2, 5.0)
    window.take(1.0, 1)
    window.take(2.0, 1)
    assert window.ready_at(2.0, 1) == 6.0
    assert window.used_up(2.5)
    assert not window.used_up(6.5)


def test_stopping_wakes_those_who_wait():
    clock = SystemClock()
    ended: list[str] = []

    def wait() -> None:
        try:
            clock.sleep(3_600)
        except StoppedError:
            ended.append("woken")

    thread = threading.Thread(target=wait)
    thread.start()
    clock.stop()
    thread.join(timeout=10)
    assert ended == ["woken"]
    with pytest.raises(StoppedError):
        clock.sleep(0)
    with pytest.raises(StoppedError):
        Throttle(clock, lambda seconds: None).acquire(GRAPH)
