"""What plain edits become in each language, and where none is offered."""

from __future__ import annotations

import sys
from types import FrameType

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.engine.apply_fixes import apply_fixes
from scanner.engine.finding import Declared, Finding, Fix, Location, Related, Subject
from scanner.engine.plain_edit import FilesToFix
from scanner.engine.source_files import SourceFiles
from scanner.rule import MarkSecret, PlainFix, RemoveProperty, SetProperty
from tests.engine.test_policy import finding

SECRET = PlainFix((MarkSecret(),))
NO_DEFAULT = PlainFix((RemoveProperty("defaultValue"),))
NO_KEYS = PlainFix((SetProperty("properties.disableLocalAuth", True),))
OWN_IDENTITY = PlainFix((SetProperty("identity.type", "SystemAssigned"),))
ON_IDENTITY = PlainFix(
    (RemoveProperty("properties.servicePrincipalProfile"), SetProperty("identity.type", "SystemAssigned"))
)
BY_TOKEN = PlainFix(
    (RemoveProperty("client_secret"), RemoveProperty("client_certificate"), SetProperty("use_oidc", True)),
    needs="a federated credential",
    given={"property": ("client_secret", "client_certificate")},
    providers=("azurerm",),
)


def found_at(text: str, uri: str, place: str, name: str = "x", **evidence: object) -> Finding:
    """Return a finding at the first place where some text stands."""
    at = text.index(place)
    line = text[:at].count("\n") + 1
    column = at - text.rfind("\n", 0, at)
    end_line = line + place.count("\n")
    end = at + len(place)
    where = Location(uri, line, column, end_line, end - text.rfind("\n", 0, end))
    return msgspec.structs.replace(
        finding(),
        location=where,
        declared=Declared(where),
        subject=Subject("id", "", name),
        evidence=evidence,
    )


def fix_of(text: str, uri: str, one: Finding, *fixes: PlainFix) -> Fix | None:
    return FilesToFix(SourceFiles({uri: text.encode()}.get)).fix(one, fixes)


def becomes(text: str, uri: str, one: Finding, *fixes: PlainFix) -> tuple[str, str]:
    """Return what a fix says and what the file becomes."""
    made = fix_of(text, uri, one, *fixes)
    assert made is not None
    applied = apply_fixes(
        [msgspec.structs.replace(one, fixes=(made,))],
        SourceFiles({uri: text.encode()}.get),
        also_needing=True,
    )
    assert applied.left == ()
    return made.description, applied.files[uri].decode()


# ---- outputs and parameters


TF_OUTPUT = 'output "x" {\n  value = one.key # of it\n\n  depends_on = [two]\n}\n'


def test_an_output_of_terraform_is_marked() -> None:
    said, after = becomes(TF_OUTPUT, "main.tf", found_at(TF_OUTPUT, "main.tf", "value = one.key"), SECRET)
    assert said == "set sensitive of the output to true"
    assert after == TF_OUTPUT.replace("[two]\n", "[two]\n  sensitive  = true\n")
    text = TF_OUTPUT.replace("depends_on = [two]", "sensitive = false")
    _, after = becomes(text, "main.tf", found_at(text, "main.tf", "value = one.key"), SECRET)
    assert after == text.replace("false", "true")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('output "x" { value = one.key }\n', 'output "x" {\n  value = one.key\n  sensitive = true\n}\n'),
        (
            "  output x {\r\n    value = one.key\r\n  }\r\n",
            "  output x {\r\n    value = one.key\r\n    sensitive = true\r\n  }\r\n",
        ),
        (
            'output "x" {\n\tvalue = <<EOT\n${one.key} }\nEOT\n}\n',
            'output "x" {\n\tvalue = <<EOT\n${one.key} }\nEOT\n\tsensitive = true\n}\n',
        ),
        (
            'output "x" {\n  value = {\n    a = one.key\n  }\n}\n',
            'output "x" {\n  value = {\n    a = one.key\n  }\n  sensitive = true\n}\n',
        ),
    ],
    ids=["one line", "crlf", "heredoc and tabs", "within an object"],
)
def test_an_output_of_terraform_in_whatever_form(before: str, after: str) -> None:
    assert becomes(before, "main.tf", found_at(before, "main.tf", "one.key"), SECRET)[1] == after


