"""A scan of a part of the tenant: nobody is called unused who is used elsewhere, or who may be."""

from __future__ import annotations

import json
import zlib

import pytest

from scanner.emulator.generate import Scale, generate
from scanner.engine.evaluate import judge
from scanner.engine.registry import load_rules
from scanner.settings import rule_folders
from scanner.sources.azure.errors import ServiceRefusalError
from scanner.sources.azure.needs import Needs
from scanner.sources.azure.normalise import Normaliser
from scanner.sources.azure.outside_plan import (
    APART_AT_MOST,
    apart_from,
    first_queries,
    second_queries,
    sought,
)
from scanner.sources.azure.request import ScanScope
from scanner.sources.azure.resource_graph import ResourceGraph

AGENT = "id-monitor-agent"


def last(resource_id: str) -> str:
    return resource_id.rsplit("/", 1)[-1].lower()


@pytest.fixture
def keys():
    def of(emulator) -> dict[str, str]:
        return {s.key: s.id for s in emulator.tenant.hierarchy.subscriptions.values()}

    return of


@pytest.fixture
def at(keys):
    """The scope of one subscription by its key."""
    return lambda emulator, key: ScanScope(subscriptions=(keys(emulator)[key],))


def verdict(store, code: str, name: str) -> str:
    """What a rule says of the identity with this name."""
    (rule,) = [rule for rule in load_rules(rule_folders(None)) if rule.meta.id == code]
    (judged,) = judge(store, [rule]).judged
    entities = store.frame("entities").collect().to_dicts()
    (key,) = [row["entity"] for row in entities if row["kind"] == "identity" and last(row["id"]) == name]
    if key in judged.failing["identity"].to_list():
        return "fail"
    unknown = [key for frame, _ in judged.unknown for key in frame["identity"].to_list()]
    return "unknown" if key in unknown else "pass"


@pytest.fixture
def lonely():
    """Contoso, with the agent's identity on machines of other subscriptions only; it holds access at home."""
    from scanner.emulator import load_tenant

    tenant = load_tenant("contoso")
    (home,) = [s.id for s in tenant.hierarchy.subscriptions.values() if s.key == "platform"]
    for row in tenant.tables["resources"]:
        if row["subscriptionId"] == home and AGENT in json.dumps(row["identity"]):
            row["identity"] = None
        if row["subscriptionId"] == home and AGENT in json.dumps(row["properties"]):
            row["properties"] = {**row["properties"], "addonProfiles": {}}
    return tenant


def test_an_identity_that_is_only_used_elsewhere_is_no_orphan(start_azure, gather, in_words, lonely, at):
    emulator = start_azure(lonely)
    store = gather(scope=at(emulator, "platform"))
    attached = {(last(row[0]), last(row[1])) for row in in_words(store, "attachments")["attachments"]}
    assert {one for one in attached if one[0] == AGENT} == {
        (AGENT, "vm-shop-print"),
        (AGENT, "vm-data-notebook"),
    }
    assert store.gaps() == []
    assert verdict(store, "MI102", AGENT) == "pass"
    assert verdict(store, "MI106", AGENT) == "fail"
    assert emulator.writes == []
    assert {r.method for r in emulator.requests} == {"GET", "POST"}


def test_a_resource_elsewhere_is_an_attachment_and_no_subject(start_azure, gather, in_words, at, keys):
    emulator = start_azure("contoso")
    home = f"/subscriptions/{keys(emulator)['platform']}/"
    store = gather(
        scope=at(emulator, "platform"),
        settings=frozenset([("Microsoft.Compute/virtualMachines", "properties.hardwareProfile.vmSize")]),
    )
    said = in_words(store, "attachments", "resources", "settings", "identities", "credentials")
    elsewhere = {last(row[1]) for row in said["attachments"] if not row[1].startswith(home)}
    assert {"vm-shop-print", "vm-data-notebook"} <= elsewhere
    for table, column in (("resources", 0), ("settings", 0), ("credentials", 1)):
        assert {row[column] for row in said[table] if row[column].startswith("/subscriptions/")} == {
            row[column] for row in said[table] if row[column].startswith(home)
        }
    theirs = [row for row in said["attachments"] if not row[1].startswith(home)]
    assert {row[3] for row in theirs if row[0].startswith("/subscriptions/")} == {True}


