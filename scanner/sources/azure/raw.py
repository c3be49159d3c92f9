"""Reading rows that anybody may have written: every value can be of any type, and any text can hold anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scanner.catalog.property_path import ABSENT, member
from scanner.facts import ids
from scanner.facts.store import FactsBuilder
from scanner.sources.azure.needs import Needs

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SHOWN = 160
UNREAD_EXPRESSION = "midasUnreadExpression"
"""Member put into a federated credential whose expression could not be read: a gap is made of it."""


class Context:
    """What the readers of all kinds of rows share: the facts being built, and what was asked for."""

    def __init__(self, builder: FactsBuilder, needs: Needs) -> None:
        self.builder = builder
        self.needs = needs

    def malformed(self, row: Any, what: str, *tables: str, scope_id: str | None = None) -> None:
        """Make a gap of a row, or a part of one, that cannot be understood, in each table it would have fed."""
        where = scope_id if scope_id is not None else placed(row)
        for table in tables:
            if table in self.needs.tables:
                self.builder.gap(table, where, "malformed", f"{what}, in {shown(row)}.")


def clean(text: str) -> str:
    """Return a text that can be stored: lone surrogates, which are no text, are replaced."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def text_of(row: Any, name: str) -> str | None:
    """Return a member that is a text with something in it; None for anything else."""
    value = member(row, name)
    if not isinstance(value, str) or not value.strip():
        return None
    return clean(value)


def object_of(row: Any, name: str) -> Mapping[str, Any]:
    """Return a member that is an object; an empty one for anything else."""
    value = member(row, name)
    return value if isinstance(value, Mapping) else {}


def id_of(row: Any) -> str | None:
    """Return the resource id of a row, without a slash at its end; None when it is not one."""
    found = text_of(row, "id")
    if found is None or not found.strip().startswith("/"):
        return None
    found = found.strip().rstrip("/")
    return found if len(found) > 1 and len(found) <= 8_192 else None


def guid_of(row: Any, name: str) -> str | None:
    """Return a member that is a GUID, in lower case; None for anything else, the empty GUID included."""
    found = text_of(row, name)
    if found is None or not _GUID.fullmatch(found.strip()) or set(found) <= set("0- "):
        return None
    return found.strip().lower()


def is_guid(text: str) -> bool:
    """Whether a text is a GUID."""
    return _GUID.fullmatch(text) is not None


def type_of(row: Any) -> str:
    """Return the ARM type of a row in lower case; empty when it says none."""
    found = text_of(row, "type")
    return found.strip().lower() if found is not None else ""


def has(row: Any, name: str) -> bool:
    """Whether a row says anything about a member, be it null."""
    return member(row, name) is not ABSENT


def placed(row: Any) -> str:
    """Return the narrowest scope id that surely holds a row: its own, its subscription's, or the root."""
    own = id_of(row)
    if own is not None:
        return own
    subscription = guid_of(row, "subscriptionId")
    return f"/subscriptions/{subscription}" if subscription else ids.ROOT


def shown(row: Any) -> str:
    """Name a row in a sentence: by its id, name or type, without control characters, cut short."""
    if not isinstance(row, Mapping):
        return f"a row that is {type(row).__name__}, not an object"
    for name in ("id", "name", "type"):
        found = text_of(row, name)
        if found is not None:
            printable = "".join(char if char.isprintable() else "?" for char in found)
            return printable if len(printable) <= _SHOWN else printable[:_SHOWN] + "…"
    return "a row without id, name and type"
