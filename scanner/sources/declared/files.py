"""How the evaluation of a unit reads files: only through this, so that it is known what a unit depends on."""

from __future__ import annotations

import posixpath
from collections.abc import Callable


class Files:
    """The files of a repository by their path from its root; remembers which were read or looked for.

    ``read`` returns a file's bytes, or None when there is none, it lies outside the repository, or it cannot be read.
    """

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self.seen: dict[str, None] = {}

    def read(self, uri: str) -> bytes | None:
        """Return the bytes of a file, or None."""
        self.seen[uri] = None
        return self._read(uri)

    @staticmethod
    def beside(uri: str, path: str) -> str | None:
        """Return the path of what a file names relative to itself; None when that lies outside the repository."""
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(uri), path.replace("\\", "/")))
        return None if joined.startswith(("../", "/")) or joined == ".." else joined
