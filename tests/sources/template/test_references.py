"""References to what is declared, role definition ids, keys that are read."""

import pytest

from scanner.sources.declared.values import KeyRead, Object, Ref, Text, Unknown, show
from tests.sources.template.evaluating import (
    ASSIGNMENTS,
    IDENTITIES,
    OWNER,
    addresses,
    arm,
    at,
    bicep,
    computed,
    output,
    resource,
    shown,
    value,
)

STORAGE = "Microsoft.Storage/storageAccounts"
IDENTITY = resource(IDENTITIES, "[concat('id-', parameters('env'))]")
ENV = {"env": {"type": "string"}}
ADDRESS = f"{IDENTITIES}/{{concat('id-', parameters('env'))}}"


def of_identity(expression: str) -> object:
    unit = arm(
        parameters=ENV,
        variables={"name": "[format('id-{0}', parameters('env'))]"},
        outputs={"o": {"type": "string", "value": f"[{expression}]"}},
        resources=[IDENTITY],
    )
    return output(unit, "o")


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        (f"resourceId('{IDENTITIES}', concat('id-', parameters('env')))", ("id",)),
        (f"resourceId('{IDENTITIES.upper()}', variables('name'))", ("id",)),
        (f"resourceId(resourceGroup().name, '{IDENTITIES}', variables('name'))", ("id",)),
        (
            f"resourceId(subscription().subscriptionId, resourceGroup().name, '{IDENTITIES}', variables('name'))",
            ("id",),
        ),
        (f"extensionResourceId(resourceGroup().id, '{IDENTITIES}', variables('name'))", ("id",)),
        (
            f"reference(resourceId('{IDENTITIES}', variables('name')), '2018-11-30').principalId",
            ("properties", "principalId"),
        ),
        (
            f"reference(resourceId('{IDENTITIES}', variables('name')), '2018-11-30', 'Full').identity.principalId",
            ("identity", "principalId"),
        ),
        ("reference(variables('name')).clientId", ("properties", "clientId")),
        ("reference(variables('name')).endpoints[0].uri", ("properties", "endpoints", "0", "uri")),
    ],
)
def test_an_id_or_name_finds_what_is_declared(expression: str, path: tuple[str, ...]) -> None:
    found = of_identity(expression)
    assert isinstance(found, Ref)
    assert (found.target, found.path) == (ADDRESS, path)


def test_an_id_of_what_is_not_here_is_text_with_its_parts() -> None:
    found = of_identity(f"resourceId('sub', 'rg', '{IDENTITIES}', 'other')")
    assert found == f"/subscriptions/sub/resourceGroups/rg/providers/{IDENTITIES}/other"
    other = of_identity(
        "reference(resourceId('Microsoft.Storage/storageAccounts', 'other')).primaryEndpoints"
    )
    assert isinstance(other, Unknown)
    assert other == of_identity(
        "reference(resourceId('Microsoft.Storage/storageAccounts', 'other')).primaryEndpoints"
    )
    assert of_identity(f"resourceId('elsewhere', '{IDENTITIES}', variables('name'))") != of_identity(
        f"resourceId('{IDENTITIES}', variables('name'))"
    )


def test_an_identity_that_is_asked_for_by_its_id_is_looked_up_once() -> None:
    asked = f"[reference(resourceId('rg', '{IDENTITIES}', 'other'), '2023-01-31').%s]"
    unit = arm(
        resources=[
            resource("A.B/c", "one", properties={"p": asked % "principalId"}),
            resource("A.B/c", "two", properties={"p": asked % "clientId"}),
        ],
        outputs={"late": {"type": "string", "value": asked.replace("'rg'", "'rg-late'") % "principalId"}},
    )
    group = "/subscriptions/{subscription().subscriptionId}/resourceGroups/"
    found = [declared for declared in unit.declarations if declared.existing]
    assert [(declared.type, declared.name, show(declared.parent)) for declared in found] == [
        (IDENTITIES.lower(), "other", f"{group}rg"),
        (IDENTITIES.lower(), "other", f"{group}rg-late"),
    ]
    first, second = (value(unit, address, "properties", "p") for address in addresses(unit)[:2])
    assert isinstance(first, Ref)
    assert isinstance(second, Ref)
    assert first.target == second.target == found[0].address
    assert first.path == ("properties", "principalId")
    written = found[0].place
    assert written.uri == "a.json"
    assert written.end > written.start


