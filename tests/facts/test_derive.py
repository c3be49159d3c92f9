"""Scope ancestors and what roles give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pytest

from scanner.facts.cases import assigned, custom_role, identity, management_group, subscription
from scanner.facts.derive import DEEPEST, derive, scope_ancestors
from scanner.facts.schema import TABLES, Kind, Level
from scanner.facts.store import FactsBuilder, FactStore, polars_schema

World = Callable[..., FactStore]
Named = Callable[..., set[tuple[Any, ...]]]
Scope = tuple[int, int | None]


# ---- scope ancestors


def ancestors(scopes: Sequence[Scope]) -> set[tuple[int, int, int]]:
    schema = {
        name: kind for name, kind in polars_schema(TABLES["scopes"]).items() if name in ("scope", "parent")
    }
    found = scope_ancestors(pl.LazyFrame(scopes, schema=schema, orient="row")).collect()
    assert not found.select("scope", "ancestor").is_duplicated().any()
    return set(found.iter_rows())


def test_every_scope_has_itself_and_all_above() -> None:
    assert ancestors([(0, None), (1, 0), (2, 1)]) == {
        (0, 0, 0),
        (1, 1, 0),
        (1, 0, 1),
        (2, 2, 0),
        (2, 1, 1),
        (2, 0, 2),
    }


def test_a_parent_that_was_not_seen_is_still_above() -> None:
    assert ancestors([(1, 9)]) == {(1, 1, 0), (1, 9, 1)}


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ([(1, 1)], {(1, 1, 0)}),
        ([(1, 2), (2, 1)], {(1, 1, 0), (1, 2, 1), (2, 2, 0), (2, 1, 1)}),
        (
            [(1, 2), (2, 1), (3, 1)],
            {(1, 1, 0), (1, 2, 1), (2, 2, 0), (2, 1, 1), (3, 3, 0), (3, 1, 1), (3, 2, 2)},
        ),
    ],
)
def test_a_cycle_of_parents_ends(scopes: Sequence[Scope], expected: set[tuple[int, int, int]]) -> None:
    assert ancestors(scopes) == expected


def test_the_deepest_chain_is_followed_whole() -> None:
    chain: list[Scope] = [(0, None), *((number, number - 1) for number in range(1, DEEPEST))]
    assert (DEEPEST - 1, 0, DEEPEST - 1) in ancestors(chain)


def test_a_world_has_management_groups_above_subscriptions(world: World, named: Named) -> None:
    store = world(
        management_group("inner", under="management_group:corp"),
        subscription("own", under="management_group:inner"),
    )
    assert {
        (ancestor, distance)
        for scope, ancestor, distance in named(store, "scope_ancestors", "scope", "ancestor", "distance")
        if scope == "own"
    } == {("own", 0), ("inner", 1), ("corp", 2), ("tenant root", 3)}


# ---- capabilities


def test_a_role_has_the_powers_of_all_its_entries(world: World, named: Named) -> None:
    store = world(
        custom_role(
            "split",
            actions=["*/read"],
            condition="@Resource[a] StringEquals 'b'",
            second={
                "actions": ["Microsoft.Authorization/roleAssignments/write"],
                "data_actions": ["Microsoft.KeyVault/vaults/secrets/getSecret/action"],
            },
        )
    )
    assert {
        ("split", "read", "*/read", True, False),
        ("split", "grant_access", "Microsoft.Authorization/roleAssignments/write", False, False),
        ("split", "data_access", "Microsoft.KeyVault/vaults/secrets/getSecret/action", False, True),
    } <= named(store, "capabilities", "role", "power", "pattern", "conditioned", "data")


def test_a_role_without_any_pattern_gives_nothing(world: World, named: Named) -> None:
    assert named(world(custom_role("nothing")), "capabilities", "role") == set()


def test_an_unread_role_is_not_understood_rather_than_harmless(world: World, named: Named) -> None:
    store = world(
        identity("app"), custom_role("odd", actions=["*/read"], readable=False), assigned("app", "odd")
    )
    assert named(store, "capabilities", "role", "power", "pattern") == {("odd", "not_understood", "")}


def test_so_is_a_role_that_is_assigned_and_was_never_seen(named: Named) -> None:
    builder = FactsBuilder()
    builder.add(
        "assignments",
        assignment=builder.entity(Kind.ASSIGNMENT, "/providers/Microsoft.Authorization/roleAssignments/g"),
        principal=builder.entity(Kind.PRINCIPAL, "22222222-2222-2222-2222-222222222222"),
        role=builder.entity(Kind.ROLE, "/providers/Microsoft.Authorization/roleDefinitions/r", name="unseen"),
        scope=builder.scope("/"),
        level=int(Level.TENANT),
        eligible=False,
        workload=True,
    )
    assert named(builder.finish(), "capabilities", "role", "power") == {("unseen", "not_understood")}


# ---- all together


def test_an_empty_world_derives_to_empty_tables() -> None:
    frames = derive({})
    planned = {name: table for name, table in TABLES.items() if not table.searched}
    assert set(frames) == set(planned)
    for name, table in planned.items():
        assert dict(frames[name].collect_schema()) == polars_schema(table), name
        assert frames[name].collect().is_empty(), name


def test_derived_tables_that_are_given_are_computed_anew(world: World) -> None:
    store = world(identity("app"), assigned("app", "Reader"))
    frames = {name: store.frame(name) for name in TABLES}
    again = derive(frames | {"grants": frames["grants"].clear()})
    assert again["grants"].collect().equals(store.frame("grants").collect())
