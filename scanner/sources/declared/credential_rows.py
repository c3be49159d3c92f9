"""Keys that code reads and hands on, and secrets that it holds or makes: where and of what kind, never their value."""

from __future__ import annotations

from typing import Any, NamedTuple

from scanner.catalog.credential_use import credential_prefixes, credentials_in_use, types_with_credentials
from scanner.catalog.key_reads import key_service_of, reads_key
from scanner.catalog.property_path import pieces
from scanner.facts import ids
from scanner.facts.schema import Kind
from scanner.sources.declared.context import Context
from scanner.sources.declared.declaration import OTHER_TYPES, Declaration
from scanner.sources.declared.naming import printable, segment
from scanner.sources.declared.placeholder import holds_secret, is_public_key
from scanner.sources.declared.resource_ids import arm_type
from scanner.sources.declared.resource_rows import ResourceRows
from scanner.sources.declared.values import NOT_WRITTEN, KeyRead, Object, Property, Text, Unknown, Value, dig
from scanner.sources.declared.walking import Leaf, find, not_known, plain, written_path

ARGUMENTS = {
    "client_secret": "client-secret",
    "client_secret_file_path": "client-secret",
    "client_certificate_password": "certificate-password",
    "client_certificate": "client-certificate",
    "access_key": "access-key",
    "sas_token": "sas-token",
}
"""Secrets that providers and backends of Terraform are given, and what they are."""
_SECRETIVE = frozenset(["azurerm", "azuread", "azapi", "azurestack", "msgraph"])
"""Providers and backends of Azure."""

_SETTINGS = {
    "appsettings": "app_setting",
    "functionappsettings": "app_setting",
    "app_settings": "app_setting",
    "connectionstrings": "connection_string",
    "env": "environment_variable",
    "environmentvariables": "environment_variable",
    "environmentsettings": "environment_variable",
    "secrets": "secret",
}
"""Names of lists or maps of settings in the bodies of resources, and what they are."""
_CONFIG_TYPES = (
    "microsoft.web/sites/config",
    "microsoft.web/sites/slots/config",
    "microsoft.web/staticsites/config",
)
_VAULT_SECRET = "microsoft.keyvault/vaults/secrets"  # noqa: S105 -- a type
_NOT_SECRET = (".keyname", ".username", ".creationtime", ".permissions")
"""What an answer with keys holds beside them."""
_STORAGE = "microsoft.storage/storageaccounts"
_MOST_READS = 2_000
"""Keys in one declaration that are told of."""


class _Sink(NamedTuple):
    kind: str
    property: str


