"""On which kinds of resources a role lets its holder act as whatever managed identity the resource carries.

Running code on a virtual machine says nothing about web apps, so a role has *host types*. They follow from the
operations in `escalation`: an operation counts where it is enough by itself, together with those it needs, to make the
service act at will as the identity, Azure Resource Manager included. Left out, because nobody should be accused of
them: operations that only start what others wrote, those that need a credential besides, and services that use their
identity for a purpose of their own (a search index, a data source), of which nobody gets a token.

Who may attach an identity needs a host for it: one that the role runs code on, or one that it creates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from scanner.catalog.effect import effect, granted_pattern
from scanner.catalog.escalation import EscalationAction, escalation_actions
from scanner.catalog.operations import lowest_bit, operations
from scanner.catalog.permissions import PermissionEntry

HOST_TYPES = frozenset(
    [
        "microsoft.apimanagement/service",
        "microsoft.app/containerapps",
        "microsoft.app/jobs",
        "microsoft.app/sessionpools",
        "microsoft.appplatform/spring/apps",
        "microsoft.authorization/policyassignments",
        "microsoft.automation/automationaccounts",
        "microsoft.azurefleet/fleets",
        "microsoft.batch/batchaccounts/pools",
        "microsoft.compute/virtualmachines",
        "microsoft.compute/virtualmachinescalesets",
        "microsoft.containerinstance/containergroups",
        "microsoft.containerregistry/registries/taskruns",
        "microsoft.containerregistry/registries/tasks",
        "microsoft.containerservice/managedclusters",
        "microsoft.datafactory/factories",
        "microsoft.hybridcompute/machines",
        "microsoft.logic/workflows",
        "microsoft.machinelearningservices/workspaces/batchendpoints",
        "microsoft.machinelearningservices/workspaces/computes",
        "microsoft.machinelearningservices/workspaces/onlineendpoints",
        "microsoft.redhatopenshift/openshiftclusters",
        "microsoft.resources/deploymentscripts",
        "microsoft.servicefabric/clusters/applications",
        "microsoft.servicefabric/managedclusters/applications",
        "microsoft.virtualmachineimages/imagetemplates",
        "microsoft.web/sites",
        "microsoft.web/sites/slots",
    ]
)
"""Types on which a token of the carried identity, for Azure Resource Manager, is open to who runs code there."""

POLICY_ASSIGNMENT = "microsoft.authorization/policyassignments"
"""Its identity is reached through policy definitions, which lie at subscriptions and management groups only."""

CLUSTER = "microsoft.containerservice/managedclusters"
"""Its control plane runs at Microsoft: code in a cluster reaches the identities of the nodes and add-ons alone."""

_STARTS = "starts what somebody else has written"
_SIGNS_IN = "needs a password, a key or a certificate besides"
_DEPENDS = "is enough on some plans and settings only"
_FEEDS = "changes what the service does next, not as whom"
_NO_ADMINISTRATOR = "the agent of a connected machine gives tokens to its administrators only"
NOT_ENOUGH: Mapping[str, str] = MappingProxyType(
    {
        "microsoft.apimanagement/service/backends/write": _FEEDS,
        "microsoft.authorization/policyassignments/write": _DEPENDS,
        "microsoft.authorization/policysetdefinitions/write": _DEPENDS,
        "microsoft.automation/automationaccounts/hybridrunbookworkergroups/hybridrunbookworkers/write": _SIGNS_IN,
        "microsoft.automation/automationaccounts/jobs/write": _STARTS,
        "microsoft.automation/automationaccounts/jobschedules/write": _STARTS,
        "microsoft.automation/automationaccounts/runbooks/draft/content/write": _FEEDS,
        "microsoft.automation/automationaccounts/runbooks/draft/testjob/write": _STARTS,
        "microsoft.automation/automationaccounts/runbooks/publish/action": _STARTS,
        "microsoft.automation/automationaccounts/sourcecontrols/write": _SIGNS_IN,
        "microsoft.automation/automationaccounts/watchers/write": _STARTS,
        "microsoft.automation/automationaccounts/webhooks/write": _STARTS,
        "microsoft.containerinstance/containergroups/restart/action": _STARTS,
        "microsoft.containerservice/managedclusters/agentpools/write": _DEPENDS,
        "microsoft.containerservice/managedclusters/listclusterusercredential/action": _DEPENDS,
        "microsoft.containerservice/managedclusters/accessprofiles/listcredential/action": _DEPENDS,
        "microsoft.datafactory/factories/linkedservices/write": _FEEDS,
        "microsoft.datafactory/factories/pipelines/createrun/action": _STARTS,
        "microsoft.datafactory/factories/pipelines/sandbox/run/action": _DEPENDS,
        "microsoft.hybridcompute/machines/login/action": _NO_ADMINISTRATOR,
        "microsoft.logic/workflows/triggers/run/action": _STARTS,
        "microsoft.policyinsights/remediations/write": _STARTS,
        "microsoft.virtualmachineimages/imagetemplates/run/action": _STARTS,
        "microsoft.web/sites/host/listkeys/action": _DEPENDS,
        "microsoft.web/sites/hostruntime/host/action": _DEPENDS,
        "microsoft.web/sites/slotsswap/action": _STARTS,
        "microsoft.web/sites/triggeredwebjobs/run/action": _STARTS,
    }
)
"""Operations with an outcome that do not convict by themselves, and why."""

CARRIES_CODE = frozenset(
    [
        "microsoft.app/containerapps",
        "microsoft.app/jobs",
        "microsoft.azurefleet/fleets",
        "microsoft.compute/virtualmachinescalesets",
        "microsoft.containerinstance/containergroups",
        "microsoft.web/sites",
        "microsoft.web/sites/slots",
    ]
)
"""Types whose own `write` already says what runs: an image, a package, an extension of all machines of a set.

