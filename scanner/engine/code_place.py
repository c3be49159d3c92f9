"""What stands in a file at the place of a finding: the resource, output, parameter, provider or backend it is about."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Literal

import msgspec

from scanner.engine.code_object import CodeObject
from scanner.engine.code_text import CodeText, Language, Span

What = Literal["resource", "output", "parameter", "provider", "backend"]

_BLOCK = re.compile(
    r"(?<![\w.-])(?P<what>resource|output|variable|provider|backend)[ \t]+\"?(?P<label>[\w-]+)\"?"
    r"(?:[ \t]+\"?[\w-]+\"?)?[ \t]*\Z"
)
_HEAD_LIMIT = 400
"""Characters of a block's head."""
_GAP_LIMIT = 400
"""Blanks between the end of a loop's body and of the loop."""
_STATEMENT = re.compile(
    r"^[ \t]{0,99}(?P<what>output|param)[ \t]{1,99}(?P<name>\w{1,256})[ \t]{1,99}"
    r"(?P<type>[^\s=][^\r\n=]{0,299}?)[ \t]{0,99}(?==)",
    re.MULTILINE,
)
_RESOURCE = re.compile(r"resource[ \t]+\w+[ \t]+(?=')")
_WHATS: dict[str, What] = {
    "resource": "resource",
    "output": "output",
    "outputs": "output",
    "param": "parameter",
    "parameters": "parameter",
    "variable": "parameter",
    "provider": "provider",
    "backend": "backend",
}
_OF_PLANS = frozenset({"format_version", "planned_values", "resource_changes", "prior_state"})


class Statement(msgspec.Struct, frozen=True):
    """An output or parameter of Bicep: where its keyword is, where its type ends, and the type."""

    start: int
    type_end: int
    type: str


class Found(msgspec.Struct, frozen=True):
    """What a finding is about, as its file writes it; ``label``: Terraform's type of a resource, a provider's name."""

    what: What
    label: str
    object: CodeObject | None
    statement: Statement | None = None


