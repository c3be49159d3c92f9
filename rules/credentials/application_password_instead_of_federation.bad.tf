resource "azuread_application" "deploy" {
  display_name = "shop-deploy"
}

resource "azuread_application_password" "deploy" { # finding
  application_id = azuread_application.deploy.id
}
