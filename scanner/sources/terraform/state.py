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


class StateError(Exception):
    """A file that is no Terraform state: the message says why and what to do."""


def read_state(data: bytes) -> dict[str, str]:
    """Return the ARM id of every address, as Terraform writes it: ``module.app["a"].azurerm_key_vault.this[0]``.

    What has no ARM id (a random name, an Entra object) is left out. Raises :class:`StateError`.
    """
    try:
        state = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(
            f"is not JSON ({error}): give the file that `terraform state pull` prints"
        ) from error
    if not isinstance(state, dict):
        raise StateError("is no Terraform state: give the file that `terraform state pull` prints")
    if "format_version" in state and isinstance(state.get("values"), dict):
        found = _shown(state["values"].get("root_module"), 0)
    elif isinstance(state.get("resources"), list):
        if state.get("version") != _STATE_VERSION:
            raise StateError(
                f"is a Terraform state of version {state.get('version')!r}, Midas reads {_STATE_VERSION}: "
                "let a current Terraform write it again"
            )
        found = _stored(state["resources"])
    else:
        raise StateError("is no Terraform state: give the file that `terraform state pull` prints")
    return {address: arm_id for address, arm_id in found if arm_id.startswith("/")}


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
