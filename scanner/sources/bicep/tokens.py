"""Bicep text to tokens: parallel lists of kinds, words and offsets, without an object per token.

The text is the file's bytes read as Latin-1, one character a byte, so that every offset is one of the file. What is
not ASCII can only stand in strings and comments; :mod:`strings` decodes those that are kept.
"""

from __future__ import annotations

import re
from itertools import islice

import msgspec

MAX_TOKENS = 300_000
"""The largest real file has 12,000; a token with what is read from it takes up to 500 bytes."""

(
    END,
    NEWLINE,
    IDENTIFIER,
    NUMBER,
    STRING,  # '...' without an expression in it
    STRING_START,  # '...${
    STRING_MIDDLE,  # }...${
    STRING_END,  # }...'
    VERBATIM,  # '''...''' and $'''...''' without an expression in it
    VERBATIM_START,  # $'''...${
    VERBATIM_MIDDLE,
    VERBATIM_END,
    UNCLOSED,  # text without its closing quote
    UNKNOWN,  # what no token starts with
    LEFT_BRACE,
    RIGHT_BRACE,
    LEFT_BRACKET,
    RIGHT_BRACKET,
    LEFT_PAREN,
    RIGHT_PAREN,
    COLON,
    DOUBLE_COLON,
    COMMA,
    DOT,
    ELLIPSIS,
    AT,
    ASSIGN,
    ARROW,
    NOT,
    PIPE,
    HAT,
    QUESTION,  # from here to MINUS: what can go on with an expression after a whole operand
    COALESCE,
    OR,
    AND,
    EQUAL,
    NOT_EQUAL,
    EQUAL_NO_CASE,
    NOT_EQUAL_NO_CASE,
    LESS,
    LESS_OR_EQUAL,
    GREATER,
    GREATER_OR_EQUAL,
    PLUS,
    STAR,
    SLASH,
    PERCENT,
    MINUS,
) = range(48)

_SYMBOLS = {
    "{": LEFT_BRACE,
    "}": RIGHT_BRACE,
    "[": LEFT_BRACKET,
    "]": RIGHT_BRACKET,
    "(": LEFT_PAREN,
    ")": RIGHT_PAREN,
    ":": COLON,
    "::": DOUBLE_COLON,
    ",": COMMA,
    ".": DOT,
    "...": ELLIPSIS,
    "@": AT,
    "=": ASSIGN,
    "=>": ARROW,
    "!": NOT,
    "|": PIPE,
    "^": HAT,
    "?": QUESTION,
    "??": COALESCE,
    "||": OR,
    "&&": AND,
    "==": EQUAL,
    "!=": NOT_EQUAL,
    "=~": EQUAL_NO_CASE,
    "!~": NOT_EQUAL_NO_CASE,
    "<": LESS,
    "<=": LESS_OR_EQUAL,
    ">": GREATER,
    ">=": GREATER_OR_EQUAL,
    "+": PLUS,
    "*": STAR,
    "/": SLASH,
    "%": PERCENT,
    "-": MINUS,
}

_BY_FIRST = {
    **dict.fromkeys("\r\n", NEWLINE),
    **dict.fromkeys("0123456789", NUMBER),
    **dict.fromkeys("_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", IDENTIFIER),
}

# Single characters repeat possessively and no two alternatives begin alike, so no text takes more than linear time.
# Groups do not: Python before 3.11.5 gets possessive groups wrong (gh-106052).
_COMMENT = (
    r"//[^\r\n]*+|/\*(?s:.*?)\*/|\#(?:disable-next-line|disable-diagnostics|restore-diagnostics)[^\r\n]*+"
)
_BODY = r"[^'\\$\r\n]*+(?:(?:\\[^\r\n]|\$(?!\{))[^'\\$\r\n]*+)*"
_TOKEN = re.compile(
    rf"""
    (?:[ \t]++|{_COMMENT})*
    (?:
      ( [A-Za-z_][A-Za-z0-9_]*+
      | [\r\n](?:[\r\n\ \t]++|{_COMMENT})*     # line ends next to each other, with what is between, are one token
      | [{{}}\[\](),@^+*%-] | ::? | \.\.\. | \. | =[=~>]? | ![=~]? | \?\?? | \|\|? | && | <=? | >=? | /(?!\*)
      | [0-9]++
      )                                         # 1: a word, a symbol, a number, line ends
    | (?!''')('{_BODY}')                        # 2: a whole string
    | (?!''')('{_BODY}\$\{{)                    # 3: a string up to its first expression
    | (\$*+''')                                 # 4: the start of verbatim text
    | ('{_BODY})                                # 5: a string that ends with its line
    | (/\*)                                     # 6: a comment that is not closed
    | (\Z)                                      # 7
    | ([^\x00-\x7f]++|\$++|(?s:.))              # 8: nothing Bicep knows
    )
    """,
    re.VERBOSE,
)
_STRING_GOES_ON = re.compile(rf"\}}{_BODY}(?:(')|(\$\{{)|)")
_VERBATIM_STOP = re.compile(r"\$++\{?|'''++")