A virtual machine is none: backup and restore need its `write`, and what it runs stands in extensions of their own.
"""

WRITTEN_WHOLE = frozenset(["microsoft.containerinstance/containergroups"])
"""Those of them that lose what a write does not say again: who writes one must be allowed to assign its identity."""

CREATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "microsoft.compute/virtualmachines": (
            "microsoft.compute/virtualmachines/write",
            "microsoft.network/networkinterfaces/join/action",
        )
    }
)
"""Operations that together make a new host of a type and say what it runs, but change nothing on one that is there.

A new machine runs the custom data it is created with, or lets in the key it is created with; roles of image builders
and of cluster operators are like that. Without a network interface to join there is no machine.
"""

CLOSED = frozenset(
    [
        POLICY_ASSIGNMENT,
        "microsoft.dataprotection/backupvaults",
        "microsoft.recoveryservices/vaults",
    ]
)
"""Types whose own identity only Azure acts as: no code of a customer runs there and could be taken over.

Their identities are steps of a path (who writes policy definitions acts as a policy assignment) and never its start.
"""

_ASSIGN = "microsoft.managedidentity/userassignedidentities/assign/action"
_RUNNING = ("run-as-identity", "run-code")
# Extensions of other resources: the resource they run on is not in their name.
_GUEST_CONFIGURATION = "microsoft.guestconfiguration/guestconfigurationassignments/write"
_ELSEWHERE = (_GUEST_CONFIGURATION, "microsoft.authorization/policydefinitions/write")
_REACHES_TOO = {_GUEST_CONFIGURATION: "microsoft.hybridcompute/machines"}
"""Other types on which an operation is a way as well: packages are run by machines of Azure and by connected ones."""


class HostWay(msgspec.Struct, frozen=True, array_like=True):
    """One host type of a role, without a condition.

    `by`: the action pattern of the role that gives it. `operation`: an operation it covers, as its provider writes it.
    `attaches`: whether the role can also write such a host so that it acts as another user-assigned identity.
    `existing`: whether it runs code on those that are there already; false for what it can only create.
    """

    type: str
    by: str
    operation: str
    attaches: bool
    existing: bool = True


def host_ways(
    permissions: Sequence[PermissionEntry], denied: Sequence[PermissionEntry] = ()
) -> tuple[HostWay, ...]:
    """The host types of a role by type, at most one each; `denied` as in `capabilities`."""
    return _host_ways(tuple(permissions), tuple(denied))


@lru_cache(maxsize=16_384)
def _host_ways(
    permissions: tuple[PermissionEntry, ...], denied: tuple[PermissionEntry, ...]
) -> tuple[HostWay, ...]:
    from scanner.catalog.known_capabilities import known_host_ways

    known = None if denied else known_host_ways(permissions)
    return work_out_host_ways(permissions, denied) if known is None else known


def work_out_host_ways(
    permissions: tuple[PermissionEntry, ...], denied: tuple[PermissionEntry, ...] = ()
) -> tuple[HostWay, ...]:
    """The same as `host_ways`, from the operations themselves."""
    effects = [effect(entry) for entry in permissions]
    # A denial nobody can read, or one under a condition, is not relied upon.
    relied_upon = [effect(entry) for entry in denied if not entry.problems]
    control, data = 0, 0
    for one in effects:
        control, data = control | one.control_free, data | one.data_free
    for one in relied_upon:
        control, data = control & ~one.control_free, data & ~one.data_free
    found = []
    for host_type, host in sorted(_hosts().items()):
        enough = [way for way in host.ways if (data if way.data else control) & way.bit]
        enough = [way for way in enough if way.needs & control == way.needs]
        if enough:
            way = enough[0]
            found.append(_way(host_type, way, permissions, attaches=bool(control & host.attaching)))
        elif host.creating and host.creating & control == host.creating:
            way = _Way(host.creating & host.attaching, data=False, needs=0)
            found.append(_way(host_type, way, permissions, attaches=True, existing=False))
    return tuple(found)


def _way(
    host_type: str,
    way: _Way,
    permissions: Sequence[PermissionEntry],
    *,
    attaches: bool,
    existing: bool = True,
) -> HostWay:
    covered = operations().covered
    for entry in permissions:
        one = effect(entry)
        if not (one.data_free if way.data else one.control_free) & way.bit:
            continue
        for pattern in entry.data_actions if way.data else entry.actions:
            if covered(granted_pattern(pattern)) & way.bit:
                operation = operations().spelling(lowest_bit(way.bit))
                return HostWay(host_type, pattern, operation, attaches, existing)
    raise AssertionError(f"no pattern gives {operations().spelling(lowest_bit(way.bit))}")


class _Way(NamedTuple):
    """An operation that is enough, with those it needs, as bit sets (see `operations`)."""

    bit: int
    data: bool
    needs: int


class _Host(NamedTuple):
    ways: tuple[_Way, ...]
    attaching: int
    """The operations that write such a host with an identity that is assigned to it."""
    creating: int
    """Those that make a new one, all of them needed; none where those on existing hosts say it all."""


@cache
def _hosts() -> Mapping[str, _Host]:
    known = operations()
    ways: dict[str, list[_Way]] = {host_type: [] for host_type in HOST_TYPES}
    attaching = dict.fromkeys(HOST_TYPES, 0)
    for name, action in sorted(escalation_actions().items(), key=lambda item: (_rank(item[0]), item[0])):
        host_type = action.reach.lower()
        bit = known.mask([name])
        if host_type not in HOST_TYPES or not bit:
            continue
        writes = name == f"{host_type}/write"
        if writes and (action.outcome == "identity-attach" or _ASSIGN in _needs(action)):
            attaching[host_type] |= bit
        runs = action.outcome in _RUNNING or (writes and host_type in CARRIES_CODE)
        plane = known.data if action.data else known.control
        # Settings are read by everybody who can read: those operations are no power anywhere.
        if (
            runs
            and name not in NOT_ENOUGH
            and _on(name, host_type)
            and bit & plane
            and not name.endswith("/read")
        ):
            way = _Way(bit, action.data, _needed(action, host_type))
            ways[host_type].append(way)
            if name in _REACHES_TOO:
                ways[_REACHES_TOO[name]].append(way)
    return MappingProxyType(
        {
            host_type: _Host(tuple(found), attaching[host_type], known.mask(CREATES.get(host_type, ())))
            for host_type, found in ways.items()
            if found
        }
    )


def _rank(name: str) -> int:
    """Familiar operations first: the one that is shown where a role has several."""
    return 0 if name.endswith(("/runcommand/action", "/workflows/write", "/sites/write")) else 1


def _on(name: str, host_type: str) -> bool:
    """Whether an operation is one of the host's, or of the account or workspace that holds it."""
    provider, _, rest = host_type.partition("/")
    return name in _ELSEWHERE or name.startswith(f"{provider}/{rest.partition('/')[0]}/")


def _needs(action: EscalationAction) -> list[str]:
    return [need.lower() for need in action.needs]


def _needed(action: EscalationAction, host_type: str) -> int:
    """The operations that an operation needs besides; a host that is there already has its identity."""
    already_there = host_type in CARRIES_CODE - WRITTEN_WHOLE
    wanted = [need for need in _needs(action) if not (already_there and need == _ASSIGN)]
    mask = operations().mask(wanted)
    if mask.bit_count() < len(set(wanted)):
        raise AssertionError(f"{action.action} needs an operation that the catalogue does not know: {wanted}")
    return mask
