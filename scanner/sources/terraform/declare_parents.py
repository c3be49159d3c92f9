"""Where Terraform's resources belong: the resource group by name, the parent by id or by type and name, the scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.sources.declared.values import Ref, Unknown, Value, show, text
from scanner.sources.terraform.declare_references import id_of

if TYPE_CHECKING:
    from scanner.catalog.terraform import Container, Section
    from scanner.sources.terraform.declare_references import World
    from scanner.sources.terraform.model import TerraformObject

RESOURCE_GROUP = "microsoft.resources/resourcegroups"
_LONGEST_CHAIN = 20


class Parents:
    """Finds what contains a resource among the objects of a unit, or writes its id."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._named: dict[tuple[str, str], list[TerraformObject]] = {}
        for address, described in world.sections.items():
            if described is None or not described.type or described.onto or described.of:
                continue
            item = world.objects[address]
            name = show(world.name(item, described)).lower()
            self._named.setdefault((described.type, name), []).append(item)

    def of(self, item: TerraformObject, described: Section, depth: int = 0) -> Value:
        """Return the id of what contains an object; None for the scope the unit is deployed to."""
        missing = described.containers[0].argument
        for container in described.containers:
            if not container.argument:
                return "/" if container.start == "tenant" else self._subscription(item)
            given = self._world.argument(item, container.argument)
            if given is None:
                continue
            return self._contained(item, container, given, depth)
        return Unknown(f"{item.address}.{missing}", f"its argument {missing} is not given")

    def _contained(self, item: TerraformObject, container: Container, given: Value, depth: int) -> Value:
        if container.start == "beside":
            return self._beside(given, depth)
        found = given
        if container.start == "resource_group_name":
            found = self._resource_group(item, given)
        elif container.start == "named":
            shown = f"{item.address}.resource_group_name"
            found = self._resource_group(item, Unknown(shown, "it is not said which group that is in"))
        whole_type = ""
        for position, (step, argument) in enumerate(container.chain):
            named: Value = argument.strip("'")
            if not argument.startswith("'"):
                named = self._world.argument(item, argument)
                if named is None:
                    return Unknown(f"{item.address}.{argument}", f"its argument {argument} is not given")
            provider = "/" in step
            whole_type = step if provider else f"{whole_type}/{step}" if whole_type else ""
            declared = self._find(whole_type, named, item) if whole_type else None
            if declared is not None:
                found = declared
            else:
                between = "/providers/" if provider and position == 0 else "/"
                found = text([found, f"{between}{step}/", named])
        return found

    def _resource_group(self, item: TerraformObject, name: Value) -> Value:
        declared = self._find(RESOURCE_GROUP, name, item)
        if declared is not None:
            return declared
        return text(["/subscriptions/", self._world.subscription(item), "/resourceGroups/", name])

    def _find(self, arm_type: str, name: Value, item: TerraformObject) -> Ref | None:
        if isinstance(name, Ref) and name.path == ("name",):
            described = self._world.sections.get(name.target)
            if described is not None and described.type == arm_type:
                return id_of(name.target)
        found = self._named.get((arm_type, show(name).lower()), [])
        if found and not isinstance(name, Ref):
            # One of that name in another subscription is another one.
            found = [one for one in found if self._world.same_subscription(one, item)]
        if len(found) > 1:
            found = self._alike(found, item)
        return id_of(found[0].address) if found else None

    def _alike(self, found: list[TerraformObject], item: TerraformObject) -> list[TerraformObject]:
        """Of several of one name those in the same group and subscription; what is made before what is looked up."""
        group = self._world.argument(item, "resource_group_name")
        same = [
            one
            for one in found
            if one.type == "azurerm_resource_group"
            or self._world.argument(one, "resource_group_name") == group
        ]
        here = [one for one in same or found if one.provider == item.provider]
        return sorted(here or same or found, key=lambda one: one.mode != "managed")

    def _subscription(self, item: TerraformObject) -> Value:
        held = self._world.subscription(item)
        default = self._world.objects.get("provider.azurerm")
        if default is None or not item.provider or item.provider == default.address:
            return None
        if held == self._world.subscription(default):
            return None
        return text(["/subscriptions/", held])

    def _beside(self, given: Value, depth: int) -> Value:
        if isinstance(given, str):
            parts = given.rstrip("/").split("/")
            return "/".join(parts[:-4] if parts[-4:-3] == ["providers"] else parts[:-2])
        if isinstance(given, Ref) and depth < _LONGEST_CHAIN:
            item = self._world.objects.get(given.target)
            described = self._world.sections.get(given.target)
            if item is not None and described is not None and described.type:
                return self.of(item, described, depth + 1)
        return Unknown(f"{show(given)}/..", "what contains it is known after deployment")
