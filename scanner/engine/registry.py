"""Find rule modules on disk and refuse a malformed one with file and reason."""

from __future__ import annotations

import importlib.util
import re
import string
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from scanner.errors import UserError
from scanner.facts.cases import Case
from scanner.facts.schema import TABLES, VIEWS, is_key_column, table_of
from scanner.rule import (
    Confidence,
    Effort,
    Facts,
    Frame,
    MarkSecret,
    Meta,
    Parameter,
    PlainFix,
    RemoveProperty,
    SetProperty,
    Setting,
    Severity,
    Stage,
)

HEADINGS = ("What it finds", "Why it matters", "How to fix it")
_CODE = re.compile(r"MI[1-69]\d\d")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LANGUAGES = ("terraform", "bicep", "arm")
"""Languages of code that fixes can be made in."""
_EDITS = (SetProperty, RemoveProperty, MarkSecret)


class RuleError(UserError):
    """A rule module that cannot be used: file, line where known, reason, what to do."""

    def __init__(self, path: Path, reason: str, line: int | None = None) -> None:
        where = f"{path}:{line}" if line else str(path)
        super().__init__(f"{where}: {reason}")


class Rule(msgspec.Struct, frozen=True):
    """A loaded rule."""

    meta: Meta
    path: Path
    page: str
    check: Callable[[Facts], Frame]
    cases: tuple[Case, ...]
    applies: Callable[[Facts], Frame] | None = None
    undecided: Callable[[Facts], Frame] | None = None
    fix: tuple[PlainFix, ...] | None = None


def builtin_folder() -> Path:
    """Return the folder of the built-in rules."""
    import rules

    return Path(str(rules.__file__)).parent


def load_rules(folders: Iterable[Path] = ()) -> tuple[Rule, ...]:
    """Load the built-in rules and those of more folders, in the order of their codes.

    Raises :class:`RuleError` for the first module that is malformed or takes a code or name twice.
    """
    loaded: dict[str, Rule] = {}
    names: dict[str, Rule] = {}
    for folder in (builtin_folder(), *folders):
        if not folder.is_dir():
            raise RuleError(folder, "is not a folder: rules are modules in a folder (--rules, rules-folders)")
        found = False
        for path in sorted(folder.rglob("*.py")):
            if path.name.startswith(("_", ".")) or any(
                part.startswith(".") for part in path.relative_to(folder).parts
            ):
                continue
            rule, found = load_rule(path), True
            for taken in (loaded.get(rule.meta.id), names.get(rule.meta.name)):
                if taken is not None:
                    raise RuleError(
                        path,
                        f"{rule.meta.id} {rule.meta.name} is taken by {taken.path}: give it its own",
                    )
            loaded[rule.meta.id] = names[rule.meta.name] = rule
        if not found:
            raise RuleError(
                folder, "holds no rule: no module in it or below is called *.py without a leading _"
            )
    return tuple(loaded[code] for code in sorted(loaded))


def load_rule(path: Path) -> Rule:
    """Load one module; raises :class:`RuleError`."""
    module = _execute(path)
    meta = getattr(module, "META", None)
    if not isinstance(meta, Meta):
        raise RuleError(path, "has no META = Meta(...)")
    page = (module.__doc__ or "").strip()
    check = getattr(module, "check", None)
    cases = getattr(module, "CASES", None)
    _demand(path, callable(check), "has no function check(facts)")
    _demand(
        path,
        isinstance(cases, tuple) and cases and all(isinstance(case, Case) for case in cases),
        "has no CASES = (bad(...), good(...), ...)",
    )
    _check_page(path, page)
    _check_meta(path, meta)
    return Rule(
        meta=meta,
        path=path,
        page=page,
        check=_function(check),
        cases=tuple(cases or ()),
        applies=getattr(module, "applies", None),
        undecided=getattr(module, "undecided", None),
        fix=_fixes(path, getattr(module, "FIX", None)),
    )


def _fixes(path: Path, written: Any) -> tuple[PlainFix, ...] | None:
    """Return what a module's ``FIX`` says, one form for all: a single edit is a fix that needs nothing."""
    if written is None:
        return None
    listed = written if isinstance(written, tuple) else (written,)
    fixes = tuple(PlainFix((fix,)) if isinstance(fix, _EDITS) else fix for fix in listed)
    _demand(
        path,
        fixes and all(isinstance(fix, PlainFix) for fix in fixes),
        f"FIX takes SetProperty(...), RemoveProperty(...), MarkSecret() or PlainFix((...)), not {written!r}",
    )
    for fix in fixes:
        sound = isinstance(fix.edits, tuple) and all(isinstance(edit, _EDITS) for edit in fix.edits)
        _demand(path, fix.edits and sound, f"PlainFix takes a tuple of edits, not {fix.edits!r}")
        paths = [edit.path for edit in fix.edits if isinstance(edit, SetProperty | RemoveProperty)]
        _demand(
            path, all(all(each.split(".")) for each in paths), f"FIX has an empty name in a path: {paths}"
        )
        for edit in fix.edits:
            if isinstance(edit, SetProperty):
                _demand(path, _is_plain(edit.value), f"SetProperty takes a plain value, not {edit.value!r}")
        strange = sorted(set(fix.languages) - set(LANGUAGES))
        _demand(path, not strange, f"PlainFix.languages takes {', '.join(LANGUAGES)}, not {strange}")
    return fixes


