provider "azurerm" {
  features {}
  subscription_id = "5c6f3b8e-1d2a-4f0b-9a57-3e8d1c2b4a60"
}

resource "azurerm_resource_group" "shop" {
  name     = "rg-shop"
  location = "westeurope"
}

resource "azurerm_user_assigned_identity" "app" {
  name                = "id-app"
  resource_group_name = azurerm_resource_group.shop.name
  location            = azurerm_resource_group.shop.location
}

resource "azurerm_role_assignment" "dns" {
  scope                = azurerm_resource_group.shop.id
  role_definition_name = "Private DNS Zone Contributor"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
}
