"""Types and decorators: read for where they end and what they say of secrets, not kept as trees."""

from __future__ import annotations

from scanner.sources.bicep.cursor import MAX_DEPTH
from scanner.sources.bicep.expressions import CONSTANTS, SIGNS, ExpressionReader
from scanner.sources.bicep.strings import decode
from scanner.sources.bicep.tokens import (
    AT,
    COLON,
    COMMA,
    DOT,
    GREATER,
    IDENTIFIER,
    LEFT_BRACE,
    LEFT_BRACKET,
    LEFT_PAREN,
    LESS,
    MINUS,
    NEWLINE,
    NOT,
    NUMBER,
    PIPE,
    QUESTION,
    RIGHT_BRACE,
    RIGHT_BRACKET,
    RIGHT_PAREN,
    STAR,
    STRING,
    STRING_START,
    VERBATIM,
    Tokens,
)
from scanner.sources.template.model import Array, Expression

_NAMES = frozenset((IDENTIFIER, STRING, STAR))
_LITERALS = frozenset((IDENTIFIER, STRING, NUMBER, VERBATIM))
_BETWEEN_CONSTANTS = frozenset((PIPE, NEWLINE, QUESTION, LEFT_PAREN, RIGHT_PAREN))
_OF_CONSTANTS = _BETWEEN_CONSTANTS | {STRING, NUMBER, MINUS}


class TypeReader(ExpressionReader):
    """Reads types and decorators; raises :class:`Unexpected` as for expressions."""

    __slots__ = ("allowed", "options")

    def __init__(self, uri: str, tokens: Tokens) -> None:
        super().__init__(uri, tokens)
        self.allowed: list[Expression] = []
        """What the decorators read last say that something may be."""
        self.options: list[Expression] = []
        """What the type read last can be, when it is nothing but constants: ``'a' | 'b'``."""

    def type_text(self) -> tuple[str, bool]:
        """Read a type; return it as it is written without the ``?`` at its end, and whether there is one."""
        begin = self.index
        if self.at_word("resource") and self.kinds[begin + 1] != LESS:
            self.index += 1
            if self.kinds[self.index] == STRING:
                self.index += 1
        else:
            self._union()
        self.options = self._constants(begin)
        end = self.index
        nullable = self.kinds[end - 1] == QUESTION
        if nullable:
            end -= 1
        return decode(self.tokens.text[self.starts[begin] : self.ends[end - 1]]), nullable

    def _constants(self, begin: int) -> list[Expression]:
        """Return the constants that the type from a token to here is made of; nothing when it is more than those."""
        kinds, end = self.kinds, self.index
        for index in range(begin, end):
            if kinds[index] not in _OF_CONSTANTS and self.words[index] not in CONSTANTS:
                return []
        found: list[Expression] = []
        self.index = begin
        while self.index < end:
            if kinds[self.index] in _BETWEEN_CONSTANTS:
                self.index += 1
            else:
                found.append(self.operand())
        return found

    def _union(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.too_deep()
        self._over_pipe()
        self._member()
        while self._over_pipe():
            if self.kinds[self.index] == NEWLINE and not self.starts_statement(self.index + 1):
                self.index += 1
            self._member()
        self.depth -= 1

    def _over_pipe(self) -> bool:
        index = self.index
        if self.kinds[index] == NEWLINE:
            index += 1
        if self.kinds[index] != PIPE:
            return False
        self.index = index + 1
        return True

    def _member(self) -> None:
        kinds = self.kinds
        while kinds[self.index] in SIGNS:
            self.index += 1
        kind = kinds[self.index]
        if kind in _LITERALS:
            self.index += 1
            if kinds[self.index] == LESS:
                self._type_arguments()
        elif kind == STRING_START:
            self.operand()
        elif kind == LEFT_BRACE:
            self._object_type()
        elif kind == LEFT_BRACKET:
            self._tuple_type()
        elif kind == LEFT_PAREN:
            self.index += 1
            self.skip_newline()
            self._union()
            self.skip_newline()
            self.expect(RIGHT_PAREN, 'a closing ")"')
        else:
            self.fail("a type")
        while True:
            kind = kinds[self.index]
            if kind == LEFT_BRACKET:
                self.index += 1
                if kinds[self.index] == STAR:
                    self.index += 1
                elif kinds[self.index] != RIGHT_BRACKET:
                    self.expression()
                self.expect(RIGHT_BRACKET, 'the "]" of a type')
            elif kind == DOT:
                self.index += 1
                if kinds[self.index] == STAR:
                    self.index += 1
                else:
                    self.identifier("the name of a property")
                    if kinds[self.index] == LESS:
                        self._type_arguments()
            elif kind in (QUESTION, NOT):
                self.index += 1
            else:
                return

    def _type_arguments(self) -> None:
        self.index += 1
        self.skip_newline()
        while self.kinds[self.index] != GREATER:
            self._union()
            self.skip_newline()
            if self.kinds[self.index] == COMMA:
                self.index += 1
                self.skip_newline()
            elif self.kinds[self.index] != GREATER:
                self.fail('a comma or the ">" of a type')
        self.index += 1

    def _object_type(self) -> None:
        kinds = self.kinds
        self.index += 1
        self.skip_newline()
        while kinds[self.index] != RIGHT_BRACE:
            if kinds[self.index] == AT:
                self.decorators()
            if kinds[self.index] == STRING_START:
                self.expression()
            elif kinds[self.index] in _NAMES:
                self.index += 1
            else:
                self.fail("a property of a type")
            self.expect(COLON, 'a ":" behind the name of a property')
            self._union()
            self._over_type_separator(RIGHT_BRACE)
        self.index += 1

    def _tuple_type(self) -> None:
        kinds = self.kinds
        self.index += 1
        self.skip_newline()
        while kinds[self.index] != RIGHT_BRACKET:
            if kinds[self.index] == AT:
                self.decorators()
            self._union()
            self._over_type_separator(RIGHT_BRACKET)
        self.index += 1

    def _over_type_separator(self, closing: int) -> None:
        kinds = self.kinds
        if kinds[self.index] == COMMA:
            self.index += 1
            self.skip_newline()
        elif kinds[self.index] == NEWLINE:
            self.index += 1
        elif kinds[self.index] != closing:
            self.fail("a comma or a line end in a type")

    def decorators(self) -> bool:
        """Read the decorators in front of something; return whether one says that it is secret.

        What it is allowed to be is in ``allowed``.
        """
        kinds = self.kinds
        secure = False
        while kinds[self.index] == AT:
            secure = self.decorator() or secure
            self.skip_newline()
        return secure

    def decorator(self) -> bool:
        """Read a decorator; return whether it says that something is secret."""
        kinds = self.kinds
        self.index += 1
        while True:
            name = self.identifier("the name of a decorator")
            if kinds[self.index] != DOT:
                break
            self.index += 1
        if kinds[self.index] == LEFT_PAREN:
            # Most are descriptions: one text between parentheses.
            if kinds[self.index + 1] == STRING and kinds[self.index + 2] == RIGHT_PAREN:
                self.index += 3
            else:
                arguments = self.arguments()
                if name == "allowed" and len(arguments) == 1 and isinstance(arguments[0], Array):
                    self.allowed = arguments[0].items
        return name == "secure"
