"""Reading Resource Graph: pages of a query side by side, and the proof that all its rows came."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import msgspec

from scanner.catalog.credential_use import without_secrets
from scanner.sources.azure.answer import SINK, Sink
from scanner.sources.azure.errors import BrokenAnswerError, ServiceRefusalError
from scanner.sources.azure.journal import Journal, Unit
from scanner.sources.azure.outcome import GAP_ERRORS, Outcome, outcome_of

if TYPE_CHECKING:
    from azure.mgmt.resourcegraph import ResourceGraphClient

    from scanner.sources.azure.progress import Progress

API_VERSION = "2024-04-01"
"""The client's own default is too old to know ``authorizationScopeFilter`` and would hide inherited assignments."""
PAGES_HELD = 8
"""Pages of one query kept in memory until their turn comes."""
PAGE = 1000
"""Rows on a page at most: the service's maximum."""
SUBSCRIPTIONS_PER_QUERY = 300
"""The service allows 1,000 and advises fewer than 300 in one list."""
SERVICE = "Resource Graph"


class Query(msgspec.Struct, frozen=True):
    """One query: its text, which projects ``id`` and is ordered by it, and the fact tables that it feeds.

    ``columns`` maps projected columns (``p0``) to the place of their values in the resource
    (``("properties", "encryption")``). ``containers``: it is about scopes as a whole and is asked at the
    scan's own scope; otherwise it is asked for batches of subscriptions.
    """

    name: str
    text: str
    feeds: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]] = {}
    whole: bool = False


class Target(msgspec.Struct, frozen=True):
    """Where a query is asked: what goes in its body, and the scope ids that a failure leaves unread."""

    name: str
    body: Mapping[str, Sequence[str]]
    scope_ids: tuple[str, ...]


class Reading(msgspec.Struct):
    """One query at one target, and what kept it from being whole."""

    query: Query
    target: Target
    outcome: Outcome | None = None


def batches(subscriptions: Sequence[str]) -> list[Target]:
    """Partition subscriptions (GUIDs) into targets that the service takes in one request."""
    return [
        Target(
            name=f"subscriptions {start}",
            body={"subscriptions": part},
            scope_ids=tuple(f"/subscriptions/{subscription}" for subscription in part),
        )
        for start in range(0, len(subscriptions), SUBSCRIPTIONS_PER_QUERY)
        for part in [list(subscriptions[start : start + SUBSCRIPTIONS_PER_QUERY])]
    ]


