"""The tenant file: a TOML (or JSON) document in which everything has a name and refers to others by name.

A scope is written `/`, `mg:NAME`, `SUBSCRIPTION`, `SUBSCRIPTION/RESOURCE-GROUP` or `${RESOURCE}`.
A principal is written as the name of an identity (or of a resource with a system-assigned one), `user:NAME`,
`group:NAME`, `app:NAME`, or `deleted:NAME` for one that no longer exists.
Inside any string `${NAME}` is the resource id of what has that name, `${NAME.clientId}` and `${NAME.principalId}`
those of its identity, `${subscription.KEY}` the id of a subscription, `${tenant}` the tenant id.
A value written `{ repeat = "x", times = 10000 }` becomes one long string, `{ null = true }` becomes null.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from scanner.emulator.tenant import TenantError
from scanner.emulator.tenant_schema import (
    AppRoleEntry,
    AssignmentEntry,
    AttachedEntry,
    ClassicEntry,
    DenyEntry,
    DirectoryGroupEntry,
    FederatedEntry,
    GroupEntry,
    IdentityEntry,
    PermissionsEntry,
    PolicyEntry,
    ResourceEntry,
    RoleEntry,
    ScheduleEntry,
    Strict,
    SubscriptionEntry,
    TenantEntry,
    UserEntry,
)


@dataclass(frozen=True)
class TenantSource:
    """A file that has the right shape; names in it are not resolved yet."""

    path: Path
    text: str
    content: TenantEntry

    def error(self, key: str, what: str, todo: str) -> TenantError:
        """An error at `key` (such as `assignment[3].role`), with the line where that entry begins."""
        return TenantError(f"{self.path.name}:{line_of(self.text, key)}: {key}: {what}; {todo}")


def read_tenant_file(path: Path) -> TenantSource:
    """Parse and check the shape of a tenant file. Raises TenantError."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise TenantError(
            f"{path}: cannot be read ({error.strerror}); check the path and its rights"
        ) from error
    except UnicodeDecodeError as error:
        raise TenantError(f"{path.name}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    try:
        raw = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        raise TenantError(f"{path.name}: not valid {kind}: {error}; correct that place") from error
    try:
        content = msgspec.convert(expanded(raw), TenantEntry)
    except msgspec.ValidationError as error:
        message, _, key = str(error).partition(" - at `$")
        key = key.rstrip("`").lstrip(".") or _first_word(message)
        where = f"{path.name}:{line_of(text, key)}: {key}" if key else path.name
        raise TenantError(f"{where}: {message}; {_advice(message, key)}") from error
    return TenantSource(path, text, content)


def expanded(value: Any) -> Any:
    """`value` with every `{ repeat = TEXT, times = N }` and `{ null = true }` in it written out."""
    if isinstance(value, dict):
        if set(value) == {"repeat", "times"} and isinstance(value["times"], int):
            return str(value["repeat"]) * min(value["times"], 1_000_000)
        if value == {"null": True}:
            return None
        return {key: expanded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [expanded(inner) for inner in value]
    return value


def line_of(text: str, key: str) -> int:
    """The line (from 1) of a key such as `assignment[3].role` or `subscriptions.shop`; the nearest that is found."""
    match = re.match(r"(\w+)(?:\[(\d+)\]|\.([\w-]+)|\[\.\.\.\])?(?:\.(\w+))?", key)
    if match is None:
        return 1
    table, index, entry, leaf = match.groups()
    lines = text.splitlines()
    if index is not None:
        header = re.compile(rf"\s*\[\[\s*{re.escape(table)}\s*\]\]")
        starts = [number for number, line in enumerate(lines) if header.match(line)]
        start = starts[int(index)] if int(index) < len(starts) else 0
    else:
        name = re.escape(entry) if entry else ""
        header = re.compile(rf'\s*\[\s*{re.escape(table)}\s*\.\s*"?{name}|\s*{re.escape(table)}\s*=')
        start = next((number for number, line in enumerate(lines) if header.match(line)), 0)
    if leaf:
        for number in range(start + 1, len(lines)):
            if lines[number].lstrip().startswith("["):
                break
            if re.match(rf"\s*{re.escape(leaf)}\s*=", lines[number]):
                return number + 1
    return start + 1


def _first_word(message: str) -> str:
    """The key that a message about the top level quotes, so that its line can be found."""
    found = re.search(r"`(\w+)`$", message)
    return found.group(1) if found and "unknown" in message else ""


_TABLES: dict[str, type[Strict]] = {
    "management_groups": GroupEntry,
    "subscriptions": SubscriptionEntry,
    "identity": IdentityEntry,
    "resource": ResourceEntry,
    "policy_assignment": PolicyEntry,
    "role": RoleEntry,
    "assignment": AssignmentEntry,
    "eligible": ScheduleEntry,
    "active": ScheduleEntry,
    "deny": DenyEntry,
    "classic_administrator": ClassicEntry,
    "user": UserEntry,
    "application": UserEntry,
    "group": DirectoryGroupEntry,
}
_NESTED: dict[str, type[Strict]] = {
    "identity": AttachedEntry,
    "federated": FederatedEntry,
    "app_roles": AppRoleEntry,
    "permissions": PermissionsEntry,
}


def _advice(message: str, key: str) -> str:
    unknown = re.search(r"unknown field `([^`]*)`", message)
    if unknown is None:
        if "missing required field" in message:
            return "add it"
        return "write a value of that kind"
    parts = [re.sub(r"\[.*?\]", "", part) for part in key.split(".")]
    struct: type[Strict] = _TABLES.get(parts[0], TenantEntry) if key != unknown.group(1) else TenantEntry
    if len(parts) > 1:
        struct = _NESTED.get(parts[-1], struct)
    known = [field.encode_name for field in msgspec.structs.fields(struct)]
    return f"{_did_you_mean(unknown.group(1), known)}the keys here are {', '.join(known)}"


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}? " if close else ""
