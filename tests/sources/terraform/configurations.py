"""Terraform configurations written in a test, and what they are evaluated to."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

import msgspec

from scanner.sources.declared.declaration import SourceGap
from scanner.sources.declared.files import Files
from scanner.sources.declared.values import Object, Property, Unknown, Value, dig
from scanner.sources.repository.find import ENDINGS
from scanner.sources.terraform.evaluate import evaluate_root
from scanner.sources.terraform.model import TerraformObject


class Evaluated(msgspec.Struct):
    """A root module's objects by their addresses, its gaps, and the files it is made of."""

    objects: dict[str, TerraformObject]
    gaps: list[SourceGap]
    files: dict[str, bytes]
    seen: list[str]

    def __getitem__(self, address: str) -> TerraformObject:
        return self.objects[address]

    def value(self, address: str, *path: str) -> Any:
        """The value at a path of an object's body."""
        found = dig(self.objects[address].body, path)
        assert found is not None, f"{address} has no {'.'.join(path)}"
        return found.value

    def written(self, address: str, *path: str) -> str:
        """The text of the file where a property is written."""
        item = self.objects[address]
        held: Property = Property(item.body)
        for step in path:
            held = _step(held.value, step, held)
        assert held.written, f"{'.'.join(path)} has no place"
        return self.files[item.place.uri][held.start : held.end].decode()

    def told(self) -> list[tuple[str, str, str]]:
        """Every gap as reason, what its place covers, detail."""
        return [
            (gap.reason, self.files[gap.place.uri][gap.place.start : gap.place.end].decode(), gap.detail)
            for gap in self.gaps
        ]


def _step(value: Value, step: str, held: Property) -> Property:
    if isinstance(value, Object):
        return value.properties[step]
    assert isinstance(value, list)
    return Property(value[int(step)], held.start, held.end)


def evaluated(files: str | bytes | Mapping[str, str | bytes], root: str = ".") -> Evaluated:
    """Evaluate a root module; a text alone is its ``main.tf``."""
    given = {"main.tf": files} if isinstance(files, str | bytes) else files
    raw = {uri: data.encode() if isinstance(data, str) else data for uri, data in given.items()}

    def all_names(folder: str) -> list[str]:
        return sorted(posixpath.basename(uri) for uri in raw if (posixpath.dirname(uri) or ".") == folder)

    def names(folder: str) -> list[str]:
        return [name for name in all_names(folder) if name.endswith(ENDINGS)]

    reader = Files(raw.get, names, all_names)
    objects, gaps = evaluate_root(reader, root, names(root))
    assert len({item.address for item in objects}) == len(objects)
    return Evaluated({item.address: item for item in objects}, gaps, raw, list(reader.seen))


def value_of(expression: str, beside: str = "", files: Mapping[str, str | bytes] | None = None) -> Any:
    """The value of one expression; ``beside`` is what else its file declares."""
    text = f'resource "test_thing" "it" {{\n  it = {expression}\n}}\n{beside}\n'
    made = evaluated({"main.tf": text, **(files or {})})
    found = made["test_thing.it"].body.properties.get("it")
    return plain(found.value) if found is not None else None


def plain(value: Any) -> Any:
    """A value as Python data: objects as dicts, unknowns as ``?what is written``."""
    if isinstance(value, Object):
        return {name: plain(held.value) for name, held in value.properties.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Unknown):
        return f"?{value.shown}"
    return value