class ResourceGraph:
    """Runs queries through one client, on a pool of threads, into the journal."""

    def __init__(
        self, client: ResourceGraphClient, journal: Journal, pool: ThreadPoolExecutor, progress: Progress
    ) -> None:
        self._client = client
        self._journal = journal
        self._pool = pool
        self._progress = progress

    def read(
        self, stage: str, asked: Sequence[tuple[Query, Target]], take: Callable[[Query, list[Any]], None]
    ) -> list[Reading]:
        """Read every query at its target, all pages side by side, and give their rows to ``take``.

        Rows are given page by page in the order of ``asked`` and of their ids, on the calling thread, while later
        pages are still on their way. A query whose distinct ids are not as many as the service counts is read
        once more, its rows are given once more, and if it still falls short it has the outcome ``truncated``.
        Never raises for what a service answers.
        """
        runs = [_Run(Reading(query, target)) for query, target in asked]
        self._progress.stage(stage, len(runs) or None)
        self._drive(runs, stage, take)
        again = [run for run in runs if run.reading.outcome is None and not run.complete()]
        if again:
            for run in again:
                for name in run.units():
                    self._journal.forget(name)
                run.restart()
            self._drive(again, stage, take)
            for run in again:
                if run.reading.outcome is None and not run.complete():
                    run.reading.outcome = run.shortfall()
        return [run.reading for run in runs]

    def _drive(self, runs: Sequence[_Run], stage: str, take: Callable[[Query, list[Any]], None]) -> None:
        waiting: dict[Future[Unit], tuple[_Run, int]] = {}
        planned = 0
        for run in runs:
            waiting[self._pool.submit(self._page, run, 0)] = (run, 0)
            planned += 1
        self._progress.stage(stage, planned or None)
        turn = deque(runs)
        ready = False
        while waiting or ready:
            done, _ = wait(waiting, timeout=0 if ready else None, return_when=FIRST_COMPLETED)
            for future in done:
                run, start = waiting.pop(future)
                try:
                    unit = future.result()
                except GAP_ERRORS as error:
                    run.failed(start, outcome_of(error, SERVICE))
                    continue
                run.arrived(start, unit)
                if start == 0:
                    for offset in range(PAGE, unit.total, PAGE):
                        waiting[self._pool.submit(self._page, run, offset)] = (run, offset)
                        planned += 1
                    self._progress.stage(stage, planned)
            # One page at a time, so that what arrives meanwhile is not kept waiting for its following pages.
            ready = self._give(turn, take)

    def _give(self, turn: deque[_Run], take: Callable[[Query, list[Any]], None]) -> bool:
        """Give away the page whose turn it is; False when it is not there yet, or none is left."""
        page = turn[0].next_page() if turn else None
        if page is None:
            return False
        if isinstance(page, str):
            unit = self._journal.load(page)
            page = [] if unit is None else unit.rows
        take(turn[0].reading.query, page)
        if turn[0].given():
            turn.popleft()
        return True

    def _page(self, run: _Run, start: int) -> Unit:
        """Read rows ``start`` up to the next page, in as many requests as the service makes of it."""
        name = f"{run.reading.query.name} | {run.reading.target.name} | {start}"
        unit = self._journal.load(name)
        if unit is None:
            unit = self._ask(run, name, start)
            self._journal.save(unit)
        return unit

    def _ask(self, run: _Run, name: str, start: int) -> Unit:
        rows: list[Any] = []
        total, offset, end = 0, start, start + PAGE
        while offset < end:
            try:
                answer = self._post(run.reading, offset, min(run.top, end - offset))
            except ServiceRefusalError as error:
                if not error.says("ResponsePayloadTooLarge") or run.top == 1:
                    raise
                # Shared by the pages of this query: what is too large for one is for the others.
                run.top = max(1, run.top // 2)
                continue
            data, count = answer.get("data"), answer.get("totalRecords")
            if not isinstance(data, list) or not isinstance(count, int) or isinstance(count, bool):
                raise BrokenAnswerError("a page has no list of rows or no total")
            total = count
            rows += [restored(row, run.reading.query.columns) for row in data]
            offset += len(data)
            self._progress.advance(len(data), 1)
            if not data or offset >= total:
                break
        return Unit(name=name, rows=rows, total=total)

    def _post(self, reading: Reading, skip: int, top: int) -> dict[str, Any]:
        body = {
            **reading.target.body,
            "query": reading.query.text,
            "options": {
                "$top": top,
                "$skip": skip,
                "resultFormat": "objectArray",
                "allowPartialScopes": True,
                "authorizationScopeFilter": "AtScopeAboveAndBelow",
            },
        }
        sink = Sink()
        # Bytes, because the client's own models drop the scope filter without a word.
        options: dict[str, Any] = {SINK: sink, "api_version": API_VERSION, "content_type": "application/json"}
        ask: Callable[..., object] = self._client.resources
        ask(json.dumps(body).encode(), **options)
        if sink.headers.get("x-ms-tenant-subscription-limit-hit", "").lower() == "true":
            # Said once for the whole reading; the rows of the subscriptions that were looked at are as good as ever.
            reading.outcome = Outcome(
                "truncated",
                "The scope has more than 10,000 subscriptions: scan its management groups one by one.",
            )
        return sink.pages[0]


class _Run:
    """The state of one reading. ``top`` is touched by several threads; a lost update costs one request."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.top = PAGE
        self.restart()

    def restart(self) -> None:
        """Forget what was read."""
        self._ids: set[int] = set()
        self._total = 0
        self._names: list[str] = []
        self._pages: dict[int, list[Any] | str] = {}
        self._next = 0
        self._end: int | None = None

    def units(self) -> list[str]:
        """The names under which its pages are in the journal."""
        return self._names

    def arrived(self, start: int, unit: Unit) -> None:
        """Take a page. The ids are kept as hashes: there may be millions."""
        for number, row in enumerate(unit.rows):
            key = row.get("id") if isinstance(row, dict) else None
            # A row without an id is one of its own; it is told as malformed later, not here.
            self._ids.add(hash(key.lower()) if isinstance(key, str) else hash((start, number)))
        # What has to wait long for its turn waits in the journal, not in memory.
        self._pages[start] = unit.rows if len(self._pages) < PAGES_HELD else unit.name
        self._names.append(unit.name)
        self._total = unit.total if start == 0 else max(self._total, unit.total)
        if start == 0:
            self._end = max(unit.total, 1)

    def failed(self, start: int, outcome: Outcome) -> None:
        """Note that a page did not come."""
        self.reading.outcome = self.reading.outcome or outcome
        self._pages[start] = []
        if start == 0:
            self._end = 1

    def next_page(self) -> list[Any] | str | None:
        """Return the rows of the next page in order, or its name in the journal; None when it is not there yet.

        One that failed is empty.
        """
        page = self._pages.pop(self._next, None)
        if page is not None:
            self._next += PAGE
        return page

    def given(self) -> bool:
        """Whether all pages were returned."""
        return self._end is not None and self._next >= self._end

    def complete(self) -> bool:
        """Whether as many different rows came as the service counts."""
        return len(self._ids) == self._total

    def shortfall(self) -> Outcome:
        """Say how many are missing."""
        return Outcome(
            "truncated",
            f"Resource Graph counts {self._total} rows and gave {len(self._ids)} different ones, twice.",
        )


def restored(row: Any, columns: Mapping[str, tuple[str, ...]]) -> Any:
    """Put projected columns back where they stand in the resource, so that rows have one shape; secrets stay behind."""
    if not isinstance(row, dict) or not columns:
        return row
    whole = {key: value for key, value in row.items() if key not in columns}
    for column, path in columns.items():
        value = row.get(column)
        place = whole
        for name in path[:-1]:
            inner = place.get(name)
            if not isinstance(inner, dict):
                inner = place[name] = {}
            place = inner
        if value is not None:
            place[path[-1]] = without_secrets(value, path)
    return whole
