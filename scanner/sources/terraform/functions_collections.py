"""Functions over lists and sets; a set is a list without repetition, sorted when it is of text."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from scanner.sources.declared.values import KeyRead, Object, Ref, Text, Unknown, Value
from scanner.sources.terraform.operators import as_number
from scanner.sources.terraform.symbolic import (
    Failed,
    OpenList,
    Partial,
    Set,
    Undetermined,
    brief,
    determined,
    is_secret,
    same,
    scalar_text,
    shorten,
    unknown,
    why,
)

MOST_ITEMS = 20_000
"""Items of a list that a function makes."""


def known_list(value: Value) -> list[Value]:
    """Return a list; what stands for one that is not known is undetermined."""
    if isinstance(value, list):
        return value
    if isinstance(value, Unknown | Ref | Text | KeyRead):
        raise Undetermined(why(value))
    raise Failed("it is no list")


def _int(value: Value) -> int:
    if isinstance(value, Unknown | Ref | Text | KeyRead):
        raise Undetermined(why(value))
    whole = as_number(value)
    if isinstance(whole, float):
        raise Failed("it is no whole number")
    return whole


def _like(items: list[Value], *sources: Value) -> list[Value]:
    """Return items as a list that is open when one of those is that they come from."""
    if len(items) > MOST_ITEMS:
        raise Undetermined(f"its list has more than {MOST_ITEMS:,} items")
    return OpenList(items) if any(isinstance(each, OpenList) for each in sources) else items


def _representative(value: Value) -> Value:
    """Return a list of which only a representative item is known, for what is not known at all."""
    if isinstance(value, Unknown | Ref | Text | KeyRead):
        return OpenList([unknown(f"{brief(value)}[*]", why(value), secret=is_secret(value))])
    return value


# ---- lists


def _concat(arguments: list[Value]) -> Value:
    lists = [known_list(_representative(each)) for each in arguments]
    return _like([item for each in lists for item in each], *lists)


def _flatten(arguments: list[Value]) -> Value:
    out: list[Value] = []
    more = isinstance(arguments[0], OpenList)
    stack = [iter(known_list(arguments[0]))]
    while stack:
        item = next(stack[-1], _DONE)
        if item is _DONE:
            stack.pop()
        elif isinstance(item, list):
            more = more or isinstance(item, OpenList)
            stack.append(iter(item))
            if len(stack) > 100:
                raise Failed("its lists are nested too deeply")
        elif isinstance(item, Unknown):
            # A list or a single item: which of the two cannot be told.
            more = True
            out.append(item)
        else:
            out.append(item)  # type: ignore[arg-type]  # not the mark of the end
        if len(out) > MOST_ITEMS:
            raise Undetermined(f"its list has more than {MOST_ITEMS:,} items")
    return OpenList(out) if more else out


_DONE = object()


def distinct(items: list[Value]) -> tuple[list[Value], bool]:
    """Return items without those that repeat, and whether it is sure that no others repeat."""
    out: list[Value] = []
    seen: set[tuple[type, Value]] = set()
    sure = True
    rest: list[Value] = []
    for item in items:
        if isinstance(item, str | int | float) or item is None:
            key = (type(item), item)
            if key in seen:
                continue
            seen.add(key)
        else:
            if len(rest) < 500:
                answers = [same(item, other) for other in rest]
                if True in answers:
                    continue
                sure = sure and None not in answers
            rest.append(item)
        out.append(item)
    return out, sure


def _distinct(arguments: list[Value]) -> Value:
    items = known_list(arguments[0])
    return _like(distinct(items)[0], items)


def _toset(arguments: list[Value]) -> Value:
    value = _representative(arguments[0])
    if isinstance(value, Object):
        raise Failed("an object is no set")
    items = known_list(value)
    kept = distinct(items)[0]
    texts = [item for item in kept if isinstance(item, str)]
    ordered = _like([*sorted(texts)] if len(texts) == len(kept) else kept, items)
    return ordered if isinstance(ordered, OpenList) else Set(ordered)


def _tolist(arguments: list[Value]) -> Value:
    value = arguments[0]
    if value is None or isinstance(value, Unknown | Ref):
        return value
    items = known_list(value)
    return [*items] if isinstance(items, Set) else items


def _compact(arguments: list[Value]) -> Value:
    items = known_list(arguments[0])
    kept: list[Value] = [item for item in items if item is not None and item != ""]
    unsure = any(isinstance(item, Unknown) for item in kept)
    return OpenList(kept) if unsure else _like(kept, items)


def _length(arguments: list[Value]) -> Value:
    value = arguments[0]
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list) and not isinstance(value, OpenList):
        return len(value)
    if isinstance(value, Object) and not value.open and not value.names:
        return len(value.properties)
    if isinstance(value, Unknown) and value.options:
        lengths = [_length([option]) for option in value.options]
        if all(length == lengths[0] for length in lengths):
            return lengths[0]
    if isinstance(value, Partial):
        shown = shorten(f"length({brief(value)})")
        return unknown(
            shown, "how many there are is not known", options=list(range(value.least, len(value) + 1))
        )
    if isinstance(value, list | Object | Unknown | Ref | Text | KeyRead):
        raise Undetermined(why(value))
    raise Failed("it has no length")


def _element(arguments: list[Value]) -> Value:
    items = known_list(arguments[0])
    if not items:
        raise Failed("the list is empty")
    if isinstance(items, OpenList):
        if len(items) == 1:
            return items[0]
        return unknown(shorten(f"element({brief(items)})"), "the list is not wholly known", options=items)
    position = arguments[1]
    if isinstance(position, Unknown | Ref | Text):
        shown = shorten(f"element({brief(items)}, {brief(position)})")
        return unknown(shown, why(position), options=items)
    return items[_int(position) % len(items)]


def _one(arguments: list[Value]) -> Value:
    value = arguments[0]
    if value is None:
        return None
    if isinstance(value, OpenList):
        if len(value) == 1:
            item = value[0]
            # A reference into an instance that may be made stays one; anything else may be null instead.
            if isinstance(item, Ref):
                return item
            return unknown(f"one({brief(value)})", why(item), secret=is_secret(item), options=(item, None))
        raise Undetermined("the list is not wholly known")
    items = known_list(value)
    if len(items) > 1:
        raise Failed("the list has more than one item")
    return items[0] if items else None


def _slice(arguments: list[Value]) -> Value:
    items = known_list(arguments[0])
    start, end = _int(arguments[1]), _int(arguments[2])
    if isinstance(items, OpenList):
        return items
    if not 0 <= start <= end <= len(items):
        raise Failed("the list is shorter than that")
    return items[start:end]


def _reverse(arguments: list[Value]) -> Value:
    items = known_list(arguments[0])
    return _like(items[::-1], items)


def _sort(arguments: list[Value]) -> Value:
    items = known_list(arguments[0])
    texts = [text for text in map(scalar_text, items) if text is not None]
    if len(texts) != len(items):
        return items
    return _like([*sorted(texts)], items)


def _contains(arguments: list[Value]) -> Value:
    items, wanted = known_list(arguments[0]), arguments[1]
    answers = [same(item, wanted) for item in items]
    if True in answers and not isinstance(items, OpenList):
        return True
    if None in answers or isinstance(items, OpenList):
        raise Undetermined(why(wanted) if isinstance(wanted, Unknown) else why(items))
    return False


def _index(arguments: list[Value]) -> Value:
    items, wanted = known_list(arguments[0]), arguments[1]
    for position, item in enumerate(items):
        equal = same(item, wanted)
        if equal is None or isinstance(items, OpenList):
            raise Undetermined(why(item) if isinstance(item, Unknown) else why(wanted))
        if equal:
            return position
    raise Failed("the list does not have it")


def _chunklist(arguments: list[Value]) -> Value:
    items, size = known_list(arguments[0]), _int(arguments[1])
    if isinstance(items, OpenList) or size < 1:
        return OpenList([items]) if isinstance(items, OpenList) else [items]
    return [items[at : at + size] for at in range(0, len(items), size)]


def _range(arguments: list[Value]) -> Value:
    numbers = [_int(each) for each in arguments[:3]]
    start, end = (0, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
    step = numbers[2] if len(numbers) == 3 else (1 if end >= start else -1)
    if step == 0:
        raise Failed("a step of zero does not come to an end")
    made = range(start, end, step)
    if abs(end - start) // abs(step) > MOST_ITEMS:
        raise Undetermined(f"its list has more than {MOST_ITEMS:,} items")
    return list(made)


def _setproduct(arguments: list[Value]) -> Value:
    lists = [known_list(_representative(each)) for each in arguments]
    size = 1
    for each in lists:
        size *= len(each)
    if size > MOST_ITEMS:
        raise Undetermined(f"its list has more than {MOST_ITEMS:,} items")
    combined: list[Value] = [list(each) for each in itertools.product(*lists)]
    return _like(combined, *lists)


def _sets(combine: Callable[[list[Value], list[Value]], list[Value]]) -> Callable[[list[Value]], Value]:
    def combined(arguments: list[Value]) -> Value:
        out = known_list(_representative(arguments[0]))
        more = isinstance(out, OpenList)
        for each in arguments[1:]:
            other = known_list(_representative(each))
            more = more or isinstance(other, OpenList)
            out = combine(out, other)
        made = _toset([out])
        return OpenList(made) if more and isinstance(made, list) else made

    return combined


def _union(one: list[Value], other: list[Value]) -> list[Value]:
    return [*one, *other]


def _intersection(one: list[Value], other: list[Value]) -> list[Value]:
    if not determined(list(one)) or not determined(list(other)) or len(one) * len(other) > 1_000_000:
        raise Undetermined("its sets are not wholly known")
    return [item for item in one if any(same(item, each) for each in other)]


def _subtract(one: list[Value], other: list[Value]) -> list[Value]:
    if not determined(list(one)) or not determined(other) or len(one) * len(other) > 1_000_000:
        raise Undetermined("its sets are not wholly known")
    return [item for item in one if not any(same(item, each) for each in other)]


def _condition(decided: bool) -> Callable[[list[Value]], Value]:
    def condition(arguments: list[Value]) -> Value:
        items = [item == "true" if item in ("true", "false") else item for item in known_list(arguments[0])]
        if decided in items and not isinstance(arguments[0], OpenList):
            return decided
        if not determined(arguments[0]):
            raise Undetermined(why(arguments[0]))
        return not decided

    return condition


def _coalesce(arguments: list[Value]) -> Value:
    options: list[Value] = []
    for value in arguments:
        if value is None or value == "":
            continue
        if isinstance(value, Unknown):
            options.append(value)
            continue
        if not options:
            return value
        options.append(value)
        break
    if not options:
        raise Failed("all of its arguments are empty")
    if len(options) == 1:
        return options[0]
    shown = shorten(f"coalesce({', '.join(brief(each) for each in options)})")
    return unknown(shown, why(options), secret=is_secret(options), options=options)


def _coalescelist(arguments: list[Value]) -> Value:
    for value in arguments:
        items = known_list(value)
        if isinstance(items, OpenList):
            raise Undetermined("its list is not wholly known")
        if items:
            return items
    raise Failed("all of its lists are empty")


def _matchkeys(arguments: list[Value]) -> Value:
    items, keys, wanted = known_list(arguments[0]), known_list(arguments[1]), known_list(arguments[2])
    if not determined(list(keys)) or not determined(wanted) or isinstance(items, OpenList):
        raise Undetermined("its lists are not wholly known")
    pairs = zip(items, keys, strict=False)
    return [item for item, key in pairs if any(same(key, each) for each in wanted)]


COLLECTIONS: dict[str, Callable[[list[Value]], Value]] = {
    "alltrue": _condition(False),
    "anytrue": _condition(True),
    "chunklist": _chunklist,
    "coalesce": _coalesce,
    "coalescelist": _coalescelist,
    "compact": _compact,
    "concat": _concat,
    "contains": _contains,
    "distinct": _distinct,
    "element": _element,
    "flatten": _flatten,
    "index": _index,
    "length": _length,
    "list": lambda arguments: [*arguments],
    "matchkeys": _matchkeys,
    "one": _one,
    "range": _range,
    "reverse": _reverse,
    "setintersection": _sets(_intersection),
    "setproduct": _setproduct,
    "setsubtract": _sets(_subtract),
    "setunion": _sets(_union),
    "slice": _slice,
    "sort": _sort,
    "tolist": _tolist,
    "toset": _toset,
}
