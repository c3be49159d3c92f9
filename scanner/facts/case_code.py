"""The words of cases for what only code says: declarations, keys that are handed on, secrets, roles by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.facts.case_elements import CaseError, Element
from scanner.facts.schema import Kind

if TYPE_CHECKING:
    from scanner.facts.case_world import World

_FILE = "main.bicep"


def declared(
    name: str,
    *,
    existing: bool = False,
    conditional: bool = False,
    referenced: bool = True,
    exported: bool = False,
    whole: bool = True,
) -> Element:
    """Let an element be declared in code; with ``existing`` it is only looked up there.

    ``referenced``: something else in its unit refers to it; ``exported``: an output hands it on; ``whole``: all of
    its unit was read.
    """
    values = {
        "existing": existing,
        "conditional": conditional,
        "referenced": referenced,
        "exported": exported,
        "whole": whole,
    }
    return Element(name, values, 50, "declared")


def key_read(
    name: str,
    *,
    to: str | None,
    of: str | None = None,
    service: str = "Microsoft.Storage/storageAccounts",
    operation: str = "listKeys",
    sink: str = "app_setting",
) -> Element:
    """Let code read a key of a service and hand it to the setting or property ``name`` of the resource ``to``.

    ``of`` is the service where an element is it; else ``service`` is its type, empty when it cannot be told.
    """
    values = {"to": to, "of": of, "service": service, "operation": operation, "sink": sink}
    return Element(name, values, 51, "key_read", Kind.CREDENTIAL)


def in_output(
    name: str, *, service: str = "Microsoft.Storage/storageAccounts", operation: str = "listKeys"
) -> Element:
    """Let code hand a key of a service on in the output ``name``."""
    return key_read(name, to=None, service=service, operation=operation, sink="output")


def secret_in_code(name: str, type: str) -> Element:  # noqa: A002
    """Let code outside any resource hold or make a secret: an output, a parameter, a provider's argument."""
    return Element(name, {"type": type}, 52, "secret_in_code", Kind.CREDENTIAL)


def role_named(name: str, role: str, *, found: bool) -> Element:
    """Let the role assignment ``name`` give its role by the name ``role``, which is or is not that of a known role."""
    return Element(name, {"role": role, "found": found}, 53, "role_named")


def add_declared(world: World, element: Element) -> None:
    """Add a row of ``declarations``."""
    world.builder.add(
        "declarations",
        entity=_entity(world, element.name),
        address=element.name,
        language="bicep",
        unit=_FILE,
        **element.values,
    )


def place_in_code(world: World, name: str) -> None:
    """Say that an element is declared in code."""
    place = {"uri": _FILE, "line": 1, "column": 1, "end_line": 1, "end_column": 2}
    world.builder.add("places", entity=_entity(world, name), **place)


def add_key_read(world: World, element: Element) -> None:
    """Add a row of ``key_reads``."""
    v = element.values
    read = None if v["of"] is None else world.resource_key(v["of"])
    credential_id = f"{_FILE}#{v['to'] or 'output'}#{element.name}"
    world.builder.add(
        "key_reads",
        credential=world.builder.entity(Kind.CREDENTIAL, credential_id, name=element.name),
        read_resource=read,
        service=v["service"].lower(),
        operation=v["operation"],
        resource=None if v["to"] is None else world.resource_key(v["to"]),
        sink=v["sink"],
        property=element.name,
    )
    world.ids[element.name] = credential_id


def add_secret_in_code(world: World, element: Element) -> None:
    """Add a row of ``credentials`` without a resource."""
    credential_id = f"{_FILE}#{element.name}"
    world.builder.add(
        "credentials",
        credential=world.builder.entity(Kind.CREDENTIAL, credential_id, name=element.name),
        resource=None,
        type=element.values["type"],
        property=element.name,
    )
    world.ids[element.name] = credential_id


def add_role_named(world: World, element: Element) -> None:
    """Add a row of ``role_names``."""
    world.builder.add(
        "role_names",
        assignment=_entity(world, element.name),
        name=element.values["role"],
        found=element.values["found"],
    )


def _entity(world: World, name: str) -> int:
    key = world.builder.key_of(world.ids[name]) if name in world.ids else None
    if key is None:
        raise CaseError(f"no element is called {name!r}")
    return key
