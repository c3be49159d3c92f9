"""From published lists to the catalogue's own data files: one pure function per file.

Each takes the decoded input and its label (for messages) and gives the bytes of the file. The same input gives
the same bytes. Wrong input raises `CatalogInputError`, which says where and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, get_args

import msgspec

from scanner.catalog.escalation import EscalationAction
from scanner.catalog.identity_types import IdentityType
from scanner.catalog.operations import PLANES
from scanner.catalog.permissions import read_permissions
from scanner.catalog.roles import ROOT_SCOPES, BuiltInRole, RoleStatus

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# A property that speaks of an identity; `vmSize` and `siteAlsoStopped` hold "msi" only by accident of case.
_IDENTITY_NAME = re.compile(r"[iI]dentit|msi(?![a-z])|MSI")
Record = dict[str, Any]


class CatalogInputError(Exception):
    """An input file is not what it should be: which file, where in it, what to give instead."""


def convert_roles(document: object, label: str, date: str | None = None) -> bytes:
    """`builtin_roles.json` from the collected list or from what `az role definition list` prints.

    `date` (YYYY-MM-DD) is needed for the second: Azure's answer carries none.
    """
    if date is not None and not _DAY.fullmatch(date):
        raise CatalogInputError(f"--date: {date!r} is not a day as YYYY-MM-DD")
    if isinstance(document, list):
        if date is None:
            raise CatalogInputError(
                f"{label}: a list from `az role definition list` has no date of its own; give --date YYYY-MM-DD"
            )
        records = [
            item
            for index, item in enumerate(document)
            if _text(_object(item, label, index), "roleType", label, index).lower() == "builtinrole"
        ]
        sources: list[str] = ["az role definition list"]
        roles = [_role(item, label, index, from_az=True) for index, item in enumerate(records)]
    else:
        records = _records(document, "roles", label)
        sources, found = describe_sources(document, label)
        date = date or found
        roles = [_role(item, label, index, from_az=False) for index, item in enumerate(records)]
    if not roles:
        raise CatalogInputError(f"{label}: holds no built-in role")
    roles.sort(key=lambda role: (role.name.lower(), role.guid))
    seen: dict[str, str] = {}
    for role in roles:
        if role.guid in seen:
            raise CatalogInputError(
                f"{label}: {role.guid} stands twice, as {seen[role.guid]!r} and {role.name!r}"
            )
        seen[role.guid] = role.name
    return render({"schema": 1, "date": date, "sources": sources}, "roles", roles)


def _role(item: Record, label: str, index: int, *, from_az: bool) -> BuiltInRole:
    id_key, name_key = ("name", "roleName") if from_az else ("id", "name")
    guid = _text(item, id_key, label, index).lower()
    name = _text(item, name_key, label, index)
    if not _GUID.fullmatch(guid):
        raise CatalogInputError(f"{label}: role {index} ({name!r}): {id_key} is {guid!r}, not a GUID")
    permissions = read_permissions(item.get("permissions"))
    for number, entry in enumerate(permissions):
        if entry.problems:
            raise CatalogInputError(f"{label}: role {name!r}, permission entry {number}: {entry.problems[0]}")
    status = "current" if from_az else item.get("status", "current")
    known = next((one for one in get_args(RoleStatus) if one == status), None)
    if known is None:
        raise CatalogInputError(
            f"{label}: role {name!r}: status {status!r} is none of {', '.join(get_args(RoleStatus))}"
        )
    scopes = item.get("assignableScopes") or ["/"]
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise CatalogInputError(f"{label}: role {name!r}: assignableScopes is not a list of text")
    return BuiltInRole(guid, name, permissions, known, tuple(scopes) if scopes != ["/"] else ROOT_SCOPES)


def convert_operations(document: object, label: str) -> bytes:
    """`operations.json` from the collected list of operations."""
    sources, date = describe_sources(document, label)
    types: dict[str, dict[str, set[str]]] = {}

    def add(name: str, plane: str) -> None:
        if "*" in name or "/" not in name or " " in name:
            raise CatalogInputError(f"{label}: {name!r} is not the name of one operation")
        resource_type, end = _split_operation(name)
        types.setdefault(resource_type, {}).setdefault(plane, set()).add(end)

    for index, item in enumerate(_records(document, "operations", label)):
        flag = item.get("isDataAction")
        if flag is not None and not isinstance(flag, bool):
            raise CatalogInputError(
                f"{label}: operation {index}: isDataAction is neither true, false nor null"
            )
        add(_text(item, "name", label, index), "unknown" if flag is None else "data" if flag else "control")
    derived = document.get("derivedFromTypes", []) if isinstance(document, dict) else []
    if not isinstance(derived, list) or not all(isinstance(name, str) for name in derived):
        raise CatalogInputError(f"{label}: 'derivedFromTypes' is not a list of text")
    for name in derived:
        add(name, "derived")
    if not types:
        raise CatalogInputError(f"{label}: holds no operation")
    records = []
    for name in sorted(types, key=lambda name: (name.lower(), name)):
        fields = [name] + [" ".join(sorted(types[name].get(plane, ()))) for plane in PLANES]
        while not fields[-1]:
            fields.pop()
        records.append(fields)
    return render({"schema": 1, "date": date, "sources": sources}, "types", records)


def _split_operation(name: str) -> tuple[str, str]:
    """`A.B/c/start/action` to `A.B/c` and `start/action`; other verbs stand alone."""
    pieces = name.split("/")
    size = 2 if pieces[-1].lower() == "action" and len(pieces) > 2 else 1
    return "/".join(pieces[:-size]), "/".join(pieces[-size:])


def convert_escalations(document: object, label: str) -> bytes:
    """`escalation_actions.json` from the collected list of escalation actions."""
    sources, date = describe_sources(document, label)
    records = []
    for index, item in enumerate(_records(document, "actions", label)):
        fields: Record = {
            key: item[key] for key in ("action", "outcome", "reach", "technique", "needs") if key in item
        }
        fields["data"] = item.get("isDataAction", False)
        try:
            record = msgspec.convert(fields, EscalationAction)
        except msgspec.ValidationError as error:
            raise CatalogInputError(f"{label}: action {index}: {error}") from error
        records.append(record)
    if not records:
        raise CatalogInputError(f"{label}: holds no action")
    records.sort(key=lambda record: record.action.lower())
    return render({"schema": 1, "date": date, "sources": sources}, "actions", records)


def convert_identity_types(document: object, label: str) -> bytes:
    """`identity_types.json` from the collected list of resource types that can have an identity."""
    sources, date = describe_sources(document, label)
    paths: dict[str, tuple[str, ...]] = {}
    for index, item in enumerate(_records(document, "identityReferencePaths", label)):
        found = item.get("paths")
        if not isinstance(found, list) or not all(isinstance(path, str) for path in found):
            raise CatalogInputError(
                f"{label}: element {index} of identityReferencePaths: 'paths' is not a list of text"
            )
        named = sorted(
            path.replace("[*]", "[]") for path in found if _IDENTITY_NAME.search(path.rpartition(".")[2])
        )
        if named:
            paths[_text(item, "type", label, index).lower()] = tuple(named)
    types: dict[str, IdentityType] = {}
    for index, item in enumerate(_records(document, "types", label)):
        name = _text(item, "type", label, index).lower()
        flags = [item.get(key, False) for key in ("systemAssigned", "userAssigned", "readOnly")]
        if not all(isinstance(flag, bool) for flag in flags):
            raise CatalogInputError(
                f"{label}: {name}: systemAssigned, userAssigned, readOnly have to be true or false"
            )
        system, user, read_only = flags
        types[name] = IdentityType(name, system, user, read_only, paths.get(name, ()))
    if not types:
        raise CatalogInputError(f"{label}: holds no type")
    for name in paths.keys() - types.keys():
        types[name] = IdentityType(name, paths=paths[name])
    return render(
        {"schema": 1, "date": date, "sources": sources}, "types", [types[name] for name in sorted(types)]
    )


def describe_sources(document: object, label: str) -> tuple[list[str], str]:
    """One line per source (`repository path, commit, date, licence`) and the newest of their dates."""
    lines, dates = [], []
    for index, source in enumerate(_records(document, "sources", label)):
        repository = _text(source, "repository", label, index)
        commit, day = _text(source, "commit", label, index), _text(source, "date", label, index)
        words = [repository, str(source.get("path", "")), commit[:12], day, str(source.get("licence", ""))]
        lines.append(", ".join(word for word in words if word))
        dates.append(day)
    if not dates:
        raise CatalogInputError(f"{label}: names no source; `sources` is empty")
    return lines, max(dates)


def render(header: Record, key: str, records: Iterable[object]) -> bytes:
    """JSON with the header's keys and one record a line under `key`."""
    lines = b",\n".join(msgspec.json.encode(record) for record in records)
    head = msgspec.json.encode(header)[:-1]
    return head + b',"' + key.encode() + b'":[\n' + lines + b"\n]}\n"


def _records(document: object, key: str, label: str) -> list[Record]:
    value = document.get(key) if isinstance(document, dict) else None
    if not isinstance(value, list):
        raise CatalogInputError(f"{label}: expected an object with a list under {key!r}")
    return [_object(item, label, index, key) for index, item in enumerate(value)]


def _object(item: object, label: str, index: int, key: str = "the list") -> Record:
    if not isinstance(item, dict):
        raise CatalogInputError(f"{label}: element {index} of {key} is {type(item).__name__}, not an object")
    return item


def _text(item: Record, key: str, label: str, index: int) -> str:
    value = item.get(key)
    if not isinstance(value, str) or not value.strip():
        raise CatalogInputError(f"{label}: element {index}: {key!r} is missing or not text")
    return value
