"""Owner of a subscription given to an identity in the ways people write templates: found in each, on its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.engine.registry import load_rules
from tests.rules.code import found, judged, marked

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
RULE = next(rule for rule in load_rules() if rule.meta.id == "MI201")
MSI = "Microsoft.ManagedIdentity/userAssignedIdentities"
ROLES = "Microsoft.Authorization/roleDefinitions"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments@2022-04-01"

IDENTITY = f"""
targetScope = 'subscription'

resource deploy '{MSI}@2023-01-31' existing = {{
  scope: resourceGroup('rg-deploy')
  name: 'id-deploy'
}}
"""
NAMES = f"""
var roleIds = {{
  Owner: subscriptionResourceId('{ROLES}', '{OWNER}')
  Reader: subscriptionResourceId('{ROLES}', '{READER}')
}}
"""


def assignment(
    role: str, principal: str = "deploy.properties.principalId", head: str = "", more: str = ""
) -> str:
    begin, end = (f"[{head} {{", "}]") if head else ("{", "}")
    return f"""
resource owner '{ASSIGNMENTS}' = {begin}
  name: guid(subscription().id, {role}, {principal})
  {more}
  properties: {{
    principalId: {principal}
    principalType: 'ServicePrincipal'
    roleDefinitionId: {role} // finding
  }}
{end}
"""


def inside(principal: str = "principalId", scope: str = "subscription") -> str:
    """A module that gives a role."""
    return f"""
targetScope = '{scope}'

param principalId string
param role string

resource this '{ASSIGNMENTS}' = {{
  name: guid(principalId, role)
  properties: {{
    principalId: {principal}
    principalType: 'ServicePrincipal'
    roleDefinitionId: role // finding
  }}
}}
"""


def calling(principal: str, more: str = "", path: str = "access.bicep") -> str:
    return f"""
module access '{path}' = {{
  name: 'access'
  {more}
  params: {{
    principalId: {principal}
    role: subscriptionResourceId('{ROLES}', '{OWNER}')
  }}
}}
"""


MAKING = f"""
resource made '{MSI}@2023-01-31' = {{
  name: 'id-deploy'
  location: 'westeurope'
}}

output principalId string = made.properties.principalId
output all object = {{ id: made.id, principal: made.properties.principalId }}
"""

BICEP = {
    "a loop over objects with roles": {
        "main.bicep": IDENTITY
        + NAMES
        + "var given = [{ role: 'Owner', to: deploy.properties.principalId }]\n"
        + assignment("roleIds[each.role]", "each.to", "for each in given:")
    },
    "a loop over what a condition chooses": {
        "main.bicep": IDENTITY
        + NAMES
        + "param admin bool\nvar given = admin ? ['Owner'] : []\n"
        + assignment("roleIds[each]", head="for each in given:")
    },
    "a loop with a condition in it": {
        "main.bicep": IDENTITY
        + NAMES
        + assignment("roleIds[each]", head="for each in ['Owner', 'Reader']: if (each == 'Owner')")
    },
    "a loop over a union of arrays": {
        "main.bicep": IDENTITY
        + NAMES
        + "param extra array = []\n"
        + assignment("roleIds[each]", head="for each in union(['Owner'], extra, [...extra]):")
    },
    "a loop over the items of an object": {
        "main.bicep": IDENTITY
        + f"var given = {{ admin: '{OWNER}' }}\n"
        + assignment(f"subscriptionResourceId('{ROLES}', each.value)", head="for each in items(given):")
    },
    "a principal that a condition chooses": {
        "main.bicep": IDENTITY
        + "param other bool\n"
        + assignment(
            f"subscriptionResourceId('{ROLES}', '{OWNER}')",
            "(other ? deploy.properties.principalId : deploy.properties.principalId)",
        )
    },
    "a role looked up among others": {
        "main.bicep": IDENTITY
        + f"var pairs = [['Owner', '{OWNER}'], ['Reader', '{READER}']]\n"
        + "var known = [for each in pairs: { name: each[0], id: each[1] }]\n"
        + "var wanted = filter(known, each => each.name == 'Owner')\n"
        + assignment(f"subscriptionResourceId('{ROLES}', first(wanted)!.id)")
    },
    "a role looked up in an object made of an array": {
        "main.bicep": IDENTITY
        + f"var known = toObject([{{ n: 'Owner', id: '{OWNER}' }}], each => each.n, each => each.id)\n"
        + assignment(f"subscriptionResourceId('{ROLES}', known.?Owner ?? '{READER}')")
    },
    "a function of people's own": {
        "main.bicep": IDENTITY
        + f"func roleId(name string) string => '/providers/{ROLES}/${{name == 'Owner' ? '{OWNER}' : '{READER}'}}'\n"
        + assignment("roleId('Owner')")
    },
    "a function from another file": {
        "main.bicep": "import { roleId } from 'roles.bicep'\n" + IDENTITY + assignment("roleId('Owner')"),
        "roles.bicep": f"""
