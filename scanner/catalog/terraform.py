"""How Terraform's resources read in the words of Azure Resource Manager: the table `data/terraform.txt`, whose head
describes its format.

Only the sections asked for are read closely, so that a check of one small file does not pay for the whole table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import msgspec

from scanner.catalog.data_files import text as data_text

NO_DEFAULT = "no default"
"""Stands for an argument without a provider's default."""
CHANGING_DEFAULT = "changing default"
"""Stands for a default that differs between versions of the provider: written `?`."""


class TerraformTableError(ValueError):
    """The table cannot be read; says the line."""


class Only(msgspec.Struct, frozen=True):
    """Blocks with a certain word as one of their arguments, in any case."""

    argument: str
    word: str
    """In lower case."""
    or_unknown: bool
    """Whether blocks in which that argument is not known, or not given, are meant too."""


class Step(msgspec.Struct, frozen=True):
    """One name of a path. `lists`: how many `[]` follow; `index`: a fixed position; `keyed`: a map, `{}`."""

    name: str
    lists: int = 0
    index: int | None = None
    keyed: bool = False
    only: Only | None = None
    """Which of several blocks are meant; None: all of them."""


class Container(msgspec.Struct, frozen=True):
    """What contains a resource, or may."""

    start: str
    """`id`, `resource_group_name`, `named`, `beside`, `subscription` or `tenant`."""
    argument: str
    """The argument that must be given for this to count; empty for `subscription` and `tenant`."""
    chain: tuple[tuple[str, str], ...] = ()
    """Types (the first one whole, then last parts) with the argument that holds the name, or a `'name'` itself."""


class Argument(msgspec.Struct, frozen=True):
    """An argument and the ARM property it becomes. Without `source` it is what the provider always sends."""

    source: tuple[Step, ...]
    target: tuple[Step, ...]
    default: str | int | float | bool | list[str] | None
    inverted: bool = False
    words: Mapping[str, str] = {}
    form: str = ""
    """pairs, secure pairs, json, or `setting NAME`."""


class Child(msgspec.Struct, frozen=True):
    """A child resource that the provider makes of some arguments."""

    type: str
    name: str
    beside: bool
    """Whether it lies in what contains the resource, not in the resource."""
    arguments: tuple[Argument, ...]


class Section(msgspec.Struct, frozen=True):
    """What is known of one Terraform type."""

    type: str
    """The ARM type in lower case; empty when ARM has no resource of its own for it."""
    name: str
    """The argument that holds the name, or a `'name'` itself."""
    containers: tuple[Container, ...]
    onto: str
    """The argument with the id of the resource that it adds to; empty for a resource of its own."""
    of: str
    """The argument with a key whose service is the service of this one's keys."""
    arguments: tuple[Argument, ...]
    children: tuple[Child, ...]
    exports: Mapping[tuple[str, ...], tuple[str, ...]]
    """Exported attributes, without list positions, and their ARM paths."""
    keys: frozenset[tuple[str, ...]]
    secrets: frozenset[tuple[str, ...]]
    older: frozenset[tuple[str, ...]]
    """Arguments and attributes that only older versions of the provider have."""


