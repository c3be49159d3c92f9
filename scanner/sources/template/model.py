"""A template as it is written, before anything is evaluated: the same classes for ARM JSON and Bicep.

``arm.read`` and ``bicep.read`` make a :class:`Template` out of one file; ``template.evaluate`` follows modules and
turns it into declarations. Offsets are in bytes of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from scanner.sources.declared.declaration import SourceGap
from scanner.sources.declared.values import NOT_WRITTEN

if TYPE_CHECKING:
    from scanner.sources.template.frames import Env

# ---- expressions
# No expression contains itself, so that the cycle collector need not look at them (``gc=False``): there are very many.


class Constant(msgspec.Struct, gc=False):
    """A string, number, boolean or null."""

    value: str | int | float | bool | None
    start: int
    end: int


class Interpolation(msgspec.Struct, gc=False):
    """Text with expressions in it: ``'${prefix}-id'``. An ARM ``format`` or ``concat`` stays a :class:`Call`."""

    parts: list[str | Expression]
    start: int
    end: int


class Array(msgspec.Struct, gc=False):
    """An array; a :class:`Spread` item stands for its items, a :class:`Loop` for those it makes."""

    items: list[Expression]
    start: int
    end: int


class Entry(msgspec.Struct, gc=False):
    """One property of an object: ``name`` is an expression where the name is interpolated.

    ``start`` and ``end`` span name and value.
    """

    name: str | Expression
    value: Expression
    start: int
    end: int


class ObjectLiteral(msgspec.Struct, gc=False):
    """An object; the entries keep their order; ``spreads`` are pairs of (position among the entries, expression)."""

    entries: list[Entry]
    start: int
    end: int
    spreads: list[tuple[int, Expression]] = []


class Spread(msgspec.Struct, gc=False):
    """``...expression`` in an array."""

    expression: Expression
    start: int
    end: int


class Name(msgspec.Struct, gc=False):
    """A Bicep identifier: parameter, variable, resource, module, loop or lambda variable, imported name, namespace.

    In ARM JSON nothing is a name: ``parameters('x')`` and ``variables('x')`` are calls.
    """

    name: str
    start: int
    end: int


class Member(msgspec.Struct, gc=False):
    """``base.name`` or ``base.?name``."""

    base: Expression
    name: str
    safe: bool
    start: int
    end: int


class Nested(msgspec.Struct, gc=False):
    """``base::name``: a resource declared inside another one."""

    base: Expression
    name: str
    start: int
    end: int


class Index(msgspec.Struct, gc=False):
    """``base[index]`` or ``base[?index]``."""

    base: Expression
    index: Expression
    safe: bool
    start: int
    end: int


class Call(msgspec.Struct, gc=False):
    """A function call; ``base`` for ``vault.getSecret('x')``, ``sys.concat()``, ``namespace.function()``."""

    name: str
    arguments: list[Expression]
    base: Expression | None
    start: int
    end: int


class Unary(msgspec.Struct, gc=False):
    """``!`` or ``-``; the trailing ``!`` of Bicep asserts only and is dropped when read."""

    operator: str
    operand: Expression
    start: int
    end: int


class Binary(msgspec.Struct, gc=False):
    """``+ - * / % == != =~ !~ < <= > >= && || ??``."""

    operator: str
    left: Expression
    right: Expression
    start: int
    end: int


class Conditional(msgspec.Struct, gc=False):
    """``condition ? then : otherwise``; ARM's ``if()`` stays a call."""

    condition: Expression
    then: Expression
    otherwise: Expression
    start: int
    end: int


class Lambda(msgspec.Struct, gc=False):
    """``(a, b) => body`` or ARM's ``lambda('a', ...)``, which stays a call."""

    parameters: list[str]
    body: Expression
    start: int
    end: int


class Loop(msgspec.Struct, gc=False):
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


class Broken(msgspec.Struct, gc=False):
    """An expression that does not parse; a gap tells of it."""

    shown: str
    start: int
    end: int


