"""Modules and nested deployments: where their templates are, what they are given, what comes out of them."""

from __future__ import annotations

from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.declared.values import Object, Property, Ref, Text, Unknown, Value, show
from scanner.sources.template import resource_id
from scanner.sources.template.arguments import arguments_of
from scanner.sources.template.compiled import standing_of
from scanner.sources.template.deployments import written_template
from scanner.sources.template.evaluation import MOST_FRAMES, MOST_MODULE_DEPTH, Evaluation
from scanner.sources.template.frames import HANDLES, Frame, Held, Instances, ModuleInstance, Scope, settled
from scanner.sources.template.linked import template_elsewhere
from scanner.sources.template.model import Loop, Module, Template
from scanner.sources.template.names import given_value
from scanner.sources.template.operators import truth
from scanner.sources.template.resources import (
    Run,
    find_declared,
    id_from,
    name_as_written,
    plain_id,
    runs,
    unreferenced,
    written_in,
)
from scanner.sources.template.symbolic import shown


def expand_module(ev: Evaluation, frame: Frame, module: Module) -> Instances:
    """Return the instances of a module; their templates are not looked for yet, see :func:`enter`."""
    key = (id(module), 0)
    found = frame.expanded.get(key)
    if found is not None:
        return found
    made = Instances([], isinstance(module.body, Loop), False)
    frame.expanded[key] = made
    prefix = frame.prefix + (module.symbol or name_as_written(module.written) or "deployment")
    ev.depth += 1
    try:
        for run, unsure in runs(ev, module.body, frame.base, prefix):
            if len(ev.modules) >= MOST_FRAMES:
                detail = f"The unit has more than {MOST_FRAMES:,} modules: what follows is not evaluated."
                ev.tell(frame, module, "skipped", detail)
                break
            made.open = made.open or unsure
            _instance(ev, frame, module, run, made, unsure=unsure)
    finally:
        ev.depth -= 1
    return made


def _instance(
    ev: Evaluation, frame: Frame, module: Module, run: Run, into: Instances, *, unsure: bool
) -> None:
    conditional = unsure or frame.conditional
    if module.condition is not None:
        wanted = truth(ev.plain(module.condition, run.env))
        if wanted is False:
            return
        conditional = conditional or wanted is None
    instance = ModuleInstance(module, frame, run.env, run.body, ev.address(run.address), conditional)
    ev.modules.append(instance)
    into.items.append(instance)


def enter(ev: Evaluation, instance: ModuleInstance) -> Frame | None:
    """Return the frame of a module, made on first sight; None when its template is not here: a gap says so."""
    if instance.entered:
        return instance.frame
    instance.entered = True
    module, home = instance.module, instance.home
    if home.depth >= MOST_MODULE_DEPTH:
        instance.why = "its module is too deep"
        ev.tell(home, module, "skipped", f"Modules deeper than {MOST_MODULE_DEPTH} are not evaluated.")
        return None
    inline = module.template()
    written = inline or written_template(ev, instance)
    template = written or template_elsewhere(ev, instance)
    if template is None:
        return None
    standing = standing_of(home, module)
    if written is None and standing is None and _is_inside(home, template.uri):
        instance.why = "it deploys itself"
        ev.tell(home, module, "skipped", f"The module {template.uri} deploys itself.")
        return None
    outer_names = inline is not None and not module.inner_scope
    frame = Frame(
        template,
        _scope_of(ev, instance, template),
        parent=home,
        prefix=f"{instance.address}.",
        calls=home.calls if standing else (*home.calls, Place(home.template.uri, module.start, module.end)),
        conditional=instance.conditional,
        module=module,
        standing=standing,
    )
    if outer_names:
        # The expressions of such a template are evaluated with the names of the one around it.
        frame.base = instance.env
    else:
        frame.arguments = arguments_of(ev, instance)
    instance.frame = frame
    ev.frames.append(frame)
    for gap in template.gaps:
        ev.gap(gap if standing is None else SourceGap(standing.place, gap.reason, gap.detail))
    return frame


def _is_inside(home: Frame, uri: str) -> bool:
    frame: Frame | None = home
    while frame is not None:
        if frame.template.uri == uri:
            return True
        frame = frame.parent
    return False


def _scope_of(ev: Evaluation, instance: ModuleInstance, template: Template) -> Scope:
    home, body, env = instance.home, instance.body, instance.env
    if instance.module.as_resource:
        subscription = written_in(body, "subscriptionid")
        group = written_in(body, "resourcegroup")
        if subscription is not None or group is not None:
            elsewhere = resource_id.scope_at(
                home.scope,
                unreferenced(ev, ev.plain(subscription.value, env)) if subscription is not None else None,
                unreferenced(ev, ev.plain(group.value, env)) if group is not None else None,
            )
            return _declared_group(ev, elsewhere) if group is not None else elsewhere
    entry = written_in(body, "scope")
    if entry is None:
        if instance.module.as_resource and template.target_scope == "tenant" != home.scope.level:
            return resource_id.scope("tenant")
        return home.scope
    found = ev.value(entry.value, env)
    if isinstance(found, Scope):
        return _declared_group(ev, found) if found.level == "resourceGroup" else found
    target = id_from(found)
    return _scope_from_id(ev, home, target, template)


