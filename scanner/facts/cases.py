"""Small invented worlds: the words in which a rule's cases are written.

A case is a sentence and a few elements. Elements name each other (``attached("app", to="vm")``); whatever a
case does not say is unremarkable: one subscription called ``main`` under one management group called
``corp``, everything read, the directory asked. Scopes are written ``tenant``, ``management_group:corp``,
``subscription:main``, ``resource_group:web`` (or ``resource_group:other/web`` in another subscription) and
``resource:vm``.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from scanner.facts.schema import Kind, Level, collected_tables
from scanner.facts.store import FactsBuilder, FactStore

_NAMESPACE = uuid.UUID("6f0d3f0e-6d69-4461-8c53-6d6964617321")
_MSI = "Microsoft.ManagedIdentity/userAssignedIdentities"
_VIRTUAL_MACHINE = "Microsoft.Compute/virtualMachines"


class CaseError(Exception):
    """A case that contradicts itself or names something that does not exist."""


@dataclass(frozen=True)
class Element:
    """One thing in a case's world. ``kind`` is what a finding about it would be about."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    order: int = 50
    what: str = ""
    kind: Kind | None = None


@dataclass(frozen=True)
class Case:
    """A world and the verdict that the rule must give in it.

    ``finds`` are the names of the elements that fail (or are unknown), by default the first one of the kind
    that the rule judges.
    """

    verdict: Literal["fail", "pass", "unknown", "not_applicable"]
    title: str
    elements: tuple[Element, ...]
    finds: tuple[str, ...] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


def bad(title: str, *elements: Element, finds: Sequence[str] | None = None, **parameters: Any) -> Case:
    """Make a case in which the rule finds exactly the elements named in ``finds``."""
    return Case("fail", title, elements, None if finds is None else tuple(finds), parameters)


def good(title: str, *elements: Element, **parameters: Any) -> Case:
    """Make a case in which the rule finds nothing and leaves nothing unknown."""
    return Case("pass", title, elements, (), parameters)


def unknown(title: str, *elements: Element, finds: Sequence[str] | None = None, **parameters: Any) -> Case:
    """Make a case in which the rule finds nothing and cannot speak of the elements named in ``finds``."""
    return Case("unknown", title, elements, None if finds is None else tuple(finds), parameters)


def management_group(name: str, *, under: str = "tenant") -> Element:
    """Add a management group below another one (``management_group:NAME``) or below the root."""
    return Element(name, {"under": under}, 0, "management_group", Kind.SCOPE)


def subscription(name: str, *, under: str = "management_group:corp") -> Element:
    """Add a subscription."""
    return Element(name, {"under": under}, 1, "subscription", Kind.SCOPE)


def identity(
    name: str,
    *,
    subscription: str = "main",
    group: str = "app",
    of: str | None = None,
    location: str = "westeurope",
    without_principal: bool = False,
) -> Element:
    """Add a user-assigned identity, or with ``of`` the system-assigned identity of that resource.

    ``without_principal``: Azure has not said which service principal it is.
    """
    values = {
        "subscription": subscription,
        "group": group,
        "of": of,
        "location": location,
        "without_principal": without_principal,
    }
    return Element(name, values, 11 if of else 10, "identity", Kind.IDENTITY)


def resource(
    name: str,
    type: str = _VIRTUAL_MACHINE,  # noqa: A002
    *,
    subscription: str = "main",
    group: str = "app",
    at: str | None = None,
    kind: str | None = None,
    identity_capable: bool = True,
    system_assigned: bool = False,
    user_assigned: bool = False,
) -> Element:
    """Add a resource; ``at`` is the scope of one that lies in no resource group, such as a policy assignment."""
    values = {
        "type": type,
        "at": at,
        "subscription": subscription,
        "group": group,
        "kind": kind,
        "identity_capable": identity_capable,
        "system_assigned": system_assigned,
        "user_assigned": user_assigned,
    }
    return Element(name, values, 9, "resource", Kind.RESOURCE)


def principal(
    name: str,
    type: Literal["User", "Group", "ServicePrincipal", "ForeignGroup", "Unknown"] = "ServicePrincipal",  # noqa: A002
    *,
    exists: bool | None = True,
    managed: bool = False,
) -> Element:
    """Add somebody of the directory; ``exists=None``: the directory was not asked.

    ``managed`` says that it is a managed identity's, which itself was not seen.
    """
    return Element(name, {"type": type, "exists": exists, "managed": managed}, 8, "principal", Kind.PRINCIPAL)


