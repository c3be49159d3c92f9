"""The tenants that ship: whole, told as the comments say, and answering everywhere."""

from __future__ import annotations

import re

import pytest

from scanner.emulator import load_tenant
from scanner.emulator.kql import TABLES
from scanner.emulator.tenant import TENANTS

RULES = (
    [f"MI1{n:02}" for n in range(1, 10)]
    + [f"MI2{n:02}" for n in range(1, 11)]
    + [f"MI3{n:02}" for n in range(1, 6)]
)


@pytest.mark.parametrize("name", ["contoso", "messy"])
def test_every_endpoint_answers(start, name):
    tenant = load_tenant(name)
    caller = start(tenant)
    for table in TABLES:
        assert caller.query(f"{table} | project id, name, type, properties, identity, tags").status == 200, (
            table
        )
    for key, subscription in tenant.hierarchy.subscriptions.items():
        scope = f"/subscriptions/{subscription.id}/providers"
        readable = 403 if key in tenant.refused else 200
        licensed = readable if tenant.pim_licensed or readable == 403 else 400
        expected = {
            f"{scope}/Microsoft.ManagedIdentity/userAssignedIdentities?api-version=2024-11-30": readable,
            f"{scope}/Microsoft.Authorization/roleAssignments?api-version=2022-04-01": readable,
            f"{scope}/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01": readable,
            f"{scope}/Microsoft.Authorization/denyAssignments?api-version=2022-04-01": readable,
            f"{scope}/Microsoft.Authorization/classicAdministrators?api-version=2015-07-01": readable,
            f"{scope}/Microsoft.Authorization/roleEligibilityScheduleInstances?api-version=2020-10-01": licensed,
            f"{scope}/Microsoft.Authorization/roleAssignmentScheduleInstances?api-version=2020-10-01": licensed,
        }
        assert {path: caller.get(path).status for path in expected} == expected
    for identity, row in tenant.identities.items():
        status = caller.get(f"{identity}/federatedIdentityCredentials?api-version=2024-11-30").status
        assert status == (403 if row["subscriptionId"] in tenant.refused else 200)
    directory = caller.ask("POST", "/v1.0/directoryObjects/getByIds", {"ids": [tenant.caller.object_id]})
    assert directory.status == (200 if tenant.graph else 403)
    assert caller.emulator.writes == []


def test_contoso_shows_both_sides_of_every_rule():
    text = (TENANTS / "contoso.toml").read_text(encoding="utf-8")
    comments = " ".join(
        line.strip().lstrip("#").strip() if line.strip().startswith("#") else "\n"
        for line in text.splitlines()
    )
    sides: dict[str, set[str]] = {code: set() for code in RULES}
    for codes, side in re.findall(r"((?:MI\d{3}(?:, | and )?)+) (bad|good)", comments):
        for code in re.findall(r"MI\d{3}", codes):
            sides[code].add(side)
    assert {code: both for code, both in sides.items() if both != {"bad", "good"}} == {}


def test_contoso_has_the_eight_custom_roles(contoso):
    roles = {
        row["properties"]["roleName"]: [
            {key: value for key, value in entry.items() if value}
            for entry in row["properties"]["permissions"]
        ]
        for row in contoso.rows("microsoft.authorization/roledefinitions")
        if row["properties"]["type"] == "CustomRole"
    }
    assert list(roles.values())[:8] == [
        [{"actions": ["*"]}],
        [{"actions": ["Microsoft.RecoveryServices/vaults/read"]}, {"actions": ["*"]}],
        [{"actions": ["Microsoft.Authorization/*"]}],
        [{"actions": ["Microsoft.Authorization/roleAssignments/write"]}],
        [{"actions": ["*/read"]}],
        [{"dataActions": ["*"]}],
        [
            {
                "actions": ["*"],
                "notActions": [
                    "Microsoft.Authorization/*/Write",
                    "Microsoft.Authorization/*/Delete",
                    "Microsoft.Authorization/elevateAccess/Action",
                ],
            }
        ],
        [{"actions": ["*/write"]}],
    ]


def test_contoso_holds_what_only_some_services_show(contoso):
    assert {row["name"] for row in contoso.tables["policyresources"]} == {
        "deploy-diagnostics",
        "inherit-tags",
    }
    assert [row["name"] for row in contoso.tables["batchresources"]] == ["nightly"]
    assert [row["name"] for row in contoso.tables["kustoresources"]] == ["events"]
    assert [row["name"] for row in contoso.tables["kubernetesconfigurationresources"]] == ["flux"]
    cluster = next(
        r for r in contoso.rows("microsoft.containerservice/managedclusters") if r["name"] == "aks-platform"
    )
    kubelet = cluster["properties"]["identityProfile"]["kubeletidentity"]
    agent = next(r for r in contoso.identities.values() if r["name"] == "aks-platform-agentpool")
    assert (kubelet["resourceId"], kubelet["objectId"]) == (agent["id"], agent["properties"]["principalId"])
    flux = contoso.tables["kubernetesconfigurationresources"][0]
    assert flux["id"].startswith(f"{cluster['id']}/providers/Microsoft.KubernetesConfiguration/")


def test_messy_spells_identity_type_in_every_way(start, messy):
    rows = start(messy).query("resources | project id, identity").json["data"]
    spelled = {row["identity"].get("type") for row in rows if row["identity"] is not None}
    assert {str(kind) for kind in spelled} == {
        "None", "7", "SystemAssigned", "systemassigned", "SYSTEMASSIGNED", "UserAssigned",
        "SystemAssigned,UserAssigned", "SystemAssigned, UserAssigned", "SystemAndUserAssigned",
        "SystemAssignedUserAssigned",
    }  # fmt: skip
    assert None in spelled


def test_messy_keeps_hostile_text_as_it_is(start, messy):
    caller = start(messy)
    rows = {row["name"]: row for row in caller.query("resources | project id, name, tags").json["data"]}
    assert rows["id-long"]["tags"]["long"] == "x" * 10_000
    assert rows["id-ansi"]["tags"]["lines"] == "first\nsecond\r\nthird\ttab"
    assert rows["id-bidi"]["tags"]["nul"] == "before\x00after"
    names = {row["name"] for row in caller.query("resourcecontainers | project id, name").json["data"]}
    assert 'Open & <img src=x onerror=alert(1)> "quoted"' in names
    assert "Closed" not in names


def test_messy_says_nothing_about_the_refused_subscription(start, messy):
    caller = start(messy)
    closed = next(iter(messy.refused))
    attached = caller.query("resources | where name == 'app-points-to-closed' | project id, identity").json[
        "data"
    ]
    assert closed in next(iter(attached[0]["identity"]["userAssignedIdentities"]))
    assert caller.ids(f"resources | where subscriptionId =~ '{closed}' | project id") == []
    refused = caller.query("resources | project id", subscriptions=[closed])
    assert (refused.status, refused.code) == (403, "AccessDenied")
