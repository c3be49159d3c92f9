"""Ids inside a row in another case than the id of what they name, as Azure's providers do."""

from __future__ import annotations

import re
import zlib

from scanner.emulator.tenant import Row

_GROUP = re.compile(r"/resourceGroups/([^/]+)", re.IGNORECASE)


def mixed(row: Row) -> Row:
    """`row` with the keys of userAssignedIdentities, and scope and roleDefinitionId, in another case.

    Which case depends on the id alone, so every run and every page agrees. The row's own id is left as it is.
    """
    identity, properties = row["identity"], row["properties"]
    changed = dict(row)
    if isinstance(identity, dict) and isinstance(identity.get("userAssignedIdentities"), dict):
        changed["identity"] = {
            **identity,
            "userAssignedIdentities": {
                recased(key): value for key, value in identity["userAssignedIdentities"].items()
            },
        }
    if isinstance(properties, dict) and row["type"] == "microsoft.authorization/roleassignments":
        changed["properties"] = {
            **properties,
            "scope": recased(properties["scope"]),
            "roleDefinitionId": recased(properties["roleDefinitionId"]),
        }
    return changed


def recased(text: str) -> str:
    """One of three other spellings of an id: all lower, group name upper, or the provider's `resourcegroups`."""
    choice = zlib.crc32(text.lower().encode()) % 3
    if choice == 0:
        return text.lower()
    if choice == 1:
        return _GROUP.sub(lambda match: f"/resourceGroups/{match.group(1).upper()}", text)
    return text.replace("/resourceGroups/", "/resourcegroups/")
