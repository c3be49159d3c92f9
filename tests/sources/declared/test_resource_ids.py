import pytest

from scanner.facts import ids
from scanner.facts.schema import Level
from scanner.sources.declared.declaration import Scope
from scanner.sources.declared.naming import brief, is_synthetic, printable, segment, unit_marker
from scanner.sources.declared.resource_ids import ResourceIds
from scanner.sources.declared.values import Text, Unknown, Value
from tests.sources.declared.units import (
    APP_TYPE,
    ASSIGNMENT_TYPE,
    GROUP,
    OWNER_ID,
    SUBSCRIPTION,
    UNIT,
    body,
    declare,
    group,
    identity,
    ref,
    unit,
    unknown,
)

REAL = f"/subscriptions/{SUBSCRIPTION}"
OWN_SUBSCRIPTION = Unknown("subscription().subscriptionId", "it is the one deployed to")


def ids_of(*declarations, **more):
    return ResourceIds(unit(*declarations, **more))


def id_of(declaration, *others, **more):
    return ids_of(declaration, *others, **more).of(declaration)


def read(value: Value, *declarations, **more) -> str | None:
    return ids_of(*declarations, **more).read(value)


# ---- where a unit lies


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope("subscription"), f"{UNIT}/providers/microsoft.web/sites/web"),
        (
            Scope("subscription", subscription=SUBSCRIPTION.upper()),
            f"{REAL}/providers/microsoft.web/sites/web",
        ),
        (Scope("resourceGroup"), f"{UNIT}/resourceGroups/(resource-group)/providers/microsoft.web/sites/web"),
        (
            Scope("resourceGroup", subscription=SUBSCRIPTION, resource_group="app"),
            f"{REAL}/resourceGroups/app/providers/microsoft.web/sites/web",
        ),
        (
            Scope("resourceGroup", subscription=SUBSCRIPTION),
            f"{REAL}/resourceGroups/(resource-group)(infra:prod)/providers/microsoft.web/sites/web",
        ),
        (
            Scope("managementGroup", management_group="corp"),
            "/providers/Microsoft.Management/managementGroups/corp/providers/microsoft.web/sites/web",
        ),
        (
            Scope("managementGroup"),
            "/providers/Microsoft.Management/managementGroups/{managementGroup().name}(infra:prod)"
            "/providers/microsoft.web/sites/web",
        ),
        (Scope("tenant"), "/providers/microsoft.web/sites/web"),
    ],
)
def test_a_declaration_without_parent_lies_where_its_unit_does(scope: Scope, expected: str) -> None:
    assert id_of(declare(APP_TYPE, "web"), scope=scope) == expected


@pytest.mark.parametrize(
    ("root", "marker"),
    [
        ("infra/prod", "(infra:prod)"),
        (".", "(.)"),
        ("a:b/c", "(a%3Ab:c)"),
        ("infra\n/\x1b[31mprod", "(infra?:?[31mprod)"),
    ],
)
def test_a_unit_is_named_by_its_path(root: str, marker: str) -> None:
    assert unit_marker(root) == marker


def test_the_subscription_of_the_provider_is_the_units_own_however_it_is_written() -> None:
    own = unknown("var.subscription_id")
    scope = Scope("subscription", subscription=own)
    assert read(Text(("/subscriptions/", own)), scope=scope) == UNIT
    assert read(Text(("/subscriptions/", OWN_SUBSCRIPTION)), scope=scope) == UNIT


def test_subscriptions_that_are_not_known_are_apart_and_bear_the_units_name() -> None:
    assert read(Text(("/subscriptions/", unknown("var.hub")))) == f"{UNIT}{{var.hub}}"
    assert read(Text(("/subscriptions/", unknown("var.dr")))) == f"{UNIT}{{var.dr}}"


def test_the_group_deployed_to_is_the_units_own() -> None:
    written = Text(
        ("/subscriptions/", OWN_SUBSCRIPTION, "/resourceGroups/", unknown("resourceGroup().name"), "/x/y")
    )
    assert read(written) == f"{UNIT}/resourceGroups/(resource-group)/x/y"


def test_an_unknown_name_in_a_real_subscription_bears_the_units_name_once() -> None:
    written = Text(
        (f"{REAL}/resourceGroups/", unknown("var.group"), "/providers/Microsoft.Web/sites/", unknown())
    )
    assert read(written) == (
        f"{REAL}/resourceGroups/{{var.group}}(infra:prod)/providers/Microsoft.Web/sites/{{var.unknown}}"
    )


