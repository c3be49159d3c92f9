"""Functions of scopes and resources: ``resourceId``, ``reference``, ``list*``, ``subscription``, ``resourceGroup``."""

from __future__ import annotations

import re

from scanner.sources.declared.values import KeyRead, Object, Property, Ref, Text, Unknown, Value, text
from scanner.sources.template import resource_id
from scanner.sources.template.evaluation import Evaluation, Form
from scanner.sources.template.frames import (
    HANDLES,
    Env,
    Held,
    Instances,
    ModuleHandle,
    ModuleInstance,
    ResourceInstance,
    handle_of,
    settled,
)
from scanner.sources.template.model import Call
from scanner.sources.template.referred_identities import looked_up_identity
from scanner.sources.template.resources import identified, named, plain_id, symbols_of, unreferenced
from scanner.sources.template.symbolic import call_value, shown

_DEPLOYMENTS = "microsoft.resources/deployments"
_LOOPED_SYMBOL = re.compile(r"([A-Za-z_]\w*)\[(\d{1,6})\]")
_OWN_IDENTITY = re.compile(r"/providers/Microsoft\.ManagedIdentity/Identities/default/?$", re.IGNORECASE)
"""How templates name the identity that Azure makes for a resource: as a part of that resource."""
_BEFORE_RESOURCE = 2
"""A subscription and a resource group may stand before the type in ``resourceId``."""


def _arguments(ev: Evaluation, node: Call, env: Env) -> list[Value]:
    return [unreferenced(ev, ev.plain(argument, env)) for argument in node.arguments]


def _is_type(value: Value) -> bool:
    return isinstance(value, str) and "/" in value and "." in value.split("/")[0]


def _named_type(arguments: list[Value]) -> tuple[list[Value], str, list[Value]] | None:
    """Split arguments into those before the type, the type, and the names; None when they do not fit."""
    for position, value in enumerate(arguments[: _BEFORE_RESOURCE + 1]):
        if _is_type(value):
            type_ = str(value).strip("/")
            names = arguments[position + 1 :]
            if len(names) != type_.count("/"):
                names = [part for name in names for part in resource_id.segments(name)]
            if len(names) != type_.count("/"):
                return None
            return arguments[:position], type_, names
    return None


def resource_id_call(ev: Evaluation, node: Call, env: Env) -> Held:
    """``resourceId([subscription], [resource group], type, name, ...)``."""
    arguments = _arguments(ev, node, env)
    found = _named_type(arguments)
    if found is None:
        return call_value(node.name, arguments)
    before, type_, names = found
    base = env.frame.scope
    subscription = before[0] if len(before) == 2 else None
    group = before[-1] if before else None
    if len(before) == 1 and base.level == "subscription":
        subscription, group = before[0], None
    lower = type_.lower()
    if lower in resource_id.RESOURCE_GROUP_TYPES:
        owner = subscription or group or base.subscription or resource_id.SUBSCRIPTION
        prefix: Value = resource_id.scope("subscription", owner).prefix
    else:
        prefix = resource_id.scope_at(base, subscription, group).prefix
    if lower == _DEPLOYMENTS:
        return _deployment(ev, env, names[-1]) or resource_id.below(prefix, type_, names)
    return identified(ev, resource_id.below(prefix, type_, names), None)


def _deployment(ev: Evaluation, env: Env, name: Value) -> ModuleHandle | None:
    from scanner.sources.template.modules import module_named

    found = module_named(ev, env.frame, name)
    return ModuleHandle(found) if found is not None else None


def subscription_resource_id(ev: Evaluation, node: Call, env: Env) -> Held:
    """``subscriptionResourceId([subscription], type, name, ...)``."""
    arguments = _arguments(ev, node, env)
    found = _named_type(arguments)
    if found is None:
        return call_value(node.name, arguments)
    before, type_, names = found
    subscription = before[0] if before else env.frame.scope.subscription
    if subscription is None:
        subscription = resource_id.SUBSCRIPTION
    prefix = resource_id.scope("subscription", subscription).prefix
    return identified(ev, resource_id.below(prefix, type_, names), None)


def tenant_resource_id(ev: Evaluation, node: Call, env: Env) -> Held:
    """``tenantResourceId(type, name, ...)``."""
    arguments = _arguments(ev, node, env)
    found = _named_type(arguments)
    if found is None:
        return call_value(node.name, arguments)
    return identified(ev, resource_id.below("", found[1], found[2]), None)


def management_group_resource_id(ev: Evaluation, node: Call, env: Env) -> Held:
    """``managementGroupResourceId([management group], type, name, ...)``."""
    arguments = _arguments(ev, node, env)
    found = _named_type(arguments)
    if found is None:
        return call_value(node.name, arguments)
    before, type_, names = found
    group = before[0] if before else env.frame.scope.management_group
    if group is None:
        group = resource_id.MANAGEMENT_GROUP
    prefix = resource_id.scope("managementGroup", management_group=group).prefix
    return identified(ev, resource_id.below(prefix, type_, names), None)


