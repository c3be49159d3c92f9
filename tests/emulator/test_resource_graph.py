"""Resource Graph as the real client and as a plain request see it."""

from __future__ import annotations

import base64
import json

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.resourcegraph import ResourceGraphClient

from scanner.emulator import Behaviour, generate, parse_scale

ASSIGNMENTS = (
    "authorizationresources | where type =~ 'Microsoft.Authorization/roleAssignments' "
    "| project id, name, properties, subscriptionId | order by id asc"
)


def body(query, **options):
    return json.dumps(
        {"query": query, "options": {"authorizationScopeFilter": "AtScopeAboveAndBelow", **options}}
    ).encode()


def test_the_sdk_pages_through_all_assignments_with_a_bytes_body(start, sdk):
    tenant = generate(parse_scale("3,20,450"))
    emulator = start(tenant).emulator
    seen = []
    with ResourceGraphClient(**sdk(emulator)) as client:
        options = {"$top": 100}
        while True:
            page = client.resources(
                body(ASSIGNMENTS, **options), api_version="2024-04-01", content_type="application/json"
            )
            assert page.result_truncated == "false"
            assert page.total_records == 450
            seen += [row["id"] for row in page.data]
            if not page.skip_token:
                break
            options["$skipToken"] = page.skip_token
    expected = sorted(row["id"] for row in tenant.rows("microsoft.authorization/roleassignments"))
    assert seen == expected
    assert {r.path for r in emulator.requests if r.method == "POST"} == {
        "/providers/Microsoft.ResourceGraph/resources"
    }


def test_skip_token_is_an_offset_in_base64_json(start, contoso):
    answer = start(contoso).query(ASSIGNMENTS, options={"$top": 7}).json
    token = json.loads(base64.b64decode(answer["$skipToken"]))
    assert (token["RowsToSkip"], token["MaxRows"]) == (7, 7)
    assert answer["resultTruncated"] == "false"
    assert answer["count"] == 7


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("resources | project name | order by name asc", "no id"),
        ("resources | project id=properties, name", "id is dynamic"),
        ("resources | project id | limit 20", "limit"),
        ("resources | project id | take 20", "take"),
    ],
)
def test_what_cannot_be_paged_is_truncated_and_says_so_as_a_string(start, contoso, query, why):
    answer = start(contoso).query(query, options={"$top": 5}).json
    assert answer["count"] == 5, why
    assert answer["resultTruncated"] == "true"
    assert "$skipToken" not in answer


def test_a_whole_answer_is_not_truncated_even_without_id(start, contoso):
    answer = start(contoso).query("resources | project name | limit 3").json
    assert (answer["count"], answer["resultTruncated"]) == (3, "false")


def test_top_above_a_thousand_gives_a_thousand(start):
    answer = start(generate(parse_scale("2,10,1100"))).query(
        ASSIGNMENTS, options={"$top": 5000, "authorizationScopeFilter": "AtScopeAboveAndBelow"}
    )
    assert (answer.json["count"], answer.json["totalRecords"]) == (1000, 1100)


def test_rows_have_azures_shape(start, contoso):
    caller = start(contoso)
    row = caller.query("Resources | where name == 'app-shop-front'").json["data"][0]
    assert row["type"] == "microsoft.web/sites"
    assert row["resourceGroup"] == "rg-shop-web"
    assert (row["managedBy"], row["sku"], row["tags"]) == ("", None, {"owner": "shop"})
    root = caller.query(ASSIGNMENTS + " | where properties.scope == '/'").json["data"][0]
    assert root["subscriptionId"] == ""
    assert root["id"].startswith("/providers/Microsoft.Authorization/")


