"""Where a reader of Bicep stands in the tokens of a file, what it found wrong, and how it finds its way back.

A statement is first read strictly: the first mistake raises :class:`Unexpected`. Only then is it read again with
``recovering`` set: now every object and array catches mistakes in its own elements, tells of them in a gap and goes on
with the next element, and what stands at the start of a line and looks like a statement ends whatever is still open.
So a file without mistakes pays nothing, and nothing that is only laid out strangely is taken for a mistake.
"""

from __future__ import annotations

from typing import NoReturn

from scanner.sources.bicep.tokens import (
    ASSIGN,
    AT,
    COLON,
    COMMA,
    ELLIPSIS,
    END,
    IDENTIFIER,
    LEFT_BRACE,
    LEFT_BRACKET,
    LEFT_PAREN,
    NEWLINE,
    NUMBER,
    RIGHT_BRACE,
    RIGHT_BRACKET,
    RIGHT_PAREN,
    STAR,
    STRING,
    STRING_END,
    STRING_MIDDLE,
    STRING_START,
    UNCLOSED,
    UNKNOWN,
    VERBATIM,
    VERBATIM_END,
    VERBATIM_MIDDLE,
    VERBATIM_START,
    Tokens,
)
from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.template.model import Broken

MAX_DEPTH = 100
"""How deep expressions may be nested; real files stay below 25. No expression is a tree higher than twice this."""
MAX_GAPS = 50
"""How many mistakes of one file are told one by one."""

STATEMENTS = frozenset(
    {
        "assert",
        "extends",
        "extension",
        "extensionConfig",
        "func",
        "import",
        "metadata",
        "module",
        "output",
        "param",
        "provider",
        "resource",
        "targetScope",
        "test",
        "type",
        "using",
        "var",
    }
)
"""The words that statements of templates and parameter files start with."""

_AFTER_KEYWORD = frozenset((IDENTIFIER, STRING, LEFT_BRACE, STAR, ASSIGN))
_OPENING = frozenset((LEFT_BRACE, LEFT_BRACKET, LEFT_PAREN))
_CLOSING = frozenset((RIGHT_BRACE, RIGHT_BRACKET, RIGHT_PAREN))
_TEXT = frozenset(
    (STRING, STRING_START, STRING_MIDDLE, STRING_END, VERBATIM, VERBATIM_START, VERBATIM_MIDDLE, VERBATIM_END)
)
_NAMED = {
    END: "the end of the file",
    NEWLINE: "the end of the line",
    NUMBER: "a number",
    UNCLOSED: "text that is not closed",
    UNKNOWN: "a character that means nothing here",
}
_LONGEST_NAME = 60
_MOST_TOKENS_SHOWN = 12


class Unexpected(Exception):  # noqa: N818 # never leaves this package: what it says becomes a gap
    """The token at ``index`` is not what the grammar wants there."""

    def __init__(self, index: int, detail: str) -> None:
        super().__init__(detail)
        self.index = index
        self.detail = detail


