"""What a value of a plan refers to, by the plan's copy of the configuration.

The configuration says of every argument which other things its expression names, not what the expression does with
them. That is enough to follow an id or a principal that is only known after apply to the resource that has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from scanner.sources.declared.values import Ref, Text, Unknown, Value, text

_TOKEN = re.compile(r'\[(?:"(?P<key>(?:[^"\\]|\\.)*)"|(?P<number>\d+))\]|(?P<name>[^.\[\]]+)')
_DEEPEST = 30
_SHORTEST_LINK = 12
"""Text shorter than this may be part of another text by chance."""


def as_dict(value: Any) -> Mapping[str, Any]:
    """Return a mapping, empty for whatever else is there."""
    return value if isinstance(value, dict) else {}


class _Address:
    """An address in parts: the module's steps (name and index), then what is in the module."""

    __slots__ = ("index", "modules", "rest")

    def __init__(self, address: str) -> None:
        tokens = _tokens(address)
        modules: list[tuple[str, str]] = []
        position = 0
        while position + 1 < len(tokens) and tokens[position] == "module":
            name = tokens[position + 1]
            position += 2
            index = ""
            if position < len(tokens) and tokens[position].startswith("["):
                index, position = tokens[position], position + 1
            modules.append((name, index))
        self.modules = tuple(modules)
        self.rest = tokens[position:]
        self.index = self.rest[-1] if self.rest and self.rest[-1].startswith("[") else ""


def _tokens(address: str) -> list[str]:
    return [found[0] for found in _TOKEN.finditer(address)]


def _prefix(modules: Iterable[tuple[str, str]]) -> str:
    return "".join(f"module.{name}{index}." for name, index in modules)


class Instances:
    """The resources of a plan by address, and their known values."""

    def __init__(self, resources: Iterable[Mapping[str, Any]]) -> None:
        self._values: dict[str, Mapping[str, Any]] = {}
        self._instances: dict[str, list[str]] = {}
        for entry in resources:
            address = entry.get("address")
            if not isinstance(address, str):
                continue
            self._values[address] = as_dict(entry.get("values"))
            if address.endswith("]"):
                bare = address[: address.rindex("[")]
                self._instances.setdefault(bare, []).append(address)

    def find(self, address: str, index: str) -> str | None:
        """Return the instance that an address means: itself, the one of the same index, or the only one."""
        if address in self._values:
            return address
        several = self._instances.get(address, [])
        if f"{address}{index}" in several:
            return f"{address}{index}"
        return several[0] if len(several) == 1 else None

    def value(self, ref: Ref) -> str | None:
        """Return the text that an attribute has in the plan; None when it has none or is no text."""
        value: Any = self._values.get(ref.target)
        for step in ref.path:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            else:
                return None
        return value if isinstance(value, str) else None


