"""Pages side by side, given in order, counted; what the service does to them is noticed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from scanner.sources.azure.errors import ServiceRefusalError
from scanner.sources.azure.guard import ReadOnlyGuard
from scanner.sources.azure.journal import Journal
from scanner.sources.azure.progress import SilentProgress
from scanner.sources.azure.resource_graph import Query, ResourceGraph, Target

QUERY = Query(name="things", text="resources | project id | order by id asc", feeds=("resources",))
TENANT = Target(name="tenant", body={}, scope_ids=("/",))


class Service:
    """A Resource Graph of numbered rows, with ways to misbehave."""

    def __init__(self, rows: int) -> None:
        self.rows = [{"id": f"/r/{number:06}"} for number in range(rows)]
        self.bodies: list[dict] = []
        self.most = 1000
        self.largest = 10_000
        self.headers: dict[str, str] = {}

    def resources(self, body, **options):
        asked = json.loads(body)
        self.bodies.append(asked)
        skip, top = asked["options"]["$skip"], asked["options"]["$top"]
        if top > self.largest:
            raise ServiceRefusalError(400, ("BadRequest", "ResponsePayloadTooLarge"))
        sink = options["answer_sink"]
        sink.headers = self.headers
        sink.take(self.page(skip, min(top, self.most)))

    def page(self, skip, top):
        data = self.rows[skip : skip + top]
        return {"totalRecords": len(self.rows), "count": len(data), "data": data, "resultTruncated": "false"}


@pytest.fixture
def read(request_for):
    """Read the query from a service; returns its rows as given, and how it ended."""

    def run(service, queries=(QUERY,)):
        given = []
        with ThreadPoolExecutor(4) as pool:
            graph = ResourceGraph(service, Journal(request_for()), pool, SilentProgress())
            readings = graph.read(
                "stage",
                [(query, TENANT) for query in queries],
                lambda query, rows: given.append((query.name, rows)),
            )
        return given, readings[0].outcome

    return run


def ids(given) -> list[str]:
    return [row["id"] for _, rows in given for row in rows]


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 5432, 15_001])
def test_all_rows_come_in_order(read, count):
    service = Service(count)
    given, outcome = read(service)
    assert outcome is None
    assert ids(given) == [row["id"] for row in service.rows]
    assert sorted(body["options"]["$skip"] for body in service.bodies) == list(range(0, max(count, 1), 1000))


def test_pages_that_wait_for_their_turn_wait_in_the_journal(read, monkeypatch):
    monkeypatch.setattr("scanner.sources.azure.resource_graph.PAGES_HELD", 0)
    service = Service(4_321)
    given, outcome = read(service)
    assert outcome is None
    assert ids(given) == [row["id"] for row in service.rows]


def test_queries_are_given_one_after_the_other(read):
    other = Query(name="others", text=QUERY.text, feeds=())
    given, _ = read(Service(2_500), (QUERY, other))
    assert [name for name, _ in given] == ["things"] * 3 + ["others"] * 3


def test_what_is_asked_is_on_the_wire(start_azure, gather, monkeypatch):
    start_azure("contoso")
    bodies = []
    kept = ReadOnlyGuard.on_request

    def note(self, request):
        if request.http_request.method == "POST" and "ResourceGraph" in request.http_request.url:
            assert "api-version=2024-04-01" in request.http_request.url
            bodies.append(json.loads(request.http_request.content))
        kept(self, request)

    monkeypatch.setattr(ReadOnlyGuard, "on_request", note)
    gather(tables=frozenset(["identities"]), settings=frozenset())
    assert bodies
    assert {body["options"]["authorizationScopeFilter"] for body in bodies} == {"AtScopeAboveAndBelow"}
    assert {body["options"]["resultFormat"] for body in bodies} == {"objectArray"}


def test_a_page_that_is_too_large_is_asked_for_in_halves(read):
    service = Service(2_100)
    service.largest = 300
    given, outcome = read(service)
    assert outcome is None
    assert ids(given) == [row["id"] for row in service.rows]
    assert {body["options"]["$top"] for body in service.bodies} <= {1000, 500, 250, 100, 200}


def test_a_single_row_that_is_too_large_is_truncated(read):
    service = Service(3)
    service.largest = 0
    assert read(service)[1].reason == "truncated"


def test_a_service_that_gives_less_than_asked_is_asked_on(read):
    service = Service(1_700)
    service.most = 333
    given, outcome = read(service)
    assert outcome is None
    assert ids(given) == [row["id"] for row in service.rows]


def test_rows_that_appear_while_reading_are_read_on_the_second_try(read):
    service = Service(1_500)
    kept, added = service.page, []

    def growing(skip, top):
        if skip and not added:
            added.append(1)
            service.rows.insert(0, {"id": "/a/new"})
        return kept(skip, top)

    service.page = growing
    given, outcome = read(service)
    assert outcome is None
    assert {row["id"] for row in service.rows} == set(ids(given))


def test_rows_repeated_in_another_case_are_one(read):
    service = Service(10)
    service.rows[3] = {"id": service.rows[4]["id"].upper()}
    outcome = read(service)[1]
    assert outcome.reason == "truncated"
    assert "counts 10 rows and gave 9 different ones" in outcome.detail


def test_rows_without_an_id_are_counted_and_given(read):
    service = Service(3)
    service.rows[1] = {"name": "no id"}
    given, outcome = read(service)
    assert outcome is None
    assert {"name": "no id"} in given[0][1]


@pytest.mark.parametrize(
    "page", [{"data": None, "totalRecords": 1}, {"data": [], "totalRecords": "1"}, {"data": []}]
)
def test_a_page_of_another_shape_is_malformed(read, page):
    service = Service(1)
    service.page = lambda skip, top: page
    given, outcome = read(service)
    assert outcome.reason == "malformed"
    assert ids(given) == []


def test_a_page_that_fails_leaves_the_others(read):
    service = Service(3_500)
    kept = service.page

    def failing(skip, top):
        if skip == 1000:
            raise ServiceRefusalError(503, ())
        return kept(skip, top)

    service.page = failing
    given, outcome = read(service)
    assert outcome.reason == "failed"
    assert ids(given) == [row["id"] for row in service.rows[:1000] + service.rows[2000:]]


def test_a_scope_with_too_many_subscriptions_is_said_to_be_cut(read):
    service = Service(5)
    service.headers = {"x-ms-tenant-subscription-limit-hit": "true"}
    given, outcome = read(service)
    assert len(ids(given)) == 5
    assert (outcome.reason, "10,000 subscriptions" in outcome.detail) == ("truncated", True)
