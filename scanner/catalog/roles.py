"""Azure's built-in roles, as shipped with Midas.

The data file is made by `python -m scanner.catalog.compile`; it also keeps roles that Azure has removed, because
assignments outlive them. Reading it takes some milliseconds and happens at the first call.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal

import msgspec

from scanner.catalog.data_files import data
from scanner.catalog.permissions import PermissionEntry

RoleStatus = Literal["current", "seen-elsewhere", "removed"]
ROOT_SCOPES = ("/",)


class BuiltInRole(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A built-in role definition. `guid` is lower-case; the rest is as Azure writes it.

    `status`: `current` (in Azure's list on the date of the file), `seen-elsewhere` (only in some tenants),
    `removed` (was in the list since 2021, is not any more).
    """

    guid: str
    name: str
    permissions: tuple[PermissionEntry, ...]
    status: RoleStatus = "current"
    assignable_scopes: tuple[str, ...] = ROOT_SCOPES


class RoleFile(msgspec.Struct, frozen=True):
    """The shape of `data/builtin_roles.json`."""

    schema: int
    date: str
    sources: tuple[str, ...]
    roles: tuple[BuiltInRole, ...]


@cache
def role_file() -> RoleFile:
    """The shipped file with its date and sources."""
    raw = data("builtin_roles.json")
    return msgspec.json.decode(raw, type=RoleFile)


@cache
def builtin_roles() -> Mapping[str, BuiltInRole]:
    """All built-in roles by GUID (lower-case)."""
    return MappingProxyType({role.guid: role for role in role_file().roles})


def role_by_name(name: str) -> BuiltInRole | None:
    """The built-in role of that name, compared without case; None if there is none."""
    return _by_name().get(name.strip().lower())


@cache
def _by_name() -> Mapping[str, BuiltInRole]:
    return {role.name.strip().lower(): role for role in role_file().roles}
