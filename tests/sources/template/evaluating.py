"""Evaluates templates written in a test: JSON as dicts, Bicep as text."""

import json
from typing import Any

from scanner.sources.arm.read import read_parameter_file, read_template
from scanner.sources.bicep.read import read_parameter_file as read_bicep_parameters
from scanner.sources.bicep.read import read_template as read_bicep
from scanner.sources.declared.declaration import Declaration, Unit
from scanner.sources.declared.files import Files
from scanner.sources.declared.values import Object, Unknown, Value, dig
from scanner.sources.template.evaluate import evaluate
from scanner.sources.template.model import Template

SCHEMAS = "https://schema.management.azure.com/schemas/2019-04-01/"
SCHEMA = SCHEMAS + "deploymentTemplate.json#"
PARAMETERS = SCHEMAS + "deploymentParameters.json#"
DEPLOYMENTS = "Microsoft.Resources/deployments"
IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


def read(uri: str, data: bytes) -> Template | None:
    return read_bicep(uri, data) if uri.endswith(".bicep") else read_template(uri, data)


def run(files: dict[str, Any], root: str, parameters: str | None = None) -> Unit:
    """Evaluate ``root`` of these files; a dict is written as JSON, with a schema when it is a template."""
    stored = {name: encoded(content) for name, content in files.items()}
    given = None
    if parameters is not None:
        reader = read_bicep_parameters if parameters.endswith(".bicepparam") else read_parameter_file
        given = reader(parameters, stored[parameters])
        assert given is not None
    return evaluate(Files(stored.get), root, read=read, parameters=given)


def encoded(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode()
    return json.dumps({"$schema": SCHEMA, **content}).encode()


def arm(**parts: Any) -> Unit:
    return run({"a.json": parts}, "a.json")


def bicep(text: str) -> Unit:
    return run({"main.bicep": text}, "main.bicep")


def inner(**parts: Any) -> dict[str, Any]:
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", **parts}


def resource(type_: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": type_, "apiVersion": "2023-01-01", "name": name, **more}


def addresses(unit: Unit) -> list[str]:
    return [declared.address for declared in unit.declarations]


def at(unit: Unit, address: str) -> Declaration:
    found = [declared for declared in unit.declarations if declared.address == address]
    assert len(found) == 1, addresses(unit)
    return found[0]


def value(unit: Unit, address: str, *path: str) -> Value:
    """Return a property of a declaration; it must be there."""
    held = dig(at(unit, address).body, path)
    assert held is not None
    return held.value


def output(unit: Unit, name: str) -> Value:
    return value(unit, f"output.{name}", "value")


def computed(expression: str, **parts: Any) -> Value:
    """Return what an ARM expression gives."""
    return output(arm(outputs={"o": {"type": "string", "value": f"[{expression}]"}}, **parts), "o")


def plain(found: Value) -> Any:
    """Return a value without places, for comparing."""
    if isinstance(found, Object):
        return {name: plain(held.value) for name, held in found.properties.items()}
    if isinstance(found, list):
        return [plain(item) for item in found]
    return found


def shown(found: Value) -> str:
    assert isinstance(found, Unknown), found
    return found.shown


def gaps(unit: Unit) -> list[tuple[str, str]]:
    return [(gap.reason, gap.detail) for gap in unit.gaps]


def places(found: Value) -> list[tuple[str, bool]]:
    """Return the properties of an object and whether each has a place."""
    assert isinstance(found, Object)
    return [(name, held.written) for name, held in found.properties.items()]
