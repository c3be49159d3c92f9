"""What one permission entry really allows: actions minus notActions, each plane apart, split by the condition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from scanner.catalog.condition import evaluate
from scanner.catalog.operations import compile_pattern, operations
from scanner.catalog.permissions import PermissionEntry


class Unlisted(NamedTuple):
    """A granted pattern that covers no operation the catalogue knows: a new provider, or a new operation.

    `name` is the lower-case pattern, `by` the pattern as it stands, `free` as in `Effect`.
    """

    name: str
    by: str
    data: bool
    free: bool


class Effect(NamedTuple):
    """The operations of one entry as bit sets (see `operations`).

    `control` and `data` hold what the entry may allow, `*_free` the part its condition does not restrict (all of it
    without a condition).
    """

    control: int
    control_free: int
    data: int
    data_free: int
    unlisted: tuple[Unlisted, ...] = ()


def granted_pattern(pattern: str) -> str:
    """An action as it is compared: lower-case, blanks dropped wherever they stand.

    No operation name holds a blank. A stray one may or may not matter to Azure; here it never makes a role smaller.
    """
    return "".join(pattern.split()).lower()


def removed_pattern(pattern: str) -> str:
    """A notAction as it is compared: lower-case, blanks dropped only at its ends, for the same reason."""
    return pattern.strip().lower()


def covered_by(patterns: Iterable[str]) -> int:
    """The union of what compared patterns cover."""
    known = operations()
    mask = 0
    for pattern in patterns:
        mask |= known.covered(pattern)
    return mask


@lru_cache(maxsize=16_384)
def effect(entry: PermissionEntry) -> Effect:
    """What the entry allows by itself; computed once for equal entries."""
    known = operations()
    removed = [removed_pattern(pattern) for pattern in entry.not_actions]
    removed_data = [removed_pattern(pattern) for pattern in entry.not_data_actions]
    control = covered_by(map(granted_pattern, entry.actions)) & known.control & ~covered_by(removed)
    data = covered_by(map(granted_pattern, entry.data_actions)) & known.data & ~covered_by(removed_data)
    unlisted = (
        *_unlisted(entry, entry.actions, removed, data=False),
        *_unlisted(entry, entry.data_actions, removed_data, data=True),
    )
    if entry.condition is None:
        return Effect(control, control, data, data, unlisted)
    on_control = evaluate(entry.condition, known.covered, control)
    on_data = evaluate(entry.condition, known.covered, data)
    return Effect(on_control.maybe, on_control.surely, on_data.maybe, on_data.surely, unlisted)


def _unlisted(
    entry: PermissionEntry, patterns: Sequence[str], removed: Sequence[str], *, data: bool
) -> Iterable[Unlisted]:
    known = operations()
    plane = known.data if data else known.control
    for pattern in patterns:
        name = granted_pattern(pattern)
        if not name or known.covered(name) & plane or matches_any(removed, name):
            continue
        outcome = evaluate(entry.condition, lambda other, name=name: covers_name(other, name), 1)  # type: ignore[misc]
        if outcome.maybe:
            yield Unlisted(name, pattern, data, bool(outcome.surely))


def covers_name(pattern: str, name: str) -> int:
    """1 if the compared pattern covers the lower-case name, else 0: a bit set over that one name."""
    return 1 if compile_pattern(pattern)(name) else 0


def matches_any(patterns: Iterable[str], name: str) -> bool:
    """Whether one of the compared patterns covers the lower-case name."""
    return any(covers_name(pattern, name) for pattern in patterns)
