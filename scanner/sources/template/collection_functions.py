"""Functions of arrays and objects, and those that take text as well: ``concat``, ``contains``, ``length``."""

from __future__ import annotations

from collections.abc import Callable

from scanner.sources.declared.values import KeyRead, Object, Property, Ref, Text, Unknown, Value, show
from scanner.sources.template.evaluation import PlainFunction, Unresolvable
from scanner.sources.template.expressions import joined
from scanner.sources.template.maybe import is_spread, lengths, overlay, possible_arrays, spread, united_arrays
from scanner.sources.template.operators import equal
from scanner.sources.template.partial_texts import cut_text, lacks
from scanner.sources.template.resource_id import segments
from scanner.sources.template.symbolic import call_value, known, shown

_MOST_ITEMS = 20_000


def _at(arguments: list[Value], position: int) -> Value:
    if position >= len(arguments):
        raise Unresolvable
    return arguments[position]


def _array(value: Value) -> list[Value]:
    """Return an array of which every item is known to be one."""
    if not isinstance(value, list) or any(is_spread(item) for item in value):
        raise Unresolvable
    return value


def _bounded(items: list[Value]) -> list[Value]:
    if len(items) > _MOST_ITEMS:
        raise Unresolvable
    return items


def _concat(arguments: list[Value]) -> Value:
    if not any(possible_arrays(argument) is not None for argument in arguments):
        return joined(arguments)
    items: list[Value] = []
    for argument in arguments:
        if isinstance(argument, list):
            items.extend(argument)
        elif argument is not None:
            items.append(spread(argument))
    return _bounded(items)


def _create_array(arguments: list[Value]) -> Value:
    return list(arguments)


def _create_object(arguments: list[Value]) -> Value:
    properties: dict[str, Property] = {}
    names: dict[str, Value] = {}
    for position in range(0, len(arguments) - 1, 2):
        name = arguments[position]
        written = (
            name if isinstance(name, str) else shown(name) if isinstance(name, list | Object) else show(name)
        )
        if not isinstance(name, str):
            names[written] = name
        properties[written] = Property(arguments[position + 1])
    return Object(properties, False, names)


