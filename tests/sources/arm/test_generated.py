"""Templates in a compiled file: the same as the other reader gives but for places, and read when they are entered."""

import json
from typing import Any

import pytest

from scanner.sources.arm import generated
from scanner.sources.arm.generated import MOST_BYTES, MOST_DEPTH, GeneratedTemplates
from scanner.sources.arm.read import read_template
from scanner.sources.declared.values import NOT_WRITTEN
from scanner.sources.template.model import Array, Broken, Constant, Loop, ObjectLiteral, Template, Unread
from scanner.sources.template.spelling import spelled
from tests.sources.template.evaluating import DEPLOYMENTS, inner, resource

NAME = "main.json#app"


def deployment(template: Any, **more: Any) -> dict[str, Any]:
    return {
        **resource(DEPLOYMENTS, "[format('{0}-x', parameters('a'))]"),
        "properties": {"template": template, **more},
    }


def encoded(**parts: Any) -> bytes:
    return json.dumps(inner(**parts)).encode()


def read(data: bytes) -> Template:
    template = GeneratedTemplates().read(NAME, data)
    assert template is not None
    return template


def spelling(of: Any) -> Any:
    """What an expression says, without its place."""
    if isinstance(of, ObjectLiteral):
        return {
            entry.name if isinstance(entry.name, str) else spelled(entry.name): spelling(entry.value)
            for entry in of.entries
        }
    if isinstance(of, Array):
        return [spelling(item) for item in of.items]
    if isinstance(of, Loop):
        return ("for", of.name, spelling(of.collection), spelling(of.body))
    if isinstance(of, Unread):
        return {}
    return (type(of).__name__, of.value) if isinstance(of, Constant) else spelled(of)


WHOLE = encoded(
    languageVersion="2.0",
    metadata={"_generator": {"name": "bicep"}, "description": "[not an expression"},
    definitions={
        "token": {"type": "securestring", "metadata": {"description": "[nor this"}},
        "more": {"$ref": "#/definitions/token", "nullable": True},
    },
    parameters={
        "a": {"type": "string", "allowedValues": ["x", "y"], "metadata": {"description": "'"}},
        "b": {"$ref": "#/definitions/more"},
        "c": {
            "type": "object",
            "defaultValue": {"d": [1, 1.5, True, None, "[createArray(1)]"], "[[e": "[[f]"},
        },
    },
    variables={
        "copy": [{"name": "v", "count": 2, "input": "[copyIndex('v')]"}],
        "w": {"[parameters('a')]": 1},
    },
    functions=[
        {
            "namespace": "n",
            "members": {"f": {"parameters": [{"name": "p"}], "output": {"value": "[parameters('p')]"}}},
        }
    ],
    resources={
        "one": {
            **resource("A.B/c", "[concat('a \"quoted\" name', '\\', parameters('a'))]"),
            "condition": "[equals(parameters('a'), 'x')]",
            "copy": {"name": "many", "count": "[length(parameters('c').d)]"},
            "properties": {"copy": [{"name": "x", "count": 3, "input": "[copyIndex('x')]"}]},
            "resources": [resource("d", "child")],
        },
        "two": {**resource("A.B/c", "known"), "existing": True},
        "app": deployment(inner(resources=[resource("E.F/g", "inside")]), mode="Incremental"),
    },
    outputs={
        "o": {"type": "string", "value": "[reference('one').x]", "metadata": {"description": "["}},
        "p": {"type": "array", "copy": {"count": 2, "input": "[copyIndex()]"}},
        "q": {"$ref": "#/definitions/token", "value": "x", "condition": False},
    },
)


