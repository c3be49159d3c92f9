"""References: into resources, modules, lists and objects, and what they come to."""

from __future__ import annotations

from typing import Any

from scanner.sources.declared.values import KeyRead, Object, Property, Ref, Text, Unknown, Value
from scanner.sources.terraform.scope import MOST_DEPTH, Budget, Instance, ModuleHandle
from scanner.sources.terraform.symbolic import (
    MISSING,
    Blocks,
    Failed,
    Missing,
    OpenList,
    Partial,
    brief,
    each_option,
    parts,
    relisted,
    scalar_text,
    shorten,
    unknown,
    why,
)


class References:
    """Follows references. Values it is given may also be a :class:`ModuleHandle`; such never lie in others."""

    def __init__(self) -> None:
        self.budget = Budget()
        self.instances: dict[str, Instance] = {}
        """Every instance of a resource that was referred to or declared, by its address."""
        self.depth = 0

    def deeper(self, levels: int) -> None:
        """Count levels of evaluation; whoever calls takes them back from ``depth``."""
        if self.depth + levels > MOST_DEPTH:
            raise Failed("it depends on too many things in a row")
        self.depth += levels

    def attribute(self, value: Any, name: str) -> Any:
        """Return ``value.name``, or an item where the name is a number."""
        if name.isdigit():
            return self.index(value, int(name))
        if isinstance(value, Object):
            held = value.properties.get(name)
            if held is not None:
                return held.value
            if value.open:
                return unknown(shorten(f"{brief(value)}.{name}"), "its object is not wholly known")
            raise Failed(f"nothing is called {name} there")
        if isinstance(value, Ref):
            return Ref(value.target, (*value.path, name), f"{value.shown}.{name}")
        if isinstance(value, Unknown):
            shown = shorten(f"{value.shown}.{name}")
            options = each_option(value, lambda each: self.attribute(each, name)) if value.options else ()
            return unknown(shown, value.why, secret=value.secret, options=options)
        if isinstance(value, list) and len(value) == 1:
            # What older versions allowed for a resource with a count.
            return self.attribute(value[0], name)
        if isinstance(value, Text | KeyRead):
            return unknown(shorten(f"{brief(value)}.{name}"), why(value))
        if isinstance(value, str | int | float | list) or value is None:
            raise Failed(f"{brief(value) if value is None else 'a value of its kind'} has no {name}")
        return value.output(name)

    def index(self, value: Any, key: Value) -> Any:
        """Return ``value[key]``."""
        if isinstance(value, Unknown):
            shown = shorten(f"{value.shown}[{brief(key)}]")
            options = each_option(value, lambda each: self.index(each, key)) if value.options else ()
            return unknown(shown, value.why, secret=value.secret, options=options)
        if isinstance(value, Ref):
            if isinstance(key, str | int) and not isinstance(key, bool):
                return Ref(value.target, (*value.path, str(key)), f"{value.shown}[{key}]")
            return unknown(shorten(f"{value.shown}[{brief(key)}]"), why(key))
        if isinstance(value, Object):
            return self._property(value, key)
        if isinstance(value, list):
            return self._item(value, key)
        if isinstance(value, Text | KeyRead):
            return unknown(shorten(f"{brief(value)}[{brief(key)}]"), why(value))
        raise Failed("it has no items")

    def _property(self, value: Object, key: Value) -> Value:
        name = scalar_text(key)
        if name is None:
            for shown, written in value.names.items():
                if written == key:
                    return value.properties[shown].value
            shown = shorten(f"{brief(value)}[{brief(key)}]")
            return unknown(shown, why(key), options=[held.value for held in value.properties.values()])
        held = value.properties.get(name)
        if held is not None and name not in value.names:
            return held.value
        if value.names and len(value.properties) == 1:
            return next(iter(value.properties.values())).value
        if value.open:
            return unknown(shorten(f"{brief(value)}[{name}]"), "its object is not wholly known")
        raise Failed(f"nothing is called {name} there")

    def _item(self, value: list[Value], key: Value) -> Value:
        if isinstance(key, str) and key.isdigit() and len(key) < 10:
            key = int(key)
        if isinstance(value, OpenList) and len(value) == 1:
            return value[0]
        if isinstance(value, Partial) and isinstance(key, int) and 0 <= key < len(value):
            return value[key]
        if isinstance(key, int) and not isinstance(key, bool):
            if 0 <= key < len(value) and not isinstance(value, OpenList):
                return value[key]
            if isinstance(value, OpenList):
                return unknown(
                    shorten(f"{brief(value)}[{key}]"), "the list is not wholly known", options=value
                )
            raise Failed(f"there is no item {key}")
        if isinstance(key, Unknown | Ref | Text | KeyRead):
            return unknown(shorten(f"{brief(value)}[{brief(key)}]"), why(key), options=value)
        raise Failed("its items have numbers")

    def settle(self, value: Any) -> Any:
        """Return the value of the argument that a reference leads to when it is written; else the reference."""
        if type(value) is not Ref or not value.path or value.path[0] == "id" or value.path == ("name",):
            return value
        found = self._written(value)
        # Blocks have more attributes than are written, so they stay references.
        return value if found is None or isinstance(found, Missing | Blocks) else found

    def _written(self, ref: Ref) -> Value | Missing:
        instance = self.instances.get(ref.target)
        if instance is None:
            return MISSING
        found: Value | Missing = instance.argument(ref.path[0])
        in_blocks = isinstance(found, Blocks)
        for at, step in enumerate(ref.path[1:], 1):
            if isinstance(found, Blocks) and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
                if at == len(ref.path) - 1:
                    return MISSING
            elif isinstance(found, Object):
                held = found.properties.get(step)
                if held is None:
                    return MISSING
                found = held.value
            elif isinstance(found, list) and not isinstance(found, OpenList) and step.isdigit():
                if int(step) >= len(found):
                    return MISSING
                found = found[int(step)]
            elif isinstance(found, Ref) and not in_blocks:
                found = Ref(found.target, (*found.path, step), f"{found.shown}.{step}")
            else:
                return MISSING
        return found

    def force(self, value: Any) -> Value:
        """Return what a value is where not the reference counts but what it says: names as written, blocks as lists."""
        if isinstance(value, Ref):
            if value.path == ("name",):
                found = self._written(value)
                return value if isinstance(found, Missing) or found is None else found
            return self.expand(value)
        if isinstance(value, list) and any(isinstance(item, Ref) for item in value):
            return relisted(value, [self.force(item) for item in value])
        if isinstance(value, str | int | float | list | Object | Unknown | Text | KeyRead) or value is None:
            return value
        return self.expand(value)

    def expand(self, value: Any) -> Value:
        """Return the blocks that a reference leads to as a list, a module as its outputs."""
        if isinstance(value, Ref):
            if value.path:
                found = self._written(value)
                if isinstance(found, Unknown) and any(isinstance(option, Blocks) for option in found.options):
                    first = Ref(value.target, (*value.path, "0"), f"{value.shown}[0]")
                    return OpenList([first])
                if isinstance(found, Blocks):
                    return [
                        Ref(value.target, (*value.path, str(at)), f"{value.shown}[{at}]")
                        for at in range(len(found))
                    ]
            return value
        if isinstance(value, str | int | float | list | Object | Unknown | Text | KeyRead) or value is None:
            return value
        return self._outputs(value)

    def _outputs(self, handle: ModuleHandle) -> Object:
        self.deeper(2)
        try:
            return Object({name: Property(handle.output(name)) for name in handle.output_names()})
        finally:
            self.depth -= 2

    def finished(self, value: Any) -> Value:
        """Return a value that can be kept in a collection."""
        if (
            isinstance(value, str | int | float | list | Object | Ref | Unknown | Text | KeyRead)
            or value is None
        ):
            return value
        return self._outputs(value)

    def keep(self, value: Any) -> Value:
        """Return a value that can be kept: not too large, and with the outputs of modules in place of modules.

        Raises :class:`Failed` when it is too large.
        """
        if isinstance(value, str | int | Ref) or value is None:
            return value
        count, modules = parts(value)
        self.budget.spend(count)
        return self._closed(value) if modules else value

    def _closed(self, value: Any) -> Value:
        if isinstance(value, list):
            return relisted(value, [self._closed(item) for item in value])
        if isinstance(value, Object):
            closed = {
                name: Property(self._closed(held.value), held.start, held.end)
                for name, held in value.properties.items()
            }
            return Object(closed, value.open, value.names)
        return self.finished(value)
