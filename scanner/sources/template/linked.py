"""Where the templates of modules and linked deployments are."""

from __future__ import annotations

import re

from scanner.sources.declared.files import Files
from scanner.sources.declared.values import Object, Text, Value
from scanner.sources.template.compiled import compiled_template, in_registry
from scanner.sources.template.evaluation import Evaluation
from scanner.sources.template.frames import ModuleInstance
from scanner.sources.template.model import Expression, Template
from scanner.sources.template.resources import written_in
from scanner.sources.template.symbolic import shown

_JSON_PATH = re.compile(r"[\w.~%+\-/]+\.json(?![\w.])", re.IGNORECASE)
_MOST_TRIED = 6


def template_elsewhere(ev: Evaluation, instance: ModuleInstance) -> Template | None:
    """Read the template that a module names by its path."""
    module, home = instance.module, instance.home
    path = module.path
    if path is not None and in_registry(module):
        compiled = compiled_template(ev, instance)
        if compiled is None:
            instance.why = "its module is in a registry"
            detail = f"The module {path[:200]} is in a registry and not in this repository."
            ev.tell(home, module, "skipped", detail)
        return compiled
    candidates: list[str] = []
    named: str = path or ""
    if path is not None and "://" not in path:
        beside = Files.beside(home.template.uri, path)
        if beside is not None:
            candidates.append(beside)
    else:
        named, candidates = _linked(ev, instance)
    for uri in candidates:
        data = ev.files.read(uri)
        if data is None:
            continue
        template = ev.read(uri, data)
        if template is not None:
            return template
        instance.why = "its file is no template"
        ev.tell(home, module, "skipped", f"The file {uri} is no template that can be read.")
        return None
    instance.why = "its template is not here"
    what = f"The template {named} is" if named else "The template of this deployment is"
    ev.tell(home, module, "skipped", f"{what} not in this repository.")
    return None


def _linked(ev: Evaluation, instance: ModuleInstance) -> tuple[str, list[str]]:
    """Return how a linked template is called and the files it may be: parts of its address beside this file."""
    link = deployment_property(ev, instance, "templateLink")
    if not isinstance(link, Object):
        return "", []
    for name in ("relativePath", "uri"):
        held = link.get(name)
        if held is not None and held.value:
            path = last_json_path(held.value)
            return (path or shown(held.value, 80).split("?")[0]), beside_candidates(
                instance.home.template.uri, path
            )
    held = link.get("id")
    return (shown(held.value, 80).split("?")[0] if held is not None else ""), []


def last_json_path(value: Value) -> str:
    """Return the last path of a JSON file in an address of which parts may not be known; ``""`` for none."""
    parts = value.parts if isinstance(value, Text) else (value,)
    for part in reversed(parts):
        if isinstance(part, str):
            found = _JSON_PATH.findall(part.split("?")[0] if "://" in part else part)
            if found:
                return str(found[-1]).lstrip("/")
    return ""


def beside_candidates(uri: str, path: str) -> list[str]:
    """Return the files that the end of an address may be: beside this file, then from the repository's root.

    The longest end comes first, it says most; the file itself is never meant.
    """
    steps = [step for step in path.split("/") if step]
    ends = ["/".join(steps[-count:]) for count in range(min(len(steps), _MOST_TRIED), 0, -1)]
    found: dict[str, None] = {}
    for start in (uri, ""):
        for end in ends:
            beside = Files.beside(start, end)
            if beside is not None and beside != uri:
                found[beside] = None
    return list(found)


def deployment_property(ev: Evaluation, instance: ModuleInstance, name: str) -> Value:
    """Return the value of a member of ``properties`` of an ARM deployment."""
    node = property_node(instance, name)
    return ev.plain(node, instance.env) if node is not None else None


def property_node(instance: ModuleInstance, name: str) -> Expression | None:
    """Return a member of ``properties`` of an ARM deployment as it is written."""
    properties = written_in(instance.body, "properties")
    entry = written_in(properties.value, name.lower()) if properties is not None else None
    return entry.value if entry is not None else None
