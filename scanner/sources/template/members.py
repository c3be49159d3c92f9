"""Ways into a value: ``base.name``, ``base[0]``, also into what is known only after the deployment."""

from __future__ import annotations

from typing import Any

from scanner.sources.declared.values import KeyRead, Object, Ref, Unknown, Value, show
from scanner.sources.template.deployments import deployment_behind
from scanner.sources.template.evaluation import NOT_DEPLOYED, Evaluation
from scanner.sources.template.frames import (
    Env,
    Held,
    Instances,
    ModuleHandle,
    Namespace,
    ResourceInstance,
    Scope,
    handle_of,
    settled,
)
from scanner.sources.template.maybe import dict_of_options, is_spread, may_equal, variants
from scanner.sources.template.model import Expression
from scanner.sources.template.spelling import spelled
from scanner.sources.template.symbolic import shown

_MOST_PATH = 40
_KEPT_IN_FULL = {"id", "name", "type", "apiversion"}


def member_of(ev: Evaluation, base: Held, name: str, node: Expression, *, safe: bool, env: Env) -> Held:
    """Return a property of a value. ``safe`` makes null of one that is not there."""
    if isinstance(base, Object):
        found = base.get(name)
        if found is not None:
            return found.value
        if base.open:
            return Unknown(spelled(node), "its object is not wholly known")
        return None if safe else Unknown(spelled(node), "the object has no such property")
    if isinstance(base, Ref):
        return ref_member(ev, base, name)
    if isinstance(base, KeyRead):
        return KeyRead(base.of, base.service, base.operation, _longer(base.shown, f".{name}"))
    if isinstance(base, Unknown):
        return _of_unknown(ev, base, name, node, safe=safe, env=env)
    if isinstance(base, Scope):
        return _scope_member(base, name)
    if isinstance(base, ModuleHandle):
        return _module_member(ev, base, name)
    if isinstance(base, Namespace):
        return _exported(ev, base, name, node)
    if isinstance(base, Instances):
        if not base.looped and len(base.items) == 1:
            return member_of(ev, handle_of(base.items[0]), name, node, safe=safe, env=env)
        return Unknown(spelled(node), "its condition is false, or it is declared in a loop")
    if base is None and safe:
        return None
    return Unknown(spelled(node), "what it is taken from has no properties")


def _longer(written: str, more: str) -> str:
    return written + more if len(written) < 300 else written


def _of_unknown(ev: Evaluation, base: Unknown, name: str, node: Expression, *, safe: bool, env: Env) -> Held:
    if safe and base.why == NOT_DEPLOYED:
        return None
    options: tuple[Value, ...] = ()
    if base.options:
        found: list[Value] = []
        for option in base.options:
            if option is None and not safe:
                continue  # the expression would fail: whoever wrote it knows that it is not null here
            inner = member_of(ev, option, name, node, safe=safe, env=env)
            found.append(settled(inner) if not _is_value(inner) else inner)  # type: ignore[arg-type]
        choices = dict_of_options(found)
        if len(choices) == 1:
            return choices[0]
        options = tuple(choices)
    secret = base.secret or any(isinstance(each, Unknown) and each.secret for each in options)
    return Unknown(_longer(base.shown, f".{name}"), base.why, secret, options)


def _is_value(found: Any) -> bool:
    return not isinstance(found, Scope | ModuleHandle | Namespace | Instances)


def ref_member(ev: Evaluation, base: Ref, name: str) -> Held:
    """Return a property of something declared: known where it is written, else a reference."""
    if not base.path:
        folded = name.lower()
        instance = ev.declared.get(base.target)
        if instance is not None and folded in _KEPT_IN_FULL:
            return _own(ev, instance, base, folded)
    if base.path == ("properties",) and name.lower() == "outputs" and base.target in ev.declared:
        deployment = deployment_behind(ev, ev.declared[base.target])
        if deployment is not None:
            return ModuleHandle(deployment, ".outputs")
    if len(base.path) >= _MOST_PATH:
        return Unknown(base.shown, "it is taken from too deep inside")
    if base.path == ("id",):
        return Unknown(_longer(base.shown, f".{name}"), "an id has no properties")
    return Ref(base.target, (*base.path, name), _longer(base.shown, f".{name}"))


