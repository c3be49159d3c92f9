"""Resources as code declares them: what they are, which identities they can act as, what else rules ask of them."""

from __future__ import annotations

import json
from typing import Any

from scanner.catalog.attachment_values import read_reference
from scanner.catalog.attachments import AttachmentPath, attachment_paths
from scanner.catalog.credential_use import types_with_credentials, without_secrets
from scanner.catalog.identity_types import can_have_identity
from scanner.catalog.property_path import fixed_part, pieces
from scanner.facts.schema import Kind
from scanner.sources.declared.context import Context
from scanner.sources.declared.declaration import Declaration
from scanner.sources.declared.identity_rows import IdentityRows, is_identity_id, kinds_of
from scanner.sources.declared.naming import printable, segment
from scanner.sources.declared.resource_ids import arm_type
from scanner.sources.declared.values import KeyRead, Object, Ref, Text, Unknown, Value
from scanner.sources.declared.walking import Found, find, plain

_IDENTITIES = "identity.userAssignedIdentities"


class ResourceRows:
    """Makes resources, attachments, settings and tags. All identities of the unit must be added before."""

    def __init__(self, context: Context, identities: IdentityRows) -> None:
        self._context = context
        self._identities = identities
        self._attached: set[tuple[int, int, str]] = set()
        self._added: dict[int, dict[str, Any]] = {}
        self._told: dict[tuple[int, str], dict[str, Any]] = {}
        self._tagged: set[tuple[int, str]] = set()

    def add(self, declaration: Declaration, key: int) -> None:
        """Add what rules ask of a resource that is declared."""
        kind = arm_type(declaration)
        if (
            can_have_identity(kind)
            or attachment_paths(kind)
            or kind in self._context.settings
            or kind in types_with_credentials()
            or declaration.body.get("identity") is not None
        ):
            self.add_row(declaration, key)
        self._assigned(declaration, key)
        self._nested(declaration, kind, key)
        self._settings(declaration, kind, key)

    def add_row(self, declaration: Declaration, key: int) -> None:
        """Add the row of a resource, once; what is declared again has every identity that it is given anywhere."""
        if declaration.existing:
            return
        context = self._context
        kind = arm_type(declaration)
        system, user = kinds_of(context, declaration)
        before = self._added.get(key)
        if before is not None:
            before["system_assigned"] = _either(before["system_assigned"], system)
            before["user_assigned"] = _either(before["user_assigned"], user)
        else:
            written = context.known_text(declaration, "kind")
            row = {
                "resource": key,
                "type": kind,
                "kind": None if written is None else written.lower(),
                "location": context.known_text(declaration, "location"),
                "system_assigned": system,
                "user_assigned": user,
                "identity_capable": can_have_identity(kind),
            }
            self._added[key] = context.builder.add("resources", **row)
        if system:
            self._attach(self._identities.own(declaration, key), key, "identity.principalId")

    # ---- attachments

    def _assigned(self, declaration: Declaration, key: int) -> None:
        """Read the identities that the top-level ``identity`` names."""
        context = self._context
        for found in find(declaration.body, _IDENTITIES, 1):
            value = context.ids.follow(found.value)
            if isinstance(value, Unknown | Ref | Text | KeyRead):
                self._not_known(declaration, value)
            elif isinstance(value, Object):
                for name in value.properties:
                    self._assign(value.names.get(name, name), key)
                if value.open:
                    place = context.place_of(declaration, found.start, found.end)
                    detail = "It may have more user-assigned identities than can be known."
                    context.builder.gap("attachments", place, "unresolved", detail)
            elif isinstance(value, list):
                for item in value:
                    self._assign(item, key)

    def _not_known(self, declaration: Declaration, value: Value) -> None:
        self._context.unresolved(
            "attachments", declaration, "The map of its user-assigned identities", value, _IDENTITIES
        )

    def _assign(self, value: Value, key: int) -> None:
        """Attach the identity that a value names; equal values that are not known are the same identity."""
        ids = self._context.ids
        identity_id = ids.read(value)
        if identity_id is None:
            value = ids.follow(value)
            if not isinstance(value, Unknown | Ref | Text):
                return
            name = f"{segment(ids.text(value))}{ids.marker}"
            identity_id = f"{ids.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        elif not is_identity_id(identity_id):
            return
        identity = self._context.builder.entity(Kind.IDENTITY, identity_id)
        self._attach(identity, key, _IDENTITIES)

    def _attach(self, identity: int, resource: int, where: str) -> None:
        """Add an attachment, once for each object that names the identity in several ways."""
        self._context.mentioned.add(identity)
        holder = where.rpartition(".")[0]
        if (identity, resource, holder) not in self._attached:
            self._attached.add((identity, resource, holder))
            self._context.builder.add(
                "attachments", identity=identity, resource=resource, property=where, found=None
            )

    def _nested(self, declaration: Declaration, kind: str, key: int) -> None:
        """Read every nested path that the catalogue knows for the type; resource ids first, as they say most."""
        for entry in sorted(attachment_paths(kind), key=lambda path: path.holds != "resource_id"):
            for found in find(declaration.body, entry.path):
                identity = self._nested_identity(entry, found)
                if identity is not None:
                    self._attach(identity, key, printable(found.where))

    def _nested_identity(self, entry: AttachmentPath, found: Found) -> int | None:
        ids = self._context.ids
        value = ids.follow(found.value)
        if isinstance(value, Ref):
            return self._identities.named_by(value)
        if not isinstance(value, str | Text):
            return None
        reference = read_reference(ids.text(value), entry.holds)
        if reference.kind == "resource_id":
            identity_id = ids.read(reference.value)
            return None if identity_id is None else self._context.builder.entity(Kind.IDENTITY, identity_id)
        return self._identities.named_by(reference.value) if reference.value else None

    # ---- settings and tags

    def _settings(self, declaration: Declaration, kind: str, key: int) -> None:
        if "settings" not in self._context.tables:
            return
        for path in self._context.settings.get(kind, ()):
            value, resolved = self._setting(declaration.body, path)
            before = self._told.get((key, path))
            if before is None:
                self._told[key, path] = self._context.builder.add(
                    "settings", resource=key, path=path, value=value, resolved=resolved
                )
            elif (value, resolved) != (before["value"], before["resolved"]):
                # Declared again with something else: a value beside none is the value, two values are not known.
                known = resolved and before["resolved"] and None in (value, before["value"])
                before["value"] = (before["value"] or value) if known else None
                before["resolved"] = known

    def _setting(self, body: Object, path: str) -> tuple[str | None, bool]:
        """Return a property as JSON, None where it is absent, and whether that much is known."""
        steps = pieces(path)
        several = any(step.endswith(("[]", "{}")) for step in steps)
        if several and not find(body, ".".join(fixed_part(path)), 1):
            return None, True
        decoded = []
        for found in find(body, path):
            value = self._context.ids.follow(found.value)
            one, known = plain(value, lambda _: None)
            if not known:
                return None, False
            if one is not None:
                decoded.append(one)
        if not several and not decoded:
            return None, True
        kept = without_secrets(decoded if several else decoded[0], steps)
        return json.dumps(kept, ensure_ascii=False).encode("utf-8", "replace").decode(), True

    def add_tags(self, declaration: Declaration, key: int) -> None:
        """Add the tags of what is declared; a value that is not known stands in braces."""
        context = self._context
        if "tags" not in context.tables:
            return
        value = context.value(declaration, "tags")
        for name, held in value.properties.items() if isinstance(value, Object) else ():
            written = context.text_or_none(held.value)
            if written is not None and (key, name.lower()) not in self._tagged:
                self._tagged.add((key, name.lower()))
                context.builder.add("tags", entity=key, tag=printable(name), value=written)


def _either(one: bool | None, other: bool | None) -> bool | None:
    """Whether one of two is so; None where that is not known."""
    if one or other:
        return True
    return None if one is None or other is None else False
