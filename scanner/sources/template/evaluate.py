"""From a template file, Bicep or ARM JSON, to the unit of declarations that it deploys.

First every module is entered and every resource found, then bodies are evaluated: so an id written in one file finds
what another one declares.
"""

from __future__ import annotations

from collections.abc import Callable

from scanner.sources.declared.declaration import Declaration, Place, Scope, SourceGap, Unit
from scanner.sources.declared.files import Files
from scanner.sources.declared.values import KeyRead, Object, Property, Unknown, Value, dig, leaves
from scanner.sources.template import expressions, loops, names, operators, resource_id
from scanner.sources.template.calls import call
from scanner.sources.template.directory import in_common_words
from scanner.sources.template.evaluation import MOST_DECLARATIONS, Evaluation, Form
from scanner.sources.template.frames import Frame, ResourceInstance, settled
from scanner.sources.template.model import (
    Array,
    Binary,
    Broken,
    Call,
    Conditional,
    Constant,
    Index,
    Interpolation,
    Lambda,
    Loop,
    Member,
    Name,
    Nested,
    ObjectLiteral,
    ParameterFile,
    Resource,
    Spread,
    Template,
    Unary,
)
from scanner.sources.template.modules import enter, instances_of_frame
from scanner.sources.template.operators import truth
from scanner.sources.template.resources import expand, locate
from scanner.sources.template.symbolic import parts_of

Read = Callable[[str, bytes], Template | None]

_FORMS: dict[type, Form] = {
    Constant: expressions.constant,
    Interpolation: expressions.interpolation,
    Array: expressions.array,
    ObjectLiteral: expressions.object_,
    Spread: expressions.array_of_spread,
    Name: names.name,
    Member: expressions.member,
    Nested: expressions.nested,
    Index: expressions.index,
    Call: call,
    Unary: operators.unary,
    Binary: operators.binary,
    Conditional: operators.conditional,
    Lambda: expressions.lambda_,
    Loop: loops.loop,
    Broken: expressions.broken,
}
_DEPLOYMENTS = "microsoft.resources/deployments"
_NOT_PROPERTIES = {
    "dependson",
    "parent",
    "scope",
    "type",
    "apiversion",
    "condition",
    "copy",
    "resources",
    "existing",
    "comments",
    "import",
}
"""What stands in the body of a resource but is no property of it."""


def evaluate(files: Files, uri: str, *, read: Read, parameters: ParameterFile | None = None) -> Unit:
    """Evaluate a template and all it deploys.

    ``read`` makes a :class:`Template` of a file's bytes, None where it is none; ``parameters`` are the values of a
    parameter file. Never raises: what cannot be evaluated is a gap of the unit.
    """
    data = files.read(uri)
    template = read(uri, data) if data is not None else None
    language = "bicep" if uri.lower().endswith(".bicep") else "arm"
    if template is None:
        detail = "The file is not here." if data is None else "The file is no template that can be read."
        gap = SourceGap(Place(uri, 0, 0), "failed" if data is None else "malformed", detail)
        return Unit(
            root=uri,
            language=language,
            scope=Scope("resourceGroup"),
            declarations=[],
            gaps=[gap],
            files=list(files.seen),
        )
    ev = Evaluation(files, read, _FORMS)
    for gap in template.gaps:
        ev.gap(gap)
    root = Frame(template, resource_id.unit_scope(template.target_scope))
    if parameters is not None:
        _give(ev, root, parameters)
    ev.frames.append(root)
    _find(ev, root)
    declarations = _parameters(ev)
    for instance in list(ev.declared.values()):
        if ev.exhausted or len(declarations) >= MOST_DECLARATIONS:
            break
        declared = _declaration(ev, instance)
        if declared.type == _DEPLOYMENTS:
            _deployment_as_resource(ev, instance, declared)
        else:
            declarations.extend(in_common_words(declared))
    declarations.extend(_outputs(ev, root))
    return Unit(
        root=uri,
        language=template.language,
        scope=Scope(template.target_scope),
        declarations=declarations,
        gaps=ev.gaps,
        files=list(files.seen),
    )


def _give(ev: Evaluation, root: Frame, parameters: ParameterFile) -> None:
    """Hand the values of a parameter file to a template. They are evaluated in a file of their own."""
    language = "bicep" if parameters.uri.lower().endswith(".bicepparam") else "arm"
    holder = Template(
        parameters.uri,
        language,  # type: ignore[arg-type]  # one of the two
        root.template.target_scope,
        variables=parameters.variables,
        imports=parameters.imports,
    )
    frame = Frame(holder, root.scope)
    for gap in parameters.gaps:
        ev.gap(gap)
    for name, expression in parameters.values.items():
        root.arguments.setdefault(name.lower(), (expression, frame.base))
    if parameters.extends is not None:
        _extend(ev, root, parameters)


def _extend(ev: Evaluation, root: Frame, parameters: ParameterFile) -> None:
    """Hand on the values of the parameter file that another one extends, where that gives none."""
    from scanner.sources.bicep.read import read_parameter_file

    path = parameters.extends or ""
    uri = Files.beside(parameters.uri, path)
    data = ev.files.read(uri) if uri is not None and uri not in ev.extended else None
    if uri is None or data is None:
        detail = f"The parameter file {path} that is extended is not here, or extends itself."
        ev.gap(SourceGap(Place(parameters.uri, 0, 0), "skipped", detail))
        return
    ev.extended.add(uri)
    _give(ev, root, read_parameter_file(uri, data))


