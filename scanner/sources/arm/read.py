"""ARM JSON templates and parameter files into the template model."""

from __future__ import annotations

from scanner.sources.arm import expression
from scanner.sources.arm.build import build_template, secret_reference, text_of, unroll_copies, written_at
from scanner.sources.arm.json_reader import read_json
from scanner.sources.arm.recognise import is_template
from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.template.model import Expression, ObjectLiteral, ParameterFile, Template

_MOST_EXPRESSION_GAPS = 50


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
    template = build_template(uri, read.root, written_at(data))
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
