"""What rules ask of a repository; apart from what answers, which takes time to load."""

from __future__ import annotations

import msgspec


class Wanted(msgspec.Struct, frozen=True):
    """What the chosen rules ask: tables or views, ARM type (any case) and path of settings, paths to point at."""

    tables: frozenset[str]
    settings: frozenset[tuple[str, str]] = frozenset()
    points_at: frozenset[str] = frozenset()
    states: dict[str, dict[str, str]] = {}
    """The ARM ids of what is deployed already, by address, for the root modules whose Terraform state is given."""
