from typing import Any

import pytest

from scanner.facts.schema import Level
from scanner.sources.declared.declaration import Scope
from scanner.sources.declared.values import Object, Property, Text, Unknown, Value
from tests.sources.declared.units import (
    ASSIGNMENT_TYPE,
    GROUP,
    OWNER,
    OWNER_ID,
    ROLE_TYPE,
    SUBSCRIPTION,
    UNIT,
    assignment,
    body,
    declare,
    facts_of,
    gap,
    group,
    identity,
    names,
    placed,
    ref,
    rows,
    unknown,
)

PRINCIPAL = ref("id", "properties", "principalId")
IDENTITY = f"{GROUP}/providers/microsoft.managedidentity/userassignedidentities/id-app"
STRANGER = "99999999-8888-7777-6666-555555555555"
CUSTOM_GUID = "12345678-1234-1234-1234-123456789abc"


def granted(*others, parent: Value = None, **properties: Any):
    properties.setdefault("principalId", PRINCIPAL)
    return facts_of(group(), identity(), *others, assignment(parent=parent, **properties))


def only(facts, table="assignments"):
    found = rows(facts, table)
    assert len(found) == 1, found
    return found[0]


# ---- the same Owner assignment, however it is written

CUSTOM = declare(
    ROLE_TYPE,
    "everything",
    CUSTOM_GUID,
    None,
    {"properties": {"roleName": "Everything", "permissions": [{"actions": ["*"], "notActions": []}]}},
)
CUSTOM_ID = f"{UNIT}/providers/microsoft.authorization/roledefinitions/{CUSTOM_GUID}"
BY_NAME = declare(
    ROLE_TYPE,
    "data.azurerm_role_definition.owner",
    unknown("data.azurerm_role_definition.owner.role_definition_id"),
    None,
    {"properties": {"roleName": "owner"}},
    existing=True,
)
BY_GUID = declare(ROLE_TYPE, "ownerRole", OWNER.upper(), "/", existing=True)
IN_SUBSCRIPTION = Text(
    (
        "/subscriptions/",
        Unknown("subscription().subscriptionId", "it is the one deployed to"),
        f"/providers/Microsoft.Authorization/roleDefinitions/{OWNER.upper()}",
    )
)


@pytest.mark.parametrize(
    ("role", "others", "expected"),
    [
        ({"roleDefinitionName": "Owner"}, [], OWNER_ID),
        ({"roleDefinitionName": " oWNER "}, [], OWNER_ID),
        ({"roleDefinitionId": OWNER_ID}, [], OWNER_ID),
        ({"roleDefinitionId": OWNER}, [], OWNER_ID),
        ({"roleDefinitionId": f"{UNIT}{OWNER_ID}|{UNIT}"}, [], OWNER_ID),
        ({"roleDefinitionId": IN_SUBSCRIPTION}, [], OWNER_ID),
        ({"roleDefinitionId": ref("data.azurerm_role_definition.owner")}, [BY_NAME], OWNER_ID),
        ({"roleDefinitionId": ref("ownerRole")}, [BY_GUID], OWNER_ID),
        ({"roleDefinitionId": ref("everything")}, [CUSTOM], CUSTOM_ID),
        (
            {
                "roleDefinitionId": Text(
                    (f"{UNIT}/providers/Microsoft.Authorization/roleDefinitions/", ref("everything", "name"))
                )
            },
            [CUSTOM],
            CUSTOM_ID,
        ),
        ({"roleDefinitionName": "everything"}, [CUSTOM], CUSTOM_ID),
        ({"roleDefinitionId": unknown("a ? b : c", options=(OWNER_ID, OWNER))}, [], OWNER_ID),
    ],
)
def test_owner_however_it_is_given(role, others, expected) -> None:
    facts = granted(*others, **role)
    row = only(facts)
    assert row["role"] == expected
    assert row["scope"] == UNIT
    assert row["level"] == Level.SUBSCRIPTION
    assert row["principal"] == f"{IDENTITY}#principal"
    assert row["workload"] is True
    assert row["eligible"] is False
    assert row["condition"] is None
    assert [one["readable"] for one in rows(facts, "roles") if one["role"] == expected] == [True]


def test_a_custom_role_by_a_name_made_at_deployment_is_found_by_that_name() -> None:
    made = unknown("guid(subscription().id, 'x')")
    role = declare(ROLE_TYPE, "role", made, None, {"properties": {"permissions": [{"actions": ["*"]}]}})
    facts = granted(
        role, roleDefinitionId=Text((f"{UNIT}/providers/Microsoft.Authorization/roleDefinitions/", made))
    )
    assert only(facts)["role"] == (
        f"{UNIT}/providers/microsoft.authorization/roledefinitions/{{guid(subscription().id, 'x')}}"
    )


