from typing import Any

import pytest

from scanner.sources.declared.values import Object, Property, Text, Value
from tests.sources.declared.units import (
    APP_TYPE,
    GROUP,
    IDENTITY_TYPE,
    SUBSCRIPTION,
    UNIT,
    body,
    declare,
    facts_of,
    group,
    identity,
    kinds,
    names,
    placed,
    ref,
    rows,
    unknown,
    unwritten,
)

IDENTITY = f"{GROUP}/providers/microsoft.managedidentity/userassignedidentities/id-app"
APP = f"{GROUP}/providers/microsoft.web/sites/app"
OWN = f"{APP}/providers/Microsoft.ManagedIdentity/identities/default"
ELSEWHERE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.ManagedIdentity"
    "/userAssignedIdentities/id-shared"
)
CLIENT = "12345678-1234-1234-1234-123456789abc"
FEDERATED_TYPE = f"{IDENTITY_TYPE}/federatedidentitycredentials"
AKS = "microsoft.containerservice/managedclusters"


def app(values: dict[str, Any] | Object | None = None, kind: str = APP_TYPE, **more: Any):
    return declare(kind, "web", "app", GROUP, values, **more)


def attached(*declarations, **more) -> list[tuple[str, str, str]]:
    facts = facts_of(*declarations, **more)
    return [(row["identity"], row["resource"], row["property"]) for row in rows(facts, "attachments")]


def assigned(names: dict[str, Value], kind: Value = "UserAssigned") -> dict[str, Any]:
    """An identity block; ``names`` maps what stands in ``properties`` to what the name stands for."""
    known = {name: Property(body({})) for name in names}
    unknown_names = {name: value for name, value in names.items() if value is not None}
    return {"identity": {"type": kind, "userAssignedIdentities": Object(known, False, unknown_names)}}


# ---- identities


def test_a_user_assigned_identity() -> None:
    made = identity(
        values=body(
            {"location": "westeurope", "properties": {"isolationScope": "Regional"}, "tags": {"a": "b"}}
        )
    )
    facts = facts_of(group(), made)
    assert rows(facts, "identities") == [
        {
            "identity": IDENTITY,
            "user_assigned": True,
            "principal": f"{IDENTITY}#principal",
            "resource": None,
            "client_id": None,
            "location": "westeurope",
            "isolation": "Regional",
        }
    ]
    assert rows(facts, "principals") == [
        {"principal": f"{IDENTITY}#principal", "type": "ServicePrincipal", "exists": None, "managed": True}
    ]
    assert rows(facts, "tags") == [{"entity": IDENTITY, "tag": "a", "value": "b"}]
    assert (IDENTITY, "", made.place) in placed(facts)
    assert (f"{IDENTITY}#principal", "", made.place) in placed(facts)
    assert names(facts)[IDENTITY] == "id-app"


def test_an_identity_without_a_known_name_is_called_by_its_address() -> None:
    facts = facts_of(group(), identity("azurerm_user_assigned_identity.app", unknown("var.name")))
    assert "azurerm_user_assigned_identity.app" in names(facts).values()
    shown = facts_of(group(), identity("x", Text((unknown("var.prefix"), "-id"))))
    assert "{var.prefix}-id" in names(shown).values()


def test_an_identity_that_is_looked_up_can_be_attached() -> None:
    found = identity("data.id", existing=True)
    facts = facts_of(group(), found, app(assigned({"{data.id}": ref("data.id")})))
    assert [row["identity"] for row in rows(facts, "identities")] == [IDENTITY]
    (declared,) = [row for row in rows(facts, "declarations") if row["entity"] == IDENTITY]
    assert (declared["existing"], declared["referenced"]) == (True, True)


# ---- the identity block


@pytest.mark.parametrize(
    ("values", "system", "user"),
    [
        ({}, False, False),
        ({"identity": None}, False, False),
        ({"identity": {"type": "None"}}, False, False),
        ({"identity": {"type": "SystemAssigned"}}, True, False),
        ({"identity": {"type": "SystemAssigned, UserAssigned"}}, True, True),
        ({"identity": unknown("var.identity")}, None, None),
        ({"identity": {"type": unknown("var.type")}}, None, None),
        ({"identity": {"type": unknown("a ? b : c", options=("SystemAssigned", "None"))}}, None, False),
        (
            {
                "identity": {
                    "type": unknown("a ? b : c", options=("SystemAssigned", "SystemAssigned, UserAssigned"))
                }
            },
            True,
            None,
        ),
        ({"identity": {"type": "ActorIdentity"}}, None, None),
        ({"identity": Object({}, True)}, None, None),
        (assigned({ELSEWHERE: None}, unknown("var.type")), None, True),
    ],
)
def test_which_identities_a_resource_has(values, system, user) -> None:
    facts = facts_of(app(values))
    assert rows(facts, "resources") == [
        {
            "resource": APP,
            "type": APP_TYPE,
            "kind": None,
            "location": None,
            "system_assigned": system,
            "user_assigned": user,
            "identity_capable": True,
        }
    ]
    own = [row for row in rows(facts, "identities") if not row["user_assigned"]]
    assert [row["identity"] for row in own] == ([OWN] if system else [])


