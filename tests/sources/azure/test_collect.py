"""A whole tenant through the real SDK clients: what is found, what is told as unread, and that nothing is written."""

from __future__ import annotations

import json

import pytest

from scanner.sources.azure.collect import about, collect
from scanner.sources.azure.errors import SourceError
from scanner.sources.azure.progress import SilentProgress
from scanner.sources.azure.request import AuthSettings, ScanScope

READING_POSTS = ("/providers/microsoft.resourcegraph/resources", "/v1.0/directoryobjects/getbyids")
NOBODY = "00000000-9999-4999-8999-999999999999"


def last(resource_id: str | None) -> str:
    return "" if resource_id is None else resource_id.rsplit("/", 1)[-1].lower()


def gaps(store) -> set[tuple[str, str, str]]:
    return {(gap["table"], gap["scope_id"], gap["reason"]) for gap in store.gaps()}


def kind_of(row) -> str | None:
    return row["properties"].get("principalType")


@pytest.fixture
def subscriptions_of():
    def keys(emulator):
        return {s.key: s.id for s in emulator.tenant.hierarchy.subscriptions.values()}

    return keys


def test_contoso_is_read_whole_and_nothing_is_written(start_azure, gather, request_for):
    emulator = start_azure("contoso")
    store = gather()
    assert store.gaps() == []
    assert emulator.writes == []
    sent = [json.loads(line) for line in (request_for().work / "requests.jsonl").read_text().splitlines()]
    methods = {(entry["method"], entry["path"].lower()) for entry in sent if entry["method"] != "GET"}
    assert methods == {("POST", path) for path in READING_POSTS}
    answered = [r for r in emulator.requests if "/metadata/identity/" not in r.path]
    assert sorted(entry["path"] for entry in sent) == sorted(r.path for r in answered)
    told = about(request_for().work)
    assert told.tenant == emulator.tenant.tenant_id
    assert set(told.subscriptions) == set(emulator.tenant.hierarchy.subscriptions)


def test_a_small_tenant_fits_in_one_quota_window(start_azure, gather):
    emulator = start_azure("contoso", quota=True)
    gather()
    queries = [r for r in emulator.requests if r.path.lower().endswith("/resourcegraph/resources")]
    queries = queries or [r for r in emulator.requests if "microsoft.resourcegraph" in r.path.lower()]
    assert {r.status for r in queries} == {200}
    assert len(queries) <= 15


def test_every_identity_of_the_tenant_is_found_with_its_principal(start_azure, gather, in_words):
    emulator = start_azure("contoso")
    said = in_words(gather(), "identities")["identities"]
    user = {row[0]: row[2] for row in said if row[1]}
    expected = {
        row["id"].lower(): row["properties"]["principalId"] for row in emulator.tenant.identities.values()
    }
    assert user == expected
    system = {row[3]: row[2] for row in said if not row[1]}
    hosts = {
        row["id"].lower(): row["identity"]["principalId"]
        for table in emulator.tenant.tables.values()
        for row in table
        if row["identity"] and "system" in str(row["identity"].get("type")).lower()
    }
    assert system == hosts


def test_attachments_say_by_which_property(start_azure, gather, in_words):
    start_azure("contoso")
    attached = {(last(a[0]), last(a[1]), a[2]) for a in in_words(gather(), "attachments")["attachments"]}
    registry = "properties.deploymentConfiguration.virtualMachineConfiguration.containerConfiguration"
    assert {
        ("aks-platform-agentpool", "aks-platform", "properties.identityProfile.kubeletidentity.resourceId"),
        ("id-batch-pool", "batchcontoso", "properties.autoStorage.nodeIdentityReference.resourceId"),
        ("id-batch-pool", "nightly", registry + ".containerRegistries[0].identityReference.resourceId"),
        # A registry names it by its client id alone, found again among the identities read.
        ("id-acr-cmk", "acrcontoso", "properties.encryption.keyVaultProperties.identity"),
    } <= attached


def test_federated_credentials_with_the_expression_of_a_flexible_one(start_azure, gather, in_words):
    emulator = start_azure("contoso")
    found = in_words(gather(), "federated_credentials")["federated_credentials"]
    assert {(last(row[1]), last(row[0])) for row in found} == {
        (last(identity), credential["name"].lower())
        for identity, credentials in emulator.tenant.federated.items()
        for credential in credentials
    }
    (flexible,) = [row for row in found if last(row[0]) == "flexible"]
    assert flexible[3] is None
    assert flexible[5].startswith("claims['sub'] matches 'repo:conto")
    assert flexible[4] == "api://AzureADTokenExchange"


def test_assignments_inherited_from_above_and_eligible_ones(start_azure, gather, in_words):
    emulator = start_azure("contoso")
    said = in_words(gather(), "assignments")["assignments"]
    now = {row[0] for row in said if not row[5]}
    listed = {r["id"].lower() for r in emulator.tenant.rows("microsoft.authorization/roleassignments")}
    assert listed <= now
    eligible = {(row[1], last(row[2]), row[3]) for row in said if row[5]}
    expected = {
        (
            r["properties"]["principalId"].lower(),
            last(r["properties"]["roleDefinitionId"]),
            r["properties"]["scope"].lower(),
        )
        for r in emulator.tenant.eligible
    }
    assert eligible == expected
    assert eligible


