"""The builder: keys, scopes above scopes, gaps made of silence, and rows that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scanner.facts.cases import (
    assigned,
    attached,
    custom_role,
    identity,
    member,
    principal,
    refused,
    resource,
)
from scanner.facts.schema import TABLES, VIEWS, Kind, Level
from scanner.facts.store import FactsBuilder, FactsError, FactStore, polars_schema

World = Callable[..., FactStore]
Named = Callable[..., set[tuple[Any, ...]]]

SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"
MACHINE = f"{SUBSCRIPTION}/resourceGroups/Web/providers/Microsoft.Compute/virtualMachines/VM1"
IDENTITY = f"{SUBSCRIPTION}/resourceGroups/id/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app"


def test_two_spellings_are_one_entity_shown_as_first_written() -> None:
    builder = FactsBuilder()
    key = builder.entity(Kind.RESOURCE, MACHINE)
    assert builder.entity(Kind.RESOURCE, f"{MACHINE.upper()}/") == key
    assert builder.id_of(key) == MACHINE
    assert builder.key_of(MACHINE.lower()) == key
    assert builder.key_of("/subscriptions/none") is None


def test_a_later_sight_adds_the_name_and_the_first_name_stays(named: Named) -> None:
    builder = FactsBuilder()
    builder.entity(Kind.PRINCIPAL, "22222222-2222-2222-2222-222222222222")
    builder.entity(
        Kind.PRINCIPAL, "22222222-2222-2222-2222-222222222222", name="deploy", type="ServicePrincipal"
    )
    builder.entity(Kind.PRINCIPAL, "22222222-2222-2222-2222-222222222222", name="other", type="User")
    row = builder.finish().frame("entities").collect().to_dicts()[0]
    assert (row["name"], row["type"]) == ("deploy", "ServicePrincipal")


def test_an_entity_lies_in_its_subscription_and_container(named: Named) -> None:
    builder = FactsBuilder()
    builder.entity(Kind.RESOURCE, MACHINE)
    store = builder.finish()
    assert ("VM1", "11111111-1111-1111-1111-111111111111", "Web") in named(
        store, "entities", "entity", "subscription", "parent"
    )
    assert named(store, "scopes", "scope", "level", "parent") == {
        ("Web", Level.RESOURCE_GROUP, "11111111-1111-1111-1111-111111111111"),
        ("11111111-1111-1111-1111-111111111111", Level.SUBSCRIPTION, None),
    }


def test_a_scope_that_is_an_identity_is_one(named: Named) -> None:
    builder = FactsBuilder()
    builder.scope(IDENTITY)
    builder.scope(MACHINE)
    assert {("app", "identity"), ("VM1", "resource")} <= named(builder.finish(), "entities", "entity", "kind")


def test_a_scope_cannot_be_its_own_parent_and_keeps_its_first_one(named: Named) -> None:
    builder = FactsBuilder()
    group = "/providers/Microsoft.Management/managementGroups/corp"
    builder.scope(group, name="corp", parent=group.upper())
    builder.scope("/", name="root")
    builder.scope(group, parent="/")
    builder.scope(group, parent=SUBSCRIPTION)
    assert ("corp", "root") in named(builder.finish(), "scopes", "scope", "parent")


def test_a_repeated_row_of_a_table_with_a_key_is_dropped() -> None:
    builder = FactsBuilder()
    key = builder.entity(Kind.ROLE, "/providers/Microsoft.Authorization/roleDefinitions/g")
    builder.add("roles", role=key, guid="g", custom=False, readable=True)
    builder.add("roles", role=key, guid="g", custom=True, readable=False)
    assert builder.has_row("roles", key)
    assert builder.rows("roles") == [{"role": key, "guid": "g", "custom": False, "readable": True}]


def test_rows_that_do_not_fit_name_table_and_column() -> None:
    builder = FactsBuilder()
    builder.add("roles", role=0, guid=None, custom=False, readable=True)
    with pytest.raises(FactsError, match=r"roles\.guid is empty in a row"):
        builder.finish()
    builder = FactsBuilder()
    builder.add("roles", role=0, guid="g", custom="no", readable=True)
    with pytest.raises(FactsError, match="a row of roles does not fit"):
        builder.finish()
    builder = FactsBuilder()
    builder.add("roles", role=-1, guid="g", custom=True, readable=True)
    with pytest.raises(FactsError, match="a row of roles does not fit"):
        builder.finish()
    builder = FactsBuilder()
    builder.add("tags", entity=0, tag="\ud800", value="half a character")
    with pytest.raises(FactsError, match="a row of tags does not fit"):
        builder.finish()


@pytest.mark.parametrize("table", ["grants", "entities", "no_such_table"])
def test_rows_are_added_to_collected_tables_only(table: str) -> None:
    with pytest.raises(FactsError, match=f"no rows can be added to '{table}'"):
        FactsBuilder().add(table, entity=0)


def test_a_gap_needs_a_table_and_a_known_reason() -> None:
    with pytest.raises(FactsError, match="'forgotten'"):
        FactsBuilder().gap("roles", "/", "forgotten", "")
    with pytest.raises(FactsError, match="'no_such_table'"):
        FactsBuilder().gap("no_such_table", "/", "refused", "")
    with pytest.raises(FactsError, match="no_such_table"):
        FactsBuilder().covered("no_such_table")


def test_silence_becomes_a_gap_and_emptiness_does_not() -> None:
    builder = FactsBuilder()
    builder.covered("assignments")
    builder.gap("roles", SUBSCRIPTION.upper(), "refused", "Not allowed.")
    builder.add("tags", entity=builder.entity(Kind.RESOURCE, MACHINE), tag="a", value="b")
    gaps = {(gap["table"], gap["scope_id"], gap["reason"]) for gap in builder.finish().gaps()}
    assert ("roles", SUBSCRIPTION, "refused") in gaps
    assert ("identities", "/", "skipped") in gaps
    spoken = {"assignments", "tags", "places", "scopes", "gaps"}
    assert not [gap for gap in gaps if gap[0] in spoken]


def test_an_attachment_says_whether_its_identity_is_there(named: Named) -> None:
    def found(*, covered: str | None, gap: str | None = None, exists: bool = False) -> set[tuple[Any, ...]]:
        builder = FactsBuilder()
        key = builder.entity(Kind.IDENTITY, IDENTITY)
        builder.add(
            "attachments", identity=key, resource=builder.entity(Kind.RESOURCE, MACHINE), property="identity"
        )
        if exists:
            builder.add("identities", identity=key, user_assigned=True)
        if covered is not None:
            builder.covered("identities", covered)
        if gap is not None:
            builder.gap("identities", gap, "refused", "Not allowed.")
        return named(builder.finish(), "attachments", "identity", "found")

    assert found(covered="/", exists=True) == {("app", True)}
    assert found(covered="/") == {("app", False)}
    assert found(covered=SUBSCRIPTION) == {("app", False)}
    assert found(covered="/subscriptions/22222222-2222-2222-2222-222222222222") == {("app", None)}
    assert found(covered=None) == {("app", None)}
    assert found(covered="/", gap=SUBSCRIPTION) == {("app", None)}
    assert found(covered="/", gap="/") == {("app", None)}


def test_hostile_texts_are_kept_as_they_are(named: Named) -> None:
    odd = '<script>alert("1")</script>\n\x1b[31m\u202e' + "x" * 10_000
    builder = FactsBuilder()
    builder.entity(Kind.RESOURCE, f"{SUBSCRIPTION}/resourceGroups/r/providers/a/b/{odd}", name=odd, type=odd)
    builder.scope(f"{SUBSCRIPTION}{'/x/y' * 5_000}")
    assert (odd, odd.lower()) in named(builder.finish(), "entities", "entity", "type")


def test_every_table_and_view_opens_with_its_columns(world: World) -> None:
    store = world()
    for name, table in TABLES.items():
        assert dict(store.frame(name).collect_schema()) == polars_schema(table), name
    for view in VIEWS.values():
        schema = polars_schema(TABLES[view.table])
        found = dict(store.frame(view.name).collect_schema())
        # What a view adds for rules to tell of.
        added = {"reason", "opened"}
        assert {name: kind for name, kind in found.items() if name not in added} == schema, view.name
    with pytest.raises(KeyError, match="no_such_table"):
        store.frame("no_such_table")


def test_the_views_hold_their_part(world: World, named: Named) -> None:
    store = world(
        resource("vm", system_assigned=True),
        identity("own", of="vm"),
        identity("app"),
        principal("team", "Group"),
        principal("readers", "Group"),
        principal("far", managed=True),
        principal("gone", managed=True),
        principal("ci"),
        principal("people", "Group"),
        member("gone", of="readers"),
        attached("app", to="vm"),
        custom_role("odd", readable=False),
        custom_role("fine", actions=["*/read"]),
        assigned("app", "odd"),
        assigned("app", "fine"),
        assigned("app", "Reader", eligible=True),
        assigned("team", "fine"),
        assigned("readers", "fine"),
        assigned("far", "fine"),
        assigned("ci", "fine"),
        assigned("people", "fine"),
        refused("memberships", at="group:team"),
    )
    assert named(store, "user_assigned_identities", "identity") == {("app",)}
    assert named(store, "system_assigned_identities", "identity") == {("own",)}
    assert named(store, "custom_roles", "role") == {("odd",), ("fine",)}
    assert named(store, "workload_assignments", "principal", "role", "workload") == {
        ("app", "odd", True),
        ("app", "fine", True),
        ("team", "fine", None),
        ("readers", "fine", True),
        ("far", "fine", True),
        ("ci", "fine", True),
    }
    assert named(store, "assignments_of_unreadable_roles", "principal", "role") == {("app", "odd")}
    assert named(store, "assignments_of_unread_groups", "principal") == {("team",)}
    assert named(store, "assignments_of_unseen_identities", "principal") == {
        ("team",),
        ("readers",),
        ("far",),
    }


def test_who_was_not_looked_up_may_be_an_identity_that_was_not_read(world: World, named: Named) -> None:
    elements = (
        identity("app"),
        principal("asked"),
        principal("not asked", exists=None),
        assigned("app", "Reader"),
        assigned("asked", "Reader"),
        assigned("not asked", "Reader"),
    )
    view = "assignments_of_unseen_identities"
    assert named(world(*elements), view, "principal") == set()
    unread = world(*elements, refused("identities", at="subscription:other"))
    assert named(unread, view, "principal") == {("not asked",)}
