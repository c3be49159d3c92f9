"""A federated identity credential trusts an issuer that is not on the list of allowed ones.

## What it finds
A credential whose issuer is none of those allowed. Allowed are by default the public services that bind a
token to one workload of one customer: GitHub Actions, GitLab, HCP Terraform, Azure DevOps, and the issuers that
Azure runs for Kubernetes clusters. An issuer that is not read over TLS (`http://`) is never allowed.

Not allowed by default, because nobody but you can tell whose they are: clusters and servers of your own, and
Entra tenants. The issuer of a tenant is `https://login.microsoftonline.com/<tenant id>/v2.0`; newer Azure
DevOps connections use that of your own tenant, and another tenant's id there lets strangers in.

## Why it matters
Whoever holds the issuer's signing key makes tokens with any subject, and so becomes the identity without a
trace in your systems. A credential with an issuer of their own is also how an intruder stays: it survives
every change of keys and passwords, and nothing has to run in Azure.

## How to fix it
Remove the credential, or put its issuer on the list if it is yours. Find out before who added it, and when; the
activity log goes back 90 days:

```sh
az monitor activity-log list --resource-id "<id of the credential>" --offset 90d \\
    --query "[].{who:caller, when:eventTimestamp, what:operationName.value}" --output table
az identity federated-credential delete --identity-name "<identity>" --resource-group "<group>" --name "<this one>"
```

The list under `[rules.MI303]` replaces the default one; a path narrows an entry, and `*` stands for letters,
digits and hyphens. Naming your tenant for the clusters keeps the clusters of others out:

```toml
[rules.MI303]
issuers = [
  "https://token.actions.githubusercontent.com",
  "https://*.oic.prod-aks.azure.com/<your tenant id>",
  "https://login.microsoftonline.com/<your tenant id>/v2.0",
]
```
"""