def test_an_output_of_bicep_gets_a_decorator() -> None:
    text = "@description('a\\'s key')\n  output x string = one.listKeys().key // of it\noutput y string = x\n"
    said, after = becomes(text, "main.bicep", found_at(text, "main.bicep", "one.listKeys().key"), SECRET)
    assert said == "mark the output with @secure()"
    assert after == text.replace("  output x", "  @secure()\n  output x")
    text = "@description('')\n#disable-next-line a\n#disable-next-line b\noutput x string = one.listKeys()\n"
    _, after = becomes(text, "main.bicep", found_at(text, "main.bicep", "one.listKeys()"), SECRET)
    assert after == text.replace("#disable-next-line a", "@secure()\n#disable-next-line a")
    # The value may take lines of its own, in which another output seems to begin.
    text = "output x object = {\r\n  a: one.listKeys()\r\n  b: '''\r\noutput y string = z\r\n'''\r\n}\r\n"
    _, after = becomes(text, "main.bicep", found_at(text, "main.bicep", "one.listKeys()"), SECRET)
    assert after == "@secure()\r\n" + text


def test_an_output_of_arm_gets_another_type() -> None:
    text = '{"resources": [], "outputs": {"x": {"type": "String", "value": "[listKeys(1)]"}}}'
    one = found_at(text, "azuredeploy.json", '"[listKeys(1)]"')
    assert becomes(text, "azuredeploy.json", one, SECRET) == (
        "give the output the type securestring",
        text.replace('"String"', '"securestring"'),
    )
    called = msgspec.structs.replace(one, related=(Related(one.location, "called here"),))  # type: ignore[arg-type]
    assert fix_of(text, "azuredeploy.json", called, SECRET) is None


@pytest.mark.parametrize(
    ("text", "uri", "place"),
    [
        ("output x array = [one.listKeys().key]\n", "main.bicep", "one.listKeys().key"),
        ("output x own = one.listKeys().key\n", "main.bicep", "one.listKeys().key"),
        ("output y string = one.listKeys().key\n", "main.bicep", "one.listKeys().key"),
        ("@secure() output x string = one.listKeys().key\n", "main.bicep", "one.listKeys().key"),
        ('{"outputs": {"x": {"type": "array", "value": ["[k]"]}}}', "a.json", '"[k]"'),
        ('{"outputs": {"x": {"$ref": "#/definitions/a", "value": "[k]"}}}', "a.json", '"[k]"'),
        ('{"other": {"x": {"type": "string", "value": "[k]"}}}', "a.json", '"[k]"'),
        ('{"outputs": {"y": {"type": "string", "value": "[k]"}}}', "a.json", '"[k]"'),
        ('output "x" {\n  value = one.key\n  sensitive = local.hide\n}\n', "main.tf", "one.key"),
        ("locals {\n  x = one.key\n}\n", "main.tf", "one.key"),
    ],
    ids=[
        "an array of Bicep",
        "a type of its own",
        "another output",
        "a decorator on the line",
        "an array",
        "a definition",
        "no output",
        "another name",
        "an expression",
        "no output of Terraform",
    ],
)
def test_what_cannot_be_marked_is_left_alone(text: str, uri: str, place: str) -> None:
    assert fix_of(text, uri, found_at(text, uri, place), SECRET) is None


@pytest.mark.parametrize(
    "made",
    [
        '"metadata": {"_generator": {"name": "bicep", "version": "0.30.3"}}, ',
        '"format_version": "1.2", "planned_values": {}, ',
    ],
    ids=["compiled from Bicep", "a plan"],
)
def test_what_a_tool_made_is_not_edited(made: str) -> None:
    text = f'{{{made}"outputs": {{"x": {{"type": "string", "value": "[k]"}}}}}}'
    assert fix_of(text, "a.json", found_at(text, "a.json", '"[k]"'), SECRET) is None


