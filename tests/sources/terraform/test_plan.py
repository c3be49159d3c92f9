"""Terraform plans: what will be there, what it refers to, and that no sensitive value is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.sources.declared.declaration import Declaration
from scanner.sources.declared.values import KeyRead, Object, Ref, Text, Unknown, show
from scanner.sources.terraform.declare import declare, unit_scope
from scanner.sources.terraform.plan import read_plan
from scanner.sources.terraform.recognise import recognise, taken_for_plan
from tests.sources.terraform.declare_objects import SUBSCRIPTION, at

SECRET = "s3" * 20
IDENTITY_REFERENCES = [
    "azurerm_user_assigned_identity.app.principal_id",
    "azurerm_user_assigned_identity.app",
]


def resource(address: str, values: dict[str, Any], sensitive: Any = None) -> dict[str, Any]:
    """A planned resource as `terraform show -json` writes it."""
    last = [step for step in address.split(".") if step]
    kind, name = last[-2], last[-1].partition("[")[0]
    return {
        "address": address,
        "mode": "data" if ".data." in f".{address}" else "managed",
        "type": kind,
        "name": name,
        "provider_name": "registry.terraform.io/hashicorp/azurerm",
        "values": values,
        "sensitive_values": sensitive or {},
    }


def configured(address: str, **expressions: Any) -> dict[str, Any]:
    """A resource in the plan's copy of the configuration."""
    return {"address": address, "provider_config_key": "azurerm", "expressions": expressions}


def refers(*references: str) -> dict[str, Any]:
    """An expression that names other things."""
    return {"references": list(references)}


def plan(
    resources: list[dict[str, Any]],
    unknown: dict[str, Any] | None = None,
    configuration: dict[str, Any] | None = None,
    **more: Any,
) -> bytes:
    """A whole plan of root resources."""
    whole = {
        "format_version": "1.2",
        "planned_values": {
            "outputs": more.pop("outputs", {}),
            "root_module": {"resources": resources, **more.pop("root", {})},
        },
        "resource_changes": [
            {"address": address, "change": {"actions": ["create"], "after_unknown": later}}
            for address, later in (unknown or {}).items()
        ],
        "configuration": configuration or {},
        **more,
    }
    return json.dumps(whole).encode()


def read(data: bytes) -> dict[str, Declaration]:
    """The declarations of a plan without gaps."""
    objects, gaps = read_plan("plan.json", data)
    assert gaps == []
    declarations, gaps = declare(objects)
    assert gaps == []
    return {one.address: one for one in declarations}


def principal(made: dict[str, Declaration], address: str = "azurerm_role_assignment.owner") -> Any:
    """The principal of a role assignment."""
    return at(made[address], "properties.principalId")


IDENTITY = resource("azurerm_user_assigned_identity.app", {"name": "app", "resource_group_name": "rg"})
OWNER = resource(
    "azurerm_role_assignment.owner",
    {"scope": f"/subscriptions/{SUBSCRIPTION}", "role_definition_name": "Owner", "condition": None},
)


def test_recognise() -> None:
    assert recognise(plan([]))
    assert recognise(
        b'{"configuration": {' + b" " * 10_000 + b'}, "format_version": "1.0", "planned_values": {}}'
    )
    assert not recognise(b'{"format_version": "1.0", "values": {}}')
    assert not recognise(b'{"$schema": "planned_values"}')


def test_what_is_taken_for_a_plan() -> None:
    assert taken_for_plan(plan([])) is None
    assert taken_for_plan(b'{"$schema": "x", "resources": []}') is None
    shown = b'{"format_version": "1.0", "terraform_version": "1.9.0", "values": {}}'
    assert taken_for_plan(shown) == "a state, as `terraform show -json` prints it without the name of a plan"
    assert (
        taken_for_plan(b'{"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "x"}')
        == "a state"
    )
    log = b'{"@level":"info","@message":"Terraform 1.9.0","type":"version","terraform":"1.9.0"}\n{"@level":"info"}'
    assert taken_for_plan(log) == "the log that `terraform plan -json` prints"


def test_a_principal_known_after_apply_is_that_of_the_identity() -> None:
    made = read(
        plan(
            [IDENTITY, OWNER],
            {"azurerm_role_assignment.owner": {"principal_id": True, "id": True}},
            {
                "root_module": {
                    "resources": [
                        configured("azurerm_role_assignment.owner", principal_id=refers(*IDENTITY_REFERENCES))
                    ]
                }
            },
        )
    )
    assert principal(made) == Ref(
        "azurerm_user_assigned_identity.app",
        ("properties", "principalId"),
        "azurerm_user_assigned_identity.app.principal_id",
    )
    owner = made["azurerm_role_assignment.owner"]
    assert owner.parent == f"/subscriptions/{SUBSCRIPTION}"
    assert at(owner, "properties.roleDefinitionName") == "Owner"
    assert owner.language == "plan"


