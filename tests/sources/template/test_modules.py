"""Modules, nested and linked deployments, parameter files, imports."""

from typing import Any

import pytest

from scanner.sources.declared.values import KeyRead, Ref, Text, Unknown, show
from tests.sources.template.evaluating import (
    ASSIGNMENTS,
    DEPLOYMENTS,
    IDENTITIES,
    PARAMETERS,
    addresses,
    arm,
    at,
    bicep,
    gaps,
    inner,
    output,
    places,
    plain,
    resource,
    run,
    shown,
    value,
)

IDENTITY_MODULE = """
param name string
param tags object = {}
resource id 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  tags: tags
}
output principal string = id.properties.principalId
output resourceId string = id.id
output name string = id.name
"""


def nested(
    name: str, template: dict[str, Any] | None = None, *, evaluated: str = "inner", **more: Any
) -> dict[str, Any]:
    properties = {"mode": "Incremental", **more.pop("properties", {})}
    if template is not None:
        properties |= {"expressionEvaluationOptions": {"scope": evaluated}, "template": template}
    return resource(DEPLOYMENTS, name, properties=properties, **more)


def test_a_module_by_path() -> None:
    text = """
param env string
module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: { name: 'id-${env}', tags: { env: env } }
}
resource a 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(identity.outputs.resourceId)
  properties: { principalId: identity.outputs.principal }
}
output name string = identity.outputs.name
"""
    unit = run(
        {"infra/main.bicep": text, "infra/modules/identity.bicep": IDENTITY_MODULE}, "infra/main.bicep"
    )
    declared = at(unit, "identity.id")
    assert declared.name == Text(("id-", Unknown("param env", "no value is given for the parameter")))
    assert (declared.place.uri, declared.parent) == ("infra/modules/identity.bicep", None)
    assert [text[call.start : call.end].split("'")[1] for call in declared.calls] == [
        "modules/identity.bicep"
    ]
    assert value(unit, "a", "properties", "principalId") == Ref(
        "identity.id", ("properties", "principalId"), "identity.id.properties.principalId"
    )
    assert shown(at(unit, "a").name) == "guid(identity.id.id)"
    assert unit.files == ["infra/main.bicep", "infra/modules/identity.bicep"]
    # What is handed over is written in another file: it has no place in this one.
    assert places(value(unit, "identity.id", "tags")) == [("env", False)]
    assert places(declared.body) == [("name", True), ("tags", True)]


def test_modules_in_loops_and_conditions() -> None:
    unit = run(
        {
            "main.bicep": """
param ask bool
module ids 'id.bicep' = [for name in ['a', 'b']: { name: 'x-${name}', params: { name: name } }]
module maybe 'id.bicep' = if (ask) { params: { name: 'c' } }
module never 'id.bicep' = if (false) { params: { name: 'd' } }
output all array = [for (name, i) in ['a', 'b']: ids[i].outputs.principal]
output one string = ask ? maybe.outputs.principal : ''
""",
            "id.bicep": IDENTITY_MODULE,
        },
        "main.bicep",
    )
    assert addresses(unit)[:3] == ["ids[0].id", "ids[1].id", "maybe.id"]
    assert [at(unit, address).conditional for address in addresses(unit)[:3]] == [False, False, True]
    principal = ("properties", "principalId")
    assert output(unit, "all") == [
        Ref(f"ids[{i}].id", principal, f"ids[{i}].id.properties.principalId") for i in (0, 1)
    ]
    one = output(unit, "one")
    assert isinstance(one, Unknown)
    assert one.options == (Ref("maybe.id", principal, "maybe.id.properties.principalId"), "")


@pytest.mark.parametrize(
    ("scope", "parent"),
    [
        ("resourceGroup('rg')", "/subscriptions/{subscription().subscriptionId}/resourceGroups/rg"),
        ("resourceGroup('0000', 'rg')", "/subscriptions/0000/resourceGroups/rg"),
        ("subscription('0000')", "/subscriptions/0000"),
        ("managementGroup('mg')", "/providers/Microsoft.Management/managementGroups/mg"),
        ("tenant()", "/"),
    ],
)
def test_the_scope_of_a_module_contains_what_it_declares(scope: str, parent: str) -> None:
    module = f"resource a '{ASSIGNMENTS}@2022-04-01' = {{ name: 'a' }}"
    unit = run(
        {
            "main.bicep": f"targetScope = 'subscription'\nmodule m 'm.bicep' = {{ name: 'm', scope: {scope} }}\n",
            "m.bicep": module,
        },
        "main.bicep",
    )
    assert show(at(unit, "m.a").parent) == parent


