"""Blocks to objects: how often they are made, their arguments and nested blocks, and where each is written."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.sources.declared.declaration import Place
from scanner.sources.declared.values import Object, Ref, Unknown
from tests.sources.terraform.configurations import evaluated, plain


def test_an_object_has_its_address_places_and_body() -> None:
    text = (
        "# comment\n"
        'resource "azurerm_role_assignment" "owner" {\n'
        "  scope = null\n"
        '  role_definition_name = "Owner"\n'
        "  depends_on = [azurerm_x.y]\n"
        "  lifecycle {\n    ignore_changes = [tags]\n  }\n"
        '  provisioner "local-exec" {\n    command = "x"\n  }\n'
        '  timeouts {\n    create = "1h"\n  }\n'
        "}\n"
    )
    made = evaluated(text)
    item = made["azurerm_role_assignment.owner"]
    assert (item.mode, item.type, item.name, item.language) == (
        "managed",
        "azurerm_role_assignment",
        "owner",
        "terraform",
    )
    start = text.index("resource")
    assert item.place == Place("main.tf", start, start + len('resource "azurerm_role_assignment" "owner"'))
    assert item.whole == Place("main.tf", start, len(text) - 1)
    assert plain(item.body) == {"role_definition_name": "Owner", "timeouts": [{"create": "1h"}]}
    assert (
        made.written("azurerm_role_assignment.owner", "role_definition_name")
        == 'role_definition_name = "Owner"'
    )
    assert made.written("azurerm_role_assignment.owner", "timeouts") == "timeouts"
    assert made.written("azurerm_role_assignment.owner", "timeouts", "0", "create") == 'create = "1h"'
    assert (item.conditional, item.calls, item.provider) == (False, (), "")
    assert made.gaps == []


def test_places_of_objects_are_those_of_their_own_file_only() -> None:
    made = evaluated(
        {
            "locals.tf": "locals {\n  tags = { far = 1 }\n}\n",
            "main.tf": 'resource "t_t" "a" {\n'
            "  settings = merge(local.tags, { near = 2 })\n"
            "  plain = local.tags\n"
            "  deep = { a = { b = [{ c = 3 }] } }\n"
            "  rule {\n    x = 1\n    inner {\n      y = 2\n    }\n  }\n  rule {\n    x = 3\n  }\n}\n",
        }
    )
    assert made.written("t_t.a", "settings", "near") == "near = 2"
    assert made.written("t_t.a", "deep", "a", "b") == "b = [{ c = 3 }]"
    assert made.written("t_t.a", "deep", "a", "b", "0", "c") == "c = 3"
    assert made.written("t_t.a", "rule", "1", "x") == "x = 3"
    assert made.written("t_t.a", "rule", "0", "inner", "0", "y") == "y = 2"
    settings = made.value("t_t.a", "settings")
    assert isinstance(settings, Object)
    assert not settings.properties["far"].written
    assert not made.value("t_t.a", "plain").properties["far"].written


@pytest.mark.parametrize(
    ("repeat", "addresses"),
    [
        ("count = 2", {"t_t.a[0]": 0, "t_t.a[1]": 1}),
        ("count = 0", {}),
        ('count = "1"', {"t_t.a[0]": 0}),
        ("count = length(var.names)", {"t_t.a[0]": 0, "t_t.a[1]": 1}),
        ("count = true", {"t_t.a[0]": 0}),
    ],
)
def test_count(repeat: str, addresses: dict[str, Any]) -> None:
    made = evaluated(
        f'variable "names" {{ default = ["n", "m"] }}\nresource "t_t" "a" {{\n  {repeat}\n'
        "  i = count.index\n}\n"
    )
    assert {a: plain(o.body)["i"] for a, o in made.objects.items() if a.startswith("t_t")} == addresses
    assert not any(item.conditional for item in made.objects.values())


@pytest.mark.parametrize(
    ("each", "addresses"),
    [
        ('{ a = 1, "b c" = 2 }', {'t_t.a["a"]': ["a", 1], 't_t.a["b c"]': ["b c", 2]}),
        ('toset(["x", "y"])', {'t_t.a["x"]': ["x", "x"], 't_t.a["y"]': ["y", "y"]}),
        ('{ for n in ["n"] : n => { r = n } }', {'t_t.a["n"]': ["n", {"r": "n"}]}),
        ("{}", {}),
        ('{ "quo\\"te" = 1 }', {'t_t.a["quo\\"te"]': ['quo"te', 1]}),
        ("t_t.other", {'t_t.a["k"]': ["k", Ref('t_t.other["k"]', (), 't_t.other["k"]')]}),
    ],
)
def test_for_each(each: str, addresses: dict[str, Any]) -> None:
    made = evaluated(
        f'resource "t_t" "a" {{\n  for_each = {each}\n  i = [each.key, each.value]\n}}\n'
        'resource "t_t" "other" {\n  for_each = { k = 1 }\n}\n'
    )
    assert {a: plain(o.body)["i"] for a, o in made.objects.items() if a.startswith("t_t.a")} == addresses


def test_what_may_be_made_is_conditional() -> None:
    made = evaluated(
        'variable "on" { type = bool }\nvariable "un" {}\n'
        'resource "t_t" "count" {\n  count = var.on ? 1 : 0\n  n = count.index\n}\n'
        'resource "t_t" "two" {\n  count = var.on ? 2 : 1\n}\n'
        'resource "t_t" "each" {\n  for_each = var.on ? { a = 1 } : {}\n  v = each.value\n}\n'
        'resource "t_t" "any" {\n  for_each = var.un\n  k = each.key\n  v = each.value.role\n}\n'
        'resource "t_t" "some" {\n  count = var.un\n  k = count.index\n}\n'
        'resource "t_t" "refs" {\n  for_each = toset([t_t.count[0].id, "known"])\n  k = each.key\n}\n'
        'resource "t_t" "follows" {\n  count = length(t_t.count)\n}\n'
        'resource "t_t" "twice" {\n  count = length(t_t.two)\n}\n'
    )
    conditional = {
        address: item.conditional for address, item in made.objects.items() if item.mode == "managed"
    }
    assert conditional == {
        "t_t.count[0]": True,
        "t_t.two[0]": False,
        "t_t.two[1]": True,
        't_t.each["a"]': True,
        "t_t.any[*]": True,
        "t_t.some[*]": True,
        "t_t.refs[{t_t.count[0].id}]": False,
        't_t.refs["known"]': False,
        "t_t.follows[0]": True,
        "t_t.twice[0]": False,
        "t_t.twice[1]": True,
    }
    assert made.value('t_t.each["a"]', "v") == 1
    assert plain(made["t_t.any[*]"].body) == {"k": "?keys(var.un)[*]", "v": "?var.un[*].role"}
    assert plain(made["t_t.some[*]"].body) == {"k": "?range(var.un)[*]"}
    assert made.gaps == []


def test_how_often_something_is_made_that_cannot_be_told_is_a_gap() -> None:
    made = evaluated('resource "t_t" "a" {\n  for_each = null\n}\nresource "t_t" "b" {\n  count = "x"\n}\n')
    assert made.told() == [
        ("unresolved", "for_each = null", "How often t_t.a is made cannot be told: for_each is null."),
        ("unresolved", 'count = "x"', "How often t_t.b is made cannot be told: count is no whole number."),
    ]
    assert made["t_t.a[*]"].conditional
    assert made["t_t.b[*]"].conditional


def test_dynamic_blocks() -> None:
    made = evaluated(
        'variable "on" { type = bool }\nvariable "un" {}\n'
        'resource "t_t" "a" {\n'
        '  dynamic "known" {\n    for_each = { a = 1, b = 2 }\n    content {\n'
        "      k = known.key\n      v = known.value\n    }\n  }\n"
        '  dynamic "named" {\n    for_each = toset(["s"])\n    iterator = it\n'
        "    content {\n      k = it.key\n    }\n  }\n"
        '  dynamic "outer" {\n    for_each = [10]\n    content {\n'
        '      dynamic "inner" {\n        for_each = [20]\n        content {\n'
        "          sum = outer.value + inner.value + inner.key\n        }\n      }\n    }\n  }\n"
        '  dynamic "none" {\n    for_each = []\n    content {}\n  }\n'
        '  dynamic "maybe" {\n    for_each = var.on ? [1] : []\n    content {\n'
        "      x = maybe.value\n    }\n  }\n"
        '  mixed {\n    x = 0\n  }\n  dynamic "mixed" {\n    for_each = var.un\n'
        "    content {\n      x = mixed.value.y\n    }\n  }\n"
        "}\n"
    )
    body = made["t_t.a"].body
    assert plain(body.properties["known"].value) == [{"k": "a", "v": 1}, {"k": "b", "v": 2}]
    assert plain(body.properties["named"].value) == [{"k": "s"}]
    assert plain(body.properties["outer"].value) == [{"inner": [{"sum": 30}]}]
    assert "none" not in body.properties
    maybe = body.properties["maybe"].value
    assert isinstance(maybe, Unknown)
    assert maybe.why == "the variable has no default"
    assert plain(list(maybe.options)) == [[{"x": 1}], []]
    mixed = body.properties["mixed"].value
    assert isinstance(mixed, Unknown)
    assert plain(list(mixed.options)) == [[{"x": 0}, {"x": "?var.un[*].y"}], [{"x": 0}]]
    assert made.written("t_t.a", "known") == 'dynamic "known"'
    assert made.written("t_t.a", "known", "1", "k") == "k = known.key"


def test_a_dynamic_identity_keeps_the_reference_to_it() -> None:
    made = evaluated(
        'variable "on" { type = bool }\n'
        'resource "t_t" "a" {\n  dynamic "identity" {\n    for_each = var.on ? [1] : []\n'
        '    content {\n      type = "SystemAssigned"\n    }\n  }\n}\n'
        'resource "t_t" "b" {\n  p = t_t.a.identity[0].principal_id\n'
        "  q = one(t_t.a.identity[*].principal_id)\n}\n"
    )
    wanted = Ref("t_t.a", ("identity", "0", "principal_id"), "t_t.a.identity[0].principal_id")
    assert made.value("t_t.b", "p") == wanted
    assert made.value("t_t.b", "q") == wanted


def test_a_body_of_azapi_is_an_object_with_places_whether_json_or_not() -> None:
    made = evaluated(
        "locals {\n  json = jsonencode({ properties = { far = 1 } })\n}\n"
        'resource "azapi_resource" "new" {\n  type = "Microsoft.X/y@1"\n  body = {\n'
        "    properties = {\n      a = azurerm_x.y.id\n    }\n  }\n}\n"
        'resource "azapi_resource" "old" {\n  body = jsonencode({\n    properties = {\n'
        "      b = var.un\n    }\n  })\n}\n"
        'resource "azapi_update_resource" "far" {\n  body = local.json\n}\n'
        'resource "other_thing" "o" {\n  body = jsonencode({ a = 1 })\n}\n'
        'variable "un" {}\nresource "azurerm_x" "y" {}\n'
    )
    assert plain(made.value("azapi_resource.new", "body")) == {
        "properties": {"a": Ref("azurerm_x.y", ("id",), "azurerm_x.y.id")}
    }
    assert made.written("azapi_resource.new", "body", "properties", "a") == "a = azurerm_x.y.id"
    assert plain(made.value("azapi_resource.old", "body")) == {"properties": {"b": "?var.un"}}
    assert made.written("azapi_resource.old", "body", "properties", "b") == "b = var.un"
    assert plain(made.value("azapi_update_resource.far", "body")) == {"properties": {"far": 1}}
    assert made.value("other_thing.o", "body") == '{"a":1}'


def test_a_block_that_is_broken_may_have_more_than_is_known() -> None:
    made = evaluated('resource "t_t" "a" {\n  n = 1\n  m = \n}\nresource "t_t" "b" {\n  n = t_t.a.m\n}\n')
    assert made["t_t.a"].body.open
    assert not made["t_t.b"].body.open
    assert made.told() == [("malformed", "\n", "An expression was expected here, not the end of the line.")]


def test_arguments_that_have_no_value_are_unknown() -> None:
    made = evaluated('resource "t_t" "a" {\n  n = element([], 0)\n  m = 1\n}\n')
    assert plain(made["t_t.a"].body) == {"n": "?t_t.a.n", "m": 1}
