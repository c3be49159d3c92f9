"""From the JSON of a template to the template model: resources, deployments, copy loops, parameters."""

from __future__ import annotations

from collections.abc import Callable

from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.template.model import (
    Array,
    Broken,
    Call,
    Constant,
    Entry,
    Expression,
    Function,
    Loop,
    Module,
    ObjectLiteral,
    Output,
    Parameter,
    Resource,
    Template,
    Unread,
    Variable,
)

DEPLOYMENTS = "microsoft.resources/deployments"
_LEVELS = {
    "subscriptiondeploymenttemplate.json": "subscription",
    "managementgroupdeploymenttemplate.json": "managementGroup",
    "tenantdeploymenttemplate.json": "tenant",
}
_SECURE = {"securestring", "secureobject"}
_MOST_TYPE_STEPS = 10
_MOST_WRITTEN = 2000

Written = Callable[[Expression], str]
"""Tells how the name of a resource is written, brackets of an expression included."""


def member(node: Expression | None, name: str) -> Expression | None:
    """Return a member of an object by its name without case; of doubles the last, as Azure does."""
    found = entry_of(node, name)
    return found.value if found is not None else None


def entry_of(node: Expression | None, name: str) -> Entry | None:
    """Return a member of an object with its place."""
    if isinstance(node, ObjectLiteral):
        wanted = name.lower()
        for entry in reversed(node.entries):
            if isinstance(entry.name, str) and entry.name.lower() == wanted:
                return entry
    return None


def text_of(node: Expression | str | None) -> str:
    """Return a plain string, or ``""``."""
    if isinstance(node, str):
        return node
    return node.value if isinstance(node, Constant) and isinstance(node.value, str) else ""


def secret_reference(node: Expression) -> Expression:
    """Return the call that reads a secret of a vault, for ``{"keyVault": {"id": ...}, "secretName": ...}``."""
    vault = member(member(node, "keyVault"), "id")
    name = member(node, "secretName")
    arguments = [each for each in (vault, name) if each is not None]
    return Call("getSecret", arguments, None, node.start, node.end)


def unroll_copies(copies: list[ObjectLiteral]) -> None:
    """Make loops of the ``copy`` arrays in objects: each item makes a property with its name.

    A ``copy`` that is an object belongs to a resource or an output and is left alone.
    """
    for holder in copies:
        kept: list[Entry] = []
        for entry in holder.entries:
            if entry.name != "copy" or not isinstance(entry.value, Array):
                kept.append(entry)
                continue
            made = [_loop_entry(item) for item in entry.value.items]
            if any(each is None for each in made):
                kept.append(entry)  # an array that happens to be called copy
            else:
                kept.extend(each for each in made if each is not None)
        holder.entries = kept


def _loop_entry(item: Expression) -> Entry | None:
    name = member(item, "name")
    count = member(item, "count")
    body = member(item, "input")
    if not text_of(name) or count is None or body is None:
        return None
    loop = _loop(count, body, text_of(name), item)
    return Entry(text_of(name), loop, item.start, item.end)


def _loop(count: Expression, body: Expression, name: str, at: Expression) -> Loop:
    numbers = Call("range", [Constant(0, count.start, count.start), count], None, count.start, count.end)
    return Loop("", None, numbers, None, body, name, at.start, at.end)


def build_template(uri: str, root: ObjectLiteral, written: Written) -> Template:
    """Return the template that an object is: a whole file, or one inside a deployment."""
    schema = text_of(member(root, "$schema")).split("#")[0].rsplit("/", 1)[-1].lower()
    template = Template(uri, "arm", _LEVELS.get(schema, "resourceGroup"))
    generator = member(member(member(root, "metadata"), "_generator"), "name")
    template.generated_from_bicep = text_of(generator).lower() == "bicep"
    definitions = member(root, "definitions")
    for entry in _entries(member(root, "parameters")):
        template.parameters[text_of(entry.name)] = _parameter(entry, definitions)
    for entry in _entries(member(root, "variables")):
        template.variables[text_of(entry.name)] = Variable(
            text_of(entry.name), entry.value, entry.start, entry.end
        )
    _functions(template, member(root, "functions"))
    _resources(template, member(root, "resources"), written)
    for entry in _entries(member(root, "outputs")):
        output = _output(entry, definitions)
        if output is not None:
            template.outputs[output.name] = output
    return template


def _entries(node: Expression | None) -> list[Entry]:
    if not isinstance(node, ObjectLiteral):
        return []
    return [entry for entry in node.entries if isinstance(entry.name, str)]


def _parameter(entry: Entry, definitions: Expression | None) -> Parameter:
    body = entry.value
    type_, secure, nullable = _type(body, definitions)
    allowed = member(body, "allowedValues")
    return Parameter(
        text_of(entry.name),
        type_,
        member(body, "defaultValue"),
        secure,
        nullable,
        entry.start,
        entry.end,
        allowed.items if isinstance(allowed, Array) else [],
    )


