"""Where in a repository a finding is: the line to change, the declaration, and the places that belong to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from scanner.engine.finding import Declared, Location, Related

if TYPE_CHECKING:
    import polars as pl

    from scanner.facts.store import FactStore

DECLARED_HERE = "declared here"
"""What is said of a declaration whose finding points elsewhere."""
CALLED_HERE = "called here"
"""What is said of the place of a module call."""

_PLACE = ("uri", "line", "column", "end_line", "end_column")


class Whereabouts(msgspec.Struct, frozen=True):
    """Where a finding is; nothing but None and empty for what no code declares."""

    location: Location | None = None
    declared: Declared | None = None
    related: tuple[Related, ...] = ()


NOWHERE = Whereabouts()


class PlacesInCode:
    """The places of the entities that findings speak of, by their keys; false when there is none."""

    def __init__(self) -> None:
        self.declared: dict[int, Declared] = {}
        self.properties: dict[int, dict[str, Location]] = {}
        """Entity to property (in lower case) to its place."""
        self.calls: dict[int, list[Location]] = {}
        """Entity to the module calls through which it is declared, the innermost first."""

    def __bool__(self) -> bool:
        return bool(self.declared)

    def place(self, entity: int) -> Location | None:
        """Return where an entity is declared; None for what no code declares."""
        declared = self.declared.get(entity)
        return None if declared is None else declared.place

    def of(
        self, subject: int, points_at: Sequence[str], others: Iterable[tuple[str, int, str]]
    ) -> Whereabouts:
        """Return where a finding about a subject is.

        It points at the first of the properties that is written, else at the declaration. ``others`` are what the
        evidence shows beside the subject: column, key and name. Where they are declared is told also of a subject that
        no code declares: a change can give somebody who is there already more than they had.
        """
        declared = self.declared.get(subject)
        related: dict[Location, str] = {}
        if declared is None:
            for place, said in self._declared_of(subject, others):
                related.setdefault(place, said)
            return Whereabouts(related=_related(related)) if related else NOWHERE
        written = self.properties.get(subject, {})
        location = next(
            (written[path.lower()] for path in points_at if path.lower() in written), declared.place
        )
        for place, said in self._declared_of(subject, others):
            if place not in (location, declared.place):
                related.setdefault(place, said)
        if location != declared.place and (location.uri, location.line) != (
            declared.place.uri,
            declared.place.line,
        ):
            related.setdefault(declared.place, DECLARED_HERE)
        for call in self.calls.get(subject, ()):
            related.setdefault(call, CALLED_HERE)
        return Whereabouts(location, declared, _related(related))

    def _declared_of(
        self, subject: int, others: Iterable[tuple[str, int, str]]
    ) -> Iterator[tuple[Location, str]]:
        for column, key, name in others:
            other = self.declared.get(key)
            if other is not None and key != subject:
                yield other.place, f"{column.replace('_', ' ')} {name}"


def _related(places: Mapping[Location, str]) -> tuple[Related, ...]:
    return tuple(Related(place, said) for place, said in places.items())


def places_in_code(store: FactStore, wanted: pl.Series) -> PlacesInCode:
    """Read the places of the entities wanted, a series that holds one list of keys.

    A tenant costs one look at an empty table.
    """
    import polars as pl

    found = PlacesInCode()
    theirs = pl.col("entity").is_in(wanted)
    places = store.frame("places").filter(theirs).sort("entity", *_PLACE).collect()
    if places.is_empty():
        return found
    named, properties, calls = pl.collect_all(
        [
            store.frame("declarations").filter(theirs).select("entity", "address", "language"),
            store.frame("property_places").filter(theirs).sort("entity", "path", *_PLACE),
            store.frame("module_calls").filter(theirs).sort("entity", "depth", descending=[False, True]),
        ]
    )
    names: dict[int, tuple[str, str]] = {
        entity: (address, language) for entity, address, language in named.iter_rows()
    }
    for row in places.iter_rows(named=True):
        entity = row["entity"]
        # One and the same thing may be declared in two units; the first place counts, so that it is always the same.
        found.declared.setdefault(entity, Declared(_location(row), *names.get(entity, ("", ""))))
    for row in properties.iter_rows(named=True):
        entity, path, place = row["entity"], row["path"].lower(), _location(row)
        written = found.properties.setdefault(entity, {})
        home = found.declared.get(entity)
        if path not in written or (home is not None and place.uri == home.place.uri != written[path].uri):
            written[path] = place
    for row in calls.iter_rows(named=True):
        found.calls.setdefault(row["entity"], []).append(_location(row))
    return found


def _location(row: dict[str, Any]) -> Location:
    return Location(*(row[name] for name in _PLACE))
