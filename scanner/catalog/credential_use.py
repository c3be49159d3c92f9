"""Keys, passwords and secrets that a resource is seen to use: where, and of what kind; never their value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from scanner.catalog.property_path import ABSENT, dig, member

_SITES = frozenset(["microsoft.web/sites", "microsoft.web/sites/slots"])
_APPS = frozenset(["microsoft.app/containerapps", "microsoft.app/jobs"])
_GROUPS = frozenset(["microsoft.containerinstance/containergroups"])
_CLUSTERS = frozenset(["microsoft.containerservice/managedclusters"])

_SECRETS = "properties.configuration.secrets"
_REGISTRIES = "properties.configuration.registries"
_IMAGES = "properties.imageRegistryCredentials"
_SERVICE_PRINCIPAL = "properties.servicePrincipalProfile"
_DEPLOYMENT = "properties.functionAppConfig.deployment.storage.authentication"
_REGISTRY_HOSTS = (".azurecr.io", ".azurecr.cn", ".azurecr.us")


class CredentialUse(NamedTuple):
    """One credential in use: its kind, and the property that shows it."""

    type: str
    property: str


def types_with_credentials() -> frozenset[str]:
    """The ARM types, in lower case, that show in their properties that they use a credential."""
    return _SITES | _APPS | _GROUPS | _CLUSTERS


def credential_prefixes(resource_type: str) -> tuple[str, ...]:
    """The properties in which a type shows it."""
    if resource_type in _APPS:
        return (_SECRETS, _REGISTRIES)
    if resource_type in _GROUPS:
        return (_IMAGES,)
    if resource_type in _CLUSTERS:
        return (_SERVICE_PRINCIPAL,)
    return (_DEPLOYMENT,) if resource_type in _SITES else ()


def credentials_in_use(resource: Mapping[str, Any]) -> Iterator[CredentialUse]:
    """Yield the credentials that a resource row shows it uses. Odd shapes show nothing."""
    kind = resource.get("type")
    kind = kind.lower() if isinstance(kind, str) else ""
    if kind in _APPS:
        yield from _of_app(resource)
    elif kind in _GROUPS:
        for number, entry in enumerate(_entries(resource, _IMAGES)):
            if _said(entry, "username") and _may_be_azure(entry):
                yield CredentialUse("registry-password", f"{_IMAGES}[{number}].username")
    elif kind in _CLUSTERS:
        client = dig(resource, _SERVICE_PRINCIPAL + ".clientId")
        if isinstance(client, str) and client.strip() and client.strip().lower() != "msi":
            yield CredentialUse("service-principal", _SERVICE_PRINCIPAL + ".clientId")
    elif kind in _SITES:
        way = dig(resource, _DEPLOYMENT + ".type")
        if isinstance(way, str) and way.strip().lower() == "storageaccountconnectionstring":
            yield CredentialUse("storage-key", _DEPLOYMENT + ".type")


def _of_app(resource: Mapping[str, Any]) -> Iterator[CredentialUse]:
    for number, entry in enumerate(_entries(resource, _SECRETS)):
        # A secret that is a reference to Key Vault is fetched with an identity.
        if isinstance(entry, Mapping) and not _said(entry, "keyVaultUrl"):
            yield CredentialUse("secret-value", f"{_SECRETS}[{number}]")
    for number, entry in enumerate(_entries(resource, _REGISTRIES)):
        if _said(entry, "username") and _said(entry, "passwordSecretRef") and _may_be_azure(entry):
            yield CredentialUse("registry-password", f"{_REGISTRIES}[{number}].passwordSecretRef")


def _may_be_azure(entry: Any) -> bool:
    """Whether a registry can be one that an identity opens: no other than Azure's knows identities of Azure."""
    server = member(entry, "server")
    if not isinstance(server, str) or not server.strip() or "{" in server or "[" in server:
        return True  # it is not known
    host = server.strip().lower().removeprefix("https://").split("/")[0]
    return host.endswith(_REGISTRY_HOSTS)


def _entries(resource: Mapping[str, Any], path: str) -> list[Any]:
    found = dig(resource, path)
    return found if isinstance(found, list) else []


def _said(entry: Any, name: str) -> bool:
    value = member(entry, name)
    return value is not ABSENT and isinstance(value, str) and bool(value.strip())


_SECRET_NAMES = frozenset(
    [
        "password",
        "clientsecret",
        "secret",
        "connectionstring",
        "accountkey",
        "primarykey",
        "secondarykey",
        "sastoken",
    ]
)


def without_secrets(value: Any, path: Sequence[str]) -> Any:
    """Return the JSON value at a path without the members that hold secrets, should a service ever show one."""
    names = [name.lower().removesuffix("[]") for name in path]
    if names and names[-1] in _SECRET_NAMES and isinstance(value, str):
        return None
    within_secrets = "secrets" in names
    if within_secrets and names[-1] == "value":
        return None
    return _without_secrets(value, within_secrets=within_secrets)


def _without_secrets(value: Any, *, within_secrets: bool) -> Any:
    if isinstance(value, list):
        return [_without_secrets(element, within_secrets=within_secrets) for element in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, inner in value.items():
        lower = name.lower()
        if lower in _SECRET_NAMES and isinstance(inner, str):
            continue
        if within_secrets and lower == "value":
            continue
        kept[name] = _without_secrets(inner, within_secrets=within_secrets or lower == "secrets")
    return kept
