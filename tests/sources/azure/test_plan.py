"""Queries follow from what is asked: narrow, valid, simple, and none where there is nothing to find."""

from __future__ import annotations

import re

import pytest

from scanner.catalog.attachments import attachment_paths, resource_graph_table, types_with_nested_attachments
from scanner.catalog.property_path import ABSENT, dig, fixed_part
from scanner.emulator.hierarchy import Window
from scanner.emulator.kql import Inventory
from scanner.facts.schema import TABLES, VIEWS
from scanner.sources.azure.kql import listed, member, quoted
from scanner.sources.azure.needs import needs_of
from scanner.sources.azure.plan import census, containers, queries, unasked
from scanner.sources.azure.resource_graph import Query, batches, restored

EVERYTHING = needs_of([*TABLES, *VIEWS], [("Microsoft.Storage/storageAccounts", "properties.a-b.c d.it's")])


@pytest.fixture(scope="module")
def engine():
    inventory = Inventory({})
    yield inventory
    inventory.close()


def every_query(present=None) -> list[Query]:
    return [containers(EVERYTHING), census(), *queries(EVERYTHING, present)]


@pytest.mark.parametrize("query", every_query(), ids=lambda query: query.name[:60])
def test_every_query_is_valid_and_can_be_paged(engine, query):
    result = engine.run(query.text, Window("all", "TRUE", "TRUE"), settled=True)
    assert result.pageable
    assert set(query.columns) <= set(result.columns)
    assert query.text.endswith("| order by id asc")
    for word in ("mv-expand", "join", "union", "limit", "take", "top"):
        assert re.search(rf"\b{word}\b", query.text.split("|", 1)[1].replace("'", "")) is None


def test_every_path_of_the_catalogue_that_the_index_shows_is_projected():
    asked = {
        (kind, path)
        for query in every_query()
        for kind in re.findall(r"'([a-z0-9.]+/[a-z0-9/]+)'", query.text)
        for path in query.columns.values()
    }
    missing = []
    for kind in types_with_nested_attachments():
        if resource_graph_table(kind) in (None, "authorizationresources", "computeresources"):
            continue
        for entry in attachment_paths(kind):
            wanted = fixed_part(entry.path)
            if wanted[0] == "identity":
                continue
            if not any((kind, wanted[:length]) in asked for length in range(1, len(wanted) + 1)):
                missing.append((kind, entry.path))
    assert missing == []


def test_types_that_are_not_there_are_not_asked_for():
    present = {"microsoft.web/sites": 3, "microsoft.storage/storageaccounts": 1}
    texts = [query.text for query in queries(needs_of(["attachments"], []), present)]
    assert [text.split(" ", 1)[0] for text in texts] == [
        "resources",
        "resources",
        "appserviceresources",
        "policyresources",
    ]
    assert "microsoft.containerservice/managedclusters" not in " ".join(texts)


def test_a_large_type_does_not_project_what_only_others_have():
    present = {
        "microsoft.web/sites": 5_000,
        "microsoft.containerservice/managedclusters": 2,
        "microsoft.app/jobs": 3,
    }
    found = {
        query.name: set(query.columns.values()) for query in queries(needs_of(["attachments"], []), present)
    }
    assert ("properties", "identityProfile") not in found["resources of microsoft.web/sites"]
    small = found["resources of microsoft.app/jobs, microsoft.containerservice/managedclusters"]
    assert ("properties", "identityProfile") in small


def test_settings_are_projected_by_their_fixed_part():
    needs = needs_of(
        [], [("Microsoft.KeyVault/vaults", "properties.networkAcls.ipRules[].value"), ("X/y", "sku.name")]
    )
    found = {path for query in queries(needs, None) for path in query.columns.values()}
    assert {("properties", "networkAcls", "ipRules"), ("sku", "name")} <= found


def test_settings_of_a_type_that_the_index_lacks_are_told():
    needs = needs_of(
        [], [("Microsoft.App/managedEnvironments/certificates", "properties.x"), ("a/b", "properties.y")]
    )
    assert resource_graph_table("microsoft.app/managedenvironments/certificates") is None
    assert unasked(needs) == ["microsoft.app/managedenvironments/certificates"]


def test_only_the_tables_asked_for_are_fed():
    fed = {table for query in queries(needs_of(["attachments"], []), None) for table in query.feeds}
    assert fed == {"attachments", "identities"}
    fed = {table for query in queries(needs_of(["escalations"], []), None) for table in query.feeds}
    assert {"assignments", "roles", "permissions", "attachments", "identities"} <= fed


def test_what_the_tables_cannot_do_without_is_added():
    assert {"assignments", "roles", "permissions", "principals"} <= needs_of(["grants"], []).tables
    assert {"settings", "resources"} <= needs_of([], [("a/b", "c")]).tables
    assert needs_of([], []).tables == {"identities", "attachments", "scopes"}


def test_batches_cover_all_subscriptions_once_within_what_is_advised():
    ids = [f"{number:08}" for number in range(1_001)]
    parts = batches(ids)
    assert [one for part in parts for one in part.body["subscriptions"]] == ids
    assert max(len(part.body["subscriptions"]) for part in parts) == 300
    assert parts[0].scope_ids[0] == "/subscriptions/00000000"


def test_words_of_the_query_language_are_quoted():
    assert quoted("it's \\ here") == r"'it\'s \\ here'"
    assert listed(["b", "a"]) == "'a', 'b'"
    assert member(("properties", "$connections", "value", "a b")) == "properties['$connections'].value['a b']"


def test_projected_columns_go_back_to_their_place():
    columns = {
        "p0": ("properties", "a", "b"),
        "p1": ("properties", "a", "c"),
        "p2": ("sku", "name"),
        "p3": ("x", "y"),
    }
    row = {"id": "/x", "p0": [1], "p1": {"password": "no", "name": "n"}, "p2": "S", "p3": None}
    assert restored(row, columns) == {
        "id": "/x",
        "properties": {"a": {"b": [1], "c": {"name": "n"}}},
        "sku": {"name": "S"},
        "x": {},
    }
    assert restored("odd", columns) == "odd"


def test_paths_are_followed_without_case():
    row = {"Properties": {"rules": [{"Port": 1}, {"port": 2}, {}], "map": {"a": {"x": 1}, "b": {"x": 2}}}}
    assert dig(row, "properties.rules[].port") == [1, 2]
    assert dig(row, "properties.map{}.x") == [1, 2]
    assert dig(row, "properties.rules.port") is ABSENT
    assert dig(row, "properties.map[].none") == []
    assert dig(7, "properties") is ABSENT
