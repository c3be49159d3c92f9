"""Half-written and mangled repositories: always read to the end, never a fault of Midas itself."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.sources.declared.wanted import Wanted
from scanner.sources.repository.evaluate import Evaluator
from scanner.sources.repository.merge import State
from scanner.sources.repository.units import Sorted, UnitSpec, left_over, units_of

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
WHOLE: Mapping[str, bytes] = {
    "main.tf": b"""
variable "names" { default = ["a", "b"] }
locals { prefix = "p-${var.names[0]}" }
data "azurerm_subscription" "current" {}
resource "azurerm_user_assigned_identity" "app" {
  for_each            = toset(var.names)
  name                = "${local.prefix}-${each.key}"
  resource_group_name = "rg"
  location            = "westeurope"
}
module "grant" {
  source    = "./modules/grant"
  principal = azurerm_user_assigned_identity.app["a"].principal_id
}
output "key" { value = azurerm_storage_account.data.primary_access_key }
resource "azurerm_storage_account" "data" {
  name = "data"
  resource_group_name = "rg"
  dynamic "network_rules" {
    for_each = [1]
    content { default_action = "Deny" }
  }
}
""",
    "modules/grant/main.tf": b"""
variable "principal" {}
resource "azurerm_role_assignment" "this" {
  scope                = "/subscriptions/11111111-1111-1111-1111-111111111111"
  role_definition_name = "Owner"
  principal_id         = var.principal
}
""",
    "main.bicep": b"""
targetScope = 'subscription'
param names array = [ 'a', 'b' ]
@secure()
param password string = 'x'
module app 'app.bicep' = [for (name, i) in names: {
  scope: resourceGroup('rg-${name}')
  name: 'app-${i}'
  params: { name: name }
}]
resource owner 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (length(names) > 1) {
  name: guid(subscription().id, 'owner')
  properties: {
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      '8e3af657-a8ff-443c-a75c-2fe8c4bcb635'
    )
    principalId: app[0].outputs.principal
  }
}
""",
    "app.bicep": b"""
param name string
resource id 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-${name}'
  location: resourceGroup().location
}
output principal string = id.properties.principalId
""",
    "main.bicepparam": b"using 'main.bicep'\nparam names = [ 'c', 'd' ]\n",
    "arm.json": b"""{
  "$schema": "%s",
  "contentVersion": "1.0.0.0",
  "parameters": { "name": { "type": "string", "defaultValue": "site" } },
  "variables": {
    "store": "[resourceId('Microsoft.Storage/storageAccounts', 'x')]",
    "id": "[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', parameters('name'))]"
  },
  "resources": [
    {
      "type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": "2023-01-31",
      "name": "[parameters('name')]", "location": "[resourceGroup().location]"
    },
    {
      "type": "Microsoft.Web/sites", "apiVersion": "2023-12-01", "name": "[concat(parameters('name'), copyIndex())]",
      "copy": { "name": "sites", "count": 2 },
      "identity": { "type": "UserAssigned", "userAssignedIdentities": { "[variables('id')]": {} } },
      "properties": { "siteConfig": { "appSettings": [
        { "name": "KEY", "value": "[listKeys(variables('store'), '2023-01-01').keys[0].value]" }
      ] } }
    }
  ]
}"""
    % SCHEMA.encode(),
}
WANTED = Wanted(
    tables=frozenset(
        ["assignments", "identities", "resources", "attachments", "credentials", "key_reads", "declarations"]
    ),
    settings=frozenset([("microsoft.web/sites", "properties.httpsOnly")]),
    points_at=frozenset(["properties.roleDefinitionId"]),
)
MANGLED = st.tuples(
    st.sampled_from(sorted(WHOLE)),
    st.sampled_from(["cut", "double", "insert", "remove"]),
    st.floats(0, 1),
    st.integers(0, 60),
    st.sampled_from(
        [b"{", b"}", b"[", b'"', b"'", b"${", b"\n", b"\0", b"\xff", b"/*", b"<<EOT\n", b"?", b"."]
    ),
)


def mangle(data: bytes, how: str, where: float, length: int, text: bytes) -> bytes:
    at = int(where * len(data))
    if how == "cut":
        return data[:at]
    if how == "double":
        return data[: at + length] + data[at:]
    if how == "remove":
        return data[:at] + data[at + length :]
    return data[:at] + text + data[at:]


class InMemory:
    """Files that only exist here."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files

    def read(self, uri: str) -> bytes | None:
        return self.files.get(uri)

    def forget(self, uri: str) -> None:
        pass

    def names(self, folder: str) -> list[str]:
        prefix = "" if folder == "." else f"{folder}/"
        found = (uri.removeprefix(prefix) for uri in self.files if uri.startswith(prefix))
        return sorted(name for name in found if "/" not in name)

    def all_names(self, folder: str) -> list[str]:
        return self.names(folder)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(MANGLED, max_size=4))
def test_whatever_the_files_hold_they_are_read(changes: list[tuple[str, str, float, int, bytes]]) -> None:
    files = dict(WHOLE)
    for uri, how, where, length, text in changes:
        files[uri] = mangle(files[uri], how, where, length, text)
    by = Sorted(
        terraform={".": ["main.tf"], "modules/grant": ["main.tf"]},
        bicep=["app.bicep", "main.bicep"],
        arm=["arm.json"],
        parameters=["main.bicepparam"],
        using={"main.bicepparam": "main.bicep"},
        used={"app.bicep", "modules/grant"},
    )
    evaluator = Evaluator(InMemory(files), WANTED)
    units = [evaluator.read(spec) for spec in units_of(by)]
    seen = {name for unit in units for name, _ in unit.seen}
    for spec in left_over(by, seen):
        units.append(evaluator.read(spec))
        seen |= {spec.path, *by.files_of(spec)}
    faults = [gap for unit in units for gap in unit.gaps if "fault of Midas" in gap.detail]
    assert faults == []
    for unit in units:
        for place in unit.places:
            lines = files[place.uri].replace(b"\r", b"\n").count(b"\n") + 1
            assert 1 <= place.line <= place.end_line <= lines
            assert (place.line, place.column) <= (place.end_line, place.end_column)
    State(units, []).facts().finish()


def test_the_whole_repository_is_read_whole() -> None:
    evaluator = Evaluator(InMemory(WHOLE), WANTED)
    specs = [
        UnitSpec("terraform", "."),
        UnitSpec("bicep", "main.bicep", "main.bicepparam"),
        UnitSpec("arm", "arm.json"),
    ]
    units = [evaluator.read(spec) for spec in specs]
    assert [gap for unit in units for gap in unit.gaps] == []
    declared = {
        (row["unit"], row["address"]) for unit in units for row in unit.facts.rows.get("declarations", [])
    }
    assert declared >= {
        (".", 'azurerm_user_assigned_identity.app["a"]'),
        (".", "module.grant.azurerm_role_assignment.this"),
        ("main.bicepparam", "owner"),
    }
