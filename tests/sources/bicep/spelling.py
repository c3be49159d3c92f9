"""Expressions as short text, so that a test shows at a glance what was read; and a walk over all that was read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from scanner.sources.bicep.read import read_template
from scanner.sources.template import model
from scanner.sources.template.model import Expression, Template


def spell(node: Expression | None) -> str:
    """Every operation with brackets around it, names bare, constants as Python writes them."""
    match node:
        case None:
            return "-"
        case model.Constant(value):
            return repr(value)
        case model.Interpolation(parts):
            return (
                "<" + "|".join(repr(part) if isinstance(part, str) else spell(part) for part in parts) + ">"
            )
        case model.Array(items):
            return "[" + ", ".join(map(spell, items)) + "]"
        case model.ObjectLiteral(entries, _, _, spreads):
            written = [
                f"{entry.name if isinstance(entry.name, str) else spell(entry.name)}: {spell(entry.value)}"
                for entry in entries
            ]
            for position, expression in reversed(spreads):
                written.insert(position, f"...{spell(expression)}")
            return "{" + ", ".join(written) + "}"
        case model.Spread(expression):
            return "..." + spell(expression)
        case model.Name(name):
            return name
        case model.Member(base, name, safe):
            return f"({spell(base)}{'.?' if safe else '.'}{name})"
        case model.Nested(base, name):
            return f"({spell(base)}::{name})"
        case model.Index(base, index, safe):
            return f"({spell(base)}[{'?' if safe else ''}{spell(index)}])"
        case model.Call(name, arguments, base):
            before = "" if base is None else spell(base) + "."
            return f"{before}{name}({', '.join(map(spell, arguments))})"
        case model.Unary(operator, operand):
            return f"({operator}{spell(operand)})"
        case model.Binary(operator, left, right):
            return f"({spell(left)} {operator} {spell(right)})"
        case model.Conditional(condition, then, otherwise):
            return f"({spell(condition)} ? {spell(then)} : {spell(otherwise)})"
        case model.Lambda(parameters, body):
            return f"(({', '.join(parameters)}) => {spell(body)})"
        case model.Loop(item, index, collection, condition, body):
            names = item if index is None else f"({item}, {index})"
            only = "" if condition is None else f"if {spell(condition)} "
            return f"[for {names} in {spell(collection)}: {only}{spell(body)}]"
        case model.Broken(shown):
            return f"BROKEN {shown}"
    raise AssertionError(node)


def read(text: str) -> Template:
    """A whole Bicep file without mistakes."""
    template = read_template("main.bicep", text.encode())
    assert template.gaps == []
    return template


def value(text: str) -> Expression:
    """An expression without mistakes, read as the value of a variable."""
    return read(f"var x = {text}\nvar behind = 1\n").variables["x"].value


def nodes(of: Any) -> Iterator[Any]:
    """Everything with offsets in a template, an expression, a list or a dictionary of them."""
    if isinstance(of, dict):
        of = list(of.values())
    if isinstance(of, list | tuple):
        for item in of:
            yield from nodes(item)
    elif isinstance(of, msgspec.Struct):
        if hasattr(of, "start"):
            yield of
        for field in of.__struct_fields__:
            yield from nodes(getattr(of, field))
