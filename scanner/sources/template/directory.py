"""Objects of Microsoft Entra in Bicep (its Microsoft Graph extension), in the words of ``OTHER_TYPES``."""

from __future__ import annotations

from scanner.sources.declared.declaration import Declaration
from scanner.sources.declared.values import Object, Property, Ref, Value

_TYPES = {
    "microsoft.graph/applications": "azuread/application",
    "microsoft.graph/applications/federatedidentitycredentials": "azuread/federatedcredential",
    "microsoft.graph/serviceprincipals": "azuread/serviceprincipal",
    "microsoft.graph/users": "azuread/user",
    "microsoft.graph/groups": "azuread/group",
}
_CREDENTIALS = {"passwordCredentials": "azuread/password", "keyCredentials": "azuread/certificate"}
_NAMES = ("displayName", "userPrincipalName", "uniqueName", "appId", "name")


def in_common_words(declared: Declaration) -> list[Declaration]:
    """Return a declaration as it is, or, for an object of the directory, as ``OTHER_TYPES`` has it.

    The credentials in it follow as declarations of their own.
    """
    kind = _TYPES.get(declared.type)
    if kind is None:
        return [declared]
    declared.type = kind
    body = declared.body
    for name in _NAMES:
        held = body.get(name)
        if held is not None and held.value is not None:
            declared.name = held.value
            break
    owner: Value = Ref(declared.address, ("id",), f"{declared.address}.id")
    if kind == "azuread/federatedcredential":
        declared.body = Object({**body.properties, "of": Property(declared.parent)}, body.open, body.names)
    made = [declared]
    for property_name, credential in _CREDENTIALS.items():
        held = body.get(property_name)
        if held is None or not isinstance(held.value, list) or not held.value:
            continue
        made.append(
            Declaration(
                address=f"{declared.address}.{property_name}",
                type=credential,
                name=property_name,
                parent=None,
                body=Object({"of": Property(owner, held.start, held.end)}),
                language=declared.language,
                place=declared.place,
                whole=declared.whole,
                conditional=declared.conditional,
                calls=declared.calls,
            )
        )
    return made
