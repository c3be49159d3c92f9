"""The inventory behind Resource Graph: its tables in DuckDB, its queries translated by duckdb-kql.

What works, and what a collector may therefore use: `where`, `project`, `project-away`, `extend`, `order by` and
`sort by`, `summarize`, `count`, `distinct`, `top`, `limit`/`take`, `join`, `union`, `parse`, `mv-expand` (cut at
128 elements per row unless it says `limit n`, at most 400, as in Azure: without a word); `==`, `=~`, `!~`,
`in`, `in~`, `!in~`, `has`, `has_any`, `contains`, `startswith`, `matches regex`; `isempty`, `isnotempty`,
`isnull`, `isnotnull`, `tostring`, `tolower`, `toint`, `tobool`, `strcat`, `substring`, `coalesce`, `iff`, `case`,
`array_length`, `bag_pack`/`pack`, `parse_json`, `dynamic(...)`, `strcmp`; paths into dynamic columns as
`properties.a.b` and `properties['a']['b']`, which stay dynamic and keep Azure's column name `properties_a_b`.
Table names are compared without case, keys of dynamic values with case. `id > 'x'` works here but not in Kusto,
which orders strings only by `strcmp(id, 'x') > 0`.

What Azure has and this engine has not: `hash()`, `pack_all()`, `bag_keys()`, shared queries. What Kusto has and
Azure refuses is refused here too: other operators, control commands, more than three joins or two `mv-expand`.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from scanner.emulator.kql_syntax import (
    OPERATORS,
    STRCMP,
    InvalidQueryError,
    blanked,
    bounded,
    invalid,
    operators_in,
    parser_failure,
    tables_in,
    with_kind_quoted,
)
from scanner.errors import UserError

if TYPE_CHECKING:
    import duckdb

    from scanner.emulator.hierarchy import Window

TABLES = (
    "resources",
    "resourcecontainers",
    "authorizationresources",
    "policyresources",
    "managedserviceresources",
    "appserviceresources",
    "batchresources",
    "kubernetesconfigurationresources",
    "kustoresources",
    "computeresources",
    "advisorresources",
    "securityresources",
    "alertsmanagementresources",
    "extendedlocationresources",
    "guestconfigurationresources",
    "healthresources",
    "iotsecurityresources",
    "maintenanceresources",
    "networkresources",
    "patchassessmentresources",
    "recoveryservicesresources",
    "servicehealthresources",
    "spotresources",
)
TEXT_COLUMNS = (
    "id",
    "name",
    "type",
    "tenantId",
    "kind",
    "location",
    "resourceGroup",
    "subscriptionId",
    "managedBy",
)
DYNAMIC_COLUMNS = ("sku", "plan", "properties", "tags", "identity", "zones", "extendedLocation")
COLUMNS = (*TEXT_COLUMNS, *DYNAMIC_COLUMNS)
# Results kept for the following pages, by total number of rows, so that a flood of queries cannot fill memory.
CACHED_ROWS = 500_000
CACHED_QUERIES = 200


class EngineMissingError(UserError):
    """The query engine is an extra and is not installed."""


@dataclass(frozen=True, slots=True)
class Result:
    """All rows of a query, before paging. Dynamic values are JSON text."""

    columns: tuple[str, ...]
    dynamic: tuple[bool, ...]
    rows: list[tuple[Any, ...]]
    pageable: bool
    kinds: tuple[str, ...]

    def encode(self, start: int, stop: int) -> list[bytes]:
        """Rows `start` to `stop` as JSON objects, encoded."""
        return [
            msgspec.json.encode(
                {
                    name: _value(value, dynamic)
                    for name, value, dynamic in zip(self.columns, row, self.dynamic, strict=True)
                }
            )
            for row in self.rows[start:stop]
        ]

    def table(self, start: int, stop: int) -> tuple[list[dict[str, str]], list[list[Any]]]:
        """The same rows in the `table` format: column descriptions, and one list per row."""
        columns = [{"name": n, "type": k} for n, k in zip(self.columns, self.kinds, strict=True)]
        rows = [
            [_value(value, dynamic) for value, dynamic in zip(row, self.dynamic, strict=True)]
            for row in self.rows[start:stop]
        ]
        return columns, rows


def _value(value: Any, dynamic: bool) -> Any:
    if value is None or not dynamic:
        return value
    return msgspec.Raw(value.encode())


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row with what the service knows about it and does not show."""

    row: Mapping[str, Any]
    subscription: str
    """Lower-case id of its subscription, empty above subscriptions."""
    scope: str
    """Lower-case scope the row belongs to: for an assignment its scope, otherwise its own id."""
    fresh: bool
    """Written a moment ago: the index may not have it yet."""


