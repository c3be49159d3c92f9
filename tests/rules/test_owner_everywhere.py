"""Owner of a subscription, given in every way that code has for it: found in each, on its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.engine.registry import load_rules
from tests.rules.code import found, judged, marked

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
RULE = next(rule for rule in load_rules() if rule.meta.id == "MI201")
MSI = "Microsoft.ManagedIdentity/userAssignedIdentities"
ROLES = "Microsoft.Authorization/roleDefinitions"

# ---- Terraform

IDENTITY = """
data "azurerm_subscription" "current" {}

resource "azurerm_user_assigned_identity" "deploy" {
  name                = "id-deploy"
  resource_group_name = "rg-deploy"
  location            = "westeurope"
}
"""


def assigned(role: str) -> str:
    return f"""
resource "azurerm_role_assignment" "owner" {{
  scope        = data.azurerm_subscription.current.id
  principal_id = azurerm_user_assigned_identity.deploy.principal_id
  {role} # finding
}}
"""


CUSTOM = """
resource "azurerm_role_definition" "helper" {
  name  = "Helper"
  scope = data.azurerm_subscription.current.id

  permissions {
    actions = ["*"]
  }
}
"""

TERRAFORM = {
    "by role name": {"main.tf": IDENTITY + assigned('role_definition_name = "Owner"')},
    "by role name in odd case": {"main.tf": IDENTITY + assigned('role_definition_name = "OWNER"')},
    "by GUID": {
        "main.tf": IDENTITY
        + assigned(
            f'role_definition_id = "${{data.azurerm_subscription.current.id}}/providers/{ROLES}/{OWNER}"'
        )
    },
    "by a GUID without a subscription": {
        "main.tf": IDENTITY + assigned(f'role_definition_id = "/providers/{ROLES}/{OWNER}"')
    },
    "by data source": {
        "main.tf": IDENTITY
        + 'data "azurerm_role_definition" "owner" {\n  name = "Owner"\n}\n'
        + assigned("role_definition_id = data.azurerm_role_definition.owner.id")
    },
    "by data source with a GUID": {
        "main.tf": IDENTITY
        + f'data "azurerm_role_definition" "owner" {{\n  role_definition_id = "{OWNER}"\n}}\n'
        + assigned("role_definition_id = data.azurerm_role_definition.owner.id")
    },
    "by a custom definition": {
        "main.tf": IDENTITY
        + CUSTOM
        + assigned("role_definition_id = azurerm_role_definition.helper.role_definition_resource_id")
    },
    "by the name of a custom definition": {
        "main.tf": IDENTITY + CUSTOM + assigned("role_definition_name = azurerm_role_definition.helper.name")
    },
    "by reference to a local": {
        "main.tf": IDENTITY
        + 'locals {\n  roles = { admin = "Owner" }\n}\n'
        + assigned('role_definition_name = local.roles["admin"]')
    },
    "by reference to a variable": {
        "main.tf": IDENTITY + assigned("role_definition_name = var.role"),
        "variables.tf": 'variable "role" {\n  default = "Reader"\n}\n',
        "terraform.tfvars": 'role = "Owner"\n',
    },
    "in a loop": {
        "main.tf": IDENTITY
        + """
resource "azurerm_role_assignment" "each" {
  for_each             = toset(["Owner"])
  scope                = data.azurerm_subscription.current.id
  role_definition_name = each.value # finding
  principal_id         = azurerm_user_assigned_identity.deploy.principal_id
}
"""
    },
    "through a module": {
        "main.tf": IDENTITY
        + """
module "access" {
  source    = "./modules/access"
  scope     = data.azurerm_subscription.current.id
  role      = "Owner"
  principal = azurerm_user_assigned_identity.deploy.principal_id
}
""",
        "modules/access/main.tf": """
variable "scope" {}
variable "role" {}
variable "principal" {}

resource "azurerm_role_assignment" "this" {
  scope                = var.scope
  role_definition_name = var.role # finding
  principal_id         = var.principal
}
""",
    },
}

# ---- Bicep

EXISTING = f"""
targetScope = 'subscription'

resource deploy '{MSI}@2023-01-31' existing = {{
  scope: resourceGroup('rg-deploy')
  name: 'id-deploy'
}}
"""


def owner_bicep(role: str) -> str:
    return f"""
resource owner 'Microsoft.Authorization/roleAssignments@2022-04-01' = {{
  name: guid(subscription().id, deploy.id)
  properties: {{
    principalId: deploy.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: {role} // finding
  }}
}}
"""


BICEP = {
    "by role name": {
        "main.bicep": EXISTING
        + f"var roles = {{\n  Owner: '{OWNER}'\n}}\n"
        + owner_bicep(f"subscriptionResourceId('{ROLES}', roles.Owner)")
    },
    "by GUID": {"main.bicep": EXISTING + owner_bicep(f"subscriptionResourceId('{ROLES}', '{OWNER}')")},
    "by a GUID without a subscription": {
        "main.bicep": EXISTING + owner_bicep(f"'/providers/{ROLES}/{OWNER}'")
    },
    "by a GUID in text": {
        "main.bicep": EXISTING + owner_bicep(f"'${{subscription().id}}/providers/{ROLES}/{OWNER}'")
    },
    "by data source": {
        "main.bicep": EXISTING
        + f"resource role '{ROLES}@2022-04-01' existing = {{\n  name: '{OWNER}'\n}}\n"
        + owner_bicep("role.id")
    },
    "by a custom definition": {
        "main.bicep": EXISTING
        + f"""
