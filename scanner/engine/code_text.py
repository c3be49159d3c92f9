"""What is comment, text and bracket in a file of Terraform, Bicep or JSON: enough to read comments and to place edits.

This is no parser: a broken file gives what can be told, and nothing here fails or recurses.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

Language = Literal["hcl", "bicep", "json"]

_SUFFIXES: tuple[tuple[str, Language], ...] = (
    (".json", "json"),
    (".jsonc", "json"),
    (".tf", "hcl"),
    (".tofu", "hcl"),
    (".tfvars", "hcl"),
    (".bicep", "bicep"),
    (".bicepparam", "bicep"),
)

_CODE: dict[Language, re.Pattern[str]] = {
    "hcl": re.compile(r"""[{}()\[\]"]|\#|//|/\*|<<-?(?P<end>[^\W\d][\w-]*)[ \t]*(?=[\r\n])"""),
    "bicep": re.compile(r"""[{}()\[\]]|\$*'''|'|//|/\*"""),
    "json": re.compile(r"""[{}()\[\]"]|//|/\*"""),
}
_TEXT: dict[Language, re.Pattern[str]] = {
    "hcl": re.compile(r"""\\.|\$\$\{|%%\{|[$%]\{|"|[\r\n]""", re.DOTALL),
    "bicep": re.compile(r"""\\.|\$\{|'|[\r\n]""", re.DOTALL),
    "json": re.compile(r"""\\.|\"""", re.DOTALL),
}
_LINE_END = re.compile(r"\r\n|\n|\r")
_CLOSES = {"}": "{", ")": "(", "]": "["}
_DEEPEST = 10_000
"""Brackets within brackets; what is deeper is nobody's code."""
_SIGN = re.compile(r"\S")


class Span(msgspec.Struct, frozen=True):
    """Characters from ``start`` to before ``end``."""

    start: int
    end: int


class TextEdit(msgspec.Struct, frozen=True):
    """Characters of a file that are replaced; an insertion where start and end are the same."""

    start: int
    end: int
    text: str


class CodeText(msgspec.Struct):
    """A file taken apart. All offsets are in characters of ``text``."""

    text: str
    comments: list[Span] = []
    strings: list[Span] = []
    """Literal texts with their quotes, interpolations and all; heredocs from ``<<`` to the end of their last line."""
    brackets: list[Span] = []
    """Pairs outside of texts, from the opening to after the closing one, in the order in which they close."""
    starts: list[int] = msgspec.field(default_factory=lambda: [0])
    """Where each line begins."""

    _whole: dict[int, tuple[str, Span]] | None = None
    _nested: _Nested | None = None
    _string_ends: dict[int, Span] | None = None

    def whole(self) -> dict[int, tuple[str, Span]]:
        """Return what is taken as one piece, by where it begins: a group (brackets and all), a string, a comment."""
        if self._whole is None:
            kinds = (("group", self.brackets), ("string", self.strings), ("comment", self.comments))
            self._whole = {span.start: (kind, span) for kind, spans in kinds for span in spans}
        return self._whole

    def around(self, offset: int) -> Iterator[Span]:
        """Yield the pairs of brackets around an offset, the narrowest first."""
        if self._nested is None:
            self._nested = _Nested(self.brackets)
        return self._nested.around(offset)

    def name_before(self, offset: int) -> str | None:
        """Return the name whose value begins at an offset, as JSON writes it: ``"name": ``; None without one."""
        if self._string_ends is None:
            self._string_ends = {span.end: span for span in self.strings}
        before = self.text[:offset].rstrip() if offset < 200 else self.text[offset - 200 : offset].rstrip()
        if not before.endswith(":"):
            return None
        end = offset - min(offset, 200) + len(before[:-1].rstrip())
        name = self._string_ends.get(end)
        return None if name is None else self.text[name.start + 1 : name.end - 1]

    def has_comment(self, start: int, end: int) -> bool:
        """Whether a comment begins before ``end`` and goes on after ``start``."""
        place = bisect_left(self.comments, end, key=lambda span: span.start) - 1
        return place >= 0 and self.comments[place].end > start

    def line_of(self, offset: int) -> int:
        """Return the number of the line of an offset, from 1."""
        return bisect_right(self.starts, offset)

    def line_span(self, number: int) -> Span:
        """Return a line with its end."""
        return Span(
            self.starts[number - 1], self.starts[number] if number < len(self.starts) else len(self.text)
        )


def language_of(uri: str) -> Language | None:
    """Return the language of a file by its name; None for one that holds no infrastructure."""
    name = uri.lower()
    return next((language for suffix, language in _SUFFIXES if name.endswith(suffix)), None)


