"""midas.toml, or ``[tool.midas]`` in pyproject.toml, with the command line's flags on top: one frozen Settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from scanner.engine.policy import PolicyException, chosen
from scanner.engine.registry import Rule, load_rules
from scanner.errors import UserError
from scanner.rule import Parameter, Severity, Stage

FILE = "midas.toml"
NEVER = "never"


class SettingsError(UserError):
    """A setting that cannot be used: file and line, what is wrong, what would be right."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a user can decide. ``fail_on`` is the severity from which on the exit code is 1; None: never."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: Severity | None = Severity.LOW
    severities: dict[str, Severity] = {}
    parameters: dict[str, dict[str, Any]] = {}
    exceptions: tuple[PolicyException, ...] = ()
    rules: tuple[Path, ...] = ()
    baseline: Path | None = None
    """The file of findings that were there when somebody drew a line."""
    codes: frozenset[str] = frozenset()
    """The codes of all rules there are, whether they run or not; empty where that is not known."""


class SettingsFile:
    """A settings file with its text, so that every complaint can name a line."""

    def __init__(self, path: Path) -> None:
        import tomllib

        self.path = path
        try:
            self._text = path.read_text(encoding="utf-8")
            document = tomllib.loads(self._text)
        except FileNotFoundError as error:
            raise SettingsError(f"{path}: there is no such file") from error
        except OSError as error:
            raise SettingsError(f"{path}: cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"{path}: is not UTF-8 (byte {error.start})") from error
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{path}: is not valid TOML: {error}") from error
        self._prefix: tuple[str, ...] = ()
        if path.name == "pyproject.toml":
            for key in ("tool", "midas"):
                document = document.get(key, {})
                self._prefix = (*self._prefix, key)
                if not isinstance(document, dict):
                    raise self.error(f"{'.'.join(self._prefix)} is a table, not {document!r}")
        self.document: dict[str, Any] = document

    def error(self, message: str, *keys: str | int) -> SettingsError:
        """Make an error that names the line of a key."""
        line = _line_of(self._text, (*self._prefix, *keys))
        return SettingsError(f"{self.path}:{line}: {message}" if line else f"{self.path}: {message}")

    def where(self, *keys: str | int) -> str:
        """Return file and line of a key, for notices."""
        line = _line_of(self._text, (*self._prefix, *keys))
        return f"{self.path.name}:{line}" if line else self.path.name


_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*=""")


def _line_of(text: str, keys: tuple[str | int, ...]) -> int | None:
    """Return the line of the deepest part of a key path that can be seen: its own line, else its table's header."""
    best, depth = None, 0
    table: tuple[str | int, ...] = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header:
            names = tuple(part.strip().strip("\"'") for part in header[2].split("."))
            table = names
            if header[1] == "[[":
                counts[header[2]] = counts.get(header[2], -1) + 1
                table = (*names, counts[header[2]])
            here = table
        else:
            key = _KEY.match(line)
            if key is None:
                continue
            here = (*table, key[1].strip("\"'"))
        if here == keys[: len(here)] and len(here) > depth:
            best, depth = number, len(here)
    return best


def find_file(folder: Path) -> Path | None:
    """Return midas.toml of a folder, else its pyproject.toml when that has ``[tool.midas]``, else None."""
    path = folder / FILE
    if path.is_file():
        return path
    project = folder / "pyproject.toml"
    if project.is_file():
        import tomllib

        try:
            document = tomllib.loads(project.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
            return project  # SettingsFile will say what is wrong with it
        if isinstance(document.get("tool"), dict) and "midas" in document["tool"]:
            return project
    return None


_KEYS = ("select", "ignore", "fail-on", "rules-folders", "severity", "rules", "exceptions", "baseline")


def load_settings(file: SettingsFile | None, rules: Sequence[Rule], flags: Settings) -> Settings:
    """Check a settings file against the loaded rules and put the flags on top; raises :class:`SettingsError`."""
    if file is None:
        _check_codes(None, "select", flags.select, rules)
        _check_codes(None, "ignore", flags.ignore, rules)
        return msgspec.structs.replace(flags, codes=frozenset(rule.meta.id for rule in rules))
    for key in file.document:
        if key not in _KEYS:
            raise file.error(f"{key!r} is not a setting; there are {', '.join(_KEYS)}", key)
    by_code = {rule.meta.id: rule for rule in rules}
    select = _codes(file, "select", rules)
    ignore = _codes(file, "ignore", rules)
    _check_codes(None, "select", flags.select, rules)
    _check_codes(None, "ignore", flags.ignore, rules)
    fail_on: Severity | None = Severity.LOW
    if "fail-on" in file.document:
        fail_on = severity_or_never(file.document["fail-on"], lambda message: file.error(message, "fail-on"))
    severities = {
        code: _severity(file, code, value)
        for code, value in _table(file, "severity").items()
        if _known(file, code, by_code, "severity", code)
    }
    parameters = {
        code: _parameters(file, by_code[code], value)
        for code, value in _table(file, "rules").items()
        if _known(file, code, by_code, "rules", code)
    }
    return Settings(
        select=flags.select or select,
        ignore=(*ignore, *flags.ignore),
        fail_on=fail_on,
        severities=severities,
        parameters=parameters,
        exceptions=tuple(_exceptions(file, by_code)),
        rules=flags.rules,
        baseline=flags.baseline or _path(file, "baseline"),
        codes=frozenset(by_code),
    )


def prepare(
    file: SettingsFile | None, flags: Settings, stage: Stage | None = None
) -> tuple[tuple[Rule, ...], Settings]:
    """Load the rules and the settings, and return the chosen rules with them: those of a stage, or of all."""
    rules = load_rules((*rule_folders(file), *flags.rules))
    settings = load_settings(file, rules, flags)
    taken = tuple(rule for rule in rules if chosen(rule.meta.id, settings.select, settings.ignore))
    if not taken:
        raise SettingsError(
            "no rule is left to run: what is selected is ignored too; `midas rules` lists them all"
        )
    running = tuple(rule for rule in taken if stage is None or rule.meta.runs_on(stage))
    if not running:
        one = f"{taken[0].meta.id} speaks" if len(taken) == 1 else "the rules chosen speak"
        other, command = (
            ("what code declares", "check") if stage is Stage.DEPLOYED else ("what is deployed", "scan")
        )
        raise SettingsError(f"no rule is left to run: {one} only of {other}: `midas {command}` runs it")
    return running, settings


def rule_folders(file: SettingsFile | None) -> tuple[Path, ...]:
    """Return the rule folders that a settings file names, relative to itself."""
    if file is None:
        return ()
    return tuple(file.path.parent / part for part in _texts(file, "rules-folders"))


def severity_or_never(value: Any, error: Any) -> Severity | None:
    """Read a threshold: a severity, or ``never`` for None."""
    if not isinstance(value, str):
        raise error(f"{value!r} is no severity; there are {', '.join(Severity)}, and {NEVER}")
    if value.lower() == NEVER:
        return None
    try:
        return Severity(value.lower())
    except ValueError:
        raise error(f"{value!r} is no severity; there are {', '.join(Severity)}, and {NEVER}") from None


def _texts(file: SettingsFile, key: str) -> tuple[str, ...]:
    value = file.document.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise file.error(f"{key} takes a list of texts, not {value!r}", key)
    return tuple(value)


def _path(file: SettingsFile, key: str) -> Path | None:
    """Return a path that a settings file names, relative to itself; None when it names none."""
    value = file.document.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise file.error(f"{key} takes the path of a file, not {value!r}", key)
    return file.path.parent / value


def _codes(file: SettingsFile, key: str, rules: Sequence[Rule]) -> tuple[str, ...]:
    values = _texts(file, key)
    _check_codes(file, key, values, rules)
    return values


def _check_codes(file: SettingsFile | None, key: str, values: Sequence[str], rules: Sequence[Rule]) -> None:
    for value in values:
        if not value or not any(rule.meta.id.startswith(value.upper()) for rule in rules):
            message = f"{key}: no rule's code begins with {value!r}; `midas rules` lists them"
            raise SettingsError(message) if file is None else file.error(message, key)


def _table(file: SettingsFile, key: str) -> Mapping[str, Any]:
    value = file.document.get(key, {})
    if not isinstance(value, dict):
        raise file.error(f"{key} is a table ([{key}]), not {value!r}", key)
    return value


def _known(file: SettingsFile, code: str, by_code: Mapping[str, Rule], *keys: str | int) -> bool:
    if code not in by_code:
        raise file.error(f"there is no rule {code!r}; `midas rules` lists them", *keys)
    return True


def _severity(file: SettingsFile, code: str, value: Any) -> Severity:
    try:
        return Severity(value)
    except ValueError:
        message = f"{value!r} is no severity; there are {', '.join(Severity)}"
        raise file.error(message, "severity", code) from None


def _parameters(file: SettingsFile, rule: Rule, values: Any) -> dict[str, Any]:
    code = rule.meta.id
    if not isinstance(values, dict):
        raise file.error(f"rules.{code} is a table of parameters, not {values!r}", "rules", code)
    declared = {parameter.name: parameter for parameter in rule.meta.parameters}
    checked = {}
    for name, value in values.items():
        if name not in declared:
            there = ", ".join(declared) or "none"
            raise file.error(f"{code} has no parameter {name!r}; it has {there}", "rules", code, name)
        try:
            checked[name] = parameter_value(declared[name], value)
        except ValueError as error:
            raise file.error(f"{code} {name}: {error}", "rules", code, name) from None
    return checked


def parameter_value(parameter: Parameter, value: Any) -> Any:
    """Check a parameter's value against its declaration and return it; :class:`ValueError` says what it takes."""
    default = parameter.default
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        raise ValueError(f"takes true or false, not {value!r} ({parameter.meaning})")
    if isinstance(default, int):
        if isinstance(value, int) and not isinstance(value, bool):
            if parameter.minimum is not None and value < parameter.minimum:
                raise ValueError(f"must be at least {parameter.minimum}, not {value} ({parameter.meaning})")
            return value
        raise ValueError(f"takes a whole number, not {value!r} ({parameter.meaning})")
    if isinstance(default, str):
        if isinstance(value, str):
            return value
        raise ValueError(f"takes a text, not {value!r} ({parameter.meaning})")
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ValueError(f"takes a list of texts, not {value!r} ({parameter.meaning})")


_EXCEPTION_KEYS = ("rule", "subject", "reason", "owner", "expires")


def _exceptions(file: SettingsFile, by_code: Mapping[str, Rule]) -> list[PolicyException]:
    entries = file.document.get("exceptions", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise file.error(
            "exceptions are tables: [[exceptions]] with rule, subject, reason, owner, expires", "exceptions"
        )
    found = []
    for number, entry in enumerate(entries):
        for key in entry:
            if key not in _EXCEPTION_KEYS:
                there = ", ".join(_EXCEPTION_KEYS)
                raise file.error(f"an exception has no {key!r}; it has {there}", "exceptions", number, key)
        for key in _EXCEPTION_KEYS:
            value = entry.get(key)
            if key == "expires":
                if not isinstance(value, date) or hasattr(value, "hour"):
                    raise file.error(
                        f"expires takes a date such as 2027-01-31 (without quotes), not {value!r}",
                        "exceptions",
                        number,
                        key,
                    )
            elif not isinstance(value, str) or not value.strip():
                raise file.error(
                    f"an exception needs {key}, a text that is not empty", "exceptions", number, key
                )
        _known(file, entry["rule"], by_code, "exceptions", number, "rule")
        found.append(PolicyException(**entry, where=file.where("exceptions", number, "rule")))
    return found
