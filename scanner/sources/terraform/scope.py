"""What names in an expression mean, and what one evaluation may cost."""

from __future__ import annotations

from typing import Protocol

from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.declared.values import Value
from scanner.sources.terraform.symbolic import Missing

MOST_STEPS = 2_000_000
"""Expressions and items evaluated for one root module, some seconds. azurerm's largest example takes 4,000, the
largest of terraform-azurerm-caf-enterprise-scale 280,000."""
MOST_STEPS_OF_ONE = 500_000
"""The same for one resource, module call or output."""
MOST_DEPTH = 110
"""Expressions evaluated within each other, through locals, variables, outputs and arguments of resources."""


class Exhausted(Exception):  # noqa: N818  # not an error of Midas: hostile or absurdly large input
    """The steps that may be taken are used up."""


class Names(Protocol):
    """What a module gives expressions in it."""

    folder: str
    """Its folder from the repository's root."""
    prefix: str
    """Its address with a point after it; empty for the root module."""

    def variable(self, name: str) -> Value:
        """Return the value of ``var.name``."""

    def local(self, name: str) -> Value:
        """Return the value of ``local.name``."""

    def called(self, name: str) -> Value | ModuleHandle:
        """Return what ``module.name`` is: one module, a list or an object of modules, or unknown."""

    def resource(self, mode: str, type_: str, name: str) -> Value:
        """Return a reference to a resource, or a list or object of those to its instances."""


class ModuleHandle(Protocol):
    """One instance of a module that was called, as a value."""

    address: str

    def output(self, name: str) -> Value:
        """Return the value of an output."""

    def output_names(self) -> list[str]:
        """Return the names of its outputs."""


class Instance(Protocol):
    """One instance of a resource, as far as references to it need it."""

    def argument(self, name: str) -> Value | Missing:
        """Return the value of an argument or the nested blocks of that name; ``MISSING`` when it is not written."""


class Scope:
    """Where an expression stands."""

    __slots__ = ("module", "names", "owner", "placed")

    def __init__(self, module: Names, names: dict[str, Value], owner: str, placed: bool) -> None:
        self.module = module
        self.names = names
        """Names that only count here: ``each``, ``count``, the names of a ``for``, iterators of dynamic blocks."""
        self.owner = owner
        """The address of what the expression belongs to."""
        self.placed = placed
        """Whether objects written here get the places of their properties."""

    def within(self, names: dict[str, Value]) -> Scope:
        """Return the scope with more names."""
        return Scope(self.module, {**self.names, **names}, self.owner, self.placed)


class Budget:
    """Counts steps and depth, and keeps the gaps."""

    def __init__(self) -> None:
        self.gaps: list[SourceGap] = []
        self._told: set[SourceGap] = set()
        self._left = MOST_STEPS
        self._left_here = MOST_STEPS_OF_ONE

    def begin(self) -> None:
        """Begin with something that has its own share of the steps."""
        self._left_here = MOST_STEPS_OF_ONE

    def spend(self, steps: int) -> None:
        """Take steps; raises :class:`Exhausted` when too few are left."""
        self._left -= steps
        self._left_here -= steps
        if self._left_here < 0 or self._left < 0:
            raise Exhausted

    @property
    def spent(self) -> bool:
        """Whether nothing is left for anything."""
        return self._left < 0

    def tell(self, place: Place, reason: str, detail: str) -> None:
        """Record a gap, once."""
        gap = SourceGap(place, reason, detail)
        if gap not in self._told:
            self._told.add(gap)
            self.gaps.append(gap)
