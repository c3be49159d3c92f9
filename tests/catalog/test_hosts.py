"""On which kinds of resources a role acts as the identity that they carry."""

from __future__ import annotations

import re

import pytest

from scanner.catalog.escalation import escalation_actions
from scanner.catalog.hosts import (
    CARRIES_CODE,
    CLOSED,
    CREATES,
    HOST_TYPES,
    NOT_ENOUGH,
    WRITTEN_WHOLE,
    HostWay,
    _hosts,
    host_ways,
)
from scanner.catalog.identity_types import identity_types
from scanner.catalog.operations import operations
from scanner.catalog.permissions import PermissionEntry
from scanner.catalog.roles import role_by_name

MACHINES, SETS = "microsoft.compute/virtualmachines", "microsoft.compute/virtualmachinescalesets"
SITES, SLOTS = "microsoft.web/sites", "microsoft.web/sites/slots"
RUN_COMMAND = "Microsoft.Compute/virtualMachines/runCommand/action"


def of_role(name: str) -> dict[str, bool]:
    """The host types of a built-in role, each with whether it also attaches identities there."""
    role = role_by_name(name)
    assert role is not None, name
    return {way.type: way.attaches for way in host_ways(role.permissions)}


def of(*actions: str, without: tuple[str, ...] = (), data: tuple[str, ...] = ()) -> set[str]:
    entry = PermissionEntry(actions=actions, not_actions=without, data_actions=data)
    return {way.type for way in host_ways((entry,))}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("Virtual Machine Contributor", {MACHINES: True, SETS: True}),
        ("Website Contributor", {SITES: True, SLOTS: True}),
        ("Logic App Contributor", {"microsoft.logic/workflows": False}),
        ("Automation Contributor", {"microsoft.automation/automationaccounts": True}),
        ("Data Factory Contributor", {"microsoft.datafactory/factories": True}),
        ("Azure Container Instances Contributor Role", {"microsoft.containerinstance/containergroups": True}),
        ("Container Apps Contributor", {"microsoft.app/containerapps": True}),
        ("Container Apps Jobs Contributor", {"microsoft.app/jobs": True}),
        (
            "Azure Kubernetes Service Cluster Admin Role",
            {"microsoft.containerservice/managedclusters": False},
        ),
        ("Resource Policy Contributor", {"microsoft.authorization/policyassignments": True}),
        ("Virtual Machine Administrator Login", {MACHINES: False, "microsoft.hybridcompute/machines": False}),
        ("Log Analytics Contributor", {MACHINES: False, "microsoft.hybridcompute/machines": False}),
    ],
)
def test_what_a_built_in_role_runs_code_on(role: str, expected: dict[str, bool]) -> None:
    assert of_role(role) == expected


@pytest.mark.parametrize(
    "role",
    [
        "Reader",
        "Network Contributor",
        "Storage Account Contributor",
        "Managed Identity Operator",
        "Managed Identity Contributor",
        "User Access Administrator",
        "Logic App Operator",
        "Automation Operator",
        "Azure Kubernetes Service Cluster User Role",
        "Virtual Machine Data Access Administrator (preview)",
        "AcrPull",
        "Desktop Virtualization Power On Contributor",
        "Disk Snapshot Contributor",
    ],
)
def test_roles_that_run_nothing_as_anybody(role: str) -> None:
    assert of_role(role) == {}


def test_contributor_reaches_all_but_what_policies_act_as() -> None:
    contributor, owner = of_role("Contributor"), of_role("Owner")
    assert HOST_TYPES - set(owner) == {"microsoft.app/sessionpools"}, "opened by data actions alone"
    assert set(owner) - set(contributor) == {"microsoft.authorization/policyassignments"}
    assert contributor[MACHINES]
    assert contributor["microsoft.resources/deploymentscripts"]


def test_one_operation_is_a_way_and_is_named() -> None:
    assert host_ways((PermissionEntry(actions=(RUN_COMMAND.lower(),)),)) == (
        HostWay(MACHINES, RUN_COMMAND.lower(), RUN_COMMAND, attaches=False),
    )


def test_not_actions_take_away_and_entries_add_up() -> None:
    assert of("Microsoft.Web/*", without=("Microsoft.Web/sites/*",)) == set()
    two = (
        PermissionEntry(actions=("Microsoft.Automation/automationAccounts/runbooks/draft/write",)),
        PermissionEntry(actions=("Microsoft.Automation/automationAccounts/runbooks/draft/testJob/write",)),
    )
    assert [way.type for way in host_ways(two)] == ["microsoft.automation/automationaccounts"]
    assert [way.type for way in host_ways(two[:1])] == []