def test_one_subscription_shows_what_it_inherits_and_of_others_only_what_its_identities_hold(
    start_azure, gather, in_words, subscriptions_of
):
    emulator = start_azure("contoso")
    mine = subscriptions_of(emulator)["data-prod"].lower()
    store = gather(scope=ScanScope(subscriptions=(mine.upper(),)))
    said = in_words(store, "assignments", "identities")
    scopes = {row[3] for row in said["assignments"]}
    assert "/" in scopes  # only a query with the scope filter of the newer api-version shows it
    assert any("/managementgroups/" in scope for scope in scopes)
    elsewhere = {
        row[1]
        for row in said["assignments"]
        if row[3].startswith("/subscriptions/") and not row[3].startswith(f"/subscriptions/{mine}")
    }
    assert elsewhere
    assert elsewhere <= {row[2] for row in said["identities"]}
    found = {row[0] for row in said["identities"]}
    assert {one for one in found if not one.startswith(f"/subscriptions/{mine}/")} == {
        one for one in found if "/managementgroups/landing-zones/" in one and "/policyassignments/" in one
    }
    assert store.gaps() == []


def test_a_management_group_is_read_with_the_subscriptions_below(
    start_azure, gather, request_for, subscriptions_of
):
    emulator = start_azure("contoso")
    below = emulator.tenant.hierarchy.below_group("landing-zones")[1]
    store = gather(scope=ScanScope(management_group="landing-zones"))
    assert set(about(request_for().work).subscriptions) == below
    assert store.gaps() == []


def test_scopes_hang_together_up_to_the_root(start_azure, gather, in_words):
    emulator = start_azure("contoso")
    said = {row[0]: row[3] for row in in_words(gather(), "scopes")["scopes"]}
    hierarchy = emulator.tenant.hierarchy
    for subscription in hierarchy.subscriptions.values():
        chain = [group.id.lower() for group in hierarchy.group_chain(subscription.management_group)]
        at = f"/subscriptions/{subscription.id}".lower()
        for above in [*chain, "/"]:
            assert said[at] == above
            at = above
    assert said["/"] is None


def test_the_directory_tells_who_exists_and_which_groups_hold_identities(start_azure, gather, in_words):
    emulator = start_azure("contoso")
    said = in_words(gather(), "principals", "memberships", "assignments")
    exists = {row[0]: row[2] for row in said["principals"]}
    known = set(emulator.tenant.principals)
    assert {who: there for who, there in exists.items() if there != (who in known)} == {}
    assert False in exists.values()
    holding = {row[1] for row in said["assignments"]}
    expected = {
        (member.id, group)
        for member in emulator.tenant.principals.values()
        if member.service_principal_type == "ManagedIdentity"
        for group in emulator.tenant.transitive_groups(member.id)
        if group in holding
    }
    assert set(said["memberships"]) == expected
    assert expected


def test_settings_are_read_as_asked(start_azure, gather, in_words):
    start_azure("contoso")
    store = gather(
        settings=frozenset(
            [
                ("Microsoft.Storage/storageAccounts", "properties.allowSharedKeyAccess"),
                ("microsoft.storage/storageaccounts", "properties.noSuchThing"),
                ("Microsoft.ContainerService/managedClusters", "properties.servicePrincipalProfile.clientId"),
            ]
        )
    )
    said = {(last(row[0]), row[1]): row[2:] for row in in_words(store, "settings")["settings"]}
    assert said[("stcontosolake", "properties.noSuchThing")] == (None, True)
    assert said[("stcontosolake", "properties.allowSharedKeyAccess")][0] in ("true", "false")
    assert json.loads(said[("aks-legacy", "properties.servicePrincipalProfile.clientId")][0]) != "msi"


def test_credentials_in_use_are_seen_without_their_value(start_azure, gather, in_words):
    start_azure("contoso")
    said = {(last(row[1]), row[2]) for row in in_words(gather(), "credentials")["credentials"]}
    assert ("aks-legacy", "service-principal") in said
    assert ("aks-platform", "service-principal") not in said


def test_only_what_is_asked_for_is_read(start_azure, gather):
    emulator = start_azure("contoso")
    gather(tables=frozenset(["identities", "attachments"]), settings=frozenset())
    paths = {
        r.path.lower().rsplit("/providers/", 1)[-1] for r in emulator.requests if "/metadata/" not in r.path
    }
    assert paths == {"microsoft.resourcegraph/resources"}


