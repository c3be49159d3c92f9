"""Values of which something is known: one of two, an object with more in it, an array with more items."""

from __future__ import annotations

from scanner.sources.declared.values import KeyRead, Object, Property, Ref, Text, Unknown, Value
from scanner.sources.template.evaluation import Evaluation
from scanner.sources.template.frames import Env, Held
from scanner.sources.template.model import Expression
from scanner.sources.template.symbolic import known, shown

_MOST_OPTIONS = 16
_SPREAD = "..."
_NEVER_NULL = (
    "guid(",
    "uniqueString(",
    "newGuid(",
    "utcNow(",
    "toLower(",
    "toUpper(",
    "replace(",
    "substring(",
)
"""How values begin that are worked out when deploying, and always are some text."""


def may_equal(value: Value, other: str) -> bool:
    """Whether something that is not wholly known could be this text."""
    if isinstance(value, Text):
        head, tail = value.parts[0], value.parts[-1]
        plain = sum(len(part) for part in value.parts if isinstance(part, str))
        return (
            len(other) >= plain
            and (not isinstance(head, str) or other.lower().startswith(head.lower()))
            and (not isinstance(tail, str) or other.lower().endswith(tail.lower()))
        )
    if isinstance(value, Ref) and value.path == ("id",):
        return other.startswith("/")
    return not known(value)


def either(condition: str, then: Value, otherwise: Value) -> Value:
    """Return what stands for one of two values, by a condition that is not known."""
    if type(then) is type(otherwise) and not isinstance(then, list | Object) and then == otherwise:
        return then
    options = tuple(dict_of_options([then, otherwise]))
    secret = any(isinstance(each, Unknown) and each.secret for each in options)
    return Unknown(
        f"{condition} ? {shown(then, 60)} : {shown(otherwise, 60)}",
        f"it depends on {condition}",
        secret,
        options,
    )


def dict_of_options(values: list[Value]) -> list[Value]:
    """Return the possibilities that values come to: those of an unknown one are its own; each once.

    Nothing is returned where there are very many: a choice that is not complete would hide the others.
    """
    found: list[Value] = []
    for value in values:
        inner = value.options if isinstance(value, Unknown) and value.options else (value,)
        for each in inner:
            plain = not isinstance(each, list | Object)
            if not (plain and any(type(each) is type(other) and each == other for other in found)):
                found.append(each)
    return found if len(found) <= _MOST_OPTIONS else []


def possible_arrays(value: Value) -> list[list[Value]] | None:
    """Return the arrays that a value is one of, null being an empty one; None where it may be anything."""
    if isinstance(value, list):
        return [value]
    if not isinstance(value, Unknown) or not value.options:
        return None
    arrays: list[list[Value]] = []
    for option in value.options:
        if option is not None and not isinstance(option, list):
            return None
        arrays.append(option or [])
    return arrays


def with_possible_items(items: list[Value]) -> list[tuple[Value, bool]]:
    """Return the items of an array and whether each is sure to be one: of one that is spread, all that may be."""
    found: list[tuple[Value, bool]] = []
    for item in items:
        arrays = possible_arrays(item) if isinstance(item, Unknown) and is_spread(item) else None
        if arrays is None:
            found.append((item, True))
            continue
        seen: set[int] = set()
        for inner in (each for array in arrays for each in array):
            if id(inner) not in seen:
                seen.add(id(inner))
                found.append((inner, False))
    return found


def variants(items: list[Value]) -> list[list[Value]] | None:
    """Return the arrays that an array may be, by the choices spread into it; None where that is not known."""
    made: list[list[Value]] = [[]]
    for item in items:
        if not is_spread(item):
            for each in made:
                each.append(item)
            continue
        arrays = possible_arrays(item)
        if arrays is None or any(is_spread(inner) for array in arrays for inner in array):
            return None
        made = [[*begun, *array] for begun in made for array in arrays]
        if len(made) > _MOST_OPTIONS:
            return None
    return made


def lengths(value: Value) -> list[int] | None:
    """Return how many items an array, object or text can have, the fewest first; None where that is not known."""
    if isinstance(value, str):
        return [len(value)]
    if isinstance(value, Object):
        return None if value.open else [len(value.properties)]
    if isinstance(value, list):
        arrays = variants(value)
        return None if arrays is None else sorted({len(array) for array in arrays})
    if not isinstance(value, Unknown) or not value.options:
        return None
    found: set[int] = set()
    for option in value.options:
        inner = lengths(option) if not isinstance(option, Unknown) else None
        if inner is None:
            return None
        found.update(inner)
    return sorted(found)


def combine(ev: Evaluation, operands: list[Expression], env: Env) -> Held:
    """Return the first operand that is not null: ``a ?? b``, ``coalesce(a, b)``."""
    possible: list[Value] = []
    for operand in operands:
        value = ev.value(operand, env)
        if value is None:
            continue
        if isinstance(value, Unknown):
            if not value.options:
                possible.append(value)
                if value.shown.startswith(_NEVER_NULL) and value.shown.endswith(")"):
                    break
                continue
            sure = [each for each in value.options if each is not None]
            if len(sure) == len(value.options) and not any(isinstance(each, Unknown) for each in sure):
                possible.append(value)
                break
            possible.extend(sure)
            continue
        if not possible:
            return value
        possible.append(ev.plain(operand, env))
        break
    if not possible:
        return None
    if len(possible) == 1:
        return possible[0]
    options = dict_of_options(possible)
    secret = any(isinstance(each, Unknown) and each.secret for each in possible)
    text = " ?? ".join(shown(each, 60) for each in possible)
    return Unknown(text, "it depends on what is given", secret, tuple(options))


