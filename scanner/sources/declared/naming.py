"""Ids for what has none yet: what is not known of an id stands in it as the code writes it, in braces.

A unit whose subscription is not given lies in one of its own, ``/subscriptions/(infra:prod)``; a resource group that
is not given is called ``(resource-group)``; a name that is not known is ``{var.name}``. Such an id is *synthetic*. It
has the shape of a real one, so that containers and levels can be told from it, and it never equals that of another
unit. No id holds a control character, and no part of one a slash of its own.
"""

from __future__ import annotations

import re
from hashlib import blake2b

_LONGEST = 200
_LONGEST_NAME = 60
_LONGEST_READ = 4_000
_CALL = re.compile(r"([\w.]+)\(")
_WORD = re.compile(r"(?!\d{4}-\d\d-\d\d|\d+\.)[A-Za-z0-9][\w.-]{2,39}")
"""A literal that may be a name: no version of an API, no separator."""
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SYNTHETIC = re.compile(r"^(?:/subscriptions/)?\(|\{", re.IGNORECASE)
NO_GROUP = "(resource-group)"
NO_MANAGEMENT_GROUP = "{managementGroup().name}"


def is_guid(text: str) -> bool:
    """Whether a text is a GUID; the empty one is."""
    return _GUID.fullmatch(text) is not None


def is_synthetic(entity_id: str) -> bool:
    """Whether an id is, or has a part, that no code gives: ``/subscriptions/(infra)/...``, ``.../{var.name}``."""
    return _SYNTHETIC.search(entity_id) is not None


def printable(text: str) -> str:
    """Return a text without control characters and lone surrogates; a question mark stands for each."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" for char in text)


def brief(name: str, longest: int = _LONGEST_NAME) -> str:
    """Return a name as people can read it: long expressions in it without their arguments, then what is too long cut.

    ``fnapp{uniqueString('/subscriptions/...')}`` becomes ``fnapp{uniqueString(…)}``. A name that is short stays as it
    is; of one that is still too long, beginning and end are kept, which tell more than the middle. Not for ids: two
    names may come out alike.
    """
    if len(name) <= longest:
        return name
    name = _without_arguments(name[:_LONGEST_READ])
    if len(name) <= longest:
        return name
    end = (longest - 1) * 2 // 3
    return f"{name[: longest - 1 - end]}…{name[-end:]}"


def _without_arguments(name: str) -> str:
    """Return a name in which calls in braces, or a call that is all of it, stand without their arguments."""
    call = _CALL.match(name)
    if call is not None and "{" not in name[: call.end()]:
        return _call(call, name)
    pieces: list[str] = []
    depth = begin = 0
    for at, char in enumerate(name):
        if char == "{":
            if depth == 0:
                pieces.append(name[begin:at])
                begin = at
            depth += 1
        elif char == "}" and depth:
            depth -= 1
            if depth == 0:
                pieces.append(_briefly(name[begin + 1 : at]))
                begin = at + 1
    pieces.append(name[begin:] if depth == 0 else _briefly(name[begin + 1 :]))
    return "".join(pieces)


def _briefly(expression: str) -> str:
    call = _CALL.match(expression)
    return "{" + (expression if call is None else _call(call, expression)) + "}"


def _call(call: re.Match[str], expression: str) -> str:
    """Return a call without its arguments, but for the last that looks like a name: ``reference(…'id-deploy'…)``."""
    for literal in reversed(expression[call.end() :].split("'")[1::2]):
        word = literal.rsplit("/", 1)[-1] if "/providers/" in literal else literal
        if _WORD.fullmatch(word):
            return f"{call[1]}(…'{word}'…)"
    return f"{call[1]}(…)"


def segment(text: str) -> str:
    """Return a text as one part of an id: without slashes, and of a bounded length."""
    clean = printable(text).replace("/", "%2F").strip()
    if len(clean) > _LONGEST:
        digest = blake2b(clean.encode(), digest_size=8).hexdigest()
        clean = f"{clean[: _LONGEST - 20]}~{digest}"
    return clean or "{}"


def unit_marker(root: str) -> str:
    """Return what stands for a unit in ids: ``(infra:prod)`` for the folder ``infra/prod``."""
    return f"({segment(root.replace(':', '%3A').replace('/', ':') or '.')})"
