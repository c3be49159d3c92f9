"""A classic administrator is left on a subscription.

## What it finds
A Service Administrator or Co-Administrator of the time before role assignments. The Account Administrator is
not one: it names who pays, and gives no access to resources.

## Why it matters
A classic administrator is an owner of the subscription whom no list of role assignments shows. Azure retired
the roles on 31 August 2024 and took their access away from 30 April 2025 on. What is left is an entry that
nobody reviews, often of somebody who has gone, and sometimes the only owner the subscription ever had: when
it goes, nobody is left who can manage it.

## How to fix it
Give whoever still needs the access a role assignment no wider than needed, then remove the entry. Who is an
owner by role assignment already, the first command says:

```sh
az role assignment list --include-classic-administrators --all --subscription "<subscription>" --output table
az role assignment create --role "<role>" --assignee "<person or group>" --scope "/subscriptions/<subscription id>"
```

The entry is removed in the portal: the subscription, Access control (IAM), Classic administrators, Delete.

## References
- https://learn.microsoft.com/azure/role-based-access-control/classic-administrators
"""

from scanner.rule import (
    Effort,
    Facts,
    Frame,
    Meta,
    Severity,
    Stage,
    administrator,
    bad,
    col,
    good,
    refused,
    subscription,
    unknown,
)

META = Meta(
    id="MI109",
    name="classic-administrator-left",
    severity=Severity.LOW,
    effort=Effort.LOW,
    subject="classic_administrators",
    message="{name} is still a classic administrator ({type}) of {scope}",
    controls=("mcsb:PA-1", "mcsb:PA-3"),
    since="0.1",
    stages=(Stage.DEPLOYED,),
)


def check(facts: Facts) -> Frame:
    """Return classic administrators that are more than the payer."""
    return facts.classic_administrators.filter(
        col("type").str.strip_chars().str.to_lowercase() != "accountadministrator"
    ).select("administrator", "scope", "type")


CASES = (
    bad("a Co-Administrator", administrator("kim@contoso.example")),
    bad("a Service Administrator", administrator("lee@contoso.example", type="ServiceAdministrator")),
    bad(
        "who pays and administers",
        administrator("pat@contoso.example", type="ServiceAdministrator;AccountAdministrator"),
    ),
    bad("in odd case", administrator("kim@contoso.example", type="coadministrator")),
    bad("Azure does not say what kind", administrator("kim@contoso.example", type="")),
    good("who only pays", administrator("pay@contoso.example", type="AccountAdministrator")),
    good("who only pays, in odd case", administrator("pay@contoso.example", type=" accountAdministrator ")),
    unknown(
        "a subscription's classic administrators were not read",
        subscription("other"),
        refused("classic_administrators", at="subscription:other"),
        finds=("subscription:other",),
    ),
)
