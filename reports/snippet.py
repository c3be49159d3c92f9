"""The lines of code a finding points at, fit to be shown: secrets masked, nothing invisible, the span marked."""

from __future__ import annotations

from itertools import accumulate, chain

import msgspec

from reports.hostile import visible
from reports.redact import MASK, Redacted, carries_secret, opens_secret, redact
from scanner.engine.finding import Finding, Location
from scanner.engine.source_files import Lines, SourceFiles

LINE_LIMIT = 2_000
"""Characters of a line; a longer one is not code that a person wrote, may hold anything, and is not shown."""

SUSPECT_FAMILY = 6
"""Credentials in code: a finding of this family points at a secret, or at what hands one on."""

_BEFORE, _AFTER = 10, 3
"""Lines around a literal in which a name says that it is a secret."""
_TAB = " " * 4


class CodeLine(msgspec.Struct, frozen=True):
    """One line as it is shown; characters ``start`` to ``end`` of the text are what the finding is about."""

    number: int
    text: str
    start: int
    end: int

    def fitted(self, room: int) -> CodeLine:
        """Return at most so many characters of the line, the marked ones among them."""
        if len(self.text) <= room:
            return self
        room = max(room, 12)
        # The mark begins in the first third, so that what stands before it tells where we are.
        first = max(0, min(self.start - room // 3, len(self.text) - room)) if self.end > room - 1 else 0
        text = self.text[first : first + room]
        if first:
            text = f"…{text[1:]}"
        if first + room < len(self.text):
            text = f"{text[:-1]}…"
        start = min(max(self.start - first, 0), room - 1)
        return CodeLine(self.number, text, start, max(start + 1, min(self.end - first, room)))


class Snippet(msgspec.Struct, frozen=True):
    """The lines of a place, and how many of it are not among them."""

    lines: tuple[CodeLine, ...]
    more: int


def snippet_of(sources: SourceFiles | None, finding: Finding, most: int = 1) -> Snippet | None:
    """Return at most ``most`` lines of what a finding points at; None when it points at no code that can be read."""
    if sources is None or finding.location is None:
        return None
    return snippet(sources, finding.location, most=most, suspect=finding.family == SUSPECT_FAMILY)


def snippet(
    sources: SourceFiles, location: Location, *, most: int = 1, suspect: bool = False
) -> Snippet | None:
    """Return at most ``most`` lines of a place; ``suspect`` as for :func:`~reports.redact.redact`.

    None when the file or a line is not there (any more), a line is too long to be shown, or the file is a Terraform
    plan: that holds the values of variables and of sensitive attributes as they are, often all in one line.
    """
    lines = sources.lines(location.uri)
    if lines is None or _is_plan(lines.data):
        return None
    last = max(location.line, location.end_line)
    shown = []
    goes_on = False
    for number in range(location.line, min(last, location.line + most - 1) + 1):
        text = lines.text(number)
        if text is None or len(text) > LINE_LIMIT:
            return None
        redacted = (
            Redacted(text, ((0, len(text)),)) if goes_on and text else _redacted(lines, number, suspect)
        )
        goes_on = goes_on or opens_secret(text)
        shown.append(_code_line(location, number, redacted))
    return Snippet(tuple(shown), last - location.line + 1 - len(shown))


def _is_plan(data: bytes) -> bool:
    return b'"planned_values"' in data and b'"format_version"' in data


def _redacted(lines: Lines, number: int, suspect: bool) -> Redacted:
    text = lines.text(number) or ""
    if not suspect:
        numbers = chain(range(number - _BEFORE, number), range(number + 1, number + _AFTER + 1))
        around = [line for line in map(lines.text, numbers) if line and len(line) <= LINE_LIMIT]
        suspect = carries_secret(text, around)
    return redact(text, suspect=suspect)


def masked_line(lines: Lines, number: int, *, suspect: bool) -> list[str]:
    """Return a line in one piece for each of its characters, secrets masked and nothing invisible.

    The mask stands in place of a secret's first character, nothing in place of the others.
    """
    return pieces_of(_redacted(lines, number, suspect))


def pieces_of(redacted: Redacted) -> list[str]:
    """Return what is shown of a line, as :func:`masked_line` does."""
    pieces = [_TAB if character == "\t" else visible(character) for character in redacted.line]
    for first, after in redacted.masked:
        pieces[first:after] = [MASK, *[""] * (after - first - 1)]
    return pieces


def _code_line(location: Location, number: int, redacted: Redacted) -> CodeLine:
    line = redacted.line
    start = location.column - 1 if number == location.line else len(line) - len(line.lstrip())
    end = location.end_column - 1 if number >= location.end_line else len(line.rstrip())
    start = min(max(start, 0), len(line))
    end = min(max(end, start), len(line))
    if line.isprintable() and not redacted.masked:
        return CodeLine(number, line, start, end)
    # One piece per character, so that a place in the line is a place in what is shown.
    pieces = pieces_of(redacted)
    at = [0, *accumulate(map(len, pieces))]
    for first, after in redacted.masked:
        # A mark that begins or ends within a secret takes all of the mask.
        start = first if first < start < after else start
        end = after if first < end < after else end
    return CodeLine(number, "".join(pieces), at[start], at[end])
