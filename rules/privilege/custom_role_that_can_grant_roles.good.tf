data "azurerm_subscription" "current" {}

resource "azurerm_role_definition" "operator" {
  name  = "Shop Operator"
  scope = data.azurerm_subscription.current.id

  permissions {
    actions = ["Microsoft.Web/sites/*", "Microsoft.Authorization/roleAssignments/read"]
  }

  assignable_scopes = [data.azurerm_subscription.current.id]
}