class Configuration:
    """The plan's copy of the configuration, seen from one resource at a time: see :meth:`enter`."""

    def __init__(
        self, configuration: Mapping[str, Any], variables: Mapping[str, Any], instances: Instances
    ) -> None:
        self._root = as_dict(configuration.get("root_module"))
        self._variables = variables
        self._instances = instances
        self._at = _Address("")
        self._resource: Mapping[str, Any] = {}
        self._resources: dict[int, dict[str, Mapping[str, Any]]] = {}

    def enter(self, address: str, *, whole_module: bool = False) -> None:
        """Look from a resource's address, or from a module's when ``whole_module``."""
        self._at = _Address(address)
        self._resource = {}
        if whole_module:
            return
        module = self._module(self._at.modules)
        known = self._resources.get(id(module))
        if known is None:
            listed = module.get("resources")
            known = {
                str(entry.get("address")): entry
                for entry in (listed if isinstance(listed, list) else [])
                if isinstance(entry, dict)
            }
            self._resources[id(module)] = known
        bare = ".".join(token for token in self._at.rest if not token.startswith("["))
        self._resource = known.get(bare, {})

    def expressions(self) -> Mapping[str, Any]:
        """Return the expressions of the resource that was entered, by argument."""
        return as_dict(self._resource.get("expressions"))

    def provider(self) -> str:
        """Return the address of the provider of the resource that was entered; empty when it is not said."""
        key = self._resource.get("provider_config_key")
        return f"provider.{key}" if isinstance(key, str) else ""

    def referred(self, expression: Mapping[str, Any], argument: str = "") -> list[Value]:
        """Return what an expression refers to, most specific first named, without what is known already."""
        return self._referred(expression, self._at.modules, argument, 0)

    def linked(self, expression: Mapping[str, Any], value: Any) -> Value:
        """Return the reference that a known text comes from, or the text with that reference in it; else None."""
        if not isinstance(value, str) or not value or not expression.get("references"):
            return None
        for one in self._referred(expression, self._at.modules, "", 0):
            if not isinstance(one, Ref) or not one.path:
                continue
            held = self._instances.value(one)
            if held is None or not held:
                continue
            if held == value:
                return one
            if len(held) >= _SHORTEST_LINK and held in value:
                before, _, after = value.partition(held)
                return text([before, one, after])
        return None

    def joined(self, found: list[Value]) -> Value:
        """Return text that is made of several references."""
        return Text(tuple(found))

    def variable(self, expression: Mapping[str, Any]) -> Value:
        """Return the value of the variable that an expression names, if it names one only; else None."""
        references = _listed(expression)
        if len(references) != 1 or not references[0].startswith("var.") or self._at.modules:
            return None
        return self._root_variable(references[0][len("var.") :].split(".")[0].split("[")[0])

    def _root_variable(self, name: str) -> Value:
        declared = as_dict(as_dict(self._root.get("variables")).get(name))
        if declared.get("sensitive") is True:
            return Unknown(f"var.{name}", "it is sensitive", secret=True)
        value = as_dict(self._variables.get(name)).get("value")
        if isinstance(value, str | int | float | bool):
            return value
        return Unknown(f"var.{name}", "its value is not in the plan")

    def _module(self, modules: Iterable[tuple[str, str]]) -> Mapping[str, Any]:
        here = self._root
        for name, _ in modules:
            call = as_dict(as_dict(here.get("module_calls")).get(name))
            here = as_dict(call.get("module"))
        return here

    def _referred(
        self, expression: Mapping[str, Any], modules: tuple[tuple[str, str], ...], argument: str, depth: int
    ) -> list[Value]:
        found: list[Value] = []
        if depth > _DEEPEST:
            return found
        seen: list[str] = []
        for reference in _listed(expression):
            # "a.b.id" is followed by "a.b": the less specific names of the same thing say nothing more.
            if any(one == reference or one.startswith((f"{reference}.", f"{reference}[")) for one in seen):
                continue
            seen.append(reference)
            for value in self._one(reference, modules, argument, depth):
                if value not in found:
                    found.append(value)
        return found

    def _one(
        self, reference: str, modules: tuple[tuple[str, str], ...], argument: str, depth: int
    ) -> list[Value]:
        tokens = _tokens(reference)
        if len(tokens) < 2:
            return []
        if tokens[0] in ("each", "count", "path", "terraform", "self", "local"):
            return [Unknown(reference, "it is a local value")] if tokens[0] == "local" else []
        if tokens[0] == "var":
            return self._of_variable(tokens[1], modules, argument, depth)
        if tokens[0] == "module":
            return self._of_module(tokens, modules, argument, depth)
        start = 1 if tokens[0] == "data" else 0
        if len(tokens) < start + 2:
            return []
        end = start + 2
        base = _prefix(modules) + ".".join(tokens[:end])
        if len(tokens) > end and tokens[end].startswith("["):
            base, end = base + tokens[end], end + 1
        target = self._instances.find(base, self._at.index)
        if target is None:
            return [Unknown(_prefix(modules) + reference, "it is known after apply")]
        path = tuple(token.strip("[]").strip('"') for token in tokens[end:])
        if not path:
            path = _meant(tokens[start], argument)
        return [Ref(target, path, _prefix(modules) + reference)]

    def _of_variable(
        self, name: str, modules: tuple[tuple[str, str], ...], argument: str, depth: int
    ) -> list[Value]:
        if not modules:
            value = self._root_variable(name)
            return [value] if isinstance(value, Unknown) else []
        above = modules[:-1]
        call = as_dict(as_dict(self._module(above).get("module_calls")).get(modules[-1][0]))
        expression = as_dict(as_dict(call.get("expressions")).get(name))
        return self._referred(expression, above, argument, depth + 1)

    def _of_module(
        self, tokens: list[str], modules: tuple[tuple[str, str], ...], argument: str, depth: int
    ) -> list[Value]:
        position = 2
        index = ""
        if len(tokens) > 2 and tokens[2].startswith("["):
            index, position = tokens[2], 3
        if len(tokens) <= position:
            return []
        below = (*modules, (tokens[1], index or self._same_index(modules, tokens[1])))
        output = as_dict(as_dict(self._module(below).get("outputs")).get(tokens[position]))
        return self._referred(as_dict(output.get("expression")), below, argument, depth + 1)

    def _same_index(self, modules: tuple[tuple[str, str], ...], name: str) -> str:
        """The index of a counted module that is named without one: that of the resource or module looked from."""
        call = as_dict(as_dict(self._module(modules).get("module_calls")).get(name))
        if "for_each_expression" not in call and "count_expression" not in call:
            return ""
        here = self._at.modules[len(modules) : len(modules) + 1]
        return (here[0][1] if here else "") or self._at.index


def _listed(expression: Mapping[str, Any]) -> list[str]:
    listed = expression.get("references")
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []


def _meant(kind: str, argument: str) -> tuple[str, ...]:
    """The attribute of a whole resource that an argument can only mean: an instance is chosen by ``each.key``."""
    if argument == "principal_id":
        return (
            ("principal_id",)
            if kind == "azurerm_user_assigned_identity"
            else ("identity", "0", "principal_id")
        )
    if argument == "scope" or argument.endswith(("_id", "_ids")):
        return ("id",)
    return ()