def test_permissions_of_a_custom_role() -> None:
    role = declare(
        ROLE_TYPE,
        "role",
        CUSTOM_GUID,
        None,
        {
            "properties": {
                "permissions": [
                    {
                        "actions": ["A/*"],
                        "notActions": ["A/b"],
                        "dataActions": ["D"],
                        "notDataActions": ["N"],
                    },
                    {"actions": ["B/*"]},
                ]
            }
        },
    )
    facts = facts_of(role)
    assert only(facts, "roles") == {
        "role": CUSTOM_ID,
        "guid": CUSTOM_GUID,
        "custom": True,
        "readable": True,
    }
    assert [(row["entry"], row["part"], row["pattern"]) for row in rows(facts, "permissions")] == [
        (0, "actions", "A/*"),
        (0, "notActions", "A/b"),
        (0, "dataActions", "D"),
        (0, "notDataActions", "N"),
        (1, "actions", "B/*"),
    ]
    assert facts.doubts == []


@pytest.mark.parametrize(
    "permissions",
    [
        unknown("var.permissions"),
        [{"actions": ["*/read", unknown("var.action")]}],
        [{"actions": Text((unknown(), "/read"))}],
        [Object({"actions": Property(["*/read"])}, True)],
        None,
    ],
)
def test_a_role_of_which_something_is_not_known_is_not_readable(permissions: Value) -> None:
    role = declare(ROLE_TYPE, "role", CUSTOM_GUID, None, {"properties": {"permissions": permissions}})
    facts = facts_of(role)
    assert only(facts, "roles")["readable"] is False
    assert [(table, facts.entities[entity][1]) for table, entity, _, _ in facts.doubts] == [
        ("roles", CUSTOM_ID)
    ]


@pytest.mark.parametrize(
    ("role", "guid", "name", "custom"),
    [
        ({"roleDefinitionId": unknown("var.role")}, "{var.role}", "var.role", False),
        ({"roleDefinitionName": unknown("var.role")}, "{var.role}", "var.role", False),
        ({"roleDefinitionId": CUSTOM_GUID}, CUSTOM_GUID, f"role {CUSTOM_GUID}", True),
        ({"roleDefinitionName": "Ownr"}, "Ownr", "Ownr", True),
        ({}, "{}", "a role that is not given", False),
        (
            {"roleDefinitionId": unknown("a ? b : c", options=(OWNER_ID, CUSTOM_GUID))},
            "{a ? b : c}",
            "a ? b : c",
            False,
        ),
    ],
)
def test_a_role_that_is_not_known_is_not_readable(role, guid, name, custom) -> None:
    facts = granted(**role)
    row = only(facts)
    assert names(facts)[row["role"]] == name
    assert {"role": row["role"], "guid": guid, "custom": custom, "readable": False} in rows(facts, "roles")


@pytest.mark.parametrize(
    ("role", "others", "expected"),
    [
        ({"roleDefinitionName": "Owner"}, [], ("Owner", True)),
        ({"roleDefinitionName": "Everything"}, [CUSTOM], ("Everything", True)),
        ({"roleDefinitionName": "Ownr"}, [], ("Ownr", False)),
        ({"roleDefinitionId": ref("data.azurerm_role_definition.owner")}, [BY_NAME], ("owner", True)),
    ],
)
def test_roles_given_by_name(role, others, expected) -> None:
    found = only(granted(*others, **role), "role_names")
    assert (found["name"], found["found"]) == expected
    assert found["assignment"].endswith("/roleassignments/{guid()}")


def test_a_role_given_by_id_has_no_name() -> None:
    assert rows(granted(roleDefinitionId=OWNER_ID), "role_names") == []


# ---- scopes


@pytest.mark.parametrize(
    ("parent", "scope", "level"),
    [
        ("/", "/", Level.TENANT),
        (ref("app"), GROUP, Level.RESOURCE_GROUP),
        (ref("id"), IDENTITY, Level.RESOURCE),
        (f"/subscriptions/{SUBSCRIPTION}", f"/subscriptions/{SUBSCRIPTION}", Level.SUBSCRIPTION),
        (
            "/providers/Microsoft.Management/managementGroups/corp",
            "/providers/Microsoft.Management/managementGroups/corp",
            Level.MANAGEMENT_GROUP,
        ),
        (unknown("a ? b : c", options=(GROUP, f"{GROUP}-other")), GROUP, Level.RESOURCE_GROUP),
    ],
)
def test_scopes(parent: Value, scope: str, level: Level) -> None:
    facts = granted(parent=parent, roleDefinitionName="Owner")
    row = only(facts)
    assert (row["scope"], row["level"]) == (scope, level)
    assert scope in [facts.entities[entity][1] for entity, _ in facts.scopes]


