"""Which operations read a key, password or connection string of which service.

`data/key_reads.json` is made by `python -m scanner.catalog.compile --keys` from the published list of local
authentication. Types are lower-case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import msgspec

from scanner.catalog.data_files import data

# Azure's list of its operations has holes, so a function that says what it lists counts too.
_LISTS_KEYS = re.compile(
    r"^list.*(?:key|secret|password|credential|connectionstring|token|sas$|callbackurl)", re.IGNORECASE
)
# Settings of an App Configuration store: what is listed is the value under a key.
_LISTS_VALUES = frozenset(["listkeyvalue", "listkeyvalues"])


class KeyService(msgspec.Struct, frozen=True):
    """A service with keys. `owners`: its parts whose keys are read, each with the names of the operations that do."""

    type: str
    owners: Mapping[str, str]


class KeyServiceFile(msgspec.Struct, frozen=True):
    """The shape of `data/key_reads.json`."""

    schema: int
    date: str
    sources: tuple[str, ...]
    services: tuple[KeyService, ...]


@cache
def key_service_file() -> KeyServiceFile:
    """The shipped file with its date and sources."""
    raw = data("key_reads.json")
    return msgspec.json.decode(raw, type=KeyServiceFile)


@cache
def key_services() -> Mapping[str, KeyService]:
    """All of them by type (lower-case)."""
    return MappingProxyType({service.type: service for service in key_service_file().services})


@cache
def _owners() -> Mapping[str, tuple[str, frozenset[str]]]:
    return {
        owner: (service.type, frozenset(name.lower() for name in names.split()))
        for service in key_service_file().services
        for owner, names in service.owners.items()
    }


def key_service_of(resource_type: str) -> str:
    """The service (lower-case) whose key is read when that of a part of it (any case) is.

    The keys of `Microsoft.ServiceBus/namespaces/queues/authorizationRules` are those of the namespace.
    """
    lower = resource_type.lower()
    known = _owners().get(lower)
    if known is not None:
        return known[0]
    pieces = lower.split("/")
    for size in range(len(pieces), 1, -1):
        shorter = "/".join(pieces[:size])
        if shorter in key_services():
            return shorter
    return lower


def reads_key(resource_type: str, operation: str) -> bool:
    """Whether an operation yields a key of the type (any case; empty when it is not known).

    A function that lists something (`listKeys`) is looked up, and judged by its name where the catalogue does not know
    it. Anything else is an exported attribute (`primary_access_key`), which whoever reports it knows to be a key.
    """
    if not operation.lower().startswith("list"):
        return bool(operation)
    if operation.lower() in _LISTS_VALUES:
        return False
    known = _owners().get(resource_type.lower())
    if known is not None and operation.lower() in known[1]:
        return True
    return _LISTS_KEYS.search(operation) is not None
