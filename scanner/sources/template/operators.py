"""Operators and conditions, on known values and on others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scanner.sources.declared.values import KeyRead, Object, Ref, Text, Unknown, Value
from scanner.sources.template.evaluation import Evaluation, Unresolvable
from scanner.sources.template.frames import Env, Held
from scanner.sources.template.maybe import combine, either, may_equal
from scanner.sources.template.model import Binary, Conditional, Expression, Unary
from scanner.sources.template.spelling import spelled
from scanner.sources.template.symbolic import known, shown


def unary(ev: Evaluation, node: Unary, env: Env) -> Value:
    """Return ``!x`` or ``-x``."""
    operand = ev.plain(node.operand, env)
    if node.operator == "!" and isinstance(operand, bool):
        return not operand
    if node.operator == "-" and isinstance(operand, int | float) and not isinstance(operand, bool):
        return -operand
    secret = isinstance(operand, Unknown) and operand.secret
    return Unknown(node.operator + shown(operand), "it depends on something unknown", secret)


def conditional(ev: Evaluation, node: Conditional, env: Env) -> Held:
    """Return the side that the condition chooses; both as options when that is not known."""
    return choose(ev, node.condition, node.then, node.otherwise, env)


def choose(ev: Evaluation, condition: Expression, then: Expression, otherwise: Expression, env: Env) -> Held:
    """Return one of two values by a condition, evaluating the other only when the condition is not known."""
    asked = truth(ev.plain(condition, env))
    if asked is True:
        return ev.value(then, env)
    if asked is False:
        return ev.value(otherwise, env)
    return either(spelled(condition), ev.plain(then, env), ev.plain(otherwise, env))


def truth(value: Value) -> bool | None:
    """Return what a condition comes to, None when it is not known."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return None


def binary(ev: Evaluation, node: Binary, env: Env) -> Held:
    """Return the value of an operator; ``&&``, ``||`` and ``??`` evaluate the right side only when it counts."""
    operator = node.operator
    if operator in ("&&", "||"):
        return both_or_one(ev, operator, [node.left, node.right], env)
    if operator == "??":
        return combine(ev, [node.left, node.right], env)
    left, right = ev.plain(node.left, env), ev.plain(node.right, env)
    return compute(operator, left, right)


def both_or_one(ev: Evaluation, operator: str, operands: list[Expression], env: Env) -> Value:
    """Return ``and`` or ``or`` of operands; one that decides makes the others not matter."""
    decides = operator == "||"
    unknown: list[str] = []
    for operand in operands:
        value = ev.plain(operand, env)
        found = truth(value)
        if found is decides:
            return decides
        if found is None:
            unknown.append(shown(value))
    if not unknown:
        return not decides
    return Unknown(f" {operator} ".join(unknown), "it depends on something unknown")


def compute(operator: str, left: Value, right: Value) -> Value:
    """Return the value of an operator with two known sides; symbolic sides give a symbolic result."""
    if operator in ("==", "!=", "=~", "!~"):
        same = _equal(left, right, folded=operator in ("=~", "!~"))
        if same is not None:
            return same if operator in ("==", "=~") else not same
    elif known(left) and known(right):
        try:
            return _OPERATORS[operator](left, right)
        except (Unresolvable, KeyError):
            pass
    secret = any(isinstance(side, Unknown) and side.secret for side in (left, right))
    return Unknown(f"{shown(left)} {operator} {shown(right)}", "it depends on something unknown", secret)


def _equal(left: Value, right: Value, *, folded: bool) -> bool | None:
    if isinstance(left, Unknown | Text | Ref) and type(left) is type(right) and left == right:
        return True
    if known(left) and known(right):
        if folded and isinstance(left, str) and isinstance(right, str):
            return left.lower() == right.lower()
        return equal(left, right)
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Text | Ref) and isinstance(other, str) and not may_equal(one, other):
            return False
    # A reference, a key or a text is never null.
    if (left is None and isinstance(right, Ref | Text | KeyRead)) or (
        right is None and isinstance(left, Ref | Text | KeyRead)
    ):
        return False
    return None


def equal(left: Value, right: Value) -> bool:
    """Whether two known values are equal; where they are written does not count."""
    if isinstance(left, Object) and isinstance(right, Object):
        return left.properties.keys() == right.properties.keys() and all(
            equal(held.value, right.properties[name].value) for name, held in left.properties.items()
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left == right


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unresolvable
    return value


def _bounded_number(value: int | float) -> int | float:
    if abs(value) > 2**63:
        raise Unresolvable
    return value


def _divide(left: Any, right: Any) -> Value:
    divisor = _number(right)
    if divisor == 0:
        raise Unresolvable
    quotient = abs(_number(left)) // abs(divisor)
    # Azure divides towards zero.
    return quotient if (_number(left) < 0) == (divisor < 0) else -quotient


def _modulo(left: Any, right: Any) -> Value:
    divisor = _number(right)
    if divisor == 0:
        raise Unresolvable
    rest = abs(_number(left)) % abs(divisor)
    return -rest if _number(left) < 0 else rest


def _ordered(left: Any, right: Any, holds: Callable[[Any, Any], bool]) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return holds(left, right)
    return holds(_number(left), _number(right))


_OPERATORS: dict[str, Callable[[Any, Any], Value]] = {
    "+": lambda left, right: _bounded_number(_number(left) + _number(right)),
    "-": lambda left, right: _bounded_number(_number(left) - _number(right)),
    "*": lambda left, right: _bounded_number(_number(left) * _number(right)),
    "/": _divide,
    "%": _modulo,
    "<": lambda left, right: _ordered(left, right, lambda a, b: a < b),
    "<=": lambda left, right: _ordered(left, right, lambda a, b: a <= b),
    ">": lambda left, right: _ordered(left, right, lambda a, b: a > b),
    ">=": lambda left, right: _ordered(left, right, lambda a, b: a >= b),
}