resource helper '{ROLES}@2022-04-01' = {{
  name: guid(subscription().id, 'helper')
  properties: {{
    roleName: 'Helper'
    type: 'CustomRole'
    permissions: [{{ actions: ['*'] }}]
    assignableScopes: [subscription().id]
  }}
}}
"""
        + owner_bicep("helper.id")
    },
    "by reference": {
        "main.bicep": EXISTING
        + f"param role string = '{OWNER}'\nvar roleId = subscriptionResourceId('{ROLES}', role)\n"
        + owner_bicep("roleId")
    },
    "through a module": {
        "main.bicep": EXISTING
        + f"""
module access 'modules/access.bicep' = {{
  name: 'access'
  params: {{
    principalId: deploy.properties.principalId
    roleDefinitionId: subscriptionResourceId('{ROLES}', '{OWNER}')
  }}
}}
""",
        "modules/access.bicep": """
targetScope = 'subscription'

param principalId string
param roleDefinitionId string

resource this 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, roleDefinitionId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleDefinitionId // finding
  }
}
""",
    },
}

# ---- ARM

DEPLOY = f"resourceId(subscription().subscriptionId, 'rg-deploy', '{MSI}', 'id-deploy')"
PRINCIPAL = f"[reference({DEPLOY}, '2023-01-31').principalId]"


def template(*resources: object, **rest: object) -> str:
    whole = {
        "$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        **rest,
        "resources": list(resources),
    }
    return json.dumps(whole, indent=2)


def owner_arm(role: str, principal: str = PRINCIPAL) -> dict[str, object]:
    return {
        "type": "Microsoft.Authorization/roleAssignments",
        "apiVersion": "2022-04-01",
        "name": "[guid(subscription().id, 'id-deploy')]",
        "properties": {
            "principalId": principal,
            "principalType": "ServicePrincipal",
            "roleDefinitionId": role,
        },
    }


def with_mark(text: str) -> str:
    """Mark the line of each assignment's role."""
    lines = text.splitlines()
    return (
        "\n".join(f"{line} // finding" if '"roleDefinitionId": "' in line else line for line in lines) + "\n"
    )


ARM = {
    "by role name": {
        "main.json": template(
            owner_arm(f"[subscriptionResourceId('{ROLES}', variables('roles')['Owner'])]"),
            variables={"roles": {"Owner": OWNER}},
        )
    },
    "by GUID": {"main.json": template(owner_arm(f"[subscriptionResourceId('{ROLES}', '{OWNER}')]"))},
    "by a GUID without a subscription": {"main.json": template(owner_arm(f"/providers/{ROLES}/{OWNER}"))},
    "by a GUID in text": {
        "main.json": template(
            owner_arm(
                f"[concat('/subscriptions/', subscription().subscriptionId, '/providers/{ROLES}/', '{OWNER}')]"
            )
        )
    },
    "by data source": {
        "main.json": json.dumps(
            {
                **json.loads(template(languageVersion="2.0")),
                "resources": {
                    "role": {"existing": True, "type": ROLES, "apiVersion": "2022-04-01", "name": OWNER},
                    "owner": owner_arm(f"[subscriptionResourceId('{ROLES}', '{OWNER}')]"),
                },
            },
            indent=2,
        )
    },
    "by a custom definition": {
        "main.json": template(
            {
                "type": ROLES,
                "apiVersion": "2022-04-01",
                "name": "[guid(subscription().id, 'helper')]",
                "properties": {
                    "roleName": "Helper",
                    "type": "CustomRole",
                    "permissions": [{"actions": ["*"]}],
                    "assignableScopes": ["[subscription().id]"],
                },
            },
            owner_arm(f"[subscriptionResourceId('{ROLES}', guid(subscription().id, 'helper'))]"),
        )
    },
    "by reference": {
        "main.json": template(
            owner_arm("[variables('roleId')]"),
            parameters={"role": {"type": "string", "defaultValue": OWNER}},
            variables={"roleId": f"[subscriptionResourceId('{ROLES}', parameters('role'))]"},
        )
    },
    "through a module": {
        "main.json": template(
            {
                "type": "Microsoft.Resources/deployments",
                "apiVersion": "2022-09-01",
                "name": "access",
                "location": "westeurope",
                "properties": {
                    "mode": "Incremental",
                    "templateLink": {"relativePath": "access.json"},
                    "parameters": {
                        "principalId": {"value": PRINCIPAL},
                        "role": {"value": OWNER},
                    },
                },
            }
        ),
        "access.json": template(
            owner_arm(
                f"[subscriptionResourceId('{ROLES}', parameters('role'))]", "[parameters('principalId')]"
            ),
            parameters={"principalId": {"type": "string"}, "role": {"type": "string"}},
        ),
    },
}

