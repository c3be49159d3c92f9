"""Fixes of findings: which are offered, what the files become, what is left."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from scanner.engine.apply_fixes import FixError, apply_fixes, write_files
from scanner.engine.finding import Declared, Edit, Finding, Fix, Location, Suppression
from scanner.engine.fixes import offer
from scanner.engine.registry import Rule
from scanner.engine.source_files import SourceFiles, in_folder
from scanner.rule import PlainFix, SetProperty
from tests.engine.test_evaluate import rule, unattached
from tests.engine.test_policy import finding

AUDIENCE = SetProperty("properties.audiences", ("api://AzureADTokenExchange",))
NO_KEYS = SetProperty("properties.disableLocalAuth", True)
NO_SHARED_KEY = SetProperty("properties.allowSharedKeyAccess", False)


def fixing(fix: SetProperty) -> Rule:
    return msgspec.structs.replace(rule(unattached, code="MI102"), fix=(PlainFix((fix,)),))


def offered(text: str, uri: str, head: str, fix: SetProperty, language: str = "terraform") -> Finding:
    """Return the finding at a head in a file of one, with what is offered for it."""
    line = text[: text.index(head)].count("\n") + 1
    column = text.index(head) - text.rfind("\n", 0, text.index(head))
    place = Location(uri, line, column, line, column + len(head))
    one = msgspec.structs.replace(finding("MI102"), location=place, declared=Declared(place, "x", language))
    [found] = offer([one], [fixing(fix)], SourceFiles({uri: text.encode()}.get))
    return found


def fixed(text: str, uri: str, head: str, fix: SetProperty, language: str = "terraform") -> tuple[str, str]:
    """Return what the fix says and what the file becomes."""
    found = offered(text, uri, head, fix, language)
    applied = apply_fixes([found], SourceFiles({uri: text.encode()}.get))
    assert applied.left == ()
    return found.fixes[0].description, applied.files[uri].decode()


FEDERATED = """resource "azurerm_federated_identity_credential" "ci" {
  name     = "ci"
  audience = ["https://example.test"]
}
"""
STORAGE = """resource "azurerm_storage_account" "s" {
  name                     = "s"
  account_replication_type = "LRS"

  identity {
    type = "SystemAssigned"
  }
}
"""


def test_terraform_is_edited_by_its_own_arguments() -> None:
    head = 'resource "azurerm_federated_identity_credential" "ci"'
    assert fixed(FEDERATED, "main.tf", head, AUDIENCE) == (
        'set audience to ["api://AzureADTokenExchange"]',
        FEDERATED.replace('["https://example.test"]', '["api://AzureADTokenExchange"]'),
    )
    head = 'resource "azurerm_storage_account" "s"'
    said, text = fixed(STORAGE, "main.tf", head, NO_SHARED_KEY)
    assert said == "set shared_access_key_enabled to false"
    assert text == STORAGE.replace('"LRS"\n', '"LRS"\n  shared_access_key_enabled = false\n')


def test_a_switch_that_means_the_opposite_is_set_to_the_opposite() -> None:
    text = 'resource "azurerm_servicebus_namespace" "s" {\n  name = "s"\n}\n'
    said, after = fixed(text, "main.tf", 'resource "azurerm_servicebus_namespace" "s"', NO_KEYS)
    assert said == "set local_auth_enabled to false"
    assert after == text.replace('"s"\n}', '"s"\n  local_auth_enabled = false\n}')


def test_azapi_is_edited_in_its_body() -> None:
    text = 'resource "azapi_resource" "s" {\n  body = {\n    properties = {\n      a = 1\n    }\n  }\n}\n'
    _, after = fixed(text, "main.tf", 'resource "azapi_resource" "s"', NO_KEYS)
    assert after == text.replace("a = 1\n", "a = 1\n      disableLocalAuth = true\n")


def test_bicep_and_arm_are_edited_in_arms_words() -> None:
    bicep = "resource s 'Microsoft.ServiceBus/namespaces@2024-01-01' = {\n  name: 's'\n}\n"
    said, after = fixed(
        bicep, "main.bicep", "resource s 'Microsoft.ServiceBus/namespaces@2024-01-01'", NO_KEYS, "bicep"
    )
    assert said == "set properties.disableLocalAuth to true"
    assert after == bicep.replace("'s'\n}", "'s'\n  properties: {\n    disableLocalAuth: true\n  }\n}")
    arm = (
        '{"resources": [\n{\n  "type": "a/b",\n  "properties": {\n    "disableLocalAuth": false\n  }\n}\n]}\n'
    )
    _, after = fixed(arm, "azuredeploy.json", '"a/b"', NO_KEYS, "arm")
    assert after == arm.replace("false", "true")


@pytest.mark.parametrize(
    ("text", "uri", "head", "fix", "language"),
    [
        (
            FEDERATED.replace('["https://example.test"]', "var.audience"),
            "main.tf",
            'resource "azurerm_federated_identity_credential" "ci"',
            AUDIENCE,
            "terraform",
        ),
        (STORAGE, "main.tf", 'resource "azurerm_storage_account" "s"', AUDIENCE, "terraform"),
        ('resource "other_thing" "s" {\n}\n', "main.tf", 'resource "other_thing" "s"', AUDIENCE, "terraform"),
        ('{"type": "a/b",\n"b": 1}', "plan.json", '"a/b"', NO_KEYS, "plan"),
        ('{"resource": {\n"a": 1}}', "main.tf.json", '"a"', NO_KEYS, "terraform"),
        ("resource s 'x' = y\n", "main.bicep", "resource s 'x'", NO_KEYS, "bicep"),
        ("resource s", "README.md", "resource s", NO_KEYS, "bicep"),
    ],
    ids=["expression", "no such argument", "no such type", "plan", "terraform json", "no object", "no code"],
)
def test_where_it_takes_more_than_a_plain_edit_nothing_is_offered(
    text: str, uri: str, head: str, fix: SetProperty, language: str
) -> None:
    assert offered(text, uri, head, fix, language).fixes == ()


def test_without_files_without_a_fix_and_in_a_tenant_nothing_is_offered() -> None:
    one = finding("MI102")
    files = SourceFiles({}.get)
    assert offer([one], [fixing(AUDIENCE)], None) == (one,)
    assert offer([one], [rule(unattached, code="MI102")], files) == (one,)
    assert offer([one], [fixing(AUDIENCE)], files) == (one,)
    gone = Declared(Location("gone.tf", 1, 1, 1, 2), "x", "terraform")
    assert offer([msgspec.structs.replace(one, declared=gone)], [fixing(AUDIENCE)], files)[0].fixes == ()


def with_fix(*edits: Edit, **values: object) -> Finding:
    return msgspec.structs.replace(finding(), fixes=(Fix("set it", edits),), **values)


def test_edits_are_made_from_the_end_and_positions_are_characters() -> None:
    files = SourceFiles({"a": "\ufeffé = 1\r\nb = 2\r\n".encode()}.get)
    applied = apply_fixes(
        [
            with_fix(Edit("a", 1, 5, 1, 6, "11")),
            with_fix(Edit("a", 2, 5, 2, 6, "ü"), Edit("a", 2, 1, 2, 2, "bb")),
        ],
        files,
    )
    assert applied.files == {"a": "\ufeffé = 11\r\nbb = ü\r\n".encode()}
    assert len(applied.fixed) == 2


def test_the_same_edit_counts_once_and_one_that_overlaps_is_left_and_told() -> None:
    files = SourceFiles({"a": b"one = 1\n"}.get)
    same, again = with_fix(Edit("a", 1, 7, 1, 8, "2")), with_fix(Edit("a", 1, 7, 1, 8, "2"))
    other, beside = with_fix(Edit("a", 1, 6, 1, 8, "3")), with_fix(Edit("a", 1, 8, 1, 8, "4"))
    applied = apply_fixes([same, again, other, beside], files)
    assert applied.files == {"a": b"one = 2\n"}
    assert applied.fixed == (same, again)
    assert applied.left == (
        (other, "another fix changes the same place: run it again"),
        (beside, "another fix changes the same place: run it again"),
    )


def test_what_is_accepted_or_has_no_fix_stays_and_what_has_changed_is_told() -> None:
    edit = Edit("a", 1, 1, 1, 2, "x")
    accepted = with_fix(edit, suppressed=Suppression("inline", "known"))
    changed = with_fix(Edit("a", 9, 1, 9, 2, "x"))
    gone = with_fix(Edit("gone", 1, 1, 1, 1, "x"))
    applied = apply_fixes([accepted, finding(), changed, gone], SourceFiles({"a": b"one"}.get))
    assert (applied.files, applied.fixed) == ({}, ())
    assert applied.left == (
        (changed, "the file has changed, or cannot be read"),
        (gone, "the file has changed, or cannot be read"),
    )


def test_files_are_written_whole_with_their_permissions(tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    file = tmp_path / "infra" / "main.tf"
    file.write_bytes(b"one\r\n")
    file.chmod(0o640)
    applied = apply_fixes([with_fix(Edit("infra/main.tf", 1, 1, 1, 4, "two"))], in_folder(tmp_path))
    write_files(tmp_path, applied.files)
    assert file.read_bytes() == b"two\r\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["main.tf"]


def test_nothing_is_written_outside_and_a_folder_that_is_closed_is_told(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(FixError, match="lies outside of"):
        write_files(root, {"../x.tf": b""})
    with pytest.raises(FixError, match=r"gone/main\.tf: cannot be fixed: no such file or directory"):
        write_files(root, {"gone/main.tf": b""})
    assert list(tmp_path.iterdir()) == [root]


def test_a_read_only_file_is_told_before_any_is_written(tmp_path: Path) -> None:
    for name in ("a.tf", "b.tf"):
        (tmp_path / name).write_bytes(b"one")
    (tmp_path / "b.tf").chmod(0o444)
    with pytest.raises(FixError, match=r"b\.tf: cannot be fixed: it is read-only; nothing was changed"):
        write_files(tmp_path, {"a.tf": b"two", "b.tf": b"two"})
    assert [(tmp_path / name).read_bytes() for name in ("a.tf", "b.tf")] == [b"one", b"one"]