class Cursor:
    """The tokens of one file, the place among them, and the gaps found so far."""

    __slots__ = (
        "depth",
        "ends",
        "gaps",
        "height",
        "index",
        "kinds",
        "left_open",
        "open",
        "recovering",
        "starts",
        "tokens",
        "uri",
        "words",
    )

    def __init__(self, uri: str, tokens: Tokens) -> None:
        self.uri = uri
        self.tokens = tokens
        self.kinds = tokens.kinds
        self.words = tokens.words
        self.starts = tokens.starts
        self.ends = tokens.ends
        self.index = 0
        self.depth = 0
        self.height = 0
        """How many nodes stand on each other in the expression that was read last."""
        self.recovering = False
        self.gaps: list[SourceGap] = []
        self.open: list[int] = []
        """The kinds of tokens that close the objects and arrays around this place; kept while recovering."""
        self.left_open = -1
        """The token before which an object or array was told to be left open: those around it end there too."""

    # ---- reading

    def unexpected(self, expected: str, *, inside: bool = True) -> Unexpected:
        """Return the mistake that the current token, inside a statement or at its start, is not what is expected."""
        index = self.index
        if inside and self.kinds[index - 1] == NEWLINE and self.starts_statement(index):
            index -= 1  # the next statement is not to blame: the line before it is not finished
        return Unexpected(index, f"Expected {expected}, found {self._describe(index)}.")

    def fail(self, expected: str) -> NoReturn:
        """Raise :class:`Unexpected` for the current token."""
        raise self.unexpected(expected)

    def too_deep(self) -> NoReturn:
        """Raise :class:`Unexpected` because of too much nesting."""
        raise Unexpected(self.index, f"Expressions are nested more than {MAX_DEPTH} deep here.")

    def expect(self, kind: int, expected: str) -> None:
        """Step over a token of a kind."""
        if self.kinds[self.index] != kind:
            self.fail(expected)
        self.index += 1

    def skip_newline(self) -> None:
        """Step over line ends, if there are any."""
        if self.kinds[self.index] == NEWLINE:
            self.index += 1

    def at_word(self, word: str) -> bool:
        """Whether this is a certain word."""
        return self.words[self.index] == word and self.kinds[self.index] == IDENTIFIER

    def identifier(self, expected: str) -> str:
        """Step over a name and return it."""
        if self.kinds[self.index] != IDENTIFIER:
            self.fail(expected)
        self.index += 1
        return self.words[self.index - 1]

    # ---- gaps

    def gap(self, start: int, end: int, detail: str, reason: str = "malformed") -> None:
        """Tell of a part that was not read; from ``MAX_GAPS`` on one gap tells of everything to the end."""
        if len(self.gaps) < MAX_GAPS:
            self.gaps.append(SourceGap(Place(self.uri, start, end), reason, detail))
        elif len(self.gaps) == MAX_GAPS:
            self.gaps.append(
                SourceGap(
                    Place(self.uri, start, len(self.tokens.text)),
                    reason,
                    f"The file has more than {MAX_GAPS} mistakes; those from here on are not told one by one.",
                )
            )

    def mistake(self, unexpected: Unexpected) -> None:
        """Tell of a mistake, from its token to where reading goes on, which is here."""
        index = min(unexpected.index, self.index)
        start = self.starts[index]
        end = start if self.kinds[index] == NEWLINE else self.ends[index]
        self.gap(start, max(end, self.last_end()), unexpected.detail)

    def broken(self, begin: int) -> Broken:
        """Return what stands from a token to here in place of an expression."""
        start = self.starts[begin]
        return Broken(self._shown(begin), start, max(start, self.last_end()))

    def last_end(self) -> int:
        """Return where the token before this place ends, line ends left out."""
        last = self.index - 1
        if last > 0 and self.kinds[last] == NEWLINE:
            last -= 1
        return self.ends[last] if last >= 0 else self.starts[0]

    def _describe(self, index: int) -> str:
        kind, word = self.kinds[index], self.words[index]
        if kind in _NAMED:
            return _NAMED[kind]
        if kind in _TEXT:
            return "text"  # never what it says: it may be a secret
        if kind == IDENTIFIER:
            return f"the name {word}" if len(word) <= _LONGEST_NAME else "a name"
        return f'"{word}"'

    def _shown(self, begin: int) -> str:
        pieces: list[str] = []
        for index in range(begin, min(self.index, begin + _MOST_TOKENS_SHOWN)):
            kind = self.kinds[index]
            if kind in _TEXT or kind == UNCLOSED:
                pieces.append("'...'")
            elif kind != NEWLINE:
                pieces.append(self.words[index][:_LONGEST_NAME])
        more = self.index - begin > _MOST_TOKENS_SHOWN
        return " ".join(pieces) + (" ..." if more else "")

    # ---- finding the way back

    def looks_like_statement(self, index: int) -> bool:
        """Whether a declaration or a decorator may start at a token."""
        kind = self.kinds[index]
        if kind == IDENTIFIER:
            return self.words[index] in STATEMENTS and self.kinds[index + 1] in _AFTER_KEYWORD
        return kind == AT and self.kinds[index + 1] == IDENTIFIER

    def starts_statement(self, index: int) -> bool:
        """Whether a token looks like a statement and stands at the very start of a line."""
        if not self.looks_like_statement(index):
            return False
        start = self.starts[index]
        return index == 0 or self.tokens.text[start - 1] in "\r\n"

    def looks_like_element(self, index: int, closing: int) -> bool:
        """Whether the next element of an object may start at a token, or the object or array end there."""
        kind = self.kinds[index]
        if kind in (closing, END, ELLIPSIS):
            return True
        if closing == RIGHT_BRACKET:
            return False
        if kind in (IDENTIFIER, STRING) and self.kinds[index + 1] == COLON:
            return True
        return self.looks_like_statement(index) or kind == STRING_START

    def _line_end_before(self, begin: int, index: int) -> int:
        """Return the line end before the line of a token, or 0 when that is before ``begin``.

        Where a bracket is left open, only the second or third word of the next line is seen not to fit.
        """
        while index >= begin:
            if self.kinds[index] == NEWLINE:
                return index
            index -= 1
        return 0

    def to_next_element(self, begin: int, index: int, closing: int) -> None:
        """Go on at the separator or closing token behind a mistake in the element that starts at ``begin``."""
        kinds = self.kinds
        inner = 0
        anywhere = closing == RIGHT_BRACKET  # any line may be an item
        line = self._line_end_before(begin, index)
        if line and (self.looks_like_element(line + 1, closing) or self.starts_statement(line + 1)):
            index = line
        while kinds[index] != END:
            kind = kinds[index]
            if kind in _OPENING:
                inner += 1
            elif kind in _CLOSING:
                if inner:
                    inner -= 1
                elif kind == closing or kind in self.open:
                    break
            elif kind == COMMA:
                if not inner:
                    break
            elif kind == NEWLINE:
                after = index + 1
                if self.starts_statement(after):
                    break
                if not inner and (anywhere or self.looks_like_element(after, closing)):
                    break
            index += 1
        self.index = index

    def to_next_statement(self, begin: int, index: int) -> None:
        """Go on at the line end before the statement that follows a mistake in the one that starts at ``begin``."""
        kinds = self.kinds
        open_here = 0
        line = self._line_end_before(begin, index)
        if line and self.starts_statement(line + 1):
            index = line
        found = begin
        while kinds[found] != END:
            kind = kinds[found]
            if kind in _OPENING:
                open_here += 1
            elif kind in _CLOSING:
                open_here = max(0, open_here - 1)
            elif kind == NEWLINE and found >= index - 1:
                after = found + 1
                if self.starts_statement(after) or (not open_here and self.looks_like_statement(after)):
                    break
            found += 1
        self.index = found