def test_a_declared_resource_group_as_scope() -> None:
    unit = run(
        {
            "main.bicep": """
targetScope = 'subscription'
resource rg 'Microsoft.Resources/resourceGroups@2023-07-01' = { name: 'rg-app' }
module byName 'id.bicep' = { scope: resourceGroup('rg-app'), params: { name: 'a' } }
module bySymbol 'id.bicep' = { scope: rg, params: { name: 'b' } }
module own 'id.bicep' = { scope: subscription(), params: { name: 'c' } }
module again 'id.bicep' = { scope: resourceGroup(rg.name), params: { name: 'd' } }
""",
            "id.bicep": IDENTITY_MODULE,
        },
        "main.bicep",
    )
    group = Ref("rg", ("id",), "rg.id")
    assert [at(unit, f"{name}.id").parent for name in ("byName", "bySymbol", "own", "again")] == [
        group,
        group,
        None,
        group,
    ]


def test_ids_find_what_another_module_declares() -> None:
    unit = run(
        {
            "main.bicep": """
module identity 'id.bicep' = { params: { name: 'id' } }
resource a 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: 'a'
  properties: {
    principalId: reference(resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'id')).principalId
  }
}
""",
            "id.bicep": IDENTITY_MODULE,
        },
        "main.bicep",
    )
    found = value(unit, "a", "properties", "principalId")
    assert isinstance(found, Ref)
    assert (found.target, found.path) == ("identity.id", ("properties", "principalId"))


def test_modules_that_are_not_here_are_gaps_at_their_call() -> None:
    text = """
module registry 'br/public:avm/res/x:1.0' = { params: {} }
module spec 'ts:0000/rg/spec:1.0' = { params: {} }
module gone 'gone.bicep' = { params: {} }
module outside '../../x.bicep' = { params: {} }
output a string = registry.outputs.resourceId
output b string = gone.outputs.x
"""
    unit = bicep(text)
    assert gaps(unit) == [
        ("skipped", "The module br/public:avm/res/x:1.0 is in a registry and not in this repository."),
        ("skipped", "The module ts:0000/rg/spec:1.0 is in a registry and not in this repository."),
        ("skipped", "The template gone.bicep is not in this repository."),
        ("skipped", "The template ../../x.bicep is not in this repository."),
    ]
    first = unit.gaps[0].place
    assert text[first.start : first.end].startswith("module registry")
    assert output(unit, "a") == Unknown("registry.outputs.resourceId", "its module is in a registry")
    assert output(unit, "b") == Unknown("gone.outputs.x", "its template is not here")
    assert unit.files == ["main.bicep", "main.json", "gone.bicep"]


def test_modules_that_deploy_themselves_end() -> None:
    unit = run(
        {
            "a.bicep": "module b 'b.bicep' = {}\nmodule self 'a.bicep' = {}",
            "b.bicep": "module a 'a.bicep' = {}\nresource x 'A.B/c@1' = { name: 'x' }",
        },
        "a.bicep",
    )
    assert addresses(unit) == ["b.x"]
    assert sorted(gaps(unit)) == [("skipped", "The module a.bicep deploys itself.")] * 2


def test_a_nested_deployment_with_names_of_its_own() -> None:
    unit = arm(
        parameters={"name": {"type": "string", "defaultValue": "outer"}},
        resources=[
            nested(
                "inner",
                inner(
                    parameters={
                        "name": {"type": "string"},
                        "more": {"type": "string", "defaultValue": "default"},
                    },
                    resources=[resource(IDENTITIES, "[concat(parameters('name'), '-', parameters('more'))]")],
                    outputs={
                        "principal": {
                            "type": "string",
                            "value": f"[reference(resourceId('{IDENTITIES}', 'given-default')).principalId]",
                        }
                    },
                ),
                properties={"parameters": {"name": {"value": "given"}}},
            )
        ],
        outputs={
            "byName": {"type": "string", "value": "[reference('inner').outputs.principal.value]"},
            "byId": {
                "type": "string",
                "value": f"[reference(resourceId('{DEPLOYMENTS}', 'inner'), '2022-09-01').outputs.principal.value]",
            },
        },
    )
    [identity, *_] = unit.declarations
    assert (identity.name, len(identity.calls)) == ("given-default", 1)
    assert identity.address.startswith(f"inner.{IDENTITIES}/")
    for name in ("byName", "byId"):
        found = output(unit, name)
        assert isinstance(found, Ref)
        assert (found.target, found.path) == (identity.address, ("properties", "principalId"))


def test_a_nested_deployment_with_the_names_around_it() -> None:
    unit = arm(
        parameters={"name": {"type": "string", "defaultValue": "outer"}},
        resources=[
            nested(
                "[concat('d', copyIndex())]",
                inner(
                    parameters={"name": {"type": "string", "defaultValue": "not this one"}},
                    resources=[resource(IDENTITIES, "[concat(parameters('name'), copyIndex())]")],
                ),
                evaluated="outer",
                copy={"name": "all", "count": 2},
                resourceGroup="rg-other",
            )
        ],
    )
    assert [each.name for each in unit.declarations] == ["outer0", "outer1"]
    assert [show(each.parent) for each in unit.declarations] == [
        "/subscriptions/{subscription().subscriptionId}/resourceGroups/rg-other"
    ] * 2


