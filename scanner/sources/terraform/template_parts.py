"""What a template consists of, in the order in which it is written, into a tree; and the indentation of ``<<-``."""

from __future__ import annotations

from typing import Literal as OneOf
from typing import TypeAlias

import msgspec

from scanner.sources.terraform.syntax import Literal, Node, Template, TemplateFor, TemplateIf

_MOST_DEPTH = 30
"""Directives in each other."""


class Directive(msgspec.Struct):
    """``%{ ... }``: its word, and what it says after it."""

    word: OneOf["if", "else", "endif", "for", "endfor"]
    node: Node | None = None
    key: str = ""
    item: str = ""


Part: TypeAlias = "str | Node | Directive"


class _Open(msgspec.Struct):
    """A directive that is not ended yet, and what stands in it so far."""

    directive: Directive
    parts: list[Node]
    then: Template | None = None
    """For an ``if`` after its ``else``."""


def build(parts: list[Part]) -> Node | None:
    """Return the template that parts make; None when its directives do not match."""
    out: list[Node] = []
    opened: list[_Open] = []
    for part in parts:
        into = opened[-1].parts if opened else out
        if isinstance(part, str):
            into.append(Literal(part))
        elif not isinstance(part, Directive):
            into.append(part)
        elif part.word in ("if", "for"):
            if len(opened) >= _MOST_DEPTH:
                return None
            opened.append(_Open(part, []))
        elif not _end(part, opened, out):
            return None
    return None if opened else Template(out)


def _end(part: Directive, opened: list[_Open], out: list[Node]) -> bool:
    """Take an ``else``, ``endif`` or ``endfor``; False when it does not belong where it is."""
    if not opened:
        return False
    begun = opened[-1]
    wanted = "for" if part.word == "endfor" else "if"
    if begun.directive.word != wanted or begun.directive.node is None:
        return False
    if part.word == "else":
        if begun.then is not None:
            return False
        begun.then = Template(begun.parts)
        begun.parts = []
        return True
    opened.pop()
    made: Node
    if part.word == "endfor":
        said = begun.directive
        made = TemplateFor(said.key, said.item, begun.directive.node, Template(begun.parts))
    elif begun.then is None:
        made = TemplateIf(begun.directive.node, Template(begun.parts), Template([]))
    else:
        made = TemplateIf(begun.directive.node, begun.then, Template(begun.parts))
    (opened[-1].parts if opened else out).append(made)
    return True


def flush(parts: list[Part]) -> list[Part]:
    """Take from each line the indentation that all lines share; blank lines do not count."""
    lines = _lines(parts)
    shared: int | None = None
    for begins, part in lines:
        if not begins:
            continue
        if not isinstance(part, str):
            shared = 0
        elif part.strip() or not part.endswith("\n"):
            indent = len(part) - len(part.lstrip())
            shared = indent if shared is None else min(shared, indent)
    if not shared:
        return parts
    out: list[Part] = []
    for begins, part in lines:
        if begins and isinstance(part, str) and (part.strip() or not part.endswith("\n")):
            if len(part) > shared:
                out.append(part[shared:])
        else:
            out.append(part)
    return out


def _lines(parts: list[Part]) -> list[tuple[bool, Part]]:
    """Split text into its lines; each part with whether a line begins with it."""
    out: list[tuple[bool, Part]] = []
    begins = True
    for part in parts:
        if not isinstance(part, str):
            out.append((begins, part))
            begins = False
            continue
        *whole, rest = part.split("\n")
        for line in whole:
            out.append((begins, line + "\n"))
            begins = True
        if rest:
            out.append((begins, rest))
            begins = False
    return out
