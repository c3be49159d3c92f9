"""How an object in code is laid out: in lines or in one, and how what is in it is indented."""

from __future__ import annotations

from scanner.engine.code_object import CodeObject, Entry
from scanner.engine.code_text import CodeText, Span

STEP = "  "
"""What an object is indented by where the file does not tell."""


def is_one_line(here: CodeObject) -> bool:
    """Whether an object begins and ends in the same line."""
    return here.code.line_of(here.body.start) == here.code.line_of(here.body.end - 1)


def line_end(here: CodeObject) -> str:
    """Return how lines end in an object, or in its file."""
    text = here.code.text
    found = text.find("\n", here.body.start)
    if found < 0:
        found = text.find("\n")
    return "\r\n" if found > 0 and text[found - 1] == "\r" else "\n"


def indent_of(here: CodeObject, entry: Entry) -> str | None:
    """Return how a property is indented; None when it does not begin its line."""
    line = here.code.line_span(here.code.line_of(entry.start))
    before = here.code.text[line.start : entry.start]
    return None if before.strip() or entry.start <= here.body.start else before


def step(here: CodeObject, indent: str) -> str:
    """Return what an object is indented by more than what is around it, as its neighbours have it."""
    code = here.code
    closing = code.line_span(code.line_of(here.body.end - 1))
    outer = blank_before(code.text[closing.start : here.body.end - 1])
    return indent[len(outer) :] if indent.startswith(outer) and indent != outer else STEP


def equals(here: CodeObject, entry: Entry) -> int:
    """Return the column of a neighbour's equals sign in its line, from 0."""
    if here.language != "hcl" or entry.is_block:
        return 0
    line = here.code.line_span(here.code.line_of(entry.start))
    return here.code.text.find("=", entry.start, entry.value.start) - line.start


def blank_before(before: str) -> str:
    """Return the blanks that a text begins with."""
    return before[: len(before) - len(before.lstrip())]


def is_blank(code: CodeText, span: Span) -> bool:
    """Whether there is nothing but blanks and comments that end there."""
    at, whole = span.start, code.whole()
    while at < span.end:
        if at in whole and whole[at][0] == "comment":
            at = whole[at][1].end
        elif code.text[at].isspace():
            at += 1
        else:
            return False
    return at == span.end
