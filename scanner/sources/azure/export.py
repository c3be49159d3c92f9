"""A tenant given as files: the JSON that ``az graph query`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.facts.store import FactStore


def load_export(files: Sequence[Path], complete: frozenset[str]) -> FactStore:
    """Read exported rows into facts. Tables named in ``complete`` are taken as whole; of the others, what the
    files do not hold is a gap. Raises :class:`~scanner.sources.azure.errors.SourceError` for a file that is not
    JSON or holds no rows."""
    raise NotImplementedError
