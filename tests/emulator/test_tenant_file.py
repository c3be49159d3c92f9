"""Mistakes in a tenant file: each message says file, line, key and what to do."""

from __future__ import annotations

import json

import pytest

from scanner.emulator import TenantError, load_tenant

GOOD = """\
name = "Small"
scanner = "id-a"

[subscriptions.one]
name = "One"

[[identity]]
name = "id-a"
in = "one/rg"

[[resource]]
type = "Microsoft.Web/sites"
name = "app"
in = "one/rg"
identity = { user = ["id-a"] }

[[assignment]]
principal = "id-a"
role = "Reader"
scope = "one"
"""


@pytest.fixture
def load(tmp_path):
    def write(text, name="small.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return load_tenant(path)

    return write


def test_the_file_the_mistakes_are_made_in_is_good(load):
    tenant = load(GOOD)
    assert [row["name"] for row in tenant.tables["resources"]] == ["id-a", "app"]


def test_the_same_in_json(load):
    import tomllib

    assert load(json.dumps(tomllib.loads(GOOD)), "small.json").tables == load(GOOD).tables


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ('name = "Small"', 'name = "Small', " not valid TOML: "),
        ('role = "Reader"', 'role = "Raeder"', "19: assignment[0].role: no role 'Raeder'; did you mean 'rea"),
        ('role = "Reader"', "role = 7", "19: assignment[0].role: Expected `str`, got `int`; write a"),
        ('role = "Reader"', 'rol = "Reader"', "17: assignment[0]: Object contains unknown field `rol`; "
         "did you mean 'role'? the keys here are principal, role, scope,"),
        ('role = "Reader"\n', "", "17: assignment[0]: Object missing required field `role`; add it"),
        ('scope = "one"', 'scope = "two"', "20: assignment[0].scope: no subscription 'two'; there are one"),
        ('scope = "one"', 'scope = "mg:up"', "20: assignment[0].scope: nothing is named 'mg:up'"),
        ('scope = "one"', 'scope = "${ap}"', "20: assignment[0].scope: nothing is named 'ap'; did you"),
        ('principal = "id-a"', 'principal = "id-b"', "18: assignment[0].principal: nothing is named 'id-b'; did"),
        ('principal = "id-a"', 'principal = "app"', "18: assignment[0].principal: 'app' has no identity of"),
        ('principal = "id-a"', 'principal = "user:x"', "18: assignment[0].principal: nothing is named 'user:x'"),
        ('user = ["id-a"]', 'user = ["id-x"]', "15: resource[0].identity.user: nothing is named 'id-x'"),
        ('user = ["id-a"]', 'usr = ["id-a"]', "15: resource[0].identity: Object contains unknown field `usr`; "
         "did you mean 'user'?"),
        ('name = "app"\nin = "one/rg"', 'name = "app"\nin = "one"', "14: resource[0].in: 'one' is no place"),
        ('name = "app"\nin = "one/rg"', 'name = "app"', "11: resource[0]: needs `in` or `on`"),
        ('name = "app"', 'name = "app/slot"', "13: resource[0].name: 'app/slot' does not fit the type"),
        ('name = "app"', 'name = "id-a"', "13: resource[0].name: 'id-a' is used twice; give one of them"),
        ('scanner = "id-a"', 'scanner = "app"', "2: scanner: 'app' is no identity; name an [[identity]]"),
        ('scanner = "id-a"', 'scaner = "id-a"', "2: scaner: Object contains unknown field `scaner`; did"),
        ('name = "One"', 'name = "One"\nmanagement_group = "up"', "6: subscriptions.one.management_group: no gr"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(load, wrong, right, message):
    assert wrong in GOOD
    with pytest.raises(TenantError) as caught:
        load(GOOD.replace(wrong, right, 1))
    assert f"small.toml:{message}" in str(caught.value)


def test_groups_in_a_circle(load):
    circle = '[management_groups.a]\nparent = "b"\n[management_groups.b]\nparent = "a"\n'
    with pytest.raises(TenantError, match=r"management_groups.a.parent: the parents form a circle; break it"):
        load(GOOD + circle)


def test_too_many_federated_credentials(load):
    many = "federated = [" + ",".join(f'{{name="n{n}", issuer="https://i"}}' for n in range(21)) + "]"
    with pytest.raises(
        TenantError, match=r"identity\[0\]: has over 20 federated credentials; Azure allows 20"
    ):
        load(GOOD.replace('in = "one/rg"\n', f'in = "one/rg"\n{many}\n', 1))


def test_a_role_that_azure_has_already(load):
    role = '[[role]]\nname = "owner"\nscopes = ["one"]\npermissions = []\n'
    with pytest.raises(TenantError, match=r"small.toml:22: role\[0\].name: 'owner' exists already; rename"):
        load(GOOD + role)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(
        TenantError, match=r"nowhere\.toml: no such tenant file; give a path, or one of .* contoso, messy"
    ):
        load_tenant(tmp_path / "nowhere.toml")
    with pytest.raises(TenantError, match="contosso: no such tenant file"):
        load_tenant("contosso")
    binary = tmp_path / "latin.toml"
    binary.write_bytes(b'name = "\xe4"')
    with pytest.raises(TenantError, match=r"latin\.toml: byte 8 is not UTF-8; save the file as UTF-8"):
        load_tenant(binary)


def test_repeat_and_null_and_references(load):
    more = (
        'tags = { long = { repeat = "ab", times = 3 }, none = { null = true }, ref = "${id-a}|${id-a.clientId}|'
        '${subscription.one}|${tenant}" }\n'
    )
    tenant = load(GOOD.replace('name = "app"\n', f'name = "app"\n{more}'))
    identity, app = tenant.tables["resources"]
    subscription = next(iter(tenant.hierarchy.subscriptions))
    assert app["tags"] == {
        "long": "ababab",
        "none": None,
        "ref": f"{identity['id']}|{identity['properties']['clientId']}|{subscription}|{tenant.tenant_id}",
    }
