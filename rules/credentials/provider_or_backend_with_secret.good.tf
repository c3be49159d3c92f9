terraform {
  backend "azurerm" {
    storage_account_name = "stshopstate"
    container_name       = "state"
    key                  = "prod.tfstate"
    use_oidc             = true
    use_azuread_auth     = true
  }
}

provider "azurerm" {
  features {}
  subscription_id = "5c6f3b8e-1d2a-4f0b-9a57-3e8d1c2b4a60"
  tenant_id       = "72f3f5a8-6d0e-4b1f-9a64-0f5b7f3c2d11"
  client_id       = "8a6c2f6e-4d0b-4b58-9c1d-1f2f3a4b5c6d"
  use_oidc        = true
}
