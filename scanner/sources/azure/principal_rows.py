"""Principals: gathered from whoever names them, told apart and checked by the directory where it may be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from scanner.catalog.property_path import member
from scanner.facts.schema import Kind
from scanner.sources.azure.raw import Context, guid_of, text_of

_KINDS = {
    "#microsoft.graph.serviceprincipal": "ServicePrincipal",
    "#microsoft.graph.user": "User",
    "#microsoft.graph.group": "Group",
    "#microsoft.graph.device": "Device",
}
_SPELLED = {kind.lower(): kind for kind in ("User", "Group", "ServicePrincipal", "ForeignGroup", "Device")}
UNKNOWN = "Unknown"


class _Principal(msgspec.Struct):
    type: str = UNKNOWN
    exists: bool | None = None
    managed: bool = False


class PrincipalRows:
    """Keeps what is known of each principal until all is read, and makes its row then."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[int, _Principal] = {}
        self.client_ids: dict[str, str] = {}
        """Application ids by object id, for managed identities the directory told of."""
        self.resource_ids: dict[str, str] = {}
        """ARM ids of managed identities, or of the resources they belong to, by object id and by application id."""

    def of_identity(self, object_id: str | None, name: str | None) -> int | None:
        """Return the key of an identity's service principal; None while it has none."""
        if object_id is None:
            return None
        key = self._context.builder.entity(Kind.PRINCIPAL, object_id, name=name, type="ServicePrincipal")
        known = self._known.setdefault(key, _Principal())
        known.type, known.managed = "ServicePrincipal", True
        return key

    def named(self, object_id: str, kind: str | None) -> int:
        """Return the key of a principal that an assignment names, with the kind that it gives."""
        spelled = _SPELLED.get((kind or "").strip().lower())
        key = self._context.builder.entity(Kind.PRINCIPAL, object_id, type=spelled)
        known = self._known.setdefault(key, _Principal())
        if known.type == UNKNOWN and spelled is not None:
            known.type = spelled
        return key

    def object_ids(self) -> list[str]:
        """Object ids of all principals seen so far."""
        return [self._context.builder.id_of(key) for key in self._known]

    def kind(self, key: int) -> str:
        """Return what a principal is known to be."""
        return self._known[key].type if key in self._known else UNKNOWN

    def found(self, row: Mapping[str, Any]) -> None:
        """Take an object of the directory: it exists, and its kind is certain."""
        object_id = guid_of(row, "id")
        if object_id is None:
            self._context.malformed(row, "An object of the directory has no id", "principals", scope_id="/")
            return
        managed = (text_of(row, "servicePrincipalType") or "").lower() == "managedidentity"
        if managed:
            self._remember_identity(row, object_id)
        key = self._context.builder.key_of(object_id)
        if key is None or key not in self._known:
            if not managed:
                return
            key = self._context.builder.entity(Kind.PRINCIPAL, object_id, type="ServicePrincipal")
            self._known[key] = _Principal()
        self._context.builder.entity(Kind.PRINCIPAL, object_id, name=text_of(row, "displayName"))
        known = self._known[key]
        known.exists = True
        known.managed = known.managed or managed
        kind = "ServicePrincipal" if managed else _KINDS.get((text_of(row, "@odata.type") or "").lower())
        if kind is not None:
            known.type = kind

    def _remember_identity(self, row: Mapping[str, Any], object_id: str) -> None:
        client = guid_of(row, "appId")
        if client is not None:
            self.client_ids[object_id] = client
        names = member(row, "alternativeNames")
        for name in names if isinstance(names, list) else ():
            if isinstance(name, str) and name.lower().startswith("/subscriptions/"):
                self.resource_ids[object_id] = name
                if client is not None:
                    self.resource_ids[client] = name

    def asked(self, object_ids: Iterable[str]) -> None:
        """Say that the directory was asked for these: whom it did not give does not exist (any more).

        Not so for groups of other tenants, which it never gives.
        """
        for object_id in object_ids:
            key = self._context.builder.key_of(object_id)
            known = None if key is None else self._known.get(key)
            if known is not None and known.exists is None and known.type != "ForeignGroup":
                known.exists = False

    def settle(self) -> None:
        """Make the rows."""
        for key, known in self._known.items():
            self._context.builder.add(
                "principals", principal=key, type=known.type, exists=known.exists, managed=known.managed
            )