@pytest.mark.parametrize(
    ("uri", "before", "place", "after", "said"),
    [
        (
            "main.tf",
            'variable "x" {\n  default = "hidden" # why\n  sensitive = true\n}\n',
            'default = "hidden"',
            'variable "x" {\n  sensitive = true\n}\n',
            "remove default",
        ),
        (
            "main.tf",
            'variable "x" {\n  sensitive = true\n  default   = <<-EOT\n    hid{den\n    EOT\n}\n',
            "default   = <<-EOT\n    hid{den\n    EOT",
            'variable "x" {\n  sensitive = true\n}\n',
            "remove default",
        ),
        (
            "main.bicep",
            "@secure()\nparam x string = 'hidden' // why\nparam y string\n",
            "'hidden'",
            "@secure()\nparam x string // why\nparam y string\n",
            "remove the default",
        ),
        (
            "main.bicep",
            "@secure()\r\nparam x object = {\r\n  a: 'hidden'\r\n}\r\n",
            "{\r\n  a: 'hidden'\r\n}",
            "@secure()\r\nparam x object\r\n",
            "remove the default",
        ),
        (
            "a.json",
            '{"parameters": {\n  "x": {\n    "type": "securestring", // why\n    "defaultValue": "hidden"\n  }\n}}\n',
            '"hidden"',
            '{"parameters": {\n  "x": {\n    "type": "securestring" // why\n  }\n}}\n',
            "remove defaultValue",
        ),
        (
            "a.json",
            '{"parameters":{"x":{"defaultValue":"hidden","type":"securestring"}}}',
            '"hidden"',
            '{"parameters":{"x":{"type":"securestring"}}}',
            "remove defaultValue",
        ),
        (
            "main.tf.json",
            '{"variable": {"x": {"sensitive": true, "default": "hidden"}}}',
            '"default": "hidden"',
            '{"variable": {"x": {"sensitive": true}}}',
            "remove default",
        ),
    ],
    ids=[
        "terraform",
        "heredoc",
        "bicep",
        "object of bicep",
        "arm, the last",
        "arm, one line",
        "terraform json",
    ],
)
def test_a_default_is_removed(uri: str, before: str, place: str, after: str, said: str) -> None:
    assert becomes(before, uri, found_at(before, uri, place), NO_DEFAULT) == (said, after)


# ---- providers and backends


PROVIDER = """provider "azurerm" {
  features {}
  client_id          = "8a6c2f6e-4d0b-4b58-9c1d-1f2f3a4b5c6d"
  client_secret      = var.client_secret
  client_certificate = var.certificate
}
"""


def test_one_fix_serves_all_findings_of_a_provider() -> None:
    wanted = PROVIDER.replace("client_secret      = var.client_secret", "use_oidc           = true").replace(
        "  client_certificate = var.certificate\n", ""
    )
    found = []
    for argument in ("client_secret", "client_certificate"):
        one = found_at(PROVIDER, "main.tf", f"  {argument} ", argument, property=argument)
        assert becomes(PROVIDER, "main.tf", one, BY_TOKEN) == (
            "remove client_secret, remove client_certificate and set use_oidc to true",
            wanted,
        )
        made = fix_of(PROVIDER, "main.tf", one, BY_TOKEN)
        assert made is not None
        assert made.needs == "a federated credential"
        found.append(msgspec.structs.replace(one, fixes=(made,)))
    both = apply_fixes(found, SourceFiles({"main.tf": PROVIDER.encode()}.get), also_needing=True)
    assert both.files == {"main.tf": wanted.encode()}
    assert both.fixed == tuple(found)
    none = apply_fixes(found, SourceFiles({"main.tf": PROVIDER.encode()}.get))
    assert (none.files, none.fixed, none.waiting) == ({}, (), tuple(found))


def test_a_backend_and_the_json_of_terraform() -> None:
    text = 'terraform {\n  backend "azurerm" {\n    key           = "a"\n    client_secret = "b"\n  }\n}\n'
    one = found_at(text, "main.tf", 'client_secret = "b"', "client_secret", property="client_secret")
    assert becomes(text, "main.tf", one, BY_TOKEN)[1] == text.replace(
        'client_secret = "b"', "use_oidc      = true"
    )
    text = '{"terraform": {"backend": {"azurerm": {"key": "a", "client_secret": "b"}}}}'
    one = found_at(text, "main.tf.json", '"client_secret": "b"', "client_secret", property="client_secret")
    assert becomes(text, "main.tf.json", one, BY_TOKEN)[1] == text.replace(
        '"client_secret": "b"', '"use_oidc": true'
    )


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        (PROVIDER, "sas_token"),
        (PROVIDER.replace('"azurerm"', '"azurestack"'), "client_secret"),
        (PROVIDER.replace("features {}", "use_oidc = var.oidc"), "client_secret"),
        (
            PROVIDER.replace("client_secret ", "other ").replace("client_certificate ", "another "),
            "client_secret",
        ),
    ],
    ids=["another finding", "another provider", "a variable decides", "nothing to remove"],
)
def test_a_provider_for_which_the_fix_is_not(text: str, evidence: str) -> None:
    one = found_at(text, "main.tf", "client_id", "client_secret", property=evidence)
    assert fix_of(text, "main.tf", one, BY_TOKEN) is None


