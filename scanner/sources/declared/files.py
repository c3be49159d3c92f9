"""How the evaluation of a unit reads files: only through this, so that it is known what a unit depends on."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence


def _nothing(_folder: str) -> Sequence[str]:
    return ()


class Files:
    """The files of a repository by their path from its root; remembers which were read or looked for.

    ``read`` returns a file's bytes, or None when there is none, it lies outside the repository, or it cannot be read.
    ``names`` returns the names of the files in a folder (``.`` for the root), sorted, without those in folders below:
    of infrastructure files alone; ``all_names`` returns those of every file.
    """

    def __init__(
        self,
        read: Callable[[str], bytes | None],
        names: Callable[[str], Sequence[str]] = _nothing,
        all_names: Callable[[str], Sequence[str]] | None = None,
    ) -> None:
        self._read = read
        self._names = names
        self._all_names = all_names or names
        self.seen: dict[str, None] = {}
        """What was read or looked for; a folder whose names were asked for ends in a slash, or in ``/*`` where all of
        them were."""

    def read(self, uri: str) -> bytes | None:
        """Return the bytes of a file, or None."""
        self.seen[uri] = None
        return self._read(uri)

    def names(self, folder: str) -> Sequence[str]:
        """Return the sorted names of the files in a folder; ``.`` is the root. Nothing for one that is not there."""
        self.seen[f"{folder}/"] = None
        return self._names(folder)

    def all_names(self, folder: str) -> Sequence[str]:
        """Return the sorted names of all files in a folder, whatever they are."""
        self.seen[f"{folder}/*"] = None
        return self._all_names(folder)

    @staticmethod
    def beside(uri: str, path: str) -> str | None:
        """Return the path of what a file names relative to itself; None when that lies outside the repository."""
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(uri), path.replace("\\", "/")))
        return None if joined.startswith(("../", "/")) or joined == ".." else joined