def extension_resource_id(ev: Evaluation, node: Call, env: Env) -> Held:
    """``extensionResourceId(id, type, name, ...)``."""
    if not node.arguments:
        return call_value(node.name, [])
    base = plain_id(ev, ev.plain(node.arguments[0], env))
    rest = [unreferenced(ev, ev.plain(argument, env)) for argument in node.arguments[1:]]
    found = _named_type(rest)
    if found is None or found[0] or isinstance(base, list | Object):
        return call_value(node.name, [base, *rest])
    return identified(ev, resource_id.below(base, found[1], found[2]), None)


def subscription(ev: Evaluation, node: Call, env: Env) -> Held:
    """``subscription()``, ``subscription(id)``."""
    own = env.frame.scope
    if node.arguments:
        return resource_id.scope("subscription", unreferenced(ev, ev.plain(node.arguments[0], env)))
    if own.level == "subscription":
        return own
    return resource_id.scope("subscription", own.subscription or resource_id.SUBSCRIPTION)


def resource_group(ev: Evaluation, node: Call, env: Env) -> Held:
    """``resourceGroup()``, ``resourceGroup(name)``, ``resourceGroup(subscription, name)``."""
    own = env.frame.scope
    arguments = _arguments(ev, node, env)
    if arguments:
        owner = arguments[0] if len(arguments) > 1 else own.subscription or resource_id.SUBSCRIPTION
        made = resource_id.scope("resourceGroup", owner, arguments[-1])
        return own if made.prefix == own.prefix else made
    if own.level == "resourceGroup":
        return own
    return resource_id.scope(
        "resourceGroup", own.subscription or resource_id.SUBSCRIPTION, resource_id.RESOURCE_GROUP
    )


def management_group(ev: Evaluation, node: Call, env: Env) -> Held:
    """``managementGroup()``, ``managementGroup(name)``."""
    own = env.frame.scope
    if node.arguments:
        name = unreferenced(ev, ev.plain(node.arguments[0], env))
        return resource_id.scope("managementGroup", management_group=name)
    if own.level == "managementGroup":
        return own
    return resource_id.scope("managementGroup", management_group=resource_id.MANAGEMENT_GROUP)


def tenant(_ev: Evaluation, _node: Call, env: Env) -> Held:
    """``tenant()``."""
    return env.frame.scope if env.frame.scope.level == "tenant" else resource_id.scope("tenant")


def reference(ev: Evaluation, node: Call, env: Env) -> Held:
    """``reference(id or name, [api-version], ['Full'])``: what a resource is after the deployment."""
    if not node.arguments:
        return call_value(node.name, [])
    target = ev.value(node.arguments[0], env)
    full = len(node.arguments) > 2 and _is_full(ev.plain(node.arguments[2], env))
    found = _reference_to(ev, env, target, full)
    if isinstance(found, Unknown) and isinstance(target, str | Text):
        identity = looked_up_identity(ev, env, node, unreferenced(ev, target))
        if identity is not None:
            return Ref(identity.address, () if full else ("properties",), f"reference({identity.address})")
    return found


def _is_full(value: Value) -> bool:
    return isinstance(value, str) and value.lower() == "full"


def _reference_to(ev: Evaluation, env: Env, target: Held, full: bool) -> Held:
    holder = _holder(ev, target)
    if holder is not None:
        own = identified(ev, holder, None)
        if isinstance(own, Ref):
            return Ref(own.target, ("identity",), f"reference({own.target}).identity")
    found = _target(ev, env, target)
    if isinstance(found, ModuleHandle):
        return found
    if isinstance(found, Ref) and found.path in ((), ("id",)):
        return Ref(found.target, () if full else ("properties",), f"reference({found.target})")
    value = settled(target) if isinstance(target, HANDLES) else target
    return Unknown(f"reference({shown(value, 160)})", "it is known after the deployment")


def references(ev: Evaluation, node: Call, env: Env) -> Held:
    """``references('symbol', ['Full'])``: all instances of a loop."""
    target = ev.plain(node.arguments[0], env) if node.arguments else None
    full = len(node.arguments) > 1 and _is_full(ev.plain(node.arguments[-1], env))
    symbol = symbols_of(env.frame).get(target) if isinstance(target, str) else None
    if symbol is None:
        return call_value(node.name, [target])
    from scanner.sources.template.names import instances_of

    found = instances_of(ev, env.frame, symbol, str(target))
    if not isinstance(found, Instances):
        return [settled(_reference_to(ev, env, found, full))]
    if any(isinstance(item, ModuleInstance) for item in found.items):
        return found
    return [settled(_reference_to(ev, env, handle_of(item), full)) for item in found.items]


