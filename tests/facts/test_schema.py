"""The tables' declarations: keys by name, sentences, and whose gaps are whose."""

from __future__ import annotations

import pytest

from scanner.facts.schema import (
    TABLES,
    VIEWS,
    Level,
    Table,
    collected_tables,
    flag,
    gap_tables,
    is_key_column,
    key,
    table_of,
)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_table_and_column_has_its_sentence(name: str) -> None:
    table = TABLES[name]
    assert (table.__doc__ or "").strip().endswith(".")
    assert all(column.sentence.endswith(".") for column in table.columns)
    assert table.row is None or table.row in [column.name for column in table.columns]


@pytest.mark.parametrize("name", sorted(TABLES))
def test_only_a_derived_table_rests_on_others(name: str) -> None:
    table = TABLES[name]
    assert bool(table.source_tables) == table.derived
    assert set(table.harmless_gaps) <= set(table.source_tables)
    assert all(not TABLES[source].derived for source in collected_tables(name))
    assert gap_tables(name) <= collected_tables(name)


def test_a_column_whose_name_ends_in_a_kind_is_a_key() -> None:
    assert is_key_column("wider_scope")
    assert not is_key_column("scopes")
    with pytest.raises(TypeError, match=r"broken\.role: exactly the columns"):

        class Broken(Table, name="broken"):
            """A table whose flag is called as a key is."""

            role = flag("A flag.")

    with pytest.raises(TypeError, match=r"broken\.thing: exactly the columns"):

        class Unnamed(Table, name="broken"):
            """A table whose key is not called as one."""

            thing = key("A key.")


def test_a_view_is_part_of_a_table() -> None:
    assert table_of("workload_assignments") is TABLES["assignments"]
    assert all(view.table in TABLES for view in VIEWS.values())
    with pytest.raises(KeyError, match="no_such_table"):
        table_of("no_such_table")


def test_a_smaller_level_is_wider() -> None:
    assert list(Level) == sorted(Level)
    assert Level.TENANT < Level.MANAGEMENT_GROUP < Level.SUBSCRIPTION < Level.RESOURCE_GROUP < Level.RESOURCE


def test_what_was_not_read_of_denials_and_groups_hides_nothing() -> None:
    assert collected_tables("denials") == {"deny_assignments", "memberships"}
    assert gap_tables("denials") == frozenset()
    assert gap_tables("grants") == {"assignments"}
    assert gap_tables("escalations") == {
        "assignments",
        "roles",
        "permissions",
        "identities",
        "attachments",
    }
    assert gap_tables("capabilities") == {"roles", "permissions"}