def test_a_system_assigned_identity() -> None:
    made = app({"identity": {"type": "SystemAssigned"}, "location": "westeurope", "kind": "FunctionApp"})
    facts = facts_of(made)
    assert rows(facts, "identities") == [
        {
            "identity": OWN,
            "user_assigned": False,
            "principal": f"{OWN}#principal",
            "resource": APP,
            "client_id": None,
            "location": "westeurope",
            "isolation": None,
        }
    ]
    assert rows(facts, "attachments") == [
        {"identity": OWN, "resource": APP, "property": "identity.principalId", "found": None}
    ]
    block = made.body.get("identity")
    assert block is not None
    assert [(entity, place.start) for entity, _, place in placed(facts) if entity == OWN] == [
        (OWN, block.start)
    ]
    assert f"{OWN}#principal" in {entity for entity, _, _ in placed(facts)}
    assert rows(facts, "resources")[0]["kind"] == "functionapp"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (ELSEWHERE, None, ELSEWHERE),
        ("{id.id}", ref("id"), IDENTITY),
        ("x", Text((GROUP, "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/", "x")), None),
        (
            "x",
            Text((GROUP, "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/", unknown("var.n"))),
            f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{{var.n}}",
        ),
        (
            "{var.id}",
            unknown("var.id"),
            f"{UNIT}/resourceGroups/(resource-group)/providers/Microsoft.ManagedIdentity"
            "/userAssignedIdentities/{var.id}(infra:prod)",
        ),
        (GROUP, None, "nothing"),
        ("not an id", None, "nothing"),
        ("{web}", ref("web"), "nothing"),
    ],
)
def test_user_assigned_identities(name: str, value: Value, expected: str | None) -> None:
    if expected is None:
        expected = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x"
    found = attached(group(), identity(), app(assigned({name: value})))
    assert found == ([] if expected == "nothing" else [(expected, APP, "identity.userAssignedIdentities")])


def test_the_same_identity_is_attached_once() -> None:
    found = attached(group(), identity(), app(assigned({"{id.id}": ref("id"), IDENTITY.upper(): None})))
    assert found == [(IDENTITY, APP, "identity.userAssignedIdentities")]


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (
            unknown("var.ids"),
            "The map of its user-assigned identities is var.ids: the variable has no default.",
        ),
        (Object({}, True), "It may have more user-assigned identities than can be known."),
    ],
)
def test_identities_that_cannot_be_known_are_a_gap(value: Value, detail: str) -> None:
    block = {"identity": {"type": "UserAssigned", "userAssignedIdentities": value}}
    facts = facts_of(app(block))
    assert [(table, reason, text) for table, _, reason, text in facts.gaps] == [
        ("attachments", "unresolved", detail)
    ]


# ---- nested properties that name identities


