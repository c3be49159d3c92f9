"""What was made of a repository as a whole, kept in the cache while nothing in it changes.

Units are kept one by one, so that after a change only the changed ones are read; this keeps what came of all of them
together, so that without a change nothing is read at all.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from scanner.sources.repository.cache import Cache
from scanner.sources.repository.contents import Digests

MOST_ANSWERS = 4
"""Questions of which the answers are kept: other rules, other settings."""


class _Entry(msgspec.Struct, array_like=True):
    mark: bytes
    seen: list[tuple[str, bytes]]
    answers: list[tuple[bytes, bytes]]


class RepositoryMemory:
    """Answers about one selection of files. ``mark`` tells one state of what was found from another."""

    def __init__(self, cache: Cache, name: str, mark: bytes, digests: Digests) -> None:
        self._cache = cache
        self._name = name
        self._mark = mark
        self._digests = digests
        self._entry = self._read()

    def recall(self, asked: bytes) -> bytes | None:
        """Return the answer to a question; None when there is none, or anything has changed since."""
        return None if self._entry is None else dict(self._entry.answers).get(asked)

    @property
    def holds(self) -> bool:
        """Whether everything is as it was when the last answer was kept."""
        return self._entry is not None

    def keep(self, asked: bytes, answer: bytes) -> None:
        """Keep an answer about what was read; :meth:`read` must have been told before what that depends on."""
        if self._entry is None:
            return
        answers = [one for one in self._entry.answers if one[0] != asked]
        self._entry.answers = [(asked, answer), *answers][:MOST_ANSWERS]
        self._cache.put_bytes(self._name, msgspec.msgpack.encode(self._entry))

    def depends_on(self, seen: Iterable[tuple[str, bytes]]) -> None:
        """Say what the repository was read from; answers about another state are forgotten."""
        if self._entry is None:
            self._entry = _Entry(self._mark, sorted(set(seen)), [])

    def _read(self) -> _Entry | None:
        data = self._cache.get_bytes(self._name)
        if data is None:
            return None
        try:
            entry = msgspec.msgpack.decode(data, type=_Entry)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        same = entry.mark == self._mark and all(self._digests.of(name) == was for name, was in entry.seen)
        return entry if same else None
