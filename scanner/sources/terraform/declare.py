"""Terraform's objects to declarations in the words of Azure Resource Manager.

    objects --(declare_references, declare_body, declare_parents, by catalog/data/terraform.txt)--> declarations

azapi's resources are in ARM's words already (declare_azapi). What the table does not know becomes no declaration; it
is a gap where it has an identity, because that is what would be missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scanner.sources.declared.declaration import Declaration, Scope, SourceGap
from scanner.sources.declared.values import Object, Property, Ref, Value, show
from scanner.sources.terraform.declare_azapi import AZAPI, declare_azapi
from scanner.sources.terraform.declare_body import (
    body_of,
    child_body,
    identity_of,
    united,
    without_places,
)
from scanner.sources.terraform.declare_parents import Parents
from scanner.sources.terraform.declare_references import (
    CURRENT_SUBSCRIPTION,
    World,
    id_of,
    planned_subscription,
)

if TYPE_CHECKING:
    from scanner.catalog.terraform import Child, Section
    from scanner.sources.terraform.model import TerraformObject

_AZURE = ("azurerm_", "azuread_", "azapi_")


def declare(objects: Sequence[TerraformObject]) -> tuple[list[Declaration], list[SourceGap]]:
    """Return the declarations of one unit's objects, in their order, and what the catalogue's table does not know."""
    return _Declarer(objects).run()


def unit_scope(objects: Sequence[TerraformObject]) -> Scope:
    """Return what the objects are deployed to: the subscription of the default azurerm provider, if it names one."""
    world = World(objects)
    default = world.objects.get("provider.azurerm")
    held = CURRENT_SUBSCRIPTION if default is None else world.subscription(default)
    if held == CURRENT_SUBSCRIPTION:
        # A plan knows the ids of what is there already; when all lie in one subscription, so will the rest.
        seen = {found for item in objects if (found := planned_subscription(item)) is not None}
        return Scope("subscription", subscription=seen.pop() if len(seen) == 1 else None)
    return Scope("subscription", subscription=held)


class _Declarer:
    def __init__(self, objects: Sequence[TerraformObject]) -> None:
        self._objects = objects
        self._world = World(objects)
        self._parents = Parents(self._world)
        self._made: dict[str, Declaration] = {}
        self._additions: list[tuple[TerraformObject, str, Object]] = []
        self._gaps: list[SourceGap] = []
        self._by_name: dict[tuple[str, str, str], Declaration] = {}

    def run(self) -> tuple[list[Declaration], list[SourceGap]]:
        for item in self._objects:
            if item.mode in ("managed", "data"):
                self._resource(item)
            else:
                self._other(item)
        for item, argument, body in self._additions:
            self._add(item, argument, body)
        return list(self._made.values()), self._gaps

    def _resource(self, item: TerraformObject) -> None:
        if item.type in AZAPI:
            declared = declare_azapi(item, self._world)
            if isinstance(declared, SourceGap):
                self._gaps.append(declared)
            elif isinstance(declared, Object):
                self._additions.append((item, "resource_id", declared))
            elif declared is not None:
                self._made[item.address] = declared
            return
        described = self._world.sections[item.address]
        if described is None:
            self._not_known(item)
        elif described.onto:
            self._additions.append((item, described.onto, body_of(item, described, self._world)))
        elif described.type and not (described.of and item.mode == "data"):
            self._made[item.address] = _declaration(
                item,
                described.type,
                self._world.name(item, described),
                self._parents.of(item, described),
                body_of(item, described, self._world),
            )
            if item.mode == "managed":
                for child in described.children:
                    self._child(item, described, child)

    def _child(self, item: TerraformObject, described: Section, child: Child) -> None:
        body = child_body(item, child.arguments, self._world)
        if body is None:
            return
        own = id_of(item.address)
        parent = self._parents.of(item, described) if child.beside else own
        if child.type.startswith("azuread/"):
            body = Object({**body.properties, "of": Property(own)})
        made = _declaration(item, child.type, child.name, parent, body)
        made.id = ""
        made.address = f"{item.address}/{child.type.rsplit('/', 1)[1]}/{child.name}"
        self._made[made.address] = made

    def _not_known(self, item: TerraformObject) -> None:
        if item.mode != "managed" or not item.type.startswith(_AZURE):
            return
        if identity_of(item, self._world) is not None:
            self._gaps.append(
                SourceGap(
                    item.place,
                    "unsupported",
                    f"Midas does not know resources of the type {item.type}: its identity is not read.",
                    "attachments",
                )
            )

    def _add(self, item: TerraformObject, argument: str, body: Object) -> None:
        """Unite what only adds to a resource with that resource, where it is declared or looked up in the unit."""
        onto = self._world.argument(item, argument)
        if onto is None and item.type in AZAPI:
            made = self._named_by(item)
        elif isinstance(onto, Ref) and onto.path == ("id",):
            made = self._made.get(onto.target)
        else:
            made = None
        if made is None:
            return
        added = body if item.place.uri == made.place.uri else without_places(body)
        made.body = united(made.body, added)

    def _named_by(self, item: TerraformObject) -> Declaration | None:
        """Return what an azapi resource says by type, name and parent that it adds to."""
        arm_type, name, parent = (self._world.argument(item, part) for part in ("type", "name", "parent_id"))
        if not isinstance(arm_type, str):
            return None
        if isinstance(name, Ref) and name.path == ("name",) and name.target in self._made:
            name = self._made[name.target].name
        if not self._by_name:
            for made in self._made.values():
                self._by_name.setdefault((made.type, show(made.name), show(made.parent)), made)
        return self._by_name.get((arm_type.partition("@")[0].lower(), show(name), show(parent)))

    def _other(self, item: TerraformObject) -> None:
        body = self._world.translate(item.body)
        if not isinstance(body, Object):
            return
        if item.mode == "provider":
            self._made[item.address] = _declaration(item, "terraform/provider", item.type, None, body)
        elif item.mode == "backend":
            self._made[item.address] = _declaration(item, "terraform/backend", item.type, None, body)
        elif item.mode in ("output", "variable"):
            held = body.get("value" if item.mode == "output" else "default")
            sensitive = body.get("sensitive")
            properties = {"value": held} if held is not None else {}
            properties["secure"] = sensitive if sensitive is not None else Property(False)
            kind = "output" if item.mode == "output" else "parameter"
            self._made[item.address] = _declaration(item, kind, item.name, None, Object(properties))


def _declaration(
    item: TerraformObject, arm_type: str, name: Value, parent: Value, body: Object
) -> Declaration:
    return Declaration(
        address=item.address,
        id=item.imported,
        type=arm_type,
        name=name,
        parent=parent,
        body=body,
        language=item.language,
        place=item.place,
        whole=item.whole,
        existing=item.mode == "data",
        conditional=item.conditional,
        calls=item.calls,
    )
