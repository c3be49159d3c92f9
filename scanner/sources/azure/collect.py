"""Collect a tenant: everything asked for, from Azure to facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.sources.azure.errors import SourceError
from scanner.sources.azure.request import CollectRequest

if TYPE_CHECKING:
    from scanner.facts.store import FactStore
    from scanner.sources.azure.progress import Progress

__all__ = ["CollectRequest", "SourceError", "collect"]


def collect(request: CollectRequest, *, progress: Progress) -> FactStore:
    """Read from Azure what the request asks for, and return it as facts with their gaps.

    Raises :class:`SourceError` when nothing at all can be read (no login, wrong tenant, no such subscription)
    or the work folder cannot be used. ``KeyboardInterrupt`` passes through; the journal stays usable.
    """
    raise NotImplementedError
