"""Types of variables: what Terraform makes of a value that is given to one.

``optional(string, "Owner")`` fills in what is left out, a set loses what repeats, ``"true"`` becomes true. A value
that does not fit stays as it is: that is for Terraform to refuse.
"""

from __future__ import annotations

from collections.abc import Callable

from scanner.sources.declared.values import Object, Property, Unknown, Value
from scanner.sources.terraform.functions_collections import distinct
from scanner.sources.terraform.operators import as_number
from scanner.sources.terraform.symbolic import Failed, OpenList, Set, scalar_text
from scanner.sources.terraform.syntax import Call, Literal, Mapping, Name, Node, Sequence

Evaluate = Callable[[Node], Value]


def converted(value: Value, type_: Node, evaluate: Evaluate) -> Value:
    """Return a value as a variable of that type holds it; ``evaluate`` gives defaults in the type their values."""
    if value is None:
        return None
    if isinstance(value, Unknown):
        if not value.options:
            return value
        options = tuple(converted(option, type_, evaluate) for option in value.options)
        return Unknown(value.shown, value.why, value.secret, options)
    if isinstance(type_, Name):
        return _primitive(value, type_.name)
    if isinstance(type_, Literal) and isinstance(type_.value, str):
        # What older versions wrote in quotes.
        return _primitive(value, type_.value)
    if not isinstance(type_, Call) or not type_.arguments:
        return value
    inner = type_.arguments[0]
    if type_.name in ("list", "set") and isinstance(value, list):
        items = [converted(item, inner, evaluate) for item in value]
        if isinstance(value, OpenList):
            return OpenList(items)
        return _set(items) if type_.name == "set" else items
    if type_.name == "tuple" and isinstance(value, list) and isinstance(inner, Sequence):
        if len(inner.items) == len(value):
            return [converted(item, of, evaluate) for item, of in zip(value, inner.items, strict=True)]
        return value
    if type_.name == "map" and isinstance(value, Object):
        properties = {
            name: Property(converted(held.value, inner, evaluate), held.start, held.end)
            for name, held in value.properties.items()
        }
        return Object(properties, value.open, value.names)
    if type_.name == "object" and isinstance(value, Object) and isinstance(inner, Mapping):
        return _object(value, inner, evaluate)
    return value


def _primitive(value: Value, name: str) -> Value:
    if name == "string":
        text = scalar_text(value)
        return value if text is None else text
    if name == "bool" and value in ("true", "false"):
        return value == "true"
    if name == "number" and isinstance(value, str):
        try:
            return as_number(value)
        except Failed:
            return value
    return value


def _set(items: list[Value]) -> Set:
    kept = distinct(items)[0]
    texts = [item for item in kept if isinstance(item, str)]
    return Set(sorted(texts) if len(texts) == len(kept) else kept)


def _object(value: Object, type_: Mapping, evaluate: Evaluate) -> Object:
    properties: dict[str, Property] = {}
    for key, of, _, _ in type_.items:
        name = str(key.value) if isinstance(key, Literal) else ""
        optional = isinstance(of, Call) and of.name == "optional" and bool(of.arguments)
        wanted = of.arguments[0] if isinstance(of, Call) and optional else of
        held = value.properties.get(name)
        if held is not None and (held.value is not None or not optional):
            properties[name] = Property(converted(held.value, wanted, evaluate), held.start, held.end)
        elif value.open and held is None:
            # It may be given in the part that is not known.
            continue
        elif isinstance(of, Call) and optional:
            default = evaluate(of.arguments[1]) if len(of.arguments) > 1 else None
            properties[name] = Property(converted(default, wanted, evaluate))
    return Object(properties, value.open, value.names)
