"""ARM JSON templates and parameter files into the template model."""

from __future__ import annotations

import re
from typing import Literal

from scanner.sources.arm import expression
from scanner.sources.arm.build import build_template, secret_reference, text_of, unroll_copies
from scanner.sources.arm.json_reader import read_json
from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.template.model import Expression, ObjectLiteral, ParameterFile, Template

Kind = Literal["template", "parameters"]

_BEGINS = re.compile(rb"(?:\s|\xef\xbb\xbf|//[^\n]*|/\*.*?\*/)*\{", re.DOTALL)
_SCHEMA = re.compile(rb'"\$schema"\s*:\s*"([^"]{0,300})"')
_TEMPLATE = re.compile(rb"deploymentTemplate\.json", re.IGNORECASE)
_PARAMETERS = re.compile(rb"deploymentParameters\.json", re.IGNORECASE)
_CONTENT_VERSION = re.compile(rb'"contentVersion"\s*:')
_RESOURCES = re.compile(rb'"resources"\s*:\s*[\[{]')
_HEAD = 65536
_MOST_EXPRESSION_GAPS = 50


def is_template(data: bytes) -> Kind | None:
    """Tell a template or parameter file from other JSON by its ``$schema``, without parsing."""
    head = data[:_HEAD]
    if not _BEGINS.match(head):
        return None
    schema = _SCHEMA.search(head)
    if schema is not None:
        if _TEMPLATE.search(schema[1]):
            return "template"
        if _PARAMETERS.search(schema[1]):
            return "parameters"
        if b"{" not in schema[1] and b"management.azure.com" in schema[1].lower():
            return None
    # Without a schema Azure would not take it, yet a half-written template may have none.
    if _CONTENT_VERSION.search(head) and _RESOURCES.search(data):
        return "template"
    return None


class _Strings:
    """Reads the strings of one file; records those that do not parse."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self.gaps: list[SourceGap] = []

    def read(self, text: str, start: int, end: int) -> Expression:
        try:
            return expression.read_string(text, start, end)
        except expression.ExpressionError as error:
            if len(self.gaps) < _MOST_EXPRESSION_GAPS:
                self.gaps.append(SourceGap(Place(self._uri, start, end), "malformed", str(error)))
            return expression.broken(text, start, end)


def read_template(uri: str, data: bytes) -> Template | None:
    """Read an ARM JSON template; None when the file is no template.

    A broken one still gives the resources that are whole, and gaps for the rest. Never raises.
    """
    if is_template(data) != "template":
        return None
    strings = _Strings(uri)
    read = read_json(uri, data, strings.read)
    if read.root is None:
        return None
    unroll_copies(read.copies)
    template = build_template(uri, read.root, data)
    template.gaps = [*read.gaps, *strings.gaps, *template.gaps]
    return template


def read_parameter_file(uri: str, data: bytes) -> ParameterFile | None:
    """Read a JSON parameter file; None when the file is none. Its strings are data: nothing in it is evaluated."""
    if is_template(data) != "parameters":
        return None
    read = read_json(uri, data)
    if read.root is None:
        return None
    values: dict[str, Expression] = {}
    for entry in read.root.entries:
        if entry.name == "parameters" and isinstance(entry.value, ObjectLiteral):
            for each in entry.value.entries:
                if isinstance(each.name, str) and isinstance(each.value, ObjectLiteral):
                    value = _given(each.value)
                    if value is not None:
                        values[each.name] = value
    return ParameterFile(uri, None, values, gaps=read.gaps)


def _given(wrapper: ObjectLiteral) -> Expression | None:
    """Return what a parameter is given: a value, or a secret of a vault, which is never known."""
    for entry in reversed(wrapper.entries):
        name = text_of(entry.name).lower()
        if name == "value":
            return entry.value
        if name == "reference":
            return secret_reference(entry.value)
    return None
