"""Code makes a password for an application, where a federated credential would need none.

## What it finds
An `azuread_application_password`, an `azuread_service_principal_password`, or a `password` block of an
`azuread_application`. A certificate is not reported: its private key can stay where it is used, although it has to be
renewed as well.

## Why it matters
The password lies in the Terraform state, in the place it is handed to, and in whatever copied it there. Whoever has it
is the application, from anywhere, until it expires; a workload identity has nothing that could be copied. Passwords
that code makes are also the ones that nobody renews, until they expire in production.

## How to fix it
Let the workload sign in as the application with its own token, by a federated credential, and delete the password:

```hcl
resource "azuread_application_federated_identity_credential" "deploy" {
  application_id = azuread_application.deploy.id
  display_name   = "deploy"
  issuer         = "https://token.actions.githubusercontent.com"
  subject        = "repo:<organization>/<repository>:environment:production"
  audiences      = ["api://AzureADTokenExchange"]
}
```

What runs in Azure needs no application: give it a managed identity and the roles that the application has.

```hcl
resource "azurerm_user_assigned_identity" "app" {
  name                = "id-app"
  resource_group_name = azurerm_resource_group.app.name
  location            = azurerm_resource_group.app.location
}
```

Where the other side takes nothing but a secret, accept it with a reason and let it expire soon.

## References
- https://learn.microsoft.com/entra/workload-id/workload-identity-federation
- https://learn.microsoft.com/entra/identity-platform/security-best-practices-for-app-registration
"""

from scanner.rule import (
    Confidence,
    Facts,
    Frame,
    Meta,
    Severity,
    Stage,
    bad,
    col,
    good,
    refused,
    secret_in_code,
    unknown,
)

META = Meta(
    id="MI605",
    name="application-password-instead-of-federation",
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    subject="credentials",
    message="{name} is a password for an application, where a managed identity or a federated credential needs none",
    controls=("mcsb:IM-3", "mcsb:IM-8"),
    stages=(Stage.DECLARED,),
    since="0.2",
)


def applies(facts: Facts) -> Frame:
    """Return the passwords of applications that code makes."""
    return facts.credentials.filter(col("type") == "application-password")


def check(facts: Facts) -> Frame:
    """Return every one of them."""
    return applies(facts).select("credential", "property")


CASES = (
    bad(
        "of a service principal",
        secret_in_code("azuread_service_principal_password.ci", "application-password"),
    ),
    bad(
        "beside a certificate",
        secret_in_code("azuread_application_certificate.ci", "application-certificate"),
        secret_in_code("azuread_application_password.ci", "application-password"),
        finds=("azuread_application_password.ci",),
    ),
    bad(
        "for a partner that takes nothing else: accept it",
        secret_in_code("azuread_application_password.partner", "application-password"),
    ),
    good("a certificate", secret_in_code("azuread_application_certificate.ci", "application-certificate")),
    good(
        "a password of something else",
        secret_in_code("password", "parameter-default"),
        secret_in_code("azuread_application_certificate.ci", "application-certificate"),
    ),
    unknown("the credentials were not read", refused("credentials"), finds=("tenant",)),
)