class Tokens(msgspec.Struct):
    """A file in tokens; the last one is of kind ``END`` and empty."""

    text: str
    kinds: list[int] = []
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    unread: tuple[int, int, str, str] | None = None
    """The part of the file from which there are no tokens: start, end, reason and sentence for its gap."""


def tokenize(text: str, start: int = 0) -> Tokens:
    """Split Latin-1 text into tokens from an offset on. Any text at all gives tokens; none overlap."""
    tokens = Tokens(text)
    kinds, words, starts, ends = tokens.kinds, tokens.words, tokens.starts, tokens.ends
    holes: list[
        list[int]
    ] = []  # the expressions in strings that are open: [braces open in it, dollars of the string]
    position = start
    while True:
        position = _run(tokens, position, holes)
        if position < 0:
            break
    kinds.append(END)
    words.append("")
    starts.append(len(text))
    ends.append(len(text))
    return tokens


def _run(tokens: Tokens, position: int, holes: list[list[int]]) -> int:
    """Read tokens up to a place where another rule applies than ``_TOKEN``: return it, or -1 at the end."""
    text = tokens.text
    kinds, words, starts, ends = tokens.kinds, tokens.words, tokens.starts, tokens.ends
    symbol, by_first = _SYMBOLS.get, _BY_FIRST
    for match in islice(_TOKEN.finditer(text, position), MAX_TOKENS - len(kinds)):
        group = match.lastindex
        if group == 1:
            word = match[1]
            kind = symbol(word)
            if kind is None:
                kind = by_first[word[0]]
                if holes and kind == NEWLINE:  # text does not go over a line's end: the string was not closed
                    holes.clear()
                    _append(tokens, UNCLOSED, match.start(1), match.start(1))
            elif holes and kind in (LEFT_BRACE, RIGHT_BRACE):
                if kind == LEFT_BRACE:
                    holes[-1][0] += 1
                elif holes[-1][0]:
                    holes[-1][0] -= 1
                elif holes[-1][1]:
                    return _verbatim(tokens, match.start(1), match.end(), holes)
                else:
                    return _string_goes_on(tokens, match.start(1), holes)
        elif group == 2:
            kind, word = STRING, match[2]
        elif group == 3:
            holes.append([0, 0])
            kind, word = STRING_START, match[3]
        elif group == 4:
            return _verbatim_start(tokens, match.start(4), match.end(), holes)
        elif group == 5:
            kind, word = UNCLOSED, match[5]
        elif group == 6:
            tokens.unread = (
                match.start(6),
                len(text),
                "malformed",
                "The comment that starts here is not closed.",
            )
            return -1
        elif group == 7:
            if holes:
                _append(tokens, UNCLOSED, match.start(7), match.start(7))
            return -1
        else:
            kind, word = UNKNOWN, match[8]
        kinds.append(kind)
        words.append(word)
        starts.append(match.start(group))  # type: ignore[arg-type]  # one of the groups always matches
        ends.append(match.end())
    end = ends[-1]
    tokens.unread = (
        end,
        len(text),
        "skipped",
        f"The file has more than {MAX_TOKENS:,} tokens; the rest was not read.",
    )
    return -1


def _append(tokens: Tokens, kind: int, start: int, end: int) -> int:
    tokens.kinds.append(kind)
    tokens.words.append(tokens.text[start:end])
    tokens.starts.append(start)
    tokens.ends.append(end)
    return end


def _string_goes_on(tokens: Tokens, brace: int, holes: list[list[int]]) -> int:
    """Read on in a string behind an expression, from the brace that closes it."""
    match = _STRING_GOES_ON.match(tokens.text, brace)
    assert match is not None  # noqa: S101 # it starts with the brace that led here
    if match[2]:
        return _append(tokens, STRING_MIDDLE, brace, match.end())
    holes.pop()
    return _append(tokens, STRING_END if match[1] else UNCLOSED, brace, match.end())


def _verbatim_start(tokens: Tokens, start: int, inside: int, holes: list[list[int]]) -> int:
    """Read ``'''`` or ``$'''``: with dollars before it, as many before a brace open an expression."""
    dollars = inside - start - 3
    if dollars:
        holes.append([0, dollars])
        return _verbatim(tokens, start, inside, holes)
    close = tokens.text.find("'''", inside)
    if close < 0:
        return _append(tokens, UNCLOSED, start, len(tokens.text))
    close += 3
    while tokens.text.startswith("'", close):  # quotes next to the closing ones belong to the text
        close += 1
    return _append(tokens, VERBATIM, start, close)


def _verbatim(tokens: Tokens, start: int, inside: int, holes: list[list[int]]) -> int:
    """Read verbatim text from its start or from the brace that closes an expression in it."""
    text = tokens.text
    first = text[start] == "$"
    dollars = holes[-1][1]
    for stop in _VERBATIM_STOP.finditer(text, inside):
        if text[stop.start()] == "'":
            holes.pop()
            return _append(tokens, VERBATIM if first else VERBATIM_END, start, stop.end())
        if text[stop.end() - 1] == "{" and stop.end() - stop.start() > dollars:
            return _append(tokens, VERBATIM_START if first else VERBATIM_MIDDLE, start, stop.end())
    holes.pop()
    return _append(tokens, UNCLOSED, start, len(text))
