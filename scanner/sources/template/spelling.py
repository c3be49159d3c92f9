"""How an expression is written, shortly: for messages and for naming what is not known."""

from __future__ import annotations

from scanner.sources.template.model import (
    Binary,
    Broken,
    Call,
    Constant,
    Expression,
    Index,
    Interpolation,
    Member,
    Name,
    Nested,
    Unary,
)

_MOST = 160


def spelled(node: Expression, depth: int = 6) -> str:
    """Return an expression as text, cut where it is long."""
    found = _spelled(node, depth)
    return found if len(found) <= _MOST else found[: _MOST - 3] + "..."


def _spelled(node: Expression, depth: int) -> str:
    if depth < 0:
        return "..."
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Member):
        return f"{_spelled(node.base, depth - 1)}.{node.name}"
    if isinstance(node, Nested):
        return f"{_spelled(node.base, depth - 1)}::{node.name}"
    if isinstance(node, Index):
        return f"{_spelled(node.base, depth - 1)}[{_spelled(node.index, depth - 1)}]"
    if isinstance(node, Constant):
        return f"'{node.value}'" if isinstance(node.value, str) else str(node.value).lower()
    if isinstance(node, Call):
        if node.name.lower() in ("parameters", "variables") and len(node.arguments) == 1:
            first = node.arguments[0]
            if isinstance(first, Constant):
                return str(first.value)
        base = f"{_spelled(node.base, depth - 1)}." if node.base is not None else ""
        inner = ", ".join(_spelled(argument, depth - 1) for argument in node.arguments[:6])
        return f"{base}{node.name}({inner})"
    if isinstance(node, Unary):
        return f"{node.operator}{_spelled(node.operand, depth - 1)}"
    if isinstance(node, Binary):
        return f"{_spelled(node.left, depth - 1)} {node.operator} {_spelled(node.right, depth - 1)}"
    if isinstance(node, Interpolation):
        return (
            "'"
            + "".join(
                part if isinstance(part, str) else "${" + _spelled(part, depth - 1) + "}"
                for part in node.parts[:10]
            )
            + "'"
        )
    return node.shown if isinstance(node, Broken) else "..."
