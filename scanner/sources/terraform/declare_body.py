"""The body of a declaration in ARM's words, made of Terraform's arguments by a section of the catalogue's table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

from scanner.catalog.terraform import CHANGING_DEFAULT, NO_DEFAULT
from scanner.sources.declared.values import (
    NOT_WRITTEN,
    KeyRead,
    Object,
    Property,
    Ref,
    Text,
    Unknown,
    Value,
    show,
)
from scanner.sources.terraform.declare_conversions import convert, not_known

if TYPE_CHECKING:
    from scanner.catalog.terraform import Argument, Only, Section, Step
    from scanner.sources.terraform.declare_references import World
    from scanner.sources.terraform.model import TerraformObject

_Index: TypeAlias = tuple[object, ...]
_SAME_EVERYWHERE = ("location", "tags", "zones")
_IDENTITY_IDS = ("identity_ids", "user_assigned_identity_ids", "user_assigned_identity_id")


class _Node:
    """An object, a list or a map of the body while it is made; a leaf is a Property."""

    def __init__(self) -> None:
        self.held: dict[object, _Node | Property] = {}
        self.is_list = False

    def finish(self) -> Value:
        made = {
            key: held if isinstance(held, Property) else held.property() for key, held in self.held.items()
        }
        if self.is_list:
            return [held.value for held in made.values()]
        return Object({str(key): held for key, held in made.items()})

    def property(self) -> Property:
        """The node as a property: its place is the first written thing in it."""
        value = self.finish()
        for held in self.held.values():
            inner = held if isinstance(held, Property) else held.property() if self.is_list else held
            if isinstance(inner, Property) and inner.written:
                return Property(value, inner.start, inner.end) if self.is_list else Property(value)
        return Property(value)


def body_of(item: TerraformObject, described: Section, world: World) -> Object:
    """Return the ARM body of a resource or data source, with the places of the arguments in its file."""
    root = _Node()
    for name in _SAME_EVERYWHERE:
        held = item.body.properties.get(name)
        if held is not None and held.value is not None and name != described.name:
            _put(root, (name,), Property(world.translate(held.value), held.start, held.end))
    identity = identity_of(item, world)
    if identity is not None:
        _put(root, ("identity",), identity)
    fill(root, item, described.arguments, world)
    made = root.finish()
    if not isinstance(made, Object):
        raise TypeError("the root of a body is an object")
    return Object(made.properties, open=item.body.open, names=made.names)


def child_body(item: TerraformObject, arguments: tuple[Argument, ...], world: World) -> Object | None:
    """Return the body of a child that the provider makes of some arguments; None when there is none."""
    root = _Node()
    fill(root, item, arguments, world)
    made = root.finish()
    return made if isinstance(made, Object) and made.properties else None


def identity_of(item: TerraformObject, world: World) -> Property | None:
    """Return the ARM `identity` that an `identity` block means: its kind and an object whose names are ids."""
    held = item.body.properties.get("identity")
    if held is None or held.value is None or (isinstance(held.value, list) and not held.value):
        return None
    block = held.value[0] if isinstance(held.value, list) else held.value
    if not isinstance(block, Object):
        return Property(not_known(world.translate(held.value)), held.start, held.end)
    properties: dict[str, Property] = {}
    kind = block.properties.get("type")
    if kind is not None and kind.value is not None:
        properties["type"] = Property(world.translate(kind.value), kind.start, kind.end)
    ids = next((block.properties[name] for name in _IDENTITY_IDS if name in block.properties), None)
    if ids is not None and ids.value is not None and not (isinstance(ids.value, list) and not ids.value):
        properties["userAssignedIdentities"] = Property(
            _by_name(world.translate(ids.value), ids), ids.start, ids.end
        )
    return Property(Object(properties, open=block.open), held.start, held.end)


def _by_name(ids: Value, written: Property) -> Value:
    if isinstance(ids, str | Ref) and not (isinstance(ids, Ref) and ids.path != ("id",)):
        ids = [ids]
    if not isinstance(ids, list):
        return not_known(ids)
    properties: dict[str, Property] = {}
    names: dict[str, Value] = {}
    for one in ids:
        if one is None:
            continue
        key = show(one)
        properties[key] = Property(Object({}), written.start, written.end)
        if not isinstance(one, str):
            names[key] = one
    return Object(properties, names=names)


def fill(root: _Node, item: TerraformObject, arguments: tuple[Argument, ...], world: World) -> None:
    """Put what arguments say into a body: first all that is given, then defaults where nothing is."""
    for argument in arguments:
        for held, index, block in _matches(item.body, argument.source, ()):
            if block is None and held is not None and held.value is not None:
                value = convert(world.translate(held.value), argument)
                _place(root, argument, index, Property(value, held.start, held.end))
            elif block is not None:
                _place(
                    root,
                    argument,
                    index,
                    Property(not_known(world.translate(block.value)), block.start, block.end),
                )
    if item.mode != "managed":
        return
    for argument in arguments:
        if argument.default == NO_DEFAULT:
            continue
        if not argument.source:
            _default(root, argument, ())
            continue
        for held, index, block in _matches(item.body, argument.source, ()):
            if block is None and (held is None or held.value is None):
                _default(root, argument, index)


def _default(root: _Node, argument: Argument, index: _Index) -> None:
    path = _path(argument.target, index)
    if argument.default == CHANGING_DEFAULT:
        name = ".".join(step.name for step in argument.source)
        why = "it is not given, and its default differs between versions of the provider"
        value: Value = Unknown(name, why)
    else:
        value = convert(_plain(argument.default), argument)
    if not _has(root, path):
        _put(root, path, Property(value))


def _plain(default: str | int | float | bool | list[str] | None) -> Value:
    return list(default) if isinstance(default, list) else default


def _matches(
    value: Value, steps: tuple[Step, ...], index: _Index
) -> Iterator[tuple[Property | None, _Index, Property | None]]:
    """Yield what a path of arguments leads to: property or None, the positions passed, what stopped it if unknown.

    Nothing is yielded where a block on the way is not given; None where the block is there and the argument is not.
    """
    if not steps or not isinstance(value, Object):
        return
    step, rest = steps[0], steps[1:]
    held = value.properties.get(step.name)
    if held is None and value.open:
        held = Property(Unknown(step.name, "its block is not wholly known"))
    if not rest and not step.lists:
        yield held, index, None
        return
    if held is None or held.value is None:
        return
    inner = held.value
    if isinstance(inner, Unknown | Ref | Text | KeyRead):
        yield None, index, held
        return
    blocks = inner if isinstance(inner, list) else [inner]
    for number, block in enumerate(blocks if step.lists else blocks[:1]):
        if step.only is not None and not _is_meant(block, step.only):
            continue
        here = (*index, (step.name, number)) if step.lists else index
        if not rest:
            yield Property(block, held.start, held.end), here, None
        elif isinstance(block, Object):
            yield from _matches(block, rest, here)
        elif isinstance(block, Unknown | Ref | Text | KeyRead):
            yield None, here, Property(block, held.start, held.end)


def _is_meant(block: Value, only: Only) -> bool:
    told = block.properties.get(only.argument) if isinstance(block, Object) else None
    if told is not None and isinstance(told.value, str):
        return told.value.lower() == only.word
    return only.or_unknown


def _path(target: tuple[Step, ...], index: _Index) -> tuple[object, ...]:
    """The path in the body, list positions filled in; it ends at the first list whose position is not known."""
    path: list[object] = []
    left = list(index)
    for step in target:
        path.append(step.name)
        if step.index is not None:
            path.append(("#", step.index))
        elif step.lists or step.keyed:
            wanted = max(step.lists, 1)
            if len(left) < wanted:
                return tuple(path)
            position, left = tuple(left[:wanted]), left[wanted:]
            path.append(str(len(path)) + repr(position) if step.keyed else ("#", *position))
    return tuple(path)


def _place(root: _Node, argument: Argument, index: _Index, held: Property) -> None:
    path = _path(argument.target, index)
    if argument.form.startswith("setting "):
        setting = Object({"name": Property(argument.form.split(" ", 1)[1]), "value": held})
        _append(root, path, [setting], held)
    elif argument.form.endswith("pairs"):
        _append(root, path, held.value, held)
    else:
        _put(root, path, held)


def _put(root: _Node, path: tuple[object, ...], held: Property) -> None:
    node = root
    for position, step in enumerate(path[:-1]):
        inner = node.held.get(step)
        if isinstance(inner, Property):
            # What is known of the whole stands: an unknown block tells more than the parts of another one.
            return
        if inner is None:
            inner = _Node()
            inner.is_list = isinstance(path[position + 1], tuple)
            node.held[step] = inner
        node = inner
    if not isinstance(node.held.get(path[-1]), _Node):
        node.held[path[-1]] = held


def _append(root: _Node, path: tuple[object, ...], more: Value, held: Property) -> None:
    before = _leaf(root, path)
    if before is None:
        _put(root, path, Property(more, held.start, held.end))
        return
    first = before.value if isinstance(before.value, list) else [before.value]
    second = more if isinstance(more, list) else [more]
    node = root
    for step in path[:-1]:
        inner = node.held[step]
        if isinstance(inner, Property):
            return
        node = inner
    node.held[path[-1]] = Property([*first, *second], before.start, before.end)


def _leaf(root: _Node, path: tuple[object, ...]) -> Property | None:
    node: _Node | Property | None = root
    for step in path:
        if not isinstance(node, _Node):
            return None
        node = node.held.get(step)
    return node if isinstance(node, Property) else None


def _has(root: _Node, path: tuple[object, ...]) -> bool:
    node: _Node | Property | None = root
    for step in path:
        if isinstance(node, Property):
            return True
        node = node.held.get(step) if node is not None else None
    return node is not None


def without_places(value: Object) -> Object:
    """Return a body that has no places: what another file's declaration adds."""
    return Object(
        {
            name: Property(_bare(held.value), NOT_WRITTEN, NOT_WRITTEN)
            for name, held in value.properties.items()
        },
        open=value.open,
        names=value.names,
    )


def _bare(value: Value) -> Value:
    if isinstance(value, Object):
        return without_places(value)
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return value


def united(first: Object, second: Object) -> Object:
    """Return one body of two: objects are united, lists joined, and where both give a value the second counts."""
    properties = dict(first.properties)
    spelling = {name.lower(): name for name in properties}
    for name, held in second.properties.items():
        key = spelling.get(name.lower(), name)
        before = properties.get(key)
        if before is None:
            properties[key] = held
        elif isinstance(before.value, Object) and isinstance(held.value, Object):
            properties[key] = Property(united(before.value, held.value), before.start, before.end)
        elif isinstance(before.value, list) and isinstance(held.value, list):
            properties[key] = Property([*before.value, *held.value], before.start, before.end)
        else:
            properties[key] = held
    return Object(properties, open=first.open or second.open, names={**first.names, **second.names})