def test_an_operation_that_needs_others_is_none_without_them() -> None:
    script = "Microsoft.Resources/deploymentScripts/write"
    others = (
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
        "Microsoft.ContainerInstance/containerGroups/write",
        "Microsoft.Storage/storageAccounts/write",
    )
    assert "microsoft.resources/deploymentscripts" not in of(script, *others[:2])
    assert "microsoft.resources/deploymentscripts" in of(script, *others)


def test_who_only_signs_in_to_a_connected_machine_gets_no_token_there() -> None:
    """Its agent asks the caller for a file that administrators can read."""
    arc = "microsoft.hybridcompute/machines"
    assert of_role("Virtual Machine User Login") == {MACHINES: False}
    assert of_role("Virtual Machine Administrator Login") == {MACHINES: False, arc: False}
    assert of_role("Guest Configuration Resource Contributor") == {MACHINES: False, arc: False}


def test_a_container_group_is_written_with_its_identity_or_without() -> None:
    groups = "Microsoft.ContainerInstance/containerGroups"
    assert of(f"{groups}/write") == set()
    both = of(f"{groups}/write", "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action")
    assert both == of(f"{groups}/containers/exec/action") == {groups.lower()}


def test_the_planes_are_kept_apart() -> None:
    sign_in = "Microsoft.Compute/virtualMachines/login/action"
    assert of(sign_in) == set()
    assert of(data=(sign_in,)) == {MACHINES}


def test_a_condition_on_the_entry_or_a_denial_leaves_no_way() -> None:
    restricted = PermissionEntry(
        actions=(RUN_COMMAND,),
        condition=f"((!(ActionMatches{{'{RUN_COMMAND}'}})) OR (@Resource[tag:team] StringEquals 'web'))",
    )
    assert host_ways((restricted,)) == ()
    wide = (PermissionEntry(actions=("*",)),)
    denied = (PermissionEntry(actions=("Microsoft.Compute/*", "Microsoft.GuestConfiguration/*")),)
    left = {way.type for way in host_ways(wide, denied)}
    assert HOST_TYPES - left >= {MACHINES, SETS}
    assert SITES in left
    unreadable = (PermissionEntry(actions=("*",), problems=("actions holds null, not text",)),)
    assert host_ways(wide, unreadable) == host_ways(wide)


def test_who_creates_machines_runs_code_on_none_that_is_there() -> None:
    write, join = "Microsoft.Compute/virtualMachines/write", "Microsoft.Network/networkInterfaces/join/action"
    created = (HostWay(MACHINES, write, write, attaches=True, existing=False),)
    assert host_ways((PermissionEntry(actions=(write, join)),)) == created
    assert host_ways((PermissionEntry(actions=(write,)),)) == ()
    both = host_ways((PermissionEntry(actions=(write, join, RUN_COMMAND)),))
    assert both == (HostWay(MACHINES, RUN_COMMAND, RUN_COMMAND, attaches=True),)
    # What is denied takes away the way to those that are there, and leaves the other.
    denied = (PermissionEntry(actions=(RUN_COMMAND,)),)
    assert host_ways((PermissionEntry(actions=(write, join, RUN_COMMAND)),), denied) == created


@pytest.mark.parametrize(
    ("role", "creates"),
    [
        ("Azure Red Hat OpenShift Machine API Operator", True),
        ("Azure Red Hat OpenShift Hosted Control Planes Cluster API Provider", True),
        ("Azure Migrate Execute Expert", False),
        ("Azure Backup Snapshot Contributor", False),
        ("Backup Contributor", False),
    ],
)
def test_built_in_roles_that_create_machines(role: str, creates: bool) -> None:
    assert of_role(role) == ({MACHINES: True} if creates else {})


def test_reading_settings_is_no_way() -> None:
    assert of("*/read") == set()


def test_every_host_type_has_a_way_and_can_have_an_identity() -> None:
    assert set(_hosts()) == HOST_TYPES
    assert WRITTEN_WHOLE < CARRIES_CODE < HOST_TYPES
    assert set(CREATES) <= HOST_TYPES - CARRIES_CODE
    assert {name for name in CLOSED if name not in identity_types()} == set()
    without = {
        name
        for name in HOST_TYPES
        if name not in identity_types() or not (identity_types()[name].system or identity_types()[name].user)
    }
    assert without == set()


def test_what_is_left_out_is_an_operation_with_an_outcome_and_has_a_reason() -> None:
    known = operations()
    assert {name for names in CREATES.values() for name in names if known.index(name) is None} == set()
    for name, reason in NOT_ENOUGH.items():
        assert name in escalation_actions(), name
        assert known.index(name) is not None, name
        assert re.fullmatch(r"[a-z][^.]+", reason)
