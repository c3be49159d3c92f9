"""The plain edits that fix a finding, in the words of its language."""

from __future__ import annotations

import re
from collections.abc import Sequence

from scanner.catalog.terraform import Argument, Section, section
from scanner.engine.code_literal import Plain, literal
from scanner.engine.code_object import CodeObject, Entry
from scanner.engine.code_place import CodeFile, Found
from scanner.engine.code_text import CodeText, Span, TextEdit, language_of, take_apart
from scanner.engine.finding import Edit, Finding, Fix
from scanner.engine.object_edits import ObjectEdits
from scanner.engine.source_files import SourceFiles
from scanner.engine.whereabouts import CALLED_HERE
from scanner.rule import MarkSecret, PlainEdit, PlainFix, RemoveProperty, SetProperty

_SECRET_TYPES = {"string": "securestring", "object": "secureObject"}
"""Types of ARM that have a secret counterpart."""
_IDENTITY = "identity"
_JSON_ENCODED = re.compile(r"jsonencode\(\s*(?=\{)")
_OF_TERRAFORM_JSON = (".tf.json", ".tofu.json", ".tfvars.json")
_LANGUAGES = {"hcl": "terraform", "bicep": "bicep", "json": "arm"}


class FilesToFix:
    """The files with findings to fix, each taken apart once."""

    def __init__(self, sources: SourceFiles) -> None:
        self._sources = sources
        self._opened: dict[str, CodeFile | None] = {}

    def fix(self, finding: Finding, fixes: Sequence[PlainFix]) -> Fix | None:
        """Return the first fix that the code of a finding allows; None where it takes more than plain edits."""
        declared = finding.declared
        # A plan is made anew, never edited.
        if declared is None or declared.language == "plan":
            return None
        place = declared.place
        if finding.location is not None and finding.location.uri != place.uri:
            return None
        file = self._file(place.uri)
        if file is None:
            return None
        start, end = (
            _offset(file.code, place.line, place.column),
            _offset(file.code, place.end_line, place.end_column),
        )
        found = file.at(start, end, finding.subject.name) if start is not None and end is not None else None
        if found is None:
            return None
        language = "terraform" if file.of_terraform else _LANGUAGES[file.language]
        for fix in fixes:
            in_place = not fix.providers or found.label in fix.providers
            if in_place and (not fix.languages or language in fix.languages) and _is_for(fix, finding):
                made = _Making(file, found, finding).make(fix)
                if made is not None:
                    return made
        return None

    def _file(self, uri: str) -> CodeFile | None:
        if uri not in self._opened:
            self._opened[uri] = self._open(uri)
        return self._opened[uri]

    def _open(self, uri: str) -> CodeFile | None:
        language, lines = language_of(uri), self._sources.lines(uri)
        if language is None or lines is None:
            return None
        try:
            text = lines.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return None
        of_terraform = language == "hcl" or uri.lower().endswith(_OF_TERRAFORM_JSON)
        return CodeFile(take_apart(text, language), language, of_terraform=of_terraform)


def _is_for(fix: PlainFix, finding: Finding) -> bool:
    return all(finding.evidence.get(column) in values for column, values in fix.given.items())


