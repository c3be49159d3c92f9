"""Make text from Azure safe to show: the one place where the writers do it.

Names, tags and issuers are written by whoever may create a resource, so they are treated as hostile: escape
sequences that drive a terminal, line breaks that forge a second line, marks that turn the reading direction,
and texts of any length. Escaping for a format (HTML, JSON, Markdown, CSV, XML) is done by its writer, on top.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

TABLE_LIMIT = 500
"""Characters of one text that a table or list for people shows; the JSON report has all of it."""

LABEL_LIMIT = 120
"""Characters of a name that a heading, a menu or a picture shows."""

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x0A: "\u2424", 0x7F: "\u2421"}
_SURROGATES = re.compile("[\ud800-\udfff]")
_UNSEEN = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def visible(text: str) -> str:
    """Return the text on one line with every character that does not print made visible.

    Control characters become their pictures (newline ``␤``, escape ``␛``); everything else that does not
    print, reading-direction marks among it, becomes its escape in plain letters, for example ``\\u202e``.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _shown(character) for character in text)


def _shown(character: str) -> str:
    code = ord(character)
    if code in _PICTURES:
        return _PICTURES[code]
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def cut(text: str, limit: int = TABLE_LIMIT) -> str:
    """Return the text, or its first ``limit`` characters and a note of how long it really is."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text):,} characters)"


def shown(text: str, limit: int = TABLE_LIMIT) -> str:
    """Return the text visible and cut: what tables, lists and messages for people print."""
    # Cut first: making 10,000 characters visible only to drop most of them costs time for nothing.
    return (
        cut(visible(text), limit) if len(text) <= limit else visible(text[:limit]) + cut(text, limit)[limit:]
    )


def shortened(text: str, limit: int) -> str:
    """Return text of at most ``limit`` characters: what is cut is the middle, because both ends tell most.

    An Azure id begins with its subscription and ends with its name, a path with the file. The cut is made between
    words or segments where one is near.
    """
    if len(text) <= limit:
        return text
    tail = max(0, (limit - 1) // 2)
    head = max(0, limit - 1 - tail)
    left, right = text[:head], text[len(text) - tail :]
    at = max(left.rfind(" "), left.rfind("/"))
    if at >= head * 2 // 3:
        left = left[: at + 1]
    places = [place for place in (right.find(" "), right.find("/")) if place >= 0]
    if places and min(places) <= tail * 2 // 3:
        right = right[min(places) :]
    return f"{left}…{right}"[:limit]


def encodable(value: Any) -> Any:
    """Return the value with lone surrogates, which no UTF-8 file can hold, replaced in every text within."""
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {encodable(str(key)): encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encodable(item) for item in value]
    return value


def json_bytes(document: Any) -> bytes:
    """Return the document as indented UTF-8 JSON that is safe to print on a terminal.

    The data is untouched: characters that do not print are only spelled as ``\\uXXXX``, which JSON allows
    inside a string, and outside of strings JSON has none of them.
    """
    import msgspec

    try:
        encoded = msgspec.json.encode(document)
    except (UnicodeEncodeError, TypeError):  # a lone surrogate, or a mapping that is no dict
        encoded = msgspec.json.encode(encodable(document))
    text = msgspec.json.format(encoded, indent=2).decode()
    return (_UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n").encode()


def entity_name(value: Any) -> str | None:
    """Return the name of an evidence value that is an entity (``{id, name, type}``), None for other values."""
    if isinstance(value, Mapping) and "id" in value and "name" in value:
        return str(value["name"] or value["id"])
    return None


def spoken(value: Any) -> str:
    """Return an evidence value as a person would write it: yes and no, lists with commas, entities by name."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    name = entity_name(value)
    if name is not None:
        return name
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {spoken(item)}" for key, item in value.items())
    if isinstance(value, Sequence):
        return ", ".join(spoken(item) for item in value) or "none"
    return str(value)
