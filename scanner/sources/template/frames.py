"""The frames of an evaluation: templates with their arguments, scopes, and instances of what they declare."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from scanner.sources.declared.declaration import Place
from scanner.sources.declared.values import Object, Property, Ref, Unknown, Value
from scanner.sources.template.model import Expression, Lambda, Module, Resource, Template


class Env(msgspec.Struct):
    """Where an expression is evaluated: the names of its file, and the loops and lambdas around it."""

    frame: Frame
    locals: dict[str, Held]
    loops: tuple[tuple[str, Value, bool], ...]
    """Name, index and whether it is a loop of a resource; the innermost last."""
    owner: ResourceInstance | None = None
    """The resource whose body this is: the resources declared in it are known by their names there."""

    def binding(self, names: dict[str, Held]) -> Env:
        """Return the same with more local names."""
        return Env(self.frame, {**self.locals, **names}, self.loops, self.owner)

    def looping(self, name: str, index: Value, of_resource: bool, names: dict[str, Held]) -> Env:
        """Return the same inside a loop."""
        loops = (*self.loops, (name, index, of_resource))
        return Env(self.frame, {**self.locals, **names}, loops, self.owner)

    def inside(self, owner: ResourceInstance) -> Env:
        """Return the same inside the body of a resource."""
        return Env(self.frame, self.locals, self.loops, owner)


class Scope(msgspec.Struct):
    """A scope of deployment: what ``resourceGroup()``, ``subscription()``, ``scope:`` of a module mean."""

    level: str
    subscription: Value
    resource_group: Value
    management_group: Value
    id: Value
    """The parent of what is declared here: None for the scope of the unit itself."""
    prefix: Value
    """Its id as text: ``/subscriptions/{...}/resourceGroups/rg``; ``""`` for a tenant."""


class Standing(msgspec.Struct, frozen=True):
    """The module call that people wrote, for a template that a compiler made of what they call."""

    place: Place
    whole: Place
    language: str


class Frame:
    """One template being evaluated: its arguments, and what it declares."""

    __slots__ = (
        "arguments",
        "base",
        "busy",
        "by_name",
        "calls",
        "conditional",
        "depth",
        "expanded",
        "folded",
        "memo",
        "module",
        "parent",
        "prefix",
        "scope",
        "standing",
        "symbols",
        "template",
    )

    def __init__(
        self,
        template: Template,
        scope: Scope,
        *,
        parent: Frame | None = None,
        prefix: str = "",
        calls: tuple[Place, ...] = (),
        conditional: bool = False,
        module: Module | None = None,
        standing: Standing | None = None,
    ) -> None:
        self.template = template
        self.scope = scope
        self.parent = parent
        self.module = module
        """What deploys it; None for the template of the unit itself."""
        self.standing = standing
        """Where all of it is said to stand, when it is not written in a file that people write."""
        self.prefix = prefix
        """What addresses of its resources begin with: ``network.``."""
        self.calls = calls
        self.conditional = conditional
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.arguments: dict[str, tuple[Expression, Env] | Value] = {}
        """By names in lower case."""
        self.base = Env(self, {}, ())
        self.memo: dict[tuple[str, str], Held] = {}
        self.busy: set[tuple[str, str]] = set()
        self.expanded: dict[tuple[int, int], Instances] = {}
        """By ``id()`` of a resource or module of the template and of the instance it is declared in, or 0."""
        self.symbols: dict[str, Resource | Module] = {}
        self.by_name = InstanceIndex()
        self.folded: dict[str, dict[str, str]] = {}
        """Parameters and variables by their names in lower case: ARM does not mind the case."""

    def release(self) -> None:
        """Let go of all that leads back here, once the unit is done: it is freed at once, no cycle is left to find."""
        self.arguments.clear()
        self.memo.clear()
        self.expanded.clear()
        self.by_name = InstanceIndex()
        del self.base


class ResourceInstance(msgspec.Struct, eq=False):
    """One instance of a declared resource."""

    resource: Resource
    frame: Frame
    """Whose scope and address it has; ``env`` may be another's: the outer one's of a nested deployment."""
    env: Env
    body: Expression
    address: str
    type: str
    """As written, whole: ``Microsoft.Sql/servers/databases``."""
    outer: ResourceInstance | None
    conditional: bool
    located: tuple[Value, Value, Value] | None = None
    """Name, parent, id as text; None before it was asked for."""
    busy: bool = False


class InstanceIndex:
    """Finds resources by a text that is worked out late: asking for it may lead back here."""

    def __init__(self) -> None:
        self._waiting: deque[ResourceInstance] = deque()
        self._found: dict[str, list[ResourceInstance]] = {}

    def add(self, instance: ResourceInstance) -> None:
        """Take a resource in; its text is asked for when something is looked for."""
        self._waiting.append(instance)

    def take(self, text: Callable[[ResourceInstance], str]) -> None:
        """Work out the texts of all that wait, but for those whose name is being worked out right now."""
        later: list[ResourceInstance] = []
        while self._waiting:
            # One by one: a search inside a search goes on with the others.
            instance = self._waiting.popleft()
            if instance.busy:
                later.append(instance)
            else:
                self._found.setdefault(text(instance), []).append(instance)
        self._waiting.extend(later)

    def find(self, text: str, seeker: ResourceInstance | None) -> ResourceInstance | None:
        """Return what has a text, not the one that asks; what is made before what is only looked up."""
        looked_up: ResourceInstance | None = None
        for instance in self._found.get(text, ()):
            if instance is seeker:
                continue
            if not instance.resource.existing:
                return instance
            looked_up = looked_up or instance
        return looked_up


class ModuleInstance(msgspec.Struct, eq=False):
    """One instance of a module or nested deployment."""

    module: Module
    home: Frame
    env: Env
    body: Expression
    address: str
    conditional: bool
    frame: Frame | None = None
    """None: its template is not here, or it was not looked for yet."""
    entered: bool = False
    why: str = ""
    """Why it has no frame."""


class Instances(msgspec.Struct):
    """What a symbol stands for that is declared in a loop, or that is not declared after all."""

    items: list[ResourceInstance | ModuleInstance]
    looped: bool
    open: bool
    """Whether the number of instances is not known: there is one for all."""


class ModuleHandle(msgspec.Struct):
    """A module as a value: ``.outputs`` leads into it. ``part`` says how far one has gone."""

    instance: ModuleInstance
    part: str = ""


class Closure(msgspec.Struct):
    """A lambda with what it sees."""

    node: Lambda
    env: Env


class Namespace(msgspec.Struct):
    """``import * as name``: what another file exports; or ``az``, ``sys`` with ``frame`` None."""

    frame: Frame | None


Handle: TypeAlias = "Scope | Instances | ModuleHandle | Closure | Namespace"
Held: TypeAlias = "Value | Handle"

HANDLES = (Scope, Instances, ModuleHandle, Closure, Namespace)
HANDLE_TYPES = frozenset(HANDLES)
"""To look a type up in, where that is done for every expression."""


def settled(found: Held) -> Value:
    """Return what a declaration can hold in place of a handle."""
    if isinstance(found, Scope):
        return scope_object(found)
    if isinstance(found, Instances):
        if len(found.items) == 1 and not found.looped:
            return settled(handle_of(found.items[0]))
        return [settled(handle_of(item)) for item in found.items]
    if isinstance(found, ModuleHandle):
        return Unknown(found.instance.address + found.part, "it is known after the deployment")
    if isinstance(found, Closure | Namespace):
        return Unknown("...", "it is no value")
    return found


def handle_of(item: ResourceInstance | ModuleInstance) -> Held:
    """Return what an instance is as a value: a resource is a reference with an empty path."""
    if isinstance(item, ModuleInstance):
        return ModuleHandle(item)
    return Ref(item.address, (), item.address)


def scope_object(scope: Scope) -> Object:
    """Return the object that ``resourceGroup()`` and its like give."""
    made: dict[str, Value] = {"id": scope.id if scope.id is not None else scope.prefix}
    if scope.level == "resourceGroup":
        made["name"] = scope.resource_group
    elif scope.level == "subscription":
        made["subscriptionId"] = scope.subscription
    elif scope.level == "managementGroup":
        made["name"] = scope.management_group
    return Object({name: Property(value) for name, value in made.items()}, True)
