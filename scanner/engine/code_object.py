"""The properties of one object or block in a file of code: their names, values and places, and edits of them.

Works on what :mod:`scanner.engine.code_text` finds; where a file is not what it seems, nothing is found and no edit is
made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scanner.engine.code_text import CodeText, Language, Span

Plain = bool | int | str | tuple[str, ...]
"""A value that an edit can write."""

_STEP = "  "
"""What an object is indented by that an edit makes."""
_PIECE = re.compile(r"(?P<end>\r\n|\n|\r)|(?P<blank>[^\S\r\n]+)|(?P<sign>[,:=])|(?P<word>[^\s,:=]+)")
_WORD = re.compile(r"[^\s,:={}()\[\]\"'#]+")
_PLAIN = re.compile(r"true|false|null|-?[0-9]+(?:\.[0-9]+)?")
_PLAIN_LIST = {
    "hcl": re.compile(r"\[\s*(?:\"(?:[^\"\\$%]|\\.)*\"\s*,?\s*)*\]"),
    "bicep": re.compile(r"\[\s*(?:'(?:[^'\\$]|\\.)*'\s*,?\s*)*\]"),
    "json": re.compile(r"\[\s*(?:\"(?!\[)(?:[^\"\\]|\\.)*\"\s*,?\s*)*\]"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A property, or a nested block of Terraform: its name, where the name is, where the value is."""

    name: str
    start: int
    value: Span
    is_block: bool = False


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Characters of a file that are replaced; an insertion where start and end are the same."""

    start: int
    end: int
    text: str


class CodeObject:
    """An object (``{ ... }``) in a file."""

    def __init__(self, code: CodeText, language: Language, body: Span) -> None:
        self.code = code
        self.language = language
        self.body = body
        self.entries = list(self._entries())

    def get(self, name: str) -> Entry | None:
        """Return a property by its name, compared without case as Azure does; Terraform's names are exact anyway."""
        return next((entry for entry in self.entries if entry.name.lower() == name.lower()), None)

    def text(self, entry: Entry) -> str:
        """Return a value as it is written."""
        return self.code.text[entry.value.start : entry.value.end]

    def inner(self, entry: Entry) -> CodeObject | None:
        """Return the object that is the value of a property; None when it is none."""
        is_object = entry.value in self.code.brackets and self.code.text[entry.value.start] == "{"
        return CodeObject(self.code, self.language, entry.value) if is_object else None

    def edit(self, path: Sequence[str], value: Plain) -> TextEdit | None:
        """Return the edit that gives the property at a path a value; None when there is none to make.

        That is: it has this value, an expression stands in its place, or the object is written so that nothing can be
        added safely.
        """
        here = self
        for depth, name in enumerate(path):
            entry = here.get(name)
            if entry is None:
                return here._added(path[depth:], value)
            if depth == len(path) - 1:
                return here._replaced(entry, value)
            inner = here.inner(entry)
            if inner is None:
                return None
            here = inner
        return None

    def _replaced(self, entry: Entry, value: Plain) -> TextEdit | None:
        written, wanted = self.text(entry), literal(value, self.language)
        if written == wanted or not self._is_plain(entry):
            return None
        return TextEdit(entry.value.start, entry.value.end, wanted)

    def _is_plain(self, entry: Entry) -> bool:
        written = self.text(entry)
        if _PLAIN.fullmatch(written) or _PLAIN_LIST[self.language].fullmatch(written):
            return True
        if entry.value not in self.code.strings:
            return False
        return not re.search(r"[$%]\{|^<<|^\"\[(?!\[)", written) and "'''" not in written

    def _added(self, path: Sequence[str], value: Plain) -> TextEdit | None:
        text, body = self.code.text, self.body
        if self.code.line_of(body.start) == self.code.line_of(body.end - 1):
            return None
        # Terraform's blocks stand after the arguments; a new argument goes before them.
        arguments = self.entries
        if self.language == "hcl":
            blocks = [place for place, entry in enumerate(self.entries) if entry.is_block]
            arguments = self.entries[: blocks[0]] if blocks else self.entries
        last = arguments[-1] if arguments else None
        closing = self.code.line_span(self.code.line_of(body.end - 1))
        outer = _indent(text[closing.start : body.end - 1])
        first = self.entries[0] if self.entries else None
        indent = outer + _STEP
        if first is not None:
            line = self.code.line_span(self.code.line_of(first.start))
            if text[line.start : first.start].strip():
                return None
            indent = _indent(text[line.start : first.start])
        end = "\r\n" if "\r\n" in text[body.start : body.end] else "\n"
        at = last.value.end if last is not None else body.start + 1
        if self.language == "json":
            comma_after, comma_before = ("", ",") if last is not None else ("", "")
            written = self._written(path, value, indent, end)
            return TextEdit(at, at, f"{comma_before}{end}{indent}{written}{comma_after}")
        # What follows on the line, a comment or a comma, stays there.
        rest = self.code.line_span(self.code.line_of(at))
        at = len(text[: rest.end].rstrip("\r\n"))
        if at > body.end:
            return None
        equals = 0
        if last is not None and self.language == "hcl":
            line = self.code.line_span(self.code.line_of(last.start))
            equals = text.find("=", last.start, last.value.start) - line.start
        written = self._written(path, value, indent, end, equals)
        return TextEdit(at, at, f"{end}{indent}{written}")

    def _written(self, path: Sequence[str], value: Plain, indent: str, end: str, equals: int = 0) -> str:
        """Return ``name = value``, with the objects that have to be made around it."""
        name, *rest = path
        shown_name = json.dumps(name) if self.language == "json" else name
        sign = " = " if self.language == "hcl" else ": "
        if sign == " = ":
            # The equals signs of neighbours stand in one column.
            shown_name = shown_name.ljust(equals - len(indent) - 1)
        if not rest:
            return f"{shown_name}{sign}{literal(value, self.language)}"
        inner = self._written(rest, value, indent + _STEP, end)
        return f"{shown_name}{sign}{{{end}{indent}{_STEP}{inner}{end}{indent}}}"

    def _entries(self) -> Iterator[Entry]:
        for statement in self._statements():
            kinds = [kind for kind, _ in statement]
            first, first_span = statement[0]
            if first not in ("word", "string"):
                continue
            name = self.code.text[first_span.start : first_span.end].strip("\"'")
            sign = "=" if self.language == "hcl" else ":"
            if len(kinds) > 2 and kinds[1] == sign:
                value = Span(statement[2][1].start, statement[-1][1].end)
                yield Entry(name, first_span.start, value)
            elif self.language == "hcl" and kinds[-1] == "group" and set(kinds[1:-1]) <= {"word", "string"}:
                yield Entry(name, first_span.start, statement[-1][1], is_block=True)

    def _statements(self) -> Iterator[list[tuple[str, Span]]]:
        """Yield the pieces between commas and, where they part statements, line ends."""
        statement: list[tuple[str, Span]] = []
        for kind, span in self._pieces():
            if kind == "," or (kind == "end" and self.language != "json"):
                if statement:
                    yield statement
                statement = []
            elif kind != "end":
                statement.append((kind, span))
        if statement:
            yield statement

    def _pieces(self) -> Iterator[tuple[str, Span]]:
        text = self.code.text
        inside = self.body.start + 1, self.body.end - 1
        whole = self.code.whole()
        at = inside[0]
        while at < inside[1]:
            if at in whole:
                kind, span = whole[at]
                if kind != "comment":
                    yield kind, span
                at = span.end
                continue
            piece = _PIECE.match(text, at, inside[1])
            if piece is None:
                return
            if piece["word"]:
                word = _WORD.match(text, at, inside[1])
                end = word.end() if word else at + 1
                yield "word", Span(at, end)
                at = end
                continue
            if piece["end"]:
                yield "end", Span(*piece.span())
            elif piece["sign"]:
                yield piece["sign"], Span(*piece.span())
            at = piece.end()


def literal(value: Plain, language: Language) -> str:
    """Return a value as the language writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(literal(item, language) for item in value)}]"
    if language == "bicep":
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${")
        return f"'{escaped}'"
    if language == "hcl":
        return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    return json.dumps(f"[{value}" if value.startswith("[") else value, ensure_ascii=False)


def body_after(code: CodeText, offset: int) -> Span | None:
    """Return the first object or block that begins at an offset or later."""
    braces = (span for span in code.brackets if span.start >= offset and code.text[span.start] == "{")
    return min(braces, key=lambda span: span.start, default=None)


def _indent(before: str) -> str:
    return before[: len(before) - len(before.lstrip())]
