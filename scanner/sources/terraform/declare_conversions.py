"""Values of Terraform's arguments in ARM's form: the opposite of a switch, other words, pairs, decoded JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from scanner.sources.declared.values import Object, Property, Unknown, Value, show

if TYPE_CHECKING:
    from scanner.catalog.terraform import Argument


def convert(value: Value, argument: Argument) -> Value:
    """Return what an argument's value is in ARM: inverted, in its words, as a list of pairs, decoded."""
    if argument.inverted:
        return _inverted(value)
    if argument.words:
        return _worded(value, argument)
    if argument.form.endswith("pairs"):
        return _pairs(value, "secureValue" if argument.form == "secure pairs" else "value")
    if argument.form == "json" and isinstance(value, str):
        return json_value(value)
    return value


def _inverted(value: Value) -> Value:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "false"
    options = tuple(_inverted(option) for option in value.options) if isinstance(value, Unknown) else ()
    if isinstance(value, Unknown):
        return Unknown(f"!{value.shown}", value.why, value.secret, options)
    return Unknown(f"!{show(value)}", "it is known after deployment")


def _worded(value: Value, argument: Argument) -> Value:
    if isinstance(value, bool | str):
        written = ("true" if value else "false") if isinstance(value, bool) else value
        for word, meaning in argument.words.items():
            if word.lower() == written.lower():
                return meaning
        return value
    if isinstance(value, Unknown) and value.options:
        options = tuple(_worded(option, argument) for option in value.options)
        return Unknown(value.shown, value.why, value.secret, options)
    return value


def _pairs(value: Value, value_name: str) -> Value:
    if isinstance(value, Unknown) and value.options:
        options = tuple(_pairs(option, value_name) for option in value.options)
        return Unknown(value.shown, value.why, value.secret, options)
    if not isinstance(value, Object):
        return not_known(value)
    pairs: list[Value] = []
    for name, held in value.properties.items():
        called = value.names.get(name, name)
        pair = {"name": Property(called, held.start, held.end), value_name: held}
        pairs.append(Object(pair))
    if value.open:
        pairs.append(Unknown("...", "there may be more of them than are known"))
    return pairs


def json_value(value: str) -> Value:
    """Return what a text of JSON says; unknown when it is no JSON."""
    try:
        return _from_json(msgspec.json.decode(value), 0)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Unknown("json", "it is not JSON that can be read")


def _from_json(value: object, depth: int) -> Value:
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if depth > 40:
        return Unknown("...", "it is nested too deeply to be read")
    if isinstance(value, list):
        return [_from_json(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return Object({str(name): Property(_from_json(inner, depth + 1)) for name, inner in value.items()})
    return None


def not_known(value: Value) -> Unknown:
    """What stands for a property when what should hold it is itself not known."""
    if isinstance(value, Unknown):
        return value
    return Unknown(show(value).strip("{}"), "it is known after deployment")