def test_two_resources_that_ask_for_each_other_end() -> None:
    unit = arm(
        resources=[
            resource(IDENTITIES, f"[guid(resourceId('{IDENTITIES}', 'b'))]"),
            resource(IDENTITIES, "b", tags={"x": f"[resourceId('{IDENTITIES}', 'b')]"}),
        ]
    )
    first, second = unit.declarations
    assert shown(first.name) == f"guid({second.address}.id)"
    held = second.body.get("tags")
    assert held is not None
    assert held.value == Object({"x": held.value.properties["x"]})  # type: ignore[union-attr]
    assert value(unit, second.address, "tags", "x") == Ref(second.address, ("id",), f"{second.address}.id")


def test_symbolic_references_in_bicep() -> None:
    unit = bicep(
        """
param env string
resource id 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = { name: 'id-${env}' }
resource known 'Microsoft.Storage/storageAccounts@2023-01-01' = { name: 'st' }
resource app 'Microsoft.Web/sites@2023-01-01' = {
  name: 'app'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${id.id}': {}
      'plain': {}
    }
  }
}
output names array = [id.name, known.name, known.type, known.apiVersion]
output principal string = app.identity.principalId
output whole object = known.properties
output mixed string = 'id is ${id.properties.principalId}'
"""
    )
    assert output(unit, "names") == [
        Ref("id", ("name",), "id.name"),
        "st",
        "Microsoft.Storage/storageAccounts",
        "2023-01-01",
    ]
    assert output(unit, "principal") == Ref("app", ("identity", "principalId"), "app.identity.principalId")
    assert output(unit, "whole") == Ref("known", ("properties",), "known.properties")
    assert output(unit, "mixed") == Text(
        ("id is ", Ref("id", ("properties", "principalId"), "id.properties.principalId"))
    )
    identities = value(unit, "app", "identity", "userAssignedIdentities")
    assert isinstance(identities, Object)
    assert list(identities.properties) == ["{id.id}", "plain"]
    assert identities.names == {"{id.id}": Ref("id", ("id",), "id.id")}


def test_property_names_that_are_expressions_in_arm() -> None:
    unit = arm(
        parameters={"given": {"type": "string"}},
        resources=[
            resource(IDENTITIES, "id"),
            resource(
                "Microsoft.Web/sites",
                "app",
                identity={
                    "userAssignedIdentities": {
                        f"[resourceId('{IDENTITIES}', 'id')]": {},
                        "[parameters('given')]": {},
                        "[concat('a', 'b')]": {},
                    }
                },
            ),
        ],
    )
    identities = value(unit, "Microsoft.Web/sites/app", "identity", "userAssignedIdentities")
    assert isinstance(identities, Object)
    reference = Ref(f"{IDENTITIES}/id", ("id",), f"{IDENTITIES}/id.id")
    assert list(identities.properties) == [show(reference), "{param given}", "ab"]
    assert identities.names[show(reference)] == reference
    assert list(identities.names) == [show(reference), "{param given}"]


def test_identities_made_into_an_object_by_lambdas() -> None:
    unit = bicep(
        """
resource id 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = { name: 'id' }
var given = [id.id, '/x/y']
output a object = reduce(map(given, each => { '${each}': {} }), {}, (cur, next) => union(cur, next))
output b object = toObject(given, each => each, each => {})
"""
    )
    for name in ("a", "b"):
        found = output(unit, name)
        assert isinstance(found, Object)
        assert (list(found.properties), found.open) == (["{id.id}", "/x/y"], False)
        assert found.names == {"{id.id}": Ref("id", ("id",), "id.id")}


ROLE_IDS = [
    f"subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{OWNER}')",
    f"resourceId('Microsoft.Authorization/roleDefinitions', '{OWNER}')",
    "tenantResourceId('Microsoft.Authorization/roleDefinitions', variables('roles').owner)",
    f"concat('/subscriptions/', subscription().subscriptionId, variables('path'), '{OWNER}')",
    "concat(subscription().id, variables('path'), variables('roles')[variables('wanted')])",
    f"format('{{0}}/providers/Microsoft.Authorization/roleDefinitions/{{1}}', subscription().id, '{OWNER}')",
    f"managementGroupResourceId('mg', 'Microsoft.Authorization/roleDefinitions', '{OWNER}')",
    "variables('ids')[variables('wanted')]",
    "roleDefinitions('Owner').id",
]