def test_with_one_other_subscription_refused_the_third_still_shows_the_use(start_azure, gather, lonely, at):
    emulator = start_azure(lonely, refused_subscriptions=("shop-prod",))
    store = gather(scope=at(emulator, "platform"))
    assert store.gaps() == []
    assert verdict(store, "MI102", AGENT) == "pass"
    assert emulator.writes == []


def test_with_all_others_refused_the_orphan_is_unknown(start_azure, gather, lonely, at):
    emulator = start_azure(lonely, refused_subscriptions=("shop-prod", "data-prod"))
    store = gather(scope=at(emulator, "platform"))
    assert {(g["table"], g["scope_id"], g["reason"]) for g in store.gaps()} == {
        ("attachments", "/", "outside"),
        ("assignments", "/", "outside"),
    }
    (detail,) = {g["detail"] for g in store.gaps() if g["table"] == "attachments"}
    assert "was scanned. This sign-in sees no other subscription" in detail
    assert verdict(store, "MI102", AGENT) == "unknown"
    # What is judged by what is there stays judged.
    assert verdict(store, "MI105", AGENT) == "pass"
    assert verdict(store, "MI210", "id-vending") == "pass"


def test_a_search_that_fails_is_a_gap_outside_and_no_other(start_azure, gather, lonely, at, monkeypatch):
    emulator = start_azure(lonely)
    ask = ResourceGraph._post

    def refused(self, reading, skip, top):
        if "elsewhere" in reading.query.name and "subscriptions" not in reading.query.name:
            raise ServiceRefusalError(403, ("AuthorizationFailed",))
        return ask(self, reading, skip, top)

    monkeypatch.setattr(ResourceGraph, "_post", refused)
    store = gather(scope=at(emulator, "platform"))
    assert {(g["table"], g["scope_id"], g["reason"]) for g in store.gaps()} == {
        ("attachments", "/", "outside"),
        ("assignments", "/", "outside"),
    }
    assert verdict(store, "MI102", AGENT) == "unknown"


def test_access_held_elsewhere_is_found_with_its_denials(start_azure, gather, in_words, at, keys):
    emulator = start_azure("contoso")
    shop = f"/subscriptions/{keys(emulator)['shop-prod']}"
    store = gather(scope=at(emulator, "platform"))
    said = in_words(store, "assignments", "scopes", "deny_assignments", "identities")
    mine = {row[2] for row in said["identities"]}
    held = {
        (row["properties"]["principalId"], row["properties"]["scope"].lower())
        for row in emulator.tenant.rows("microsoft.authorization/roleassignments")
        if row["properties"]["scope"].lower().startswith(shop) and row["properties"]["principalId"] in mine
    }
    assert held
    assert {(row[1], row[3]) for row in said["assignments"] if row[3].startswith(shop)} == held
    parents = {row[0]: row[3] for row in said["scopes"]}
    assert last(parents[shop]) == "landing-zones"
    assert any(row[1].startswith(shop) for row in said["deny_assignments"])
    assert verdict(store, "MI210", "id-backup") == "fail"


def test_a_custom_role_of_another_subscription_is_read_with_the_assignment(start_azure, gather, in_words, at):
    from scanner.emulator import load_tenant

    tenant = load_tenant("contoso")
    subs = {s.key: s.id for s in tenant.hierarchy.subscriptions.values()}
    (role,) = [
        row
        for row in tenant.rows("microsoft.authorization/roledefinitions")
        if row["properties"]["roleName"] == "Contoso Machine Starter"
    ]
    assert subs["platform"] not in json.dumps(role)
    (row,) = [
        row
        for row in tenant.rows("microsoft.authorization/roleassignments")
        if row["properties"]["scope"].lower().endswith("rg-shop-legacy")
        and row["properties"]["principalId"] == _principal(tenant, "id-backup")
    ]
    row["properties"]["roleDefinitionId"] = role["id"]
    emulator = start_azure(tenant)
    store = gather(scope=at(emulator, "platform"))
    assert store.gaps() == []
    assert role["name"] in {last(row[0]) for row in in_words(store, "roles")["roles"]}


