"""An output hands on a key or a secret and is not marked as secret.

## What it finds
An output of a template or of a Terraform root module whose value is, or contains, a key or connection string that the
code reads (`listKeys()`, `primary_access_key`, ...), or the value of a secret parameter or variable, without
`@secure()` in Bicep, the type `securestring` or `secureObject` in ARM JSON, or `sensitive = true` in Terraform.

## Why it matters
Outputs of a deployment stay in the deployment history of the resource group, where everybody with Reader sees them,
for as long as the history is kept. Outputs of Terraform are printed into the log of the pipeline and stand in the
state. Nobody who reads either needs access to the service itself.

## How to fix it
Hand on the name or the id instead, and let who needs the service open it with its own identity, or read the key where
it is used:

```bicep
output storageId string = storage.id
```

```hcl
output "storage_id" {
  value = azurerm_storage_account.data.id
}
```

```json
"outputs": {
  "storageId": {
    "type": "string",
    "value": "[resourceId('Microsoft.Storage/storageAccounts', parameters('name'))]"
  }
}
```

If the secret has to be handed on, mark the output, which keeps it out of history and log but not out of the state:

```bicep
@secure()
output storageKey string = storage.listKeys().keys[0].value
```

What has been in the history or in a log is known: renew the key, and delete the entry of the history
(`az deployment group delete`).

## References
- https://learn.microsoft.com/azure/azure-resource-manager/bicep/linter-rule-outputs-should-not-contain-secrets
- https://learn.microsoft.com/azure/azure-resource-manager/bicep/outputs
"""

from scanner.rule import (
    Confidence,
    Effort,
    Facts,
    Frame,
    MarkSecret,
    Meta,
    PlainFix,
    Severity,
    Stage,
    bad,
    col,
    good,
    in_output,
    refused,
    secret_in_code,
    unknown,
)

META = Meta(
    id="MI602",
    name="secret-in-output",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    effort=Effort.LOW,
    subject="credentials",
    message="the output {name} hands on a secret unmarked, so that whoever sees the deployment or its log can read it",
    controls=("mcsb:IM-8",),
    stages=(Stage.DECLARED,),
    since="0.2",
)


FIX = (
    PlainFix((MarkSecret(),), languages=("terraform",)),
    PlainFix(
        (MarkSecret(),),
        needs="it takes Bicep 0.35.1 or later, and who reads the output from the deployment no longer gets it",
        languages=("bicep",),
    ),
    PlainFix(
        (MarkSecret(),),
        needs="who reads the output from the deployment, another template included, no longer gets it",
        languages=("arm",),
    ),
)


def applies(facts: Facts) -> Frame:
    """Return secrets in outputs."""
    return facts.credentials.filter(col("type") == "output-secret")


def check(facts: Facts) -> Frame:
    """Return every one of them: those that are marked as secret are not among them."""
    return applies(facts).select("credential", "property")


CASES = (
    bad("a secret parameter", secret_in_code("administratorPassword", "output-secret")),
    bad(
        "a key that is read for it",
        in_output("storageKey"),
        secret_in_code("storageKey", "output-secret"),
    ),
    bad(
        "one of two outputs",
        secret_in_code("storageKey", "output-secret"),
        in_output("other"),
        finds=("storageKey",),
    ),
    good(
        "a secret elsewhere is a finding of its own",
        secret_in_code("administratorPassword", "parameter-default"),
    ),
    good(
        "a key in an output that is marked as secret",
        in_output("storageKey"),
        secret_in_code("client_secret", "provider-client-secret"),
    ),
    unknown("the credentials were not read", refused("credentials"), finds=("tenant",)),
)
