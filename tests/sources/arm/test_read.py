"""ARM JSON templates and parameter files into the template model."""

import json
from typing import Any

import pytest

from scanner.sources.arm.read import read_parameter_file, read_template
from scanner.sources.arm.recognise import is_template
from scanner.sources.template.model import Call, Constant, Loop, ObjectLiteral, Template

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
PARAMETERS = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"
PASSWORD = "x" * 40


def template(**parts: Any) -> Template:
    found = read_template("a.json", json.dumps({"$schema": SCHEMA, **parts}).encode())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"$schema": "' + SCHEMA.encode() + b'"}', "template"),
        (b'\xef\xbb\xbf// head\n{ "$schema" : "http://x/2015-01-01/deploymentTemplate.json#"}', "template"),
        (b'{"$schema": "https://x/subscriptionDeploymentTemplate.json#"}', "template"),
        (b'{"$schema": "' + PARAMETERS.encode() + b'"}', "parameters"),
        (b'{"contentVersion": "1.0.0.0", "resources": [', "template"),
        (
            b'{"$schema": "https://schema.management.azure.com/schemas/0.1.2-preview/CreateUIDefinition.MultiVm.json#"}',
            None,
        ),
        (b'{"resources": []}', None),
        (b'[{"$schema": "deploymentTemplate.json"}]', None),
        (b"", None),
        (b"\x00\xff{", None),
    ],
)
def test_a_template_is_known_by_its_schema(data: bytes, kind: str | None) -> None:
    assert is_template(data) == kind


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("deploymentTemplate", "resourceGroup"),
        ("subscriptionDeploymentTemplate", "subscription"),
        ("managementGroupDeploymentTemplate", "managementGroup"),
        ("tenantDeploymentTemplate", "tenant"),
    ],
)
def test_the_schema_says_what_it_is_deployed_to(name: str, level: str) -> None:
    found = read_template("a.json", b'{"$schema": "https://x/2019-08-01/%s.json#"}' % name.encode())
    assert found is not None
    assert found.target_scope == level


def test_a_resource_has_head_and_whole() -> None:
    data = b'{"$schema": "https://x/deploymentTemplate.json#", "resources": [\n {"type": "A.B/c", "name": "[x()]"}]}'
    found = read_template("a.json", data)
    assert found is not None
    [resource] = found.resources
    assert (resource.type, resource.written) == ("A.B/c", "[x()]")
    assert data[resource.start : resource.end] == b'"A.B/c"'
    assert data[resource.whole_start : resource.whole_end] == b'{"type": "A.B/c", "name": "[x()]"}'


def test_resources_in_resources_and_symbolic_names() -> None:
    found = template(
        languageVersion="2.0",
        resources={
            "site": {
                "type": "Microsoft.Web/sites",
                "name": "app",
                "resources": [{"type": "config", "name": "web"}],
            },
            "vault": {"existing": True, "type": "Microsoft.KeyVault/vaults", "name": "kv"},
        },
    )
    site, vault = found.resources
    assert (site.symbol, site.existing, [child.type for child in site.nested]) == ("site", False, ["config"])
    assert (vault.symbol, vault.existing) == ("vault", True)


def test_copy_loops_of_resources_properties_variables_and_outputs() -> None:
    found = template(
        variables={"copy": [{"name": "names", "count": 2, "input": "[copyIndex('names')]"}], "other": 1},
        resources=[
            {
                "type": "A.B/c",
                "name": "n",
                "copy": {"name": "all", "count": 3},
                "properties": {
                    "copy": [{"name": "disks", "count": 2, "input": {"lun": "[copyIndex('disks')]"}}]
                },
            }
        ],
        outputs={"o": {"type": "array", "copy": {"count": 2, "input": "[copyIndex()]"}}},
    )
    assert list(found.variables) == ["names", "other"]
    names = found.variables["names"].value
    assert isinstance(names, Loop)
    assert names.name == "names"
    body = found.resources[0].body
    assert isinstance(body, Loop)
    assert body.name == "all"
    assert isinstance(body.body, ObjectLiteral)
    properties = next(entry.value for entry in body.body.entries if entry.name == "properties")
    assert isinstance(properties, ObjectLiteral)
    assert [entry.name for entry in properties.entries] == ["disks"]
    assert isinstance(found.outputs["o"].value, Loop)