class CodeFile:
    """One file, taken apart, in which findings have their places."""

    def __init__(self, code: CodeText, language: Language, *, of_terraform: bool) -> None:
        self.code = code
        self.language = language
        self.of_terraform = of_terraform

    @cached_property
    def is_made(self) -> bool:
        """Whether a tool made the file, so that an edit would be lost: a plan, or a template compiled from Bicep."""
        if self.language != "json":
            return False
        root = next((span for span in sorted(self.code.brackets, key=lambda span: span.start)), None)
        if root is None or self.code.text[root.start] != "{":
            return True
        body = CodeObject(self.code, "json", root)
        if not self.of_terraform and any(entry.name in _OF_PLANS for entry in body.entries):
            return True
        metadata = body.get("metadata")
        inside = body.inner(metadata) if metadata is not None else None
        return inside is not None and inside.get("_generator") is not None

    def at(self, start: int, end: int, name: str) -> Found | None:
        """Return what a finding at these offsets is about; ``name`` is what it is called.

        The place is the head of a declaration, or of one of its properties.
        """
        if self.is_made:
            return None
        if self.language == "hcl":
            return self._block(start, end)
        if self.language == "bicep":
            return self._in_bicep(start, name)
        return self._in_terraform_json(start, end) if self.of_terraform else self._in_template(start, name)

    # ---- Terraform

    def _block(self, start: int, end: int) -> Found | None:
        text = self.code.text
        if _BLOCK.search(text[start:end]):
            brace = (
                end + len(text[end : end + _HEAD_LIMIT]) - len(text[end : end + _HEAD_LIMIT].lstrip(" \t"))
            )
            kind, body = self.code.whole().get(brace, ("", Span(0, 0)))
            bodies: Iterator[Span] = iter([body] if kind == "group" else [])
        else:
            bodies = self.code.around(start)
        for body in bodies:
            head = _BLOCK.search(text[max(0, body.start - _HEAD_LIMIT) : body.start])
            if text[body.start] == "{" and head is not None:
                return Found(
                    _WHATS[head["what"]], head["label"], CodeObject(self.code, "hcl", body, is_block=True)
                )
        return None

    def _in_terraform_json(self, start: int, end: int) -> Found | None:
        # The head is the quoted name before the colon; a property lies inside of what it names.
        code = self.code
        after = code.text[end : end + 40]
        inside = end + len(after) - len(after.lstrip(" \t:")) + 1
        own = code.name_before(inside - 1) is not None and code.text[start : start + 1] == '"'
        for offset in (inside, start) if own else (start,):
            spans = list(code.around(offset))
            names = [(span, code.name_before(span.start)) for span in spans]
            named = [(span, name) for span, name in names if name is not None]
            for place, (span, label) in enumerate(named):
                outer = [name for _, name in named[place + 1 : place + 3]]
                if code.text[span.start] != "{":
                    continue
                body = CodeObject(code, "json", span, templated=True)
                if outer[1:2] == ["resource"]:
                    return Found("resource", outer[0], body)
                if outer[:1] and outer[0] in ("output", "variable", "provider", "backend"):
                    return Found(_WHATS[outer[0]], label, body)
        return None

    # ---- Bicep

    @cached_property
    def _statements(self) -> list[re.Match[str]]:
        code = self.code
        texts = sorted((*code.strings, *code.comments), key=lambda span: span.start)
        begins = [span.start for span in texts]

        def is_code(offset: int) -> bool:
            place = bisect_right(begins, offset) - 1
            return (place < 0 or texts[place].end <= offset) and next(code.around(offset), None) is None

        return [found for found in _STATEMENT.finditer(code.text) if is_code(found.start("what"))]

    def _in_bicep(self, start: int, name: str) -> Found | None:
        place = bisect_right(self._statements, start, key=lambda match: match.start()) - 1
        found = self._statements[place] if place >= 0 else None
        if found is not None and found["name"] == name:
            statement = Statement(found.start("what"), found.end("type"), found["type"])
            return Found(_WHATS[found["what"]], name, None, statement)
        body = self._body_of_resource(start)
        return None if body is None else Found("resource", "", CodeObject(self.code, "bicep", body))

    def _body_of_resource(self, start: int) -> Span | None:
        """Return the object of a resource: it follows ``=``, ``= if (...)`` or ``= [for ...:``."""
        text, whole = self.code.text, self.code.whole()
        head = _RESOURCE.match(text, start)
        if head is None or head.end() not in whole:
            return None
        at = self._after_blanks(whole[head.end()][1].end)
        if text[at : at + 1] != "=":
            return None
        at = self._after_blanks(at + 1)
        if text.startswith("if", at):
            at = self._after_blanks(at + 2)
            at = self._after_blanks(whole[at][1].end) if at in whole else at
        kind, span = whole.get(at, ("", Span(at, at)))
        if kind != "group":
            return None
        if text[at] == "[":
            # The body of a loop is the last thing in its brackets.
            inside = text[max(span.start, span.end - _GAP_LIMIT) : span.end - 1]
            last = self._ends.get(span.end - 1 - len(inside) + len(inside.rstrip()))
            if last is None:
                return None
            span = last
        return span if text[span.start] == "{" else None

    @cached_property
    def _ends(self) -> dict[int, Span]:
        return {span.end: span for span in self.code.brackets}

    def _after_blanks(self, at: int) -> int:
        text, whole = self.code.text, self.code.whole()
        while at < len(text):
            if at in whole and whole[at][0] == "comment":
                at = whole[at][1].end
            elif text[at].isspace():
                at += 1
            else:
                break
        return at

    # ---- ARM templates

    def _in_template(self, start: int, name: str) -> Found | None:
        code = self.code
        spans = [span for span in code.around(start) if code.text[span.start] == "{"]
        for place, span in enumerate(spans[:-1]):
            outer = code.name_before(spans[place + 1].start)
            if outer in ("outputs", "parameters") and code.name_before(span.start) == name:
                return Found(_WHATS[outer], name, CodeObject(code, "json", span))
        if spans and code.name_before(spans[0].start) in ("outputs", "parameters"):
            # The place is the name of the entry.
            entries = CodeObject(code, "json", spans[0])
            own = entries.get(name)
            body = entries.inner(own) if own is not None else None
            if body is not None:
                return Found(_WHATS[code.name_before(spans[0].start) or ""], name, body)
        body = CodeObject(code, "json", spans[0]) if spans else None
        written = body.get("type") if body is not None else None
        is_head = written is not None and written.value.start == start
        return Found("resource", "", body) if is_head else None