@pytest.mark.parametrize(
    ("kind", "properties", "expected"),
    [
        (
            APP_TYPE,
            {"keyVaultReferenceIdentity": ref("id")},
            [(IDENTITY, "properties.keyVaultReferenceIdentity")],
        ),
        (APP_TYPE, {"keyVaultReferenceIdentity": "SystemAssigned"}, []),
        (APP_TYPE, {"keyVaultReferenceIdentity": unknown("var.id")}, []),
        (APP_TYPE, {"keyVaultReferenceIdentity": "nonsense"}, []),
        (
            "microsoft.documentdb/databaseaccounts",
            {"defaultIdentity": Text(("UserAssignedIdentity=", ref("id")))},
            [(IDENTITY, "properties.defaultIdentity")],
        ),
        (
            "microsoft.digitaltwins/digitaltwinsinstances/endpoints",
            {"identity": {"userAssignedIdentity": ELSEWHERE}},
            [(ELSEWHERE, "properties.identity.userAssignedIdentity")],
        ),
        (
            AKS,
            {
                "identityProfile": {
                    "kubeletidentity": {
                        "resourceId": ref("id"),
                        "clientId": ref("id", "properties", "clientId"),
                    }
                }
            },
            [(IDENTITY, "properties.identityProfile.kubeletidentity.resourceId")],
        ),
        (
            "microsoft.eventhub/namespaces",
            {"encryption": {"keyVaultProperties": [{"identity": {"userAssignedIdentity": ref("id")}}]}},
            [(IDENTITY, "properties.encryption.keyVaultProperties[0].identity.userAssignedIdentity")],
        ),
        (
            "microsoft.insights/actiongroups",
            {"webhookReceivers": [{"managedIdentity": ref("id", "properties", "principalId")}]},
            [(IDENTITY, "properties.webhookReceivers[0].managedIdentity")],
        ),
        (
            "microsoft.insights/actiongroups",
            {"webhookReceivers": [{"managedIdentity": CLIENT.upper()}]},
            [(IDENTITY, "properties.webhookReceivers[0].managedIdentity")],
        ),
        (AKS, {"identityProfile": unknown("var.profile")}, []),
    ],
)
def test_nested_attachments(kind: str, properties, expected) -> None:
    made = identity(values=body({"properties": {"clientId": CLIENT}}))
    resource = app({"properties": properties}, kind)
    target = f"{GROUP}/providers/{kind}/app"
    if kind.count("/") > 1:
        target = f"{GROUP}/providers/microsoft.digitaltwins/digitaltwinsinstances/{{}}/endpoints/app"
    found = attached(group(), made, resource)
    assert found == [(one, target, where) for one, where in expected]


# ---- federated credentials


def federated(**properties: Any):
    return declare(FEDERATED_TYPE, "fed", "github", ref("id"), {"properties": properties})


def test_a_federated_credential() -> None:
    facts = facts_of(
        group(),
        identity(),
        federated(issuer="https://issuer", subject="s", audiences=["a", unknown("var.b")]),
    )
    assert rows(facts, "federated_credentials") == [
        {
            "credential": f"{IDENTITY}/federatedidentitycredentials/github",
            "identity": IDENTITY,
            "issuer": "https://issuer",
            "subject": "s",
            "audience": "a, {var.b}",
            "expression": None,
        }
    ]
    assert kinds(facts)[f"{IDENTITY}/federatedidentitycredentials/github"] == "credential"


def test_what_is_not_known_of_a_federated_credential_stands_in_braces() -> None:
    facts = facts_of(
        group(),
        identity(),
        federated(
            issuer=ref("aks", "properties", "oidcIssuerProfile", "issuerURL"),
            subject=Text(("repo:contoso/", unknown("var.repo"), ":pull_request")),
            audiences=unknown("var.audiences"),
            claimsMatchingExpression={"value": "claims['sub'] matches 'x*'"},
        ),
    )
    (row,) = rows(facts, "federated_credentials")
    assert (row["issuer"], row["subject"], row["audience"], row["expression"]) == (
        "{aks.properties.oidcIssuerProfile.issuerURL}",
        "repo:contoso/{var.repo}:pull_request",
        "{var.audiences}",
        "claims['sub'] matches 'x*'",
    )


def test_a_federated_credential_on_an_identity_that_is_not_here() -> None:
    made = declare(
        FEDERATED_TYPE, "fed", "x", unknown("var.identity"), {"properties": {"issuer": "https://i"}}
    )
    (row,) = rows(facts_of(made), "federated_credentials")
    assert row["identity"] == (
        f"{UNIT}/resourceGroups/(resource-group)/providers/microsoft.managedidentity"
        "/userassignedidentities/{var.identity}"
    )
    assert (row["subject"], row["audience"]) == (None, "")


def test_a_federated_credential_without_issuer_is_a_gap() -> None:
    facts = facts_of(group(), identity(), federated(subject="s"))
    assert rows(facts, "federated_credentials") == []
    assert [(gap[0], gap[2], gap[3]) for gap in facts.gaps] == [
        ("federated_credentials", "malformed", "The federated credential has no issuer.")
    ]


# ---- settings


