"""The few words of the Kusto query language that the queries are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def quoted(text: str) -> str:
    """Return a string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def listed(texts: Iterable[str]) -> str:
    """Return the inside of ``in~ (...)``, sorted."""
    return ", ".join(quoted(text) for text in sorted(texts))


def member(path: Sequence[str]) -> str:
    """Return the expression that reads a property path; names that are no identifiers are quoted."""
    first, *rest = path
    return first + "".join(f".{name}" if _PLAIN.fullmatch(name) else f"[{quoted(name)}]" for name in rest)
