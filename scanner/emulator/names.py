"""What a name in a tenant file stands for: scopes, principals, and `${...}` inside strings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from scanner.emulator.hierarchy import Hierarchy
from scanner.emulator.tenant import TenantError, guid
from scanner.emulator.tenant_file import TenantSource

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_PRINCIPAL_TYPES = {
    "user": "User",
    "group": "Group",
    "app": "ServicePrincipal",
    "deleted": "ServicePrincipal",
}


@dataclass(frozen=True, slots=True)
class Entity:
    """A named thing with a resource id; the other two are empty for what has no identity of its own."""

    id: str
    principal_id: str = ""
    client_id: str = ""


class Names:
    """The names declared in one file. Every lookup raises TenantError with file, line and key."""

    def __init__(self, source: TenantSource, tenant_id: str, hierarchy: Hierarchy) -> None:
        self._source = source
        self._tenant_id = tenant_id
        self._hierarchy = hierarchy
        self._subscriptions = {s.key: s.id for s in hierarchy.subscriptions.values()}
        self._objects: dict[str, str] = {}
        self.entities: dict[str, Entity] = {}

    def declare(self, name: str, resource: str, key: str, *, principal_id: str, client_id: str) -> None:
        """Enter a resource. A name may be used once; resources of equal name need a `ref`."""
        if name in self.entities:
            raise self._source.error(key, f"{name!r} is used twice", 'give one of them another `ref = "..."`')
        self.entities[name] = Entity(resource, principal_id, client_id)

    def declare_principal(self, name: str, object_id: str, key: str) -> None:
        """Enter `user:NAME`, `group:NAME` or `app:NAME`."""
        if name in self._objects:
            raise self._source.error(key, f"{name!r} is used twice", "rename one of them")
        self._objects[name] = object_id

    def unknown(self, name: str, key: str, known: Iterable[str] | None = None) -> TenantError:
        """The error for a name that nothing has."""
        close = get_close_matches(name, list(self.entities if known is None else known), n=1)
        todo = f"did you mean {close[0]!r}?" if close else "declare it in this file"
        return self._source.error(key, f"nothing is named {name!r}", todo)

    def subscription(self, name: str, key: str) -> str:
        """The id of the subscription with that key."""
        if name not in self._subscriptions:
            there = ", ".join(self._subscriptions)
            raise self._source.error(key, f"no subscription {name!r}", f"there are {there}")
        return self._subscriptions[name]

    def entity(self, name: str, key: str) -> Entity | None:
        """The resource of that name, also written `${NAME}`; None for a literal id."""
        whole = _REFERENCE.fullmatch(name)
        inner = whole.group(1) if whole else name
        if inner in self.entities:
            return self.entities[inner]
        if name.startswith("/") or (whole is None and "${" in name):
            return None
        raise self.unknown(inner, key)

    def scope(self, text: str, key: str) -> str:
        """The scope id of `/`, `mg:NAME`, `SUBSCRIPTION`, `SUBSCRIPTION/GROUP` or `${RESOURCE}`."""
        if text == "/":
            return "/"
        if text.startswith("mg:"):
            name = text.removeprefix("mg:")
            wanted = self._hierarchy.root_group if name == "root" else name
            group = self._hierarchy.groups.get(wanted.lower())
            if group is None:
                raise self.unknown(text, key, [f"mg:{g.name}" for g in self._hierarchy.groups.values()])
            return group.id
        if text.startswith("${"):
            return self.text(text, key)
        if text.startswith("/"):
            return self.text(text, key)
        subscription, slash, group_name = text.partition("/")
        found = f"/subscriptions/{self.subscription(subscription, key)}"
        return f"{found}/resourceGroups/{group_name}" if slash else found

    def principal(self, name: str, key: str) -> str:
        """The object id of a principal."""
        prefix, colon, rest = name.partition(":")
        if colon and prefix == "deleted":
            return guid(self._source.content.name, "deleted", rest)
        if colon and prefix in _PRINCIPAL_TYPES:
            if name not in self._objects:
                raise self.unknown(name, key, self._objects)
            return self._objects[name]
        found = self.entity(name, key)
        if found is None or not found.principal_id:
            raise self._source.error(
                key, f"{name!r} has no identity of its own", "give it `identity = { system = true }`"
            )
        return found.principal_id

    def principal_type(self, name: str) -> str:
        """What Azure writes as principalType."""
        return _PRINCIPAL_TYPES.get(name.partition(":")[0], "ServicePrincipal")

    def text(self, text: str, key: str) -> str:
        """`text` with every `${...}` in it replaced."""
        return _REFERENCE.sub(lambda match: self._referenced(match.group(1), key), text)

    def filled(self, value: Any, key: str) -> Any:
        """The same for every string inside a value, keys of tables included."""
        if isinstance(value, str):
            return self.text(value, key)
        if isinstance(value, dict):
            return {self.text(name, key): self.filled(inner, key) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(inner, key) for inner in value]
        return value

    def _referenced(self, name: str, key: str) -> str:
        if name == "tenant":
            return self._tenant_id
        if name.startswith("subscription."):
            return self.subscription(name.removeprefix("subscription."), key)
        for suffix, attribute in ((".clientId", "client_id"), (".principalId", "principal_id")):
            if name.endswith(suffix):
                found = self.entities.get(name.removesuffix(suffix))
                value = getattr(found, attribute) if found else ""
                if not value:
                    raise self.unknown(name.removesuffix(suffix), key)
                return str(value)
        if name not in self.entities:
            raise self.unknown(name, key)
        return self.entities[name].id