def _is_plain(value: Any) -> bool:
    """Whether a value can be written into code as it is: a text, a number, true or false, or texts."""
    if isinstance(value, tuple):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, bool | int | str)


def _function(value: Any) -> Callable[[Facts], Frame]:
    function: Callable[[Facts], Frame] = value
    return function


def _execute(path: Path) -> ModuleType:
    name = "midas_rule_" + re.sub(r"\W", "_", str(path.resolve().with_suffix("")))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RuleError(path, "cannot be loaded as a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        # A rule that prints must not end up in a report on standard output.
        with redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
    except SyntaxError as error:
        raise RuleError(path, f"is not valid Python: {error.msg}", error.lineno) from error
    except UnicodeDecodeError as error:
        raise RuleError(path, f"is not UTF-8: {error.reason}") from error
    except (
        Exception,
        SystemExit,
    ) as error:  # a rule is anybody's code; whatever it raises refuses it, by name
        line = line_in(error, path)
        raise RuleError(path, f"cannot be imported: {type(error).__name__}: {error}", line) from error
    finally:
        sys.modules.pop(name, None)
    return module


def line_in(error: BaseException, path: Path) -> int | None:
    """Return the line of a file that an error came through last; None when it did not."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _demand(path: Path, condition: object, reason: str) -> None:
    if not condition:
        raise RuleError(path, reason)


def _check_page(path: Path, page: str) -> None:
    found = [line.strip("# ").rstrip() for line in page.splitlines() if line.startswith("#")]
    places = [found.index(heading) if heading in found else None for heading in HEADINGS]
    if None in places or places != sorted(places, key=lambda place: place or 0):
        raise RuleError(
            path, f"its docstring needs the headings {', '.join('## ' + h for h in HEADINGS)}, in this order"
        )
    first = page.splitlines()[0]
    _demand(path, first and not first.startswith("#"), "its docstring must start with a one-sentence summary")


_ONE: dict[str, type] = {
    "id": str,
    "name": str,
    "severity": Severity,
    "confidence": Confidence,
    "effort": Effort,
    "subject": str,
    "message": str,
    "since": str,
}
_MANY: dict[str, type] = {
    "reads": str,
    "absent": str,
    "key": str,
    "controls": str,
    "references": str,
    "parameters": Parameter,
    "settings": Setting,
    "stages": Stage,
    "points_at": str,
}


def _check_meta(path: Path, meta: Meta) -> None:
    def demand(condition: object, reason: str) -> None:
        _demand(path, condition, reason)

    for field, kind in _ONE.items():
        value = getattr(meta, field)
        demand(isinstance(value, kind), f"META.{field} takes {kind.__name__}, not {value!r}")
    for field, kind in _MANY.items():
        value = getattr(meta, field)
        listed = isinstance(value, tuple) and all(isinstance(item, kind) for item in value)
        demand(listed, f"META.{field} takes a tuple of {kind.__name__}, not {value!r}")
    demand(_CODE.fullmatch(meta.id), f"{meta.id!r} is no code: MI, a family digit (1-6, 9), two digits")
    demand(_NAME.fullmatch(meta.name), f"{meta.name!r} is no name: words in lower case joined by hyphens")
    stem = meta.name.replace("-", "_")
    demand(path.stem == stem, f"the file of {meta.name} must be called {stem}.py")
    for table in (meta.subject, *meta.reads, *meta.absent):
        demand(
            table in TABLES or table in VIEWS,
            f"no table is called {table!r}; there are {', '.join(sorted([*TABLES, *VIEWS]))}",
        )
    demand(table_of(meta.subject).row, f"{meta.subject} cannot be a subject: its rows have no unique key")
    names = [parameter.name for parameter in meta.parameters]
    demand(len(names) == len(set(names)), "two parameters have the same name")
    demand(meta.message.strip(), "META.message is empty")
    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(meta.message) if name is not None]
    except ValueError as error:
        raise RuleError(path, f"META.message is no template: {error}") from error
    for name in fields:
        root, dot, part = name.partition(".")
        demand(
            root and (not dot or (is_key_column(root) and part in ("id", "name", "type"))),
            f"META.message: {{{name}}} is neither a column nor the id, name or type of an entity's column",
        )
