"""Functions that encode and decode: JSON, base64, CSV, hashes."""

from __future__ import annotations

import re
from collections.abc import Callable

from scanner.sources.declared.values import KeyRead, Object, Property, Ref, Text, Unknown, Value
from scanner.sources.declared.values import text as joined_text
from scanner.sources.terraform.functions_text import known_text
from scanner.sources.terraform.symbolic import (
    MOST_TEXT,
    MOST_VALUE_DEPTH,
    Failed,
    OpenList,
    Undetermined,
    number,
    why,
)


def jsonencode(arguments: list[Value]) -> Value:
    """Return a value as JSON; what is not known in it stays a part of the text, without its quotes escaped."""
    parts: list[Value] = []
    _encode(arguments[0], parts, 0)
    if sum(len(part) for part in parts if isinstance(part, str)) > MOST_TEXT:
        raise Undetermined(f"its text has more than {MOST_TEXT:,} characters")
    return joined_text(parts)


def _encode(value: Value, out: list[Value], depth: int) -> None:
    import json

    if depth > MOST_VALUE_DEPTH:
        raise Failed("its value is nested too deeply")
    if isinstance(value, OpenList) or (isinstance(value, Object) and (value.open or value.names)):
        raise Undetermined(why(value))
    if isinstance(value, list):
        out.append("[")
        for at, item in enumerate(value):
            if at:
                out.append(",")
            _encode(item, out, depth + 1)
        out.append("]")
    elif isinstance(value, Object):
        out.append("{")
        for at, (name, held) in enumerate(sorted(value.properties.items())):
            out.append(f"{',' if at else ''}{json.dumps(name, ensure_ascii=False)}:")
            _encode(held.value, out, depth + 1)
        out.append("}")
    elif isinstance(value, Text):
        out.append('"')
        out.extend(
            json.dumps(part, ensure_ascii=False)[1:-1] if isinstance(part, str) else part
            for part in value.parts
        )
        out.append('"')
    elif isinstance(value, Unknown):
        # Whether it is text, and so gets quotes, is not known.
        out.append(value)
    elif isinstance(value, Ref | KeyRead):
        out.extend(['"', value, '"'])
    else:
        out.append(json.dumps(value, ensure_ascii=False))


def decode_json(text: str) -> Value:
    """Return what JSON says. Raises :class:`Failed` when it is none, or is nested too deeply."""
    import json

    depth = most = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            most = max(most, depth)
        elif character in "]}":
            depth -= 1
    if most > MOST_VALUE_DEPTH:
        raise Failed("its JSON is nested too deeply")
    try:
        return from_plain(json.loads(text))
    except ValueError:
        raise Failed("it is no JSON") from None


def from_plain(value: object) -> Value:
    """Return plain Python data as a value."""
    if isinstance(value, dict):
        return Object({str(name): Property(from_plain(item)) for name, item in value.items()})
    if isinstance(value, list):
        return [from_plain(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return number(value)
    raise Failed("it is no value of JSON")


_AZAPI = re.compile(r"(?:^|\.)azapi_\w+\.")


def _jsondecode(arguments: list[Value]) -> Value:
    given = arguments[0]
    if isinstance(given, Ref) and given.path == ("output",) and _AZAPI.search(given.target):
        # What azapi hands back was text before its version 2; what is asked of it is the same.
        return given
    return decode_json(known_text(given))


def _csvdecode(arguments: list[Value]) -> Value:
    import csv

    text = known_text(arguments[0])
    try:
        rows = list(csv.reader(text.splitlines()))
    except csv.Error:
        raise Failed("it is no CSV") from None
    if not rows:
        raise Failed("its CSV has no line with names")
    names = rows[0]
    return [
        Object({name: Property(cell) for name, cell in zip(names, row, strict=False)})
        for row in rows[1:]
        if row
    ]


def _yamldecode(arguments: list[Value]) -> Value:
    # Few configurations read YAML, so its reader is only imported for those that do.
    from scanner.sources.terraform.functions_yaml import yamldecode

    return yamldecode(arguments)


def _textencodebase64(arguments: list[Value]) -> Value:
    from base64 import b64encode

    try:
        return b64encode(known_text(arguments[0]).encode(_encoding(arguments[1]))).decode()
    except UnicodeEncodeError:
        raise Failed("its text has characters that the encoding has not") from None


def _textdecodebase64(arguments: list[Value]) -> Value:
    from base64 import b64decode

    try:
        return b64decode(known_text(arguments[0]), validate=True).decode(_encoding(arguments[1]))
    except ValueError:
        raise Failed("it is no text in base64") from None


def _encoding(name: Value) -> str:
    written = known_text(name).upper()
    if written not in ("UTF-8", "UTF-16LE", "UTF-16BE", "ISO-8859-1", "US-ASCII"):
        raise Undetermined("its text is in an encoding that is not read")
    return written


def _base64encode(arguments: list[Value]) -> Value:
    import base64

    return base64.b64encode(known_text(arguments[0]).encode()).decode()


def _base64decode(arguments: list[Value]) -> Value:
    import base64

    try:
        return base64.b64decode(known_text(arguments[0]), validate=True).decode()
    except ValueError:
        raise Failed("it is no text in base64") from None


def _urlencode(arguments: list[Value]) -> Value:
    from urllib.parse import quote_plus

    return quote_plus(known_text(arguments[0]), safe="~")


def _hash(algorithm: str, *, base64: bool = False) -> Callable[[list[Value]], Value]:
    def hashed(arguments: list[Value]) -> Value:
        import hashlib
        from base64 import b64encode

        digest = hashlib.new(algorithm, known_text(arguments[0]).encode(), usedforsecurity=False)
        return b64encode(digest.digest()).decode() if base64 else digest.hexdigest()

    return hashed


def _uuidv5(arguments: list[Value]) -> Value:
    import uuid

    space, name = known_text(arguments[0]), known_text(arguments[1])
    spaces = {
        "dns": uuid.NAMESPACE_DNS,
        "url": uuid.NAMESPACE_URL,
        "oid": uuid.NAMESPACE_OID,
        "x500": uuid.NAMESPACE_X500,
    }
    try:
        return str(uuid.uuid5(spaces.get(space) or uuid.UUID(space), name))
    except ValueError:
        raise Failed("its namespace is none") from None


ENCODINGS: dict[str, Callable[[list[Value]], Value]] = {
    "base64decode": _base64decode,
    "base64encode": _base64encode,
    "base64sha256": _hash("sha256", base64=True),
    "base64sha512": _hash("sha512", base64=True),
    "csvdecode": _csvdecode,
    "jsondecode": _jsondecode,
    "jsonencode": jsonencode,
    "md5": _hash("md5"),
    "sha1": _hash("sha1"),
    "sha256": _hash("sha256"),
    "sha512": _hash("sha512"),
    "textdecodebase64": _textdecodebase64,
    "textencodebase64": _textencodebase64,
    "urlencode": _urlencode,
    "uuidv5": _uuidv5,
    "yamldecode": _yamldecode,
}
