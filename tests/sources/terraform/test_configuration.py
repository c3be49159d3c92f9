"""The files of a folder as one module: values of variables, override files, what is declared twice, JSON."""

from __future__ import annotations

import json

import pytest

from scanner.sources.declared.files import Files
from scanner.sources.declared.values import Unknown
from scanner.sources.terraform.configuration import ParsedFiles, load
from tests.sources.terraform.configurations import evaluated, plain

MAIN = 'variable "v" {}\nresource "t_t" "a" {\n  v = var.v\n}\n'


@pytest.mark.parametrize(
    ("files", "value"),
    [
        ({"terraform.tfvars": 'v = "t"\n'}, "t"),
        ({"terraform.tfvars.json": '{"v": "${not evaluated}"}'}, "${not evaluated}"),
        ({"terraform.tfvars": 'v = "t"\n', "terraform.tfvars.json": '{"v": "j"}'}, "j"),
        ({"terraform.tfvars": 'v = "t"\n', "b.auto.tfvars": 'v = "b"\n', "a.auto.tfvars": 'v = "a"\n'}, "b"),
        ({"a.auto.tfvars.json": '{"v": {"k": [1]}}'}, {"k": [1]}),
        ({"prod.tfvars": 'v = "p"\n'}, "p"),
        ({"prod.tfvars": 'v = "p"\n', "dev.tfvars": 'v = "p"\n'}, "p"),
        ({"prod.tfvars": 'v = "p"\n', "terraform.tfvars": 'v = "t"\n'}, "t"),
    ],
)
def test_values_of_variables(files: dict[str, str], value: object) -> None:
    made = evaluated({"main.tf": MAIN, **files})
    assert plain(made.value("t_t.a", "v")) == value
    assert set(files) <= set(made.seen)


def test_files_of_which_one_is_chosen_leave_their_values_as_options() -> None:
    made = evaluated({"main.tf": MAIN, "prod.tfvars": 'v = "p"\n', "dev.tfvars": 'v = "d"\n'})
    assert made.value("t_t.a", "v") == Unknown(
        "var.v", "its value is chosen when deploying (dev.tfvars, prod.tfvars)", options=("d", "p")
    )
    made = evaluated({"main.tf": MAIN.replace("{}", '{ default = "x" }'), "prod.tfvars": 'v = "p"\n'})
    assert made.value("t_t.a", "v").options == ("p", "x")


def test_values_are_of_the_root_module_only() -> None:
    made = evaluated(
        {
            "main.tf": 'module "m" { source = "./m" }\n',
            "m/main.tf": MAIN,
            "m/terraform.tfvars": 'v = "never"\n',
        }
    )
    assert plain(made.value("module.m.t_t.a", "v")) == "?module.m.var.v"


def test_override_files() -> None:
    main = (
        'resource "t_t" "a" {\n  n = 1\n  m = 1\n  rule {\n    x = 1\n  }\n  keep {\n    y = 1\n  }\n}\n'
        'locals {\n  l = 1\n}\noutput "o" {\n  value = local.l\n}\nterraform {\n  backend "azurerm" {}\n}\n'
    )
    over = (
        'resource "t_t" "a" {\n  m = { z = 2 }\n  rule {\n    x = 2\n  }\n}\nlocals {\n  l = 2\n}\n'
        'terraform {\n  backend "local" {}\n}\n'
    )
    made = evaluated(
        {"main.tf": main, "z_override.tf": over, "override.tf": 'resource "t_t" "a" {\n  n = 3\n}\n'}
    )
    item = made["t_t.a"]
    assert plain(item.body) == {"n": 3, "m": {"z": 2}, "keep": [{"y": 1}], "rule": [{"x": 2}]}
    assert item.place.uri == "main.tf"
    # What is written elsewhere has no place in the file of the resource.
    assert [name for name, held in item.body.properties.items() if held.written] == ["keep"]
    assert not item.body.properties["m"].value.properties["z"].written  # type: ignore[union-attr]
    assert not item.body.properties["rule"].value[0].properties["x"].written  # type: ignore[index,union-attr]
    assert plain(made["output.o"].body) == {"value": 2, "sensitive": False}
    assert [address for address in made.objects if address.startswith("backend")] == ["backend.local"]
    assert made.gaps == []


