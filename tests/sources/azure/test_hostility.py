"""Azure at its worst: the facts stay the same, or what is missing is told."""

from __future__ import annotations

import pytest

from scanner.emulator.generate import Scale, generate
from scanner.facts.coverage import Coverage
from scanner.facts.schema import TABLES
from scanner.sources.azure.answer import Sink
from scanner.sources.azure.errors import ServiceRefusalError, SourceError
from scanner.sources.azure.request import ScanScope
from scanner.sources.azure.resource_graph import ResourceGraph

TOLD = tuple(name for name, table in TABLES.items() if not table.derived and name != "entities")


@pytest.mark.parametrize(
    "weather",
    [
        {"quota": True, "throttle": "retry-after", "quota_queries": 3},
        {"quota": True, "throttle": "headers-only", "quota_queries": 3},
        {"error_every": 5},
        {"error_every": 4, "error_status": 502},
        {"error_every": 7, "error_status": 500},
        {"cut_every": 5},
        {"truncate_every": 1},
        {"federated_limiter": True},
        {"token_requests": 40},
        {"token_requests": 40, "token_challenge": "claims"},
        {"mixed_case": True},
    ],
    ids=lambda weather: ",".join(f"{name}={value}" for name, value in weather.items()),
)
def test_the_facts_are_the_same_in_any_weather(start_azure, gather, in_words, fair, weather):
    expected = fair
    emulator = start_azure("contoso", **weather)
    assert in_words(gather(), *TOLD) == expected
    assert emulator.writes == []


def test_a_small_answer_limit_halves_the_pages(start_azure, gather, in_words, fair):
    expected = fair
    emulator = start_azure("contoso", payload_limit=200_000)
    assert in_words(gather(), *TOLD) == expected
    assert 400 in {r.status for r in emulator.requests}


def test_a_row_too_large_for_any_answer_is_told(start_azure, gather):
    start_azure("contoso", payload_limit=6_000)
    found = {(gap["table"], gap["reason"]) for gap in gather().gaps()}
    # Built-in roles are larger than that, one by one; most other rows are not.
    assert ("roles", "truncated") in found
    assert ("permissions", "truncated") in found
    assert ("identities", "truncated") not in found


def test_rows_that_appear_one_query_later_are_no_reason_to_fail(start_azure, gather, in_words, fair):
    expected = fair
    start_azure("contoso", fresh_after=1)
    # What a table's only query does not show cannot be known; what it shows is as in fair weather.
    assert set(in_words(gather(), "assignments")["assignments"]) <= set(expected["assignments"])


def test_pages_that_change_under_the_reader_are_told_as_truncated(start_azure, gather, monkeypatch):
    tenant = generate(Scale(subscriptions=2, identities=20, assignments=2_500))
    start_azure(tenant)
    kept = Sink.take

    def losing(self, page):
        if page.get("count") == 1000 and "roleassignments" in str(page["data"][0].get("type")):
            page["data"][7] = page["data"][8]
        return kept(self, page)

    monkeypatch.setattr(Sink, "take", losing)
    store = gather(tables=frozenset(["assignments"]), settings=frozenset())
    found = {(gap["table"], gap["scope_id"], gap["reason"]): gap["detail"] for gap in store.gaps()}
    detail = found[("assignments", "/", "truncated")]
    assert detail.startswith("Resource Graph counts 2500 rows and gave 24")


@pytest.fixture
def answer_queries(monkeypatch):
    """Let queries about a table or type be answered with an error, whatever is asked."""

    def refuse(word: str, error: ServiceRefusalError) -> None:
        kept = ResourceGraph._post

        def post(self, reading, skip, top):
            if word in reading.query.text:
                raise error
            return kept(self, reading, skip, top)

        monkeypatch.setattr(ResourceGraph, "_post", post)

    return refuse


def test_a_service_that_never_recovers_leaves_gaps_not_an_abort(start_azure, gather, answer_queries):
    start_azure("contoso")
    answer_queries("roledefinitions", ServiceRefusalError(503, ("ServiceUnavailable",)))
    store = gather()
    assert {(g["table"], g["scope_id"], g["reason"]) for g in store.gaps() if g["scope_id"] == "/"} == {
        ("roles", "/", "failed"),
        ("permissions", "/", "failed"),
    }
    # Assignments name the roles: built-in ones are known, custom ones are told as unread, each by itself.
    roles = store.frame("roles").collect().to_dicts()
    assert {row["custom"] for row in roles if row["readable"]} == {False}
    assert {row["custom"] for row in roles if not row["readable"]} == {True}


