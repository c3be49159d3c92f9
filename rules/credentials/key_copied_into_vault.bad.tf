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

resource "azurerm_key_vault" "shop" {
  name                       = "kv-shop"
  resource_group_name        = azurerm_resource_group.shop.name
  location                   = azurerm_resource_group.shop.location
  tenant_id                  = "72f3f5a8-6d0e-4b1f-9a64-0f5b7f3c2d11"
  sku_name                   = "standard"
  rbac_authorization_enabled = true
}

resource "azurerm_key_vault_secret" "storage" {
  name         = "storage-key"
  key_vault_id = azurerm_key_vault.shop.id
  value        = azurerm_storage_account.data.primary_access_key # finding
}
