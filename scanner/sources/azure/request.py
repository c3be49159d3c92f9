"""What to collect, from where, and as whom."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

AuthMethod = Literal["default", "managed-identity", "workload-identity", "azure-cli", "environment"]
CloudName = Literal["public", "usgovernment", "china"]

_NAMED = 3


class ScanScope(msgspec.Struct, frozen=True, kw_only=True):
    """What is scanned: these subscriptions (GUIDs), or everything below a management group (its name), or, with
    neither, everything in the tenant that can be read."""

    subscriptions: tuple[str, ...] = ()
    management_group: str | None = None

    def in_words(self) -> str:
        """The scope for people: ``tenant``, ``management group NAME``, ``subscription A, B and 7 more``."""
        if self.subscriptions:
            more = len(self.subscriptions) - _NAMED
            named = "subscription " + ", ".join(self.subscriptions[:_NAMED])
            return f"{named} and {more} more" if more > 0 else named
        return f"management group {self.management_group}" if self.management_group else "tenant"


class AuthSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to sign in. ``tenant_id`` is the directory to get tokens from; None leaves it to the method."""

    method: AuthMethod = "default"
    client_id: str | None = None
    identity_resource_id: str | None = None
    tenant_id: str | None = None


class CollectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One collection. Two requests that differ only in ``work`` and ``resume`` collect the same facts.

    ``tables`` are names of collected or derived tables or views, ``settings`` pairs of ARM type and property
    path (``properties.a.b``). ``work`` is a folder for the journal, readable by its owner only; ``resume``
    continues the journal found there.
    """

    scope: ScanScope
    work: Path
    tables: frozenset[str]
    settings: frozenset[tuple[str, str]] = frozenset()
    auth: AuthSettings = AuthSettings()
    cloud: CloudName = "public"
    resume: bool = False