var ids = {{ Owner: '{OWNER}' }}

@export()
func roleId(name string) string => subscriptionResourceId('{ROLES}', ids[name])
""",
    },
    "a table from a JSON file": {
        "main.bicep": IDENTITY
        + "var known = loadJsonContent('roles.json')\n"
        + assignment(f"subscriptionResourceId('{ROLES}', known.Owner)"),
        "roles.json": json.dumps({"Owner": OWNER}),
    },
    "the scope written out": {
        "main.bicep": IDENTITY
        + assignment(f"tenantResourceId('{ROLES}', '{OWNER}')", more="scope: subscription()")
    },
    "with the namespace": {
        "main.bicep": IDENTITY + assignment(f"az.subscriptionResourceId('{ROLES}', sys.toLower('{OWNER.upper()}'))")
    },
    "extensionResourceId": {
        "main.bicep": IDENTITY + assignment(f"extensionResourceId(subscription().id, '{ROLES}', '{OWNER}')")
    },
    "the type of another resource": {
        "main.bicep": "param settings resourceInput<'Microsoft.Storage/storageAccounts@2023-05-01'>.tags = {}\n"
        + IDENTITY
        + assignment(f"subscriptionResourceId('{ROLES}', settings.?role ?? '{OWNER}')")
    },
    "an identity that a module makes": {
        "main.bicep": """
targetScope = 'subscription'

module identity 'identity.bicep' = {
  name: 'identity'
  scope: resourceGroup('rg-deploy')
}
"""
        + calling("identity.outputs.principalId"),
        "identity.bicep": MAKING,
        "access.bicep": inside(),
    },
    "an identity that a module in a module makes, handed on in an object": {
        "main.bicep": """
targetScope = 'subscription'

module outer 'outer.bicep' = {
  name: 'outer'
  scope: resourceGroup('rg-deploy')
}
"""
        + calling("outer.outputs.identity.principal"),
        "outer.bicep": (
            "module identity 'identity.bicep' = { name: 'i' }\noutput identity object = identity.outputs.all\n"
        ),
        "identity.bicep": MAKING,
        "access.bicep": inside(),
    },
    "from a resource group up to its subscription": {
        "main.bicep": MAKING + calling("made.properties.principalId", "scope: subscription()"),
        "access.bicep": inside(),
    },
    "from a management group down in a loop": {
        "main.bicep": f"""
targetScope = 'managementGroup'

param principal string
resource deploy '{MSI}@2023-01-31' existing = {{
  scope: resourceGroup('5c6f3b8e-1d2a-4f0b-9a57-3e8d1c2b4a60', 'rg-deploy')
  name: 'id-deploy'
}}

module access 'access.bicep' = [for each in ['5c6f3b8e-1d2a-4f0b-9a57-3e8d1c2b4a60']: {{
  name: 'access-${{each}}'
  scope: subscription(each)
  params: {{
    principalId: deploy.properties.principalId
    role: tenantResourceId('{ROLES}', '{OWNER}')
  }}
}}]
""",
        "access.bicep": inside(),
    },
    "a template that is loaded": {
        "main.bicep": IDENTITY
        + """
