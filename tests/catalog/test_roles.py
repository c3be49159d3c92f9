import pytest

from scanner.catalog.roles import builtin_roles, role_by_name, role_file

KNOWN = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    "Role Based Access Control Administrator": "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
    "Managed Identity Operator": "f1a07417-d97a-45cb-824c-7a7467783830",
    "Key Vault Data Access Administrator": "8b54135c-b56d-4d72-a534-26097cfdc8d8",
}


@pytest.mark.parametrize(("name", "guid"), KNOWN.items())
def test_a_role_is_found_by_guid_and_by_name(name: str, guid: str) -> None:
    assert builtin_roles()[guid].name == name
    for spelling in (name, name.upper(), f"  {name.lower()} "):
        found = role_by_name(spelling)
        assert found is not None
        assert found.guid == guid


def test_an_unknown_name_is_none() -> None:
    assert role_by_name("Owner of nothing") is None


def test_owner_is_everything_and_contributor_is_that_without_access() -> None:
    owner, contributor = builtin_roles()[KNOWN["Owner"]], builtin_roles()[KNOWN["Contributor"]]
    assert owner.permissions[0].actions == ("*",)
    assert owner.permissions[0].not_actions == ()
    assert "Microsoft.Authorization/*/Write" in contributor.permissions[0].not_actions


def test_permission_level_conditions_are_kept() -> None:
    role = builtin_roles()[KNOWN["Key Vault Data Access Administrator"]]
    condition = role.permissions[0].condition
    assert condition is not None
    assert "ForAnyOfAnyValues:GuidEquals" in condition


def test_the_file_is_whole() -> None:
    roles = role_file().roles
    assert len(roles) == len(builtin_roles())
    assert {role.guid for role in roles if role.guid != role.guid.lower()} == set()
    assert {role.name for role in roles if not role.permissions} == set()
    assert {role.name for role in roles if any(entry.problems for entry in role.permissions)} == set()
    assert {role.status for role in roles} == {"current", "seen-elsewhere", "removed"}


def test_roles_that_cannot_be_assigned_everywhere_say_so() -> None:
    role = role_by_name("Service Group Administrator")
    assert role is not None
    assert role.assignable_scopes == ("/providers/Microsoft.Management/serviceGroups",)
    owner = role_by_name("Owner")
    assert owner is not None
    assert owner.assignable_scopes == ("/",)


def test_the_mapping_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        builtin_roles()["x"] = builtin_roles()[KNOWN["Owner"]]  # type: ignore[index]
