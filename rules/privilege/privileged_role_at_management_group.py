"""A workload holds a privileged role on a management group or the tenant root.

## What it finds
A role assignment that a managed identity or another service principal holds now at management group or tenant root
scope, whose actions allow one of these: grant access (if only under a condition), attach or federate an identity, run
code as one, make its holder an administrator inside a service, or read keys and secrets (the keys of a Log Analytics
workspace only send logs and are not counted). Roles that manage everything
or grant access freely are reported by MI201, MI202 and MI203 and not again here; roles that only read, change tags
and the like, or work with data (MI205) are not privileged in this sense.

## Why it matters
Access given on a management group reaches every resource of every team, production and test alike, and grows by
itself with each new subscription. One leaked token is a token for all of them.

## How to fix it
Assign the role where the work is done, a subscription at most, and remove the wide assignment:

```sh
az role assignment create --assignee-object-id "<principal id>" --assignee-principal-type ServicePrincipal \\
    --role "<role>" --scope "/subscriptions/<subscription>"
az role assignment delete --ids "<role assignment id>"
```

In Terraform, change `scope` of the `azurerm_role_assignment`; in Bicep, deploy it with
`targetScope = 'subscription'`. The identity of a policy assignment that remediates resources in all subscriptions is
the usual case that has to stay: accept it with a reason under `[[exceptions]]` in `midas.toml`, and see to it that few
may edit the policy.

## References
- https://learn.microsoft.com/azure/role-based-access-control/scope-overview
- https://learn.microsoft.com/azure/role-based-access-control/best-practices
"""

from scanner.rule import (
    CONDITION_ON_FEDERATING,
    CONDITION_ON_GRANTING,
    Effort,
    Facts,
    Frame,
    Level,
    Meta,
    Severity,
    assigned,
    bad,
    col,
    custom_role,
    denied,
    good,
    identity,
    lit,
    member,
    person,
    principal,
    refused,
    unknown,
    when,
)

META = Meta(
    id="MI204",
    name="privileged-role-at-management-group",
    severity=Severity.HIGH,
    effort=Effort.MEDIUM,
    subject="workload_assignments",
    reads=("access",),
    key=("holder",),
    message="{holder} can {power} in all of {scope} ({role} at {level} scope allows {pattern})",
    controls=("mcsb:PA-7", "mcsb:PA-1"),
    since="0.1",
    points_at=("properties.roleDefinitionName", "properties.roleDefinitionId"),
)

_PRIVILEGED = (
    "grant_access",
    "federate_identity",
    "assign_identity",
    "run_code",
    "grant_service_access",
    "read_credentials",
)
"""From the gravest to the least: a message names the gravest that is held."""


def _held(facts: Facts, *powers: str) -> Frame:
    """Return access above subscriptions by one of these powers, short of what MI201 to MI203 report."""
    wide = facts.access.filter(col("level") <= Level.MANAGEMENT_GROUP)
    managing = wide.filter(col("power") == "manage_everything")
    granting = wide.filter(col("power") == "grant_access", ~col("conditioned"))
    return (
        wide.filter(col("power").is_in(powers), ~col("data"))
        .join(managing, on="assignment", how="anti")
        .join(granting, on="assignment", how="anti")
    )


def check(facts: Facts) -> Frame:
    """Return workload grants above subscriptions of roles with a privileged power, each with its gravest one."""
    held = _held(facts, *_PRIVILEGED).filter(col("workload"))
    rank = lit(len(_PRIVILEGED))
    for place, power in enumerate(_PRIVILEGED):
        rank = when(col("power") == power).then(lit(place)).otherwise(rank)
    ranked = held.with_columns(rank=rank)
    gravest = ranked.group_by("assignment", "holder").agg(col("rank").min())
    return (
        ranked.join(gravest, on=["assignment", "holder", "rank"])
        .group_by("assignment", "holder", "role", "scope", "level", "group")
        .agg(
            col("power").min().str.replace_all("_identity", "_identities").str.replace_all("_", " "),
            col("pattern").min(),
        )
    )


def undecided(facts: Facts) -> Frame:
    """Return those whose role, or whose holder, is not known well enough."""
    return (
        _held(facts, *_PRIVILEGED, "not_understood")
        .filter(~col("doubt").is_null())
        .with_columns(reason=col("doubt"))
    )


_CORP = "management_group:corp"

