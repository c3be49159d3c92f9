"""Statements of Bicep files: what each of them declares, and where."""

from __future__ import annotations

import pytest

from scanner.sources.bicep.read import read_template
from scanner.sources.template.model import (
    Constant,
    Import,
    Loop,
    Module,
    Name,
    ObjectLiteral,
    Parameter,
    Resource,
    Template,
)
from tests.sources.bicep.spelling import read, spell


def names(body: object) -> list[str]:
    assert isinstance(body, ObjectLiteral)
    return [entry.name if isinstance(entry.name, str) else spell(entry.name) for entry in body.entries]


def head(text: str, of: Resource | Module) -> str:
    return text.encode()[of.start : of.end].decode()


def whole(text: str, of: Resource | Module) -> str:
    return text.encode()[of.whole_start : of.whole_end].decode()


# ---- resources

SITE = """// über
@description('The app.')
@onlyIfNotExists()
resource app 'Microsoft.Web/sites@2023-12-01' = {
  name: 'app'
  identity: {
    type: 'SystemAssigned'
  }
} // behind
"""


def test_a_resource() -> None:
    [app] = read(SITE).resources
    assert (app.symbol, app.type, app.api_version, app.existing) == (
        "app",
        "Microsoft.Web/sites",
        "2023-12-01",
        False,
    )
    assert head(SITE, app) == "resource app 'Microsoft.Web/sites@2023-12-01' ="
    assert whole(SITE, app).startswith("@description('The app.')\n@onlyIfNotExists()\nresource app")
    assert whole(SITE, app).endswith("  }\n}")
    assert spell(app.body) == "{name: 'app', identity: {type: 'SystemAssigned'}}"
    assert (app.condition, app.nested) == (None, [])


def test_an_existing_resource() -> None:
    text = "resource kv 'Microsoft.KeyVault/vaults@2023-07-01' existing = {\n  name: 'kv'\n  scope: rg\n}"
    [vault] = read(text).resources
    assert vault.existing
    assert head(text, vault) == "resource kv 'Microsoft.KeyVault/vaults@2023-07-01' existing ="
    assert whole(text, vault) == text


@pytest.mark.parametrize("between", [" ", "\n  ", " // why\n"])
def test_a_conditional_resource(between: str) -> None:
    text = f"resource a 'M.X/y@1' ={between}if (on && !(off)) {{\n  name: 'a'\n}}\n"
    [resource] = read(text).resources
    assert spell(resource.condition) == "(on && (!off))"
    assert spell(resource.body) == "{name: 'a'}"
    assert head(text, resource) == f"resource a 'M.X/y@1' ={between}if (on && !(off))"
    assert whole(text, resource) == text.rstrip()


def test_a_looped_resource() -> None:
    text = "resource a 'M.X/y@1' = [for (item, i) in items: {\n  name: item\n}]\n"
    [resource] = read(text).resources
    assert isinstance(resource.body, Loop)
    assert spell(resource.body) == "[for (item, i) in items: {name: item}]"
    assert resource.condition is None
    assert head(text, resource) == "resource a 'M.X/y@1' = [for (item, i) in items:"
    assert whole(text, resource) == text.rstrip()
    assert text[resource.body.start : resource.body.end] == "[for (item, i) in items: {\n  name: item\n}]"


def test_a_filtered_loop_keeps_its_condition_in_the_loop() -> None:
    text = "resource a 'M.X/y@1' = [\n  for x in xs: if (x.on) {\n    name: x.name\n  }\n]\n"
    [resource] = read(text).resources
    assert isinstance(resource.body, Loop)
    assert spell(resource.body.condition) == "(x.on)"
    assert resource.condition is None
    assert head(text, resource) == "resource a 'M.X/y@1' = [\n  for x in xs: if (x.on)"


def test_nested_resources_leave_the_body() -> None:
    text = """resource vnet 'Microsoft.Network/virtualNetworks@2023-11-01' = {
  name: 'vnet'

  @batchSize(1)
  resource subnets 'subnets' = [for i in range(0, 2): {
    name: 's${i}'

    resource deep 'x@2020-01-01' existing = if (i == 0) {
      name: 'deep'
    }
    properties: { resource: 'a property of that name' }
  }]
  location: here
}

output id string = vnet::subnets[0]::deep.id
"""
    [vnet] = read(text).resources
    assert names(vnet.body) == ["name", "location"]
    [subnets] = vnet.nested
    assert (subnets.symbol, subnets.type, subnets.api_version) == ("subnets", "subnets", "")
    assert head(text, subnets) == "resource subnets 'subnets' = [for i in range(0, 2):"
    assert whole(text, subnets).startswith("@batchSize(1)\n  resource subnets")
    assert whole(text, subnets).endswith("  }]")
    assert isinstance(subnets.body, Loop)
    assert spell(subnets.body.body) == "{name: <'s'|i>, properties: {resource: 'a property of that name'}}"
    [deep] = subnets.nested
    assert (deep.type, deep.api_version, deep.existing, deep.nested) == ("x", "2020-01-01", True, [])
    assert spell(deep.condition) == "(i == 0)"
    assert whole(text, deep).startswith("resource deep")
    assert whole(text, deep).endswith("}")
    assert len(read(text).resources) == 1