class Inventory:
    """The tables of one tenant in an in-memory DuckDB. Safe for use from many threads."""

    def __init__(self, tables: Mapping[str, Iterable[StoredRow]]) -> None:
        try:
            import duckdb_kql
        except ModuleNotFoundError as error:
            raise EngineMissingError(
                "the local Azure needs its query engine: pip install 'midas-scanner[emulator]'"
            ) from error
        self._engine = duckdb_kql
        self._connection: duckdb.DuckDBPyConnection = duckdb_kql.connect()
        self._connection.execute("create schema arg")
        for table in TABLES:
            self._load(table, tables.get(table, ()))
        # A query comes from the network: after this the engine opens no file and loads no extension.
        self._connection.execute("set enable_external_access = false")
        self._lock = threading.Lock()
        self._translated: OrderedDict[str, tuple[str, bool]] = OrderedDict()
        self._running: dict[tuple[str, str, bool], threading.Lock] = {}
        self._cache: OrderedDict[tuple[str, str, bool], Result] = OrderedDict()

    def close(self) -> None:
        """Free the database."""
        self._connection.close()

    def _load(self, table: str, rows: Iterable[StoredRow]) -> None:
        types = dict.fromkeys(TEXT_COLUMNS, "VARCHAR") | dict.fromkeys(DYNAMIC_COLUMNS, "JSON")
        types |= {"_sub": "VARCHAR", "_scope": "VARCHAR", "_fresh": "BOOLEAN"}
        declared = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        self._connection.execute(f"create table arg.{table} ({declared})")
        waiting = iter(rows)
        first = next(waiting, None)
        if first is None:
            return
        encoder = msgspec.json.Encoder()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.json"
            with path.open("wb") as out:
                for stored in chain((first,), waiting):
                    hidden = {"_sub": stored.subscription, "_scope": stored.scope, "_fresh": stored.fresh}
                    out.write(encoder.encode({**stored.row, **hidden}) + b"\n")
            shape = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
            self._connection.execute(
                f"insert into arg.{table} select * from read_json(?, format='newline_delimited', "  # noqa: S608
                f"columns={{{shape}}}, maximum_object_size=67108864)",
                [str(path)],
            )

    def run(self, query: str, window: Window, *, settled: bool) -> Result:
        """Every row of `query` within `window`; without the fresh ones unless `settled`.

        The first page of a query computes all rows; the other pages come from the cache. Raises InvalidQueryError.
        """
        key = (query, window.key, settled)
        with self._lock:
            running = self._running.setdefault(key, threading.Lock())
        with running:
            with self._lock:
                if key in self._cache:
                    self._cache.move_to_end(key)
                    return self._cache[key]
            result = self._execute(query, window, settled)
            with self._lock:
                self._cache[key] = result
                while len(self._cache) > 1 and sum(len(r.rows) for r in self._cache.values()) > CACHED_ROWS:
                    self._running.pop(self._cache.popitem(last=False)[0], None)
            return result

    def tables_of(self, query: str) -> frozenset[str]:
        """The tables a query names, lower-cased; unknown ones are included."""
        return frozenset(name.lower() for name in tables_in(self._translate(query)[0]))

    def _translate(self, query: str) -> tuple[str, bool]:
        """DuckDB SQL of a query, and whether its rows can be paged as far as its operators go; kept for its pages."""
        with self._lock:
            if query in self._translated:
                return self._translated[query]
        made = self._translate_anew(query)
        with self._lock:
            self._translated[query] = made
            while len(self._translated) > CACHED_QUERIES:
                self._translated.popitem(last=False)
        return made

    def _translate_anew(self, query: str) -> tuple[str, bool]:
        query = with_kind_quoted(query)
        bare = blanked(query)
        if bare.lstrip().startswith("."):
            raise InvalidQueryError(
                invalid(), {"code": "ParserFailure", "message": "control commands are refused"}
            )
        operators = operators_in(bare)
        for operator, _ in operators:
            if operator not in OPERATORS:
                raise InvalidQueryError(
                    invalid(),
                    {
                        "code": "ParserFailure",
                        "message": f"operator {operator!r} is not supported",
                        "token": operator,
                    },
                )
        names = [operator for operator, _ in operators]
        if names.count("join") > 3 or names.count("mv-expand") + names.count("mvexpand") > 2:
            raise InvalidQueryError(
                invalid(), {"code": "InvalidQuery", "message": "at most 3 joins and 2 mv-expand"}
            )
        words = {word for word in re.findall(r"\w+", bare) if word.lower() in TABLES}
        schema = {word: list(COLUMNS) for word in words}
        prefix = STRCMP if re.search(r"\bstrcmp\s*\(", bare) else ""
        try:
            sql = str(self._engine.to_sql(prefix + bounded(query, bare, operators), schema=schema))
        except self._engine.KqlSyntaxError as error:
            failures = [parser_failure(diagnostic, len(prefix)) for diagnostic in error.diagnostics]
            raise InvalidQueryError(invalid(), *failures) from error
        except self._engine.KqlError as error:
            raise InvalidQueryError(invalid(), {"code": "InvalidQuery", "message": str(error)}) from error
        return sql, not {"limit", "take", "top"} & set(names)

    def _execute(self, query: str, window: Window, settled: bool) -> Result:
        import duckdb

        sql, pageable = self._translate(query)
        tables = {name.lower() for name in tables_in(sql)}
        if not tables:
            raise InvalidQueryError(
                invalid(), {"code": "NoValidTables", "message": "The query reads no table."}
            )
        for table in sorted(tables - set(TABLES)):
            raise InvalidQueryError(
                invalid(),
                {
                    "code": "DisallowedLogicalTableName",
                    "message": f"Table {table} is invalid, unsupported or disallowed.",
                },
            )
        views = []
        for table in sorted(tables):
            condition = window.condition(table) + ("" if settled else " AND NOT _fresh")
            shown = f"SELECT * EXCLUDE (_sub, _scope, _fresh) FROM arg.{table} WHERE {condition}"  # noqa: S608
            views.append(f'"{table}" AS ({shown})')
        cursor = self._connection.cursor()
        try:
            # Table names are from TABLES, conditions from `window`, which quotes. The outer expressions stand
            # for the tables, cut down to what the caller may see.
            body = f", {sql.removeprefix('WITH ')}" if sql.startswith("WITH ") else f" {sql}"
            cursor.execute(f"WITH {', '.join(views)}{body}")
            rows = cursor.fetchall()
            description = cursor.description or []
        except duckdb.Error as error:
            raise InvalidQueryError(
                invalid(), {"code": "InvalidQuery", "message": str(error).split("\n")[0]}
            ) from error
        finally:
            cursor.close()
        kinds = tuple(str(column[1]) for column in description)
        columns = tuple(column[0] for column in description)
        has_id = ("id", "VARCHAR") in zip(columns, kinds, strict=True)
        return Result(
            columns=columns,
            dynamic=tuple(kind == "JSON" for kind in kinds),
            rows=[tuple(map(_plain, row)) for row in rows] if _needs_plain(kinds) else rows,
            pageable=pageable and has_id,
            kinds=tuple(_KINDS.get(kind, "string") for kind in kinds),
        )


_KINDS = {
    "JSON": "object",
    "BIGINT": "integer",
    "INTEGER": "integer",
    "BOOLEAN": "boolean",
    "DOUBLE": "number",
}


def _needs_plain(kinds: Iterable[str]) -> bool:
    return any(kind not in ("VARCHAR", *_KINDS) for kind in kinds)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
