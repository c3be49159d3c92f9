"""One instance of a resource or data source, whose arguments are evaluated when something refers to them."""

from __future__ import annotations

from scanner.sources.declared.values import Value
from scanner.sources.terraform.bodies import written_value
from scanner.sources.terraform.expressions import Evaluator
from scanner.sources.terraform.repetition import Copy
from scanner.sources.terraform.scope import Names, Scope
from scanner.sources.terraform.symbolic import MISSING, Missing
from scanner.sources.terraform.syntax import Block


class _Busy:
    """The class of ``_BUSY``."""


_BUSY = _Busy()
"""Stands for an argument that is being evaluated: who asks for it then asks in a circle."""


class Resource:
    """One instance of a resource or data source."""

    def __init__(self, evaluator: Evaluator, module: Names, block: Block, address: str, copy: Copy) -> None:
        self.address = address
        self.block = block
        self.copy = copy
        self._evaluator = evaluator
        self._module = module
        self._written: dict[str, Value | Missing | _Busy] = {}

    def scope(self, *, placed: bool) -> Scope:
        """Return the scope of its arguments."""
        return Scope(self._module, self.copy.names, self.address, placed)

    def argument(self, name: str) -> Value | Missing:
        """Return an argument's value or its nested blocks of that name; ``MISSING`` when it is not written."""
        if name == "output" and self.block.labels[0] == "terraform_data":
            # It hands on what it is given.
            name = "input"
        found = self._written.get(name)
        if isinstance(found, _Busy):
            return MISSING
        if found is None and name not in self._written:
            evaluator = self._evaluator
            self._written[name] = _BUSY
            try:
                evaluator.deeper(2)
                try:
                    found = written_value(
                        evaluator, self.block.body, name, self.scope(placed=False), self.is_azapi
                    )
                finally:
                    evaluator.depth -= 2
            finally:
                del self._written[name]
            self._written[name] = found
        return found

    @property
    def is_azapi(self) -> bool:
        """Whether it is a resource of the azapi provider, whose body is the one of Azure's API."""
        return self.block.labels[0].startswith("azapi_")