def spread(value: Value) -> Unknown:
    """Return what stands in an array for the items of something unknown."""
    if isinstance(value, Unknown):
        return Unknown(_SPREAD + value.shown, value.why, value.secret, value.options)
    return Unknown(_SPREAD + shown(value), "it is not known how many items it has")


def more(of: str) -> Unknown:
    """Return what ends an array of which the items before it stand for any number of their kind."""
    return Unknown(f"{_SPREAD} {of}", "it is not known how many items there are")


def is_more(value: Value) -> bool:
    """Whether an item of an array only says that there may be more or fewer like those before it."""
    return isinstance(value, Unknown) and value.shown.startswith(_SPREAD + " ")


def is_spread(value: Value) -> bool:
    """Whether an item of an array stands for any number of items."""
    return type(value) is Unknown and value.shown.startswith(_SPREAD)


def overlay(base: Value, over: Value, *, deep: bool) -> Value:
    """Return the union of two objects, the second winning: ``union()`` (``deep``), ``shallowMerge()``, ``{...x}``."""
    if over is None:
        return base
    if base is None:
        return over
    if isinstance(base, Object) and isinstance(over, Object):
        return _merged(base, over, deep)
    if isinstance(base, Object):
        if (
            isinstance(over, Unknown)
            and over.options
            and all(each is None or isinstance(each, Object) for each in over.options)
        ):
            return _maybe_merged(base, over, deep)
        return _perhaps_overwritten(base, shown(over))
    if isinstance(over, Object):
        if (
            isinstance(base, Unknown)
            and base.options
            and all(each is None or isinstance(each, Object) for each in base.options)
        ):
            return (
                _maybe_merged(Object({}), base, deep)
                if not over.properties
                else overlay(_maybe_merged(Object({}), base, deep), over, deep=deep)
            )
        return Object(over.properties, True, over.names)
    return Unknown(f"union({shown(base)}, {shown(over)})", "it is made of something unknown")


def _merged(base: Object, over: Object, deep: bool) -> Object:
    properties = dict(base.properties)
    for name, held in over.properties.items():
        before = properties.get(name)
        if (
            deep
            and before is not None
            and isinstance(before.value, Object)
            and isinstance(held.value, Object)
        ):
            held = Property(_merged(before.value, held.value, deep), held.start, held.end)  # noqa: PLW2901
        properties[name] = held
    made = Object(properties, base.open or over.open, {**base.names, **over.names})
    if over.open and base.properties:
        sure = set(over.properties)
        loose = _perhaps_overwritten(
            Object({n: h for n, h in base.properties.items() if n not in sure}), "..."
        )
        made.properties.update(loose.properties)
    return made


def _maybe_merged(base: Object, over: Unknown, deep: bool) -> Object:
    """Unite with one of several objects: what only some of them have is there or not."""
    choices = [_merged(base, each, deep) if isinstance(each, Object) else base for each in over.options]
    names: dict[str, None] = {}
    for choice in choices:
        names.update(dict.fromkeys(choice.properties))
    properties: dict[str, Property] = {}
    for name in names:
        held = [choice.properties.get(name) for choice in choices]
        values = [None if each is None else each.value for each in held]
        place = next(each for each in held if each is not None)
        first = values[0]
        if all(value is first for value in values):
            properties[name] = place
            continue
        options = dict_of_options(values)
        value = (
            options[0]
            if len(options) == 1
            else Unknown(f"{over.shown}.{name}", over.why, over.secret, tuple(options))
        )
        properties[name] = Property(value, place.start, place.end)
    return Object(
        properties,
        any(choice.open for choice in choices),
        {name: value for choice in choices for name, value in choice.names.items()},
    )


def _perhaps_overwritten(base: Object, by: str) -> Object:
    """Return an object after something unknown was laid over it: what it holds may have been replaced.

    References and keys stay, for that they are used counts; plain values are not known any more.
    """
    properties: dict[str, Property] = {}
    for name, held in base.properties.items():
        value = held.value
        if isinstance(value, Object):
            value = _perhaps_overwritten(value, by)
        elif isinstance(value, list):
            value = [*value, Unknown(_SPREAD + by, "something unknown may replace it")]
        elif not isinstance(value, Ref | KeyRead | Text | Unknown):
            value = Unknown(f"{name} or {by}", "something unknown may replace it", False, ())
        properties[name] = Property(value, held.start, held.end)
    return Object(properties, True, base.names)


def united_arrays(arrays: list[Value]) -> Value:
    """Return the union of arrays: each item once, in order."""
    found: list[Value] = []
    seen: set[str] = set()
    for each in arrays:
        items = each if isinstance(each, list) else ([] if each is None else [spread(each)])
        for item in items:
            if known(item) and not isinstance(item, list | Object):
                key = f"{type(item).__name__}:{item}"
                if key in seen:
                    continue
                seen.add(key)
            found.append(item)
    return found
