"""Read the comments of a file that accept findings, and find the lines that each is about; see ``ignores``."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise

from scanner.engine.code_text import CodeText, Span, code_lines, enclosing, language_of, take_apart
from scanner.engine.ignores import Ignore

MARK = b"midas:"
"""What a file must hold to be looked at, in any case of letters."""

_IGNORE = re.compile(
    r"midas:[ \t]*ignore\b[ \t]*(?:\[(?P<codes>[^\]\r\n]*)\])?[ \t]*[:–-]*[ \t]*(?P<reason>[^\r\n]*)",
    re.IGNORECASE,
)
_LARGEST = 10_000_000
"""Bytes; of larger files only plans are read, which have no comments."""
_REASON_LIMIT = 500
"""Characters of a reason."""
_DECORATORS = 50
"""Decorators of one declaration."""


def ignores_in(uri: str, data: bytes) -> tuple[Ignore, ...]:
    """Return the comments of one file in their order."""
    language = language_of(uri)
    if language is None or len(data) > _LARGEST or MARK not in data.lower():
        return ()
    code = take_apart(data.decode("utf-8", "replace").removeprefix("\ufeff"), language)
    written = [
        (comment, match)
        for comment in code.comments
        for match in _IGNORE.finditer(code.text, comment.start, comment.end)
    ]
    lines = _Lines(code) if written else None
    found = [_ignore(uri, code, match, *lines.about(comment)) for comment, match in written if lines]
    if uri.lower().endswith((".tf.json", ".tofu.json")):
        found += _in_properties(uri, code)
    return tuple(sorted(found, key=lambda ignore: ignore.line))


def _in_properties(uri: str, code: CodeText) -> Iterator[Ignore]:
    """Yield what stands in ``"//": "..."``, the comments of Terraform's JSON: they are about the object they are in."""
    for name, value in pairwise(code.strings):
        if code.text[name.start : name.end] == '"//"' and code.text[name.end : value.start].strip() == ":":
            match = _IGNORE.search(code.text, value.start, value.end - 1)
            around = enclosing(code, name.start)
            if match is not None and around is not None:
                yield _ignore(uri, code, match, code.line_of(around.start), code.line_of(around.end - 1))


def _ignore(uri: str, code: CodeText, match: re.Match[str], first: int, last: int) -> Ignore:
    codes = (part.strip().upper() for part in (match["codes"] or "").split(","))
    return Ignore(
        uri=uri,
        line=code.line_of(match.start()),
        codes=tuple(dict.fromkeys(part for part in codes if part)),
        reason=match["reason"].removesuffix("*/").strip()[:_REASON_LIMIT],
        first=first,
        last=last,
    )


class _Lines:
    """The lines of a file, for finding those that a comment is about."""

    def __init__(self, code: CodeText) -> None:
        self.code = code
        first_signs = list(code_lines(code))
        self._numbers = [number for number, _ in first_signs]
        self._first_sign = dict(first_signs)
        # What goes on over several lines, by where it begins.
        self._blocks = sorted(
            (span.start, span.end)
            for span in (*code.brackets, *code.strings)
            if code.line_of(span.start) != code.line_of(span.end - 1)
        )

    def about(self, comment: Span) -> tuple[int, int]:
        """Return the first and last line that a comment is about, (0, 0) for none."""
        begins, ends = (
            self.code.line_of(comment.start),
            self.code.line_of(max(comment.start, comment.end - 1)),
        )
        if self._first_sign.get(begins, comment.start) < comment.start:
            return begins, self._end(begins)
        at = bisect_left(self._numbers, ends)
        if at == len(self._numbers):
            return 0, 0
        first = self._numbers[at]
        return first, self._end(first)

    def _end(self, line: int) -> int:
        """Return the last line of what begins on a line, through the decorators of Bicep to what they decorate."""
        end = line
        for _ in range(_DECORATORS):
            end = self._end_of_block(line)
            decorates = self.code.text.startswith("@", self._first_sign[line])
            at = bisect_right(self._numbers, end)
            if not decorates or at == len(self._numbers):
                break
            line = self._numbers[at]
        return end

    def _end_of_block(self, line: int) -> int:
        span = self.code.line_span(line)
        at = bisect_left(self._blocks, (span.start, 0))
        end = line
        while at < len(self._blocks) and self._blocks[at][0] < span.end:
            end = max(end, self.code.line_of(self._blocks[at][1] - 1))
            at += 1
        return end
