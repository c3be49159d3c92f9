"""Telling people how far a collection is: bars on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


class Progress(Protocol):
    """Told from many threads. ``rows`` and ``pages`` are increments; ``total`` of a stage is in pages."""

    def stage(self, name: str, total: int | None) -> None:
        """Begin a stage; called again with the same name, its total has become known or has grown."""

    def advance(self, rows: int, pages: int) -> None:
        """Report rows read and pages (requests answered) since the last call."""

    def waiting(self, seconds: float) -> None:
        """Report that a request waits this long for the service's quota."""

    def done(self) -> None:
        """End the last stage."""


class SilentProgress:
    """Says nothing: ``--quiet``."""

    def stage(self, name: str, total: int | None) -> None:
        """Say nothing."""

    def advance(self, rows: int, pages: int) -> None:
        """Say nothing."""

    def waiting(self, seconds: float) -> None:
        """Say nothing."""

    def done(self) -> None:
        """Say nothing."""


class LineProgress:
    """One plain line when a stage ends, and one every ``every`` seconds while it lasts: for logs of jobs."""

    def __init__(
        self, out: TextIO, *, every: float = 10.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out
        self._every = every
        self._now = now
        self._lock = threading.Lock()
        self._name: str | None = None
        self._total: int | None = None
        self._rows = self._pages = 0
        self._waited = 0.0
        self._began = self._said = now()

    def stage(self, name: str, total: int | None) -> None:
        """Begin a stage, and say what the one before it brought."""
        with self._lock:
            if name == self._name:
                self._total = total
                return
            self._end()
            self._name, self._total = name, total
            self._rows = self._pages = 0
            self._waited = 0.0
            self._began = self._said = self._now()

    def advance(self, rows: int, pages: int) -> None:
        """Count, and say so now and then."""
        with self._lock:
            self._rows += rows
            self._pages += pages
            if self._now() - self._said >= self._every:
                self._say("...")

    def waiting(self, seconds: float) -> None:
        """Count the wait."""
        with self._lock:
            self._waited = max(self._waited, self._now() + seconds - self._began)
            if self._now() - self._said >= self._every:
                self._say(f"... waiting {seconds:.0f} s for quota")

    def done(self) -> None:
        """Say what the last stage brought."""
        with self._lock:
            self._end()
            self._name = None

    def _end(self) -> None:
        if self._name is not None:
            self._say(f"done in {self._now() - self._began:.1f} s")

    def _say(self, suffix: str) -> None:
        pages = f"{self._pages}/{self._total}" if self._total else f"{self._pages}"
        self._out.write(f"{self._name}: {self._rows} rows, {pages} requests {suffix}\n")
        self._out.flush()
        self._said = self._now()


class BarProgress:
    """A bar for each stage with rows, pages and the wait for quota: for terminals. Use it in a ``with`` block."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._bars: Bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[rows]} rows"),
            TextColumn("{task.completed:.0f} requests"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=False,
        )
        self._lock = threading.Lock()
        self._task: TaskID | None = None
        self._name: str | None = None
        self._rows = 0

    def __enter__(self) -> BarProgress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def stage(self, name: str, total: int | None) -> None:
        """Begin a bar, or give the running one its total."""
        with self._lock:
            if name == self._name and self._task is not None:
                self._bars.update(self._task, total=total)
                return
            self._finish()
            self._name, self._rows = name, 0
            self._task = self._bars.add_task(name, total=total, rows=0, note="")

    def advance(self, rows: int, pages: int) -> None:
        """Move the bar."""
        with self._lock:
            if self._task is not None:
                self._rows += rows
                self._bars.update(self._task, advance=pages, rows=self._rows, note="")

    def waiting(self, seconds: float) -> None:
        """Show the wait beside the bar."""
        with self._lock:
            if self._task is not None:
                self._bars.update(self._task, note=f"waiting {seconds:.0f} s for quota")

    def done(self) -> None:
        """Fill the last bar."""
        with self._lock:
            self._finish()
            self._name = self._task = None

    def _finish(self) -> None:
        if self._task is not None:
            completed = self._bars.tasks[self._task].completed
            self._bars.update(self._task, total=max(completed, 1), completed=max(completed, 1), note="")