def test_through_modules_in_and_out() -> None:
    identity = resource("module.id.azurerm_user_assigned_identity.this", {"name": "app"})
    assignment = resource("module.access.module.inner.azurerm_role_assignment.this", {"scope": "/s"})
    modules = {
        "child_modules": [
            {"address": "module.id", "resources": [identity]},
            {
                "address": "module.access",
                "child_modules": [{"address": "module.access.module.inner", "resources": [assignment]}],
            },
        ]
    }
    inner = {"resources": [configured("azurerm_role_assignment.this", principal_id=refers("var.principal"))]}
    access = {
        "module_calls": {"inner": {"expressions": {"principal": refers("var.who")}, "module": inner}},
    }
    configuration = {
        "root_module": {
            "module_calls": {
                "id": {
                    "module": {
                        "outputs": {
                            "principal_id": {
                                "expression": refers(
                                    "azurerm_user_assigned_identity.this.principal_id",
                                    "azurerm_user_assigned_identity.this",
                                )
                            }
                        }
                    }
                },
                "access": {
                    "expressions": {"who": refers("module.id.principal_id", "module.id")},
                    "module": access,
                },
            }
        }
    }
    address = "module.access.module.inner.azurerm_role_assignment.this"
    made = read(plan([], {address: {"principal_id": True}}, configuration, root=modules))
    held = principal(made, address)
    assert isinstance(held, Ref)
    assert held.target == "module.id.azurerm_user_assigned_identity.this"
    assert held.path == ("properties", "principalId")


def test_instances_of_one_key_belong_together() -> None:
    keys = ["a", "b"]
    identities = [resource(f'azurerm_user_assigned_identity.app["{key}"]', {"name": key}) for key in keys]
    assignments = [resource(f'azurerm_role_assignment.owner["{key}"]', {"scope": "/s"}) for key in keys]
    made = read(
        plan(
            identities + assignments,
            {f'azurerm_role_assignment.owner["{key}"]': {"principal_id": True} for key in keys},
            {
                "root_module": {
                    "resources": [
                        configured(
                            "azurerm_role_assignment.owner",
                            principal_id=refers("azurerm_user_assigned_identity.app", "each.key"),
                        )
                    ]
                }
            },
        )
    )
    for key in keys:
        held = principal(made, f'azurerm_role_assignment.owner["{key}"]')
        assert isinstance(held, Ref)
        assert held.target == f'azurerm_user_assigned_identity.app["{key}"]'
        assert held.path == ("properties", "principalId")


def test_identity_ids_known_after_apply() -> None:
    app = resource(
        "azurerm_linux_web_app.web",
        {"name": "web", "resource_group_name": "rg", "identity": [{"type": "UserAssigned"}]},
    )
    other = resource("azurerm_user_assigned_identity.other", {"name": "other"})
    ids = refers(
        "azurerm_user_assigned_identity.app.id",
        "azurerm_user_assigned_identity.app",
        "azurerm_user_assigned_identity.other.id",
        "azurerm_user_assigned_identity.other",
    )
    made = read(
        plan(
            [IDENTITY, other, app],
            {"azurerm_linux_web_app.web": {"identity": [{"identity_ids": True, "principal_id": True}]}},
            {
                "root_module": {
                    "resources": [configured("azurerm_linux_web_app.web", identity=[{"identity_ids": ids}])]
                }
            },
        )
    )
    held = at(made["azurerm_linux_web_app.web"], "identity.userAssignedIdentities")
    assert isinstance(held, Object)
    assert [one.target for one in held.names.values() if isinstance(one, Ref)] == [
        "azurerm_user_assigned_identity.app",
        "azurerm_user_assigned_identity.other",
    ]


