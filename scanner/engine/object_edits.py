"""Edits of objects and blocks in code: values are replaced, properties added and removed; all else stays as it is.

The edits of one :class:`ObjectEdits` are made together, so a property that goes can make room for one that comes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from scanner.engine.code_layout import STEP, blank_before, equals, indent_of, is_one_line, line_end, step
from scanner.engine.code_literal import Plain, literal
from scanner.engine.code_object import CodeObject, Entry
from scanner.engine.code_removal import removals
from scanner.engine.code_text import Span, TextEdit


class _New(NamedTuple):
    path: Sequence[str]
    value: Plain
    in_block: bool
    """Whether all names of the path but the last are blocks of Terraform's."""


class _Changed(msgspec.Struct):
    object: CodeObject
    removed: list[Entry] = []
    added: list[_New] = []


class ObjectEdits:
    """Collects what is to change in the objects of one file; ``text_edits`` tells it in characters."""

    def __init__(self) -> None:
        self._replaced: list[TextEdit] = []
        self._changed: dict[int, _Changed] = {}

    def set(self, here: CodeObject, path: Sequence[str], value: Plain, *, in_block: bool = False) -> bool:
        """Give the property at a path a value; false when an expression stands there, or it is written twice.

        A property that has the value is left alone. What is missing on the way is made: objects, or blocks of
        Terraform's with ``in_block``; it is refused where it is not told that a block needs no more than this.
        """
        for depth, name in enumerate(path):
            entries = here.named(name)
            if len(entries) > 1:
                return False
            if not entries:
                return self._add(here, _New(path[depth:], value, in_block))
            if depth == len(path) - 1:
                return self._replace(here, entries[0], value)
            inner = here.inner(entries[0])
            if inner is None:
                return False
            here = inner
        return False

    def remove(self, here: CodeObject, path: Sequence[str]) -> bool | None:
        """Take the property at a path out; None when it is not written, false when an expression stands on the way."""
        for depth, name in enumerate(path):
            entries = here.named(name)
            if not entries:
                return None
            if depth == len(path) - 1:
                if any(here.goes_on(entry) for entry in entries):
                    return False
                self._of(here).removed += entries
                return True
            inner = here.inner(entries[0])
            if inner is None or len(entries) > 1:
                return False
            here = inner
        return False

    def text_edits(self) -> list[TextEdit] | None:
        """Return the edits by their places; None when an object is written so that nothing can be added safely."""
        edits = list(self._replaced)
        for changed in self._changed.values():
            made = _edits_of(changed)
            if made is None:
                return None
            edits += made
        merged: list[TextEdit] = []
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
            if merged and merged[-1].end == edit.start:
                last = merged.pop()
                merged.append(TextEdit(last.start, edit.end, last.text + edit.text))
            else:
                merged.append(edit)
        return merged

    def _of(self, here: CodeObject) -> _Changed:
        return self._changed.setdefault(here.body.start, _Changed(here))

    def _add(self, here: CodeObject, new: _New) -> bool:
        if here.is_block and len(new.path) > 1:
            made_by_loop = any(
                entry.name == "dynamic" and entry.label == new.path[0] for entry in here.entries
            )
            if not new.in_block or made_by_loop:
                return False
        self._of(here).added.append(new)
        return True

    def _replace(self, here: CodeObject, entry: Entry, value: Plain) -> bool:
        written, wanted = here.text(entry), literal(value, here.language, templated=here.templated)
        if written == wanted:
            return True
        if not here.is_plain(entry) or here.goes_on(entry):
            return False
        self._replaced.append(TextEdit(entry.value.start, entry.value.end, wanted))
        return True


def _edits_of(changed: _Changed) -> list[TextEdit] | None:
    here, removed = changed.object, changed.removed
    if not changed.added:
        return removals(here, removed, [entry for entry in here.entries if entry not in removed])
    if here.is_block and is_one_line(here):
        return _spread(here, changed)
    if not removed:
        return _additions(here, changed.added)
    # What comes takes the place of what goes.
    first, *more = removed
    indent = indent_of(here, first)
    if indent is None and here.is_block:
        return None
    if indent is None:
        written = ", ".join(_written(here, new, None) for new in changed.added)
    else:
        end = line_end(here)
        lines = [_written(here, new, indent, end, equals(here, first)) for new in changed.added]
        comma = "," if here.language == "json" else ""
        written = f"{comma}{end}{indent}".join(lines)
    kept = [entry for entry in here.entries if entry not in more]
    return [TextEdit(first.start, first.value.end, written), *removals(here, more, kept)]


# ---- adding


