"""Functions that read files of the repository: paths are relative to the root module's folder, as when deploying."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING

from scanner.sources.declared.values import Object, Value
from scanner.sources.terraform.functions_text import known_text
from scanner.sources.terraform.parser import parse_template
from scanner.sources.terraform.scope import Scope
from scanner.sources.terraform.symbolic import Failed, Undetermined, why

if TYPE_CHECKING:
    from scanner.sources.terraform.expressions import Evaluator

MOST_BYTES = 1_000_000
"""Size of a file that a function reads."""


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

    pattern = known_text(arguments[1])
    if "/" in pattern or "**" in pattern or "{" in pattern:
        raise Undetermined("its pattern is not evaluated")
    found = evaluator.files.names(_uri(evaluator, arguments[0]))
    return [name for name in sorted(found) if fnmatch.fnmatchcase(name, pattern)]


def _templatefile(evaluator: Evaluator, arguments: list[Value], scope: Scope) -> Value:
    template = parse_template(_text(evaluator, arguments[0]))
    if template is None:
        raise Failed("its file is no template")
    given = arguments[1]
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
}
