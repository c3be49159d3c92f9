"""The state of translating one unit for what rules ask."""

from __future__ import annotations

from functools import lru_cache

from scanner.catalog.property_path import pieces
from scanner.facts.schema import Kind, collected_tables
from scanner.sources.declared.declaration import Declaration, Place, Unit
from scanner.sources.declared.naming import brief, printable
from scanner.sources.declared.resource_ids import ResourceIds, arm_type
from scanner.sources.declared.unit_facts import UnitBuilder
from scanner.sources.declared.values import NOT_WRITTEN, Object, Ref, Text, Unknown, Value
from scanner.sources.declared.walking import MOST_STEPS, Budget, find
from scanner.sources.declared.wanted import Wanted

_SETTINGS_OF_SITES = ("microsoft.web/sites/config", "microsoft.web/sites/slots/config")
_LONGEST_WRITTEN = 120
"""Characters of an expression in what is told of a gap."""


class Context:
    """What the makers of all kinds of rows share."""

    def __init__(self, unit: Unit, wanted: Wanted) -> None:
        self.unit = unit
        state = wanted.states.get(unit.root) if unit.language == "terraform" else None
        self.ids = ResourceIds(unit, state or {})
        self.builder = UnitBuilder(unit.root)
        self.budget = Budget(MOST_STEPS)
        self.tables = frozenset[str]().union(*(collected_tables(table) for table in wanted.tables))
        self.settings: dict[str, list[str]] = {}
        for kind, path in sorted(wanted.settings):
            self.settings.setdefault(kind.lower(), []).append(path)
        self.mentioned: set[int] = set()
        """Entities that something refers to by their ids."""
        self._points_at = sorted(wanted.points_at)
        self._declared: list[tuple[int, Declaration]] = []
        self._placed: set[int] = set()

    # ---- names

    def name_of(self, declaration: Declaration) -> str:
        """Return what people call a declaration: its name, or its address where the name is not known.

        Settings of an app are ``appsettings of shop``, the log of a server ``auditingsettings of sql``.

        A name that is known is whole; anything else is short enough to be read.
        """
        name = self.ids.follow(declaration.name)
        if name is None or name == "" or isinstance(name, Ref | Unknown):
            return brief(printable(declaration.address))
        shown = self.ids.shown(name)
        called = shown if isinstance(name, str) else brief(shown)
        kind = arm_type(declaration)
        unnamed = called.lower() == "default" and kind.count("/") > 1
        if unnamed or kind in _SETTINGS_OF_SITES:
            # All apps call their settings the same, and the parts of many a service have no name of their own.
            part = kind.rpartition("/")[2] if unnamed else called
            called = f"{part} of {self.ids.spoken(self.ids.of(declaration).rsplit('/', 2)[0])}"
        return called

    def known_text(self, declaration: Declaration, path: str) -> str | None:
        """Return a property that is known text with something in it; None for anything else."""
        value = self.value(declaration, path)
        return printable(value) if isinstance(value, str) and value.strip() else None

    def value(self, declaration: Declaration, path: str) -> Value:
        """Return the value of a property, references followed; None where it is absent."""
        found = find(declaration.body, path)
        return self.ids.follow(found[0].value) if found else None

    def text_or_none(self, value: Value) -> str | None:
        """Return a text with what is not known in braces; None for what is absent or no text."""
        value = self.ids.follow(value)
        if isinstance(value, str | Text | Ref | Unknown):
            return self.ids.shown(value) or None
        return None

    # ---- places

    def declare(self, entity: int, declaration: Declaration) -> None:
        """Say that an entity is declared here: its places, module calls and, at the end, its row of declarations."""
        self.place(entity, declaration, NOT_WRITTEN, NOT_WRITTEN)
        self._declared.append((entity, declaration))
        asked = self.settings.get(declaration.type.lower(), ())
        written = _names(declaration.body)
        below = declaration.body.get("properties") if "properties" in written else None
        inner = _names(below.value) if below is not None and isinstance(below.value, Object) else frozenset()
        for path in (*self._points_at, *(path for path in asked if path not in self._points_at)):
            first, second = _first_steps(path)
            if first not in written or (first == "properties" and second and second not in inner):
                continue  # most paths are of other types: this is quicker than to look for each
            for found in find(declaration.body, path, 1):
                if found.start != NOT_WRITTEN:
                    place = Place(declaration.place.uri, found.start, found.end)
                    self.builder.property_place(entity, path, place)

    def place(self, entity: int, declaration: Declaration, start: int, end: int) -> None:
        """Say that an entity stands at these offsets of a declaration, or at its head where they are not written."""
        if entity in self._placed:
            return  # declared again: the calls of one place must not be taken for those of another
        self._placed.add(entity)
        self.builder.place(entity, self.place_of(declaration, start, end))
        for depth, call in enumerate(declaration.calls):
            self.builder.module_call(entity, depth, call)

    @staticmethod
    def place_of(declaration: Declaration, start: int, end: int) -> Place:
        """Return the place of these offsets in a declaration's file, or of its head."""
        if start == NOT_WRITTEN:
            return declaration.place
        return Place(declaration.place.uri, start, end)

    def unresolved(
        self, table: str, declaration: Declaration, what: str, value: Value, path: str = ""
    ) -> None:
        """Record that a table lacks a row, or a part of one, because a value is not known."""
        found = find(declaration.body, path, 1) if path else []
        place = self.place_of(declaration, found[0].start, found[0].end) if found else declaration.place
        why = value.why if isinstance(value, Unknown) else "it is known after the deployment"
        if isinstance(value, str):
            why = "that is no id" if value else "it is to be given when it is deployed"
        written = self.ids.shown(value) or "empty"
        if isinstance(value, Unknown | Ref):
            written = written[1:-1]
        self.builder.gap(
            table, place, "unresolved", printable(f"{what} is {brief(written, _LONGEST_WRITTEN)}: {why}.")
        )

    # ---- references

    def finish(self, referenced: set[str], exported: set[str], from_outside: set[str]) -> None:
        """Make the rows of declarations; the sets hold addresses."""
        if "declarations" not in self.tables:
            return
        read = not self.budget.spent and not any(gap.table == "places" for gap in self.unit.gaps)
        whole = read and self.unit.whole
        several: dict[int, list[Declaration]] = {}
        for entity, declaration in self._declared:
            several.setdefault(entity, []).append(declaration)
        for entity, declarations in several.items():
            made = [one for one in declarations if not one.existing] or declarations
            addresses = {one.address for one in declarations}
            self.builder.add(
                "declarations",
                entity=entity,
                address=printable(made[0].address),
                language=made[0].language,
                unit=printable(self.unit.root),
                existing=made[0].existing,
                conditional=all(one.conditional for one in made),
                referenced=bool(addresses & referenced)
                or bool(addresses & self.unit.mentioned)
                or entity in self.mentioned,
                exported=bool(addresses & exported) or bool(addresses & from_outside),
                whole=whole,
            )

    def entity(self, kind: Kind, declaration: Declaration) -> int:
        """Return the key of what a declaration declares."""
        return self.builder.entity(
            kind, self.ids.of(declaration), name=self.name_of(declaration), type=arm_type(declaration)
        )


def _names(value: Object) -> frozenset[str]:
    return frozenset(name.lower() for name in value.properties)


@lru_cache(maxsize=1_024)
def _first_steps(path: str) -> tuple[str, str]:
    """Return the first two names of a path in lower case; empty for a second that there is not."""
    names = [piece.removesuffix("[]").removesuffix("{}").lower() for piece in pieces(path)]
    return names[0] if names else "", names[1] if len(names) > 1 else ""
