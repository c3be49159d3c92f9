"""What is worked out beforehand is what would be worked out."""

from __future__ import annotations

from scanner.catalog.capabilities import capabilities, work_out
from scanner.catalog.known_capabilities import _data, compiled, known_capabilities
from scanner.catalog.permissions import PermissionEntry
from scanner.catalog.roles import builtin_roles, role_by_name


def test_the_file_is_fresh() -> None:
    assert _data() == compiled(), "stale: run python -m scanner.catalog.known_capabilities"


def test_every_built_in_role_is_known_as_it_is_worked_out() -> None:
    for role in builtin_roles().values():
        assert known_capabilities(role.permissions) == work_out(role.permissions), role.name


def test_other_permissions_are_worked_out() -> None:
    owner = role_by_name("Owner")
    assert owner is not None
    narrower = (PermissionEntry(actions=("*",), not_actions=("Microsoft.Authorization/*/Write",)),)
    assert known_capabilities(narrower) is None
    assert capabilities(narrower) == work_out(narrower)
    denied = (PermissionEntry(actions=("*",)),)
    assert capabilities(owner.permissions, denied) == work_out(owner.permissions, denied) == ()
