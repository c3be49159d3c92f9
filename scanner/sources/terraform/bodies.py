"""The inside of blocks to objects: arguments, nested blocks as lists, and ``dynamic`` blocks."""

from __future__ import annotations

from collections.abc import Iterable

from scanner.sources.declared.values import Object, Property, Unknown, Value
from scanner.sources.terraform.expressions import Evaluator
from scanner.sources.terraform.functions_encoding import decode_json
from scanner.sources.terraform.repetition import MOST_COPIES
from scanner.sources.terraform.scope import Scope
from scanner.sources.terraform.symbolic import (
    MISSING,
    Blocks,
    Failed,
    Missing,
    OpenList,
    made,
    shorten,
    unknown,
    why,
)
from scanner.sources.terraform.syntax import Attribute, Block, Body, Call, Name

OF_RESOURCES = frozenset(
    {"count", "for_each", "provider", "depends_on", "lifecycle", "provisioner", "connection"}
)
"""What belongs to Terraform in a resource, not to the provider."""
OF_PROVIDERS = frozenset({"alias", "version"})
_JSON_BODIES = frozenset({"body", "sensitive_body"})
"""Arguments of azapi's resources that are an object, in older versions as JSON."""


_COST_OF_BLOCK = 10
"""Steps that a nested block counts for."""


def read_body(
    evaluator: Evaluator, body: Body, scope: Scope, *, apart: Iterable[str] = (), json_bodies: bool = False
) -> Object:
    """Return a block's arguments and nested blocks; an argument that is null is as if it were not written.

    ``apart`` are the names that are left out. An argument that has no value is unknown.
    """
    properties: dict[str, Property] = {}
    for attribute in body.attributes.values():
        name = attribute.name
        if name in apart:
            continue
        value = argument_value(evaluator, attribute, scope, json_body=json_bodies and name in _JSON_BODIES)
        if value is not None:
            properties[name] = (
                Property(value, attribute.start, attribute.end)
                if scope.placed and not attribute.overriding
                else Property(value)
            )
    groups: dict[str, list[Block]] = {}
    for block in body.blocks:
        name = block.labels[0] if block.type == "dynamic" and block.labels else block.type
        if name not in apart and name not in properties:
            groups.setdefault(name, []).append(block)
    for name, blocks in groups.items():
        value = nested_value(evaluator, name, blocks, scope)
        if value == []:
            continue
        first = blocks[0]
        placed = scope.placed and not first.overriding
        properties[name] = Property(value, first.start, first.head) if placed else Property(value)
    return Object(properties, body.broken)


def argument_value(
    evaluator: Evaluator, attribute: Attribute, scope: Scope, *, json_body: bool = False
) -> Value:
    """Return the value of an argument; unknown when its expression has none."""
    node = attribute.value
    if attribute.overriding and scope.placed:
        scope = Scope(scope.module, scope.names, scope.owner, False)
    if json_body and isinstance(node, Call) and node.name == "jsonencode" and len(node.arguments) == 1:
        node = node.arguments[0]
    try:
        value = evaluator.keep(evaluator.evaluate(node, scope))
        if json_body and isinstance(value, str):
            value = evaluator.keep(decode_json(value))
    except Failed as failed:
        return unknown(f"{scope.owner}.{attribute.name}", str(failed))
    return value


def nested_value(evaluator: Evaluator, name: str, blocks: list[Block], scope: Scope) -> Value:
    """Return nested blocks of one type: :class:`Blocks`, or unknown with options where a dynamic block is."""
    certain: list[Value] = []
    possible: list[Value] = []
    reason: Unknown | None = None
    for block in blocks:
        inner = Scope(scope.module, scope.names, scope.owner, False) if block.overriding else scope
        if block.type != "dynamic" or not block.labels:
            one = _nested(evaluator, block.body, inner)
            certain.append(one)
            possible.append(one)
            continue
        try:
            some, all_, doubt = _dynamic(evaluator, block, inner)
        except Failed as failed:
            some, all_, doubt = [], [], unknown(f"{scope.owner}.{name}", str(failed))
        certain.extend(some)
        possible.extend(all_)
        reason = reason or doubt
    if reason is None:
        return Blocks(certain)
    shown = shorten(f"{scope.owner}.{name} for each of {reason.shown}")
    options: tuple[Value, ...] = (Blocks(possible), Blocks(certain)) if len(possible) > len(certain) else ()
    return Unknown(shown, reason.why, reason.secret, options)


def _nested(evaluator: Evaluator, body: Body, scope: Scope) -> Object:
    evaluator.budget.spend(_COST_OF_BLOCK)
    evaluator.deeper(2)
    try:
        return read_body(evaluator, body, scope)
    finally:
        evaluator.depth -= 2


def _dynamic(
    evaluator: Evaluator, block: Block, scope: Scope
) -> tuple[list[Value], list[Value], Unknown | None]:
    """Return the blocks that are sure to be made, those that may be, and why there is a doubt when there is one."""
    each = block.body.attributes.get("for_each")
    content = next((inner for inner in block.body.blocks if inner.type == "content"), None)
    if each is None or content is None:
        raise Failed("a dynamic block has for_each and content")
    label = block.labels[0]
    iterator = block.body.attributes.get("iterator")
    name = iterator.value.name if iterator is not None and isinstance(iterator.value, Name) else label
    plain = Scope(scope.module, scope.names, scope.owner, False)
    collection = evaluator.force(evaluator.evaluate(each.value, plain))
    if isinstance(collection, Unknown) and collection.options:
        made_of = [
            [] if option is None else _contents(evaluator, content.body, option, name, scope)[0]
            for option in collection.options
        ]
        # Which of them it is cannot be known; the one with the most blocks shows all that may be there.
        return [], max(made_of, key=len), unknown(collection.shown, collection.why, secret=collection.secret)
    if collection is None:
        raise Failed("its for_each is null")
    contents, more = _contents(evaluator, content.body, collection, name, scope)
    if more:
        return [], contents, unknown(shorten(label), why(collection))
    return contents, contents, None


def _contents(
    evaluator: Evaluator, content: Body, collection: Value, name: str, scope: Scope
) -> tuple[list[Value], bool]:
    pairs, more = evaluator.pairs(collection)
    if len(pairs) > MOST_COPIES:
        raise Failed(f"it is made {len(pairs):,} times")
    out: list[Value] = []
    for key, item in pairs:
        # Of a set the key is the item, and what is not wholly known is taken for one.
        named = item if isinstance(collection, OpenList) else key
        inner = scope.within({name: made({"key": named, "value": item})})
        out.append(_nested(evaluator, content, inner))
    return out, more


def written_value(
    evaluator: Evaluator, body: Body, name: str, scope: Scope, json_bodies: bool
) -> Value | Missing:
    """Return one argument or the nested blocks of one type; ``MISSING`` when it is not written or null."""
    attribute = body.attributes.get(name)
    if attribute is not None:
        value = argument_value(evaluator, attribute, scope, json_body=json_bodies and name in _JSON_BODIES)
        return MISSING if value is None else value
    blocks = [
        block
        for block in body.blocks
        if block.type == name or (block.type == "dynamic" and block.labels[:1] == [name])
    ]
    if not blocks:
        return MISSING
    value = nested_value(evaluator, name, blocks, scope)
    return MISSING if value == [] else value
