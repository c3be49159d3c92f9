"""A folder of Terraform files to the instances of what it declares: the entry to this package.

    names of the files --(configuration)--> Configuration --(module, expressions)--> TerraformObject

Everything that can be known without Azure is; the rest is a reference to another object or unknown, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.declared.files import Files
from scanner.sources.declared.values import Object, Property, Value
from scanner.sources.terraform.bodies import OF_PROVIDERS, OF_RESOURCES, argument_value, read_body
from scanner.sources.terraform.configuration import ParsedFiles, given_values, literal_flag, load
from scanner.sources.terraform.expressions import Evaluator
from scanner.sources.terraform.imports import imported_by
from scanner.sources.terraform.model import TerraformObject
from scanner.sources.terraform.module import Module
from scanner.sources.terraform.module_calls import Calls
from scanner.sources.terraform.providers import provider_key
from scanner.sources.terraform.resource import Resource
from scanner.sources.terraform.scope import MOST_STEPS, MOST_STEPS_OF_ONE, Exhausted
from scanner.sources.terraform.syntax import Attribute, Block

__all__ = ["ParsedFiles", "evaluate_root"]

MOST_OBJECTS = 20_000
"""Objects of one root module."""
_Made = TypeVar("_Made")


def evaluate_root(
    files: Files, folder: str, names: Sequence[str], parsed: ParsedFiles | None = None
) -> tuple[list[TerraformObject], list[SourceGap]]:
    """Return what a root module and the modules it calls declare, and what of it could not be read.

    ``folder`` is its path from the repository's root, ``.`` for that itself; ``names`` are the names of the files in
    it. ``parsed`` keeps parsed files for the next root module that shares some. Never raises for what files say.
    """
    parsed = parsed or ParsedFiles()
    configuration = load(files, folder, names, parsed)
    given = given_values(files, folder, names, parsed)
    evaluator = Evaluator(files, folder)
    budget = evaluator.budget
    for gap in (*configuration.gaps, *given.gaps):
        budget.tell(gap.place, gap.reason, gap.detail)
    root = Module(
        evaluator,
        Calls(files, folder, parsed, budget),
        configuration,
        given=given,
        folders=(folder,),
    )
    objects: list[TerraformObject] = []
    addresses: set[str] = set()
    reader = _Reader(evaluator)
    imported = reader.imported(root)
    for made in reader.objects(root):
        if made.address not in addresses:
            addresses.add(made.address)
            made.imported = imported.get(made.address, "")
            objects.append(made)
        if len(objects) >= MOST_OBJECTS:
            detail = f"It declares more than {MOST_OBJECTS:,} objects; the rest is not read."
            budget.tell(made.place, "skipped", detail)
            break
    return objects, budget.gaps


class _Reader:
    """Yields the objects of modules; what takes too many steps is a gap, and the next is read."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._budget = evaluator.budget

    def objects(self, module: Module) -> Iterator[TerraformObject]:
        """Yield what a module declares, then what the modules do that it calls."""
        configuration = module.configuration
        makers: list[tuple[Block, Callable[[], TerraformObject]]] = [
            (block, partial(self._provider, module, block)) for block in configuration.providers
        ]
        if not module.places:
            makers += [(block, partial(self._backend, module, block)) for block in configuration.backends]
            makers += [
                (block, partial(self._output, module, name, block))
                for name, block in configuration.outputs.items()
                if "value" in block.body.attributes
            ]
        makers += [
            (block, partial(self._variable, module, name, block))
            for name, block in configuration.variables.items()
            if "default" in block.body.attributes
        ]
        for block, make in makers:
            made = self._guarded(block, make)
            if made is not None:
                yield made
        for key, block in configuration.resources.items():
            found = self._guarded(block, partial(module.resources_of, key))
            for resource in found[1] if found is not None else ():
                made = self._guarded(block, partial(self._resource, module, key[0], resource))
                if made is not None:
                    yield made
        for name, block in configuration.modules.items():
            called = self._guarded(block, partial(module.modules_of, name))
            for each in called[1] if called is not None else ():
                yield from self.objects(each)

    def imported(self, root: Module) -> dict[str, str]:
        """Return the ids of what import blocks say is there already, by the address that it gets."""
        found: dict[str, str] = {}
        for block in root.configuration.imports:
            found.update(self._guarded(block, partial(imported_by, self._evaluator, root, block)) or {})
        return found

    def _guarded(self, block: Block, make: Callable[[], _Made]) -> _Made | None:
        """Make something with its own share of the steps; None when that is not enough, which is a gap."""
        if self._budget.spent:
            return None
        self._budget.begin()
        try:
            return make()
        except Exhausted:
            place = _head(block)
            if self._budget.spent:
                detail = (
                    f"The root module takes more than {MOST_STEPS:,} steps to evaluate; the rest is not read."
                )
            else:
                detail = f"It takes more than {MOST_STEPS_OF_ONE:,} steps to evaluate; it is not read."
            self._budget.tell(place, "skipped", detail)
            return None

    def _provider(self, module: Module, block: Block) -> TerraformObject:
        name = provider_key(block)
        address = f"{module.prefix}provider.{name}"
        body = read_body(self._evaluator, block.body, module.scope(address, placed=True), apart=OF_PROVIDERS)
        alias = name.partition(".")[2] or name
        return _object(
            module, block, address=address, mode="provider", type_=block.labels[0], name=alias, body=body
        )

    def _backend(self, module: Module, block: Block) -> TerraformObject:
        name = block.labels[0]
        address = f"backend.{name}"
        body = read_body(self._evaluator, block.body, module.scope(address, placed=True))
        return _object(module, block, address=address, mode="backend", type_=name, name=name, body=body)

    def _output(self, module: Module, name: str, block: Block) -> TerraformObject:
        address = f"{module.prefix}output.{name}"
        body = self._value(module, block, address, "value")
        return _object(module, block, address=address, mode="output", type_="output", name=name, body=body)

    def _variable(self, module: Module, name: str, block: Block) -> TerraformObject:
        address = f"{module.prefix}var.{name}"
        body = self._value(module, block, address, "default")
        return _object(
            module, block, address=address, mode="variable", type_="variable", name=name, body=body
        )

    def _value(self, module: Module, block: Block, address: str, which: str) -> Object:
        """Return the body of an output or variable: its value or default, and whether it is marked sensitive."""
        scope = module.scope(address, placed=True)
        properties: dict[str, Property] = {}
        attribute = block.body.attributes[which]
        value: Value = argument_value(self._evaluator, attribute, scope)
        properties[which] = Property(value) if attribute.overriding else _written(attribute, value)
        sensitive = block.body.attributes.get("sensitive")
        marked = literal_flag(block, "sensitive")
        if sensitive is None or sensitive.overriding:
            properties["sensitive"] = Property(marked)
        else:
            properties["sensitive"] = _written(sensitive, marked)
        return Object(properties)

    def _resource(self, module: Module, mode: str, resource: Resource) -> TerraformObject:
        block = resource.block
        body = read_body(
            self._evaluator,
            block.body,
            resource.scope(placed=True),
            apart=OF_RESOURCES,
            json_bodies=resource.is_azapi,
        )
        made = _object(
            module,
            block,
            address=resource.address,
            mode="managed" if mode == "managed" else "data",
            type_=block.labels[0],
            name=block.labels[1],
            body=body,
        )
        made.conditional = module.conditional or resource.copy.conditional
        made.provider = module.provider_of(block)
        return made


def _object(
    module: Module, block: Block, *, address: str, mode: str, type_: str, name: str, body: Object
) -> TerraformObject:
    return TerraformObject(
        address=address,
        mode=mode,
        type=type_,
        name=name,
        body=body,
        place=_head(block),
        whole=Place(block.uri, block.start, block.end),
        language="terraform",
        conditional=module.conditional,
        calls=module.places,
    )


def _written(attribute: Attribute, value: Value) -> Property:
    return Property(value, attribute.start, attribute.end)


def _head(block: Block) -> Place:
    return Place(block.uri, block.start, block.head)
