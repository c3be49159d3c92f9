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
  issuer              = "https://westeurope.oic.prod-aks.azure.com/72f3f5a8-6d0e-4b1f-9a64-0f5b7f3c2d11/0d3c1d2e-5a6b-4c7d-8e9f-a0b1c2d3e4f5/"
  subject             = "system:serviceaccount:shop:orders"
  audience            = ["api://AzureADTokenExchange"]
}
