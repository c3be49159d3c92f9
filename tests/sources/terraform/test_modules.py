"""Modules: where they are, what goes in and comes out, and which provider is meant."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scanner.sources.declared.declaration import Place
from scanner.sources.declared.values import Ref, Unknown
from tests.sources.terraform.configurations import evaluated, plain

IDENTITY = (
    'variable "name" {}\nvariable "rg" {}\n'
    'resource "azurerm_user_assigned_identity" "this" {\n  name = var.name\n'
    "  resource_group_name = var.rg.name\n}\n"
    'output "id" { value = azurerm_user_assigned_identity.this.id }\n'
    'output "name" { value = azurerm_user_assigned_identity.this.name }\n'
    'output "key" {\n  value = "k"\n  sensitive = true\n}\n'
)


def ref(target: str, *path: str) -> Ref:
    return Ref(target, path, ".".join([target, *path]))


def test_inputs_and_outputs_pass_through_modules() -> None:
    main = (
        'resource "azurerm_resource_group" "rg" { name = "rg" }\n'
        'module "outer" {\n  source = "./outer"\n  rg = azurerm_resource_group.rg\n}\n'
        'resource "t_t" "a" {\n  scope = module.outer.id\n'
        '  text = "${module.outer.name}!"\n  key = module.outer.key\n}\n'
    )
    outer = (
        'variable "rg" {}\nmodule "inner" {\n  source = "../inner"\n'
        '  name = "n-${var.rg.location}"\n  rg = var.rg\n}\n'
        'output "id" { value = module.inner.id }\noutput "name" { value = module.inner.name }\n'
        'output "key" { value = module.inner.key }\n'
    )
    made = evaluated({"main.tf": main, "outer/main.tf": outer, "inner/main.tf": IDENTITY})
    address = "module.outer.module.inner.azurerm_user_assigned_identity.this"
    assert made.value("t_t.a", "scope") == ref(address, "id")
    assert made.value("t_t.a", "key") == Unknown(
        "module.outer.module.inner.key", "it is declared to be a secret", True
    )
    item = made[address]
    assert item.body.properties["resource_group_name"].value == ref("azurerm_resource_group.rg", "name")
    assert item.place.uri == "inner/main.tf"
    first, second = item.calls
    assert main.encode()[first.start : first.end] == b'module "outer"'
    assert (second.uri, outer.encode()[second.start : second.end]) == ("outer/main.tf", b'module "inner"')
    assert made.gaps == []
    assert "output.id" not in made.objects


def test_for_each_and_count_on_modules() -> None:
    made = evaluated(
        {
            "main.tf": 'module "m" {\n  source = "./m"\n  for_each = { a = "A", b = "B" }\n'
            "  name = each.value\n  rg = null\n}\n"
            'module "n" {\n  source = "./m"\n  count = var.on ? 1 : 0\n'
            '  name = "n${count.index}"\n  rg = null\n}\n'
            'module "u" {\n  source = "./m"\n  for_each = var.un\n  name = each.key\n  rg = null\n}\n'
            'variable "on" { type = bool }\nvariable "un" {}\n'
            'resource "t_t" "a" {\n  one = module.m["a"].id\n  all = [for m in module.m : m.id]\n'
            "  splat = values(module.m)[*].id\n  first = module.n[0].id\n  whole = module.m\n"
            '  any = module.u["q"].id\n'
            "  map = { for k, m in module.m : k => m.name }\n}\n",
            "m/main.tf": IDENTITY,
        }
    )
    this = "azurerm_user_assigned_identity.this"
    ids = [ref(f'module.m["{key}"].{this}', "id") for key in "ab"]
    assert made.value("t_t.a", "one") == ids[0]
    assert made.value("t_t.a", "all") == ids
    assert made.value("t_t.a", "splat") == ids
    assert made.value("t_t.a", "first") == ref(f"module.n[0].{this}", "id")
    assert made.value("t_t.a", "any") == ref(f"module.u[*].{this}", "id")
    whole: Any = plain(made.value("t_t.a", "whole"))
    assert whole["b"] == {
        "id": ids[1],
        "name": ref(f'module.m["b"].{this}', "name"),
        "key": '?module.m["b"].key',
    }
    assert {address: made[address].conditional for address in made.objects if this in address} == {
        f'module.m["a"].{this}': False,
        f'module.m["b"].{this}': False,
        f"module.n[0].{this}": True,
        f"module.u[*].{this}": True,
    }
    assert made.value(f'module.m["b"].{this}', "name") == "B"


@pytest.mark.parametrize(
    ("source", "reason", "detail"),
    [
        (
            "Azure/naming/azurerm",
            "skipped",
            "The module Azure/naming/azurerm is not in the repository, so nothing of it is read.",
        ),
        (
            "git::https://example.com/x.git",
            "skipped",
            "The module git::https://example.com/x.git is not in the repository, so nothing of it is read.",
        ),
        ("./gone", "skipped", "The module ./gone is not there: its folder has no file of Terraform."),
        ("../outside", "skipped", "The module ../outside lies outside the repository."),
        (".", "skipped", "The module . calls itself in a circle."),
        ("./a", "skipped", "The module ../b calls itself in a circle."),
    ],
)
def test_a_module_that_cannot_be_read_is_a_gap_at_its_call(source: str, reason: str, detail: str) -> None:
    made = evaluated(
        {
            "main.tf": f'module "m" {{\n  source = "{source}"\n}}\nresource "t_t" "a" {{\n'
            '  v = module.m.id\n  w = module.m["k"].id\n}\n',
            "a/main.tf": 'module "b" { source = "../b" }\n',
            "b/main.tf": 'module "a" { source = "../a" }\nmodule "b" { source = "../b" }\n',
        }
    )
    assert (reason, detail) in [(found, said) for found, _, said in made.told()]
    assert made.told()[0][1] in ('module "m"', 'module "a"')
    assert isinstance(made.value("t_t.a", "v"), Unknown)
    if source != "./a" and source != ".":
        assert made.value("t_t.a", "v") == Unknown("module.m.id", "the module is not here")


def test_modules_that_init_installed_are_read() -> None:
    installed = {
        "Modules": [
            {"Key": "", "Source": "", "Dir": "."},
            {
                "Key": "net",
                "Source": "registry.terraform.io/x/net/azurerm",
                "Version": "1.0.0",
                "Dir": ".terraform/modules/net",
            },
            {"Key": "net.sub", "Source": "x/sub/azurerm", "Dir": ".terraform/modules/net.sub/sub"},
            {"Key": "evil", "Source": "x", "Dir": "../../../etc"},
        ]
    }
    made = evaluated(
        {
            "env/main.tf": (
                'module "net" {\n  source = "x/net/azurerm"\n  count = 1\n}\nmodule "evil" { source = "x" }\n'
            ),
            "env/.terraform/modules/modules.json": json.dumps(installed),
            "env/.terraform/modules/net/main.tf": 'module "sub" { source = "x/sub/azurerm" }\n',
            "env/.terraform/modules/net.sub/sub/main.tf": 'resource "t_t" "deep" {}\n',
        },
        "env",
    )
    assert [a for a, item in made.objects.items() if item.mode == "managed"] == [
        "module.net[0].module.sub.t_t.deep"
    ]
    assert [said for _, _, said in made.told()] == [
        "The module x is not in the repository, so nothing of it is read."
    ]
    assert "env/.terraform/modules/modules.json" in made.seen


def test_a_damaged_list_of_installed_modules_is_none() -> None:
    made = evaluated(
        {"main.tf": 'module "m" { source = "x/y/z" }\n', ".terraform/modules/modules.json": b"\xff{"}
    )
    assert [reason for reason, _, _ in made.told()] == ["skipped"]


def test_providers_are_those_of_the_caller_or_passed() -> None:
    made = evaluated(
        {
            "main.tf": 'provider "azurerm" {\n  features {}\n}\n'
            'provider "azurerm" {\n  alias = "hub"\n  subscription_id = "s"\n  features {}\n}\n'
            'resource "azurerm_a" "default" {}\nresource "azurerm_a" "hub" { provider = azurerm.hub }\n'
            'resource "azuread_a" "other" {}\n'
            'module "plain" { source = "./m" }\n'
            'module "passed" {\n  source = "./m"\n  providers = {\n'
            "    azurerm = azurerm.hub\n    azurerm.spoke = azurerm\n  }\n}\n",
            "m/main.tf": 'resource "azurerm_a" "a" {}\nresource "azurerm_a" "s" { provider = azurerm.spoke }\n'
            'module "deeper" { source = "../d" }\n',
            "d/main.tf": 'resource "azurerm_a" "a" {}\nprovider "azuread" {}\nresource "azuread_a" "b" {}\n',
        }
    )
    assert {a: item.provider for a, item in made.objects.items() if item.mode == "managed"} == {
        "azurerm_a.default": "provider.azurerm",
        "azurerm_a.hub": "provider.azurerm.hub",
        "azuread_a.other": "",
        "module.plain.azurerm_a.a": "provider.azurerm",
        "module.plain.azurerm_a.s": "",
        "module.plain.module.deeper.azurerm_a.a": "provider.azurerm",
        "module.plain.module.deeper.azuread_a.b": "module.plain.module.deeper.provider.azuread",
        "module.passed.azurerm_a.a": "provider.azurerm.hub",
        "module.passed.azurerm_a.s": "provider.azurerm",
        "module.passed.module.deeper.azurerm_a.a": "provider.azurerm.hub",
        "module.passed.module.deeper.azuread_a.b": "module.passed.module.deeper.provider.azuread",
    }
    hub = made["provider.azurerm.hub"]
    assert (hub.mode, hub.type, hub.name, plain(hub.body)) == (
        "provider",
        "azurerm",
        "hub",
        {"subscription_id": "s", "features": [{}]},
    )


def test_types_fill_in_and_convert() -> None:
    made = evaluated(
        {
            "main.tf": 'module "m" {\n  source = "./m"\n'
            '  roles = { a = { scope = "s" }, b = { scope = 7, role = null, extra = 1 } }\n'
            '  on = "true"\n  n = "5"\n  names = ["b", "a", "b"]\n  gone = null\n}\n',
            "m/main.tf": 'variable "roles" {\n  type = map(object({\n    scope = string\n'
            '    role  = optional(string, "Owner")\n    more  = optional(list(string))\n'
            "  }))\n}\n"
            'variable "on" { type = bool }\nvariable "n" { type = number }\n'
            'variable "names" { type = set(string) }\n'
            'variable "gone" {\n  nullable = false\n  default = "default"\n}\n'
            'variable "left" {\n  default = { k = "v" }\n  type = map(string)\n}\n'
            'resource "t_t" "a" {\n  roles = var.roles\n  on = var.on\n  n = var.n\n'
            "  names = var.names\n  gone = var.gone\n  left = var.left.k\n}\n",
        }
    )
    assert plain(made["module.m.t_t.a"].body) == {
        "roles": {
            "a": {"scope": "s", "role": "Owner", "more": None},
            "b": {"scope": "7", "role": "Owner", "more": None},
        },
        "on": True,
        "n": 5,
        "names": ["a", "b"],
        "gone": "default",
        "left": "v",
    }
    left = made["module.m.var.left"]
    assert (left.mode, left.place) == ("variable", Place("m/main.tf", left.place.start, left.place.end))
    assert made.written("module.m.var.left", "default") == 'default = { k = "v" }'


def test_a_missing_input_is_unknown_under_its_own_name() -> None:
    made = evaluated(
        {
            "main.tf": 'module "m" { source = "./m" }\n',
            "m/main.tf": 'variable "v" {}\nresource "t_t" "a" { v = var.v }\n',
        }
    )
    assert made.value("module.m.t_t.a", "v") == Unknown("module.m.var.v", "the variable has no default")