def _type(body: Expression, definitions: Expression | None) -> tuple[str, bool, bool]:
    """Return type, whether it is secure and whether it may be null; ``$ref`` leads to a definition."""
    nullable = False
    for _ in range(_MOST_TYPE_STEPS):
        may_be_null = member(body, "nullable")
        nullable = nullable or (isinstance(may_be_null, Constant) and may_be_null.value is True)
        type_ = text_of(member(body, "type"))
        reference = text_of(member(body, "$ref"))
        if type_ or not reference:
            return type_, type_.lower() in _SECURE, nullable
        found = member(definitions, reference.rsplit("/", 1)[-1])
        if found is None:
            break
        body = found
    return "", False, nullable


def _output(entry: Entry, definitions: Expression | None) -> Output | None:
    body = entry.value
    type_, secure, _ = _type(body, definitions)
    value = member(body, "value")
    copy = member(body, "copy")
    if copy is not None:
        count, made = member(copy, "count"), member(copy, "input")
        if count is not None and made is not None:
            value = _loop(count, made, "", copy)
    if value is None:
        return None
    name = text_of(entry.name)
    return Output(name, type_, value, secure, member(body, "condition"), entry.start, entry.end)


def _functions(template: Template, node: Expression | None) -> None:
    if not isinstance(node, Array):
        return
    for item in node.items:
        namespace = text_of(member(item, "namespace"))
        for entry in _entries(member(item, "members")):
            parameters = member(entry.value, "parameters")
            names = (
                [text_of(member(each, "name")) for each in parameters.items]
                if isinstance(parameters, Array)
                else []
            )
            value = member(member(entry.value, "output"), "value")
            if value is not None:
                name = f"{namespace}.{text_of(entry.name)}"
                template.functions[name.lower()] = Function(name, names, value, entry.start, entry.end)


def _resources(template: Template, node: Expression | None, written: Written) -> None:
    if isinstance(node, Array):
        for item in node.items:
            _resource(template, template.resources, "", item, written)
    elif isinstance(node, ObjectLiteral):
        for entry in _entries(node):
            _resource(template, template.resources, text_of(entry.name), entry.value, written)


def _resource(
    template: Template, into: list[Resource], symbol: str, item: Expression, written: Written
) -> None:
    if not isinstance(item, ObjectLiteral):
        return
    type_entry = entry_of(item, "type")
    type_ = text_of(type_entry.value) if type_entry is not None else ""
    if type_entry is None or not type_:
        if type_entry is None:
            place = Place(template.uri, item.start, min(item.end, item.start + 1))
            template.gaps.append(SourceGap(place, "malformed", "A resource has no type."))
        elif not isinstance(type_entry.value, Broken):
            place = Place(template.uri, type_entry.start, type_entry.end)
            template.gaps.append(SourceGap(place, "unresolved", "The type of a resource is no plain text."))
        return
    type_ = type_.strip("/")
    start, end = type_entry.value.start, type_entry.value.end
    condition = member(item, "condition")
    name = member(item, "name")
    shown = written(name) if name is not None else ""
    body: Expression = item
    copy = entry_of(item, "copy")
    if copy is not None and isinstance(copy.value, ObjectLiteral):
        count = member(copy.value, "count")
        if count is not None:
            body = _loop(count, item, text_of(member(copy.value, "name")), item)
    if type_.lower() == DEPLOYMENTS and not _is_existing(item):
        module = _module(template, item, body, written)
        module.symbol, module.condition, module.written = symbol, condition, shown
        module.start, module.end = start, end
        template.modules.append(module)
        return
    resource = Resource(
        symbol,
        type_,
        text_of(member(item, "apiVersion")),
        _is_existing(item),
        body,
        condition,
        start,
        end,
        item.start,
        item.end,
        written=shown,
    )
    into.append(resource)
    children = member(item, "resources")
    if isinstance(children, Array):
        for child in children.items:
            _resource(template, resource.nested, "", child, written)
    elif isinstance(children, ObjectLiteral):
        for entry in _entries(children):
            _resource(template, resource.nested, text_of(entry.name), entry.value, written)


def _module(template: Template, item: ObjectLiteral, body: Expression, written: Written) -> Module:
    properties = member(item, "properties")
    inline = member(properties, "template")
    scope = text_of(member(member(properties, "expressionEvaluationOptions"), "scope"))
    path = member(member(properties, "templateLink"), "relativePath")
    return Module(
        symbol="",
        path=text_of(path) or None,
        inline=_inside(template, inline, written),
        inner_scope=scope.lower() == "inner",
        body=body,
        condition=None,
        start=item.start,
        end=item.start,
        whole_start=item.start,
        whole_end=item.end,
        as_resource=True,
    )


def _inside(template: Template, inline: Expression | None, written: Written) -> Template | Unread | None:
    if isinstance(inline, ObjectLiteral):
        return build_template(template.uri, inline, written)
    return inline if isinstance(inline, Unread) else None


def _is_existing(item: ObjectLiteral) -> bool:
    existing = member(item, "existing")
    return isinstance(existing, Constant) and existing.value is True


def written_at(data: bytes) -> Written:
    """Return what tells how a node of this file is written."""
    return lambda node: as_written(data[node.start : node.end].decode("utf-8", "replace"))


def as_written(raw: str) -> str:
    """Return a string of JSON as people know it: without quotes, on one line, and not endless."""
    return " ".join(raw.strip('"')[:_MOST_WRITTEN].split())
