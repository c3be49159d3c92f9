"""Expressions of Bicep to the expression classes of templates: recursive descent, operators by precedence.

More is accepted than the compiler accepts where nothing else could be meant: line ends around operators, a comma before
a line end or a closing bracket, objects in the expressions of strings.
"""

from __future__ import annotations

from collections.abc import Callable

from scanner.sources.bicep.cursor import MAX_DEPTH, Cursor, Unexpected
from scanner.sources.bicep.strings import decode, unescape, without_first_line_end
from scanner.sources.bicep.tokens import (
    AND,
    ARROW,
    AT,
    COALESCE,
    COLON,
    COMMA,
    DOT,
    DOUBLE_COLON,
    ELLIPSIS,
    END,
    EQUAL,
    EQUAL_NO_CASE,
    GREATER,
    GREATER_OR_EQUAL,
    HAT,
    IDENTIFIER,
    LEFT_BRACE,
    LEFT_BRACKET,
    LEFT_PAREN,
    LESS,
    LESS_OR_EQUAL,
    MINUS,
    NEWLINE,
    NOT,
    NOT_EQUAL,
    NOT_EQUAL_NO_CASE,
    NUMBER,
    OR,
    PERCENT,
    PLUS,
    QUESTION,
    RIGHT_BRACE,
    RIGHT_BRACKET,
    RIGHT_PAREN,
    SLASH,
    STAR,
    STRING,
    STRING_END,
    STRING_MIDDLE,
    STRING_START,
    VERBATIM,
    VERBATIM_END,
    VERBATIM_MIDDLE,
    VERBATIM_START,
)
from scanner.sources.template.model import (
    Array,
    Binary,
    Call,
    Conditional,
    Constant,
    Entry,
    Expression,
    Index,
    Interpolation,
    Lambda,
    Loop,
    Member,
    Name,
    Nested,
    ObjectLiteral,
    Spread,
    Unary,
)

CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_PRECEDENCE = {
    STAR: 7,
    SLASH: 7,
    PERCENT: 7,
    PLUS: 6,
    MINUS: 6,
    LESS: 5,
    LESS_OR_EQUAL: 5,
    GREATER: 5,
    GREATER_OR_EQUAL: 5,
    EQUAL: 4,
    NOT_EQUAL: 4,
    EQUAL_NO_CASE: 4,
    NOT_EQUAL_NO_CASE: 4,
    AND: 3,
    OR: 2,
    COALESCE: 1,
}
_GOES_ON = frozenset((DOT, LEFT_BRACKET, DOUBLE_COLON, NOT))
_ENDS_ELEMENT = frozenset((NEWLINE, COMMA))
_STRINGS = frozenset((STRING, VERBATIM))
_STRING_STARTS = frozenset((STRING_START, VERBATIM_START))
SIGNS = frozenset((NOT, MINUS))
_LONGEST_NUMBER = 20
"""Digits of the largest number of 64 bits."""