def test_the_first_fix_that_can_be_made_is_offered_and_languages_are_minded() -> None:
    one = found_at(TF_OUTPUT, "main.tf", "value = one.key")
    of_bicep = PlainFix((MarkSecret(),), needs="a", languages=("bicep",))
    of_terraform = PlainFix((MarkSecret(),), needs="b", languages=("terraform",))
    made = fix_of(TF_OUTPUT, "main.tf", one, of_bicep, NO_DEFAULT, of_terraform, SECRET)
    assert made is not None
    assert made.needs == "b"
    assert fix_of(TF_OUTPUT, "main.tf", one, of_bicep) is None


# ---- resources


CLUSTER = """resource "azurerm_kubernetes_cluster" "x" {
  name = "x"

  service_principal {
    client_id = "a"
  }
}
"""


def test_a_block_makes_room_for_another() -> None:
    head = 'resource "azurerm_kubernetes_cluster" "x"'
    one = found_at(CLUSTER, "main.tf", head)
    wanted = CLUSTER.replace(
        'service_principal {\n    client_id = "a"', 'identity {\n    type = "SystemAssigned"'
    )
    said = 'remove service_principal and set identity.type to "SystemAssigned"'
    assert becomes(CLUSTER, "main.tf", one, ON_IDENTITY) == (said, wanted)
    without = CLUSTER.replace("service_principal", "network_profile")
    assert fix_of(without, "main.tf", one, ON_IDENTITY) is None
    made_by_loop = CLUSTER.replace(
        "service_principal {", 'dynamic "identity" {\n  }\n\n  service_principal {'
    )
    assert fix_of(made_by_loop, "main.tf", one, ON_IDENTITY) is None


def test_a_block_is_added_behind_all_others() -> None:
    one = found_at(CLUSTER, "main.tf", 'resource "azurerm_kubernetes_cluster" "x"')
    _, after = becomes(CLUSTER, "main.tf", one, OWN_IDENTITY)
    assert after == CLUSTER[:-2] + '\n  identity {\n    type = "SystemAssigned"\n  }\n}\n'
    text = 'resource "azurerm_x" "x" {}\n'
    _, after = becomes(text, "main.tf", found_at(text, "main.tf", text[:-4]), OWN_IDENTITY)
    assert after == 'resource "azurerm_x" "x" {\n  identity {\n    type = "SystemAssigned"\n  }\n}\n'


HEAD = "resource x 'a/b@2024-01-01'"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            " = if (contains({ a: 1 }, 'a')) {\n  name: 'x'\n}\n",
            " = if (contains({ a: 1 }, 'a')) {\n  name: 'x'\n  properties: {\n    disableLocalAuth: true\n  }\n}\n",
        ),
        (
            " = [for i in [{ a: 1 }]: { name: i.a }]\n",
            " = [for i in [{ a: 1 }]: { name: i.a, properties: { disableLocalAuth: true } }]\n",
        ),
        (
            " = [for i in on ? a : b: if (i) {\n  properties: {}\n} ]\n",
            " = [for i in on ? a : b: if (i) {\n  properties: { disableLocalAuth: true }\n} ]\n",
        ),
        (
            " = {\n  name: on\n    ? 'a'\n    : 'b'\n  properties: {\n    disableLocalAuth: false\n  }\n}\n",
            " = {\n  name: on\n    ? 'a'\n    : 'b'\n  properties: {\n    disableLocalAuth: true\n  }\n}\n",
        ),
        (" = {}\n", " = { properties: { disableLocalAuth: true } }\n"),
    ],
    ids=["condition with an object", "loop over objects", "loop over a choice", "lines that go on", "empty"],
)
def test_the_object_of_a_resource_of_bicep_is_found(before: str, after: str) -> None:
    one = found_at(HEAD + before, "main.bicep", HEAD)
    assert becomes(HEAD + before, "main.bicep", one, NO_KEYS)[1] == HEAD + after


