resource "azurerm_resource_group" "shop" {
  name     = "rg-shop"
  location = "westeurope"
}

data "azuread_group" "team" {
  display_name = "team-shop"
}

resource "azurerm_role_assignment" "team" {
  scope                = azurerm_resource_group.shop.id
  role_definition_name = "Reader"
  principal_id         = data.azuread_group.team.object_id
}