def _additions(here: CodeObject, added: Sequence[_New]) -> list[TextEdit] | None:
    if any(here.goes_on(entry) for entry in here.entries):
        return None
    if is_one_line(here):
        return _in_one_line(here, added)
    arguments = [new for new in added if not (here.is_block and len(new.path) > 1)]
    blocks = [new for new in added if new not in arguments]
    edits: list[TextEdit] = []
    for news, last in (
        (arguments, _last_argument(here)),
        (blocks, here.entries[-1] if here.entries else None),
    ):
        made = _in_lines(here, news, last) if news else []
        if made is None:
            return None
        edits += made
    return edits


def _in_one_line(here: CodeObject, added: Sequence[_New]) -> list[TextEdit]:
    written = ", ".join(_written(here, new, None) for new in added)
    if here.entries:
        at = here.entries[-1].value.end
        return [TextEdit(at, at, f", {written}")]
    at = here.body.start + 1
    blank = "" if here.code.text[at].isspace() else " "
    return [TextEdit(at, at, f" {written}{blank}")]


def _spread(here: CodeObject, changed: _Changed) -> list[TextEdit] | None:
    """Write a block of one line, which can hold but one argument, in lines."""
    code, inside = here.code, Span(here.body.start + 1, here.body.end - 1)
    line = code.line_span(code.line_of(here.body.start))
    outer = blank_before(code.text[line.start : here.body.start])
    if code.has_comment(inside.start, inside.end):
        return None
    end, indent = line_end(here), outer + STEP
    kept = [code.text[e.start : e.value.end] for e in here.entries if e not in changed.removed]
    lines = [*kept, *(_written(here, new, indent, end) for new in changed.added)]
    return [TextEdit(inside.start, inside.end, "".join(f"{end}{indent}{one}" for one in lines) + end + outer)]


def _in_lines(here: CodeObject, added: Sequence[_New], last: Entry | None) -> list[TextEdit] | None:
    code, text, body = here.code, here.code.text, here.body
    indent = _indent_within(here, last)
    if indent is None:
        return None
    end = line_end(here)
    column = equals(here, last) if last is not None else 0
    blank = end if here.is_block and len(added[0].path) > 1 and here.entries else ""
    lines = [f"{blank}{end}{indent}{_written(here, new, indent, end, column)}" for new in added]
    at = last.value.end if last is not None else body.start + 1
    # What follows on the line, a comment or a comma, stays there.
    rest = text[at : code.line_span(code.line_of(at)).end].rstrip("\r\n")
    behind = at + len(rest)
    if behind >= body.end or code.has_comment(behind, behind + 1):
        if here.language != "json":
            return None
        behind = at
    if here.language != "json":
        return [TextEdit(behind, behind, "".join(lines))]
    comma, written = "," if last is not None else "", ",".join(lines)
    if not text[at:behind].strip():
        return [TextEdit(at, at, comma + written)]
    commas = [TextEdit(at, at, comma)] if comma else []
    return [*commas, TextEdit(behind, behind, written)]


def _last_argument(here: CodeObject) -> Entry | None:
    """Return what a new argument goes after: Terraform's blocks stand behind the arguments."""
    if not here.is_block:
        return here.entries[-1] if here.entries else None
    before = []
    for entry in here.entries:
        if entry.is_block:
            break
        before.append(entry)
    return before[-1] if before else None


def _indent_within(here: CodeObject, last: Entry | None) -> str | None:
    """Return how what is in an object is indented; None when it does not begin a line."""
    neighbour = last or (here.entries[0] if here.entries else None)
    if neighbour is not None:
        return indent_of(here, neighbour)
    code = here.code
    closing = code.line_span(code.line_of(here.body.end - 1))
    return blank_before(code.text[closing.start : here.body.end - 1]) + STEP


def _written(here: CodeObject, new: _New, indent: str | None, end: str = "", column: int = 0) -> str:
    """Return ``name = value`` with the objects or blocks around it, in lines, or in one without an indent.

    ``column``: where the equals signs of neighbours stand.
    """
    name, *rest = new.path
    shown = json.dumps(name) if here.language == "json" else name
    if not rest:
        sign = " = " if here.language == "hcl" else ": "
        if indent is not None and here.language == "hcl":
            shown = shown.ljust(column - len(indent) - 1)
        return f"{shown}{sign}{literal(new.value, here.language, templated=here.templated)}"
    sign = " " if new.in_block and here.is_block else " = " if here.language == "hcl" else ": "
    inner = _New(rest, new.value, new.in_block)
    if indent is None:
        return f"{shown}{sign}{{ {_written(here, inner, None)} }}"
    deeper = indent + step(here, indent)
    return f"{shown}{sign}{{{end}{deeper}{_written(here, inner, deeper, end)}{end}{indent}}}"
