"""A parameter that is meant to be secret has its secret in the code, as its default.

## What it finds
A parameter marked `@secure()` (or of the type `securestring` or `secureObject`), or a variable marked
`sensitive = true`, whose default is a text that is written down, and a text that an ARM or Bicep parameter file, or the
call of a module, gives to such a parameter. No default, an empty one, `null`, and one that is made at deployment, such
as `newGuid()`, are what such a parameter should have. Not reported is what plainly is no secret: a text of fewer than
six characters or without any letter or digit, `n/a` and the like, a token that a pipeline replaces (`<password>`,
`#{password}#`, `__password__`), a GUID where the name says that it is an id, and a text that only repeats the
parameter's name. In a parameter file, which people copy and fill in, neither is a text that asks for another in its
place (`changeme`, `Your secret`, `GEN-PASSWORD`). As a default a weak password such as `changeme` is a password, and
reported.

## Why it matters
The default is what a deployment uses whenever nobody gives a value, so it is a real password, known to everybody who
has ever read the repository or a copy of it, and the same wherever the code is used. Marking the parameter hides it in
the logs and nowhere else.

## How to fix it
Take the default away and hand the secret in, or better, do without one: let the workload sign in with a managed
identity, which needs no password at all.

```bicep
@secure()
param administratorPassword string
```

```hcl
variable "administrator_password" {
  type      = string
  sensitive = true
}
```

```json
"parameters": {
  "administratorPassword": { "type": "securestring" }
}
```

A parameter file takes it from a vault without showing it to anybody:

```bicep
param administratorPassword = az.getSecret('<subscription id>', '<group>', '<vault>', '<secret>')
```

Then change the password wherever it was in use: it stays in the history of the repository.

## References
- https://learn.microsoft.com/azure/azure-resource-manager/bicep/linter-rule-secure-parameter-default
- https://learn.microsoft.com/azure/azure-resource-manager/bicep/key-vault-parameter
"""

from scanner.rule import (
    Confidence,
    Effort,
    Facts,
    Frame,
    Meta,
    PlainFix,
    RemoveProperty,
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
    id="MI603",
    name="secret-as-parameter-default",
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    effort=Effort.LOW,
    subject="credentials",
    message="the value of {name} is a secret that stands in the code",
    controls=("mcsb:IM-8",),
    stages=(Stage.DECLARED,),
    points_at=("defaultValue",),
    since="0.2",
)


FIX = PlainFix(
    (RemoveProperty("defaultValue"),),
    needs="who deploys must give the value, another one than stood here, which the repository's history keeps",
)


def applies(facts: Facts) -> Frame:
    """Return secrets that are given as the default of a parameter or variable."""
    return facts.credentials.filter(col("type").is_in(["parameter-default", "parameter-value"]))


def check(facts: Facts) -> Frame:
    """Return every one of them."""
    return applies(facts).select("credential", "property")


CASES = (
    bad("a password", secret_in_code("administratorPassword", "parameter-default")),
    bad(
        "one of two secrets",
        secret_in_code("storageKey", "output-secret"),
        secret_in_code("administratorPassword", "parameter-default"),
        finds=("administratorPassword",),
    ),
    bad("a password in a parameter file", secret_in_code("administratorPassword", "parameter-value")),
    good("a secret in an output is a finding of its own", secret_in_code("storageKey", "output-secret")),
    unknown("the credentials were not read", refused("credentials"), finds=("tenant",)),
)
