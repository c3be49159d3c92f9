"""``import`` blocks say which thing of Azure a resource is."""

from __future__ import annotations

from tests.sources.terraform.configurations import evaluated

RESOURCES = """
variable "subscription" {
  default = "s"
}
variable "unknown" {}
resource "azurerm_key_vault" "one" {}
resource "azurerm_key_vault" "each" {
  for_each = toset(["a", "b/\\"c"])
}
resource "azurerm_key_vault" "counted" {
  count = 2
}
module "m" {
  source = "./m"
}
"""
VAULT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults"


def imported(blocks: str) -> dict[str, str]:
    made = evaluated({"main.tf": RESOURCES + blocks, "m/main.tf": 'resource "azurerm_key_vault" "in" {}\n'})
    assert made.gaps == []
    return {address: item.imported for address, item in made.objects.items() if item.imported}


def test_ids_are_known_by_address() -> None:
    blocks = f"""
import {{
  to = azurerm_key_vault.one
  id = "/subscriptions/${{var.subscription}}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/one"
}}
import {{
  to = module.m.azurerm_key_vault.in
  id = "{VAULT}/in|11111111-1111-1111-1111-111111111111"
}}
import {{
  to = azurerm_key_vault.counted[1]
  id = "{VAULT}/two"
}}
"""
    assert imported(blocks) == {
        "azurerm_key_vault.one": f"{VAULT}/one",
        "module.m.azurerm_key_vault.in": f"{VAULT}/in",
        "azurerm_key_vault.counted[1]": f"{VAULT}/two",
    }


def test_one_block_imports_several() -> None:
    blocks = f"""
import {{
  for_each = {{ a = "x", "b/\\"c" = "y" }}
  to       = azurerm_key_vault.each[each.key]
  id       = "{VAULT}/${{each.value}}"
}}
"""
    assert imported(blocks) == {
        'azurerm_key_vault.each["a"]': f"{VAULT}/x",
        'azurerm_key_vault.each["b/\\"c"]': f"{VAULT}/y",
    }


def test_what_is_not_known_or_no_id_of_azure_is_left_out() -> None:
    blocks = """
import {
  to = azurerm_key_vault.one
  id = var.unknown
}
import {
  to = azurerm_key_vault.one
}
import {
  to = azurerm_key_vault.one
  id = "name"
}
import {
  for_each = var.unknown
  to       = azurerm_key_vault.each[each.key]
  id       = "/subscriptions/${each.value}"
}
import {
  for_each = null
  to       = azurerm_key_vault.each[each.key]
  id       = "/x"
}
"""
    assert imported(blocks) == {}