def person(name: str) -> Element:
    """Add a user."""
    return principal(name, "User")


def member(name: str, *, of: str) -> Element:
    """Make an identity or principal a member of a group."""
    return Element(name, {"of": of}, 40, "member")


def attached(
    name: str,
    *,
    to: str,
    property: str = "identity.userAssignedIdentities",  # noqa: A002
    subscription: str = "main",
) -> Element:
    """Let a resource act as an identity. An identity that no element adds does not exist (it dangles).

    ``subscription`` is where the resource lies when no element adds it, and where a missing identity would.
    """
    return Element(name, {"to": to, "property": property, "subscription": subscription}, 41, "attached")


def federated(
    name: str,
    *,
    issuer: str,
    subject: str | None = None,
    audience: str = "api://AzureADTokenExchange",
    expression: str | None = None,
    credential: str = "ci",
) -> Element:
    """Let an external issuer's tokens become a user-assigned identity; ``credential`` names the credential."""
    values = {
        "identity": name,
        "issuer": issuer,
        "subject": subject,
        "audience": audience,
        "expression": expression,
    }
    return Element(credential, values, 42, "federated", Kind.CREDENTIAL)


def custom_role(
    name: str,
    *,
    actions: Sequence[str] = (),
    not_actions: Sequence[str] = (),
    data_actions: Sequence[str] = (),
    not_data_actions: Sequence[str] = (),
    condition: str | None = None,
    second: Mapping[str, Sequence[str]] | None = None,
    readable: bool = True,
) -> Element:
    """Add a custom role; ``second`` is another permission entry with the same four lists as keys."""
    first = {
        "actions": tuple(actions),
        "not_actions": tuple(not_actions),
        "data_actions": tuple(data_actions),
        "not_data_actions": tuple(not_data_actions),
        "condition": condition,
    }
    entries = [first] + ([dict(second)] if second else [])
    return Element(name, {"entries": entries, "readable": readable}, 20, "custom_role", Kind.ROLE)


def assigned(
    name: str,
    role: str,
    *,
    at: str = "subscription:main",
    condition: str | None = None,
    eligible: bool = False,
    as_: str | None = None,
) -> Element:
    """Assign a role: built-in by its name, or a custom one. The element is called ``as_``, else "NAME ROLE"."""
    values = {"who": name, "role": role, "at": at, "condition": condition, "eligible": eligible}
    return Element(as_ or f"{name} {role}", values, 43, "assigned", Kind.ASSIGNMENT)


def denied(
    name: str | None,
    *,
    actions: Sequence[str] = (),
    data_actions: Sequence[str] = (),
    at: str = "subscription:main",
    below: bool = True,
    spares: Sequence[str] = (),
) -> Element:
    """Deny actions to somebody (None: everybody) at a scope and below, sparing the principals in ``spares``."""
    patterns = [("actions", action) for action in actions] + [
        ("dataActions", action) for action in data_actions
    ]
    values = {"who": name, "patterns": tuple(patterns), "at": at, "below": below, "spares": tuple(spares)}
    return Element(f"deny {name or 'everybody'}", values, 44, "denied", Kind.DENIAL)


def setting(name: str, path: str, value: Any, *, resolved: bool = True) -> Element:
    """Give a resource a property value that a rule reads; None is absence."""
    return Element(name, {"path": path, "value": value, "resolved": resolved}, 45, "setting")


def credential_in_use(
    name: str,
    type: str,  # noqa: A002
    *,
    property: str = "properties.configuration.secrets[0]",  # noqa: A002
) -> Element:
    """Let a resource be seen to use a key, password or secret of its own."""
    return Element(name, {"type": type, "property": property}, 46, "credential_in_use")


def administrator(name: str, *, type: str = "CoAdministrator", at: str = "subscription:main") -> Element:  # noqa: A002
    """Add a classic administrator."""
    return Element(name, {"type": type, "at": at}, 47, "administrator", Kind.ADMINISTRATOR)


def refused(table: str, *, at: str = "tenant", reason: str = "refused") -> Element:
    """Leave a table unread at a scope, or of one element (``identity:app``, ``role:NAME``)."""
    return Element(f"{table} refused", {"table": table, "at": at, "reason": reason}, 60, "refused")


