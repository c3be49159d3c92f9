"""Functions that read files of the repository: paths are relative to the root module's folder, as when deploying."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING

from scanner.sources.declared.values import Object, Value
from scanner.sources.declared.values import text as joined_text
from scanner.sources.terraform.functions_text import known_text
from scanner.sources.terraform.parser import parse_template
from scanner.sources.terraform.scope import Scope
from scanner.sources.terraform.symbolic import Failed, Undetermined, why

if TYPE_CHECKING:
    from scanner.sources.terraform.expressions import Evaluator

MOST_BYTES = 1_000_000
"""Size of a file that a function reads."""
MOST_FILES = 10_000
"""Files that a function finds in a folder."""


def _uri(evaluator: Evaluator, path: Value) -> str:
    written = known_text(path).replace("\\", "/")
    joined = posixpath.normpath(posixpath.join(evaluator.root, written))
    if joined.startswith(("/", "../", "~")) or joined == "..":
        raise Undetermined("its file lies outside the repository")
    return joined


def _data(evaluator: Evaluator, path: Value) -> bytes:
    data = evaluator.files.read(_uri(evaluator, path))
    if data is None:
        # It may be made before deployment, so that it is not there proves nothing.
        raise Undetermined("its file is not here")
    if len(data) > MOST_BYTES:
        raise Undetermined(f"its file is larger than {MOST_BYTES // 1_000_000} MB")
    return data


def _text(evaluator: Evaluator, path: Value) -> str:
    try:
        return _data(evaluator, path).decode()
    except UnicodeDecodeError:
        raise Failed("its file is no text") from None


def _file(evaluator: Evaluator, arguments: list[Value], _scope: Scope) -> Value:
    return _text(evaluator, arguments[0])


def _fileexists(evaluator: Evaluator, arguments: list[Value], _scope: Scope) -> Value:
    if evaluator.files.read(_uri(evaluator, arguments[0])) is None:
        raise Undetermined("its file is not here")
    return True


def _filebase64(evaluator: Evaluator, arguments: list[Value], _scope: Scope) -> Value:
    import base64

    return base64.b64encode(_data(evaluator, arguments[0])).decode()


def _fileset(evaluator: Evaluator, arguments: list[Value], _scope: Scope) -> Value:
    import fnmatch

    within, _, pattern = known_text(arguments[1]).rpartition("/")
    if set(within) & set("*?[{\\") or "**" in pattern or set(pattern) & set("{\\"):
        raise Undetermined("its pattern is not evaluated")
    folder = _uri(evaluator, joined_text([arguments[0], f"/{within}"]) if within else arguments[0])
    found = [name for name in sorted(evaluator.files.all_names(folder)) if fnmatch.fnmatchcase(name, pattern)]
    if len(found) > MOST_FILES:
        raise Undetermined(f"it finds more than {MOST_FILES:,} files")
    return [f"{within}/{name}" if within else name for name in found]


def _templatestring(evaluator: Evaluator, arguments: list[Value], scope: Scope) -> Value:
    return _rendered(evaluator, known_text(arguments[0]), arguments[1], scope)


def _templatefile(evaluator: Evaluator, arguments: list[Value], scope: Scope) -> Value:
    return _rendered(evaluator, _text(evaluator, arguments[0]), arguments[1], scope)


def _rendered(evaluator: Evaluator, text: str, given: Value, scope: Scope) -> Value:
    template = parse_template(text)
    if template is None:
        raise Failed("its text is no template")
    if not isinstance(given, Object) or given.names:
        raise Undetermined(why(given))
    names = {name: held.value for name, held in given.properties.items()}
    return evaluator.template_of(template, names, scope)


def _basename(_evaluator: Evaluator, arguments: list[Value], _scope: Scope) -> Value:
    return posixpath.basename(known_text(arguments[0]).rstrip("/"))


def _dirname(_evaluator: Evaluator, arguments: list[Value], _scope: Scope) -> Value:
    return posixpath.dirname(known_text(arguments[0])) or "."


FILE_FUNCTIONS: dict[str, Callable[[Evaluator, list[Value], Scope], Value]] = {
    "basename": _basename,
    "dirname": _dirname,
    "file": _file,
    "filebase64": _filebase64,
    "fileexists": _fileexists,
    "fileset": _fileset,
    "templatefile": _templatefile,
    "templatestring": _templatestring,
}
