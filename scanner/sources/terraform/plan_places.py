"""Where things stand in a plan file: found by their address, looked at closely only when asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from scanner.sources.declared.declaration import Place

Spans: TypeAlias = Mapping[tuple[str, ...], tuple[int, int]]
"""Offsets of properties, name and value together, by their path in the object of a resource."""

_ADDRESS = re.compile(rb'"address"\s*:\s*("(?:[^"\\]|\\.)*+")')
_PIECE = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\],:]|[^\s"{}\[\],:]++')
_DEEPEST_SPAN = 10


class Places:
    """The places of one plan file."""

    def __init__(self, uri: str, data: bytes) -> None:
        self._uri = uri
        self._data = data
        self._addresses: dict[str, tuple[int, int]] | None = None

    def resource(self, address: str) -> tuple[Place, Place, Spans]:
        """Return the place of a resource's address, that of its whole object, and those of its properties."""
        if self._addresses is None:
            self._addresses = self._find_addresses()
        found = self._addresses.get(address)
        if found is None:
            nowhere = Place(self._uri, 0, 0)
            return nowhere, nowhere, {}
        begin = self._data.rfind(b"{", 0, found[0])
        end, spans = _spans(self._data, begin)
        return Place(self._uri, *found), Place(self._uri, begin, end), spans

    def member(self, holder: str, name: str) -> tuple[Place, Place]:
        """Return the place of a member's name and of the whole member, in the first object that a name holds."""
        found = re.search(rb'"' + re.escape(holder.encode()) + rb'"\s*:\s*\{', self._data)
        if found is None:
            return Place(self._uri, 0, 0), Place(self._uri, 0, 0)
        return self._named(name, found.end())

    def variable(self, name: str) -> tuple[Place, Place]:
        """Return the place of a variable of the root module, in the configuration."""
        start = self._data.find(b'"configuration"')
        found = list(re.finditer(rb'"variables"\s*:\s*\{', self._data[start:])) if start >= 0 else []
        # The root module's variables are the last: those of the modules it calls come before them.
        if not found:
            return Place(self._uri, 0, 0), Place(self._uri, 0, 0)
        return self._named(name, start + found[-1].end())

    def _named(self, name: str, start: int) -> tuple[Place, Place]:
        key = re.compile(re.escape(msgspec.json.encode(name)) + rb"\s*:\s*\{")
        found = key.search(self._data, start)
        if found is None:
            return Place(self._uri, 0, 0), Place(self._uri, 0, 0)
        end, _ = _spans(self._data, found.end() - 1)
        head = Place(self._uri, found.start(), found.start() + len(msgspec.json.encode(name)))
        return head, Place(self._uri, found.start(), end)

    def _find_addresses(self) -> dict[str, tuple[int, int]]:
        places: dict[str, tuple[int, int]] = {}
        start = self._data.find(b'"planned_values"')
        for found in _ADDRESS.finditer(self._data, max(start, 0)):
            try:
                address = msgspec.json.decode(found[1], type=str)
            except (msgspec.DecodeError, UnicodeError):
                continue
            places.setdefault(address, found.span(1))
        return places


def _spans(data: bytes, begin: int) -> tuple[int, dict[tuple[str, ...], tuple[int, int]]]:
    """The end of the JSON object that begins at an offset, and the offsets of the properties in it."""
    spans: dict[tuple[str, ...], tuple[int, int]] = {}
    path: list[str] = []
    starts: list[int] = []
    numbers: list[int] = []
    kinds: list[bytes] = []
    key: str | None = None
    key_start = 0
    end = begin
    for found in _PIECE.finditer(data, begin):
        piece, end = found[0], found.end()
        if piece in (b"{", b"["):
            if kinds:
                path.append(key if key is not None else str(numbers[-1]))
                starts.append(key_start if key is not None else found.start())
            kinds.append(piece)
            numbers.append(0)
            key = None
        elif piece in (b"}", b"]"):
            kinds.pop()
            numbers.pop()
            if not kinds:
                break
            if len(path) <= _DEEPEST_SPAN:
                spans[tuple(path)] = (starts[-1], end)
            path.pop()
            starts.pop()
        elif piece == b",":
            key = None
            numbers[-1] += 1
        elif piece == b":":
            continue
        elif kinds[-1] == b"{" and key is None:
            key, key_start = piece[1:-1].decode("utf-8", "replace"), found.start()
        elif key is not None and len(path) < _DEEPEST_SPAN:
            spans[(*path, key)] = (key_start, end)
    return end, spans
