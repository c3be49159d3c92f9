"""The switches: each one shown to do what it says, and nothing when it is off."""

from __future__ import annotations

import http.client
import threading

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.resourcegraph import ResourceGraphClient

from scanner.emulator import Behaviour, BehaviourError, TenantError, with_switches

IDS = "resources | project id | order by id asc"


class Impatient(RequestsTransport):
    """Does not wait before a retry."""

    def sleep(self, duration):
        assert duration > 0


class Clock:
    """Seconds that pass only when told."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_quota_of_fifteen_in_five_seconds_with_azures_headers(start, contoso):
    clock = Clock()
    caller = start(contoso, behaviour=Behaviour(quota=True), clock=clock)
    answers = [caller.query(IDS) for _ in range(15)]
    assert [a.headers["x-ms-user-quota-remaining"] for a in answers] == [str(n) for n in range(14, -1, -1)]
    clock.now += 3.5
    refused = caller.query(IDS)
    assert (refused.status, refused.code, refused.detail_codes) == (429, "RateLimiting", ["RateLimiting"])
    assert refused.headers["retry-after"] == "2"
    assert refused.headers["x-ms-user-quota-remaining"] == "0"
    assert refused.headers["x-ms-user-quota-resets-after"] == "00:00:02"
    clock.now += 1.5
    assert caller.query(IDS).status == 200


def test_429_without_retry_after_is_not_repeated_by_the_sdk_and_with_it_is(start, contoso, sdk):
    for flavour, expected in (("headers-only", 2), ("retry-after", 3)):
        behaviour = Behaviour(quota=True, quota_queries=1, quota_window=1.0, throttle=flavour)
        emulator = start(contoso, behaviour=behaviour, clock=Clock()).emulator
        arguments = {**sdk(emulator), "retry_total": 1, "transport": Impatient()}
        with ResourceGraphClient(**arguments) as client:
            body = b'{"query": "resources | project id"}'
            client.resources(body, api_version="2024-04-01", content_type="application/json")
            with pytest.raises(HttpResponseError) as caught:
                client.resources(body, api_version="2024-04-01", content_type="application/json")
        assert caught.value.status_code == 429
        assert ("Retry-After" in caught.value.response.headers) is (flavour == "retry-after")
        assert sum(r.method == "POST" for r in emulator.requests) == expected


def test_without_quota_nothing_is_refused_and_the_headers_stay(start, contoso):
    caller = start(contoso, clock=Clock())
    answers = [caller.query(IDS) for _ in range(40)]
    assert {a.status for a in answers} == {200}
    assert {a.headers["x-ms-user-quota-remaining"] for a in answers} == {"14"}


def test_every_third_request_fails(start, contoso):
    caller = start(contoso, behaviour=Behaviour(error_every=3, error_status=502))
    assert [caller.query(IDS).status for _ in range(6)] == [200, 200, 502, 200, 200, 502]


def test_connection_is_cut_in_the_middle_of_a_body(start, contoso):
    caller = start(contoso, behaviour=Behaviour(cut_every=2))
    whole = caller.query(IDS)
    with pytest.raises(http.client.IncompleteRead) as caught:
        caller.query(IDS)
    assert len(caught.value.partial) == len(whole.text) // 2
    caller.connection.close()
    assert caller.query(IDS).text == whole.text


def test_truncated_page_says_true_and_has_no_token(start, contoso):
    caller = start(contoso, behaviour=Behaviour(truncate_every=2))
    first = caller.query(IDS, options={"$top": 5}).json
    second = caller.query(IDS, options={"$top": 5, "$skipToken": first["$skipToken"]}).json
    assert (first["resultTruncated"], second["resultTruncated"]) == ("false", "true")
    assert "$skipToken" not in second
    assert second["totalRecords"] == first["totalRecords"]


def test_payload_limit_is_met_by_a_smaller_page(start, contoso):
    caller = start(contoso, behaviour=Behaviour(payload_limit=20_000))
    query = "authorizationresources | project id, properties | order by id asc"
    refused = caller.query(query)
    assert (refused.status, refused.detail_codes) == (400, ["ResponsePayloadTooLarge"])
    assert "20000" in refused.json["error"]["details"][0]["message"]
    assert caller.query(query, options={"$top": 5}).status == 200


def test_refused_subscription_is_missing_from_lists_and_403_elsewhere(start, contoso, subscription):
    caller = start(contoso, behaviour=Behaviour(refused_subscriptions=("Contoso Data Production",)))
    data, shop = subscription("data-prod"), subscription("shop-prod")
    rows = caller.query("resources | project id, subscriptionId", subscriptions=[data, shop]).json["data"]
    assert {row["subscriptionId"] for row in rows} == {shop}
    nothing = caller.query("resources | project id", subscriptions=[data])
    assert (nothing.status, nothing.code) == (403, "AccessDenied")
    listed = caller.get("/subscriptions?api-version=2022-12-01").json["value"]
    assert data not in {entry["subscriptionId"] for entry in listed}
    arm = caller.get(
        f"/subscriptions/{data}/providers/Microsoft.Authorization/denyAssignments?api-version=2022-04-01"
    )
    assert (arm.status, arm.code) == (403, "AuthorizationFailed")
    assert "Microsoft.Authorization/denyAssignments/read" in arm.json["error"]["message"]


def test_refusing_an_unknown_subscription_names_those_there_are(start, contoso):
    with pytest.raises(
        TenantError, match="no subscription 'shop-pord'; there are data-prod, platform, shop-prod"
    ):
        start(contoso, behaviour=Behaviour(refused_subscriptions=("shop-pord",)))


def test_unlicensed_pim_is_400_and_the_rest_goes_on(start, contoso, subscription, sdk):
    caller = start(contoso, behaviour=Behaviour(pim_licensed=False))
    scope = f"/subscriptions/{subscription('platform')}"
    with AuthorizationManagementClient(
        subscription_id=subscription("platform"), **sdk(caller.emulator)
    ) as client:
        with pytest.raises(HttpResponseError) as caught:
            list(client.role_eligibility_schedule_instances.list_for_scope(scope))
        assert caught.value.error.code == "AadPremiumLicenseRequired"
        assert list(client.deny_assignments.list_for_scope(scope)) == []


def test_refused_pim_is_403_and_the_rest_goes_on(start, contoso, subscription):
    caller = start(contoso, behaviour=Behaviour(pim_refused=True))
    at = f"/subscriptions/{subscription('platform')}/providers/Microsoft.Authorization"
    for kind in ("roleEligibilityScheduleInstances", "roleAssignmentScheduleInstances"):
        answer = caller.get(f"{at}/{kind}?api-version=2020-10-01")
        assert (answer.status, answer.code) == (403, "AuthorizationFailed")
        assert f"Microsoft.Authorization/{kind}/read" in answer.json["error"]["message"]
    assert caller.get(f"{at}/denyAssignments?api-version=2022-04-01").status == 200


def test_graph_can_be_closed(start, contoso):
    caller = start(contoso, behaviour=Behaviour(graph=False))
    answer = caller.ask("POST", "/v1.0/directoryObjects/getByIds", {"ids": []})
    assert (answer.status, answer.code) == (403, "Authorization_RequestDenied")


def credentials_path(identity):
    return f"{identity}/federatedIdentityCredentials?api-version=2024-11-30"


def test_federated_lists_are_limited_per_subscription_and_second(start, contoso, subscription):
    clock = Clock()
    caller = start(contoso, behaviour=Behaviour(federated_limiter=True), clock=clock)
    platform = [i for i in contoso.identities if subscription("platform") in i]
    shop = [i for i in contoso.identities if subscription("shop-prod") in i]
    statuses = [caller.get(credentials_path(identity)).status for identity in platform[:6]]
    assert statuses == [200] * 5 + [429]
    assert caller.get(credentials_path(shop[0])).status == 200
    clock.now += 1.0
    assert caller.get(credentials_path(platform[5])).status == 200


def test_federated_limiter_is_off_by_default(start, contoso, subscription):
    caller = start(contoso, clock=Clock())
    platform = [i for i in contoso.identities if subscription("platform") in i]
    assert {caller.get(credentials_path(identity)).status for identity in platform} == {200}


def test_mixed_case_changes_what_rows_say_and_not_what_they_mean(start, contoso):
    query = "resources | where isnotempty(identity.userAssignedIdentities) | project id, identity | order by id asc"
    plain = start(contoso).query(query).json["data"]
    mixed = start(contoso, behaviour=Behaviour(mixed_case=True)).query(query).json["data"]
    assert [row["id"] for row in plain] == [row["id"] for row in mixed]
    keys = [
        (list(p["identity"]["userAssignedIdentities"]), list(m["identity"]["userAssignedIdentities"]))
        for p, m in zip(plain, mixed, strict=True)
    ]
    assert all([k.lower() for k in p] == [k.lower() for k in m] for p, m in keys)
    spelled = {key.split("/")[3] for _, m in keys for key in m}
    assert spelled == {"resourceGroups", "resourcegroups"}


def test_expired_token_is_401_until_a_new_one_is_fetched(start, contoso):
    caller = start(contoso, behaviour=Behaviour(token_requests=2))
    assert [caller.query(IDS).status for _ in range(2)] == [200, 200]
    expired = caller.query(IDS)
    assert (expired.status, expired.code) == (401, "ExpiredAuthenticationToken")
    assert "claims" not in expired.headers["www-authenticate"]
    caller.tokens.clear()
    assert caller.query(IDS).status == 200


def test_expired_token_that_is_never_renewed(start, contoso):
    caller = start(contoso, behaviour=Behaviour(token_requests=1, token_renewal=False))
    statuses = []
    for _ in range(3):
        caller.tokens.clear()
        statuses.append(caller.query(IDS).status)
        statuses.append(caller.query(IDS).status)
    assert statuses == [200, 401, 401, 401, 401, 401]


def test_the_sdk_renews_by_itself_when_the_401_asks_for_claims(start, contoso, sdk):
    for challenge in ("claims", "plain"):
        behaviour = Behaviour(token_requests=1, token_challenge=challenge)
        emulator = start(contoso, behaviour=behaviour).emulator
        with ResourceGraphClient(**sdk(emulator)) as client:

            def ask(client=client):
                body = b'{"query": "resources | project id"}'
                return client.resources(body, api_version="2024-04-01", content_type="application/json")

            ask()
            if challenge == "claims":
                assert ask().count > 0
            else:
                with pytest.raises(ClientAuthenticationError):
                    ask()


def test_latency_is_spent_side_by_side(start, contoso):
    barrier = threading.Barrier(16)
    spent = []

    def pause(seconds):
        spent.append(seconds)
        # Passes only when sixteen requests wait at the same time.
        barrier.wait(timeout=20)

    caller = start(contoso, behaviour=Behaviour(latency=0.2), pause=pause)
    port = int(caller.emulator.url.rsplit(":", 1)[1])
    statuses = []

    def ask():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/subscriptions?api-version=2022-12-01")
        statuses.append(connection.getresponse().status)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [401] * 16
    assert spent == [0.2] * 16


def test_switches_from_text():
    chosen = with_switches(
        Behaviour(quota=True),
        ["latency=0.2", "quota=off", "throttle=headers-only", "refused-subscriptions=a, b", "pim_licensed=no",
         "cut_every=7"],
    )  # fmt: skip
    assert chosen == Behaviour(
        latency=0.2,
        throttle="headers-only",
        refused_subscriptions=("a", "b"),
        pim_licensed=False,
        cut_every=7,
    )


@pytest.mark.parametrize(
    ("switch", "message"),
    [
        ("latncy=1", "--set latncy=1: write NAME=VALUE, where NAME is one of associated_resources, "),
        ("latency", "--set latency: write NAME=VALUE"),
        ("latency=fast", "--set latency=fast: the value is a number"),
        ("latency=-1", "--set latency=-1: the value is 0 or more"),
        ("latency=nan", "--set latency=nan: the value is 0 or more"),
        ("error_every=1.5", "the value is a whole number"),
        ("quota=maybe", "the value is on or off"),
        ("graph=maybe", "the value is on or off"),
        ("throttle=soft", "the value is one of retry-after, headers-only"),
    ],
)
def test_wrong_switches_say_what_to_write(switch, message):
    with pytest.raises(BehaviourError) as caught:
        with_switches(Behaviour(), [switch])
    assert message in str(caught.value)
