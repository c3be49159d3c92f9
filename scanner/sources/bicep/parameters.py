"""Bicep parameter files (``.bicepparam``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scanner.sources.bicep.statements import Statement, StatementReader
from scanner.sources.bicep.tokens import STRING, Tokens
from scanner.sources.template.model import Import, Parameter, ParameterFile, Variable


class ParameterReader(StatementReader):
    """Reads the statements of a parameter file into ``file``."""

    __slots__ = ("file",)

    def __init__(self, uri: str, tokens: Tokens) -> None:
        super().__init__(uri, tokens)
        self.file = ParameterFile(uri, None, {}, gaps=self.gaps)

    def own_handlers(self) -> Mapping[str, Callable[[int, bool], Statement]]:
        """Return the statements of this kind of file by their keyword."""
        return {
            "extends": self._extends,
            "extensionConfig": self._extension_config,
            "param": self._parameter,
            "using": self._using,
        }

    def keep(self, statement: Statement) -> None:
        """Add what a statement declares to what is read; of two with one name the first."""
        if isinstance(statement, Parameter):
            if statement.default is not None:
                self.file.values.setdefault(statement.name, statement.default)
        elif isinstance(statement, Variable):
            self.file.variables.setdefault(statement.name, statement)
        elif isinstance(statement, Import):
            self.file.imports.append(statement)

    def _parameter(self, _whole: int, secret: bool) -> Parameter:
        name, start, end = self.name()
        return Parameter(name, "", self.value(), secret, False, start, end)

    def _using(self, _whole: int, _secret: bool) -> None:
        self.index += 1
        if self.kinds[self.index] == STRING:
            self.file.using = self.string()
        elif self.at_word("none"):
            self.index += 1
        else:
            self.fail('the path of a template in quotes or "none"')
        self.settings()

    def _extends(self, _whole: int, _secret: bool) -> None:
        self.index += 1
        if self.kinds[self.index] != STRING:
            self.fail("the path of a parameter file in quotes")
        self.file.extends = self.string()

    def _extension_config(self, _whole: int, _secret: bool) -> None:
        self.name()
        self.settings()