@pytest.mark.parametrize(
    "text",
    [
        " = {\n  properties: {\n    a: 1\n    b: on\n      ? 'a'\n      : 'b'\n  }\n}\n",
        " = {\n  properties: {\n    disableLocalAuth: false\n      || on\n  }\n}\n",
        " = {\n  properties: union(a, { b: 1 })\n}\n",
        " = {\n  properties: {\n    a: 1 /* goes\n    on */\n  }\n}\n",
        " = [for i in a: y]\n",
    ],
    ids=["the last value goes on", "the value goes on", "an expression", "a comment goes on", "no object"],
)
def test_where_an_object_of_bicep_is_not_plain_nothing_is_offered(text: str) -> None:
    one = found_at(HEAD + text, "main.bicep", HEAD)
    assert fix_of(HEAD + text, "main.bicep", one, NO_KEYS) is None


def test_arm_keeps_comments_with_their_lines() -> None:
    text = '{"resources": [\n{\n\t"type": "a/b",\n\t"properties": {\n\t\t"a": 1 // "kept"\n\t}\n}\n]}\n'
    one = found_at(text, "azuredeploy.json", '"a/b"')
    said, after = becomes(text, "azuredeploy.json", one, NO_KEYS)
    assert said == "set properties.disableLocalAuth to true"
    assert after == text.replace('1 // "kept"', '1, // "kept"\n\t\t"disableLocalAuth": true')


AZAPI = """resource "azapi_resource" "x" {
  type = "a/b@2024-01-01"
  body = jsonencode({
    properties = { a = 1 }
  })
}
"""


def test_azapi_is_edited_within_jsonencode() -> None:
    head = 'resource "azapi_resource" "x"'
    one = found_at(AZAPI, "main.tf", head)
    assert becomes(AZAPI, "main.tf", one, NO_KEYS)[1] == AZAPI.replace(
        "a = 1", "a = 1, disableLocalAuth = true"
    )
    identity = 'identity {\n    type = "SystemAssigned"\n  }\n'
    assert becomes(AZAPI, "main.tf", one, OWN_IDENTITY)[1] == AZAPI.replace("})\n}", f"}})\n\n  {identity}}}")
    for body in ("jsonencode(merge({}, local.a))", "local.body", 'jsonencode({ "a" = 1 }.b)'):
        text = f'resource "azapi_resource" "x" {{\n  body = {body}\n}}\n'
        assert fix_of(text, "main.tf", found_at(text, "main.tf", head), NO_KEYS) is None


BUS = '{"resource": {"azurerm_servicebus_namespace": {"x": {"name": "x", "local_auth_enabled": true}}}}'


def test_the_json_of_terraform_is_edited_in_terraforms_words() -> None:
    one = found_at(BUS, "main.tf.json", '"x"')
    assert becomes(BUS, "main.tf.json", one, NO_KEYS) == (
        "set local_auth_enabled to false",
        BUS.replace("true", "false"),
    )
    text = BUS.replace("true", '"${var.on}"')
    assert fix_of(text, "main.tf.json", one, NO_KEYS) is None
    _, after = becomes(BUS, "main.tf.json", one, OWN_IDENTITY)
    assert after == BUS.replace("true", 'true, "identity": { "type": "SystemAssigned" }')
    text = BUS.replace('"local_auth_enabled": true', '"identity": [{"type": "None"}]')
    assert becomes(text, "main.tf.json", one, OWN_IDENTITY)[1] == text.replace("None", "SystemAssigned")
    text = BUS.replace('"local_auth_enabled": true', '"dynamic": {"identity": {}}')
    assert fix_of(text, "main.tf.json", one, OWN_IDENTITY) is None
    text = BUS.replace('{"x"', '[{"x"').replace("true}}", "true}}]")
    listed = found_at(text, "main.tf.json", '"x"')
    assert becomes(text, "main.tf.json", listed, NO_KEYS)[1] == text.replace("true", "false")