@pytest.mark.parametrize("parent", [unknown("var.scope"), unknown("a ? b : c", options=(GROUP, "/"))])
def test_a_scope_that_cannot_be_known_is_a_gap(parent: Unknown) -> None:
    facts = granted(parent=parent, roleDefinitionName="Owner")
    assert rows(facts, "assignments") == []
    assert [(table, reason, detail) for table, _, reason, detail in facts.gaps] == [
        (
            "assignments",
            "unresolved",
            f"The scope of the role assignment is {parent.shown}: the variable has no default.",
        )
    ]


@pytest.mark.parametrize(
    ("parent", "told"),
    [("", "empty: it is to be given when it is deployed"), ("prod", "prod: that is no id")],
)
def test_a_scope_that_is_no_id_is_a_gap_that_says_so(parent: str, told: str) -> None:
    facts = granted(parent=parent, roleDefinitionName="Owner")
    assert rows(facts, "assignments") == []
    assert [detail for _, _, _, detail in facts.gaps] == [f"The scope of the role assignment is {told}."]


def test_a_scope_among_the_properties_counts_where_the_name_does_not_tell_it() -> None:
    facts = granted(parent=unknown("parent of newGuid()"), roleDefinitionName="Owner", scope=GROUP)
    assert only(facts)["scope"] == GROUP
    assert facts.gaps == []


def test_an_assignment_in_a_resource_group_deployment_is_on_the_group() -> None:
    facts = facts_of(
        assignment(principalId=STRANGER, roleDefinitionId=OWNER),
        scope=Scope("resourceGroup"),
        root="web.bicep",
    )
    row = only(facts)
    assert row["scope"] == "/subscriptions/(web.bicep)/resourceGroups/(resource-group)"
    assert row["level"] == Level.RESOURCE_GROUP


# ---- conditions


def test_a_condition_is_kept_as_written() -> None:
    assert (
        only(granted(roleDefinitionId=OWNER, condition="@Resource[x] ForAny"))["condition"]
        == "@Resource[x] ForAny"
    )


def test_a_condition_of_which_a_part_is_known_is_one() -> None:
    value = Text(("@Resource[x] StringEquals '", unknown("var.name"), "'"))
    assert only(granted(roleDefinitionId=OWNER, condition=value))["condition"] == (
        "@Resource[x] StringEquals '{var.name}'"
    )


def test_whether_there_is_a_condition_is_not_known() -> None:
    facts = granted(roleDefinitionId=OWNER, condition=unknown("var.condition"))
    assert rows(facts, "assignments") == []
    assert [(gap[0], gap[2], gap[3]) for gap in facts.gaps] == [
        (
            "assignments",
            "unresolved",
            "The condition of the role assignment is var.condition: the variable has no default.",
        )
    ]


# ---- other kinds of assignment


@pytest.mark.parametrize(
    ("kind", "eligible"),
    [
        ("microsoft.authorization/roleassignmentschedulerequests", False),
        ("microsoft.authorization/roleeligibilityschedulerequests", True),
    ],
)
def test_privileged_identity_management(kind: str, eligible: bool) -> None:
    request = declare(
        kind,
        "pim",
        unknown("guid()"),
        None,
        {"properties": {"principalId": PRINCIPAL, "roleDefinitionId": OWNER, "requestType": "AdminAssign"}},
    )
    assert only(facts_of(group(), identity(), request))["eligible"] is eligible


def test_a_request_to_take_access_away_gives_none() -> None:
    request = declare(
        "microsoft.authorization/roleassignmentschedulerequests",
        "pim",
        None,
        None,
        {"properties": {"principalId": PRINCIPAL, "roleDefinitionId": OWNER, "requestType": "AdminRemove"}},
    )
    assert rows(facts_of(group(), identity(), request), "assignments") == []


def test_an_assignment_that_is_only_looked_up_gives_nothing() -> None:
    found = declare(ASSIGNMENT_TYPE, "found", "x", existing=True)
    facts = facts_of(found)
    assert facts.rows == {}
    assert facts.gaps == []


def test_an_assignment_without_principal_is_malformed() -> None:
    facts = facts_of(assignment(roleDefinitionId=OWNER))
    assert [(gap[0], gap[2], gap[3]) for gap in facts.gaps] == [
        ("assignments", "malformed", "The role assignment names no principal.")
    ]


