"""Terraform state: ids by address, in both forms, and nothing else of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scanner.sources.terraform.state import StateError, read_state

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app"


def stored(*resources: dict[str, Any], version: int = 4) -> bytes:
    return json.dumps({"version": version, "terraform_version": "1.11.0", "resources": resources}).encode()


def test_every_kind_of_address_in_a_state_file() -> None:
    state = stored(
        {
            "mode": "managed",
            "type": "azurerm_resource_group",
            "name": "app",
            "instances": [{"attributes": {"id": GROUP}}],
        },
        {
            "mode": "data",
            "type": "azurerm_subscription",
            "name": "current",
            "instances": [{"attributes": {"id": "/subscriptions/11111111-1111-1111-1111-111111111111"}}],
        },
        {
            "module": 'module.app["a"]',
            "mode": "managed",
            "type": "azurerm_key_vault",
            "name": "this",
            "instances": [
                {"index_key": 0, "attributes": {"id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/a0"}},
                {"index_key": "ä", "attributes": {"id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/a1"}},
            ],
        },
    )
    assert read_state(state) == {
        "azurerm_resource_group.app": GROUP,
        "data.azurerm_subscription.current": "/subscriptions/11111111-1111-1111-1111-111111111111",
        'module.app["a"].azurerm_key_vault.this[0]': f"{GROUP}/providers/Microsoft.KeyVault/vaults/a0",
        'module.app["a"].azurerm_key_vault.this["ä"]': f"{GROUP}/providers/Microsoft.KeyVault/vaults/a1",
    }


def test_what_show_prints() -> None:
    shown = {
        "format_version": "1.0",
        "values": {
            "root_module": {
                "resources": [{"address": "azurerm_resource_group.app", "values": {"id": GROUP}}],
                "child_modules": [
                    {
                        "resources": [
                            {"address": "module.x.azurerm_key_vault.v[0]", "values": {"id": f"{GROUP}/v"}}
                        ]
                    }
                ],
            }
        },
    }
    assert read_state(json.dumps(shown).encode()) == {
        "azurerm_resource_group.app": GROUP,
        "module.x.azurerm_key_vault.v[0]": f"{GROUP}/v",
    }


@pytest.mark.parametrize("data", [b'{"format_version": "1.0"}', stored(), b"\xef\xbb\xbf" + stored()])
def test_an_empty_state_holds_nothing(data: bytes) -> None:
    assert read_state(data) == {}


def test_nothing_but_ids_is_taken_from_a_state() -> None:
    secret = "".join(["cor", "rect"])
    state = stored(
        {
            "type": "azurerm_key_vault_secret",
            "name": "s",
            "instances": [
                {"attributes": {"id": f"https://kv.vault.azure.net/secrets/{secret}", "value": secret}}
            ],
        },
        {
            "type": "azurerm_key_vault",
            "name": "v",
            "instances": [{"attributes": {"id": GROUP, "key": secret}}],
        },
    )
    assert read_state(state) == {"azurerm_key_vault.v": GROUP}


def test_what_is_no_resource_of_azure_is_left_out_and_the_other_tenant_is_cut_off() -> None:
    assignment = f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/a"
    state = stored(
        {"mode": "managed", "type": "random_pet", "name": "p", "instances": [{"attributes": {"id": "cat"}}]},
        {
            "mode": "managed",
            "type": "azurerm_role_assignment",
            "name": "r",
            "instances": [{"attributes": {"id": f"{assignment}|22222222-2222-2222-2222-222222222222"}}],
        },
        {"mode": "managed", "type": "x", "name": "odd", "instances": [None, {"attributes": None}, {}]},
    )
    assert read_state(state) == {"azurerm_role_assignment.r": assignment}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b" \n", "is empty: give the file that `terraform state pull` prints"),
        (b"version https://git-lfs.github.com/spec/v1", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "no Terraform state"),
        (b'{"values": 3}', "no Terraform state"),
        (b'{"resources": []}', "no Terraform state"),
        (stored(version=3), "version 3"),
        (b'{"version": 3, "modules": []}', "version 3, Midas reads 4"),
        (b'{"version": {}, "resources": []}', "version another kind, Midas reads 4"),
        (
            b'{"version": 3, "backend": {"type": "azurerm"}}',
            "only says where the state is kept, which is elsewhere",
        ),
        (
            b'{"serial": 1, "encrypted_data": "AAAA", "encryption_version": "v0"}',
            "encrypted by OpenTofu: give",
        ),
        (b'{"format_version": "1.2", "planned_values": {}, "values": {}}', "is a plan"),
    ],
)
def test_what_is_no_state_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(StateError, match=said):
        read_state(data)
