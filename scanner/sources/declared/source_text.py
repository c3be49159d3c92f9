"""Offsets in a file to lines and columns."""

from __future__ import annotations

from bisect import bisect_right

BOM = b"\xef\xbb\xbf"


class SourceText:
    """A file's bytes, with lines and columns on request.

    Lines end in ``\\n``, ``\\r\\n`` or a lone ``\\r``; columns count Unicode code points from 1; bytes that are not
    UTF-8 count one each.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        starts = [0]
        position = data.find(b"\n")
        while position >= 0:
            starts.append(position + 1)
            position = data.find(b"\n", position + 1)
        if b"\r" in data:
            lone = data.find(b"\r")
            while lone >= 0:
                if data[lone + 1 : lone + 2] != b"\n":
                    starts.append(lone + 1)
                lone = data.find(b"\r", lone + 1)
            starts.sort()
        self._starts = starts

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column, both from 1, of an offset in bytes."""
        line = bisect_right(self._starts, offset)
        begin = self._starts[line - 1]
        if begin == 0 and self.data.startswith(BOM):
            begin = min(len(BOM), offset)
        return line, len(self.data[begin:offset].decode("utf-8", "replace")) + 1

    def line(self, number: int) -> str:
        """Return a line's text by its number from 1, without its end."""
        begin = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self.data)
        data = self.data[begin:end].removeprefix(BOM) if begin == 0 else self.data[begin:end]
        return data.rstrip(b"\r\n").decode("utf-8", "replace")

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self._starts)
