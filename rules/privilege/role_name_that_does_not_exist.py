"""Code assigns a role by a name that no role has.

## What it finds
A role assignment in Terraform whose `role_definition_name`, or the name in the `data.azurerm_role_definition` it uses,
is neither that of a built-in role nor that of a role which is declared beside it. Names are compared without case. What
remains is a slip, a role that Azure has renamed or removed, or a custom role of the tenant.

## Why it matters
With a slip the deployment fails, late, when half of it is done. With the name of a custom role it works, but what it
gives is decided elsewhere: whoever may write role definitions decides what this code grants, nobody who reads it can
tell, and no rule here can judge it.

## How to fix it
Write the name as Azure writes it:

```sh
az role definition list --query "[?contains(roleName, 'Secrets')].roleName" --output tsv
```

```hcl
resource "azurerm_role_assignment" "secrets" {
  scope                = azurerm_key_vault.shop.id
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
}
```

Bicep and ARM templates take ids, which cannot be mistyped unseen. A custom role of the tenant is looked up, and
accepted here with a reason:

```hcl
data "azurerm_role_definition" "operator" {
  name  = "Shop Operator" # midas: ignore[MI212] custom role of the platform team
  scope = data.azurerm_subscription.current.id
}
```

## References
- https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
"""

from scanner.rule import (
    Confidence,
    Effort,
    Facts,
    Frame,
    Meta,
    Severity,
    Stage,
    assigned,
    bad,
    col,
    custom_role,
    good,
    identity,
    refused,
    role_named,
    unknown,
)

META = Meta(
    id="MI212",
    name="role-name-that-does-not-exist",
    severity=Severity.LOW,
    confidence=Confidence.MEDIUM,
    effort=Effort.LOW,
    subject="role_names",
    message="{name} names the role {role_name}, which is neither built in nor declared here",
    controls=("mcsb:PA-7",),
    stages=(Stage.DECLARED,),
    points_at=("properties.roleDefinitionName", "properties.roleDefinitionId"),
    since="0.2",
)


def check(facts: Facts) -> Frame:
    """Return role assignments by a name that no known role has."""
    return facts.role_names.filter(~col("found")).select("assignment", role_name=col("name"))


_ODD = custom_role("odd", readable=False)

CASES = (
    bad(
        "a slip",
        identity("app"),
        _ODD,
        assigned("app", "odd", as_="typed"),
        role_named("typed", "Key Vault Secret User", found=False),
    ),
    bad(
        "one of two",
        identity("app"),
        _ODD,
        assigned("app", "Reader", as_="right"),
        role_named("right", "reader", found=True),
        assigned("app", "odd", as_="wrong"),
        role_named("wrong", "Redaer", found=False),
        finds=("wrong",),
    ),
    bad(
        "a custom role of the tenant: accept it",
        identity("app"),
        _ODD,
        assigned("app", "odd", as_="operator"),
        role_named("operator", "Shop Operator", found=False),
    ),
    good(
        "a built-in role, in odd case",
        identity("app"),
        assigned("app", "Reader", as_="right"),
        role_named("right", "READER", found=True),
    ),
    good(
        "a custom role that is declared beside it",
        identity("app"),
        custom_role("Shop Operator", actions=["Microsoft.Web/sites/restart/action"]),
        assigned("app", "Shop Operator", as_="operator"),
        role_named("operator", "Shop Operator", found=True),
    ),
    unknown("the names were not read", identity("app"), refused("role_names"), finds=("tenant",)),
)
