"""Reading federated credentials in the background, from the moment the identities are known."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from scanner.sources.azure.federated import federated_reads
from scanner.sources.azure.throttle import LISTS_PER_SUBSCRIPTION, LISTS_PER_TENANT

if TYPE_CHECKING:
    from scanner.sources.azure.gather import Gatherer, Read, Started
    from scanner.sources.azure.transport import Transport


class FederatedStage:
    """Its lists take longest of all that is read, and nothing else waits for them."""

    def __init__(self, transport: Transport, gatherer: Gatherer) -> None:
        self._transport = transport
        self._gatherer = gatherer
        self._wanted: dict[str, str] = {}
        self.reads: list[Read] = []
        """The reads that were begun."""
        self.started: Started = {}
        self.odd: list[str] = []
        """Ids that are not those of user-assigned identities."""

    def want(self, identity_id: str) -> None:
        """Note an identity."""
        self._wanted.setdefault(identity_id.lower(), identity_id)

    def begin(self) -> None:
        """Begin to read the credentials of those identities that were noted since the last time."""
        new = [identity_id for identity_id in self._wanted.values() if identity_id]
        self._wanted = dict.fromkeys(self._wanted, "")
        if new:
            reads, odd = federated_reads(self._transport, in_turn(new))
            self.odd += odd
            self.reads += reads
            self.started |= self._gatherer.start(reads)


def in_turn(identity_ids: Iterable[str]) -> list[str]:
    """Order identities so that the limits of no subscription keep the tenant's from being used.

    Each second's share goes to the subscriptions with the most identities left, as many to each as its limit allows.
    """
    left: dict[str, list[str]] = defaultdict(list)
    for identity_id in identity_ids:
        left["/".join(identity_id.lower().split("/")[:3])].append(identity_id)
    longest = [(-len(ids), home) for home, ids in left.items()]
    heapq.heapify(longest)
    ordered: list[str] = []
    while longest:
        share, served = LISTS_PER_TENANT, list[tuple[int, str]]()
        while longest and share:
            count, home = heapq.heappop(longest)
            part = min(share, LISTS_PER_SUBSCRIPTION, -count)
            start = len(left[home]) + count
            ordered += left[home][start : start + part]
            share -= part
            if count + part:
                served.append((count + part, home))
        for rest in served:
            heapq.heappush(longest, rest)
    return ordered