# ---- plan

SUBSCRIPTION = "/subscriptions/5c6f3b8e-1d2a-4f0b-9a57-3e8d1c2b4a60"


def planned(address: str, **values: object) -> dict[str, object]:
    kind, name = address.split(".")[-2:]
    return {
        "address": address,
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider_name": "registry.terraform.io/hashicorp/azurerm",
        "values": values,
        "sensitive_values": {},
    }


def configured(address: str, **references: list[str]) -> dict[str, object]:
    return {
        "address": address,
        "expressions": {name: {"references": named} for name, named in references.items()},
    }


ID_PLANNED = planned(
    "azurerm_user_assigned_identity.deploy", name="id-deploy", resource_group_name="rg-deploy"
)
PRINCIPAL_OF = ["azurerm_user_assigned_identity.deploy.principal_id", "azurerm_user_assigned_identity.deploy"]


def plan(
    resources: list[object], *more: dict[str, object], module: object = None, **unknown: list[str]
) -> str:
    """A plan in which the assignment's principal is known only after it was applied."""
    address = (
        "azurerm_role_assignment.owner" if module is None else "module.access.azurerm_role_assignment.owner"
    )
    root: dict[str, object] = {"resources": [ID_PLANNED, *resources]}
    references = {"principal_id": PRINCIPAL_OF if module is None else ["var.principal"], **unknown}
    inner = {"resources": [configured("azurerm_role_assignment.owner", **references), *more]}
    called: dict[str, object] = inner
    if module is not None:
        root["child_modules"] = [{"address": "module.access", "resources": [module]}]
        call = {"expressions": {"principal": {"references": PRINCIPAL_OF}}, "module": inner}
        called = {"module_calls": {"access": call}}
    later = dict.fromkeys(["principal_id", *unknown], True)
    whole = {
        "format_version": "1.2",
        "planned_values": {"root_module": root},
        "resource_changes": [{"address": address, "change": {"actions": ["create"], "after_unknown": later}}],
        "configuration": {"root_module": called},
    }
    return json.dumps(whole, indent=2)


def owner_planned(address: str = "azurerm_role_assignment.owner", **role: str) -> dict[str, object]:
    return planned(address, scope=SUBSCRIPTION, **role)


HELPER = planned(
    "azurerm_role_definition.helper",
    name="Helper",
    scope=SUBSCRIPTION,
    permissions=[{"actions": ["*"], "not_actions": [], "data_actions": [], "not_data_actions": []}],
)
HELPER_ID = ["azurerm_role_definition.helper.role_definition_resource_id", "azurerm_role_definition.helper"]
BY_NAME, BY_ID = '"role_definition_name": "Owner"', '"role_definition_id": "'
PLANS = {
    "by role name": (plan([owner_planned(role_definition_name="Owner")]), BY_NAME),
    "by GUID": (plan([owner_planned(role_definition_id=f"{SUBSCRIPTION}/providers/{ROLES}/{OWNER}")]), BY_ID),
    "by a custom definition": (
        plan([HELPER, owner_planned()], configured(str(HELPER["address"])), role_definition_id=HELPER_ID),
        '"address": "azurerm_role_assignment.owner"',
    ),
    "through a module": (
        plan(
            [],
            module=owner_planned("module.access.azurerm_role_assignment.owner", role_definition_name="Owner"),
        ),
        BY_NAME,
    ),
}


@pytest.mark.parametrize("way", PLANS)
def test_owner_is_found_in_a_plan_where_it_is_planned(way: str, tmp_path: Path) -> None:
    text, stands = PLANS[way]
    line = next(number for number, line in enumerate(text.splitlines(), 1) if stands in line)
    report = judged(tmp_path, {"plan.json": text}, [RULE])
    assert report.faults == ()
    assert found(report, "MI201") == {("plan.json", line)}
    (finding,) = report.findings
    assert "id-deploy" in finding.message
    assert report.unknown == ()


WAYS = [
    pytest.param(
        {name: with_mark(text) if name.endswith(".json") else text for name, text in files.items()},
        id=f"{language}-{way.replace(' ', '_')}",
    )
    for language, ways in (("terraform", TERRAFORM), ("bicep", BICEP), ("arm", ARM))
    for way, files in ways.items()
]


@pytest.mark.parametrize("files", WAYS)
def test_owner_is_found_on_its_line_however_it_is_given(files: dict[str, str], tmp_path: Path) -> None:
    report = judged(tmp_path, files, [RULE])
    assert report.faults == ()
    assert found(report, "MI201") == marked(files)
    assert len(marked(files)) == 1
    (finding,) = report.findings
    assert "id-deploy" in finding.message
    assert report.unknown == ()
