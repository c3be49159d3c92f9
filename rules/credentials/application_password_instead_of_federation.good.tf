resource "azuread_application" "deploy" {
  display_name = "shop-deploy"
}

resource "azuread_application_federated_identity_credential" "deploy" {
  application_id = azuread_application.deploy.id
  display_name   = "deploy"
  issuer         = "https://token.actions.githubusercontent.com"
  subject        = "repo:contoso/shop:environment:production"
  audiences      = ["api://AzureADTokenExchange"]
}
