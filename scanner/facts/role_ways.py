"""The ways to identities that a role has, by number (``identity_hosts``): with a condition, and less what is denied."""

from __future__ import annotations

from collections.abc import Iterable

from scanner.catalog.capabilities import capabilities
from scanner.catalog.hosts import POLICY_ASSIGNMENT, host_ways
from scanner.catalog.permissions import PermissionEntry
from scanner.catalog.powers import Power
from scanner.facts.access import restricted_powers, under_condition
from scanner.facts.identity_hosts import OVER_IDENTITY, WAY_OF_TYPE, WAYS
from scanner.facts.role_powers import Entries

_EVERYTHING = (PermissionEntry(actions=("*",), data_actions=("*",)),)


def ways_of(
    entries: Entries, condition: str | None, wide: bool, readable: bool
) -> Iterable[tuple[int, bool, bool]]:
    """Return the ways of a role under an assignment's condition.

    Each with whether it makes a host act as another identity, and whether it holds for what is there already.
    """
    if not readable or _hands_out_access(entries, condition):
        return [(way, True, True) for way, name in enumerate(WAYS) if wide or name != POLICY_ASSIGNMENT]
    left = under_condition(entries, condition)
    free = {held.power for held in capabilities(left) if not held.conditioned}
    found = [(way, False, True) for way, power in enumerate(OVER_IDENTITY) if power in free]
    hosts = host_ways(left)
    return found + [
        (WAY_OF_TYPE[way.type], way.attaches, way.existing)
        for way in hosts
        if wide or way.type != POLICY_ASSIGNMENT
    ]


def _hands_out_access(entries: Entries, condition: str | None) -> bool:
    """Whether a role lets its holder give any role, to itself too."""
    free = {held.power for held in capabilities(entries) if not held.conditioned}
    restricted = (
        restricted_powers(entries, condition) if condition and condition.strip() else frozenset[Power]()
    )
    return Power.GRANT_ACCESS in free - restricted


def denied_ways(denied: Entries, entries: Entries, condition: str | None) -> list[int]:
    """Return the ways that deny assignments with these entries take away from a role."""
    own = _ways_left(denied, under_condition(entries, condition))
    if not _hands_out_access(entries, condition):
        before = {
            way for way, _, existing in ways_of(entries, condition, wide=True, readable=True) if existing
        }
        return sorted(before - own)
    powers = {held.power for held in capabilities(entries, denied) if not held.conditioned}
    # What it gives itself is cut short as well.
    left = own | _ways_left(denied, _EVERYTHING) if Power.GRANT_ACCESS in powers else own
    return sorted(set(range(len(WAYS))) - left)


def _ways_left(denied: Entries, entries: Entries) -> set[int]:
    powers = {held.power for held in capabilities(entries, denied) if not held.conditioned}
    over = {way for way, power in enumerate(OVER_IDENTITY) if power in powers}
    return over | {WAY_OF_TYPE[way.type] for way in host_ways(entries, denied) if way.existing}