@cache
def _index() -> Mapping[str, tuple[int, str, tuple[str, ...]]]:
    """Every Terraform type with its line number, the rest of its header, and its indented lines."""
    text = data_text("terraform.txt")
    found: dict[str, tuple[int, str, tuple[str, ...]]] = {}
    names: list[str] = []
    number, rest = 0, ""
    body: list[str] = []

    def close() -> None:
        entry = (number, rest, tuple(body))
        for name in names:
            if name in found:
                raise TerraformTableError(f"line {number}: {name} has a section already")
            found[name] = entry

    for position, line in enumerate(text.split("\n"), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith(" "):
            body.append(line)
            continue
        close()
        heads, colon, rest = line.partition(": ")
        if not colon:
            raise TerraformTableError(f"line {position}: a section needs a colon and an ARM type")
        names, number, body = heads.split(", "), position, []
    close()
    return MappingProxyType(found)


def terraform_types() -> tuple[str, ...]:
    """All types of the table as they are written there, with `data.` before those of data sources alone."""
    return tuple(_index())


@cache
def section(terraform_type: str, mode: str = "managed") -> Section | None:
    """What the table says of a resource (`managed`) or data source (`data`); None when it has no section."""
    index = _index()
    key = terraform_type
    if mode == "data" and f"data.{terraform_type}" in index:
        key = f"data.{terraform_type}"
    if key not in index:
        return None
    number, rest, lines = index[key]
    return _Reader(number, index).read(rest, lines)


class _Reader:
    def __init__(self, number: int, index: Mapping[str, tuple[int, str, tuple[str, ...]]]) -> None:
        self._number = number
        self._index = index
        self._containers: list[Container] = []
        self._arguments: list[Argument] = []
        self._children: list[Child] = []
        self._exports: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._keys: set[tuple[str, ...]] = set()
        self._secrets: set[tuple[str, ...]] = set()
        self._older: set[tuple[str, ...]] = set()
        self._of = ""

    def read(self, header: str, lines: tuple[str, ...]) -> Section:
        arm_type, _, rest = header.partition(" ")
        name, onto = "name", ""
        if rest.startswith("name "):
            _, name, *tail = rest.split(" ", 2)
            rest = tail[0] if tail else ""
        if rest.startswith("onto "):
            onto, rest = rest[len("onto ") :], ""
        if rest:
            self._containers.append(self._container(rest))
        self._lines(lines)
        if not self._containers:
            self._containers.append(Container("resource_group_name", "resource_group_name"))
        return Section(
            type="" if arm_type == "-" else arm_type,
            name=name,
            containers=tuple(self._containers),
            onto=onto,
            of=self._of,
            arguments=tuple(self._arguments),
            children=tuple(self._children),
            exports=MappingProxyType(self._exports),
            keys=frozenset(self._keys),
            secrets=frozenset(self._secrets),
            older=frozenset(self._older),
        )

    def _lines(self, lines: tuple[str, ...]) -> None:
        inner: list[Argument] | None = None
        for offset, line in enumerate(lines):
            text = line.strip()
            word, _, rest = text.partition(" ")
            if line.startswith("    "):
                if inner is None:
                    raise self._error(f"{text!r} is indented without a child above it")
                inner.append(_argument(text, self._error))
                continue
            inner = None
            if word == "in":
                self._containers.append(self._container(text))
            elif word == "child":
                child_type, child_name, *tail = rest.split(" ")
                inner = [
                    _argument(below.strip(), self._error) for below in _indented_below(lines[offset + 1 :])
                ]
                self._children.append(
                    Child(child_type, child_name.strip("'"), tail == ["beside"], tuple(inner))
                )
            elif word in ("key", "secret", "older") and "->" not in text:
                listed = {"key": self._keys, "secret": self._secrets, "older": self._older}[word]
                listed.update(tuple(name.split(".")) for name in rest.split(" "))
            elif word == "of" and "->" not in text:
                self._of = rest
            elif word == "like":
                if rest not in self._index:
                    raise self._error(f"there is no section {rest}")
                self._lines(tuple(below for below in self._index[rest][2] if not below.startswith("  in ")))
            elif " <- " in text:
                exported, _, path = text.partition(" <- ")
                self._exports[tuple(exported.split("."))] = tuple(path.split("."))
            else:
                self._arguments.append(_argument(text, self._error))

    def _container(self, text: str) -> Container:
        words = text.split(" ")[1:]
        if words[0] in ("subscription", "tenant"):
            return Container(words[0], "")
        if words[0] == "beside":
            return Container("beside", words[1])
        chain = words[1:]
        if len(chain) > 1 and words[0] == "named":
            return Container("named", chain[1], _pairs(chain))
        if len(chain) % 2:
            raise self._error(f"{text!r} has a type without an argument")
        return Container(
            words[0] if words[0] == "resource_group_name" else "id",
            words[0],
            _pairs(chain),
        )

    def _error(self, what: str) -> TerraformTableError:
        return TerraformTableError(f"terraform.txt, section at line {self._number}: {what}")


def _pairs(words: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple((words[position], words[position + 1]) for position in range(0, len(words), 2))


def _indented_below(lines: tuple[str, ...]) -> list[str]:
    below: list[str] = []
    for line in lines:
        if not line.startswith("    "):
            break
        below.append(line)
    return below


_ARGUMENT = re.compile(
    r"(?P<source>(?:[a-z0-9_.]|\[[a-zA-Z0-9_.=?]*\])+)?(?: ?= (?P<default>.+?))? -> (?P<not>!)?(?P<target>\S+)"
    r"(?: \{(?P<words>[^}]*)\})?(?: as (?P<form>.+))?"
)


def _argument(text: str, error: Callable[[str], TerraformTableError]) -> Argument:
    found = _ARGUMENT.fullmatch(text)
    if found is None:
        raise error(f"cannot read {text!r}")
    written = found["default"]
    default: str | int | float | bool | list[str] | None = NO_DEFAULT
    if written == "?":
        default = CHANGING_DEFAULT
    elif written is not None:
        try:
            default = msgspec.json.decode(written, type=str | int | float | bool | list[str] | None)
        except msgspec.DecodeError as problem:
            raise error(f"{text!r}: the default is not JSON") from problem
    words: dict[str, str] = {}
    for pair in (found["words"] or "").split(", "):
        if pair:
            key, _, value = pair.partition(": ")
            words[key.strip('"')] = value.strip('"')
    return Argument(
        source=_steps(found["source"] or ""),
        target=_steps(found["target"]),
        default=default,
        inverted=found["not"] is not None,
        words=MappingProxyType(words),
        form=found["form"] or "",
    )


_BETWEEN_STEPS = re.compile(r"\.(?![^\[]*\])")


def _steps(path: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    for piece in _BETWEEN_STEPS.split(path) if path else ():
        name = piece.split("[", 1)[0].split("{", 1)[0]
        fixed = re.search(r"\[(\d+)\]", piece)
        only = re.search(r"\[(\w+)=([\w.]+)(\??)\]", piece)
        steps.append(
            Step(
                name,
                piece.count("[]") + (only is not None),
                int(fixed[1]) if fixed else None,
                keyed=piece.endswith("{}"),
                only=Only(only[1], only[2].lower(), only[3] == "?") if only else None,
            )
        )
    return tuple(steps)
