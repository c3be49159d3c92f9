"""Whatever values a configuration comes to, declaring them ends and never raises."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.sources.declared.values import Object, Property, Ref, Text, Unknown, Value
from scanner.sources.terraform.declare import declare, unit_scope
from tests.sources.terraform.declare_objects import ref, tf

NAMES = st.sampled_from(
    [
        "name", "scope", "identity", "identity_ids", "type", "site_config", "app_settings", "connection_string",
        "value", "resource_group_name", "principal_id", "tags", "storage_account_access_key", "body", "template",
        "container",
    ]
)  # fmt: skip
ADDRESSES = [
    "azurerm_linux_web_app.a",
    "azurerm_role_assignment.a",
    "azurerm_container_app.a",
    "azurerm_storage_account_customer_managed_key.a",
    "azapi_resource.a",
    "azurerm_nothing.a",
    "data.azurerm_subscription.a",
    "data.azurerm_storage_account_sas.a",
    "azurerm_mssql_job_agent.a",
    "output.a",
    "provider.azurerm",
]
REFERENCES = st.builds(
    lambda address, path: Ref(address, tuple(path), "r"),
    st.sampled_from(ADDRESSES),
    st.lists(st.sampled_from(["id", "name", "0", "identity", "principal_id", "*", "sas"]), max_size=3),
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.text(max_size=6)
    | st.just("/subscriptions/x/")
    | REFERENCES
    | st.builds(Unknown, st.text(max_size=3), st.just("why")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.builds(lambda parts: Text(tuple(parts)), st.lists(inner, min_size=2, max_size=3))
        | st.builds(
            lambda held, is_open: Object(
                {name: Property(one, 1, 2) for name, one in held.items()},
                open=is_open,
                names={"name": "other"},
            ),
            st.dictionaries(NAMES, inner, max_size=4),
            st.booleans(),
        )
    ),
    max_leaves=10,
)


@settings(max_examples=100, deadline=None)
@given(
    written=st.lists(
        st.tuples(st.sampled_from(ADDRESSES), st.dictionaries(NAMES, VALUES, max_size=4)),
        max_size=4,
        unique_by=lambda entry: entry[0],
    )
)
def test_no_value_breaks_a_declaration(written: list[tuple[str, dict[str, Any]]]) -> None:
    objects = [tf(address, **body) for address, body in written]
    declarations, gaps = declare(objects)
    unit_scope(objects)
    known = {item.address for item in objects}
    assert all(one.address.partition("/")[0] in known for one in declarations)
    assert all(gap.detail.endswith(".") for gap in gaps)


def test_a_text_of_one_part_that_is_a_list() -> None:
    app = tf("azurerm_linux_web_app.a", name=Text((["x"], "")), resource_group_name=Text((["x"],)))
    declarations, _ = declare([app])
    assert declarations[0].name == Text((["x"],))


def test_deep_values_and_shared_ones_end() -> None:
    deep: Value = "end"
    for _ in range(3_000):
        deep = [deep]
    shared: Value = ["x"]
    for _ in range(200):
        shared = [shared, shared]
    app = tf("azurerm_linux_web_app.a", name="a", resource_group_name="rg")
    for name, held in (("zones", deep), ("tags", deep), ("app_settings", shared), ("identity", deep)):
        app.body.properties[name] = Property(held)
    declarations, gaps = declare([app])
    assert declarations[0].address == "azurerm_linux_web_app.a"
    assert gaps == []


def test_a_long_chain_of_names_ends() -> None:
    chain = [
        tf(
            f"azurerm_key_vault.v{number}",
            name=ref(f"azurerm_key_vault.v{number + 1}.name"),
            resource_group_name="rg",
        )
        for number in range(1_000)
    ]
    declarations, _ = declare(chain)
    assert declarations[-1].address == "azurerm_key_vault.v999"
