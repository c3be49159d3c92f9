"""The expression language of ARM templates: ``[concat(parameters('prefix'), '-id')]``.

All parts of an expression have the place of the whole JSON string: escapes in it make finer offsets a guess, and a
string is what an editor shows anyway.
"""

from __future__ import annotations

import re

from scanner.sources.template.model import Broken, Call, Constant, Expression, Index, Member

MOST_DEPTH = 60
_TOKEN = re.compile(
    r"\s*(?:'((?:[^']|'')*)'|([A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*)(?=\s*\()|([A-Za-z_$][\w$\-]*)"
    r"|(-?\d+(?:\.\d+)?)|(\.\?|\[\?|[()\[\],.]))"
)
# Groups: 1 string, 2 name of a function, 3 name of a property, 4 number, 5 punctuation.


class ExpressionError(Exception):
    """An expression does not parse. The message says what was expected, as one sentence."""


def is_expression(text: str) -> bool:
    """Whether a JSON string is evaluated. One that begins with two brackets is text that begins with one."""
    return text.startswith("[") and text.endswith("]") and not text.startswith("[[")


def read_string(text: str, start: int, end: int) -> Expression:
    """Return what a string of a template says.

    Raises:
        ExpressionError: It is an expression that does not parse.
    """
    if not text.startswith("["):
        return Constant(text, start, end)
    if not is_expression(text):
        return Constant(text[1:] if text.startswith("[[") else text, start, end)
    return _Parser(text, start, end).whole()


def broken(text: str, start: int, end: int) -> Broken:
    """Return what stands for an expression that does not parse."""
    return Broken(text[:120], start, end)


class _Parser:
    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._start = start
        self._end = end
        self._at = 1
        self._kind = 0
        self._token = ""
        self._last = len(text) - 1
        self._next()

    def whole(self) -> Expression:
        expression = self._expression(0)
        if self._kind:
            raise ExpressionError(f"The expression goes on with {self._found()} where it should end.")
        return expression

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._at, self._last)
        if match is None:
            rest = self._text[self._at : self._last].strip()
            if rest:
                raise ExpressionError(f"The expression has {rest[:20]} where a function or value should be.")
            self._kind, self._token = 0, ""
            return
        self._kind = match.lastindex or 0
        self._token = match[self._kind]
        self._at = match.end()

    def _expression(self, depth: int) -> Expression:
        if depth > MOST_DEPTH:
            raise ExpressionError(f"The expression is nested more than {MOST_DEPTH} deep.")
        kind, token = self._kind, self._token
        node: Expression
        if kind == 1:
            node = Constant(token.replace("''", "'"), self._start, self._end)
            self._next()
        elif kind == 4:
            if len(token) > 30:
                raise ExpressionError("The expression has a number of more than 30 digits.")
            node = Constant(float(token) if "." in token else int(token), self._start, self._end)
            self._next()
        elif kind == 2:
            self._next()
            node = Call(token, self._arguments(depth), None, self._start, self._end)
        elif kind == 3:
            # A bare true, false or null is a mistake that Azure refuses; what is meant is plain.
            if token.lower() not in _WORDS:
                raise ExpressionError(f"The expression has {token} where a function or value should be.")
            node = Constant(_WORDS[token.lower()], self._start, self._end)
            self._next()
        else:
            raise ExpressionError(f"The expression has {self._found()} where a function or value should be.")
        return self._postfix(node, depth)

    def _postfix(self, node: Expression, depth: int) -> Expression:
        steps = 0
        while self._kind == 5 and self._token in (".", ".?", "[", "[?"):
            steps += 1
            if depth + steps > MOST_DEPTH:
                raise ExpressionError(f"The expression is nested more than {MOST_DEPTH} deep.")
            safe = self._token.endswith("?")
            bracket = self._token.startswith("[")
            self._next()
            if bracket:
                index = self._expression(depth + 1)
                self._expect("]")
                node = Index(node, index, safe, self._start, self._end)
                continue
            if self._kind not in (2, 3):
                raise ExpressionError("The expression has a point without the name of a property after it.")
            name = self._token
            called = self._kind == 2
            self._next()
            if called:
                *names, last = name.split(".")
                for each in names:
                    node = Member(node, each, False, self._start, self._end)
                node = Call(last, self._arguments(depth), node, self._start, self._end)
            else:
                node = Member(node, name, safe, self._start, self._end)
        return node

    def _arguments(self, depth: int) -> list[Expression]:
        self._expect("(")
        arguments: list[Expression] = []
        if self._kind == 5 and self._token in _CLOSES:
            self._next()
            return arguments
        while True:
            arguments.append(self._expression(depth + 1))
            if self._kind == 5 and self._token in _COMMA:
                self._next()
                continue
            self._expect(")")
            return arguments

    def _found(self) -> str:
        """Return what stands here, for a message; the text of a literal could be a secret."""
        return "a text" if self._kind == 1 else self._token or "nothing"

    def _expect(self, token: str) -> None:
        if self._kind != 5 or self._token != token:
            raise ExpressionError(f"The expression has {self._found()} where {token} should be.")
        self._next()


_CLOSES = (")",)
_COMMA = (",",)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
