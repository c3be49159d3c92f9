"""Bicep files to templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scanner.sources.bicep.cursor import MAX_DEPTH, Unexpected
from scanner.sources.bicep.statements import Statement, StatementReader
from scanner.sources.bicep.tokens import (
    ASSIGN,
    AT,
    IDENTIFIER,
    LEFT_BRACE,
    LEFT_BRACKET,
    NEWLINE,
    RIGHT_BRACE,
    STRING,
    Tokens,
)
from scanner.sources.template.model import (
    Constant,
    Expression,
    Function,
    Import,
    Loop,
    Module,
    ObjectLiteral,
    Output,
    Parameter,
    Resource,
    Template,
    Variable,
)

_SCALARS = frozenset(("string", "int", "bool"))
_SCOPES = frozenset(("resourceGroup", "subscription", "managementGroup", "tenant"))


class TemplateReader(StatementReader):
    """Reads the statements of a Bicep file into ``template``."""

    __slots__ = ("_bodies", "_listed", "template")

    def __init__(self, uri: str, tokens: Tokens) -> None:
        super().__init__(uri, tokens)
        self.template = Template(uri, "bicep", "resourceGroup", gaps=self.gaps)
        self._bodies: list[tuple[int, list[Resource]]] = []
        """The bodies of resources around this place: how deep they are, and what is declared in them."""
        self._listed: dict[str, list[Expression]] = {}
        """What decorators say that parameters may be."""

    def own_handlers(self) -> Mapping[str, Callable[[int, bool], Statement]]:
        """Return the statements of this kind of file by their keyword."""
        return {
            "module": self._module,
            "output": self._output,
            "param": self._parameter,
            "resource": self._resource,
            "targetScope": self._target_scope,
        }

    def keep(self, statement: Statement) -> None:
        """Add what a statement declares to what is read; of two with one name the first."""
        template = self.template
        if isinstance(statement, Parameter):
            template.parameters.setdefault(statement.name, statement)
        elif isinstance(statement, Variable):
            template.variables.setdefault(statement.name, statement)
        elif isinstance(statement, Resource):
            template.resources.append(statement)
        elif isinstance(statement, Module):
            template.modules.append(statement)
        elif isinstance(statement, Output):
            template.outputs.setdefault(statement.name, statement)
        elif isinstance(statement, Function):
            template.functions.setdefault(statement.name, statement)
        elif isinstance(statement, Import):
            template.imports.append(statement)

    def read(self) -> None:
        """Read all statements, then give parameters and outputs what their types say, wherever those are declared."""
        super().read()
        for parameter in self.template.parameters.values():
            written = parameter.type
            for name in self.names_of_type(written):
                parameter.secure = parameter.secure or name in self.secret_types
                parameter.allowed = parameter.allowed or self.type_options.get(name, [])
                written = self.type_names[name]
            if written in _SCALARS:  # of an array each item is one of those that are listed, not the array
                parameter.allowed = self._listed.get(parameter.name, [])
        for output in self.template.outputs.values():
            output.secure = output.secure or not self.secret_types.isdisjoint(self.names_of_type(output.type))

    # ---- statements

    def _target_scope(self, _whole: int, _secret: bool) -> None:
        start = self.starts[self.index]
        self.index += 1
        value = self.value()
        scope = value.value if isinstance(value, Constant) else None
        if scope in _SCOPES:
            self.template.target_scope = str(scope)
        elif isinstance(value, Constant):
            detail = (
                "What is deployed here is not in a resource group, subscription, management group or tenant."
            )
            self.gap(start, self.ends[self.index - 1], detail, "unsupported")

    def _parameter(self, _whole: int, secret: bool) -> Parameter:
        allowed = self.allowed
        name, start, end = self.name()
        default: Expression | None = None
        if self.recovering:
            begin = self.index
            try:
                written, nullable = self.type_text()
            except Unexpected as unexpected:
                return Parameter(name, "", self.broken_value(begin, unexpected), secret, False, start, end)
        else:
            written, nullable = self.type_text()
        options = self.options
        if self.kinds[self.index] == ASSIGN:
            default = self.value()
        if allowed:
            self._listed.setdefault(name, allowed)
        return Parameter(name, written, default, secret, nullable, start, end, options)

    def _output(self, _whole: int, secret: bool) -> Output:
        name, start, end = self.name()
        written, _ = self.type_text()
        return Output(name, written, self.value(), secret, None, start, end)

    def _resource(self, whole: int, _secret: bool) -> Resource:
        start = self.starts[self.index]
        symbol, _, _ = self.name()
        if self.kinds[self.index] != STRING:
            self.fail("the type of a resource in quotes")
        written, _, version = self.string().partition("@")
        existing = self.at_word("existing")
        if existing:
            self.index += 1
        nested: list[Resource] = []
        body, condition, head = self._body(nested)
        return Resource(
            symbol, written, version, existing, body, condition, start, head, whole, self.last_end(), nested
        )

    def _module(self, whole: int, _secret: bool) -> Module:
        start = self.starts[self.index]
        symbol, _, _ = self.name()
        if self.kinds[self.index] != STRING:
            self.fail("the path of a module in quotes")
        path = self.string()
        body, condition, head = self._body(None)
        return Module(symbol, path, None, True, body, condition, start, head, whole, self.last_end())

    # ---- bodies

    def _body(self, nested: list[Resource] | None) -> tuple[Expression, Expression | None, int]:
        """Read ``= {...}``, ``= if (...) {...}`` or ``= [for ...]``: body, condition, and where the head ends."""
        self.expect(ASSIGN, 'a "="')
        head = self.ends[self.index - 1]
        if not self.recovering:
            return self._whole_body(nested)
        begin, depth, opened = self.index, self.depth, len(self.open)
        try:
            return self._whole_body(nested)
        except Unexpected as unexpected:
            if not self._bodies:
                return self.broken_value(begin, unexpected), None, head
            self.depth = depth
            del self.open[opened:]
            self.to_next_element(begin, unexpected.index, RIGHT_BRACE)
            self.mistake(unexpected)
            return self.broken(begin), None, head

    def _whole_body(self, nested: list[Resource] | None) -> tuple[Expression, Expression | None, int]:
        begin = self.index
        if self.kinds[begin] == NEWLINE and not self.starts_statement(begin + 1):
            self.index += 1
            begin += 1
        if self.kinds[begin] == LEFT_BRACKET and self.is_loop():
            item, number, collection = self.loop_head()
            condition = self.condition()
            head = self.last_end()
            body = self._declared(nested)
            end = self.loop_end()
            loop = Loop(item, number, collection, condition, body, "", self.starts[begin], end)
            return loop, None, head
        condition = self.condition()
        head = self.last_end()
        return self._declared(nested), condition, head

    def _declared(self, nested: list[Resource] | None) -> ObjectLiteral:
        if self.kinds[self.index] != LEFT_BRACE:
            self.fail('a "{", "[for" or "if"')
        if nested is None:
            return self.object()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.too_deep()
        self._bodies.append((self.depth, nested))
        try:
            return self.object()
        finally:
            self._bodies.pop()
            self.depth -= 1

    def nested_declaration(self) -> bool:
        """Read a nested resource, if one stands here; return whether there was one."""
        if not self._bodies or self._bodies[-1][0] != self.depth:
            return False
        whole = self.starts[self.index]
        decorated = self.kinds[self.index] == AT
        if decorated:
            self.decorators()
        if not self.at_word("resource") or self.kinds[self.index + 1] != IDENTIFIER:
            if decorated:
                self.fail("a nested resource behind its decorators")
            return False
        declared = self._bodies[-1][1]
        declared.append(self._resource(whole, False))
        return True
