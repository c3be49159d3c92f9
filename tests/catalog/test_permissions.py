import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.catalog.permissions import PermissionEntry, read_permissions


def test_the_shape_azure_prints() -> None:
    raw = [
        {
            "actions": ["*"],
            "notActions": ["a/b"],
            "dataActions": ["c"],
            "notDataActions": ["d"],
            "condition": "x",
            "conditionVersion": "2.0",
        }
    ]
    assert read_permissions(raw) == (PermissionEntry(("*",), ("a/b",), ("c",), ("d",), "x"),)


def test_keys_are_compared_without_case() -> None:
    raw = [{"Actions": ["*"], "NOTACTIONS": ["a"], "DataActions": ["b"]}]
    assert read_permissions(raw) == (PermissionEntry(("*",), ("a",), ("b",)),)


@pytest.mark.parametrize("blank", [None, "", "  \n"])
def test_a_blank_condition_is_none(blank: str | None) -> None:
    assert read_permissions([{"actions": ["*"], "condition": blank}])[0].condition is None


def test_nulls_and_blanks_are_empty_and_no_problem() -> None:
    raw = [{"actions": ["  */read  ", "", "   "], "notActions": None}]
    assert read_permissions(raw) == (PermissionEntry(("*/read",)),)


def test_a_lone_text_is_a_list_of_one_and_a_lone_entry_is_one() -> None:
    assert read_permissions({"actions": "*"}) == (PermissionEntry(("*",)),)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (None, "permissions is missing"),
        ("*", "permissions is text, not a list"),
        (7, "permissions is a number, not a list"),
        ([None], "the entry is null, not an object"),
        ([["*"]], "the entry is a list, not an object"),
        ([{"actions": 7}], "actions is a number, not a list"),
        ([{"actions": {"a": 1}}], "actions is an object, not a list"),
        ([{"notActions": [None]}], "notActions holds null, not text"),
        ([{"dataActions": [["x"]]}], "dataActions holds a list, not text"),
        ([{"actions": ["a" * 5_000]}], "actions holds a pattern of 5000 characters"),
        ([{"actions": ["*"], "condition": 1}], "condition is a number, not text"),
    ],
)
def test_what_cannot_be_read_is_said(raw: object, problem: str) -> None:
    assert read_permissions(raw)[0].problems == (problem,)


def test_what_can_be_read_beside_a_problem_is_kept() -> None:
    entry = read_permissions([{"actions": ["*", 1], "notActions": 5}])[0]
    assert entry.actions == ("*",)
    assert entry.problems == ("actions holds a number, not text", "notActions is a number, not a list")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["actions", "notActions", "dataActions", "condition", "x"]), inner)
    ),
    max_leaves=12,
)


@given(_json)
def test_nothing_makes_it_fail(raw: object) -> None:
    for entry in read_permissions(raw):
        assert all(isinstance(pattern, str) for pattern in entry.actions)
