"""What a unit of infrastructure files declares: the common form that every language is evaluated to.

A *unit* is what is deployed together: a Terraform root module with its local modules, a Bicep file or ARM
template with the files it deploys, a Terraform plan. Data flow:

    files --(arm, bicep, terraform)--> Unit of declarations --(declared.translate)--> UnitFacts --> FactsBuilder

ARM is the common tongue: type and body of a declaration are those of Azure Resource Manager, whatever the language.
What is not a resource of ARM has a type of its own, without a dot: see ``OTHER_TYPES``.
"""

from __future__ import annotations

import msgspec

from scanner.sources.declared.values import Object, Value

OTHER_TYPES = {
    "output": "body: value; secure: true when marked so. Of the unit itself, or, where it has calls, of a module in it",
    "parameter": "body: value (its default, or what it is given where given is true), secure; a parameter or variable "
    "of the unit or of a module in it",
    "terraform/provider": "name is the provider's; body: its arguments under their Terraform names",
    "terraform/backend": "name is the backend's; body: its arguments under their Terraform names",
    "azuread/application": "body: displayName",
    "azuread/serviceprincipal": "body: appId, objectId where it is known; a service principal of an application",
    "azuread/user": "body: userPrincipalName, objectId where it is known; usually existing, looked up",
    "azuread/group": "body: displayName, members, objectId where it is known",
    "azuread/groupmember": "body: groupId, memberId",
    "azuread/password": "body: of (the application or service principal); a client secret that is made",
    "azuread/certificate": "body: of; a client certificate",
    "azuread/federatedcredential": "body: of (the application), issuer, subject, audiences",
}
"""Types of declarations that Azure Resource Manager does not know, with the properties of their bodies."""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A part of a file: path from the repository's root with forward slashes; offsets in bytes, the end exclusive."""

    uri: str
    start: int
    end: int


class Declaration(msgspec.Struct, kw_only=True):
    """One resource (one instance of it: a loop over known values yields several)."""

    address: str
    """How the language names it, unique in its unit: ``module.app.azurerm_linux_web_app.this["a"]``, ``app``."""
    type: str
    """The ARM type in lower case, or one of ``OTHER_TYPES``."""
    name: Value
    """The last part of its name only: for a child resource what the child is called."""
    parent: Value
    """The id of what directly contains it: of a resource group, a subscription, a parent resource; for an extension
    (a role assignment, a lock, ...) of what it is on. A known ARM id, a :class:`Ref` with path ``("id",)``, a
    :class:`Text`, an :class:`Unknown`; None: the scope the unit is deployed to (see ``Unit.scope``)."""
    body: Object
    """As in ARM: ``identity``, ``properties``, ``kind``, ``sku``, ``location``, ``tags``, ... Defaults that the
    language fills in (``catalog``'s table for Terraform) are there too, without a place."""
    language: str
    """terraform, plan, bicep or arm."""
    place: Place
    """Its head: from its first keyword to before the opening brace, or for JSON the value of ``type``."""
    whole: Place
    """All of it, for comments that accept a finding and for edits."""
    existing: bool = False
    """Only looked up (``data``, ``existing``), not made here."""
    conditional: bool = False
    """Whether it depends on something unknown if it is made at all."""
    id: str = ""
    """Its ARM id where code says which thing that is there already it takes over: Terraform's ``import``."""
    calls: tuple[Place, ...] = ()
    """The module calls that lead to it, the outermost first."""


class SourceGap(msgspec.Struct, frozen=True):
    """A part of a file that was not read, or a value without which a declaration cannot be read."""

    place: Place
    reason: str
    """malformed (does not parse), skipped (a module that is not here, too large, ...), unsupported, failed (the file
    cannot be read), unresolved (a value that cannot be known)."""
    detail: str
    """What happened, one sentence with a full stop, without secrets."""
    table: str = "places"
    """The table of facts that lacks a row; ``places`` when anything may be hidden there."""


class Scope(msgspec.Struct, frozen=True):
    """What a unit is deployed to."""

    level: str
    """resourceGroup, subscription, managementGroup or tenant."""
    subscription: Value = None
    """The subscription's id (a GUID) when it is given; None when not."""
    resource_group: Value = None
    management_group: Value = None


class Unit(msgspec.Struct, kw_only=True):
    """All that one unit declares."""

    root: str
    """What it is called: the folder of a root module, the path of a template; from the repository's root."""
    language: str
    scope: Scope
    declarations: list[Declaration]
    gaps: list[SourceGap]
    mentioned: frozenset[str] = frozenset()
    """Addresses that something in the unit refers to where no declaration shows it: an argument that ARM has no word
    for, a resource of another provider."""
    whole: bool = True
    """Whether all that it declares is known by name: not where a loop works its keys out from what is not known."""
    files: list[str]
    """Every file that was read for it or looked for in vain: the unit stays the same while these do."""
