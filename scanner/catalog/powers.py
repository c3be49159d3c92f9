"""The named powers a role can give, and by which operations it gives them.

What a role is called says nothing; a power is decided by the operations that remain after notActions. Powers
decided by single operations (`operations_giving`) are held by whoever holds one of them. Powers decided by breadth
(`manage_everything`, `all_data`) are held by whoever holds most; the thresholds are measured, see below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from scanner.catalog.escalation import escalation_actions
from scanner.catalog.operations import Operations, operations


class Power(StrEnum):
    """What a role lets its holder do; `MEANINGS` has one sentence for each."""

    FULL_CONTROL = "full_control"
    GRANT_ACCESS = "grant_access"
    WRITE_ROLE_ASSIGNMENTS = "write_role_assignments"
    DEFINE_ROLES = "define_roles"
    ELEVATE_ACCESS = "elevate_access"
    MANAGE_EVERYTHING = "manage_everything"
    NOT_UNDERSTOOD = "not_understood"
    ASSIGN_IDENTITY = "assign_identity"
    FEDERATE_IDENTITY = "federate_identity"
    RUN_CODE = "run_code"
    GRANT_SERVICE_ACCESS = "grant_service_access"
    ALL_DATA = "all_data"
    DATA_ACCESS = "data_access"
    READ_CREDENTIALS = "read_credentials"
    CHANGE = "change"
    READ = "read"


MEANINGS: Mapping[Power, str] = MappingProxyType(
    {
        Power.FULL_CONTROL: "Manages everything and hands out access without a condition, as Owner does.",
        Power.GRANT_ACCESS: "Can hand out access at the scope, and so make its holder an owner.",
        Power.WRITE_ROLE_ASSIGNMENTS: "Can create role assignments.",
        Power.DEFINE_ROLES: "Can create and change role definitions, the ones its holder has included.",
        Power.ELEVATE_ACCESS: "Can take user access administration of the tenant, if assigned at its root.",
        Power.MANAGE_EVERYTHING: "Can create and change most kinds of resources, as Contributor can.",
        Power.NOT_UNDERSTOOD: "Part of the role could not be read, so it may allow more than is shown.",
        Power.ASSIGN_IDENTITY: "Can attach a user-assigned identity to a resource and act as it from there.",
        Power.FEDERATE_IDENTITY: "Can let an outside issuer's tokens be exchanged for an identity's token.",
        Power.RUN_CODE: "Can run code or deployments that act as another identity.",
        Power.GRANT_SERVICE_ACCESS: "Can make its holder an administrator in a service with its own access lists.",
        Power.ALL_DATA: "Can read or change the data of most services.",
        Power.DATA_ACCESS: "Can read or change data kept in a service.",
        Power.READ_CREDENTIALS: "Can read keys, secrets or tokens that open a service without a role.",
        Power.CHANGE: "Can create, change, delete or start something.",
        Power.READ: "Can read settings or metadata.",
    }
)

# The smallest share that counts as "most", in both measures. Measured over the 980 built-in roles:
#
# `manage_everything`, share of the 4,079 known control plane writes that remain: Owner 1.000, the two service group
# roles 0.9998, Contributor 0.992, then nothing down to 0.206 (Fabric Resource Management Administrator) and 0.091.
#
# `all_data`, share of the 71 providers with data operations in which at least one remains: a bare `*` 1.000, `*/read`
# 0.69 (the other providers have no data reads), then nothing down to 0.056 (Windows Admin Center Administrator Login).
# Providers are counted here, not operations, because 38 % of all data operations belong to one provider.
#
# One half is the plain sense of "most" and lies in both gaps, so that neither a renamed role nor Contributor without a
# few providers falls out, and no role for one service falls in.
MOST = 0.5

_IDENTITY = "microsoft.managedidentity/userassignedidentities"
_AUTHORIZATION = "microsoft.authorization"

# In the order they are named as the example. `elevateAccess/action` is not among them: it is asked for at the root
# scope, where no custom role can be assigned, so that `*` without Authorization writes does not make an owner.
GRANTING = (
    f"{_AUTHORIZATION}/roleassignments/write",
    f"{_AUTHORIZATION}/roledefinitions/write",
    f"{_AUTHORIZATION}/roleassignmentschedulerequests/write",
    f"{_AUTHORIZATION}/roleeligibilityschedulerequests/write",
)

# Operations that lead to code of others, and of themselves run none of their holder's, with the reason.
STARTING: Mapping[str, str] = MappingProxyType(
    {
        "microsoft.insights/actiongroups/write": "needs the secret address of what it starts, or an identity",
        "microsoft.network/bastionhosts/createshareablelinks/action": "the link asks for the machine's password",
        "microsoft.storage/storageaccounts/storagetaskassignments/write": "runs a task that others have written",
    }
)

# Data operations that neither read nor change what a customer keeps in a service, with the reason.
NOT_CUSTOMER_DATA: Mapping[str, str] = MappingProxyType(
    {
        "microsoft.insights/metrics/write": "publishes metrics",
        "microsoft.insights/telemetry/write": "publishes telemetry",
        "microsoft.monitor/accounts/data/metrics/write": "publishes metrics",
        "microsoft.policyinsights/policyevents/logdataevents/action": "publishes compliance events",
        "microsoft.policyinsights/checkdatapolicycompliance/action": "asks whether a policy holds",
        "microsoft.usagebilling/accounts/inputs/send/action": "publishes usage",
        "microsoft.containerregistry/registries/catalog/read": "reads names of repositories",
        "microsoft.containerregistry/registries/repositories/metadata/read": "reads names of tags",
        "microsoft.documentdb/databaseaccounts/metadata/read": "reads names of containers",
        "microsoft.keyvault/vaults/read": "reads properties of a vault",
        "microsoft.keyvault/vaults/keys/read": "reads properties and public parts of keys",
        "microsoft.keyvault/vaults/keyrotationpolicies/read": "reads when keys are rotated",
        "microsoft.keyvault/vaults/certificates/read": "reads properties and public parts of certificates",
        "microsoft.keyvault/vaults/certificatecas/read": "reads names of certificate authorities",
        "microsoft.keyvault/vaults/storageaccounts/read": "reads names of managed storage accounts",
        "microsoft.keyvault/vaults/storageaccounts/sas/read": "reads how signatures are made, not the signatures",
        "microsoft.keyvault/vaults/secrets/readmetadata/action": "reads names and dates of secrets",
        "microsoft.maps/accounts/services/render/read": "reads public maps",
        "microsoft.maps/accounts/services/search/read": "searches public maps",
        "microsoft.bing/accounts/usegrounding/action": "searches the public web",
        "microsoft.portalservices/copilotsettings/conversations/action": "talks to the portal's assistant",
        "microsoft.labservices/labplans/createlab/action": "creates a lab",
    }
)

# `listKeys`, `regenerateKey`, `listConnectionStrings`, `generateSas`, `sharedKeys/action` and their like. Compared
# with a list of 250 such operations collected by hand: all control plane actions but `publishxml`, which is named.
_CREDENTIAL = re.compile(
    r"/(?:list|get|regenerate|generate|retrieve|create|show|shared)[^/]*"
    r"(?:key|secret|credential|token|password|connectionstring|sas)(?:s|pair|ur[il]s?)?/action"
    r"|/(?:publishxml|accesskeys/regenerate)/action"
)


_WORKSPACE = "microsoft.operationalinsights/workspaces"
_SENDING_KEYS = frozenset(
    f"{_WORKSPACE}/{operation}/action" for operation in ("sharedkeys", "listkeys", "regeneratesharedkey")
)
"""Operations that hand out keys with which nothing can be done but to send logs to a workspace."""


def reads_credentials(name: str) -> bool:
    """Whether a lower-case operation name says that it hands out a key, secret or token that opens something."""
    return _CREDENTIAL.search(name) is not None and name not in _SENDING_KEYS


def is_read(name: str) -> bool:
    """Whether a lower-case operation name only reads settings."""
    return name.endswith("/read")


# Shown as the example where a role holds one of them, in this order; else the first by name is.
FAMILIAR: Mapping[Power, tuple[str, ...]] = MappingProxyType(
    {
        Power.GRANT_ACCESS: GRANTING,
        Power.MANAGE_EVERYTHING: ("microsoft.compute/virtualmachines/write",),
        Power.RUN_CODE: (
            "microsoft.compute/virtualmachines/runcommand/action",
            "microsoft.compute/virtualmachines/extensions/write",
            "microsoft.web/sites/write",
        ),
        Power.ALL_DATA: ("microsoft.storage/storageaccounts/blobservices/containers/blobs/read",),
        Power.DATA_ACCESS: (
            "microsoft.storage/storageaccounts/blobservices/containers/blobs/read",
            "microsoft.keyvault/vaults/secrets/getsecret/action",
        ),
        Power.GRANT_SERVICE_ACCESS: ("microsoft.keyvault/vaults/accesspolicies/write",),
        Power.READ_CREDENTIALS: (
            "microsoft.keyvault/vaults/secrets/getsecret/action",
            "microsoft.storage/storageaccounts/listkeys/action",
        ),
        Power.CHANGE: ("microsoft.resources/deployments/write", "microsoft.compute/virtualmachines/write"),
        Power.READ: ("microsoft.resources/subscriptions/resourcegroups/read",),
    }
)


class Giving(NamedTuple):
    """The operations that give a power: one bit set for each plane (see `operations`)."""

    control: int = 0
    data: int = 0


@cache
def operations_giving() -> Mapping[Power, Giving]:
    """Which operations give which power, for the powers that one operation is enough for.

    Control plane reads give no power but `read`: Resource Manager keeps secrets out of reads, and the few old
    operations that do not would make every Reader a holder of credentials.
    """
    known = operations()
    readers = known.where(is_read)
    writers = known.control & ~readers
    metadata = known.data & known.mask(NOT_CUSTOMER_DATA)
    publishers = known.data & known.mask(name for name in NOT_CUSTOMER_DATA if not is_metadata(name))
    as_caller = known.where(lambda name: name.endswith("/generateuserdelegationkey/action"))
    attaching = known.mask([f"{_IDENTITY}/assign/action"])
    starting = known.mask(STARTING)

    def outcomes(*wanted: str, scope: bool = True) -> Giving:
        names = [
            name
            for name, entry in escalation_actions().items()
            if entry.outcome in wanted and (scope or entry.reach != "*")
        ]
        mask = known.mask(names)
        return Giving(mask & writers, mask & known.data)

    running = outcomes("run-as-identity", "run-code", "identity-attach")
    credentials = outcomes("credential")
    named = known.where(reads_credentials)
    return MappingProxyType(
        {
            Power.GRANT_ACCESS: Giving(known.mask(GRANTING)),
            Power.WRITE_ROLE_ASSIGNMENTS: Giving(known.mask([f"{_AUTHORIZATION}/roleassignments/write"])),
            Power.DEFINE_ROLES: Giving(known.mask([f"{_AUTHORIZATION}/roledefinitions/write"])),
            Power.ELEVATE_ACCESS: Giving(known.mask([f"{_AUTHORIZATION}/elevateaccess/action"])),
            Power.ASSIGN_IDENTITY: Giving(attaching),
            Power.FEDERATE_IDENTITY: Giving(known.mask([f"{_IDENTITY}/federatedidentitycredentials/write"])),
            # Attaching alone runs nothing; it is a power of its own.
            Power.RUN_CODE: Giving(running.control & ~attaching & ~starting, running.data),
            Power.GRANT_SERVICE_ACCESS: outcomes("grant-rights", scope=False),
            Power.DATA_ACCESS: Giving(0, known.data & ~metadata),
            # A user delegation key opens no more than its holder's own data actions do.
            Power.READ_CREDENTIALS: Giving(
                (credentials.control | named & writers) & ~as_caller,
                (credentials.data | named & known.data) & ~as_caller,
            ),
            Power.CHANGE: Giving(writers, publishers),
            Power.READ: Giving(known.control & readers, known.data & readers | metadata & ~publishers),
        }
    )


def is_metadata(name: str) -> bool:
    """Whether a data operation outside customers' data only reads (names, dates), by its recorded reason."""
    return NOT_CUSTOMER_DATA[name].startswith(("reads", "searches", "asks"))


class Breadth(NamedTuple):
    """What the powers decided by breadth are measured against."""

    writes: int
    data_by_provider: tuple[int, ...]

    def write_share(self, effective: int) -> float:
        """The share of all known control plane writes, 0 to 1."""
        return (effective & self.writes).bit_count() / self.writes.bit_count()

    def data_share(self, effective: int) -> float:
        """The share of providers with data in which at least one data operation remains, 0 to 1."""
        reached = sum(1 for provider in self.data_by_provider if effective & provider)
        return reached / len(self.data_by_provider)


@cache
def breadth() -> Breadth:
    """The measures over the shipped operations."""
    known = operations()
    data = operations_giving()[Power.DATA_ACCESS].data
    return Breadth(
        writes=known.where(lambda name: name.endswith("/write")) & known.control,
        data_by_provider=_by_provider(known, data),
    )


def _by_provider(known: Operations, data: int) -> tuple[int, ...]:
    providers = sorted({name.partition("/")[0] for name in known.names})
    masks = (known.covered(f"{provider}/*") & data for provider in providers)
    return tuple(mask for mask in masks if mask)