@pytest.mark.parametrize(
    ("more", "parent"),
    [
        ({"subscriptionId": "0000", "resourceGroup": "rg"}, "/subscriptions/0000/resourceGroups/rg"),
        ({"subscriptionId": "0000"}, "/subscriptions/0000"),
        (
            {"scope": "Microsoft.Management/managementGroups/mg"},
            "/providers/Microsoft.Management/managementGroups/mg",
        ),
        ({"scope": "/"}, "/"),
        ({"scope": "[subscription().id]"}, "/subscriptions/{subscription().subscriptionId}"),
    ],
)
def test_scopes_of_nested_deployments(more: dict[str, Any], parent: str) -> None:
    unit = arm(resources=[nested("d", inner(resources=[resource(ASSIGNMENTS, "a")]), **more)])
    assert show(unit.declarations[0].parent) == parent


LINKED = inner(
    parameters={"name": {"type": "string"}},
    resources=[resource(IDENTITIES, "[parameters('name')]")],
    outputs={"name": {"type": "string", "value": "[parameters('name')]"}},
)
BASE = "https://raw.githubusercontent.com/Azure/samples/master/"


@pytest.mark.parametrize(
    "link",
    [
        {"relativePath": "nested/x.json"},
        {"uri": "[uri(deployment().properties.templateLink.uri, 'nested/x.json')]"},
        {"uri": "[concat(variables('base'), 'app/nested/x.json')]"},
        {"uri": "[concat(parameters('artifacts'), '/nested/x.json', parameters('token'))]"},
        {"uri": "[uri(parameters('artifacts'), concat('nested/x.json', parameters('token')))]"},
        {"uri": BASE + "app/nested/x.json?token=abc"},
    ],
)
def test_linked_templates_are_found_by_the_end_of_their_address(link: dict[str, str]) -> None:
    unit = run(
        {
            "app/main.json": {
                "parameters": {"artifacts": {"type": "string"}, "token": {"type": "secureString"}},
                "variables": {"base": BASE},
                "resources": [
                    nested(
                        "linked", properties={"templateLink": link, "parameters": {"name": {"value": "n"}}}
                    )
                ],
                "outputs": {"o": {"type": "string", "value": "[reference('linked').outputs.name.value]"}},
            },
            "app/nested/x.json": LINKED,
        },
        "app/main.json",
    )
    assert (unit.declarations[0].name, unit.declarations[0].place.uri) == ("n", "app/nested/x.json")
    assert output(unit, "o") == "n"
    assert gaps(unit) == []


def test_a_linked_template_that_is_not_here_is_a_gap() -> None:
    unit = arm(resources=[nested("linked", properties={"templateLink": {"uri": "[parameters('x')]"}})])
    assert gaps(unit) == [("skipped", "The template x is not in this repository.")]


def test_parameters_by_link_and_secrets_of_a_vault() -> None:
    unit = run(
        {
            "main.json": {
                "resources": [
                    nested(
                        "linked",
                        properties={
                            "templateLink": {"relativePath": "x.json"},
                            "parametersLink": {"uri": BASE + "x.parameters.json"},
                        },
                    ),
                    nested(
                        "vaulted",
                        properties={
                            "templateLink": {"relativePath": "x.json"},
                            "parameters": {
                                "name": {"reference": {"keyVault": {"id": "/v"}, "secretName": "s"}}
                            },
                        },
                    ),
                ]
            },
            "x.json": LINKED,
            "x.parameters.json": {"$schema": PARAMETERS, "parameters": {"name": {"value": "from file"}}},
        },
        "main.json",
    )
    assert unit.declarations[0].name == "from file"
    vaulted = unit.declarations[1].name
    assert isinstance(vaulted, Unknown)
    assert vaulted.secret


def test_parameter_files_of_both_languages() -> None:
    main = """
param name string
param tags object
@secure()
param password string
resource id 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  tags: tags
  properties: { password: password }
}
"""
    values = {
        "main.bicepparam": "using 'main.bicep'\nvar env = 'dev'\nparam name = 'id-${env}'\nparam tags = { env: env }\n"
        "param password = az.getSecret('s', 'rg', 'kv', 'x')\n",
        "main.parameters.json": {
            "$schema": PARAMETERS,
            "parameters": {
                "NAME": {"value": "id-dev"},
                "tags": {"value": {"env": "dev"}},
                "password": {"reference": {"keyVault": {"id": "/v"}, "secretName": "s"}},
            },
        },
    }
    for name in values:
        unit = run({"main.bicep": main, **values}, "main.bicep", parameters=name)
        assert at(unit, "id").name == "id-dev"
        assert plain(value(unit, "id", "tags")) == {"env": "dev"}
        assert places(value(unit, "id", "tags")) == [("env", False)]
        password = value(unit, "id", "properties", "password")
        assert isinstance(password, Unknown)
        assert password.secret


