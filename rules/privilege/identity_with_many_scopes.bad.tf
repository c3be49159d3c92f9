locals {
  teams = ["cart", "catalog", "checkout", "customers", "invoices", "orders", "payments", "returns", "search", "shipping", "users"]
}

resource "azurerm_resource_group" "shop" {
  name     = "rg-shop"
  location = "westeurope"
}

resource "azurerm_user_assigned_identity" "app" { # finding
  name                = "id-app"
  resource_group_name = azurerm_resource_group.shop.name
  location            = azurerm_resource_group.shop.location
}

resource "azurerm_resource_group" "team" {
  for_each = toset(local.teams)
  name     = "rg-${each.key}"
  location = "westeurope"
}

resource "azurerm_role_assignment" "team" {
  for_each             = toset(local.teams)
  scope                = azurerm_resource_group.team[each.key].id
  role_definition_name = "Reader"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
}
