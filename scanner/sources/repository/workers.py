"""Work on all cores: processes that take tasks from one queue, so that none waits for another's long task.

Processes are forked, which costs milliseconds where starting an interpreter would cost more than a small repository
takes; that is only safe before threads run, so they are forked before Polars is imported. A task whose process dies or
does not end is lost, and only that one: its process is replaced. Where a process cannot be forked (Windows, or threads
are running) the tasks are done here, one after the other.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator

import msgspec

SECONDS = 120.0
"""How long one task may take; what takes longer is lost. The largest template known takes a second."""
MOST_MEMORY = 4_000_000_000
"""Bytes of address space that a process may take, so that hostile input ends in an error rather than in swapping."""
MOST_DEATHS = 20
"""Processes that may die before the rest is given up."""

_FRAME = struct.Struct("<II")
_BATCH = struct.Struct("<II")
_BEGUN = 0xFFFFFFFF
_MOST_BATCHES = 4_096
"""Batches lie in a pipe from the beginning: fewer than any pipe holds."""
_TOGETHER = 8
"""Tasks that one process takes at once: neighbours use the same files, and what was read of these is kept."""


class _Child(msgspec.Struct):
    process: int
    results: int
    buffer: bytearray = msgspec.field(default_factory=bytearray)
    task: int | None = None
    """The task that it is at work on."""
    began: float = 0.0
    killed: bool = False


class Workers:
    """Processes that do numbered tasks. ``work`` turns a task into bytes; ``lost`` says what stands for a lost one."""

    def __init__(
        self, tasks: int, work: Callable[[int], bytes], lost: Callable[[int, str], bytes], *, processes: int
    ) -> None:
        self._tasks = tasks
        self._work = work
        self._lost = lost
        self._children: dict[int, _Child] = {}
        self._done = bytearray(tasks)
        self._deaths = 0
        self._batches = batches(tasks, processes)
        self._forks = tasks > 0 and processes > 0 and can_fork()
        if self._forks:
            self._queue, queue_end = os.pipe()
            with os.fdopen(queue_end, "wb") as file:
                file.write(b"".join(_BATCH.pack(batch.start, batch.stop) for batch in self._batches))
            # What is there now stays: no process need walk it again, and so copy its memory.
            gc.freeze()
            for _ in range(min(processes, tasks)):
                self._start(range(0))

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def results(self) -> Iterator[tuple[int, bytes]]:
        """Yield every task with its result, in the order in which they are ready."""
        if not self._forks:
            for task in range(self._tasks):
                yield task, self._work(task)
            return
        try:
            with selectors.DefaultSelector() as selector:
                for child in self._children.values():
                    selector.register(child.results, selectors.EVENT_READ, child)
                while self._children:
                    ready = selector.select(timeout=1.0)
                    for key, _ in ready:
                        yield from self._read(key.data, selector)
                    self._end_stuck()
            left = [task for task in range(self._tasks) if not self._done[task]]
            given_up = f"{MOST_DEATHS} processes had ended before it was read"
            for task in left:
                yield task, self._work(task) if self._deaths < MOST_DEATHS else self._lost(task, given_up)
        finally:
            self.close()

    def close(self) -> None:
        """End what still runs."""
        for child in self._children.values():
            kill(child.process)
            os.close(child.results)
            os.waitpid(child.process, 0)
        self._children.clear()
        if self._forks:
            self._forks = False
            os.close(self._queue)

    # ---- in the process that gives the work

    def _start(self, first: range) -> _Child:
        """Start a process that does the tasks of a batch first, then those of the queue."""
        reading, writing = os.pipe()
        widen(writing)
        process = os.fork()
        if process == 0:
            os.close(reading)
            be_child(lambda results: self._run(results, first), writing)
        os.close(writing)
        child = _Child(process, reading, began=time.monotonic())
        self._children[process] = child
        return child

    def _read(self, child: _Child, selector: selectors.BaseSelector) -> Iterator[tuple[int, bytes]]:
        data = os.read(child.results, 1 << 20)
        if not data:
            yield from self._buried(child, selector)
            return
        buffer = child.buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _FRAME.size:
            task, size = _FRAME.unpack_from(buffer, at)
            if size == _BEGUN:
                child.task, child.began = task, time.monotonic()
                at += _FRAME.size
                continue
            if len(buffer) - at < _FRAME.size + size:
                break
            at += _FRAME.size
            payload = bytes(memoryview(buffer)[at : at + size])
            at += size
            child.task, child.began = None, time.monotonic()
            self._done[task] = 1
            yield task, payload
        del buffer[:at]

    def _buried(self, child: _Child, selector: selectors.BaseSelector) -> Iterator[tuple[int, bytes]]:
        """Take note of a process that ended; when it died at work, its task is lost and another takes its place."""
        selector.unregister(child.results)
        os.close(child.results)
        del self._children[child.process]
        _, status = os.waitpid(child.process, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            return
        self._deaths += 1
        rest = range(0)
        if child.task is not None and not self._done[child.task]:
            self._done[child.task] = 1
            why = (
                f"it took longer than {SECONDS:.0f} seconds"
                if child.killed
                else f"its process ended with {f'signal {-code}' if code < 0 else code}"
            )
            yield child.task, self._lost(child.task, why)
            batch = next(batch for batch in self._batches if child.task in batch)
            rest = range(child.task + 1, batch.stop)
        if self._deaths < MOST_DEATHS:
            another = self._start(rest)
            selector.register(another.results, selectors.EVENT_READ, another)

    def _end_stuck(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            if child.task is not None and now - child.began > SECONDS and not child.killed:
                child.killed = True
                kill(child.process)

    # ---- in the processes that do the work

    def _run(self, results: int, batch: range) -> None:
        while True:
            for task in batch:
                if self._done[task]:
                    continue
                write_all(results, _FRAME.pack(task, _BEGUN))
                payload = self._work(task)
                write_all(results, _FRAME.pack(task, len(payload)))
                write_all(results, payload)
            following = os.read(self._queue, _BATCH.size)
            if not following:
                return
            batch = range(*_BATCH.unpack(following))


def batches(tasks: int, processes: int) -> list[range]:
    """Share tasks out: several at a time, one by one in the end, so that no process waits long for another."""
    made: list[range] = []
    least = max(1, -(-tasks // _MOST_BATCHES))
    first = 0
    while first < tasks:
        size = max(least, min(_TOGETHER, (tasks - first) // (max(1, processes) * _TOGETHER)))
        made.append(range(first, min(first + size, tasks)))
        first += size
    return made


def can_fork() -> bool:
    """Whether a process can be forked now: the system can, and no thread but this one runs."""
    return hasattr(os, "fork") and threading.active_count() == 1 and "polars" not in sys.modules


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def be_child(run: Callable[[int], None], results: int, *, bounded: bool = True) -> None:
    """Do the work and leave at once: what the first process began, it ends. ``bounded``: with a limit of memory."""
    code = 1
    try:
        # An interrupt is the first process's to tell of; it ends the others.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if bounded:
            _bound_memory()
        run(results)
        code = 0
    except BrokenPipeError:
        code = 0
    finally:
        os._exit(code)


def _bound_memory() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY or soft > MOST_MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, hard))


def kill(process: int) -> None:
    """End a process at once, if it has not ended."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def write_all(handle: int, data: bytes) -> None:
    """Write all bytes into a pipe."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def widen(pipe: int) -> None:
    """Let a pipe hold more than the usual 64 KB, where the system can: whoever works does not wait for the reader."""
    if sys.platform == "linux":
        import fcntl

        try:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
        except OSError:  # beyond what this user may have: the usual size does
            return