class ExpressionReader(Cursor):
    """Reads expressions; every method starts at ``index`` and leaves it behind what it read."""

    __slots__ = ()

    def expression(self) -> Expression:
        """Read an expression; raises :class:`Unexpected`."""
        kinds = self.kinds
        begin = self.index
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.too_deep()
        read = self.operand()
        kind = self._operator()
        if kind:
            if kind != QUESTION:
                read = self._binary(read, begin)
                kind = self._operator()
            if kind == QUESTION:
                if kinds[self.index] == NEWLINE:
                    self.index += 1
                read = self._conditional(read, begin)
        self.depth -= 1
        return read

    def _operator(self) -> int:
        """Return the kind of the operator that goes on with an operand here or on the next line, or 0."""
        kind = self.kinds[self.index]
        if kind == NEWLINE:
            kind = self.kinds[self.index + 1]
            return (
                kind if QUESTION <= kind < MINUS else 0
            )  # a minus on the next line is the sign of a next item
        return kind if kind >= QUESTION else 0

    def _grow(self, height: int) -> None:
        if height > MAX_DEPTH:
            self.too_deep()
        self.height = height

    # ---- operators

    def _binary(self, left: Expression, begin: int) -> Expression:
        starts, ends = self.starts, self.ends
        read: list[tuple[Expression, int, int, int]] = [
            (left, starts[begin], ends[self.index - 1], self.height)
        ]
        operators: list[int] = []  # their tokens

        def reduce() -> None:
            operator = self.words[operators.pop()]
            right, _, end, right_height = read.pop()
            left, start, _, left_height = read.pop()
            self._grow(1 + max(left_height, right_height))
            read.append((Binary(operator, left, right, start, end), start, end, self.height))

        while True:
            kind = self._operator()
            precedence = _PRECEDENCE.get(kind)
            if precedence is None:
                break
            if self.kinds[self.index] == NEWLINE:
                self.index += 1
            while operators and _PRECEDENCE[self.kinds[operators[-1]]] >= precedence:
                reduce()
            operators.append(self.index)
            self._over_operator()
            start = starts[self.index]
            operand = self.operand()
            read.append((operand, start, ends[self.index - 1], self.height))
        while operators:
            reduce()
        return read[0][0]

    def _over_operator(self) -> None:
        """Step over an operator, and a line end behind it unless that ends an unfinished statement."""
        self.index += 1
        if self.kinds[self.index] == NEWLINE and not self.starts_statement(self.index + 1):
            self.index += 1

    def _conditional(self, condition: Expression, begin: int) -> Expression:
        height = self.height
        self._over_operator()
        then = self.expression()
        height = max(height, self.height)
        if self.kinds[self.index] == NEWLINE and self.kinds[self.index + 1] == COLON:
            self.index += 1
        if self.kinds[self.index] != COLON:
            self.fail('the ":" of a condition')
        self._over_operator()
        otherwise = self.expression()
        self._grow(1 + max(height, self.height))
        return Conditional(condition, then, otherwise, self.starts[begin], self.ends[self.index - 1])

    # ---- operands

    def operand(self) -> Expression:
        """Read what stands between binary operators: signs, a value, and what is asked of it."""
        kinds = self.kinds
        begin = index = self.index
        kind = kinds[index]
        self.height = 0
        read: Expression
        if kind == IDENTIFIER:
            word = self.words[index]
            after = kinds[index + 1]
            if after == LEFT_PAREN:
                self.index = index + 1
                arguments = self.arguments()
                read = Call(word, arguments, None, self.starts[index], self.ends[self.index - 1])
            elif after == ARROW:
                return self._lambda([word], begin, index + 1)
            else:
                self.index = index + 1
                if word in CONSTANTS:
                    read = Constant(CONSTANTS[word], self.starts[index], self.ends[index])
                else:
                    read = Name(word, self.starts[index], self.ends[index])
        elif kind in _STRINGS:
            read = Constant(self.string(), self.starts[index], self.ends[index])
        elif kind == LEFT_BRACE:
            read = self.object()
        elif kind in _STRING_STARTS:
            read = self._interpolation()
        elif kind == LEFT_BRACKET:
            read = self._array_or_loop()
        elif kind == NUMBER:
            word = self.words[index]
            if len(word) > _LONGEST_NUMBER:
                self.fail("a number of at most 64 bits")
            self.index = index + 1
            read = Constant(int(word), self.starts[index], self.ends[index])
        elif kind == LEFT_PAREN:
            names = self._lambda_parameters(index)
            if names is not None:
                return self._lambda(names[0], begin, names[1])
            read = self.parenthesised()
        elif kind in SIGNS:
            return self._signed()
        else:
            self.fail("a value")
        if kinds[self.index] in _GOES_ON:
            return self._access(read, begin)
        return read

    def _signed(self) -> Expression:
        signs: list[int] = []
        while self.kinds[self.index] in SIGNS:
            signs.append(self.index)
            self.index += 1
        read = self.operand()
        end = self.ends[self.index - 1]
        while signs:
            sign = signs.pop()
            self._grow(self.height + 1)
            read = Unary(self.words[sign], read, self.starts[sign], end)
        return read

    def _access(self, base: Expression, begin: int) -> Expression:
        """Read what follows a value: members, calls on it, indexes, nested resources, assertions that it is there."""
        kinds, ends = self.kinds, self.ends
        start = self.starts[begin]
        while True:
            kind = kinds[self.index]
            height = self.height + 1
            if kind == DOT:
                self.index += 1
                safe = kinds[self.index] == QUESTION
                if safe:
                    self.index += 1
                name = self.identifier("the name of a property or function")
                if kinds[self.index] == LEFT_PAREN and not safe:
                    arguments = self.arguments()
                    height = max(height, self.height)
                    base = Call(name, arguments, base, start, ends[self.index - 1])
                else:
                    base = Member(base, name, safe, start, ends[self.index - 1])
            elif kind == LEFT_BRACKET:
                self.index += 1
                safe = kinds[self.index] == QUESTION
                if safe:
                    self.index += 1
                key = self._index()
                height = max(height, self.height + 1)
                self.expect(RIGHT_BRACKET, 'the "]" of an index')
                base = Index(base, key, safe, start, ends[self.index - 1])
            elif kind == DOUBLE_COLON:
                self.index += 1
                name = self.identifier("the name of a nested resource")
                base = Nested(base, name, start, ends[self.index - 1])
            elif kind == NOT:
                self.index += 1
                continue
            else:
                return base
            self._grow(height)

    def _index(self) -> Expression:
        """Read what stands in the brackets of an index: ``[^1]``, counted from the end, is ``Unary("^", 1)``."""
        if self.kinds[self.index] != HAT:
            return self.expression()
        start = self.starts[self.index]
        self.index += 1
        operand = self.expression()
        self.height += 1
        return Unary("^", operand, start, self.ends[self.index - 1])

    def arguments(self) -> list[Expression]:
        """Read the arguments of a call from its opening to behind its closing parenthesis."""
        kinds = self.kinds
        self.index += 1
        read: list[Expression] = []
        height = 0
        self.skip_newline()
        while kinds[self.index] != RIGHT_PAREN:
            read.append(self.expression())
            height = max(height, self.height)
            self.skip_newline()
            if kinds[self.index] == COMMA:
                self.index += 1
                self.skip_newline()
            elif kinds[self.index] != RIGHT_PAREN:
                self.fail('a comma or the ")" of a call')
        self.index += 1
        self.height = height + 1
        return read

    def parenthesised(self) -> Expression:
        """Read an expression in parentheses, from the opening one on."""
        self.index += 1
        self.skip_newline()
        read = self.expression()
        self.skip_newline()
        self.expect(RIGHT_PAREN, 'a closing ")"')
        return read

    def _lambda_parameters(self, opening: int) -> tuple[list[str], int] | None:
        """Return the names in parentheses and the token of the arrow behind them; None when it is no lambda."""
        kinds = self.kinds
        names: list[str] = []
        index = opening + 1
        while True:
            kind = kinds[index]
            if kind == IDENTIFIER:
                names.append(self.words[index])
            elif kind == RIGHT_PAREN:
                return (names, index + 1) if kinds[index + 1] == ARROW else None
            elif kind not in _ENDS_ELEMENT:
                return None
            index += 1

    def _lambda(self, parameters: list[str], begin: int, arrow: int) -> Expression:
        self.index = arrow
        self._over_operator()
        body = self.expression()
        self._grow(self.height + 1)
        return Lambda(parameters, body, self.starts[begin], self.ends[self.index - 1])

    # ---- text

    def string(self) -> str:
        """Step over text without expressions in it and return what it says."""
        index = self.index
        word = self.words[index]
        self.index = index + 1
        if self.kinds[index] == VERBATIM:
            dollars = word.index("'")
            return decode(without_first_line_end(word[dollars + 3 : -3]))
        return self._unescaped(word[1:-1], index)

    def _unescaped(self, content: str, index: int) -> str:
        found, wrong = unescape(content)
        if wrong >= 0:
            start = self.starts[index] + 1 + wrong
            self.gap(
                start, start + 2, "Text has an escape that Bicep does not know; it is kept as it is written."
            )
        return found

    def _interpolation(self) -> Interpolation:
        kinds, words = self.kinds, self.words
        begin = self.index
        word = words[begin]
        verbatim = kinds[begin] == VERBATIM_START
        dollars = word.index("'") if verbatim else 1
        first = without_first_line_end(word[dollars + 3 : -1 - dollars]) if verbatim else word[1:-2]
        parts: list[str | Expression] = []
        if first:
            parts.append(decode(first) if verbatim else self._unescaped(first, begin))
        middle, last = (VERBATIM_MIDDLE, VERBATIM_END) if verbatim else (STRING_MIDDLE, STRING_END)
        height = 0
        kind = kinds[begin]
        while kind != last:
            self.index += 1
            parts.append(self.expression())
            height = max(height, self.height)
            index = self.index
            kind = kinds[index]
            if kind == middle:
                content = words[index][1 : -1 - dollars]
            elif kind == last:
                content = words[index][1:-3] if verbatim else words[index][1:-1]
            else:
                self.fail('the "}" of an expression in text')
            if content:
                parts.append(decode(content) if verbatim else self._unescaped(content, index))
        self.index += 1
        self.height = height + 1
        return Interpolation(parts, self.starts[begin], self.ends[self.index - 1])

    # ---- arrays and loops

    def _array_or_loop(self) -> Expression:
        if self.is_loop():
            return self.loop()
        return self._array()

    def is_loop(self) -> bool:
        """Whether an opening bracket is that of a loop."""
        index = self.index + 1
        if self.kinds[index] == NEWLINE:
            index += 1
        return (
            self.words[index] == "for"
            and self.kinds[index] == IDENTIFIER
            and self.kinds[index + 1] in (IDENTIFIER, LEFT_PAREN)
        )

    def _array(self) -> Array:
        kinds = self.kinds
        begin = self.index
        items: list[Expression] = []
        height = 0
        if self.recovering:
            self.open.append(RIGHT_BRACKET)
        self.index += 1
        self.skip_newline()
        while kinds[self.index] != RIGHT_BRACKET:
            if self.recovering:
                if self._left_open(begin, "array"):
                    return Array(items, self.starts[begin], self.last_end())
                items.append(self._whole_or_broken(RIGHT_BRACKET, "item", self._item))
            else:
                items.append(self._item())
            height = max(height, self.height)
            self._over_separator(RIGHT_BRACKET, "item")
        if self.recovering:
            self.open.pop()
        self.index += 1
        self.height = height + 1
        return Array(items, self.starts[begin], self.ends[self.index - 1])

    def _item(self) -> Expression:
        if self.kinds[self.index] != ELLIPSIS:
            return self.expression()
        start = self.starts[self.index]
        self.index += 1
        read = self.expression()
        self.height += 1
        return Spread(read, start, self.ends[self.index - 1])

    def loop(self) -> Loop:
        """Read ``[for item in collection: body]`` where the body is a value."""
        begin = self.index
        item, number, collection = self.loop_head()
        height = self.height
        condition = self.condition()
        height = max(height, self.height)
        body = self.expression()
        self._grow(1 + max(height, self.height))
        end = self.loop_end()
        return Loop(item, number, collection, condition, body, "", self.starts[begin], end)

    def loop_head(self) -> tuple[str, str | None, Expression]:
        """Read a loop up to behind its colon: item, index, collection."""
        self.index += 1
        self.skip_newline()
        self.index += 1
        number = None
        if self.kinds[self.index] == LEFT_PAREN:
            self.index += 1
            item = self.identifier("the item of a loop")
            self.expect(COMMA, "a comma between item and index")
            number = self.identifier("the index of a loop")
            self.expect(RIGHT_PAREN, 'a closing ")"')
        else:
            item = self.identifier("the item of a loop")
        if not self.at_word("in"):
            self.fail('"in"')
        self.index += 1
        collection = self.expression()
        self.expect(COLON, 'the ":" of a loop')
        self.skip_newline()
        return item, number, collection

    def loop_end(self) -> int:
        """Read the end of a loop and return its offset."""
        self.skip_newline()
        self.expect(RIGHT_BRACKET, 'the "]" of a loop')
        return self.ends[self.index - 1]

    def condition(self) -> Expression | None:
        """Read ``if (condition)``, when that stands here."""
        if not self.at_word("if") or self.kinds[self.index + 1] != LEFT_PAREN:
            self.height = 0
            return None
        self.index += 1
        read = self.parenthesised()
        if self.kinds[self.index] == NEWLINE and self.kinds[self.index + 1] == LEFT_BRACE:
            self.index += 1
        return read

    # ---- objects

    def object(self) -> ObjectLiteral:
        """Read an object."""
        kinds = self.kinds
        begin = self.index
        read = ObjectLiteral([], self.starts[begin], 0)
        height = 0
        if self.recovering:
            self.open.append(RIGHT_BRACE)
        self.index += 1
        self.skip_newline()
        while kinds[self.index] != RIGHT_BRACE:
            if self.recovering:
                if self._left_open(begin, "object"):
                    read.end = self.last_end()
                    return read
                self._element_or_gap(read)
            else:
                self.element(read)
            height = max(height, self.height)
            self._over_separator(RIGHT_BRACE, "property")
        if self.recovering:
            self.open.pop()
        self.index += 1
        self.height = height + 1
        read.end = self.ends[self.index - 1]
        return read

    def element(self, target: ObjectLiteral) -> None:
        """Read a property or a spread into an object."""
        kinds = self.kinds
        begin = self.index
        kind = kinds[begin]
        name: str | Expression
        if kind == IDENTIFIER:
            if kinds[begin + 1] == IDENTIFIER and self.nested_declaration():
                return
            name = self.words[begin]
            self.index += 1
        elif kind == STRING:
            name = self.string()
        elif kind == STRING_START:
            name = self._interpolation()
        elif kind == ELLIPSIS:
            self.index += 1
            target.spreads.append((len(target.entries), self.expression()))
            return
        elif kind == AT and self.nested_declaration():
            return
        else:
            self.fail("a property")
        height = self.height
        self.expect(COLON, 'a ":" behind the name of a property')
        if self.recovering:
            value = self._whole_or_broken(RIGHT_BRACE, "property", self.expression)
            end = self.last_end()
        else:
            value = self.expression()
            end = self.ends[self.index - 1]
        if kind == STRING_START:
            self.height = max(height, self.height)
        target.entries.append(Entry(name, value, self.starts[begin], end))

    def nested_declaration(self) -> bool:
        """Read a declaration that stands here among properties, if one does; return whether there was one."""
        return False

    # ---- finding the way back

    def _over_separator(self, closing: int, what: str) -> None:
        """Step over what stands between two elements."""
        kinds = self.kinds
        if kinds[self.index] in _ENDS_ELEMENT:
            self.index += 1
            if kinds[self.index] in _ENDS_ELEMENT and kinds[self.index] != kinds[self.index - 1]:
                self.index += 1  # a comma at the end or at the start of a line
            return
        if kinds[self.index] == closing:
            return
        expected = f"a comma or a line end before the next {what}"
        if not self.recovering:
            self.fail(expected)
        if self._ends_other(self.index):
            return
        self.mistake(self.unexpected(expected))

    def _ends_other(self, index: int) -> bool:
        """Whether a token ends what is around this object or array, so that it was left open."""
        kind = self.kinds[index]
        return kind == END or (kind in self.open and kind != self.open[-1]) or self.starts_statement(index)

    def _left_open(self, begin: int, what: str) -> bool:
        if not self._ends_other(self.index):
            return False
        self.open.pop()
        if self.left_open != self.index:
            self.left_open = self.index
            self.gap(self.starts[begin], self.ends[begin], f"The {what} that starts here is not closed.")
        if self.kinds[self.index - 1] == NEWLINE:
            self.index -= 1
        return True

    def _element_or_gap(self, target: ObjectLiteral) -> None:
        begin, depth, opened = self.index, self.depth, len(self.open)
        try:
            self.element(target)
        except Unexpected as unexpected:
            self.depth = depth
            del self.open[opened:]
            self.to_next_element(begin, unexpected.index, RIGHT_BRACE)
            self.mistake(unexpected)

    def _whole_or_broken(self, closing: int, what: str, read: Callable[[], Expression]) -> Expression:
        begin, depth, opened = self.index, self.depth, len(self.open)
        try:
            value = read()
            if self.kinds[self.index] not in _ENDS_ELEMENT and not (
                self._ends_other(self.index) or self.looks_like_element(self.index, closing)
            ):
                self.fail(f"a comma or a line end before the next {what}")
        except Unexpected as unexpected:
            self.depth = depth
            self.height = 0
            del self.open[opened:]
            self.to_next_element(begin, unexpected.index, closing)
            self.mistake(unexpected)
            return self.broken(begin)
        return value
