"""Code declares a user-assigned identity that nothing uses.

## What it finds
A user-assigned identity that a template or Terraform root module makes, to which nothing else in it refers (no
resource, role assignment, federated credential or module) and which no output hands on. An identity whose name is given
from outside is not reported, because somebody outside knows it, and where part of the code was not read, or loops over
names that are not known, nothing is said.

## Why it matters
Whoever may attach identities in its resource group can bring it to life, and nobody will miss it or review it. Usually
it is left over from a workload that was taken out of the code, or the resource it was meant for runs without it, on a
key or on an identity that it shares.

## How to fix it
Remove the declaration, or attach the identity to what it was meant for:

```bicep
resource app 'Microsoft.Web/sites@2024-04-01' = {
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
}
```

```hcl
resource "azurerm_linux_web_app" "app" {
  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.app.id]
  }
}
```

```json
"identity": {
  "type": "UserAssigned",
  "userAssignedIdentities": {
    "[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'id-app')]": {}
  }
}
```

One that is made here for others is handed on by an output, so that who uses it can be found.

## References
- https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations
"""

from scanner.rule import (
    Confidence,
    Effort,
    Facts,
    Frame,
    Meta,
    Severity,
    Stage,
    attached,
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

META = Meta(
    id="MI110",
    name="identity-declared-and-never-used",
    severity=Severity.LOW,
    confidence=Confidence.MEDIUM,
    effort=Effort.LOW,
    subject="user_assigned_identities",
    reads=("declarations", "attachments", "federated_credentials"),
    message="{name} is declared, and nothing in its code uses it or hands it on",
    controls=("mcsb:IM-3", "mcsb:PA-3"),
    stages=(Stage.DECLARED,),
    since="0.2",
)


def applies(facts: Facts) -> Frame:
    """Return identities that code makes."""
    made = facts.declarations.filter(~col("existing")).select(
        "referenced", "exported", "whole", identity=col("entity")
    )
    return facts.user_assigned_identities.join(made, on="identity")


def _unused(facts: Facts) -> Frame:
    """Return those to which nothing refers, in their own code or in what else is known."""
    return (
        applies(facts)
        .filter(~col("referenced"), ~col("exported"))
        .join(facts.attachments, on="identity", how="anti")
        .join(facts.federated_credentials, on="identity", how="anti")
    )


def check(facts: Facts) -> Frame:
    """Return those that surely nothing uses, because all of their code was read."""
    return _unused(facts).filter(col("whole").fill_null(False)).select("identity", "location")


def undecided(facts: Facts) -> Frame:
    """Return those that something may use, in a part of their code that was not read."""
    return _unused(facts).with_columns(
        reason=lit("part of the code that may use it was not read or is not known")
    )


CASES = (
    bad("nothing refers to it", identity("spare"), declared("spare", referenced=False)),
    bad(
        "one of two identities",
        identity("app"),
        declared("app"),
        attached("app", to="vm"),
        identity("spare"),
        declared("spare", referenced=False),
        finds=("spare",),
    ),
    bad(
        "it may be made under a condition, and nothing refers to it",
        identity("spare"),
        declared("spare", referenced=False, conditional=True),
    ),
    bad("kept for a recovery: accept it", identity("id-recovery"), declared("id-recovery", referenced=False)),
    good("a resource uses it", identity("app"), declared("app"), attached("app", to="vm")),
    good("something refers to it", identity("app"), declared("app")),
    good("an output hands it on", identity("app"), declared("app", referenced=False, exported=True)),
    good(
        "it is only looked up here",
        identity("app"),
        declared("app", referenced=False, existing=True),
        identity("used"),
        declared("used"),
    ),
    good(
        "other code, or the tenant, uses it",
        identity("app"),
        declared("app", referenced=False),
        attached("app", to="vm"),
    ),
    good(
        "other code, or the tenant, federates it",
        identity("deploy"),
        declared("deploy", referenced=False),
        federated(
            "deploy",
            issuer="https://gitlab.com",
            subject="project_path:contoso/shop:ref_type:branch:ref:main",
        ),
    ),
    good("in no code", identity("spare"), identity("app"), declared("app")),
    unknown(
        "a module that may use it was not there to be read",
        identity("app"),
        declared("app", referenced=False, whole=False),
    ),
    unknown("the attachments were not read", identity("app"), declared("app"), refused("attachments")),
)
