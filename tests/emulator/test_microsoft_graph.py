"""The four reads of Microsoft Graph."""

from __future__ import annotations

import pytest

from scanner.emulator.behaviour import Behaviour

ADVANCED = {"ConsistencyLevel": "eventual"}
MANAGED = "/v1.0/servicePrincipals?$filter=servicePrincipalType eq 'ManagedIdentity'&$count=true"


@pytest.fixture
def caller(start, contoso):
    return start(contoso)


@pytest.fixture
def oid(contoso):
    by_name = {p.name: p.id for p in contoso.principals.values()}
    return lambda name: by_name[name]


def test_deleted_objects_are_left_out_without_a_word(caller, contoso, oid):
    deleted = next(
        row["properties"]["principalId"]
        for row in contoso.rows("microsoft.authorization/roleassignments")
        if row["properties"]["principalId"] not in contoso.principals
    )
    ids = [oid("id-shop-web"), deleted, oid("platform-oncall"), oid("shop-operators").upper()]
    answer = caller.ask("POST", "/v1.0/directoryObjects/getByIds", {"ids": ids}).json["value"]
    assert [(o["@odata.type"], o["displayName"]) for o in answer] == [
        ("#microsoft.graph.servicePrincipal", "id-shop-web"),
        ("#microsoft.graph.user", "platform-oncall"),
        ("#microsoft.graph.group", "shop-operators"),
    ]
    only = {"ids": ids, "types": ["servicePrincipal"]}
    assert [
        o["displayName"] for o in caller.ask("POST", "/v1.0/directoryObjects/getByIds", only).json["value"]
    ] == ["id-shop-web"]
    none = {"ids": [deleted], "types": ["servicePrincipal"]}
    assert caller.ask("POST", "/v1.0/directoryObjects/getByIds", none).json["value"] == []


def test_objects_by_id_come_all_at_once(start, contoso):
    caller = start(contoso, behaviour=Behaviour(page_size=2))
    ids = sorted(contoso.principals)[:7]
    answer = caller.ask("POST", "/v1.0/directoryObjects/getByIds", {"ids": ids}).json
    assert [entry["id"] for entry in answer["value"]] == ids
    assert set(answer) == {"@odata.context", "value"}


@pytest.mark.parametrize("body", [{"ids": ["x"] * 1001}, {"ids": "x"}, {"ids": [1]}, {}])
def test_bad_lists_of_ids_are_refused(caller, body):
    answer = caller.ask("POST", "/v1.0/directoryObjects/getByIds", body)
    assert (answer.status, answer.code) == (400, "Request_BadRequest")


def test_managed_identities_come_in_pages_with_the_bridge_to_arm(caller, contoso):
    found = []
    path = f"{MANAGED}&$top=20&$select=id,displayName,alternativeNames"
    while path:
        answer = caller.ask("GET", path, **ADVANCED).json
        found += answer["value"]
        path = answer.get("@odata.nextLink", "")
    expected = [p for p in contoso.principals.values() if p.service_principal_type == "ManagedIdentity"]
    assert [entry["id"] for entry in found] == [p.id for p in expected]
    assert set(found[0]) == {"@odata.type", "id", "displayName", "alternativeNames"}
    explicit = {entry["displayName"]: entry["alternativeNames"] for entry in found}
    assert explicit["id-shop-web"][0] == "isExplicit=True"
    assert explicit["vm-jump"][0] == "isExplicit=False"
    assert explicit["vm-jump"][1].endswith("/virtualMachines/vm-jump")


def test_the_advanced_query_needs_its_header_and_count(caller):
    assert caller.get(MANAGED).code == "Request_UnsupportedQuery"
    uncounted = MANAGED.removesuffix("&$count=true")
    assert caller.get(uncounted, **ADVANCED).code == "Request_UnsupportedQuery"
    assert caller.get(f"{MANAGED}&$top=1000", **ADVANCED).code == "Request_UnsupportedQuery"
    assert caller.get(f"{MANAGED}&$top=x", **ADVANCED).code == "Request_UnsupportedQuery"


def test_app_roles_of_an_identity(caller, oid):
    path = f"/v1.0/servicePrincipals/{oid('id-reporting')}/appRoleAssignments"
    held = caller.get(path).json["value"]
    assert [(r["appRoleId"], r["resourceDisplayName"]) for r in held] == [
        ("df021288-bdef-4463-88db-98f22de89214", "Microsoft Graph")
    ]
    assert caller.get(f"/v1.0/servicePrincipals/{oid('id-midas')}/appRoleAssignments").json["value"] == []


def test_groups_directly_and_through_groups(caller, oid):
    path = f"/v1.0/servicePrincipals/{oid('id-data-loader')}/transitiveMemberOf"
    assert [g["displayName"] for g in caller.get(path).json["value"]] == ["data-automation", "log-readers"]
    missing = caller.get("/v1.0/servicePrincipals/11111111-2222-4333-8444-555555555555/transitiveMemberOf")
    assert (missing.status, missing.code) == (404, "Request_ResourceNotFound")