def test_a_sensitive_value_is_never_kept() -> None:
    app = resource(
        "azurerm_linux_web_app.web",
        {
            "name": "web",
            "app_settings": {"KEY": SECRET, "PLAIN": "plain", "OTHER": f"{SECRET}other"},
            "connection_string": [{"name": "db", "value": SECRET, "type": "SQLAzure"}],
        },
        {"app_settings": True, "connection_string": [{"value": True}]},
    )
    data = plan([app], outputs={"key": {"sensitive": True, "value": SECRET}})
    objects, _ = read_plan("plan.json", data)
    made = read(data)
    assert SECRET not in repr(objects)
    assert SECRET not in repr(made)
    settings_ = at(made["azurerm_linux_web_app.web"], "properties.siteConfig.appSettings")
    assert isinstance(settings_, list)
    names = [one.properties["name"].value for one in settings_ if isinstance(one, Object)]
    assert names == ["KEY", "PLAIN", "OTHER"]
    assert at(made["azurerm_linux_web_app.web"], "properties.siteConfig.appSettings.0.value") == Unknown(
        "azurerm_linux_web_app.web.app_settings.KEY", "it is sensitive", secret=True
    )


def test_a_key_that_is_known_already_is_still_a_key() -> None:
    account = resource(
        "azurerm_storage_account.s",
        {"name": "s", "resource_group_name": "rg", "primary_access_key": SECRET},
        {"primary_access_key": True},
    )
    app = resource(
        "azurerm_linux_web_app.web",
        {"name": "web", "app_settings": {"A": "plain text of a setting", "B": f"Key={SECRET}", "C": SECRET}},
        {"app_settings": True},
    )
    used = refers("azurerm_storage_account.s.primary_access_key", "azurerm_storage_account.s", "var.a")
    made = read(
        plan(
            [account, app],
            {},
            {"root_module": {"resources": [configured("azurerm_linux_web_app.web", app_settings=used)]}},
        )
    )
    assert SECRET not in repr(made)
    web = made["azurerm_linux_web_app.web"]
    first = at(web, "properties.siteConfig.appSettings.0.value")
    second = at(web, "properties.siteConfig.appSettings.1.value")
    third = at(web, "properties.siteConfig.appSettings.2.value")
    assert isinstance(first, Unknown)
    assert isinstance(second, Text)
    assert isinstance(third, KeyRead)
    assert second.parts == ("Key=", third)
    assert (third.operation, third.service) == ("primary_access_key", "microsoft.storage/storageaccounts")


def test_places_are_those_of_the_plan_file() -> None:
    data = plan([IDENTITY, OWNER])
    owner = read(data)["azurerm_role_assignment.owner"]
    assert data[owner.place.start : owner.place.end] == b'"azurerm_role_assignment.owner"'
    assert json.loads(data[owner.whole.start : owner.whole.end]) == OWNER
    properties = at(owner, "properties")
    assert isinstance(properties, Object)
    role = properties.properties["roleDefinitionName"]
    assert data[role.start : role.end] == b'"role_definition_name": "Owner"'


def test_places_of_nested_blocks() -> None:
    app = resource(
        "azurerm_linux_web_app.web",
        {
            "name": "web",
            "tags": {"a": "}"},
            "connection_string": [{"name": "x"}, {"name": "y", "value": "v"}],
        },
    )
    data = plan([app])
    held = at(read(data)["azurerm_linux_web_app.web"], "properties.siteConfig.connectionStrings.1")
    assert isinstance(held, Object)
    found = held.properties["connectionString"]
    assert data[found.start : found.end] == b'"value": "v"'


DECOY = {"azurerm": {"expressions": {}}, "key": {"value": "not here"}, "password": {"default": "not here"}}


@pytest.mark.parametrize("by_name", [False, True], ids=["as printed", "sorted"])
def test_places_of_what_is_no_resource(by_name: bool) -> None:
    """Objects of the same names in values, modules and other parts of a plan are not taken for them."""
    decoys = {"outputs": DECOY, "provider_config": DECOY, "variables": DECOY}
    configuration = {
        "provider_config": {
            "azuread": {"name": "azuread", "expressions": {"azurerm": {"constant_value": "x"}}},
            "azurerm": {"name": "azurerm", "expressions": {"client_id": {"constant_value": "c"}}},
        },
        "root_module": {
            "module_calls": {"inner": {"module": decoys}},
            "outputs": {"key": {"expression": {}}},
            "variables": {"password": {"default": "d", "sensitive": True}},
        },
    }
    outputs = {"key": {"sensitive": False, "value": "v"}}
    whole = json.loads(plan([IDENTITY], {}, configuration, outputs=outputs))
    whole = {"variables": {**DECOY, "all": {"value": decoys}}, **whole}
    data = json.dumps(whole, sort_keys=by_name).encode()
    made = read(data)

    def written(address: str, name: str) -> tuple[bytes, bytes]:
        held = made[address].body
        assert isinstance(held, Object)
        found = held.properties[name]
        place = made[address].place
        return data[place.start : place.end], data[found.start : found.end]

    assert written("provider.azurerm", "client_id") == (b'"azurerm"', b'"client_id": {"constant_value": "c"}')
    assert written("output.key", "value") == (b'"key"', b'"value": "v"')
    assert written("var.password", "value") == (b'"password"', b'"default": "d"')
    owner = made["azurerm_user_assigned_identity.app"]
    assert json.loads(data[owner.whole.start : owner.whole.end]) == IDENTITY


