"""Resources of the azapi provider: type, name and body are those of Azure Resource Manager already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.sources.declared.declaration import Declaration, SourceGap
from scanner.sources.declared.values import Object, Property, Unknown, Value
from scanner.sources.terraform.declare_body import identity_of
from scanner.sources.terraform.declare_conversions import json_value

if TYPE_CHECKING:
    from scanner.sources.terraform.declare_references import World
    from scanner.sources.terraform.model import TerraformObject

AZAPI = frozenset(
    ("azapi_resource", "azapi_update_resource", "azapi_resource_action", "azapi_data_plane_resource")
)
_BODIES = ("body", "sensitive_body")


def declare_azapi(item: TerraformObject, world: World) -> Declaration | Object | SourceGap | None:
    """Return what an azapi resource declares; for `azapi_update_resource` the body that it adds to another resource.

    None for an action and for what is not in Azure Resource Manager; a gap when its type cannot be known.
    """
    if item.type in ("azapi_resource_action", "azapi_data_plane_resource"):
        return None
    body = _body(item, world)
    if item.type == "azapi_update_resource":
        return body
    arm_type = world.argument(item, "type")
    resource_id = world.argument(item, "resource_id")
    if not isinstance(arm_type, str) or "/" not in arm_type:
        if item.mode == "data":
            return None
        return SourceGap(item.place, "unresolved", "The type of this azapi_resource is not known.")
    name, parent = world.argument(item, "name"), world.argument(item, "parent_id")
    if name is None and isinstance(resource_id, str):
        parent, name = _split(resource_id)
    return Declaration(
        address=item.address,
        id=item.imported,
        type=arm_type.partition("@")[0].lower(),
        name=name if name is not None else Unknown(f"{item.address}.name", "it is not given"),
        parent=parent,
        body=body,
        language=item.language,
        place=item.place,
        whole=item.whole,
        existing=item.mode == "data",
        conditional=item.conditional,
        calls=item.calls,
    )


def _body(item: TerraformObject, world: World) -> Object:
    properties: dict[str, Property] = {}
    is_open = False
    for argument in _BODIES:
        held = item.body.properties.get(argument)
        if held is None or held.value is None:
            continue
        value = world.translate(held.value)
        if isinstance(value, str):
            value = json_value(value)
        if isinstance(value, Object):
            properties.update(value.properties)
            is_open = is_open or value.open
        else:
            is_open = True
    for argument in ("location", "tags"):
        held = item.body.properties.get(argument)
        if held is not None and held.value is not None:
            properties[argument] = Property(world.translate(held.value), held.start, held.end)
    identity = identity_of(item, world)
    if identity is not None:
        properties["identity"] = identity
    return Object(properties, open=is_open)


def _split(resource_id: str) -> tuple[Value, Value]:
    parts = resource_id.rstrip("/").split("/")
    above = parts[:-4] if parts[-4:-3] == ["providers"] else parts[:-2]
    return "/".join(above) or "/", parts[-1]
