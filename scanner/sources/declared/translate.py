"""The facts of one unit, from what it declares.

Data flow: declarations get their ids first; then identities and role definitions, which others refer to; then all the
rest. One walk through every body finds what refers to what, keys that are read, and secrets in outputs.
"""

from __future__ import annotations

from scanner.facts import ids
from scanner.facts.ids import same
from scanner.facts.schema import Kind
from scanner.sources.declared.authorization_rows import ASSIGNMENTS, ROLE_DEFINITION, AuthorizationRows
from scanner.sources.declared.context import Context
from scanner.sources.declared.credential_rows import CredentialRows
from scanner.sources.declared.declaration import OTHER_TYPES, Declaration, Unit
from scanner.sources.declared.identity_rows import FEDERATED, USER_ASSIGNED, IdentityRows
from scanner.sources.declared.naming import is_guid, is_synthetic, printable
from scanner.sources.declared.principal_rows import TYPES, PrincipalRows
from scanner.sources.declared.resource_ids import (
    MANAGEMENT_GROUP,
    RESOURCE_GROUPS,
    SUBSCRIPTION,
    arm_type,
)
from scanner.sources.declared.resource_rows import ResourceRows
from scanner.sources.declared.unit_facts import UnitFacts
from scanner.sources.declared.values import KeyRead, Object, Ref, Text, Unknown, Value
from scanner.sources.declared.walking import not_known
from scanner.sources.declared.wanted import Wanted

__all__ = ["Wanted", "translate"]

_SUBSCRIPTION_IN_GROUP = f"{MANAGEMENT_GROUP}/subscriptions"
_REFERRED_TO = (USER_ASSIGNED, ROLE_DEFINITION, *TYPES)
_MADE_UP = (
    "uniquestring(",
    "guid(",
    "newguid(",
    "utcnow(",
    "resourcegroup()",
    "subscription()",
    "deployment()",
    "random_",
    "terraform.workspace",
)
"""How values begin that the deployment makes itself, so that nobody outside can know a name that holds them."""


def translate(unit: Unit, wanted: Wanted) -> UnitFacts:
    """Return the facts of a unit. Nothing that it declares makes this fail; what cannot be known is a gap."""
    return _Translation(unit, wanted).run()