def test_it_says_what_the_reader_with_places_says() -> None:
    found, wanted = read(WHOLE), read_template(NAME, WHOLE)
    assert wanted is not None
    assert found.gaps == wanted.gaps == []
    assert (found.placed, wanted.placed) == (False, True)
    assert (found.target_scope, found.generated_from_bicep) == (
        wanted.target_scope,
        wanted.generated_from_bicep,
    )
    for one, other in zip(found.parameters.values(), wanted.parameters.values(), strict=True):
        assert (one.name, one.type, one.secure, one.nullable) == (
            other.name,
            other.type,
            other.secure,
            other.nullable,
        )
        assert spelling(Array(one.allowed, 0, 0)) == spelling(Array(other.allowed, 0, 0))
        assert (one.default is None) == (other.default is None)
    assert spelling(found.parameters["c"].default) == spelling(wanted.parameters["c"].default)
    assert found.parameters["b"].secure
    assert {name: spelling(each.value) for name, each in found.variables.items()} == {
        name: spelling(each.value) for name, each in wanted.variables.items()
    }
    assert [(each.name, spelling(each.body)) for each in found.functions.values()] == [
        (each.name, spelling(each.body)) for each in wanted.functions.values()
    ]
    for mine, theirs in zip(found.resources, wanted.resources, strict=True):
        assert (mine.symbol, mine.type, mine.written) == (theirs.symbol, theirs.type, theirs.written)
        assert (mine.existing, spelling(mine.body)) == (theirs.existing, spelling(theirs.body))
        assert [each.written for each in mine.nested] == [each.written for each in theirs.nested]
    for output, like in zip(found.outputs.values(), wanted.outputs.values(), strict=True):
        assert (output.name, output.secure, spelling(output.value)) == (
            like.name,
            like.secure,
            spelling(like.value),
        )
    assert [each.written for each in found.modules] == [each.written for each in wanted.modules]
    inside = found.modules[0].template()
    assert inside is not None
    assert [each.written for each in inside.resources] == ["inside"]


def test_nothing_in_it_has_a_place() -> None:
    one = read(WHOLE).resources[0]
    assert (one.start, one.end, one.whole_start, one.whole_end) == (NOT_WRITTEN,) * 4


def test_a_template_inside_is_read_when_it_is_asked_for() -> None:
    deep: Any = 1
    for _ in range(MOST_DEPTH + 2):
        deep = [deep]
    outer = read(
        encoded(
            resources=[deployment(inner(variables={"x": deep}, resources=[])), deployment({"resources": []})]
        )
    )
    assert outer.gaps == []
    assert all(isinstance(module.inline, Unread) for module in outer.modules)
    assert outer.modules[0].template() is None
    fine = outer.modules[1].template()
    assert fine is not None
    assert outer.modules[1].template() is fine


def test_the_same_text_is_read_once_wherever_it_stands() -> None:
    part = inner(resources=[resource("A.B/c", "x")])
    templates = GeneratedTemplates()
    outer = templates.read("a.json#x", encoded(resources=[deployment(part)]))
    assert outer is not None
    assert templates.read("a.json#x", b"never looked at again") is outer
    assert templates.read("b.json#y", json.dumps(part).encode()) is outer.modules[0].template()


def test_what_names_files_beside_it_is_read_where_it_stands() -> None:
    linked = {**resource(DEPLOYMENTS, "x"), "properties": {"templateLink": {"relativePath": "b.json"}}}
    data = encoded(resources=[linked])
    templates = GeneratedTemplates()
    found = [templates.read(name, data) for name in ("a/main.json#x", "b/main.json#x")]
    assert [each.uri for each in found if each is not None] == ["a/main.json#x", "b/main.json#x"]


def test_no_more_is_kept_than_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generated, "KEPT_BYTES", 300)
    templates = GeneratedTemplates()
    first = templates.read("first", encoded(variables={"x": "a" * 200}, resources=[]))
    templates.read("second", encoded(variables={"x": "b" * 200}, resources=[]))
    again = templates.read("first", encoded(variables={"x": "a" * 200}, resources=[]))
    assert first == again
    assert first is not again


def test_an_expression_that_does_not_parse_is_a_gap() -> None:
    template = read(encoded(variables={"x": "[concat(]"}, resources=[]))
    assert isinstance(template.variables["x"].value, Broken)
    assert [gap.reason for gap in template.gaps] == ["malformed"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"resources": [1]}',
        b'{"resources": [{"type": "A.B/c", "name": "\xff"}]}',
        b'{"variables": ' + b"[" * 100_000,
        b'{"variables": {"x": ' + b"[" * 101 + b"]" * 101 + b'}, "resources": []}',
        b'{"resources": [], "x": "' + b"x" * MOST_BYTES + b'"}',
    ],
    ids=["empty", "no object", "no resource", "no text", "deep and broken", "deep", "large"],
)
def test_what_cannot_be_read_is_none(data: bytes) -> None:
    assert GeneratedTemplates().read(NAME, data) is None