def _own(ev: Evaluation, instance: ResourceInstance, base: Ref, name: str) -> Value:
    from scanner.sources.template.resources import locate

    if name == "id":
        return Ref(base.target, ("id",), f"{base.shown}.id")
    if name == "type":
        return instance.type
    if name == "apiversion":
        return instance.resource.api_version
    own = locate(ev, instance)[0]
    return own if isinstance(own, str) else Ref(base.target, ("name",), f"{base.shown}.name")


def _scope_member(base: Scope, name: str) -> Value:
    folded = name.lower()
    if folded == "id":
        return base.id if base.id is not None else base.prefix
    if base.level == "resourceGroup" and folded == "name":
        return base.resource_group
    if base.level == "subscription" and folded == "subscriptionid":
        return base.subscription
    if base.level == "managementGroup" and folded == "name":
        return base.management_group
    function = {"resourceGroup": "resourceGroup", "subscription": "subscription", "tenant": "tenant"}
    written = f"{function.get(base.level, 'managementGroup')}().{name}"
    return Unknown(written, "it is known when deploying")


def _module_member(ev: Evaluation, base: ModuleHandle, name: str) -> Held:
    from scanner.sources.template.modules import module_name, output_of, outputs_object

    folded = name.lower()
    instance = base.instance
    if base.part == "":
        if folded == "outputs":
            return ModuleHandle(instance, ".outputs")
        if folded == "properties":
            return ModuleHandle(instance, "")
        if folded == "name":
            return module_name(ev, instance)
        return Unknown(f"{instance.address}.{name}", "it is known after the deployment")
    if base.part == ".outputs":
        found = output_of(ev, instance, name)
        # The output of a deployment is an object with its value in it; that of a Bicep module is the value.
        if instance.module.as_resource:
            return outputs_object(found)
        return found
    return Unknown(f"{instance.address}{base.part}.{name}", "it is known after the deployment")


def _exported(ev: Evaluation, base: Namespace, name: str, node: Expression) -> Held:
    from scanner.sources.template.names import variable

    if base.frame is not None and name in base.frame.template.variables:
        return variable(ev, base.frame, name)
    return Unknown(spelled(node), f"nothing is exported as {name}")


def item_of(ev: Evaluation, base: Held, index: Value, node: Expression, *, safe: bool, env: Env) -> Held:
    """Return an item of an array by its number, or a property by its name."""
    if isinstance(base, Instances):
        return _instance_at(base, index, node)
    if isinstance(base, list):
        if isinstance(index, int) and not isinstance(index, bool):
            if any(map(is_spread, base)):
                ev.charge([base])
            return _at(base, index, node, safe)
        if isinstance(index, str):
            return Unknown(spelled(node), "an array has no names")
        return _any_item(base, node)
    if isinstance(index, Unknown) and index.options and isinstance(base, Object):
        found = [
            settled(item_of(ev, base, option, node, safe=safe, env=env))
            for option in index.options
            if safe or not (isinstance(option, str) and base.get(option) is None and not base.open)
        ]
        choices = dict_of_options(found)
        if len(choices) == 1:
            return choices[0]
        return Unknown(spelled(node), f"it depends on {shown(index, 80)}", False, tuple(choices))
    if isinstance(base, Object) and not isinstance(index, str):
        for name, held in base.properties.items():
            if name in base.names and show(base.names[name]) == show(index):
                return held.value
        values = [
            held.value
            for name, held in base.properties.items()
            if name in base.names or may_equal(index, name)
        ]
        if not values and not base.open:
            return None if safe else Unknown(spelled(node), "the object has no such property")
        options = tuple(dict_of_options(values)) if values and not base.open and len(values) <= 16 else ()
        return Unknown(spelled(node), f"it depends on {shown(index, 80)}", False, options)
    if isinstance(index, str):
        return member_of(ev, base, index, node, safe=safe, env=env)
    if isinstance(base, Ref):
        step = str(index) if isinstance(index, int) else shown(index, 40)
        if not base.path or base.path == ("id",) or len(base.path) >= _MOST_PATH:
            return Unknown(spelled(node), "it is known after the deployment")
        return Ref(base.target, (*base.path, step), _longer(base.shown, f"[{step}]"))
    if isinstance(base, KeyRead):
        return KeyRead(base.of, base.service, base.operation, _longer(base.shown, f"[{shown(index, 40)}]"))
    if isinstance(base, Unknown):
        options = ()
        if base.options and all(
            isinstance(each, list | Object | Unknown) or each is None for each in base.options
        ):
            items = [
                settled(item_of(ev, each, index, node, safe=safe, env=env))
                for each in base.options
                if safe or not _lacks(each, index)
            ]
            choices = dict_of_options(items)
            if len(choices) == 1:
                return choices[0]
            options = tuple(choices)
        return Unknown(_longer(base.shown, f"[{shown(index, 60)}]"), base.why, base.secret, options)
    if base is None and safe:
        return None
    return Unknown(spelled(node), "what it is taken from is no array")


