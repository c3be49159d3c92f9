"""Terraform's JSON form (``.tf.json``, ``.tfvars.json``) into the syntax of its language.

What an object means depends on where it is: levels of labels, a nested block or a map. For nested blocks there is
no schema here, so names that azurerm's schemas have as maps (``pluginsdk.TypeMap``) are arguments, and other objects
in a resource, provider or data source are blocks. developer.hashicorp.com/terraform/language/syntax/json
"""

from __future__ import annotations

from scanner.sources.arm.json_reader import read_json
from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.template.model import Array, Constant, Entry, Expression, ObjectLiteral
from scanner.sources.terraform.parser import parse_expression, parse_template
from scanner.sources.terraform.syntax import (
    Attribute,
    Block,
    Body,
    Literal,
    Mapping,
    Node,
    ParsedFile,
    Sequence,
)

_LABELS = {
    "resource": 2,
    "data": 2,
    "ephemeral": 2,
    "variable": 1,
    "output": 1,
    "module": 1,
    "provider": 1,
    "check": 1,
    "locals": 0,
    "terraform": 0,
    "moved": 0,
    "removed": 0,
    "import": 0,
}
"""Types of blocks on top, with how many labels they have."""
_WITH_BLOCKS = frozenset({"resource", "data", "ephemeral", "provider"})
"""Blocks in which an object is a nested block unless it is known to be a map."""
_MAPS = frozenset(
    {
        "additional_login_parameters",
        "additional_properties",
        "annotations",
        "app_settings",
        "body",
        "configuration_protected_settings",
        "configuration_settings",
        "connectivity_endpoints",
        "custom_headers",
        "custom_properties",
        "environment_variables",
        "for_each",
        "headers",
        "ip_tags",
        "keepers",
        "labels",
        "login_parameters",
        "metadata",
        "node_labels",
        "parameter_values",
        "parameters",
        "properties",
        "providers",
        "secret_values",
        "secrets",
        "secure_environment_variables",
        "sensitive_body",
        "tags",
        "tenant_settings",
        "triggers",
        "values",
        "webhook_properties",
        "workflow_parameters",
    }
)
_REFERENCES = frozenset({"provider", "depends_on", "providers"})
"""Arguments whose strings are references without braces."""


def parse_json(uri: str, data: bytes) -> ParsedFile:
    """Read a ``.tf.json`` file. Never raises: what is broken is left out and told as a gap with its place."""
    read = read_json(uri, data)
    if read.root is None:
        gap = SourceGap(
            Place(uri, 0, min(len(data), 1)), "malformed", "The file does not begin as a JSON object."
        )
        return ParsedFile(Body({}, [], broken=True), [gap])
    body = Body({}, [], broken=bool(read.gaps))
    for entry in read.root.entries:
        name = _name(entry)
        if name in _LABELS:
            _blocks(name, [], _LABELS[name], entry, uri=uri, out=body.blocks)
        elif name != "//":
            body.broken = True
    return ParsedFile(body, read.gaps)


def parse_json_values(uri: str, data: bytes) -> ParsedFile:
    """Read a ``.tfvars.json`` file: nothing in it is evaluated."""
    read = read_json(uri, data)
    if read.root is None:
        gap = SourceGap(
            Place(uri, 0, min(len(data), 1)), "malformed", "The file does not begin as a JSON object."
        )
        return ParsedFile(Body({}, [], broken=True), [gap])
    body = Body({}, [], broken=bool(read.gaps))
    for entry in read.root.entries:
        _argument(entry, _plain(entry.value), body)
    return ParsedFile(body, read.gaps)


def _name(entry: Entry) -> str:
    return entry.name if isinstance(entry.name, str) else ""


