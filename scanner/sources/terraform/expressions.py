"""Expressions to values.

A reference to a resource is a :class:`Ref` until its argument is written in the configuration: then it is that
argument's value (``azurerm_resource_group.main.location``), but for ``id``, which only Azure knows, and ``name``,
which stays a reference because it says which resource is meant; in text and functions it is the name as written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from scanner.sources.declared.files import Files
from scanner.sources.declared.values import NOT_WRITTEN, KeyRead, Object, Property, Ref, Text, Unknown, Value
from scanner.sources.declared.values import text as joined_text
from scanner.sources.terraform import syntax
from scanner.sources.terraform.functions import FUNCTIONS
from scanner.sources.terraform.functions_files import FILE_FUNCTIONS
from scanner.sources.terraform.operators import binary, unary
from scanner.sources.terraform.references import References
from scanner.sources.terraform.scope import Scope
from scanner.sources.terraform.symbolic import (
    MOST_TEXT,
    Failed,
    OpenList,
    Set,
    Undetermined,
    brief,
    each_option,
    is_secret,
    number,
    same,
    scalar_text,
    shorten,
    unknown,
    why,
)


class Evaluator(References):
    """Evaluates the expressions of one root module and of the modules it calls."""

    def __init__(self, files: Files, root: str) -> None:
        super().__init__()
        self.files = files
        self.root = root
        """The folder of the root module: paths in ``file()`` are relative to it."""
        self._handlers: dict[type, Callable[[Any, Scope], Value]] = {
            syntax.Template: self._template,
            syntax.Name: self._name,
            syntax.Traversal: self._traversal,
            syntax.Call: self._call,
            syntax.Unary: self._unary,
            syntax.Operation: self._operation,
            syntax.Conditional: self._conditional,
            syntax.Sequence: self._sequence,
            syntax.Mapping: self._mapping,
            syntax.For: self._for,
        }

    def evaluate(self, node: syntax.Node, scope: Scope) -> Value:
        """Return the value of an expression. Raises :class:`Failed` and :class:`Exhausted`."""
        if type(node) is syntax.Literal:
            return node.value
        self.budget.spend(1)
        self.deeper(1)
        try:
            return self._handlers[type(node)](node, scope)
        finally:
            self.depth -= 1

    # ---- references

    def _name(self, node: syntax.Name, scope: Scope) -> Value:
        if node.name in scope.names:
            return scope.names[node.name]
        return unknown(node.name, f"nothing is called {node.name}")

    def _traversal(self, node: syntax.Traversal, scope: Scope) -> Value:
        base, steps = node.base, node.steps
        value: Any
        if isinstance(base, syntax.Name) and base.name not in scope.names:
            value, used = self._root(base.name, steps, scope)
        else:
            value, used = self.evaluate(base, scope), 0
        reached: Value = self.settle(self._walk(value, steps, used, scope))
        return reached

    def _root(self, name: str, steps: list[str | syntax.Node], scope: Scope) -> tuple[Any, int]:
        """Return what the first steps of a traversal lead to, and how many they are."""
        module = scope.module
        first = steps[0]
        second = steps[1] if len(steps) > 1 else None
        if not isinstance(first, str):
            return unknown(name, f"nothing is called {name}"), 0
        if name == "var":
            return module.variable(first), 1
        if name == "local":
            return module.local(first), 1
        if name == "module":
            return module.called(first), 1
        if name in ("data", "ephemeral"):
            if not isinstance(second, str):
                return unknown(f"{name}.{first}", "no resource is named"), 1
            return module.resource(name, first, second), 2
        if name == "path":
            return self._path(first, module.folder), 1
        if name == "terraform":
            return unknown(f"terraform.{first}", "it is chosen when deploying"), 1
        if name in ("each", "count", "self"):
            return unknown(f"{name}.{first}", f"there is no {name} here"), 1
        return module.resource("managed", name, first), 1

    def _path(self, which: str, folder: str) -> Value:
        if which == "module":
            if folder == self.root:
                return "."
            if self.root == ".":
                return folder
            up = [".."] * (self.root.count("/") + 1)
            return "/".join([*up, folder])
        return "." if which == "root" else unknown(f"path.{which}", "it depends on where it is deployed from")

    def _walk(self, value: Any, steps: list[str | syntax.Node], at: int, scope: Scope) -> Any:
        while at < len(steps):
            step = steps[at]
            at += 1
            if step == syntax.FULL_SPLAT:
                return self._splat(value, steps, at, len(steps), scope)
            if step == syntax.ATTRIBUTE_SPLAT:
                # Only names after .* belong to each item; an index after it picks one of the results.
                end = at
                while end < len(steps) and isinstance(steps[end], str) and steps[end] not in _SPLATS:
                    end += 1
                value = self._splat(value, steps, at, end, scope)
                at = end
            elif isinstance(step, str):
                value = self.attribute(value, step)
            else:
                value = self.index(value, self.force(self.evaluate(step, scope)))
        return value

    def _splat(self, value: Any, steps: list[str | syntax.Node], at: int, end: int, scope: Scope) -> Value:
        value = self.expand(value)
        if value is None:
            return []
        rest = steps[at:end]
        self.deeper(1)
        try:
            if isinstance(value, Unknown):
                each = unknown(f"{value.shown}[*]", value.why, secret=value.secret)
                return OpenList([self.settle(self._walk(each, rest, 0, scope))])
            if not isinstance(value, list):
                return [self.settle(self._walk(value, rest, 0, scope))]
            self.budget.spend(len(value))
            items = [self.settle(self._walk(item, rest, 0, scope)) for item in value]
            return OpenList(items) if isinstance(value, OpenList) else items
        finally:
            self.depth -= 1

    # ---- literals of collections

    def _sequence(self, node: syntax.Sequence, scope: Scope) -> Value:
        return [self.finished(self.evaluate(item, scope)) for item in node.items]

    def _mapping(self, node: syntax.Mapping, scope: Scope) -> Value:
        properties: dict[str, Property] = {}
        names: dict[str, Value] = {}
        for key, item, start, end in node.items:
            name = key.value if type(key) is syntax.Literal else self.force(self.evaluate(key, scope))
            value = self.finished(self.evaluate(item, scope))
            shown = _key(name, names)
            properties[shown] = (
                Property(value, start, end) if scope.placed else Property(value, NOT_WRITTEN, NOT_WRITTEN)
            )
        return Object(properties, False, names)

    def _for(self, node: syntax.For, scope: Scope) -> Value:
        collection = self.force(self.evaluate(node.collection, scope))
        if isinstance(collection, Unknown) and collection.options:
            options = each_option(collection, lambda each: self._loop(node, each, scope))
            shown = shorten(f"for each of {collection.shown}")
            return unknown(shown, collection.why, secret=collection.secret, options=options)
        return self._loop(node, collection, scope)

    def _loop(self, node: syntax.For, collection: Value, scope: Scope) -> Value:
        pairs, more = self.pairs(collection)
        items: list[Value] = []
        properties: dict[str, Property] = {}
        groups: dict[str, list[Value]] = {}
        names: dict[str, Value] = {}
        for key, item in pairs:
            self.budget.spend(1)
            inner = scope.within({node.key: key, node.item: item} if node.key else {node.item: item})
            if node.condition is not None:
                kept = truth(self.force(self.evaluate(node.condition, inner)))
                if kept is False:
                    continue
                more = more or not isinstance(kept, bool)
            value = self.finished(self.evaluate(node.value, inner))
            if node.result_key is None:
                items.append(value)
                continue
            name = _key(self.force(self.evaluate(node.result_key, inner)), names)
            if node.grouped:
                groups.setdefault(name, []).append(value)
            else:
                properties[name] = Property(value)
        if node.result_key is None:
            return OpenList(items) if more else items
        for name, group in groups.items():
            properties[name] = Property(OpenList(group) if more else group)
        return Object(properties, more or bool(names), names)

    def pairs(self, value: Value) -> tuple[list[tuple[Value, Value]], bool]:
        """Return the keys and items of a collection in Terraform's order, and whether there may be others.

        Of one that is not known there is one representative item. Raises :class:`Failed` for what is no collection.
        """
        if isinstance(value, list):
            if isinstance(value, OpenList):
                index = unknown(shorten(f"index in {brief(value)}"), "the list is not wholly known")
                return [(index, item) for item in value], True
            return [(item, item) for item in value] if isinstance(value, Set) else list(
                enumerate(value)
            ), False
        if isinstance(value, Object):
            return self._properties(value), value.open or bool(value.names)
        if isinstance(value, Unknown | Ref | Text | KeyRead):
            shown, reason, secret = brief(value), why(value), is_secret(value)
            key = unknown(f"keys({shown})[*]", reason, secret=secret)
            return [(key, unknown(f"{shown}[*]", reason, secret=secret))], True
        raise Failed("it is no collection")

    @staticmethod
    def _properties(value: Object) -> list[tuple[Value, Value]]:
        pairs: list[tuple[Value, Value]] = [
            (value.names.get(name, name), held.value) for name, held in sorted(value.properties.items())
        ]
        if value.open and not value.names:
            shown, reason = brief(value), "the object is not wholly known"
            pairs.append((unknown(f"keys({shown})[*]", reason), unknown(f"{shown}[*]", reason)))
        return pairs

    # ---- text

    def _template(self, node: syntax.Template, scope: Scope) -> Value:
        pieces: list[Value] = []
        self._pieces(node, scope, pieces)
        length = sum(len(piece) for piece in pieces if isinstance(piece, str))
        if length > MOST_TEXT:
            return unknown(shorten(brief(pieces[0])), f"its text has more than {MOST_TEXT:,} characters")
        return joined_text(pieces)

    def _pieces(self, node: syntax.Template, scope: Scope, out: list[Value]) -> None:
        for part in node.parts:
            if type(part) is syntax.Literal and isinstance(part.value, str):
                out.append(part.value)
            elif isinstance(part, syntax.TemplateIf):
                self._template_if(part, scope, out)
            elif isinstance(part, syntax.TemplateFor):
                self._template_for(part, scope, out)
            else:
                value = self.force(self.evaluate(part, scope))
                if value is None or isinstance(value, list | Object):
                    raise Failed("null, a list or an object cannot be part of a text")
                out.append(value)

    def _template_if(self, node: syntax.TemplateIf, scope: Scope, out: list[Value]) -> None:
        condition = truth(self.force(self.evaluate(node.condition, scope)))
        if isinstance(condition, bool):
            self._pieces(node.then if condition else node.otherwise, scope, out)
            return
        options = [self._template(side, scope) for side in (node.then, node.otherwise)]
        shown = shorten(f"if {condition.shown} then {brief(options[0])} else {brief(options[1])}")
        out.append(unknown(shown, condition.why, secret=condition.secret, options=options))

    def _template_for(self, node: syntax.TemplateFor, scope: Scope, out: list[Value]) -> None:
        pairs, more = self.pairs(self.force(self.evaluate(node.collection, scope)))
        pieces: list[Value] = []
        for key, item in pairs:
            self.budget.spend(1)
            inner = scope.within({node.key: key, node.item: item} if node.key else {node.item: item})
            self._pieces(node.body, inner, pieces)
        if more:
            repeated = joined_text(pieces)
            out.append(
                unknown(shorten(f"for each: {brief(repeated)}"), why(repeated), secret=is_secret(repeated))
            )
        else:
            out.extend(pieces)

    # ---- operators and functions

    def _unary(self, node: syntax.Unary, scope: Scope) -> Value:
        return unary(node.operators, self.force(self.evaluate(node.operand, scope)))

    def _operation(self, node: syntax.Operation, scope: Scope) -> Value:
        value = self.force(self.evaluate(node.first, scope))
        for operator, right in node.rest:
            if operator in ("&&", "||"):
                decided = truth(value)
                if isinstance(decided, bool) and decided is (operator == "||"):
                    value = decided
                    continue
            value = binary(operator, value, self.force(self.evaluate(right, scope)))
        return value

    def _conditional(self, node: syntax.Conditional, scope: Scope) -> Value:
        condition = truth(self.force(self.evaluate(node.condition, scope)))
        if isinstance(condition, bool):
            return self.finished(self.evaluate(node.then if condition else node.otherwise, scope))
        options: list[Value] = []
        for side in (node.then, node.otherwise):
            try:
                options.append(self.finished(self.evaluate(side, scope)))
            except Failed:
                continue
        if not options:
            raise Failed("neither side of the condition has a value")
        if len(options) == 2 and same(options[0], options[1]):
            return options[0]
        shown = shorten(" : ".join([f"{condition.shown} ? {brief(options[0])}", *map(brief, options[1:])]))
        return unknown(shown, condition.why, secret=condition.secret or is_secret(options), options=options)

    def _call(self, node: syntax.Call, scope: Scope) -> Value:
        name = node.name.removeprefix("core::")
        if name == "try":
            return self._try(node.arguments, scope)
        if name == "can":
            try:
                value = self.evaluate(node.arguments[0], scope) if node.arguments else None
            except Failed:
                return False
            return unknown(f"can({value.shown})", value.why) if isinstance(value, Unknown) else True
        arguments: list[Value] = []
        for argument in node.arguments:
            arguments.append(self.force(self.evaluate(argument, scope)))
        try:
            if node.spread:
                last = arguments.pop()
                if not isinstance(last, list) or isinstance(last, OpenList):
                    arguments.append(last)
                    raise Undetermined(why(last))
                arguments.extend(last)
            self.budget.spend(sum(len(each) for each in arguments if isinstance(each, list)))
            if name == "yamldecode" and arguments and isinstance(arguments[0], str):
                self.budget.spend(len(arguments[0]) // _TEXT_OF_A_STEP)
            function = FUNCTIONS.get(name)
            if function is not None:
                return self._computed(function, name, arguments)
            reads = FILE_FUNCTIONS.get(name)
            if reads is not None:
                return reads(self, arguments, scope)
            if name in _NEVER_EQUAL:
                return unknown(f"{name}() of {scope.owner}", "it is known after deployment")
            raise Undetermined(f"the function {name} is not computed")
        except Undetermined as undetermined:
            shown = shorten(f"{name}({', '.join(brief(each) for each in arguments)})")
            return unknown(shown, str(undetermined), secret=is_secret(arguments))
        except IndexError:
            raise Failed(f"{name} is given too few arguments") from None

    def _computed(self, function: Function, name: str, arguments: list[Value]) -> Value:
        """Compute a function; of an argument that can be one of several things for each of these."""
        unsure = [
            at
            for at, each in enumerate(arguments)
            if isinstance(each, Unknown) and each.options and not each.secret
        ]
        if len(unsure) != 1:
            return function(arguments)
        at = unsure[0]
        argument = arguments[at]
        try:
            options = each_option(
                argument, lambda each: function([*arguments[:at], each, *arguments[at + 1 :]])
            )
        except Undetermined:
            return function(arguments)
        if not options:
            raise Failed(f"{name} has no value for any of its arguments")
        if all(same(option, options[0]) for option in options[1:]):
            return options[0]
        shown = shorten(f"{name}({', '.join(brief(each) for each in arguments)})")
        return unknown(shown, why(argument), secret=is_secret(options), options=options)

    def _try(self, arguments: list[syntax.Node], scope: Scope) -> Value:
        for argument in arguments[:-1]:
            try:
                return self.finished(self.evaluate(argument, scope))
            except Failed:
                continue
        if not arguments:
            raise Failed("try is given nothing")
        return self.finished(self.evaluate(arguments[-1], scope))

    def template_of(self, text: syntax.Node, names: dict[str, Value], scope: Scope) -> Value:
        """Return what a template file says with the variables it is given."""
        return self.finished(self.evaluate(text, Scope(scope.module, names, scope.owner, False)))


Function: TypeAlias = Callable[[list[Value]], Value]
_SPLATS = (syntax.FULL_SPLAT, syntax.ATTRIBUTE_SPLAT)
_TEXT_OF_A_STEP = 3
"""Characters of YAML that are read in the time of one step."""
_NEVER_EQUAL = frozenset({"uuid", "timestamp", "bcrypt", "plantimestamp"})
"""Functions whose results differ each time."""


def truth(value: Value) -> bool | Unknown:
    """Return a condition as a boolean, or why it is unknown. Raises :class:`Failed` for what is none."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if isinstance(value, Unknown):
        if value.options:
            known = {option for option in value.options if isinstance(option, bool)}
            if len(known) == 1 and all(isinstance(option, bool) for option in value.options):
                return known.pop()
        return value
    if isinstance(value, Ref | Text | KeyRead):
        return Unknown(brief(value), why(value))
    raise Failed("a condition is true or false")


def _key(name: Value, names: dict[str, Value]) -> str:
    """Return under which name a property is kept; one that is not known text is noted in ``names``."""
    plain = scalar_text(name)
    if plain is not None:
        return plain
    if name is None or isinstance(name, list | Object):
        raise Failed("the name of a property is text")
    shown = brief(name)
    shown = shown if isinstance(name, Text) else "{" + shown + "}"
    names[shown] = name
    return shown


def whole_number(value: Value) -> int | None:
    """Return a known whole number, also one written as text; None for anything else."""
    if isinstance(value, str) and value.removeprefix("-").isdigit() and len(value) < 20:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    kept = number(value)
    return kept if isinstance(kept, int) else None