def test_a_name_that_is_there_twice_has_no_place() -> None:
    data = plan([IDENTITY], outputs={"key": {"sensitive": False, "value": "v"}})
    data = data.replace(b'"outputs": {', b'"outputs": {"key": {"value": "w"}, ')
    made = read(data)["output.key"]
    assert (made.place.start, made.place.end) == (0, 0)
    assert at(made, "value") == "v"


def test_data_sources_that_were_read_and_what_is_deleted() -> None:
    current = resource("data.azurerm_client_config.me", {"object_id": "o", "subscription_id": SUBSCRIPTION})
    data = plan(
        [OWNER],
        {"azurerm_role_assignment.gone": {}},
        prior_state={
            "values": {
                "root_module": {
                    "resources": [
                        current,
                        resource("azurerm_role_assignment.gone", {"scope": "/s"}),
                        resource("data.azurerm_role_definition.r", {"name": "Owner", "scope": None}),
                    ]
                }
            }
        },
    )
    made = read(data)
    assert list(made) == ["azurerm_role_assignment.owner", "data.azurerm_role_definition.r"]
    assert made["data.azurerm_role_definition.r"].existing


def test_ids_of_what_is_there_already_or_will_be_taken_over() -> None:
    app = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/x/app"
    assigned = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/1"
    data = plan(
        [
            resource("azurerm_user_assigned_identity.app", {"id": app}),
            resource("azurerm_role_assignment.owner", {"scope": "/s"}),
            resource("azurerm_role_assignment.new", {"scope": "/s"}),
            resource("azuread_application.a", {"id": "11111111-1111-1111-1111-111111111111"}),
        ],
        resource_changes=[
            {
                "address": "azurerm_role_assignment.owner",
                "change": {"actions": ["no-op"], "importing": {"id": f"{assigned}|tenant"}},
            },
            {"address": "azurerm_role_assignment.new", "change": {"actions": ["create"], "importing": None}},
        ],
    )
    assert {address: one.id for address, one in read(data).items()} == {
        "azurerm_user_assigned_identity.app": app,
        "azurerm_role_assignment.owner": assigned,
        "azurerm_role_assignment.new": "",
        "azuread_application.a": "",
    }


def test_the_subscription_of_what_is_there_already() -> None:
    there = resource(
        "azurerm_user_assigned_identity.app",
        {
            "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/x/app",
            "name": "app",
            "resource_group_name": "rg",
        },
    )
    objects, _ = read_plan("plan.json", plan([there]))
    assert unit_scope(objects).subscription == SUBSCRIPTION
    assert read(plan([there]))["azurerm_user_assigned_identity.app"].parent == (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
    )


def test_providers_variables_and_outputs() -> None:
    configuration = {
        "provider_config": {
            "azurerm": {
                "name": "azurerm",
                "expressions": {
                    "subscription_id": refers("var.subscription"),
                    "client_secret": refers("var.secret"),
                    "client_id": {"constant_value": "c"},
                },
            },
            "random": {"name": "random", "expressions": {}},
        },
        "root_module": {
            "variables": {
                "secret": {"sensitive": True},
                "subscription": {"default": SUBSCRIPTION},
                "list": {"default": ["a"]},
            },
            "outputs": {"principal": {"expression": refers(*IDENTITY_REFERENCES)}},
        },
    }
    data = plan(
        [IDENTITY],
        {},
        configuration,
        variables={"subscription": {"value": SUBSCRIPTION}, "secret": {"value": SECRET}},
        outputs={"principal": {"sensitive": False}, "plain": {"sensitive": False, "value": "v"}},
    )
    objects, _ = read_plan("plan.json", data)
    assert SECRET not in repr(objects)
    assert unit_scope(objects).subscription == SUBSCRIPTION
    made = read(data)
    provider = made["provider.azurerm"]
    assert (provider.type, at(provider, "client_id")) == ("terraform/provider", "c")
    assert at(provider, "client_secret") == Unknown("var.secret", "it is sensitive", secret=True)
    assert data[provider.place.start : provider.place.end] == b'"azurerm"'
    held = at(made["output.principal"], "value")
    assert isinstance(held, Ref)
    assert held.path == ("properties", "principalId")
    assert at(made["output.plain"], "value") == "v"
    assert at(made["var.subscription"], "value") == SUBSCRIPTION
    assert "var.secret" not in made