def _principal(tenant, name: str) -> str:
    (found,) = [p.id for p in tenant.principals.values() if p.name == name]
    return found


def test_uses_by_nested_properties_and_by_client_id(start_azure, gather, in_words, at):
    from scanner.emulator import load_tenant

    tenant = load_tenant("contoso")
    subs = {s.key: s.id for s in tenant.hierarchy.subscriptions.values()}
    (agent,) = [row for row in tenant.identities.values() if row["name"] == AGENT]
    by_id, by_client, pool = (
        next(row for row in tenant.tables[table] if row["name"] == name)
        for table, name in (
            ("resources", "adf-contoso"),
            ("resources", "func-shop-mail"),
            ("batchresources", "nightly"),
        )
    )
    assert {row["subscriptionId"] for row in (by_id, by_client, pool)} == {
        subs["shop-prod"],
        subs["data-prod"],
    }
    by_id["properties"]["encryption"]["identity"]["userAssignedIdentity"] = agent["id"].upper()
    by_client["properties"]["siteConfig"] = {"acrUserManagedIdentityID": agent["properties"]["clientId"]}
    pool["identity"]["userAssignedIdentities"] = {agent["id"]: {}}
    emulator = start_azure(tenant)
    said = in_words(gather(scope=at(emulator, "platform")), "attachments")["attachments"]
    found = {(last(row[1]), row[2]) for row in said if last(row[0]) == AGENT}
    assert {
        ("adf-contoso", "properties.encryption.identity.userAssignedIdentity"),
        ("func-shop-mail", "properties.siteConfig.acrUserManagedIdentityID"),
        ("nightly", "identity.userAssignedIdentities"),
    } <= found


def test_the_root_management_group_is_the_whole_tenant(start_azure, gather, keys):
    emulator = start_azure("contoso")
    root = emulator.tenant.hierarchy.root_group
    assert root == emulator.tenant.tenant_id
    store = gather(scope=ScanScope(management_group=root))
    assert store.gaps() == []


def test_rules_that_need_neither_do_not_look_outside(start_azure, gather, at, tmp_path):
    emulator = start_azure("contoso")
    for table, elsewhere in (("federated_credentials", False), ("attachments", True)):
        work = tmp_path / table
        gather(scope=at(emulator, "platform"), tables=frozenset([table]), settings=frozenset(), work=work)
        units = [json.loads(zlib.decompress(unit.read_bytes()[32:])) for unit in (work / "units").iterdir()]
        assert any("elsewhere" in unit["name"] for unit in units) is elsewhere


