"""The whole table of Terraform types: every line of it is read and checked, not samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.catalog.attachments import attachment_paths
from scanner.catalog.identity_types import identity_types
from scanner.catalog.operations import operation_file
from scanner.catalog.terraform import (
    CHANGING_DEFAULT,
    NO_DEFAULT,
    Argument,
    Only,
    Section,
    Step,
    section,
    terraform_types,
)
from scanner.catalog.terraform_survey import Coverage, Difference, compare, coverage, main
from scanner.sources.declared.declaration import OTHER_TYPES

NOT_IN_THE_CONTROL_PLANE = {
    # Read and written through Synapse's own endpoint, and therefore without operations of Resource Manager.
    "microsoft.synapse/workspaces/linkedservices",
    "microsoft.synapse/workspaces/managedvirtualnetworks/managedprivateendpoints",
}


def of(name: str) -> Section:
    """The section of a type as the table writes it."""
    found = section(name.removeprefix("data."), "data" if name.startswith("data.") else "managed")
    assert found is not None, name
    return found


def arguments_of(found: Section) -> list[tuple[str, Argument]]:
    """Every argument with the type of what it is a property of."""
    own = [(found.type, argument) for argument in found.arguments]
    return own + [(child.type, argument) for child in found.children for argument in child.arguments]


def written(steps: tuple[Step, ...]) -> str:
    """A path as the table writes it."""
    return ".".join(step.name + "[]" * step.lists for step in steps)


@pytest.fixture(scope="module")
def known_types() -> set[str]:
    """Every ARM type that has operations or an identity."""
    return {entry.type.lower() for entry in operation_file().types} | set(identity_types())


def test_every_arm_type_exists(known_types: set[str]) -> None:
    for name in terraform_types():
        found = of(name)
        for arm_type in (found.type, *(child.type for child in found.children)):
            if arm_type and "." not in arm_type:
                assert arm_type in OTHER_TYPES, name
            elif arm_type:
                assert arm_type in known_types | NOT_IN_THE_CONTROL_PLANE, name


def test_types_are_written_in_lower_case_and_once() -> None:
    names = terraform_types()
    assert len(names) == len(set(names))
    assert all(of(name).type == of(name).type.lower() for name in names)
    assert all(name.removeprefix("data.") == name.removeprefix("data.").lower() for name in names)


def test_no_argument_is_mapped_twice_to_one_path() -> None:
    for name in terraform_types():
        seen = set()
        for arm_type, argument in arguments_of(of(name)):
            key = (arm_type, written(argument.source), written(argument.target), argument.form)
            assert not (argument.source and key in seen), (name, key)
            seen.add(key)


def test_a_path_has_one_default_and_one_constant() -> None:
    for name in terraform_types():
        found = of(name)
        for group in (found.arguments, *(child.arguments for child in found.children)):
            paths = [written(one.target) for one in group if one.default != NO_DEFAULT]
            assert len(paths) == len(set(paths)), name


def test_lists_are_entered_on_both_sides() -> None:
    for name in terraform_types():
        for _, argument in arguments_of(of(name)):
            fixed = any(step.index is not None or step.keyed for step in argument.target)
            source = sum(step.lists for step in argument.source)
            target = sum(step.lists for step in argument.target)
            one = argument.target[-1].name if fixed else ""
            assert target <= source, (name, written(argument.source))
            assert source == target or one or argument.source, (name, written(argument.source))


def test_which_of_several_blocks_are_meant() -> None:
    (name,) = [
        one
        for one in of("azurerm_iothub").arguments
        if written(one.target).endswith("storageContainers[].name")
    ]
    step = name.source[0]
    assert (step.name, step.lists) == ("endpoint", 1)
    assert step.only == Only("type", "azureiothub.storagecontainer", or_unknown=False)
    meant = {
        one.source[0].only.word: one.source[0].only.or_unknown
        for one in of("azurerm_iothub").arguments
        if one.source and one.source[0].only is not None
    }
    assert [word for word, or_unknown in meant.items() if or_unknown] == ["azureiothub.eventhub"]


def test_defaults_are_of_the_kind_that_the_conversion_takes() -> None:
    for name in terraform_types():
        for _, argument in arguments_of(of(name)):
            if argument.default in (NO_DEFAULT, CHANGING_DEFAULT):
                continue
            if argument.inverted:
                assert isinstance(argument.default, bool), name
            if argument.words:
                default = (
                    str(argument.default).lower() if isinstance(argument.default, bool) else argument.default
                )
                assert default in argument.words, (name, written(argument.source))


def test_arm_paths_begin_where_arm_bodies_do() -> None:
    first = {"properties", "kind", "sku", "managedBy", "identity", "id", "name"}
    for name in terraform_types():
        found = of(name)
        if "." not in found.type:
            continue
        for _, argument in arguments_of(found):
            assert argument.target[0].name in first, (name, written(argument.target))
        for path in found.exports.values():
            assert path[0] in first, (name, path)


def test_identities_are_mapped_to_the_paths_of_the_attachment_table() -> None:
    """What speaks of a user-assigned identity leads to a path where identities are looked for."""
    left_out = {
        # The published type holds a logger's credentials as a map of any names.
        "microsoft.apimanagement/service/loggers",
    }
    missing = []
    for name in terraform_types():
        for arm_type, argument in arguments_of(of(name)):
            source = written(argument.source)
            if "user_assigned_identity" not in source or arm_type in left_out:
                continue
            target = written(argument.target).replace("[]", "")
            paths = {
                entry.path.replace("[]", "").replace("{}", "").lower() for entry in attachment_paths(arm_type)
            }
            wanted = target.lower()
            if arm_type == "microsoft.containerservice/managedclusters":
                wanted = wanted.replace(".kubeletidentity", "")
            if wanted not in paths:
                missing.append(f"{name}: {source} -> {target}")
    assert missing == []


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("azurerm_storage_account", "primary_access_key"),
        ("azurerm_cosmosdb_account", "primary_key"),
        ("azurerm_eventhub_authorization_rule", "primary_connection_string"),
        ("azurerm_redis_cache", "primary_connection_string"),
        ("azurerm_log_analytics_workspace", "primary_shared_key"),
        ("azurerm_container_registry", "admin_password"),
        ("azurerm_signalr_service", "primary_connection_string"),
        ("azurerm_cognitive_account", "primary_access_key"),
        ("azurerm_batch_account", "primary_access_key"),
        ("azurerm_iothub_shared_access_policy", "primary_key"),
        ("azurerm_notification_hub_authorization_rule", "primary_access_key"),
        ("azurerm_maps_account", "primary_access_key"),
    ],
)
def test_keys_are_known(name: str, attribute: str) -> None:
    assert (attribute,) in of(name).keys


def test_a_data_source_reads_as_the_resource_does() -> None:
    assert section("azurerm_key_vault", "data") == section("azurerm_key_vault")
    looked_up, made = section("azurerm_role_definition", "data"), section("azurerm_role_definition")
    assert looked_up is not None
    assert made is not None
    assert looked_up.type == made.type
    assert section("azurerm_nothing_of_the_kind") is None


PAGE = """# azurerm_storage_account
* `name` - (Required) Name.
* `resource_group_name` - (Required) Group.
* `shared_access_key_enabled` - (Optional) Keys? Defaults to `false`.