def test_a_nested_resource_that_starts_a_line_is_nested_all_the_same() -> None:
    [outer] = read("resource a 'M.X/y@1' = {\nname: 'a'\nresource b 'z' = {\nname: 'b'\n}\n}\n").resources
    assert [inner.symbol for inner in outer.nested] == ["b"]


def test_a_resource_type_without_a_version() -> None:
    [resource] = read("resource a 'M.X/y' = {}").resources
    assert (resource.type, resource.api_version) == ("M.X/y", "")


# ---- modules


@pytest.mark.parametrize(
    "path",
    [
        "./modules/a.bicep",
        "br:mcr.microsoft.com/bicep/avm/res/web/site:0.3.1",
        "br/public:avm/res/web/site:0.3.1",
        "ts:00000000-0000-0000-0000-000000000000/rg/spec:1.0",
        "../a.json",
    ],
)
def test_a_module(path: str) -> None:
    body = "{\n  name: 'm'\n  scope: resourceGroup('rg')\n  params: { a: 1 }\n}"
    text = f"@description('x')\nmodule m '{path}' = {body}\n"
    [module] = read(text).modules
    assert (module.symbol, module.path, module.inline, module.inner_scope) == ("m", path, None, True)
    assert spell(module.body) == "{name: 'm', scope: resourceGroup('rg'), params: {a: 1}}"
    assert head(text, module) == f"module m '{path}' ="
    assert whole(text, module) == text.rstrip()


def test_conditional_and_looped_modules() -> None:
    one, many = read(
        "module a 'a.bicep' = if (x) {}\nmodule b 'b.bicep' = [for i in l: if (i.y) { name: i }]"
    ).modules
    assert spell(one.condition) == "x"
    assert many.condition is None
    assert spell(many.body) == "[for i in l: if (i.y) {name: i}]"


# ---- parameters, variables, outputs, functions, imports


def parameter(text: str) -> Parameter:
    [found] = read(text).parameters.values()
    return found


@pytest.mark.parametrize(
    ("text", "written", "default", "nullable"),
    [
        ("param p string", "string", "-", False),
        ("param p string = 'a'", "string", "'a'", False),
        ("param p string?", "string", "-", True),
        ("param p int[] = [\n  1\n]", "int[]", "[1]", False),
        ("param p myType?", "myType", "-", True),
        ("param p ('a' | 'b')[]?", "('a' | 'b')[]", "-", True),
        (
            "param p {\n  a: string\n  @secure()\n  b: int?\n  *: bool\n}?",
            "{\n  a: string\n  @secure()\n  b: int?\n  *: bool\n}",
            "-",
            True,
        ),
        ("param p types.a.b[*] = {}", "types.a.b[*]", "{}", False),
        ("param p resource 'M.X/y@1'", "resource 'M.X/y@1'", "-", False),
        ("param p object = { a: b ? c : d }", "object", "{a: (b ? c : d)}", False),
    ],
)
def test_a_parameter(text: str, written: str, default: str, nullable: bool) -> None:
    found = parameter(text)
    assert (found.name, found.type, found.nullable, found.secure) == ("p", written, nullable, False)
    assert spell(found.default) == default
    assert text[found.start : found.end] == "p"
    assert found.start == 6


@pytest.mark.parametrize(
    "decorator", ["@secure()", "@sys.secure()", "@description('x')\n@secure()\n@minLength(3)", "@ secure( )"]
)
def test_a_secret_parameter(decorator: str) -> None:
    assert parameter(f"{decorator}\nparam p string").secure


@pytest.mark.parametrize(
    "decorators",
    [
        "@description('@secure()')",
        "@metadata({ secure: true })",
        "@allowed(['secure'])",
        "// @secure()",
        "/*\n@secure()\n*/",
    ],
)
def test_a_parameter_that_only_mentions_it_is_not_secret(decorators: str) -> None:
    assert not parameter(f"{decorators}\nparam p string").secure