@pytest.mark.parametrize(
    ("files", "value", "seen"),
    [
        ({"main.tofu": "tofu"}, "tofu", {"main.tofu"}),
        ({"main.tf": "tf", "main.tofu": "tofu"}, "tofu", {"main.tofu"}),
        ({"main.tf": "tf", "override.tofu": "over"}, "over", {"main.tf", "override.tofu"}),
        ({"main.tofu": "tofu", "a_override.tf": "tf", "a_override.tofu": "over"}, "over", None),
        ({"main.tf.json": "tf", "main.tofu.json": "tofu"}, "tofu", {"main.tofu.json"}),
    ],
)
def test_opentofu_reads_its_own_files_instead_of_those_of_the_same_name(
    files: dict[str, str], value: str, seen: set[str] | None
) -> None:
    made = evaluated(
        {
            name: json.dumps({"resource": {"t_t": {"a": {"v": v}}}})
            if name.endswith(".json")
            else f'resource "t_t" "a" {{\n  v = "{v}"\n}}\n'
            for name, v in files.items()
        }
    )
    assert plain(made.value("t_t.a", "v")) == value
    assert made.gaps == []
    assert seen is None or set(made.seen) == seen


def test_tests_of_a_module_are_not_of_it() -> None:
    files = dict.fromkeys(("a.tftest.hcl", "a.tofutest.hcl", "terragrunt.hcl", "a.tftest.json"), "not { read")
    made = evaluated({"main.tf": MAIN.replace("var.v", "1"), **files})
    assert plain(made.value("t_t.a", "v")) == 1
    assert made.gaps == []


def test_what_is_declared_twice_counts_once() -> None:
    made = evaluated(
        {"a.tf": 'resource "t_t" "a" {\n  n = 1\n}\n', "b.tf": 'resource "t_t" "a" {\n  n = 2\n}\n'}
    )
    assert made.value("t_t.a", "n") == 1
    assert made.told() == [
        (
            "malformed",
            'resource "t_t" "a"',
            "resource t_t.a is declared a second time; only the first counts.",
        )
    ]
    assert made.gaps[0].place.uri == "b.tf"


def test_wrong_labels_are_a_gap() -> None:
    made = evaluated('resource "t_t" {\n  n = 1\n}\nvariable {\n}\n')
    assert made.told() == [
        ("malformed", 'resource "t_t"', "A resource block has 2 labels before its brace."),
        ("malformed", "variable", "A variable block has 1 label before its brace."),
    ]


def test_blocks_that_declare_nothing_are_passed_over() -> None:
    made = evaluated(
        'moved {\n  from = t_t.b\n  to = t_t.a\n}\nimport {\n  to = t_t.a\n  id = "x"\n}\n'
        'removed {\n  from = t_t.c\n}\ncheck "c" {\n  data "t_t" "in" {}\n}\n'
        'terraform {\n  required_version = ">= 1"\n  required_providers {\n'
        '    azurerm = { source = "x" }\n  }\n}\n'
        'resource "t_t" "a" {}\nephemeral "t_t" "e" {}\n'
    )
    assert {address: item.mode for address, item in made.objects.items()} == {
        "t_t.a": "managed",
        "ephemeral.t_t.e": "data",
    }
    assert made.gaps == []


def test_backend_outputs_and_variables() -> None:
    made = evaluated(
        'terraform {\n  backend "azurerm" {\n    use_oidc = true\n  }\n}\n'
        'output "id" {\n  value = t_t.a.id\n  sensitive = true\n}\noutput "none" {}\n'
        'variable "a" {\n  default = "d"\n}\nvariable "b" {}\nresource "t_t" "a" {}\n'
    )
    assert {address: (item.mode, item.type, item.name) for address, item in made.objects.items()} == {
        "backend.azurerm": ("backend", "azurerm", "azurerm"),
        "output.id": ("output", "output", "id"),
        "var.a": ("variable", "variable", "a"),
        "t_t.a": ("managed", "t_t", "a"),
    }
    assert made.written("output.id", "value") == "value = t_t.a.id"
    assert made.written("output.id", "sensitive") == "sensitive = true"
    assert made.written("backend.azurerm", "use_oidc") == "use_oidc = true"


def test_a_file_that_cannot_be_read_is_a_gap() -> None:
    configuration = load(Files(lambda _uri: None), ".", ["main.tf"], ParsedFiles())
    assert [(gap.place.uri, gap.reason, gap.detail) for gap in configuration.gaps] == [
        ("main.tf", "failed", "The file cannot be read.")
    ]
    assert configuration.broken


