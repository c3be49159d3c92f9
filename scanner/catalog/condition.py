"""For which operations a condition restricts a permission entry at all.

A condition (Azure ABAC, version 2.0) is a boolean expression. Typically it guards one operation and lets all others
pass: `(!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'}) OR (...))`. What attributes will hold
at run time is not known here, but which operation is asked for is: so the expression is evaluated in three-valued
logic with `ActionMatches` known and every other term unknown. Where the result is surely true the condition does not
restrict that operation, where surely false the entry never grants it, else it depends.

Sets of operations are bit sets, see `operations`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

# `NOT(NOT(NOT(...` deeper than this is taken as a term nothing is known about.
_DEEPEST = 60

_TOKEN = re.compile(
    r"""
    \s+
    | (?P<action> (?<![\w])ActionMatches \s* \{ (?P<patterns> [^{}]* ) \} )
    | (?P<and> && | \bAND\b )
    | (?P<or> \|\| | \bOR\b )
    | (?P<not> ! (?!=) | \bNOT\b )
    | (?P<open> \( )
    | (?P<close> \) )
    | (?P<term> '[^']*' | \[ [^\]]* \] | \{ [^{}]* \} | [\w@:.,=<>%/+*-]+ )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_QUOTED = re.compile(r"'([^']*)'")


class Outcome(NamedTuple):
    """Operations for which the condition surely holds, and those for which it may hold."""

    surely: int
    maybe: int


class _Node(NamedTuple):
    kind: Literal["action", "term", "not", "and", "or"]
    patterns: tuple[str, ...] = ()
    parts: tuple[_Node, ...] = ()


_UNKNOWN = _Node("term")


def evaluate(condition: str | None, covered: Callable[[str], int], everything: int) -> Outcome:
    """Split `everything` by what the condition says of each operation.

    `covered` gives the bit set of a lower-case pattern. No condition holds for all. A condition that cannot be
    parsed may hold for all and surely holds for none: it counts as a restriction nobody has understood.
    """
    if condition is None or not condition.strip():
        return Outcome(everything, everything)
    return _evaluate(_parse(condition), covered, everything)


def _evaluate(node: _Node, covered: Callable[[str], int], everything: int) -> Outcome:
    if node.kind == "term":
        return Outcome(0, everything)
    if node.kind == "action":
        mask = 0
        for pattern in node.patterns:
            mask |= covered(pattern)
        mask &= everything
        return Outcome(mask, mask)
    outcomes = [_evaluate(part, covered, everything) for part in node.parts]
    surely, maybe = outcomes[0]
    if node.kind == "not":
        return Outcome(everything & ~maybe, everything & ~surely)
    for other in outcomes[1:]:
        if node.kind == "and":
            surely, maybe = surely & other.surely, maybe & other.maybe
        else:
            surely, maybe = surely | other.surely, maybe | other.maybe
    return Outcome(surely, maybe)


class _NotUnderstoodError(Exception):
    pass


@lru_cache(maxsize=4_096)
def _parse(condition: str) -> _Node:
    try:
        tokens = _tokens(condition)
        node, end = _parse_or(tokens, 0, 0)
        return node if end == len(tokens) else _UNKNOWN
    except _NotUnderstoodError:
        return _UNKNOWN


class _Token(NamedTuple):
    kind: str
    patterns: tuple[str, ...] = ()


def _tokens(condition: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(condition):
        match = _TOKEN.match(condition, at)
        if match is None:
            raise _NotUnderstoodError
        at = match.end()
        kind = match.lastgroup
        if match["action"]:
            patterns = tuple(text.strip().lower() for text in _QUOTED.findall(match["patterns"]))
            if not patterns:
                raise _NotUnderstoodError
            tokens.append(_Token("action", patterns))
        elif kind is not None:
            tokens.append(_Token(kind))
    return tokens


def _parse_or(tokens: list[_Token], at: int, depth: int) -> tuple[_Node, int]:
    return _parse_chain(tokens, at, depth, "or")


def _parse_chain(tokens: list[_Token], at: int, depth: int, kind: Literal["and", "or"]) -> tuple[_Node, int]:
    """`a OR b OR c`; AND binds tighter than OR."""
    parts: list[_Node] = []
    while True:
        if kind == "or":
            part, at = _parse_chain(tokens, at, depth, "and")
        else:
            part, at = _parse_single(tokens, at, depth)
        parts.append(part)
        if at >= len(tokens) or tokens[at].kind != kind:
            break
        at += 1
    return (parts[0] if len(parts) == 1 else _Node(kind, parts=tuple(parts))), at


def _parse_single(tokens: list[_Token], at: int, depth: int) -> tuple[_Node, int]:
    if at >= len(tokens) or depth > _DEEPEST:
        raise _NotUnderstoodError
    token = tokens[at]
    if token.kind == "not":
        node, at = _parse_single(tokens, at + 1, depth + 1)
        return _Node("not", parts=(node,)), at
    if token.kind == "open":
        node, at = _parse_or(tokens, at + 1, depth + 1)
        if at >= len(tokens) or tokens[at].kind != "close":
            raise _NotUnderstoodError
        return node, at + 1
    if token.kind == "action":
        return _Node("action", patterns=token.patterns), at + 1
    start = at
    # `@Resource[a:b] StringEquals 'c'` is one term of several tokens; a bracket may follow an operator word.
    while at < len(tokens) and tokens[at].kind == "term":
        at += 1
    if at == start:
        raise _NotUnderstoodError
    return _UNKNOWN, at
