"""Whose assignments can take an identity: what is enough, who is not to be accused, what is no reason for doubt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scanner.facts.cases import (
    CONDITION_ON_BLOBS,
    CONDITION_ON_GRANTING,
    Element,
    assigned,
    attached,
    custom_role,
    denied,
    identity,
    member,
    person,
    principal,
    refused,
    resource,
)
from scanner.facts.store import FactStore

World = Callable[..., FactStore]
Named = Callable[..., set[tuple[Any, ...]]]

IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
POLICY, CLUSTER = "Microsoft.Authorization/policyAssignments", "Microsoft.ContainerService/managedClusters"
VAULT, SITE = "Microsoft.RecoveryServices/vaults", "Microsoft.Web/sites"
HERE, ELSEWHERE = "resource_group:deploy", "resource_group:elsewhere"
DEPLOYER = identity("deployer", group="deploy")
OWNER = (DEPLOYER, assigned("deployer", "Owner"))
CI = principal("ci")
ON_SITE = (resource("site", SITE, user_assigned=True), attached("deployer", to="site"))


def taken(store: FactStore, named: Named) -> set[tuple[Any, ...]]:
    return named(store, "escalations", "assignment", "target_identity")


# ---- who hands out access


@pytest.mark.parametrize("role", ["User Access Administrator", "Role Based Access Control Administrator"])
@pytest.mark.parametrize("at", [HERE, "identity:deployer", "resource:site", "resource_group:app"])
def test_who_gives_anybody_access_where_an_identity_is_takes_it(
    role: str, at: str, world: World, named: Named
) -> None:
    store = world(*OWNER, *ON_SITE, CI, assigned("ci", role, at=at))
    assert taken(store, named) == {(f"ci {role}", "deployer")}


@pytest.mark.parametrize(
    ("condition", "at", "found"),
    [
        (CONDITION_ON_GRANTING, HERE, False),
        (CONDITION_ON_BLOBS, HERE, True),
        ("", HERE, True),
        (None, ELSEWHERE, False),
    ],
)
def test_a_condition_on_what_it_hands_out_counts(
    condition: str | None, at: str, found: bool, world: World, named: Named
) -> None:
    role = "User Access Administrator"
    store = world(*OWNER, CI, assigned("ci", role, at=at, condition=condition))
    assert taken(store, named) == ({(f"ci {role}", "deployer")} if found else set())


@pytest.mark.parametrize(
    ("denies", "left"),
    [
        (["Microsoft.Authorization/*"], {"Owner"}),
        ([f"{IDENTITIES}/*"], set()),
        (["*/write", "*/action"], set()),
        (["Microsoft.Compute/*"], {"Owner", "User Access Administrator"}),
    ],
)
def test_what_is_denied_is_denied_to_what_it_gives_itself_too(
    denies: list[str], left: set[str], world: World, named: Named
) -> None:
    roles = ("Owner", "User Access Administrator")
    store = world(
        *OWNER,
        CI,
        *(assigned("ci", role, at=HERE) for role in roles),
        denied(None, actions=denies, at=HERE),
    )
    assert taken(store, named) == {(f"ci {role}", "deployer") for role in left}


def test_a_condition_leaves_its_own_ways_and_what_is_denied_of_them(world: World, named: Named) -> None:
    role = custom_role(
        "both",
        actions=["Microsoft.Authorization/roleAssignments/write", "Microsoft.Web/sites/write"],
    )
    for denies, found in ((["Microsoft.Web/*"], False), (["Microsoft.Compute/*"], True)):
        store = world(
            *OWNER,
            *ON_SITE,
            CI,
            role,
            assigned("ci", "both", at="resource:site", condition=CONDITION_ON_GRANTING),
            denied("ci", actions=denies, at="resource:site"),
        )
        assert taken(store, named) == ({("ci both", "deployer")} if found else set())


# ---- who creates machines


WRITE, JOIN = "Microsoft.Compute/virtualMachines/write", "Microsoft.Network/networkInterfaces/join/action"
ASSIGN = f"{IDENTITIES}/assign/action"


@pytest.mark.parametrize(
    ("actions", "at", "found"),
    [
        ([WRITE, JOIN, ASSIGN], "subscription:main", True),
        ([WRITE, ASSIGN], "subscription:main", False),
        ([WRITE, JOIN], "subscription:main", False),
        # On one machine nothing is created, and nothing that is there runs other code.
        ([WRITE, JOIN], "resource:vm", False),
    ],
)
def test_a_machine_that_is_created_is_a_host_too(
    actions: list[str], at: str, found: bool, world: World, named: Named
) -> None:
    store = world(
        *OWNER,
        resource("vm", group="deploy", user_assigned=True),
        attached("deployer", to="vm"),
        CI,
        custom_role("builder", actions=actions),
        assigned("ci", "builder", at=at),
    )
    assert taken(store, named) == ({("ci builder", "deployer")} if found else set())


@pytest.mark.parametrize(("at", "found"), [(ELSEWHERE, True), ("resource:vm", False)])
def test_the_two_halves_may_be_two_assignments(at: str, found: bool, world: World, named: Named) -> None:
    store = world(
        *OWNER,
        CI,
        resource("vm"),
        custom_role("builder", actions=[WRITE, JOIN]),
        assigned("ci", "builder", at=at),
        assigned("ci", "Managed Identity Operator", at="identity:deployer"),
    )
    assert taken(store, named) == ({("ci Managed Identity Operator", "deployer")} if found else set())


# ---- who is nobody


@pytest.mark.parametrize(
    ("type_", "at"),
    [(POLICY, "subscription:main"), (VAULT, HERE), (CLUSTER, HERE)],
)
def test_no_path_starts_at_an_identity_that_only_azure_acts_as(
    type_: str, at: str, world: World, named: Named
) -> None:
    store = world(
        *OWNER, resource("it", type_, at=at), identity("own", of="it"), assigned("own", "Contributor")
    )
    assert taken(store, named) == set()


def test_but_a_path_leads_through_it(world: World, named: Named) -> None:
    store = world(
        *OWNER,
        resource("tags", POLICY, at="subscription:main"),
        identity("own", of="tags"),
        assigned("own", "Contributor"),
        CI,
        assigned("ci", "Resource Policy Contributor"),
    )
    assert taken(store, named) == {("ci Resource Policy Contributor", "own")}


def test_a_cluster_that_is_given_an_identity_is_no_reason_to_pass_over_it(world: World, named: Named) -> None:
    """A user-assigned one may act elsewhere too."""
    store = world(
        *OWNER,
        resource("aks", CLUSTER, user_assigned=True),
        identity("given"),
        attached("given", to="aks"),
        assigned("given", "Contributor", at=HERE),
    )
    assert taken(store, named) == {("given Contributor", "deployer")}


@pytest.mark.parametrize(("exists", "found"), [(False, False), (True, True), (None, True)])
def test_who_was_deleted_takes_nothing(exists: bool | None, found: bool, world: World, named: Named) -> None:
    store = world(*OWNER, principal("it", exists=exists), assigned("it", "Contributor"))
    assert taken(store, named) == ({("it Contributor", "deployer")} if found else set())


# ---- doubt


def doubted(store: FactStore, named: Named) -> set[tuple[Any, ...]]:
    return {row[:1] for row in named(store, "escalations", "assignment", "doubt") if row[1] is not None}


@pytest.mark.parametrize(
    ("owner", "doubt"),
    [
        ((principal("it", "Unknown", exists=None),), False),
        ((principal("it", "Group"), person("somebody"), member("somebody", of="it")), False),
        ((principal("it", "Group"), refused("memberships")), True),
    ],
    ids=["nobody knows who", "a group that was read", "a group that was not read"],
)
def test_only_a_group_that_was_not_read_may_hold_anybody(
    owner: tuple[Element, ...], doubt: bool, world: World, named: Named
) -> None:
    store = world(DEPLOYER, *owner, assigned("it", "Owner"), CI, assigned("ci", "Contributor", at=HERE))
    assert doubted(store, named) == ({("ci Contributor",)} if doubt else set())
    assert {row[0] for row in taken(store, named)} == ({"ci Contributor"} if doubt else set())