def _target(ev: Evaluation, env: Env, target: Held) -> Held:
    """Return what an id, a name or a symbol stands for; itself when that is nothing declared here."""
    if isinstance(target, Ref | ModuleHandle):
        return target
    if isinstance(target, Instances):
        return handle_of(target.items[0]) if len(target.items) == 1 else target
    if not isinstance(target, str | Text | Unknown):
        return target
    by_symbol = _by_symbol(ev, env, target)
    if by_symbol is not None:
        return by_symbol
    whole = unreferenced(ev, target)
    type_ = resource_id.type_of(whole)
    if type_.lower() == _DEPLOYMENTS:
        return _deployment(ev, env, resource_id.segments(whole)[-1]) or target
    if type_:
        return _in_scope(ev, env, whole)
    if isinstance(whole, str) and whole.startswith("/"):
        return whole
    found: ResourceInstance | None = named(ev, env.frame, whole)
    if found is not None:
        return Ref(found.address, ("id",), f"{found.address}.id")
    return _deployment(ev, env, whole) or target


def _in_scope(ev: Evaluation, env: Env, id_: Value) -> Value:
    """Return what an id names; one without a scope before its provider names what is in the scope deployed to."""
    found = identified(ev, id_, None)
    first = id_.parts[0] if isinstance(id_, Text) else id_
    if isinstance(found, Ref) or not (isinstance(first, str) and first.lower().startswith("/providers/")):
        return found
    within = identified(ev, text([env.frame.scope.prefix, id_]), None)
    return within if isinstance(within, Ref) else found


def _holder(ev: Evaluation, target: Held) -> Value:
    """Return the id of the resource of which an id names the own identity; None for any other id."""
    if not isinstance(target, str | Text):
        return None
    whole = unreferenced(ev, target)
    last = whole.parts[-1] if isinstance(whole, Text) else whole
    found = _OWN_IDENTITY.search(last) if isinstance(last, str) else None
    if found is None:
        return None
    before = last[: found.start()] if isinstance(last, str) else ""
    return text([*whole.parts[:-1], before]) if isinstance(whole, Text) else before


def _by_symbol(ev: Evaluation, env: Env, target: Value) -> Held:
    """Return what a symbolic name in a template with ``languageVersion`` 2.0 stands for: ``app``, ``app[0]``."""
    from scanner.sources.template.names import instances_of

    symbols = symbols_of(env.frame)
    if not symbols or env.frame.template.language != "arm":
        return None
    name, index = target, None
    if isinstance(target, str):
        looped = _LOOPED_SYMBOL.fullmatch(target)
        if looped is not None:
            name, index = looped[1], int(looped[2])
    elif isinstance(target, Text) and isinstance(target.parts[0], str) and target.parts[0].endswith("["):
        name = target.parts[0][:-1]
    symbol = symbols.get(name) if isinstance(name, str) else None
    if symbol is None:
        return None
    found = instances_of(ev, env.frame, symbol, str(name))
    if isinstance(found, Instances):
        if index is not None and index < len(found.items) and not found.open:
            return handle_of(found.items[index])
        if len(found.items) == 1:
            return handle_of(found.items[0])
        return Unknown(shown(target), "which instance it is is not known")
    return found


def list_call(ev: Evaluation, node: Call, env: Env) -> Held:
    """``listKeys(id or name, api-version)`` and all its kin."""
    if not node.arguments:
        return call_value(node.name, [])
    return key_read(ev, ev.value(node.arguments[0], env), node, env)


def key_read(ev: Evaluation, base: Held, node: Call, env: Env) -> Held:
    """Return what is read from a service: a key, or the outputs of a deployment that are secrets."""
    found = _target(ev, env, base)
    if isinstance(found, ModuleHandle):
        return ModuleHandle(found.instance, ".outputs")
    operation = node.name
    if isinstance(found, Ref):
        instance = ev.declared.get(found.target)
        if instance is not None and found.path in ((), ("id",)):
            of = Ref(found.target, ("id",), f"{found.target}.id")
            return KeyRead(of, instance.type.lower(), operation, f"{found.target}.{operation}()")
        return KeyRead(found, "", operation, f"{found.shown}.{operation}()")
    value = settled(found) if isinstance(found, HANDLES) else found
    if isinstance(value, list | Object):
        value = Unknown(shown(value), "it is no resource")
    type_ = resource_id.type_of(unreferenced(ev, value)).lower()
    return KeyRead(value, type_, operation, f"{operation}({shown(value, 120)})")


def role_object(name: str) -> Object | None:
    """Return what ``roleDefinitions(name)`` gives for a built-in role."""
    from scanner.catalog.roles import role_by_name

    role = role_by_name(name)
    if role is None:
        return None
    id_ = f"/providers/Microsoft.Authorization/roleDefinitions/{role.guid}"
    return Object({"id": Property(id_), "roleDefinitionId": Property(role.guid)}, True)


FUNCTIONS: dict[str, Form] = {
    "resourceid": resource_id_call,
    "subscriptionresourceid": subscription_resource_id,
    "tenantresourceid": tenant_resource_id,
    "managementgroupresourceid": management_group_resource_id,
    "extensionresourceid": extension_resource_id,
    "subscription": subscription,
    "resourcegroup": resource_group,
    "managementgroup": management_group,
    "tenant": tenant,
    "reference": reference,
    "references": references,
}