def test_a_parameter_file_that_extends_another() -> None:
    files = {
        "main.bicep": "param a string\nparam b string\noutput o array = [a, b]\n",
        "base.bicepparam": "using none\nparam a = 'base'\nparam b = 'base'\n",
        "main.bicepparam": "using 'main.bicep'\nextends 'base.bicepparam'\nparam b = 'own'\n",
        "round.bicepparam": "using 'main.bicep'\nextends 'round.bicepparam'\nparam b = 'own'\n",
    }
    assert output(run(files, "main.bicep", parameters="main.bicepparam"), "o") == ["base", "own"]
    unit = run(files, "main.bicep", parameters="round.bicepparam")
    assert gaps(unit) == [
        ("skipped", "The parameter file round.bicepparam that is extended is not here, or extends itself.")
    ]


def test_imports_of_variables_functions_and_everything() -> None:
    unit = run(
        {
            "main.bicep": """
import { prefix, named as called } from 'shared/names.bicep'
import * as names from 'shared/names.bicep'
resource a 'A.B/c@1' = { name: called('x') }
resource b 'A.B/c@1' = { name: '${names.prefix}-${names.named('y')}-${prefix}' }
""",
            "shared/names.bicep": """
@export()
var prefix = 'p'
@export()
func named(name string) string => '${prefix}-${name}'
""",
        },
        "main.bicep",
    )
    assert [at(unit, name).name for name in ("a", "b")] == ["p-x", "p-p-y-p"]
    assert unit.files == ["main.bicep", "shared/names.bicep"]


def test_an_import_that_is_not_here_is_a_gap() -> None:
    unit = bicep("import { x } from 'gone.bicep'\nresource a 'A.B/c@1' = { name: x }\n")
    assert gaps(unit) == [("skipped", "The file gone.bicep that is imported is not here.")]
    assert shown(at(unit, "a").name) == "x"


def test_user_functions_in_arm_see_their_own_parameters_only() -> None:
    unit = arm(
        parameters={"name": {"type": "string", "defaultValue": "outer"}},
        functions=[
            {
                "namespace": "contoso",
                "members": {
                    "named": {
                        "parameters": [{"name": "name", "type": "string"}],
                        "output": {"type": "string", "value": "[concat('id-', parameters('name'))]"},
                    }
                },
            }
        ],
        resources=[resource(IDENTITIES, "[contoso.named('x')]")],
    )
    assert unit.declarations[0].name == "id-x"


def test_loaded_files() -> None:
    unit = bicep("output gone string = loadTextContent('gone.txt')\n")
    assert shown(output(unit, "gone")) == "loadTextContent('gone.txt')"
    assert gaps(unit) == [("skipped", "The file gone.txt that is loaded is not here.")]
    unit = run(
        {
            "main.bicep": "var data = loadJsonContent('data.json')\noutput names array = data.names\n"
            "output text string = loadTextContent('note.txt')\n",
            "data.json": b'{"names": ["a", "[not(evaluated)]"]} ',
            "note.txt": "hello",
        },
        "main.bicep",
    )
    assert output(unit, "names") == ["a", "[not(evaluated)]"]
    assert output(unit, "text") == "hello"
    assert unit.files == ["main.bicep", "data.json", "note.txt"]


def test_secrets_among_outputs_of_modules_stay_secret_and_keys_stay_keys() -> None:
    unit = run(
        {
            "main.bicep": "module m 'm.bicep' = {}\noutput a string = m.outputs.a\noutput b string = m.outputs.b\n",
            "m.bicep": """
resource st 'Microsoft.Storage/storageAccounts@2023-01-01' existing = { name: 'st' }
@secure()
output a string = st.listKeys().keys[0].value
@secure()
output b string = 'text'
""",
        },
        "main.bicep",
    )
    key = output(unit, "a")
    assert isinstance(key, KeyRead)
    assert key.of == Ref("m.st", ("id",), "m.st.id")
    assert output(unit, "b") == Unknown("m.outputs.b", "it is a secret", True)


def test_a_token_in_an_address_is_not_told() -> None:
    token = "sig=" + "x" * 40
    links = [f"https://contoso.blob.core.windows.net/t/a.json?{token}", f"https://contoso.net/a?{token}"]
    for link in links:
        unit = arm(resources=[nested("linked", properties={"templateLink": {"uri": link}})])
        [(reason, detail)] = gaps(unit)
        assert reason == "skipped"
        assert "contoso" in detail
        assert token not in detail
