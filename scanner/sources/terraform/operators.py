"""Operators over values of which some are not known."""

from __future__ import annotations

import operator as python
from collections.abc import Callable

from scanner.sources.declared.values import KeyRead, Object, Ref, Text, Unknown, Value
from scanner.sources.terraform.symbolic import Failed, brief, is_secret, number, same, shorten, unknown, why

Number = int | float
_ARITHMETIC: dict[str, Callable[[Number, Number], Number]] = {
    "+": python.add,
    "-": python.sub,
    "*": python.mul,
}
_ORDER: dict[str, Callable[[Number, Number], bool]] = {
    "<": python.lt,
    "<=": python.le,
    ">": python.gt,
    ">=": python.ge,
}


def unary(operators: str, value: Value) -> Value:
    """Apply ``!`` and ``-``, the last one first."""
    for each in reversed(operators):
        value = _not(value) if each == "!" else _negative(value)
    return value


def _not(value: Value) -> Value:
    if value in ("true", "false"):
        value = value == "true"
    if isinstance(value, bool):
        return not value
    if isinstance(value, Unknown | Ref | Text | KeyRead):
        shown = brief(value)
        return unknown(
            shown[1:] if shown.startswith("!") else f"!{shown}", why(value), secret=is_secret(value)
        )
    raise Failed("only true and false can be turned around")


def _negative(value: Value) -> Value:
    if isinstance(value, Unknown | Ref | Text | KeyRead):
        return unknown(f"-{brief(value)}", why(value), secret=is_secret(value))
    return number(-as_number(value))


def as_number(value: Value) -> Number:
    """Return a known value as a number; raises :class:`Failed` for what is none."""
    if isinstance(value, str):
        try:
            return number(int(value) if value.removeprefix("-").isdigit() else float(value))
        except ValueError:
            raise Failed("a text is no number") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Failed("a value of its kind is no number")
    return value


def binary(operator: str, left: Value, right: Value) -> Value:
    """Apply an operator of two operands. Raises :class:`Failed` for what Terraform refuses."""
    if operator in ("==", "!="):
        equal = same(left, right)
        if equal is not None:
            return equal is (operator == "==")
        return _unknown(operator, left, right)
    if operator in ("&&", "||"):
        return _logic(operator, left, right)
    if not _plain(left) or not _plain(right):
        return _unknown(operator, left, right)
    one, other = as_number(left), as_number(right)
    if operator in _ORDER:
        return _ORDER[operator](one, other)
    if operator in _ARITHMETIC:
        return number(_ARITHMETIC[operator](one, other))
    if other == 0:
        raise Failed("a number is divided by zero")
    if operator == "/":
        if isinstance(one, int) and isinstance(other, int) and one % other == 0:
            return one // other
        try:
            return number(one / other)
        except OverflowError:
            raise Failed("its value is no number that can be handled") from None
    # The remainder has the sign of what is divided, as in Go.
    rest = abs(one) % abs(other)
    return number(-rest if one < 0 else rest)


def _logic(operator: str, left: Value, right: Value) -> Value:
    decides = operator == "||"
    sides: list[Value] = []
    for side in (left, right):
        plain = side == "true" if side in ("true", "false") else side
        if isinstance(plain, bool):
            if plain is decides:
                return decides
        elif isinstance(plain, Unknown | Ref | Text | KeyRead):
            sides.append(plain)
        else:
            raise Failed("a condition is true or false")
    if not sides:
        return not decides
    return sides[0] if len(sides) == 1 else _unknown(operator, sides[0], sides[1])


def _plain(value: Value) -> bool:
    return not isinstance(value, Unknown | Ref | Text | KeyRead | list | Object)


def _unknown(operator: str, left: Value, right: Value) -> Value:
    if (isinstance(left, list | Object) or isinstance(right, list | Object)) and operator not in ("==", "!="):
        raise Failed("a list or an object is no number")
    shown = shorten(f"{brief(left)} {operator} {brief(right)}")
    unsure = left if isinstance(left, Unknown | Ref | Text | KeyRead | list | Object) else right
    return unknown(shown, why(unsure), secret=is_secret(left) or is_secret(right))
