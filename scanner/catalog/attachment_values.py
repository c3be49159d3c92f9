"""What a property that names a managed identity says: which identity, in which of Azure's many spellings."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from scanner.catalog.attachments import Holds

Kind = Literal[
    "resource_id", "client_id", "object_id", "client_or_object_id", "system", "first_party", "none", "unknown"
]

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_IDENTITY_ID = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/"
    r"microsoft\.managedidentity/userassignedidentities/[^/]+",
    re.IGNORECASE,
)
# `[system]` is how registry tasks write it, `msi` how clusters say that they have no service principal.
_WORDS: dict[str, Kind] = {
    "system": "system",
    "[system]": "system",
    "msi": "system",
    "systemassigned": "system",
    "systemassignedidentity": "system",
    "firstpartyidentity": "first_party",
    "none": "none",
}
_USER_ASSIGNED = "userassignedidentity="
_NO_IDENTITY = "00000000-0000-0000-0000-000000000000"


class Reference(msgspec.Struct, frozen=True):
    """One identity a property names.

    `value`: for `resource_id` the id as written, without a slash at its end; for the ids lower-case; for the
    words empty; for `unknown` the text as it stands, so that it can be reported rather than guessed at.
    `client_or_object_id` is a bare GUID in a property that may hold either.
    """

    kind: Kind
    value: str = ""


def read_reference(text: str, holds: Holds) -> Reference:
    """Read the value of an `AttachmentPath` that holds `holds`.

    Known words, case and blanks around them aside: `system`, `[system]`, `SystemAssigned`, `SystemAssignedIdentity`,
    `msi` (the resource's own identity), `FirstPartyIdentity` (Azure's), `None`, and `UserAssignedIdentity=<id>`, which
    may be followed by `&FederatedClientId=<guid>`. Anything else that is neither an identity's id nor a GUID is
    `unknown`.
    """
    text = text.strip()
    word = _WORDS.get(text.lower())
    if word is not None:
        return Reference(word)
    if text.lower().startswith(_USER_ASSIGNED):
        text = text[len(_USER_ASSIGNED) :].partition("&")[0].strip()
    trimmed = text.rstrip("/")
    if _IDENTITY_ID.fullmatch(trimmed):
        return Reference("resource_id", trimmed)
    if _GUID.fullmatch(text):
        if text == _NO_IDENTITY:
            return Reference("none")
        if holds in ("client_id", "object_id"):
            return Reference("client_id" if holds == "client_id" else "object_id", text.lower())
        return Reference("client_or_object_id", text.lower())
    return Reference("unknown", text)
