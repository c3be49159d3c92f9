import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.catalog.operations import compile_pattern, lowest_bit, mask_of, operation_file, operations


def names(mask: int) -> set[str]:
    return {name for index, name in enumerate(operations().names) if mask >> index & 1}


def by_regular_expression(pattern: str, name: str) -> bool:
    """The same question, asked plainly: `*` is any run, `/*/` may also be one slash, a run of stars is one star."""
    expression = re.escape(re.sub(r"\*+", "*", pattern)).replace(r"/\*/", r"/(?:.*/)?").replace(r"\*", ".*")
    return re.fullmatch(expression, name, re.DOTALL) is not None


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "a/b", True),
        ("a/*", "a/b/c/read", True),
        ("a/*", "ab/c", False),
        ("*/read", "a/b/c/read", True),
        ("*/read", "read", False),
        ("a/*/assign/action", "a/assign/action", True),
        ("a/*/assign/action", "a/b/c/assign/action", True),
        ("a/*/assign/action", "aa/assign/action", False),
        ("a/*/b/*/read", "a/b/read", True),
        ("a/*/*/read", "a/read", True),
        ("a*b*c", "abc", True),
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("ab*ba", "aba", False),
        ("a**b", "a/x/b", True),
        ("a/**/b", "a/b", True),
        ("a.b", "axb", False),
        ("a/write", "a/write", True),
        ("", "a", False),
    ],
)
def test_how_a_pattern_matches(pattern: str, name: str, expected: bool) -> None:
    assert bool(compile_pattern(pattern)(name)) is expected


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    assert not compile_pattern("*a" * 900 + "*c")("a" * 2_000 + "b")
    assert not compile_pattern("/*/" * 600 + "c")("/" * 2_000)


_words = st.sampled_from(
    ["microsoft.compute", "virtualmachines", "write", "read", "*", "**", "v*s", "action", "a"]
)


@given(st.lists(_words, min_size=1, max_size=5), st.lists(_words, min_size=1, max_size=5))
def test_matching_agrees_with_a_regular_expression(left: list[str], right: list[str]) -> None:
    pattern, name = "/".join(left), "/".join(right).replace("*", "x")
    if "/*/*/" not in pattern.replace("**", "*"):
        assert bool(compile_pattern(pattern)(name)) is by_regular_expression(pattern, name)


PATTERNS = [
    "*",
    "*/read",
    "*/write",
    "*/listkeys/action",
    "microsoft.authorization/*",
    "microsoft.authorization/*/write",
    "microsoft.managedidentity/userassignedidentities/*/assign/action",
    "microsoft.*/storageaccounts/*/read",
    "*storage*",
    "*/virtualmachines/*",
    "*a*e*i*o*",
    "microsoft.compute/virtualmachines/write",
    "no.such/thing/*",
    "*/no-such-operation",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_bit_set_is_what_testing_every_name_gives(pattern: str) -> None:
    expected = {name for name in operations().names if by_regular_expression(pattern, name)}
    assert names(operations().covered(pattern)) == expected


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_cut_of_a_known_name_agrees_too(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(operations().names))
    start = data.draw(st.integers(0, len(name)))
    end = data.draw(st.integers(start, len(name)))
    pattern = name[:start] + "*" + name[end:]
    covered = names(operations().covered(pattern))
    assert name in covered
    sample = [*sorted(covered)[:50], *data.draw(st.lists(st.sampled_from(operations().names), max_size=30))]
    assert {one for one in sample if one in covered} == {
        one for one in sample if by_regular_expression(pattern, one)
    }


def test_planes_are_apart() -> None:
    known = operations()
    blob_read = known.index("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read")
    vm_write = known.index("Microsoft.Compute/virtualMachines/write")
    assert blob_read is not None
    assert vm_write is not None
    assert known.data >> blob_read & 1
    assert not known.control >> blob_read & 1
    assert known.control >> vm_write & 1
    assert not known.data >> vm_write & 1


def test_an_operation_whose_plane_is_not_known_is_in_both() -> None:
    known = operations()
    at = known.index("Microsoft.Discovery/agents/read")
    assert at is not None
    assert known.control >> at & known.data >> at & 1


def test_names_keep_their_spelling() -> None:
    at = operations().index("MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE")
    assert at is not None
    assert operations().spelling(at) == "Microsoft.Authorization/roleAssignments/write"
    assert operations().index("no.such/operation") is None


def test_the_file_names_its_sources_and_holds_no_pattern() -> None:
    assert all(source.startswith("github.com/") for source in operation_file().sources)
    assert [name for name in operations().names if "*" in name or " " in name] == []


def test_bit_sets() -> None:
    assert mask_of(20, [0, 3, 19]) == 1 | 8 | 1 << 19
    assert lowest_bit(8) == 3
