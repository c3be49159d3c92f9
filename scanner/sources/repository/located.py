"""What was read of one unit, with lines and columns: what workers hand back and the cache keeps."""

from __future__ import annotations

import msgspec

from scanner.sources.declared.declaration import Place
from scanner.sources.declared.source_text import SourceText
from scanner.sources.declared.unit_facts import UnitFacts
from scanner.sources.repository.contents import Contents, Digests


class LocatedPlace(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A row of ``places``, ``property_places`` or ``module_calls``; lines and columns from 1, the end exclusive."""

    table: str
    entity: int
    what: str
    """The property's path, the call's depth as text, or empty."""
    uri: str
    line: int
    column: int
    end_line: int
    end_column: int


class LocatedGap(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A gap with its place as reports show it: ``infra/main.tf:12``."""

    table: str
    where: str
    reason: str
    detail: str


class LocatedUnit(msgspec.Struct, array_like=True):
    """The facts of a unit; ``facts.at`` and ``facts.gaps`` are empty, ``places`` and ``gaps`` stand in their stead."""

    facts: UnitFacts
    places: list[LocatedPlace]
    gaps: list[LocatedGap]
    seen: list[tuple[str, bytes]]
    """Every file that was read or looked for, folders whose names were asked for, with their digests."""


class Locator:
    """Turns offsets into lines and columns; the lines of a file are counted once in a process."""

    def __init__(self, contents: Contents, digests: Digests) -> None:
        self._contents = contents
        self._digests = digests
        self._texts: dict[str, SourceText] = {}
        self._known: dict[Place, tuple[int, int, int, int]] = {}

    def locate(self, facts: UnitFacts, seen: list[str]) -> LocatedUnit:
        """Return a unit's facts with lines and columns, and with the digests of the files it depends on."""
        places = [
            LocatedPlace(table, entity, what, place.uri, *self._span(place))
            for table, entity, what, place in facts.at
        ]
        gaps = [
            LocatedGap(table, f"{place.uri}:{self._span(place)[0]}", reason, detail)
            for table, place, reason, detail in facts.gaps
        ]
        facts.at, facts.gaps = [], []
        return LocatedUnit(facts, places, gaps, [(name, self._digests.of(name)) for name in seen])

    def _span(self, place: Place) -> tuple[int, int, int, int]:
        span = self._known.get(place)
        if span is None:
            text = self._texts.get(place.uri)
            if text is None:
                # A file that is not there has one line: what is missing in it is told of its beginning.
                text = self._texts[place.uri] = SourceText(self._contents.read(place.uri) or b"")
            span = (*text.position(place.start), *text.position(max(place.start, place.end)))
            self._known[place] = span
        return span
