"""Which ARM resource types can have a managed identity, and which of them are compute.

`data/identity_types.json` is made by `python -m scanner.catalog.compile` from the published resource types.
Types are lower-case everywhere, as Resource Graph gives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import msgspec

from scanner.catalog.data_files import data


class IdentityType(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One resource type with a top-level `identity`.

    `system`, `user`: the kinds of managed identity it accepts. `read_only`: the identity is made by the service
    and cannot be set. `paths`: writable properties elsewhere in the resource whose name speaks of an identity, as
    published (`[]` an array, `{}` any key). A type with neither kind stands here for its paths alone.
    """

    type: str
    system: bool = False
    user: bool = False
    read_only: bool = False
    paths: tuple[str, ...] = ()


class IdentityTypeFile(msgspec.Struct, frozen=True):
    """The shape of `data/identity_types.json`."""

    schema: int
    date: str
    sources: tuple[str, ...]
    types: tuple[IdentityType, ...]


@cache
def identity_type_file() -> IdentityTypeFile:
    """The shipped file with its date and sources."""
    raw = data("identity_types.json")
    return msgspec.json.decode(raw, type=IdentityTypeFile)


@cache
def identity_types() -> Mapping[str, IdentityType]:
    """All of them by type (lower-case)."""
    return MappingProxyType({entry.type: entry for entry in identity_type_file().types})


def can_have_identity(resource_type: str) -> bool:
    """Whether a resource of the type (any case) can be given a managed identity."""
    entry = identity_types().get(resource_type.lower())
    return entry is not None and (entry.system or entry.user) and not entry.read_only


def compute_reason(resource_type: str) -> str | None:
    """Why a resource of the type runs its owner's code or calls other services; None if it is not compute.

    For the rule about compute that has no identity: only there is a missing identity a sign that a key or a
    password is used instead.
    """
    return COMPUTE_TYPES.get(resource_type.lower())


_OWN_CODE = "runs its owner's code, which signs in to other services"
_WORKFLOW = "calls other services on its owner's behalf"
_CLUSTER = "its nodes and add-ons call Azure: registries, disks, load balancers"
COMPUTE_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "microsoft.compute/virtualmachines": _OWN_CODE,
        "microsoft.compute/virtualmachinescalesets": _OWN_CODE,
        "microsoft.web/sites": _OWN_CODE,
        "microsoft.web/sites/slots": _OWN_CODE,
        "microsoft.web/staticsites": "its managed functions and Key Vault references sign in to other services",
        "microsoft.app/containerapps": _OWN_CODE,
        "microsoft.app/jobs": _OWN_CODE,
        "microsoft.app/sessionpools": _OWN_CODE,
        "microsoft.containerinstance/containergroups": _OWN_CODE,
        "microsoft.containerservice/managedclusters": _CLUSTER,
        "microsoft.redhatopenshift/openshiftclusters": _CLUSTER,
        "microsoft.logic/workflows": _WORKFLOW,
        "microsoft.automation/automationaccounts": "its runbooks sign in to other services",
        "microsoft.datafactory/factories": "its pipelines read and write other services",
        "microsoft.synapse/workspaces": "its pipelines and pools read and write other services",
        "microsoft.batch/batchaccounts": "its pools run its owner's code",
        "microsoft.batch/batchaccounts/pools": _OWN_CODE,
        "microsoft.appplatform/spring/apps": _OWN_CODE,
        "microsoft.machinelearningservices/workspaces": "its jobs read data and registries",
        "microsoft.machinelearningservices/workspaces/computes": _OWN_CODE,
        "microsoft.machinelearningservices/workspaces/onlineendpoints": "its scoring code signs in to services",
        "microsoft.machinelearningservices/workspaces/batchendpoints": "its scoring code signs in to services",
        "microsoft.databricks/accessconnectors": "lends its identity to Databricks clusters",
        "microsoft.hdinsight/clusters": _OWN_CODE,
        "microsoft.servicefabric/managedclusters/applications": _OWN_CODE,
        "microsoft.servicefabric/clusters/applications": _OWN_CODE,
        "microsoft.devopsinfrastructure/pools": "its agents run pipelines",
        "microsoft.resources/deploymentscripts": _OWN_CODE,
        "microsoft.streamanalytics/streamingjobs": "reads and writes other services",
        "microsoft.loadtestservice/loadtests": "its test scripts sign in to other services",
    }
)
