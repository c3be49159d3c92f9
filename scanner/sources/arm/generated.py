"""Templates that a compiler wrote, read without the places of what is in them, and no further than they are deployed.

In the file that ``bicep build`` makes of a large module there are hundreds of templates in one another: the same few,
again and again, and most behind a condition that is false. So JSON is decoded at once, what a description or a type
says is left out, a template inside is read when it is entered, and the same text is read once.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from hashlib import blake2b
from typing import Any

import msgspec

from scanner.sources.arm.build import DEPLOYMENTS, as_written, build_template, unroll_copies
from scanner.sources.arm.expression import ExpressionError, broken, read_string
from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.declared.values import NOT_WRITTEN
from scanner.sources.template.model import (
    Array,
    Constant,
    Entry,
    Expression,
    ObjectLiteral,
    Template,
    Unread,
)

KEPT_BYTES = 8_000_000
"""Bytes of templates of which what was read is kept for the next units."""
MOST_DEPTH = 100
MOST_BYTES = 10_000_000
_MOST_EXPRESSIONS = 20_000
_MOST_GAPS = 50
_KEPT_IN_NAMED = {
    "parameters": {"type", "$ref", "nullable", "defaultvalue", "allowedvalues"},
    "definitions": {"type", "$ref", "nullable"},
    "outputs": {"type", "$ref", "nullable", "value", "copy", "condition"},
}
"""What matters of each parameter, type and output."""
_LINKS = (b'"templatelink"', b'"parameterslink"')
"""What names a file beside the template: where it stands matters."""


class _TooDeep(Exception):  # noqa: N818 - no error: such a template is not read
    """A value is nested deeper than :data:`MOST_DEPTH`."""


class GeneratedTemplates:
    """Reads templates, each text once as long as it is kept."""

    def __init__(self) -> None:
        self._known: OrderedDict[str | bytes, tuple[Template | None, int]] = OrderedDict()
        self._kept = 0
        self._expressions: dict[str, Expression] = {}

    def read(self, name: str, data: bytes | memoryview) -> Template | None:
        """Return the template that a JSON object is; None where that cannot be told.

        ``name`` says where it stands, the same for the same text. Gaps in it have no place of their own.
        """
        template = self._of(name)
        if template is None and name not in self._known:
            template = self.inside(name, data)
            self._keep(name, template, 0)
        return template

    def inside(self, name: str, data: bytes | memoryview) -> Template | None:
        """Return a template that stands in another one, which is called so."""
        if len(data) > MOST_BYTES:
            return None
        data = bytes(data)
        lower = data.lower()
        if any(link in lower for link in _LINKS):
            return self._read(name, data)
        digest = blake2b(data, digest_size=16).digest()
        template = self._of(digest)
        if template is None and digest not in self._known:
            template = self._read(name, data)
            self._keep(digest, template, len(data))
        return template

    def _of(self, key: str | bytes) -> Template | None:
        known = self._known.get(key)
        if known is None:
            return None
        self._known.move_to_end(key)
        return known[0]

    def _keep(self, key: str | bytes, template: Template | None, size: int) -> None:
        self._known[key] = template, size
        self._kept += size
        while self._kept > KEPT_BYTES and len(self._known) > 1:
            _, (_, freed) = self._known.popitem(last=False)
            self._kept -= freed

    def _read(self, name: str, data: bytes) -> Template | None:
        if len(self._expressions) > _MOST_EXPRESSIONS:
            self._expressions.clear()
        try:
            return _Reader(self, name, self._expressions).read(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError, _TooDeep):
            return None


class _Reader:
    """Reads one template without those in it."""

    def __init__(self, templates: GeneratedTemplates, name: str, expressions: dict[str, Expression]) -> None:
        self._templates = templates
        self._name = name
        self._expressions = expressions
        self._copies: list[ObjectLiteral] = []
        self._names: dict[int, str] = {}
        """How names of resources are written, by the ``id()`` of what they say."""
        self._gaps: list[SourceGap] = []

    def read(self, data: bytes) -> Template:
        root = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        entries = [_entry(name, self._part(name.lower(), raw)) for name, raw in root.items()]
        unroll_copies(self._copies)
        template = build_template(self._name, _object(entries), self._written)
        template.gaps = [*self._gaps, *template.gaps]
        template.placed = False
        return template

    def _part(self, name: str, raw: msgspec.Raw) -> Expression:
        if name == "resources":
            return self._resources(raw)
        value = msgspec.json.decode(raw)
        kept = _KEPT_IN_NAMED.get(name)
        if kept is not None and isinstance(value, dict):
            value = {key: _only(each, kept) for key, each in value.items()}
        return self._tree(value, 0)

    def _resources(self, raw: msgspec.Raw) -> Expression:
        if memoryview(raw)[:1].tobytes() == b"{":
            named = msgspec.json.decode(raw, type=dict[str, dict[str, msgspec.Raw]])
            return _object([_entry(name, self._resource(each)) for name, each in named.items()])
        listed = msgspec.json.decode(raw, type=list[dict[str, msgspec.Raw]])
        return Array([self._resource(each) for each in listed], NOT_WRITTEN, NOT_WRITTEN)

    def _resource(self, members: dict[str, msgspec.Raw]) -> ObjectLiteral:
        deploys = any(
            name.lower() == "type" and bytes(raw).strip(b'"/').lower() == DEPLOYMENTS.encode()
            for name, raw in members.items()
        )
        entries = []
        for name, raw in members.items():
            lower = name.lower()
            if lower == "resources":
                value: Expression = self._resources(raw)
            elif lower == "properties" and deploys and memoryview(raw)[:1].tobytes() == b"{":
                value = self._deployment(msgspec.json.decode(raw, type=dict[str, msgspec.Raw]))
            elif lower == "name":
                value = self._resource_name(msgspec.json.decode(raw))
            else:
                value = self._tree(msgspec.json.decode(raw), 0)
            entries.append(_entry(name, value))
        return self._noticed(_object(entries))

    def _deployment(self, properties: dict[str, msgspec.Raw]) -> ObjectLiteral:
        entries = []
        for name, raw in properties.items():
            if name.lower() == "template" and memoryview(raw)[:1].tobytes() == b"{":
                inner: Expression = Unread(self._templates.inside, self._name, memoryview(raw))
            else:
                inner = self._tree(msgspec.json.decode(raw), 0)
            entries.append(_entry(name, inner))
        return self._noticed(_object(entries))

    def _resource_name(self, name: Any) -> Expression:
        if not isinstance(name, str):
            return self._tree(name, 0)
        node = self._string(name, shared=False)
        self._names[id(node)] = json.dumps(name, ensure_ascii=False)
        return node

    def _written(self, name: Expression) -> str:
        return as_written(self._names.get(id(name), ""))

    def _tree(self, value: Any, depth: int) -> Expression:
        if isinstance(value, str):
            return self._string(value)
        if depth > MOST_DEPTH:
            raise _TooDeep
        if isinstance(value, dict):
            entries = [
                Entry(self._member_name(name), self._tree(each, depth + 1), NOT_WRITTEN, NOT_WRITTEN)
                for name, each in value.items()
            ]
            return self._noticed(_object(entries))
        if isinstance(value, list):
            return Array([self._tree(each, depth + 1) for each in value], NOT_WRITTEN, NOT_WRITTEN)
        return Constant(value, NOT_WRITTEN, NOT_WRITTEN)

    def _member_name(self, name: str) -> str | Expression:
        if not name.startswith("["):
            return name
        made = self._string(name)
        return made.value if isinstance(made, Constant) and isinstance(made.value, str) else made

    def _noticed(self, made: ObjectLiteral) -> ObjectLiteral:
        if any(entry.name == "copy" for entry in made.entries):
            self._copies.append(made)
        return made

    def _string(self, text: str, *, shared: bool = True) -> Expression:
        if not text.startswith("["):
            return Constant(text, NOT_WRITTEN, NOT_WRITTEN)
        known = self._expressions.get(text) if shared else None
        if known is not None:
            return known
        try:
            made = read_string(text, NOT_WRITTEN, NOT_WRITTEN)
        except ExpressionError as error:
            if len(self._gaps) < _MOST_GAPS:
                self._gaps.append(SourceGap(Place(self._name, 0, 0), "malformed", str(error)))
            return broken(text, NOT_WRITTEN, NOT_WRITTEN)
        if shared:
            self._expressions[text] = made
        return made


def _only(named: Any, kept: set[str]) -> Any:
    if not isinstance(named, dict):
        return named
    return {name: value for name, value in named.items() if name.lower() in kept}


def _entry(name: str, value: Expression) -> Entry:
    return Entry(name, value, NOT_WRITTEN, NOT_WRITTEN)


def _object(entries: list[Entry]) -> ObjectLiteral:
    return ObjectLiteral(entries, NOT_WRITTEN, NOT_WRITTEN)
