"""Terraform signs in with a client secret, a certificate's password or a storage key that its code hands to it.

## What it finds
A `provider` block (`azurerm`, `azuread`, `azapi`) with a `client_secret` or a `client_certificate_password`, or the
`azurerm` backend with an `access_key`, a `sas_token` or a `client_secret`, whether the value is written there or comes
from a variable. One that a condition or an empty default may leave out is neither reported nor passed.

## Why it matters
The secret opens the most powerful identity there is in the subscription: the one that deploys. It lies in
variables of the pipeline, in `.tfvars` on laptops and, when it is part of the backend, in clear text in the
`.terraform` folder and in every plan file. A storage key opens the whole state, with every secret that is in it.

## How to fix it
Let the pipeline sign in with a token that it gets for the run, or with the managed identity of the machine it runs on,
and take the secret out of the code:

```hcl
provider "azurerm" {
  features {}
  use_oidc = true # in GitHub Actions, Azure Pipelines, GitLab; use_msi = true on a machine of your own
}

terraform {
  backend "azurerm" {
    storage_account_name = "<account>"
    container_name       = "<container>"
    key                  = "prod.tfstate"
    use_oidc             = true
    use_azuread_auth     = true # the state is opened with the role Storage Blob Data Contributor, not with a key
  }
}
```

The pipeline's identity needs a federated credential for its repository and environment:

```sh
az identity federated-credential create --identity-name "<identity>" --resource-group "<group>" \\
    --name "deploy" --issuer "https://token.actions.githubusercontent.com" \\
    --subject "repo:<organization>/<repository>:environment:production" --audiences "api://AzureADTokenExchange"
```

Then delete the secret of the application, and turn off the keys of the account with `allowSharedKeyAccess: false`.

## References
- https://learn.microsoft.com/azure/developer/terraform/authenticate-to-azure
- https://learn.microsoft.com/azure/developer/terraform/store-state-in-azure-storage
"""

from scanner.rule import (
    Confidence,
    Facts,
    Frame,
    Meta,
    PlainFix,
    RemoveProperty,
    SetProperty,
    Severity,
    Stage,
    bad,
    col,
    good,
    lit,
    refused,
    secret_in_code,
    unknown,
)

META = Meta(
    id="MI604",
    name="provider-or-backend-with-secret",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    subject="credentials",
    message="Terraform is given {name}, where a token of the pipeline or a managed identity would do",
    controls=("mcsb:IM-3", "mcsb:IM-8"),
    stages=(Stage.DECLARED,),
    since="0.2",
)


_PERHAPS = "-perhaps"
"""How types end of secrets that may be left out: by a condition, or because their variable's default is empty."""


_OF_APPLICATION = (
    "client_secret",
    "client_secret_file_path",
    "client_certificate",
    "client_certificate_path",
    "client_certificate_password",
)
_OF_STATE = ("access_key", "sas_token")

FIX = (
    PlainFix(
        (*(RemoveProperty(argument) for argument in _OF_APPLICATION), SetProperty("use_oidc", True)),
        needs="the application needs a federated credential for the pipeline, and the pipeline the right to get tokens",
        given={"property": _OF_APPLICATION},
        providers=("azurerm", "azuread", "azapi", "msgraph"),
    ),
    PlainFix(
        (*(RemoveProperty(argument) for argument in _OF_STATE), SetProperty("use_azuread_auth", True)),
        needs="who runs Terraform must sign in and hold Storage Blob Data Contributor on the state's container",
        given={"property": _OF_STATE},
        providers=("azurerm",),
    ),
)


def applies(facts: Facts) -> Frame:
    """Return secrets that providers and backends are given."""
    return facts.credentials.filter(col("type").str.contains("^(provider|backend)-"))


def check(facts: Facts) -> Frame:
    """Return those that are surely given."""
    return applies(facts).filter(~col("type").str.ends_with(_PERHAPS)).select("credential", "property")


def undecided(facts: Facts) -> Frame:
    """Return those of which a variable decides whether they are given at all."""
    return applies(facts).with_columns(reason=lit("whether it is given is decided when Terraform runs"))


CASES = (
    bad("a client secret", secret_in_code("client_secret", "provider-client-secret")),
    bad("the key of the state", secret_in_code("access_key", "backend-access-key")),
    bad("a signed address of the state", secret_in_code("sas_token", "backend-sas-token")),
    bad(
        "two of them",
        secret_in_code("client_secret", "provider-client-secret"),
        secret_in_code("access_key", "backend-access-key"),
        finds=("client_secret", "access_key"),
    ),
    bad(
        "beside a secret of another kind",
        secret_in_code("password", "parameter-default"),
        secret_in_code("client_secret", "provider-client-secret"),
        finds=("client_secret",),
    ),
    good("a secret of another kind", secret_in_code("resource-provider-", "application-password")),
    unknown(
        "a secret that is given unless a variable says to use a managed identity",
        secret_in_code("client_secret", "provider-client-secret-perhaps"),
    ),
    unknown("the credentials were not read", refused("credentials"), finds=("tenant",)),
)