# ---- declarations


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        (group("rg", name="app"), GROUP),
        (declare("microsoft.resources/subscriptions", "sub", SUBSCRIPTION), REAL),
        (declare("microsoft.resources/subscriptions", "sub", OWN_SUBSCRIPTION), UNIT),
        (
            declare("microsoft.management/managementgroups", "mg", "corp", "/"),
            "/providers/Microsoft.Management/managementGroups/corp",
        ),
        (declare("azuread/user", "data.azuread_user.me"), "(infra:prod)/data.azuread_user.me"),
        (declare("output", "output.key", "key"), "(infra:prod)/output.key"),
        (
            declare(
                "microsoft.authorization/locks", "lock", "no", f"{GROUP}/providers/Microsoft.Web/sites/web"
            ),
            f"{GROUP}/providers/Microsoft.Web/sites/web/providers/microsoft.authorization/locks/no",
        ),
        (
            declare("microsoft.web/sites/config", "cfg", "web", f"{GROUP}/providers/Microsoft.Web/sites/app"),
            f"{GROUP}/providers/Microsoft.Web/sites/app/config/web",
        ),
        (
            declare("microsoft.web/sites", "web", "app", unknown("var.group_id")),
            f"{UNIT}/resourceGroups/{{var.group_id}}/providers/microsoft.web/sites/app",
        ),
        (
            declare("microsoft.web/sites/config", "cfg", "web", unknown("var.site")),
            f"{UNIT}/resourceGroups/(resource-group)/providers/microsoft.web/sites/{{var.site}}/config/web",
        ),
        (
            declare("microsoft.storage/storageaccounts/providers/roleAssignments", "grant", "g", REAL),
            f"{REAL}/providers/microsoft.authorization/roleassignments/g",
        ),
    ],
)
def test_ids_by_type_and_parent(declaration, expected) -> None:
    assert id_of(declaration) == expected


def test_a_child_is_below_its_declared_parent() -> None:
    parent = declare(APP_TYPE, "web", "app", ref("rg"))
    child = declare("microsoft.web/sites/config", "cfg", "web", ref("web"))
    assert (
        id_of(child, parent, group("rg", name="app"))
        == f"{GROUP}/providers/microsoft.web/sites/app/config/web"
    )


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("terraform", unknown("var.name")),
        ("terraform", "app"),
        ("plan", "app"),
        ("arm", unknown("newGuid()")),
        ("bicep", Text(("app", unknown("take(uniqueString(deployment().name), 5)")))),
    ],
)
def test_declarations_of_which_the_ids_only_look_alike_are_kept_apart_by_their_addresses(
    language: str, name: Value
) -> None:
    one = declare(APP_TYPE, 'module.a["x/y"].web', name, GROUP, language=language)
    other = declare(APP_TYPE, "other", name, GROUP, language=language)
    found = ids_of(one, other)
    assert found.of(other) == f"{found.of(one)}{{other}}"


@pytest.mark.parametrize("language", ["arm", "bicep"])
@pytest.mark.parametrize("name", ["app", unknown("parameters('name')"), Text(("app", unknown("var.x")))])
def test_what_a_template_deploys_again_is_the_same(language: str, name: Value) -> None:
    one = declare(APP_TYPE, "one", name, GROUP, language=language)
    other = declare(APP_TYPE, "other", name, GROUP, {"properties": {"enabled": True}}, language=language)
    found = ids_of(one, other)
    assert found.of(one) == found.of(other)


def test_what_one_place_deploys_in_a_loop_under_the_name_of_the_deployment_around_is_the_same() -> None:
    name = Text(("app", unknown("take(uniqueString(deployment().name), 5)")))
    one = declare(APP_TYPE, "test[0].app", name, GROUP)
    again = declare(APP_TYPE, "test[1].app", name, GROUP)
    again.place = one.place
    found = ids_of(one, again)
    assert found.of(one) == found.of(again)


def test_an_assignment_is_only_the_same_when_it_gives_the_same() -> None:
    def assigned(address: str, to: Value, role: str = OWNER_ID):
        values = {"properties": {"principalId": to, "roleDefinitionId": role}}
        return declare(ASSIGNMENT_TYPE, address, "given", GROUP, values)

    app = identity("first", "app")
    again = identity("again", "app")
    principal = ("properties", "principalId")
    one = assigned("one", ref("first", *principal))
    same = assigned("same", ref("again", *principal))
    to_another = assigned("to_another", unknown("param"))
    other_role = assigned("other_role", ref("first", *principal), OWNER_ID.replace("8e3af657", "00000000"))
    found = ids_of(group(), app, again, one, same, to_another, other_role)
    assert found.of(one) == found.of(same)
    assert found.of(to_another) == f"{found.of(one)}{{to_another}}"
    assert found.of(other_role) == f"{found.of(one)}{{other_role}}"


