"""Functions of texts of which parts are not known: what is sure of the outcome is kept."""

from __future__ import annotations

from scanner.sources.declared.values import KeyRead, Ref, Text, Unknown, Value
from scanner.sources.template.evaluation import MOST_TEXT, Unresolvable
from scanner.sources.template.expressions import joined
from scanner.sources.template.symbolic import call_value


def cut_text(value: str | Text, start: int, length: int | None) -> Value:
    """Return the part of a text that begins at a position: of so many characters, or all that follows.

    Raises:
        Unresolvable: It reaches into what is not known.
    """
    if isinstance(value, str):
        return value[start:] if length is None else value[start : start + length]
    head = value.parts[0]
    if not isinstance(head, str) or start > len(head):
        raise Unresolvable
    if length is None:
        return joined([head[start:], *value.parts[1:]])
    if start + length > len(head):
        raise Unresolvable
    return head[start : start + length]


def replaced(value: Value, old: str, new: Value) -> Value:
    """Return a text with another text in place of each occurrence of one.

    Raises:
        Unresolvable: An occurrence may begin in what is known and end in what is not.
    """
    if isinstance(value, str):
        return _replaced_in(value, old, new)
    if not isinstance(value, Text) or not isinstance(new, str):
        raise Unresolvable
    whole = len(old) == 1 or _is_step(value, old)
    if not whole and any(_may_reach_out(part, old) for part in value.parts if isinstance(part, str)):
        raise Unresolvable
    return joined(
        [
            _replaced_in(part, old, new)
            if isinstance(part, str)
            else part
            if _cannot_hold(part, old)
            else call_value("replace", [part, old, new])
            for part in value.parts
        ]
    )


def _replaced_in(text: str, old: str, new: Value) -> Value:
    if isinstance(new, str):
        if text.count(old) * len(new) > MOST_TEXT:
            raise Unresolvable
        return text.replace(old, new)
    if not isinstance(new, Text | Unknown | Ref | KeyRead):
        raise Unresolvable
    first, *others = text.split(old)
    parts: list[Value] = [first]
    for other in others:
        parts += [new, other]
    return joined(parts)


def _is_step(value: Text, old: str) -> bool:
    """Whether what is not known are whole steps of an id, and one whole step is looked for: ``/shares/``."""
    last = len(value.parts) - 1
    return (
        old.startswith("/")
        and old.endswith("/")
        and old.count("/") == 2
        and all(
            (number == 0 or part.startswith("/")) and (number == last or part.endswith("/"))
            for number, part in enumerate(value.parts)
            if isinstance(part, str)
        )
        and not any(
            not isinstance(one, str) and not isinstance(other, str)
            for one, other in zip(value.parts, value.parts[1:], strict=False)
        )
    )


def _may_reach_out(part: str, old: str) -> bool:
    """Whether a part may hold the beginning, the end or the middle of an occurrence, with the rest beside it."""
    return part in old or any(
        part.endswith(old[:size]) or part.startswith(old[-size:]) for size in range(1, len(old))
    )


def lacks(value: Text, step: str) -> bool:
    """Whether an id surely lacks a step like ``/roleDefinitions/``: what is not known of it are plain names."""
    return _is_step(value, step) and all(
        step not in part if isinstance(part, str) else _cannot_hold(part, step) for part in value.parts
    )


def _cannot_hold(part: Value, old: str) -> bool:
    """Whether what is not known surely lacks a text: the ids and names that are made up hold no slash."""
    return isinstance(part, Unknown) and "/" in old and part.shown in _WITHOUT_SLASH


_WITHOUT_SLASH = frozenset(
    ["subscription().subscriptionId", "resourceGroup().name", "managementGroup().name"]
)
