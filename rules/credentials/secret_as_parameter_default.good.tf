variable "administrator_password" {
  type      = string
  sensitive = true
}

resource "azurerm_resource_group" "shop" {
  name     = "rg-shop"
  location = "westeurope"
}

resource "azurerm_mssql_server" "shop" {
  name                         = "sql-shop"
  resource_group_name          = azurerm_resource_group.shop.name
  location                     = azurerm_resource_group.shop.location
  version                      = "12.0"
  administrator_login          = "shopadmin"
  administrator_login_password = var.administrator_password
}
