"""What a name stands for: parameters, variables, symbols of resources and modules, imports."""

from __future__ import annotations

from collections.abc import Callable

from scanner.sources.declared.files import Files
from scanner.sources.declared.values import KeyRead, Object, Property, Ref, Text, Unknown, Value
from scanner.sources.template.evaluation import Evaluation
from scanner.sources.template.expressions import one_or_all
from scanner.sources.template.frames import HANDLES, Env, Frame, Held, Namespace, Scope, settled
from scanner.sources.template.model import Call, Constant, Expression, Module, Name, Parameter, Resource
from scanner.sources.template.resources import expand, symbols_of
from scanner.sources.template.symbolic import shown

_NAMESPACES = ("az", "sys")
_MANY = (list, Object)
_NO_SCOPE = Scope("resourceGroup", None, None, None, None, "")


def name(ev: Evaluation, node: Name, env: Env) -> Held:
    """Return what a Bicep identifier stands for."""
    wanted = node.name
    if wanted in env.locals:
        return env.locals[wanted]
    owner = env.owner
    while owner is not None:
        for child in owner.resource.nested:
            if child.symbol == wanted:
                return one_or_all(expand(ev, owner.frame, child, owner), wanted)
        owner = owner.outer
    frame = env.frame
    template = frame.template
    if wanted in template.parameters:
        return parameter(ev, frame, wanted)
    if wanted in template.variables:
        return variable(ev, frame, wanted)
    symbol = symbols_of(frame).get(wanted)
    if symbol is not None:
        return instances_of(ev, frame, symbol, wanted)
    imported = imported_name(ev, frame, wanted)
    if imported is not None:
        library, there = imported
        return Namespace(library) if there == "*" else variable(ev, library, there)
    if wanted in _NAMESPACES:
        return Namespace(None)
    return Unknown(wanted, "nothing of this name is declared here")


def instances_of(ev: Evaluation, frame: Frame, symbol: Resource | Module, written: str) -> Held:
    """Return what the symbol of a resource or module stands for."""
    if isinstance(symbol, Module):
        from scanner.sources.template.modules import expand_module

        return one_or_all(expand_module(ev, frame, symbol), written)
    return one_or_all(expand(ev, frame, symbol, None), written)


def parameter(ev: Evaluation, frame: Frame, wanted: str) -> Held:
    """Return the value of a parameter: what is given, else its default, else what stands for it."""
    if frame.template.language == "arm":
        wanted = _folded(frame, "parameters").get(wanted.lower(), wanted)
    key = ("parameter", wanted)
    if key in frame.memo:
        return frame.memo[key]
    return _remembered(ev, frame, key, lambda: _parameter(ev, frame, wanted))


def variable(ev: Evaluation, frame: Frame, wanted: str) -> Held:
    """Return the value of a variable."""
    if frame.template.language == "arm":
        wanted = _folded(frame, "variables").get(wanted.lower(), wanted)
    key = ("variable", wanted)
    if key in frame.memo:
        return frame.memo[key]
    found = frame.template.variables.get(wanted)
    if found is None:
        return Unknown(wanted, "no variable of this name is declared")
    return _remembered(ev, frame, key, lambda: ev.value(found.value, frame.base))


def _folded(frame: Frame, kind: str) -> dict[str, str]:
    found = frame.folded.get(kind)
    if found is None:
        names = frame.template.parameters if kind == "parameters" else frame.template.variables
        found = frame.folded[kind] = {name.lower(): name for name in names}
    return found


def _remembered(ev: Evaluation, frame: Frame, key: tuple[str, str], work: Callable[[], Held]) -> Held:
    if key in frame.busy:
        kind, wanted = key
        declared = frame.template.parameters if kind == "parameter" else frame.template.variables
        ev.tell(frame, declared[wanted], "unresolved", f"The {kind} {wanted} depends on itself.")
        return Unknown(wanted, "it depends on itself")
    frame.busy.add(key)
    ev.depth += 1
    try:
        found = work()
    finally:
        ev.depth -= 1
        frame.busy.discard(key)
    declared = frame.template.parameters if key[0] == "parameter" else frame.template.variables
    if key[1] in declared:
        found = ev.bounded(found, frame, declared[key[1]])
    frame.memo[key] = found
    return found


def _parameter(ev: Evaluation, frame: Frame, wanted: str) -> Held:
    declared = frame.template.parameters.get(wanted)
    if declared is None:
        return Unknown(wanted, "no parameter of this name is declared")
    given = frame.arguments.get(wanted.lower())
    if given is not None:
        value = given_value(ev, given, frame.template.uri)
        if value is not None or declared.default is None:
            return _masked(declared, value) if declared.secure and frame.parent is None else value
    if declared.default is None:
        return None if declared.nullable else _not_given(ev, frame, declared)
    return _masked(declared, ev.value(declared.default, frame.base))


