"""What has to hold for any role: more in a list never gives less, and case never matters."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.catalog.capabilities import capabilities, denied_powers
from scanner.catalog.operations import operations
from scanner.catalog.permissions import PermissionEntry
from scanner.catalog.powers import Power
from scanner.catalog.privilege import privilege

_interesting = st.sampled_from(
    [
        "*",
        "*/read",
        "*/write",
        "*/action",
        "Microsoft.Authorization/*",
        "Microsoft.Authorization/*/Write",
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
        "Microsoft.Storage/*",
        "Microsoft.KeyVault/vaults/secrets/*",
        "Microsoft.Compute/virtualMachines/*",
        "Contoso.Unknown/*",
        "Contoso.Unknown/things/listKeys/action",
    ]
)


@st.composite
def _patterns(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        return draw(_interesting)
    name = operations().spelling(draw(st.integers(0, len(operations().names) - 1)))
    pieces = name.split("/")
    star = draw(st.integers(0, len(pieces)))
    return name if star == len(pieces) else "/".join([*pieces[:star], "*", *pieces[star + 1 :]])


_lists = st.lists(_patterns(), max_size=4).map(tuple)
_conditions = st.none() | st.sampled_from(
    [
        "@Resource[x] StringEquals 'y'",
        "!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'}) OR @Request[x] StringEquals 'y'",
        "ActionMatches{'*/read'}",
    ]
)
_entries = st.builds(PermissionEntry, _lists, _lists, _lists, _lists, _conditions)
_roles = st.lists(_entries, min_size=1, max_size=3).map(tuple)
LISTS = ("actions", "data_actions", "not_actions", "not_data_actions")


def strengths(role: tuple[PermissionEntry, ...]) -> dict[Power, int]:
    """2 for a free power, 1 for a conditioned one."""
    return {one.power: 1 if one.conditioned else 2 for one in capabilities(role)}


def _with(role: tuple[PermissionEntry, ...], at: int, key: str, pattern: str) -> tuple[PermissionEntry, ...]:
    entry = role[at]
    changed = msgspec.structs.replace(entry, **{key: (*getattr(entry, key), pattern)})
    return (*role[:at], changed, *role[at + 1 :])


@settings(max_examples=200, deadline=None)
@given(_roles, _patterns(), st.sampled_from(LISTS), st.data())
def test_adding_to_a_list_goes_one_way(
    role: tuple[PermissionEntry, ...], pattern: str, key: str, data: st.DataObject
) -> None:
    after = strengths(_with(role, data.draw(st.integers(0, len(role) - 1)), key, pattern))
    before = strengths(role)
    less, more = (before, after) if key in ("actions", "data_actions") else (after, before)
    assert {power: value for power, value in less.items() if more.get(power, 0) < value} == {}


@settings(max_examples=100, deadline=None)
@given(_roles, _entries)
def test_adding_an_entry_never_takes_a_power_away(
    role: tuple[PermissionEntry, ...], entry: PermissionEntry
) -> None:
    before, after = strengths(role), strengths((*role, entry))
    assert {power: value for power, value in before.items() if after.get(power, 0) < value} == {}


@settings(max_examples=100, deadline=None)
@given(_roles)
def test_case_never_matters(role: tuple[PermissionEntry, ...]) -> None:
    shouted = tuple(
        msgspec.structs.replace(entry, **{key: tuple(map(str.upper, getattr(entry, key))) for key in LISTS})
        for entry in role
    )
    assert strengths(shouted) == strengths(role)


@settings(max_examples=100, deadline=None)
@given(_roles)
def test_dropping_a_condition_never_takes_a_power_away(role: tuple[PermissionEntry, ...]) -> None:
    free = strengths(tuple(msgspec.structs.replace(entry, condition=None) for entry in role))
    assert {power: value for power, value in strengths(role).items() if free.get(power, 0) < value} == {}


@settings(max_examples=100, deadline=None)
@given(_roles, _roles)
def test_a_denial_only_takes_away(
    role: tuple[PermissionEntry, ...], denied: tuple[PermissionEntry, ...]
) -> None:
    left = {one.power for one in capabilities(role, denied)}
    assert left <= set(strengths(role))
    assert denied_powers(denied, role) == set(strengths(role)) - left


@settings(max_examples=100, deadline=None)
@given(_roles)
def test_what_a_capability_says_is_true(role: tuple[PermissionEntry, ...]) -> None:
    for one in capabilities(role):
        entry = role[one.entry]
        assert one.by in (entry.data_actions if one.data else entry.actions)
        assert not one.conditioned or entry.condition is not None
    assert privilege(capabilities(role)) == max(
        (privilege([one]) for one in capabilities(role)), default=privilege([])
    )