class Outside(msgspec.Struct):
    """An expression in a template that is written as an object: it belongs to the file around that template."""

    expression: Expression
    env: Env
    start: int
    end: int


class Unread(msgspec.Struct):
    """A template inside a deployment, in a file that a compiler wrote: it is read when it is deployed."""

    reader: Callable[[str, bytes | memoryview], Template | None]
    name: str
    """The template that it stands in."""
    data: memoryview
    start: int = NOT_WRITTEN
    end: int = NOT_WRITTEN

    def read(self) -> Template | None:
        """Return the template; None where it cannot be read."""
        return self.reader(self.name, self.data)


Expression: TypeAlias = (
    "Constant | Interpolation | Array | ObjectLiteral | Spread | Name | Member | Nested | Index | Call | Unary | "
    "Binary | Conditional | Lambda | Loop | Broken | Outside | Unread"
)

# ---- statements


class Parameter(msgspec.Struct):
    """A parameter; ``type`` as written (``string``, ``securestring``, a user-defined name, ...)."""

    name: str
    type: str
    default: Expression | None
    secure: bool
    nullable: bool
    start: int
    end: int
    """The parameter's name, without its decorators."""
    allowed: list[Expression] = []
    """The values it may have when they are listed: ``@allowed``, ``allowedValues``."""


class Variable(msgspec.Struct):
    """A variable; in Bicep also one that is exported."""

    name: str
    value: Expression
    start: int
    end: int


class Function(msgspec.Struct):
    """A user-defined function: parameter names and body; ARM's are called ``namespace.name``."""

    name: str
    parameters: list[str]
    body: Expression
    start: int
    end: int


class Output(msgspec.Struct):
    """An output; ``loop`` wraps ``value`` already."""

    name: str
    type: str
    value: Expression
    secure: bool
    condition: Expression | None
    start: int
    end: int


class Resource(msgspec.Struct):
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
    nested: list[Resource] = []
    written: str = ""
    """ARM: its name as written, brackets of an expression included; what people know it by."""


class Module(msgspec.Struct):
    """A deployment of another template: a Bicep ``module``, an ARM ``Microsoft.Resources/deployments``."""

    symbol: str
    path: str | None
    """As written, relative to the file; None for an inline one; ``br:...``, ``ts:...`` and URLs stay as they are."""
    inline: Template | Unread | None
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

    def template(self) -> Template | None:
        """Return the inline template."""
        if isinstance(self.inline, Unread):
            self.inline = self.inline.read()
        return self.inline


class Import(msgspec.Struct):
    """``import { a as b, * as c } from 'path'``: pairs of (name, name here), ``*`` for everything."""

    path: str
    names: list[tuple[str, str]]
    start: int
    end: int


class Template(msgspec.Struct):
    """One file, or one inline template."""

    uri: str
    language: Literal["arm", "bicep"]
    target_scope: str
    """resourceGroup, subscription, managementGroup or tenant."""
    parameters: dict[str, Parameter] = {}
    variables: dict[str, Variable] = {}
    functions: dict[str, Function] = {}
    resources: list[Resource] = []
    modules: list[Module] = []
    outputs: dict[str, Output] = {}
    imports: list[Import] = []
    gaps: list[SourceGap] = []
    generated_from_bicep: bool = False
    """Whether ``metadata._generator.name`` says that Bicep made it."""
    placed: bool = True
    """Whether what stands in it has places; see ``arm.generated``."""


class ParameterFile(msgspec.Struct):
    """A ``.bicepparam`` or a JSON parameter file: its values; ``using`` is the template it names, if it does."""

    uri: str
    using: str | None
    values: dict[str, Expression]
    variables: dict[str, Variable] = {}
    imports: list[Import] = []
    gaps: list[SourceGap] = []
    extends: str | None = None
    """The parameter file whose values hold where this one gives none, if it names one."""
