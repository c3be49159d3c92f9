resource "azurerm_resource_group" "shop" {
  name     = "rg-shop"
  location = "westeurope"
}

resource "azurerm_user_assigned_identity" "app" {
  name                = "id-app"
  resource_group_name = azurerm_resource_group.shop.name
  location            = azurerm_resource_group.shop.location
}

resource "azapi_resource" "trust" {
  type      = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2025-01-31-preview"
  name      = "app"
  parent_id = azurerm_user_assigned_identity.app.id

  body = {
    properties = {
      issuer    = "https://token.actions.githubusercontent.com"
      audiences = ["api://AzureADTokenExchange"]
      claimsMatchingExpression = { # finding
        languageVersion = 1
        value           = "claims['sub'] matches 'repo:contoso/*:ref:refs/heads/main'"
      }
    }
  }
}
