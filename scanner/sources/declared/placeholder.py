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
    r"|\$\((?:[\w .:/-]|\$\{[\w.-]{1,99}\})+\)"
)
"""What a pipeline replaces before it deploys: ``<password>``, ``[password]``, ``#{password}#``, ``__password__``,
``$(secretOrRandomPassword ${VAULT} password)``."""
_FILL_IN = re.compile(
    r"<|.*your|todo|tbd|xxx|fake|example|sample|dummy|placeholder"
    r"|(?:change|replace|fill|enter|insert|provide|put|set|paste)[\s_-]*(?:me|this|it|in|your|the|here)",
    re.IGNORECASE,
)
"""How a text begins that tells people to put another in its place."""
_CAPITAL_TOKEN = re.compile(
    r"(?:GEN|GET)(?:[-_][A-Z0-9]+)+|\b(?:REPLACE|INSERT|CHANGE)(?:[-_][A-Z0-9]+)+|^[A-Z]+(?:[-_][A-Z]+)+$"
)
"""What a pipeline or a person replaces, written in capitals: ``GEN-PASSWORD``, ``APP-SECRET-FROM-AZURE``."""
_SENTENCE = re.compile(r"[^\W\d_][\w.,:'-]*(?:\s+[\w./:,'-]+){2,}\s*")
"""At least three words: an explanation."""
_ITS_KIND = re.compile(r"(?:[a-z]+[\s_-]*)?(?:secret|token|key|licen[cs]e)", re.IGNORECASE)
"""A text that only says what belongs there: ``clientsecret``, ``Contoso License``."""
_PUBLIC_KEY_TEXT = re.compile(
    r"(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-[\w-]+) |-----BEGIN (?:(?:RSA )?PUBLIC KEY|CERTIFICATE)-----"
)
"""How the public half of a key, or a certificate, begins."""
_PUBLIC_KEY = re.compile(r"public[\s_-]?key", re.IGNORECASE)
_NAMED_SECRET = re.compile(r"\bparam ([\w-]+)|\bvar\.([\w-]+)|\bgetSecret\(([^()]*)\)")
"""What an expression that is not known takes its secrets from."""
_VAULT_REFERENCE = "@microsoft.keyvault("
_PASSWORD = re.compile(r"pass|pwd", re.IGNORECASE)
_ID = re.compile(r"(?:[a-z0-9_-]I[dD]s?|_ids?|-ids?|^ids?)$")
_HARMLESS = re.compile(
    r"(?:^|[a-z0-9_-])(?:name|location|region|type|kind|sku|size|tier|version|description|host|user)$",
    re.IGNORECASE,
)
"""Names of properties beside a secret in an object."""


def holds_secret(name: str, value: Any, *, given: bool = False) -> bool:
    """Whether the default (decoded JSON) of a secret parameter is, or holds, a text that can be a secret.

    ``given`` for a value of a parameter file, which people copy and fill in: see :func:`is_to_be_filled_in`.
    """
    waiting = [(name, value)]
    while waiting:
        called, one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend((inner, held) for inner, held in one.items() if not _HARMLESS.search(inner))
        elif isinstance(one, list):
            waiting.extend((called, held) for held in one)
        elif isinstance(one, str):
            harmless = is_placeholder(called, one) or (given and is_to_be_filled_in(called, one))
            if not harmless:
                return True
    return False


def is_placeholder(name: str, value: str) -> bool:
    """Whether a text in place of the secret called ``name`` plainly is none.

    So is a text that is too short, has neither letter nor digit, refers to a vault, is a public key, is a token that
    a pipeline replaces, or only repeats the parameter's own name (``CLIENT-SECRET``; but ``password`` is a password
    that people use). A GUID is an id where the name says so, and may be a secret elsewhere.
    """
    text = value.strip()
    letters = _letters(text)
    if len(text) < _SHORTEST or not letters or letters in _WORDS:
        return True
    if text.lower().startswith(_VAULT_REFERENCE) or _TOKEN.fullmatch(text):
        return True
    if _PUBLIC_KEY_TEXT.match(text) and "PRIVATE KEY" not in text:
        return True
    if is_guid(text):
        return _ID.search(name) is not None
    return letters == _letters(name) and _PASSWORD.search(letters) is None


def is_public_key(shown: str) -> bool:
    """Whether all that an expression takes from secret parameters and vaults is called a public key.

    Such a key is kept beside its private half, and therefore declared secret like it; it may be handed to anybody.
    """
    names = ["".join(found) for found in _NAMED_SECRET.findall(shown)]
    return bool(names) and all(
        _PUBLIC_KEY.search(name) is not None and "private" not in name.lower() for name in names
    )


def is_to_be_filled_in(name: str, value: str) -> bool:
    """Whether a text in a parameter file says that another one belongs in its place: ``changeme``, ``YourSecret``.

    So does a token in capitals (``GEN-PASSWORD``), a sentence, and the end of the parameter's own name
    (``storageAccountKey`` for ``sshStorageAccountKey``). An id or a name is no secret, whatever it is declared to be.
    """
    text = value.strip()
    letters = _letters(text)
    if _FILL_IN.match(text) or _CAPITAL_TOKEN.search(text) or _SENTENCE.fullmatch(text):
        return True
    if _ID.search(name) or _HARMLESS.search(name):
        return True
    if _ITS_KIND.fullmatch(text) and not _PASSWORD.search(name):
        return True
    return _letters(name).endswith(letters) and _PASSWORD.search(letters) is None


def _letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())
