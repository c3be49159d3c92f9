"""What expressions come to, known or not: references, operators, conditions, loops, templates."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.sources.declared.values import Object, Ref, Text, Unknown
from tests.sources.terraform.configurations import evaluated, plain, value_of

VARIABLES = """
variable "un" {}
variable "flag" { type = bool }
variable "hidden" { sensitive = true }
variable "list" { default = ["a", "b"] }
variable "text" { default = "txt" }
locals {
  map  = { one = 1, two = 2 }
  deep = { a = [{ b = "c" }] }
}
"""
THINGS = """
resource "azurerm_resource_group" "rg" {
  name     = "rg-${var.text}"
  location = "westeurope"
  tags     = { env = "prod" }
}
resource "azurerm_linux_web_app" "app" {
  name = "app"
  identity {
    type         = "SystemAssigned, UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.each["x"].id]
  }
  site {
    inner { value = 7 }
  }
}
resource "azurerm_user_assigned_identity" "each" {
  for_each = toset(["x", "y"])
  name     = "id-${each.key}"
}
resource "azurerm_user_assigned_identity" "counted" {
  count = 2
  name  = "id-${count.index}"
}
resource "azurerm_user_assigned_identity" "maybe" {
  count = var.flag ? 1 : 0
}
resource "azurerm_user_assigned_identity" "open" {
  for_each = var.un
}
resource "azurerm_user_assigned_identity" "none" {
  count = 0
}
data "azurerm_role_definition" "owner" {
  name = "Owner"
}
"""
BESIDE = VARIABLES + THINGS


def ref(target: str, *path: str) -> Ref:
    shown = target + "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in path)
    return Ref(target, path, shown)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("var.text", "txt"),
        ("local.deep.a[0].b", "c"),
        ('local.map["two"]', 2),
        ("local.deep.a.0.b", "c"),
        ("local.deep.a[*].b", ["c"]),
        ('"${var.text}-x"', "txt-x"),
        ('"${1 + 1}${true}"', "2true"),
        ("1 + 2 * 3 - 4 / 2", 5),
        ("7 / 2", 3.5),
        ("-7 % 3", -1),
        ("!(1 < 2) || 2 >= 2", True),
        ('"a" == "a" && "a" != "b"', True),
        ("1 == true", False),
        ("[1, 2] == [1, 2]", True),
        ("{ a = 1 } == { a = 2 }", False),
        ("null == null", True),
        ('true ? "a" : local.nothing', "a"),
        ('"true" ? 1 : 2', 1),
        ("[for v in var.list : upper(v)]", ["A", "B"]),
        ('[for i, v in var.list : i if v != "a"]', [1]),
        ("{ for k, v in local.map : v => k }", {"1": "one", "2": "two"}),
        ('{ for v in ["a", "b", "ab"] : length(v) => v... }', {"1": ["a", "b"], "2": ["ab"]}),
        ('[for k, v in toset(["q"]) : k]', ["q"]),
        ('{ (var.text) = 1, "${var.text}2" = 2, plain = 3 }', {"txt": 1, "txt2": 2, "plain": 3}),
        ('"%{ if var.text == "txt" }yes%{ else }no%{ endif }"', "yes"),
        ('"%{ for v in var.list }<${v}>%{ endfor }"', "<a><b>"),
        ("try(local.map.three, local.map.two)", 2),
        ("can(local.map.three)", False),
        ("can(local.map.two)", True),
    ],
)
def test_known(expression: str, value: Any) -> None:
    assert value_of(expression, VARIABLES) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("azurerm_resource_group.rg.id", ref("azurerm_resource_group.rg", "id")),
        ("azurerm_resource_group.rg.name", ref("azurerm_resource_group.rg", "name")),
        ("azurerm_resource_group.rg.location", "westeurope"),
        ("azurerm_resource_group.rg.tags.env", "prod"),
        ("azurerm_resource_group.rg.tags", {"env": "prod"}),
        ('"${azurerm_resource_group.rg.name}-x"', "rg-txt-x"),
        ("upper(azurerm_resource_group.rg.name)", "RG-TXT"),
        ('"${azurerm_resource_group.rg.id}/x"', Text((ref("azurerm_resource_group.rg", "id"), "/x"))),
        ("azurerm_resource_group.rg", ref("azurerm_resource_group.rg")),
        (
            "azurerm_linux_web_app.app.identity[0].principal_id",
            ref("azurerm_linux_web_app.app", "identity", "0", "principal_id"),
        ),
        (
            "azurerm_linux_web_app.app.identity.0.principal_id",
            ref("azurerm_linux_web_app.app", "identity", "0", "principal_id"),
        ),
        (
            "one(azurerm_linux_web_app.app.identity).principal_id",
            ref("azurerm_linux_web_app.app", "identity", "0", "principal_id"),
        ),
        (
            "one(azurerm_linux_web_app.app.identity[*].principal_id)",
            ref("azurerm_linux_web_app.app", "identity", "0", "principal_id"),
        ),
        (
            "azurerm_linux_web_app.app.identity.*.principal_id",
            [ref("azurerm_linux_web_app.app", "identity", "0", "principal_id")],
        ),
        (
            "try(azurerm_linux_web_app.app.identity[0].principal_id, null)",
            ref("azurerm_linux_web_app.app", "identity", "0", "principal_id"),
        ),
        ("length(azurerm_linux_web_app.app.identity)", 1),
        (
            "azurerm_linux_web_app.app.identity[0].identity_ids",
            [ref('azurerm_user_assigned_identity.each["x"]', "id")],
        ),
        ("azurerm_linux_web_app.app.identity[0].type", "SystemAssigned, UserAssigned"),
        ("azurerm_linux_web_app.app.site[0].inner[0].value", 7),
        ("azurerm_linux_web_app.app.site[0].inner", ref("azurerm_linux_web_app.app", "site", "0", "inner")),
        (
            'azurerm_user_assigned_identity.each["y"].id',
            ref('azurerm_user_assigned_identity.each["y"]', "id"),
        ),
        (
            "values(azurerm_user_assigned_identity.each)[*].id",
            [ref(f'azurerm_user_assigned_identity.each["{key}"]', "id") for key in "xy"],
        ),
        (
            '[for k, v in azurerm_user_assigned_identity.each : v.id if k != "x"]',
            [ref('azurerm_user_assigned_identity.each["y"]', "id")],
        ),
        ("keys(azurerm_user_assigned_identity.each)", ["x", "y"]),
        (
            "azurerm_user_assigned_identity.counted[1].client_id",
            ref("azurerm_user_assigned_identity.counted[1]", "client_id"),
        ),
        (
            "azurerm_user_assigned_identity.counted[*].id",
            [ref(f"azurerm_user_assigned_identity.counted[{at}]", "id") for at in range(2)],
        ),
        (
            "azurerm_user_assigned_identity.counted.*.id",
            [ref(f"azurerm_user_assigned_identity.counted[{at}]", "id") for at in range(2)],
        ),
        (
            "element(azurerm_user_assigned_identity.counted.*.id, 3)",
            ref("azurerm_user_assigned_identity.counted[1]", "id"),
        ),
        ('join(",", azurerm_user_assigned_identity.counted[*].name)', "id-0,id-1"),
        ("azurerm_user_assigned_identity.maybe[0].id", ref("azurerm_user_assigned_identity.maybe[0]", "id")),
        (
            "one(azurerm_user_assigned_identity.maybe[*].id)",
            ref("azurerm_user_assigned_identity.maybe[0]", "id"),
        ),
        ('azurerm_user_assigned_identity.open["k"].id', ref("azurerm_user_assigned_identity.open[*]", "id")),
        ('try(azurerm_user_assigned_identity.none[0].id, "none")', "none"),
        ("data.azurerm_role_definition.owner.id", ref("data.azurerm_role_definition.owner", "id")),
        ('"${data.azurerm_role_definition.owner.name}!"', "Owner!"),
        ("azurerm_resource_group.rg.id == null", False),
    ],
)
def test_reference(expression: str, value: Any) -> None:
    assert value_of(expression, BESIDE) == value


@pytest.mark.parametrize(
    ("expression", "shown", "why"),
    [
        ("var.un", "var.un", "the variable has no default"),
        ("var.un.a[0]", "var.un.a[0]", "the variable has no default"),
        ("var.nothing", "var.nothing", "nothing of that name is declared"),
        ("local.nothing", "local.nothing", "nothing of that name is declared"),
        ("azurerm_thing.no.id", "azurerm_thing.no.id", "nothing of that name is declared"),
        ("terraform.workspace", "terraform.workspace", "it is chosen when deploying"),
        ("path.cwd", "path.cwd", "it depends on where it is deployed from"),
        ("each.key", "each.key", "there is no each here"),
        ("var.un + 1", "var.un + 1", "the variable has no default"),
        ("!var.un", "!var.un", "the variable has no default"),
        ('lower("A${var.un}")', None, None),
        ("cidrsubnet(var.text, 8, 1)", "cidrsubnet(txt, 8, 1)", "the function cidrsubnet is not computed"),
        ("formatdate(var.text)", "formatdate(txt)", "the function formatdate is not computed"),
        ("uuid()", "uuid() of test_thing.it", "it is known after deployment"),
        ("local.map[var.un]", "{one = 1, two = 2}[var.un]", "the variable has no default"),
        ("length(var.un)", "length(var.un)", "the variable has no default"),
        ('replace(var.un, "a", "b")', "replace(var.un, a, b)", "the variable has no default"),
        ("local.map.three", "test_thing.it.it", "nothing is called three there"),
        ("1 / 0", "test_thing.it.it", "a number is divided by zero"),
        ('"a${null}"', "test_thing.it.it", "null, a list or an object cannot be part of a text"),
    ],
)
def test_unknown_says_how_it_is_written_and_why(expression: str, shown: str | None, why: str | None) -> None:
    made = evaluated(f'resource "test_thing" "it" {{\n  it = {expression}\n}}\n{BESIDE}')
    found = made.value("test_thing.it", "it")
    if shown is None:
        assert found == Text(("a", Unknown("lower(var.un)", "the variable has no default")))
    else:
        assert isinstance(found, Unknown)
        assert (found.shown, found.why) == (shown, why)


def test_a_condition_that_is_not_known_leaves_both_sides_as_options() -> None:
    found = value_of("1 == 2", BESIDE)
    assert found is False
    made = evaluated(
        'resource "test_thing" "it" {\n'
        '  a = var.flag ? "x" : azurerm_resource_group.rg.id\n'
        "  b = var.flag ? var.text : var.text\n"
        '  c = (var.flag ? { k = "x" } : { k = "y" }).k\n'
        '  d = upper(var.flag ? "x" : "y")\n'
        "  e = var.flag ? [1, 2] : [3, 4]\n"
        "  f = length(var.flag ? [1, 2] : [3, 4])\n"
        '  g = coalesce(var.flag ? "x" : null, "z")\n'
        '  h = concat(["a"], var.flag ? ["b"] : [])\n'
        '  i = var.flag ? local.map.three : "only"\n'
        "}\n" + BESIDE
    )

    def options(name: str) -> Any:
        value = made.value("test_thing.it", name)
        assert isinstance(value, Unknown)
        assert value.why == "the variable has no default"
        return plain(list(value.options))

    assert options("a") == ["x", ref("azurerm_resource_group.rg", "id")]
    assert made.value("test_thing.it", "b") == "txt"
    assert options("c") == ["x", "y"]
    assert options("d") == ["X", "Y"]
    assert options("e") == [[1, 2], [3, 4]]
    assert made.value("test_thing.it", "f") == 2
    assert options("g") == ["x", "z"]
    assert options("h") == [["a", "b"], ["a"]]
    assert options("i") == ["only"]


def test_logic_needs_only_the_side_that_decides() -> None:
    assert value_of("var.un && false", VARIABLES) is False
    assert value_of("false && var.un", VARIABLES) is False
    assert value_of("true || var.un", VARIABLES) is True
    assert value_of("true && var.un", VARIABLES) == "?var.un"


def test_a_loop_over_what_is_not_known_is_made_once_for_a_representative() -> None:
    assert value_of("[for r in var.un : r.name]", VARIABLES) == ["?var.un[*].name"]
    assert value_of('{ for k, r in var.un : r.name => { role = "Owner", key = k } }', VARIABLES) == {
        "{var.un[*].name}": {"role": "Owner", "key": "?keys(var.un)[*]"}
    }
    assert value_of("var.un[*].id", VARIABLES) == ["?var.un[*].id"]
    assert value_of("length([for r in var.un : r])", VARIABLES) == "?length([var.un[*]])"
    assert value_of("[for v in var.list : v if v == var.un]", VARIABLES) == ["a", "b"]
    assert value_of("length([for v in var.list : v if v == var.un])", VARIABLES).startswith("?length(")


def test_a_name_that_is_not_known_text_is_kept_beside_the_property() -> None:
    made = evaluated(
        'resource "test_thing" "it" {\n  it = { (azurerm_resource_group.rg.id) = 1, "${var.un}-x" = 2 }\n}\n'
        + BESIDE
    )
    found = made.value("test_thing.it", "it")
    assert isinstance(found, Object)
    assert found.names == {
        "{azurerm_resource_group.rg.id}": ref("azurerm_resource_group.rg", "id"),
        "{var.un}-x": Text((Unknown("var.un", "the variable has no default"), "-x")),
    }
    assert {name: held.value for name, held in found.properties.items()} == {
        "{azurerm_resource_group.rg.id}": 1,
        "{var.un}-x": 2,
    }


def test_what_is_built_alike_is_equal_and_in_another_module_is_not() -> None:
    made = evaluated(
        {
            "main.tf": 'variable "un" {}\nvariable "other" {}\n'
            'resource "t_t" "a" { n = "${var.un}-id" }\nresource "t_t" "b" { n = "${var.un}-id" }\n'
            'module "one" {\n  source = "./m"\n  p = var.un\n}\nmodule "two" {\n'
            '  source = "./m"\n  p = var.other\n}\n',
            "m/main.tf": 'variable "p" {}\nresource "t_t" "t" { n = lower("${var.p}-id") }\n',
        }
    )
    assert made.value("t_t.a", "n") == made.value("t_t.b", "n")
    assert made.value("module.one.t_t.t", "n") != made.value("module.two.t_t.t", "n")


def test_secrets_are_not_carried_along() -> None:
    secret = "x" * 40
    made = evaluated(
        f'variable "key" {{\n  sensitive = true\n  default = "{secret}"\n}}\n'
        f'variable "on" {{\n  sensitive = true\n  default = true\n}}\nvariable "ask" {{\n'
        "  sensitive = true\n}\n"
        'resource "t_t" "a" {\n  a = var.key\n  b = "k=${var.key}"\n  c = var.on\n  d = var.ask\n'
        f'  e = sensitive("{secret}")\n  f = upper(var.key)\n  g = var.key == "" ? 1 : 2\n}}\n'
    )
    body = made["t_t.a"].body
    assert secret not in repr(body)
    assert secret.upper() not in repr(body)
    assert made.value("t_t.a", "a") == Unknown("var.key", "it is declared to be a secret", True)
    assert made.value("t_t.a", "c") is True
    assert made.value("t_t.a", "d") == Unknown("var.ask", "the variable has no default", True)
    assert all(made.value("t_t.a", name).secret for name in "efg")
    assert made.value("var.key", "default") == secret
    assert made.value("var.key", "sensitive") is True