def test_a_deployment_is_a_module() -> None:
    inner = {"$schema": SCHEMA, "resources": [{"type": "A.B/c", "name": "n"}]}
    found = template(
        resources=[
            {
                "type": "Microsoft.Resources/deployments",
                "name": "inner",
                "properties": {"expressionEvaluationOptions": {"scope": "Inner"}, "template": inner},
            },
            {
                "type": "Microsoft.Resources/deployments",
                "name": "linked",
                "properties": {"templateLink": {"relativePath": "nested/x.json"}},
            },
        ]
    )
    inline, linked = found.modules
    assert inline.inline is not None
    assert [resource.type for resource in inline.inline.resources] == ["A.B/c"]
    assert inline.inner_scope
    assert (linked.inline, linked.path, linked.inner_scope) == (None, "nested/x.json", False)


def test_parameters_with_types_by_reference() -> None:
    found = template(
        definitions={
            "secret": {"type": "secureString"},
            "maybe": {"$ref": "#/definitions/secret", "nullable": True},
        },
        parameters={
            "one": {"$ref": "#/definitions/maybe"},
            "two": {"type": "string", "allowedValues": ["a", "b"], "defaultValue": "a"},
        },
    )
    one, two = found.parameters["one"], found.parameters["two"]
    assert (one.type, one.secure, one.nullable) == ("secureString", True, True)
    assert (two.secure, two.nullable) == (False, False)
    assert [each.value for each in two.allowed if isinstance(each, Constant)] == ["a", "b"]


def test_user_functions_are_called_by_namespace_and_name() -> None:
    found = template(
        functions=[
            {
                "namespace": "Ns",
                "members": {
                    "Twice": {"parameters": [{"name": "x", "type": "string"}], "output": {"value": "[x()]"}}
                },
            }
        ]
    )
    function = found.functions["ns.twice"]
    assert (function.parameters, isinstance(function.body, Call)) == (["x"], True)


def test_who_made_a_template_is_known() -> None:
    assert template(metadata={"_generator": {"name": "bicep"}}).generated_from_bicep
    assert not template(metadata={"_generator": {"name": "hand"}}).generated_from_bicep


def test_what_does_not_parse_is_a_gap_at_its_string() -> None:
    data = json.dumps(
        {
            "$schema": SCHEMA,
            "resources": [{"type": "A.B/c", "name": "[concat('" + PASSWORD + "'"}, {"name": "n"}],
        }
    ).encode()
    data = data.replace(b"'\"", b"' ]\"")
    found = read_template("a.json", data)
    assert found is not None
    said = [(gap.reason, gap.detail, data[gap.place.start : gap.place.end]) for gap in found.gaps]
    assert said[0][:2] == ("malformed", "The expression has nothing where ) should be.")
    assert said[0][2].startswith(b'"[concat(')
    assert said[1] == ("malformed", "A resource has no type.", b"{")
    assert PASSWORD not in "".join(gap.detail for gap in found.gaps)


def test_a_parameter_file_gives_values_and_secrets_of_a_vault() -> None:
    data = json.dumps(
        {
            "$schema": PARAMETERS,
            "parameters": {
                "a": {"value": "[not evaluated]"},
                "b": {"reference": {"keyVault": {"id": "/v"}, "secretName": "s"}},
                "c": {"value": None},
            },
        }
    ).encode()
    found = read_parameter_file("p.json", data)
    assert found is not None
    assert list(found.values) == ["a", "b", "c"]
    literal, secret = found.values["a"], found.values["b"]
    assert isinstance(literal, Constant)
    assert literal.value == "[not evaluated]"
    assert isinstance(secret, Call)
    assert secret.name == "getSecret"
    assert read_parameter_file("p.json", b"{}") is None
    assert read_template("p.json", data) is None
