"""When two declarations declare one thing: a template may deploy a resource again to change something of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from scanner.sources.declared.declaration import Declaration

_REPEATING = ("arm", "bicep")
"""Languages in which a resource may be declared again."""
_EACH_TIME_ANOTHER = re.compile(r"newguid\(", re.IGNORECASE)
"""What is written alike and is not alike."""
_ELSEWHERE_ANOTHER = re.compile(r"deployment\(\)", re.IGNORECASE)
"""What is not alike in two places; in one place that is deployed in a loop it mostly is the name of what is around."""
_COMPARED = {
    "microsoft.authorization/roleassignments": ("principalId", "roleDefinitionId", "condition"),
    "microsoft.authorization/roleassignmentschedulerequests": (
        "principalId",
        "roleDefinitionId",
        "requestType",
    ),
    "microsoft.authorization/roleeligibilityschedulerequests": (
        "principalId",
        "roleDefinitionId",
        "requestType",
    ),
    "microsoft.authorization/roledefinitions": ("roleName", "permissions"),
    "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials": (
        "issuer",
        "subject",
        "audiences",
        "claimsMatchingExpression",
    ),
}
"""What gives access is only the same when it gives the same: nothing of it must get lost."""


def is_repeated(
    one: Declaration, other: Declaration, kind: str, made: str, meaning: Callable[[Declaration, str], str]
) -> bool:
    """Whether two declarations of one type (lower case) that have the id ``made`` by what they say declare one thing.

    ``meaning`` tells a property as a text that is the same for everything that refers to the same. In Terraform no two
    blocks can make the same resource, so ids that come out alike only look so.
    """
    if one.language not in _REPEATING or one.name in (None, "") or _EACH_TIME_ANOTHER.search(made):
        return False
    if one.place != other.place and _ELSEWHERE_ANOTHER.search(made):
        return False
    return all(meaning(one, path) == meaning(other, path) for path in _COMPARED.get(kind, ()))