def test_a_type_marks_parameters_and_outputs_as_secret_wherever_it_is_declared() -> None:
    text = """param direct password
param through alias?
param other string
output o password = direct
@secure()
output p string = direct
output q string = other
type alias = password
@secure()
type password = string
type a = b
type b = a
param cycle a
"""
    template = read(text)
    assert {name: p.secure for name, p in template.parameters.items()} == {
        "direct": True,
        "through": True,
        "other": False,
        "cycle": False,
    }
    assert {name: o.secure for name, o in template.outputs.items()} == {"o": True, "p": True, "q": False}


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("@allowed([\n  'a'\n  'b'\n])\nparam p string", ["'a'", "'b'"]),
        ("@sys.allowed([1, 2])\nparam p int = 1", ["1", "2"]),
        ("param p 'a' | 'b'", ["'a'", "'b'"]),
        ("param p\n  | 'a'\n  | 'b'?".replace("p\n", "p "), ["'a'", "'b'"]),
        ("param p t\ntype t = | 'a' | 'b'", ["'a'", "'b'"]),
        ("type t = 'a'\nparam p t?", ["'a'"]),
        ("param p ('a' | 'b')? = 'a'", ["'a'", "'b'"]),
        ("param p ('a' | 'b')[]", []),
        ("param p -1 | 2 | null", ["(-1)", "2", "None"]),
        ("param p 'a'[]", []),
        ("type t = string\n@allowed(['a'])\nparam p t?", ["'a'"]),
        ("@allowed(['a'])\nparam p resourceInput<'M.X/y@1'>.properties.z?", []),
        ("param p bool", []),
        ("param p 'a' | u", []),
        ("@allowed(['a'])\nparam p array", []),
        ("@allowed(['a'])\nparam p string[]", []),
        ("param p { @allowed(['a'])\n b: string }", []),
        ("@allowed(['a'])\nvar v = 1\nparam p string", []),
    ],
)
def test_what_a_parameter_may_be(text: str, allowed: list[str]) -> None:
    assert [spell(item) for item in parameter(text).allowed] == allowed


def test_variables_with_and_without_a_type() -> None:
    text = "@export()\nvar a = 1\nvar b string[] = ['x']\nvar c {\n  d: int\n} = {\n  d: 1\n}\n"
    variables = read(text).variables
    assert {name: spell(v.value) for name, v in variables.items()} == {"a": "1", "b": "['x']", "c": "{d: 1}"}
    assert [text[v.start : v.end] for v in variables.values()] == ["a", "b", "c"]


def test_outputs() -> None:
    text = "output a string = x.id\n@secure()\noutput b array = [for i in l: i.id]\noutput c resource 'M.X/y@1' = r\n"
    outputs = read(text).outputs
    assert [(o.name, o.type, o.secure, spell(o.value), o.condition) for o in outputs.values()] == [
        ("a", "string", False, "(x.id)", None),
        ("b", "array", True, "[for i in l: (i.id)]", None),
        ("c", "resource 'M.X/y@1'", False, "r", None),
    ]
    assert [text[o.start : o.end] for o in outputs.values()] == ["a", "b", "c"]


def test_functions() -> None:
    text = """@export()
func one(a string, b { c: int }?) string => '${a}${b.?c}'
func two() {
  x: int
} => {
  x: 1
}
func three(
  a string[],
  b int
) bool =>
  contains(a, b)
"""
    functions = read(text).functions
    assert [(f.name, f.parameters, spell(f.body)) for f in functions.values()] == [
        ("one", ["a", "b"], "<a|(b.?c)>"),
        ("two", [], "{x: 1}"),
        ("three", ["a", "b"], "contains(a, b)"),
    ]
    assert [text[f.start : f.end] for f in functions.values()] == ["one", "two", "three"]


def test_imports() -> None:
    text = """import { a, b as c } from 'one.bicep'
import {
  d
  'e-f' as g
} from 'br/public:x:1'
import * as all from '../two.bicep'
"""
    imports = read(text).imports
    lines = text.encode()
    assert imports[0] == Import("one.bicep", [("a", "a"), ("b", "c")], 0, text.index("\n"))
    assert (imports[1].path, imports[1].names) == ("br/public:x:1", [("d", "d"), ("e-f", "g")])
    assert lines[imports[1].start : imports[1].end] == b"import {\n  d\n  'e-f' as g\n} from 'br/public:x:1'"
    assert (imports[2].path, imports[2].names) == ("../two.bicep", [("*", "all")])


