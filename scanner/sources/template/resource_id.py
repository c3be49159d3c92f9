"""ARM ids of which parts are not known: built from types and names, taken apart again."""

from __future__ import annotations

from scanner.sources.declared.values import Text, Unknown, Value, text
from scanner.sources.template.frames import Scope

RESOURCE_GROUP_TYPES = {
    "microsoft.resources/resourcegroups",
    "microsoft.resources/subscriptions/resourcegroups",
}
AT_TENANT = {"microsoft.management/managementgroups"}
"""Types whose ids begin at the tenant wherever they are declared."""
_WHEN = "it is the one deployed to"
SUBSCRIPTION = Unknown("subscription().subscriptionId", _WHEN)
RESOURCE_GROUP = Unknown("resourceGroup().name", _WHEN)
MANAGEMENT_GROUP = Unknown("managementGroup().name", _WHEN)


def unit_scope(level: str) -> Scope:
    """Return the scope that a unit is deployed to, which its files do not say."""
    return scope(
        level,
        SUBSCRIPTION if level in ("resourceGroup", "subscription") else None,
        RESOURCE_GROUP if level == "resourceGroup" else None,
        MANAGEMENT_GROUP if level == "managementGroup" else None,
        own=True,
    )


def scope(
    level: str,
    subscription: Value = None,
    resource_group: Value = None,
    management_group: Value = None,
    *,
    own: bool = False,
) -> Scope:
    """Return a scope with its id; ``own`` for that of the unit, which needs none."""
    prefix: Value = ""
    if level == "resourceGroup":
        prefix = text(["/subscriptions/", subscription, "/resourceGroups/", resource_group])
    elif level == "subscription":
        prefix = text(["/subscriptions/", subscription])
    elif level == "managementGroup":
        prefix = text(["/providers/Microsoft.Management/managementGroups/", management_group])
    id_: Value = prefix if level != "tenant" else "/"
    return Scope(level, subscription, resource_group, management_group, None if own else id_, prefix)


def scope_at(base: Scope, subscription: Value, resource_group: Value) -> Scope:
    """Return the scope with another subscription or resource group, where these are given."""
    if resource_group is None:
        if subscription is None:
            return base
        return _same_or(base, scope("subscription", subscription))
    owner = subscription if subscription is not None else base.subscription
    return _same_or(
        base, scope("resourceGroup", owner if owner is not None else SUBSCRIPTION, resource_group)
    )


def _same_or(base: Scope, other: Scope) -> Scope:
    return base if other.prefix == base.prefix else other


def below(base: Value, type_: str, names: list[Value]) -> Value:
    """Return the id of a resource with a type and names in a scope or on a resource whose id is given."""
    namespace, *types = type_.split("/")
    lower = type_.lower()
    if lower in RESOURCE_GROUP_TYPES:
        return text([base, "/resourceGroups/", names[-1] if names else ""])
    if lower in AT_TENANT:
        base = ""
    parts: list[Value] = ["" if base == "/" else base, "/providers/", namespace]
    for position, kind in enumerate(types):
        parts.append(f"/{kind}/")
        parts.append(names[position] if position < len(names) else "")
    return text(parts)


def segments(value: Value) -> list[Value]:
    """Split a name or id at its slashes. A part that is not known counts as one without slashes."""
    if isinstance(value, str):
        return list(value.split("/"))
    pieces = value.parts if isinstance(value, Text) else (value,)
    found: list[Value] = []
    current: list[Value] = []
    for piece in pieces:
        if not isinstance(piece, str):
            current.append(piece)
            continue
        first, *others = piece.split("/")
        if first:
            current.append(first)
        for other in others:
            found.append(_joined(current))
            current = [other] if other else []
    found.append(_joined(current))
    return found


def _joined(parts: list[Value]) -> Value:
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    return text(parts) if parts else ""


def type_of(id_: Value) -> str:
    """Return the type that an id names, as written; empty when it cannot be told."""
    parts = segments(id_)
    lower = [part.lower() if isinstance(part, str) else "" for part in parts]
    if "providers" in lower:
        last = len(lower) - 1 - lower[::-1].index("providers")
        rest = parts[last + 1 :]
        kinds = rest[1::2]
        if rest and isinstance(rest[0], str) and kinds and all(isinstance(kind, str) for kind in kinds):
            return "/".join(str(part) for part in [rest[0], *kinds])
        return ""
    if len(parts) == 5 and lower[1] == "subscriptions" and lower[3] == "resourcegroups":
        return "Microsoft.Resources/resourceGroups"
    return ""
