"""Functions over numbers, and conversions of scalars."""

from __future__ import annotations

import math
from collections.abc import Callable

from scanner.sources.declared.values import KeyRead, Object, Ref, Text, Unknown, Value
from scanner.sources.terraform.operators import as_number
from scanner.sources.terraform.symbolic import (
    Failed,
    Undetermined,
    determined,
    masked,
    number,
    scalar_text,
    why,
)


def _known_number(value: Value) -> int | float:
    if isinstance(value, Unknown | Ref | Text | KeyRead):
        raise Undetermined(why(value))
    return as_number(value)


def _extreme(pick: Callable[[list[int | float]], int | float]) -> Callable[[list[Value]], Value]:
    def extreme(arguments: list[Value]) -> Value:
        if not arguments:
            raise Failed("it is given no numbers")
        return pick([_known_number(each) for each in arguments])

    return extreme


def _rounded(turn: Callable[[float], int]) -> Callable[[list[Value]], Value]:
    return lambda arguments: turn(_known_number(arguments[0]))


def _abs(arguments: list[Value]) -> Value:
    return abs(_known_number(arguments[0]))


def _signum(arguments: list[Value]) -> Value:
    value = _known_number(arguments[0])
    return (value > 0) - (value < 0)


def _pow(arguments: list[Value]) -> Value:
    base, exponent = _known_number(arguments[0]), _known_number(arguments[1])
    if abs(exponent) > 1000:
        raise Undetermined("its exponent is too large")
    try:
        return number(float(base) ** float(exponent))
    except (OverflowError, ZeroDivisionError):
        raise Failed("its value is no finite number") from None
    except TypeError:
        raise Failed("its value is no real number") from None


def _log(arguments: list[Value]) -> Value:
    value, base = _known_number(arguments[0]), _known_number(arguments[1])
    if value <= 0 or base <= 0 or base == 1:
        raise Failed("there is no such logarithm")
    return number(math.log(value, base))


def _parseint(arguments: list[Value]) -> Value:
    text, base = arguments[0], _known_number(arguments[1])
    if isinstance(text, Unknown | Ref | Text | KeyRead):
        raise Undetermined(why(text))
    digits = scalar_text(text)
    if digits is None or len(digits) > 100 or not 2 <= base <= 36:
        raise Failed("it is no number of that base")
    try:
        return number(int(digits, int(base)))
    except ValueError:
        raise Failed("it is no number of that base") from None


def _sum(arguments: list[Value]) -> Value:
    items = arguments[0]
    if not determined(items) or not isinstance(items, list):
        raise Undetermined(why(items))
    return number(sum(as_number(item) for item in items))


def _tostring(arguments: list[Value]) -> Value:
    value = arguments[0]
    if isinstance(value, list | Object):
        raise Failed("a list or an object is no text")
    text = scalar_text(value)
    return value if text is None else text


def _tonumber(arguments: list[Value]) -> Value:
    value = arguments[0]
    return value if value is None or isinstance(value, Unknown | Ref | Text | KeyRead) else as_number(value)


def _tobool(arguments: list[Value]) -> Value:
    value = arguments[0]
    if value in ("true", "false"):
        return value == "true"
    if value is None or isinstance(value, bool | Unknown | Ref | Text | KeyRead):
        return value
    raise Failed("it is neither true nor false")


NUMBERS: dict[str, Callable[[list[Value]], Value]] = {
    "abs": _abs,
    "ceil": _rounded(math.ceil),
    "floor": _rounded(math.floor),
    "log": _log,
    "max": _extreme(max),
    "min": _extreme(min),
    "nonsensitive": lambda arguments: arguments[0],
    "parseint": _parseint,
    "pow": _pow,
    "sensitive": lambda arguments: masked(arguments[0], "sensitive()"),
    "ephemeralasnull": lambda arguments: arguments[0],
    "signum": _signum,
    "sum": _sum,
    "tobool": _tobool,
    "tonumber": _tonumber,
    "tostring": _tostring,
}
