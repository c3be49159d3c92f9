"""Functions of text, numbers and time. Names and meaning are those of the ARM template reference."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any
from urllib.parse import quote, unquote

from scanner.sources.declared.values import KeyRead, Object, Property, Ref, Text, Unknown, Value
from scanner.sources.template.evaluation import MOST_TEXT, PlainFunction, Unresolvable
from scanner.sources.template.expressions import joined
from scanner.sources.template.partial_texts import cut_text, replaced
from scanner.sources.template.symbolic import call_value, known, shown

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\d{1,3})(?:,[^{}:]*)?(?::([^{}]*))?\}")
_MOST_NESTED = 60
_SAFE_IN_URI = "-_.~"


def _string(value: Value) -> str:
    if not isinstance(value, str):
        raise Unresolvable
    return value


def _whole(value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unresolvable
    return value


def _at(arguments: list[Value], position: int) -> Value:
    if position >= len(arguments):
        raise Unresolvable
    return arguments[position]


def _cased(name: str, lower: bool) -> PlainFunction:
    def one(part: Value) -> Value:
        if isinstance(part, str):
            return part.lower() if lower else part.upper()
        return call_value(name, [part])

    def made(arguments: list[Value]) -> Value:
        value = _at(arguments, 0)
        if isinstance(value, str):
            return one(value)
        if isinstance(value, Text):
            return joined([one(part) for part in value.parts])
        if isinstance(value, Ref | KeyRead):
            return value
        raise Unresolvable

    return made


def _format(arguments: list[Value]) -> Value:
    pattern = _string(_at(arguments, 0))
    parts: list[Value] = []
    position = 0
    for match in _PLACEHOLDER.finditer(pattern):
        parts.append(pattern[position : match.start()])
        position = match.end()
        if match[0] in ("{{", "}}"):
            parts.append(match[0][0])
            continue
        value = _at(arguments, int(match[1]) + 1)
        if match[2]:
            parts.append(_formatted(value, match[2]))
        elif isinstance(value, bool):
            parts.append("True" if value else "False")
        else:
            parts.append(value)
    parts.append(pattern[position:])
    return joined(parts)


def _formatted(value: Value, how: str) -> Value:
    if isinstance(value, int) and how[:1] in "dD" and (how[1:] or "0").isdigit() and len(how) < 4:
        return str(value).zfill(int(how[1:] or "0"))
    if isinstance(value, str):
        return value
    return call_value(f"format {how}", [value])


def _text(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    if isinstance(value, str | Text | Ref | KeyRead):
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | Object) and known(value):
        return json.dumps(as_json(value), separators=(",", ":"), ensure_ascii=False)
    raise Unresolvable


def as_json(value: Value) -> Any:
    """Return a known value as what ``json`` writes."""
    if isinstance(value, Object):
        return {name: as_json(held.value) for name, held in value.properties.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value


def from_json(data: Any) -> Value:
    """Return what ``json`` read as a value; none of it has a place."""
    if isinstance(data, dict):
        return Object({str(name): Property(from_json(inner)) for name, inner in data.items()})
    if isinstance(data, list):
        return [from_json(item) for item in data]
    return data if isinstance(data, str | int | float) or data is None else str(data)


def _json(arguments: list[Value]) -> Value:
    text = _string(_at(arguments, 0))
    depth = 0
    for character in re.findall(r"[\[\]{}]", text):
        depth += 1 if character in "[{" else -1
        if depth > _MOST_NESTED:
            raise Unresolvable
    try:
        return from_json(json.loads(text))
    except ValueError:
        raise Unresolvable from None


def _base64(arguments: list[Value]) -> Value:
    return base64.b64encode(_string(_at(arguments, 0)).encode("utf-8", "replace")).decode()


def _from_base64(arguments: list[Value]) -> Value:
    try:
        return base64.b64decode(_string(_at(arguments, 0)), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise Unresolvable from None


def _json_from_base64(arguments: list[Value]) -> Value:
    return _json([_from_base64(arguments)])


def _data_uri(arguments: list[Value]) -> Value:
    return f"data:text/plain;charset=utf8;base64,{_base64(arguments)}"


def _from_data_uri(arguments: list[Value]) -> Value:
    head, comma, content = _string(_at(arguments, 0)).partition(",")
    if not comma or not head.lower().startswith("data:"):
        raise Unresolvable
    return _from_base64([content]) if head.lower().endswith(";base64") else unquote(content, errors="replace")


def _uri(arguments: list[Value]) -> Value:
    base, relative = _at(arguments, 0), _at(arguments, 1)
    if isinstance(base, str) and isinstance(relative, str | Text | Unknown):
        # What follows the last slash of the base is replaced.
        head = base if base.endswith("/") else base.rsplit("/", 1)[0] + "/" if "/" in base[8:] else base + "/"
        return joined([head, relative.lstrip("/") if isinstance(relative, str) else relative])
    if isinstance(relative, str | Text):
        tail = relative.lstrip("/") if isinstance(relative, str) else relative
        return joined([Unknown(f"uri({shown(base, 80)})", "it is known when deploying"), "/", tail])
    raise Unresolvable


def _uri_component(arguments: list[Value]) -> Value:
    return quote(_string(_at(arguments, 0)), safe=_SAFE_IN_URI)


def _from_uri_component(arguments: list[Value]) -> Value:
    return unquote(_string(_at(arguments, 0)), errors="replace")


def _replace(arguments: list[Value]) -> Value:
    old = _string(_at(arguments, 1))
    if not old:
        raise Unresolvable
    return replaced(_at(arguments, 0), old, _at(arguments, 2))


def _substring(arguments: list[Value]) -> Value:
    whole, start = _at(arguments, 0), _whole(_at(arguments, 1))
    length = _whole(arguments[2]) if len(arguments) > 2 else None
    if not isinstance(whole, str | Text) or start < 0 or (length is not None and length < 0):
        raise Unresolvable
    if isinstance(whole, str) and start + (length or 0) > len(whole):
        raise Unresolvable  # the deployment would fail
    return cut_text(whole, start, length)


def _starts(arguments: list[Value]) -> Value:
    whole, prefix = _at(arguments, 0), _string(_at(arguments, 1)).lower()
    if isinstance(whole, Text) and isinstance(whole.parts[0], str):
        head = whole.parts[0].lower()
        if len(head) >= len(prefix) or not prefix.startswith(head):
            return head.startswith(prefix)
    return _string(whole).lower().startswith(prefix)


def _ends(arguments: list[Value]) -> Value:
    whole, suffix = _at(arguments, 0), _string(_at(arguments, 1)).lower()
    if isinstance(whole, Text) and isinstance(whole.parts[-1], str):
        tail = whole.parts[-1].lower()
        if len(tail) >= len(suffix) or not suffix.endswith(tail):
            return tail.endswith(suffix)
    return _string(whole).lower().endswith(suffix)


def _trim(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    if isinstance(value, Text) and isinstance(value.parts[0], str) and isinstance(value.parts[-1], str):
        head, tail = value.parts[0].lstrip(), value.parts[-1].rstrip()
        if head and tail:
            return joined([head, *value.parts[1:-1], tail])
    return _string(value).strip()


def _pad_left(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    whole = str(value) if isinstance(value, int) and not isinstance(value, bool) else _string(value)
    width = _whole(_at(arguments, 1))
    fill = _string(arguments[2]) if len(arguments) > 2 else " "
    if len(fill) != 1 or width > MOST_TEXT:
        raise Unresolvable
    return whole.rjust(width, fill)


def _int(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    if isinstance(value, bool):
        raise Unresolvable
    if isinstance(value, int | float):
        return int(value)
    text = _string(value).strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise Unresolvable
    return int(text)


def _float(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = _string(value)
    if not re.fullmatch(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?", text):
        raise Unresolvable
    return float(text)


def _bool(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    lower = _string(value).lower()
    if lower not in ("true", "false", "1", "0"):
        raise Unresolvable
    return lower in ("true", "1")


def _true(_arguments: list[Value]) -> Value:
    return True


def _false(_arguments: list[Value]) -> Value:
    return False


def _null(_arguments: list[Value]) -> Value:
    return None


FUNCTIONS: dict[str, PlainFunction] = {
    "format": _format,
    "string": _text,
    "json": _json,
    "base64": _base64,
    "base64tostring": _from_base64,
    "base64tojson": _json_from_base64,
    "uri": _uri,
    "uricomponent": _uri_component,
    "uricomponenttostring": _from_uri_component,
    "tolower": _cased("toLower", lower=True),
    "toupper": _cased("toUpper", lower=False),
    "replace": _replace,
    "substring": _substring,
    "startswith": _starts,
    "endswith": _ends,
    "trim": _trim,
    "padleft": _pad_left,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "true": _true,
    "false": _false,
    "null": _null,
    "datauri": _data_uri,
    "datauritostring": _from_data_uri,
}