resource access 'Microsoft.Resources/deployments@2024-03-01' = {
  name: 'access'
  location: 'westeurope'
  properties: {
    mode: 'Incremental'
    template: loadJsonContent('access.json')
    parameters: { principal: { value: deploy.properties.principalId } }
  }
}
""",
        "access.json": json.dumps(
            {
                "$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
                "contentVersion": "1.0.0.0",
                "parameters": {"principal": {"type": "string"}},
                "resources": [
                    {
                        "type": "Microsoft.Authorization/roleAssignments",
                        "apiVersion": "2022-04-01",
                        "name": "[guid(subscription().id)]",
                        "properties": {
                            "principalId": "[parameters('principal')]",
                            "roleDefinitionId": f"[subscriptionResourceId('{ROLES}', '{OWNER}')]",
                        },
                    }
                ],
            },
            indent=2,
        ).replace(f"'{OWNER}')]\"", f"'{OWNER}')]\" // finding"),
    },
    "a parameter file": {
        "main.bicep": IDENTITY
        + "param role string\n"
        + assignment(f"subscriptionResourceId('{ROLES}', role)"),
        "main.bicepparam": f"using 'main.bicep'\nvar owner = '{OWNER}'\nparam role = owner\n",
    },
    "a parameter file that extends another": {
        "main.bicep": IDENTITY
        + "param role string\nparam tags object\n"
        + assignment(f"subscriptionResourceId('{ROLES}', role)"),
        "shared.bicepparam": f"using none\nparam role = '{OWNER}'\n",
        "main.bicepparam": "using 'main.bicep'\nextends 'shared.bicepparam'\nparam tags = {}\n",
    },
    "a request that is scheduled": {
        "main.bicep": IDENTITY
        + f"""