class World:
    """Builds a case's elements into facts and remembers which entity each name became."""

    def __init__(self, elements: Sequence[Element]) -> None:
        self.builder = FactsBuilder()
        self.ids: dict[str, str] = {}
        self._elements = sorted(elements, key=lambda element: element.order)
        self._groups: dict[str, str] = {}
        self._principals: dict[str, int] = {}

    def build(self) -> FactStore:
        """Return the facts of the world; :class:`CaseError` when an element names something unknown."""
        self.builder.scope("/", name="tenant root")
        for table in ("tags", "entities"):
            self.builder.covered(table)
        self._management_group(management_group("corp"))
        self._subscription(subscription("main"))
        refusals = []
        for element in self._elements:
            if element.what == "refused":
                refusals.append(element)
            else:
                getattr(self, f"_{element.what}")(element)
        self._cover(refusals)
        return self.builder.finish()

    def id_of(self, name: str) -> str:
        """Return the Azure id of an element, or of a scope written as ``subscription:main``."""
        if name in self.ids:
            return self.ids[name]
        return self._scope_id(name)

    def _cover(self, refusals: Sequence[Element]) -> None:
        from scanner.facts.schema import TABLES

        for table in TABLES.values():
            if not table.derived and table.name != "gaps":
                self.builder.covered(table.name)
        for element in refusals:
            table_name = str(element.values["table"])
            for source in sorted(collected_tables(table_name)):
                self.builder.gap(
                    source,
                    self._scope_id(element.values["at"]),
                    element.values["reason"],
                    "Not read in this case.",
                )

    # ---- scopes

    def _scope_id(self, at: str) -> str:
        kind, _, name = at.partition(":")
        if kind == "tenant":
            return "/"
        if kind == "management_group":
            return f"/providers/Microsoft.Management/managementGroups/{name}"
        if kind == "subscription":
            return f"/subscriptions/{uuid.uuid5(_NAMESPACE, 'subscription ' + name)}"
        if kind == "resource_group":
            where, _, group = name.rpartition("/")
            return f"{self._scope_id('subscription:' + (where or 'main'))}/resourceGroups/{group}"
        if name in self.ids:
            return self.ids[name]
        raise CaseError(
            f"{at!r}: no element is called {name!r}; scopes are tenant, management_group:, subscription:, "
            "resource_group:, resource:"
        )

    def _management_group(self, element: Element) -> None:
        scope_id = self._scope_id(f"management_group:{element.name}")
        self.builder.scope(scope_id, name=element.name, parent=self._scope_id(element.values["under"]))
        self.ids[element.name] = scope_id

    def _subscription(self, element: Element) -> None:
        scope_id = self._scope_id(f"subscription:{element.name}")
        self.builder.scope(scope_id, name=element.name, parent=self._scope_id(element.values["under"]))
        self.ids[element.name] = scope_id

    # ---- things

    def _resource_id(self, name: str, type_: str, subscription_: str, group: str) -> str:
        return f"{self._scope_id(f'resource_group:{subscription_}/{group}')}/providers/{type_}/{name}"

    def _resource(self, element: Element) -> None:
        v = element.values
        if v["at"] is None:
            resource_id = self._resource_id(element.name, v["type"], v["subscription"], v["group"])
        else:
            resource_id = f"{self._scope_id(v['at']).rstrip('/')}/providers/{v['type']}/{element.name}"
        key = self.builder.entity(Kind.RESOURCE, resource_id, name=element.name, type=v["type"])
        self.builder.add(
            "resources",
            resource=key,
            type=v["type"].lower(),
            kind=v["kind"],
            location="westeurope",
            system_assigned=v["system_assigned"],
            user_assigned=v["user_assigned"],
            identity_capable=v["identity_capable"],
        )
        self.ids[element.name] = resource_id

    def _principal_key(self, name: str, type_: str, exists: bool | None, *, managed: bool) -> int:
        object_id = str(uuid.uuid5(_NAMESPACE, "principal " + name))
        key = self.builder.entity(Kind.PRINCIPAL, object_id, name=name, type=type_)
        self.builder.add("principals", principal=key, type=type_, exists=exists, managed=managed)
        self._principals[name] = key
        return key

    def _principal(self, element: Element) -> None:
        v = element.values
        self._principal_key(element.name, v["type"], v["exists"], managed=v["managed"])
        self.ids[element.name] = str(uuid.uuid5(_NAMESPACE, "principal " + element.name))

    def _identity(self, element: Element) -> None:
        v = element.values
        if v["of"] is None:
            identity_id = self._resource_id(element.name, _MSI, v["subscription"], v["group"])
            resource_key = None
        else:
            if v["of"] not in self.ids:
                raise CaseError(f"identity {element.name!r}: no resource is called {v['of']!r}")
            identity_id = f"{self.ids[v['of']]}/providers/Microsoft.ManagedIdentity/identities/default"
            resource_key = self.builder.key_of(self.ids[v["of"]])
        key = self.builder.entity(Kind.IDENTITY, identity_id, name=element.name)
        self.builder.add(
            "identities",
            identity=key,
            user_assigned=v["of"] is None,
            principal=None
            if v["without_principal"]
            else self._principal_key(element.name, "ServicePrincipal", True, managed=True),
            resource=resource_key,
            client_id=str(uuid.uuid5(_NAMESPACE, "client " + element.name)),
            location=v["location"],
            isolation="None",
        )
        if resource_key is not None:
            self.builder.add(
                "attachments", identity=key, resource=resource_key, property="identity.principalId"
            )
        self.ids[element.name] = identity_id

    def _member(self, element: Element) -> None:
        self.builder.add(
            "memberships", principal=self._who(element.name), group=self._who(element.values["of"])
        )

    def _who(self, name: str) -> int:
        if name not in self._principals:
            raise CaseError(f"no identity or principal is called {name!r}")
        return self._principals[name]

    def _attached(self, element: Element) -> None:
        v = element.values
        if v["to"] not in self.ids:
            self._resource(resource(v["to"], subscription=v["subscription"], user_assigned=True))
        identity_id = self.ids.get(element.name) or self._resource_id(
            element.name, _MSI, v["subscription"], "app"
        )
        key = self.builder.entity(Kind.IDENTITY, identity_id, name=element.name)
        resource_key = self.builder.key_of(self.ids[v["to"]])
        self.builder.add("attachments", identity=key, resource=resource_key, property=v["property"])

    def _federated(self, element: Element) -> None:
        v = element.values
        if v["identity"] not in self.ids:
            raise CaseError(f"federated credential {element.name!r}: no identity is called {v['identity']!r}")
        identity_id = self.ids[v["identity"]]
        credential_id = f"{identity_id}/federatedIdentityCredentials/{element.name}"
        self.builder.add(
            "federated_credentials",
            credential=self.builder.entity(Kind.CREDENTIAL, credential_id, name=element.name),
            identity=self.builder.key_of(identity_id),
            issuer=v["issuer"],
            subject=v["subject"],
            audience=v["audience"],
            expression=v["expression"],
        )
        self.ids[element.name] = credential_id

    # ---- access

    def _custom_role(self, element: Element) -> None:
        guid = str(uuid.uuid5(_NAMESPACE, "role " + element.name))
        role_id = f"/providers/Microsoft.Authorization/roleDefinitions/{guid}"
        self.ids[element.name] = role_id
        self._add_role(
            role_id,
            element.name,
            guid,
            element.values["entries"],
            custom=True,
            readable=element.values["readable"],
        )

    def _add_role(
        self,
        role_id: str,
        name: str,
        guid: str,
        entries: Sequence[Mapping[str, Any]],
        *,
        custom: bool,
        readable: bool,
    ) -> int:
        key = self.builder.entity(Kind.ROLE, role_id, name=name)
        if not self.builder.has_row("roles", key):
            self.builder.add("roles", role=key, guid=guid, custom=custom, readable=readable)
            if not readable:
                self.builder.gap("roles", role_id, "malformed", "The permissions could not be understood.")
            for number, entry in enumerate(entries):
                for part, own in _PARTS.items():
                    for pattern in entry.get(own, ()):
                        condition = entry.get("condition")
                        self.builder.add(
                            "permissions",
                            role=key,
                            entry=number,
                            part=part,
                            pattern=pattern,
                            condition=condition,
                        )
        return key

    def _role_key(self, name: str) -> int:
        if name in self.ids:
            key = self.builder.key_of(self.ids[name])
            if key is not None:
                return key
        from scanner.catalog.roles import role_by_name

        built_in = role_by_name(name)
        if built_in is None:
            raise CaseError(f"no built-in role and no element is called {name!r}")
        entries = [
            {
                "actions": entry.actions,
                "not_actions": entry.not_actions,
                "data_actions": entry.data_actions,
                "not_data_actions": entry.not_data_actions,
                "condition": entry.condition,
            }
            for entry in built_in.permissions
        ]
        role_id = f"/providers/Microsoft.Authorization/roleDefinitions/{built_in.guid}"
        return self._add_role(role_id, built_in.name, built_in.guid, entries, custom=False, readable=True)

    def _assigned(self, element: Element) -> None:
        v = element.values
        scope_id = self._scope_id(v["at"])
        guid = uuid.uuid5(_NAMESPACE, f"assignment {element.name} {v['at']}")
        assignment_id = f"{scope_id.rstrip('/')}/providers/Microsoft.Authorization/roleAssignments/{guid}"
        scope_key = self.builder.scope(scope_id)
        who = self._who(v["who"])
        types = {row["principal"]: row["type"] for row in self.builder.rows("principals")}
        self.builder.add(
            "assignments",
            assignment=self.builder.entity(Kind.ASSIGNMENT, assignment_id, name=element.name),
            principal=who,
            role=self._role_key(v["role"]),
            scope=scope_key,
            level=_LEVELS[v["at"].partition(":")[0]],
            eligible=v["eligible"],
            workload=types[who] == "ServicePrincipal",
            condition=v["condition"],
        )
        self.ids[element.name] = assignment_id

    def _denied(self, element: Element) -> None:
        v = element.values
        scope_id = self._scope_id(v["at"])
        guid = uuid.uuid5(_NAMESPACE, f"{element.name} {v['patterns']}")
        denial_id = f"{scope_id.rstrip('/')}/providers/Microsoft.Authorization/denyAssignments/{guid}"
        denial = self.builder.entity(Kind.DENIAL, denial_id, name=element.name)
        who = None if v["who"] is None else self._who(v["who"])
        for principal_key, excluded in [(who, False), *((self._who(name), True) for name in v["spares"])]:
            for part, pattern in v["patterns"]:
                self.builder.add(
                    "deny_assignments",
                    denial=denial,
                    scope=self.builder.scope(scope_id),
                    below=v["below"],
                    principal=principal_key,
                    excluded=excluded,
                    entry=0,
                    part=part,
                    pattern=pattern,
                )

    # ---- the rest

    def _resource_key(self, name: str) -> int:
        key = self.builder.key_of(self.ids.get(name, ""))
        if key is None or name not in self.ids:
            raise CaseError(f"no resource is called {name!r}")
        return key

    def _setting(self, element: Element) -> None:
        value = element.values["value"]
        self.builder.add(
            "settings",
            resource=self._resource_key(element.name),
            path=element.values["path"],
            value=None if value is None else json.dumps(value),
            resolved=element.values["resolved"],
        )

    def _credential_in_use(self, element: Element) -> None:
        v = element.values
        owner = self.ids.get(element.name, "")
        key = self._resource_key(element.name)
        entity = self.builder.entity(Kind.CREDENTIAL, f"{owner}#{v['property']}", name=v["property"])
        self.builder.add(
            "credentials", credential=entity, resource=key, type=v["type"], property=v["property"]
        )

    def _administrator(self, element: Element) -> None:
        scope_id = self._scope_id(element.values["at"])
        guid = uuid.uuid5(_NAMESPACE, "administrator " + element.name)
        administrator_id = f"{scope_id}/providers/Microsoft.Authorization/classicAdministrators/{guid}"
        entity = self.builder.entity(Kind.ADMINISTRATOR, administrator_id, name=element.name)
        self.builder.add(
            "classic_administrators",
            administrator=entity,
            scope=self.builder.scope(scope_id),
            type=element.values["type"],
        )
        self.ids[element.name] = administrator_id


_PARTS = {
    "actions": "actions",
    "notActions": "not_actions",
    "dataActions": "data_actions",
    "notDataActions": "not_data_actions",
}

_LEVELS = {
    "tenant": int(Level.TENANT),
    "management_group": int(Level.MANAGEMENT_GROUP),
    "subscription": int(Level.SUBSCRIPTION),
    "resource_group": int(Level.RESOURCE_GROUP),
    "resource": int(Level.RESOURCE),
    "identity": int(Level.RESOURCE),
}
