"""Functions of the azurerm and azapi providers: they put ids of Azure together and take them apart.

https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/functions/parse_resource_id
https://learn.microsoft.com/azure/developer/terraform/how-to-use-azapi-provider-functions
"""

from __future__ import annotations

from collections.abc import Callable

from scanner.sources.declared.values import Object, Property, Ref, Value
from scanner.sources.declared.values import text as joined_text
from scanner.sources.terraform.functions_text import known_text
from scanner.sources.terraform.symbolic import Failed, OpenList, Undetermined, why

_SUBSCRIPTION = "microsoft.resources/subscriptions"
_GROUP = "microsoft.resources/resourcegroups"


def _normalised(arguments: list[Value]) -> Value:
    # Ids are compared without case everywhere, so how it is written makes no difference.
    return arguments[0]


def _parsed_by_azurerm(arguments: list[Value]) -> Value:
    return _parts(arguments[0])


def _parsed_by_azapi(arguments: list[Value]) -> Value:
    return _parts(arguments[1])


def _parts(resource_id: Value) -> Value:
    """Return the parts of an id by the names that both providers use; open, for each has some the other has not."""
    if isinstance(resource_id, Ref) and resource_id.path == ("id",):
        found: dict[str, Value] = {
            name: Ref(resource_id.target, (path,), f"{resource_id.shown.removesuffix('.id')}.{path}")
            for name, path in (
                ("resource_name", "name"),
                ("name", "name"),
                ("resource_group_name", "resource_group_name"),
            )
        }
        return Object({name: Property(value) for name, value in found.items()}, True)
    steps = known_text(resource_id).strip("/").split("/")
    by = {steps[at].lower(): steps[at + 1] for at in range(0, min(len(steps) - 1, 4), 2)}
    last = (
        len(steps) - 1 - [step.lower() for step in reversed(steps)].index("providers") if _has(steps) else -1
    )
    provider = steps[last + 1] if last >= 0 else "Microsoft.Resources"
    types = steps[last + 2 :: 2] if last >= 0 else steps[-2:-1]
    if len(steps) < 2 or len(steps) % 2 or not types:
        raise Failed("it is no id of Azure")
    above = "/" + "/".join(steps[:last] if last >= 0 and len(types) == 1 else steps[:-2])
    held: dict[str, Value] = {
        "resource_name": steps[-1],
        "name": steps[-1],
        "resource_type": types[-1],
        "full_resource_type": "/".join([provider, *types]),
        "resource_provider": provider,
        "provider_namespace": provider,
        "parent_id": above,
    }
    for name, step in (("subscription_id", "subscriptions"), ("resource_group_name", "resourcegroups")):
        if step in by:
            held[name] = by[step]
    return Object({name: Property(value) for name, value in held.items()}, True)


def _has(steps: list[str]) -> bool:
    return any(step.lower() == "providers" for step in steps[:-2])


def _built(arguments: list[Value]) -> Value:
    parent, kind, name = arguments[0], known_text(arguments[1]), arguments[2]
    above = "" if parent == "/" else parent
    if kind.lower() == _GROUP:
        return joined_text([above, "/resourceGroups/", name])
    if kind.lower() == _SUBSCRIPTION:
        return joined_text(["/subscriptions/", name])
    provider, *types = kind.split("/")
    if not types:
        raise Failed("it is no type of a resource")
    if len(types) > 1:
        return joined_text([above, f"/{types[-1]}/", name])
    return joined_text([above, f"/providers/{provider}/{types[0]}/", name])


def _in_tenant(arguments: list[Value]) -> Value:
    return _below("", arguments[0], arguments[1])


def _in_management_group(arguments: list[Value]) -> Value:
    group = joined_text(["/providers/Microsoft.Management/managementGroups/", arguments[0]])
    return _below(group, arguments[1], arguments[2])


def _in_subscription(arguments: list[Value]) -> Value:
    return _below(joined_text(["/subscriptions/", arguments[0]]), arguments[1], arguments[2])


def _in_group(arguments: list[Value]) -> Value:
    group = joined_text(["/subscriptions/", arguments[0], "/resourceGroups/", arguments[1]])
    return _below(group, arguments[2], arguments[3])


def _on(arguments: list[Value]) -> Value:
    return _below(arguments[0], arguments[1], arguments[2])


def _below(above: Value, kind: Value, names: Value) -> Value:
    """Return the id of a resource in what has the id ``above``: its types one by one, each with its name."""
    if not isinstance(names, list) or isinstance(names, OpenList):
        raise Undetermined(why(names))
    written = known_text(kind)
    if written.lower() in (_GROUP, _SUBSCRIPTION) and len(names) == 1:
        return joined_text([above, f"/{written.split('/')[1]}/", names[0]])
    provider, *types = written.split("/")
    if not types or len(types) != len(names):
        raise Failed("it has another number of names than of types")
    parts: list[Value] = [above, f"/providers/{provider}"]
    for step, name in zip(types, names, strict=True):
        parts += [f"/{step}/", name]
    return joined_text(parts)


PROVIDERS: dict[str, Callable[[list[Value]], Value]] = {
    "provider::azapi::build_resource_id": _built,
    "provider::azapi::extension_resource_id": _on,
    "provider::azapi::management_group_resource_id": _in_management_group,
    "provider::azapi::parse_resource_id": _parsed_by_azapi,
    "provider::azapi::resource_group_resource_id": _in_group,
    "provider::azapi::subscription_resource_id": _in_subscription,
    "provider::azapi::tenant_resource_id": _in_tenant,
    "provider::azurerm::normalise_resource_id": _normalised,
    "provider::azurerm::parse_resource_id": _parsed_by_azurerm,
}
