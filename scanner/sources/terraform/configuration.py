"""The files of a folder to one module's configuration, override files merged, and the values of its variables.

Values come from where Terraform takes them without being told: ``terraform.tfvars``, ``*.auto.tfvars`` and their JSON
forms. Other ``.tfvars`` files of the folder are chosen when deploying: a variable that only they give has its value
when all that may be chosen agree, and is unknown with their values as options when they do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.declared.files import Files
from scanner.sources.terraform.file_names import of_module, overrides
from scanner.sources.terraform.parser import no_text, parse
from scanner.sources.terraform.syntax import Attribute, Block, Body, Literal, Node, ParsedFile

_LABELS = {"resource": 2, "data": 2, "ephemeral": 2, "variable": 1, "output": 1, "module": 1, "provider": 1}
_MODES = {"resource": "managed", "data": "data", "ephemeral": "ephemeral"}


class Configuration(msgspec.Struct):
    """What one module declares."""

    folder: str
    variables: dict[str, Block] = {}
    locals: dict[str, tuple[str, Attribute]] = {}
    """Each with the file it is in."""
    resources: dict[tuple[str, str, str], Block] = {}
    """By mode (managed, data, ephemeral), type and name."""
    modules: dict[str, Block] = {}
    outputs: dict[str, Block] = {}
    providers: list[Block] = []
    backends: list[Block] = []
    imports: list[Block] = []
    gaps: list[SourceGap] = []
    broken: bool = False
    """Whether something may be declared that could not be read."""
    empty: bool = True
    """Whether there is not one file of Terraform."""


class ParsedFiles:
    """Parsed files, kept while their content is the same: root modules often share modules."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, int, ParsedFile]] = {}

    def read(self, files: Files, uri: str) -> ParsedFile:
        """Return what a ``.tf``, ``.tfvars`` or JSON file says."""
        data = files.read(uri)
        if data is None:
            gap = SourceGap(Place(uri, 0, 0), "failed", "The file cannot be read.")
            return ParsedFile(Body({}, [], broken=True), [gap])
        size, mark = len(data), hash(data)
        kept = self._kept.get(uri)
        if kept is not None and kept[:2] == (size, mark):
            return kept[2]
        parsed = no_text(uri, data)
        if parsed is not None:
            pass
        elif uri.endswith(".json"):
            # The reader of JSON is only imported where there is some: start-up counts.
            from scanner.sources.terraform.json_syntax import parse_json, parse_json_values

            parsed = (parse_json_values if uri.endswith(".tfvars.json") else parse_json)(uri, data)
        else:
            parsed = parse(uri, data)
        self._kept[uri] = (size, mark, parsed)
        return parsed


def inside(folder: str, name: str) -> str:
    """Return the path of a file in a folder."""
    return name if folder == "." else f"{folder}/{name}"


def load(files: Files, folder: str, names: Sequence[str], parsed: ParsedFiles) -> Configuration:
    """Read a folder's module; ``names`` are the names of its files."""
    configuration = Configuration(folder, {}, {}, {}, {}, {}, [], [], [], [])
    for name in sorted(of_module(names), key=overrides):  # else in their order
        uri = inside(folder, name)
        file = parsed.read(files, uri)
        configuration.empty = False
        configuration.gaps.extend(file.gaps)
        configuration.broken = configuration.broken or file.body.broken
        for block in file.body.blocks:
            _take(configuration, block, uri, overrides(name))
    return configuration


def _take(configuration: Configuration, block: Block, uri: str, overriding: bool) -> None:
    if block.type == "locals":
        for name, attribute in block.body.attributes.items():
            if overriding or name not in configuration.locals:
                configuration.locals[name] = (uri, attribute)
        return
    if block.type == "terraform":
        for inner in block.body.blocks:
            if inner.type == "backend" and inner.labels:
                if overriding:
                    configuration.backends.clear()
                configuration.backends.append(inner)
        return
    if block.type == "import":
        configuration.imports.append(block)
        return
    wanted = _LABELS.get(block.type)
    if wanted is None:
        # moved, removed and check declare nothing.
        return
    if len(block.labels) != wanted:
        detail = f"A {block.type} block has {wanted} label{'s' if wanted > 1 else ''} before its brace."
        configuration.gaps.append(SourceGap(Place(uri, block.start, block.head), "malformed", detail))
        configuration.broken = True
        return
    if block.type == "provider":
        configuration.providers.append(block)
    elif block.type in _MODES:
        key = (_MODES[block.type], block.labels[0], block.labels[1])
        _put(configuration, configuration.resources, key, block, overriding)
    else:
        known: dict[str, Block] = getattr(configuration, f"{block.type}s")
        _put(configuration, known, block.labels[0], block, overriding)


_Key = TypeVar("_Key", str, tuple[str, str, str])


def _put(
    configuration: Configuration, known: dict[_Key, Block], key: _Key, block: Block, overriding: bool
) -> None:
    before = known.get(key)
    if before is None:
        known[key] = block
    elif overriding:
        known[key] = _merged(before, block)
    else:
        detail = f"{block.type} {'.'.join(block.labels)} is declared a second time; only the first counts."
        configuration.gaps.append(SourceGap(Place(block.uri, block.start, block.head), "malformed", detail))


def _merged(before: Block, over: Block) -> Block:
    """Return a block with what an override file says of it: arguments one by one, nested blocks by their type."""
    attributes = dict(before.body.attributes)
    for name, attribute in over.body.attributes.items():
        attributes[name] = Attribute(name, attribute.value, attribute.start, attribute.end, overriding=True)
    replaced = {block.type for block in over.body.blocks}
    blocks = [block for block in before.body.blocks if block.type not in replaced]
    for block in over.body.blocks:
        blocks.append(
            Block(
                block.type,
                block.labels,
                block.body,
                block.uri,
                block.start,
                block.head,
                block.end,
                overriding=True,
            )
        )
    body = Body(attributes, blocks, before.body.broken or over.body.broken)
    return Block(before.type, before.labels, body, before.uri, before.start, before.head, before.end)


class Given(msgspec.Struct):
    """Where the values of variables come from: expressions of the files that give them."""

    sure: dict[str, Node] = {}
    """From files that are always used; the last one wins."""
    choices: dict[str, list[Node]] = {}
    """From files of which one may be chosen."""
    chosen_from: list[str] = []
    """The names of the files that may be chosen."""
    gaps: list[SourceGap] = []


def given_values(files: Files, folder: str, names: Sequence[str], parsed: ParsedFiles) -> Given:
    """Read the files in a folder that give values to variables."""
    given = Given({}, {}, [], [])
    always = [name for name in ("terraform.tfvars", "terraform.tfvars.json") if name in names]
    always += sorted(name for name in names if name.endswith((".auto.tfvars", ".auto.tfvars.json")))
    for name in always:
        file = parsed.read(files, inside(folder, name))
        given.gaps.extend(file.gaps)
        for attribute in file.body.attributes.values():
            given.sure[attribute.name] = attribute.value
    for name in names:
        if name in always or not name.endswith((".tfvars", ".tfvars.json")):
            continue
        file = parsed.read(files, inside(folder, name))
        given.gaps.extend(file.gaps)
        given.chosen_from.append(name)
        for attribute in file.body.attributes.values():
            given.choices.setdefault(attribute.name, []).append(attribute.value)
    return given


def literal_flag(block: Block, name: str) -> bool:
    """Whether an argument of a block is written as true."""
    attribute = block.body.attributes.get(name)
    return (
        attribute is not None
        and isinstance(attribute.value, Literal)
        and attribute.value.value in (True, "true")
    )
