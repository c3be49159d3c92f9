"""Asking the directory about the principals that were seen, as far as it may be asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scanner.sources.azure.directory import managed_identity_read, membership_reads, principal_reads

if TYPE_CHECKING:
    from scanner.sources.azure.gather import Gatherer, Read
    from scanner.sources.azure.needs import Needs
    from scanner.sources.azure.normalise import Normaliser
    from scanner.sources.azure.outcome import Outcome
    from scanner.sources.azure.transport import Transport


class DirectoryStage:
    """Which principals exist, which are managed identities, and which groups with access the identities are in."""

    def __init__(self, transport: Transport, normaliser: Normaliser, needs: Needs) -> None:
        """Plan the reads. The normaliser must know all assignments and identities."""
        self._normaliser = normaliser
        self._holding = normaliser.groups_with_access() if needs.any_of("memberships") else frozenset[str]()
        self._who: list[Read] = []
        self._listing: list[Read] = []
        self._groups: list[Read] = []
        if needs.any_of("principals"):
            self._who = principal_reads(transport, normaliser.principals.object_ids())
            if normaliser.names_strangers():
                # Who is asked for by id tells all that is needed; only ids not seen so far need the long list.
                self._listing = [managed_identity_read(transport)]
        if self._holding:
            self._groups = membership_reads(transport, normaliser.identity_object_ids(), self._holding)

    @property
    def reads(self) -> list[Read]:
        """All reads of this stage."""
        return [*self._who, *self._listing, *self._groups]

    def take(self, gatherer: Gatherer, failed: Mapping[str, Outcome]) -> None:
        """Hand what was read to the normaliser. Who was asked for in vain does not exist."""
        for read in self._who:
            if read.name not in failed:
                for _, row in gatherer.rows([read]):
                    self._normaliser.found(row)
                self._normaliser.principals.asked(read.subjects)
        for read in self._listing:
            if read.name not in failed:
                for _, row in gatherer.rows([read]):
                    self._normaliser.found(row)
        for read in self._groups:
            if read.name not in failed:
                rows = [row for _, row in gatherer.rows([read])]
                self._normaliser.members(read.subjects[0], rows, self._holding)