def test_an_empty_principal_is_one_that_is_given_when_deploying() -> None:
    facts = facts_of(
        assignment("one", principalId="", principalType="ServicePrincipal", roleDefinitionId=OWNER),
        assignment("other", principalId="00000000-0000-0000-0000-000000000000", roleDefinitionId=OWNER),
    )
    assert facts.gaps == []
    assert [(row["principal"], row["workload"]) for row in rows(facts, "assignments")] == [
        ("(infra:prod)#one", True),
        ("(infra:prod)#other", None),
    ]
    assert names(facts)["(infra:prod)#one"] == "a principal that is given when it is deployed"


# ---- principals


def principal_of(facts) -> dict[str, Any]:
    holder = only(facts)["principal"]
    (found,) = [row for row in rows(facts, "principals") if row["principal"] == holder]
    return {**found, "name": names(facts)[holder], "workload": only(facts)["workload"]}


def holder(value: Value, *others, kind: Value = None) -> dict[str, Any]:
    more = {} if kind is None else {"principalType": kind}
    return principal_of(facts_of(*others, assignment(principalId=value, roleDefinitionId=OWNER, **more)))


def test_a_guid_without_type() -> None:
    assert holder(STRANGER.upper()) == {
        "principal": STRANGER,
        "type": "Unknown",
        "exists": None,
        "managed": False,
        "name": None,
        "workload": None,
    }


@pytest.mark.parametrize(
    ("kind", "spelled", "workload"),
    [
        ("serviceprincipal", "ServicePrincipal", True),
        ("User", "User", False),
        ("Group", "Group", None),
        ("Martian", "Unknown", None),
        (unknown("var.type"), "Unknown", None),
    ],
)
def test_the_type_beside_a_principal_that_is_not_known(
    kind: Value, spelled: str, workload: bool | None
) -> None:
    found = holder(unknown("var.principal"), kind=kind)
    assert found == {
        "principal": "(infra:prod)#{var.principal}",
        "type": spelled,
        "exists": None,
        "managed": False,
        "name": "var.principal",
        "workload": workload,
    }


def test_the_same_unknown_is_the_same_principal() -> None:
    facts = facts_of(
        assignment("a", principalId=unknown("var.principal"), roleDefinitionId=OWNER),
        assignment("b", principalId=unknown("var.principal"), roleDefinitionId=OWNER),
        assignment("c", principalId=unknown("var.other"), roleDefinitionId=OWNER),
    )
    assert [row["principal"] for row in rows(facts, "assignments")] == [
        "(infra:prod)#{var.principal}",
        "(infra:prod)#{var.principal}",
        "(infra:prod)#{var.other}",
    ]


def test_the_identity_of_a_resource() -> None:
    app = declare("microsoft.web/sites", "web", "web", ref("app"), {"identity": {"type": "SystemAssigned"}})
    found = holder(ref("web", "identity", "principalId"), group(), app)
    own = f"{GROUP}/providers/microsoft.web/sites/web/providers/Microsoft.ManagedIdentity/identities/default"
    assert (found["principal"], found["managed"], found["workload"]) == (f"{own}#principal", True, True)


def test_the_identity_of_a_resource_that_is_looked_up() -> None:
    app = declare("microsoft.web/sites", "web", "web", ref("app"), existing=True)
    facts = facts_of(
        group(), app, assignment(principalId=ref("web", "identity", "principalId"), roleDefinitionId=OWNER)
    )
    site = f"{GROUP}/providers/microsoft.web/sites/web"
    found = only(facts, "identities")
    assert (found["identity"], found["resource"]) == (
        f"{site}/providers/Microsoft.ManagedIdentity/identities/default",
        site,
    )
    assert rows(facts, "resources") == []


def test_an_identity_that_azure_makes_for_a_cluster() -> None:
    cluster = declare("microsoft.containerservice/managedclusters", "aks", "aks", GROUP)
    value = ref("aks", "properties", "identityProfile", "kubeletidentity", "objectId")
    found = holder(value, cluster)
    assert found["principal"] == (
        f"{GROUP}/providers/microsoft.containerservice/managedclusters/aks"
        "/providers/Microsoft.ManagedIdentity/identities/kubeletidentity#principal"
    )
    assert (found["type"], found["managed"], found["name"]) == (
        "ServicePrincipal",
        True,
        "aks (kubeletidentity)",
    )