def _declared_group(ev: Evaluation, scope: Scope) -> Scope:
    """Return a scope with a reference for its id where its resource group is declared in the unit."""
    if scope.id is None:
        return scope
    group = find_declared(ev, "Microsoft.Resources/resourceGroups", scope.prefix, None)
    if group is None:
        return scope
    made = Ref(group.address, ("id",), f"{group.address}.id")
    return Scope(
        scope.level, scope.subscription, scope.resource_group, scope.management_group, made, scope.prefix
    )


def _scope_from_id(ev: Evaluation, home: Frame, target: Value, template: Template) -> Scope:
    """Return the scope that an id stands for."""
    whole = plain_id(ev, target)
    parts = resource_id.segments(whole)
    lower = [part.lower() if isinstance(part, str) else "" for part in parts]
    if whole == "/":
        return resource_id.scope("tenant")
    if len(parts) >= 3 and lower[1] == "subscriptions":
        if len(parts) >= 5 and lower[3] == "resourcegroups":
            made = resource_id.scope("resourceGroup", parts[2], parts[4])
        else:
            made = resource_id.scope("subscription", parts[2])
        if made.prefix == home.scope.prefix:
            return home.scope
        if isinstance(target, Ref):
            made.id = target
        return made
    groups = [position for position, part in enumerate(lower) if part == "managementgroups"]
    if groups and groups[-1] + 1 < len(parts):
        return resource_id.scope("managementGroup", management_group=parts[groups[-1] + 1])
    unknown = (
        whole if isinstance(whole, Unknown | Text | str) else Unknown(shown(whole, 80), "it is no scope")
    )
    group = (
        Unknown(f"resource group of {show(unknown)}", "it is not known")
        if template.target_scope == "resourceGroup"
        else None
    )
    return Scope(
        template.target_scope,
        Unknown(f"subscription of {show(unknown)}", "it is not known"),
        group,
        None,
        target,
        unknown,
    )


def module_name(ev: Evaluation, instance: ModuleInstance) -> Value:
    """Return the name of a deployment."""
    entry = written_in(instance.body, "name")
    if entry is None:
        return Unknown(f"{instance.address}.name", "the deployment has no name of its own")
    return unreferenced(ev, ev.plain(entry.value, instance.env))


def module_named(ev: Evaluation, frame: Frame, wanted: Value) -> ModuleInstance | None:
    """Return the deployment of a frame that is called so."""
    key = show(unreferenced(ev, wanted)).lower() if not isinstance(wanted, list | Object) else ""
    for module in frame.template.modules:
        for instance in expand_module(ev, frame, module).items:
            if isinstance(instance, ModuleInstance) and show(module_name(ev, instance)).lower() == key:
                return instance
    return None


def output_of(ev: Evaluation, instance: ModuleInstance, name: str) -> Held:
    """Return an output of a module."""
    frame = enter(ev, instance)
    written = f"{instance.address}.outputs.{name}"
    if frame is None:
        return Unknown(written, instance.why or "its module is not known")
    outputs = frame.template.outputs
    output = outputs.get(name)
    if output is None:
        output = next((each for key, each in outputs.items() if key.lower() == name.lower()), None)
    if output is None:
        return Unknown(written, "the module has no such output")
    key = ("output", output.name)
    if key in frame.memo:
        return frame.memo[key]
    if key in frame.busy:
        ev.tell(frame, output, "unresolved", f"The output {output.name} depends on itself.")
        return Unknown(written, "it depends on itself")
    frame.busy.add(key)
    ev.depth += 1
    try:
        found = given_value(ev, (output.value, frame.base), instance.home.template.uri)
    finally:
        ev.depth -= 1
        frame.busy.discard(key)
    if isinstance(found, HANDLES) and not isinstance(found, Instances):
        found = settled(found)
    if output.secure and isinstance(found, str):
        found = Unknown(written, "it is a secret", True)
    found = ev.bounded(found, frame, output)
    frame.memo[key] = found
    return found


def outputs_object(value: Held) -> Value:
    """Return an output as ARM gives it: an object that holds the value."""
    plain = settled(value) if isinstance(value, HANDLES) else value
    return Object({"value": Property(plain)}, True)


def instances_of_frame(ev: Evaluation, frame: Frame) -> list[ModuleInstance]:
    """Return all instances of the modules of a frame."""
    found: list[ModuleInstance] = []
    for module in frame.template.modules:
        found.extend(
            each for each in expand_module(ev, frame, module).items if isinstance(each, ModuleInstance)
        )
    return found
