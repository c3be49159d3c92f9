"""Which defaults of secret parameters are secrets, and which only stand where one will be given."""

from __future__ import annotations

import re
from typing import Any

from scanner.sources.declared.naming import is_guid

_SHORTEST = 6
"""Characters; what is shorter is no password that any service of Azure takes, nor a key of one."""
_WORDS = frozenset(
    [
        "default",
        "defaultvalue",
        "notapplicable",
        "notavailable",
        "notrequired",
        "notset",
        "notused",
        "placeholder",
        "undefined",
    ]
)
"""Values that say that there is none, without case and punctuation; weak passwords are not among them."""
_TOKEN = re.compile(
    r"<[\w .:/-]+>|\[[\w .:/-]+\]|\{\{?[\w .:/-]+\}?\}|\$[({][\w .:/-]+[)}]|#\{[\w .:/-]+\}#?|#_\w+_#|__\w+__|%\w+%"
)
"""What a pipeline replaces before it deploys: ``<password>``, ``[password]``, ``#{password}#``, ``__password__``."""
_VAULT_REFERENCE = "@microsoft.keyvault("
_PASSWORD = re.compile(r"pass|pwd", re.IGNORECASE)
_ID = re.compile(r"(?:[a-z0-9_-]I[dD]s?|_ids?|-ids?|^ids?)$")
_HARMLESS = re.compile(
    r"(?:^|[a-z0-9_-])(?:name|location|region|type|kind|sku|size|tier|version|description|host|user)$",
    re.IGNORECASE,
)
"""Names of properties beside a secret in an object."""


def holds_secret(name: str, value: Any) -> bool:
    """Whether the default (decoded JSON) of a secret parameter is, or holds, a text that can be a secret."""
    waiting = [(name, value)]
    while waiting:
        called, one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend((inner, held) for inner, held in one.items() if not _HARMLESS.search(inner))
        elif isinstance(one, list):
            waiting.extend((called, held) for held in one)
        elif isinstance(one, str) and not is_placeholder(called, one):
            return True
    return False


def is_placeholder(name: str, value: str) -> bool:
    """Whether a text in place of the secret called ``name`` plainly is none.

    So is a text that is too short, has neither letter nor digit, refers to a vault, is a token that a pipeline
    replaces, or only repeats the parameter's own name (``CLIENT-SECRET``; but ``password`` is a password that people
    use). A GUID is an id where the name says so, and may be a secret elsewhere.
    """
    text = value.strip()
    letters = _letters(text)
    if len(text) < _SHORTEST or not letters or letters in _WORDS:
        return True
    if text.lower().startswith(_VAULT_REFERENCE) or _TOKEN.fullmatch(text):
        return True
    if is_guid(text):
        return _ID.search(name) is not None
    return letters == _letters(name) and _PASSWORD.search(letters) is None


def _letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())
