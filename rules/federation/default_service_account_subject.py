"""A federated identity credential admits a namespace's default Kubernetes service account.

## What it finds
A credential whose subject is `system:serviceaccount:<namespace>:default`, whichever cluster issues the tokens
and whichever the namespace is. The namespace called `default` is not meant: an account of its own there passes.

## Why it matters
Everything that anybody deploys into the namespace can become the identity, for a pod that names no service account
runs as `default`. A debugging shell or a chart's helper job gets the token as well, although nobody gave the
identity to that workload. A permission given to `default` is a permission given to the namespace.

## How to fix it
Create a service account for the one workload, name it in the workload and in the credential:

```sh
kubectl create serviceaccount orders --namespace shop
kubectl annotate serviceaccount orders --namespace shop azure.workload.identity/client-id="<client id>"
az identity federated-credential create --identity-name "<identity>" --resource-group "<group>" \\
    --name "orders" --issuer "<issuer of the cluster>" \\
    --subject "system:serviceaccount:shop:orders" --audiences "api://AzureADTokenExchange"
az identity federated-credential delete --identity-name "<identity>" --resource-group "<group>" --name "<this one>"
```

```yaml
spec:
  template:
    metadata:
      labels: { azure.workload.identity/use: "true" }
    spec:
      serviceAccountName: orders
```
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
)

META = Meta(
    id="MI304",
    name="default-service-account-subject",
    severity=Severity.MEDIUM,
    effort=Effort.LOW,
    subject="federated_credentials",
    reads=("unresolved_federated_credentials", "declarations"),
    message="{name} lets every pod that names no service account become {identity}: {subject}",
    controls=("mcsb:IM-3", "mcsb:PA-7"),
    since="0.1",
    points_at=("properties.subject",),
)


def check(facts: Facts) -> Frame:
    """Return credentials of default service accounts. Subjects are compared exactly, case included."""
    return facts.federated_credentials.filter(
        col("subject").str.contains(r"^system:serviceaccount:[^:]+:default$")
    ).select("credential", "identity", "issuer", "subject")


def undecided(facts: Facts) -> Frame:
    """Return credentials that say neither subject nor expression, or of which code does not let know the subject."""
    silent = facts.federated_credentials.filter(
        col("subject").fill_null("") == "", col("expression").fill_null("") == ""
    ).with_columns(reason=lit("its subject was not read"))
    unresolved = facts.unresolved_federated_credentials.filter(
        col("subject").str.contains(_PERHAPS)
    ).with_columns(reason=lit("the code does not let know its subject"))
    return concat(silent, unresolved)


_PERHAPS = r"^(system:serviceaccount:.*)?[^:]*\{[^{}]*\}[^:]*$"
"""What may be a service account that is called default: the last part of the subject is not known."""

_CLUSTER = "https://westeurope.oic.prod-aks.azure.com/72f3f5a8/0d3c1d2e/"


def _account(subject: str | None) -> tuple[Element, ...]:
    return identity("app"), federated("app", issuer=_CLUSTER, subject=subject)


CASES = (
    bad("of a namespace", *_account("system:serviceaccount:shop:default")),
    bad("of the default namespace", *_account("system:serviceaccount:default:default")),
    bad(
        "of a cluster somewhere else",
        identity("app"),
        federated(
            "app",
            issuer="https://kubernetes.contoso.example",
            subject="system:serviceaccount:shop:default",
        ),
    ),
    bad(
        "of a namespace that holds one workload only: give it an account all the same",
        *_account("system:serviceaccount:orders:default"),
    ),
    good("an account of its own", *_account("system:serviceaccount:shop:orders")),
    good("an account of its own in the default namespace", *_account("system:serviceaccount:default:orders")),
    good("an account whose name ends like it", *_account("system:serviceaccount:shop:not-default")),
    good("an account whose name begins like it", *_account("system:serviceaccount:shop:default-orders")),
    good("a subject of another kind that ends like it", *_account("repo:contoso/shop:environment:default")),
    good(
        "a flexible credential, which no cluster has",
        identity("app"),
        federated(
            "app",
            issuer="https://gitlab.com",
            expression="claims['sub'] eq 'project_path:contoso/shop:ref_type:branch:ref:main'",
        ),
    ),
    bad(
        "in code, in a namespace that is not known",
        *_account("system:serviceaccount:{var.namespace}:default"),
        declared("ci"),
    ),
    good(
        "in code, an account of its own in a namespace that is not known",
        *_account("system:serviceaccount:{var.namespace}:orders"),
        declared("ci"),
    ),
    good(
        "in code, a branch that is not known",
        *_account("repo:contoso/shop:ref:refs/heads/{var.branch}"),
        declared("ci"),
    ),
    unknown(
        "in code, an account that is not known",
        *_account("system:serviceaccount:shop:{var.name}"),
        declared("ci"),
    ),
    unknown("in code, a subject that is not known", *_account("{var.subject}"), declared("ci")),
    good("in a tenant, where braces are braces", *_account("system:serviceaccount:shop:{name}")),
    unknown("neither subject nor expression", *_account(None)),
    unknown("an empty subject", *_account("")),
    unknown(
        "the credentials of one identity were not read",
        identity("app"),
        refused("federated_credentials", at="identity:app"),
        finds=("app",),
    ),
)
