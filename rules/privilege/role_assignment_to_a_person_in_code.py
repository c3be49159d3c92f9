"""Code assigns a role to a person.

## What it finds
A role assignment in code that a user holds all the time: `principalType: 'User'`, or a principal that is looked up as
a user (`data.azuread_user`). Assignments to groups are not reported, nor eligible ones, which the person has to
activate first.

## Why it matters
People come and go, code stays: the next deployment gives the access back to somebody from whom it was taken, or fails
because the account is gone. Access reviews and leaving processes look at groups and at Privileged Identity Management,
not at repositories. And a person's token, stolen from a laptop, holds the access as long as the assignment is there.

## How to fix it
Assign the role to a group, whose members are reviewed where people are managed:

```bicep
properties: {
  principalId: teamGroupObjectId
  principalType: 'Group'
  roleDefinitionId: roleDefinitionId
}
```

```hcl
data "azuread_group" "team" {
  display_name = "team-shop"
}

resource "azurerm_role_assignment" "team" {
  scope                = azurerm_resource_group.shop.id
  role_definition_name = "Reader"
  principal_id         = data.azuread_group.team.object_id
}
```

```json
"properties": {
  "principalId": "[parameters('teamGroupObjectId')]",
  "principalType": "Group",
  "roleDefinitionId": "[variables('roleDefinitionId')]"
}
```

For strong roles make the group's assignment eligible (`azurerm_pim_eligible_role_assignment`,
`Microsoft.Authorization/roleEligibilityScheduleRequests`), so that it is held for hours and with a reason.

## References
- https://learn.microsoft.com/azure/role-based-access-control/best-practices
- https://learn.microsoft.com/entra/id-governance/privileged-identity-management/pim-resource-roles-assign-roles
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
    declared,
    good,
    identity,
    lit,
    person,
    principal,
    refused,
    unknown,
)

META = Meta(
    id="MI211",
    name="role-assignment-to-a-person-in-code",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    effort=Effort.LOW,
    subject="assignments",
    reads=("principals", "declarations"),
    message="code gives {role} on the {level} {scope} to a person: {principal}",
    controls=("mcsb:PA-3", "mcsb:PA-4"),
    stages=(Stage.DECLARED,),
    points_at=("properties.principalId", "properties.principalType"),
    since="0.2",
)


def applies(facts: Facts) -> Frame:
    """Return role assignments of code that hold now."""
    in_code = facts.declarations.select(assignment=col("entity"))
    return facts.assignments.filter(~col("eligible")).join(in_code, on="assignment", how="semi")


def check(facts: Facts) -> Frame:
    """Return those of users."""
    people = facts.principals.filter(col("type") == "User").select("principal")
    return (
        applies(facts)
        .join(people, on="principal")
        .select("assignment", "principal", "role", "scope", "level")
    )


def undecided(facts: Facts) -> Frame:
    """Return those of which not even the kind of the principal is known."""
    somebody = facts.principals.filter(col("type") == "Unknown").select("principal")
    return (
        applies(facts)
        .join(somebody, on="principal")
        .with_columns(reason=lit("the code does not let know whether the principal is a person"))
    )


CASES = (
    bad(
        "a user on a resource group",
        person("kim"),
        assigned("kim", "Reader", at="resource_group:shop"),
        declared("kim Reader"),
    ),
    bad(
        "beside an identity and a group",
        identity("app"),
        person("kim"),
        principal("team", "Group"),
        assigned("app", "Reader"),
        assigned("kim", "Reader"),
        assigned("team", "Reader"),
        declared("app Reader"),
        declared("kim Reader"),
        declared("team Reader"),
        finds=("kim Reader",),
    ),
    bad(
        "the account for emergencies: accept it",
        person("break glass"),
        assigned("break glass", "Owner"),
        declared("break glass Owner"),
    ),
    good(
        "a group",
        principal("team", "Group"),
        assigned("team", "Reader"),
        declared("team Reader"),
    ),
    good("a managed identity", identity("app"), assigned("app", "Reader"), declared("app Reader")),
    good(
        "somebody who has to activate it first",
        person("kim"),
        principal("somebody", "Unknown"),
        assigned("kim", "Contributor", eligible=True),
        assigned("somebody", "Contributor", eligible=True),
        declared("kim Contributor"),
        declared("somebody Contributor"),
    ),
    good(
        "what stands in no code",
        person("kim"),
        principal("somebody", "Unknown"),
        assigned("kim", "Reader"),
        assigned("somebody", "Reader"),
    ),
    unknown(
        "whoever the parameter names",
        principal("{principalId}", "Unknown"),
        assigned("{principalId}", "Reader"),
        declared("{principalId} Reader"),
    ),
    unknown(
        "the principals were not read",
        identity("app"),
        assigned("app", "Reader"),
        declared("app Reader"),
        refused("principals"),
    ),
)
