"""Parameter files."""

from __future__ import annotations

import pytest

from scanner.sources.bicep.read import read_parameter_file
from tests.sources.bicep.spelling import spell

FILE = """using '../main.bicep'
extends 'shared.bicepparam'

import { names as all } from 'names.bicep'

var prefix = 'x'

@description('The name.')
param name = '${prefix}-app'
param sku = {
  name: readEnvironmentVariable('SKU', 'S1')
}
param secret = az.getSecret('sub', 'rg', 'vault', 'name')
param zones = [
  1
  2
]
param copy = name
type unused = string
extension kubernetes as k8s
extensionConfig k8s with {
  namespace: 'default'
}
"""


def test_a_parameter_file() -> None:
    data = FILE.encode()
    file = read_parameter_file("env/prod.bicepparam", data)
    assert file.gaps == []
    assert (file.uri, file.using, file.extends) == (
        "env/prod.bicepparam",
        "../main.bicep",
        "shared.bicepparam",
    )
    assert {name: spell(value) for name, value in file.values.items()} == {
        "name": "<prefix|'-app'>",
        "sku": "{name: readEnvironmentVariable('SKU', 'S1')}",
        "secret": "az.getSecret('sub', 'rg', 'vault', 'name')",
        "zones": "[1, 2]",
        "copy": "name",
    }
    assert spell(file.variables["prefix"].value) == "'x'"
    assert [(found.path, found.names) for found in file.imports] == [("names.bicep", [("names", "all")])]
    secret = file.values["secret"]
    assert data[secret.start : secret.end] == b"az.getSecret('sub', 'rg', 'vault', 'name')"


@pytest.mark.parametrize(
    ("text", "using"),
    [
        ("using none", None),
        ("using 'br/public:avm/res/web/site:0.3.1'", "br/public:avm/res/web/site:0.3.1"),
        ("using 'main.bicep' with {\n  mode: 'stack'\n  scope: '/subscriptions/x'\n}", "main.bicep"),
        ("param a = 1", None),
    ],
)
def test_what_a_parameter_file_is_for(text: str, using: str | None) -> None:
    file = read_parameter_file("a.bicepparam", text.encode())
    assert (file.using, file.extends, file.gaps) == (using, None, [])


def test_mistakes_leave_the_other_values() -> None:
    text = "using 'main.bicep'\nparam a = {\n  b: 1\n  c:\n}\nparam d =\nparam e = 5\nresource f 'x' = {}\nparam g = 7"
    file = read_parameter_file("a.bicepparam", text.encode())
    assert {name: spell(value) for name, value in file.values.items()} == {
        "a": "{b: 1, c: BROKEN }",
        "d": "BROKEN ",
        "e": "5",
        "g": "7",
    }
    assert [text[: gap.place.start].count("\n") + 1 for gap in file.gaps] == [4, 6, 8]
    assert [gap.detail for gap in file.gaps] == [
        "Expected a value, found the end of the line.",
        "Expected a value, found the end of the line.",
        "Expected a declaration, found the name resource.",
    ]
    assert {gap.reason for gap in file.gaps} == {"malformed"}
