"""Statements that templates and parameter files share, and how a file of statements is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TypeAlias

from scanner.sources.bicep.cursor import Unexpected
from scanner.sources.bicep.tokens import (
    ARROW,
    ASSIGN,
    AT,
    COMMA,
    END,
    IDENTIFIER,
    LEFT_BRACE,
    LEFT_PAREN,
    NEWLINE,
    RIGHT_BRACE,
    RIGHT_PAREN,
    STAR,
    STRING,
    STRING_START,
    Tokens,
)
from scanner.sources.bicep.types import TypeReader
from scanner.sources.template.model import (
    Expression,
    Function,
    Import,
    Module,
    Output,
    Parameter,
    Resource,
    Variable,
)

Statement: TypeAlias = "Parameter | Variable | Function | Resource | Module | Output | Import | None"
"""What a statement declares; None for what is only read past: metadata, types, extensions, asserts, tests."""
_LINE_ENDS = frozenset((NEWLINE, END))


class StatementReader(TypeReader, ABC):
    """Reads a file statement by statement; :meth:`keep` gets what each of them declares."""

    __slots__ = ("_handlers", "secret_types", "type_names", "type_options")

    def __init__(self, uri: str, tokens: Tokens) -> None:
        super().__init__(uri, tokens)
        self.secret_types: set[str] = set()
        """The names of types that are marked as secret."""
        self.type_names: dict[str, str] = {}
        """What types that are only another name for a type stand for."""
        self.type_options: dict[str, list[Expression]] = {}
        """What types can be that are nothing but constants."""
        self._handlers: dict[str, Callable[[int, bool], Statement]] = {
            "assert": self._assert,
            "extension": self._extension,
            "func": self._function,
            "import": self._import,
            "metadata": self._metadata,
            "provider": self._extension,
            "test": self._test,
            "type": self._type,
            "var": self._variable,
            **self.own_handlers(),
        }

    @abstractmethod
    def own_handlers(self) -> Mapping[str, Callable[[int, bool], Statement]]:
        """Return the statements of this kind of file by their keyword.

        A handler gets the offset of the first decorator or the keyword, and whether a decorator says that it is secret.
        """

    @abstractmethod
    def keep(self, statement: Statement) -> None:
        """Add what a statement declares to what is read."""

    def read(self) -> None:
        """Read all statements. What has mistakes in it is in ``gaps``."""
        kinds = self.kinds
        read_again = 0
        while kinds[self.index] != END:
            if kinds[self.index] == NEWLINE:
                self.index += 1
                continue
            begin = self.index
            told = len(self.gaps)
            # A strict reading that fails may have gone far: together they go no further than the file is long.
            if read_again <= len(kinds):
                try:
                    statement = self._statement()
                    if kinds[self.index] not in _LINE_ENDS:
                        self.fail("a line end behind a declaration")
                except Unexpected as unexpected:
                    read_again += unexpected.index - begin
                else:
                    self.keep(statement)
                    continue
            self.index = begin
            del self.gaps[told:]
            self._read_recovering()
        if self.tokens.unread:
            self.gap(*self.tokens.unread[:2], self.tokens.unread[3], self.tokens.unread[2])
        self.gaps.sort(key=lambda gap: (gap.place.start, gap.place.end))

    def _read_recovering(self) -> None:
        begin = self.index
        self.depth = 0
        self.recovering = True
        self.left_open = -1
        self.open.clear()
        try:
            statement = self._statement()
            self.keep(statement)
            if self.kinds[self.index] not in _LINE_ENDS:
                self.fail("a line end behind a declaration")
        except Unexpected as unexpected:
            self.to_next_statement(begin, unexpected.index)
            self.mistake(unexpected)
        self.depth = 0
        self.recovering = False

    def _statement(self) -> Statement:
        begin = self.index
        secret = False
        self.allowed = []
        if self.kinds[begin] == AT:
            secret = self._decorators_or_gap() if self.recovering else self.decorators()
        handler = self._handlers.get(self.words[self.index]) if self.kinds[self.index] == IDENTIFIER else None
        if handler is None:
            raise self.unexpected("a declaration", inside=False)
        return handler(self.starts[begin], secret)

    def _decorators_or_gap(self) -> bool:
        secret = False
        while self.kinds[self.index] == AT:
            begin = self.index
            try:
                secret = self.decorator() or secret
            except Unexpected as unexpected:
                self.depth = 0
                self.open.clear()
                self.to_next_statement(begin, unexpected.index)
                self.mistake(unexpected)
            self.skip_newline()
        return secret

    # ---- parts of statements

    def value(self) -> Expression:
        """Read ``= expression``."""
        self.expect(ASSIGN, 'a "="')
        return self.whole_value()

    def whole_value(self) -> Expression:
        """Read an expression that ends a statement."""
        if not self.recovering:
            return self.expression()
        begin = self.index
        try:
            value = self.expression()
            if self.kinds[self.index] not in _LINE_ENDS:
                self.fail("a line end behind a value")
        except Unexpected as unexpected:
            return self.broken_value(begin, unexpected)
        return value

    def broken_value(self, begin: int, unexpected: Unexpected) -> Expression:
        """Tell of a mistake in a value, go on at the next statement, and return what stands for the value."""
        self.depth = 0
        self.open.clear()
        self.to_next_statement(begin, unexpected.index)
        self.mistake(unexpected)
        return self.broken(begin)

    def name(self) -> tuple[str, int, int]:
        """Read the name of what is declared: with its offsets."""
        self.index += 1
        name = self.identifier("a name")
        return name, self.starts[self.index - 1], self.ends[self.index - 1]

    # ---- statements

    def _variable(self, _whole: int, _secret: bool) -> Variable:
        name, start, end = self.name()
        if self.kinds[self.index] != ASSIGN:
            self.type_text()
        return Variable(name, self.value(), start, end)

    def _function(self, _whole: int, _secret: bool) -> Function:
        kinds = self.kinds
        name, start, end = self.name()
        self.expect(LEFT_PAREN, 'a "("')
        parameters: list[str] = []
        self.skip_newline()
        while kinds[self.index] != RIGHT_PAREN:
            parameters.append(self.identifier("the name of a parameter"))
            self.type_text()
            self.skip_newline()
            if kinds[self.index] == COMMA:
                self.index += 1
                self.skip_newline()
            elif kinds[self.index] != RIGHT_PAREN:
                self.fail('a comma or a closing ")"')
        self.index += 1
        self.type_text()
        self.expect(ARROW, 'a "=>"')
        if kinds[self.index] == NEWLINE and not self.starts_statement(self.index + 1):
            self.index += 1
        return Function(name, parameters, self.whole_value(), start, end)

    def _type(self, _whole: int, secret: bool) -> None:
        name, _, _ = self.name()
        self.expect(ASSIGN, 'a "="')
        self.type_names[name], _ = self.type_text()
        if self.options:
            self.type_options[name] = self.options
        if secret:
            self.secret_types.add(name)

    def names_of_type(self, written: str) -> list[str]:
        """Return the names that a type goes by, from the one that is written to what that stands for."""
        names: dict[str, None] = {}
        while written in self.type_names and written not in names:
            names[written] = None
            written = self.type_names[written]
        return list(names)

    def _metadata(self, _whole: int, _secret: bool) -> None:
        self.name()
        self.value()

    def _assert(self, _whole: int, _secret: bool) -> None:
        self.name()
        self.value()

    def _test(self, _whole: int, _secret: bool) -> None:
        self.name()
        if self.kinds[self.index] not in (STRING, STRING_START):
            self.fail("the path of a file in quotes")
        self.operand()
        self.value()

    def _import(self, whole: int, secret: bool) -> Import | None:
        kinds = self.kinds
        after = kinds[self.index + 1]
        if after in (STRING, STRING_START):
            self._extension(whole, secret)
            return None
        start = self.starts[self.index]
        self.index += 1
        names: list[tuple[str, str]] = []
        if after == STAR:
            self.index += 1
            if not self.at_word("as"):
                self.fail('"as"')
            self.index += 1
            names.append(("*", self.identifier("a name")))
        elif after == LEFT_BRACE:
            self._imported(names)
        else:
            self.fail('names in braces or "*"')
        if not self.at_word("from"):
            self.fail('"from"')
        self.index += 1
        if kinds[self.index] != STRING:
            self.fail("the path of a file in quotes")
        return Import(self.string(), names, start, self.ends[self.index - 1])

    def _imported(self, names: list[tuple[str, str]]) -> None:
        kinds = self.kinds
        self.index += 1
        self.skip_newline()
        while kinds[self.index] != RIGHT_BRACE:
            name = (
                self.string()
                if kinds[self.index] == STRING
                else self.identifier("the name of what is imported")
            )
            here = name
            if self.at_word("as"):
                self.index += 1
                here = self.identifier("a name")
            names.append((name, here))
            if kinds[self.index] == COMMA:
                self.index += 1
                self.skip_newline()
            elif kinds[self.index] == NEWLINE:
                self.index += 1
            elif kinds[self.index] != RIGHT_BRACE:
                self.fail("a comma or a line end before the next name")
        self.index += 1

    def _extension(self, _whole: int, _secret: bool) -> None:
        self.index += 1
        if self.kinds[self.index] not in (IDENTIFIER, STRING, STRING_START):
            self.fail("the name of an extension")
        if self.kinds[self.index] == IDENTIFIER:
            self.index += 1
        else:
            self.operand()
        self.settings()
        if self.at_word("as"):
            self.index += 1
            self.identifier("a name")

    def settings(self) -> None:
        """Read ``with { ... }``, when that stands here."""
        if not self.at_word("with"):
            return
        self.index += 1
        if self.kinds[self.index] != LEFT_BRACE:
            self.fail('a "{"')
        self.object()
