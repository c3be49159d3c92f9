"""Modules of a registry that are not here, but that a compiler has written into the ARM template beside the Bicep.

``bicep build main.bicep`` leaves ``main.json``, and people commit it: in it stands whole what the registry had. It is
taken for the module where it still says what the Bicep says: a deployment of the same symbolic name that is given the
same parameters, and so every one on the way to it. Anything else shows that it was not compiled again, and is left.
Of a file without types of people's own the compiler keeps no symbolic names, but the order of the modules.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from scanner.sources.declared.declaration import Place
from scanner.sources.template.evaluation import Evaluation
from scanner.sources.template.frames import Frame, ModuleInstance, Standing
from scanner.sources.template.model import Expression, Loop, Module, ObjectLiteral, Template
from scanner.sources.template.resources import written_in

DEPLOYMENTS = "microsoft.resources/deployments"
_BICEP = ".bicep"
_REGISTRIES = ("br:", "br/", "ts:", "ts/")


def in_registry(module: Module) -> bool:
    """Whether a module is named by its address in a registry or as a template spec."""
    return module.path is not None and module.path.startswith(_REGISTRIES)


def standing_of(home: Frame, module: Module) -> Standing | None:
    """Return where all of a module is said to stand: where people call it, when they do not write it."""
    if home.standing is not None or not in_registry(module):
        return home.standing
    uri = home.template.uri
    place, whole = (
        Place(uri, module.start, module.end),
        Place(uri, module.whole_start, module.whole_end),
    )
    return Standing(place, whole, home.template.language)


def compiled_template(ev: Evaluation, instance: ModuleInstance) -> Template | None:
    """Return what was compiled of a module, from the nearest file beside this one or those that deploy it."""
    frame: Frame | None = instance.home
    module: Module | None = instance.module
    way: list[tuple[Template, Module]] = []
    while frame is not None and module is not None and frame.template.uri.lower().endswith(_BICEP):
        way = [(frame.template, module), *way]
        found = _inside(ev, frame.template.uri[: -len(_BICEP)] + ".json", way)
        if found is not None:
            return found
        module, frame = frame.module, frame.parent
    return None


class _Deployed(msgspec.Struct):
    template: msgspec.Raw = msgspec.Raw()
    parameters: dict[str, msgspec.Raw] = {}


class _Resource(msgspec.Struct):
    type: str
    properties: msgspec.Raw = msgspec.Raw()


class _Generator(msgspec.Struct, frozen=True):
    name: str


class _Metadata(msgspec.Struct, frozen=True):
    generator: _Generator | None = msgspec.field(default=None, name="_generator")


class Compiled(msgspec.Struct):
    """A template as far as it is looked into to find one of its deployments."""

    resources: dict[str, _Resource] | list[_Resource]
    metadata: _Metadata = _Metadata()

    @property
    def by_bicep(self) -> bool:
        """Whether it says that Bicep made it."""
        return self.metadata.generator is not None and self.metadata.generator.name.lower() == "bicep"


def _deployed(compiled: Compiled, home: Template, module: Module) -> _Deployed | None:
    """Return what a compiled template has for a module of the file that it was made of."""
    resources = compiled.resources
    if isinstance(resources, dict):
        found = resources.get(module.symbol)
        return msgspec.json.decode(found.properties, type=_Deployed) if found is not None else None
    deployments = [
        msgspec.json.decode(resource.properties, type=_Deployed)
        for resource in resources
        if resource.type.lower() == DEPLOYMENTS
    ]
    # Deployments that are written as resources come before the modules, as all resources do.
    made = [each for each in deployments if _is_compiled(each)]
    if len(made) != len(home.modules):
        return None
    return next(each for each, called in zip(made, home.modules, strict=True) if called is module)


def _is_compiled(deployed: _Deployed) -> bool:
    template = memoryview(deployed.template)
    return template[:1].tobytes() == b"{" and msgspec.json.decode(template, type=Compiled).by_bicep


def _inside(ev: Evaluation, uri: str, way: list[tuple[Template, Module]]) -> Template | None:
    """Return the template of the deployments that lead from one to the other in a compiled file.

    Only that part is read with its places' cost: such files are large, and all of it stands elsewhere anyway.
    """
    data = ev.files.read(uri)
    if data is None:
        return None
    part, name = memoryview(data.removeprefix(b"\xef\xbb\xbf")), uri
    for home, module in way:
        compiled = _looked_into(ev, name, part)
        if compiled is None or (name == uri and not compiled.by_bicep):
            return None
        try:
            deployed = _deployed(compiled, home, module)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        if deployed is None or _given(module) != _lower(deployed.parameters):
            return None
        part, name = memoryview(deployed.template), f"{name}#{module.symbol}"
    template = ev.generated.read(name, part)
    return None if template is None or template.gaps else template


def _looked_into(ev: Evaluation, name: str, part: memoryview) -> Compiled | None:
    """Return a template as far as it is looked into, once for all modules in it; None where it cannot be read."""
    if name not in ev.compiled:
        try:
            ev.compiled[name] = msgspec.json.decode(part, type=Compiled)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            ev.compiled[name] = None
    return ev.compiled[name]


def _given(module: Module) -> frozenset[str] | None:
    """Return the names of what Bicep gives a module; None when they are not written out."""
    body = module.body.body if isinstance(module.body, Loop) else module.body
    entry = written_in(body, "params")
    return frozenset() if entry is None else _names(entry.value)


def _names(node: Expression) -> frozenset[str] | None:
    if not isinstance(node, ObjectLiteral) or node.spreads:
        return None
    names = [entry.name for entry in node.entries if isinstance(entry.name, str)]
    return _lower(names) if len(names) == len(node.entries) else None


def _lower(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)
