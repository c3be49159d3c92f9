"""Builds the world of a case: its elements become facts, and each name an entity."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

from scanner.facts.case_code import (
    add_declared,
    add_key_read,
    add_role_named,
    add_secret_in_code,
    place_in_code,
)
from scanner.facts.case_elements import CaseError, Element
from scanner.facts.case_roles import add_built_in_role, add_role, role_id
from scanner.facts.schema import TABLES, Kind, Level, collected_tables
from scanner.facts.store import FactsBuilder, FactStore

_NAMESPACE = uuid.UUID("6f0d3f0e-6d69-4461-8c53-6d6964617321")
_MSI = "Microsoft.ManagedIdentity/userAssignedIdentities"

_LEVELS = {
    "tenant": int(Level.TENANT),
    "management_group": int(Level.MANAGEMENT_GROUP),
    "subscription": int(Level.SUBSCRIPTION),
    "resource_group": int(Level.RESOURCE_GROUP),
    "resource": int(Level.RESOURCE),
    "identity": int(Level.RESOURCE),
}

_IN_CODE = {
    "declared": add_declared,
    "key_read": add_key_read,
    "role_named": add_role_named,
    "secret_in_code": add_secret_in_code,
}


class World:
    """Builds a case's elements into facts and remembers which entity each name became."""

    def __init__(self, elements: Sequence[Element]) -> None:
        self.builder = FactsBuilder()
        self.ids: dict[str, str] = {}
        self._elements = sorted(elements, key=lambda element: element.order)
        self._principals: dict[str, int] = {}
        self._unknown_subscriptions = {
            element.name
            for element in elements
            if element.what == "subscription" and not element.values["known"]
        }

    def build(self) -> FactStore:
        """Return the facts of the world; :class:`CaseError` when an element names something unknown."""
        self.builder.scope("/", name="tenant root")
        self._container("management_group:corp", under="tenant")
        self._container("subscription:main", under="management_group:corp")
        refusals = []
        for element in self._elements:
            if element.what == "refused":
                refusals.append(element)
            elif element.what in _IN_CODE:
                _IN_CODE[element.what](self, element)
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
        if kind == "subscription" and name in self._unknown_subscriptions:
            return f"/subscriptions/({name})"
        if kind == "subscription":
            return f"/subscriptions/{uuid.uuid5(_NAMESPACE, 'subscription ' + name)}"
        if kind == "resource_group":
            where, _, group = name.rpartition("/")
            return f"{self._scope_id('subscription:' + (where or 'main'))}/resourceGroups/{group}"
        if name in self.ids:
            return self.ids[name]
        raise CaseError(
            f"{at!r}: no element is called {(name or at)!r}; scopes are tenant, management_group:, subscription:, "
            "resource_group:, resource:"
        )

    def _container(self, at: str, *, under: str) -> None:
        _, _, name = at.partition(":")
        self.ids[name] = self._scope_id(at)
        self.builder.scope(self.ids[name], name=name, parent=self._scope_id(under))

    def _management_group(self, element: Element) -> None:
        self._container(f"management_group:{element.name}", under=element.values["under"])

    def _subscription(self, element: Element) -> None:
        self._container(f"subscription:{element.name}", under=element.values["under"])
        if element.name in self._unknown_subscriptions:
            place_in_code(self, element.name)

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
            self._resource(v["resource"])
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
        v = element.values
        guid = str(uuid.uuid5(_NAMESPACE, "role " + element.name))
        self.ids[element.name] = role_id(guid)
        add_role(self.builder, element.name, guid, v["entries"], custom=True, readable=v["readable"])

    def _role_key(self, name: str) -> int:
        known = self.builder.key_of(self.ids[name]) if name in self.ids else None
        key = add_built_in_role(self.builder, name) if known is None else known
        if key is None:
            raise CaseError(f"no built-in role and no element is called {name!r}")
        return key

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

    def resource_key(self, name: str) -> int:
        """Return the key of a resource; :class:`CaseError` when no element is called so."""
        key = self.builder.key_of(self.ids.get(name, ""))
        if key is None or name not in self.ids:
            raise CaseError(f"no resource is called {name!r}")
        return key

    def _setting(self, element: Element) -> None:
        value = element.values["value"]
        self.builder.add(
            "settings",
            resource=self.resource_key(element.name),
            path=element.values["path"],
            value=None if value is None else json.dumps(value),
            resolved=element.values["resolved"],
        )

    def _credential_in_use(self, element: Element) -> None:
        v = element.values
        owner = self.ids.get(element.name, "")
        key = self.resource_key(element.name)
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

    def _tagged(self, element: Element) -> None:
        tagged_id = self.id_of(element.name)
        known = self.builder.key_of(tagged_id)
        key = self.builder.scope(tagged_id) if known is None else known
        for tag, value in element.values["tags"].items():
            self.builder.add("tags", entity=key, tag=tag, value=value)