@pytest.mark.parametrize(
    ("scope_filter", "version", "roles"),
    [
        (None, "2024-04-01", {"Machine Starter": True, "landing-zones": False, "root": False}),
        (
            "AtScopeAboveAndBelow",
            "2024-04-01",
            {"Machine Starter": True, "landing-zones": True, "root": True},
        ),
        ("AtScopeAndAbove", "2024-04-01", {"Machine Starter": False, "landing-zones": True, "root": True}),
        ("AtScopeExact", "2024-04-01", {"Machine Starter": False, "landing-zones": False, "root": False}),
        (
            "AtScopeAboveAndBelow",
            "2021-03-01",
            {"Machine Starter": True, "landing-zones": False, "root": False},
        ),
    ],
)
def test_scope_filter_decides_what_is_shown_above(start, contoso, subscription, scope_filter, version, roles):
    shop = subscription("shop-prod")
    options = {"authorizationScopeFilter": scope_filter} if scope_filter else {}
    path = f"/providers/Microsoft.ResourceGraph/resources?api-version={version}"
    asked = {"query": ASSIGNMENTS, "subscriptions": [shop.upper()], "options": options}
    rows = start(contoso).ask("POST", path, asked).json["data"]
    scopes = {row["properties"]["scope"] for row in rows}
    seen = {
        "Machine Starter": f"/subscriptions/{shop}/resourceGroups/rg-shop-legacy" in scopes,
        "landing-zones": "/providers/Microsoft.Management/managementGroups/landing-zones" in scopes,
        "root": "/" in scopes,
    }
    assert seen == roles
    assert (f"/subscriptions/{shop}" in scopes) is True
    assert not any("/managementGroups/platform" in scope for scope in scopes)


def test_management_group_scope_reaches_its_subscriptions_and_no_others(start, contoso, subscription):
    caller = start(contoso)
    names = caller.query("resources | project id, subscriptionId", managementGroups=["LANDING-ZONES"]).json[
        "data"
    ]
    assert {row["subscriptionId"] for row in names} == {subscription("shop-prod"), subscription("data-prod")}
    groups = caller.ids(
        "resourcecontainers | where type =~ 'microsoft.management/managementgroups' | project id",
        managementGroups=["landing-zones"],
    )
    assert groups == ["landing-zones"]


def test_subscription_row_has_its_chain_nearest_first(start, contoso, subscription):
    rows = (
        start(contoso)
        .query(
            "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' and name == 'Contoso Platform'"
        )
        .json["data"]
    )
    chain = rows[0]["properties"]["managementGroupAncestorsChain"]
    assert [link["name"] for link in chain] == ["platform", contoso.tenant_id]
    assert rows[0]["subscriptionId"] == subscription("platform")


def test_a_custom_role_is_seen_from_each_of_its_subscriptions(start, contoso, subscription):
    caller = start(contoso)
    query = (
        "authorizationresources | where type =~ 'microsoft.authorization/roledefinitions' "
        "| where tostring(properties.roleName) == 'Contoso Data Steward' | project id, name | order by id asc"
    )
    everywhere = caller.query(query).json["data"]
    places = {row["id"].split("/")[2]: row["name"] for row in everywhere}
    assert set(places) == {subscription("data-prod"), subscription("platform")}
    assert len(set(places.values())) == 1
    for key in ("data-prod", "platform"):
        rows = caller.query(query, subscriptions=[subscription(key)]).json["data"]
        assert [row["id"].split("/")[2] for row in rows] == [subscription(key)]
    assert caller.query(query, subscriptions=[subscription("shop-prod")]).json["data"] == []


def test_built_in_roles_are_shown_under_every_filter(start, contoso, subscription):
    owner = "authorizationresources | where name == '8e3af657-a8ff-443c-a75c-2fe8c4bcb635' | project id, properties"
    for chosen in ("AtScopeAndBelow", "AtScopeExact", "AtScopeAboveAndBelow"):
        rows = start(contoso).query(
            owner, subscriptions=[subscription("platform")], options={"authorizationScopeFilter": chosen}
        )
        assert [row["properties"]["roleName"] for row in rows.json["data"]] == ["Owner"]


def test_table_format_names_and_types_its_columns(start, contoso):
    answer = (
        start(contoso)
        .query("resources | where name == 'plan-shop' | project id, sku", options={"resultFormat": "table"})
        .json["data"]
    )
    assert answer["columns"] == [{"name": "id", "type": "string"}, {"name": "sku", "type": "object"}]
    assert answer["rows"][0][1] == {"name": "P1v3", "tier": "PremiumV3"}


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("nosuchtable | project id", ["InvalidQuery", "DisallowedLogicalTableName"]),
        ("resources | where == 1", ["InvalidQuery", "ParserFailure"]),
        ("resources | where nosuchcolumn == 1", ["InvalidQuery", "InvalidQuery"]),
        ("resources | render piechart", ["InvalidQuery", "ParserFailure"]),
        (".show tables", ["InvalidQuery", "ParserFailure"]),
        ("print 1", ["InvalidQuery", "NoValidTables"]),
    ],
)
def test_bad_queries_are_refused_as_azure_refuses_them(start, contoso, query, codes):
    answer = start(contoso).query(query)
    assert (answer.status, answer.code, answer.detail_codes) == (400, "BadRequest", codes)