def test_of_a_very_large_scope_the_others_are_asked_by_name(start_azure, gather, in_words):
    tenant = generate(Scale(subscriptions=310, identities=12, assignments=12))
    identity = next(iter(tenant.identities.values()))
    home = identity["subscriptionId"]
    host = next(
        row for row in tenant.tables["resources"] if row["subscriptionId"] != home and row["identity"]
    )
    scanned = sorted(set(tenant.hierarchy.subscriptions) - {host["subscriptionId"]})
    assert len(scanned) > APART_AT_MOST
    host["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {identity["id"]: {}}}
    start_azure(tenant)
    store = gather(
        scope=ScanScope(subscriptions=tuple(scanned)),
        tables=frozenset(["identities", "attachments"]),
        settings=frozenset(),
    )
    attached = {(row[0], row[1]) for row in in_words(store, "attachments")["attachments"]}
    assert (identity["id"].lower(), host["id"].lower()) in attached
    assert [gap for gap in store.gaps() if gap["reason"] == "outside"] == []


def test_guids_are_divided_among_queries_and_each_is_sought_once():
    homes = [f"home-{number:04}" for number in range(101)]
    names = [f"name-{number:04}" for number in range(402)]
    parts = sought(homes, names)
    assert [one for part in parts for one in part.homes] == homes
    assert [one for part in parts for one in part.names] == names
    assert [(len(part.homes), len(part.names)) for part in parts] == [(100, 200), (1, 200), (0, 2)]
    assert [part.part for part in parts] == [0, 1, 2]
    assert sought([], []) == []
    census, blocks = first_queries(parts[1], apart_from(["b", "a"]))
    assert "| where subscriptionId !in~ ('a', 'b') |" in census.text
    assert "'name-0399'" in census.text
    assert "'home-0100'" in blocks.text
    assert "name-" not in blocks.text
    # What holds whole ids only is not asked about client and object ids.
    assert [query.name for query in first_queries(parts[2], "")] == ["census elsewhere 2"]
    asked = [query.name for query in second_queries(parts[2], "", {"microsoft.web/sites": 1}, {})]
    assert asked == ["appserviceresources elsewhere 2"]
    asked = [query.name for query in second_queries(parts[0], "", {"microsoft.web/sites": 1}, {})]
    assert asked == ["appserviceresources elsewhere 0", "policyresources elsewhere 0"]


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"id": "/subscriptions/x/resourceGroups/g/providers/A.b/c/d"},
        {"id": "/a", "type": "microsoft.web/sites", "identity": {"userAssignedIdentities": ["x"]}},
        {
            "id": "/a",
            "type": "microsoft.datafactory/factories",
            "properties": {"encryption": {"identity": {"userAssignedIdentity": "<script>\x1b[31m"}}},
        },
    ],
)
def test_what_is_not_understood_elsewhere_is_a_gap_outside(row):
    from scanner.facts.store import FactsBuilder

    builder = FactsBuilder()
    Normaliser(builder, Needs(frozenset(["attachments", "identities"]), {})).add_use(row)
    assert {(gap["table"], gap["reason"]) for gap in builder.rows("gaps")} == {("attachments", "outside")}
    assert "\x1b" not in builder.rows("gaps")[0]["detail"]
    assert builder.rows("attachments") == []


def test_uses_of_identities_that_were_not_read_are_left_alone():
    from scanner.facts.store import FactsBuilder

    builder = FactsBuilder()
    stranger = (
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
    )
    normaliser = Normaliser(builder, Needs(frozenset(["attachments", "identities"]), {}))
    for block in (
        {"userAssignedIdentities": {stranger: None}},
        {"userAssignedIdentities": None},
        None,
        "x",
        7,
    ):
        normaliser.add_use({"id": "/r", "type": "microsoft.web/sites", "identity": block})
    assert builder.rows("attachments") == builder.rows("gaps") == []
    assert builder.key_of("/r") is None


def test_an_answer_that_cannot_be_counted_is_a_gap_outside(start_azure, gather, lonely, at, monkeypatch):
    emulator = start_azure(lonely)
    given = ResourceGraph._post

    def odd(self, reading, skip, top):
        answer = given(self, reading, skip, top)
        if reading.query.name.startswith("census elsewhere"):
            answer["data"] = [{"id": "a/b", "rows": "many", "mentions": None}]
            answer["totalRecords"] = 1
        return answer

    monkeypatch.setattr(ResourceGraph, "_post", odd)
    store = gather(scope=at(emulator, "platform"))
    assert {(g["table"], g["reason"]) for g in store.gaps()} == {("attachments", "outside")}


def test_resumed_it_ends_with_the_same_facts(start_azure, gather, in_words, at):
    emulator = start_azure("contoso")
    scope = at(emulator, "platform")
    first = in_words(gather(scope=scope), "attachments", "assignments", "gaps")
    before = len(emulator.requests)
    assert in_words(gather(scope=scope, resume=True), "attachments", "assignments", "gaps") == first
    assert emulator.requests[before:] == []


def test_a_tenant_of_which_the_root_group_is_hidden_is_not_called_whole(start_azure, gather, lonely):
    start_azure(lonely, refused_subscriptions=("shop-prod", "data-prod"))
    store = gather()
    told = {(g["table"], g["scope_id"], g["reason"]) for g in store.gaps()}
    assert {
        ("attachments", "/", "outside"),
        ("assignments", "/", "outside"),
        ("entities", "/", "refused"),
    } <= told
    assert verdict(store, "MI102", AGENT) == "unknown"


def test_a_tenant_of_which_the_root_group_is_shown_is_whole(start_azure, gather):
    start_azure("contoso")
    assert gather().gaps() == []