def test_what_is_looked_up_is_what_is_declared_under_that_name() -> None:
    made = identity("made", Text((unknown("var.prefix"), "-id")))
    found = identity("found", Text((unknown("var.prefix"), "-id")), existing=True)
    both = ids_of(group(), made, found)
    assert both.of(made) == both.of(found)


def test_what_contains_itself_is_placed_in_the_unit() -> None:
    one = declare("microsoft.web/sites/slots", "a", "a", ref("b"))
    other = declare("microsoft.web/sites/slots", "b", "b", ref("a"))
    found = ids_of(one, other)
    assert found.of(one).startswith(f"{UNIT}/resourceGroups/(resource-group)/providers/")
    assert found.of(one) != found.of(other)


def test_a_long_chain_of_parents_ends() -> None:
    chain = [declare("microsoft.web/sites", f"n{i}", f"n{i}", ref(f"n{i + 1}")) for i in range(3000)]
    assert id_of(chain[0], *chain[1:]).startswith("/subscriptions/(infra:prod)")


# ---- values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"{REAL}/resourceGroups/app/", f"{REAL}/resourceGroups/app"),
        ("/", "/"),
        ("app", None),
        (unknown("var.scope"), None),
        (None, None),
        (7, None),
        ([REAL], None),
        (unknown("resourceGroup().id"), f"{UNIT}/resourceGroups/(resource-group)"),
        (Text((unknown("subscription().id"), "/resourceGroups/app")), GROUP),
        (
            Text((unknown("var.group_id"), "/providers/Microsoft.Web/sites/app")),
            f"{UNIT}/resourceGroups/{{var.group_id}}/providers/Microsoft.Web/sites/app",
        ),
        (
            Text((unknown("var.sub"), "/resourceGroups/app")),
            f"{UNIT}{{var.sub}}/resourceGroups/app",
        ),
        (
            Text((unknown("var.prefix"), "/providers/Microsoft.Management/managementGroups/corp")),
            "/providers/Microsoft.Management/managementGroups/corp",
        ),
        (
            Text(("/providers/Microsoft.Management/managementGroups/", unknown("var.mg"))),
            "/providers/Microsoft.Management/managementGroups/{var.mg}(infra:prod)",
        ),
        (Text((unknown("var.a"), "-", unknown("var.b"))), None),
    ],
)
def test_values_that_are_ids(value: Value, expected: str | None) -> None:
    assert read(value) == expected


def test_a_reference_followed_by_text_is_an_id() -> None:
    assert read(Text((ref("rg"), "/providers/Microsoft.Web/sites/x")), group("rg", name="app")) == (
        f"{GROUP}/providers/Microsoft.Web/sites/x"
    )


def test_a_reference_to_a_property_is_what_the_property_says() -> None:
    lock = declare("microsoft.authorization/locks", "lock", "l", "/", {"properties": {"on": f"{REAL}/x/y"}})
    assert read(ref("lock", "properties", "on"), lock) == f"{REAL}/x/y"
    assert read(ref("lock", "properties", "other"), lock) is None
    assert read(ref("gone"), lock) is None


def test_a_reference_to_a_name_is_the_name() -> None:
    found = ids_of(group("rg", name="app"))
    assert found.follow(Text((ref("rg", "name"), "-id"))) == "app-id"


def test_options_that_are_all_alike_are_the_value() -> None:
    assert read(unknown("var.a ? x : x", options=(REAL, REAL))) == REAL
    assert read(unknown("var.a ? x : y", options=(REAL, GROUP))) is None


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (REAL, Level.SUBSCRIPTION),
        (Text(("/subscriptions/", unknown())), Level.SUBSCRIPTION),
        (Text(("/subscriptions/", unknown(), "/resourceGroups/", unknown("var.g"))), Level.RESOURCE_GROUP),
        (Text(("/providers/Microsoft.Management/managementGroups/", unknown())), Level.MANAGEMENT_GROUP),
        (Text((unknown(), "/providers/Microsoft.Web/sites/a")), Level.RESOURCE),
        ("/", Level.TENANT),
    ],
)
def test_levels_come_out_right(value: Value, level: Level) -> None:
    found = read(value)
    assert found is not None
    assert ids.place(found).level is level


