import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.catalog.identity_field import AssignedKinds, read_identity_type


@pytest.mark.parametrize(
    ("text", "system", "user"),
    [
        ("SystemAssigned", True, False),
        ("UserAssigned", False, True),
        ("SystemAssigned,UserAssigned", True, True),
        ("SystemAssigned, UserAssigned", True, True),
        ("UserAssigned, SystemAssigned", True, True),
        ("SystemAndUserAssigned", True, True),
        ("SystemAssignedUserAssigned", True, True),
        ("systemassigned , userassigned", True, True),
        ("System Assigned;User Assigned,", True, True),
        (" SYSTEMASSIGNED ", True, False),
        ("None", False, False),
        ("none", False, False),
        ("", False, False),
        ("  ", False, False),
        (None, False, False),
    ],
)
def test_every_spelling(text: str | None, system: bool, user: bool) -> None:
    assert read_identity_type(text) == AssignedKinds(system=system, user=user)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ActorIdentity", AssignedKinds(system=False, user=False, unknown="ActorIdentity")),
        (
            "SystemAssigned, ActorIdentity",
            AssignedKinds(system=True, user=False, unknown="SystemAssigned, ActorIdentity"),
        ),
        ("System", AssignedKinds(system=False, user=False, unknown="System")),
        ("NotSystemAssigned", AssignedKinds(system=False, user=False, unknown="NotSystemAssigned")),
        ("[parameters('kind')]", AssignedKinds(system=False, user=False, unknown="[parameters('kind')]")),
        (3, AssignedKinds(system=False, user=False, unknown="3")),
        (["SystemAssigned"], AssignedKinds(system=False, user=False, unknown="['SystemAssigned']")),
        ("x" * 10_000, AssignedKinds(system=False, user=False, unknown="x" * 100)),
    ],
)
def test_what_is_not_understood_is_said(value: object, expected: AssignedKinds) -> None:
    assert read_identity_type(value) == expected


@given(st.none() | st.integers() | st.text() | st.lists(st.text(max_size=3), max_size=2))
def test_nothing_makes_it_fail(value: object) -> None:
    kinds = read_identity_type(value)
    assert kinds.unknown or kinds == read_identity_type(str(value or ""))
