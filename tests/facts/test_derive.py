"""Scope ancestors, what roles give, reach and escalations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pytest

from scanner.facts.cases import (
    assigned,
    attached,
    custom_role,
    denied,
    identity,
    management_group,
    member,
    principal,
    resource,
    subscription,
)
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


# ---- reach


def reach(store: FactStore, named: Named, power: str) -> set[tuple[Any, ...]]:
    return {
        row[:3] for row in named(store, "reach", "identity", "scope", "level", "power") if row[3] == power
    }


def test_only_the_widest_scopes_are_kept(world: World, named: Named) -> None:
    store = world(
        subscription("other"),
        identity("app"),
        identity("job"),
        assigned("app", "Reader"),
        assigned("app", "Reader", at="resource_group:web"),
        assigned("app", "Contributor", at="resource_group:web"),
        assigned("app", "Contributor", at="resource_group:other/web"),
        assigned("job", "Reader", at="resource_group:web"),
    )
    assert reach(store, named, "read") == {
        ("app", "main", Level.SUBSCRIPTION),
        ("app", "web", Level.RESOURCE_GROUP),
        ("job", "web", Level.RESOURCE_GROUP),
    }
    assert reach(store, named, "manage_everything") == {("app", "web", Level.RESOURCE_GROUP)}


def test_reach_is_what_is_held_now_and_not_denied(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        principal("ci"),
        principal("team", "Group"),
        member("app", of="team"),
        assigned("app", "Owner", eligible=True),
        assigned("ci", "Owner"),
        assigned("team", "Managed Identity Operator"),
        assigned("app", "User Access Administrator", at="resource_group:web"),
        denied(None, actions=["Microsoft.Authorization/*"], at="resource_group:web"),
    )
    assert reach(store, named, "full_control") == set()
    assert reach(store, named, "grant_access") == set()
    assert reach(store, named, "assign_identity") == {("app", "main", Level.SUBSCRIPTION)}


# ---- escalations


def test_managed_identity_operator_takes_over_the_identities_of_its_group(world: World, named: Named) -> None:
    store = world(
        identity("low"),
        identity("high", group="prod"),
        identity("elsewhere", group="test"),
        assigned("low", "Managed Identity Operator", at="resource_group:prod"),
    )
    assert named(store, "escalations", "identity", "target_identity", "power", "scope") == {
        ("low", "high", "assign_identity", "prod")
    }


def test_power_over_one_identity_takes_over_that_one(world: World, named: Named) -> None:
    store = world(
        identity("low"),
        identity("high", group="prod"),
        identity("beside", group="prod"),
        custom_role(
            "federator",
            actions=["Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"],
        ),
        assigned("low", "federator", at="identity:high"),
    )
    assert named(store, "escalations", "identity", "target_identity", "power") == {
        ("low", "high", "federate_identity")
    }


def test_who_runs_code_on_a_machine_becomes_what_it_carries(world: World, named: Named) -> None:
    store = world(
        resource("vm", group="prod", system_assigned=True, user_assigned=True),
        resource("other", group="prod"),
        identity("low", group="dev"),
        identity("own", of="vm"),
        identity("shared", group="ids"),
        identity("unused", group="prod"),
        attached("shared", to="vm"),
        assigned("low", "Virtual Machine Contributor", at="resource_group:prod"),
    )
    assert named(store, "escalations", "identity", "target_identity", "power", "scope") == {
        ("low", "own", "run_code", "prod"),
        ("low", "shared", "run_code", "prod"),
    }


def test_so_it_is_from_the_machine_itself_and_from_far_above(world: World, named: Named) -> None:
    store = world(
        resource("vm"),
        identity("near"),
        identity("far"),
        identity("own", of="vm"),
        assigned("near", "Virtual Machine Contributor", at="resource:vm"),
        assigned("far", "Virtual Machine Contributor", at="management_group:corp"),
    )
    assert named(store, "escalations", "identity", "target_identity", "scope") == {
        ("near", "own", "vm"),
        ("far", "own", "corp"),
    }


def test_nobody_takes_over_themselves(world: World, named: Named) -> None:
    store = world(identity("app"), attached("app", to="vm"), assigned("app", "Contributor"))
    assert named(store, "escalations", "identity", "target_identity") == set()


# ---- all together


def test_an_empty_world_derives_to_empty_tables() -> None:
    frames = derive({})
    assert set(frames) == set(TABLES)
    for name, table in TABLES.items():
        assert dict(frames[name].collect_schema()) == polars_schema(table), name
        assert frames[name].collect().is_empty(), name


def test_derived_tables_that_are_given_are_computed_anew(world: World) -> None:
    store = world(identity("app"), assigned("app", "Reader"))
    frames = {name: store.frame(name) for name in TABLES}
    again = derive(frames | {"grants": frames["grants"].clear()})
    assert again["grants"].collect().equals(store.frame("grants").collect())
