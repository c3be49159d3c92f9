"""A template as it is written, before anything is evaluated: the same classes for ARM JSON and Bicep.

``arm.read`` and ``bicep.read`` make a :class:`Template` out of one file; ``template.evaluate`` follows modules and
turns it into declarations. Offsets are in bytes of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from scanner.sources.declared.declaration import SourceGap

if TYPE_CHECKING:
    from scanner.sources.template.frames import Env

# ---- expressions


@dataclass(slots=True)
class Constant:
    """A string, number, boolean or null."""

    value: str | int | float | bool | None
    start: int
    end: int


@dataclass(slots=True)
class Interpolation:
    """Text with expressions in it: ``'${prefix}-id'``. An ARM ``format`` or ``concat`` stays a :class:`Call`."""

    parts: list[str | Expression]
    start: int
    end: int


@dataclass(slots=True)
class Array:
    """An array; a :class:`Spread` item stands for its items, a :class:`Loop` for those it makes."""

    items: list[Expression]
    start: int
    end: int


@dataclass(slots=True)
class Entry:
    """One property of an object: ``name`` is an expression where the name is interpolated.

    ``start`` and ``end`` span name and value.
    """

    name: str | Expression
    value: Expression
    start: int
    end: int


@dataclass(slots=True)
class ObjectLiteral:
    """An object; the entries keep their order; ``spreads`` are pairs of (position among the entries, expression)."""

    entries: list[Entry]
    start: int
    end: int
    spreads: list[tuple[int, Expression]] = field(default_factory=list)


@dataclass(slots=True)
class Spread:
    """``...expression`` in an array."""

    expression: Expression
    start: int
    end: int


@dataclass(slots=True)
class Name:
    """A Bicep identifier: parameter, variable, resource, module, loop or lambda variable, imported name, namespace.

    In ARM JSON nothing is a name: ``parameters('x')`` and ``variables('x')`` are calls.
    """

    name: str
    start: int
    end: int


@dataclass(slots=True)
class Member:
    """``base.name`` or ``base.?name``."""

    base: Expression
    name: str
    safe: bool
    start: int
    end: int


@dataclass(slots=True)
class Nested:
    """``base::name``: a resource declared inside another one."""

    base: Expression
    name: str
    start: int
    end: int


@dataclass(slots=True)
class Index:
    """``base[index]`` or ``base[?index]``."""

    base: Expression
    index: Expression
    safe: bool
    start: int
    end: int


@dataclass(slots=True)
class Call:
    """A function call; ``base`` for ``vault.getSecret('x')``, ``sys.concat()``, ``namespace.function()``."""

    name: str
    arguments: list[Expression]
    base: Expression | None
    start: int
    end: int


@dataclass(slots=True)
class Unary:
    """``!`` or ``-``; the trailing ``!`` of Bicep asserts only and is dropped when read."""

    operator: str
    operand: Expression
    start: int
    end: int


@dataclass(slots=True)
class Binary:
    """``+ - * / % == != =~ !~ < <= > >= && || ??``."""

    operator: str
    left: Expression
    right: Expression
    start: int
    end: int


@dataclass(slots=True)
class Conditional:
    """``condition ? then : otherwise``; ARM's ``if()`` stays a call."""

    condition: Expression
    then: Expression
    otherwise: Expression
    start: int
    end: int


@dataclass(slots=True)
class Lambda:
    """``(a, b) => body`` or ARM's ``lambda('a', ...)``, which stays a call."""

    parameters: list[str]
    body: Expression
    start: int
    end: int


@dataclass(slots=True)
class Loop:
    """``[for item in collection: body]``, ``[for (item, index) in collection: if (condition) body]``.

    For ARM's ``copy``: ``collection`` is ``range(0, count)``, ``item`` is empty, and ``copyIndex(name)`` in the
    body means the index; ``name`` is the copy's name, empty in Bicep.
    """

    item: str
    index: str | None
    collection: Expression
    condition: Expression | None
    body: Expression
    name: str
    start: int
    end: int


@dataclass(slots=True)
class Broken:
    """An expression that does not parse; a gap tells of it."""

    shown: str
    start: int
    end: int


@dataclass(slots=True)
class Outside:
    """An expression in a template that is written as an object: it belongs to the file around that template."""

    expression: Expression
    env: Env
    start: int
    end: int


