"""Small invented worlds: the words in which a rule's cases are written.

A case is a sentence and a few elements. Elements name each other (``attached("app", to="vm")``); whatever a
case does not say is unremarkable: one subscription called ``main`` under one management group called
``corp``, everything read, the directory asked. Scopes are written ``tenant``, ``management_group:corp``,
``subscription:main``, ``resource_group:web`` (or ``resource_group:other/web`` in another subscription) and
``resource:vm``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from scanner.facts.case_code import declared, in_output, key_read, role_named, secret_in_code
from scanner.facts.case_elements import Case, CaseError, Element
from scanner.facts.schema import Kind

if TYPE_CHECKING:
    from scanner.facts.case_world import World

__all__ = [
    "CONDITION_ON_BLOBS",
    "CONDITION_ON_FEDERATING",
    "CONDITION_ON_GRANTING",
    "Case",
    "CaseError",
    "Element",
    "World",
    "administrator",
    "assigned",
    "attached",
    "bad",
    "credential_in_use",
    "custom_role",
    "declared",
    "denied",
    "federated",
    "good",
    "identity",
    "in_output",
    "key_read",
    "management_group",
    "member",
    "person",
    "principal",
    "refused",
    "resource",
    "role_named",
    "secret_in_code",
    "setting",
    "subscription",
    "tagged",
    "unknown",
]


def __getattr__(name: str) -> Any:
    """Import what makes worlds when it is asked for: a scan writes cases, as its rules are imported, but makes none."""
    if name == "World":
        from scanner.facts.case_world import World

        return World
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


CONDITION_ON_GRANTING = (
    "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR "
    "(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] "
    "ForAnyOfAnyValues:GuidEquals {7f951dda-4ed3-4680-a7ca-43fe172d538d}))"
)
"""A condition of a role assignment that lets its holder assign AcrPull and no other role."""

CONDITION_ON_FEDERATING = (
    "((!(ActionMatches{'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write'})) OR "
    "(@Resource[tag:team] StringEquals 'web'))"
)
"""A condition that lets its holder federate the identities of one team only, and restricts nothing else."""

CONDITION_ON_BLOBS = (
    "((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'})) OR "
    "(@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'public'))"
)
"""A condition that lets its holder read the blobs of one container only, and restricts nothing else."""

_VIRTUAL_MACHINE = "Microsoft.Compute/virtualMachines"


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


def subscription(name: str, *, under: str = "management_group:corp", known: bool = True) -> Element:
    """Add a subscription; one that is not ``known`` is that of code which does not say where it is deployed."""
    return Element(name, {"under": under, "known": known}, 1, "subscription", Kind.SCOPE)


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
    system_assigned: bool | None = False,
    user_assigned: bool | None = False,
) -> Element:
    """Add a resource; ``at`` is the scope of one that lies in no resource group, such as a policy assignment.

    ``system_assigned`` and ``user_assigned`` are None where code does not let know.
    """
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
    values = {
        "to": to,
        "property": property,
        "subscription": subscription,
        "resource": resource(to, subscription=subscription, user_assigned=True),
    }
    return Element(name, values, 41, "attached")


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


def tagged(name: str, /, **tags: str) -> Element:
    """Give an element, or a scope such as ``subscription:main``, tags: ``tagged("app", owner="shop")``.

    A tag whose name is no Python name is written ``tagged("app", **{"cost center": "1001"})``.
    """
    return Element(name, {"tags": tags}, 48, "tagged")


def refused(table: str, *, at: str = "tenant", reason: str = "refused") -> Element:
    """Leave a table unread at a scope, or of one element (``identity:app``, ``role:NAME``)."""
    return Element(f"{table} refused", {"table": table, "at": at, "reason": reason}, 60, "refused")