def test_what_stays_unknown() -> None:
    made = read(
        plan(
            [OWNER],
            {"azurerm_role_assignment.owner": {"principal_id": True}},
            {
                "root_module": {
                    "resources": [
                        configured("azurerm_role_assignment.owner", principal_id=refers("local.principal"))
                    ]
                }
            },
        )
    )
    assert principal(made) == Unknown("local.principal", "it is a local value")
    made = read(plan([OWNER], {"azurerm_role_assignment.owner": {"principal_id": True}}))
    assert show(principal(made)) == "{azurerm_role_assignment.owner.principal_id}"


@pytest.mark.parametrize(
    ("data", "reason", "detail"),
    [
        (b'{"format_version": "2.0", "planned_values": {}}', "unsupported", "version 2.0"),
        (b'{"planned_values": {}}', "unsupported", "version none"),
        (b'{"format_version": "1.0", "planned_values": {}}', "malformed", "no planned values"),
        (b'{"format_version": "1.0"}', "malformed", "no planned values"),
        (b'{"format_version": "1.0", "planned_values": ', "malformed", "not JSON"),
        (b'{"format_version": "1.0", "planned_values": []}', "malformed", "not JSON"),
        (b'\xff\xfe{"format_version"', "malformed", "not JSON"),
        (b'{"format_version": "1.0", "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "malformed", "plan"),
    ],
)
def test_what_is_no_plan_is_a_gap(data: bytes, reason: str, detail: str) -> None:
    objects, gaps = read_plan("plan.json", data)
    assert objects == []
    assert [gap.reason for gap in gaps] == [reason]
    assert detail in gaps[0].detail
    assert gaps[0].detail.endswith(".")


def test_deep_values_end() -> None:
    deep: Any = "end"
    for _ in range(300):
        deep = {"a": deep}
    nested = json.dumps(deep)
    data = plan([resource("azurerm_storage_account.s", {"name": "s", "tags": json.loads(nested)})])
    assert read(data)["azurerm_storage_account.s"].name == "s"


def test_a_bom_is_accepted_and_counted() -> None:
    data = b"\xef\xbb\xbf" + plan([IDENTITY])
    place = read(data)["azurerm_user_assigned_identity.app"].place
    assert data[place.start : place.end] == b'"azurerm_user_assigned_identity.app"'


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(max_size=8)
    | st.sampled_from(IDENTITY_REFERENCES),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "values",
                    "identity",
                    "identity_ids",
                    "references",
                    "app_settings",
                    "site_config",
                    "module",
                    "a",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=120, deadline=None)
@given(values=JSON, unknown=JSON, sensitive=JSON, expressions=JSON, more=JSON)
def test_nothing_in_a_plan_breaks_the_reader(
    values: Any, unknown: Any, sensitive: Any, expressions: Any, more: Any
) -> None:
    entry = resource("azurerm_linux_web_app.web", {}, sensitive)
    entry["values"] = values
    data = plan(
        [entry, IDENTITY, more],
        {"azurerm_linux_web_app.web": unknown},
        {
            "root_module": {
                "resources": [
                    {"address": "azurerm_linux_web_app.web", "expressions": expressions},
                    more,
                ],
                "module_calls": more,
                "outputs": more,
                "variables": more,
            },
            "provider_config": more,
        },
        root={"child_modules": more},
    )
    objects, gaps = read_plan("plan.json", data)
    assert all(gap.detail.endswith(".") for gap in gaps)
    declare(objects)
    unit_scope(objects)


@settings(max_examples=120, deadline=None)
@given(cut=st.integers(0, 2_000), byte=st.integers(0, 255))
def test_a_damaged_byte_does_not_stop_the_reader(cut: int, byte: int) -> None:
    data = bytearray(plan([IDENTITY, OWNER]))
    data[cut % len(data)] = byte
    objects, gaps = read_plan("plan.json", bytes(data))
    assert all(gap.reason in ("malformed", "unsupported") for gap in gaps)
    declare(objects)
