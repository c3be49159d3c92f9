"""Facts in memory: a builder that gives every entity its key, and the finished tables.

Data flow: a source calls :meth:`FactsBuilder.entity` for everything it sees and :meth:`FactsBuilder.add` for
every row; :meth:`FactsBuilder.finish` checks the rows against the schema, computes the derived tables and
returns a :class:`FactStore`. A snapshot on disk opens as the same :class:`FactStore`, its tables unread until
a rule asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from scanner.facts import ids
from scanner.facts.schema import TABLES, Kind, Level, Table

if TYPE_CHECKING:
    import narwhals as nw
    import polars as pl

GAP_REASONS = frozenset(
    [
        "refused",
        "unlicensed",
        "throttled",
        "truncated",
        "skipped",
        "unsupported",
        "malformed",
        "failed",
        "expired",
        "outside",
        "unresolved",
    ]
)

_NEVER_GAPS = frozenset(["gaps", "places", "property_places", "module_calls", "declarations", "scopes"])
"""Tables that a source need not speak of: they follow from what it saw."""


FEW = 10_000
"""Grants, at most, of a world so small that what many rules read is made once."""


class FactsError(Exception):
    """Rows that do not fit the schema: the fault of the source that made them."""


def polars_schema(table: type[Table]) -> dict[str, Any]:
    """Return a table's columns as Polars types, in their order."""
    import polars as pl

    types = {"key": pl.UInt32, "count": pl.UInt32, "level": pl.UInt8, "flag": pl.Boolean, "text": pl.String}
    return {column.name: types[column.type] for column in table.columns}


class FactStore:
    """The tables of one world, as lazy Polars frames with integer keys."""

    def __init__(self, frames: Mapping[str, pl.LazyFrame]) -> None:
        import polars as pl

        self._frames = dict(frames)
        self._wrapped: dict[str, nw.LazyFrame[Any]] = {}
        for name, table in TABLES.items():
            if name not in self._frames and not table.searched:
                self._frames[name] = pl.LazyFrame(schema=polars_schema(table))

    def frame(self, name: str) -> pl.LazyFrame:
        """Return a table or view as a lazy frame; :class:`KeyError` for a name that is neither."""
        frame = self._frames.get(name)
        if frame is None:
            frame = self._frames[name] = self._late(name)
        return frame

    def _late(self, name: str) -> pl.LazyFrame:
        if name == "escalations":
            from scanner.facts.escalations import escalations

            return escalations(self._frames, self._frames["access"]).lazy()
        from scanner.facts.views import view

        return view(self._frames, name)

    def rule_frame(self, name: str) -> nw.LazyFrame[Any]:
        """Return the same as rules see it: many ask for one table, and it is wrapped once."""
        import narwhals as nw

        wrapped = self._wrapped.get(name)
        if wrapped is None:
            wrapped = self._wrapped[name] = nw.from_native(self.frame(name))
        return wrapped

    def gaps(self) -> list[dict[str, str]]:
        """Return the gaps in a fixed order."""
        return self.frame("gaps").unique().sort("table", "scope_id", "reason", "detail").collect().to_dicts()


class LateStore(FactStore):
    """Facts that are only made when somebody asks for one."""

    def __init__(self, make: Callable[[], FactStore]) -> None:
        self._make = make
        self._made: FactStore | None = None
        self._wrapped = {}

    def frame(self, name: str) -> pl.LazyFrame:
        """Return a table or view as a lazy frame; the first call makes the facts."""
        if self._made is None:
            self._made = self._make()
        return self._made.frame(name)


