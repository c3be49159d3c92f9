"""Terraform state: which Azure resource each address is. Ids are all that is taken from it, for it holds secrets.

Two forms are read: the state file itself (version 4: ``terraform.tfstate``, or what ``terraform state pull`` prints),
and the JSON of ``terraform show -json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

_STATE_VERSION = 4
_DEEPEST = 60
"""Modules within modules."""
_PULL = "give the file that `terraform state pull` prints"


class StateError(Exception):
    """A file that is no Terraform state: the message says why and what to do."""


def read_state(data: bytes) -> dict[str, str]:
    """Return the ARM id of every address, as Terraform writes it: ``module.app["a"].azurerm_key_vault.this[0]``.

    What has no ARM id (a random name, an Entra object) is left out. Raises :class:`StateError`.
    """
    if not data.strip():
        raise StateError(f"is empty: {_PULL}")
    try:
        state = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(f"is not JSON ({error}): {_PULL}") from error
    if not isinstance(state, dict):
        raise StateError(f"is no Terraform state: {_PULL}")
    if "format_version" in state and "planned_values" not in state:
        values = state.get("values")  # nothing is there of a state that holds nothing
        found = _shown(values.get("root_module") if isinstance(values, dict) else None, 0)
    elif "encrypted_data" in state:
        raise StateError(
            "is encrypted by OpenTofu: give the file that `tofu state pull` prints, which is not"
        )
    elif isinstance(state.get("backend"), dict):
        raise StateError(f"only says where the state is kept, which is elsewhere: {_PULL}")
    elif "version" in state and state["version"] != _STATE_VERSION:
        raise StateError(
            f"is a Terraform state of version {_version(state['version'])}, Midas reads {_STATE_VERSION}: "
            "let a current Terraform write it again"
        )
    elif isinstance(state.get("resources"), list) and "version" in state:
        found = _stored(state["resources"])
    elif "planned_values" in state:
        raise StateError(
            "is a plan: Midas reads it as what it checks; a state is what `terraform state pull` prints"
        )
    else:
        raise StateError(f"is no Terraform state: {_PULL}")
    return {address: arm_id for address, arm_id in found if arm_id.startswith("/")}


def _version(value: Any) -> str:
    return str(value) if isinstance(value, int) else "another kind"


def _stored(resources: list[Any]) -> Iterator[tuple[str, str]]:
    for resource in resources:
        if not isinstance(resource, Mapping) or not isinstance(resource.get("instances"), list):
            continue
        module, mode = resource.get("module"), resource.get("mode")
        prefix = f"{module}." if isinstance(module, str) and module else ""
        address = f"{prefix}{'data.' if mode == 'data' else ''}{resource.get('type')}.{resource.get('name')}"
        for instance in resource["instances"]:
            if isinstance(instance, Mapping):
                arm_id = _id_in(instance.get("attributes"))
                if arm_id is not None:
                    yield address + _index(instance.get("index_key")), arm_id


def _shown(module: Any, depth: int) -> Iterator[tuple[str, str]]:
    if not isinstance(module, Mapping) or depth > _DEEPEST:
        return
    for resource in _listed(module.get("resources")):
        address, arm_id = resource.get("address"), _id_in(resource.get("values"))
        if isinstance(address, str) and arm_id is not None:
            yield address, arm_id
    for child in _listed(module.get("child_modules")):
        yield from _shown(child, depth + 1)


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _id_in(attributes: Any) -> str | None:
    value = attributes.get("id") if isinstance(attributes, Mapping) else None
    # A role assignment across tenants carries the other tenant behind a bar.
    return value.partition("|")[0] if isinstance(value, str) else None


def _index(key: Any) -> str:
    if isinstance(key, str):
        return "[" + msgspec.json.encode(key).decode() + "]"
    return f"[{key}]" if isinstance(key, int) else ""
