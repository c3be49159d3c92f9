"""Where ARM resources name a managed identity outside their top-level `identity`: kubelets, add-ons, encryption,
registries, Key Vault references and the like.

The table is `data/attachments.txt`. Types are lower-case. A path starts at the resource (`properties.…`), `[]` follows
an array and `{}` a map whose keys may have any name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal

import msgspec

from scanner.catalog.data_files import text as data_text

Holds = Literal["resource_id", "client_id", "object_id", "union"]

_HOLDS: Mapping[str, Holds] = {"R": "resource_id", "C": "client_id", "O": "object_id", "U": "union"}
# A list or map longer than this in one property is no real resource; the rest is not looked at.
_LONGEST = 10_000


class AttachmentPath(msgspec.Struct, frozen=True):
    """One property that names an identity.

    `holds`: what its value is; `union` is one of several, see `attachment_values.read_reference`. `table`: the
    Resource Graph table whose rows show it, None where only the resource provider does.
    """

    type: str
    path: str
    holds: Holds
    table: str | None

    @property
    def in_resource_graph(self) -> bool:
        """Whether Resource Graph has rows of the type."""
        return self.table is not None


class _Table(msgspec.Struct, frozen=True):
    paths: Mapping[str, tuple[AttachmentPath, ...]]
    graph: Mapping[str, str | None]


@cache
def _table() -> _Table:
    text = data_text("attachments.txt")
    paths: dict[str, tuple[AttachmentPath, ...]] = {}
    graph: dict[str, str | None] = {}
    resource_type = ""
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        first, _, second = line.strip().partition(" ")
        if line.startswith(" "):
            entry = AttachmentPath(resource_type, second, _HOLDS[first], graph[resource_type])
            paths[resource_type] = (*paths.get(resource_type, ()), entry)
        else:
            resource_type = first
            graph[resource_type] = None if second == "-" else second or "resources"
    return _Table(MappingProxyType(paths), MappingProxyType(graph))


def attachment_paths(resource_type: str) -> tuple[AttachmentPath, ...]:
    """The paths of a type (any case); empty if the type is not known to name identities elsewhere."""
    return _table().paths.get(resource_type.lower(), ())


def types_with_nested_attachments() -> tuple[str, ...]:
    """All types with such paths, lower-case and sorted."""
    return tuple(sorted(_table().paths))


def resource_graph_table(resource_type: str) -> str | None:
    """The Resource Graph table with rows of the type (any case); None where it is known to have none.

    A type that is not in the catalogue is taken for an ordinary resource, in `resources`.
    """
    return _table().graph.get(resource_type.lower(), "resources")


def projections(resource_type: str) -> tuple[str, ...]:
    """The property prefixes, without wildcards, that a query has to project to see every path of the type.

    Sorted; none is a prefix of another. A piece may need quoting in KQL (`properties.parameters.$connections`).
    """
    prefixes = {_prefix(entry.path) for entry in attachment_paths(resource_type)}
    return tuple(
        sorted(
            prefix
            for prefix in prefixes
            if not any(prefix.startswith(f"{other}.") for other in prefixes - {prefix})
        )
    )


def _prefix(path: str) -> str:
    pieces: list[str] = []
    for piece in path.split("."):
        pieces.append(piece.removesuffix("[]").removesuffix("{}"))
        if piece.endswith(("[]", "{}")):
            break
    return ".".join(pieces)


def walk(resource: object, path: str) -> Iterator[tuple[str, str]]:
    """Every text a path leads to in a resource, with the concrete property it stands in.

    `resource` is a decoded row or ARM body (with `properties`). Keys are compared without case, the exact one first;
    the property is written with the keys as they stand: `properties.addonProfiles.omsagent.identity.resourceId`,
    `properties.configuration.registries[0].identity`, `…platformWorkloadIdentities['a.b'].clientId`. Whatever has
    another shape than the path says yields nothing; a lone object where an array belongs is taken as its only
    element. Blank texts are left out.
    """
    yield from _walk(resource, path.split("."), "")


def _walk(value: object, pieces: list[str], at: str) -> Iterator[tuple[str, str]]:
    if not pieces:
        if isinstance(value, str) and value.strip():
            yield at, value.strip()
        return
    piece, *rest = pieces
    key = piece.removesuffix("[]").removesuffix("{}")
    found = _member(value, key)
    if found is None:
        return
    name, inner = found
    here = at + _step(name, first=not at)
    if piece.endswith("[]") and isinstance(inner, list):
        for index, item in enumerate(inner[:_LONGEST]):
            yield from _walk(item, rest, f"{here}[{index}]")
    elif piece.endswith("{}"):
        if isinstance(inner, Mapping):
            for number, (name, item) in enumerate(inner.items()):
                if number >= _LONGEST:
                    break
                if isinstance(name, str):
                    yield from _walk(item, rest, here + _step(name, first=False))
    else:
        yield from _walk(inner, rest, here)


def _member(value: object, key: str) -> tuple[str, object] | None:
    if not isinstance(value, Mapping):
        return None
    if key in value:
        return key, value[key]
    wanted = key.lower()
    for name, item in value.items():
        if isinstance(name, str) and name.lower() == wanted:
            return name, item
    return None


def _step(name: str, *, first: bool) -> str:
    plain = name.replace("_", "").replace("-", "").replace("$", "")
    if plain.isalnum():
        return name if first else f".{name}"
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"
