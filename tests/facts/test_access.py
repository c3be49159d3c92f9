"""Who holds what: workloads behind assignments, grants, denials and the limits that conditions set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scanner.catalog.roles import role_by_name
from scanner.facts.access import restricted_powers
from scanner.facts.cases import (
    Element,
    assigned,
    custom_role,
    denied,
    identity,
    management_group,
    member,
    person,
    principal,
    refused,
    resource,
    subscription,
)
from scanner.facts.schema import Kind, Level
from scanner.facts.store import FactsBuilder, FactStore

World = Callable[..., FactStore]
Named = Callable[..., set[tuple[Any, ...]]]

GRANTING = (
    "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR "
    "(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] "
    "ForAnyOfAnyValues:GuidEquals {7f951dda-4ed3-4680-a7ca-43fe172d538d}))"
)
BLOBS = (
    "((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'})) OR "
    "(@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'public'))"
)


# ---- workloads and grants


def test_a_direct_assignment_is_one_grant(world: World, named: Named) -> None:
    store = world(identity("app"), person("admin"), assigned("app", "Reader"), assigned("admin", "Owner"))
    assert named(store, "grants", "holder", "identity", "role", "scope", "level", "group", "workload") == {
        ("app", "app", "Reader", "main", Level.SUBSCRIPTION, None, True),
        ("admin", None, "Owner", "main", Level.SUBSCRIPTION, None, False),
    }


def test_a_group_and_each_known_member_have_a_grant(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        principal("ci"),
        person("admin"),
        principal("team", "Group"),
        member("app", of="team"),
        member("ci", of="team"),
        member("admin", of="team"),
        assigned("team", "Reader", at="resource_group:web", eligible=True, condition=BLOBS),
    )
    assert named(store, "grants", "holder", "identity", "group", "workload", "eligible", "conditioned") == {
        ("team", None, None, False, True, True),
        ("app", "app", "team", True, True, True),
        ("ci", None, "team", True, True, True),
        ("admin", None, "team", False, True, True),
    }
    assert named(store, "assignments", "principal", "workload") == {("team", True)}


def test_a_blank_condition_is_none(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        assigned("app", "Reader", condition="  "),
        assigned("app", "Owner", condition=None),
    )
    assert named(store, "grants", "role", "conditioned") == {("Reader", False), ("Owner", False)}
    assert named(store, "limits", "power") == set()


def test_a_group_of_people_is_no_workload(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        person("admin"),
        principal("team", "Group"),
        member("admin", of="team"),
        assigned("team", "Reader"),
    )
    assert named(store, "assignments", "principal", "workload") == {("team", False)}


def test_an_unread_group_may_hold_workloads(world: World, named: Named) -> None:
    elements: tuple[Element, ...] = (
        identity("app"),
        person("admin"),
        principal("team", "Group"),
        principal("known", "Group"),
        member("app", of="known"),
        assigned("team", "Reader"),
        assigned("known", "Reader"),
        assigned("admin", "Reader"),
    )
    one = world(*elements, refused("memberships", at="group:team"))
    assert named(one, "assignments", "principal", "workload") == {
        ("team", None),
        ("known", True),
        ("admin", False),
    }
    assert named(one, "grants", "holder", "workload") == {
        ("team", None),
        ("known", False),
        ("app", True),
        ("admin", False),
    }
    everything = world(*elements, refused("memberships"))
    assert named(everything, "grants", "holder", "workload") == {
        ("team", None),
        ("known", None),
        ("app", True),
        ("admin", False),
    }


def test_a_gap_in_another_table_leaves_groups_as_they_are(world: World, named: Named) -> None:
    store = world(principal("team", "Group"), assigned("team", "Reader"), refused("tags"))
    assert named(store, "grants", "holder", "workload") == {("team", False)}


def test_a_principal_of_unknown_kind_may_be_a_workload(world: World, named: Named) -> None:
    store = world(principal("somebody", "Unknown"), assigned("somebody", "Reader"))
    assert named(store, "grants", "holder", "workload") == {("somebody", None)}


def _untyped_identity() -> FactsBuilder:
    builder = FactsBuilder()
    principal_key = builder.entity(Kind.PRINCIPAL, "22222222-2222-2222-2222-222222222222", name="oid")
    builder.add("principals", principal=principal_key, type="Unknown", exists=None, managed=False)
    identity_key = builder.entity(
        Kind.IDENTITY,
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app",
    )
    builder.add("identities", identity=identity_key, user_assigned=True, principal=principal_key)
    return builder


def test_a_principal_of_unknown_kind_that_is_an_identitys_is_a_workload(named: Named) -> None:
    builder = _untyped_identity()
    builder.add(
        "assignments",
        assignment=builder.entity(Kind.ASSIGNMENT, "/providers/Microsoft.Authorization/roleAssignments/g"),
        principal=builder.key_of("22222222-2222-2222-2222-222222222222"),
        role=builder.entity(Kind.ROLE, "/providers/Microsoft.Authorization/roleDefinitions/r"),
        scope=builder.scope("/"),
        level=0,
        eligible=False,
        workload=False,
    )
    assert named(builder.finish(), "grants", "holder", "identity", "workload") == {("oid", "app", True)}


def test_a_member_of_unknown_kind_that_is_an_identitys_is_a_workload(named: Named) -> None:
    builder = _untyped_identity()
    group = builder.entity(Kind.PRINCIPAL, "33333333-3333-3333-3333-333333333333", name="team")
    stranger = builder.entity(Kind.PRINCIPAL, "44444444-4444-4444-4444-444444444444", name="stranger")
    builder.add("principals", principal=group, type="Group", exists=True, managed=False)
    for member_key in (builder.key_of("22222222-2222-2222-2222-222222222222"), stranger, stranger):
        builder.add("memberships", principal=member_key, group=group)
    builder.add(
        "assignments",
        assignment=builder.entity(Kind.ASSIGNMENT, "/providers/Microsoft.Authorization/roleAssignments/g"),
        principal=group,
        role=builder.entity(Kind.ROLE, "/providers/Microsoft.Authorization/roleDefinitions/r"),
        scope=builder.scope("/"),
        level=0,
        eligible=False,
        workload=False,
    )
    store = builder.finish()
    assert named(store, "grants", "holder", "identity", "workload") == {
        ("team", None, False),
        ("oid", "app", True),
        ("stranger", None, False),
    }
    assert len(store.frame("grants").collect()) == 3


# ---- denials


def powers(store: FactStore, named: Named) -> dict[str, set[str]]:
    """The denied powers by assignment."""
    found: dict[str, set[str]] = {}
    for assignment, power in named(store, "denials", "assignment", "power"):
        found.setdefault(assignment, set()).add(power)
    return found


def test_everybody_is_denied_at_the_scope_and_below(world: World, named: Named) -> None:
    store = world(
        subscription("other"),
        identity("app"),
        assigned("app", "Owner", as_="above", at="management_group:corp"),
        assigned("app", "Owner", as_="at"),
        assigned("app", "Owner", as_="below", at="resource_group:web"),
        assigned("app", "Owner", as_="beside", at="subscription:other"),
        denied(None, actions=["*"]),
    )
    assert powers(store, named).keys() == {"at", "below"}
    assert "full_control" in powers(store, named)["below"]
    assert {row[0] for row in named(store, "denials", "denial")} == {"deny everybody"}


def test_a_denial_that_does_not_go_down_holds_at_its_scope_only(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        assigned("app", "Owner", as_="at"),
        assigned("app", "Owner", as_="below", at="resource_group:web"),
        denied(None, actions=["*"], below=False),
    )
    assert powers(store, named).keys() == {"at"}


def test_somebody_is_denied_and_others_are_not(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        identity("job"),
        assigned("app", "Owner", as_="app's"),
        assigned("job", "Owner", as_="job's"),
        denied("app", actions=["*"]),
    )
    assert powers(store, named).keys() == {"app's"}


def test_the_spared_are_not_denied(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        identity("job"),
        assigned("app", "Owner", as_="app's"),
        assigned("job", "Owner", as_="job's"),
        denied(None, actions=["*"], spares=["app"]),
    )
    assert powers(store, named).keys() == {"job's"}


def test_a_member_of_a_spared_group_is_spared(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        identity("job"),
        principal("team", "Group"),
        member("app", of="team"),
        assigned("app", "Owner", as_="app's"),
        assigned("team", "Owner", as_="team's"),
        assigned("job", "Owner", as_="job's"),
        denied(None, actions=["*"], spares=["team"]),
    )
    assert powers(store, named).keys() == {"job's"}


def test_a_group_with_a_spared_member_keeps_its_assignment(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        identity("job"),
        principal("team", "Group"),
        member("app", of="team"),
        member("job", of="team"),
        assigned("team", "Owner", as_="team's"),
        assigned("job", "Owner", as_="job's"),
        denied(None, actions=["*"], spares=["app"]),
    )
    assert powers(store, named).keys() == {"job's"}


def test_a_member_of_a_denied_group_is_denied(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        identity("job"),
        principal("team", "Group"),
        member("app", of="team"),
        member("job", of="team"),
        assigned("app", "Owner", as_="app's"),
        assigned("job", "Owner", as_="job's"),
        denied("team", actions=["*"], spares=["job"]),
    )
    assert powers(store, named).keys() == {"app's"}


def test_a_group_with_a_denied_member_keeps_its_assignment(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        identity("job"),
        principal("team", "Group"),
        member("app", of="team"),
        member("job", of="team"),
        assigned("team", "Owner", as_="team's"),
        denied("app", actions=["*"]),
    )
    assert powers(store, named) == {}


def test_a_denial_that_spares_an_unread_group_is_not_relied_on(world: World, named: Named) -> None:
    elements: tuple[Element, ...] = (
        identity("app"),
        principal("team", "Group"),
        assigned("app", "Owner", as_="app's"),
        denied(None, actions=["*"], spares=["team"]),
    )
    assert powers(world(*elements), named).keys() == {"app's"}
    assert powers(world(*elements, refused("memberships", at="group:team")), named) == {}


def test_only_powers_that_are_taken_altogether_are_lost(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        custom_role("data", data_actions=["Microsoft.Storage/*"]),
        assigned("app", "Owner"),
        assigned("app", "data"),
        assigned("app", "Reader"),
        denied("app", actions=["Microsoft.ManagedIdentity/*", "Microsoft.Compute/virtualMachines/write"]),
        denied("app", data_actions=["Microsoft.Storage/*"]),
    )
    lost = powers(store, named)
    assert lost["app Owner"] == {"assign_identity", "federate_identity"}
    assert "data_access" in lost["app data"]
    assert "app Reader" not in lost


def test_two_denials_of_one_assignment_are_two_rows(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        assigned("app", "Managed Identity Operator"),
        denied("app", actions=["Microsoft.ManagedIdentity/*"]),
        denied(None, actions=["*/action"], at="management_group:corp"),
    )
    assert {
        ("deny app", "assign_identity"),
        ("deny everybody", "assign_identity"),
    } <= named(store, "denials", "denial", "power")
    assert store.frame("denials").collect().is_duplicated().any() is False


# ---- limits


def test_a_condition_limits_the_powers_it_speaks_of(world: World, named: Named) -> None:
    store = world(
        identity("app"),
        assigned("app", "User Access Administrator", condition=GRANTING),
        assigned("app", "Storage Blob Data Reader", condition=BLOBS),
        assigned("app", "Reader", condition=GRANTING),
        assigned("app", "Owner"),
    )
    assert named(store, "limits", "assignment", "power") == {
        ("app User Access Administrator", "grant_access"),
        ("app User Access Administrator", "write_role_assignments"),
        ("app Storage Blob Data Reader", "data_access"),
    }


@pytest.mark.parametrize(
    ("role", "condition", "limited", "free"),
    [
        ("Owner", GRANTING, {"write_role_assignments"}, {"manage_everything", "define_roles"}),
        ("Owner", BLOBS, set(), {"full_control"}),
        (
            "Role Based Access Control Administrator",
            GRANTING,
            {"grant_access", "write_role_assignments"},
            {"read"},
        ),
        # A condition that nobody can read limits everything: it is one.
        ("Managed Identity Operator", "(((", {"assign_identity", "change"}, set()),
        # The role's own condition has limited it already.
        ("Key Vault Data Access Administrator", GRANTING, set(), {"write_role_assignments"}),
    ],
)
def test_a_condition_is_judged_operation_by_operation(
    role: str, condition: str, limited: set[str], free: set[str]
) -> None:
    found = role_by_name(role)
    assert found is not None
    restricted = restricted_powers(found.permissions, condition)
    assert limited <= restricted
    assert not free & restricted


def test_a_role_that_was_not_read_has_nothing_to_limit() -> None:
    assert restricted_powers((), GRANTING) == frozenset()


def test_access_above_subscriptions_and_on_resources_keeps_its_level(world: World, named: Named) -> None:
    store = world(
        management_group("sandbox"),
        resource("vm"),
        identity("app"),
        assigned("app", "Reader", at="tenant"),
        assigned("app", "AcrPull", at="management_group:sandbox"),
        assigned("app", "Owner", at="resource:vm"),
    )
    assert named(store, "grants", "role", "scope", "level") == {
        ("Reader", "tenant root", Level.TENANT),
        ("AcrPull", "sandbox", Level.MANAGEMENT_GROUP),
        ("Owner", "vm", Level.RESOURCE),
    }


# ---- access


def access_by(store: FactStore, power: str) -> list[dict[str, Any]]:
    import polars as pl

    names = store.frame("entities").select(assignment="entity", called="name")
    found = store.frame("access").filter(pl.col("power") == power).join(names, on="assignment")
    return found.select("called", "conditioned", "workload", "doubt").sort("called").collect().to_dicts()


def test_access_is_a_grant_with_a_power_that_nothing_takes_away(world: World) -> None:
    store = world(
        identity("app"),
        identity("job"),
        person("somebody"),
        assigned("app", "Owner"),
        assigned("job", "Owner", condition=GRANTING),
        assigned("somebody", "Owner"),
        assigned("job", "Contributor"),
        identity("later"),
        assigned("later", "Owner", eligible=True),
    )
    assert access_by(store, "full_control") == [
        {"called": "app Owner", "conditioned": False, "workload": True, "doubt": None},
        {"called": "job Owner", "conditioned": True, "workload": True, "doubt": None},
        {"called": "somebody Owner", "conditioned": False, "workload": False, "doubt": None},
    ]
    assert "job Contributor" in [row["called"] for row in access_by(store, "manage_everything")]


def test_a_denied_power_is_no_access(world: World) -> None:
    store = world(
        identity("app"),
        assigned("app", "Owner"),
        denied("app", actions=["Microsoft.Authorization/*"]),
    )
    assert access_by(store, "full_control") == []
    assert [row["called"] for row in access_by(store, "manage_everything")] == ["app Owner"]


def test_access_says_what_is_not_known_of_workloads_only(world: World) -> None:
    odd = custom_role("odd", actions=["*"], readable=False)
    store = world(
        identity("app"),
        person("somebody"),
        principal("team", "Group"),
        odd,
        assigned("app", "odd"),
        assigned("somebody", "odd"),
        assigned("team", "Owner"),
        refused("memberships"),
    )
    doubts = {row["called"]: row["doubt"] for row in access_by(store, "not_understood")}
    assert doubts == {
        "app odd": "the permissions of its role were not read or not understood",
        "somebody odd": None,
    }
    (row,) = access_by(store, "full_control")
    assert (
        row["doubt"]
        == "its holder is a group whose members were not read, or a principal whose kind is not known"
    )