def _find(ev: Evaluation, root: Frame) -> None:
    """Enter every module and make the instances of every resource. Frames that follow are found on the way."""
    waiting = [root]
    while waiting:
        frame = waiting.pop()
        for resource in frame.template.resources:
            _find_resource(ev, frame, resource)
        entered = [enter(ev, instance) for instance in instances_of_frame(ev, frame)]
        waiting.extend(inner for inner in reversed(entered) if inner is not None)


def _find_resource(ev: Evaluation, frame: Frame, resource: Resource) -> None:
    waiting: list[tuple[Resource, ResourceInstance | None]] = [(resource, None)]
    while waiting:
        each, outer = waiting.pop()
        for instance in expand(ev, frame, each, outer).items:
            if isinstance(instance, ResourceInstance):
                waiting.extend((child, instance) for child in reversed(each.nested))


def _declaration(ev: Evaluation, instance: ResourceInstance) -> Declaration:
    resource, frame = instance.resource, instance.frame
    located = locate(ev, instance)
    uri = frame.template.uri
    return Declaration(
        address=instance.address,
        type=instance.type.lower(),
        name=located.name,
        parent=located.parent,
        body=_body(ev, instance),
        language=frame.template.language,
        place=Place(uri, resource.start, resource.end),
        whole=Place(uri, resource.whole_start, resource.whole_end),
        existing=resource.existing,
        conditional=instance.conditional,
        calls=frame.calls,
    )


def _deployment_as_resource(ev: Evaluation, instance: ResourceInstance, declared: Declaration) -> None:
    """Tell of a deployment that Bicep code writes as a resource: it is not followed; an empty one hides nothing."""
    inner = dig(declared.body, ("properties", "template", "resources"))
    empty = inner is None or (isinstance(inner.value, list | Object) and not parts_of(inner.value))
    if not declared.existing and not (empty and dig(declared.body, ("properties", "templateLink")) is None):
        detail = "A deployment that is written as a resource is not followed."
        ev.tell(instance.frame, instance.resource, "unsupported", detail)


def _body(ev: Evaluation, instance: ResourceInstance) -> Object:
    """Return the properties of a resource as ARM knows them."""
    node = instance.body
    env = instance.env.inside(instance)
    if isinstance(node, ObjectLiteral):
        kept = [
            entry
            for entry in node.entries
            if not isinstance(entry.name, str) or entry.name.lower() not in _NOT_PROPERTIES
        ]
        # Spreads count their position among all entries; with one in it the body is evaluated as a whole.
        found = ev.plain(node if node.spreads else ObjectLiteral(kept, node.start, node.end), env)
    else:
        found = ev.plain(node, env)
    found = settled(ev.bounded(found, instance.frame, instance.resource))
    if not isinstance(found, Object):
        return Object({}, True)
    if any(name.lower() in _NOT_PROPERTIES for name in found.properties):
        kept_properties = {
            name: held for name, held in found.properties.items() if name.lower() not in _NOT_PROPERTIES
        }
        return Object(kept_properties, found.open, found.names)
    return found


def _parameters(ev: Evaluation) -> list[Declaration]:
    """Declare every secret parameter that has a literal default: a secret in the code."""
    made: list[Declaration] = []
    seen: set[Place] = set()
    for frame in ev.frames:
        template = frame.template
        for parameter in template.parameters.values():
            place = Place(template.uri, parameter.start, parameter.end)
            if not parameter.secure or parameter.default is None or place in seen:
                continue
            seen.add(place)
            value = ev.plain(parameter.default, frame.base)
            if value is None or value == "" or isinstance(value, Unknown) or value == Object({}):
                continue
            default = parameter.default
            body = {
                "value": Property(settled(ev.bounded(value, frame, parameter)), default.start, default.end),
                "secure": Property(True),
            }
            address = f"{frame.prefix}param.{parameter.name}"
            declared = _pseudo(ev, "parameter", address, body, place)
            declared.language, declared.calls = template.language, frame.calls
            made.append(declared)
    return made


def _outputs(ev: Evaluation, root: Frame) -> list[Declaration]:
    """Declare the outputs of the unit, and those of modules that hand on a secret: Azure keeps these just as long."""
    made: list[Declaration] = []
    for frame in list(ev.frames):
        for output in frame.template.outputs.values():
            if ev.exhausted:
                return made
            if frame is not root and output.secure:
                continue
            condition = (
                truth(ev.plain(output.condition, frame.base)) if output.condition is not None else True
            )
            if condition is False:
                continue
            value = settled(ev.bounded(ev.plain(output.value, frame.base), frame, output))
            if frame is not root and not _hands_on_a_secret(value):
                continue
            body = {
                "value": Property(value, output.value.start, output.value.end),
                "secure": Property(output.secure),
            }
            place = Place(frame.template.uri, output.start, output.end)
            declared = _pseudo(ev, "output", f"{frame.prefix}output.{output.name}", body, place)
            declared.language, declared.calls = frame.template.language, frame.calls
            declared.conditional = condition is None
            made.append(declared)
    return made


def _hands_on_a_secret(value: Value) -> bool:
    return any(
        isinstance(leaf, KeyRead) or (isinstance(leaf, Unknown) and leaf.secret) for _, leaf in leaves(value)
    )


def _pseudo(ev: Evaluation, type_: str, address: str, body: dict[str, Property], place: Place) -> Declaration:
    return Declaration(
        address=ev.address(address),
        type=type_,
        name=address.rsplit(".", 1)[-1],
        parent=None,
        body=Object(body),
        language="",
        place=place,
        whole=place,
    )
