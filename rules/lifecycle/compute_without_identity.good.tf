variable "environment_id" {
  type = string
}

resource "azurerm_resource_group" "shop" {
  name     = "rg-shop"
  location = "westeurope"
}

resource "azurerm_container_app" "shop" {
  name                         = "shop"
  resource_group_name          = azurerm_resource_group.shop.name
  container_app_environment_id = var.environment_id
  revision_mode                = "Single"

  identity {
    type = "SystemAssigned"
  }

  registry {
    server   = "contoso.azurecr.io"
    identity = "System"
  }

  template {
    container {
      name   = "shop"
      image  = "contoso.azurecr.io/shop:1.4.0"
      cpu    = 0.5
      memory = "1Gi"
    }
  }
}