def test_a_property_that_is_written_in_another_file_is_left_alone() -> None:
    one = found_at(TF_OUTPUT, "main.tf", "value = one.key")
    elsewhere = msgspec.structs.replace(one, location=Location("override.tf", 1, 1, 1, 2))
    assert fix_of(TF_OUTPUT, "main.tf", elsewhere, SECRET) is None


def test_a_place_that_is_not_in_the_file_any_more() -> None:
    place = Location("main.tf", 99, 1, 99, 2)
    one = msgspec.structs.replace(finding(), location=place, declared=Declared(place))
    assert fix_of(TF_OUTPUT, "main.tf", one, SECRET) is None
    assert fix_of("", "main.json", one, SECRET) is None
    assert fix_of("[]", "main.json", found_at("[]", "main.json", "[]"), SECRET) is None


PIECES = st.sampled_from(
    [
        'resource "azurerm_kubernetes_cluster" "x" {',
        'output "x" {',
        'variable "x" {',
        'provider "azurerm" {',
        "value = a",
        "default = 1",
        'client_secret = "',
        "service_principal {",
        "resource x 'a/b@2024-01-01' = ",
        "output x string = ",
        "param x string = 'a'",
        "if (",
        "[for x in y: ",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        '"outputs": ',
        '"parameters": ',
        '"x": ',
        '"type": "string", ',
        '"value": "[k]"',
        '"defaultValue": 1',
        '"resource": ',
        '"azurerm_x": ',
        "'",
        '"',
        "${",
        "<<E\n",
        "E\n",
        "/*",
        "*/",
        "//",
        "#",
        ",",
        "\n",
        "\r\n",
        "\r",
        "identity {",
        "identity: ",
        "? a",
        ": b",
        "'''",
        "é",
        "🔑",
    ]
)
URIS = st.sampled_from(["main.tf", "main.bicep", "a.json", "main.tf.json"])
FIXES = (SECRET, NO_DEFAULT, ON_IDENTITY, BY_TOKEN, NO_KEYS, OWN_IDENTITY)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(PIECES, max_size=30),
    URIS,
    st.integers(1, 9),
    st.integers(1, 30),
    st.integers(0, 3),
    st.integers(0, 30),
)
def test_whatever_stands_there_a_fix_is_made_of_places_in_the_file_or_not_at_all(
    pieces: list[str], uri: str, line: int, column: int, lines: int, end_column: int
) -> None:
    text = "".join(pieces)
    place = Location(uri, line, column, line + lines, end_column if lines else column + end_column)
    one = msgspec.structs.replace(
        finding(), location=place, declared=Declared(place), subject=Subject("id", "", "x"),
        evidence={"property": "client_secret"},
    )  # fmt: skip
    for fix in FIXES:
        made = fix_of(text, uri, one, fix)
        if made is not None:
            sources = SourceFiles({uri: text.encode()}.get)
            applied = apply_fixes([msgspec.structs.replace(one, fixes=(made,))], sources, also_needing=True)
            assert applied.left == ()
            assert applied.files[uri] != text.encode()


@pytest.mark.parametrize("uri", ["main.tf", "main.bicep", "a.json"])
def test_many_findings_in_one_large_file_are_told_from_each_other_quickly(uri: str) -> None:
    """Every step is bounded by what is near the finding, so thousands of outputs take no minutes."""
    many = range(2_000)
    text = {
        "main.tf": "".join(f'output "x{n}" {{\n  value = one.key{n}_ # c\n}}\n' for n in many),
        "main.bicep": "".join(f"output x{n} string = one.key{n}_ // c\n" for n in many),
        "a.json": '{"outputs": {'
        + ",\n".join(f'"x{n}": {{"type": "string", /* c */ "value": "[key{n}_]"}}' for n in many)
        + "}}",
    }[uri]
    files = FilesToFix(SourceFiles({uri: text.encode()}.get))
    steps = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal steps
        steps += event == "call"

    found = [found_at(text, uri, f"key{n}_", f"x{n}") for n in (0, 1, 1_000, 1_999)]
    assert files.fix(found[0], (SECRET,)) is not None
    sys.setprofile(count)
    try:
        made = [files.fix(one, (SECRET,)) for one in found]
    finally:
        sys.setprofile(None)
    assert None not in made
    assert steps < 2_000
