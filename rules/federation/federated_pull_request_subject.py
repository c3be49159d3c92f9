"""A federated identity credential admits workflows that run for pull requests.

## What it finds
A credential for GitHub Actions (github.com, an enterprise of its own, or a GitHub Enterprise Server) whose
subject or expression says `pull_request`: `repo:contoso/shop:pull_request`, also within a customized subject
such as `repo:contoso/shop:pull_request:job_workflow_ref:...` or `...:event_name:pull_request`. A branch, a
repository or an environment that happens to be called `pull_request` is not meant. Patterns that admit pull
requests among others are `wildcard-federated-subject`.

## Why it matters
The subject is the same for every pull request, whichever branch it comes from: the workflow file and the code
that run are those of the proposal, before anybody has reviewed them. Whoever may push a branch, and every
tool that opens pull requests, becomes the identity. A plan needs to read more than it seems, state files and
secrets among them.

## How to fix it
Let an environment with required reviewers stand between the proposal and the identity, and give what must run
for every pull request an identity of its own that can only read what a plan needs:

```sh
az identity federated-credential create --identity-name "<identity>" --resource-group "<group>" \\
    --name "shop-plan" --issuer "https://token.actions.githubusercontent.com" \\
    --subject "repo:contoso/shop:environment:plan" --audiences "api://AzureADTokenExchange"
az identity federated-credential delete --identity-name "<identity>" --resource-group "<group>" --name "<this one>"
```

```yaml
jobs:
  plan:
    environment: plan # required reviewers are set on the environment
    permissions: { id-token: write, contents: read }
```

## References
- https://docs.github.com/actions/reference/openid-connect-reference
"""

from scanner.rule import (
    Confidence,
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
    id="MI302",
    name="federated-pull-request-subject",
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    effort=Effort.LOW,
    subject="federated_credentials",
    reads=("unresolved_federated_credentials", "declarations"),
    message="{name} lets every pull request's workflow become {identity}: {admitted}",
    controls=("mcsb:IM-3", "mcsb:PA-7"),
    since="0.1",
    points_at=("properties.subject", "properties.claimsMatchingExpression"),
)


def check(facts: Facts) -> Frame:
    """Return credentials for GitHub whose subject, or the expression in its place, means pull requests."""
    return (
        _github(facts)
        .with_columns(
            admitted=when(col("subject").fill_null("") == "")
            .then(col("expression"))
            .otherwise(col("subject"))
        )
        .filter(
            # An environment may have any name, and its part of the subject must not be taken for the event.
            col("admitted")
            .str.replace_all("environment:pull_request", "environment")
            .str.contains(_PULL_REQUEST)
        )
        .select("credential", "identity", "issuer", "admitted")
    )


def undecided(facts: Facts) -> Frame:
    """Return credentials for GitHub that say neither subject nor expression, or of which code leaves it open."""
    silent = (
        _github(facts)
        .filter(col("subject").fill_null("") == "", col("expression").fill_null("") == "")
        .with_columns(
            reason=lit("it has no subject: it may be a flexible credential, whose expression was not read")
        )
    )
    issuer = col("issuer")
    unresolved = (
        facts.unresolved_federated_credentials.filter(
            issuer.str.contains(_GITHUB_ISSUERS) | issuer.str.contains("{", literal=True)
        )
        .filter(col("subject").str.contains(_PERHAPS), ~col("subject").str.contains(":(ref|environment):"))
        .with_columns(reason=lit("the code does not let know its subject"))
    )
    return concat(silent, unresolved)


def _github(facts: Facts) -> Frame:
    return facts.federated_credentials.filter(col("issuer").str.contains(_GITHUB_ISSUERS))


_GITHUB_ISSUERS = r"(?i)^https://token\.actions\.(githubusercontent|[a-z0-9-]+\.ghe)\.com(/|$)|^https://[^/]+/_services/token/?$"
_PULL_REQUEST = r"[:'\"*?]pull_request([:'\"*?]|$)"
"""As a whole part of a subject, or of a quoted subject in an expression."""

_PERHAPS = r"\{[^{}]*\}|[:'\"*?]pull_request([:'\"*?]|$)"
"""What may mean pull requests, with an issuer that may be GitHub."""

_GITHUB = "https://token.actions.githubusercontent.com"


