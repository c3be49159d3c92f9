data "azurerm_subscription" "current" {}

resource "azurerm_role_definition" "operator" {
  name  = "Shop Operator"
  scope = data.azurerm_subscription.current.id

  permissions {
    actions = ["*/read", "*/restart/action"] # finding
  }

  assignable_scopes = [data.azurerm_subscription.current.id]
}