terraform import azurerm_storage_account.a /subscriptions/0/resourceGroups/g/providers/Microsoft.Other/accounts/a
"""


def test_the_survey_says_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("r", "d"):
        (tmp_path / folder).mkdir()
    (tmp_path / "r" / "storage_account.html.markdown").write_text(PAGE, encoding="utf-8")
    (tmp_path / "r" / "brand_new.html.markdown").write_text("nothing", encoding="utf-8")
    (tmp_path / "d" / "brand_new.html.markdown").write_text("nothing", encoding="utf-8")
    found = list(compare(tmp_path))
    assert Difference("azurerm_brand_new", "no section", "") in found
    assert Difference("data.azurerm_brand_new", "no section", "") in found
    assert (
        Difference(
            "azurerm_storage_account",
            "ARM type",
            "microsoft.storage/storageaccounts here, microsoft.other/accounts imported",
        )
        in found
    )
    assert (
        Difference(
            "azurerm_storage_account", "default", "shared_access_key_enabled: true here, false documented"
        )
        in found
    )
    assert Difference("azurerm_storage_account", "no argument", "sftp_enabled") in found
    assert main([str(tmp_path)]) == 1
    assert "shared_access_key_enabled" in capsys.readouterr().out
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_the_survey_counts_what_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.tf").write_text(
        'resource "azurerm_key_vault" "a" {}\n  resource "azurerm_brand_new" "b" {}\n', encoding="utf-8"
    )
    assert coverage(tmp_path) == Coverage(1, 2, ("azurerm_brand_new",))
    for folder in ("r", "d"):
        (tmp_path / folder).mkdir()
    assert main([str(tmp_path), "--examples", str(tmp_path / "app")]) == 0
    assert capsys.readouterr().out == "1 of 2 resources have a section (50.0 %); not azurerm_brand_new\n"
