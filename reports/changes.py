"""What an edit makes of code, as a unified diff with the secrets masked that stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal

import msgspec

from reports.hostile import visible
from reports.line import cut_to
from reports.redact import MASK, Redacted, redact
from reports.snippet import LINE_LIMIT, masked_line, pieces_of
from scanner.engine.code_text import language_of, take_apart
from scanner.engine.finding import Edit
from scanner.engine.source_files import Lines, SourceFiles

CONTEXT = 3
"""Lines around a change that stay as they are."""
LINES_OF_HUNK = 100
"""A longer hunk is cut."""
LINE_ROOM = 400
"""Characters of a line; a longer one is cut."""
_LINE_END = re.compile(r"\r\n|\n|\r")


class ChangedLine(msgspec.Struct, frozen=True):
    """A line that goes (-), comes (+) or stays; as it can be shown."""

    sign: Literal["-", "+", " "]
    text: str


class Hunk(msgspec.Struct, frozen=True):
    """Neighbouring changes of a file. ``before`` and ``after`` are its first line and how many lines it has."""

    uri: str
    before: tuple[int, int]
    after: tuple[int, int]
    lines: tuple[ChangedLine, ...]
    more: int = 0
    """Lines that were cut."""

    @property
    def head(self) -> str:
        """The line that says where a hunk stands."""
        return f"@@ -{self.before[0]},{self.before[1]} +{self.after[0]},{self.after[1]} @@"


class Changes:
    """What edits make of the files of a repository."""

    def __init__(self, sources: SourceFiles) -> None:
        self._sources = sources
        self._masked: dict[str, dict[int, int]] = {}
        """Of each file."""

    def hunks(self, edits: Iterable[Edit], *, suspect: bool) -> tuple[Hunk, ...]:
        """Return the changes by file and line; ``suspect`` as for :func:`~reports.redact.redact`.

        Edits must not overlap. A file that has changed since, or has lines that are too long to be shown, has no hunks.
        """
        by_file: dict[str, list[Edit]] = {}
        for edit in edits:
            by_file.setdefault(edit.uri, []).append(edit)
        found: list[Hunk] = []
        for uri, changes in sorted(by_file.items()):
            lines = self._sources.lines(uri)
            if lines is not None:
                changes.sort(key=lambda edit: (edit.start_line, edit.start_column))
                found += self._of_file(uri, lines, changes, suspect=suspect) or ()
        return tuple(found)

    def _of_file(self, uri: str, lines: Lines, edits: Sequence[Edit], *, suspect: bool) -> list[Hunk] | None:
        if uri not in self._masked:
            self._masked[uri] = _texts_of_lines(uri, lines)
        masked = self._masked[uri]
        grown = 0
        found = []
        for group in _neighbours(edits):
            first = max(group[0].start_line - CONTEXT, 1)
            last = min(group[-1].end_line + CONTEXT, len(lines))
            texts = [lines.text(number) or "" for number in range(first, last + 1)]
            if any(len(text) > LINE_LIMIT for text in texts):
                return None
            shown = [
                _masked_from(masked.get(number), masked_line(lines, number, suspect=suspect))
                for number in range(first, last + 1)
            ]
            after = _edited(texts, shown, first, group)
            if after is None:
                return None
            before = ["".join(pieces) for pieces in shown]
            if last == len(lines) and before[-1] == after[-1] == "":
                del before[-1], after[-1]  # what ends with a line end has no empty line after it
            changed = _compared(before, after)
            if changed and all(line.sign == " " for line in changed[-CONTEXT - 1 :]):
                del (
                    changed[-1],
                    before[-1],
                    after[-1],
                )  # where an edit ends at the beginning of a line, that stays
            most = changed[:LINES_OF_HUNK]
            more = len(changed) - len(most)
            found.append(Hunk(uri, (first, len(before)), (first + grown, len(after)), tuple(most), more))
            grown += len(after) - len(before)
        return found


def _masked_from(at: int | None, pieces: list[str]) -> list[str]:
    """Return a line with all masked from a character on, if from any."""
    if at is None or at >= len(pieces):
        return pieces
    return [*pieces[:at], MASK, *[""] * (len(pieces) - at - 1)]


def _neighbours(edits: Sequence[Edit]) -> Iterator[list[Edit]]:
    group: list[Edit] = []
    for edit in edits:
        if group and edit.start_line - group[-1].end_line > 2 * CONTEXT:
            yield group
            group = []
        group.append(edit)
    if group:
        yield group


def _texts_of_lines(uri: str, lines: Lines) -> dict[int, int]:
    """Return the lines that a text of several lines stands on, each with the first of its characters that do.

    Whoever sees one of them alone cannot tell whether it is a part of a secret.
    """
    language = language_of(uri)
    if language is None:
        return {}
    code = take_apart(lines.data.decode("utf-8", "replace").removeprefix("\ufeff"), language)
    found: dict[int, int] = {}
    for text in code.strings:
        first, last = code.line_of(text.start), code.line_of(max(text.start, text.end - 1))
        if last > first:
            found.setdefault(first, text.start - code.line_span(first).start)
            found.update(dict.fromkeys(range(first + 1, last + 1), 0))
    return found


def _edited(
    texts: Sequence[str], shown: Sequence[Sequence[str]], first: int, edits: Sequence[Edit]
) -> list[str] | None:
    """Return lines as they are shown after some edits; None when a place is not there."""
    # One piece for each character, so that what was masked before stays so.
    pieces: list[str] = []
    starts = []
    for line in shown:
        starts.append(len(pieces))
        pieces += [*line, "\n"]
    written = "\n".join(texts)
    for edit in reversed(edits):
        if not edit.start_line - first < len(starts) or not edit.end_line - first < len(starts):
            return None
        start = starts[edit.start_line - first] + edit.start_column - 1
        end = starts[edit.end_line - first] + edit.end_column - 1
        if not start <= end <= len(pieces):
            return None
        pieces[start:end] = [_inserted(edit.text, written[start:end])]
    return "".join(pieces).removesuffix("\n").split("\n")


def _inserted(text: str, instead_of: str) -> str:
    """Return new text as it is shown: what a rule says is no secret, but an edit may write again what stood there."""
    shown = []
    for line in _LINE_END.split(text):
        masked = tuple(span for span in redact(line, suspect=True).masked if line[slice(*span)] in instead_of)
        shown.append("".join(pieces_of(Redacted(line, masked))))
    return "\n".join(shown)


def _compared(before: Sequence[str], after: Sequence[str]) -> list[ChangedLine]:
    found: list[ChangedLine] = []
    for kind, start, end, to_start, to_end in SequenceMatcher(None, before, after, False).get_opcodes():
        if kind == "equal":
            found += [ChangedLine(" ", cut_to(line, LINE_ROOM)) for line in before[start:end]]
        else:
            found += [ChangedLine("-", cut_to(line, LINE_ROOM)) for line in before[start:end]]
            found += [ChangedLine("+", cut_to(line, LINE_ROOM)) for line in after[to_start:to_end]]
    return found


def unified(found: Sequence[Hunk]) -> list[str]:
    """Return hunks as the lines of a unified diff, file by file."""
    told: list[str] = []
    uri = None
    for hunk in found:
        if hunk.uri != uri:
            uri = hunk.uri
            told += [f"--- a/{visible(uri)}", f"+++ b/{visible(uri)}"]
        told.append(hunk.head)
        told += [line.sign + line.text for line in hunk.lines]
        if hunk.more:
            told.append(f"... and {hunk.more:,} more lines")
    return told
