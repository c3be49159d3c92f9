"""Principals: whoever an assignment in code names, told apart by what the code refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from scanner.facts.schema import Kind
from scanner.sources.declared.context import Context
from scanner.sources.declared.declaration import Declaration
from scanner.sources.declared.naming import brief, is_guid, printable, segment
from scanner.sources.declared.values import Object, Ref, Unknown, Value

if TYPE_CHECKING:
    from scanner.sources.declared.identity_rows import IdentityRows

UNKNOWN = "Unknown"
SERVICE_PRINCIPAL = "ServicePrincipal"
TYPES = {
    "azuread/user": "User",
    "azuread/group": "Group",
    "azuread/serviceprincipal": SERVICE_PRINCIPAL,
    "azuread/application": SERVICE_PRINCIPAL,
}
"""What a declaration of the directory is when access is given to it."""
_SPELLED = {kind.lower(): kind for kind in ("User", "Group", SERVICE_PRINCIPAL, "ForeignGroup", "Device")}
_EMPTY = "00000000-0000-0000-0000-000000000000"
_MOST_MEMBERS = 50_000


class _Principal(msgspec.Struct):
    type: str = UNKNOWN
    managed: bool = False


class PrincipalRows:
    """Keeps what is known of each principal until all is read, and makes its row then."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[int, _Principal] = {}
        self._members: dict[int, dict[int, None]] = {}

    def of_identity(self, principal_id: str, name: str) -> int:
        """Return the key of an identity's service principal."""
        key = self._context.builder.entity(Kind.PRINCIPAL, principal_id, name=name, type=SERVICE_PRINCIPAL)
        known = self._known.setdefault(key, _Principal())
        known.type, known.managed = SERVICE_PRINCIPAL, True
        return key

    def declared(self, declaration: Declaration) -> int:
        """Return the key of a user, group or service principal that is declared or looked up."""
        context = self._context
        kind = TYPES[declaration.type.lower()]
        given = context.known_text(declaration, "objectId")
        entity_id = given.strip().lower() if given is not None and is_guid(given.strip()) else None
        name = self._name(declaration)
        key = context.builder.entity(
            Kind.PRINCIPAL, entity_id or context.ids.of(declaration), name=name, type=kind
        )
        self._known.setdefault(key, _Principal()).type = kind
        return key

    def _name(self, declaration: Declaration) -> str:
        for path in ("displayName", "userPrincipalName"):
            found = self._context.known_text(declaration, path)
            if found is not None:
                return found
        return self._context.name_of(declaration)

    def named(self, value: Value, kind: str | None, identities: IdentityRows) -> int | None:
        """Return the key of whom a value names; ``kind`` is the ``principalType`` beside it. None for nobody."""
        context = self._context
        value = context.ids.follow(value)
        if value is None or isinstance(value, Object | list | int | float) or value in ("", _EMPTY):
            return None
        identity = identities.named_by(value)
        if identity is not None:
            context.mentioned.add(identity)
            return identities.principal_of(identity)
        if isinstance(value, Ref):
            target = context.ids.by_address.get(value.target)
            if target is not None and target.type in TYPES:
                return self.declared(target)
        spelled = _spelled(kind)
        if isinstance(value, str) and is_guid(value.strip()):
            return self._stranger(value.strip().lower(), None, spelled)
        return self._stranger(*self._not_known(value), spelled or self._sure_type(value, identities))

    def not_given(self, declaration: Declaration, kind: str | None) -> int:
        """Return the key of somebody of whom code says nothing but, perhaps, the ``principalType``."""
        entity_id = f"{self._context.ids.marker}#{segment(declaration.address)}"
        return self._stranger(entity_id, "a principal that is given when it is deployed", _spelled(kind))

    def _not_known(self, value: Value) -> tuple[str, str]:
        written = self._context.ids.shown(value)
        name = written[1:-1] if isinstance(value, Unknown | Ref) else written
        return f"{self._context.ids.marker}#{segment(written)}", brief(name)

    def _stranger(self, entity_id: str, name: str | None, kind: str | None) -> int:
        key = self._context.builder.entity(
            Kind.PRINCIPAL, entity_id, name=None if name is None else printable(name), type=kind
        )
        known = self._known.setdefault(key, _Principal())
        if known.type == UNKNOWN and kind is not None:
            known.type = kind
        return key

    def _sure_type(self, value: Value, identities: IdentityRows) -> str | None:
        """Return the kind that a value has whichever of its options it takes."""
        if not isinstance(value, Unknown) or not value.options:
            return None
        kinds = set()
        for option in value.options:
            found = self._context.ids.follow(option)
            if isinstance(found, Unknown):
                return None
            key = self.named(found, None, identities)
            if key is not None:
                kinds.add(self.kind(key))
        return kinds.pop() if len(kinds) == 1 else None

    def kind(self, key: int) -> str:
        """Return what a principal is known to be."""
        return self._known[key].type if key in self._known else UNKNOWN

    def is_workload(self, key: int) -> bool | None:
        """Return whether a principal is a workload; None where that is not known, as of a group."""
        kind = self.kind(key)
        return None if kind in (UNKNOWN, "Group", "ForeignGroup") else kind == SERVICE_PRINCIPAL

    # ---- groups

    def add_member(self, group: int, member: int) -> None:
        """Say that somebody is a member of a group."""
        if group != member:
            self._members.setdefault(group, {})[member] = None

    def settle(self) -> None:
        """Make the rows: principals, and everybody in a group, through groups in it too."""
        for key, known in self._known.items():
            self._context.builder.add(
                "principals", principal=key, type=known.type, exists=None, managed=known.managed
            )
        room = _MOST_MEMBERS
        for group in self._members:
            seen = {group}
            waiting = [group]
            while waiting and room > 0:
                for member in self._members.get(waiting.pop(), ()):
                    if member not in seen:
                        room -= 1
                        seen.add(member)
                        waiting.append(member)
                        self._context.builder.add("memberships", principal=member, group=group)


def _spelled(kind: str | None) -> str | None:
    return _SPELLED.get((kind or "").strip().lower())
