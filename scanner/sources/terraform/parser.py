"""HCL, the language of ``.tf`` and ``.tfvars`` files, into its syntax; a broken file yields what is whole.

A recursive-descent parser over one compiled regular expression that is asked for a token at a time, because what a
token is depends on where it stands: newlines end an argument but mean nothing in brackets, and text in quotes holds
expressions. Grammar: github.com/hashicorp/hcl, ``hclsyntax/spec.md``.

Recovery: an argument that does not parse is left out, up to where its brackets close or, when they do not, to the
next line; its block is marked broken. A block that is not closed ends where a top-level block begins in column one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal as OneOf
from typing import TypeAlias

from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.declared.source_text import BOM
from scanner.sources.terraform.syntax import (
    ATTRIBUTE_SPLAT,
    FULL_SPLAT,
    Attribute,
    Block,
    Body,
    Call,
    Conditional,
    For,
    Literal,
    Mapping,
    Name,
    Node,
    Operation,
    ParsedFile,
    Sequence,
    Template,
    Traversal,
    Unary,
)
from scanner.sources.terraform.template_parts import Directive, Part, build, flush

MOST_DEPTH = 60
"""Blocks, brackets and interpolations in each other; what is deeper is not read. azurerm's examples reach 8."""
MOST_BYTES = 10_000_000
_Match: TypeAlias = "Callable[[bytes, int, int], re.Match[bytes] | None]"

_MOST_TOLD = 30
"""Mistakes in a file that are told one by one."""
_MOST_PROBLEMS = 300
"""After so many mistakes a file is taken for something else and its rest is not read."""
_MOST_TOKENS_PASSED = 2_000
"""How far the end of a broken argument is looked for."""
_MOST_DIGITS = 40

_END, _IDENTIFIER, _STRING, _NUMBER, _NEWLINE, _HEREDOC, _OPERATOR, _QUOTE, _WRONG = range(9)
"""Kinds of tokens: the number of the group of ``_TOKEN`` that matched."""
_TOKEN = (
    rb"(?:"
    rb"([A-Za-z_\x80-\xff][\w\x80-\xff-]*+)"
    rb'|("[^"\\\r\n$%]*+(?:[$%](?!\{)[^"\\\r\n$%]*+)*")'
    rb"|(\d++(?:\.\d++)?(?:[eE][+-]?\d++)?)"
    rb"|(\n)"
    rb"|(<<-?[A-Za-z_\x80-\xff][\w\x80-\xff-]*+\r?\n)"
    rb"|(==|!=|<=|>=|&&|\|\||=>|\.\.\.|::|[{}()\[\],.:?=<>+\-*/%!~])"
    rb'|(")'
    rb"|(.)"
    rb"|\Z)"
)
# Only single characters repeat possessively: Python before 3.11.5 gets possessive groups wrong (gh-106052).
_COMMENTS = rb"#[^\n]*+|//[^\n]*+|/\*[\s\S]*?\*/"
_LINES = re.compile(rb"(?:[ \t\r\f\v]++|" + _COMMENTS + rb")*" + _TOKEN, re.DOTALL).match
_FREE = re.compile(rb"(?:\s++|" + _COMMENTS + rb")*" + _TOKEN, re.DOTALL).match

_PRECEDENCE = {
    b"||": 1,
    b"&&": 2,
    b"==": 3,
    b"!=": 3,
    b"<": 4,
    b"<=": 4,
    b">": 4,
    b">=": 4,
    b"+": 5,
    b"-": 5,
    b"*": 6,
    b"/": 6,
    b"%": 6,
}
_WORDS = {b"true": True, b"false": False, b"null": None}
_OPENERS = {b"(": b")", b"[": b"]", b"{": b"}"}
_CLOSERS = frozenset(_OPENERS.values())
_TOP_LEVEL = re.compile(
    rb"(?:(?:resource|data|ephemeral|module|variable|output|provider|check)"
    rb"(?:[ \t]++(?:\"[^\"\n]{0,200}\"|[\w-]{1,200})){1,2}|locals|terraform|moved|removed|import)[ \t]*+\{"
)
_TOP_LEVEL_LINE = re.compile(rb"^" + _TOP_LEVEL.pattern, re.MULTILINE)