def test_parser_failure_points_at_the_place(start, contoso):
    detail = start(contoso).query("resources\n| where == 1").json["error"]["details"][1]
    assert (detail["line"], detail["characterPositionInLine"], detail["token"]) == (2, 0, "|")


def test_the_sdk_shows_the_details_of_a_bad_query(start, contoso, sdk):
    with (
        ResourceGraphClient(**sdk(start(contoso).emulator)) as client,
        pytest.raises(HttpResponseError) as caught,
    ):
        client.resources(body("nosuchtable"), api_version="2024-04-01", content_type="application/json")
    assert caught.value.error.code == "BadRequest"
    assert [d.code for d in caught.value.error.details] == ["InvalidQuery", "DisallowedLogicalTableName"]


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"$top": 0}, 400),
        ({"$top": "many"}, 400),
        ({"$skip": -1}, 400),
        ({"$skipToken": "not base64!"}, 400),
        ({"$skipToken": base64.b64encode(b'{"RowsToSkip": -4}').decode()}, 400),
        ({"authorizationScopeFilter": "Everything"}, 400),
    ],
)
def test_bad_options_are_refused(start, contoso, options, status):
    answer = start(contoso).query("resources | project id", options=options)
    assert (answer.status, answer.code) == (status, "BadRequest")


def test_content_type_other_than_json_is_a_server_error(start, contoso):
    caller = start(contoso)
    headers = {"Authorization": f"Bearer {caller.token()}", "Content-Type": "text/plain"}
    path = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"
    assert caller.raw("POST", path, headers, b'{"query": "resources"}').status == 500


def test_more_than_a_thousand_subscriptions_in_one_request_are_refused(start, contoso, subscription):
    many = [subscription("platform")] * 1001
    answer = start(contoso).query("resources | project id", subscriptions=many)
    assert (answer.status, answer.code) == (400, "BadRequest")


def test_fresh_rows_arrive_one_query_later(start, contoso):
    caller = start(contoso, behaviour=Behaviour(fresh_after=1))
    query = "resources | project id | order by id asc"
    first, second, third = (caller.ids(query) for _ in range(3))
    assert set(first) < set(second)
    assert second == third
    other = caller.ids("resourcecontainers | project id | order by id asc")
    assert set(other) < set(caller.ids("resourcecontainers | project id | order by id asc"))


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"query": "  "}, 400, "BadRequest"),
        ({"query": None}, 400, "BadRequest"),
        ({"query": "resources", "options": [1]}, 400, "BadRequest"),
        ({"query": "resources", "subscriptions": "all"}, 400, "BadRequest"),
        ({"query": "resources", "subscriptions": ["x"], "managementGroups": ["y"]}, 400, "BadRequest"),
        ({"query": "resources", "managementGroups": ["nowhere"]}, 403, "AccessDenied"),
        (
            {"query": "resources", "subscriptions": ["11111111-2222-4333-8444-555555555555"]},
            403,
            "AccessDenied",
        ),
    ],
)
def test_bad_bodies_are_refused(start, contoso, asked, status, code):
    answer = start(contoso).ask(
        "POST", "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01", asked
    )
    assert (answer.status, answer.code) == (status, code)


def test_over_ten_thousand_subscriptions_need_partial_scopes(start, contoso, subscription, monkeypatch):
    monkeypatch.setattr("scanner.emulator.resource_graph.MOST_PARTIAL", 2)
    caller = start(contoso)
    query = "resources | project id, subscriptionId"
    assert caller.query(query).status == 400
    partial = caller.query(query, options={"allowPartialScopes": True})
    assert partial.headers["x-ms-tenant-subscription-limit-hit"] == "true"
    kept = {row["subscriptionId"] for row in partial.json["data"]}
    assert kept == set(sorted(subscription(key) for key in ("shop-prod", "data-prod", "platform"))[:2])


def test_results_that_no_longer_fit_in_the_cache_are_computed_again(start, contoso, monkeypatch):
    monkeypatch.setattr("scanner.emulator.kql.CACHED_ROWS", 10)
    monkeypatch.setattr("scanner.emulator.kql.CACHED_QUERIES", 1)
    caller = start(contoso)
    queries = [
        "resources | project id | order by id asc",
        "resourcecontainers | project id | order by id asc",
    ]
    assert [caller.ids(query) for query in queries] == [caller.ids(query) for query in queries]
