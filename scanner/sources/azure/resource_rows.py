"""Rows of resources: what they are, which identities they can act as, and what else rules ask about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from scanner.catalog.attachment_values import read_reference
from scanner.catalog.attachments import attachment_paths, walk
from scanner.catalog.credential_use import credentials_in_use, without_secrets
from scanner.catalog.identity_field import read_identity_type
from scanner.catalog.identity_types import can_have_identity
from scanner.catalog.property_path import ABSENT, dig, member, pieces
from scanner.facts import ids
from scanner.facts.coverage import OUTSIDE
from scanner.facts.schema import Kind
from scanner.sources.azure.identity_rows import IdentityRows
from scanner.sources.azure.principal_rows import PrincipalRows
from scanner.sources.azure.raw import Context, clean, guid_of, has, id_of, placed, shown, text_of, type_of
from scanner.sources.azure.tag_rows import add_tags

_USER_ASSIGNED = "/providers/microsoft.managedidentity/userassignedidentities/"
_BY_GUID = ("client_id", "object_id", "client_or_object_id")
_OWN_IDENTITY = "/providers/Microsoft.ManagedIdentity/identities/default"


class _Named(NamedTuple):
    """A resource names an identity by a client or object id, which can be looked up when all are read."""

    resource: int
    property: str
    kind: str
    value: str


class ResourceRows:
    """Makes resources and attachments."""

    def __init__(self, context: Context, identities: IdentityRows, principals: PrincipalRows) -> None:
        self._context = context
        self._identities = identities
        self._principals = principals
        self._named: list[_Named] = []
        self._attached: set[tuple[int, int, str]] = set()

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a resource with everything that hangs on it."""
        context = self._context
        resource_id, kind = id_of(row), type_of(row)
        if resource_id is None or not kind:
            what = "It has no id" if resource_id is None else "It has no type"
            context.malformed(row, what, "resources", "attachments", "identities")
            return
        key = context.builder.entity(Kind.RESOURCE, resource_id, name=text_of(row, "name"), type=kind)
        system, user = self._identity_block(row, resource_id, key)
        kind_of_service = text_of(row, "kind")
        context.builder.add(
            "resources",
            resource=key,
            type=kind,
            kind=None if kind_of_service is None else kind_of_service.lower(),
            location=text_of(row, "location"),
            system_assigned=system,
            user_assigned=user,
            identity_capable=can_have_identity(kind),
        )
        self._nested(row, kind, key)
        self._settings(row, kind, key)
        if "credentials" in context.needs.tables:
            self._credentials(row, resource_id, key)
        add_tags(context, row, key)

    def _identity_block(self, row: Mapping[str, Any], resource_id: str, key: int) -> tuple[bool, bool]:
        """Read the top-level ``identity``; returns whether it is system-assigned and user-assigned."""
        context = self._context
        block = member(row, "identity")
        if block is ABSENT:
            context.builder.gap(
                "attachments", resource_id, "skipped", f"The row does not show its identity: {shown(row)}."
            )
            return False, False
        if block is None or block == "":
            return False, False
        if not isinstance(block, Mapping):
            context.malformed(row, "Its identity is not an object", "identities", "attachments")
            return False, False
        kinds = read_identity_type(None if member(block, "type") is ABSENT else member(block, "type"))
        if kinds.unknown:
            # Which user-assigned identities there are is in the map below, whatever the type says.
            context.malformed(row, "Its identity.type is not understood", "identities")
        object_id = guid_of(block, "principalId")
        system = kinds.system or (bool(kinds.unknown) and object_id is not None)
        if system:
            self._own_identity(row, resource_id, key, object_id)
        assigned = member(block, "userAssignedIdentities")
        if assigned is ABSENT or assigned is None:
            return system, kinds.user
        if not isinstance(assigned, Mapping):
            context.malformed(row, "Its userAssignedIdentities are not an object", "attachments")
            return system, kinds.user
        for identity_id in assigned:
            if isinstance(identity_id, str) and _USER_ASSIGNED in identity_id.lower():
                self._attach(
                    context.builder.entity(Kind.IDENTITY, clean(identity_id).strip().rstrip("/")),
                    key,
                    "identity.userAssignedIdentities",
                )
            else:
                context.malformed(row, "It has a user-assigned identity whose id is none", "attachments")
        return system, kinds.user or bool(assigned)

    def add_use(self, row: Mapping[str, Any]) -> None:
        """Add which of the identities that were read a resource outside the scan's scope can act as.

        Nothing else of it: it is itself no part of the scan. The identities must all have been added.
        """
        resource_id, kind = id_of(row), type_of(row)
        if resource_id is None or not kind:
            self._overlooked(row, "It has no id or no type")
            return
        uses: list[tuple[int | None, str]] = []
        assigned = dig(row, "identity.userAssignedIdentities")
        if isinstance(assigned, Mapping):
            named = [self._read(identity_id) for identity_id in assigned if isinstance(identity_id, str)]
            uses += [(identity, "identity.userAssignedIdentities") for identity in named]
        elif assigned is not ABSENT and assigned is not None:
            self._overlooked(row, "Its userAssignedIdentities are not an object")
        for entry in sorted(attachment_paths(kind), key=lambda path: path.holds != "resource_id"):
            for where, text in walk(row, entry.path):
                reference = read_reference(clean(text), entry.holds)
                if reference.kind == "resource_id":
                    uses.append((self._read(reference.value), clean(where)))
                elif reference.kind in _BY_GUID:
                    uses.append((self._identities.named(reference.kind, reference.value), clean(where)))
                elif reference.kind == "unknown":
                    self._overlooked(row, f"Its {clean(where)} names no identity")
        for identity, where in uses:
            if identity is not None:
                name = text_of(row, "name")
                key = self._context.builder.entity(Kind.RESOURCE, resource_id, name=name, type=kind)
                self._attach(identity, key, where)

    def _read(self, identity_id: str) -> int | None:
        """Return the key of an identity whose row was read; None for any other."""
        key = self._context.builder.key_of(clean(identity_id).strip().rstrip("/"))
        return key if key is not None and self._context.builder.has_row("identities", key) else None

    def _overlooked(self, row: Any, what: str) -> None:
        """Make a gap of a resource outside the scan's scope that may use an identity in a way not understood."""
        self._context.builder.gap("attachments", placed(row), OUTSIDE, f"{what}, in {shown(row)}.")

    def _own_identity(
        self, row: Mapping[str, Any], resource_id: str, key: int, object_id: str | None
    ) -> None:
        name = text_of(row, "name") or ids.last_segment(resource_id)
        identity = self._context.builder.entity(Kind.IDENTITY, resource_id + _OWN_IDENTITY, name=name)
        self._context.builder.add(
            "identities",
            identity=identity,
            user_assigned=False,
            principal=self._principals.of_identity(object_id, name),
            resource=key,
            client_id=None,
            location=text_of(row, "location"),
            isolation=None,
        )
        self._identities.know(identity, None, object_id)
        self._attach(identity, key, "identity.principalId")

    def _attach(self, identity: int, resource: int, where: str) -> None:
        """Add an attachment, once for each object that names the identity in several ways."""
        holder = where.rpartition(".")[0]
        if (identity, resource, holder) not in self._attached:
            self._attached.add((identity, resource, holder))
            self._context.builder.add("attachments", identity=identity, resource=resource, property=where)

    def _nested(self, row: Mapping[str, Any], kind: str, key: int) -> None:
        """Read every nested path that the catalogue knows for the type; resource ids first, as they say most."""
        paths = attachment_paths(kind)
        if not paths:
            return
        if not has(row, "properties"):
            self._context.builder.gap(
                "attachments",
                placed_id(row),
                "skipped",
                f"The row does not show its properties: {shown(row)}.",
            )
            return
        plain: set[str] = set()
        for entry in sorted(paths, key=lambda path: path.holds != "resource_id"):
            for where, text in walk(row, entry.path):
                where = clean(where)  # noqa: PLW2901
                reference = read_reference(clean(text), entry.holds)
                if reference.kind == "resource_id":
                    plain.add(where.rpartition(".")[0])
                    identity = self._context.builder.entity(Kind.IDENTITY, reference.value)
                    self._attach(identity, key, where)
                elif reference.kind in _BY_GUID:
                    # Beside a resource id they only repeat it.
                    if where.rpartition(".")[0] not in plain:
                        self._named.append(_Named(key, where, reference.kind, reference.value))
                elif reference.kind == "unknown":
                    self._context.malformed(row, f"Its {where} names no identity", "attachments")

    def _settings(self, row: Mapping[str, Any], kind: str, key: int) -> None:
        for path in self._context.needs.settings.get(kind, ()):
            if path.startswith("properties") and not has(row, "properties"):
                self._context.builder.gap(
                    "settings",
                    placed_id(row),
                    "skipped",
                    f"The row does not show its properties: {shown(row)}.",
                )
                return
            value = dig(row, path)
            absent = value is ABSENT or value is None
            text = None if absent else json.dumps(without_secrets(value, pieces(path)), ensure_ascii=False)
            self._context.builder.add(
                "settings",
                resource=key,
                path=path,
                value=None if text is None else clean(text),
                resolved=True,
            )

    def _credentials(self, row: Mapping[str, Any], resource_id: str, key: int) -> None:
        for use in credentials_in_use(row):
            self._context.builder.add(
                "credentials",
                credential=self._context.builder.entity(
                    Kind.CREDENTIAL, f"{resource_id}#{use.property}", name=use.property
                ),
                resource=key,
                type=use.type,
                property=use.property,
            )

    def names_strangers(self) -> bool:
        """Whether a resource names an identity by an id that none of the identities read has."""
        return any(self._identities.named(named.kind, named.value) is None for named in self._named)

    def settle(self) -> None:
        """Look up the identities that were named by client or object id.

        One that is none of those read is left out: it is a plain application, or an identity that lies where
        nothing was read. It says nothing about any identity that was.
        """
        for named in self._named:
            identity = self._identities.named(named.kind, named.value)
            if identity is None:
                known = self._principals.resource_ids.get(named.value)
                if known is None:
                    continue
                if _USER_ASSIGNED not in known.lower():
                    known = known.rstrip("/") + _OWN_IDENTITY
                identity = self._context.builder.entity(Kind.IDENTITY, known)
            self._attach(identity, named.resource, named.property)


def placed_id(row: Mapping[str, Any]) -> str:
    """Return the id of a row that is known to have one."""
    found = id_of(row)
    return ids.ROOT if found is None else found