def test_a_kubelet_that_is_given_an_identity_is_that_identity() -> None:
    profile = {"identityProfile": {"kubeletidentity": {"resourceId": ref("id")}}}
    cluster = declare(
        "microsoft.containerservice/managedclusters", "aks", "aks", GROUP, {"properties": profile}
    )
    value = ref("aks", "properties", "identityProfile", "kubeletidentity", "objectId")
    assert holder(value, group(), identity(), cluster)["principal"] == f"{IDENTITY}#principal"


@pytest.mark.parametrize(
    ("kind", "spelled", "workload"),
    [
        ("azuread/user", "User", False),
        ("azuread/group", "Group", None),
        ("azuread/serviceprincipal", "ServicePrincipal", True),
    ],
)
def test_people_groups_and_applications_of_the_directory(
    kind: str, spelled: str, workload: bool | None
) -> None:
    known = declare(kind, "data.azuread_x.y", unknown("y"), "/", {"displayName": "Jo"}, existing=True)
    assert holder(ref("data.azuread_x.y"), known) == {
        "principal": "(infra:prod)/data.azuread_x.y",
        "type": spelled,
        "exists": None,
        "managed": False,
        "name": "Jo",
        "workload": workload,
    }


def test_an_object_id_that_a_plan_knows_is_the_principal() -> None:
    known = declare("azuread/user", "data.azuread_user.me", "me", "/", {"objectId": STRANGER}, existing=True)
    found = holder(ref("data.azuread_user.me", "objectId"), known)
    assert (found["principal"], found["type"], found["workload"]) == (STRANGER, "User", False)


def test_an_identity_of_a_plan_is_found_by_its_object_id() -> None:
    made = identity(values=body({"properties": {"principalId": STRANGER, "clientId": CUSTOM_GUID}}))
    facts = facts_of(group(), made, assignment(principalId=STRANGER, roleDefinitionId=OWNER))
    found = only(facts, "identities")
    assert (found["principal"], found["client_id"]) == (STRANGER, CUSTOM_GUID)
    assert principal_of(facts)["managed"] is True


def test_options_that_are_all_of_a_kind_have_that_kind() -> None:
    other = identity("other", "id-other")
    value = unknown("a ? b : c", options=(PRINCIPAL, ref("other", "properties", "principalId")))
    found = holder(value, group(), identity(), other)
    assert (found["type"], found["workload"]) == ("ServicePrincipal", True)
    mixed = unknown("a ? b : c", options=(PRINCIPAL, unknown("var.who")))
    assert holder(mixed, group(), identity())["type"] == "Unknown"


def test_members_of_groups_are_followed_through_groups() -> None:
    outer = declare(
        "azuread/group", "outer", "outer", "/", {"members": [ref("inner"), unknown("var.somebody")]}
    )
    inner = declare("azuread/group", "inner", "inner", "/")
    joined = declare(
        "azuread/groupmember", "joined", None, "/", {"groupId": ref("inner"), "memberId": PRINCIPAL}
    )
    facts = facts_of(group(), identity(), outer, inner, joined)
    member = f"{IDENTITY}#principal"
    assert [(row["principal"], row["group"]) for row in rows(facts, "memberships")] == [
        ("(infra:prod)/inner", "(infra:prod)/outer"),
        (member, "(infra:prod)/outer"),
        (member, "(infra:prod)/inner"),
    ]


def test_groups_that_contain_each_other_end() -> None:
    one = declare("azuread/group", "a", "a", "/", {"members": [ref("b")]})
    other = declare("azuread/group", "b", "b", "/", {"members": [ref("a")]})
    assert [(row["principal"], row["group"]) for row in rows(facts_of(one, other), "memberships")] == [
        ("(infra:prod)/b", "(infra:prod)/a"),
        ("(infra:prod)/a", "(infra:prod)/b"),
    ]


def test_an_assignment_has_places_of_itself_and_of_what_is_pointed_at() -> None:
    grant = assignment(principalId=PRINCIPAL, roleDefinitionName="Owner")
    facts = facts_of(
        group(), identity(), grant, points_at=["properties.roleDefinitionName", "properties.scope"]
    )
    key = only(facts)["assignment"]
    held = grant.body.get("properties")
    assert held is not None
    assert isinstance(held.value, Object)
    written = held.value.get("roleDefinitionName")
    assert written is not None
    assert (key, "", grant.place) in placed(facts)
    assert [
        (entity, what, place.start, place.end) for entity, what, place in placed(facts, "property_places")
    ] == [(key, "properties.roleDefinitionName", written.start, written.end)]


def test_gaps_of_the_unit_pass_through() -> None:
    one = assignment(principalId=STRANGER, roleDefinitionId=OWNER)
    facts = facts_of(one, gaps=[gap(one.place)])
    assert facts.gaps == [("places", one.place, "malformed", "It does not parse.")]