CASES = (
    bad(
        "it can run code on every virtual machine",
        identity("app"),
        assigned("app", "Virtual Machine Contributor", at=_CORP),
    ),
    bad(
        "running a command as the machine is enough",
        identity("app"),
        custom_role("runner", actions=["Microsoft.Compute/virtualMachines/runCommand/action"]),
        assigned("app", "runner", at=_CORP),
    ),
    bad(
        "at the tenant root, through a group",
        identity("app"),
        principal("team", "Group"),
        member("app", of="team"),
        assigned("team", "Network Contributor", at="tenant"),
    ),
    bad(
        "it can attach every identity",
        identity("app"),
        custom_role("attacher", actions=["Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action"]),
        assigned("app", "attacher", at=_CORP),
    ),
    bad(
        "it can federate every identity",
        identity("app"),
        custom_role(
            "federator",
            actions=["Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"],
        ),
        assigned("app", "federator", at=_CORP),
    ),
    bad(
        "it can read the keys of every storage account",
        identity("app"),
        custom_role("keys", actions=["Microsoft.Storage/storageAccounts/listKeys/action"]),
        assigned("app", "keys", at=_CORP),
    ),
    bad(
        "it can let itself into every key vault with access policies",
        identity("app"),
        assigned("app", "Key Vault Contributor", at=_CORP),
    ),
    bad(
        "it grants access under the condition of the assignment",
        identity("app"),
        custom_role("assigner", actions=["Microsoft.Authorization/roleAssignments/write"]),
        assigned("app", "assigner", at=_CORP, condition=CONDITION_ON_GRANTING),
    ),
    bad(
        "it grants access under the condition of the role",
        identity("app"),
        assigned("app", "Key Vault Data Access Administrator", at=_CORP),
    ),
    bad(
        "the managing of everything is denied, attaching identities is not",
        identity("app"),
        assigned("app", "Contributor", at=_CORP),
        denied("app", actions=["*/write"], at=_CORP),
    ),
    good(
        "a, b, c, d, g and h: findings of their own",
        identity("app"),
        custom_role("all", actions=["*"]),
        custom_role("second", actions=["Microsoft.Storage/*/read"], second={"actions": ["*"]}),
        custom_role("granter", actions=["Microsoft.Authorization/*"]),
        custom_role("assigner", actions=["Microsoft.Authorization/roleAssignments/write"]),
        custom_role(
            "builder",
            actions=["*"],
            not_actions=["Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete"],
        ),
        custom_role("writer", actions=["*/write"]),
        *(
            assigned("app", role, at=_CORP)
            for role in ("all", "second", "granter", "assigner", "builder", "writer")
        ),
    ),
    good(
        "Owner, Contributor and User Access Administrator are findings of their own",
        identity("app"),
        assigned("app", "Owner", at=_CORP),
        assigned("app", "Contributor", at=_CORP),
        assigned("app", "User Access Administrator", at=_CORP),
    ),
    good(
        "granting access is a finding of its own where the condition restricts something else",
        identity("app"),
        custom_role("both", actions=["Microsoft.Authorization/*", "Microsoft.ManagedIdentity/*"]),
        assigned("app", "both", at=_CORP, condition=CONDITION_ON_FEDERATING),
    ),
    good(
        "e: reading, and harmless changes",
        identity("app"),
        custom_role("Virtual Machine Contributor", actions=["*/read"]),
        assigned("app", "Virtual Machine Contributor", at=_CORP),
        assigned("app", "Tag Contributor", at=_CORP),
    ),
    good(
        "f: what data actions give is a finding of its own",
        identity("app"),
        custom_role("data", data_actions=["*"]),
        assigned("app", "data", at=_CORP),
        assigned("app", "Key Vault Secrets User", at=_CORP),
    ),
    good("on a subscription", identity("app"), assigned("app", "Virtual Machine Contributor")),
    good(
        "keys with which logs are sent open nothing, and what an action group starts needs an address or an identity",
        identity("app"),
        assigned("app", "Monitoring Contributor", at=_CORP),
    ),
    good(
        "it must be activated first",
        identity("app"),
        assigned("app", "Virtual Machine Contributor", at=_CORP, eligible=True),
        assigned("app", "Reader"),
    ),
    good(
        "deny assignments take it away",
        identity("app"),
        custom_role("keys", actions=["Microsoft.Storage/storageAccounts/listKeys/action"]),
        assigned("app", "keys", at=_CORP),
        denied(None, actions=["Microsoft.Storage/*"], at=_CORP),
    ),
    good(
        "people are judged by access reviews, not here",
        identity("app"),
        person("operator"),
        assigned("operator", "Virtual Machine Contributor", at=_CORP),
        assigned("app", "Reader"),
    ),
    good(
        "nobody understood a role that is held by a person, or further down",
        identity("app"),
        person("operator"),
        custom_role("odd", readable=False),
        assigned("operator", "odd", at=_CORP),
        assigned("app", "odd"),
    ),
    unknown(
        "a role that nobody understood",
        identity("app"),
        custom_role("odd", readable=False),
        assigned("app", "odd", at=_CORP),
    ),
    unknown(
        "the directory was not asked who is in the group",
        principal("team", "Group"),
        assigned("team", "Virtual Machine Contributor", at=_CORP),
        refused("memberships"),
    ),
)