@pytest.mark.parametrize("scope", ["resourceGroup", "subscription", "managementGroup", "tenant"])
def test_target_scope(scope: str) -> None:
    assert read(f"targetScope = '{scope}'\n").target_scope == scope


def test_a_resource_group_is_the_scope_when_none_is_written() -> None:
    template = read("param a string")
    assert (template.uri, template.language, template.target_scope) == (
        "main.bicep",
        "bicep",
        "resourceGroup",
    )


def test_a_scope_that_is_not_of_azure_is_a_gap() -> None:
    template = read_template("a.bicep", b"targetScope = 'local'\n")
    [gap] = template.gaps
    assert (gap.reason, gap.place.start, gap.place.end) == ("unsupported", 0, 21)
    assert template.target_scope == "resourceGroup"


READ_PAST = """metadata name = 'x'
metadata info = {
  a: [1]
}
extension microsoftGraphV1
extension 'br:mcr.microsoft.com/x:1.0' as graph
extension kubernetes with {
  namespace: 'default'
  kubeConfig: config
} as k8s
extension kubernetes as other
provider 'kubernetes@1.0.0' with {
  namespace: 'default'
}
import 'az@1.0.0'
import 'kubernetes@1.0.0' with {
  namespace: 'x'
} as k9s
assert enough = length(a) > 3
test t 'a.bicep' = {
  params: {
    a: 1
  }
}
"""


def test_what_declares_nothing_is_read_past() -> None:
    template = read(READ_PAST + "var behind = 1\n")
    empty = Template("main.bicep", "bicep", "resourceGroup")
    assert list(template.variables) == ["behind"]
    template.variables.clear()
    assert template == empty


TYPES = """type a = string
@export()
@sealed()
@description('x')
type b = {
  @description('''x
y''')
  name: string
  'quoted-name': int?
  nested: {
    a: 'x' | 'y' | null
    *: string
  }[]?
  @minLength(1)
  list: (string | int)[]
  tuple: [
    string
    @description('second')
    int?
  ]
  one: 1
  minus: -1
  not: !true
  self: b?
}
type c =
  | 'a'
  | 'b'

type d = resourceInput<'Microsoft.Storage/storageAccounts@2023-01-01'>.properties.networkAcls
type e = resourceOutput<'Microsoft.Storage/storageAccounts@2023-01-01'>?
type f = sys.string
type g = b.nested[*].a
type h = b.tuple[1]
type i = b.nested[*].*
type j = [string, int]
type k = { a: string, b: int }
type l = (c | 'z')!
@discriminator('kind')
type m = { kind: 'x' } | { kind: 'y', v: resourceInput<'M.X/y@1'>[] }
type n = resource<'M.X/y@1'>
type o = 'a ${'b'}'
type p = sys.resourceInput<'M.X/y@1'>.name
param q {
  a: 'x'
    | 'y'
  b: string
}
"""


def test_types_are_read_past() -> None:
    template = read(TYPES + "var behind = 1\n")
    assert list(template.variables) == ["behind"]
    assert list(template.parameters) == ["q"]


def test_decorators_of_every_kind() -> None:
    text = """@sys.batchSize(2)

// a comment between
@waitUntil(x => x.ready, 'PT20S')
@retryOn(['A', 'B'], 3)
@description('''
over lines
''')
resource a 'M.X/y@1' = {}
"""
    [resource] = read(text).resources
    assert resource.whole_start == 0
    assert text[resource.start :].startswith("resource a")


def test_of_two_with_one_name_the_first_counts() -> None:
    template = read("param a string = 'first'\nparam a string = 'second'\nvar b = 1\nvar b = 2\n")
    assert spell(template.parameters["a"].default) == "'first'"
    assert spell(template.variables["b"].value) == "1"


def test_words_of_the_language_are_names_elsewhere() -> None:
    text = "param param string\nvar var = param\nparam type string = resource\nvar for = if\nvar module = a.existing"
    template = read(text)
    assert list(template.parameters) == ["param", "type"]
    assert {name: spell(v.value) for name, v in template.variables.items()} == {
        "var": "param",
        "for": "if",
        "module": "(a.existing)",
    }


def test_offsets_count_a_byte_order_mark_and_bytes() -> None:
    data = "\ufeffparam a string = 'ä' // ö\nparam b string = c".encode()
    template = read_template("main.bicep", data)
    assert template.gaps == []
    a, b = template.parameters.values()
    assert (data[a.start : a.end], data[b.start : b.end]) == (b"a", b"b")
    assert isinstance(a.default, Constant)
    assert data[a.default.start : a.default.end] == "'ä'".encode()
    assert b.default == Name("c", len(data) - 1, len(data))
