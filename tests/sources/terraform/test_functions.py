"""Functions with known arguments as Terraform documents them, and with arguments that are not known."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.sources.declared.values import Ref, Text, Unknown
from scanner.sources.terraform.functions import FUNCTIONS
from scanner.sources.terraform.functions_files import FILE_FUNCTIONS
from tests.sources.terraform.configurations import evaluated, plain, value_of

VARIABLE = 'variable "un" {}\nvariable "flag" { type = bool }\n'
UN = Unknown("var.un", "the variable has no default")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('format("Hello, %s! %d%% %05.1f %q %v", "a", 4, 2.25, "q", true)', 'Hello, a! 4% 002.2 "q" true'),
        ('format("%[2]s %[1]s", "a", "b")', "b a"),
        ('format("%-4s|%4s|%03d", "a", "b", 7)', "a   |   b|007"),
        ('formatlist("%s-%s", ["a", "b"], "x")', ["a-x", "b-x"]),
        ('join("-", ["a", "b"], ["c"])', "a-b-c"),
        ('split(",", "a,b,")', ["a", "b", ""]),
        ('replace("a.b.c", ".", "-")', "a-b-c"),
        ('replace("a1b22", "/[0-9]+/", "<$0>")', "a<1>b<22>"),
        ('lower("AÉ")', "aé"),
        ('title("hello world")', "Hello World"),
        ('trim("?!a?!", "?!")', "a"),
        ('trimprefix("ab", "a")', "b"),
        ('trimsuffix("ab", "b")', "a"),
        ('trimspace("  a\\n")', "a"),
        ('chomp("a\\n\\n")', "a"),
        ('indent(2, "a\\nb")', "a\n  b"),
        ('substr("hello world", 1, 4)', "ello"),
        ('substr("hello", -3, -1)', "llo"),
        ('strrev("abc")', "cba"),
        ('startswith("abc", "ab")', True),
        ('endswith("abc", "bc")', True),
        ('strcontains("abc", "b")', True),
        ('regex("[a-z]+", "53abc9")', "abc"),
        ('regex("(\\\\d+)-(\\\\d+)", "1-2")', ["1", "2"]),
        ('regex("(?P<year>\\\\d+)", "2026")', {"year": "2026"}),
        ('regexall("[a-z]", "a1b")', ["a", "b"]),
        ('can(regex("^x", "y"))', False),
        ('concat(["a"], [], ["b"])', ["a", "b"]),
        ('flatten([["a"], [[], ["b"]], "c"])', ["a", "b", "c"]),
        ('distinct(["b", "a", "b"])', ["b", "a"]),
        ('toset(["b", "a", "b"])', ["a", "b"]),
        ('tolist(toset(["b", "a"]))', ["a", "b"]),
        ('sort(["b", "a"])', ["a", "b"]),
        ('reverse(["b", "a"])', ["a", "b"]),
        ('compact(["a", "", null, "b"])', ["a", "b"]),
        ('element(["a", "b"], 3)', "b"),
        ('one(["a"])', "a"),
        ("one([])", None),
        ('slice(["a", "b", "c"], 1, 2)', ["b"]),
        ('chunklist(["a", "b", "c"], 2)', [["a", "b"], ["c"]]),
        ("range(3)", [0, 1, 2]),
        ("range(1, 8, 3)", [1, 4, 7]),
        ("range(3, 0)", [3, 2, 1]),
        ('setproduct(["a", "b"], [1, 2])', [["a", 1], ["a", 2], ["b", 1], ["b", 2]]),
        ('setunion(["a"], ["b", "a"])', ["a", "b"]),
        ('setintersection(["a", "b"], ["b"])', ["b"]),
        ('setsubtract(["a", "b"], ["b"])', ["a"]),
        ('contains(["a"], "a")', True),
        ('index(["a", "b"], "b")', 1),
        ('length("héé")', 3),
        ("length({ a = 1 })", 1),
        ('alltrue([true, "true"])', True),
        ("anytrue([false, true])", True),
        ('coalesce("", null, "a", "b")', "a"),
        ("coalescelist([], [1])", [1]),
        ("merge({ a = 1, b = 2 }, null, { b = 3 })", {"a": 1, "b": 3}),
        ('lookup({ a = 1 }, "a", 2)', 1),
        ('lookup({ a = 1 }, "b", 2)', 2),
        ("keys({ b = 1, a = 2 })", ["a", "b"]),
        ("values({ b = 1, a = 2 })", [2, 1]),
        ('zipmap(["a", "b"], [1, 2])', {"a": 1, "b": 2}),
        ('transpose({ a = ["x", "y"], b = ["y"] })', {"x": ["a"], "y": ["a", "b"]}),
        ('matchkeys(["i", "j"], ["a", "b"], ["b"])', ["j"]),
        ("max(1, 3, 2)", 3),
        ("min([1, 3, 2]...)", 1),
        ("sum([1, 2.5])", 3.5),
        ("ceil(1.2) + floor(1.8) + abs(-2)", 5),
        ("pow(2, 10)", 1024),
        ('parseint("ff", 16)', 255),
        ("signum(-3)", -1),
        ("tostring(1)", "1"),
        ('tonumber("1.5")', 1.5),
        ('tobool("true")', True),
        ("tomap({ a = 1 })", {"a": 1}),
        ('jsonencode({ b = [1, null, true], a = "é\\"" })', '{"a":"é\\"","b":[1,null,true]}'),
        ('jsondecode("{\\"a\\": [1, {\\"b\\": null}]}")', {"a": [1, {"b": None}]}),
        ('csvdecode("a,b\\n1,2\\n")', [{"a": "1", "b": "2"}]),
        ('base64encode("é")', "w6k="),
        ('base64decode("w6k=")', "é"),
        ('urlencode("a b/é")', "a+b%2F%C3%A9"),
        ('md5("a")', "0cc175b9c0f1b6a831c399e269772661"),
        ('sha1("a")', "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ('substr(sha256("a"), 0, 8)', "ca978112"),
        ('uuidv5("dns", "www.terraform.io")', "a5008fae-b28c-5ba5-96cd-82b4c53552d6"),
        ('basename("a/b.txt")', "b.txt"),
        ('dirname("a/b.txt")', "a"),
        ("nonsensitive(1)", 1),
    ],
)
def test_known(expression: str, value: Any) -> None:
    assert value_of(expression) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('format("a-%s-b", var.un)', Text(("a-", UN, "-b"))),
        ('format("%5s", var.un)', '?format("%5s", var.un)'),
        ('join("-", ["a", var.un])', Text(("a-", UN))),
        ('join("-", var.un)', "?join(-, var.un)"),
        ('upper("a${var.un}")', Text(("A", Unknown("upper(var.un)", "the variable has no default")))),
        ('trimprefix("a-${var.un}", "a-")', "?var.un"),
        ('startswith("a-${var.un}", "a")', True),
        ('startswith("a-${var.un}", "b")', False),
        ('jsonencode({ a = "x${var.un}" })', Text(('{"a":"x', UN, '"}'))),
        ('concat(["a"], var.un)', ["a", "?var.un[*]"]),
        ('length(concat(["a"], var.un))', '?length(["a", var.un[*]])'),
        ("merge(var.un, { a = 1 }).a", 1),
        ("merge({ a = 1 }, var.un).a", "?merge(var.un).a"),
        ("lookup({ a = 1 }, var.un, 2)", "?lookup({a = 1}, var.un)"),
        ('contains(["a", var.un], "a")', True),
        ('contains([var.un], "a")', "?contains([var.un], a)"),
        ("toset(var.un)", ["?var.un[*]"]),
        ("flatten([var.un, [1]])", ["?var.un", 1]),
        ("keys(var.un)", "?keys(var.un)"),
        ("element([1], var.un)", "?element([1], var.un)"),
        ("coalesce(var.un, 1)", "?coalesce(var.un, 1)"),
        ("coalesce(null, 1, var.un)", 1),
        ("substr(var.un, 0, 1)", "?substr(var.un, 0, 1)"),
        ("one(var.un[*])", "?one([var.un[*]])"),
        ("max(1, var.un)", "?max(1, var.un)"),
        ("min(var.un...)", "?min(var.un)"),
        ("try(var.un, 1)", "?var.un"),
        ("can(var.un)", "?can(var.un)"),
        ("tostring(var.un)", "?var.un"),
        ("range(99999999)", "?range(99999999)"),
        ("setproduct(range(200), range(200))", None),
        ('regex("(a+)+$", "aab")', "?regex((a+)+$, aab)"),
        ('filebase64sha256("x")', "?filebase64sha256(x)"),
    ],
)
def test_not_known(expression: str, value: Any) -> None:
    found = value_of(expression, VARIABLE)
    if value is None:
        assert isinstance(found, str)
        assert found.startswith("?setproduct(")
    else:
        assert found == value


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ('tonumber("a")', "a text is no number"),
        ("element([], 0)", "the list is empty"),
        ("one([1, 2])", "the list has more than one item"),
        ('index(["a"], "b")', "the list does not have it"),
        ('lookup({}, "a")', "nothing is called a there"),
        ('regex("a", "b")', "its pattern does not match"),
        ('regex("(?=a)", "a")', "its pattern is none that Terraform takes"),
        ('jsondecode("{")', "it is no JSON"),
        ('base64decode("!")', "it is no text in base64"),
        ('zipmap(["a"], [])', "there are not as many keys as values"),
        ("range(1, 5, 0)", "a step of zero does not come to an end"),
        ("element([1])", "element is given too few arguments"),
        ('format("%s")', "format is given too few arguments"),
        ("length(1)", "it has no length"),
        ("pow(0, -1)", "its value is no finite number"),
    ],
)
def test_what_terraform_refuses_is_unknown_and_caught_by_try(expression: str, why: str) -> None:
    made = evaluated(f'resource "t_t" "a" {{\n  b = {expression}\n  c = try({expression}, "else")\n}}\n')
    assert made.value("t_t.a", "b") == Unknown("t_t.a.b", why)
    assert made.value("t_t.a", "c") == "else"


def test_files_are_read_relative_to_the_root_module() -> None:
    files = {
        "env/prod/main.tf": 'module "m" { source = "../../mod" }\n'
        'resource "t_t" "a" {\n  a = file("x.txt")\n  b = jsondecode(file("${path.module}/../d.json")).k\n'
        '  c = file("../../../etc/passwd")\n  d = fileexists("x.txt")\n  e = file("gone")\n  f = path.root\n'
        '  g = filebase64("x.txt")\n  h = fileset(path.module, "*.txt")\n}\n',
        "env/prod/x.txt": "text",
        "env/d.json": '{"k": ["v"]}',
        "mod/main.tf": (
            'resource "t_t" "b" {\n'
            '  a = templatefile("${path.module}/t.tpl", { n = "N", l = ["p", "q"] })\n}\n'
        ),
        "mod/t.tpl": 'Hi "${n}"\n%{ for i in l ~}\n- ${i}\n%{ endfor ~}\n',
    }
    made = evaluated(files, "env/prod")
    assert plain(made["t_t.a"].body) == {
        "a": "text",
        "b": ["v"],
        "c": "?file(../../../etc/passwd)",
        "d": True,
        "e": "?file(gone)",
        "f": ".",
        "g": "dGV4dA==",
        "h": ["x.txt"],
    }
    assert made.value("t_t.a", "c").why == "its file lies outside the repository"
    assert made.value("t_t.a", "e").why == "its file is not here"
    assert made.value("module.m.t_t.b", "a") == 'Hi "N"\n- p\n- q\n'
    assert {"env/prod/x.txt", "env/prod/gone", "env/d.json", "mod/t.tpl"} <= set(made.seen)


def test_what_azapi_hands_back_is_asked_the_same_as_text() -> None:
    made = evaluated(
        """
