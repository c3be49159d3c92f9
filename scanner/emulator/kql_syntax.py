"""The text of a query: what Resource Graph allows in it, and how it says no."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

OPERATORS = frozenset(
    ("count", "distinct", "extend", "join", "limit", "take", "mv-expand", "mvexpand", "order", "sort")
).union(("parse", "project", "project-away", "summarize", "top", "union", "where"))
MV_EXPAND_DEFAULT, MV_EXPAND_MOST = 128, 400
# duckdb-kql has no strcmp, the only way to compare the order of strings in Kusto; its text goes before the query.
STRCMP = "let strcmp=(a:string, b:string) { iff(a < b, -1, iff(a > b, 1, 0)) }; "
LITERAL = re.compile(r"""@"(?:[^"]|"")*"|@'(?:[^']|'')*'|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|//[^\n]*""")
# A keyword to the translator; to Azure it is one only where it says how to join, union, parse or expand.
_KIND = re.compile(r"(?<!\w)\.?kind\b(?!\s*\()")
_TAKES_KIND = re.compile(r"\b(?:join|union|parse|mv-expand|mvexpand)\s+$", re.IGNORECASE)
_SQL_LITERAL = re.compile(r"'(?:[^']|'')*'")
_SQL_TABLE = re.compile(r'\b(?:FROM|JOIN)\s+"([^"]+)"')


class InvalidQueryError(Exception):
    """A query that Resource Graph would refuse; `details` are the entries of error.details."""

    def __init__(self, *details: dict[str, Any]) -> None:
        super().__init__(str(details))
        self.details = list(details)


def tables_in(sql: str) -> Iterator[str]:
    """Tables read by translated SQL, as the query spelled them; its own steps (`_s0`) left out."""
    for name in _SQL_TABLE.findall(_SQL_LITERAL.sub("''", sql)):
        if not name.startswith("_s"):
            yield name


def with_kind_quoted(query: str) -> str:
    """The query with the name `kind`, where it stands bare as Azure allows, written `['kind']`."""
    bare = blanked(query)
    for match in reversed(list(_KIND.finditer(bare))):
        if not (_TAKES_KIND.search(bare[: match.start()]) and re.match(r"\s*=(?![=~])", bare[match.end() :])):
            query = f"{query[: match.start()]}['kind']{query[match.end() :]}"
    return query


def blanked(query: str) -> str:
    """The query with spaces in place of its literals and comments."""
    return LITERAL.sub(lambda match: " " * len(match.group()), query)


def operators_in(bare: str) -> list[tuple[str, int]]:
    """Operator words after each pipe, with the offset where the operator's text begins."""
    return [
        (match.group(1).lower(), match.start(1)) for match in re.finditer(r"\|\s*([A-Za-z][A-Za-z-]*)", bare)
    ]


def bounded(query: str, bare: str, operators: list[tuple[str, int]]) -> str:
    """The query with Azure's silent row limit written into every `mv-expand`."""
    for operator, start in reversed(operators):
        if operator not in ("mv-expand", "mvexpand"):
            continue
        ends = [offset for offset in (bare.find("|", start), bare.find(")", start)) if offset >= 0]
        # A closing bracket inside the operator belongs to a function call: only a pipe ends it then.
        end = (
            bare.find("|", start)
            if "(" in bare[start : min(ends, default=len(bare))]
            else min(ends, default=-1)
        )
        end = len(query) if end < 0 else end
        limit = re.search(r"\blimit\s+(\d+)\s*$", bare[start:end], re.IGNORECASE)
        if limit is None:
            query = f"{query[:end].rstrip()} limit {MV_EXPAND_DEFAULT} {query[end:]}"
        elif int(limit.group(1)) > MV_EXPAND_MOST:
            raise InvalidQueryError(
                invalid(), {"code": "InvalidQuery", "message": "mv-expand limit is at most 400"}
            )
    return query


def invalid() -> dict[str, Any]:
    """The first entry of error.details of every refused query."""
    return {
        "code": "InvalidQuery",
        "message": "Query is invalid. Please refer to the documentation for the Azure Resource Graph service "
        "and fix the error before retrying.",
    }


def parser_failure(diagnostic: Any, shift: int) -> dict[str, Any]:
    """The entry for a syntax error, its place moved back by the text put before the first line."""
    found = re.search(r"input '([^']*)' expecting (.*)", diagnostic.message)
    return {
        "code": "ParserFailure",
        "message": "ParserFailure",
        "line": diagnostic.span.line,
        "characterPositionInLine": diagnostic.span.column - (shift if diagnostic.span.line == 1 else 0),
        "token": found.group(1) if found else "<EOF>",
        "expectedToken": found.group(2) if found else diagnostic.message,
    }