def _plain(subject: str, issuer: str = _GITHUB) -> tuple[Element, ...]:
    return identity("plan"), federated("plan", issuer=issuer, subject=subject)


CASES = (
    bad("pull requests of a repository", *_plain("repo:contoso/shop:pull_request")),
    bad(
        "for a plan that only reads: still unreviewed code, so accept it knowingly",
        *_plain("repo:contoso/infrastructure:pull_request"),
    ),
    bad(
        "a customized subject with the workflow",
        *_plain(
            "repo:contoso/shop:pull_request:job_workflow_ref:contoso/ci/.github/workflows/a.yml@refs/heads/main"
        ),
    ),
    bad(
        "a customized subject of ids and the event",
        *_plain("repository_owner_id:123456:repository_id:456789:event_name:pull_request"),
    ),
    bad("a subject with immutable ids", *_plain("repo:contoso@123456/shop@456789:pull_request")),
    bad(
        "an enterprise with an issuer of its own",
        *_plain("repo:contoso/shop:pull_request", _GITHUB + "/contoso"),
    ),
    bad(
        "an enterprise with data residency",
        *_plain("repo:contoso/shop:pull_request", "https://token.actions.contoso.ghe.com"),
    ),
    bad(
        "a GitHub Enterprise Server",
        *_plain("repo:contoso/shop:pull_request", "https://github.contoso.example/_services/token"),
    ),
    bad(
        "an exact expression",
        identity("plan"),
        federated("plan", issuer=_GITHUB, expression="claims['sub'] eq 'repo:contoso/shop:pull_request'"),
    ),
    bad(
        "an expression beside an empty subject",
        identity("plan"),
        federated(
            "plan", issuer=_GITHUB, subject="", expression="claims['sub'] eq 'repo:contoso/shop:pull_request'"
        ),
    ),
    good("a branch", *_plain("repo:contoso/shop:ref:refs/heads/main")),
    good("an environment", *_plain("repo:contoso/shop:environment:production")),
    good("an environment of that name", *_plain("repo:contoso/shop:environment:pull_request")),
    good("a branch of that name", *_plain("repo:contoso/shop:ref:refs/heads/pull_request")),
    good("a repository of that name", *_plain("repo:contoso/pull_request:ref:refs/heads/main")),
    good("an environment whose name goes on", *_plain("repo:contoso/shop:environment:pull_request_approved")),
    good(
        "a branch of that name at GitLab",
        *_plain("project_path:contoso/shop:ref_type:branch:ref:pull_request", "https://gitlab.com"),
    ),
    good(
        "an issuer that only looks like GitHub, which is a finding of its own",
        *_plain("repo:contoso/shop:pull_request", "https://token.actions.githubusercontent.com.evil.example"),
    ),
    good(
        "an exact expression for a branch",
        identity("plan"),
        federated(
            "plan", issuer=_GITHUB, expression="claims['sub'] eq 'repo:contoso/shop:ref:refs/heads/main'"
        ),
    ),
    good(
        "no subject, but not from GitHub",
        identity("plan"),
        federated("plan", issuer="https://gitlab.com"),
    ),
    bad(
        "in code, of a repository that is not known",
        *_plain("repo:{var.repository}:pull_request"),
        declared("ci"),
    ),
    good(
        "in code, a branch of a repository that is not known",
        *_plain("repo:{var.repository}:ref:refs/heads/{var.branch}"),
        declared("ci"),
    ),
    unknown(
        "in code, a subject that is not known", *_plain("repo:contoso/shop:{var.context}"), declared("ci")
    ),
    unknown(
        "in code, an issuer that is not known",
        *_plain("repo:contoso/shop:pull_request", "{var.issuer}"),
        declared("ci"),
    ),
    good(
        "in code, not from GitHub",
        *_plain("{var.subject}", "https://gitlab.com"),
        declared("ci"),
    ),
    good(
        "in code, what is not known is the issuer's path",
        *_plain("organization:contoso:project:shop", "https://gitlab.com/{var.path}"),
        declared("ci"),
    ),
    good("in a tenant, where braces are braces", *_plain("repo:contoso/{shop}")),
    unknown("neither subject nor expression", identity("plan"), federated("plan", issuer=_GITHUB)),
    unknown(
        "the credentials of one identity were not read",
        identity("plan"),
        refused("federated_credentials", at="identity:plan"),
        finds=("plan",),
    ),
)