resource "azapi_resource" "a" { count = 1 }
data "azapi_resource_action" "keys" {}
resource "test_thing" "it" {
  principal = jsondecode(azapi_resource.a[0].output).identity.principalId
  key       = jsondecode(data.azapi_resource_action.keys.output).keys[0].value
  other     = jsondecode(test_thing.other.output).key
}
resource "test_thing" "other" {}
"""
    )
    assert made.value("test_thing.it", "principal") == Ref(
        "azapi_resource.a[0]",
        ("output", "identity", "principalId"),
        "azapi_resource.a[0].output.identity.principalId",
    )
    assert made.value("test_thing.it", "key").path == ("output", "keys", "0", "value")
    assert isinstance(made.value("test_thing.it", "other"), Unknown)


def test_terraform_data_hands_on_what_it_is_given() -> None:
    beside = 'resource "terraform_data" "role" {\n  input = "Owner"\n}\nresource "test_thing" "x" {\n  input = 1\n}\n'
    assert value_of("terraform_data.role.output", beside) == "Owner"
    assert value_of('"${terraform_data.role.output}!"', beside) == "Owner!"
    assert value_of("test_thing.x.output", beside) != 1


LANGUAGE = """
abs abspath alltrue anytrue base64decode base64encode base64gzip base64sha256 base64sha512 basename
bcrypt can ceil chomp chunklist cidrhost cidrnetmask cidrsubnet cidrsubnets coalesce coalescelist compact
concat contains csvdecode dirname distinct element endswith ephemeralasnull file filebase64
filebase64sha256 filebase64sha512 fileexists filemd5 fileset filesha1 filesha256 filesha512 flatten floor
format formatdate formatlist indent index issensitive join jsondecode jsonencode keys length list log
lookup lower map matchkeys max md5 merge min nonsensitive one parseint pathexpand plantimestamp pow range
regex regexall replace reverse rsadecrypt sensitive setintersection setproduct setsubtract setunion sha1
sha256 sha512 signum slice sort split startswith strcontains strrev substr sum templatefile
templatestring textdecodebase64 textencodebase64 timeadd timecmp timestamp title tobool tolist tomap
tonumber toset tostring transpose trim trimprefix trimspace trimsuffix try type upper urlencode uuid
uuidv5 values yamldecode yamlencode zipmap
"""
"""All functions: developer.hashicorp.com/terraform/language/functions"""
NOT_COMPUTED = """
abspath base64gzip cidrhost cidrnetmask cidrsubnet cidrsubnets filebase64sha256 filebase64sha512 filemd5
filesha1 filesha256 filesha512 formatdate issensitive map pathexpand rsadecrypt timeadd timecmp type
yamlencode
"""
"""Addresses, times, digests of files, places on a machine: no rule asks for what they return."""
DIFFERENT_EACH_TIME = ("bcrypt", "plantimestamp", "timestamp", "uuid")


def test_every_function_of_the_language_is_computed_or_deliberately_not() -> None:
    computed = {name for name in (*FUNCTIONS, *FILE_FUNCTIONS) if "::" not in name} | {"try", "can"}
    not_computed = {*NOT_COMPUTED.split(), *DIFFERENT_EACH_TIME}
    assert computed == set(LANGUAGE.split()) - not_computed
    for name in not_computed:
        made = evaluated(f'resource "test_thing" "it" {{\n  it = {name}("a")\n}}\n')
        assert isinstance(made.value("test_thing.it", "it"), Unknown), name


VAULT = """
resource "azurerm_key_vault" "v" {
  name                = "kv"
  resource_group_name = "rg"
}
variable "s" {}
"""


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ('azurerm::parse_resource_id("/subscriptions/s/resourceGroups/r").subscription_id', "s"),
        ('azurerm::parse_resource_id("/subscriptions/s/resourceGroups/r").resource_name', "r"),
        ('azurerm::parse_resource_id("/subscriptions/s").resource_type', "subscriptions"),
        (
            'azurerm::parse_resource_id("/subscriptions/s/resourceGroups/r/providers/A/b/c/d/e")["full_resource_type"]',
            "A/b/d",
        ),
        (
            'azapi::parse_resource_id("A/b", "/subscriptions/s/resourceGroups/r/providers/A/b/c").parent_id',
            "/subscriptions/s/resourceGroups/r",
        ),
        (
            'azapi::parse_resource_id("A/b/d", "/subscriptions/s/providers/A/b/c/d/e").parent_id',
            "/subscriptions/s/providers/A/b/c",
        ),
        ("azurerm::parse_resource_id(azurerm_key_vault.v.id).resource_group_name", "rg"),
        (
            "azurerm::parse_resource_id(var.s).resource_name",
            "?provider::azurerm::parse_resource_id(var.s).resource_name",
        ),
        (
            'azapi::build_resource_id("/subscriptions/s", "Microsoft.Resources/resourceGroups", "r")',
            "/subscriptions/s/resourceGroups/r",
        ),
        ('azapi::build_resource_id("/a", "Microsoft.A/b", "c")', "/a/providers/Microsoft.A/b/c"),
        ('azapi::build_resource_id("/a/b/c", "Microsoft.A/b/d", "e")', "/a/b/c/d/e"),
        ('azapi::build_resource_id("/", "Microsoft.A/b", "c")', "/providers/Microsoft.A/b/c"),
        ('azapi::tenant_resource_id("Microsoft.A/b", ["c"])', "/providers/Microsoft.A/b/c"),
        (
            'azapi::management_group_resource_id("m", "Microsoft.A/b/c", ["x", "y"])',
            "/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.A/b/x/c/y",
        ),
        (
            'azapi::subscription_resource_id("s", "Microsoft.Resources/resourceGroups", ["r"])',
            "/subscriptions/s/resourceGroups/r",
        ),
        (
            'azapi::resource_group_resource_id("s", "r", "Microsoft.A/b", ["x"])',
            "/subscriptions/s/resourceGroups/r/providers/Microsoft.A/b/x",
        ),
        (
            'azapi::extension_resource_id("/a/b", "Microsoft.L/locks", ["x"])',
            "/a/b/providers/Microsoft.L/locks/x",
        ),
    ],
)
def test_functions_of_providers_put_ids_together_and_take_them_apart(call: str, value: str) -> None:
    assert value_of(f"provider::{call}", VAULT) == value


def test_functions_of_providers_follow_references() -> None:
    kept = Ref("azurerm_key_vault.v", ("id",), "azurerm_key_vault.v.id")
    assert value_of("provider::azurerm::normalise_resource_id(azurerm_key_vault.v.id)", VAULT) == kept
    made = value_of('provider::azapi::extension_resource_id(azurerm_key_vault.v.id, "A/b", ["c"])', VAULT)
    assert made == Text((kept, "/providers/A/b/c"))
    assert value_of('can(provider::azurerm::parse_resource_id("nonsense"))') is False
    assert value_of('can(provider::azapi::tenant_resource_id("A/b", []))') is False
