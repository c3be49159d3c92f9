"""Properties of objects in code, and edits of them that leave everything else as it is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.engine.code_literal import Plain, literal
from scanner.engine.code_object import CodeObject
from scanner.engine.code_text import CodeText, Language, Span, enclosing, take_apart
from scanner.engine.object_edits import ObjectEdits

BICEP = """resource a 'x/y@2024-01-01' = if (on) {
  name: 'a'
  // properties: {
  sku: { name: 'S1', tier: on ? 'a' : 'b' }
  properties: {
    local: true // kept
    expression: on
    text: 'x ${on}'
    list: [
      'a'
    ]
  }
  resource child 'z' = {
    name: 'c'
  }
}
"""
HCL = """resource "azurerm_x" "y" {
  name                = "a${b}"
  resource_group_name = azurerm_rg.y.name # {
  audience            = ["a",
    "b"]

  identity {
    type = "SystemAssigned"
  }
}
"""
JSON = """{ "resources": [ {
      "type": "x/y",
      "name": "[variables('n')]", // "other": 1
      "properties": {
        "local": false,
        "expression": "[parameters('x')]"
      }
    } ] }
"""


def body_after(code: CodeText, offset: int) -> Span | None:
    """Return the first braces that open at an offset or later."""
    braces = (span for span in code.brackets if span.start >= offset and code.text[span.start] == "{")
    return min(braces, key=lambda span: span.start, default=None)


def opened(text: str, language: Language, head: str) -> CodeObject:
    code = take_apart(text, language)
    at = text.index(head)
    body = enclosing(code, at) if language == "json" else body_after(code, at + len(head))
    assert body is not None
    return CodeObject(code, language, body, is_block=language == "hcl")


def edited(text: str, language: Language, head: str, path: str, value: Plain) -> str | None:
    edits = ObjectEdits()
    if not edits.set(opened(text, language, head), path.split("."), value):
        return None
    return applied(text, edits)


def applied(text: str, edits: ObjectEdits) -> str | None:
    made = edits.text_edits()
    if not made:
        return None
    for edit in reversed(made):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def test_the_properties_of_each_language() -> None:
    bicep = opened(BICEP, "bicep", "@2024-01-01'")
    assert [entry.name for entry in bicep.entries] == ["name", "sku", "properties"]
    sku = bicep.get("SKU")
    assert sku is not None
    assert bicep.text(sku) == "{ name: 'S1', tier: on ? 'a' : 'b' }"
    inner = bicep.inner(sku)
    assert inner is not None
    assert [(entry.name, inner.text(entry)) for entry in inner.entries] == [
        ("name", "'S1'"),
        ("tier", "on ? 'a' : 'b'"),
    ]
    hcl = opened(HCL, "hcl", '"y"')
    assert [(entry.name, entry.is_block) for entry in hcl.entries] == [
        ("name", False),
        ("resource_group_name", False),
        ("audience", False),
        ("identity", True),
    ]
    json = opened(JSON, "json", "x/y")
    assert [(entry.name, json.text(entry)) for entry in json.entries][:2] == [
        ("type", '"x/y"'),
        ("name", "\"[variables('n')]\""),
    ]


@pytest.mark.parametrize(
    ("text", "language", "head", "path", "value", "old", "new"),
    [
        (BICEP, "bicep", "01-01'", "properties.local", False, "local: true //", "local: false //"),
        (BICEP, "bicep", "01-01'", "properties.list", ("b",), "[\n      'a'\n    ]", "['b']"),
        (HCL, "hcl", '"y"', "audience", ("api://x",), '["a",\n    "b"]', '["api://x"]'),
        (HCL, "hcl", '"y"', "identity.type", "None", '"SystemAssigned"', '"None"'),
        (JSON, "json", "x/y", "properties.local", True, '"local": false,', '"local": true,'),
    ],
)
def test_a_plain_value_is_replaced(
    text: str, language: Language, head: str, path: str, value: Plain, old: str, new: str
) -> None:
    assert text.count(old) == 1
    assert edited(text, language, head, path, value) == text.replace(old, new)


@pytest.mark.parametrize(
    ("text", "language", "head", "path", "value", "after", "new"),
    [
        (BICEP, "bicep", "01-01'", "properties.extra", 1, "      'a'\n    ]", "\n    extra: 1"),
        (
            BICEP,
            "bicep",
            "01-01'",
            "identity.type",
            "None",
            "      'a'\n    ]\n  }",
            "\n  identity: {\n    type: 'None'\n  }",
        ),
        (BICEP, "bicep", "01-01'", "sku.extra", True, "on ? 'a' : 'b'", ", extra: true"),
        (BICEP, "bicep", "01-01'", "sku.a.b", 1, "on ? 'a' : 'b'", ", a: { b: 1 }"),
        (HCL, "hcl", '"y"', "enabled", False, '    "b"]', "\n  enabled             = false"),
        (JSON, "json", "x/y", "properties.extra", "[x", "('x')]\"", ',\n        "extra": "[[x"'),
        (
            JSON,
            "json",
            "x/y",
            "a.b",
            True,
            "('x')]\"\n      }",
            ',\n      "a": {\n        "b": true\n      }',
        ),
    ],
)
def test_what_is_not_written_is_added_after_its_neighbours(
    text: str, language: Language, head: str, path: str, value: Plain, after: str, new: str
) -> None:
    assert text.count(after) == 1
    assert edited(text, language, head, path, value) == text.replace(after, after + new)


def test_into_an_empty_object() -> None:
    assert edited("resource a 'b' = {\n}\n", "bicep", "'b'", "tags.x", "y") == (
        "resource a 'b' = {\n  tags: {\n    x: 'y'\n  }\n}\n"
    )
    text = 'r "a" "b" { # why\n\n  block {\n  }\n}\n'
    assert edited(text, "hcl", '"b"', "on", True) == text.replace("# why\n", "# why\n  on = true\n")


def test_the_line_ends_of_the_file_are_kept() -> None:
    text = JSON.replace("\n", "\r\n")
    changed = edited(text, "json", "x/y", "properties.extra", 1)
    assert changed == edited(JSON, "json", "x/y", "properties.extra", 1).replace("\n", "\r\n")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "language", "head", "path", "value"),
    [
        (BICEP, "bicep", "01-01'", "properties.expression", False),
        (BICEP, "bicep", "01-01'", "properties.text", "y"),
        (BICEP, "bicep", "01-01'", "properties.local", True),
        (BICEP, "bicep", "01-01'", "name.inner", True),
        (HCL, "hcl", '"y"', "name", "b"),
        (HCL, "hcl", '"y"', "resource_group_name", "b"),
        (JSON, "json", "x/y", "properties.expression", True),
    ],
)
def test_an_expression_or_a_value_that_is_right_is_left_alone(
    text: str, language: Language, head: str, path: str, value: Plain
) -> None:
    assert edited(text, language, head, path, value) is None


@pytest.mark.parametrize(
    ("value", "language", "written"),
    [
        (True, "hcl", "true"),
        (7, "json", "7"),
        ("a'b ${c} \\", "bicep", r"'a\'b \${c} \\'"),
        ('a"b ${c} %{d}', "hcl", r'"a\"b $${c} %%{d}"'),
        ("[a]", "json", '"[[a]"'),
        (("a", "b"), "bicep", "['a', 'b']"),
    ],
)
def test_a_value_is_written_as_the_language_wants_it(value: Plain, language: Language, written: str) -> None:
    assert literal(value, language) == written


_LINES = st.sampled_from(
    [
        "a = 1",
        "a: 1",
        '"a": 1,',
        "b {",
        "b: {",
        '"b": {',
        "}",
        "},",
        "]",
        "c = [",
        "'x'",
        '"${',
        "// c",
        "/*",
        "<<E",
    ]
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(_LINES, max_size=25),
    st.sampled_from(["hcl", "bicep", "json"]),
    st.sampled_from(["a", "b.a", "z"]),
)
def test_an_edit_of_anything_leaves_what_is_around_it(
    lines: list[str], language: Language, path: str
) -> None:
    text = "r {\n" + "\n".join(lines) + "\n}\n"
    code = take_apart(text, language)
    body = body_after(code, 0)
    if body is not None:
        edits = ObjectEdits()
        if edits.set(CodeObject(code, language, body), path.split("."), False):
            for edit in edits.text_edits() or ():
                assert body.start < edit.start <= edit.end < body.end