class FactsBuilder:
    """Collects rows and hands out keys; one builder builds one world."""

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}
        self._entities: list[dict[str, Any]] = []
        self._rows: dict[str, list[dict[str, Any]]] = {
            name: [] for name, table in TABLES.items() if not table.derived
        }
        self._scopes: dict[int, dict[str, Any]] = {}
        self._seen: dict[str, set[int]] = {}
        self._covered: dict[str, set[str]] = {}
        self._unasked: set[str] = set()

    def entity(self, kind: Kind, entity_id: str, *, name: str | None = None, type: str | None = None) -> int:  # noqa: A002
        """Return the key of an entity, making it on first sight; a later sight may add its name or type.

        Two spellings of one id that differ only in case are one entity; the first spelling is shown.
        """
        same = ids.same(entity_id)
        known = self._keys.get(same)
        if known is not None:
            row = self._entities[known]
            if name and not row["named"]:
                row["name"], row["named"] = name, True
            if type and not row["typed"]:
                row["type"], row["typed"] = type.lower() if kind is not Kind.PRINCIPAL else type, True
            if row["kind"] == Kind.SCOPE and kind is not Kind.SCOPE:
                row["kind"] = str(kind)
            return known
        parent = subscription = None
        if kind is not Kind.PRINCIPAL and same.startswith("/") and same != ids.ROOT:
            where = ids.place(entity_id)
            if where.parent is not None:
                parent = self.scope(where.parent)
            if where.subscription is not None and ids.same(where.subscription) != same:
                subscription = self.scope(where.subscription)
        key = len(self._entities)
        self._keys[same] = key
        self._entities.append(
            {
                "entity": key,
                "kind": str(kind),
                "id": entity_id,
                "name": name or entity_id.rstrip("/").rsplit("/", 1)[-1] or "tenant root",
                "named": bool(name),
                "type": (type if kind is Kind.PRINCIPAL else type.lower())
                if type
                else ids.type_of(entity_id),
                "typed": bool(type),
                "subscription": subscription,
                "parent": parent,
            }
        )
        return key

    def key_of(self, entity_id: str) -> int | None:
        """Return the key of an entity seen before, or None."""
        return self._keys.get(ids.same(entity_id))

    def id_of(self, entity: int) -> str:
        """Return an entity's id as Azure wrote it."""
        return str(self._entities[entity]["id"])

    def scope(self, scope_id: str, *, name: str | None = None, parent: str | None = None) -> int:
        """Return the key of a scope, making it and the scopes above it that its id names.

        ``parent`` is for subscriptions and management groups, whose container is not in their id.
        """
        where = ids.place(scope_id)
        if where.level is Level.RESOURCE:
            kind = Kind.RESOURCE
            lower = scope_id.lower()
            if "/providers/microsoft.managedidentity/userassignedidentities/" in lower:
                kind = Kind.IDENTITY
        else:
            kind = Kind.SCOPE
        key = self.entity(kind, scope_id, name=name)
        row = self._scopes.get(key)
        if row is None:
            above = None if where.parent is None else self.scope(where.parent)
            subscription = None if where.subscription is None else self.entity(Kind.SCOPE, where.subscription)
            row = {"scope": key, "level": int(where.level), "subscription": subscription, "parent": above}
            self._scopes[key] = row
            if subscription is not None and subscription != key:
                self.scope(where.subscription or "")
        if parent is not None and row["parent"] is None and ids.same(parent) != ids.same(scope_id):
            row["parent"] = self.scope(parent)
            self._entities[key]["parent"] = row["parent"]
        return key

    def add(self, table: str, **values: Any) -> None:
        """Add a row. In a table with a unique row key, a second row for the same key is dropped."""
        rows = self._rows.get(table)
        if rows is None or table == "entities":
            raise FactsError(f"no rows can be added to {table!r}: it is not a collected table")
        row_key = TABLES[table].row
        if row_key is not None:
            seen = self._seen.setdefault(table, set())
            if values[row_key] in seen:
                return
            seen.add(values[row_key])
        rows.append(values)

    def has_row(self, table: str, key: int) -> bool:
        """Whether a table with a unique row key already has a row for this key."""
        return key in self._seen.get(table, ())

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows added so far, for a source that must look back; not a copy."""
        return self._rows[table]

    def gap(self, table: str, scope_id: str, reason: str, detail: str) -> None:
        """Record that a table's rows of a scope were not read.

        ``scope_id`` is any Azure id, ``/`` for everything, or a place in a repository, which starts with no slash.
        A gap in ``places`` is a part of a file: any table may lack rows that it holds.
        """
        if table not in TABLES or reason not in GAP_REASONS:
            raise FactsError(f"a gap needs a table and a known reason, not {table!r} and {reason!r}")
        self._rows["gaps"].append(
            {
                "table": table,
                "scope_id": ids.same(scope_id) if scope_id.startswith("/") else scope_id,
                "reason": reason,
                "detail": detail,
            }
        )

    def covered(self, table: str, scope_id: str = ids.ROOT) -> None:
        """State that a table was read whole in a scope (the root: everywhere), whether or not it had rows.

        A table that is neither covered anywhere, nor gapped, nor has rows becomes a gap by itself.
        """
        if table not in TABLES:
            raise FactsError(f"no table is called {table!r}")
        self._covered.setdefault(table, set()).add(ids.same(scope_id))

    def unasked(self, table: str) -> None:
        """State that nobody asked for a table: it is neither whole nor a gap, and no rule that ran reads it."""
        if table not in TABLES:
            raise FactsError(f"no table is called {table!r}")
        self._unasked.add(table)

    def finish(self) -> FactStore:
        """Check every row against the schema, compute the derived tables, and return the facts.

        Raises :class:`FactsError` when a row does not fit: table, column and value type are named.
        """
        from scanner.facts.derive import derive

        self._settle_attachments()
        self._name_for_people()
        self._gap_what_nobody_collected()
        self._rows["scopes"] = list(self._scopes.values())
        frames = {name: _frame(TABLES[name], rows) for name, rows in self._rows.items() if name != "entities"}
        frames["entities"] = _frame(TABLES["entities"], self._entities)
        frames = derive(frames)
        if len(self._rows["assignments"]) * (1 + len(self._rows["memberships"])) <= FEW:
            frames |= _made_once(frames)
        return FactStore(frames)

    def _settle_attachments(self) -> None:
        """Say of every attachment whether its identity was found, is missing, or could not be looked for."""
        known = self._seen.get("identities", set())
        covered = self._covered.get("identities", set())
        unread = {gap["scope_id"] for gap in self._rows["gaps"] if gap["table"] == "identities"}
        for row in self._rows["attachments"]:
            if row["identity"] in known:
                row["found"] = True
                continue
            home = self._entities[row["identity"]]["subscription"]
            home_id = None if home is None else ids.same(self._entities[home]["id"])
            whole = home_id is not None and (home_id in covered or ids.ROOT in covered)
            row["found"] = False if whole and not unread & {home_id, ids.ROOT} else None

    def _name_for_people(self) -> None:
        """Name service principals after their identity and role assignments by what they say: Azure gives GUIDs."""
        for row in self._rows["identities"]:
            principal = None if row.get("principal") is None else self._entities[row["principal"]]
            if principal is not None and not principal["named"]:
                principal["name"], principal["named"] = self._entities[row["identity"]]["name"], True
        for row in self._rows["assignments"]:
            assignment = self._entities[row["assignment"]]
            if assignment["name"].lower() == ids.last_segment(assignment["id"]):
                role, principal = self._entities[row["role"]], self._entities[row["principal"]]
                assignment["name"] = f"{role['name']} for {principal['name']}"

    def _gap_what_nobody_collected(self) -> None:
        """Make a gap of every table that no source spoke of: silence is not emptiness."""
        spoken = set(self._covered) | self._unasked | {gap["table"] for gap in self._rows["gaps"]}
        for name, rows in self._rows.items():
            if name not in spoken and name not in _NEVER_GAPS and not rows:
                self.gap(name, ids.ROOT, "skipped", "This source does not hold this table.")


def _made_once(frames: Mapping[str, pl.LazyFrame]) -> dict[str, pl.LazyFrame]:
    """Return the tables that many rules read through plans, made: in a small world, planning is what takes long."""
    import polars as pl

    names = ["assignments", "grants", "access"]
    made = pl.collect_all([frames[name] for name in names])
    return {name: frame.lazy() for name, frame in zip(names, made, strict=True)}


def _frame(table: type[Table], rows: Iterable[Mapping[str, Any]]) -> pl.LazyFrame:
    import polars as pl

    rows = list(rows)
    columns: dict[str, list[Any]] = {}
    for column in table.columns:
        values = [row.get(column.name) for row in rows]
        if not column.nullable and any(value is None for value in values):
            raise FactsError(f"{table.name}.{column.name} is empty in a row: {column.sentence}")
        columns[column.name] = values
    schema = polars_schema(table)
    try:
        return pl.DataFrame(columns, schema=schema, strict=True).lazy()
    except (TypeError, pl.exceptions.PolarsError, OverflowError, UnicodeError) as error:
        raise FactsError(f"a row of {table.name} does not fit its columns: {error}") from error