@pytest.mark.parametrize(
    ("path", "values", "expected"),
    [
        ("properties.a", {"properties": {"A": False}}, ("false", True)),
        ("properties.a", {"properties": {}}, (None, True)),
        ("properties.a", {}, (None, True)),
        ("properties.a", {"properties": {"a": None}}, (None, True)),
        ("properties.a", {"properties": Object({}, True)}, (None, False)),
        ("properties.a", {"properties": unknown("var.p")}, (None, False)),
        ("properties.a", {"properties": {"a": unknown("var.a")}}, (None, False)),
        ("properties.a", {"properties": {"a": unknown("var.a", options=(True, True))}}, ("true", True)),
        ("properties.a", {"properties": {"a": unknown("var.a", options=(True, False))}}, (None, False)),
        ("properties.a", {"properties": {"a": ref("rg", "name")}}, ('"app"', True)),
        ("properties.a", {"properties": {"a": ref("rg")}}, (None, False)),
        ("properties.a", {"properties": {"a": {"b": [1, "ü"]}}}, ('{"b": [1, "ü"]}', True)),
        ("properties.a", {"properties": {"a": {"b": [unknown()]}}}, (None, False)),
        ("properties.a[].b", {"properties": {"a": [{"b": 1}, {"c": 2}]}}, ("[1]", True)),
        ("properties.a[].b", {"properties": {"a": []}}, ("[]", True)),
        ("properties.a[].b", {"properties": {}}, (None, True)),
        ("properties.a[].b", {"properties": {"a": [{"b": unknown()}]}}, (None, False)),
        ("properties.a{}.b", {"properties": {"a": {"x": {"b": 1}}}}, ("[1]", True)),
        ("properties.password", {"properties": {"password": "x" * 9}}, ("null", True)),
        ("properties.a", {"properties": {"a": {"password": "x" * 9, "b": 1}}}, ('{"b": 1}', True)),
    ],
)
def test_settings(path: str, values, expected) -> None:
    kind = "microsoft.example/things"
    facts = facts_of(
        group("rg", name="app"), app(values, kind), settings={("Microsoft.Example/things", path)}
    )
    (row,) = rows(facts, "settings")
    assert (row["resource"], row["path"]) == (f"{GROUP}/providers/{kind}/app", path)
    assert (row["value"], row["resolved"]) == expected
    assert [one["type"] for one in rows(facts, "resources")] == [kind]


def test_a_default_is_a_setting_without_a_place() -> None:
    values = Object({"properties": Property(unwritten({"enabled": True})), "x": Property(1, 4, 9)})
    settings = {(APP_TYPE, "properties.enabled"), (APP_TYPE, "x")}
    facts = facts_of(app(values), settings=settings)
    assert {row["path"]: row["value"] for row in rows(facts, "settings")} == {
        "properties.enabled": "true",
        "x": "1",
    }
    assert [(what, place.start, place.end) for _, what, place in placed(facts, "property_places")] == [
        ("x", 4, 9)
    ]


def test_what_is_only_looked_up_has_no_configuration() -> None:
    found = app({"properties": {"a": 1}, "tags": {"t": "v"}}, existing=True)
    facts = facts_of(found, settings={(APP_TYPE, "properties.a")})
    assert set(facts.rows) == {"declarations"}
    assert kinds(facts)[APP] == "resource"


def test_resources_that_no_rule_speaks_of_have_no_row() -> None:
    facts = facts_of(app({"properties": {"a": 1}}, "microsoft.network/virtualnetworks"))
    assert rows(facts, "resources") == []
    assert [row["address"] for row in rows(facts, "declarations")] == ["web"]


def test_tags() -> None:
    facts = facts_of(app({"tags": {"owner": "team", "stage": unknown("var.stage"), "n": 7, "x": None}}))
    assert [(row["tag"], row["value"]) for row in rows(facts, "tags")] == [
        ("owner", "team"),
        ("stage", "{var.stage}"),
    ]


# ---- scopes


def test_management_groups_and_the_subscriptions_in_them() -> None:
    corp = declare(
        "microsoft.management/managementgroups",
        "corp",
        "corp",
        "/",
        {"properties": {"details": {"parent": {"id": ref("root")}}}},
    )
    root = declare("microsoft.management/managementgroups", "root", "root", "/")
    inside = declare("microsoft.management/managementgroups/subscriptions", "in", SUBSCRIPTION, ref("corp"))
    facts = facts_of(corp, root, inside)
    above = "/providers/Microsoft.Management/managementGroups/"
    assert [(facts.entities[entity][1], parent) for entity, parent in facts.scopes] == [
        (f"{above}corp", f"{above}root"),
        (f"{above}root", ""),
        (f"/subscriptions/{SUBSCRIPTION}", f"{above}corp"),
    ]


def test_a_resource_group_is_a_scope() -> None:
    facts = facts_of(group(values=body({"tags": {"a": "b"}})))
    assert kinds(facts) == {GROUP: "scope", UNIT: "scope"}
    assert [facts.entities[entity][1] for entity, _ in facts.scopes] == [GROUP]
    assert rows(facts, "tags") == [{"entity": GROUP, "tag": "a", "value": "b"}]