@pytest.mark.parametrize("expression", ROLE_IDS)
def test_role_definition_ids_end_in_their_guid_however_they_are_written(expression: str) -> None:
    found = computed(
        expression,
        variables={
            "roles": {"owner": OWNER},
            "wanted": "owner",
            "path": "/providers/Microsoft.Authorization/roleDefinitions/",
            "ids": {
                "owner": f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{OWNER}')]"
            },
        },
    )
    assert isinstance(found, str | Text)
    last = found if isinstance(found, str) else found.parts[-1]
    assert isinstance(last, str)
    assert last.endswith(f"/{OWNER}")


def test_a_role_that_is_looked_up_is_referred_to() -> None:
    unit = bicep(
        f"""
resource owner 'Microsoft.Authorization/roleDefinitions@2022-04-01' existing = {{
  scope: subscription()
  name: '{OWNER}'
}}
resource a 'Microsoft.Authorization/roleAssignments@2022-04-01' = {{
  name: 'a'
  properties: {{
    roleDefinitionId: owner.id
    other: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{OWNER}')
  }}
}}
"""
    )
    assert (at(unit, "owner").existing, at(unit, "owner").name) == (True, OWNER)
    for name in ("roleDefinitionId", "other"):
        assert value(unit, "a", "properties", name) == Ref("owner", ("id",), "owner.id")
    assert at(unit, "a").type == ASSIGNMENTS.lower()


def test_keys_that_are_read_in_arm() -> None:
    key = f"listKeys(resourceId('{STORAGE}', 'st'), '2023-01-01').keys[0].value"
    unit = arm(
        resources=[resource(STORAGE, "st")],
        outputs={
            "key": {"type": "string", "value": f"[{key}]"},
            "text": {"type": "string", "value": f"[concat('AccountName=st;AccountKey=', {key})]"},
            "coded": {"type": "string", "value": f"[base64({key})]"},
            "named": {"type": "string", "value": "[listKeys('st', '2023-01-01').keys[0].value]"},
            "away": {
                "type": "string",
                "value": f"[listAccountSas(resourceId('rg', '{STORAGE}', 'x'), '1', createObject()).accountSasToken]",
            },
        },
    )
    own = Ref(f"{STORAGE}/st", ("id",), f"{STORAGE}/st.id")
    for name in ("key", "coded", "named"):
        found = output(unit, name)
        assert isinstance(found, KeyRead)
        assert (found.of, found.service, found.operation) == (own, STORAGE.lower(), "listKeys")
    text = output(unit, "text")
    assert isinstance(text, Text)
    assert text.parts[0] == "AccountName=st;AccountKey="
    assert isinstance(text.parts[1], KeyRead)
    away = output(unit, "away")
    assert isinstance(away, KeyRead)
    assert (away.service, away.operation) == (STORAGE.lower(), "listAccountSas")
    assert show(away.of).endswith(f"/resourceGroups/rg/providers/{STORAGE}/x")


def test_keys_that_are_read_in_bicep() -> None:
    unit = bicep(
        """
resource st 'Microsoft.Storage/storageAccounts@2023-01-01' existing = { name: 'st' }
resource vault 'Microsoft.KeyVault/vaults@2023-01-01' existing = { name: 'kv' }
output key string = st.listKeys().keys[0].value
output connection string = 'AccountKey=${listKeys(st.id, st.apiVersion).keys[0].value};x'
output other string = az.listKeys(st.id, '1').keys[0].value
output secret string = vault.getSecret('s')
"""
    )
    for name in ("key", "other"):
        found = output(unit, name)
        assert isinstance(found, KeyRead)
        assert (found.of, found.service) == (Ref("st", ("id",), "st.id"), STORAGE.lower())
    connection = output(unit, "connection")
    assert isinstance(connection, Text)
    assert isinstance(connection.parts[1], KeyRead)
    assert output(unit, "secret") == Unknown(
        "vault.getSecret('s')", "it is read from a vault when deploying", True
    )


def test_parts_of_an_id_are_found_again() -> None:
    unit = bicep(
        """
param given string
resource st 'Microsoft.Storage/storageAccounts@2023-01-01' = { name: 'st' }
var parts = split(st.id, '/')
output name string = last(parts)
output group string = parts[4]
output other string = split(given, '/')[4]
"""
    )
    assert output(unit, "name") == "st"
    assert shown(output(unit, "group")) == "resourceGroup().name"
    assert shown(output(unit, "other")) == "split(param given, '/')[4]"


