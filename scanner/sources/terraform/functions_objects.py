"""Functions over maps and objects."""

from __future__ import annotations

from collections.abc import Callable

from scanner.sources.declared.values import KeyRead, Object, Property, Ref, Text, Unknown, Value
from scanner.sources.terraform.functions_collections import known_list
from scanner.sources.terraform.symbolic import (
    Failed,
    OpenList,
    Undetermined,
    brief,
    determined,
    is_secret,
    scalar_text,
    shorten,
    unknown,
    why,
)


def _object(value: Value) -> Object:
    if isinstance(value, Object):
        return value
    if isinstance(value, Unknown | Ref | Text | KeyRead):
        raise Undetermined(why(value))
    raise Failed("it is no map or object")


def _tomap(arguments: list[Value]) -> Value:
    value = arguments[0]
    return value if value is None or isinstance(value, Unknown | Ref) else _object(value)


def _merge(arguments: list[Value]) -> Value:
    properties: dict[str, Property] = {}
    names: dict[str, Value] = {}
    more = False
    for value in arguments:
        if value is None:
            continue
        if isinstance(value, Unknown | Ref | Text | KeyRead):
            # It may override anything before it.
            more = True
            reason, secret = why(value), is_secret(value)
            for name, held in properties.items():
                if not isinstance(held.value, Unknown):
                    shown = shorten(f"merge({brief(value)}).{name}")
                    properties[name] = Property(unknown(shown, reason, secret=secret), held.start, held.end)
            continue
        taken = _object(value)
        properties.update(taken.properties)
        names.update(taken.names)
        more = more or taken.open
    return Object(properties, more, names)


def _lookup(arguments: list[Value]) -> Value:
    value, key = arguments[0], arguments[1]
    given = _object(value)
    name = scalar_text(key)
    if name is None:
        options = [held.value for held in given.properties.values()] + arguments[2:3]
        shown = shorten(f"lookup({brief(value)}, {brief(key)})")
        return unknown(shown, why(key), secret=is_secret(key), options=options)
    held = given.properties.get(name)
    if held is not None:
        return held.value
    if given.open or given.names:
        raise Undetermined(why(value))
    if len(arguments) > 2:
        return arguments[2]
    raise Failed(f"nothing is called {name} there")


def _keys(arguments: list[Value]) -> Value:
    given = _object(arguments[0])
    keys: list[Value] = [given.names.get(name, name) for name in sorted(given.properties)]
    if not given.open:
        return keys
    if not given.names:
        keys.append(unknown(f"keys({brief(given)})[*]", "the object is not wholly known"))
    return OpenList(keys)


def _values(arguments: list[Value]) -> Value:
    given = _object(arguments[0])
    items = [held.value for _, held in sorted(given.properties.items())]
    if not given.open:
        return items
    if not given.names:
        items.append(unknown(f"values({brief(given)})[*]", "the object is not wholly known"))
    return OpenList(items)


def _zipmap(arguments: list[Value]) -> Value:
    keys, items = known_list(arguments[0]), known_list(arguments[1])
    if isinstance(keys, OpenList) or isinstance(items, OpenList):
        raise Undetermined("its lists are not wholly known")
    if len(keys) != len(items):
        raise Failed("there are not as many keys as values")
    properties: dict[str, Property] = {}
    for key, item in zip(keys, items, strict=True):
        name = scalar_text(key)
        if name is None:
            raise Undetermined(why(key))
        properties[name] = Property(item)
    return Object(properties)


def _transpose(arguments: list[Value]) -> Value:
    given = _object(arguments[0])
    if not determined(given):
        raise Undetermined(why(given))
    turned: dict[str, list[Value]] = {}
    for name, held in sorted(given.properties.items()):
        for item in known_list(held.value):
            turned.setdefault(scalar_text(item) or "", []).append(name)
    return Object({name: Property(items) for name, items in sorted(turned.items())})


OBJECTS: dict[str, Callable[[list[Value]], Value]] = {
    "keys": _keys,
    "lookup": _lookup,
    "merge": _merge,
    "tomap": _tomap,
    "transpose": _transpose,
    "values": _values,
    "zipmap": _zipmap,
}
