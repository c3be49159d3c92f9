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
  scope                = "/subscriptions/0f3a1c5e-7b2d-4e86-9c41-d5e8f7a6b302/resourceGroups/rg-dns"
  role_definition_name = "Private DNS Zone Contributor" # finding
  principal_id         = azurerm_user_assigned_identity.app.principal_id
}
