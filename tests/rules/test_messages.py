"""What a finding says, where the wording depends on what was found."""

from __future__ import annotations

import pytest

from scanner.engine.describe import entities_of, findings
from scanner.engine.evaluate import judge
from scanner.engine.registry import load_rules
from scanner.facts.cases import (
    CONDITION_ON_GRANTING,
    Element,
    World,
    assigned,
    custom_role,
    identity,
    principal,
)

RULES = {rule.meta.id: rule for rule in load_rules()}
AUTHORIZATION = "Microsoft.Authorization"


def said(code: str, *elements: Element) -> set[str]:
    store = World(elements).build()
    judgement = judge(store, [RULES[code]])
    return {finding.message for finding in findings(judgement, entities_of(store, judgement))}


PLACES = {
    "tenant": ("tenant root", "tenant root"),
    "management_group:corp": ("corp", "management group"),
    "subscription:main": ("main", "subscription"),
    "resource_group:web": ("web", "resource group"),
    "identity:app": ("app", "resource"),
}


@pytest.mark.parametrize(
    ("code", "role", "widest", "message"),
    [
        ("MI201", "Owner", 3, "app has full control of {0} (Owner at {1} scope)"),
        ("MI202", "Contributor", 3, "app can manage everything in {0} (Contributor at {1} scope)"),
        (
            "MI203",
            "User Access Administrator",
            5,
            "app can give anybody access to {0}, itself included (User Access Administrator at {1} scope)",
        ),
        (
            "MI204",
            "Storage Account Key Operator Service Role",
            2,
            "app can read credentials in all of {0} (Storage Account Key Operator Service Role at {1} scope allows "
            "Microsoft.Storage/storageAccounts/listkeys/action)",
        ),
        (
            "MI204",
            "Log Analytics Contributor",
            2,
            "app can run code in all of {0} (Log Analytics Contributor at {1} scope allows "
            "Microsoft.Compute/virtualMachines/extensions/*)",
        ),
        (
            "MI205",
            "Storage Blob Data Reader",
            3,
            "app reaches the data of services in all of {0} (Storage Blob Data Reader at {1} scope)",
        ),
    ],
)
def test_a_message_names_the_place_at_every_level(code: str, role: str, widest: int, message: str) -> None:
    for number, (at, (name, level)) in enumerate(PLACES.items()):
        expected = {message.format(name, level)} if number < widest else set()
        assert said(code, identity("app"), assigned("app", role, at=at)) == expected


@pytest.mark.parametrize("at", PLACES)
def test_what_is_left_of_a_deleted_principal_names_the_place(at: str) -> None:
    name, level = PLACES[at]
    gone = principal("gone", exists=False)
    assert said("MI104", identity("app"), gone, assigned("gone", "Reader", at=at)) == {
        f"gone no longer exists, but its access to {name} remains (Reader at {level} scope)"
    }


def test_an_owner_of_a_resource_group_is_not_told_that_it_could_become_one() -> None:
    assert said("MI203", identity("app"), assigned("app", "Owner", at="resource_group:web")) == {
        "app can give anybody access to web, itself included (Owner at resource group scope)"
    }


@pytest.mark.parametrize(
    ("actions", "not_actions", "granting"),
    [
        (["*"], [], "* lets them write role assignments"),
        (["*"], [f"{AUTHORIZATION}/roleAssignments/write"], "* lets them write role definitions"),
        (
            ["*"],
            [f"{AUTHORIZATION}/roleAssignments/*", f"{AUTHORIZATION}/roleDefinitions/*"],
            "* lets them write requests for privileged access",
        ),
        (
            [f"{AUTHORIZATION}/roleDefinitions/write", f"{AUTHORIZATION}/roleAssignments/write"],
            [],
            f"{AUTHORIZATION}/roleAssignments/write lets them write role assignments",
        ),
    ],
)
def test_a_custom_role_says_what_it_really_lets_its_holder_write(
    actions: list[str], not_actions: list[str], granting: str
) -> None:
    role = custom_role("helper", actions=actions, not_actions=not_actions)
    assert said("MI207", role) == {f"whoever holds the custom role helper can hand out access: {granting}"}


def test_a_condition_on_role_assignments_leaves_the_role_definitions_to_be_named() -> None:
    role = custom_role(
        "helper",
        actions=[f"{AUTHORIZATION}/roleAssignments/write"],
        condition=CONDITION_ON_GRANTING,
        second={"actions": [f"{AUTHORIZATION}/roleDefinitions/write"]},
    )
    assert said("MI207", role) == {
        "whoever holds the custom role helper can hand out access: "
        f"{AUTHORIZATION}/roleDefinitions/write lets them write role definitions"
    }
