"""Deployments that Bicep writes as resources, and templates that are given by an expression."""

import json

import pytest

from scanner.sources.declared.declaration import Place
from scanner.sources.declared.values import Ref, Text, Unknown, show
from tests.sources.template.evaluating import (
    DEPLOYMENTS,
    IDENTITIES,
    OWNER,
    addresses,
    arm,
    at,
    bicep,
    encoded,
    gaps,
    inner,
    output,
    resource,
    run,
    value,
)

ROLE = "/providers/Microsoft.Authorization/roleDefinitions/" + OWNER
ACCESS = {
    "contentVersion": "1.0.0.0",
    "parameters": {"principal": {"type": "string"}, "role": {"type": "string", "defaultValue": ROLE}},
    "resources": [
        resource(
            "Microsoft.Authorization/roleAssignments",
            "[guid(parameters('principal'))]",
            properties={
                "roleDefinitionId": "[parameters('role')]",
                "principalId": "[parameters('principal')]",
            },
        )
    ],
    "outputs": {"given": {"type": "string", "value": "[parameters('role')]"}},
}
IDENTITY = f"""
resource app '{IDENTITIES}@2023-01-31' = {{ name: 'id-app' }}
"""


def deployment(template: str, more: str = "", properties: str = "") -> str:
    return (
        IDENTITY
        + f"""
resource access '{DEPLOYMENTS}@2024-03-01' = {{
  name: 'access'
  {more}
  properties: {{
    mode: 'Incremental'
    {properties}
    template: {template}
    parameters: {{ principal: {{ value: app.properties.principalId }} }}
  }}
}}
"""
    )


ASSIGNMENT = "access.Microsoft.Authorization/roleAssignments/{guid(parameters('principal'))}"


@pytest.mark.parametrize(
    "template",
    ["loadJsonContent('access.json')", "json(loadTextContent('access.json'))", "written", "again"],
)
def test_a_template_that_is_loaded_is_deployed_and_stands_in_its_file(template: str) -> None:
    variables = "var written = loadJsonContent('access.json')\nvar again = written\n"
    files = {"main.bicep": variables + deployment(template), "access.json": ACCESS}
    unit = run(files, "main.bicep")
    assert gaps(unit) == []
    assert addresses(unit) == ["app", ASSIGNMENT]
    made = at(unit, ASSIGNMENT)
    assert made.language == "arm"
    assert value(unit, ASSIGNMENT, "properties", "roleDefinitionId") == ROLE
    assert value(unit, ASSIGNMENT, "properties", "principalId") == Ref(
        "app", ("properties", "principalId"), "app.properties.principalId"
    )
    head = encoded(ACCESS).index(b'"Microsoft.Authorization/roleAssignments"')
    assert made.place.uri == "access.json"
    assert made.place.start == head
    text = files["main.bicep"]
    assert isinstance(text, str)
    assert made.calls == (
        Place("main.bicep", text.index("resource access"), text.index("{\n  name: 'access'") - 1),
    )


def test_a_template_that_is_written_as_an_object_stands_in_the_bicep_file() -> None:
    text = deployment(
        """{
      '$schema': 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#'
      contentVersion: '1.0.0.0'
      parameters: { principal: { type: 'string' } }
      resources: [
        {
          type: 'Microsoft.Authorization/roleAssignments'
          apiVersion: '2022-04-01'
          name: '[guid(parameters(\\'principal\\'))]'
          copy: { name: 'each', count: 2 }
          properties: {
            roleDefinitionId: role
            principalId: '[parameters(\\'principal\\')]'
            description: '[concat(\\'no \\', copyIndex(1))]'
          }
        }
      ]
    }"""
    )
    unit = bicep(f"var role = '{ROLE}'\n" + text)
    assert gaps(unit) == []
    assert [declared.type for declared in unit.declarations[1:]] == [
        "microsoft.authorization/roleassignments"
    ] * 2
    first, second = unit.declarations[1:]
    assert first.place.uri == "main.bicep"
    assert [value(unit, each.address, "properties", "description") for each in (first, second)] == [
        "no 1",
        "no 2",
    ]
    assert value(unit, first.address, "properties", "roleDefinitionId") == ROLE
    assert value(unit, first.address, "properties", "principalId") == Ref(
        "app", ("properties", "principalId"), "app.properties.principalId"
    )


