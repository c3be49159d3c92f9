"""Doing many small reads side by side, each of them once: what the neighbours of Resource Graph have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

import msgspec

from scanner.sources.azure.journal import Journal, Unit
from scanner.sources.azure.outcome import GAP_ERRORS, Outcome, outcome_of

if TYPE_CHECKING:
    from scanner.sources.azure.progress import Progress


class Read(msgspec.Struct, frozen=True):
    """One read: its name in the journal, what it asks, and whose rows are missing if it fails.

    ``gaps`` are pairs of fact table and scope id; ``subjects`` are the ids that it is about, where it is not a list
    of everything.
    """

    name: str
    service: str
    ask: Callable[[], list[Any]]
    gaps: tuple[tuple[str, str], ...]
    subjects: tuple[str, ...] = ()


Started = dict["Future[int]", Read]
"""Reads under way."""


class Gatherer:
    """Runs reads on a pool of threads, into the journal."""

    def __init__(self, journal: Journal, pool: ThreadPoolExecutor, progress: Progress) -> None:
        self._journal = journal
        self._pool = pool
        self._progress = progress

    def start(self, reads: Sequence[Read]) -> Started:
        """Begin all reads in the background."""
        return {self._pool.submit(self._one, read): read for read in reads}

    def finish(self, stage: str, started: Started) -> dict[str, Outcome]:
        """Wait for reads; their rows are in the journal then. Returns the outcomes of those that failed, by name."""
        if not started:
            return {}
        self._progress.stage(stage, len(started))
        failed = {}
        for future in as_completed(started):
            read = started[future]
            try:
                self._progress.advance(future.result(), 1)
            except GAP_ERRORS as error:
                failed[read.name] = outcome_of(error, read.service)
        return failed

    def _one(self, read: Read) -> int:
        """Do one read unless it was done before; returns its number of rows."""
        unit = self._journal.load(read.name)
        if unit is None:
            unit = Unit(name=read.name, rows=read.ask())
            self._journal.save(unit)
        return len(unit.rows)

    def rows(self, reads: Sequence[Read]) -> Iterator[tuple[Read, Any]]:
        """Yield the rows of those reads that were done, in the order of the reads."""
        for read in reads:
            unit = self._journal.load(read.name)
            for row in unit.rows if unit is not None else ():
                yield read, row
