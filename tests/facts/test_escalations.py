"""Who can become an identity that controls a subscription: the ways, what closes them, and paths of several steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scanner.facts import identity_hosts
from scanner.facts.best_paths import MOST_STEPS
from scanner.facts.cases import (
    CONDITION_ON_BLOBS,
    CONDITION_ON_FEDERATING,
    CONDITION_ON_GRANTING,
    Element,
    assigned,
    attached,
    custom_role,
    denied,
    federated,
    identity,
    member,
    person,
    principal,
    refused,
    resource,
    subscription,
)
from scanner.facts.schema import Level
from scanner.facts.store import FactStore

World = Callable[..., FactStore]
Named = Callable[..., set[tuple[Any, ...]]]

CLUSTER, POLICY = "Microsoft.ContainerService/managedClusters", "Microsoft.Authorization/policyAssignments"
IDENTITIES, HERE = "Microsoft.ManagedIdentity/userAssignedIdentities", "resource_group:deploy"
OWNER = (identity("deployer", group="deploy"), assigned("deployer", "Owner"))
CI = principal("ci")
FEDERATOR = custom_role("federator", actions=[f"{IDENTITIES}/federatedIdentityCredentials/write"])


def ways(store: FactStore, named: Named) -> set[tuple[Any, ...]]:
    return named(store, "escalations", "assignment", "target_identity", "power", "host_resource")


# ---- the ways


@pytest.mark.parametrize(
    ("type_", "role"),
    [
        ("Microsoft.Compute/virtualMachines", "Virtual Machine Contributor"),
        ("Microsoft.Compute/virtualMachineScaleSets", "Virtual Machine Contributor"),
        ("Microsoft.Web/sites", "Website Contributor"),
        ("Microsoft.Logic/workflows", "Logic App Contributor"),
        ("Microsoft.Automation/automationAccounts", "Automation Contributor"),
        ("Microsoft.DataFactory/factories", "Data Factory Contributor"),
        ("Microsoft.App/jobs", "Container Apps Jobs Contributor"),
        ("Microsoft.ContainerInstance/containerGroups", "Azure Container Instances Contributor Role"),
    ],
)
@pytest.mark.parametrize("at", [HERE, "resource:host", "subscription:main", "management_group:corp"])
def test_who_runs_code_on_a_host_becomes_what_it_carries(
    type_: str, role: str, at: str, world: World, named: Named
) -> None:
    store = world(
        resource("host", type_, group="deploy", system_assigned=True, user_assigned=True),
        identity("own", of="host"),
        assigned("own", "Owner"),
        identity("shared", group="elsewhere"),
        attached("shared", to="host"),
        assigned("shared", "Owner", at="management_group:corp"),
        CI,
        assigned("ci", role, at=at),
    )
    # The wider of the two is told; the host's own identity runs beside it already.
    assert ways(store, named) == {(f"ci {role}", "shared", "run_code", "host")}
    assert named(store, "escalations", "holder", "gained_scope", "gained_level", "steps", "identities") == {
        ("ci", "corp", Level.MANAGEMENT_GROUP, 1, 2),
    }


@pytest.mark.parametrize(
    ("type_", "role"),
    [
        ("Microsoft.Compute/virtualMachines", "Website Contributor"),
        ("Microsoft.Web/sites", "Virtual Machine Contributor"),
        ("Microsoft.Logic/workflows", "Logic App Operator"),
        ("Microsoft.Automation/automationAccounts", "Automation Operator"),
        ("Microsoft.Search/searchServices", "Contributor"),
        ("Microsoft.Storage/storageAccounts", "Contributor"),
    ],
)
def test_who_does_not_run_code_there_does_not(type_: str, role: str, world: World, named: Named) -> None:
    store = world(
        resource("host", type_, group="deploy", user_assigned=True),
        identity("shared", group="elsewhere"),
        attached("shared", to="host"),
        assigned("shared", "Owner"),
        CI,
        assigned("ci", role, at=HERE),
    )
    assert ways(store, named) == set()


def test_a_child_of_a_host_is_below_it(world: World, named: Named) -> None:
    store = world(
        resource("site", "Microsoft.Web/sites"),
        resource("slot", "Microsoft.Web/sites/site/slots", at="resource_group:app"),
        *OWNER,
        attached("deployer", to="site"),
        CI,
        assigned("ci", "Website Contributor", at="resource:site"),
    )
    assert ways(store, named) == {("ci Website Contributor", "deployer", "run_code", "site")}


def test_code_in_a_cluster_reaches_its_nodes_and_not_its_control_plane(world: World, named: Named) -> None:
    role = "Azure Kubernetes Service Cluster Admin Role"
    kubelet = "properties.identityProfile.kubeletidentity.resourceId"
    for property_, expected in (
        (kubelet, {(f"ci {role}", "deployer", "run_code", "aks")}),
        ("identity.userAssignedIdentities", set()),
    ):
        aks = resource("aks", CLUSTER, user_assigned=True)
        store = world(
            *OWNER,
            aks,
            attached("deployer", to="aks", property=property_),
            CI,
            assigned("ci", role, at="resource:aks"),
        )
        assert ways(store, named) == expected


def test_a_cluster_has_no_pods_that_are_its_system_assigned_identity(world: World, named: Named) -> None:
    role = "Azure Kubernetes Service RBAC Cluster Admin"
    store = world(
        resource("aks", CLUSTER, system_assigned=True),
        identity("own", of="aks"),
        assigned("own", "Owner"),
        CI,
        assigned("ci", role, at="resource:aks"),
    )
    assert ways(store, named) == set()


def test_who_writes_policies_acts_as_what_remediates_from_the_subscription_up(
    world: World, named: Named
) -> None:
    remediation = (identity("remediation", of="policy"), assigned("remediation", "Owner"), CI)
    here = world(
        resource("policy", POLICY, at="subscription:main"),
        *remediation,
        assigned("ci", "Resource Policy Contributor"),
    )
    assert ways(here, named) == {("ci Resource Policy Contributor", "remediation", "run_code", "policy")}
    below = world(
        resource("policy", POLICY, at=HERE),
        *remediation,
        assigned("ci", "Resource Policy Contributor", at=HERE),
        assigned("ci", "Contributor"),
    )
    assert ways(below, named) == set()


ATTACHING = (CI, assigned("ci", "Managed Identity Operator", at="identity:deployer"))


@pytest.mark.parametrize(
    "host",
    [
        assigned("ci", "Virtual Machine Contributor", at="resource_group:other/hosts"),
        assigned("ci", "Website Contributor", at="management_group:corp"),
        assigned("ci", "Virtual Machine Contributor", at="resource:vm"),
        assigned("group", "Container Apps Contributor", at="resource_group:app"),
    ],
)
def test_who_may_assign_an_identity_and_has_a_host_attaches_it(
    host: Element, world: World, named: Named
) -> None:
    elements = (principal("group", "Group"), member("ci", of="group"), subscription("other"), resource("vm"))
    store = world(*OWNER, *elements, *ATTACHING, host)
    assert ways(store, named) == {("ci Managed Identity Operator", "deployer", "assign_identity", None)}


@pytest.mark.parametrize(
    "no_host",
    [
        [],
        [assigned("ci", "Network Contributor")],
        [assigned("ci", "Logic App Contributor")],  # it may not write a workflow's identity
        [assigned("ci", "Contributor", at="resource:data")],
        [assigned("ci", "Website Contributor", at="resource:vm")],
        [assigned("ci", "Virtual Machine Contributor", eligible=True)],
        [assigned("ci", "Virtual Machine Contributor"), denied("ci", actions=["Microsoft.*"])],
        [assigned("somebody", "Virtual Machine Contributor")],
    ],
)
def test_who_may_assign_an_identity_and_has_no_host_does_not(
    no_host: list[Element], world: World, named: Named
) -> None:
    data = resource("data", "Microsoft.Storage/storageAccounts")
    store = world(*OWNER, principal("somebody"), resource("vm"), data, *ATTACHING, *no_host)
    assert [row for row in ways(store, named) if row[0] == "ci Managed Identity Operator"] == []


def test_a_system_assigned_identity_cannot_be_attached_or_federated(world: World, named: Named) -> None:
    store = world(
        resource("search", "Microsoft.Search/searchServices", group="deploy"),
        identity("own", of="search"),
        assigned("own", "Owner"),
        CI,
        assigned("ci", "Contributor", at=HERE),
    )
    assert ways(store, named) == set()


def test_federating_is_enough(world: World, named: Named) -> None:
    store = world(*OWNER, CI, FEDERATOR, assigned("ci", "federator", at="identity:deployer"))
    assert ways(store, named) == {("ci federator", "deployer", "federate_identity", None)}


def test_custom_roles_count_by_what_they_allow(world: World, named: Named) -> None:
    run = "Microsoft.Compute/virtualMachines/runCommand/action"
    store = world(
        *OWNER,
        resource("vm", group="deploy"),
        attached("deployer", to="vm"),
        CI,
        custom_role("writer", actions=["*/write"], not_actions=["Microsoft.Authorization/*"]),
        custom_role("runner", actions=[run]),
        custom_role("no runner", actions=["Microsoft.Compute/*/action"], not_actions=[run]),
        assigned("ci", "writer", at=HERE),
        assigned("ci", "runner", at="resource:vm"),
        assigned("ci", "no runner", at=HERE),
    )
    assert named(store, "escalations", "assignment", "target_identity") == {
        ("ci writer", "deployer"),
        ("ci runner", "deployer"),
    }


# ---- who holds it, and what is gained


def test_groups_on_both_sides(world: World, named: Named) -> None:
    store = world(
        identity("deployer", group="deploy"),
        principal("owners", "Group"),
        member("deployer", of="owners"),
        assigned("owners", "Owner"),
        principal("team", "Group"),
        identity("app"),
        person("somebody"),
        member("app", of="team"),
        member("somebody", of="team"),
        member("ci", of="team"),
        CI,
        assigned("team", "Contributor", at=HERE),
    )
    assert named(store, "escalations", "assignment", "holder", "group", "identity", "target_identity") == {
        ("team Contributor", "app", "team", "app", "deployer"),
        ("team Contributor", "ci", "team", None, "deployer"),
    }


@pytest.mark.parametrize(
    "harmless",
    [
        assigned("target", "Owner", at=HERE),
        assigned("target", "Contributor"),
        assigned("target", "Owner", eligible=True),
        assigned("target", "Owner", condition=CONDITION_ON_GRANTING),
    ],
)
def test_who_controls_less_than_a_subscription_is_no_target(
    harmless: Element, world: World, named: Named
) -> None:
    app = (identity("app"), assigned("app", "Contributor", at=HERE))
    store = world(identity("target", group="deploy"), harmless, *app)
    assert ways(store, named) == set()


def test_the_widest_that_is_gained_is_told(world: World, named: Named) -> None:
    store = world(
        identity("a", group="deploy"),
        identity("b", group="deploy"),
        identity("c", group="deploy"),
        assigned("a", "Owner"),
        assigned("b", "User Access Administrator", at="tenant"),
        assigned("c", "Owner", at="management_group:corp"),
        CI,
        assigned("ci", "Contributor", at=HERE),
    )
    columns = ("holder", "target_identity", "gained_scope", "gained_level", "gained_power", "identities")
    assert named(store, "escalations", *columns) == {
        ("a", "b", "tenant root", Level.TENANT, "grant_access", 2),
        ("c", "b", "tenant root", Level.TENANT, "grant_access", 2),
        ("ci", "b", "tenant root", Level.TENANT, "grant_access", 3),
    }


def test_nobody_is_told_of_what_it_controls_already(world: World, named: Named) -> None:
    store = world(
        subscription("other"),
        *OWNER,
        assigned("deployer", "Contributor", at=HERE),
        CI,
        assigned("ci", "User Access Administrator", at="management_group:corp"),
        assigned("ci", "Contributor", at=HERE),
        identity("neighbour", subscription="other"),
        assigned("neighbour", "Owner", at="subscription:other"),
        assigned("neighbour", "Contributor", at=HERE),
    )
    assert named(store, "escalations", "holder", "target_identity", "gained_scope") == {
        ("neighbour", "deployer", "main")
    }


def test_the_holder_itself_is_not_counted_and_does_not_hide_another(world: World, named: Named) -> None:
    store = world(
        subscription("other"),
        identity("a", group="deploy"),
        identity("b", group="deploy"),
        identity("c", group="deploy"),
        *(assigned(name, "Owner", at="subscription:other") for name in "abc"),
        *(assigned(name, "Contributor", at=HERE) for name in "ab"),
        CI,
        assigned("ci", "Contributor", at=HERE),
        identity("up", group="deploy"),
        assigned("up", "Owner"),
    )
    assert named(store, "escalations", "holder", "target_identity", "gained_scope", "identities") == {
        ("a", "up", "main", 3),
        ("b", "up", "main", 3),
        ("ci", "up", "main", 4),
        ("up", "a", "other", 3),
    }


# ---- who runs beside the target anyway


def on_machine(*names: str, vm: str = "vm") -> tuple[Element, ...]:
    """Attach identities to a machine in the resource group where the deployer lies."""
    return (
        resource(vm, group="deploy", system_assigned=True, user_assigned=True),
        *(attached(name, to=vm) for name in names),
    )


OWN = (identity("own", of="vm"), assigned("own", "Contributor", at=HERE))
SHARED = (identity("shared"), assigned("shared", "Contributor", at=HERE))
FROM_OUTSIDE = federated(
    "shared", issuer="https://token.actions.githubusercontent.com", subject="repo:a/b:ref:c"
)


@pytest.mark.parametrize("holder", [OWN, SHARED])
def test_who_runs_on_no_host_without_an_owner_gains_nothing(
    holder: tuple[Element, ...], world: World, named: Named
) -> None:
    both = on_machine("deployer", "shared")
    other = on_machine("deployer", "shared", vm="vm2")
    assert ways(world(*OWNER, *both, *holder), named) == set()
    assert ways(world(*OWNER, *both, *other, *holder), named) == set()


def test_who_runs_elsewhere_as_well_gains_what_is_here(world: World, named: Named) -> None:
    alone = on_machine("shared", vm="vm2")
    store = world(*OWNER, *on_machine("deployer", "shared"), *alone, *SHARED, *OWN)
    assert ways(store, named) == {("shared Contributor", "deployer", "assign_identity", None)}


def test_a_pipeline_that_signs_in_as_an_identity_is_on_none_of_its_hosts(world: World, named: Named) -> None:
    store = world(*OWNER, *on_machine("deployer", "shared"), *SHARED, FROM_OUTSIDE)
    assert ways(store, named) == {("shared Contributor", "deployer", "assign_identity", None)}


def test_whether_a_pipeline_signs_in_was_not_read(world: World, named: Named) -> None:
    unread = refused("federated_credentials")
    store = world(
        *OWNER, *on_machine("deployer", "shared"), *SHARED, CI, assigned("ci", "Contributor"), unread
    )
    assert doubts(store, named) == {
        "shared Contributor": "whether anybody signs in as its holder from elsewhere was not read",
        "ci Contributor": None,
    }


def test_who_runs_beside_an_owner_is_told_of_what_is_wider(world: World, named: Named) -> None:
    wider = (identity("wider", group="deploy"), assigned("wider", "Owner", at="management_group:corp"))
    equal = (identity("equal", group="deploy"), assigned("equal", "Owner"))
    other = (
        subscription("other"),
        identity("far", group="deploy"),
        assigned("far", "Owner", at="subscription:other"),
    )
    base = (*OWNER, *on_machine("deployer"), *OWN)
    columns = ("assignment", "target_identity", "gained_scope")
    assert ways(world(*base, *equal), named) == set()
    assert named(world(*base, *equal, *other), "escalations", *columns) >= {
        ("own Contributor", "far", "other")
    }
    assert named(world(*base, *equal, *wider), "escalations", *columns) >= {
        ("own Contributor", "wider", "corp")
    }


def test_a_principal_has_no_host_and_a_way_over_one_that_has_is_a_way(world: World, named: Named) -> None:
    store = world(
        *OWNER, *on_machine("deployer"), *OWN, CI, assigned("ci", "Virtual Machine Contributor", at=HERE)
    )
    assert ways(store, named) == {("ci Virtual Machine Contributor", "deployer", "run_code", "vm")}


def test_beside_one_that_leads_on_is_as_good(world: World, named: Named) -> None:
    """`shared` leads to the deployer; `own` runs on its machine, so that its power over `shared` gives it nothing."""
    home = resource("vm", group="vms", system_assigned=True, user_assigned=True)
    store = world(
        *OWNER,
        home,
        identity("shared", group="vms"),
        assigned("shared", "Contributor", at=HERE),
        attached("shared", to="vm"),
        identity("own", of="vm"),
        assigned("own", "Contributor", at="resource_group:vms"),
    )
    assert ways(store, named) == {("shared Contributor", "deployer", "assign_identity", None)}


def test_code_in_a_cluster_does_not_run_beside_its_control_plane(world: World, named: Named) -> None:
    kubelet = "properties.identityProfile.kubeletidentity.resourceId"
    store = world(
        *OWNER,
        resource("aks", CLUSTER, user_assigned=True),
        attached("deployer", to="aks"),
        identity("nodes"),
        attached("nodes", to="aks", property=kubelet),
        assigned("nodes", "Contributor", at=HERE),
    )
    assert ways(store, named) == {("nodes Contributor", "deployer", "assign_identity", None)}


def test_where_hosts_carry_too_many_the_fullest_count_as_shared_with_nobody(
    world: World, named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = on_machine("deployer", "shared", "second", "third", vm="full")
    others = [identity(name) for name in ("second", "third", "quiet")]
    others += [assigned(name, "Contributor", at="resource_group:empty") for name in ("second", "third")]
    quiet = on_machine("deployer", "quiet", vm="still")
    store = (*OWNER, *full, *others, *quiet, *SHARED, assigned("quiet", "Contributor", at=HERE))
    assert ways(world(*store), named) == set()
    monkeypatch.setattr(identity_hosts, "MOST_SHARED", 2)
    assert ways(world(*store), named) == {("shared Contributor", "deployer", "assign_identity", None)}


@pytest.mark.parametrize("held", [0, 1, 2, 3, 8, 17])
def test_who_controls_much_is_told_of_what_is_left(held: int, world: World, named: Named) -> None:
    numbers = range(19)
    store = world(
        *(subscription(f"s{number}") for number in numbers),
        *(identity(f"i{number}", group="deploy") for number in numbers),
        *(assigned(f"i{number}", "Owner", at=f"subscription:s{number}") for number in numbers),
        identity("many", group="deploy"),
        *(assigned("many", "Owner", at=f"subscription:s{number}") for number in range(held)),
        assigned("many", "Contributor", at=HERE),
    )
    columns = ("assignment", "target_identity", "gained_scope")
    assert named(store, "escalations", *columns) == {("many Contributor", f"i{held}", f"s{held}")}


# ---- what closes a way


def test_a_deny_assignment_closes_what_lies_below_it(world: World, named: Named) -> None:
    vm = resource("vm", group="hosts")
    contributor = (CI, assigned("ci", "Contributor"))
    machines = ["Microsoft.Compute/*", "Microsoft.GuestConfiguration/*"]
    on_identity = denied(None, actions=[f"{IDENTITIES}/*"], at=HERE)
    on_host = denied("ci", actions=machines, at="resource_group:hosts")
    base = (*OWNER, vm, attached("deployer", to="vm"), *contributor)
    found = "ci Contributor"
    assert ways(world(*base, on_identity), named) == {(found, "deployer", "run_code", "vm")}
    assert ways(world(*base, on_host), named) == {(found, "deployer", "assign_identity", None)}
    assert ways(world(*base, on_identity, on_host), named) == set()


@pytest.mark.parametrize(
    "spared",
    [
        denied(None, actions=["*"], at=HERE, spares=["ci"]),
        denied("other", actions=["*"], at=HERE),
        denied(None, actions=["*"], at="resource_group:locked"),
        denied(None, actions=["*"], at=HERE, below=False),
        denied(None, actions=["Microsoft.Storage/*"], at=HERE),
    ],
)
def test_a_deny_assignment_for_others_or_elsewhere_closes_nothing(
    spared: Element, world: World, named: Named
) -> None:
    store = world(*OWNER, CI, principal("other"), assigned("ci", "Contributor"), spared)
    assert ways(store, named) == {("ci Contributor", "deployer", "assign_identity", None)}
    assert named(store, "escalations", "identities") == {(1,)}


def test_identities_below_denials_and_beside_them_are_counted_once(world: World, named: Named) -> None:
    store = world(
        *OWNER,
        identity("locked", group="locked"),
        identity("open", group="open"),
        assigned("locked", "Owner"),
        assigned("open", "Owner"),
        CI,
        assigned("ci", "Contributor"),
        denied(None, actions=["*"], at="resource_group:locked"),
        denied(None, actions=["*"], at="resource_group:open", spares=["ci"]),
    )
    assert named(store, "escalations", "assignment", "identities") == {("ci Contributor", 2)}


def test_a_condition_closes_what_it_restricts(world: World, named: Named) -> None:
    other = assigned("ci", "Contributor", at=HERE, condition=CONDITION_ON_BLOBS)
    federator = assigned("ci", "federator", at=HERE, condition=CONDITION_ON_FEDERATING)
    store = world(*OWNER, CI, FEDERATOR, federator, other)
    assert ways(store, named) == {("ci Contributor", "deployer", "assign_identity", None)}


# ---- several steps


def test_each_step_is_an_assignment_of_its_own(world: World, named: Named) -> None:
    store = world(
        *OWNER,
        identity("middle", group="middle"),
        identity("far", group="far"),
        assigned("middle", "Contributor", at=HERE),
        assigned("far", "Contributor", at="resource_group:middle"),
        CI,
        assigned("ci", "Contributor", at="resource_group:far"),
    )
    assert named(store, "escalations", "holder", "target_identity", "owner_identity", "steps") == {
        ("middle", "deployer", "deployer", 1),
        ("far", "middle", "deployer", 2),
        ("ci", "far", "deployer", 3),
    }


def test_nobody_is_told_of_a_way_around_over_itself(world: World, named: Named) -> None:
    """`a` can become the owner; that it can also become `b`, which can become `a`, leads nowhere else."""
    store = world(
        *OWNER,
        identity("a", group="a"),
        identity("b", group="b"),
        assigned("a", "Contributor", at=HERE),
        assigned("b", "Contributor", at="resource_group:a"),
        assigned("a", "Contributor", at="resource_group:b", as_="a over b"),
    )
    assert named(store, "escalations", "assignment", "target_identity", "steps") == {
        ("a Contributor", "deployer", 1),
        ("b Contributor", "a", 2),
    }


def test_two_that_can_become_each_other_and_nobody_else_are_no_path(world: World, named: Named) -> None:
    store = world(
        *OWNER,
        identity("a", group="a"),
        identity("b", group="b"),
        assigned("a", "Contributor", at="resource_group:b"),
        assigned("b", "Contributor", at="resource_group:a"),
    )
    assert ways(store, named) == set()


def test_a_path_has_an_end(world: World, named: Named) -> None:
    chain = [identity(f"id{number}", group=f"g{number}") for number in range(MOST_STEPS + 3)]
    steps = [
        assigned(f"id{number}", "Contributor", at=f"resource_group:g{number - 1}")
        for number in range(1, len(chain))
    ]
    store = world(*chain, assigned("id0", "Owner"), *steps)
    assert named(store, "escalations", "holder", "steps") == {
        (f"id{number}", number) for number in range(1, MOST_STEPS + 1)
    }


# ---- what is not known


def doubts(store: FactStore, named: Named) -> dict[str, str | None]:
    return {str(who): why for who, why in named(store, "escalations", "assignment", "doubt")}


def test_a_role_that_was_not_understood_may_take_an_identity(world: World, named: Named) -> None:
    odd = custom_role("odd", readable=False)
    store = world(
        *OWNER,
        CI,
        odd,
        identity("app"),
        assigned("ci", "odd", at=HERE, as_="here"),
        assigned("ci", "odd", at="resource_group:empty", as_="elsewhere"),
        assigned("app", "Contributor", at=HERE),
    )
    assert doubts(store, named) == {
        "here": "the permissions of its role were not read or not understood",
        "app Contributor": None,
    }


def test_what_an_identity_holds_may_be_control(world: World, named: Named) -> None:
    odd = custom_role("odd", readable=False)
    store = world(
        identity("target", group="deploy"),
        odd,
        assigned("target", "odd"),
        CI,
        assigned("ci", "Contributor", at=HERE),
    )
    assert doubts(store, named) == {
        "ci Contributor": "what an identity that it can become holds was not read or not understood"
    }


def test_an_unread_group_may_take_an_identity(world: World, named: Named) -> None:
    team = (principal("team", "Group"), assigned("team", "Contributor", at=HERE))
    store = world(*OWNER, *team, refused("memberships"))
    assert doubts(store, named) == {
        "team Contributor": "its holder is a group whose members were not read, or a principal whose kind is not known"
    }


def test_any_identity_may_be_in_an_unread_group_of_owners(world: World, named: Named) -> None:
    store = world(
        identity("plain", group="deploy"),
        principal("owners", "Group"),
        assigned("owners", "Owner"),
        CI,
        assigned("ci", "Contributor", at=HERE),
        assigned("ci", "Contributor", at="resource_group:empty", as_="elsewhere"),
        identity("itself", group="own"),
        assigned("itself", "Contributor", at="resource_group:own"),
        principal("above"),
        assigned("above", "Owner", at="management_group:corp"),
        assigned("above", "Contributor"),
        resource("vm", group="vms", system_assigned=True),
        identity("machine", of="vm"),
        principal("operator"),
        assigned("operator", "Virtual Machine Contributor", at="resource_group:vms"),
        principal("web"),
        assigned("web", "Website Contributor", at="resource_group:vms"),
        refused("memberships"),
    )
    why = "what an identity that it can become holds was not read or not understood"
    assert doubts(store, named) == {"ci Contributor": why, "operator Virtual Machine Contributor": why}
    columns = (
        "holder",
        "target_identity",
        "owner_identity",
        "gained_scope",
        "gained_power",
        "steps",
        "identities",
    )
    assert named(store, "escalations", *columns) == {
        ("ci", "plain", "plain", "main", "full_control", 1, 1),
        ("operator", "machine", "machine", "main", "full_control", 1, 1),
    }


def test_a_sure_owner_is_told_beside_an_unread_group_of_owners(world: World, named: Named) -> None:
    owners = (principal("owners", "Group"), assigned("owners", "Owner"), refused("memberships"))
    store = world(*OWNER, *owners, CI, assigned("ci", "Contributor", at=HERE), identity("plain"))
    assert doubts(store, named) == {"ci Contributor": None}


def test_where_nobody_controls_anything_there_is_no_path(world: World, named: Named) -> None:
    assert ways(world(), named) == set()
    assert ways(world(identity("app"), assigned("app", "Contributor")), named) == set()
    assert ways(world(*OWNER), named) == set()