from scanner.rule import (
    Confidence,
    Effort,
    Element,
    Facts,
    Frame,
    Meta,
    Parameter,
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

WELL_KNOWN = (
    "https://token.actions.githubusercontent.com",
    "https://gitlab.com",
    "https://app.terraform.io",
    "https://app.eu.terraform.io",
    "https://vstoken.dev.azure.com",
    "https://*.oic.prod-aks.azure.com",
    "https://*.oic.prod-arc.azure.com",
)

META = Meta(
    id="MI303",
    name="issuer-outside-allow-list",
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    effort=Effort.LOW,
    subject="federated_credentials",
    reads=("unresolved_federated_credentials", "declarations"),
    parameters=(
        Parameter(
            "issuers",
            WELL_KNOWN,
            "issuers that may be trusted, each with everything below its path; * stands for letters, digits, hyphens",
        ),
    ),
    message="{name} lets tokens of {issuer} become {identity}, and that issuer is not on the list",
    controls=("mcsb:IM-3", "mcsb:PA-3"),
    since="0.1",
    points_at=("properties.issuer",),
)


def check(facts: Facts) -> Frame:
    """Return credentials whose issuer no entry of the list allows."""
    return (
        _outside(facts)
        .join(_unresolved(facts), on="credential", how="anti")
        .select("credential", "identity", "issuer", "subject")
    )


def undecided(facts: Facts) -> Frame:
    """Return credentials in code of which not enough is known of the issuer."""
    return (
        _outside(facts)
        .join(_unresolved(facts), on="credential")
        .with_columns(reason=lit("the code does not let know its issuer"))
    )


def _outside(facts: Facts) -> Frame:
    allowed = "|".join(_pattern(entry) for entry in facts.parameter("issuers") if _secure(entry))
    if not allowed:
        return facts.federated_credentials
    # The issuer must end where an entry ends or go on with a path: evil.example can begin with anything.
    within = col("issuer").str.to_lowercase().str.contains(rf"(?s)^(?:{allowed})(?:/.*)?\z")
    return facts.federated_credentials.filter(~within)


def _unresolved(facts: Facts) -> Frame:
    """Return credentials in code whose issuer may be an allowed one: its host is not known, or is that of an entry."""
    entries = [entry for entry in facts.parameter("issuers") if _secure(entry)]
    hosts = "|".join(_pattern(entry.split("/")[2]) for entry in entries)
    issuer = col("issuer").str.to_lowercase()
    allowed = issuer.str.contains(rf"^https://(?:{hosts})/")
    return facts.unresolved_federated_credentials.filter(
        issuer.str.contains(r"\{"), allowed | issuer.str.contains(r"^[^{/]*(//[^{/]*)?\{")
    ).select("credential")


def _secure(entry: str) -> bool:
    return entry.lower().startswith("https://")


def _pattern(entry: str) -> str:
    """Turn an entry into a regular expression that means its characters, except for the stars."""
    return "[a-z0-9-]+".join(_literal(part) for part in entry.lower().rstrip("/").split("*"))


def _literal(text: str) -> str:
    return "".join(f"\\{sign}" if sign in ".^$+?()[]{}|\\&~#" else sign for sign in text)


_TENANT = "72f3f5a8-6d0e-4b1f-9a64-0f5b7f3c2d11"
_CLUSTER = f"https://westeurope.oic.prod-aks.azure.com/{_TENANT}/0d3c1d2e-5a6b-4c7d-8e9f-a0b1c2d3e4f5/"


def _trusting(issuer: str) -> tuple[Element, ...]:
    return identity("app"), federated(
        "app", issuer=issuer, subject="repo:contoso/shop:environment:production"
    )


CASES = (
    bad("an issuer nobody knows", *_trusting("https://tokens.evil.example")),
    bad(
        "one that begins like GitHub", *_trusting("https://token.actions.githubusercontent.com.evil.example")
    ),
    bad(
        "GitHub as the name of a user",
        *_trusting("https://token.actions.githubusercontent.com@evil.example/"),
    ),
    bad("GitHub in the path", *_trusting("https://evil.example/https://token.actions.githubusercontent.com")),
    bad("GitHub on another port", *_trusting("https://token.actions.githubusercontent.com:8443")),
    bad("a dot that is no dot", *_trusting("https://token-actions.githubusercontent.com")),
    bad(
        "a line break after GitHub",
        *_trusting("https://token.actions.githubusercontent.com\nhttps://evil.example"),
    ),
    bad("a host that ends like a cluster's", *_trusting("https://evil.example/x.oic.prod-aks.azure.com/")),
    bad(
        "a star that would have to stand for a path",
        *_trusting("https://evil.example/.oic.prod-aks.azure.com"),
    ),
    bad("without TLS", *_trusting("http://token.actions.githubusercontent.com")),
    bad(
        "without TLS, and listed",
        *_trusting("http://idp.contoso.example"),
        issuers=("http://idp.contoso.example",),
    ),
    bad("empty", *_trusting("")),
    bad("nothing is allowed", *_trusting("https://gitlab.com"), issuers=()),
    bad(
        "a cluster of your own: list it",
        *_trusting("https://oidc.kubernetes.contoso.example"),
    ),
    bad(
        "a tenant, perhaps your own: list it",
        *_trusting(f"https://login.microsoftonline.com/{_TENANT}/v2.0"),
    ),
    bad(
        "a cluster of another tenant, where yours is listed",
        *_trusting(_CLUSTER),
        issuers=("https://*.oic.prod-aks.azure.com/1b2c3d4e-0000-4000-8000-000000000000",),
    ),
    good("GitHub", *_trusting("https://token.actions.githubusercontent.com")),
    good(
        "GitHub, an enterprise with a path of its own",
        *_trusting("https://token.actions.githubusercontent.com/contoso"),
    ),
    good(
        "GitHub in odd case with a slash at the end",
        *_trusting("https://Token.Actions.GitHubUserContent.com/"),
    ),
    good("a cluster that Azure runs", *_trusting(_CLUSTER)),
    good(
        "a cluster of the listed tenant",
        *_trusting(_CLUSTER),
        issuers=(f"https://*.oic.prod-aks.azure.com/{_TENANT}/",),
    ),
    good(
        "a cluster connected through Azure Arc",
        *_trusting(f"https://europe.oic.prod-arc.azure.com/{_TENANT}/a1/"),
    ),
    good("Azure DevOps", *_trusting(f"https://vstoken.dev.azure.com/{_TENANT}")),
    good(
        "an issuer that was listed",
        *_trusting("https://idp.contoso.example/realms/ci"),
        issuers=("https://idp.contoso.example/realms/ci",),
    ),
    unknown(
        "in code, a cluster that is made beside it",
        *_trusting("{azurerm_kubernetes_cluster.main.oidc_issuer_url}"),
        declared("ci"),
    ),
    unknown(
        "in code, a cluster in a region that is not known",
        *_trusting("https://{var.region}.oic.prod-aks.azure.com.example/"),
        declared("ci"),
    ),
    unknown(
        "in code, a path that is not known at a host of which one path is listed",
        *_trusting("https://idp.contoso.example/{var.realm}"),
        declared("ci"),
        issuers=("https://idp.contoso.example/realms/ci",),
    ),
    bad(
        "in code, another path at that host, and a subject that is not known",
        identity("app"),
        federated("app", issuer="https://idp.contoso.example/realms/dev", subject="{var.subject}"),
        declared("ci"),
        issuers=("https://idp.contoso.example/realms/ci",),
    ),
    bad(
        "in code, a path that is not known at a host that is listed without TLS",
        *_trusting("https://idp.contoso.example/{var.realm}"),
        declared("ci"),
        issuers=("http://idp.contoso.example",),
    ),
    bad(
        "in code, a path that is not known at a host that is not listed",
        *_trusting("https://idp.contoso.example/{var.realm}"),
        declared("ci"),
    ),
    good(
        "in code, a cluster of which the path is not known",
        *_trusting("https://westeurope.oic.prod-aks.azure.com/{var.tenant}/{var.cluster}/"),
        declared("ci"),
    ),
    bad(
        "in code, of which something else is not known",
        identity("app"),
        federated("app", issuer="https://tokens.evil.example", subject="{var.subject}"),
        declared("ci"),
    ),
    bad("in a tenant, where braces are braces", *_trusting("https://tokens.evil.example/{var.tenant}")),
    unknown(
        "the credentials of one identity were not read",
        identity("app"),
        refused("federated_credentials", at="identity:app"),
        finds=("app",),
    ),
    unknown("no credential was read", identity("app"), refused("federated_credentials"), finds=("tenant",)),
)
