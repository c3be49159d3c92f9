"""A federated identity credential accepts every subject that fits a pattern.

## What it finds
A flexible federated identity credential whose claims matching expression compares with `matches` and a
wildcard (`*` any run of characters, `?` any one), or does not compare the subject at all. An expression that
compares everything exactly (`eq`) is as narrow as a plain subject and passes.

A `*` or `?` in the subject of a plain credential is not found: there it is compared literally, so it admits
nobody. Whoever wrote it meant something else, but it opens nothing.

## Why it matters
Every token that fits the pattern becomes the identity. `repo:contoso/*` admits each repository of the organization, new
ones and forgotten ones included; `ref:refs/heads/*` admits each branch, so whoever may push one needs no
review; `environment:*` passes by the environments' reviewers, because a workflow may name any environment;
`run_phase:*` admits plans of changes that nobody has approved. Matching `job_workflow_ref` as well narrows
which workflow runs, but not the branch whose code it checks out.

## How to fix it
Make one credential for each subject (an identity takes twenty), compared exactly, best with a protected
environment:

```sh
az identity federated-credential create --identity-name "<identity>" --resource-group "<group>" \\
    --name "shop-production" --issuer "https://token.actions.githubusercontent.com" \\
    --subject "repo:contoso/shop:environment:production" --audiences "api://AzureADTokenExchange"
az identity federated-credential delete --identity-name "<identity>" --resource-group "<group>" --name "<this one>"
```

```bicep
resource production 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = {
  parent: deploy
  name: 'shop-production'
  properties: {
    issuer: 'https://token.actions.githubusercontent.com'
    subject: 'repo:contoso/shop:environment:production'
    audiences: [ 'api://AzureADTokenExchange' ]
  }
}
```

## References
- https://learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials
"""

from scanner.rule import (
    Effort,
    Element,
    Facts,
    Frame,
    Meta,
    Severity,
    bad,
    col,
    concat,
    declared,
    federated,
    good,
    identity,
    lit,
    refused,
    unknown,
    when,
)

META = Meta(
    id="MI301",
    name="wildcard-federated-subject",
    severity=Severity.HIGH,
    effort=Effort.LOW,
    subject="federated_credentials",
    reads=("unresolved_federated_credentials", "declarations"),
    message="{name} lets {admitted} become {identity}: {expression}",
    controls=("mcsb:IM-3", "mcsb:PA-7"),
    since="0.1",
    points_at=("properties.claimsMatchingExpression", "properties.subject"),
)


def check(facts: Facts) -> Frame:
    """Return flexible credentials whose expression has a wildcard or leaves the subject open."""
    expression = col("expression")
    compares_subject = expression.str.contains(_SUBJECT)
    wildcard = expression.str.contains(r"(?i)\bmatches\b") & expression.str.contains(r"[*?]")
    return (
        facts.federated_credentials.filter(expression.str.contains(_COMPARISON), wildcard | ~compares_subject)
        .with_columns(
            admitted=when(expression.str.contains(_WIDE))
            .then(lit("every repository, project or organization that fits"))
            .when(compares_subject)
            .then(lit("every branch, environment or run that fits"))
            .otherwise(lit("every subject of the issuer"))
        )
        .select("credential", "identity", "issuer", "expression", "admitted")
    )


def undecided(facts: Facts) -> Frame:
    """Return credentials of which what they accept is not known."""
    expression = col("expression").fill_null("").str.strip_chars()
    nothing = (expression == "") & (col("subject").fill_null("") == "")
    strange = (expression != "") & ~expression.str.contains(_COMPARISON)
    unclear = facts.federated_credentials.filter(nothing | strange).with_columns(
        reason=when(nothing)
        .then(lit("it has no subject: it may be a flexible credential, whose expression was not read"))
        .otherwise(lit("its claims matching expression is not understood"))
    )
    unresolved = facts.unresolved_federated_credentials.filter(
        col("expression").str.contains(r"(?i)\bmatches\b.*\{[^{}]*\}")
    ).with_columns(reason=lit("the code does not let know its claims matching expression"))
    return concat(unclear, unresolved)


_COMPARISON = r"(?i)claims\s*\[.*\]\s*(eq|matches)\b"
_SUBJECT = r"(?i)claims\s*\[\s*['\"]sub['\"]\s*\]"
_WIDE = _SUBJECT + r"\s*matches\s+'([^':]*:)?[^':]*[*?]"
"""The wildcard stands in the first part of the subject or in its value: `repo:contoso/*`, not `repo:o/r:ref:*`."""

