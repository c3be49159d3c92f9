"""Calls of functions: which is meant, and those that see more than the values of their arguments."""

from __future__ import annotations

import base64
from functools import lru_cache

from scanner.sources.declared.files import Files
from scanner.sources.declared.values import Ref, Text, Unknown, Value
from scanner.sources.template import (
    collection_functions,
    network_functions,
    resource_functions,
    text_functions,
    unknown_functions,
)
from scanner.sources.template.evaluation import MOST_TEXT, Evaluation, Form, PlainFunction, Unresolvable
from scanner.sources.template.frames import Env, Frame, Held, Namespace, settled
from scanner.sources.template.lambdas import LAMBDAS
from scanner.sources.template.maybe import combine
from scanner.sources.template.members import item_from_end, item_of
from scanner.sources.template.model import Call, Member, Name
from scanner.sources.template.names import imported_name, parameters_call, variables_call
from scanner.sources.template.operators import both_or_one, choose, compute, truth
from scanner.sources.template.resources import unreferenced
from scanner.sources.template.spelling import spelled
from scanner.sources.template.symbolic import call_value, known, shown

_COMPARISONS = {
    "equals": "==",
    "less": "<",
    "lessorequals": "<=",
    "greater": ">",
    "greaterorequals": ">=",
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "mod": "%",
}


def call(ev: Evaluation, node: Call, env: Env) -> Held:
    """Return the value of a call: of a user-defined function, a method, or a function of the language."""
    if node.base is not None:
        return _method(ev, node, env)
    return _function(ev, node, env)


def _function(ev: Evaluation, node: Call, env: Env) -> Held:
    frame = env.frame
    lower, special, comparison = _meaning(node.name)
    template = frame.template
    if template.functions or template.imports:
        key = lower if template.language == "arm" else node.name
        if key in template.functions:
            return _user_defined(ev, frame, key, node, env)
        imported = (
            imported_name(ev, frame, node.name) if lower not in _SPECIAL and lower not in PLAIN else None
        )
        if imported is not None:
            return _user_defined(ev, imported[0], imported[1], node, env)
    if special is not None:
        return special(ev, node, env)
    if comparison is not None and len(node.arguments) == 2:
        left, right = node.arguments
        return compute(comparison, ev.plain(left, env), ev.plain(right, env))
    arguments = [ev.plain(argument, env) for argument in node.arguments]
    ev.charge(arguments)
    return apply(node.name, arguments)


@lru_cache(maxsize=1024)
def _meaning(name: str) -> tuple[str, Form | None, str | None]:
    """Return a function's name in lower case, what evaluates it where it sees more than values, and its operator."""
    lower = name.lower()
    special = _SPECIAL.get(lower)
    if special is None and lower.startswith("list"):
        special = resource_functions.list_call
    return lower, special, _COMPARISONS.get(lower)


def apply(name: str, arguments: list[Value]) -> Value:
    """Return what a function makes of values; the call itself where it cannot be worked out."""
    function = PLAIN.get(name.lower())
    if function is None:
        return call_value(name, arguments)
    try:
        return function(arguments)
    except Unresolvable:
        why = "its arguments do not fit" if all(known(each) for each in arguments) else ""
        return call_value(name, arguments, why)


def _user_defined(ev: Evaluation, frame: Frame, name: str, node: Call, env: Env) -> Held:
    function = frame.template.functions.get(name)
    if function is None:
        return Unknown(spelled(node), "no such function is declared")
    arguments = [ev.value(argument, env) for argument in node.arguments]
    names: dict[str, Held] = {}
    for position, parameter in enumerate(function.parameters):
        value = arguments[position] if position < len(arguments) else None
        names[parameter] = value
        names[f"parameters:{parameter.lower()}"] = value
    found = ev.value(function.body, Env(frame, names, ()))
    return ev.bounded(found, frame, function)


