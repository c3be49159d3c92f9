"""How privileged a role is, in one word for tables and pictures."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from scanner.catalog.capabilities import Capability
from scanner.catalog.powers import Power


class Privilege(IntEnum):
    """Ranks from nothing to everything; a higher number is more privileged. `label` is what reports show."""

    NOTHING = 0
    READ_ONLY = 1
    LIMITED = 2
    READS_CREDENTIALS = 3
    DATA = 4
    ALL_DATA = 5
    IDENTITY_OR_CODE = 6
    GRANTS_SOME_ACCESS = 7
    NOT_UNDERSTOOD = 8
    MANAGES_EVERYTHING = 9
    GRANTS_ACCESS = 10
    FULL_CONTROL = 11

    @property
    def label(self) -> str:
        """The rank in words, such as `grants access`."""
        return self.name.replace("_", " ").lower()


_RANKS = {
    Power.FULL_CONTROL: Privilege.FULL_CONTROL,
    Power.GRANT_ACCESS: Privilege.GRANTS_ACCESS,
    Power.WRITE_ROLE_ASSIGNMENTS: Privilege.GRANTS_ACCESS,
    Power.DEFINE_ROLES: Privilege.GRANTS_ACCESS,
    # Takes effect at the root scope only, which a role does not know.
    Power.ELEVATE_ACCESS: Privilege.GRANTS_SOME_ACCESS,
    Power.MANAGE_EVERYTHING: Privilege.MANAGES_EVERYTHING,
    Power.NOT_UNDERSTOOD: Privilege.NOT_UNDERSTOOD,
    Power.ASSIGN_IDENTITY: Privilege.IDENTITY_OR_CODE,
    Power.FEDERATE_IDENTITY: Privilege.IDENTITY_OR_CODE,
    Power.RUN_CODE: Privilege.IDENTITY_OR_CODE,
    # An administrator inside a service reaches the data of that service.
    Power.GRANT_SERVICE_ACCESS: Privilege.DATA,
    Power.ALL_DATA: Privilege.ALL_DATA,
    Power.DATA_ACCESS: Privilege.DATA,
    Power.READ_CREDENTIALS: Privilege.READS_CREDENTIALS,
    Power.CHANGE: Privilege.LIMITED,
    Power.READ: Privilege.READ_ONLY,
}


def privilege(held: Iterable[Capability]) -> Privilege:
    """The highest rank among a role's capabilities.

    Handing out access under a condition ranks as `grants some access`: which roles and to whom is up to the
    condition. Other powers rank the same under a condition, because it may well be met.
    """
    return max((_rank(one) for one in held), default=Privilege.NOTHING)


def _rank(held: Capability) -> Privilege:
    rank = _RANKS[held.power]
    if held.conditioned and rank is Privilege.GRANTS_ACCESS:
        return Privilege.GRANTS_SOME_ACCESS
    return rank
