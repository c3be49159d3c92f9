"""What modules and nested deployments are given."""

from __future__ import annotations

from scanner.sources.declared.values import Object, Unknown, Value
from scanner.sources.template.evaluation import Evaluation
from scanner.sources.template.frames import Env, Frame, ModuleInstance
from scanner.sources.template.linked import (
    beside_candidates,
    deployment_property,
    last_json_path,
    property_node,
)
from scanner.sources.template.model import Expression, ObjectLiteral, Template
from scanner.sources.template.names import unplaced
from scanner.sources.template.resources import written_in
from scanner.sources.template.symbolic import shown


def arguments_of(ev: Evaluation, instance: ModuleInstance) -> dict[str, tuple[Expression, Env] | Value]:
    """Return the arguments of a module by their names in lower case: expressions with their surroundings, or values."""
    env = instance.env
    if not instance.module.as_resource:
        entry = written_in(instance.body, "params")
        node = entry.value if entry is not None else None
        if isinstance(node, ObjectLiteral) and not node.spreads:
            return {
                each.name.lower(): (each.value, env) for each in node.entries if isinstance(each.name, str)
            }
        value = ev.plain(node, env) if node is not None else None
        if isinstance(value, Object):
            plain = unplaced(value)
            assert isinstance(plain, Object)  # noqa: S101 - an object stays one
            return {name.lower(): held.value for name, held in plain.properties.items()}
        return {}
    node = property_node(instance, "parameters")
    if node is None:
        return _linked_parameters(ev, instance)
    arguments: dict[str, tuple[Expression, Env] | Value] = {}
    if isinstance(node, ObjectLiteral):
        for each in node.entries:
            if not isinstance(each.name, str):
                continue
            value_entry = written_in(each.value, "value")
            if value_entry is not None:
                arguments[each.name.lower()] = (value_entry.value, env)
            else:
                arguments[each.name.lower()] = _wrapped(each.name, ev.plain(each.value, env))
    else:
        whole = ev.plain(node, env)
        if isinstance(whole, Object):
            for name, held in whole.properties.items():
                arguments[name.lower()] = _wrapped(name, held.value)
    return arguments


def _wrapped(name: str, value: Value) -> Value:
    """Return what ``{"value": x}`` or ``{"reference": ...}`` gives, also when it is the outcome of an expression."""
    if isinstance(value, Object):
        held = value.get("value")
        if held is not None:
            return unplaced(held.value)
        if value.get("reference") is not None:
            return Unknown(f"secret for {name}", "it is read from a vault when deploying", True)
    if isinstance(value, Unknown) and value.options:
        from scanner.sources.template.maybe import dict_of_options

        options = tuple(dict_of_options([_wrapped(name, option) for option in value.options]))
        secret = any(isinstance(option, Unknown) and option.secret for option in options)
        return Unknown(value.shown, value.why, secret or value.secret, options)
    if value is None:
        return None
    return Unknown(f"argument {name}", "what is given for it is not known")


def _linked_parameters(ev: Evaluation, instance: ModuleInstance) -> dict[str, tuple[Expression, Env] | Value]:
    link = deployment_property(ev, instance, "parametersLink")
    held = link.get("uri") if isinstance(link, Object) else None
    if held is None:
        return {}
    from scanner.sources.arm.read import read_parameter_file

    path = last_json_path(held.value)
    home = instance.home
    for uri in beside_candidates(home.template.uri, path):
        data = ev.files.read(uri)
        given = read_parameter_file(uri, data) if data is not None else None
        if given is not None:
            frame = Frame(Template(uri, "arm", home.template.target_scope), home.scope)
            for gap in given.gaps:
                ev.gap(gap)
            return {name.lower(): (value, frame.base) for name, value in given.values.items()}
    ev.tell(
        home,
        instance.module,
        "skipped",
        f"The parameter file {path or shown(held.value, 80).split('?')[0]} is not here.",
    )
    return {}