class CredentialRows:
    """Makes rows of key reads and credentials."""

    def __init__(self, context: Context, resources: ResourceRows) -> None:
        self._context = context
        self._resources = resources
        self._named: frozenset[str] | None = None

    # ---- resources

    def add(self, declaration: Declaration, key: int) -> None:
        """Add the credentials that a resource shows it uses."""
        kind = arm_type(declaration)
        if "credentials" not in self._context.tables or kind not in types_with_credentials():
            return
        seen: dict[str, Any] = {"type": kind}
        for prefix in credential_prefixes(kind):
            found = find(declaration.body, prefix, 1)
            value = self._context.ids.follow(found[0].value) if found else None
            if isinstance(value, list | Object):
                *above, last = pieces(prefix)
                inner = seen
                for name in above:
                    inner = inner.setdefault(name, {})
                inner[last] = plain(value, self._stand_in)[0]
        client = dig(declaration.body, ("properties", "servicePrincipalProfile", "clientId"))
        secret = dig(declaration.body, ("properties", "servicePrincipalProfile", "secret"))
        for use in credentials_in_use(seen):
            unsure = client is not None and isinstance(client.value, Unknown) and secret is None
            if use.type == "service-principal" and unsure:
                continue  # it may say that there is none
            self._credential(declaration, key, use.type, use.property, use.property)

    @staticmethod
    def _stand_in(value: Value) -> str:
        """What is not known is there all the same; its own text must not be taken for a word of Azure's."""
        return "" if value is None else "{}"

    def _credential(
        self, declaration: Declaration, resource: int | None, kind: str, where: str, path: str
    ) -> None:
        context = self._context
        found = find(declaration.body, path.replace("[", ".[").split(".[", maxsplit=1)[0], 1)
        start, end = (found[0].start, found[0].end) if found else (NOT_WRITTEN, NOT_WRITTEN)
        entity = self._entity(declaration, where, start, end)
        context.builder.add("credentials", credential=entity, resource=resource, type=kind, property=where)

    def _entity(self, declaration: Declaration, where: str, start: int, end: int) -> int:
        context = self._context
        entity_id = f"{context.ids.of(declaration)}#{segment(where)}"
        known = context.builder.key_of(entity_id)
        if known is not None:
            return known
        entity = context.builder.entity(Kind.CREDENTIAL, entity_id, name=where)
        context.place(entity, declaration, start, end)
        return entity

    # ---- what belongs to no resource

    def add_other(self, declaration: Declaration) -> None:
        """Add the secret that a provider, a backend, a parameter or a password resource is."""
        if "credentials" not in self._context.tables or declaration.existing:
            return
        kind = declaration.type
        if kind in ("terraform/provider", "terraform/backend"):
            self._arguments(declaration, kind.rpartition("/")[2])
        elif kind == "parameter":
            self._default(declaration)
        elif kind in ("azuread/password", "azuread/certificate"):
            made = "application-password" if kind == "azuread/password" else "application-certificate"
            address = printable(declaration.address)
            entity = self._entity(declaration, address, NOT_WRITTEN, NOT_WRITTEN)
            self._context.builder.add(
                "credentials", credential=entity, resource=None, type=made, property=address
            )

    def _arguments(self, declaration: Declaration, what: str) -> None:
        name = self._context.ids.follow(declaration.name)
        if not isinstance(name, str) or name.lower() not in _SECRETIVE:
            return
        for argument, secret in ARGUMENTS.items():
            held = declaration.body.get(argument)
            value = None if held is None else self._context.ids.follow(held.value)
            if held is None or value is None or (value == "" and declaration.language == "plan"):
                continue
            # An empty default stands for one that is given when deploying, if any is.
            options = value.options if isinstance(value, Unknown) else ()
            perhaps = "-perhaps" if value == "" or any(one in (None, "") for one in options) else ""
            self._credential(declaration, None, f"{what}-{secret}{perhaps}", argument, argument)

    def _default(self, declaration: Declaration) -> None:
        secure = declaration.body.get("secure")
        if secure is None or secure.value is not True:
            return
        held = declaration.body.get("value")
        value = None if held is None else self._context.ids.follow(held.value)
        name = self._context.name_of(declaration)
        if isinstance(value, list | Object):
            value = plain(value, lambda _: None)[0]
        given = declaration.body.get("given")
        kind = "parameter-default" if given is None else "parameter-value"
        if holds_secret(name, value, given=given is not None):
            self._credential(declaration, None, kind, name, "value")

    # ---- keys that are read

    def read_in(self, declaration: Declaration, leaf: Leaf, resource: int | None) -> None:
        """Add a key, or a secret in an output, that stands in the body of a declaration."""
        if declaration.existing or declaration.type == "parameter":
            return
        value = leaf.value
        if declaration.type == "output":
            self._in_output(declaration, leaf)
        if isinstance(value, KeyRead) and "key_reads" in self._context.tables and self._is_key(value):
            self._key_read(declaration, leaf, value, resource)

    def _is_key(self, value: KeyRead) -> bool:
        if value.shown.lower().endswith(_NOT_SECRET):
            return False
        return reads_key(value.service, value.operation)

    def _in_output(self, declaration: Declaration, leaf: Leaf) -> None:
        secure = declaration.body.get("secure")
        if "credentials" not in self._context.tables or (secure is not None and secure.value is True):
            return
        value = leaf.value
        if (isinstance(value, KeyRead) and self._is_key(value)) or (
            isinstance(value, Unknown)
            and value.secret
            and value.shown not in self._in_names()
            and not is_public_key(value.shown)
        ):
            name = self._context.name_of(declaration)
            entity = self._entity(declaration, name, leaf.start, leaf.end)
            self._context.builder.add(
                "credentials", credential=entity, resource=None, type="output-secret", property=name
            )

    def _in_names(self) -> frozenset[str]:
        """Return what the names of resources hold, as it is written: no secret, whoever declares it to be one."""
        if self._named is None:
            context = self._context
            self._named = frozenset(
                leaf.value.shown
                for declaration in context.unit.declarations
                if declaration.type not in OTHER_TYPES
                for leaf in not_known(declaration.name, context.budget)
                if isinstance(leaf.value, Unknown) and leaf.value.secret
            )
        return self._named

    def _key_read(self, declaration: Declaration, leaf: Leaf, value: KeyRead, resource: int | None) -> None:
        context = self._context
        sink = self._sink(declaration, leaf)
        read, service = self._service(value)
        if not service and _is_storage(dig(declaration.body, leaf.path)):
            service = _STORAGE
        entity = self._entity(declaration, sink.property, leaf.start, leaf.end)
        if resource is not None:
            self._resources.add_row(declaration, resource)
        context.builder.add(
            "key_reads",
            credential=entity,
            read_resource=read,
            service=service,
            operation=printable(value.operation),
            resource=resource,
            sink=sink.kind,
            property=sink.property,
        )

    def _service(self, value: KeyRead) -> tuple[int | None, str]:
        """Return the service whose key is read, and its type: that of a part of it is the service's."""
        read = self._context.ids.read(value.of)
        kind = value.service or ("" if read is None else ids.type_of(read))
        service = key_service_of(printable(kind)) if kind else ""
        if read is None:
            return None, service
        parts = ids.type_of(read).split("/")
        for _ in range(len(parts) - len(service.split("/")) if ids.type_of(read).startswith(service) else 0):
            read = read.rsplit("/", 2)[0]
        key = self._context.builder.entity(Kind.RESOURCE, read)
        self._context.mentioned.add(key)
        return key, service

    def _sink(self, declaration: Declaration, leaf: Leaf) -> _Sink:
        kind = arm_type(declaration)
        path = leaf.path
        if kind == "output":
            return _Sink("output", self._context.name_of(declaration))
        if kind == _VAULT_SECRET:
            return _Sink("secret", printable(written_path(path)))
        lower = [step.lower() for step in path]
        if kind in _CONFIG_TYPES and len(path) > 1:
            sink = _SETTINGS.get(str(self._context.ids.follow(declaration.name)).lower())
            if sink is not None:
                return _Sink(sink, printable(path[1]))
        for at, step in enumerate(lower):
            sink = _SETTINGS.get(step)
            if sink is None or at + 1 >= len(path):
                continue
            after = path[at + 1]
            if not after.isdigit():
                return _Sink(sink, printable(after))
            named = dig(declaration.body, (*path[: at + 2], "name"))
            name = None if named is None else self._context.text_or_none(named.value)
            return _Sink(sink, name or printable(written_path(path)))
        return _Sink("property", printable(written_path(path)))


def _is_storage(held: Property | None) -> bool:
    """Whether a text with a key is the connection string of a storage account, as its own words tell."""
    return (
        held is not None
        and isinstance(held.value, Text)
        and any(
            "defaultendpointsprotocol=" in part.lower() for part in held.value.parts if isinstance(part, str)
        )
    )
