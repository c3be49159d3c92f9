"""The edits that take properties out of an object in code, their lines and commas with them."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.engine.code_layout import is_blank
from scanner.engine.code_object import CodeObject, Entry
from scanner.engine.code_text import CodeText, Span, TextEdit


def removals(here: CodeObject, removed: Sequence[Entry], kept: Sequence[Entry]) -> list[TextEdit]:
    """Return the edits that take properties out and leave those that are kept with commas between them only."""
    code = here.code
    edits = []
    for entry in removed:
        comma = _comma_after(here, entry)
        edits.append(
            _removal(code, Span(entry.start, entry.value.end if comma is None else comma + 1), here.body)
        )
    last = kept[-1] if kept else None
    if last is not None and any(entry.start > last.start for entry in removed):
        # No comma may stay behind what is the last one now.
        comma = _comma_after(here, last)
        if comma is not None:
            edits.append(TextEdit(comma, comma + 1, ""))
    return edits


def _removal(code: CodeText, gone: Span, body: Span) -> TextEdit:
    first = code.line_span(code.line_of(gone.start))
    final = code.line_span(code.line_of(gone.end))
    before, rest = code.text[first.start : gone.start], Span(gone.end, final.end)
    if not before.strip() and rest.end < body.end and is_blank(code, rest):
        return TextEdit(first.start, rest.end, "")
    start = gone.start
    if code.text[gone.end : gone.end + 1] not in (" ", "\t"):
        start = first.start + len(before.rstrip()) if before.strip() else gone.start
    end = gone.end
    while end < len(code.text) and code.text[end] in " \t":
        end += 1
    return TextEdit(start, end, "")


def _comma_after(here: CodeObject, entry: Entry) -> int | None:
    """Return where the comma is that stands behind a property, comments and, in JSON, lines between."""
    text, whole, at = here.code.text, here.code.whole(), entry.value.end
    while at < here.body.end - 1:
        if at in whole and whole[at][0] == "comment":
            at = whole[at][1].end
        elif text[at] == ",":
            return at
        elif text[at] in " \t" or (here.language == "json" and text[at].isspace()):
            at += 1
        else:
            return None
    return None
