"""Azure ids: compared without case, taken apart, and never a reason to fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.facts import ids
from scanner.facts.schema import Level

SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"
GROUP = f"{SUBSCRIPTION}/resourceGroups/Web"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/data"
MANAGEMENT_GROUP = "/providers/Microsoft.Management/managementGroups/corp"


@pytest.mark.parametrize(
    ("resource_id", "level", "parent", "subscription"),
    [
        ("/", Level.TENANT, None, None),
        ("", Level.TENANT, None, None),
        (MANAGEMENT_GROUP, Level.MANAGEMENT_GROUP, None, None),
        (MANAGEMENT_GROUP.upper(), Level.MANAGEMENT_GROUP, None, None),
        (SUBSCRIPTION, Level.SUBSCRIPTION, None, SUBSCRIPTION),
        (f"{SUBSCRIPTION}/", Level.SUBSCRIPTION, None, SUBSCRIPTION),
        (GROUP, Level.RESOURCE_GROUP, SUBSCRIPTION, SUBSCRIPTION),
        (GROUP.lower(), Level.RESOURCE_GROUP, SUBSCRIPTION.lower(), SUBSCRIPTION.lower()),
        (ACCOUNT, Level.RESOURCE, GROUP, SUBSCRIPTION),
        (f"{ACCOUNT}/blobServices/default", Level.RESOURCE, ACCOUNT, SUBSCRIPTION),
        (
            f"{ACCOUNT}/blobServices/default/containers/c",
            Level.RESOURCE,
            f"{ACCOUNT}/blobServices/default",
            SUBSCRIPTION,
        ),
        (
            f"{ACCOUNT}/providers/Microsoft.Authorization/roleAssignments/g",
            Level.RESOURCE,
            ACCOUNT,
            SUBSCRIPTION,
        ),
        (
            f"{ACCOUNT}/PROVIDERS/Microsoft.ManagedIdentity/identities/default",
            Level.RESOURCE,
            ACCOUNT,
            SUBSCRIPTION,
        ),
        (
            f"{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/p",
            Level.RESOURCE,
            SUBSCRIPTION,
            SUBSCRIPTION,
        ),
        (
            f"{MANAGEMENT_GROUP}/providers/Microsoft.Authorization/roleAssignments/g",
            Level.RESOURCE,
            MANAGEMENT_GROUP,
            None,
        ),
        ("/providers/Microsoft.Authorization/roleAssignments/g", Level.RESOURCE, "/", None),
        ("22222222-2222-2222-2222-222222222222", Level.RESOURCE, "/", None),
        (f"{SUBSCRIPTION}/unheard/of", Level.RESOURCE, SUBSCRIPTION, SUBSCRIPTION),
    ],
)
def test_an_id_is_placed(
    resource_id: str, level: Level, parent: str | None, subscription: str | None
) -> None:
    assert ids.place(resource_id) == (level, parent, subscription)


def test_two_spellings_are_the_same() -> None:
    assert ids.same(f" {ACCOUNT.upper()}/ ") == ids.same(ACCOUNT)
    assert ids.same("///") == ids.same("") == ids.ROOT


def test_the_scope_of_an_extension_is_what_stands_before_it() -> None:
    assert ids.scope_of(f"{ACCOUNT}/Providers/Microsoft.Authorization/roleAssignments/g") == ACCOUNT
    assert ids.scope_of("/providers/Microsoft.Authorization/roleAssignments/g") == "/"
    assert ids.scope_of("no id at all") is None


def test_the_last_segment_is_in_lower_case() -> None:
    assert ids.last_segment("/providers/Microsoft.Authorization/RoleDefinitions/ABC/") == "abc"


@pytest.mark.parametrize(
    ("resource_id", "type_"),
    [
        (ACCOUNT, "microsoft.storage/storageaccounts"),
        (f"{ACCOUNT}/blobServices/default", "microsoft.storage/storageaccounts/blobservices"),
        (SUBSCRIPTION, "microsoft.resources/subscriptions"),
        (GROUP, "microsoft.resources/subscriptions/resourcegroups"),
        ("22222222-2222-2222-2222-222222222222", ""),
    ],
)
def test_an_id_names_its_type(resource_id: str, type_: str) -> None:
    assert ids.type_of(resource_id) == type_


PIECES = st.sampled_from(
    [
        "/",
        "//",
        "subscriptions",
        "resourceGroups",
        "providers",
        "/providers/",
        "İ",
        "ſ",
        "a",
        "\x00",
        " ",
        "..",
        "\x1b[31m",
    ]
)
ODD = st.one_of(
    st.text(), st.lists(PIECES, max_size=40).map("".join), st.lists(PIECES).map("/subscriptions/s/".join)
)


@given(ODD)
def test_an_odd_id_is_placed_below_something_shorter(resource_id: str) -> None:
    where = ids.place(resource_id)
    if where.parent not in (None, ids.ROOT):
        assert len(where.parent) < len(resource_id)
    ids.type_of(resource_id)
    ids.scope_of(resource_id)


@pytest.mark.parametrize("unit", ["/a/b", "/providers/a/b/c", "İ"])
def test_an_endless_id_lies_directly_in_its_subscription(unit: str) -> None:
    assert ids.place(f"{GROUP}/providers/x/y/z{unit * 3000}").subscription == SUBSCRIPTION
    depth, at = 0, f"{GROUP}/providers/x/y/z{unit * 3000}"
    while at is not None and depth < 100:
        depth, at = depth + 1, ids.place(at).parent
    assert depth < 70
