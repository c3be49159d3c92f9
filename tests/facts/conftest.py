"""Small worlds, and their tables with names in place of keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scanner.facts.cases import Element, World
from scanner.facts.schema import is_key_column
from scanner.facts.store import FactStore

Named = Callable[..., set[tuple[Any, ...]]]


@pytest.fixture
def world() -> Callable[..., FactStore]:
    """Build the facts of a few elements."""

    def build(*elements: Element) -> FactStore:
        return World(elements).build()

    return build


@pytest.fixture
def named() -> Named:
    """Return some columns of a table as a set of rows, keys turned into the names of their entities."""

    def rows(store: FactStore, table: str, *columns: str) -> set[tuple[Any, ...]]:
        entities = store.frame("entities").select("entity", "name").collect()
        names: dict[int | None, str | None] = dict(entities.iter_rows())
        frame = store.frame(table).select(columns).collect()
        return {
            tuple(
                names.get(value) if is_key_column(column) else value
                for column, value in zip(columns, row, strict=True)
            )
            for row in frame.iter_rows()
        }

    return rows
