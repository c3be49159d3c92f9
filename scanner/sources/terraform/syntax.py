"""Terraform's language as it is written, before anything is evaluated: the same classes for HCL and its JSON form.

``parser`` and ``json_syntax`` make a :class:`ParsedFile` out of one file, ``configuration`` a module out of the
files of a folder. Offsets are in bytes of the file. Chains are flat (``a || b || c`` is one node), so that nothing
here is nested deeper than the parser counted.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from scanner.sources.declared.declaration import SourceGap

ATTRIBUTE_SPLAT = ".*"
FULL_SPLAT = "[*]"
"""Steps of a traversal that are no names; digits are an index as older versions wrote it: ``x.0``."""


class Literal(msgspec.Struct):
    """A string, number, boolean or null."""

    value: str | int | float | bool | None


class Template(msgspec.Struct):
    """Text with expressions and directives in it."""

    parts: list[Node]


class TemplateIf(msgspec.Struct):
    """``%{ if condition }then%{ else }otherwise%{ endif }`` in a template."""

    condition: Node
    then: Template
    otherwise: Template


class TemplateFor(msgspec.Struct):
    """``%{ for key, item in collection }body%{ endfor }`` in a template; ``key`` is empty when it is not named."""

    key: str
    item: str
    collection: Node
    body: Template


class Name(msgspec.Struct):
    """An identifier that stands alone or begins a traversal."""

    name: str


class Traversal(msgspec.Struct):
    """``base.name[index].*``: a step is a name, an index expression or one of the two splats."""

    base: Node
    steps: list[str | Node]


class Call(msgspec.Struct):
    """A function call; ``spread`` when the last argument is followed by three points."""

    name: str
    arguments: list[Node]
    spread: bool = False


class Unary(msgspec.Struct):
    """``!`` or ``-``, several of them in the order in which they are written."""

    operators: str
    operand: Node


class Operation(msgspec.Struct):
    """Operators of one precedence in a row, from left to right: ``first + a - b``."""

    first: Node
    rest: list[tuple[str, Node]]


class Conditional(msgspec.Struct):
    """``condition ? then : otherwise``."""

    condition: Node
    then: Node
    otherwise: Node


class Sequence(msgspec.Struct):
    """``[a, b]``."""

    items: list[Node]


class Mapping(msgspec.Struct):
    """``{ key = value }``: key, value, and the offsets of both together."""

    items: list[tuple[Node, Node, int, int]]


class For(msgspec.Struct):
    """``[for key, item in collection : value if condition]``; with ``result_key`` it makes an object."""

    key: str
    item: str
    collection: Node
    result_key: Node | None
    value: Node
    condition: Node | None
    grouped: bool


Node: TypeAlias = (
    "Literal | Template | TemplateIf | TemplateFor | Name | Traversal | Call | Unary | Operation | Conditional "
    "| Sequence | Mapping | For"
)


class Attribute(msgspec.Struct):
    """``name = value``."""

    name: str
    value: Node
    start: int
    end: int
    overriding: bool = False
    """Whether it comes from an override file, and so has no place in the file of its block."""


class Body(msgspec.Struct):
    """What is between braces, or a whole file."""

    attributes: dict[str, Attribute] = {}
    blocks: list[Block] = []
    broken: bool = False
    """Whether a part of it could not be read, so that more may be in it than is known."""


class Block(msgspec.Struct):
    """``type "label" { ... }``."""

    type: str
    labels: list[str]
    body: Body
    uri: str
    start: int
    head: int
    """Where its head ends: after the last label, or after the type."""
    end: int
    overriding: bool = False


class ParsedFile(msgspec.Struct):
    """One file."""

    body: Body
    gaps: list[SourceGap]