def test_what_is_not_deployed_is_not_referred_to() -> None:
    unit = bicep(
        """
resource st 'Microsoft.Storage/storageAccounts@2023-01-01' = if (false) { name: 'st' }
output a string = st.id
output b string = false ? st.id : 'none'
"""
    )
    assert addresses(unit) == ["output.a", "output.b"]
    assert shown(output(unit, "a")) == "st.id"
    assert output(unit, "b") == "none"


def test_symbolic_names_in_arm() -> None:
    unit = arm(
        languageVersion="2.0",
        resources={
            "ids": {
                **resource(IDENTITIES, "[format('id{0}', copyIndex())]"),
                "copy": {"name": "ids", "count": 2},
            },
            "role": {
                **resource("Microsoft.Authorization/roleDefinitions", OWNER),
                "existing": True,
                "scope": "[subscription().id]",
            },
        },
        outputs={
            "a": {"type": "string", "value": "[reference('ids[1]').principalId]"},
            "b": {"type": "string", "value": "[reference(format('ids[{0}]', 0), '2023-01-31', 'full').id]"},
            "c": {"type": "array", "value": "[references('ids')]"},
        },
    )
    assert addresses(unit)[:3] == ["ids[0]", "ids[1]", "role"]
    assert at(unit, "role").existing
    assert show(at(unit, "role").parent) == "/subscriptions/{subscription().subscriptionId}"
    first, second = output(unit, "a"), output(unit, "b")
    assert isinstance(first, Ref)
    assert (first.target, first.path) == ("ids[1]", ("properties", "principalId"))
    assert isinstance(second, Ref)
    assert (second.target, second.path) == ("ids[0]", ("id",))
    assert output(unit, "c") == [
        Ref(f"ids[{number}]", ("properties",), f"reference(ids[{number}])") for number in (0, 1)
    ]


VIRTUAL_MACHINES = "Microsoft.Compute/virtualMachines"
OWN = "/providers/Microsoft.ManagedIdentity/Identities/default"


@pytest.mark.parametrize(
    "expression",
    [
        f"reference(concat(resourceId('{VIRTUAL_MACHINES}/', variables('name')), '{OWN}'), '2015-08-31-PREVIEW')"
        ".principalId",
        f"reference(concat(resourceId('{VIRTUAL_MACHINES}', variables('name')), '{OWN.lower()}'), '2018-11-30')"
        ".principalId",
        f"reference(format('{{0}}{OWN}', resourceId('{VIRTUAL_MACHINES}', variables('name')))).principalId",
    ],
)
def test_the_own_identity_of_a_resource_is_found_below_its_id(expression: str) -> None:
    unit = arm(
        parameters=ENV,
        variables={"name": "[format('id-{0}', parameters('env'))]"},
        outputs={"o": {"type": "string", "value": f"[{expression}]"}},
        resources=[resource(VIRTUAL_MACHINES, "[concat('id-', parameters('env'))]")],
    )
    found = output(unit, "o")
    assert isinstance(found, Ref)
    assert found.target == f"{VIRTUAL_MACHINES}/{{concat('id-', parameters('env'))}}"
    assert found.path == ("identity", "principalId")


def test_the_own_identity_of_what_is_not_declared_is_not_known() -> None:
    found = of_identity(f"reference(concat(resourceId('{VIRTUAL_MACHINES}', 'other'), '{OWN}')).principalId")
    assert isinstance(found, Unknown)


@pytest.mark.parametrize("level", ["managementGroup", "subscription"])
def test_an_id_without_a_scope_names_what_is_in_the_scope_deployed_to(level: str) -> None:
    schema = {
        "managementGroup": "managementGroupDeploymentTemplate",
        "subscription": "subscriptionDeploymentTemplate",
    }
    unit = arm(
        **{"$schema": f"https://schema.management.azure.com/schemas/2019-08-01/{schema[level]}.json#"},
        outputs={
            "o": {
                "type": "string",
                "value": "[toLower(reference('/providers/Microsoft.Authorization/policyAssignments/tls', "
                "'2019-09-01', 'Full').identity.principalId)]",
            },
            "other": {
                "type": "string",
                "value": "[reference('/providers/Microsoft.Authorization/policyAssignments/ssl').scope]",
            },
        },
        resources=[resource("Microsoft.Authorization/policyAssignments", "tls")],
    )
    found = output(unit, "o")
    assert isinstance(found, Ref)
    assert found.path == ("identity", "principalId")
    assert isinstance(output(unit, "other"), Unknown)
