"""Values that are not wholly known: how they are written, what they consist of, what calls of them come to."""

from __future__ import annotations

from scanner.sources.declared.values import KeyRead, Object, Ref, Text, Unknown, Value
from scanner.sources.template.frames import Held, settled

_MOST_SHOWN = 200


CONTAINERS = (list, Object, Text, Unknown, KeyRead)
CONTAINER_TYPES = frozenset(CONTAINERS)
_PLAIN_TYPES = frozenset({str, int, float, bool, type(None)})


def parts_of(value: Value) -> list[Value]:
    """Return what a value directly consists of."""
    if isinstance(value, list):
        return value
    if isinstance(value, Object):
        inner = [held.value for held in value.properties.values()]
        return [*inner, *value.names.values()] if value.names else inner
    if isinstance(value, Text):
        return list(value.parts)
    if isinstance(value, Unknown):
        return list(value.options)
    if isinstance(value, KeyRead):
        return [value.of]
    return []


def shown(value: Held, limit: int = _MOST_SHOWN) -> str:
    """Return how a value is written, cut with a hash of the whole so that what differs is still shown differently."""
    whole = _written(value, 8)
    if len(whole) <= limit:
        return whole
    import hashlib

    return f"{whole[: limit - 20]}...{hashlib.sha256(whole.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _written(value: Held, depth: int) -> str:
    if isinstance(value, str):
        return "'" + value + "'"
    if isinstance(value, Unknown | Ref | KeyRead):
        return value.shown
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, Text):
        inner = (
            part if isinstance(part, str) else "${" + _written(part, depth) + "}" for part in value.parts
        )
        return "'" + "".join(inner) + "'"
    if depth <= 0:
        return "..."
    if isinstance(value, list):
        return "[" + ", ".join(_written(item, depth - 1) for item in value[:50]) + "]"
    if isinstance(value, Object):
        inner = (
            f"{name}: {_written(held.value, depth - 1)}" for name, held in list(value.properties.items())[:50]
        )
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, int | float):
        return str(value)
    return _written(settled(value), depth - 1)


def known(value: Value) -> bool:
    """Whether a value is known through and through; it is of bounded size, see :meth:`Evaluation.bounded`."""
    if type(value) in _PLAIN_TYPES:
        return True
    if isinstance(value, list):
        return all(known(item) for item in value)
    if isinstance(value, Object):
        return (
            not value.open
            and not value.names
            and all(known(held.value) for held in value.properties.values())
        )
    return False


def secret_in(values: list[Value]) -> tuple[bool, KeyRead | None]:
    """Return whether something in these values is declared secret, and the first key read in them."""
    secret = False
    stack: list[Value] = list(reversed(values))
    while stack:
        each = stack.pop()
        if isinstance(each, KeyRead):
            return True, each
        if isinstance(each, Unknown) and each.secret:
            secret = True
        elif isinstance(each, CONTAINERS):
            stack.extend(reversed(parts_of(each)))
    return secret, None


def call_value(name: str, arguments: list[Value], why: str = "") -> Value:
    """Return what stands for a call that is worked out only when deploying: equal calls are equal.

    What is made from a key that is read stays a key.
    """
    secret, key = secret_in(arguments)
    if key is not None:
        return key
    inner = ", ".join(shown(argument, 120) for argument in arguments)
    text = f"{name}({inner})"
    if len(text) > _MOST_SHOWN:
        import hashlib

        text = text[:180] + "..." + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8] + ")"
    return Unknown(text, why or f"{name}() is worked out when deploying", secret)
