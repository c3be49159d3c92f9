"""One permission entry of a role: what Azure calls an element of `permissions[]`.

The ARM shape is `{"actions": [...], "notActions": [...], "dataActions": [...], "notDataActions": [...],
"condition": "..."}`; every key may be missing or null. Rows from Resource Graph spell the keys in more than
one way (`Actions`, `notActions`), so keys are compared without case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

# Azure's own limit is far below this; a pattern longer than this is noise, and matching it costs time.
MAX_PATTERN_LENGTH = 2_048


class PermissionEntry(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One element of a role's `permissions[]`; patterns are kept as Azure wrote them.

    `problems` says what of the entry could not be read ("actions is a number, not a list"). Such an entry
    still grants what could be read, and `capabilities` marks it as not understood, so that a role nobody
    can read never looks harmless.
    """

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()
    condition: str | None = None
    problems: tuple[str, ...] = ()


def read_permissions(value: object) -> tuple[PermissionEntry, ...]:
    """Read `permissions` of a role or deny assignment from decoded JSON; never raises.

    `value` is the list under `properties.permissions` (or a single entry). What has the wrong type becomes a
    line in `PermissionEntry.problems` of the entry it stands in. A missing or null `permissions` is itself a
    problem: a role without permissions does not exist in Azure, so the list was not read.
    """
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list | tuple):
        found = "missing" if value is None else f"{_kind(value)}, not a list"
        return (PermissionEntry(problems=(f"permissions is {found}",)),)
    return tuple(_read_entry(entry) for entry in value)


def patterns(entries: Iterable[PermissionEntry]) -> Iterator[tuple[int, str, str, str | None]]:
    """Every pattern of permission entries: entry from 0, part (`actions`, `notActions`, ...), pattern, condition."""
    for number, entry in enumerate(entries):
        for part, listed in (
            ("actions", entry.actions),
            ("notActions", entry.not_actions),
            ("dataActions", entry.data_actions),
            ("notDataActions", entry.not_data_actions),
        ):
            for pattern in listed:
                yield number, part, pattern, entry.condition


def _read_entry(value: object) -> PermissionEntry:
    if not isinstance(value, Mapping):
        return PermissionEntry(problems=(f"the entry is {_kind(value)}, not an object",))
    keys = {key.lower(): item for key, item in value.items() if isinstance(key, str)}
    problems: list[str] = []
    condition = keys.get("condition")
    if condition is not None and not isinstance(condition, str):
        # A condition nobody can read must not be taken for a restriction.
        problems.append(f"condition is {_kind(condition)}, not text")
        condition = None
    if isinstance(condition, str) and not condition.strip():
        condition = None
    return PermissionEntry(
        actions=_read_patterns(keys.get("actions"), "actions", problems),
        not_actions=_read_patterns(keys.get("notactions"), "notActions", problems),
        data_actions=_read_patterns(keys.get("dataactions"), "dataActions", problems),
        not_data_actions=_read_patterns(keys.get("notdataactions"), "notDataActions", problems),
        condition=condition,
        problems=tuple(problems),
    )


def _read_patterns(value: object, key: str, problems: list[str]) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Iterable) or isinstance(value, Mapping):
        problems.append(f"{key} is {_kind(value)}, not a list")
        return ()
    patterns: list[str] = []
    for item in value:
        if not isinstance(item, str):
            problems.append(f"{key} holds {_kind(item)}, not text")
        elif not item.strip():
            continue
        elif len(item) > MAX_PATTERN_LENGTH:
            problems.append(f"{key} holds a pattern of {len(item)} characters")
        else:
            patterns.append(item.strip())
    return tuple(patterns)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)
