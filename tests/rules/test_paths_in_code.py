"""Paths to Owner that code alone has: each found on its line, in Terraform and Bicep, and set-ups that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.report import Report
from scanner.engine.registry import load_rules
from tests.rules.code import found, judged, marked

CODE = "MI401"
RULES = tuple(rule for rule in load_rules() if rule.meta.id == CODE)

HEAD = """\
provider "azurerm" {
  features {}
  subscription_id = "11111111-1111-1111-1111-111111111111"
}

data "azurerm_subscription" "here" {}

resource "azurerm_user_assigned_identity" "app" {
  name                = "id-app"
  resource_group_name = "app"
  location            = "westeurope"
}

resource "azurerm_user_assigned_identity" "deployer" {
  name                = "id-deployer"
  resource_group_name = "deploy"
  location            = "westeurope"
}
"""

CLUSTER = """
resource "azurerm_kubernetes_cluster" "aks" {
  name                = "aks"
  resource_group_name = "app"
  location            = "westeurope"
  dns_prefix          = "aks"
  default_node_pool {
    name       = "system"
    node_count = 1
    vm_size    = "Standard_D2_v2"
  }
  identity {
    type = "SystemAssigned"
  }
}
"""

WEB_APP = """
resource "azurerm_linux_web_app" "web" {
  name                = "web"
  resource_group_name = "app"
  location            = "westeurope"
  service_plan_id     = "plan"
  site_config {}
}

resource "azurerm_linux_web_app_slot" "next" {
  name           = "next"
  app_service_id = azurerm_linux_web_app.web.id
  site_config {}
  identity {
    type = "SystemAssigned"
  }
}
"""

POLICY = """
resource "azurerm_subscription_policy_assignment" "tags" {
  name                 = "tags"
  policy_definition_id = "/providers/Microsoft.Authorization/policyDefinitions/cd3aa116-8754-49c9-a813-ad46512ece54"
  subscription_id      = data.azurerm_subscription.here.id
  location             = "westeurope"
  identity {
    type = "SystemAssigned"
  }
}
"""

HERE = "data.azurerm_subscription.here.id"
DEPLOY, APP = (
    f'"/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/{g}"' for g in ("deploy", "app")
)
OF_APP = "azurerm_user_assigned_identity.app.principal_id"
OF_DEPLOYER = "azurerm_user_assigned_identity.deployer.principal_id"
OF_NODES = "azurerm_kubernetes_cluster.aks.kubelet_identity[0].object_id"
OF_CLUSTER = "azurerm_kubernetes_cluster.aks.identity[0].principal_id"
OF_SLOT = "azurerm_linux_web_app_slot.next.identity[0].principal_id"
OF_POLICY = "azurerm_subscription_policy_assignment.tags.identity[0].principal_id"


def gives(label: str, scope: str, role: str, who: str, *, is_found: bool = False) -> str:
    return f"""
resource "azurerm_role_assignment" "{label}" {{
  scope                = {scope}
  role_definition_name = "{role}"{" # finding" if is_found else ""}
  principal_id         = {who}
}}
"""


OWNER = gives("owner", HERE, "Owner", OF_DEPLOYER)


def judge(folder: Path, files: dict[str, str]) -> Report:
    report = judged(folder, files, RULES)
    assert [unknown.reason for unknown in report.unknown] == []
    return report


@pytest.mark.parametrize(
    "parts",
    [
        (OWNER, gives("a", DEPLOY, "Contributor", OF_APP, is_found=True)),
        (OWNER, gives("a", APP, "Contributor", OF_APP)),
        (OWNER, gives("a", DEPLOY, "User Access Administrator", OF_APP, is_found=True)),
        (OWNER, gives("a", APP, "User Access Administrator", OF_APP)),
        (
            WEB_APP,
            gives("owner", HERE, "Role Based Access Control Administrator", OF_SLOT),
            gives("a", "azurerm_linux_web_app.web.id", "Website Contributor", OF_APP, is_found=True),
        ),
        # What runs on the nodes of a cluster is their identity, and nothing is its control plane.
        (OWNER, CLUSTER, gives("a", DEPLOY, "Contributor", OF_NODES, is_found=True)),
        (OWNER, CLUSTER, gives("a", DEPLOY, "Contributor", OF_CLUSTER)),
        (
            CLUSTER,
            gives("owner", HERE, "Owner", OF_NODES),
            gives(
                "a",
                "azurerm_kubernetes_cluster.aks.id",
                "Azure Kubernetes Service Cluster Admin Role",
                OF_APP,
                is_found=True,
            ),
        ),
        (
            CLUSTER,
            gives("owner", HERE, "Owner", OF_CLUSTER),
            gives(
                "a",
                "azurerm_kubernetes_cluster.aks.id",
                "Azure Kubernetes Service Cluster Admin Role",
                OF_APP,
            ),
        ),
        (
            OWNER,
            POLICY,
            gives("remediation", HERE, "Contributor", OF_POLICY),
            gives("a", HERE, "Resource Policy Contributor", OF_APP, is_found=True),
        ),
    ],
    ids=[
        "where the owner lies",
        "elsewhere",
        "who hands out access there",
        "who hands it out elsewhere",
        "a slot of a web app",
        "from the nodes of a cluster",
        "from a control plane",
        "to the nodes of a cluster",
        "to a control plane",
        "through a policy",
    ],
)
def test_each_is_found_on_its_line(parts: tuple[str, ...], tmp_path: Path) -> None:
    files = {"main.tf": "".join((HEAD, *parts))}
    assert found(judge(tmp_path, files), CODE) == marked(files)


def test_an_owner_that_is_given_when_it_is_deployed_makes_nothing_unknown(tmp_path: Path) -> None:
    variable = 'variable "admins" {}\n'
    code = (
        HEAD,
        variable,
        gives("o", HERE, "Owner", "var.admins"),
        gives("a", DEPLOY, "Contributor", OF_APP),
    )
    assert found(judge(tmp_path, {"main.tf": "".join(code)}), CODE) == set()


def test_assignments_that_one_module_makes_are_all_told(tmp_path: Path) -> None:
    files = {
        "main.bicep": """\
targetScope = 'subscription'
module deployer 'identity.bicep' = { name: 'd', scope: resourceGroup('deploy'), params: { name: 'deployer' } }
module middle 'identity.bicep' = { name: 'm', scope: resourceGroup('middle'), params: { name: 'middle' } }
module app 'identity.bicep' = { name: 'a', scope: resourceGroup('app'), params: { name: 'app' } }
resource owner 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid('owner')
  properties: {
    principalId: deployer.outputs.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions', '8e3af657-a8ff-443c-a75c-2fe8c4bcb635')
  }
}
module one 'access.bicep' = {
  name: 'one'
  scope: resourceGroup('deploy')
  params: { principalId: middle.outputs.principalId }
}
module two 'access.bicep' = {
  name: 'two'
  scope: resourceGroup('middle')
  params: { principalId: app.outputs.principalId }
}
""",
        "identity.bicep": """\
param name string
resource it 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = { name: name, location: 'westeurope' }
output principalId string = it.properties.principalId
""",
        "access.bicep": """\
param principalId string
var contributor = 'b24988ac-6180-42a0-ab88-20f7382dd24c'
resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributor) // finding
  }
}
""",
    }
    report = judge(tmp_path, files)
    assert found(report, CODE) == marked(files)
    (finding,) = report.findings
    assert finding.message.startswith("middle can become deployer, which has full control of ")
    (besides,) = finding.evidence["also"]
    assert besides.startswith("app can become middle, which leads on to one that has full control of ")