class _Making:
    """One fix of one finding: its edits with what is said of each."""

    def __init__(self, file: CodeFile, found: Found, finding: Finding) -> None:
        self._file = file
        self._found = found
        self._finding = finding
        self._edits = ObjectEdits()
        self._of_statement: list[TextEdit] = []
        self._said: list[str] = []

    def make(self, fix: PlainFix) -> Fix | None:
        removals = [edit for edit in fix.edits if isinstance(edit, RemoveProperty)]
        removed = [self._remove(edit.path) for edit in removals]
        if False in removed or (removals and True not in removed):
            return None
        if not all(self._made(edit) for edit in fix.edits if not isinstance(edit, RemoveProperty)):
            return None
        made = self._edits.text_edits()
        edits = [*self._of_statement, *(made or ())]
        if made is None or not edits:
            return None
        code, uri = self._file.code, self._finding.declared.place.uri if self._finding.declared else ""
        return Fix(
            " and ".join((", ".join(self._said[:-1]), self._said[-1]) if len(self._said) > 1 else self._said),
            tuple(Edit(uri, *_place(code, edit.start), *_place(code, edit.end), edit.text) for edit in edits),
            fix.needs,
        )

    def _made(self, edit: PlainEdit) -> bool:
        if isinstance(edit, MarkSecret):
            return self._mark()
        return isinstance(edit, SetProperty) and self._set(edit.path, edit.value)

    # ---- setting

    def _set(self, path: str, value: Plain) -> bool:
        found, here = self._found, self._found.object
        if here is None or found.what in ("output", "parameter"):
            return False
        names, in_block = path.split("."), False
        if found.what in ("provider", "backend"):
            if len(names) > 1:
                return False
        elif self._file.of_terraform:
            own = self._in_terraform(here, names, value)
            if own is None:
                return False
            here, names, value, in_block = own
        self._said.append(
            f"set {'.'.join(names)} to {literal(value, self._file.language, templated=here.templated)}"
        )
        return self._edits.set(here, names, value, in_block=in_block)

    def _in_terraform(
        self, here: CodeObject, path: list[str], value: Plain
    ) -> tuple[CodeObject, list[str], Plain, bool] | None:
        """Return what is set to what in the words of a resource of Terraform, and whether a block may be made."""
        if path[0] == _IDENTITY:
            # An `identity` block is the same everywhere, and complete with its type.
            made_by_loop = here.templated and here.get("dynamic") is not None
            return None if made_by_loop else (here, path, value, True)
        if self._found.label.startswith("azapi_"):
            body = _body_of_azapi(here)
            return None if body is None else (body, path, value, False)
        known = section(self._found.label)
        if known is None:
            return None
        # A property may have an older and a newer argument: the one that is written, else the first.
        arguments = [argument for argument in known.arguments if _sets(argument, path)]
        arguments.sort(key=lambda argument: here.get(argument.source[0].name) is None)
        if not arguments:
            return None
        own, names = _own_value(arguments[0], value), [step.name for step in arguments[0].source]
        # Of a nested block that is not there, it is not known what else it would need.
        if own is None or (len(names) > 1 and here.get(names[0]) is None):
            return None
        return here, names, own, False

    # ---- removing

    def _remove(self, path: str) -> bool | None:
        """Take a property out: whether that can be done; None when it is not written."""
        found, here = self._found, self._found.object
        names = path.split(".")
        if found.what in ("output", "parameter"):
            if path != "defaultValue" or found.what != "parameter":
                return False
            if found.statement is not None:
                return self._remove_default(found.statement.type_end)
            names = ["default"] if self._file.of_terraform else names
        elif found.what == "resource" and self._file.of_terraform and here is not None:
            if found.label.startswith("azapi_"):
                here = _body_of_azapi(here)
            else:
                known = section(found.label)
                names = _removed_argument(known, names) if known is not None else []
        if here is None or not names:
            return False
        done = self._edits.remove(here, names)
        if done:
            self._said.append(f"remove {'.'.join(names)}")
        return done

    def _remove_default(self, type_end: int) -> bool:
        """Take the default of a parameter of Bicep out; the finding's place is the value."""
        declared, code = self._finding.declared, self._file.code
        if declared is None:
            return False
        start = _offset(code, declared.place.line, declared.place.column)
        end = _offset(code, declared.place.end_line, declared.place.end_column)
        if start is None or end is None or code.text[type_end:start].strip() != "=":
            return False
        rest = code.text[end : code.line_span(code.line_of(end)).end]
        if rest.strip() and not rest.lstrip().startswith(("//", "/*")):
            return False
        self._of_statement.append(TextEdit(type_end, end, ""))
        self._said.append("remove the default")
        return True

    # ---- marking

    def _mark(self) -> bool:
        found, here, code = self._found, self._found.object, self._file.code
        if found.what not in ("output", "parameter"):
            return False
        if found.statement is not None:
            if found.statement.type not in _SECRET_TYPES:
                return False
            number = code.line_of(found.statement.start)
            line = code.line_span(number)
            indent = code.text[line.start : found.statement.start]
            # What stands for the next line must stay beside it.
            while number > 1 and _written(code, number - 1).startswith("#disable-next-line"):
                number -= 1
            line = code.line_span(number)
            end = code.text[line.end - 2 : line.end] if code.text.endswith("\r\n", 0, line.end) else "\n"
            self._of_statement.append(TextEdit(line.start, line.start, f"{indent}@secure(){end}"))
            self._said.append(f"mark the {found.what} with @secure()")
            return True
        if here is None:
            return False
        if self._file.of_terraform:
            self._said.append(f"set sensitive of the {found.what} to true")
            return self._edits.set(here, ["sensitive"], True)
        # A template that deploys this one could not read the output any more.
        if any(related.message == CALLED_HERE for related in self._finding.related):
            return False
        written = here.get("type")
        wanted = _SECRET_TYPES.get(here.text(written).strip('"').lower()) if written is not None else None
        if wanted is None:
            return False
        self._said.append(f"give the {found.what} the type {wanted}")
        return self._edits.set(here, ["type"], wanted)


def _written(code: CodeText, number: int) -> str:
    line = code.line_span(number)
    return code.text[line.start : line.end].strip()


def _place(code: CodeText, offset: int) -> tuple[int, int]:
    line = code.line_of(offset)
    return line, offset - code.line_span(line).start + 1


def _offset(code: CodeText, line: int, column: int) -> int | None:
    if line > len(code.starts):
        return None
    span = code.line_span(line)
    return span.start + column - 1 if span.start + column - 1 <= span.end else None


def _body_of_azapi(here: CodeObject) -> CodeObject | None:
    """Return the object that is the body: written as such, or within ``jsonencode()``."""
    body = here.get("body")
    if body is None:
        return None
    inner = here.inner(body)
    if inner is not None or here.templated:
        return inner
    call = _JSON_ENCODED.match(here.code.text, body.value.start)
    if call is None:
        return None
    kind, span = here.code.whole().get(call.end(), ("", Span(0, 0)))
    rest = here.code.text[span.end : body.value.end]
    inside = Entry(body.name, body.start, span)
    return here.inner(inside) if kind == "group" and rest.strip() == ")" else None


def _sets(argument: Argument, path: Sequence[str]) -> bool:
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


def _removed_argument(known: Section, path: Sequence[str]) -> list[str]:
    """Return the argument or block that stands for a property and for nothing else; empty when there is none."""
    wanted = [name.lower() for name in path]

    def is_within(argument: Argument) -> bool:
        return [step.name.lower() for step in argument.target][: len(wanted)] == wanted

    names = {
        argument.source[0].name for argument in known.arguments if argument.source and is_within(argument)
    }
    alone = all(is_within(one) for one in known.arguments if one.source and one.source[0].name in names)
    return list(names) if len(names) == 1 and alone else []