def _method(ev: Evaluation, node: Call, env: Env) -> Held:
    base_node = node.base
    assert base_node is not None  # noqa: S101 - only called so
    base = ev.value(base_node, env)
    if isinstance(base, Namespace):
        if base.frame is None:
            return _function(ev, Call(node.name, node.arguments, None, node.start, node.end), env)
        return _user_defined(ev, base.frame, node.name, node, env)
    lower = node.name.lower()
    if lower == "getsecret":
        return _secret(node)
    if lower.startswith("list"):
        return resource_functions.key_read(ev, base, node, env)
    return Unknown(spelled(node), "no such function is known")


def _secret(node: Call) -> Value:
    # Reading from a vault when deploying is how a secret should be handed on: no key of a service.
    return Unknown(spelled(node), "it is read from a vault when deploying", True)


def _get_secret(_ev: Evaluation, node: Call, _env: Env) -> Held:
    return _secret(node)


def _if(ev: Evaluation, node: Call, env: Env) -> Held:
    if len(node.arguments) != 3:
        return Unknown(spelled(node), "if() takes three arguments")
    return choose(ev, node.arguments[0], node.arguments[1], node.arguments[2], env)


def _and(ev: Evaluation, node: Call, env: Env) -> Held:
    return both_or_one(ev, "&&", node.arguments, env)


def _or(ev: Evaluation, node: Call, env: Env) -> Held:
    return both_or_one(ev, "||", node.arguments, env)


def _not(ev: Evaluation, node: Call, env: Env) -> Held:
    operand = ev.plain(node.arguments[0], env) if node.arguments else None
    found = truth(operand)
    return (
        not found if found is not None else Unknown(f"!{shown(operand)}", "it depends on something unknown")
    )


def _coalesce(ev: Evaluation, node: Call, env: Env) -> Held:
    return combine(ev, node.arguments, env)


def _copy_index(ev: Evaluation, node: Call, env: Env) -> Held:
    name, offset = "", 0
    for argument in node.arguments:
        value = ev.plain(argument, env)
        if isinstance(value, str):
            name = value.lower()
        elif isinstance(value, int):
            offset = value
        else:
            return Unknown(spelled(node), "its argument is not known")
    # Without a name the loop of the resource is meant; outside of resources there is only one.
    loops = (
        [each for each in env.loops if each[0].lower() == name]
        if name
        else ([each for each in env.loops if each[2]] or list(env.loops))
    )
    if not loops:
        return Unknown(spelled(node), "there is no such loop")
    index = loops[-1][1]
    return index + offset if isinstance(index, int) else index


def _try_get(ev: Evaluation, node: Call, env: Env) -> Held:
    if not node.arguments:
        return None
    found = ev.value(node.arguments[0], env)
    for argument in node.arguments[1:]:
        key = ev.plain(argument, env)
        found = item_of(ev, found, key, node, safe=True, env=env)
        if found is None:
            return None
    return found


def _from_end(ev: Evaluation, node: Call, env: Env) -> Held:
    """``indexFromEnd(array, 1)``, ``tryIndexFromEnd(array, 1, 'name', ...)``: what ``array[^1]`` becomes."""
    arguments = [ev.plain(argument, env) for argument in node.arguments]
    if len(arguments) < 2:
        return call_value(node.name, arguments)
    safe = node.name.lower().startswith("try")
    found: Held = item_from_end(arguments[0], arguments[1], node, safe=safe)
    for key in arguments[2:]:
        found = item_of(ev, found, key, node, safe=safe, env=env)
    return found


def _any(ev: Evaluation, node: Call, env: Env) -> Held:
    return ev.value(node.arguments[0], env) if node.arguments else None


def _nameof(_ev: Evaluation, node: Call, _env: Env) -> Held:
    first = node.arguments[0] if node.arguments else None
    return first.name if isinstance(first, Name | Member) else Unknown(spelled(node), "it names nothing")


def _environment_variable(_ev: Evaluation, node: Call, _env: Env) -> Held:
    return Unknown(spelled(node), "it is read from the environment")


def _load_text(ev: Evaluation, node: Call, env: Env) -> Held:
    data = _loaded(ev, node, env)
    if data is None or len(data) > MOST_TEXT:
        return Unknown(spelled(node), "the file is not here or too large")
    return data.decode("utf-8-sig", "replace")


