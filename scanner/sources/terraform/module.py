"""One instance of a module: what its names stand for, evaluated when they are asked for, and what it declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scanner.sources.declared.declaration import Place
from scanner.sources.declared.values import Object, Property, Ref, Value
from scanner.sources.terraform.configuration import Configuration, Given, literal_flag
from scanner.sources.terraform.expressions import Evaluator
from scanner.sources.terraform.module_calls import Calls
from scanner.sources.terraform.providers import provider_addresses, provider_name
from scanner.sources.terraform.repetition import Copies, copies_of, unknown_copies
from scanner.sources.terraform.resource import Resource
from scanner.sources.terraform.scope import Scope
from scanner.sources.terraform.symbolic import (
    MISSING,
    Failed,
    Missing,
    OpenList,
    Partial,
    masked,
    same,
    shorten,
    unknown,
)
from scanner.sources.terraform.syntax import Block, Literal
from scanner.sources.terraform.type_constraints import converted


class _Busy:
    """The class of ``_BUSY``."""


_BUSY = _Busy()
"""Stands for a value that is being evaluated: who asks for it then asks in a circle."""


class Module:
    """One instance of a module, the root module or a called one."""

    def __init__(
        self,
        evaluator: Evaluator,
        calls: Calls,
        configuration: Configuration,
        *,
        address: str = "",
        call: Block | None = None,
        caller: Scope | None = None,
        given: Given | None = None,
        places: tuple[Place, ...] = (),
        conditional: bool = False,
        folders: tuple[str, ...] = (),
        parent: Module | None = None,
    ) -> None:
        self.evaluator = evaluator
        self.configuration = configuration
        self.folder = configuration.folder
        self.address = address
        self.prefix = f"{address}." if address else ""
        self.places = places
        """The calls that lead here, the outermost first."""
        self.conditional = conditional
        self.folders = folders
        """The folders of the modules around this one, and its own."""
        self._calls = calls
        self._call = call
        self._caller = caller
        self._given = given
        self._variables: dict[str, Value | _Busy] = {}
        self._locals: dict[str, Value | _Busy] = {}
        self._outputs: dict[str, Value | _Busy] = {}
        self._resources: dict[tuple[str, str, str], tuple[Copies, list[Resource]] | _Busy] = {}
        self._modules: dict[str, tuple[Copies, list[Module]] | _Busy | None] = {}
        self.providers: dict[str, str] = provider_addresses(
            configuration.providers, self.prefix, call, None if parent is None else parent.providers
        )
        """The address of each provider configuration by the name it has here: ``azurerm.hub``."""

    def __str__(self) -> str:
        return self.address

    def scope(self, owner: str, *, placed: bool = False) -> Scope:
        """Return the scope of an expression of the module that belongs to no resource."""
        return Scope(self, {}, owner, placed)

    # ---- names

    def _once(
        self, kept: dict[str, Value | _Busy], name: str, shown: str, place: Place, make: Callable[[], Any]
    ) -> Value:
        """Return what is kept under a name, or make it; a circle is a gap, and what has no value is unknown."""
        found = kept.get(name)
        if isinstance(found, _Busy):
            self.evaluator.budget.tell(place, "unresolved", f"{shown} depends on itself.")
            raise Failed(f"{shown} depends on itself")
        if found is not None or name in kept:
            return found
        kept[name] = _BUSY
        try:
            found = self.evaluator.keep(make())
        except Failed as failed:
            found = unknown(shown, str(failed))
        finally:
            del kept[name]
        kept[name] = found
        return found

    def local(self, name: str) -> Value:
        """Return the value of ``local.name``."""
        held = self.configuration.locals.get(name)
        shown = f"{self.prefix}local.{name}"
        if held is None:
            return self._undeclared(shown)
        uri, attribute = held
        place = Place(uri, attribute.start, attribute.end)
        scope = self.scope(shown)
        return self._once(
            self._locals, name, shown, place, lambda: self.evaluator.evaluate(attribute.value, scope)
        )

    def variable(self, name: str) -> Value:
        """Return the value of ``var.name``."""
        block = self.configuration.variables.get(name)
        shown = f"{self.prefix}var.{name}"
        if block is None:
            return self._undeclared(shown)
        place = Place(block.uri, block.start, block.head)
        return self._once(self._variables, name, shown, place, lambda: self._variable(block, name, shown))

    def _variable(self, block: Block, name: str, shown: str) -> Value:
        attributes = block.body.attributes
        secret = literal_flag(block, "sensitive") or literal_flag(block, "ephemeral")
        nullable = attributes.get("nullable")
        value: Any = MISSING
        if self._call is not None and self._caller is not None:
            passed = self._call.body.attributes.get(name)
            if passed is not None:
                value = self.evaluator.finished(self.evaluator.evaluate(passed.value, self._caller))
        elif self._given is not None and name in self._given.sure:
            value = self.evaluator.evaluate(self._given.sure[name], self.scope(shown))
        elif self._given is not None and name in self._given.choices:
            value = self._choice(self._given, block, name, shown)
        if value is None and nullable is not None and nullable.value == Literal(False):
            value = MISSING
        default = attributes.get("default")
        if isinstance(value, Missing) and default is not None:
            value = self.evaluator.evaluate(default.value, self.scope(shown))
        if isinstance(value, Missing):
            return unknown(shown, "the variable has no default", secret=secret)
        type_ = attributes.get("type")
        if type_ is not None:
            scope = self.scope(shown)
            value = converted(value, type_.value, lambda node: self.evaluator.evaluate(node, scope))
        return masked(value, shown) if secret else value

    def _choice(self, given: Given, block: Block, name: str, shown: str) -> Value:
        """Return the value of a variable that files give of which one is chosen when deploying."""
        scope = self.scope(shown)
        values = [self.evaluator.evaluate(node, scope) for node in given.choices[name]]
        default = block.body.attributes.get("default")
        if default is not None:
            # Nothing says that one of the files is chosen at all.
            values.append(self.evaluator.evaluate(default.value, scope))
        if all(same(value, values[0]) for value in values[1:]):
            return values[0]
        files = ", ".join(given.chosen_from[:5])
        return unknown(shown, f"its value is chosen when deploying ({files})", options=values)

    def _undeclared(self, shown: str) -> Value:
        if self.configuration.broken:
            return unknown(shown, "a file of its module could not be read wholly")
        return unknown(shown, "nothing of that name is declared")

    def output(self, name: str) -> Value:
        """Return the value of an output."""
        block = self.configuration.outputs.get(name)
        shown = f"{self.prefix}{name}"
        value = None if block is None else block.body.attributes.get("value")
        if block is None or value is None:
            return self._undeclared(shown)
        place = Place(block.uri, block.start, block.head)
        scope = self.scope(f"{self.prefix}output.{name}")
        node = value.value
        made = self._once(
            self._outputs,
            name,
            shown,
            place,
            lambda: self.evaluator.finished(self.evaluator.evaluate(node, scope)),
        )
        return masked(made, shown) if literal_flag(block, "sensitive") else made

    def output_names(self) -> list[str]:
        """Return the names of the outputs."""
        return list(self.configuration.outputs)

    # ---- resources

    def resource(self, mode: str, type_: str, name: str) -> Value:
        """Return a reference to a resource, or a list or object of those to its instances."""
        made = self.resources_of((mode, type_, name))
        if made is None:
            return self._undeclared(self.resource_address(mode, type_, name))
        copies, resources = made
        refer: Value = _collected(copies, [Ref(each.address, (), each.address) for each in resources])
        return refer

    def resource_address(self, mode: str, type_: str, name: str) -> str:
        """Return how Terraform calls a resource."""
        return f"{self.prefix}{'' if mode == 'managed' else mode + '.'}{type_}.{name}"

    def resources_of(self, key: tuple[str, str, str]) -> tuple[Copies, list[Resource]] | None:
        """Return the instances of a resource; None when it is not declared."""
        block = self.configuration.resources.get(key)
        if block is None:
            return None
        found = self._resources.get(key)
        address = self.resource_address(*key)
        if isinstance(found, _Busy):
            place = Place(block.uri, block.start, block.head)
            self.evaluator.budget.tell(place, "unresolved", f"How often {address} is made depends on itself.")
            raise Failed(f"how often {address} is made depends on itself")
        if found is None:
            self._resources[key] = _BUSY
            try:
                copies = self._copies(block, address)
            finally:
                del self._resources[key]
            resources = [
                Resource(self.evaluator, self, block, f"{address}{copy.suffix}", copy)
                for copy in copies.copies
            ]
            for resource in resources:
                self.evaluator.instances[resource.address] = resource
            found = self._resources[key] = (copies, resources)
        return found

    def _copies(self, block: Block, address: str) -> Copies:
        evaluator = self.evaluator
        try:
            evaluator.deeper(2)
            try:
                return copies_of(evaluator, block, self.scope(address))
            finally:
                evaluator.depth -= 2
        except Failed as failed:
            repeats = block.body.attributes.get("for_each") or block.body.attributes["count"]
            detail = f"How often {shorten(address)} is made cannot be told: {failed}."
            evaluator.budget.tell(Place(block.uri, repeats.start, repeats.end), "unresolved", detail)
            return unknown_copies("each" if repeats.name == "for_each" else "count", address, str(failed))

    # ---- modules

    def called(self, name: str) -> Any:
        """Return what ``module.name`` is: one module, a list or an object of modules, or unknown."""
        shown = f"{self.prefix}module.{name}"
        if name not in self.configuration.modules:
            return self._undeclared(shown)
        made = self.modules_of(name)
        if made is None:
            return unknown(shown, "the module is not here")
        copies, modules = made
        return _collected(copies, modules)

    def modules_of(self, name: str) -> tuple[Copies, list[Module]] | None:
        """Return the instances of a module that is called; None when it is not here, which is a gap then."""
        block = self.configuration.modules[name]
        found = self._modules.get(name)
        address = f"{self.prefix}module.{name}"
        place = Place(block.uri, block.start, block.head)
        if isinstance(found, _Busy):
            self.evaluator.budget.tell(
                place, "unresolved", f"How often {address} is called depends on itself."
            )
            raise Failed(f"how often {address} is called depends on itself")
        if found is None and name not in self._modules:
            configuration = self._calls.target(self.folders, self.address, block, name, place)
            if configuration is None:
                self._modules[name] = None
                return None
            self._modules[name] = _BUSY
            try:
                copies = self._copies(block, address)
            finally:
                del self._modules[name]
            modules = [
                Module(
                    self.evaluator,
                    self._calls,
                    configuration,
                    address=f"{address}{copy.suffix}",
                    call=block,
                    caller=Scope(self, copy.names, f"{address}{copy.suffix}", False),
                    places=(*self.places, place),
                    conditional=self.conditional or copy.conditional,
                    folders=(*self.folders, configuration.folder),
                    parent=self,
                )
                for copy in copies.copies
            ]
            found = self._modules[name] = (copies, modules)
        return found

    # ---- providers

    def provider_of(self, block: Block) -> str:
        """Return the address of a resource's provider configuration; empty when none is written."""
        named = block.body.attributes.get("provider")
        name = block.labels[0].split("_", 1)[0] if named is None else provider_name(named.value)
        return self.providers.get(name, "")


def _collected(copies: Copies, made: list[Any]) -> Any:
    """Return one, a list or an object of what a block makes."""
    if copies.kind == "one":
        return made[0]
    if copies.kind == "count":
        certain = sum(not copy.conditional for copy in copies.copies)
        if copies.more or certain == len(made):
            return OpenList(made) if copies.more else made
        partial = Partial(made)
        partial.least = certain
        return partial
    properties: dict[str, Property] = {}
    names: dict[str, Value] = {}
    for copy, each in zip(copies.copies, made, strict=True):
        name = copy.key if isinstance(copy.key, str) else copy.suffix[1:-1]
        properties[name] = Property(each)
        if not isinstance(copy.key, str):
            names[name] = copy.key
    return Object(properties, copies.more, names)