def given_value(ev: Evaluation, given: tuple[Expression, Env] | Value, uri: str) -> Held:
    """Return an argument; places in another file than ``uri`` are left out."""
    if not isinstance(given, tuple):
        return given
    expression, env = given
    found = ev.value(expression, env)
    template = env.frame.template
    if template.placed and template.uri != uri and isinstance(found, list | Object):
        return unplaced(found)
    return found


def _masked(declared: Parameter, value: Held) -> Held:
    """Keep the default of a secret out of everything but the declaration of the parameter itself.

    An empty one stays: templates ask whether a secret was given at all.
    """
    if not declared.secure or value is None or value == "" or isinstance(value, KeyRead | Ref | Text):
        return value
    if isinstance(value, Object) and not value.properties and not value.open:
        return value
    if isinstance(value, Unknown) and value.secret:
        return value
    return Unknown(f"param {declared.name}", "it is a secret", True)


def _not_given(ev: Evaluation, frame: Frame, declared: Parameter) -> Value:
    where = f" of {frame.prefix.rstrip('.')}" if frame.prefix else ""
    options = tuple(ev.plain(each, frame.base) for each in declared.allowed[:16])
    if any(isinstance(option, list | Object) for option in options) or len(declared.allowed) > 16:
        options = ()
    return Unknown(
        f"param {declared.name}{where}", "no value is given for the parameter", declared.secure, options
    )


def unplaced(value: Value) -> Value:
    """Return a value without the places of its properties: they are in another file."""
    return _unplaced(value, {})


def _unplaced(value: Value, done: dict[int, Value]) -> Value:
    if type(value) is Unknown:
        if not value.options:
            return value
    elif not isinstance(value, _MANY):
        return value
    made = done.get(id(value))
    if made is None:
        if isinstance(value, Unknown):
            options = tuple(_unplaced(option, done) for option in value.options)
            made = Unknown(value.shown, value.why, value.secret, options)
        elif isinstance(value, list):
            made = [_unplaced(item, done) for item in value]
        else:
            properties = {
                name: Property(_unplaced(held.value, done)) for name, held in value.properties.items()
            }
            made = Object(properties, value.open, value.names)
        done[id(value)] = made
    return made


def imported_name(ev: Evaluation, frame: Frame, wanted: str) -> tuple[Frame, str] | None:
    """Return the frame of the file that a name is imported from, and its name there, ``*`` for all of it."""
    for each in frame.template.imports:
        for there, here in each.names:
            if here == wanted:
                library = _library(ev, frame, each.path)
                if library is None:
                    ev.tell(frame, each, "skipped", f"The file {each.path} that is imported is not here.")
                    return None
                return library, there
    return None


def _library(ev: Evaluation, frame: Frame, path: str) -> Frame | None:
    """Return the frame of a file that names are imported from; nothing in it is deployed."""
    uri = None if ":" in path else Files.beside(frame.template.uri, path)
    if uri is None:
        return None
    if uri not in ev.libraries:
        data = ev.files.read(uri)
        template = ev.read(uri, data) if data is not None else None
        ev.libraries[uri] = Frame(template, _NO_SCOPE) if template is not None else None
        for gap in template.gaps if template is not None else ():
            ev.gap(gap)
    return ev.libraries[uri]


def parameters_call(ev: Evaluation, node: Call, env: Env) -> Held:
    """Return ``parameters('name')``; inside a user-defined function its own parameter."""
    wanted = _constant_argument(ev, node, env)
    if not isinstance(wanted, str):
        return Unknown(f"parameters({shown(wanted, 80)})", "its name is not known")
    if env.locals:
        for local, value in env.locals.items():
            if local.startswith("parameters:") and local[11:] == wanted.lower():
                return value
    return parameter(ev, env.frame, wanted)


def variables_call(ev: Evaluation, node: Call, env: Env) -> Held:
    """Return ``variables('name')``."""
    wanted = _constant_argument(ev, node, env)
    if not isinstance(wanted, str):
        return Unknown(f"variables({shown(wanted, 80)})", "its name is not known")
    return variable(ev, env.frame, wanted)


def _constant_argument(ev: Evaluation, node: Call, env: Env) -> Value:
    if not node.arguments:
        return None
    first = node.arguments[0]
    if isinstance(first, Constant):
        return first.value
    found = ev.value(first, env)
    return settled(found) if isinstance(found, HANDLES) else found
