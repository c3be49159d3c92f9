"""One state of a repository, found but not read; apart from the reader, which takes time to load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scanner.sources.repository.contents import Contents, Digests
from scanner.sources.repository.units import Sorted, UnitSpec

if TYPE_CHECKING:
    from scanner.sources.declared.wanted import Wanted
    from scanner.sources.repository.located import LocatedUnit


class Side:
    """One state of a repository: the work tree, or the commit that it is compared with."""

    def __init__(self, by: Sorted, specs: Sequence[UnitSpec], contents: Contents, wanted: Wanted) -> None:
        self.by = by
        self.specs = {spec.name: spec for spec in specs}
        self.digests = Digests(contents)
        self.contents = contents
        self.wanted = wanted

    def holds(self, unit: LocatedUnit) -> bool:
        """Whether what was read of a unit holds here: all that it depends on is the same."""
        return bool(unit.seen) and all(self.digests.of(name) == before for name, before in unit.seen)