def take_apart(text: str, language: Language) -> CodeText:
    """Find comments, texts and brackets."""
    found = CodeText(text)
    found.starts.extend(match.end() for match in _LINE_END.finditer(text))
    reading = _Reading(found, language)
    code, at = _CODE[language], 0
    while (token := code.search(text, at)) is not None:
        sign, start = token[0], token.start()
        at = token.end()
        if sign in ("#", "//"):
            at = _end_of_line(text, start)
            found.comments.append(Span(start, at))
        elif sign == "/*":
            at = _after(text, "*/", at)
            found.comments.append(Span(start, at))
        elif sign.startswith("<<"):
            at = _after_heredoc(text, token["end"], at)
            found.strings.append(Span(start, at))
        elif sign.endswith("'''"):
            at = _after(text, "'''", at)
            # Quotes that stand at the end of such a text belong to it.
            while text.startswith("'", at):
                at += 1
            found.strings.append(Span(start, at))
        elif sign in ('"', "'"):
            at = reading.in_text(start, at)
        elif sign in _CLOSES:
            at = reading.close(sign, start)
        else:
            reading.open(sign, start)
    return found


class _Reading:
    """The brackets and texts that are open at some place in a file."""

    def __init__(self, found: CodeText, language: Language) -> None:
        self._found = found
        self._text_end = _TEXT[language]
        self._interpolates = language != "json"
        # One level for the file and one for each interpolation: the brackets open in it, and how many of each sign.
        self._levels: list[tuple[list[tuple[str, int]], Counter[str]]] = [([], Counter())]
        self._texts: list[int] = []
        """Where the texts begin in whose interpolations we are."""

    def open(self, sign: str, start: int) -> None:
        """Open a bracket."""
        brackets, counts = self._levels[-1]
        if len(brackets) < _DEEPEST:
            brackets.append((sign, start))
            counts[sign] += 1

    def close(self, sign: str, start: int) -> int:
        """Close a bracket; what was left open inside of it is broken and forgotten. Returns where to go on."""
        brackets, counts = self._levels[-1]
        if counts[_CLOSES[sign]]:
            while True:
                opened, place = brackets.pop()
                counts[opened] -= 1
                if opened == _CLOSES[sign]:
                    break
            if not self._texts:
                self._found.brackets.append(Span(place, start + 1))
        elif sign == "}" and self._texts:
            self._levels.pop()
            return self.in_text(self._texts.pop(), start + 1)
        return start + 1

    def in_text(self, start: int, at: int) -> int:
        """Go on inside a text that began at ``start``: to its end, or to where an interpolation begins."""
        text = self._found.text
        end = len(text)
        for token in self._text_end.finditer(text, at):
            sign = token[0]
            if sign in ("${", "%{") and self._interpolates:
                if len(self._texts) < _DEEPEST:
                    self._texts.append(start)
                    self._levels.append(([], Counter()))
                    return token.end()
            elif sign == text[start]:
                end = token.end()
                break
            elif sign in ("\r", "\n"):
                # A text ends with its line; one that has no closing quote is broken.
                end = token.start()
                break
        if not self._texts:
            self._found.strings.append(Span(start, end))
        return end


def _end_of_line(text: str, at: int) -> int:
    match = _LINE_END.search(text, at)
    return match.start() if match else len(text)


def _after(text: str, end: str, at: int) -> int:
    found = text.find(end, at)
    return len(text) if found < 0 else found + len(end)


def _after_heredoc(text: str, end: str, at: int) -> int:
    match = re.compile(rf"(?<![^\r\n])[ \t]*{re.escape(end)}[ \t]*(?![^\r\n])").search(text, at)
    return match.end() if match else len(text)


def code_lines(code: CodeText) -> Iterator[tuple[int, int]]:
    """Yield each line that has code, which is neither blank nor comment, with the offset of its first sign."""
    comments = iter(code.comments)
    comment = next(comments, None)
    for number, start in enumerate(code.starts, 1):
        end = code.starts[number] if number < len(code.starts) else len(code.text)
        sign = _SIGN.search(code.text, start, end)
        while sign is not None:
            while comment is not None and comment.end <= sign.start():
                comment = next(comments, None)
            if comment is None or comment.start > sign.start():
                yield number, sign.start()
                break
            sign = _SIGN.search(code.text, comment.end, end) if comment.end < end else None


def enclosing(code: CodeText, offset: int) -> Span | None:
    """Return the narrowest pair of brackets around an offset."""
    return next(code.around(offset), None)


class _Nested:
    """Pairs of brackets in the order in which they open, each with the one around it."""

    def __init__(self, brackets: Iterable[Span]) -> None:
        self._spans = sorted(brackets, key=lambda span: span.start)
        self._starts = [span.start for span in self._spans]
        self._outer: list[int] = []
        opened: list[int] = []
        for place, span in enumerate(self._spans):
            while opened and self._spans[opened[-1]].end <= span.start:
                opened.pop()
            self._outer.append(opened[-1] if opened else -1)
            opened.append(place)

    def around(self, offset: int) -> Iterator[Span]:
        place = bisect_left(self._starts, offset) - 1
        while place >= 0:
            if self._spans[place].end > offset:
                yield self._spans[place]
            place = self._outer[place]
