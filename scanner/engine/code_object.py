"""The properties of one object or block in a file of code: their names, values and places.

Works on what :mod:`scanner.engine.code_text` finds; where a file is not what it seems, nothing is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from scanner.engine.code_text import CodeText, Language, Span

_PIECE = re.compile(r"(?P<end>\r\n|\n|\r)|(?P<blank>[^\S\r\n]+)|(?P<sign>[,:=])|(?P<word>[^\s,:=]+)")
_WORD = re.compile(r"[^\s,:={}()\[\]\"'#]+")
_PLAIN = re.compile(r"true|false|null|-?[0-9]+(?:\.[0-9]+)?")
_STATEMENT = re.compile(r"resource\b|@|\.\.\.")
"""How a statement begins in an object of Bicep that is no property."""
_TEMPLATE = re.compile(r"[$%]\{")


class Entry(msgspec.Struct, frozen=True):
    """A property, or a nested block of Terraform: its name, where the name is, where the value is."""

    name: str
    start: int
    value: Span
    is_block: bool = False
    label: str = ""
    """The first label of a block."""


class CodeObject:
    """An object (``{ ... }``) in a file."""

    def __init__(
        self,
        code: CodeText,
        language: Language,
        body: Span,
        *,
        is_block: bool = False,
        templated: bool = False,
    ) -> None:
        self.code = code
        self.language = language
        self.body = body
        self.is_block = is_block
        """Whether it is a block of Terraform's, not the value of an argument."""
        self.templated = templated
        """Whether it is JSON of Terraform's, in whose texts ``${`` begins an expression."""
        self.entries: list[Entry] = []
        self._continued: set[int] = set()
        self._read()

    def named(self, name: str) -> list[Entry]:
        """Return the properties of a name, compared without case as Azure does; Terraform's names are exact anyway."""
        return [entry for entry in self.entries if entry.name.lower() == name.lower()]

    def get(self, name: str) -> Entry | None:
        """Return the first property of a name."""
        return next(iter(self.named(name)), None)

    def text(self, entry: Entry) -> str:
        """Return a value as it is written."""
        return self._written(entry.value)

    def _written(self, span: Span) -> str:
        return self.code.text[span.start : span.end]

    def inner(self, entry: Entry) -> CodeObject | None:
        """Return the object that is the value of a property; None when it is none."""
        value = entry.value
        group = self.code.whole().get(value.start)
        if group != ("group", value):
            return None
        if self.templated and self.code.text[value.start] == "[":
            # A nested block may be written as a list of one.
            inner = [found for found in self._pieces(value) if found[0] not in ("end", ",")]
            if [kind for kind, _ in inner] != ["group"]:
                return None
            value = inner[0][1]
        if self.code.text[value.start] != "{":
            return None
        return CodeObject(self.code, self.language, value, is_block=entry.is_block, templated=self.templated)

    def is_plain(self, entry: Entry) -> bool:
        """Whether a value is written down: text, number or switch, or a list of such without a comment in it."""
        value, text = entry.value, self.code.text
        if text[value.start] != "[":
            return self._is_plain(value)
        if self.code.whole().get(value.start) != ("group", value):
            return False
        if self.code.has_comment(value.start, value.end):
            return False
        return all(
            kind in ("end", ",") or (kind in ("string", "word") and self._is_plain(span))
            for kind, span in self._pieces(value)
        )

    def _is_plain(self, span: Span) -> bool:
        written = self._written(span)
        if span not in self.code.whole().get(span.start, ()):
            return _PLAIN.fullmatch(written) is not None
        if self.language == "json" and not self.templated:
            return written.startswith('"') and not re.match(r"\"\[(?!\[)", written)
        return written.startswith(("'", '"')) and "'''" not in written and not _TEMPLATE.search(written)

    def goes_on(self, entry: Entry) -> bool:
        """Whether the value seems to go on in the next line, as ``? a : b`` does: then nothing is safe to change."""
        return entry.start in self._continued

    def _read(self) -> None:
        for statement in self._statements():
            entry = self._entry(statement)
            if entry is not None:
                self.entries.append(entry)
            elif self.entries and not _STATEMENT.match(self._written(statement[0][1])):
                self._continued.add(self.entries[-1].start)

    def _entry(self, statement: list[tuple[str, Span]]) -> Entry | None:
        kinds = [kind for kind, _ in statement]
        first, first_span = statement[0]
        if first not in ("word", "string"):
            return None
        name = self._written(first_span).strip("\"'")
        sign = "=" if self.language == "hcl" else ":"
        if len(kinds) > 2 and kinds[1] == sign:
            return Entry(name, first_span.start, Span(statement[2][1].start, statement[-1][1].end))
        if self.language == "hcl" and kinds[-1] == "group" and set(kinds[1:-1]) <= {"word", "string"}:
            label = "" if len(statement) < 3 else self._written(statement[1][1]).strip('"')
            return Entry(name, first_span.start, statement[-1][1], is_block=True, label=label)
        return None

    def _statements(self) -> Iterator[list[tuple[str, Span]]]:
        """Yield the pieces between commas and, where they part statements, line ends."""
        statement: list[tuple[str, Span]] = []
        for kind, span in self._pieces(self.body):
            if kind == "," or (kind == "end" and self.language != "json"):
                if statement:
                    yield statement
                statement = []
            elif kind != "end":
                statement.append((kind, span))
        if statement:
            yield statement

    def _pieces(self, body: Span) -> Iterator[tuple[str, Span]]:
        text = self.code.text
        inside = body.start + 1, body.end - 1
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
