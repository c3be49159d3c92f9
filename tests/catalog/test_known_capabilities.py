"""What is worked out beforehand is what would be worked out."""

from __future__ import annotations

import pytest

from scanner.catalog.capabilities import capabilities, work_out
from scanner.catalog.hosts import host_ways, work_out_host_ways
from scanner.catalog.known_capabilities import _data, compiled, known_capabilities, known_host_ways
from scanner.catalog.permissions import PermissionEntry
from scanner.catalog.roles import builtin_roles, role_by_name


@pytest.mark.parametrize("file", ["known_capabilities.txt", "known_hosts.txt"])
def test_the_file_is_fresh(file: str) -> None:
    assert _data(file) == compiled()[file], "stale: run python -m scanner.catalog.known_capabilities"


def test_every_built_in_role_is_known_as_it_is_worked_out() -> None:
    for role in builtin_roles().values():
        assert known_capabilities(role.permissions) == work_out(role.permissions), role.name
        assert known_host_ways(role.permissions) == work_out_host_ways(role.permissions), role.name


def test_other_permissions_are_worked_out() -> None:
    owner = role_by_name("Owner")
    assert owner is not None
    narrower = (PermissionEntry(actions=("*",), not_actions=("Microsoft.Authorization/*/Write",)),)
    assert known_capabilities(narrower) is None
    assert capabilities(narrower) == work_out(narrower)
    assert known_host_ways(narrower) is None
    assert host_ways(narrower) == work_out_host_ways(narrower)
    denied = (PermissionEntry(actions=("*",)),)
    assert capabilities(owner.permissions, denied) == work_out(owner.permissions, denied) == ()
