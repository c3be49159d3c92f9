resource "azurerm_resource_group" "shop" {
  name     = "rg-shop"
  location = "westeurope"
}

resource "azurerm_user_assigned_identity" "app" {
  name                = "id-app"
  resource_group_name = azurerm_resource_group.shop.name
  location            = azurerm_resource_group.shop.location
}

resource "azurerm_federated_identity_credential" "app" {
  name                = "app"
  resource_group_name = azurerm_resource_group.shop.name
  parent_id           = azurerm_user_assigned_identity.app.id
  issuer              = "https://token.actions.githubusercontent.com"
  subject             = "repo:contoso/shop:pull_request" # finding
  audience            = ["api://AzureADTokenExchange"]
}