def _as_array(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    if isinstance(value, Unknown):
        raise Unresolvable
    return value if isinstance(value, list) else [value]


def _length(arguments: list[Value]) -> Value:
    found = lengths(_at(arguments, 0))
    if found is None:
        raise Unresolvable
    if len(found) == 1:
        return found[0]
    call = call_value("length", arguments)
    return Unknown(call.shown, call.why, call.secret, tuple(found)) if isinstance(call, Unknown) else call


def _empty(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    if value is None:
        return True
    if isinstance(value, str):
        return not value
    if isinstance(value, list):
        if any(not is_spread(item) for item in value):
            return False
        if value:
            raise Unresolvable
        return True
    if isinstance(value, Object):
        if value.open and not value.properties:
            raise Unresolvable
        return not value.properties
    if isinstance(value, Ref | KeyRead):
        return False
    if isinstance(value, Text) and any(isinstance(part, str) and part for part in value.parts):
        return False
    if isinstance(value, Unknown) and value.options:
        found = [_empty([option]) for option in value.options]
        if all(each is True for each in found) or all(each is False for each in found):
            return found[0]
    raise Unresolvable


def _contains(arguments: list[Value]) -> Value:
    where, what = _at(arguments, 0), _at(arguments, 1)
    if isinstance(where, Object):
        if isinstance(what, str) and where.get(what) is not None and what not in where.names:
            return True
        if not isinstance(what, str | int) or where.open or where.names:
            raise Unresolvable
        return where.get(str(what)) is not None
    if isinstance(where, list):
        if not known(what):
            raise Unresolvable
        if any(known(item) and equal(item, what) for item in where):
            return True
        if not known(where):
            raise Unresolvable
        return False
    if not isinstance(what, str):
        raise Unresolvable
    if isinstance(where, Text) and any(isinstance(part, str) and what in part for part in where.parts):
        return True
    if isinstance(where, Text) and lacks(where, what):
        return False
    if not isinstance(where, str):
        raise Unresolvable
    return what in where


def _first(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    if isinstance(value, str):
        return value[:1]
    if isinstance(value, Text) and isinstance(value.parts[0], str):
        return value.parts[0][:1]
    if isinstance(value, list) and value and not is_spread(value[0]):
        return value[0]
    return None if isinstance(value, list) and not value else _unresolved()


def _last(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    if isinstance(value, str):
        return value[-1:]
    if isinstance(value, Text) and isinstance(value.parts[-1], str):
        return value.parts[-1][-1:]
    if isinstance(value, list) and value and not is_spread(value[-1]):
        return value[-1]
    return None if isinstance(value, list) and not value else _unresolved()


def _unresolved() -> Value:
    raise Unresolvable


def _count(value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unresolvable
    return max(value, 0)


def _take(arguments: list[Value]) -> Value:
    value, count = _at(arguments, 0), _count(_at(arguments, 1))
    if isinstance(value, str | Text):
        return cut_text(value, 0, count)
    if isinstance(value, list) and not any(is_spread(item) for item in value[:count]) and len(value) >= count:
        return value[:count]
    return _array(value)[:count]


def _skip(arguments: list[Value]) -> Value:
    value, count = _at(arguments, 0), _count(_at(arguments, 1))
    return cut_text(value, count, None) if isinstance(value, str | Text) else _array(value)[count:]


def _index(last: bool) -> PlainFunction:
    def made(arguments: list[Value]) -> Value:
        where, what = _at(arguments, 0), _at(arguments, 1)
        if isinstance(where, str) and isinstance(what, str):
            whole, part = where.lower(), what.lower()
            return whole.rfind(part) if last else whole.find(part)
        if not known(where) or not known(what):
            raise Unresolvable
        found = [number for number, item in enumerate(_array(where)) if equal(item, what)]
        return (found[-1] if last else found[0]) if found else -1

    return made


def _flatten(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    if not isinstance(value, list):
        raise Unresolvable
    items: list[Value] = []
    for each in value:
        if isinstance(each, list):
            items.extend(each)
        elif each is not None:
            items.append(each if is_spread(each) else spread(each))
    return _bounded(items)


def _range(arguments: list[Value]) -> Value:
    start, count = _at(arguments, 0), _count(_at(arguments, 1))
    if isinstance(start, bool) or not isinstance(start, int) or count > _MOST_ITEMS:
        raise Unresolvable
    return list(range(start, start + count))


def _extreme(choose: Callable[[list[int | float]], int | float]) -> PlainFunction:
    def made(arguments: list[Value]) -> Value:
        values = _array(arguments[0]) if len(arguments) == 1 else arguments
        numbers = [each for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
        if not numbers or len(numbers) != len(values):
            raise Unresolvable
        return choose(numbers)

    return made


def _join(arguments: list[Value]) -> Value:
    items, delimiter = _array(_at(arguments, 0)), _at(arguments, 1)
    if any(isinstance(item, list | Object) for item in items):
        raise Unresolvable
    parts: list[Value] = []
    for number, item in enumerate(items):
        if number:
            parts.append(delimiter)
        parts.append(item)
    return joined(parts)


def _split_in_part(value: Text, marks: list[str]) -> Value:
    """Split a text of which parts are not known: what stands before the first and after the last of them is sure."""
    head, tail = value.parts[0], value.parts[-1]
    before = _pieces(head, marks)[:-1] if isinstance(head, str) else []
    after = _pieces(tail, marks)[1:] if isinstance(tail, str) else []
    between = Unknown(f"...split({shown(value, 120)})", "what is in its middle is not known")
    return [*before, between, *after]


def _pieces(text: str, marks: list[str]) -> list[Value]:
    for mark in marks[1:]:
        text = text.replace(mark, marks[0])
    return _bounded(list(text.split(marks[0])))


def _split(arguments: list[Value]) -> Value:
    value, by = _at(arguments, 0), _at(arguments, 1)
    delimiters = by if isinstance(by, list) else [by]
    marks = [each for each in delimiters if isinstance(each, str) and each]
    if len(marks) != len(delimiters) or not marks:
        raise Unresolvable
    if isinstance(value, Text) and marks == ["/"]:
        head = value.parts[0]
        # In an id what stands between slashes has none; in other text that is not known may be anything.
        if isinstance(head, str) and head.lower().startswith(("/subscriptions/", "/providers/")):
            return segments(value)
    if isinstance(value, Text) and all(len(mark) == 1 for mark in marks):
        return _split_in_part(value, marks)
    if not isinstance(value, str):
        raise Unresolvable
    return _pieces(value, marks)


def _union(arguments: list[Value]) -> Value:
    if not arguments:
        raise Unresolvable
    if any(possible_arrays(argument) is not None for argument in arguments):
        return united_arrays(arguments)
    made = arguments[0]
    for argument in arguments[1:]:
        made = overlay(made, argument, deep=True)
    return made


def _shallow_merge(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    if not isinstance(value, list):
        raise Unresolvable
    made: Value = Object({})
    for each in value:
        made = overlay(made, each, deep=False)
    return made


def _intersection(arguments: list[Value]) -> Value:
    if not arguments or not all(known(argument) for argument in arguments):
        raise Unresolvable
    first, *others = arguments
    if isinstance(first, list):
        lists = [each for each in others if isinstance(each, list)]
        return [item for item in first if all(any(equal(item, other) for other in each) for each in lists)]
    if isinstance(first, Object):
        objects = [each for each in others if isinstance(each, Object)]
        kept = {
            name: held
            for name, held in first.properties.items()
            if all(
                name in each.properties and equal(each.properties[name].value, held.value) for each in objects
            )
        }
        return Object(kept)
    raise Unresolvable


def _items(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    if value is None:
        return []
    if not isinstance(value, Object):
        raise Unresolvable
    made: list[Value] = [
        Object({"key": Property(value.names.get(name, name)), "value": held})
        for name, held in sorted(value.properties.items(), key=lambda pair: pair[0].lower())
    ]
    if value.open:
        made.append(Unknown("...items()", "the object may have more properties"))
    return made


def _object_keys(arguments: list[Value]) -> Value:
    value = _at(arguments, 0)
    if not isinstance(value, Object):
        raise Unresolvable
    names: list[Value] = [value.names.get(name, name) for name in sorted(value.properties, key=str.lower)]
    return (
        [*names, Unknown("...objectKeys()", "the object may have more properties")] if value.open else names
    )


FUNCTIONS: dict[str, PlainFunction] = {
    "concat": _concat,
    "createarray": _create_array,
    "createobject": _create_object,
    "array": _as_array,
    "length": _length,
    "empty": _empty,
    "contains": _contains,
    "first": _first,
    "last": _last,
    "take": _take,
    "skip": _skip,
    "indexof": _index(last=False),
    "lastindexof": _index(last=True),
    "flatten": _flatten,
    "range": _range,
    "min": _extreme(min),
    "max": _extreme(max),
    "join": _join,
    "split": _split,
    "union": _union,
    "shallowmerge": _shallow_merge,
    "intersection": _intersection,
    "items": _items,
    "objectkeys": _object_keys,
}
