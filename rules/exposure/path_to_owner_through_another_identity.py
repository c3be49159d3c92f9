"""A workload can become another identity, and with it take over a whole subscription or more.

## What it finds
A role assignment by which a managed identity or another service principal, directly or through a group, can become a
managed identity that has full control of a subscription, a management group or the tenant root, or that can give
anybody access there without a condition. The ways are those that Azure has:

- attach it to a host of one's own: the role assigns identities where it lies (as *Managed Identity Operator* and
  *Contributor* do), and the holder can create or change a host somewhere;
- run code on a resource that carries it, where the role really can on that kind of resource: *Virtual Machine
  Contributor* on machines, *Website Contributor* on web apps, *Logic App Contributor* on workflows;
- let an issuer of one's own sign in as it: the role writes its federated credentials;
- give oneself any of these: the role hands out access there without a condition, as *User Access Administrator* does.

The identity may be the end of a longer path: who can become an identity that can become an owner is found as well,
each on the assignment that makes its own step possible. What counts is what the action lists allow, less what deny
assignments take away where the identity or its host lies and what a condition restricts. What must first be activated
does not count, nor does who controls as much already or runs beside one that does on all its hosts, who no longer
exists, and what only Azure acts as: the identity of a policy assignment, a vault or a cluster's control plane.

## Why it matters
The assignment looks harmless: often it covers one resource group, and no review of owners shows it. Whoever takes over
the workload, a build agent for example, is one step away from the subscription, and acts under another name then.

## How to fix it
Let nobody else write where the powerful identity, or its host, lies: a resource group of its own, without the
workload's assignment. Attachments and federated credentials must be made again there.

```sh
az group create --name "rg-deploy" --location "<region>"
az identity create --name "<name>" --resource-group "rg-deploy"
```

Or narrow one of the two. The workload gets a role for the resources it manages, on those; the powerful identity gets
Contributor on the resource groups it deploys to, and *Role Based Access Control Administrator* with a condition that
lists the roles it may assign:

```terraform
resource "azurerm_role_assignment" "app" {
  scope                = azurerm_linux_web_app.app.id
  role_definition_name = "Website Contributor"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
}
```

## References
- https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations
- https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview
"""

from scanner.rule import (
    CONDITION_ON_GRANTING,
    Effort,
    Facts,
    Frame,
    Meta,
    Severity,
    assigned,
    attached,
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
    resource,
    subscription,
    unknown,
    when,
)

META = Meta(
    id="MI401",
    name="path-to-owner-through-another-identity",
    severity=Severity.HIGH,
    effort=Effort.MEDIUM,
    subject="workload_assignments",
    reads=("escalations",),
    key=("holder",),
    message=(
        "{holder} can become {target_identity}, which {effect} {gained_scope}: {means} "
        "({role} on the {level} {scope}; such identities in its reach: {identities})"
    ),
    controls=("mcsb:PA-7", "mcsb:PA-1"),
    since="0.1",
    points_at=("properties.roleDefinitionName", "properties.roleDefinitionId"),
)


def check(facts: Facts) -> Frame:
    """Return workload grants with a path to the control of a subscription or more."""
    onwards = when(col("steps") > 1).then(lit("leads on to one that ")).otherwise(lit(""))
    controls = when(col("gained_power") == "full_control").then(lit("has full control of"))
    effect = onwards + controls.otherwise(lit("can give anybody access to"))
    means = when(col("power") == "assign_identity").then(lit("by attaching it to a resource"))
    means = means.when(col("power") == "federate_identity").then(lit("by a federated credential"))
    means = means.otherwise(lit("by code on a resource that carries it"))
    sure = facts.escalations.filter(col("doubt").is_null())
    return sure.with_columns(effect=effect, means=means).drop("doubt", "identity", "gained_power")


def undecided(facts: Facts) -> Frame:
    """Return those of which a role, or the members of a group, on the path were not read."""
    # Those without a doubt fail, and whoever fails is not undecided.
    return facts.escalations.with_columns(reason=col("doubt"))


_DEPLOYER = (identity("deployer", group="deploy"), assigned("deployer", "Owner"))
_OVER_IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
_LOGIC_APP = "Microsoft.Logic/workflows"
_CLUSTER = "Microsoft.ContainerService/managedClusters"
_AT_HOME = "resource_group:deploy"