def test_the_scope_of_a_deployment_is_what_its_properties_say() -> None:
    more = "resourceGroup: 'rg-other'\n  subscriptionId: '5c6f3b8e-1d2a-4f0b-9a57-3e8d1c2b4a60'"
    files = {"main.bicep": deployment("loadJsonContent('access.json')", more), "access.json": ACCESS}
    parent = at(run(files, "main.bicep"), ASSIGNMENT).parent
    assert parent == "/subscriptions/5c6f3b8e-1d2a-4f0b-9a57-3e8d1c2b4a60/resourceGroups/rg-other"


def test_outputs_of_a_deployment_are_objects_with_a_value() -> None:
    text = deployment("loadJsonContent('access.json')") + (
        "output direct string = access.properties.outputs.given.value\n"
        "output asked string = reference(access.id).outputs.given.value\n"
        "output none string = access.properties.outputs.other.value\n"
    )
    unit = run({"main.bicep": text, "access.json": ACCESS}, "main.bicep")
    assert output(unit, "direct") == ROLE
    assert output(unit, "asked") == ROLE
    assert isinstance(output(unit, "none"), Unknown)


def test_a_loop_of_deployments_gives_each_its_own() -> None:
    text = f"""
resource access '{DEPLOYMENTS}@2024-03-01' = [for p in ['one', 'two']: {{
  name: p
  properties: {{
    mode: 'Incremental'
    template: loadJsonContent('access.json')
    parameters: {{ principal: {{ value: p }} }}
  }}
}}]
"""
    unit = run({"main.bicep": text, "access.json": ACCESS}, "main.bicep")
    assert [value(unit, name, "properties", "principalId") for name in addresses(unit)] == ["one", "two"]


def test_a_linked_template_is_found_by_its_path() -> None:
    text = deployment("null").replace("template: null", "templateLink: { relativePath: 'access.json' }")
    unit = run({"main.bicep": text, "access.json": ACCESS}, "main.bicep")
    assert gaps(unit) == []
    assert addresses(unit) == ["app", ASSIGNMENT]


@pytest.mark.parametrize(
    ("template", "detail"),
    [
        ("loadJsonContent('gone.json')", "The file gone.json that is loaded is not here."),
        ("loadJsonContent('access.json', '$.x')", None),
        ("union(loadJsonContent('access.json'), {})", None),
        ("given", None),
        ("circle", "The variable circle depends on itself."),
    ],
)
def test_a_template_that_cannot_be_told_is_a_gap(template: str, detail: str | None) -> None:
    text = "param given object\nvar circle = circle\n" + deployment(template)
    unit = run({"main.bicep": text, "access.json": ACCESS}, "main.bicep")
    assert "The template of this deployment cannot be told." in [gap.detail for gap in unit.gaps]
    if detail is not None:
        assert detail in [gap.detail for gap in unit.gaps]
    assert addresses(unit) == ["app"]


def test_what_is_wrong_in_a_loaded_template_is_told_in_its_file() -> None:
    broken = json.dumps(inner(resources=[resource("A.B/c", "[concat('a']")]))
    unit = run({"main.bicep": deployment("loadJsonContent('x.json')"), "x.json": broken}, "main.bicep")
    assert [(gap.place.uri, gap.reason) for gap in unit.gaps] == [("x.json", "malformed")]


def test_a_template_in_a_variable_of_arm_is_deployed() -> None:
    """As the compiler writes what Bicep loads; texts in it are escaped, for they are not meant for the outer file."""
    loaded = json.loads(json.dumps(ACCESS).replace('"[', '"[['))
    unit = arm(
        variables={"$fxv#0": loaded},
        resources=[
            {
                **resource(DEPLOYMENTS, "access"),
                "properties": {
                    "mode": "Incremental",
                    "expressionEvaluationOptions": {"scope": "Outer"},
                    "template": "[variables('$fxv#0')]",
                    "parameters": {"principal": {"value": "one"}},
                },
            }
        ],
    )
    assert gaps(unit) == []
    name = addresses(unit)[0]
    assert value(unit, name, "properties", "principalId") == "one"
    assert value(unit, name, "properties", "roleDefinitionId") == ROLE
    assert show(at(unit, name).name) == "{guid('one')}"
    assert not isinstance(at(unit, name).parent, Text)