def item_from_end(base: Value, back: Value, node: Expression, *, safe: bool) -> Value:
    """Return an item of an array counted from its end, the last being 1: ``base[^1]``."""
    if not isinstance(base, list) or isinstance(back, bool) or not isinstance(back, int) or back < 1:
        return Unknown(spelled(node), "which item it is is not known")
    if any(is_spread(item) for item in base[-back:]):
        return Unknown(spelled(node), "it is not known how many items there are")
    if back <= len(base):
        return base[-back]
    return None if safe else Unknown(spelled(node), "the array has no such item")


def _lacks(base: Value, index: Value) -> bool:
    """Whether there is surely no such item, so that asking for it would fail."""
    if isinstance(base, list):
        return not base or (isinstance(index, int) and index >= len(base) and not any(map(is_spread, base)))
    return base is None


def _at(base: list[Value], index: int, node: Expression, safe: bool) -> Value:
    if any(is_spread(item) for item in base[: index + 1]):
        why = "it is not known how many items there are"
        arrays = variants(base)
        if arrays is None:
            return Unknown(spelled(node), why)
        # Where it has no such item the expression would fail: whoever wrote it knows that it has.
        values = [array[index] if index < len(array) else None for array in arrays]
        choices = dict_of_options(values if safe else [each for each in values if each is not None])
        return choices[0] if len(choices) == 1 else Unknown(spelled(node), why, False, tuple(choices))
    if 0 <= index < len(base):
        return base[index]
    return None if safe else Unknown(spelled(node), "the array has no such item")


def _any_item(base: list[Value], node: Expression) -> Value:
    if not base:
        return Unknown(spelled(node), "the array is empty")
    if len(base) == 1 and not is_spread(base[0]):
        return base[0]
    options = tuple(dict_of_options(base)) if len(base) <= 16 and not any(map(is_spread, base)) else ()
    return Unknown(spelled(node), "which item it is is not known", False, options)


def _instance_at(base: Instances, index: Value, node: Expression) -> Held:
    if isinstance(index, int) and not base.open:
        if 0 <= index < len(base.items):
            return handle_of(base.items[index])
        return Unknown(spelled(node), "the loop makes no such instance")
    if len(base.items) == 1:
        return handle_of(base.items[0])
    if not base.items or not all(isinstance(item, ResourceInstance) for item in base.items[:17]):
        return Unknown(spelled(node), "which instance it is is not known")
    if len(base.items) > 16:
        return Unknown(spelled(node), "which instance it is is not known")
    options = tuple(settled(handle_of(item)) for item in base.items)
    return Unknown(spelled(node), "which instance it is is not known", False, options)
