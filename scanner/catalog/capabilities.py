"""What a role lets its holder do, in named powers, computed from its permission entries and never from its name.

Semantics, those of Azure: within an entry notActions take away from actions and notDataActions from dataActions; a
role is the union of its entries, so what one entry takes away another may still give. A power is *conditioned* when
every way to it passes a condition that restricts the operation; one free way is enough to be unconditioned.

What cannot be read never looks harmless: an entry with problems gives `Power.NOT_UNDERSTOOD`, its unreadable
notActions take nothing away, and a data action the catalogue does not know counts as access to data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec

from scanner.catalog.condition import evaluate
from scanner.catalog.effect import (
    Effect,
    Unlisted,
    covers_name,
    effect,
    granted_pattern,
    matches_any,
    removed_pattern,
)
from scanner.catalog.operations import lowest_bit, operations
from scanner.catalog.permissions import PermissionEntry
from scanner.catalog.powers import (
    FAMILIAR,
    MOST,
    NOT_CUSTOMER_DATA,
    Power,
    breadth,
    is_metadata,
    is_read,
    operations_giving,
    reads_credentials,
)


class Capability(msgspec.Struct, frozen=True):
    """One power of a role and where it comes from.

    `entry`: index of the permission entry. `by`: the action pattern that gives the power, as it stands in the role.
    `operation`: an operation it gives, as its provider writes it (the pattern itself where the catalogue knows none,
    empty for `not_understood`, whose `by` is the problem). `conditioned`: every way to the power passes a condition.
    `data`: given by a data action.
    """

    power: Power
    entry: int
    by: str
    operation: str
    conditioned: bool = False
    data: bool = False


def capabilities(
    permissions: Sequence[PermissionEntry], denied: Sequence[PermissionEntry] = ()
) -> tuple[Capability, ...]:
    """The powers of a role, at most one capability each, in the order of `Power`.

    `denied` are the entries of deny assignments at the same scope: what they surely deny is taken away. Equal
    permissions are computed once.
    """
    return _capabilities(tuple(permissions), tuple(denied))


@lru_cache(maxsize=16_384)
def _capabilities(
    permissions: tuple[PermissionEntry, ...], denied: tuple[PermissionEntry, ...]
) -> tuple[Capability, ...]:
    from scanner.catalog.known_capabilities import known_capabilities

    known = None if denied else known_capabilities(permissions)
    return work_out(permissions, denied) if known is None else known


def work_out(
    permissions: tuple[PermissionEntry, ...], denied: tuple[PermissionEntry, ...] = ()
) -> tuple[Capability, ...]:
    """The same as `capabilities`, from the operations themselves."""
    effects = [effect(entry) for entry in permissions]
    if denied:
        denial = _denial(denied)
        effects = [_without(one, denial, denied) for one in effects]
    held: dict[Power, Capability] = {}
    for power, giving in operations_giving().items():
        ways = (
            *_listed_ways(power, giving.control, giving.data, permissions, effects),
            *_unlisted_ways(power, effects),
        )
        if ways:
            # An unconditioned way wins over a conditioned one, an earlier entry over a later one.
            held[power] = min(ways, key=lambda way: (way.conditioned, way.entry))
    for power, data in ((Power.MANAGE_EVERYTHING, False), (Power.ALL_DATA, True)):
        broad = _broad(power, permissions, effects, data=data)
        if broad is not None:
            held[power] = broad
    manages, grants = held.get(Power.MANAGE_EVERYTHING), held.get(Power.GRANT_ACCESS)
    if manages is not None and grants is not None and not manages.conditioned and not grants.conditioned:
        held[Power.FULL_CONTROL] = msgspec.structs.replace(grants, power=Power.FULL_CONTROL)
    for index, entry in enumerate(permissions):
        if entry.problems:
            held.setdefault(
                Power.NOT_UNDERSTOOD, Capability(Power.NOT_UNDERSTOOD, index, entry.problems[0], "")
            )
    return tuple(held[power] for power in Power if power in held)


def _listed_ways(
    power: Power,
    control: int,
    data: int,
    permissions: Sequence[PermissionEntry],
    effects: Sequence[Effect],
) -> Iterator[Capability]:
    """At most two ways for an entry: its first free operation, else its first conditioned one, in either plane."""
    for index, (entry, one) in enumerate(zip(permissions, effects, strict=True)):
        for free, conditioned in (
            ((one.control_free, one.data_free), False),
            ((one.control, one.data), True),
        ):
            if found := free[0] & control:
                yield _capability(power, index, entry, found, conditioned=conditioned, data=False)
                break
            if found := free[1] & data:
                yield _capability(power, index, entry, found, conditioned=conditioned, data=True)
                break


def _capability(
    power: Power, index: int, entry: PermissionEntry, found: int, *, conditioned: bool, data: bool
) -> Capability:
    at = _example(power, found)
    covered = operations().covered
    patterns = entry.data_actions if data else entry.actions
    by = next(pattern for pattern in patterns if covered(granted_pattern(pattern)) >> at & 1)
    return Capability(power, index, by, operations().spelling(at), conditioned, data)


def _example(power: Power, found: int) -> int:
    """The bit of the operation to name: a familiar one where there is one."""
    familiar = (operations().index(name) for name in FAMILIAR.get(power, ()))
    return next((bit for bit in familiar if bit is not None and found >> bit & 1), lowest_bit(found))


def _unlisted_ways(power: Power, effects: Sequence[Effect]) -> Iterator[Capability]:
    for index, one in enumerate(effects):
        for found in one.unlisted:
            if power in _powers_of_unlisted(found):
                yield Capability(power, index, found.by, found.by, not found.free, found.data)


def _powers_of_unlisted(found: Unlisted) -> set[Power]:
    harmless = found.data and found.name in NOT_CUSTOMER_DATA
    reading = is_metadata(found.name) if harmless else is_read(found.name)
    powers = {Power.READ} if reading else {Power.CHANGE} if harmless or not found.data else set()
    if found.data and not harmless:
        powers.add(Power.DATA_ACCESS)
    if reads_credentials(found.name):
        powers.add(Power.READ_CREDENTIALS)
    return powers


def _broad(
    power: Power, permissions: Sequence[PermissionEntry], effects: Sequence[Effect], *, data: bool
) -> Capability | None:
    """The capability if the entries together reach most of Azure, judged without conditions first."""
    measure = breadth().data_share if data else breadth().write_share
    counted = operations_giving()[Power.DATA_ACCESS].data if data else breadth().writes
    for conditioned in (False, True):
        masks = [_reach(one, data=data, conditioned=conditioned) & counted for one in effects]
        union = 0
        for mask in masks:
            union |= mask
        if measure(union) < MOST:
            continue
        index = max(range(len(masks)), key=lambda i: measure(masks[i]))
        patterns = permissions[index].data_actions if data else permissions[index].actions
        covered = operations().covered
        by = max(patterns, key=lambda pattern: measure(covered(granted_pattern(pattern)) & masks[index]))
        at = _example(power, masks[index] & covered(granted_pattern(by)))
        return Capability(power, index, by, operations().spelling(at), conditioned, data)
    return None


def _reach(one: Effect, *, data: bool, conditioned: bool) -> int:
    if data:
        return one.data if conditioned else one.data_free
    return one.control if conditioned else one.control_free


def _denial(denied: Sequence[PermissionEntry]) -> tuple[int, int]:
    control = data = 0
    for entry in denied:
        if not entry.problems:
            # A denial nobody can read, or one under a condition, is not relied upon.
            control |= effect(entry).control_free
            data |= effect(entry).data_free
    return control, data


def _without(one: Effect, denial: tuple[int, int], denied: Sequence[PermissionEntry]) -> Effect:
    control, data = denial
    return Effect(
        one.control & ~control,
        one.control_free & ~control,
        one.data & ~data,
        one.data_free & ~data,
        tuple(
            found
            for found in one.unlisted
            if not any(
                entry.condition is None and not entry.problems and _grants(entry, found.name, found.data)
                for entry in denied
            )
        ),
    )


def denied_powers(
    denied: Sequence[PermissionEntry], permissions: Sequence[PermissionEntry]
) -> frozenset[Power]:
    """The powers of a role that deny assignments with these entries take away altogether."""
    before = {held.power for held in capabilities(permissions)}
    return frozenset(before - {held.power for held in capabilities(permissions, denied)})


def allows(permissions: Sequence[PermissionEntry], operation: str, *, data: bool = False) -> bool:
    """Whether a role allows one operation (any name, known or not), if only under a condition.

    `data` says which plane the operation belongs to.
    """
    name = granted_pattern(operation)
    return any(
        _grants(entry, name, data)
        and bool(evaluate(entry.condition, lambda pattern: covers_name(pattern, name), 1).maybe)
        for entry in permissions
    )


def _grants(entry: PermissionEntry, name: str, data: bool) -> bool:
    granted = entry.data_actions if data else entry.actions
    removed = entry.not_data_actions if data else entry.not_actions
    return matches_any(map(granted_pattern, granted), name) and not matches_any(
        map(removed_pattern, removed), name
    )


def explain(permissions: Sequence[PermissionEntry], held: Capability) -> tuple[str, ...]:
    """Why the role has the power, one sentence a line, from the entry down to the condition."""
    entry = permissions[held.entry]
    lines = [f"Permission entry {held.entry + 1} of {len(permissions)} lists {held.by!r}."]
    if held.power is Power.NOT_UNDERSTOOD:
        return (f"Permission entry {held.entry + 1} of {len(permissions)} could not be read: {held.by}.",)
    removed = entry.not_data_actions if held.data else entry.not_actions
    key = "notDataActions" if held.data else "notActions"
    if operations().index(held.operation) is None:
        lines.append("The catalogue knows no operation it covers; it is judged by its name.")
    else:
        lines.append(f"It covers {held.operation}.")
    lines.append(
        f"None of the entry's {len(removed)} {key} covers that." if removed else f"The entry has no {key}."
    )
    lines.extend(_breadth_lines(permissions, held.power))
    if entry.condition is not None:
        restricts = "restricts" if held.conditioned else "does not restrict"
        lines.append(f"The entry's condition {restricts} it.")
    return tuple(lines)


def _breadth_lines(permissions: Sequence[PermissionEntry], power: Power) -> Iterable[str]:
    if power in (Power.MANAGE_EVERYTHING, Power.FULL_CONTROL):
        union = 0
        for entry in permissions:
            union |= effect(entry).control
        left, total = (union & breadth().writes).bit_count(), breadth().writes.bit_count()
        yield f"Of {total:,} known write operations {left:,} remain ({left / total:.0%})."
    elif power is Power.ALL_DATA:
        union = 0
        for entry in permissions:
            union |= effect(entry).data
        yield f"It reaches data in {breadth().data_share(union):.0%} of the resource providers that keep any."
