"""From a template file, Bicep or ARM JSON, to the unit of declarations that it deploys.

First every module is entered and every resource found, then bodies are evaluated: so an id written in one file finds
what another one declares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from scanner.sources.arm.generated import GeneratedTemplates
from scanner.sources.declared.declaration import Declaration, Place, Scope, SourceGap, Unit
from scanner.sources.declared.files import Files
from scanner.sources.declared.values import Object, dig
from scanner.sources.template import expressions, loops, names, operators, resource_id
from scanner.sources.template.calls import call
from scanner.sources.template.compiled import DEPLOYMENTS
from scanner.sources.template.deployments import deployment_behind
from scanner.sources.template.directory import in_common_words
from scanner.sources.template.evaluation import MOST_DECLARATIONS, Evaluation, Form
from scanner.sources.template.frames import Frame, ModuleInstance, ResourceInstance, Standing, settled
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
    Outside,
    ParameterFile,
    Resource,
    Spread,
    Template,
    Unary,
    Unread,
)
from scanner.sources.template.modules import enter, instances_of_frame
from scanner.sources.template.parameters_and_outputs import defaults, given_secrets, outputs_of
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
    Outside: expressions.outside,
    Unread: expressions.unread,
}
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


def evaluate(
    files: Files,
    uri: str,
    *,
    read: Read,
    parameters: ParameterFile | None = None,
    generated: GeneratedTemplates | None = None,
) -> Unit:
    """Evaluate a template and all it deploys.

    ``read`` makes a :class:`Template` of a file's bytes, None where it is none; ``parameters`` are the values of a
    parameter file; ``generated`` keeps what was read of compiled files for the next unit. Never raises: what cannot be
    evaluated is a gap of the unit.
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
    ev = Evaluation(files, read, _FORMS, generated or GeneratedTemplates())
    try:
        return _unit(ev, template, parameters)
    finally:
        ev.release()


def _unit(ev: Evaluation, template: Template, parameters: ParameterFile | None) -> Unit:
    for gap in template.gaps:
        ev.gap(gap)
    root = Frame(template, resource_id.unit_scope(template.target_scope))
    if parameters is not None:
        _give(ev, root, parameters)
    ev.frames.append(root)
    _find(ev, root)
    declarations = [*defaults(ev), *given_secrets(ev)]
    seen = _declare(ev, 0, declarations)
    outputs = outputs_of(ev, root)
    # What is referred to by its id alone is found only now.
    while seen < len(ev.declared) and not ev.exhausted and len(declarations) < MOST_DECLARATIONS:
        seen = _declare(ev, seen, declarations)
    declarations.extend(outputs)
    return Unit(
        root=template.uri,
        language=template.language,
        scope=Scope(template.target_scope),
        declarations=declarations,
        gaps=ev.gaps,
        files=list(ev.files.seen),
    )


def _declare(ev: Evaluation, seen: int, into: list[Declaration]) -> int:
    """Declare the resources found since the first ``seen`` ones; returns how many were there."""
    instances = list(ev.declared.values())
    for instance in instances[seen:]:
        if ev.exhausted or len(into) >= MOST_DECLARATIONS:
            break
        declared = _declaration(ev, instance)
        if declared.type == DEPLOYMENTS:
            _deployment_as_resource(ev, instance, declared)
        else:
            into.extend(in_common_words(declared))
    return len(instances)


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
        deployed = instances_of_frame(ev, frame)
        for resource in frame.template.resources:
            deployed.extend(_find_resource(ev, frame, resource))
        entered = [enter(ev, instance) for instance in deployed]
        waiting.extend(inner for inner in reversed(entered) if inner is not None)


def _find_resource(ev: Evaluation, frame: Frame, resource: Resource) -> Iterator[ModuleInstance]:
    """Make the instances of a resource and of those in it; yields the deployments that resources are."""
    waiting: list[tuple[Resource, ResourceInstance | None]] = [(resource, None)]
    while waiting:
        each, outer = waiting.pop()
        for instance in expand(ev, frame, each, outer).items:
            if isinstance(instance, ResourceInstance):
                deployment = deployment_behind(ev, instance)
                if deployment is not None:
                    yield deployment
                waiting.extend((child, instance) for child in reversed(each.nested))


def _declaration(ev: Evaluation, instance: ResourceInstance) -> Declaration:
    resource, frame = instance.resource, instance.frame
    located = locate(ev, instance)
    uri = frame.template.uri
    written = Standing(
        Place(uri, resource.start, resource.end),
        Place(uri, resource.whole_start, resource.whole_end),
        frame.template.language,
    )
    standing = frame.standing or written
    body = _body(ev, instance)
    if frame.standing is not None and frame.template.placed:
        body = _without_places(body)
    return Declaration(
        address=instance.address,
        type=instance.type.lower(),
        name=located.name,
        parent=located.parent,
        body=body,
        language=standing.language,
        place=standing.place,
        whole=standing.whole,
        existing=resource.existing,
        conditional=instance.conditional,
        calls=frame.calls,
    )


def _deployment_as_resource(ev: Evaluation, instance: ResourceInstance, declared: Declaration) -> None:
    """Tell of a deployment written as a resource of Bicep that cannot be followed; an empty one hides nothing."""
    if deployment_behind(ev, instance) is not None:
        return
    inner = dig(declared.body, ("properties", "template", "resources"))
    empty = inner is None or (isinstance(inner.value, list | Object) and not parts_of(inner.value))
    if not declared.existing and not (empty and dig(declared.body, ("properties", "templateLink")) is None):
        detail = "The template of this deployment cannot be told."
        ev.tell(instance.frame, instance.resource, "unsupported", detail)


def _without_places(body: Object) -> Object:
    bare = names.unplaced(body)
    assert isinstance(bare, Object)  # noqa: S101 - an object stays one
    return bare


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
