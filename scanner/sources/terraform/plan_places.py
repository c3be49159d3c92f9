"""Where things stand in a plan file: found by their address, looked at closely only when asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from scanner.sources.declared.declaration import Place

Spans: TypeAlias = Mapping[tuple[str, ...], tuple[int, int]]
"""Offsets of properties, name and value together, by their path in the object of a resource."""

_ADDRESS = re.compile(rb'"address"\s*:\s*("(?:[^"\\]|\\.)*")')
_MEMBER = re.compile(rb'[\s,]*+("(?:[^"\\]|\\.)*")\s*+:\s*+')
_PIECE = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]++')
_DEEPEST_SPAN = 10


class Places:
    """The places of one plan file."""

    def __init__(self, uri: str, data: bytes) -> None:
        self._uri = uri
        self._data = data
        self._addresses: dict[str, tuple[int, int]] | None = None
        self._members: dict[tuple[str, ...], Mapping[str, tuple[int, int, int]]] = {}

    def resource(self, address: str) -> tuple[Place, Place, Spans]:
        """Return the place of a resource's address, that of its whole object, and those of its properties."""
        if self._addresses is None:
            self._addresses = self._find_addresses()
        found = self._addresses.get(address)
        if found is None:
            return self._nowhere()
        begin = self._data.rfind(b"{", 0, found[0])
        end, spans = _spans(self._data, begin)
        return Place(self._uri, *found), Place(self._uri, begin, end), spans

    def member(self, *path: str) -> tuple[Place, Place, Spans]:
        """Return the place of a member's name, that of the whole member, and those of the properties of its value.

        ``path`` are the names that lead to it from the root of the plan.
        """
        found = self._find(path)
        if found is None:
            return self._nowhere()
        key, begin, end = found
        spans = _spans(self._data, begin)[1] if self._data.startswith(b"{", begin) else {}
        name = Place(self._uri, key, key + len(msgspec.json.encode(path[-1])))
        return name, Place(self._uri, key, end), spans

    def _find(self, path: tuple[str, ...]) -> tuple[int, int, int] | None:
        """Where the name, and where the value of a member begins, and where it ends."""
        begin, end = self._data.find(b"{"), len(self._data)
        found = None
        for number, name in enumerate(path):
            known = self._members.get(path[:number])
            if known is None:
                known = self._members[path[:number]] = _members(self._data, begin, end)
            found = known.get(name)
            if found is None:
                return None
            _, begin, end = found
        return found

    def _nowhere(self) -> tuple[Place, Place, Spans]:
        return Place(self._uri, 0, 0), Place(self._uri, 0, 0), {}

    def _find_addresses(self) -> dict[str, tuple[int, int]]:
        places: dict[str, tuple[int, int]] = {}
        for part in ("planned_values", "prior_state"):
            held = self._find((part,))
            if held is None:
                continue
            for found in _ADDRESS.finditer(self._data, held[1], held[2]):
                try:
                    address = msgspec.json.decode(found[1], type=str)
                except (msgspec.DecodeError, UnicodeError):
                    continue
                places.setdefault(address, found.span(1))
        return places


def _members(data: bytes, begin: int, end: int) -> dict[str, tuple[int, int, int]]:
    """Where the name and the value of each member of a JSON object begin, and where it ends.

    What the members hold is not read, so that this is quick in a large plan. Empty when it is no object.
    """
    places: dict[str, tuple[int, int, int]] = {}
    try:
        raw = msgspec.json.decode(memoryview(data)[begin:end], type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return places
    at = begin + 1
    while found := _MEMBER.match(data, at, end):
        name = msgspec.json.decode(found[1], type=str)
        value = memoryview(raw[name])
        if data[found.end() : found.end() + len(value)] != value:
            # The name is there twice: only the last of them counts, and where this one ends is not known.
            break
        at = found.end() + len(value)
        places[name] = (found.start(1), found.end(), at)
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
