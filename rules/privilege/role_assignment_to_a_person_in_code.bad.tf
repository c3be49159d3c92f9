resource "azurerm_resource_group" "shop" {
  name     = "rg-shop"
  location = "westeurope"
}

data "azuread_user" "kim" {
  user_principal_name = "kim@contoso.example"
}

resource "azurerm_role_assignment" "kim" {
  scope                = azurerm_resource_group.shop.id
  role_definition_name = "Reader"
  principal_id         = data.azuread_user.kim.object_id # finding
}
