"""Terraform objects written short, for tests of what they declare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.sources.declared.declaration import Declaration, Place
from scanner.sources.declared.values import KeyRead, Object, Property, Ref, Text, Unknown, Value, dig
from scanner.sources.terraform.declare import declare
from scanner.sources.terraform.model import TerraformObject

SUBSCRIPTION = "5b1d0000-0000-0000-0000-000000000001"


def value(written: Any) -> Value:
    """Turn plain data into a value; a dict becomes an object whose properties stand at offsets 10 apart."""
    if isinstance(written, Mapping):
        return Object(
            {
                name: Property(value(inner), 10 * number + 10, 10 * number + 19)
                for number, (name, inner) in enumerate(written.items())
            }
        )
    if isinstance(written, list):
        return [value(item) for item in written]
    if isinstance(written, Ref | KeyRead | Text | Unknown | Object):
        return written
    return written if isinstance(written, str | int | float | bool) else None


def tf(address: str, **arguments: Any) -> TerraformObject:
    """An object by its address; its arguments stand at 10, 20, ... in main.tf."""
    steps = address.split(".")
    while steps[0].startswith("module"):
        steps = steps[2:]
    mode = steps[0] if steps[0] in ("data", "provider", "backend", "output") else "managed"
    mode = "variable" if steps[0] == "var" else mode
    kind = steps[1] if mode in ("data", "provider", "backend") else steps[0]
    kind = mode if mode in ("output", "variable") else kind
    body = value(arguments)
    assert isinstance(body, Object)
    return TerraformObject(
        address=address,
        mode=mode,
        type=kind,
        name=steps[-1].partition("[")[0],
        body=body,
        place=Place("main.tf", 0, 5),
        whole=Place("main.tf", 0, 900),
        language="terraform",
        provider=str(arguments.pop("_provider", "")),
    )


def ref(text: str) -> Ref:
    """`azurerm_x.y.identity[0].principal_id` as evaluation gives it."""
    steps = text.replace("[", ".").replace("]", "").split(".")
    length = 3 if steps[0] == "data" else 2
    return Ref(".".join(steps[:length]), tuple(steps[length:]), text)


def declared(*objects: TerraformObject) -> dict[str, Declaration]:
    """What objects declare, by address; there must be no gap."""
    declarations, gaps = declare(objects)
    assert gaps == []
    return {one.address: one for one in declarations}


def at(declaration: Declaration, path: str) -> Value:
    """The value at a dotted path of the body; fails when nothing is there."""
    held = dig(declaration.body, tuple(path.split(".")))
    assert held is not None, path
    return held.value


def absent(declaration: Declaration, path: str) -> bool:
    """Whether nothing stands at a dotted path."""
    return dig(declaration.body, tuple(path.split("."))) is None
