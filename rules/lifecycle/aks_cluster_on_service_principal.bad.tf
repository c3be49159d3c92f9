variable "client_secret" {
  type      = string
  sensitive = true
}

resource "azurerm_resource_group" "shop" {
  name     = "rg-shop"
  location = "westeurope"
}

resource "azurerm_kubernetes_cluster" "shop" {
  name                = "aks-shop"
  resource_group_name = azurerm_resource_group.shop.name
  location            = azurerm_resource_group.shop.location
  dns_prefix          = "shop"

  default_node_pool {
    name       = "system"
    node_count = 3
    vm_size    = "Standard_D4s_v5"
  }

  service_principal {
    client_id     = "8a6c2f6e-4d0b-4b58-9c1d-1f2f3a4b5c6d" # finding
    client_secret = var.client_secret
  }
}
