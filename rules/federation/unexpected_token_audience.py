"""A federated identity credential accepts tokens that were made for somebody else than Azure's token exchange.

## What it finds
A credential whose audience is not that of the Entra token exchange: `api://AzureADTokenExchange`, in the
clouds for the US government and China `api://AzureADTokenExchangeUSGov` and `api://AzureADTokenExchangeChina`.
Audiences are compared exactly, as Entra does.

## Why it matters
A token that was made for another service makes that service, and everybody who sees its requests or logs, the
identity: they can present it to Entra. A workload asks its platform for a token per service that it talks to, so
that no service can use the token it is given anywhere else; a credential that accepts such a token undoes that.

## How to fix it
Let the workload ask for the audience `api://AzureADTokenExchange` (`azure/login` and the Azure SDKs do so by
themselves), then set it on the credential:

```sh
az identity federated-credential update --identity-name "<identity>" --resource-group "<group>" --name "<this one>" \\
    --issuer "<issuer>" --subject "<subject>" --audiences "api://AzureADTokenExchange"
```

```hcl
resource "azurerm_federated_identity_credential" "ci" {
  audience = ["api://AzureADTokenExchange"]
  # ...
}
```

A platform that cannot ask for it (an older one with one fixed audience) is allowed with:

```toml
[rules.MI305]
audiences = ["api://AzureADTokenExchange", "<the audience it sends>"]
```

## References
- https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
"""

from scanner.rule import (
    Effort,
    Element,
    Facts,
    Frame,
    Meta,
    Parameter,
    PlainFix,
    SetProperty,
    Severity,
    bad,
    col,
    declared,
    federated,
    good,
    identity,
    lit,
    refused,
    unknown,
)

EXCHANGES = (
    "api://AzureADTokenExchange",
    "api://AzureADTokenExchangeUSGov",
    "api://AzureADTokenExchangeChina",
)

META = Meta(
    id="MI305",
    name="unexpected-token-audience",
    severity=Severity.MEDIUM,
    effort=Effort.LOW,
    subject="federated_credentials",
    reads=("unresolved_federated_credentials", "declarations"),
    parameters=(Parameter("audiences", EXCHANGES, "audiences that tokens may be made for"),),
    message="{name} lets tokens made for {audience} become {identity}",
    controls=("mcsb:IM-3",),
    since="0.1",
    points_at=("properties.audiences",),
)

FIX = PlainFix(
    (SetProperty("properties.audiences", ("api://AzureADTokenExchange",)),),
    needs="the workload must ask for tokens for this audience, as azure/login and the SDKs do by themselves",
)


def check(facts: Facts) -> Frame:
    """Return credentials with an audience that is not expected."""
    return (
        _unexpected(facts)
        .filter(col("audience") != "")
        .join(_unresolved(facts), on="credential", how="anti")
        .select("credential", "identity", "issuer", "audience")
    )


def undecided(facts: Facts) -> Frame:
    """Return credentials whose audience was not read, or is not known in code."""
    return _unexpected(facts).with_columns(reason=lit("its audience was not read"))


def _unexpected(facts: Facts) -> Frame:
    return facts.federated_credentials.filter(~col("audience").is_in(list(facts.parameter("audiences"))))


def _unresolved(facts: Facts) -> Frame:
    return facts.unresolved_federated_credentials.filter(
        col("audience").str.contains("{", literal=True)
    ).select("credential")


_GITHUB = "https://token.actions.githubusercontent.com"
_SUBJECT = "repo:contoso/shop:environment:production"


def _for(audience: str) -> tuple[Element, ...]:
    return identity("app"), federated("app", issuer=_GITHUB, subject=_SUBJECT, audience=audience)


CASES = (
    bad("GitHub's own default, the organization", *_for("https://github.com/contoso")),
    bad("a vault", *_for("https://vault.contoso.example")),
    bad("the exchange and another one", *_for("api://AzureADTokenExchange,https://vault.contoso.example")),
    bad("one that begins like it", *_for("api://AzureADTokenExchange.evil.example")),
    bad("in odd case, which Entra takes for another one", *_for("api://azureadtokenexchange")),
    bad(
        "a platform that knows one audience only: allow it",
        *_for("https://legacy-ci.contoso.example"),
    ),
    bad("of another cloud, where only one is allowed", *_for(EXCHANGES[1]), audiences=EXCHANGES[:1]),
    good("the exchange", *_for("api://AzureADTokenExchange")),
    good("the exchange for the US government", *_for("api://AzureADTokenExchangeUSGov")),
    good("the exchange in China", *_for("api://AzureADTokenExchangeChina")),
    good(
        "one that was allowed",
        *_for("https://legacy-ci.contoso.example"),
        audiences=("https://legacy-ci.contoso.example",),
    ),
    unknown("no audience was read", *_for("")),
    unknown("in code, from a variable", *_for("{var.audience}"), declared("ci")),
    bad(
        "in code, of which something else is not known",
        identity("app"),
        federated("app", issuer=_GITHUB, subject="{var.subject}", audience="https://vault.contoso.example"),
        declared("ci"),
    ),
    bad("in a tenant, where braces are braces", *_for("{audience}")),
    unknown(
        "the credentials of one identity were not read",
        identity("app"),
        refused("federated_credentials", at="identity:app"),
        finds=("app",),
    ),
)
