variable "plan_id" {
  type = string
}

resource "azurerm_resource_group" "shop" {
  name     = "rg-shop"
  location = "westeurope"
}

resource "azurerm_storage_account" "data" {
  name                     = "stshopdata"
  resource_group_name      = azurerm_resource_group.shop.name
  location                 = azurerm_resource_group.shop.location
  account_tier             = "Standard"
  account_replication_type = "ZRS"
}

resource "azurerm_linux_web_app" "app" {
  name                = "app-shop"
  resource_group_name = azurerm_resource_group.shop.name
  location            = azurerm_resource_group.shop.location
  service_plan_id     = var.plan_id

  site_config {}

  app_settings = {
    STORAGE_ENDPOINT = azurerm_storage_account.data.primary_blob_endpoint
  }

  identity {
    type = "SystemAssigned"
  }
}
