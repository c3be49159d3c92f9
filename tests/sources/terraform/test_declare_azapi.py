"""Resources of azapi: in ARM's words already."""

from __future__ import annotations

from scanner.sources.declared.values import KeyRead, Object, Ref, Unknown
from scanner.sources.terraform.declare import declare
from tests.sources.terraform.declare_objects import absent, at, declared, ref, tf

GROUP = tf("azurerm_resource_group.main", name="rg", location="westeurope")
IDENTITY = tf(
    "azurerm_user_assigned_identity.app", name="app", resource_group_name="rg", location="westeurope"
)
SITE = {"name": "web", "resource_group_name": "rg", "service_plan_id": "plan"}


def test_azapi_is_in_arms_words_already() -> None:
    resource = tf(
        "azapi_resource.a",
        type="Microsoft.App/containerApps@2024-03-01",
        name="a",
        parent_id=ref("azurerm_resource_group.main.id"),
        location="westeurope",
        identity=[{"type": "UserAssigned", "identity_ids": [ref("azurerm_user_assigned_identity.app.id")]}],
        body={"properties": {"configuration": {"registries": [{"server": "r"}]}}},
    )
    made = declared(GROUP, IDENTITY, resource)
    app = made["azapi_resource.a"]
    assert (app.type, app.name) == ("microsoft.app/containerapps", "a")
    assert app.parent == Ref("azurerm_resource_group.main", ("id",), "azurerm_resource_group.main.id")
    assert at(app, "properties.configuration.registries.0.server") == "r"
    held = at(app, "identity.userAssignedIdentities")
    assert isinstance(held, Object)
    assert [one.target for one in held.names.values() if isinstance(one, Ref)] == [
        "azurerm_user_assigned_identity.app"
    ]


def test_azapi_text_bodies_outputs_updates_and_actions() -> None:
    made = declared(
        tf(
            "azapi_resource.a",
            type="Microsoft.App/jobs@1",
            name="a",
            parent_id="/p",
            body='{"properties": {"x": [1]}}',
        ),
        tf("azurerm_storage_account.s", name="s", resource_group_name="rg"),
        tf(
            "azapi_update_resource.u",
            type="Microsoft.Storage/storageAccounts@1",
            resource_id=ref("azurerm_storage_account.s.id"),
            body={"properties": {"allowSharedKeyAccess": False}},
        ),
        tf(
            "data.azapi_resource_action.k",
            type="Microsoft.Storage/storageAccounts@1",
            resource_id=ref("azurerm_storage_account.s.id"),
            action="listKeys",
        ),
        tf("output.key", value=ref("data.azapi_resource_action.k.output.keys[0].value")),
        tf("output.principal", value=ref("azapi_resource.a.output.identity.principalId")),
        tf(
            "data.azapi_resource.v",
            type="Microsoft.KeyVault/vaults@1",
            resource_id="/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v",
        ),
    )
    assert at(made["azapi_resource.a"], "properties.x") == [1]
    assert at(made["azurerm_storage_account.s"], "properties.allowSharedKeyAccess") is False
    key = at(made["output.key"], "value")
    assert isinstance(key, KeyRead)
    assert (key.service, key.operation) == ("microsoft.storage/storageaccounts", "listKeys")
    assert at(made["output.principal"], "value") == Ref(
        "azapi_resource.a", ("identity", "principalId"), "azapi_resource.a.output.identity.principalId"
    )
    vault = made["data.azapi_resource.v"]
    assert (vault.name, vault.parent, vault.existing) == ("v", "/subscriptions/s/resourceGroups/rg", True)


def test_an_azapi_type_that_is_not_known_is_a_gap() -> None:
    kind = Unknown("var.type", "the variable has no default")
    declarations, gaps = declare([tf("azapi_resource.a", type=kind, name="a")])
    assert declarations == []
    assert [(gap.reason, gap.detail) for gap in gaps] == [
        ("unresolved", "The type of this azapi_resource is not known.")
    ]


def test_an_update_by_name_adds_to_what_is_declared_under_that_name() -> None:
    site = {"type": "Microsoft.Web/sites@1", "parent_id": ref("azurerm_resource_group.main.id")}
    system = {"identity": {"type": "SystemAssigned"}}
    for name in ("web", ref("azapi_resource.site.name")):
        made = declared(
            GROUP,
            tf("azapi_resource.site", name="web", body={"kind": "app"}, **site),
            tf("azapi_resource.other", name="other", body={"kind": "app"}, **site),
            tf("azapi_update_resource.u", name=name, body=system, **site),
        )
        assert at(made["azapi_resource.site"], "identity.type") == "SystemAssigned"
        assert absent(made["azapi_resource.other"], "identity.type")
    elsewhere = tf("azapi_update_resource.u", name="web", body=system, **{**site, "parent_id": "/other"})
    made = declared(GROUP, tf("azapi_resource.site", name="web", body={}, **site), elsewhere)
    assert absent(made["azapi_resource.site"], "identity.type")