CASES = (
    bad(
        "Contributor where an owner's identity lies",
        *_DEPLOYER,
        identity("app"),
        assigned("app", "Contributor", at=_AT_HOME),
        finds=("app Contributor",),
    ),
    bad(
        "a pipeline's service principal, on the subscription",
        *_DEPLOYER,
        principal("ci"),
        assigned("ci", "Contributor"),
        finds=("ci Contributor",),
    ),
    bad(
        "on the management group above",
        *_DEPLOYER,
        principal("ci"),
        assigned("ci", "Contributor", at="management_group:corp"),
        finds=("ci Contributor",),
    ),
    bad(
        "the holder has it through a group, and so has the owner",
        identity("deployer", group="deploy"),
        identity("app"),
        person("somebody"),
        principal("owners", "Group"),
        principal("team", "Group"),
        member("deployer", of="owners"),
        member("app", of="team"),
        member("somebody", of="team"),
        assigned("owners", "Owner"),
        assigned("team", "Contributor", at=_AT_HOME),
        finds=("team Contributor",),
    ),
    bad(
        "the target can hand out access on the tenant root; who can at the target takes it",
        identity("granter", group="deploy"),
        assigned("granter", "User Access Administrator", at="tenant"),
        identity("app"),
        assigned("app", "Contributor", at="identity:granter"),
        assigned("app", "Virtual Machine Contributor", at="resource_group:app"),
        principal("ci"),
        assigned("ci", "User Access Administrator", at=_AT_HOME),
        finds=("app Contributor", "ci User Access Administrator"),
    ),
    bad(
        "a machine that carries an owner, from the machine and from its resource group",
        resource("vm", group="deploy"),
        identity("own", of="vm"),
        assigned("own", "Owner"),
        principal("far"),
        principal("near"),
        assigned("far", "Virtual Machine Contributor", at=_AT_HOME),
        assigned("near", "Virtual Machine Contributor", at="resource:vm"),
        finds=("far Virtual Machine Contributor", "near Virtual Machine Contributor"),
    ),
    bad(
        "a user-assigned owner on a machine elsewhere",
        *_DEPLOYER,
        resource("vm", group="hosts", user_assigned=True),
        attached("deployer", to="vm"),
        principal("ci"),
        assigned("ci", "Virtual Machine Contributor", at="resource_group:hosts"),
        finds=("ci Virtual Machine Contributor",),
    ),
    bad(
        "it may assign the identity here, and has a host for it in another subscription",
        *_DEPLOYER,
        subscription("other"),
        principal("ci"),
        assigned("ci", "Managed Identity Operator", at="identity:deployer"),
        assigned("ci", "Website Contributor", at="resource_group:other/web"),
        finds=("ci Managed Identity Operator",),
    ),
    bad(
        "writing federated credentials is enough",
        *_DEPLOYER,
        principal("ci"),
        custom_role("federator", actions=[f"{_OVER_IDENTITIES}/federatedIdentityCredentials/write"]),
        assigned("ci", "federator", at="identity:deployer"),
        finds=("ci federator",),
    ),
    bad(
        "a chain of two: each step is found where it is made possible",
        *_DEPLOYER,
        identity("middle", group="middle"),
        assigned("middle", "Contributor", at=_AT_HOME),
        principal("ci"),
        assigned("ci", "Contributor", at="resource_group:middle"),
        finds=("middle Contributor", "ci Contributor"),
    ),
    bad(
        "the deny assignments were not read, which hides no path",
        *_DEPLOYER,
        principal("ci"),
        assigned("ci", "Contributor"),
        refused("deny_assignments"),
        finds=("ci Contributor",),
    ),
    good(
        "the deployment identity lies where nobody else writes",
        *_DEPLOYER,
        identity("app"),
        assigned("app", "Contributor", at="resource_group:app"),
    ),
    good(
        "a deny assignment locks the resource group of the identity, of the host, or the host's own kind",
        *_DEPLOYER,
        resource("vm", group="hosts", user_assigned=True),
        attached("deployer", to="vm"),
        principal("ci"),
        assigned("ci", "Contributor"),
        denied(None, actions=[f"{_OVER_IDENTITIES}/*"], at=_AT_HOME),
        denied(
            "ci", actions=["Microsoft.Compute/*", "Microsoft.GuestConfiguration/*"], at="resource_group:hosts"
        ),
    ),
    good(
        "the identity controls one resource group only",
        identity("deployer", group="deploy"),
        assigned("deployer", "Owner", at=_AT_HOME),
        identity("app"),
        assigned("app", "Contributor", at=_AT_HOME),
    ),
    good(
        "what the identity may hand out is restricted by a condition",
        identity("deployer", group="deploy"),
        assigned("deployer", "Role Based Access Control Administrator", condition=CONDITION_ON_GRANTING),
        identity("app"),
        assigned("app", "Contributor", at=_AT_HOME),
    ),
    good(
        "attaching alone runs nothing: a cluster that may assign its nodes' identity",
        *_DEPLOYER,
        resource("aks", _CLUSTER, user_assigned=True),
        identity("aks-id"),
        attached("aks-id", to="aks"),
        assigned("aks-id", "Managed Identity Operator", at="identity:deployer"),
    ),
    good(
        "nor does what only starts workflows, or a role that writes other resources",
        *_DEPLOYER,
        resource("flow", _LOGIC_APP, group="deploy", user_assigned=True),
        attached("deployer", to="flow"),
        principal("ci"),
        assigned("ci", "Logic App Operator", at=_AT_HOME),
        assigned("ci", "Managed Identity Operator", at=_AT_HOME),
        assigned("ci", "Network Contributor", at=_AT_HOME),
    ),
    good(
        "the target itself, who is an owner already, and a machine's own identity beside one",
        *_DEPLOYER,
        resource("vm", group="deploy", system_assigned=True, user_assigned=True),
        attached("deployer", to="vm"),
        identity("own", of="vm"),
        assigned("own", "Contributor", at=_AT_HOME),
        assigned("deployer", "Contributor", at=_AT_HOME),
        principal("ci"),
        assigned("ci", "Owner", at="management_group:corp"),
        assigned("ci", "Contributor"),
    ),
    good(
        "it must be activated first, on either side",
        *_DEPLOYER,
        identity("later", group="app"),
        assigned("later", "Owner", eligible=True),
        principal("ci"),
        assigned("ci", "Contributor", eligible=True),
        assigned("ci", "Contributor", at="resource_group:app", as_="ci on app"),
    ),
    good(
        "people are judged by access reviews, not here",
        *_DEPLOYER,
        person("developer"),
        principal("developers", "Group"),
        member("developer", of="developers"),
        assigned("developer", "Contributor"),
        assigned("developers", "Contributor"),
    ),
    good(
        "a role that nobody understood, where no such identity lies",
        *_DEPLOYER,
        principal("ci"),
        custom_role("odd", readable=False),
        assigned("ci", "odd", at="resource_group:app"),
    ),
    unknown(
        "a role that nobody understood, where such an identity lies",
        *_DEPLOYER,
        principal("ci"),
        custom_role("odd", readable=False),
        assigned("ci", "odd", at=_AT_HOME),
        finds=("ci odd",),
    ),
    unknown(
        "whether the identity is an owner is not known",
        identity("deployer", group="deploy"),
        custom_role("odd", readable=False),
        assigned("deployer", "odd"),
        principal("ci"),
        assigned("ci", "Contributor", at=_AT_HOME),
        finds=("ci Contributor",),
    ),
    unknown(
        "who is in the group that may take the identity was not read",
        *_DEPLOYER,
        principal("team", "Group"),
        assigned("team", "Contributor", at=_AT_HOME),
        refused("memberships"),
        finds=("team Contributor",),
    ),
    unknown(
        "any identity may be in a group of owners that was not read",
        identity("deployer", group="deploy"),
        principal("owners", "Group"),
        assigned("owners", "Owner"),
        principal("ci"),
        assigned("ci", "Contributor", at=_AT_HOME),
        refused("memberships"),
        finds=("ci Contributor",),
    ),
    unknown(
        "which resources carry which identities was not read",
        *_DEPLOYER,
        principal("ci"),
        assigned("ci", "Website Contributor", at="resource_group:app"),
        refused("attachments"),
        finds=("deployer Owner", "ci Website Contributor"),
    ),
)
