"""The threads of a collection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec


class Pools(msgspec.Struct, frozen=True):
    """A pool for each budget that is waited for, so that none of them keeps the threads of the others."""

    resource_graph: ThreadPoolExecutor
    federated: ThreadPoolExecutor
    neighbours: ThreadPoolExecutor

    @classmethod
    def of(cls, workers: int) -> Pools:
        """Make pools of this many threads each."""
        names = ("resource-graph", "federated", "neighbours")
        return cls(*(ThreadPoolExecutor(workers, thread_name_prefix=name) for name in names))

    def end(self) -> None:
        """Drop what has not begun, and wait for what has."""
        for pool in (self.resource_graph, self.federated, self.neighbours):
            pool.shutdown(wait=True, cancel_futures=True)
