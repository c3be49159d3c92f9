"""The providers behind ARM through the real clients."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient

from scanner.emulator import Behaviour


@pytest.fixture
def msi(start, contoso, sdk, subscription):
    caller = start(contoso, behaviour=Behaviour(page_size=3))
    with ManagedServiceIdentityClient(
        subscription_id=subscription("shop-prod"), **sdk(caller.emulator)
    ) as client:
        yield client, caller


@pytest.fixture
def authorization(start, contoso, sdk, subscription):
    caller = start(contoso, behaviour=Behaviour(page_size=4))
    with AuthorizationManagementClient(
        subscription_id=subscription("shop-prod"), **sdk(caller.emulator)
    ) as client:
        yield client, caller


def test_identities_of_a_subscription_over_several_pages(msi, contoso, subscription):
    client, caller = msi
    found = list(client.user_assigned_identities.list_by_subscription())
    assert [i.name for i in found] == [
        row["name"] for key, row in contoso.identities.items() if subscription("shop-prod") in key
    ]
    assert "/resourcegroups/" in found[0].id
    links = [r for r in caller.emulator.requests if "skiptoken" in r.query]
    assert len(links) == -(-len(found) // 3) - 1


def test_identities_of_a_resource_group(msi):
    client, _ = msi
    found = client.user_assigned_identities.list_by_resource_group("RG-SHOP-APPS")
    assert [(i.name, i.isolation_scope) for i in found] == [
        ("id-shop-orders", "Regional"),
        ("id-checkout", "None"),
    ]


def test_one_identity_and_one_that_is_not_there(msi, contoso):
    client, _ = msi
    found = client.user_assigned_identities.get("rg-shop-web", "ID-SHOP-WEB")
    row = next(r for r in contoso.identities.values() if r["name"] == "id-shop-web")
    assert found.principal_id == row["properties"]["principalId"]
    with pytest.raises(ResourceNotFoundError):
        client.user_assigned_identities.get("rg-shop-web", "id-gone")


def test_federated_credentials_one_identity_at_a_time(msi):
    client, _ = msi
    found = list(client.federated_identity_credentials.list("rg-shop-web", "id-github-shop"))
    assert [(c.name, c.subject, c.audiences) for c in found] == [
        ("main", "repo:contoso/shop:ref:refs/heads/main", ["api://AzureADTokenExchange"]),
        ("pull-requests", "repo:contoso/shop:pull_request", ["api://AzureADTokenExchange"]),
    ]
    one = client.federated_identity_credentials.get("rg-shop-web", "id-github-shop", "MAIN")
    assert one.name == "main"
    with pytest.raises(ResourceNotFoundError):
        client.federated_identity_credentials.get("rg-shop-web", "id-github-shop", "nightly")
    pages = client.federated_identity_credentials.list("rg-shop-web", "id-github-shop", top=1).by_page()
    assert [[c.name for c in page] for page in pages] == [["main"], ["pull-requests"]]


def test_flexible_credential_has_no_subject_in_the_stable_version_and_its_expression_in_a_preview(
    start, contoso
):
    caller = start(contoso)
    identity = next(key for key in contoso.identities if key.endswith("/id-github-platform"))
    path = f"{identity}/federatedIdentityCredentials?api-version="
    stable = caller.get(f"{path}2024-11-30").json["value"][1]["properties"]
    preview = caller.get(f"{path}2025-01-31-preview").json["value"][1]["properties"]
    assert set(stable) == {"issuer", "audiences"}
    assert preview["claimsMatchingExpression"]["value"].endswith("'repo:contoso/platform:ref:refs/heads/*'")


def test_system_assigned_identity_of_a_resource(msi, contoso):
    client, _ = msi
    row = next(r for r in contoso.rows("microsoft.sql/servers") if r["name"] == "sql-contoso-shop")
    assert (
        client.system_assigned_identities.get_by_scope(row["id"]).principal_id
        == row["identity"]["principalId"]
    )
    without = next(r for r in contoso.rows("microsoft.web/serverfarms"))
    with pytest.raises(ResourceNotFoundError):
        client.system_assigned_identities.get_by_scope(without["id"])


def test_associated_resources_need_more_than_reader(start, contoso):
    identity = next(row for row in contoso.identities.values() if row["name"] == "id-monitor-agent")
    path = f"{identity['id']}/listAssociatedResources?api-version=2022-01-31-preview"
    refused = start(contoso).ask("POST", path)
    assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    assert "listAssociatedResources/action" in refused.json["error"]["message"]
    allowed = start(contoso, behaviour=Behaviour(associated_resources=True)).ask("POST", path).json
    assert [entry["name"] for entry in allowed["value"]] == ["vm-shop-print", "vm-data-notebook"]
    assert allowed["totalCount"] == 2


def names(rows, contoso):
    by_id = {p.id: p.name for p in contoso.principals.values()}
    return {by_id.get(r.principal_id, "deleted") for r in rows}


def test_role_assignments_of_a_subscription_include_what_is_inherited(authorization, contoso):
    client, _ = authorization
    found = list(client.role_assignments.list_for_subscription())
    assert {"id-midas", "platform-oncall", "deploy-diagnostics", "id-shop-web", "deleted"} <= names(
        found, contoso
    )
    assert "id-data-loader" not in names(found, contoso)


def test_at_scope_is_the_scope_and_above(authorization, contoso, subscription):
    client, _ = authorization
    scope = f"/subscriptions/{subscription('shop-prod')}"
    found = list(client.role_assignments.list_for_scope(scope, filter="atScope()"))
    assert names(found, contoso) == {
        "id-midas", "platform-oncall", "deploy-diagnostics", "id-onboarding", "terraform-legacy"
    }  # fmt: skip


def test_filters_by_principal_and_through_groups(authorization, contoso, subscription):
    client, _ = authorization
    orders = next(r for r in contoso.identities.values() if r["name"] == "id-shop-orders")["properties"][
        "principalId"
    ]
    direct = list(client.role_assignments.list_for_subscription(filter=f"principalId eq '{orders}'"))
    assigned = list(client.role_assignments.list_for_subscription(filter=f"assignedTo('{orders}')"))
    assert names(direct, contoso) == {"id-shop-orders"}
    assert names(assigned, contoso) == {"id-shop-orders", "shop-operators"}
    with pytest.raises(HttpResponseError) as caught:
        list(client.role_assignments.list_for_subscription(filter="color eq 'red'"))
    assert caught.value.error.code == "InvalidFilter"


def test_management_group_list_does_not_descend(authorization, contoso):
    client, _ = authorization
    scope = "/providers/Microsoft.Management/managementGroups/landing-zones"
    found = list(client.role_assignments.list_for_scope(scope))
    assert names(found, contoso) == {"deploy-diagnostics", "id-midas", "platform-oncall"}


def test_root_scope_is_closed_unless_switched(start, contoso, sdk, subscription):
    for readable in (False, True):
        emulator = start(contoso, behaviour=Behaviour(root_readable=readable)).emulator
        with AuthorizationManagementClient(
            subscription_id=subscription("platform"), **sdk(emulator)
        ) as client:
            if readable:
                assert names(client.role_assignments.list_for_scope("/"), contoso) == {"platform-oncall"}
            else:
                with pytest.raises(HttpResponseError) as caught:
                    list(client.role_assignments.list_for_scope("/"))
                assert caught.value.error.code == "AuthorizationFailed"


def test_role_definitions_custom_ones_at_and_below(authorization, subscription):
    client, _ = authorization
    custom = "type eq 'CustomRole'"
    scope = f"/subscriptions/{subscription('shop-prod')}"
    assert [r.role_name for r in client.role_definitions.list(scope, filter=custom)] == [
        "Contoso Machine Starter"
    ]
    group = "/providers/Microsoft.Management/managementGroups/platform"
    assert list(client.role_definitions.list(group, filter=custom)) == []
    owner = next(iter(client.role_definitions.list(scope, filter="roleName eq 'Owner'")))
    assert (owner.name, owner.role_type) == ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "BuiltInRole")
    assert owner.permissions[0].actions == ["*"]


def test_conditions_inside_a_role_are_shown_by_the_preview_only(start, contoso, subscription):
    caller = start(contoso)
    path = (
        f"/subscriptions/{subscription('platform')}/providers/Microsoft.Authorization/roleDefinitions/"
        "8b54135c-b56d-4d72-a534-26097cfdc8d8?api-version="
    )
    stable, preview = (caller.get(path + version).json for version in ("2022-04-01", "2022-05-01-preview"))
    assert not any("condition" in entry for entry in stable["properties"]["permissions"])
    assert any("condition" in entry for entry in preview["properties"]["permissions"])


def test_deny_assignments_at_and_below(authorization, contoso):
    client, _ = authorization
    found = list(client.deny_assignments.list())
    assert [d.deny_assignment_name for d in found] == ["Deny assignment of deployment stack shop-data"]
    assert found[0].permissions[0].actions == ["*/delete"]
    pipeline = next(p for p in contoso.principals.values() if p.name == "id-github-shop")
    assert [p.id for p in found[0].exclude_principals] == [pipeline.id]


def test_pim_schedules_and_instances(authorization, contoso, subscription):
    client, _ = authorization
    scope = f"/subscriptions/{subscription('shop-prod')}"
    eligible = list(client.role_eligibility_schedule_instances.list_for_scope(scope))
    assert names(eligible, contoso) == {"shop-operators"}
    assert eligible[0].member_type == "Group"
    orders = next(r for r in contoso.identities.values() if r["name"] == "id-shop-orders")["properties"][
        "principalId"
    ]
    through = list(client.role_eligibility_schedules.list_for_scope(scope, filter=f"assignedTo('{orders}')"))
    assert [s.id.split("/")[-2] for s in through] == ["roleEligibilitySchedules"]
    data = f"/subscriptions/{subscription('data-prod')}"
    active = list(client.role_assignment_schedule_instances.list_for_scope(data))
    assert (names(active, contoso), active[0].assignment_type) == ({"data-lead"}, "Activated")
    assert [s.id.split("/")[-2] for s in client.role_assignment_schedules.list_for_scope(data)] == [
        "roleAssignmentSchedules"
    ]
    policies = list(client.role_management_policy_assignments.list_for_scope(scope))
    assert [p.role_definition_id for p in policies] == [eligible[0].role_definition_id]


def test_classic_administrators_and_usage(start, contoso, subscription, sdk):
    emulator = start(contoso).emulator
    with AuthorizationManagementClient(subscription_id=subscription("data-prod"), **sdk(emulator)) as client:
        found = list(client.classic_administrators.list())
        assert [(c.email_address, c.role) for c in found] == [("billing@contoso.example", "CoAdministrator")]
        metrics = client.role_assignment_metrics.get_metrics_for_subscription()
        assert metrics.role_assignments_limit == 4000
        assert metrics.role_assignments_current_count + metrics.role_assignments_remaining_count == 4000


def test_management_groups_subscriptions_and_tenants(start, contoso, subscription):
    caller = start(contoso)
    base = "/providers/Microsoft.Management/managementGroups"
    version = "?api-version=2023-04-01"

    def listed(path):
        return {entry["name"] for entry in caller.get(path).json["value"]}

    assert listed(base + version) == {contoso.tenant_id, "landing-zones", "platform"}
    assert (
        caller.get(f"{base}/PLATFORM{version}").json["properties"]["details"]["parent"]["name"]
        == contoso.tenant_id
    )
    assert listed(f"{base}/landing-zones/descendants{version}") == {
        subscription("shop-prod"),
        subscription("data-prod"),
    }
    assert listed(f"{base}/platform/subscriptions{version}") == {subscription("platform")}
    assert caller.get(f"{base}/nowhere{version}").status == 404
    entities = caller.ask("POST", f"/providers/Microsoft.Management/getEntities{version}").json["value"]
    assert {e["name"] for e in entities} >= {"platform", subscription("platform")}
    shop = caller.get(f"/subscriptions/{subscription('shop-prod')}?api-version=2022-12-01").json
    assert shop["displayName"] == "Contoso Shop Production"
    missing = caller.get("/subscriptions/11111111-2222-4333-8444-555555555555?api-version=2022-12-01")
    assert (missing.status, missing.code) == (404, "SubscriptionNotFound")
    assert caller.get("/tenants?api-version=2022-12-01").json["value"][0]["tenantId"] == contoso.tenant_id


def test_single_assignments_and_what_does_not_exist(start, contoso, subscription):
    caller = start(contoso)
    row = next(
        r
        for r in contoso.rows("microsoft.authorization/roleassignments")
        if r["properties"]["scope"] == f"/subscriptions/{subscription('data-prod')}"
    )
    found = caller.get(f"{row['id']}?api-version=2022-04-01").json
    assert (found["type"], found["properties"]) == (
        "Microsoft.Authorization/roleAssignments",
        row["properties"],
    )
    base = f"/subscriptions/{subscription('data-prod')}/providers/Microsoft.Authorization"
    codes = {
        f"{base}/roleAssignments/none?api-version=2022-04-01": "RoleAssignmentNotFound",
        f"{base}/roleDefinitions/none?api-version=2022-04-01": "RoleDefinitionDoesNotExist",
        f"{base}/roleDefinitions?$filter=colour eq 'red'&api-version=2022-04-01": "InvalidFilter",
        "/providers/Microsoft.Management/managementGroups/none/providers/Microsoft.Authorization/roleAssignments"
        "?api-version=2022-04-01": "AuthorizationFailed",
        "/nowhere/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01": "InvalidRequestUri",
    }
    assert {path: caller.get(path).code for path in codes} == codes


def test_schedules_filtered_as_target_and_denials_by_name(start, contoso, subscription):
    caller = start(contoso)
    base = f"/subscriptions/{subscription('shop-prod')}/providers/Microsoft.Authorization"
    mine = caller.get(f"{base}/roleEligibilityScheduleInstances?$filter=asTarget()&api-version=2020-10-01")
    assert mine.json["value"] == []
    named = "Deny assignment of deployment stack shop-data"
    for name, expected in ((named, [named]), ("other", [])):
        path = f"{base}/denyAssignments?$filter=denyAssignmentName eq '{name}'&api-version=2022-04-01"
        assert [d["properties"]["denyAssignmentName"] for d in caller.get(path).json["value"]] == expected
