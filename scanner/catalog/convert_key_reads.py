"""From the published list of local authentication to `key_reads.json`, as `convert` does for the other files."""

from __future__ import annotations

from scanner.catalog.convert import CatalogInputError, describe_sources, render
from scanner.catalog.key_reads import KeyService

# Beside the lists there are operations that make one: a token, a SAS, a publishing profile.
_READS = ("list", "get", "generate", "publishxml", "sharedkeys")
# Parts of a service that only hold its keys.
_KEY_HOLDERS = frozenset(["authorizationrules", "iothubkeys", "keys", "host", "disasterrecoveryconfigs"])


def convert_key_reads(document: object, label: str) -> bytes:
    """`key_reads.json` from the collected list of switches and key operations.

    Operations that renew a key are left out. A part belongs to the longest type of a switch that contains it.
    """
    whole = document if isinstance(document, dict) else {}
    rows, operations, listed = (whole.get(key) for key in ("rows", "keyOperations", "sources"))
    if not isinstance(rows, list) or not isinstance(operations, list) or not operations:
        raise CatalogInputError(f"{label}: expected an object with lists under 'rows' and 'keyOperations'")
    # A source without a commit is not a stored copy, and nothing kept here is from it.
    stored = (
        [one for one in listed if isinstance(one, dict) and one.get("commit")]
        if isinstance(listed, list)
        else []
    )
    sources, date = describe_sources({"sources": stored}, label)
    switched: set[str] = set()
    for index, row in enumerate(rows):
        kind = row.get("type") if isinstance(row, dict) else None
        if not isinstance(kind, str):
            raise CatalogInputError(f"{label}: element {index} of rows has no type")
        switched.add(kind.lower())
    owners: dict[str, dict[str, set[str]]] = {}
    for index, operation in enumerate(operations):
        if not isinstance(operation, str) or operation.count("/") < 2:
            raise CatalogInputError(f"{label}: element {index} of keyOperations is no operation")
        pieces = operation.split("/")
        if pieces[-1].lower() != "action" or not pieces[-2].lower().startswith(_READS):
            continue
        owner = "/".join(pieces[:-2]).lower()
        owners.setdefault(_service(owner, switched), {}).setdefault(owner, set()).add(pieces[-2])
    services = [
        KeyService(kind, {owner: " ".join(sorted(names)) for owner, names in sorted(owners[kind].items())})
        for kind in sorted(owners)
    ]
    return render({"schema": 1, "date": date, "sources": sources}, "services", services)


def _service(owner: str, switched: set[str]) -> str:
    pieces = owner.split("/")
    for size in range(len(pieces), 1, -1):
        if "/".join(pieces[:size]) in switched:
            return "/".join(pieces[:size])
    while len(pieces) > 2 and pieces[-1] in _KEY_HOLDERS:
        pieces.pop()
    return "/".join(pieces)