class _Translation:
    """One unit on its way."""

    def __init__(self, unit: Unit, wanted: Wanted) -> None:
        self._context = Context(unit, wanted)
        self._principals = PrincipalRows(self._context)
        self._identities = IdentityRows(self._context, self._principals)
        self._authorization = AuthorizationRows(self._context, self._principals, self._identities)
        self._resources = ResourceRows(self._context, self._identities)
        self._credentials = CredentialRows(self._context, self._resources)
        self._keys: dict[str, int] = {}

    def run(self) -> UnitFacts:
        """Make all rows."""
        context = self._context
        # What is made comes before what looks it up: its own words count.
        declarations = sorted(context.unit.declarations, key=lambda one: one.existing)
        first = [one for one in declarations if arm_type(one) in _REFERRED_TO]
        later = [one for one in declarations if arm_type(one) not in _REFERRED_TO]
        for declaration in (*first, *later):
            key = self._add(declaration)
            if key is not None:
                self._keys[declaration.address] = key
                context.declare(key, declaration)
        self._members()
        self._walk()
        self._principals.settle()
        self._name_the_rest()
        for gap in context.unit.gaps:
            context.builder.gap(gap.table, gap.place, gap.reason, printable(gap.detail))
        return context.builder.facts

    def _add(self, declaration: Declaration) -> int | None:
        """Add what a declaration says; returns the key of what it declares, None for what is no entity."""
        context = self._context
        kind = arm_type(declaration)
        if kind == USER_ASSIGNED:
            key = self._identities.add(declaration)
            if not declaration.existing:
                principal = self._identities.principal_of(key)
                context.place(principal, declaration, -1, -1)
                self._resources.add_tags(declaration, key)
            return key
        if kind in ASSIGNMENTS:
            return None if declaration.existing else self._authorization.add_assignment(declaration)
        if kind == ROLE_DEFINITION:
            return None if declaration.existing else self._authorization.add_role(declaration)
        if kind == FEDERATED:
            return None if declaration.existing else self._identities.add_credential(declaration)
        if kind in TYPES and kind != "azuread/application":
            return self._principals.declared(declaration)
        if kind in OTHER_TYPES or "." not in kind.split("/")[0]:
            self._credentials.add_other(declaration)
            return None
        if kind in RESOURCE_GROUPS or kind in (SUBSCRIPTION, MANAGEMENT_GROUP):
            return self._scope(declaration, kind)
        if kind == _SUBSCRIPTION_IN_GROUP:
            self._subscription_in_group(declaration)
            return None
        key = context.entity(Kind.RESOURCE, declaration)
        if not declaration.existing:
            self._resources.add(declaration, key)
            self._resources.add_tags(declaration, key)
            self._credentials.add(declaration, key)
        return key

    def _scope(self, declaration: Declaration, kind: str) -> int:
        context = self._context
        key = context.entity(Kind.SCOPE, declaration)
        parent = (
            context.value(declaration, "properties.details.parent.id") if kind == MANAGEMENT_GROUP else None
        )
        above = None if parent is None else context.ids.read(parent)
        context.builder.scope(context.ids.of(declaration), parent=above or "")
        if not declaration.existing:
            self._resources.add_tags(declaration, key)
        return key

    def _subscription_in_group(self, declaration: Declaration) -> None:
        """Say in which management group a subscription lies."""
        context = self._context
        group = None if declaration.parent is None else context.ids.read(declaration.parent)
        name = context.ids.follow(declaration.name)
        subscription = (
            f"/subscriptions/{name.strip()}" if isinstance(name, str) and is_guid(name.strip()) else None
        )
        subscription = subscription or context.ids.read(name)
        if (
            group is not None
            and subscription is not None
            and ids.place(subscription).subscription == subscription
        ):
            context.builder.scope(subscription, parent=group)

    def _members(self) -> None:
        """Read who is in which group, as far as code says."""
        context = self._context
        for declaration in context.unit.declarations:
            if declaration.type == "azuread/groupmember":
                group = self._group(context.value(declaration, "groupId"))
                member = context.value(declaration, "memberId")
                self._join(group, member)
            elif declaration.type == "azuread/group":
                members = context.value(declaration, "members")
                for member in members if isinstance(members, list) else ():
                    self._join(self._keys.get(declaration.address), member)

    def _group(self, value: Value) -> int | None:
        return None if value is None else self._principals.named(value, "Group", self._identities)

    def _join(self, group: int | None, member: Value) -> None:
        if group is not None and not isinstance(self._context.ids.follow(member), Unknown | Text):
            found = self._principals.named(member, None, self._identities)
            if found is not None:
                self._principals.add_member(group, found)

    def _name_the_rest(self) -> None:
        """Name what only an id in braces stands for, and the scopes around it, for people."""
        builder = self._context.builder
        unnamed: dict[str, Kind] = {}
        for kind, entity_id, name, _ in builder.facts.entities:
            if is_synthetic(entity_id):
                if name is None and kind != Kind.ASSIGNMENT:
                    unnamed[entity_id] = Kind(kind)
                parts = entity_id.split("/", 5)
                if entity_id.startswith("/subscriptions/") and len(parts) > 3:
                    unnamed.setdefault("/".join(parts[:3]), Kind.SCOPE)
                    if len(parts) > 5 and parts[3].lower() == "resourcegroups":
                        unnamed.setdefault("/".join(parts[:5]), Kind.SCOPE)
        for entity_id, kind in unnamed.items():
            if is_synthetic(entity_id):
                builder.entity(kind, entity_id, name=self._context.ids.spoken(entity_id))

    # ---- references

    def _walk(self) -> None:
        context = self._context
        referenced: set[str] = set()
        exported: set[str] = set()
        from_outside: set[str] = set()
        for declaration in context.unit.declarations:
            named = referenced
            if declaration.type == "output":
                # What a module hands on to its caller has not left the unit.
                named = exported if not declaration.calls else set()
            for leaf in not_known(declaration.body, context.budget):
                self._refers(declaration, leaf.value, named)
                if isinstance(leaf.value, KeyRead | Unknown):
                    self._credentials.read_in(declaration, leaf, self._keys.get(declaration.address))
            for value in (declaration.name, declaration.parent):
                for leaf in not_known(value, context.budget):
                    self._refers(declaration, leaf.value, named)
            if _from_outside(declaration.name):
                from_outside.add(declaration.address)
        self._handed_on(exported)
        if context.budget.spent and context.unit.declarations:
            context.builder.gap(
                "key_reads",
                context.unit.declarations[0].place,
                "skipped",
                "The unit holds more values than are looked at for keys and references.",
            )
        context.finish(referenced, exported, from_outside)

    def _handed_on(self, exported: set[str]) -> None:
        """Add the identities of which an output hands on the name or id as text, as ARM templates write it."""
        ids = self._context.ids
        known: dict[str, str] = {}
        for declaration in self._context.unit.declarations:
            if arm_type(declaration) == USER_ASSIGNED and not declaration.existing:
                name = ids.follow(declaration.name)
                if isinstance(name, str) and name:
                    known[name.lower()] = declaration.address
                known[same(ids.of(declaration))] = declaration.address
        waiting: list[Value] = [
            one.body for one in self._context.unit.declarations if one.type == "output" and not one.calls
        ]
        while known and waiting and self._context.budget.left > 0:
            self._context.budget.left -= 1
            value = waiting.pop()
            if isinstance(value, Object):
                waiting.extend(held.value for held in value.properties.values())
            elif isinstance(value, list):
                waiting.extend(value)
            elif isinstance(value, str | Text):
                named = ids.read(value) or (value if isinstance(value, str) else "")
                address = known.get(same(named))
                if address is not None:
                    exported.add(address)

    @staticmethod
    def _refers(declaration: Declaration, value: Value, named: set[str]) -> None:
        if isinstance(value, Ref) and value.target != declaration.address:
            named.add(value.target)


def _from_outside(name: Value) -> bool:
    """Whether a name holds something that whoever deploys the unit gives, and so may use elsewhere."""
    parts = name.parts if isinstance(name, Text) else (name,)
    return any(isinstance(part, Unknown) and not part.shown.lower().startswith(_MADE_UP) for part in parts)
