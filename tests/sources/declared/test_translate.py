from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.catalog.roles import builtin_roles
from scanner.facts.store import FactsBuilder
from scanner.sources.declared.declaration import OTHER_TYPES, Declaration, Place, Scope, SourceGap, Unit
from scanner.sources.declared.naming import is_synthetic
from scanner.sources.declared.translate import Wanted, translate
from scanner.sources.declared.unit_facts import UnitBuilder, merge
from scanner.sources.declared.values import KeyRead, Object, Property, Ref, Text, Unknown, Value, show
from scanner.sources.declared.walking import Budget, find, not_known, plain, written_path
from tests.sources.declared.units import (
    ALL,
    APP_TYPE,
    ASSIGNMENT_TYPE,
    GROUP,
    IDENTITY_TYPE,
    OWNER,
    OWNER_ID,
    ROLE_TYPE,
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

IDENTITY = f"{GROUP}/providers/microsoft.managedidentity/userassignedidentities/id-app"
STRANGER = "99999999-8888-7777-6666-555555555555"


def declared(facts, address: str):
    (found,) = [row for row in rows(facts, "declarations") if row["address"] == address]
    return found


# ---- declarations


def test_what_a_declaration_says_of_itself() -> None:
    made = identity(conditional=True, language="terraform")
    assert declared(facts_of(group(), made), "id") == {
        "entity": IDENTITY,
        "address": "id",
        "language": "terraform",
        "unit": "infra/prod",
        "existing": False,
        "conditional": True,
        "referenced": False,
        "exported": False,
        "whole": True,
    }


def test_what_is_never_used() -> None:
    found = declared(facts_of(group(), identity()), "id")
    assert (found["referenced"], found["exported"]) == (False, False)


def test_what_others_refer_to() -> None:
    for other in (
        assignment(principalId=ref("id", "properties", "principalId"), roleDefinitionId=OWNER),
        declare(f"{IDENTITY_TYPE}/federatedidentitycredentials", "f", "f", ref("id"), {}),
        declare("microsoft.x/y", "y", "y", GROUP, {"p": [Text(("a", ref("id")))]}),
        declare("microsoft.x/y", "y", "y", GROUP, Object({"k": Property(1)}, False, {"k": ref("id")})),
        declare("microsoft.x/y", "y", Text((ref("id", "name"), "-y")), GROUP),
        declare("microsoft.x/y", "y", "y", GROUP, {"p": unknown("a ? b : c", options=(None, ref("id")))}),
        declare("microsoft.x/y", "y", "y", GROUP, {"p": KeyRead(ref("id"), "", "listKeys", "id.listKeys()")}),
    ):
        found = declared(facts_of(group(), identity(), other), "id")
        assert (found["referenced"], found["exported"]) == (True, False), other


def test_what_refers_to_itself_only_is_not_used() -> None:
    made = identity(values=body({"tags": {"self": ref("id", "name")}}))
    assert declared(facts_of(group(), made), "id")["referenced"] is False


def test_what_is_named_by_its_id_is_referred_to() -> None:
    app = declare(
        APP_TYPE,
        "web",
        "web",
        GROUP,
        {"identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY.upper(): {}}}},
    )
    assert declared(facts_of(group(), identity(), app), "id")["referenced"] is True


def test_what_an_output_hands_on_is_exported() -> None:
    output = declare(
        "output", "output.o", "o", None, {"value": {"ids": [ref("id", "properties", "clientId")]}}
    )
    found = declared(facts_of(group(), identity(), output), "id")
    assert (found["referenced"], found["exported"]) == (False, True)


def test_an_output_hands_an_identity_on_by_its_name_or_id_as_text() -> None:
    for value, exported in (
        ("ID-APP", True),
        ([{"id": IDENTITY.upper()}], True),
        ("id-other", False),
        ("", False),
    ):
        output = declare("output", "output.o", "o", None, {"value": value})
        found = declared(facts_of(group(), identity(), output), "id")
        assert (found["referenced"], found["exported"]) == (False, exported), value


def test_what_is_deployed_again_is_one_thing_with_all_that_is_said_of_it() -> None:
    app = declare(APP_TYPE, "first", "web", GROUP, {"identity": {"type": "SystemAssigned"}}, conditional=True)
    again = declare(
        APP_TYPE,
        "again",
        "web",
        GROUP,
        {"identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}, "kind": "app"},
    )
    user = declare("microsoft.x/y", "y", "y", GROUP, {"p": ref("again")})
    facts = facts_of(group(), identity(), app, again, user)
    web = f"{GROUP}/providers/microsoft.web/sites/web"
    (row,) = [row for row in rows(facts, "resources") if row["resource"] == web]
    assert (row["system_assigned"], row["user_assigned"]) == (True, True)
    (said,) = [row for row in rows(facts, "declarations") if row["entity"] == web]
    assert (said["address"], said["conditional"], said["referenced"]) == ("first", False, True)
    assert [place for entity, _, place in placed(facts) if entity == web] == [app.place]


def test_what_is_named_from_outside_is_exported() -> None:
    for name, exported in (
        (unknown("var.name"), True),
        (Text((unknown("param prefix"), "-id")), True),
        (Text(("id-", unknown("uniqueString(resourceGroup().id)"))), False),
        (Text(("id-", ref("app", "name"))), False),
        ("id-app", False),
    ):
        made = identity("made", name)
        assert declared(facts_of(group(), made), "made")["exported"] is exported, name


def test_a_unit_of_which_a_part_was_not_read_is_not_whole() -> None:
    made = identity()
    assert declared(facts_of(group(), made, gaps=[gap(made.place)]), "id")["whole"] is False
    only_a_scope = SourceGap(made.place, "unresolved", "Its scope is not known.", "assignments")
    assert declared(facts_of(group(), made, gaps=[only_a_scope]), "id")["whole"] is True


def test_calls_of_modules_from_the_outermost() -> None:
    made = identity(calls=(Place("main.tf", 1, 2), Place("app/main.tf", 3, 4)))
    facts = facts_of(group(), made)
    calls = [
        (facts.entities[entity][1], depth, place)
        for table, entity, depth, place in facts.at
        if table == "module_calls"
    ]
    assert (IDENTITY, "0", Place("main.tf", 1, 2)) in calls
    assert (IDENTITY, "1", Place("app/main.tf", 3, 4)) in calls


def test_only_what_is_wanted_is_told() -> None:
    unit = Unit(
        root="x",
        language="bicep",
        scope=Scope("subscription"),
        declarations=[
            group(values=body({"tags": {"a": "b"}})),
            identity(),
            declare("terraform/provider", "p", "azurerm", None, {"client_secret": "".join(["x"] * 9)}),
            assignment(principalId=STRANGER, roleDefinitionName="Owner"),
        ],
        gaps=[],
        files=[],
    )
    facts = translate(unit, Wanted(frozenset(["grants", "workload_assignments"])))
    assert set(facts.rows) == {"assignments", "identities", "principals", "roles"}


# ---- many units, one world


def test_units_unite() -> None:
    grant = assignment(principalId=STRANGER, roleDefinitionId=OWNER)
    one = facts_of(
        grant, declare(APP_TYPE, "web", "web", "/subscriptions/s/resourceGroups/g", {"tags": {"a": "b"}})
    )
    other = facts_of(
        grant,
        declare(APP_TYPE, "web", "WEB", "/subscriptions/s/resourceGroups/g", {"tags": {"a": "b"}}),
        root="other",
    )
    builder = FactsBuilder()
    seen: set = set()
    first, second = merge(one, builder, seen), merge(other, builder, seen)
    role = builder.key_of(OWNER_ID)
    assert role in first
    assert role in second
    expected = builtin_roles()[OWNER].permissions
    assert [
        (row["entry"], row["part"], row["pattern"])
        for row in builder.rows("permissions")
        if row["role"] == role
    ] == [(0, "actions", pattern) for pattern in expected[0].actions]
    assert [(builder.id_of(row["entity"]), row["tag"]) for row in builder.rows("tags")] == [
        ("/subscriptions/s/resourceGroups/g/providers/microsoft.web/sites/web", "a")
    ]
    assert [builder.id_of(row["scope"]) for row in builder.rows("assignments")] == [
        "/subscriptions/(infra:prod)",
        "/subscriptions/(other)",
    ]


def test_a_whole_world_can_be_built_of_it() -> None:
    role = declare(ROLE_TYPE, "role", STRANGER, None, {"properties": {"permissions": unknown("var.p")}})
    app = declare(APP_TYPE, "web", "web", ref("app"), {"identity": unknown("var.identity")})
    facts = facts_of(
        group(),
        identity(),
        app,
        role,
        assignment(principalId=ref("id", "properties", "principalId"), roleDefinitionId=ref("role")),
        settings={(APP_TYPE, "properties.x")},
    )
    builder = FactsBuilder()
    keys = merge(facts, builder)
    for table in ALL:
        builder.unasked(table)
    store = builder.finish()
    (grant,) = store.frame("grants").collect().to_dicts()
    assert builder.id_of(grant["identity"]) == IDENTITY
    (held,) = store.frame("access").collect().to_dicts()
    assert (held["power"], held["doubt"]) == (
        "not_understood",
        "the permissions of its role were not read or not understood",
    )
    (resource,) = store.frame("resources").collect().to_dicts()
    assert (resource["system_assigned"], resource["user_assigned"]) == (None, None)
    (doubt,) = store.gaps()
    assert (doubt["table"], doubt["reason"]) == ("roles", "unresolved")
    assert doubt["scope_id"] == builder.id_of(grant["role"]).lower()
    assert len(set(keys)) == len(keys)


def test_scopes_have_the_kind_their_id_tells() -> None:
    builder = UnitBuilder("x")
    for scope_id in ("/subscriptions/s", f"{GROUP}/providers/Microsoft.Web/sites/a", IDENTITY, "/"):
        builder.scope(scope_id)
    assert [(kind, entity_id) for kind, entity_id, _, _ in builder.facts.entities] == [
        ("scope", "/subscriptions/s"),
        ("resource", f"{GROUP}/providers/Microsoft.Web/sites/a"),
        ("identity", IDENTITY),
        ("scope", "/"),
    ]


# ---- walking


def test_a_walk_ends_with_its_budget() -> None:
    budget = Budget(100)
    assert [leaf.path for leaf in not_known([ref("a"), *["x"] * 200, ref("b")], budget)] == [("0",)]
    assert budget.spent


def test_what_is_shared_is_not_unfolded_without_end() -> None:
    shared: Value = ["x", ref("a")]
    for _ in range(60):
        shared = [shared, shared]
    budget = Budget(100_000)
    assert {leaf.value for leaf in not_known(shared, budget)} == {ref("a")}
    assert not budget.spent


def test_a_unit_that_holds_too_much_ends_with_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.sources.declared.context.MOST_STEPS", 100)
    facts = facts_of(declare(APP_TYPE, "web", "web", GROUP, {"tags": {f"t{n}": "v" for n in range(200)}}))
    assert [(table, reason) for table, _, reason, _ in facts.gaps] == [("key_reads", "skipped")]
    assert declared(facts, "web")["whole"] is False


def test_a_value_that_is_too_large_is_not_known() -> None:
    shared: Value = ["x"]
    for _ in range(40):
        shared = [shared, shared]
    assert plain(shared, lambda _: None)[1] is False
    assert len(show(shared)) < 10_000
    deep: Value = "x"
    for _ in range(5_000):
        deep = [deep]
    assert plain(deep, lambda _: None)[1] is False
    assert show(deep).startswith("[[[")
    assert [leaf.path[:2] for leaf in not_known([deep, unknown()], Budget(10_000))] == [("1",)]


def test_paths_lead_to_values_and_places() -> None:
    inner = Object({"B": Property(1, 30, 40)})
    values = Object({"a": Property([inner, inner], 10, 20), "m.n": Property("x", 50, 60)})
    assert [tuple(found) for found in find(values, "A[].b")] == [
        ("A[0].b".replace("A", "A"), 1, 30, 40),
        ("A[1].b", 1, 30, 40),
    ]
    assert find(values, "a[].c") == []
    assert written_path(("properties", "m.n", "0", "x")) == "properties['m.n'][0].x"


# ---- anything at all

_TEXT = st.text(max_size=8) | st.sampled_from(
    ["Owner", OWNER, "/subscriptions/s/resourceGroups/g", "a", "SystemAssigned", "\x00", "/", "//", "\ud800"]
)
_PATHS = st.sampled_from(
    [
        ("id",),
        ("name",),
        ("properties", "principalId"),
        ("identity", "principalId"),
        ("properties",),
        ("identity", "type"),
    ]
)
_ADDRESSES = st.sampled_from(["a", "b", "c", "gone"])
_NAMES = st.sampled_from(
    [
        "identity",
        "type",
        "userAssignedIdentities",
        "properties",
        "principalId",
        "roleDefinitionId",
        "roleDefinitionName",
        "permissions",
        "actions",
        "issuer",
        "audiences",
        "siteConfig",
        "appSettings",
        "value",
        "name",
        "secure",
        "tags",
        "members",
        "condition",
        "client_secret",
        "configuration",
        "secrets",
        "0",
        "",
        "x.y['z']",
    ]
)
_REF = st.tuples(_ADDRESSES, _PATHS, _TEXT).map(lambda parts: Ref(*parts))
_UNKNOWN = st.tuples(_TEXT, _TEXT).map(lambda parts: Unknown(*parts))


def _grown(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    parts = st.lists(_TEXT | _REF | _UNKNOWN, min_size=1, max_size=3)
    options = st.lists(inner, max_size=2).map(tuple)
    operations = st.sampled_from(["listKeys", "list", ""])
    return (
        st.lists(inner, max_size=3)
        | parts.map(lambda found: Text(tuple(found)))
        | st.tuples(_TEXT, _TEXT, st.booleans(), options).map(lambda found: Unknown(*found))
        | st.tuples(inner, _TEXT, operations, _TEXT).map(lambda found: KeyRead(*found))
        | _objects(inner)
    )


def _objects(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Object]:
    held = st.tuples(inner, st.integers(-1, 9), st.integers(0, 9)).map(lambda found: Property(*found))
    properties = st.dictionaries(_NAMES, held, max_size=4)
    names = st.dictionaries(_NAMES, inner, max_size=1)
    return st.tuples(properties, st.booleans(), names).map(lambda found: Object(*found))


_KNOWN = st.none() | st.booleans() | st.integers() | st.floats() | _TEXT
_VALUES: st.SearchStrategy[Value] = st.recursive(_KNOWN | _REF | _UNKNOWN, _grown, max_leaves=12)
_TYPES = st.sampled_from(
    [
        IDENTITY_TYPE,
        f"{IDENTITY_TYPE}/federatedidentitycredentials",
        ASSIGNMENT_TYPE,
        ROLE_TYPE,
        APP_TYPE,
        "microsoft.app/containerapps",
        "microsoft.containerservice/managedclusters",
        "microsoft.resources/subscriptions",
        "microsoft.management/managementgroups",
        "microsoft.management/managementgroups/subscriptions",
        "nonsense",
        "a.b",
        "",
        *OTHER_TYPES,
    ]
)
_FLAGS = st.tuples(st.booleans(), st.booleans())
_DECLARATIONS = st.tuples(_TYPES, _VALUES, _VALUES, _objects(_VALUES), _FLAGS)
_LEVELS = st.sampled_from(["resourceGroup", "subscription", "managementGroup", "tenant", "other"])
_SCOPES = st.tuples(_LEVELS, _VALUES, _VALUES, _VALUES).map(lambda parts: Scope(*parts))


def _declaration(address: str, parts: Any) -> Declaration:
    kind, name, parent, values, (existing, conditional) = parts
    place = Place("f", 0, 1)
    return Declaration(
        address=address,
        type=kind,
        name=name,
        parent=parent,
        body=values,
        language="arm",
        place=place,
        whole=place,
        existing=existing,
        conditional=conditional,
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(_DECLARATIONS, max_size=3), _SCOPES, st.text(max_size=5))
def test_nothing_that_is_declared_makes_it_fail(made: list[Any], scope: Scope, root: str) -> None:
    declarations = [_declaration(address, parts) for address, parts in zip("abc", made, strict=False)]
    unit = Unit(root=root, language="arm", scope=scope, declarations=declarations, gaps=[], files=[])
    asked = Wanted(
        ALL,
        frozenset(
            [(APP_TYPE, "properties.siteConfig"), (APP_TYPE, "properties.siteConfig.appSettings[].value")]
        ),
        frozenset(["properties.principalId", "identity"]),
    )
    facts = translate(unit, asked)
    for _, entity_id, name, _ in facts.entities:
        assert entity_id.isprintable()
        assert name is None or name.isprintable()
    builder = FactsBuilder()
    merge(facts, builder)
    for table in ALL:
        builder.unasked(table)
    builder.finish()


def test_what_nobody_named_is_called_by_what_stands_for_it() -> None:
    hub = Text(("/subscriptions/", unknown("var.hub"), "/resourceGroups/", unknown("var.group")))
    grants = (
        assignment("a", parent=hub, principalId=STRANGER, roleDefinitionId=OWNER),
        assignment("b", principalId=STRANGER, roleDefinitionId=OWNER),
        declare(APP_TYPE, "web", "web", f"{UNIT}/resourceGroups/(resource-group)"),
    )
    assert {
        entity_id: name
        for entity_id, name in names(facts_of(*grants)).items()
        if "/providers/" not in entity_id
    } == {
        f"{UNIT}{{var.hub}}/resourceGroups/{{var.group}}": "var.group",
        f"{UNIT}{{var.hub}}": "var.hub",
        UNIT: "the subscription that infra/prod goes to",
        f"{UNIT}/resourceGroups/(resource-group)": "the resource group that infra/prod goes to",
        STRANGER: None,
    }
    at_the_root = facts_of(grants[1], root=".")
    assert names(at_the_root)["/subscriptions/(.)"] == "the subscription deployed to"


def test_every_id_that_nobody_gave_is_synthetic() -> None:
    facts = facts_of(
        group(), identity(), assignment(principalId=unknown("var.p"), roleDefinitionName="Owner")
    )
    assert {entity_id for _, entity_id, _, _ in facts.entities if not is_synthetic(entity_id)} == {OWNER_ID}
