"""Resources as instances: their loops and conditions, where they are, and which one an id names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from scanner.sources.declared.values import Object, Ref, Text, Unknown, Value, show, text
from scanner.sources.template import resource_id
from scanner.sources.template.evaluation import MOST_DECLARATIONS, Evaluation
from scanner.sources.template.frames import (
    HANDLES,
    Env,
    Frame,
    Held,
    InstanceIndex,
    Instances,
    ResourceInstance,
    Scope,
    settled,
)
from scanner.sources.template.loops import steps_of
from scanner.sources.template.model import Entry, Expression, Loop, Module, ObjectLiteral, Resource
from scanner.sources.template.operators import truth
from scanner.sources.template.symbolic import shown

_EXTENSION_MARK = "providers"
_MOST_WRITTEN = 120


def symbols_of(frame: Frame) -> dict[str, Resource | Module]:
    """Return the resources and modules of a template by their symbolic names."""
    if not frame.symbols:
        for resource in frame.template.resources:
            if resource.symbol:
                frame.symbols[resource.symbol] = resource
        for module in frame.template.modules:
            if module.symbol:
                frame.symbols[module.symbol] = module
    return frame.symbols


def written_in(body: Expression, name: str) -> Entry | None:
    """Return a property of a body as it is written; of doubles the last."""
    if isinstance(body, ObjectLiteral):
        for entry in reversed(body.entries):
            if isinstance(entry.name, str) and entry.name.lower() == name:
                return entry
    return None


def expand(ev: Evaluation, frame: Frame, resource: Resource, outer: ResourceInstance | None) -> Instances:
    """Return the instances of a resource: none when its condition is false, one for each run of its loop."""
    key = (id(resource), id(outer) if outer is not None else 0)
    found = frame.expanded.get(key)
    if found is not None:
        return found
    looped = isinstance(resource.body, Loop)
    made = Instances([], looped, False)
    # Set before the loop is worked out: one that asks for itself finds nothing and ends.
    frame.expanded[key] = made
    base = outer.env.inside(outer) if outer is not None else frame.base
    prefix = _address(frame, resource, _whole_type(resource.type, outer), outer)
    sure = outer is None or not outer.conditional
    ev.depth += 1
    try:
        for run, unsure in runs(ev, resource.body, base, prefix):
            if len(ev.declared) >= MOST_DECLARATIONS:
                detail = (
                    f"The unit declares more than {MOST_DECLARATIONS:,} resources: what follows is left out."
                )
                ev.tell(frame, resource, "skipped", detail)
                break
            made.open = made.open or unsure
            _instance(ev, (frame, outer), resource, run, made, unsure=unsure or not sure)
    finally:
        ev.depth -= 1
    return made


class Run(NamedTuple):
    """One instance of a loop over resources or modules; the only one where there is no loop."""

    env: Env
    body: Expression
    address: str


def runs(ev: Evaluation, body: Expression, base: Env, address: str) -> Iterator[tuple[Run, bool]]:
    """Yield the runs of a body, and whether it is not sure that there are so many."""
    if not isinstance(body, Loop):
        yield Run(base, body, address), False
        return
    for number, step in enumerate(steps_of(ev, body, base, of_resource=True)):
        suffix = f"[{number}]" if isinstance(step.index, int) else "[*]"
        yield Run(step.env, body.body, address + suffix), step.conditional


def _instance(
    ev: Evaluation,
    owner: tuple[Frame, ResourceInstance | None],
    resource: Resource,
    run: Run,
    into: Instances,
    *,
    unsure: bool,
) -> None:
    frame, outer = owner
    conditional = unsure or frame.conditional
    if resource.condition is not None:
        wanted = truth(ev.plain(resource.condition, run.env))
        if wanted is False:
            return
        conditional = conditional or wanted is None
    type_ = _whole_type(resource.type, outer)
    instance = ResourceInstance(
        resource, frame, run.env, run.body, ev.address(run.address), type_, outer, conditional
    )
    ev.declared[instance.address] = instance
    index(ev, instance)
    frame.by_name.add(instance)
    into.items.append(instance)


def index(ev: Evaluation, instance: ResourceInstance) -> None:
    """Make a resource one that can be found by its id."""
    ev.by_type.setdefault(instance.type.lower(), InstanceIndex()).add(instance)


def _whole_type(type_: str, outer: ResourceInstance | None) -> str:
    """Return the type with those of the resources around it, which a nested resource leaves out."""
    parts = type_.split("/")
    if len(parts) > 2 and _EXTENSION_MARK in parts[1:-1]:
        # Microsoft.X/y/providers/roleAssignments: an extension written as a child, its provider is in the name.
        return type_
    if outer is None:
        return type_
    if parts[0].lower() == _EXTENSION_MARK:
        return f"{outer.type}/{type_}"
    if "." in parts[0]:
        return type_
    return f"{outer.type}/{type_}"


def _address(frame: Frame, resource: Resource, type_: str, outer: ResourceInstance | None) -> str:
    if resource.symbol:
        return f"{outer.address}::{resource.symbol}" if outer is not None else frame.prefix + resource.symbol
    return f"{frame.prefix}{type_}/{name_as_written(resource.written)}"


def name_as_written(written: str) -> str:
    """Return a name in an ARM template for an address: an expression in braces, cut where it is long."""
    if written.startswith("[") and written.endswith("]") and not written.startswith("[["):
        inner = written[1:-1]
        written = "{" + (inner if len(inner) <= _MOST_WRITTEN else inner[:_MOST_WRITTEN] + "...") + "}"
    return written


class Located(NamedTuple):
    """Where a resource is."""

    name: Value
    parent: Value
    id: Value


def locate(ev: Evaluation, instance: ResourceInstance) -> Located:
    """Return name, parent and id (as text) of a resource; its body is not evaluated for it."""
    if instance.located is not None:
        return Located(*instance.located)
    if instance.busy:
        unknown = Unknown(instance.address, "its name depends on itself")
        return Located(unknown, unknown, unknown)
    instance.busy = True
    ev.depth += 1
    try:
        name, parent, id_ = _locate(ev, instance)
    finally:
        ev.depth -= 1
        instance.busy = False
    instance.located = (name, parent, id_)
    return Located(name, parent, id_)


def _locate(ev: Evaluation, instance: ResourceInstance) -> Located:
    frame, body = instance.frame, instance.body
    whole = _name_of(ev, instance)
    if isinstance(whole, list | Object) or whole is None:
        whole = Unknown(f"name of {instance.address}", "what is written for it is no text")
    parts = instance.type.split("/")
    scope_entry = written_in(body, "scope")
    if len(parts) > 2 and _EXTENSION_MARK in [part.lower() for part in parts[1:-1]]:
        return _old_extension(ev, instance, parts, whole)
    parent_entry = written_in(body, "parent") if frame.template.language == "bicep" else None
    own_namespace = instance.outer is not None and not instance.type.lower().startswith(
        instance.outer.type.lower() + "/"
    )
    if instance.outer is not None or parent_entry is not None:
        if instance.outer is not None:
            parent: Value = Ref(instance.outer.address, ("id",), f"{instance.outer.address}.id")
        else:
            assert parent_entry is not None  # noqa: S101 - the condition above, for the type checker
            parent = id_from(ev.value(parent_entry.value, instance.env))
        last = resource_id.segments(whole)[-1]
        parent_id = plain_id(ev, parent)
        if own_namespace:
            return Located(whole, parent, resource_id.below(parent_id, instance.type, [whole]))
        return Located(last, parent, text([parent_id, f"/{parts[-1]}/", last]))
    base, base_id = base_of(ev, instance, scope_entry)
    names = resource_id.segments(whole)
    wanted = len(parts) - 1
    if wanted <= 1:
        return Located(whole, base, resource_id.below(base_id, instance.type, [whole]))
    if len(names) != wanted:
        unknown = Unknown(f"parent of {shown(whole, 80)}", "its name is not wholly known")
        last = names[-1] if len(names) > 1 else whole
        return Located(last, unknown, resource_id.below(base_id, instance.type, [whole]))
    above = resource_id.below(base_id, "/".join(parts[:-1]), names[:-1])
    found = find_declared(ev, "/".join(parts[:-1]), above, instance)
    parent = Ref(found.address, ("id",), f"{found.address}.id") if found is not None else above
    return Located(names[-1], parent, text([above, f"/{parts[-1]}/", names[-1]]))


def _name_of(ev: Evaluation, instance: ResourceInstance) -> Value:
    entry = written_in(instance.body, "name")
    if entry is None:
        if not isinstance(instance.body, ObjectLiteral):
            whole = ev.plain(instance.body, instance.env)
            held = whole.get("name") if isinstance(whole, Object) else None
            if held is not None:
                return held.value
        return Unknown(f"name of {instance.address}", "no name is written")
    return unreferenced(ev, ev.plain(entry.value, instance.env))


def unreferenced(ev: Evaluation, value: Value) -> Value:
    """Return a text with the names of resources in place of references to their names: equal names stay equal."""
    if isinstance(value, str):
        return value
    if isinstance(value, Ref) and value.path == ("name",):
        target = ev.declared.get(value.target)
        return locate(ev, target).name if target is not None else value
    if isinstance(value, Ref) and value.path == ("id",):
        return plain_id(ev, value)
    if isinstance(value, Text):
        return text([unreferenced(ev, part) for part in value.parts])
    return value


def base_of(ev: Evaluation, instance: ResourceInstance, scope_entry: Entry | None) -> tuple[Value, Value]:
    """Return the parent and its id as text of what is not inside another resource."""
    frame = instance.frame
    if scope_entry is not None:
        found = ev.value(scope_entry.value, instance.env)
        if isinstance(found, Scope):
            return found.id, found.prefix
        if frame.template.language == "arm":
            parent = relative_id(ev, settled(found) if isinstance(found, HANDLES) else found, frame, instance)
        else:
            parent = id_from(found)
        return parent, plain_id(ev, parent)
    subscription = written_in(instance.body, "subscriptionid")
    group = written_in(instance.body, "resourcegroup")
    if frame.template.language == "arm" and (subscription is not None or group is not None):
        env = instance.env
        elsewhere = resource_id.scope_at(
            frame.scope,
            unreferenced(ev, ev.plain(subscription.value, env)) if subscription else None,
            unreferenced(ev, ev.plain(group.value, env)) if group else None,
        )
        return elsewhere.id, elsewhere.prefix
    if instance.type.lower() in resource_id.AT_TENANT:
        return "/", ""
    return frame.scope.id, frame.scope.prefix


def _old_extension(ev: Evaluation, instance: ResourceInstance, parts: list[str], whole: Value) -> Located:
    """Locate ``Microsoft.X/y/providers/roleAssignments``, named ``x/Microsoft.Authorization/guid``."""
    cut = [part.lower() for part in parts].index(_EXTENSION_MARK, 1)
    names = resource_id.segments(whole)
    _, base_id = base_of(ev, instance, None)
    above_parts, own_parts = parts[:cut], parts[cut + 1 :]
    above_count = len(above_parts) - 1
    if instance.outer is not None:
        # Written inside the resource it extends: the name begins with the provider.
        above: Value = Ref(instance.outer.address, ("id",), f"{instance.outer.address}.id")
        above_id = plain_id(ev, above)
        own_names = names
    elif len(names) > above_count:
        above_id = resource_id.below(base_id, "/".join(above_parts), names[:above_count])
        found = find_declared(ev, "/".join(above_parts), above_id, instance)
        above = Ref(found.address, ("id",), f"{found.address}.id") if found is not None else above_id
        own_names = names[above_count:]
    else:
        above_id = above = Unknown(f"parent of {shown(whole, 80)}", "its name is not wholly known")
        own_names = names[-1:]
    provider = (
        own_names[0] if len(own_names) > 1 and isinstance(own_names[0], str) else "Microsoft.Authorization"
    )
    instance.type = "/".join([provider, *own_parts])
    index(ev, instance)
    return Located(own_names[-1], above, resource_id.below(above_id, instance.type, [own_names[-1]]))


def id_from(found: Held) -> Value:
    """Return the id of what ``parent:`` or ``scope:`` names."""
    if isinstance(found, Scope):
        return found.id if found.id is not None else found.prefix
    value = settled(found) if isinstance(found, HANDLES) else found
    if isinstance(value, Ref):
        return Ref(value.target, ("id",), f"{value.shown}.id") if not value.path else value
    if isinstance(value, Object):
        held = value.get("id")
        return held.value if held is not None else Unknown(shown(value, 80), "it has no id")
    if isinstance(value, list):
        return Unknown(shown(value, 80), "it is no resource")
    return value


def plain_id(ev: Evaluation, parent: Value) -> Value:
    """Return an id as text: that of a resource in place of a reference to it."""
    if isinstance(parent, Ref) and parent.path == ("id",):
        target = ev.declared.get(parent.target)
        if target is not None:
            return locate(ev, target).id
    return parent


def relative_id(ev: Evaluation, value: Value, frame: Frame, seeker: ResourceInstance | None) -> Value:
    """Return the id that ``scope`` of an ARM resource names: a whole one, or type and name within the deployment."""
    if isinstance(value, Ref):
        return value
    plain = unreferenced(ev, value)
    parts = resource_id.segments(plain)
    if value == "/":
        return "/"
    first = parts[0]
    if not (isinstance(first, str) and "." in first and len(parts) >= 3 and len(parts) % 2 == 1):
        return identified(ev, plain, seeker)
    types = [part for part in parts[1::2] if isinstance(part, str)]
    if len(types) != len(parts) // 2:
        return plain
    type_ = "/".join([first, *types])
    prefix: Value = "" if type_.lower() in resource_id.AT_TENANT else frame.scope.prefix
    return identified(ev, resource_id.below(prefix, type_, parts[2::2]), seeker)


def identified(ev: Evaluation, id_: Value, seeker: ResourceInstance | None) -> Value:
    """Return a reference where an id names something declared in the unit, else the id."""
    if not isinstance(id_, str | Text):
        return id_
    type_ = resource_id.type_of(id_)
    found = find_declared(ev, type_, id_, seeker) if type_ else None
    return Ref(found.address, ("id",), f"{found.address}.id") if found is not None else id_


def find_declared(
    ev: Evaluation, type_: str, id_: Value, seeker: ResourceInstance | None
) -> ResourceInstance | None:
    """Return what is declared with an id; what is made here before what is only looked up."""
    index = ev.by_type.get(type_.lower())
    if index is None:
        return None
    index.take(lambda instance: show(locate(ev, instance).id).lower())
    return index.find(show(id_).lower(), seeker)


def named(ev: Evaluation, frame: Frame, wanted: Value) -> ResourceInstance | None:
    """Return the resource of a frame that is called so: ``reference('name')`` leaves out the type."""
    if not isinstance(wanted, str | Text | Unknown):
        return None
    frame.by_name.take(lambda instance: show(unreferenced(ev, _name_of(ev, instance))).lower())
    return frame.by_name.find(show(unreferenced(ev, wanted)).lower(), None)