Expression: TypeAlias = (
    "Constant | Interpolation | Array | ObjectLiteral | Spread | Name | Member | Nested | Index | Call | Unary | "
    "Binary | Conditional | Lambda | Loop | Broken | Outside"
)

# ---- statements


@dataclass(slots=True)
class Parameter:
    """A parameter; ``type`` as written (``string``, ``securestring``, a user-defined name, ...)."""

    name: str
    type: str
    default: Expression | None
    secure: bool
    nullable: bool
    start: int
    end: int
    """The parameter's name, without its decorators."""
    allowed: list[Expression] = field(default_factory=list)
    """The values it may have when they are listed: ``@allowed``, ``allowedValues``."""


@dataclass(slots=True)
class Variable:
    """A variable; in Bicep also one that is exported."""

    name: str
    value: Expression
    start: int
    end: int


@dataclass(slots=True)
class Function:
    """A user-defined function: parameter names and body; ARM's are called ``namespace.name``."""

    name: str
    parameters: list[str]
    body: Expression
    start: int
    end: int


@dataclass(slots=True)
class Output:
    """An output; ``loop`` wraps ``value`` already."""

    name: str
    type: str
    value: Expression
    secure: bool
    condition: Expression | None
    start: int
    end: int


@dataclass(slots=True)
class Resource:
    """A resource as declared. Its body is :class:`ObjectLiteral`, a :class:`Loop` of one, or something that gives one.

    ``start`` and ``end`` span the head (``Declaration.place``), ``whole_start`` and ``whole_end`` all of it.
    """

    symbol: str
    """The Bicep symbolic name or the name in a ``languageVersion 2.0`` template; empty in an older ARM template."""
    type: str
    """``Microsoft.X/y/z`` as written, without the api-version; of a nested one perhaps only its own last part."""
    api_version: str
    existing: bool
    body: Expression
    """Bicep: all properties, ``name``, ``parent``, ``scope``, ``dependsOn`` included. ARM: the JSON object as it is."""
    condition: Expression | None
    start: int
    end: int
    whole_start: int
    whole_end: int
    nested: list[Resource] = field(default_factory=list)
    written: str = ""
    """ARM: its name as written, brackets of an expression included; what people know it by."""


@dataclass(slots=True)
class Module:
    """A deployment of another template: a Bicep ``module``, an ARM ``Microsoft.Resources/deployments``."""

    symbol: str
    path: str | None
    """As written, relative to the file; None for an inline one; ``br:...``, ``ts:...`` and URLs stay as they are."""
    inline: Template | None
    inner_scope: bool
    """Inline only: whether it has its own parameters and variables (``expressionEvaluationOptions: inner``)."""
    body: Expression
    """Bicep: the body with ``name``, ``params``, ``scope``. ARM: the JSON object of the deployment."""
    condition: Expression | None
    start: int
    end: int
    whole_start: int
    whole_end: int
    written: str = ""
    """ARM: its name as written."""
    as_resource: bool = False
    """Whether it is written as a resource, ``Microsoft.Resources/deployments``, as ARM does: what it is given and gives
    stands in ``properties.parameters`` and ``properties.outputs``, each in an object with its ``value``."""


@dataclass(slots=True)
class Import:
    """``import { a as b, * as c } from 'path'``: pairs of (name, name here), ``*`` for everything."""

    path: str
    names: list[tuple[str, str]]
    start: int
    end: int


@dataclass(slots=True)
class Template:
    """One file, or one inline template."""

    uri: str
    language: Literal["arm", "bicep"]
    target_scope: str
    """resourceGroup, subscription, managementGroup or tenant."""
    parameters: dict[str, Parameter] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    resources: list[Resource] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    outputs: dict[str, Output] = field(default_factory=dict)
    imports: list[Import] = field(default_factory=list)
    gaps: list[SourceGap] = field(default_factory=list)
    generated_from_bicep: bool = False
    """Whether ``metadata._generator.name`` says that Bicep made it."""


@dataclass(slots=True)
class ParameterFile:
    """A ``.bicepparam`` or a JSON parameter file: its values; ``using`` is the template it names, if it does."""

    uri: str
    using: str | None
    values: dict[str, Expression]
    variables: dict[str, Variable] = field(default_factory=dict)
    imports: list[Import] = field(default_factory=list)
    gaps: list[SourceGap] = field(default_factory=list)
    extends: str | None = None
    """The parameter file whose values hold where this one gives none, if it names one."""