resource owner 'Microsoft.Authorization/roleAssignmentScheduleRequests@2022-04-01-preview' = {{
  name: guid(subscription().id)
  properties: {{
    principalId: deploy.properties.principalId
    requestType: 'AdminAssign'
    roleDefinitionId: subscriptionResourceId('{ROLES}', '{OWNER}') // finding
    scheduleInfo: {{ expiration: {{ type: 'NoExpiration' }} }}
  }}
}}
"""
    },
}  # fmt: skip


@pytest.mark.parametrize("way", BICEP)
def test_owner_is_found_however_a_template_gives_it(way: str, tmp_path: Path) -> None:
    files = BICEP[way]
    report = judged(tmp_path, files, [RULE])
    assert report.faults == ()
    assert found(report, "MI201") == marked(files)
    assert len(marked(files)) == 1
    (finding,) = report.findings
    assert "id-deploy" in finding.message
    assert [unknown.reason for unknown in report.unknown] == []


# ---- ARM

SUBSCRIPTION = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"
GROUP = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
DEPLOY = f"resourceId(subscription().subscriptionId, 'rg-deploy', '{MSI}', 'id-deploy')"
PRINCIPAL = f"[reference({DEPLOY}, '2023-01-31').principalId]"
OWNER_ID = f"[subscriptionResourceId('{ROLES}', '{OWNER}')]"


def template(resources: object, schema: str = SUBSCRIPTION, **more: object) -> dict[str, object]:
    return {"$schema": schema, "contentVersion": "1.0.0.0", **more, "resources": resources}


def given(role: str, principal: str = PRINCIPAL, **more: object) -> dict[str, object]:
    return {
        "type": "Microsoft.Authorization/roleAssignments",
        "apiVersion": "2022-04-01",
        "name": "[guid(subscription().id, 'id-deploy')]",
        **more,
        "properties": {"principalId": principal, "roleDefinitionId": role},
    }


def deployment(inner: object, scope: str = "inner", **more: object) -> dict[str, object]:
    properties: dict[str, object] = {
        "mode": "Incremental",
        "expressionEvaluationOptions": {"scope": scope},
        "template": inner,
    }
    for name in ("parameters", "templateLink"):
        if name in more:
            properties[name] = more.pop(name)
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": "access",
        **more,
        "properties": properties,
    }


MADE = {"type": MSI, "apiVersion": "2023-01-31", "name": "id-deploy", "location": "westeurope"}

ARM = {
    "a copy over objects with roles": template(
        [
            given(
                "[subscriptionResourceId('" + ROLES + "', variables('given')[copyIndex()].role)]",
                name="[guid(subscription().id, string(copyIndex()))]",
                copy={"name": "each", "count": "[length(variables('given'))]"},
            )
        ],
        variables={"given": [{"role": OWNER}]},
    ),
    "a copy over what a condition chooses": template(
        [
            given(
                "[variables('given')[copyIndex()]]",
                name="[guid(subscription().id, string(copyIndex()))]",
                copy={"name": "each", "count": "[length(variables('given'))]"},
            )
        ],
        parameters={"admin": {"type": "bool"}},
        variables={
            "owner": OWNER_ID,
            "given": "[if(parameters('admin'), createArray(variables('owner')), createArray())]",
        },
    ),
    "a variable made by a copy": template(
        [given("[variables('ids')[0]]")],
        variables={
            "copy": [
                {
                    "name": "ids",
                    "count": 1,
                    "input": f"[subscriptionResourceId('{ROLES}', createArray('{OWNER}')[copyIndex('ids')])]",
                }
            ]
        },
    ),
    "a function of the template's own": template(
        [given("[own.role('Owner')]")],
        functions=[
            {
                "namespace": "own",
                "members": {
                    "role": {
                        "parameters": [{"name": "name", "type": "string"}],
                        "output": {
                            "type": "string",
                            "value": f"[if(equals(parameters('name'), 'Owner'), '/providers/{ROLES}/{OWNER}', '')]",
                        },
                    }
                },
            }
        ],
    ),
    "a nested deployment with names of its own": template(
        [
            deployment(
                template(
                    [given(OWNER_ID, "[parameters('principal')]")],
                    parameters={"principal": {"type": "string"}},
                ),
                location="westeurope",
                parameters={"principal": {"value": PRINCIPAL}},
            )
        ]
    ),
    "a nested deployment with the names around it": template(
        [deployment(template([given("[variables('role')]")]), "outer", location="westeurope")],
        variables={"role": OWNER_ID},
    ),
    "from a resource group up to its subscription": template(
        [
            MADE,
            deployment(
                template(
                    [given(OWNER_ID, "[parameters('principal')]")],
                    parameters={"principal": {"type": "string"}},
                ),
                subscriptionId="[subscription().subscriptionId]",
                location="westeurope",
                parameters={
                    "principal": {"value": f"[reference(resourceId('{MSI}', 'id-deploy')).principalId]"}
                },
            ),
        ],
        GROUP,
    ),
    "an output of another deployment": template(
        [
            {
                **deployment(
                    template(
                        [MADE],
                        GROUP,
                        outputs={
                            "principal": {
                                "type": "string",
                                "value": f"[reference(resourceId('{MSI}', 'id-deploy'), '2023-01-31').principalId]",
                            }
                        },
                    ),
                    resourceGroup="rg-deploy",
                ),
                "name": "identity",
            },
            given(OWNER_ID, "[reference('identity').outputs.principal.value]"),
        ]
    ),
    "symbolic names": template(
        {
            "deploy": {
                "existing": True,
                "type": MSI,
                "apiVersion": "2023-01-31",
                "name": "id-deploy",
                "resourceGroup": "rg-deploy",
            },
            "owner": given(OWNER_ID, "[reference('deploy').principalId]"),
        },
        languageVersion="2.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", ARM)
def test_owner_is_found_however_arm_gives_it(way: str, tmp_path: Path) -> None:
    text = json.dumps(ARM[way], indent=2)
    lines = text.splitlines()
    marked_text = "\n".join(
        f"{line} // finding" if '"roleDefinitionId": "' in line else line for line in lines
    )
    files = {"main.json": marked_text + "\n"}
    report = judged(tmp_path, files, [RULE])
    assert report.faults == ()
    assert found(report, "MI201") == marked(files)
    assert len(marked(files)) == 1
    (finding,) = report.findings
    assert "id-deploy" in finding.message
    assert [unknown.reason for unknown in report.unknown] == []