def test_parsed_files_are_kept_while_they_stay_the_same() -> None:
    content = {"a.tf": b"locals {\n  a = 1\n}\n"}
    parsed = ParsedFiles()
    files = Files(content.get)
    first = parsed.read(files, "a.tf")
    assert parsed.read(files, "a.tf") is first
    content["a.tf"] = b"locals {\n  b = 1\n}\n"
    assert set(parsed.read(files, "a.tf").body.blocks[0].body.attributes) == {"b"}


# ---- JSON

CONFIGURATION = {
    "//": "a comment",
    "terraform": {"backend": {"azurerm": {"use_msi": True}}, "required_providers": {"azurerm": {}}},
    "provider": {"azurerm": [{"features": {}}, {"alias": "hub", "features": {}}]},
    "variable": {
        "v": {"type": "map(string)", "default": {"k": "${literal}"}},
        "s": {"type": "bool", "default": "true"},
    },
    "locals": {"l": "${var.v.k}!", "n": 5},
    "resource": {
        "azurerm_linux_web_app": {
            "app": {
                "//": "another",
                "provider": "azurerm.hub",
                "name": "app-${local.n}",
                "identity": {"type": "SystemAssigned"},
                "tags": {"t": "${local.l}"},
                "site_config": [{"x": "${1 + 1}", "ip": [{"a": 1}, {"a": 2}]}],
                "depends_on": ["azurerm_x.y"],
                "dynamic": {"rule": {"for_each": ["r"], "content": {"n": "${rule.value}"}}},
            }
        },
        "azurerm_role_assignment": {
            "ra": {
                "for_each": {"a": 1},
                "principal_id": "${azurerm_linux_web_app.app.identity[0].principal_id}",
            }
        },
    },
    "module": {"m": {"source": "./m", "given": "${local.n}", "providers": {"azurerm": "azurerm.hub"}}},
    "output": {"o": {"value": "${azurerm_linux_web_app.app.id}", "sensitive": True}},
}


def test_json_configuration() -> None:
    text = json.dumps(CONFIGURATION, indent=2)
    made = evaluated(
        {
            "main.tf.json": text,
            "m/x.tf": 'variable "given" {}\nresource "azurerm_z" "z" {\n  g = var.given\n}\n',
        }
    )
    assert made.gaps == []
    app = made["azurerm_linux_web_app.app"]
    assert plain(app.body) == {
        "name": "app-5",
        "tags": {"t": "${literal}!"},
        "identity": [{"type": "SystemAssigned"}],
        "site_config": [{"x": 2, "ip": [{"a": 1}, {"a": 2}]}],
        "rule": [{"n": "r"}],
    }
    assert app.provider == "provider.azurerm.hub"
    assert text[app.place.start : app.place.end] == '"app"'
    assert text[app.whole.start : app.whole.end].startswith('"app": {')
    assert made.written("azurerm_linux_web_app.app", "name") == '"name": "app-${local.n}"'
    assert made.written("azurerm_linux_web_app.app", "identity", "0", "type") == '"type": "SystemAssigned"'
    assert made.written("azurerm_linux_web_app.app", "tags", "t") == '"t": "${local.l}"'
    principal = made.value('azurerm_role_assignment.ra["a"]', "principal_id")
    assert (principal.target, principal.path) == (
        "azurerm_linux_web_app.app",
        ("identity", "0", "principal_id"),
    )
    assert (made["module.m.azurerm_z.z"].provider, made.value("module.m.azurerm_z.z", "g")) == (
        "provider.azurerm.hub",
        5,
    )
    assert plain(made["var.v"].body) == {"default": {"k": "${literal}"}, "sensitive": False}
    assert plain(made["backend.azurerm"].body) == {"use_msi": True}
    assert plain(made["output.o"].body)["sensitive"] is True
    assert {"provider.azurerm", "provider.azurerm.hub"} <= set(made.objects)


def test_broken_json_keeps_what_is_whole() -> None:
    text = '{"resource": {"t_t": {"a": {"n": 1}, "b": {"m": }}}, "locals": {'
    made = evaluated({"main.tf.json": text})
    assert made.value("t_t.a", "n") == 1
    assert {reason for reason, _, _ in made.told()} == {"malformed"}
    assert made.gaps[0].place.uri == "main.tf.json"


@pytest.mark.parametrize("name", ["main.tf.json", "terraform.tfvars.json"])
def test_json_that_is_no_object_is_a_gap(name: str) -> None:
    made = evaluated({name: "[1]", "x.tf": "locals {}\n"})
    assert made.told() == [("malformed", "[", "The file does not begin as a JSON object.")]