def test_a_table_that_this_cloud_lacks_is_unsupported(start_azure, gather, answer_queries, in_words):
    start_azure("contoso")
    answer_queries(
        "authorizationresources", ServiceRefusalError(400, ("BadRequest", "DisallowedLogicalTableName"))
    )
    store = gather()
    found = {(g["table"], g["scope_id"], g["reason"]) for g in store.gaps()}
    assert {("assignments", "/", "unsupported"), ("roles", "/", "unsupported")} <= found
    # Classic administrators have a list of their own, which is read instead.
    assert "classic_administrators" not in {table for table, _, _ in found}
    assert len(in_words(store, "classic_administrators")["classic_administrators"]) == 1


def test_types_are_asked_for_all_when_they_cannot_be_counted(
    start_azure, gather, answer_queries, in_words, fair
):
    expected = fair
    start_azure("contoso")
    answer_queries("summarize", ServiceRefusalError(500, ()))
    said = in_words(gather(), *TOLD)
    assert said["attachments"] == expected["attachments"]
    assert said["gaps"] == []


def test_lists_of_one_row_a_page_are_followed_to_their_end(start_azure, gather, in_words, fair):
    expected = fair
    start_azure("contoso", page_size=1, graph=False)
    said = in_words(gather(), *TOLD)
    for table in ("federated_credentials", "deny_assignments", "classic_administrators"):
        assert said[table] == expected[table]
    assert [row[:4] for row in said["assignments"]] == [row[:4] for row in expected["assignments"]]


def test_a_sign_in_that_ends_leaves_what_was_read_and_tells_the_rest(start_azure, gather):
    start_azure("contoso", token_requests=40, token_renewal=False)
    store = gather()
    assert {gap["reason"] for gap in store.gaps()} == {"expired"}
    # The index and the lists of the authorization provider take about thirty requests; then it ends.
    assert "federated_credentials" in {gap["table"] for gap in store.gaps()}
    assert store.frame("identities").collect().height > 0


def test_a_sign_in_that_ends_before_anything_is_read_is_an_error(start_azure, gather, clock):
    start_azure("contoso", token_requests=1, token_renewal=False)
    with pytest.raises(SourceError, match=r"expired.*sign in anew"):
        gather(
            scope=ScanScope(subscriptions=tuple(f"{n:08}-1111-4111-8111-111111111111" for n in range(900)))
        )


def test_a_directory_that_is_closed_is_one_gap_for_each_group(start_azure, gather):
    emulator = start_azure("contoso", graph=False)
    found = [gap for gap in gather().gaps() if gap["table"] in ("principals", "memberships")]
    assert {gap["reason"] for gap in found} == {"refused"}
    assert [gap["scope_id"] for gap in found if gap["table"] == "principals"] == ["/"]
    groups = {gap["scope_id"] for gap in found if gap["table"] == "memberships"}
    holding = {
        r["properties"]["principalId"]
        for r in emulator.tenant.rows("microsoft.authorization/roleassignments")
    }
    expected = {p.id for p in emulator.tenant.principals.values() if p.kind == "group" and p.id in holding}
    assert expected <= groups
    asked = [r for r in emulator.requests if r.path.endswith("/transitiveMemberOf")]
    identities = [
        p for p in emulator.tenant.principals.values() if p.service_principal_type == "ManagedIdentity"
    ]
    assert len(asked) < len(identities)  # one refusal, or as many as were under way, is enough


def test_an_unlicensed_tenant_is_one_gap(start_azure, gather):
    emulator = start_azure("contoso", pim_licensed=False)
    store = gather()
    assert [(g["table"], g["scope_id"], g["reason"]) for g in store.gaps()] == [
        ("assignments", "/", "unlicensed")
    ]
    assert emulator.writes == []


def test_refused_eligibility_leaves_what_holds_now_judged(start_azure, gather, in_words, fair):
    emulator = start_azure("contoso", pim_refused=True)
    store = gather()
    assert {(g["table"], g["reason"]) for g in store.gaps()} == {("grants", "refused")}
    scopes = {g["scope_id"] for g in store.gaps()}
    assert {f"/subscriptions/{one}" for one in emulator.tenant.hierarchy.subscriptions} <= scopes
    assert all("could activate" in g["detail"] for g in store.gaps())
    coverage = Coverage(store)
    for table in ("assignments", "grants", "access", "workload_assignments"):
        assert coverage.of(table) == []
    now = [row for row in fair["assignments"] if not row[5]]
    assert in_words(store, "assignments")["assignments"] == now
