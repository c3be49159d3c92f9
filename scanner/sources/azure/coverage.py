"""Saying what was read and what was not: gaps with their reasons, and the scopes that were read whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from scanner.facts import ids
from scanner.facts.coverage import OUTSIDE
from scanner.facts.schema import TABLES
from scanner.facts.store import FactsBuilder
from scanner.sources.azure.gather import Read
from scanner.sources.azure.needs import Needs
from scanner.sources.azure.outcome import Outcome
from scanner.sources.azure.resource_graph import Reading


class Cover:
    """Gathers gaps until all is read, and then writes them and states what is whole."""

    def __init__(self, builder: FactsBuilder, needs: Needs) -> None:
        self._builder = builder
        self._needs = needs
        self._gaps: dict[tuple[str, str, str, str], None] = {}

    def gap(self, table: str, scope_id: str, outcome: Outcome) -> None:
        """Remember that a table was not read in a scope."""
        if table in self._needs.tables or TABLES[table].derived:
            self._gaps[(table, ids.same(scope_id), outcome.reason, outcome.detail)] = None

    def lost(self, reading: Reading) -> None:
        """Make gaps of a query that did not bring all its rows, in every table it feeds and every scope it covers."""
        if reading.outcome is not None:
            for table in reading.query.feeds:
                for scope_id in reading.target.scope_ids:
                    self.gap(table, scope_id, reading.outcome)

    def unseen(self, reading: Reading) -> None:
        """Make gaps of a list of scopes that is not whole: what is not on it is not read at all."""
        if reading.outcome is not None:
            for table in sorted(self._needs.tables):
                for scope_id in reading.target.scope_ids:
                    self.gap(table, scope_id, reading.outcome)

    def failed(self, reads: Sequence[Read], outcomes: Mapping[str, Outcome]) -> None:
        """Make gaps of reads that failed. A missing licence is one gap: it is the tenant that lacks it."""
        for read in reads:
            outcome = outcomes.get(read.name)
            if outcome is not None and outcome.reason == "unlicensed":
                self.gap("assignments", ids.ROOT, outcome)
            elif outcome is not None:
                for table, scope_id in read.gaps:
                    self.gap(table, scope_id, _told(table, outcome))

    def outside(self, table: str, scope: str, why: str) -> None:
        """Make a gap of what lies outside the scope (in words) that was asked for, or of a part of it."""
        self.gap(table, ids.ROOT, Outcome(OUTSIDE, f"Only {scope} was scanned. {why}"))

    def partial(self) -> None:
        """Make gaps of what a scan of the tenant cannot see: subscriptions that are hidden are hidden without a word.

        The proof of seeing all is the root management group: whoever may read it may read what is below it.
        """
        why = (
            "The root management group is not shown to this sign-in, and so there may be hidden subscriptions: "
            "give it the role Reader there."
        )
        for table in ("attachments", "assignments"):
            self.gap(table, ids.ROOT, Outcome(OUTSIDE, why))
        self._builder.gap("entities", ids.ROOT, "refused", why)

    def replaced(self, table: str) -> None:
        """Forget the gaps of a table: it is read in another way."""
        self._gaps = {key: None for key in self._gaps if key[0] != table}

    def unreadable(self, asked: Iterable[str], readable: Sequence[str]) -> None:
        """Make gaps, in every table, of subscriptions that were named and cannot be read."""
        outcome = Outcome("refused", "The subscription does not exist, or this sign-in may not read it.")
        for subscription in sorted({name.lower() for name in asked} - set(readable)):
            for table in sorted(self._needs.tables):
                self.gap(table, f"/subscriptions/{subscription}", outcome)

    def hidden(self, places: Iterable[str], readable: Sequence[str]) -> None:
        """Make gaps of subscriptions that resources speak of and that did not show themselves."""
        outcome = Outcome(
            "refused",
            "An identity that lies there is in use, but the subscription does not exist any more or is not shown.",
        )
        seen = {f"/subscriptions/{subscription}" for subscription in readable}
        for place in sorted(set(places) - seen):
            for table in ("identities", "resources"):
                self.gap(table, place, outcome)

    def state(self, readable: Iterable[str]) -> None:
        """Write the gaps, and state of each table in which of the readable subscriptions it was read whole."""
        for name in TABLES.keys() - self._needs.tables:
            self._builder.unasked(name)
        for table, scope_id, reason, detail in self._gaps:
            self._builder.gap(table, scope_id, reason, detail)
        gaps = [gap for gap in self._builder.rows("gaps") if gap["reason"] != OUTSIDE]
        open_places = {(gap["table"], gap["scope_id"]) for gap in gaps}
        for table in sorted(self._needs.tables):
            if (table, ids.ROOT) in open_places:
                continue
            for subscription in readable:
                scope_id = f"/subscriptions/{subscription}"
                if (table, scope_id) not in open_places:
                    self._builder.covered(table, scope_id)


def _told(table: str, outcome: Outcome) -> Outcome:
    """Say which part of a table is missing, where it is a part."""
    if table == "grants":
        return Outcome(
            outcome.reason,
            f"{outcome.detail} Who could activate which role there is not known; who holds one is.",
        )
    return outcome
