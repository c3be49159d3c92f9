"""Deployments written as resources whose template is no part of the JSON around them.

In Bicep ``template: loadJsonContent('x.json')`` or an object; in what the compiler makes of it, and in ARM written so
by hand, ``"[variables('x')]"``. Texts in such a template are expressions of its own, as Azure will read them; whatever
else is an expression there belongs to the file around it.
"""

from __future__ import annotations

from scanner.sources.arm.build import build_template, unroll_copies, written_at
from scanner.sources.arm.expression import ExpressionError, broken, read_string
from scanner.sources.declared.files import Files
from scanner.sources.template.compiled import DEPLOYMENTS
from scanner.sources.template.evaluation import MOST_FRAMES, Evaluation
from scanner.sources.template.frames import Env, Frame, ModuleInstance, ResourceInstance
from scanner.sources.template.model import (
    Array,
    Call,
    Constant,
    Entry,
    Expression,
    Module,
    Name,
    ObjectLiteral,
    Outside,
    Template,
)
from scanner.sources.template.resources import written_in

_MOST_STEPS = 16
"""Variables that lead to one another before the template comes."""
_MOST_DEPTH = 100


def deployment_behind(ev: Evaluation, resource: ResourceInstance) -> ModuleInstance | None:
    """Return the deployment that a resource of Bicep is; None when it is none, or its template cannot be found."""
    if resource.type.lower() != DEPLOYMENTS or resource.resource.existing:
        return None
    if resource.address not in ev.deployments:
        ev.deployments[resource.address] = _module_of(ev, resource)
    return ev.deployments[resource.address]


def _module_of(ev: Evaluation, resource: ResourceInstance) -> ModuleInstance | None:
    declared = resource.resource
    if len(ev.modules) >= MOST_FRAMES:
        return None
    module = Module(
        declared.symbol,
        None,
        None,
        True,
        resource.body,
        None,
        declared.start,
        declared.end,
        declared.whole_start,
        declared.whole_end,
        as_resource=True,
    )
    instance = ModuleInstance(
        module, resource.frame, resource.env, resource.body, resource.address, resource.conditional
    )
    if _member(instance, "templatelink") is None:
        module.inline = written_template(ev, instance)
        if module.inline is None:
            return None
    ev.modules.append(instance)
    return instance


def written_template(ev: Evaluation, instance: ModuleInstance) -> Template | None:
    """Return the template that is given by an expression or as an object; None when it cannot be told."""
    node = _member(instance, "template") if instance.module.as_resource else None
    frame = instance.home
    for _ in range(_MOST_STEPS):
        following = _variable(node, frame, instance.env) if node is not None else None
        if following is None:
            break
        node = following
    if isinstance(node, ObjectLiteral):
        reader = _Reader(frame, instance.env)
        root = reader.read(node)
        if isinstance(root, ObjectLiteral):
            unroll_copies(reader.copies)
            home = frame.template
            around = ev.files.read(home.uri) if home.placed else None
            template = build_template(home.uri, root, written_at(around or b""))
            template.gaps = [*reader.gaps, *template.gaps]
            return template
    path = _loaded_path(node)
    uri = Files.beside(frame.template.uri, path) if path is not None else None
    data = ev.files.read(uri) if uri is not None else None
    return ev.read(uri, data) if uri is not None and data is not None else None


def _member(instance: ModuleInstance, name: str) -> Expression | None:
    properties = written_in(instance.body, "properties")
    entry = written_in(properties.value, name) if properties is not None else None
    return entry.value if entry is not None else None


def _variable(node: Expression, frame: Frame, env: Env) -> Expression | None:
    """Return the value of the variable that an expression is."""
    wanted = ""
    if isinstance(node, Name) and node.name not in env.locals:
        wanted = node.name
    elif isinstance(node, Call) and node.name.lower() == "variables" and len(node.arguments) == 1:
        first = node.arguments[0]
        wanted = first.value if isinstance(first, Constant) and isinstance(first.value, str) else ""
    variables = frame.template.variables
    found = variables.get(wanted)
    if found is None and frame.template.language == "arm":
        found = next((each for name, each in variables.items() if name.lower() == wanted.lower()), None)
    return found.value if found is not None else None


def _loaded_path(node: Expression | None) -> str | None:
    """Return the file in ``loadJsonContent('x.json')`` and ``json(loadTextContent('x.json'))``."""
    if not isinstance(node, Call) or not node.arguments:
        return None
    first = node.arguments[0]
    if node.name == "json" and isinstance(first, Call) and first.name == "loadTextContent":
        node, first = first, first.arguments[0] if first.arguments else first
    if node.name not in ("loadJsonContent", "loadTextContent") or len(node.arguments) > 1:
        return None
    return first.value if isinstance(first, Constant) and isinstance(first.value, str) else None


class _Reader:
    """Reads an object of the file around it as a template."""

    def __init__(self, frame: Frame, env: Env) -> None:
        from scanner.sources.declared.declaration import SourceGap

        self._frame, self._env = frame, env
        self.copies: list[ObjectLiteral] = []
        self.gaps: list[SourceGap] = []

    def read(self, node: Expression, depth: int = 0) -> Expression:
        if isinstance(node, Constant):
            return self._text(node) if isinstance(node.value, str) else node
        if isinstance(node, Array) and depth < _MOST_DEPTH:
            return Array([self.read(item, depth + 1) for item in node.items], node.start, node.end)
        if isinstance(node, ObjectLiteral) and not node.spreads and depth < _MOST_DEPTH:
            entries = [
                Entry(entry.name, self.read(entry.value, depth + 1), entry.start, entry.end)
                for entry in node.entries
            ]
            made = ObjectLiteral(entries, node.start, node.end)
            if any(entry.name == "copy" for entry in entries):
                self.copies.append(made)
            return made
        return Outside(node, self._env, node.start, node.end)

    def _text(self, node: Constant) -> Expression:
        from scanner.sources.declared.declaration import Place, SourceGap

        text = str(node.value)
        try:
            return read_string(text, node.start, node.end)
        except ExpressionError as error:
            place = Place(self._frame.template.uri, node.start, node.end)
            self.gaps.append(SourceGap(place, "malformed", str(error)))
            return broken(text, node.start, node.end)