def _load_json(ev: Evaluation, node: Call, env: Env) -> Held:
    from scanner.sources.arm.json_reader import read_json
    from scanner.sources.template.names import unplaced

    data = _loaded(ev, node, env)
    if data is None or len(node.arguments) > 1:
        return Unknown(spelled(node), "the file is not here, or only a part of it is asked for")
    # The reader takes objects; what else a file may hold is read as the only member of one.
    read = read_json("", b'{"":' + data.removeprefix(b"\xef\xbb\xbf") + b"}")
    if read.root is None or read.gaps or len(read.root.entries) != 1:
        return Unknown(spelled(node), "the file is not whole")
    return unplaced(settled(ev.bounded(ev.plain(read.root.entries[0].value, env), env.frame, node)))


def _loaded(ev: Evaluation, node: Call, env: Env) -> bytes | None:
    path = ev.plain(node.arguments[0], env) if node.arguments else None
    if not isinstance(path, str):
        return None
    uri = Files.beside(env.frame.template.uri, path)
    data = ev.files.read(uri) if uri is not None else None
    if data is None:
        ev.tell(env.frame, node, "skipped", f"The file {path[:200]} that is loaded is not here.")
    return data


def _load_base64(ev: Evaluation, node: Call, env: Env) -> Held:
    data = _loaded(ev, node, env)
    if data is None or len(data) > MOST_TEXT:
        return Unknown(spelled(node), "the file is not here or too large")
    return base64.b64encode(data).decode()


def _opaque_file(ev: Evaluation, node: Call, env: Env) -> Held:
    _loaded(ev, node, env)
    return Unknown(spelled(node), "what is in the file is not looked at")


def _fail(_ev: Evaluation, _node: Call, _env: Env) -> Held:
    return Unknown("fail()", "the deployment stops here")


def _of_text(ev: Evaluation, node: Call, env: Env) -> Held:
    """A function that looks into a text: of an id of something declared here that is the id as it will be."""
    arguments = [ev.plain(argument, env) for argument in node.arguments]
    ev.charge(arguments)
    if arguments and isinstance(arguments[0], Ref | Text):
        arguments[0] = unreferenced(ev, arguments[0])
    return apply(node.name, arguments)


def _role_definitions(ev: Evaluation, node: Call, env: Env) -> Held:
    """``roleDefinitions('Contributor')`` of Bicep: a built-in role by its name."""
    name = ev.plain(node.arguments[0], env) if node.arguments else None
    if isinstance(name, str):
        from scanner.sources.template.resource_functions import role_object

        found = role_object(name)
        if found is not None:
            return found
    return call_value(node.name, [name])


PLAIN: dict[str, PlainFunction] = {
    **text_functions.FUNCTIONS,
    **collection_functions.FUNCTIONS,
    **network_functions.FUNCTIONS,
    **unknown_functions.FUNCTIONS,
}
"""Functions of their values only, by their names in lower case."""

_SPECIAL: dict[str, Form] = {
    "parameters": parameters_call,
    "variables": variables_call,
    "if": _if,
    "and": _and,
    "or": _or,
    "not": _not,
    "coalesce": _coalesce,
    "copyindex": _copy_index,
    "tryget": _try_get,
    "indexfromend": _from_end,
    "tryindexfromend": _from_end,
    "any": _any,
    "nameof": _nameof,
    **dict.fromkeys(
        ("split", "contains", "startswith", "endswith", "indexof", "lastindexof", "replace", "substring"),
        _of_text,
    ),
    "getsecret": _get_secret,
    "readenvironmentvariable": _environment_variable,
    "externalinput": _environment_variable,
    "readcliarg": _environment_variable,
    "loadtextcontent": _load_text,
    "loadjsoncontent": _load_json,
    "loadyamlcontent": _opaque_file,
    "loadfileasbase64": _load_base64,
    "fail": _fail,
    "roledefinitions": _role_definitions,
    **LAMBDAS,
    **resource_functions.FUNCTIONS,
}
