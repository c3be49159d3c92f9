"""A process on standby: it gets ready for one question while this one finds out what to ask.

As in :mod:`~scanner.sources.repository.workers` it is forked, and so only before Polars is imported. Whatever goes
wrong there, it gives no answer: who asked does the work itself, and meets what went wrong.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable

from scanner.sources.repository.workers import be_child, can_fork, cores, kill, widen, write_all

_SIZE = struct.Struct("<Q")


class Standby:
    """Another process: ``ready`` is called there at once, ``answer`` when a question comes.

    ``meanwhile`` is called here, while it works on the answer.
    """

    def __init__(
        self,
        ready: Callable[[], object],
        answer: Callable[[bytes], bytes],
        meanwhile: Callable[[], object],
    ) -> None:
        self._meanwhile = meanwhile
        self._was_asked = False
        asked, self._question = os.pipe()
        self._answer, answering = os.pipe()
        widen(self._question)
        _flush()
        self._process: int | None = os.fork()
        if self._process == 0:
            os.close(self._question)
            os.close(self._answer)

            def run(results: int) -> None:
                ready()
                question = _received(asked)
                if question is not None:
                    said = answer(question)
                    # What a rule has printed waits there, and this process ends without the interpreter's last steps.
                    _flush()
                    _send(results, said)

            be_child(run, answering, bounded=False)
        os.close(asked)
        os.close(answering)

    @classmethod
    def if_possible(
        cls,
        ready: Callable[[], object],
        answer: Callable[[bytes], bytes],
        meanwhile: Callable[[], object],
    ) -> Standby | None:
        """Start one where that pays: a process can be forked, there is a core for it, and what it prints is seen."""
        is_seen = None not in (sys.stdout, sys.stderr) and sys.stderr is sys.__stderr__
        return cls(ready, answer, meanwhile) if is_seen and cores() > 1 and can_fork() else None

    @property
    def waits(self) -> bool:
        """Whether it can still be asked."""
        return self._process is not None and not self._was_asked

    def ask(self, question: bytes) -> bytes | None:
        """Return the answer, None when there is none; it can be asked once."""
        if not self.waits:
            return None
        try:
            _send(self._question, question)
            self._meanwhile()
            return _received(self._answer)
        except BrokenPipeError:
            return None
        finally:
            self._was_asked = True

    def close(self) -> None:
        """End it, whatever it does."""
        if self._process is None:
            return
        kill(self._process)
        os.close(self._question)
        os.close(self._answer)
        os.waitpid(self._process, 0)
        self._process = None


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by whoever started us
            stream.flush()


def _send(pipe: int, data: bytes) -> None:
    write_all(pipe, _SIZE.pack(len(data)) + data)


def _received(pipe: int) -> bytes | None:
    """Return what was sent; None when its end is missing, because the sender has ended.

    The sender's end is not waited for: a process that has imported much takes a while to go.
    """
    data = bytearray()
    size = _SIZE.size
    while len(data) < size:
        part = os.read(pipe, 1 << 20)
        if not part:
            return None
        data += part
        if size == _SIZE.size <= len(data):
            size += _SIZE.unpack_from(data)[0]
    return bytes(data[_SIZE.size :])
