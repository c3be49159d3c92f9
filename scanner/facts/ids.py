"""Azure resource ids: compared without case, taken apart into scopes.

Everything Azure or an export says is untrusted text, so nothing here raises on an odd id: what cannot be
taken apart is simply contained in the tenant root.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from scanner.facts.schema import Level

ROOT = "/"
_MANAGEMENT_GROUP = "/providers/microsoft.management/managementgroups/"
_PROVIDERS = re.compile("/providers/", re.IGNORECASE | re.ASCII)
# The deepest ids of Azure have about 20 segments; what is longer is nonsense, and not worth a scope for every level.
_MOST_SEGMENTS = 64


def same(resource_id: str) -> str:
    """Return the form of an id by which two spellings of one id are equal: lower case, no trailing slash."""
    return resource_id.strip().rstrip("/").lower() or ROOT


class Placed(NamedTuple):
    """Where an id lies: how wide it is as a scope, and the ids of its container and subscription as spelt."""

    level: Level
    parent: str | None
    subscription: str | None


def place(resource_id: str) -> Placed:
    """Take an id apart.

    The parent is the container that directly holds it: the resource for an extension (a role assignment on
    it, an identity's federated credential), else the resource group, subscription, management group or root.
    The parent of a subscription or management group is not in its id: None.
    """
    whole = resource_id.strip().rstrip("/")
    lower = whole.lower()
    if not lower:
        return Placed(Level.TENANT, None, None)
    if lower.startswith(_MANAGEMENT_GROUP) and "/" not in lower[len(_MANAGEMENT_GROUP) :]:
        return Placed(Level.MANAGEMENT_GROUP, None, None)
    parts = whole.split("/")
    extension = _last_providers(whole)
    if not lower.startswith("/subscriptions/"):
        container = whole[:extension] if extension > 0 and len(parts) <= _MOST_SEGMENTS else ROOT
        return Placed(Level.RESOURCE, container, None)
    subscription = "/".join(parts[:3])
    if len(parts) <= 3:
        return Placed(Level.SUBSCRIPTION, None, whole)
    if len(parts) == 5 and parts[3].lower() == "resourcegroups":
        return Placed(Level.RESOURCE_GROUP, subscription, subscription)
    if extension > 0 and len(parts) <= _MOST_SEGMENTS:
        tail = whole[extension + len("/providers/") :].split("/")
        if len(tail) > 3:  # a child resource: its container is the resource above it
            return Placed(Level.RESOURCE, "/".join(parts[:-2]), subscription)
        return Placed(Level.RESOURCE, whole[:extension], subscription)
    return Placed(Level.RESOURCE, subscription, subscription)


def scope_of(resource_id: str) -> str | None:
    """Return the scope a role assignment or other extension id is on: what stands before its last ``/providers/``."""
    cut = _last_providers(resource_id)
    return None if cut < 0 else (resource_id[:cut] or ROOT)


def _last_providers(resource_id: str) -> int:
    """Return where the last ``/providers/`` begins, or -1. A lower-cased copy may differ in length: ``İ`` does."""
    return max((match.start() for match in _PROVIDERS.finditer(resource_id)), default=-1)


def last_segment(resource_id: str) -> str:
    """Return what follows the last slash, in lower case: the GUID of a role definition, for example."""
    return resource_id.rstrip("/").rsplit("/", 1)[-1].lower()


def type_of(resource_id: str) -> str:
    """Return the ARM type an id names, in lower case; empty when it names none."""
    lower = same(resource_id)
    cut = lower.rfind("/providers/")
    if cut >= 0:
        parts = lower[cut + len("/providers/") :].split("/")
        return "/".join([parts[0], *parts[1::2]])
    if lower.startswith("/subscriptions/"):
        return (
            "microsoft.resources/subscriptions/resourcegroups"
            if lower.count("/") > 2
            else "microsoft.resources/subscriptions"
        )
    return ""