def test_messy_tells_everything_it_could_not_read(start_azure, gather, subscriptions_of, in_words):
    emulator = start_azure("messy")
    store = gather()
    keys = subscriptions_of(emulator)
    closed = f"/subscriptions/{keys['closed']}"
    hostile = (
        f"/subscriptions/{keys['open']}/resourcegroups/rg-hostile/providers/microsoft.web/sites/app-malformed"
    )
    odd = f"/subscriptions/{keys['open']}/resourcegroups/rg-types/providers/microsoft.logic/workflows/"
    odd += "logic-odd-identity"
    assert {
        ("assignments", "/", "unlicensed"),
        ("principals", "/", "refused"),
        ("identities", closed, "refused"),
        ("attachments", hostile, "malformed"),
        ("attachments", odd, "malformed"),
        ("identities", odd, "malformed"),
    } <= gaps(store)
    (group,) = [g for g in store.gaps() if g["table"] == "memberships"]
    # Nobody says what the principal of the old assignment is: it may be a group.
    (old,) = [r for r in emulator.tenant.rows("microsoft.authorization/roleassignments") if not kind_of(r)]
    assert group["scope_id"] == old["properties"]["principalId"]
    said = in_words(store, "attachments", "principals")
    found = {(last(row[0]), last(row[1])): row[3] for row in said["attachments"]}
    assert found[("id-gone", "app-dangling")] is False
    assert found[("id-closed", "app-points-to-closed")] is None
    assert found[("id-mixedcase", "vm-user")] is True
    assert {row[2] for row in said["principals"]} == {None}


def test_every_spelling_of_identity_type(start_azure, gather, in_words):
    start_azure("messy")
    said = {last(row[0]): row[4:6] for row in in_words(gather(), "resources")["resources"]}
    both = ("app-both-joined", "app-both-spaced", "dynatrace-both", "agent")
    assert {said[name] for name in both} == {(True, True)}
    assert said["vm-system"] == said["sql-messy"] == said["logic-creating"] == (True, False)
    assert said["vm-user"] == said["ca-empty-values"] == said["ca-null-values"] == (False, True)
    assert said["vm-none"] == (False, False)


def test_ids_in_two_cases_are_one_identity_shown_as_written(start_azure, gather):
    emulator = start_azure("messy")
    rows = gather().frame("entities").collect().to_dicts()
    written = {row["id"].lower() for row in emulator.tenant.identities.values()}
    shown = [row["id"] for row in rows if row["id"].lower() in written]
    assert len(shown) == len({one.lower() for one in shown})


def test_a_named_subscription_that_is_refused_is_a_gap_in_every_table(start_azure, gather, subscriptions_of):
    emulator = start_azure("contoso", refused_subscriptions=("data-prod",))
    keys = subscriptions_of(emulator)
    store = gather(scope=ScanScope(subscriptions=(keys["data-prod"], keys["platform"], NOBODY)))
    refused = {(table, scope) for table, scope, reason in gaps(store) if reason == "refused"}
    for table in ("identities", "attachments", "assignments", "roles", "federated_credentials", "settings"):
        assert (table, f"/subscriptions/{keys['data-prod']}") in refused
        assert (table, f"/subscriptions/{NOBODY}") in refused
        assert (table, f"/subscriptions/{keys['platform']}") not in refused


@pytest.mark.parametrize(
    ("scope", "says"),
    [
        (ScanScope(subscriptions=(NOBODY,)), "no subscription can be read"),
        (ScanScope(subscriptions=("shop-prod",)), "'shop-prod' is not a subscription id"),
        (ScanScope(management_group="nowhere"), "no subscription can be read"),
    ],
)
def test_nothing_to_read_is_said_in_one_message(start_azure, gather, scope, says):
    start_azure("contoso")
    with pytest.raises(SourceError, match=says):
        gather(scope=scope)


def test_no_login_is_said_in_one_message(start_azure, request_for, clock, monkeypatch):
    start_azure("contoso")
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SourceError, match=r"no Azure login was found.*AZURE_CLIENT_ID"):
        collect(request_for(auth=AuthSettings(method="environment")), progress=SilentProgress(), clock=clock)


def test_more_than_a_thousand_subscriptions(start_azure, gather, request_for):
    from scanner.emulator.generate import Scale, generate

    emulator = start_azure(generate(Scale(subscriptions=1_100, identities=1_200, assignments=2_400)))
    store = gather(tables=frozenset(["identities", "attachments"]), settings=frozenset())
    assert len(about(request_for().work).subscriptions) == 1_100
    assert store.frame("identities").collect().height >= 1_200
    assert {r.status for r in emulator.requests} == {200}
    named = gather(
        scope=ScanScope(subscriptions=tuple(emulator.tenant.hierarchy.subscriptions)),
        tables=frozenset(["identities", "attachments"]),
        settings=frozenset(),
    )
    assert named.frame("identities").collect().height == store.frame("identities").collect().height
    assert store.gaps() == []
    # All that can be seen was named: what cannot is outside, and nobody says that there is none.
    assert gaps(named) == {("attachments", "/", "outside")}


def test_settings_that_the_index_does_not_have_are_a_gap(start_azure, gather):
    start_azure("contoso")
    asked = frozenset([("Microsoft.App/managedEnvironments/certificates", "properties.x")])
    assert gaps(gather(settings=asked)) == {("settings", "/", "unsupported")}
