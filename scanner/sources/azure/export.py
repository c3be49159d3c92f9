"""A tenant given as files: the JSON that ``az graph query`` prints.

A file holds a bare list of rows, or an object with the list under ``data`` or ``value``. Rows of any table may
stand in any file; their type tells them apart. Federated credentials, deny assignments and PIM schedule
instances, which Resource Graph does not have, are rows of their ARM types as the provider's lists give them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner.sources.azure.errors import SourceError

if TYPE_CHECKING:
    from scanner.facts.store import FactsBuilder, FactStore
    from scanner.sources.azure.needs import Needs

_TODO = "give what `az graph query -q ... --output json` prints"


def load_export(
    files: Sequence[Path], complete: frozenset[str], settings: frozenset[tuple[str, str]] = frozenset()
) -> FactStore:
    """Read exported rows into facts.

    Tables named in ``complete`` are taken as whole (a derived table or view: those it is made from); of every other
    one it is a gap that the files may hold only a part. ``settings`` are pairs of ARM type and property path to be
    read out of the rows. Raises :class:`SourceError` for a file that cannot be read, is not JSON or holds no rows,
    and for a table in ``complete`` that does not exist.
    """
    from scanner.facts.schema import TABLES, VIEWS, collected_tables
    from scanner.facts.store import FactsBuilder
    from scanner.sources.azure.needs import needs_of
    from scanner.sources.azure.normalise import Normaliser, rows_in_order

    unknown = sorted(complete - set(TABLES) - set(VIEWS))
    if unknown:
        raise SourceError(
            f"no table is called {unknown[0]!r}",
            where="--complete",
            todo=f"the tables are {', '.join(_collected())}",
        )
    whole = frozenset[str]().union(*(collected_tables(name) for name in complete))
    needs = needs_of(_collected(), settings)
    builder = FactsBuilder()
    normaliser = Normaliser(builder, needs)
    seen: set[str] = set()
    cut: list[str] = []
    for row in rows_in_order([row for file in files for row in _rows(file, cut)]):
        own = row.get("id") if isinstance(row, dict) else None
        if isinstance(own, str):
            if own.lower() in seen:
                continue
            seen.add(own.lower())
        normaliser.add(row)
    normaliser.complete_assignments()
    normaliser.settle()
    _cover(builder, needs, whole)
    for sentence in cut:
        # What the missing rows are of is not known, so it is a gap in every table, whatever was said to be whole.
        for table in sorted(needs.tables - {"scopes", "places"}):
            builder.gap(table, "/", "truncated", sentence)
    return builder.finish()


def _collected() -> list[str]:
    from scanner.facts.schema import TABLES

    return [name for name, table in TABLES.items() if not table.derived and name != "gaps"]


def _cover(builder: FactsBuilder, needs: Needs, complete: frozenset[str]) -> None:
    """State what is whole, and make gaps of the rest: an export does not say what was left out of it."""
    for table in sorted(needs.tables):
        if table in complete:
            builder.covered(table)
        elif table not in ("scopes", "entities", "places"):
            builder.gap(
                table,
                "/",
                "skipped",
                f"The export may hold only a part of it; --complete {table} says that it holds all.",
            )


def _rows(file: Path, cut: list[str]) -> Iterator[Any]:
    """Yield the rows of a file; one that is only a page of more rows is told of in ``cut``."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SourceError(
            f"the file cannot be read: {error.strerror or error}", where=str(file), todo=_TODO
        ) from error
    try:
        # PowerShell writes a byte order mark, and UTF-16 when output is redirected.
        encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        decoded = json.loads(content.decode(encoding))
    except UnicodeDecodeError as error:
        raise SourceError(
            f"the file is not text in UTF-8: byte {error.start} is not", where=str(file), todo=_TODO
        ) from error
    except json.JSONDecodeError as error:
        raise SourceError(
            f"the file is not JSON: {error.msg}", where=f"{file}:{error.lineno}:{error.colno}", todo=_TODO
        ) from error
    except RecursionError as error:
        raise SourceError("the file is nested too deeply to be rows", where=str(file), todo=_TODO) from error
    rows, where = _list_in(decoded, file)
    if _is_page(decoded, len(rows)):
        cut.append(
            f"{file.name} is only a page of the answer: `az graph query` gives the next with --skip-token."
        )
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            kind = type(row).__name__
            raise SourceError(
                f"element {number} of the list is {kind}, not a row", where=f"{where}[{number}]", todo=_TODO
            )
        yield row


def _is_page(decoded: Any, rows: int) -> bool:
    """Whether an answer says of itself that there are more rows: `az graph query` gives 100 unless told otherwise."""
    if not isinstance(decoded, dict):
        return False
    said = {str(key).lower().lstrip("$").replace("_", ""): value for key, value in decoded.items()}
    total = said.get("totalrecords")
    return bool(
        said.get("skiptoken")
        or said.get("nextlink")
        or str(said.get("resulttruncated")).lower() == "true"
        or (isinstance(total, int) and total > rows)
    )


def _list_in(decoded: Any, file: Path) -> tuple[list[Any], str]:
    if isinstance(decoded, list):
        return decoded, str(file)
    if isinstance(decoded, dict):
        for name in ("data", "value"):
            if isinstance(decoded.get(name), list):
                return decoded[name], f"{file}: {name}"
    raise SourceError(
        "the file holds no list of rows, neither by itself nor under data or value",
        where=str(file),
        todo=_TODO,
    )
