"""The files of a repository by their path from its root, for showing lines, reading comments and making edits.

What a finding says of a place holds here too: lines end in ``\\n``, ``\\r\\n`` or a lone ``\\r`` and count from 1;
columns count Unicode code points from 1; a byte order mark counts nothing.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

BOM = b"\xef\xbb\xbf"
FILE_LIMIT = 50_000_000
"""Bytes of a file; a larger one was not read for facts either."""
_KEPT = 64_000_000
"""Bytes of files that are kept for the next finding in them."""
_LINE_END = re.compile(rb"\r\n|\n|\r")


class Lines:
    """The lines of one file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        first = len(BOM) if data.startswith(BOM) else 0
        self._starts = [first]
        self._ends = []
        for end in _LINE_END.finditer(data):
            self._ends.append(end.start())
            self._starts.append(end.end())
        self._ends.append(len(data))

    def __len__(self) -> int:
        return len(self._starts)

    def text(self, number: int) -> str | None:
        """Return a line without its end; None when there is no such line. Bytes that are not UTF-8 become U+FFFD."""
        if not 1 <= number <= len(self._starts):
            return None
        return self.data[self._starts[number - 1] : self._ends[number - 1]].decode("utf-8", "replace")

    def offset(self, line: int, column: int) -> int | None:
        """Return the offset in bytes of a place; None when there is no such place, or its line is not UTF-8."""
        if not 1 <= line <= len(self._starts):
            return None
        start, end = self._starts[line - 1], self._ends[line - 1]
        try:
            text = self.data[start:end].decode()
        except UnicodeDecodeError:
            return None
        return start + len(text[: column - 1].encode()) if 1 <= column <= len(text) + 1 else None


class SourceFiles:
    """Files that ``read`` returns by path, or None for what is not there; read when first asked for."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._kept: OrderedDict[str, Lines | None] = OrderedDict()
        self._size = 0

    def lines(self, uri: str) -> Lines | None:
        """Return the lines of a file; None when it cannot be read."""
        if uri in self._kept:
            self._kept.move_to_end(uri)
            return self._kept[uri]
        data = self._read(uri)
        lines = None if data is None or len(data) > FILE_LIMIT else Lines(data)
        self._kept[uri] = lines
        self._size += len(lines.data) if lines else 0
        while self._size > _KEPT and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest.data) if oldest else 0
        return lines

    def is_gone(self, uri: str) -> bool:
        """Whether there is no such file, or none that can be read."""
        return self.lines(uri) is None

    def line(self, uri: str, number: int) -> str | None:
        """Return one line of a file; None when file or line is not there."""
        lines = self.lines(uri)
        return None if lines is None else lines.text(number)


def in_folder(root: Path) -> SourceFiles:
    """Return the files below a folder; what leads outside of it, and what is no plain file, is not there."""
    home = root.resolve()

    def read(uri: str) -> bytes | None:
        try:
            path = (home / uri).resolve()
            if not path.is_relative_to(home) or not path.is_file() or path.stat().st_size > FILE_LIMIT:
                return None
            return path.read_bytes()
        except (OSError, ValueError, RuntimeError):
            # Gone since it was judged, not readable, a name that no file can have, a loop of links.
            return None

    return SourceFiles(read)
