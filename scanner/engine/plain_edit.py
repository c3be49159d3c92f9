"""The plain edit that gives a property of a declaration a value, in the words of its language."""

from __future__ import annotations

import re
from collections.abc import Sequence

from scanner.catalog.terraform import Argument, section
from scanner.engine.code_object import CodeObject, Plain, TextEdit, body_after, literal
from scanner.engine.code_text import CodeText, Language, enclosing, language_of, take_apart
from scanner.engine.finding import Edit, Finding, Fix, Location
from scanner.engine.source_files import SourceFiles
from scanner.rule import SetProperty

_RESOURCE = re.compile(r"\s*resource\s+\"(?P<type>[a-z0-9_]+)\"")


class FilesToFix:
    """The files with findings to fix, each taken apart once."""

    def __init__(self, sources: SourceFiles) -> None:
        self._sources = sources
        self._taken: dict[str, CodeText | None] = {}

    def fix(self, finding: Finding, fix: SetProperty) -> Fix | None:
        """Return the fix of a finding; None where it takes more than a plain edit."""
        declared = finding.declared
        # A plan is made anew, never edited.
        if declared is None or declared.language == "plan":
            return None
        uri = declared.place.uri
        language, code = language_of(uri), self._code(uri)
        if language is None or code is None or uri.lower().endswith((".tf.json", ".tfvars.json")):
            return None
        found = _edit(code, language, declared.place, fix)
        if found is None:
            return None
        name, value, edit = found
        return Fix(
            f"set {name} to {literal(value, language)}",
            (Edit(uri, *_place(code, edit.start), *_place(code, edit.end), edit.text),),
        )

    def _code(self, uri: str) -> CodeText | None:
        if uri not in self._taken:
            self._taken[uri] = self._read(uri)
        return self._taken[uri]

    def _read(self, uri: str) -> CodeText | None:
        language, lines = language_of(uri), self._sources.lines(uri)
        if language is None or lines is None:
            return None
        try:
            text = lines.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return None
        return take_apart(text, language)


def _place(code: CodeText, offset: int) -> tuple[int, int]:
    line = code.line_of(offset)
    return line, offset - code.line_span(line).start + 1


def _offset(code: CodeText, line: int, column: int) -> int | None:
    if line > len(code.starts):
        return None
    span = code.line_span(line)
    return span.start + column - 1 if span.start + column - 1 <= span.end else None


def _edit(
    code: CodeText, language: Language, head: Location, fix: SetProperty
) -> tuple[str, Plain, TextEdit] | None:
    """Return what is set (as the language calls it), to what, and the edit."""
    start = _offset(code, head.line, head.column)
    end = _offset(code, head.end_line, head.end_column)
    if start is None or end is None:
        return None
    path = fix.path.split(".")
    if language == "hcl":
        return _terraform_edit(code, start, end, path, fix.value)
    body = enclosing(code, start) if language == "json" else body_after(code, end)
    if body is None or code.text[body.start] != "{":
        return None
    edit = CodeObject(code, language, body).edit(path, fix.value)
    return (fix.path, fix.value, edit) if edit else None


def _terraform_edit(
    code: CodeText, start: int, end: int, path: Sequence[str], value: Plain
) -> tuple[str, Plain, TextEdit] | None:
    head, body = _RESOURCE.match(code.text, start), body_after(code, end)
    if head is None or body is None:
        return None
    block = CodeObject(code, "hcl", body)
    if head["type"].startswith("azapi_"):
        written = block.get("body")
        inner = block.inner(written) if written is not None else None
        edit = inner.edit(path, value) if inner is not None else None
        return (".".join(path), value, edit) if edit else None
    known = section(head["type"])
    if known is None:
        return None
    # A property may have an older and a newer argument: the one that is written, else the first.
    arguments = [argument for argument in known.arguments if _is_for(argument, path)]
    arguments.sort(key=lambda argument: block.get(argument.source[0].name) is None)
    for argument in arguments[:1]:
        own = _own_value(argument, value)
        names = [step.name for step in argument.source]
        # Of a nested block that is not there, it is not known what else it would need.
        if own is None or (len(names) > 1 and block.get(names[0]) is None):
            return None
        edit = block.edit(names, own)
        return (".".join(names), own, edit) if edit else None
    return None


def _is_for(argument: Argument, path: Sequence[str]) -> bool:
    plain = bool(argument.source) and not argument.form and not any(step.keyed for step in argument.source)
    return plain and [step.name.lower() for step in argument.target] == [name.lower() for name in path]


def _own_value(argument: Argument, value: Plain) -> Plain | None:
    """Return the value in Terraform's words: the opposite of a switch that means the opposite, or another word."""
    if argument.inverted:
        return not value if isinstance(value, bool) else None
    if argument.words:
        own = [word for word, arm in argument.words.items() if arm == str(value)]
        return own[0] if own else None
    return value