_QUOTED_TEXT = re.compile(rb'[^"\\\r\n$%]++').match
_PLAIN_TEXT = re.compile(rb"[^$%]++").match
_ESCAPE = re.compile(rb'\\(?:([nrt"\\])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))').match
_ENDINGS: dict[bytes, OneOf["else", "endif", "endfor"]] = {
    b"else": "else",
    b"endif": "endif",
    b"endfor": "endfor",
}
_ESCAPES = {b"n": "\n", b"r": "\r", b"t": "\t", b'"': '"', b"\\": "\\"}


class _Problem(Exception):  # noqa: N818  # not an error of Midas: a mistake in the file
    """What is wrong, and where it begins and ends."""

    def __init__(self, detail: str, start: int, end: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.start = start
        self.end = end


def parse(uri: str, data: bytes) -> ParsedFile:
    """Read a file. Never raises: what is broken is left out and told as a gap with its place."""
    if len(data) > MOST_BYTES:
        detail = f"The file is larger than {MOST_BYTES // 1_000_000} MB."
        return ParsedFile(
            Body({}, [], broken=True), [SourceGap(Place(uri, 0, min(len(data), 1)), "skipped", detail)]
        )
    binary = no_text(uri, data)
    if binary is not None:
        return binary
    parser = _Parser(uri, data)
    return ParsedFile(parser.file(), parser.gaps)


def no_text(uri: str, data: bytes) -> ParsedFile | None:
    """Return what a binary file says: nothing; None for text."""
    if b"\0" not in data[:8192]:
        return None
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    detail = "The file is UTF-16; Midas reads UTF-8." if utf16 else "The file is binary, not text."
    return ParsedFile(
        Body({}, [], broken=True), [SourceGap(Place(uri, 0, min(len(data), 1)), "malformed", detail)]
    )


def parse_template(text: str) -> Node | None:
    """Return the expression that a text without quotes is: the content of a template file, a string of JSON.

    None when it is no template because of a mistake in it.
    """
    if "${" not in text and "%{" not in text:
        return Literal(text)
    return _alone(_Parser("", text.encode("utf-8", "replace")).whole_template)


def parse_expression(text: str) -> Node | None:
    """Return the expression that a text is; None when it is none."""
    return _alone(_Parser("", text.encode("utf-8", "replace")).whole_expression)


def _alone(read: Callable[[], Node]) -> Node | None:
    try:
        return read()
    except _Problem:
        return None


class _Parser:
    def __init__(self, uri: str, data: bytes) -> None:
        self.gaps: list[SourceGap] = []
        self._uri = uri
        self._data = data
        self._limit = len(data)
        self._match: _Match = _LINES
        self._kind = _END
        self._text = b""
        self._start = 0
        self._end = len(BOM) if data.startswith(BOM) else 0
        self._before = self._end
        """Where the token before the current one ends."""
        self._depth = 0
        self._open: list[bytes] = []
        """The brackets that the current argument has opened, as what would close them."""
        self._names: dict[bytes, str] = {}
        self._told: set[int] = set()
        """Lines with a mistake that was told."""
        self._stopped = False

    # ---- tokens

    def _next(self) -> None:
        self._before = self._end
        match = self._match(self._data, self._end, self._limit)
        kind = match.lastindex if match else None
        if match is None or kind is None:
            # The end stays after what was read: blank lines and comments belong to nothing.
            self._kind, self._text, self._start = _END, b"", self._limit
            return
        self._kind = kind
        self._text = match[kind]
        self._start, self._end = match.span(kind)

    def _problem(self, expected: str) -> _Problem:
        if self._kind == _QUOTE:
            return _Problem("The text in quotes is not closed on its line.", self._start, self._end)
        if self._data.startswith(b"/*", self._start):
            return _Problem("A comment is not closed.", self._start, self._end)
        found = {_END: "the end of the file", _NEWLINE: "the end of the line"}.get(self._kind, "")
        if self._kind in (_IDENTIFIER, _OPERATOR):
            found = self._text[:20].decode("utf-8", "replace")
        detail = f"{expected} was expected here" + (f", not {found}." if found else ".")
        return _Problem(detail, self._start, max(self._end, self._start))

    def _name(self, raw: bytes) -> str:
        name = self._names.get(raw)
        if name is None:
            name = self._names[raw] = raw.decode("utf-8", "replace")
        return name

    # ---- bodies

    def file(self) -> Body:
        """Read a whole file."""
        self._next()
        body = Body({}, [])
        while True:
            self._body(body, nested=False)
            if self._kind == _END or self._stopped:
                return body
            self._tell(_Problem("This closes nothing.", self._start, self._end))
            body.broken = True
            self._next()

    def whole_template(self) -> Node:
        """Read all as the inside of a template."""
        node = self._template(quoted=False, flushed=False)
        # An interpolation alone stands for its value, whatever its type.
        return node.parts[0] if isinstance(node, Template) and len(node.parts) == 1 else node

    def whole_expression(self) -> Node:
        """Read all as one expression."""
        self._match = _FREE
        self._next()
        node = self._expression()
        if self._kind != _END:
            raise self._problem("The end")
        return node

    def _body(self, body: Body, *, nested: bool) -> None:
        """Read until a closing brace, the end, or, in a block, where one on top begins; these stay unread."""
        attributes = body.attributes
        depth = self._depth
        while True:
            kind = self._kind
            if kind == _NEWLINE:
                self._next()
                continue
            if kind == _END or self._text == b"}" or self._stopped:
                return
            start = self._start
            try:
                if kind != _IDENTIFIER:
                    raise self._problem("An argument or a block")
                if nested and self._begins_on_top():
                    return
                word = self._text
                self._next()
                if self._text == b"=":
                    self._next()
                    value = self._expression()
                    if self._kind not in (_NEWLINE, _END) and self._text != b"}":
                        raise self._problem("The end of the line")
                    name = self._name(word)
                    if name not in attributes:
                        attributes[name] = Attribute(name, value, start, self._before)
                else:
                    body.blocks.append(self._block(word, start))
            except _Problem as problem:
                body.broken = True
                self._depth = depth
                self._tell(problem)
                self._recover(start, problem.start)

    def _begins_on_top(self) -> bool:
        start = self._start
        return self._data[start - 1 : start] == b"\n" and _TOP_LEVEL.match(self._data, start) is not None

    def _block(self, word: bytes, start: int) -> Block:
        labels: list[str] = []
        while self._text != b"{":
            if self._kind == _IDENTIFIER:
                labels.append(self._name(self._text))
            elif self._kind == _STRING:
                labels.append(self._name(self._text[1:-1]))
            else:
                raise self._problem("{" if labels else "= or {")
            self._next()
        head = self._before
        self._depth += 1
        if self._depth > MOST_DEPTH:
            self._open.append(b"}")
            raise _Problem(f"It is nested more than {MOST_DEPTH} deep.", self._end, self._end)
        body = Body({}, [])
        block = Block(self._name(word), labels, body, self._uri, start, head, head)
        self._next()
        self._body(body, nested=True)
        self._depth -= 1
        if self._text == b"}":
            block.end = self._end
            self._next()
        else:
            block.end = self._before
            body.broken = True
            if not self._stopped:
                self._tell(_Problem("The block is not closed.", start, head))
        return block

    # ---- recovery

    def _tell(self, problem: _Problem) -> None:
        """Record a mistake; of those on one line only the first, it explains the others."""
        line = self._data.rfind(b"\n", 0, problem.start)
        if line in self._told:
            return
        self._told.add(line)
        end = min(max(problem.end, problem.start + 1), len(self._data))
        start = min(problem.start, max(end - 1, 0))
        detail = problem.detail
        if len(self._told) > _MOST_PROBLEMS:
            self._stopped = True
            end, detail = len(self._data), "There are too many mistakes: the rest is not read."
        elif len(self._told) == _MOST_TOLD + 1:
            detail = "From here on mistakes are not told one by one."
        elif len(self._told) > _MOST_TOLD:
            return
        self.gaps.append(SourceGap(Place(self._uri, start, end), "malformed", detail))

    def _recover(self, argument: int, mistake: int) -> None:
        """Go on after an argument or block that does not parse, from where that was noticed."""
        opened, self._open = self._open, []
        self._match = _LINES
        self._limit = len(self._data)
        line_end = self._line_end(mistake)
        top = _TOP_LEVEL_LINE.search(self._data, argument + 1, line_end)
        if top is not None:
            self._go(top.start())
            return
        position = self._after_brackets(opened, mistake) if opened else None
        if position is None:
            line = self._data.rfind(b"\n", 0, mistake) + 1
            # A closing brace belongs to the block around; a line of its own may be an argument again.
            begins = line > argument and not self._data[line:mistake].strip()
            closes = self._data[mistake : mistake + 1] == b"}" and mistake > argument
            position = mistake if closes or begins else line_end
        self._go(position)

    def _go(self, position: int) -> None:
        self._end = position
        self._next()

    def _line_end(self, position: int) -> int:
        found = self._data.find(b"\n", position)
        return len(self._data) if found < 0 else found

    def _after_brackets(self, opened: list[bytes], position: int) -> int | None:
        """Return the end of the line on which all that is open is closed; None when it does not come to that."""
        wanted = list(opened)
        for _ in range(_MOST_TOKENS_PASSED):
            match = _LINES(self._data, position, len(self._data))
            kind = match.lastindex if match else None
            if match is None or kind is None:
                return None
            start, position = match.span(kind)
            token = match[kind]
            if kind == _QUOTE:
                position = self._line_end(position)
            elif kind == _HEREDOC:
                _, after = heredoc_region(self._data, token, position, len(self._data))
                position = max(position, after)
            elif kind == _IDENTIFIER:
                if self._data[start - 1 : start] == b"\n" and _TOP_LEVEL.match(self._data, start):
                    return None
            elif token in _OPENERS:
                wanted.append(_OPENERS[token])
            elif token in _CLOSERS:
                if token != wanted.pop():
                    return None
                if not wanted:
                    return self._line_end(position)
        return None

    # ---- expressions

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise _Problem(f"It is nested more than {MOST_DEPTH} deep.", self._start, self._end)
        node = self._operand()
        if self._text in _PRECEDENCE and self._kind == _OPERATOR:
            node = self._operations(node, 1)
        if self._text == b"?":
            self._next()
            then = self._expression()
            if self._text != b":":
                raise self._problem("A colon")
            self._next()
            node = Conditional(node, then, self._expression())
        self._depth -= 1
        return node

    def _operations(self, left: Node, least: int) -> Node:
        """Read what follows an operand while its operators bind at least so strongly."""
        while True:
            precedence = _PRECEDENCE.get(self._text, 0)
            if precedence < least:
                return left
            rest: list[tuple[str, Node]] = []
            while _PRECEDENCE.get(self._text, 0) == precedence:
                operator = self._text.decode()
                self._next()
                right = self._operand()
                if _PRECEDENCE.get(self._text, 0) > precedence:
                    right = self._operations(right, precedence + 1)
                rest.append((operator, right))
            left = Operation(left, rest)

    def _operand(self) -> Node:
        kind, text = self._kind, self._text
        node: Node
        if kind == _STRING:
            node = Literal(text[1:-1].decode("utf-8", "replace"))
            self._next()
        elif kind == _IDENTIFIER:
            self._next()
            if self._text in (b"(", b"::"):
                node = self._call(self._name(text))
            elif text in _WORDS:
                node = Literal(_WORDS[text])
            else:
                node = Name(self._name(text))
        elif kind == _NUMBER:
            node = Literal(self._number(text))
            self._next()
        elif kind == _QUOTE:
            node = self._template(quoted=True, flushed=False)
        elif kind == _HEREDOC:
            node = self._heredoc()
        elif text == b"[":
            node = self._sequence()
        elif text == b"{":
            node = self._mapping()
        elif text == b"(":
            mode = self._enter(b")", _FREE)
            node = self._expression()
            self._leave(b")", mode)
        elif text in (b"!", b"-"):
            operators = ""
            while self._kind == _OPERATOR and self._text in (b"!", b"-"):
                operators += self._text.decode()
                self._next()
            return Unary(operators, self._operand())
        else:
            raise self._problem("An expression")
        if self._kind == _OPERATOR and self._text in (b".", b"["):
            return self._traversal(node)
        return node

    def _number(self, text: bytes) -> int | float:
        if len(text) > _MOST_DIGITS:
            raise _Problem("A number has too many digits.", self._start, self._end)
        return int(text) if text.isdigit() else float(text)

    def _enter(self, closes: bytes, mode: _Match) -> _Match:
        """Pass an opening bracket; returns how tokens were read before it."""
        before = self._match
        self._open.append(closes)
        self._match = mode
        self._next()
        return before

    def _leave(self, closes: bytes, mode: _Match) -> None:
        if self._text != closes:
            raise self._problem(closes.decode())
        self._open.pop()
        self._match = mode
        self._next()

    def _traversal(self, base: Node) -> Node:
        steps: list[str | Node] = []
        while self._kind == _OPERATOR:
            if len(steps) > MOST_DEPTH:
                raise _Problem(f"A reference has more than {MOST_DEPTH} steps.", self._start, self._end)
            if self._text == b".":
                self._next()
                if self._kind == _IDENTIFIER:
                    steps.append(self._name(self._text))
                elif self._text == b"*":
                    steps.append(ATTRIBUTE_SPLAT)
                elif self._kind == _NUMBER and self._text.replace(b".", b"").isdigit():
                    # What older versions wrote for an index; of two in a row the token is a number with a point.
                    steps.extend(self._text[:_MOST_DIGITS].decode().split("."))
                else:
                    raise self._problem("A name")
                self._next()
            elif self._text == b"[":
                mode = self._enter(b"]", _FREE)
                if self._text == b"*":
                    self._next()
                    steps.append(FULL_SPLAT)
                else:
                    steps.append(self._expression())
                self._leave(b"]", mode)
            else:
                break
        return Traversal(base, steps)

    def _call(self, name: str) -> Node:
        while self._text == b"::":
            self._next()
            if self._kind != _IDENTIFIER:
                raise self._problem("A name")
            name += "::" + self._name(self._text)
            self._next()
        if self._text != b"(":
            raise self._problem("(")
        mode = self._enter(b")", _FREE)
        arguments: list[Node] = []
        spread = False
        while self._text != b")":
            arguments.append(self._expression())
            if self._text == b"...":
                self._next()
                spread = True
                break
            if self._text != b",":
                break
            self._next()
        self._leave(b")", mode)
        return Call(name, arguments, spread)

    def _sequence(self) -> Node:
        mode = self._enter(b"]", _FREE)
        if self._text == b"for" and self._kind == _IDENTIFIER:
            return self._for(b"]", mode)
        items: list[Node] = []
        while self._text != b"]":
            items.append(self._expression())
            if self._text != b",":
                break
            self._next()
        self._leave(b"]", mode)
        return Sequence(items)

    def _mapping(self) -> Node:
        mode = self._enter(b"}", _LINES)
        while self._kind == _NEWLINE:
            self._next()
        if self._text == b"for" and self._kind == _IDENTIFIER:
            self._match = _FREE
            return self._for(b"}", mode)
        items: list[tuple[Node, Node, int, int]] = []
        while self._text != b"}":
            start = self._start
            # A bare word is a name; in parentheses it is a reference.
            bare = self._kind == _IDENTIFIER
            key = self._expression()
            if bare and isinstance(key, Name):
                key = Literal(key.name)
            if self._text not in (b"=", b":"):
                raise self._problem("=")
            self._next()
            value = self._expression()
            items.append((key, value, start, self._before))
            if self._text == b",":
                self._next()
            elif self._kind != _NEWLINE:
                break
            while self._kind == _NEWLINE:
                self._next()
        self._leave(b"}", mode)
        return Mapping(items)

    def _for(self, closes: bytes, mode: _Match) -> Node:
        key, item = self._loop_names()
        collection = self._expression()
        if self._text != b":":
            raise self._problem("A colon")
        self._next()
        value = self._expression()
        result_key = None
        grouped = False
        if closes == b"}":
            if self._text != b"=>":
                raise self._problem("=>")
            self._next()
            result_key, value = value, self._expression()
            if self._text == b"...":
                grouped = True
                self._next()
        condition = None
        if self._text == b"if":
            self._next()
            condition = self._expression()
        self._leave(closes, mode)
        return For(key, item, collection, result_key, value, condition, grouped)

    def _loop_names(self) -> tuple[str, str]:
        """Read ``for key, item in``."""
        self._next()
        names: list[str] = []
        while self._kind == _IDENTIFIER and len(names) < 2:
            names.append(self._name(self._text))
            self._next()
            if self._text != b",":
                break
            self._next()
        if not names or self._text != b"in":
            raise self._problem("The names of a for, then in,")
        self._next()
        return ("", names[0]) if len(names) == 1 else (names[0], names[1])

    # ---- templates

    def _heredoc(self) -> Node:
        opener = self._text
        (begin, end), after = heredoc_region(self._data, opener, self._end, self._limit)
        if after < 0:
            raise _Problem("The text is not ended by its word on a line of its own.", self._start, self._end)
        mode, limit = self._match, self._limit
        self._end, self._limit = begin, end
        node = self._template(quoted=False, flushed=opener.startswith(b"<<-"))
        self._limit = limit
        self._end = after
        self._match = mode
        self._next()
        return node

    def _template(self, *, quoted: bool, flushed: bool) -> Node:
        """Read text from where the last token ended to its closing quote, or to the limit."""
        begin = self._start
        mode = self._match
        parts: list[Part] = []
        self._read_parts(parts, quoted)
        if flushed:
            parts = flush(parts)
        if quoted:
            self._match = mode
            self._next()
            if len(parts) == 1 and not isinstance(parts[0], str | Directive):
                return parts[0]
        built = build(parts)
        if built is None:
            raise _Problem("The directives of the text do not match.", begin, begin + 1)
        return built

    def _read_parts(self, parts: list[Part], quoted: bool) -> None:
        data, limit = self._data, self._limit
        plain = _QUOTED_TEXT if quoted else _PLAIN_TEXT
        position = self._end
        opened = self._start
        text: list[str] = []
        trim = False
        """Whether white space at the beginning of the next text is cut off: a marker before it says so."""
        while True:
            if position >= limit:
                if quoted:
                    raise _Problem("The text in quotes is not closed.", opened, position)
                break
            match = plain(data, position, limit)
            if match:
                text.append(match[0].decode("utf-8", "replace"))
                position = match.end()
                continue
            head = data[position : position + 3]
            if head in (b"$${", b"%%{"):
                text.append(head[1:].decode())
                position += 3
            elif head.startswith((b"${", b"%{")):
                start = position
                position += 2
                if data[position : position + 1] == b"~":
                    position += 1
                    text = ["".join(text).rstrip()]
                self._take(parts, text, trim)
                text = []
                self._start, self._end, self._match = start, position, _FREE
                self._next()
                self._open.append(b"}")
                parts.append(self._expression() if head.startswith(b"$") else self._directive())
                trim = self._text == b"~"
                if trim:
                    self._next()
                if self._text != b"}":
                    raise self._problem("}")
                self._open.pop()
                position = self._end
            elif head.startswith((b"$", b"%")):
                text.append(head[:1].decode())
                position += 1
            elif head.startswith(b'"'):
                position += 1
                break
            elif head.startswith(b"\\"):
                escape = _ESCAPE(data, position, limit)
                if escape is None:
                    raise _Problem("An escape of this kind is not known.", position, position + 2)
                text.append(_unescape(escape))
                position = escape.end()
            else:
                raise _Problem("The text in quotes is not closed on its line.", opened, position)
        self._take(parts, text, trim)
        self._end = position

    @staticmethod
    def _take(parts: list[Part], text: list[str], trim: bool) -> None:
        joined = "".join(text)
        if trim:
            joined = joined.lstrip()
        if joined:
            parts.append(joined)

    def _directive(self) -> Directive:
        word = self._text
        if self._kind == _IDENTIFIER:
            if word == b"if":
                self._next()
                return Directive("if", self._expression())
            if word == b"for":
                key, item = self._loop_names()
                return Directive("for", self._expression(), key, item)
            if word in _ENDINGS:
                self._next()
                return Directive(_ENDINGS[word])
        raise self._problem("if, else, endif, for or endfor")


def heredoc_region(data: bytes, opener: bytes, start: int, limit: int) -> tuple[tuple[int, int], int]:
    """Return where the text of a heredoc begins and ends, and where its ending word ends, -1 when there is none."""
    word = opener.strip().lstrip(b"<").removeprefix(b"-")
    position = start
    while position <= limit:
        line_end = data.find(b"\n", position, limit)
        if line_end < 0:
            line_end = limit
        if data[position:line_end].strip() == word:
            return (start, position), position + len(data[position:line_end].rstrip())
        position = line_end + 1
    return (start, limit), -1


def _unescape(escape: re.Match[bytes]) -> str:
    if escape[1] is not None:
        return _ESCAPES[escape[1]]
    code = int(escape[2] or escape[3], 16)
    # Half of a surrogate pair, or a number beyond Unicode, is no text that could be written anywhere.
    return "\ufffd" if 0xD800 <= code < 0xE000 or code > 0x10FFFF else chr(code)