_GITHUB = "https://token.actions.githubusercontent.com"
_TERRAFORM = "https://app.terraform.io"


def _flexible(expression: str, issuer: str = _GITHUB) -> tuple[Element, ...]:
    return identity("deploy"), federated("deploy", issuer=issuer, expression=expression)


CASES = (
    bad("every repository of an organization", *_flexible("claims['sub'] matches 'repo:contoso/*'")),
    bad(
        "every branch of one repository",
        *_flexible(
            "claims['sub'] matches 'repo:contoso/shop:ref:refs/heads/*' and claims['repository_id'] eq '456789'"
        ),
    ),
    bad(
        "one unknown character",
        *_flexible("claims['sub'] matches 'repo:contoso/shop:ref:refs/heads/release-?'"),
    ),
    bad(
        "every branch, through one workflow: it still checks out what is on the branch",
        *_flexible(
            "claims['sub'] matches 'repo:contoso/shop:ref:refs/heads/*' and "
            "claims['job_workflow_ref'] eq 'contoso/ci/.github/workflows/deploy.yml@refs/heads/main'"
        ),
    ),
    bad(
        "every repository may call one workflow, the subject is not compared",
        *_flexible("claims['job_workflow_ref'] eq 'contoso/ci/.github/workflows/deploy.yml@refs/heads/main'"),
    ),
    bad(
        "plans and applies of a workspace",
        *_flexible(
            "claims['sub'] matches 'organization:contoso:project:p:workspace:w:run_phase:*'", _TERRAFORM
        ),
    ),
    bad(
        "odd case, blanks and a quote within",
        *_flexible("CLAIMS[ 'sub' ] MATCHES 'repo:contoso/o''brien:ref:refs/heads/*'"),
    ),
    good(
        "an exact expression is as narrow as a subject",
        *_flexible(
            "claims['sub'] eq 'repo:contoso/shop:environment:production' and claims['repository_id'] eq '456789'"
        ),
    ),
    good(
        "matches without a wildcard",
        *_flexible("claims['sub'] matches 'repo:contoso/shop:environment:production'"),
    ),
    good(
        "an exact comparison with a star in it",
        *_flexible("claims['sub'] eq 'repo:contoso/shop:environment:*'"),
    ),
    good(
        "a plain subject",
        identity("deploy"),
        federated("deploy", issuer=_GITHUB, subject="repo:contoso/shop:ref:refs/heads/main"),
    ),
    good(
        "a star in a plain subject is compared literally and admits nobody",
        identity("deploy"),
        federated("deploy", issuer=_GITHUB, subject="repo:contoso/*"),
    ),
    good(
        "an empty expression beside a plain subject",
        identity("deploy"),
        federated("deploy", issuer=_GITHUB, subject="repo:contoso/shop:ref:refs/heads/main", expression=""),
    ),
    bad(
        "in code, a wildcard in an organization that is not known",
        *_flexible("claims['sub'] matches 'repo:{var.organization}/*'"),
        declared("ci"),
    ),
    unknown(
        "in code, a pattern that is not known",
        *_flexible("claims['sub'] matches '{var.subject}'"),
        declared("ci"),
    ),
    good(
        "in code, an exact subject that is not known",
        *_flexible("claims['sub'] eq '{var.subject}'"),
        declared("ci"),
    ),
    good("in a tenant, where braces are braces", *_flexible("claims['sub'] matches 'repo:contoso/{shop}'")),
    unknown(
        "neither subject nor expression: perhaps a flexible credential, read by an older API version",
        identity("deploy"),
        federated("deploy", issuer=_GITHUB),
    ),
    unknown(
        "an empty subject",
        identity("deploy"),
        federated("deploy", issuer=_GITHUB, subject="", expression=" "),
    ),
    unknown("an expression in another language", *_flexible("*[?(@.sub =~ /repo:contoso.*/)]")),
    unknown(
        "another language that has the same operator",
        *_flexible("subject matches 'repo:contoso/*'"),
    ),
    unknown(
        "the credentials of one identity were not read",
        identity("deploy"),
        refused("federated_credentials", at="identity:deploy"),
        finds=("deploy",),
    ),
)