def _blocks(type_: str, labels: list[str], wanted: int, entry: Entry, *, uri: str, out: list[Block]) -> None:
    """Make the blocks that an entry stands for, passing the levels of labels that are missing."""
    for value in entry.value.items if isinstance(entry.value, Array) else [entry.value]:
        if not isinstance(value, ObjectLiteral):
            continue
        if wanted:
            for inner in value.entries:
                if _name(inner) != "//":
                    _blocks(type_, [*labels, _name(inner)], wanted - 1, inner, uri=uri, out=out)
            continue
        body = Body({}, [])
        # The head is what names it: the quoted name before the colon.
        head = entry.start + len(_name(entry).encode()) + 2
        out.append(Block(type_, labels, body, uri, entry.start, head, entry.end))
        for inner in value.entries:
            _member(type_, inner, body, uri)


def _member(parent: str, entry: Entry, body: Body, uri: str) -> None:
    """Add to a block's body what an entry of it stands for."""
    name, value = _name(entry), entry.value
    if name == "//":
        return
    if parent == "terraform":
        if name == "backend":
            _blocks(name, [], 1, entry, uri=uri, out=body.blocks)
        return
    if parent == "variable":
        if name == "type" and isinstance(value, Constant) and isinstance(value.value, str):
            node = parse_expression(value.value)
            if node is not None:
                _argument(entry, node, body)
        else:
            _argument(entry, _plain(value), body)
        return
    if name in _REFERENCES:
        _argument(entry, _references(value), body)
    elif parent in _WITH_BLOCKS and name == "dynamic":
        _blocks(name, [], 1, entry, uri=uri, out=body.blocks)
    elif parent == "dynamic" and name == "content":
        _blocks("resource", [], 0, entry, uri=uri, out=body.blocks)
        body.blocks[-1:] = [_renamed(block, name) for block in body.blocks[-1:]]
    elif parent in _WITH_BLOCKS and name not in _MAPS and _is_blocks(value):
        before = len(body.blocks)
        _blocks("resource", [], 0, entry, uri=uri, out=body.blocks)
        body.blocks[before:] = [_renamed(block, name) for block in body.blocks[before:]]
    else:
        _argument(entry, _node(value), body)


def _renamed(block: Block, name: str) -> Block:
    """Give a block that was read by the rules of a resource its own type."""
    block.type = name
    return block


def _is_blocks(value: Expression) -> bool:
    if isinstance(value, Array):
        return bool(value.items) and all(isinstance(item, ObjectLiteral) for item in value.items)
    return isinstance(value, ObjectLiteral)


def _argument(entry: Entry, node: Node, body: Body) -> None:
    name = _name(entry)
    body.attributes[name] = Attribute(name, node, entry.start, entry.end)


def _node(value: Expression) -> Node:
    """Return the expression of a value whose strings are templates."""
    if isinstance(value, Constant):
        if isinstance(value.value, str):
            return parse_template(value.value) or Literal(value.value)
        return Literal(value.value)
    if isinstance(value, Array):
        return Sequence([_node(item) for item in value.items])
    if isinstance(value, ObjectLiteral):
        items: list[tuple[Node, Node, int, int]] = []
        for entry in value.entries:
            name = _name(entry)
            if name != "//":
                key = parse_template(name) or Literal(name)
                items.append((key, _node(entry.value), entry.start, entry.end))
        return Mapping(items)
    return Literal(None)


def _plain(value: Expression) -> Node:
    """Return the expression of a value that is meant literally."""
    if isinstance(value, Array):
        return Sequence([_plain(item) for item in value.items])
    if isinstance(value, ObjectLiteral):
        return Mapping(
            [(Literal(_name(entry)), _plain(entry.value), entry.start, entry.end) for entry in value.entries]
        )
    return Literal(value.value if isinstance(value, Constant) else None)


def _references(value: Expression) -> Node:
    if isinstance(value, Constant) and isinstance(value.value, str):
        return parse_expression(value.value.removeprefix("${").removesuffix("}")) or Literal(value.value)
    if isinstance(value, Array):
        return Sequence([_references(item) for item in value.items])
    if isinstance(value, ObjectLiteral):
        return Mapping(
            [
                (_references(Constant(_name(entry), entry.start, entry.end)), _references(entry.value), 0, 0)
                for entry in value.entries
            ]
        )
    return Literal(None)
