"""Rows of every shape: what they become, and that whatever cannot be understood is told and stops nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.facts.schema import TABLES
from scanner.facts.store import FactsBuilder
from scanner.sources.azure.needs import needs_of
from scanner.sources.azure.normalise import Normaliser, rows_in_order

COLLECTED = [name for name, table in TABLES.items() if not table.derived and name != "gaps"]
SUB = "/subscriptions/11111111-1111-4111-8111-111111111111"
GROUP = SUB + "/resourceGroups/rg"
IDENTITY = GROUP + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app"
CLIENT, OBJECT = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000001"
OTHER = "cccccccc-0000-4000-8000-000000000001"
ROLE = "/providers/Microsoft.Authorization/roleDefinitions/"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


def identity_row(**changes):
    row = {
        "id": IDENTITY,
        "name": "app",
        "type": "microsoft.managedidentity/userassignedidentities",
        "location": "westeurope",
        "properties": {"clientId": CLIENT, "principalId": OBJECT},
    }
    return {**row, **changes}


def resource_row(kind, name="thing", **changes):
    return {
        "id": f"{GROUP}/providers/{kind}/{name}",
        "name": name,
        "type": kind.lower(),
        "kind": "",
        "location": "westeurope",
        "tags": None,
        "identity": None,
        "properties": {},
        **changes,
    }


def assignment_row(name="a", **changes):
    properties = {
        "principalId": OBJECT,
        "principalType": "ServicePrincipal",
        "roleDefinitionId": ROLE + OWNER,
        "scope": SUB,
    }
    return {
        "id": f"{SUB}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "name": name,
        "type": "microsoft.authorization/roleassignments",
        "properties": {**properties, **changes},
    }


def role_row(permissions, guid="dddddddd-0000-4000-8000-000000000001", **changes):
    return {
        "id": f"{SUB}/providers/Microsoft.Authorization/RoleDefinitions/{guid}",
        "type": "microsoft.authorization/roledefinitions",
        "properties": {"roleName": "own", "type": "CustomRole", "permissions": permissions, **changes},
    }


@pytest.fixture
def facts():
    """Turn rows into a builder that holds them; ``settings`` are what rules ask."""

    def make(*rows, settings=(), found=(), asked=()):
        builder = FactsBuilder()
        normaliser = Normaliser(builder, needs_of(COLLECTED, settings))
        for row in rows_in_order(rows):
            normaliser.add(row)
        normaliser.complete_assignments()
        for row in found:
            normaliser.found(row)
        normaliser.principals.asked(asked)
        normaliser.settle()
        return builder

    return make


def told(builder):
    return {(g["table"], g["scope_id"]): g["detail"] for g in builder.rows("gaps")}


def attachments(builder):
    return {
        (builder.id_of(row["identity"]), builder.id_of(row["resource"]).rsplit("/", 1)[-1], row["property"])
        for row in builder.rows("attachments")
    }


# ---- attachments


def test_a_map_key_in_another_case_is_the_same_identity(facts):
    spelled = IDENTITY.replace("resourceGroups", "resourcegroups").upper()
    block = {"type": "UserAssigned", "userAssignedIdentities": {spelled: None}}
    builder = facts(identity_row(), resource_row("Microsoft.Web/sites", identity=block))
    assert attachments(builder) == {(IDENTITY, "thing", "identity.userAssignedIdentities")}
    assert told(builder) == {}


def test_client_and_object_ids_are_looked_up_when_all_identities_are_known(facts):
    registry = resource_row(
        "Microsoft.ContainerRegistry/registries",
        properties={"encryption": {"keyVaultProperties": {"identity": CLIENT.upper()}}},
    )
    stranger = resource_row(
        "Microsoft.ContainerRegistry/registries",
        "other",
        properties={"encryption": {"keyVaultProperties": {"identity": OTHER}}},
    )
    builder = facts(stranger, registry, identity_row())
    assert attachments(builder) == {(IDENTITY, "thing", "properties.encryption.keyVaultProperties.identity")}


def test_an_identity_that_only_the_directory_knows_is_found_by_its_names(facts):
    registry = resource_row(
        "Microsoft.ContainerRegistry/registries",
        properties={"encryption": {"keyVaultProperties": {"identity": OTHER}}},
    )
    elsewhere = IDENTITY.replace("11111111-1", "22222222-2")
    row = {
        "@odata.type": "#microsoft.graph.servicePrincipal",
        "id": "eeeeeeee-0000-4000-8000-000000000001",
        "appId": OTHER,
        "servicePrincipalType": "ManagedIdentity",
        "alternativeNames": ["isExplicit=True", elsewhere],
    }
    builder = facts(registry, found=[row])
    assert {identity for identity, _, _ in attachments(builder)} == {elsewhere}


def test_a_kubelet_is_attached_once_though_it_is_named_three_times(facts):
    profile = {"kubeletidentity": {"resourceId": IDENTITY, "clientId": CLIENT, "objectId": OBJECT}}
    cluster = resource_row(
        "Microsoft.ContainerService/managedClusters", properties={"identityProfile": profile}
    )
    builder = facts(identity_row(), cluster)
    assert attachments(builder) == {
        (IDENTITY, "thing", "properties.identityProfile.kubeletidentity.resourceId")
    }


def test_a_system_assigned_identity_is_an_identity_of_its_resource(facts):
    block = {"type": "SystemAssigned", "principalId": OBJECT, "tenantId": OTHER}
    builder = facts(resource_row("Microsoft.Compute/virtualMachines", "vm", identity=block))
    (row,) = builder.rows("identities")
    host = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm"
    own = f"{host}/providers/Microsoft.ManagedIdentity/identities/default"
    assert builder.id_of(row["identity"]) == own
    assert builder.id_of(row["principal"]) == OBJECT
    assert attachments(builder) == {(own, "vm", "identity.principalId")}
    assert builder.rows("resources")[0]["system_assigned"]


def test_a_system_assigned_identity_that_is_still_being_made_has_no_principal(facts):
    block = {"type": "SystemAssigned", "principalId": ""}
    builder = facts(resource_row("Microsoft.Compute/virtualMachines", identity=block))
    assert [row["principal"] for row in builder.rows("identities")] == [None]
    assert told(builder) == {}


@pytest.mark.parametrize(
    ("identity", "tables"),
    [
        ("SystemAssigned", {"identities", "attachments"}),
        (["x"], {"identities", "attachments"}),
        ({"type": 7}, {"identities"}),
        ({"type": "ActorIdentity"}, {"identities"}),
        ({"type": "UserAssigned", "userAssignedIdentities": ["a"]}, {"attachments"}),
        ({"type": "UserAssigned", "userAssignedIdentities": "a"}, {"attachments"}),
        ({"type": "UserAssigned", "userAssignedIdentities": {"/not/an/identity": {}}}, {"attachments"}),
    ],
)
def test_an_identity_block_that_cannot_be_read_is_told(facts, identity, tables):
    row = resource_row("Microsoft.Web/sites", identity=identity)
    found = told(facts(row))
    assert set(found) == {(table, row["id"].lower()) for table in tables}
    assert all(row["id"] in detail for detail in found.values())


@pytest.mark.parametrize(
    "identity", [None, "", {}, {"type": None}, {"type": "None"}, {"type": "none", "x": 1}]
)
def test_no_identity_is_nothing_to_tell(facts, identity):
    builder = facts(resource_row("Microsoft.Web/sites", identity=identity))
    assert told(builder) == {}
    assert builder.rows("attachments") == []


def test_what_a_row_does_not_show_is_a_gap(facts):
    row = resource_row("Microsoft.Web/sites")
    del row["identity"], row["properties"]
    found = told(facts(row, settings=[("Microsoft.Web/sites", "properties.httpsOnly")]))
    assert set(found) == {("attachments", row["id"].lower()), ("settings", row["id"].lower())}


# ---- settings, tags, credentials


def test_settings_of_every_kind(facts):
    row = resource_row(
        "Microsoft.Storage/storageAccounts",
        sku={"name": "Standard_LRS"},
        properties={
            "allowSharedKeyAccess": False,
            "acls": {"rules": [{"ip": "a"}, {"ip": "b"}, {}]},
            "empty": None,
        },
    )
    paths = [
        "properties.allowSharedKeyAccess",
        "properties.acls.rules[].ip",
        "properties.empty",
        "properties.none",
        "sku.name",
    ]
    builder = facts(row, settings=[("microsoft.storage/storageAccounts", path) for path in paths])
    said = {r["path"]: (r["value"], r["resolved"]) for r in builder.rows("settings")}
    assert said == {
        "properties.allowSharedKeyAccess": ("false", True),
        "properties.acls.rules[].ip": ('["a", "b"]', True),
        "properties.empty": (None, True),
        "properties.none": (None, True),
        "sku.name": ('"Standard_LRS"', True),
    }


def test_tags_are_kept_as_written(facts):
    hostile = {"<b>": "\u001b[31m\u0000", "long": "x" * 10_000, "number": 7, "\u202e": None}
    builder = facts(resource_row("Microsoft.Web/sites", tags=hostile))
    said = {row["tag"]: row["value"] for row in builder.rows("tags")}
    assert said == {"<b>": "\u001b[31m\u0000", "long": "x" * 10_000, "number": "7", "\u202e": "null"}
    assert told(facts(resource_row("Microsoft.Web/sites", tags=["x"]))).keys() == {
        ("tags", (GROUP + "/providers/Microsoft.Web/sites/thing").lower())
    }


def test_credentials_in_use_never_hold_the_value(facts):
    app = resource_row(
        "Microsoft.App/containerApps",
        "app",
        properties={
            "configuration": {
                "secrets": [
                    {"name": "a", "value": "hunter2"},
                    {"name": "b", "keyVaultUrl": "https://v/secrets/b"},
                ],
                "registries": [
                    {"server": "s.azurecr.io", "username": "u", "passwordSecretRef": "a"},
                    {"server": "t", "identity": "system"},
                ],
            }
        },
    )
    group = resource_row(
        "Microsoft.ContainerInstance/containerGroups",
        "group",
        properties={
            "imageRegistryCredentials": [{"server": "s.azurecr.io", "username": "u", "password": "hunter2"}]
        },
    )
    cluster = resource_row(
        "Microsoft.ContainerService/managedClusters",
        "cluster",
        properties={"servicePrincipalProfile": {"clientId": OTHER, "secret": "hunter2"}},
    )
    modern = resource_row(
        "Microsoft.ContainerService/managedClusters",
        "msi",
        properties={"servicePrincipalProfile": {"clientId": "msi"}},
    )
    way = {"deployment": {"storage": {"authentication": {"type": "StorageAccountConnectionString"}}}}
    function = resource_row("Microsoft.Web/sites", "function", properties={"functionAppConfig": way})
    asked = [("Microsoft.App/containerApps", "properties.configuration.secrets")]
    builder = facts(app, group, cluster, modern, function, settings=asked)
    seen = {
        (builder.id_of(row["resource"]).rsplit("/", 1)[-1], row["type"], row["property"])
        for row in builder.rows("credentials")
    }
    assert seen == {
        ("app", "secret-value", "properties.configuration.secrets[0]"),
        ("app", "registry-password", "properties.configuration.registries[0].passwordSecretRef"),
        ("group", "registry-password", "properties.imageRegistryCredentials[0].username"),
        ("cluster", "service-principal", "properties.servicePrincipalProfile.clientId"),
        ("function", "storage-key", "properties.functionAppConfig.deployment.storage.authentication.type"),
    }
    everything = json.dumps([builder.rows(name) for name in COLLECTED if name != "entities"])
    assert "hunter2" not in everything


# ---- roles and assignments


def test_permission_keys_are_read_in_any_case(facts):
    builder = facts(
        role_row([{"Actions": ["*"], "NOTACTIONS": ["a/write"], "dataActions": None}, {"actions": "x/read"}])
    )
    assert [(r["entry"], r["part"], r["pattern"]) for r in builder.rows("permissions")] == [
        (0, "actions", "*"),
        (0, "notActions", "a/write"),
        (1, "actions", "x/read"),
    ]
    (role,) = builder.rows("roles")
    assert (role["custom"], role["readable"]) == (True, True)


@pytest.mark.parametrize(
    "permissions", [None, 7, "*", [7], [{"actions": 7}], [{"actions": ["*"], "condition": 1}]]
)
def test_a_role_that_cannot_be_read_is_not_harmless(facts, permissions):
    row = role_row(permissions)
    builder = facts(row)
    assert [r["readable"] for r in builder.rows("roles")] == [False]
    assert set(told(builder)) == {("roles", row["id"].lower()), ("permissions", row["id"].lower())}


def test_a_role_given_once_for_each_scope_is_one_role(facts):
    again = role_row([{"actions": ["*"]}])
    again["id"] = again["id"].replace("11111111-1", "22222222-2")
    builder = facts(
        role_row([{"actions": ["*"]}]), again, assignment_row(roleDefinitionId=again["id"].upper())
    )
    assert len(builder.rows("roles")) == 1
    assert builder.rows("assignments")[0]["role"] == builder.rows("roles")[0]["role"]


def test_a_role_that_no_row_told_of_comes_from_the_catalogue_or_is_unreadable(facts):
    unknown = ROLE + "ffffffff-0000-4000-8000-000000000001"
    builder = facts(assignment_row("a"), assignment_row("b", roleDefinitionId=unknown))
    said = {row["guid"]: (row["custom"], row["readable"]) for row in builder.rows("roles")}
    assert said == {OWNER: (False, True), unknown[-36:]: (True, False)}
    assert ("roles", unknown.lower()) in told(builder)
    assert ("*", "actions") in {(row["pattern"], row["part"]) for row in builder.rows("permissions")}


def test_levels_conditions_and_workloads(facts):
    group = "/providers/Microsoft.Management/managementGroups/corp"
    rows = [
        assignment_row("root", scope="/"),
        assignment_row("mg", scope=group, condition="@Resource"),
        assignment_row("sub", scope=SUB.upper()),
        assignment_row("rg", scope=GROUP, principalType=None, principalId=OTHER),
        assignment_row("resource", scope=IDENTITY, principalType="user", principalId=OTHER.replace("c", "d")),
    ]
    builder = facts(*rows)
    said = {
        builder.id_of(r["assignment"]).rsplit("/", 1)[-1]: (r["level"], r["condition"], r["workload"])
        for r in builder.rows("assignments")
    }
    assert said == {
        "root": (0, None, True),
        "mg": (1, "@Resource", True),
        "sub": (2, None, True),
        "rg": (3, None, False),
        "resource": (4, None, False),
    }


def test_an_old_assignment_without_a_kind_is_told_by_the_identity_or_the_directory(facts):
    by_identity = facts(assignment_row(principalType=None), identity_row())
    assert by_identity.rows("assignments")[0]["workload"]
    row = {"@odata.type": "#microsoft.graph.servicePrincipal", "id": OBJECT, "displayName": "tool"}
    by_directory = facts(assignment_row(principalType=None), found=[row])
    assert by_directory.rows("assignments")[0]["workload"]
    assert not facts(assignment_row(principalType=None)).rows("assignments")[0]["workload"]


@pytest.mark.parametrize("missing", ["principalId", "roleDefinitionId"])
@pytest.mark.parametrize("value", [None, 7, "", [], {}])
def test_an_assignment_without_a_holder_or_role_is_told(facts, missing, value):
    row = assignment_row(**{missing: value})
    builder = facts(row)
    assert builder.rows("assignments") == []
    assert set(told(builder)) == {("assignments", row["id"].lower())}


def instance(name, kind, **changes):
    row = assignment_row(name, **changes)
    row["id"] = row["id"].replace("roleAssignments", kind)
    return {**row, "type": f"microsoft.authorization/{kind.lower()}"}


def test_what_pim_adds_to_the_list_of_assignments(facts):
    builder = facts(
        assignment_row("listed"),
        instance("same", "roleAssignmentScheduleInstances", assignmentType="Activated"),
        instance("own", "roleAssignmentScheduleInstances", principalId=OTHER, assignmentType="Activated"),
        instance("eligible", "roleEligibilityScheduleInstances"),
        instance("again", "roleEligibilityScheduleInstances"),
    )
    said = {
        (builder.id_of(r["assignment"]).rsplit("/", 1)[-1], r["eligible"])
        for r in builder.rows("assignments")
    }
    assert said == {("listed", False), ("own", False), ("eligible", True)}


def denial_row(**changes):
    properties = {
        "denyAssignmentName": "no",
        "scope": GROUP,
        "permissions": [{"actions": ["*"], "notActions": ["*/read"]}],
        "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}],
        "excludePrincipals": [{"id": OBJECT, "type": "ServicePrincipal"}],
        "doNotApplyToChildScopes": True,
    }
    return {
        "id": f"{GROUP}/providers/Microsoft.Authorization/denyAssignments/d",
        "type": "microsoft.authorization/denyassignments",
        "properties": {**properties, **changes},
    }


def test_a_denial_of_everybody_but_one(facts):
    rows = facts(denial_row()).rows("deny_assignments")
    assert {(r["principal"] is None, r["excluded"], r["part"], r["pattern"], r["below"]) for r in rows} == {
        (True, False, "actions", "*", False),
        (True, False, "notActions", "*/read", False),
        (False, True, "actions", "*", False),
        (False, True, "notActions", "*/read", False),
    }


def test_a_denial_that_may_not_deny_is_not_counted(facts):
    builder = facts(denial_row(condition="@Request"))
    assert (builder.rows("deny_assignments"), told(builder)) == ([], {})


@pytest.mark.parametrize(
    "changes",
    [{"principals": None}, {"principals": [{}]}, {"permissions": "x"}, {"excludePrincipals": [{"id": 7}]}],
)
def test_a_denial_that_cannot_be_read_is_told(facts, changes):
    builder = facts(denial_row(**changes))
    assert builder.rows("deny_assignments") == []
    assert set(told(builder)) == {("deny_assignments", GROUP.lower())}


# ---- federated credentials, principals, administrators


def federated_row(**properties):
    shape = {"issuer": "https://i", "subject": "s", "audiences": ["api://AzureADTokenExchange"]}
    return {
        "id": f"{IDENTITY}/federatedIdentityCredentials/ci",
        "name": "ci",
        "type": "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials",
        "properties": {**shape, **properties},
    }


def test_a_federated_credential_with_a_subject_or_an_expression(facts):
    expression = {"value": "claims['sub'] matches '*'", "languageVersion": 1}
    (plain,) = facts(federated_row()).rows("federated_credentials")
    assert (plain["issuer"], plain["subject"], plain["audience"]) == (
        "https://i",
        "s",
        "api://AzureADTokenExchange",
    )
    (flexible,) = facts(federated_row(subject="", claimsMatchingExpression=expression)).rows(
        "federated_credentials"
    )
    assert (flexible["subject"], flexible["expression"]) == (None, "claims['sub'] matches '*'")


@pytest.mark.parametrize(
    "changes", [{"issuer": None}, {"issuer": 7}, {"audiences": None}, {"audiences": "x"}]
)
def test_a_federated_credential_that_cannot_be_read_is_a_gap_of_its_identity(facts, changes):
    builder = facts(federated_row(**changes))
    assert builder.rows("federated_credentials") == []
    assert set(told(builder)) == {("federated_credentials", IDENTITY.lower())}


def test_a_federated_credential_without_subject_and_expression_is_kept_and_told(facts):
    builder = facts(federated_row(subject=None))
    assert [row["subject"] for row in builder.rows("federated_credentials")] == [None]
    assert set(told(builder)) == {("federated_credentials", federated_row()["id"].lower())}


def test_the_directory_tells_who_exists(facts):
    gone = assignment_row("b", principalId=OTHER)
    foreign = assignment_row("c", principalId=OTHER.replace("c", "d"), principalType="ForeignGroup")
    row = {
        "@odata.type": "#microsoft.graph.servicePrincipal",
        "id": OBJECT.upper(),
        "displayName": "Tool",
        "servicePrincipalType": "ManagedIdentity",
    }
    builder = facts(
        assignment_row(), gone, foreign, found=[row], asked=[OBJECT, OTHER, OTHER.replace("c", "d")]
    )
    said = {builder.id_of(r["principal"]): (r["exists"], r["managed"]) for r in builder.rows("principals")}
    assert said == {OBJECT: (True, True), OTHER: (False, False), OTHER.replace("c", "d"): (None, False)}


def test_classic_administrators(facts):
    row = {
        "id": f"{SUB}/providers/Microsoft.Authorization/classicAdministrators/x",
        "type": "microsoft.authorization/classicadministrators",
        "properties": {"emailAddress": "<b>@example", "role": "ServiceAdministrator;AccountAdministrator"},
    }
    builder = facts(row)
    (said,) = builder.rows("classic_administrators")
    assert (builder.id_of(said["scope"]), said["type"]) == (SUB, "ServiceAdministrator;AccountAdministrator")
    assert set(told(facts({**row, "properties": {}}))) == {("classic_administrators", row["id"].lower())}


def test_scopes_and_the_groups_above_them(facts):
    chain = [{"name": "corp", "displayName": "Corp"}, {"name": "root", "displayName": "Root"}]
    row = {
        "id": SUB,
        "name": "main",
        "type": "microsoft.resources/subscriptions",
        "properties": {"managementGroupAncestorsChain": chain},
    }
    builder = facts(row)
    above = builder.key_of("/providers/microsoft.management/managementgroups/corp")
    assert builder.scope(SUB) == builder.key_of(SUB)
    assert above is not None
    assert told(builder) == {}
    assert set(told(facts({**row, "properties": {}}))) == {("scopes", SUB)}
    assert set(told(facts({**row, "properties": {"managementGroupAncestorsChain": [7]}}))) == {
        ("scopes", SUB)
    }


# ---- anything at all

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from([SUB, IDENTITY, OBJECT, "/", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TYPES = st.sampled_from(
    [
        "microsoft.managedidentity/userassignedidentities",
        "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials",
        "microsoft.authorization/roleassignments",
        "microsoft.authorization/roledefinitions",
        "microsoft.authorization/denyassignments",
        "microsoft.authorization/roleeligibilityscheduleinstances",
        "microsoft.authorization/classicadministrators",
        "microsoft.resources/subscriptions",
        "microsoft.management/managementgroups",
        "microsoft.containerservice/managedclusters",
        "Microsoft.App/containerApps",
        "\ud800",
    ]
)
NAMES = st.sampled_from(
    [
        "principalId",
        "roleDefinitionId",
        "scope",
        "permissions",
        "principals",
        "clientId",
        "issuer",
        "subject",
        "audiences",
        "role",
        "identityProfile",
        "configuration",
        "userAssignedIdentities",
        "managementGroupAncestorsChain",
    ]
)
ROW = st.fixed_dictionaries(
    {"type": TYPES | JSON},
    optional={
        "id": st.sampled_from([SUB, GROUP, IDENTITY, IDENTITY + "/federatedIdentityCredentials/x"]) | JSON,
        "name": JSON,
        "kind": JSON,
        "tags": JSON,
        "identity": JSON
        | st.fixed_dictionaries(
            {"type": JSON | st.just("UserAssigned")}, optional={"userAssignedIdentities": JSON}
        ),
        "subscriptionId": JSON,
        "properties": JSON | st.dictionaries(NAMES, JSON, max_size=6),
    },
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(ROW | JSON, max_size=6))
def test_no_row_stops_the_others(facts, rows):
    asked = [
        ("microsoft.app/containerapps", "properties.configuration"),
        ("Microsoft.App/containerApps", "tags"),
    ]
    builder = facts(
        *rows, identity_row(id=IDENTITY + "x"), settings=asked, found=[r for r in rows if isinstance(r, dict)]
    )
    store = builder.finish()
    ids = store.frame("entities").collect()["id"].to_list()
    assert IDENTITY + "x" in ids
    for row in rows:
        if not isinstance(row, dict):
            assert any("not an object" in gap["detail"] for gap in store.gaps())