# ---- names


def test_hostile_names_make_harmless_ids() -> None:
    made = id_of(declare(APP_TYPE, "web", "a/../b\n\x1b[2J\ud800\u202e" + "n" * 500, GROUP))
    assert made.startswith(f"{GROUP}/providers/microsoft.web/sites/a%2F..%2Fb??[2J??nnn")
    assert made.isprintable()
    assert len(made.rsplit("/", 1)[1]) <= 200


def test_long_names_stay_apart() -> None:
    assert segment("a" * 900) != segment("a" * 901)


def test_a_nameless_resource_has_an_id() -> None:
    assert id_of(declare(APP_TYPE, "web", "", GROUP)) == f"{GROUP}/providers/microsoft.web/sites/{{}}"


@pytest.mark.parametrize(
    ("entity_id", "synthetic"),
    [
        (f"{UNIT}/resourceGroups/app", True),
        ("(infra)/output.key", True),
        (f"{REAL}/resourceGroups/{{var.group}}(infra)", True),
        (f"{REAL}/resourceGroups/app (test)/providers/Microsoft.Web/sites/a", False),
        ("/", False),
        (SUBSCRIPTION, False),
    ],
)
def test_synthetic_ids_are_known(entity_id: str, synthetic: bool) -> None:
    assert is_synthetic(entity_id) is synthetic


def test_printable_text_is_left_alone() -> None:
    assert printable("größe 5") == "größe 5"
    assert body({}).get("x") is None


GROUP_ID = "'/subscriptions/${subscription().subscriptionId}/resourceGroups/${resourceGroup().name}'"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("app", "app"),
        ("a" * 60, "a" * 60),
        ("{var.prefix}-app", "{var.prefix}-app"),
        (f"fnapp{{uniqueString({GROUP_ID})}}", "fnapp{uniqueString(…)}"),
        (f"a{{take(uniqueString({GROUP_ID}), 5)}}-b{{toLower({GROUP_ID})}}", "a{take(…)}-b{toLower(…)}"),
        (f"a{{uniqueString({GROUP_ID[:-9]}", "a{uniqueString(…)}"),
        (f"guid({GROUP_ID}, 'x')", "guid(…)"),
        (
            "reference(resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'id-app'), '2024-11-30').id",
            "reference(…'id-app'…)",
        ),
        (
            "reference('/subscriptions/${subscription().id}/providers/Microsoft.X/y/id-app', '2024-11-30').id",
            "reference(…'id-app'…)",
        ),
        (
            "testDeployment[0].servicesOfAll.dependencies.cognitiveService.properties.principalId",
            "testDeployment[0].se…cognitiveService.properties.principalId",
        ),
    ],
)
def test_names_are_short_enough_to_read(name: str, expected: str) -> None:
    assert brief(name) == expected


@pytest.mark.parametrize("name", ["}{" * 40, "{" * 100, "{" + "x.(" * 40 + "}", "f(" * 5_000, "{}" * 9_000])
def test_names_of_any_kind_are_short(name: str) -> None:
    assert 0 < len(brief(name)) <= 60


@pytest.mark.parametrize(
    ("scope", "spoken"),
    [
        (Scope("managementGroup"), "the management group that infra/prod goes to"),
        (Scope("managementGroup", management_group="corp"), "corp"),
        (Scope("subscription"), "the subscription that infra/prod goes to"),
        (Scope("resourceGroup"), "the resource group that infra/prod goes to"),
    ],
)
def test_what_a_unit_is_deployed_to_is_called_after_it(scope: Scope, spoken: str) -> None:
    made = ids_of(scope=scope)
    assert made.spoken(made.scope) == spoken


def test_what_takes_over_a_thing_of_azure_has_its_id() -> None:
    web = declare(APP_TYPE, Unknown("var.name", "it is given when deploying"))
    web.id = f"{REAL}/resourceGroups/app/providers/Microsoft.Web/sites/web"
    assert ids_of(web).of(web) == web.id
    known = f"{REAL}/resourceGroups/app/providers/Microsoft.Web/sites/other"
    assert ResourceIds(unit(web), {web.address: known}).of(web) == known
    web.id = f"{REAL}/resourceGroups/app/providers/Microsoft.KeyVault/vaults/web"
    assert "{var.name}" in ids_of(web).of(web)
