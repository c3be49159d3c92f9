"""The check of code, end to end: files and git in, findings and exit codes out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import cli
from scanner.engine.registry import load_rules
from scanner.facts.schema import TABLES, Kind, Level
from scanner.facts.snapshot import Origin, write
from scanner.facts.store import FactsBuilder
from scanner.pull_request import base_names
from scanner.question import question
from scanner.settings import SettingsError
from tests.sources.repository.conftest import Work, work

__all__ = ["work"]

IDENTITY = """\
resource "azurerm_user_assigned_identity" "app" {
  name                = "id-app"
  resource_group_name = "rg-app"
  location            = "westeurope"
}
"""
SUBSCRIPTION = """\
data "azurerm_subscription" "current" {}
"""


def owner(label: str, role: str = "Owner") -> str:
    return f"""
resource "azurerm_role_assignment" "{label}" {{
  scope                = data.azurerm_subscription.current.id
  role_definition_name = "{role}"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
}}
"""


ONE = SUBSCRIPTION + IDENTITY + owner("owner")
TEMPLATE = (
    '{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", '
    '"resources": '
)


def check(work: Work, *arguments: object) -> tuple[int, dict[str, Any]]:
    """Check in this process and return exit code and JSON report."""
    out = work.root.parent / "report.json"
    out.unlink(missing_ok=True)
    command = ["check", *(map(str, arguments) if arguments else [str(work.root)])]
    code = cli.main([*command, "--quiet", "--output", f"json={out}"], standalone_mode=False)
    return code, json.loads(out.read_bytes())


def found(report: dict[str, Any]) -> list[tuple[str, str, int]]:
    return sorted(
        (finding["code"], finding["location"]["uri"], finding["location"]["line"])
        for finding in report["findings"]
        if not finding.get("suppressed")
    )


def midas(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GITHUB_", "SYSTEM_", "CI_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "scanner", *arguments],
        cwd=cwd,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# ---- findings and exit codes


def test_opentofu_files_are_read_like_those_of_terraform(work: Work) -> None:
    called = 'module "access" {\n  source = "./access"\n}\n'
    ignored = "# midas: ignore[MI201] agreed\n" + owner("agreed").lstrip()
    work.write({"main.tofu": called, "access/main.tofu": ONE + ignored, "access/main.tf": "not { read"})
    code, report = check(work)
    assert (code, found(report), report["gaps"]) == (1, [("MI201", "access/main.tofu", 10)], [])
    code, report = check(work, work.root / "access" / "main.tofu")
    assert (code, found(report), report["gaps"]) == (1, [("MI201", "main.tofu", 10)], [])


def test_a_finding_stands_on_its_line(work: Work) -> None:
    work.write({"infra/main.tf": ONE})
    code, report = check(work)
    assert code == 1
    assert found(report) == [("MI201", "infra/main.tf", 10)]
    assert report["run"]["source"] == "repository"
    assert report["gaps"] == []


def test_the_whole_process_says_it_and_ends_with_one(work: Work) -> None:
    work.write({"main.tf": ONE})
    done = midas(work.root, "check")
    assert done.returncode == 1
    assert "--> main.tf:10:3" in done.stdout
    assert 'role_definition_name = "Owner"' in done.stdout
    assert done.stderr == ""


def test_what_has_no_answer_is_told_with_its_line(work: Work) -> None:
    somebody = owner("somebody").replace("azurerm_user_assigned_identity.app.principal_id", "var.who")
    work.write({"main.tf": SUBSCRIPTION + 'variable "who" {}\n' + somebody})
    code, report = check(work, work.root, "--select", "MI201")
    assert (code, found(report)) == (0, [])
    [unknown] = report["unknown"]
    assert (unknown["code"], unknown["location"]["uri"], unknown["location"]["line"]) == (
        "MI201",
        "main.tf",
        4,
    )
    assert "  unknown       main.tf:4:1: " in midas(work.root, "check", "--select", "MI201").stdout


def test_nothing_found_is_clean(work: Work) -> None:
    work.write({"main.tf": SUBSCRIPTION + IDENTITY + owner("reader", "Reader")})
    assert check(work)[0] == 0


def test_strict_minds_what_was_not_read(work: Work) -> None:
    work.write(
        {"main.tf": SUBSCRIPTION + IDENTITY + owner("reader", "Reader"), "broken.tf": 'resource "x" {\n'}
    )
    assert check(work)[0] == 0
    code, report = check(work, work.root, "--strict")
    assert code == 3
    told = {(gap["scope"], gap["reason"].partition(":")[0]) for gap in report["gaps"]}
    assert told == {("broken.tf:1", "malformed")}


def test_the_threshold_decides(work: Work) -> None:
    work.write({"main.tf": ONE})
    assert check(work, work.root, "--fail-on", "never")[0] == 0
    assert check(work, work.root, "--fail-on", "critical")[0] == 1


def test_what_cannot_be_asked_is_said_in_one_line(work: Work) -> None:
    work.write({"main.tf": ONE, "notes.txt": ""})
    for arguments, said in (
        (["check", "nowhere"], "midas: nowhere: there is no such file or folder"),
        (["check", "notes.txt"], "no infrastructure file ends like this; there are .tf, .tofu, .tf.json,"),
        (["check", "--select", "MI109"], "MI109 speaks only of what is deployed: `midas scan` runs it"),
        (["check", "--since", "main"], "is no git repository, so there is nothing to compare with main"),
        (["check", "--cache", "x", "--no-cache"], "--cache and --no-cache exclude each other"),
    ):
        done = midas(work.root, *arguments)
        assert done.returncode == 2, arguments
        assert said in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


def test_nothing_to_judge_is_said_and_not_clean_under_strict(work: Work) -> None:
    work.write({"notes.md": ""})
    done = midas(work.root, "check", "--strict")
    assert done.returncode == 3
    assert "nothing was judged: there is no infrastructure file" in done.stdout


def test_a_finding_of_many_instances_is_told_once(work: Work) -> None:
    loop = owner("each").replace("{\n", '{\n  for_each = toset(["a", "b", "c"])\n', 1)
    loop = loop.replace("scope                = data", "name = each.key\n  scope = data")
    work.write({"main.tf": SUBSCRIPTION + IDENTITY + loop})
    _, report = check(work)
    assert found(report) == [("MI201", "main.tf", 12)]
    assert len(report["findings"][0]["evidence"]["also"]) >= 1


# ---- one file


GRANT = """
targetScope = 'subscription'
param role string = 'acdd72a7-3385-48ef-bd42-f606fba81ae7'
param principal string
resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(role)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    principalId: principal
    principalType: 'ServicePrincipal'
  }
}
"""
OWNER_PARAMETERS = """
using '../grant.bicep'
param role = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635'
param principal = '44444444-4444-4444-4444-444444444444'
"""


@pytest.mark.parametrize("in_git", [True, False])
@pytest.mark.parametrize("name", ["main.tf", "prod.auto.tfvars", "variables.tf"])
def test_a_file_of_a_module_is_judged_with_the_rest_of_it(work: Work, name: str, in_git: bool) -> None:
    if in_git:
        work.init()
    work.write(
        {
            "infra/main.tf": ONE.replace('"Owner"', "var.role"),
            "infra/variables.tf": 'variable "role" {\n  default = "Reader"\n}\n',
            "infra/prod.auto.tfvars": 'role = "Owner"\n',
            "infra/other.json": TEMPLATE + "[{",
            "elsewhere/main.tf": ONE,
        }
    )
    code, report = check(work, work.root / "infra" / name)
    place = "infra/main.tf" if in_git else "main.tf"
    assert (code, found(report)) == (1, [("MI201", place, 10)])
    assert report["gaps"] == []


@pytest.mark.parametrize("name", ["grant.bicep", "parameters/prod.bicepparam"])
def test_a_template_is_judged_with_its_parameters_and_nothing_beside_it(work: Work, name: str) -> None:
    work.init().write(
        {
            "grant.bicep": GRANT,
            "parameters/prod.bicepparam": OWNER_PARAMETERS,
            "beside.bicep": GRANT.replace(
                "acdd72a7-3385-48ef-bd42-f606fba81ae7", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
            ),
            "broken.bicep": "resource x 'Microsoft.",
            "broken.json": TEMPLATE + "[{",
        }
    )
    folder = [work.root / "parameters"] if name == "grant.bicep" else []
    code, report = check(work, work.root / name, *folder)
    assert (code, found(report)) == (1, [("MI201", "grant.bicep", 8)])
    assert report["gaps"] == []


def test_a_change_of_one_file_is_compared_with_the_rest_of_its_module(work: Work) -> None:
    work.init().write(
        {"main.tf": ONE.replace('"Owner"', "local.role"), "role.tf": 'locals {\n  role = "Owner"\n}\n'}
    )
    work.commit()
    work.write({"role.tf": 'locals {\n  role = "Contributor"\n}\n'})
    code, report = check(work, work.root / "main.tf", "--since", "HEAD")
    assert (code, found(report)) == (1, [("MI202", "main.tf", 10)])
    work.write({"role.tf": 'locals {\n  role = "Owner"\n}\n', "main.tf": "# moved\n" + ONE})
    assert found(check(work, work.root / "main.tf", "--since", "HEAD")[1]) == []


def test_what_was_compiled_is_read_when_it_is_named(work: Work) -> None:
    compiled = json.dumps(
        {
            "$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "metadata": {"_generator": {"name": "bicep", "version": "0.30.3", "templateHash": "1"}},
            "resources": [
                {
                    "type": "Microsoft.Authorization/roleAssignments",
                    "apiVersion": "2022-04-01",
                    "name": "44444444-4444-4444-4444-444444444444",
                    "properties": {
                        "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/"
                        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
                        "principalId": "44444444-4444-4444-4444-444444444444",
                        "principalType": "ServicePrincipal",
                    },
                }
            ],
        },
        indent=2,
    )
    work.init().write({"main.bicep": GRANT, "main.json": compiled})
    assert found(check(work, work.root / "main.json")[1]) == [("MI201", "main.json", 17)]
    assert found(check(work)[1]) == []


# ---- what a change brings


def test_only_what_the_branch_brings_is_reported(work: Work) -> None:
    work.init().write({"main.tf": ONE, "same.bicep": ""})
    work.commit()
    work.git("checkout", "-q", "-b", "change")
    work.write({"main.tf": ONE + owner("second", "Contributor"), "new/main.tf": ONE})
    code, report = check(work, work.root, "--since", "main")
    assert code == 1
    assert found(report) == [("MI201", "new/main.tf", 10), ("MI202", "main.tf", 16)]
    assert {finding["change"] for finding in report["findings"]} == {"new"}


def test_moved_lines_and_files_are_nothing_new(work: Work) -> None:
    work.init().write({"main.tf": ONE, "old/main.tf": ONE})
    work.commit()
    work.write({"main.tf": "# a comment\n\n" + ONE})
    work.git("mv", "old", "renamed")
    code, report = check(work, work.root, "--since", "HEAD")
    assert (code, found(report)) == (0, [])


def test_what_was_only_renamed_is_nothing_new(work: Work) -> None:
    work.init().write({"main.tf": ONE, "main.bicep": GRANT})
    work.commit()
    renamed = ONE.replace('"owner"', '"renamed"').replace('_identity" "app"', '_identity" "main"')
    renamed = renamed.replace("identity.app.", "identity.main.")
    work.write({"main.tf": renamed, "main.bicep": GRANT.replace("resource grant", "resource renamed")})
    assert found(check(work, work.root, "--since", "HEAD")[1]) == []
    work.write({"main.tf": renamed + owner("second").replace(".app.", ".main.")})
    assert found(check(work, work.root, "--since", "HEAD")[1]) == [("MI201", "main.tf", 16)]


def test_what_has_moved_into_a_module_is_nothing_new(work: Work) -> None:
    password = 'resource "azuread_application_password" "{}" {{\n  application_id = var.application\n}}\n'
    variable = 'variable "application" {}\n'
    work.init().write({"main.tf": ONE + variable + password.format("old")})
    work.commit()
    call = 'module "access" {\n  source = "./access"\n  application = var.application\n}\n'
    work.write({"main.tf": variable + call, "access/main.tf": ONE + variable + password.format("new")})
    code, report = check(work, work.root, "--since", "HEAD")
    assert (code, found(report)) == (1, [("MI605", "access/main.tf", 14)])
    moved = (
        "moved {\n  from = azuread_application_password.old\n"
        "  to   = module.access.azuread_application_password.new\n}\n"
    )
    work.write({"main.tf": variable + call + moved})
    code, report = check(work, work.root, "--since", "HEAD")
    assert (code, found(report)) == (0, [])


def test_what_one_deployment_loses_and_another_gets_is_new(work: Work) -> None:
    work.init().write({"dev/main.tf": ONE, "prod/main.tf": SUBSCRIPTION + IDENTITY})
    work.commit()
    work.write({"dev/main.tf": SUBSCRIPTION + IDENTITY, "prod/main.tf": ONE})
    assert ("MI201", "prod/main.tf", 10) in found(check(work, work.root, "--since", "HEAD")[1])


def test_gaps_that_were_there_are_not_the_changes_unless_it_touches_their_file(work: Work) -> None:
    registry = 'module "{}" {{\n  source  = "Azure/naming/azurerm"\n}}\n'
    work.init().write({"main.tf": ONE, "names.tf": registry.format("a")})
    work.commit()
    work.write({"main.tf": "# a comment\n" + ONE})
    assert midas(work.root, "check", "--strict", "--fail-on", "never").returncode == 3
    done = midas(work.root, "check", "--strict", "--since", "HEAD")
    assert done.returncode == 0
    assert "and 1 gap were there before, too: run it without --since" in " ".join(done.stdout.split())
    work.write({"names.tf": "# a comment\n" + registry.format("a")})
    code, report = check(work, work.root, "--since", "HEAD", "--strict")
    assert (code, [gap["scope"] for gap in report["gaps"]]) == (3, ["names.tf:2"])
    work.write({"names.tf": registry.format("a"), "more.tf": registry.format("b")})
    code, report = check(work, work.root, "--since", "HEAD", "--strict")
    assert (code, [gap["scope"] for gap in report["gaps"]]) == (3, ["more.tf:1"])


def test_a_role_that_a_new_file_of_yaml_gives_is_the_changes(work: Work) -> None:
    each = """
resource "azurerm_role_assignment" "each" {
  for_each             = { for file in fileset(path.module, "roles/*.yaml") : file => yamldecode(file(file)) }
  scope                = data.azurerm_subscription.current.id
  role_definition_name = each.value.role
  principal_id         = azurerm_user_assigned_identity.app.principal_id
}
"""
    work.init().write({"main.tf": SUBSCRIPTION + IDENTITY + each, "roles/reader.yaml": "role: Reader\n"})
    work.commit()
    cached = ("--since", "HEAD", "--cache", work.root.parent / "kept")
    assert found(check(work, work.root, *cached)[1]) == []
    work.write({"roles/owner.yaml": "role: Owner\n"})
    assert found(check(work, work.root, *cached)[1]) == [("MI201", "main.tf", 11)]
    work.write({"roles/owner.yaml": "role: Reader\n"})
    assert found(check(work, work.root, *cached)[1]) == []


def test_a_binary_file_of_a_module_is_told_once(work: Work) -> None:
    work.write({"main.tf": ONE, "terraform.tfvars": "a = 1".encode("utf-16"), "x.auto.tfvars": b"\0\1"})
    gaps = [(gap["scope"], gap["reason"]) for gap in check(work)[1]["gaps"]]
    assert gaps == [
        ("terraform.tfvars:1", "malformed: The file is UTF-16; Midas reads UTF-8."),
        ("x.auto.tfvars:1", "malformed: The file is binary, not text."),
    ]


def test_a_state_that_is_given_as_a_plan_is_told(work: Work) -> None:
    shown = '{"format_version": "1.0", "terraform_version": "1.9.0", "values": {"root_module": {}}}'
    work.write({"show.json": shown, "main.tf": ONE})
    gaps = check(work, work.root / "show.json")[1]["gaps"]
    assert [(gap["scope"], gap["reason"].partition(":")[0]) for gap in gaps] == [("show.json", "unsupported")]
    assert check(work, work.root)[1]["gaps"] == []


def test_a_copy_is_new_though_its_text_was_there(work: Work) -> None:
    work.init().write({"a/main.tf": ONE})
    work.commit()
    work.write({"b/main.tf": ONE})
    code, report = check(work, work.root, "--since", "HEAD")
    assert (code, found(report)) == (1, [("MI201", "b/main.tf", 10)])


def test_a_change_in_a_module_is_new_where_it_is(work: Work) -> None:
    module = 'variable "scope" {}\nvariable "principal" {}\nresource "azurerm_role_assignment" "this" {\n'
    module += '  scope = var.scope\n  role_definition_name = "Reader"\n  principal_id = var.principal\n}\n'
    call = 'module "grant" {\n  source = "./modules/grant"\n  scope = data.azurerm_subscription.current.id\n'
    call += "  principal = azurerm_user_assigned_identity.app.principal_id\n}\n"
    work.init().write({"main.tf": SUBSCRIPTION + IDENTITY + call, "modules/grant/main.tf": module})
    work.commit()
    work.write({"modules/grant/main.tf": module.replace("Reader", "Owner")})
    code, report = check(work, work.root, "--since", "HEAD")
    assert (code, found(report)) == (1, [("MI201", "modules/grant/main.tf", 5)])


def test_a_change_is_compared_with_where_the_branch_left_not_with_what_came_later(work: Work) -> None:
    work.init().write({"main.tf": SUBSCRIPTION + IDENTITY})
    work.commit()
    work.git("checkout", "-q", "-b", "change")
    work.write({"main.tf": ONE})
    work.commit()
    work.git("checkout", "-q", "main")
    work.write({"main.tf": ONE})  # the same was put on main meanwhile
    work.commit("meanwhile")
    work.git("checkout", "-q", "change")
    assert found(check(work, work.root, "--since", "main")[1]) == [("MI201", "main.tf", 10)]


def test_without_a_change_nothing_is_new(work: Work) -> None:
    work.init().write({"main.tf": ONE})
    work.commit()
    done = midas(work.root, "check", "--since", "HEAD")
    assert done.returncode == 0
    assert "1 finding was there before (HEAD, " in done.stdout


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({"GITHUB_BASE_REF": "main"}, ("origin/main", "main")),
        (
            {"GITHUB_BASE_REF": "main", "GITHUB_REF": "refs/pull/7/merge"},
            ("origin/main", "main", "HEAD^1"),
        ),
        ({"SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"}, ("origin/main", "main")),
        (
            {"SYSTEM_PULLREQUEST_TARGETBRANCH": "main", "BUILD_SOURCEBRANCH": "refs/pull/7/merge"},
            ("origin/main", "main", "HEAD^1"),
        ),
        ({"CI_MERGE_REQUEST_DIFF_BASE_SHA": "0123abcd"}, ("0123abcd",)),
    ],
)
def test_the_job_of_a_pull_request_says_what_to_compare_with(
    environment: dict[str, str], names: tuple[str, ...]
) -> None:
    assert base_names("auto", environment) == names
    assert base_names("v1", environment) == ("v1",)


def test_where_no_job_says_it_the_user_must() -> None:
    with pytest.raises(SettingsError, match="name a commit or branch: --since main"):
        base_names("auto", {"GITHUB_BASE_REF": ""})
    with pytest.raises(SettingsError, match="the name of the commit or branch is empty"):
        base_names("", {"GITHUB_BASE_REF": "main"})


def test_a_path_in_the_place_of_a_commit_is_said_to_be_one(work: Work) -> None:
    work.init().write({"infra/main.tf": ONE})
    done = midas(work.root, "check", "--since", "infra")
    assert done.returncode == 2
    assert "infra is a path: name it before --since" in done.stderr


def test_a_pull_request_is_compared_by_the_job_alone(work: Work) -> None:
    work.init().write({"main.tf": ONE})
    work.commit()
    work.git("checkout", "-q", "-b", "change")
    work.write({"more/main.tf": ONE})
    work.commit()
    done = midas(work.root, "check", "--since", GITHUB_BASE_REF="main")
    assert done.returncode == 1
    assert "--> more/main.tf:10:3" in done.stdout
    assert "--> main.tf" not in done.stdout
    assert "1 finding was there before (the target of the pull request, " in done.stdout


# ---- accepted findings


def test_a_comment_accepts_a_finding(work: Work) -> None:
    work.write(
        {"main.tf": ONE.replace('"Owner"', '"Owner" # midas: ignore[MI201] the platform team owns it')}
    )
    code, report = check(work)
    assert (code, found(report)) == (0, [])
    assert [finding["suppressed"]["reason"] for finding in report["findings"]] == [
        "the platform team owns it"
    ]


def test_of_what_was_not_read_nothing_is_said_to_be_gone(work: Work) -> None:
    accepted = ONE.replace('"Owner"', '"Owner" # midas: ignore[MI201] the platform team owns it')
    work.write({"main.tf": accepted, "other/main.tf": ONE})
    assert midas(work.root, "baseline").returncode == 0
    half = 'resource "azurerm_role_assignment" "half" {\n  scope = '
    work.write({"main.tf": accepted.replace("data.azurerm_subscription", "}") + half, "other/main.tf": half})
    done = midas(work.root, "check", "--baseline", "midas-baseline.json")
    assert "main.tf:" in done.stdout
    assert "matches no finding" not in done.stdout
    assert "gone" not in done.stdout
    work.write({"main.tf": accepted.replace('"Owner"', '"Reader"'), "other/main.tf": ""})
    done = midas(work.root, "check", "--baseline", "midas-baseline.json")
    assert "main.tf:10: midas: ignore[MI201] matches no finding of MI201" in done.stdout
    assert "1 finding is gone" in done.stdout


def test_a_baseline_accepts_what_was_there(work: Work) -> None:
    work.write({"main.tf": ONE})
    drawn = midas(work.root, "baseline", "--reason", "before our time")
    assert (drawn.returncode, drawn.stderr) == (
        0,
        "midas-baseline.json: 1 finding written down; --baseline midas-baseline.json accepts it\n",
    )
    work.write({"midas.toml": 'baseline = "midas-baseline.json"\n'})
    assert midas(work.root, "check").returncode == 0
    work.write({"more/main.tf": ONE})
    later = midas(work.root, "check")
    assert later.returncode == 1
    assert "--> more/main.tf:10:3" in later.stdout
    assert midas(work.root, "baseline").returncode == 0
    kept = json.loads((work.root / "midas-baseline.json").read_bytes())["findings"]
    assert [(entry["place"], entry["reason"]) for entry in kept] == [
        ("main.tf:10", "before our time"),
        ("more/main.tf:10", ""),
    ]


def test_a_baseline_knows_what_refactoring_has_moved_and_says_what_is_gone(work: Work) -> None:
    def grant(holder: str) -> str:
        return GRANT.replace("param principal string", f"param principal string = '{holder}'").replace(
            "'acdd72a7-3385-48ef-bd42-f606fba81ae7'", "'8e3af657-a8ff-443c-a75c-2fe8c4bcb635'"
        )

    first, second = (grant(f"{number * 8}-4444-4444-4444-444444444444") for number in "45")
    work.write(
        {"tf/main.tf": ONE + owner("wide", "Contributor"), "first.bicep": first, "second.bicep": second}
    )
    assert midas(work.root, "baseline").returncode == 0
    accepted = ("check", "--select", "MI2", "--baseline", "midas-baseline.json")
    assert midas(work.root, *accepted).returncode == 0

    (work.root / "first.bicep").rename(work.root / "grants.bicep")
    moved = ONE.replace('"owner"', '"renamed"')
    work.write(
        {
            "tf/main.tf": "# moved\n"
            + moved
            + owner("wide", "Reader")
            + owner("new", "Contributor").replace(
                "azurerm_user_assigned_identity.app.principal_id",
                "data.azurerm_user_assigned_identity.other.principal_id",
            )
            + 'data "azurerm_user_assigned_identity" "other" {\n  name = "id-other"\n  resource_group_name = "rg"\n}\n'
        }
    )
    done = midas(work.root, *accepted)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if "-->" in line] == [
        "  --> tf/main.tf:23:3 in azurerm_role_assignment.new"
    ]
    assert "1 finding is gone: MI202 azurerm_role_assignment.wide (tf/main.tf:16);" in done.stdout

    (work.root / "second.bicep").unlink()
    gone = midas(work.root, *accepted).stdout
    assert "2 findings are gone: MI201 grant (second.bicep:8), MI202" in gone
    assert "grants.bicep" not in gone


def test_a_baseline_of_a_part_keeps_what_was_not_looked_at(work: Work) -> None:
    work.write({"one/main.tf": ONE, "two/main.tf": ONE})
    assert midas(work.root, "baseline", "--reason", "old").returncode == 0
    again = midas(work.root, "baseline", "two", "--select", "MI202,MI201")
    assert (
        "midas-baseline.json: 1 finding written down and 1 kept that could not be looked for" in again.stderr
    )
    other = midas(work.root, "baseline", "--select", "MI202")
    assert "0 findings written down and 2 kept" in other.stderr
    kept = json.loads((work.root / "midas-baseline.json").read_bytes())["findings"]
    assert [(entry["place"], entry["reason"]) for entry in kept] == [
        ("one/main.tf:10", "old"),
        ("two/main.tf:10", "old"),
    ]


def test_codes_may_stand_between_commas(work: Work) -> None:
    work.write({"main.tf": ONE + owner("wide", "Contributor")})
    assert found(check(work, work.root, "--select", "MI201, mi202")[1]) == [
        ("MI201", "main.tf", 10),
        ("MI202", "main.tf", 16),
    ]
    assert found(check(work, work.root, "--ignore", "MI201,MI3")[1]) == [("MI202", "main.tf", 16)]
    refused = midas(work.root, "check", "--select", "MI201,")
    assert (refused.returncode, refused.stderr) == (
        2,
        "midas: --select needs a code, such as MI201 or MI2\n",
    )


def test_a_comment_for_a_rule_that_there_is_not_is_told(work: Work) -> None:
    work.write({"main.tf": ONE.replace('"Owner"', '"Owner" # midas: ignore[MI201, MI999] because')})
    done = midas(work.root, "check", "--select", "MI2")
    assert done.returncode == 0
    assert (
        "main.tf:10: midas: ignore[MI201, MI999]: there is no rule MI999; `midas rules` lists them"
        in done.stdout
    )
    assert "matches no finding" not in done.stdout


def test_an_offered_fix_is_made_and_the_finding_is_gone(work: Work) -> None:
    work.write(
        {
            "main.tf": IDENTITY
            + """
resource "azurerm_federated_identity_credential" "ci" {
  name      = "ci"
  parent_id = azurerm_user_assigned_identity.app.id
  issuer    = "https://token.actions.githubusercontent.com"
  subject   = "repo:contoso/shop:environment:production"
  audience  = ["https://example.com"]
}
"""
        }
    )
    before = midas(work.root, "check", "--select", "MI305")
    assert before.returncode == 1, before.stdout + before.stderr
    needs = (
        "the workload must ask for tokens for this audience, as azure/login and the SDKs do by themselves\n"
    )
    safe = midas(work.root, "check", "--select", "MI305", "--fix")
    assert safe.stderr == f"nothing could be fixed\nMI305: --fix-all fixes 1 more: {needs}"
    assert safe.returncode == 1
    shown = midas(work.root, "check", "--select", "MI305", "--fix-all", "--diff", "--quiet")
    assert shown.stdout.splitlines()[2:] == [
        "@@ -9,5 +9,5 @@",
        "   parent_id = azurerm_user_assigned_identity.app.id",
        '   issuer    = "https://token.actions.githubusercontent.com"',
        '   subject   = "repo:contoso/shop:environment:production"',
        '-  audience  = ["https://example.com"]',
        '+  audience  = ["api://AzureADTokenExchange"]',
        " }",
    ]
    assert shown.stderr == (
        f"1 finding in 1 file can be fixed; nothing was changed\nMI305: before you deploy: {needs}"
    )
    assert (shown.returncode, midas(work.root, "check", "--diff").returncode) == (1, 2)
    fixed = midas(work.root, "check", "--select", "MI305", "--fix-all")
    made = "fixed 1 finding in 1 file\nfixed: main.tf:12:3: MI305: "
    assert fixed.stderr.startswith(made), fixed.stderr
    assert fixed.stderr.endswith(f"\nMI305: before you deploy: {needs}")
    assert fixed.returncode == 0
    assert 'audience  = ["api://AzureADTokenExchange"]' in (work.root / "main.tf").read_text()
    again = midas(work.root, "check", "--select", "MI305", "--fix")
    assert again.stderr == "nothing could be fixed\n"


# ---- the cache


def test_what_was_read_is_not_read_again_and_damage_is_no_harm(work: Work) -> None:
    work.init().write({f"{name}/main.tf": ONE for name in "abc"})
    cache = work.root.parent / "cache"
    first = check(work, work.root, "--cache", cache)[1]
    entries = sorted(path for path in cache.rglob("*") if path.is_file() and path.name != ".gitignore")
    assert len(entries) == 4  # one for each unit, one for the whole
    times = {path: path.stat().st_mtime_ns for path in entries}
    again = check(work, work.root, "--cache", cache)[1]
    assert {path: path.stat().st_mtime_ns for path in entries} == times
    for path in entries:
        path.write_bytes(b"damaged")
    entries[1].unlink()
    third = check(work, work.root, "--cache", cache)[1]
    assert first["findings"] == again["findings"] == third["findings"]
    assert all(path.stat().st_size > 100 for path in entries)
    assert check(work, work.root, "--cache", cache, "--select", "MI203")[1]["findings"] == []
    work.write({"b/main.tf": ONE.replace('"Owner"', '"Reader"')})
    assert found(check(work, work.root, "--cache", cache)[1]) == [
        ("MI201", "a/main.tf", 10),
        ("MI201", "c/main.tf", 10),
    ]


def test_a_cache_that_cannot_be_kept_is_told(work: Work) -> None:
    work.write({"main.tf": ONE, "taken": ""})
    done = midas(work.root, "check", "--cache", "taken/cache")
    assert done.returncode == 1
    assert "nothing can be kept in taken/cache: not a directory;" in done.stdout


def test_a_committed_cache_is_not_trusted(work: Work) -> None:
    work.init().write({"main.tf": ONE + "#" * 300_000})
    midas(work.root, "check")
    assert (work.root / ".midas-cache").is_dir()
    assert work.git("status", "--short") == "?? main.tf\n"
    (work.root / ".midas-cache" / ".gitignore").unlink()
    work.commit()
    done = midas(work.root, "check")
    assert "the cache" not in done.stderr
    assert ".midas-cache is committed, so it was not trusted" in done.stdout
    assert "--> main.tf:10:3" in done.stdout


def test_no_secret_of_a_file_is_in_the_cache(work: Work) -> None:
    secret = "Zq9" + "x7" * 20
    provider = f'provider "azurerm" {{\n  features {{}}\n  client_secret = "{secret}"\n}}\n'
    output = f'output "password" {{\n  value = "{secret}"\n}}\n'
    variable = f'variable "p" {{\n  default = "{secret}"\n  sensitive = true\n}}\n'
    work.write({"main.tf": ONE + provider + output + variable})
    cache = work.root.parent / "cache"
    _, report = check(work, work.root, "--cache", cache)
    assert "MI604" in {finding["code"] for finding in report["findings"]}
    kept = b"".join(path.read_bytes() for path in cache.rglob("*") if path.is_file())
    assert secret.encode() not in kept
    assert secret not in json.dumps(report)


# ---- bad input


def test_bad_input_is_told_and_the_rest_is_judged(work: Work) -> None:
    nested = "[" * 100_000
    work.write(
        {
            "good/main.tf": ONE,
            "binary/main.tf": b"\x00\x01\x02",
            "binary/main.bicep": b"\x89PNG\r\n\x1a\n\x00",
            "half/main.tf": 'resource "azurerm_role_assignment" "x" {\n  scope = ',
            "half/main.bicep": "resource x 'Microsoft.",
            "half/main.json": TEMPLATE + "[{",
            "deep/main.tf": f"locals {{\n  x = {nested}\n}}\n",
            "deep/main.bicep": f"var x = {nested}\n",
            "deep/main.json": TEMPLATE + nested,
            "cycle/a.bicep": "module b 'b.bicep' = {\n  name: 'b'\n}\n",
            "cycle/b.bicep": "module a 'a.bicep' = {\n  name: 'a'\n}\n",
            "loop/x/main.tf": 'module "y" {\n  source = "../y"\n}\n',
            "loop/y/main.tf": 'module "x" {\n  source = "../x"\n}\n',
            "self/main.tf": "locals {\n  a = local.b\n  b = local.a\n}\n"
            + ONE.replace("id-app", "${local.a}"),
            "many/main.tf": SUBSCRIPTION
            + IDENTITY
            + owner("many").replace("{\n", "{\n  count = 5000000\n", 1),
            "latin/main.tf": ONE.encode() + b"# caf\xe9\n",
            "bom/main.tf": b"\xef\xbb\xbf" + ONE.replace("\n", "\r\n").encode(),
            "empty/main.tf": "",
            "empty/main.json": "",
        }
    )
    (work.root / "loop.tf").symlink_to("loop.tf")
    (work.root / "out.tf").symlink_to("/etc/passwd")
    os.mkfifo(work.root / "pipe.tf")
    began = time.monotonic()
    code, report = check(work)
    assert time.monotonic() - began < 60
    assert code == 1
    lines = found(report)
    for uri in ("good/main.tf", "latin/main.tf", "bom/main.tf"):
        assert ("MI201", uri, 10) in lines
    told = {(gap["scope"].partition(":")[0], gap["reason"].partition(":")[0]) for gap in report["gaps"]}
    assert told >= {
        ("binary/main.tf", "malformed"),
        ("binary/main.bicep", "malformed"),
        ("half/main.tf", "malformed"),
        ("half/main.bicep", "malformed"),
        ("half/main.json", "malformed"),
        ("deep/main.tf", "malformed"),
        ("deep/main.bicep", "malformed"),
        ("deep/main.json", "malformed"),
        ("loop.tf", "failed"),
        ("out.tf", "skipped"),
        ("pipe.tf", "skipped"),
    }
    assert not [gap for gap in report["gaps"] if "fault of Midas" in gap["reason"]]


# ---- with the tenant it goes to

MAIN = "/subscriptions/11111111-1111-1111-1111-111111111111"


@pytest.fixture
def tenant(tmp_path: Path) -> Path:
    """A snapshot: one subscription, in which the identity id-app of rg-app is Owner."""
    builder = FactsBuilder()
    role_id = "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    identity_id = (
        f"{MAIN}/resourceGroups/rg-app/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-app"
    )
    scope, identity = builder.scope(MAIN, name="Main"), builder.entity(Kind.IDENTITY, identity_id)
    builder.scope(identity_id)
    principal = builder.entity(Kind.PRINCIPAL, "44444444-4444-4444-4444-444444444444")
    role = builder.entity(Kind.ROLE, role_id, name="Owner")
    builder.add("identities", identity=identity, user_assigned=True, principal=principal)
    builder.add("principals", principal=principal, type="ServicePrincipal", managed=True)
    builder.add("roles", role=role, guid=role_id.rsplit("/", 1)[-1], custom=False, readable=True)
    builder.add("permissions", role=role, entry=0, part="actions", pattern="*")
    builder.add(
        "assignments",
        assignment=builder.entity(
            Kind.ASSIGNMENT, f"{MAIN}/providers/Microsoft.Authorization/roleAssignments/a1"
        ),
        principal=principal,
        role=role,
        scope=scope,
        level=int(Level.SUBSCRIPTION),
        eligible=False,
        workload=True,
    )
    asked = question(load_rules())
    for table in TABLES:
        builder.covered(table)
    origin = Origin(
        source="azure",
        target="subscription Main",
        tenant="99999999-9999-9999-9999-999999999999",
        cloud="public",
        read_at=datetime(2026, 1, 2, tzinfo=UTC),
        tables=tuple(sorted(asked.tables)),
        settings=tuple(sorted(asked.settings)),
    )
    write(builder.finish(), origin, tmp_path / "tenant")
    return tmp_path / "tenant"


NARROWER = """
resource "azurerm_resource_group" "app" {
  name     = "rg-app"
  location = "westeurope"
}

resource "azurerm_role_assignment" "narrower" {
  scope                = azurerm_resource_group.app.id
  role_definition_name = "Owner"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
}
"""


def test_what_a_change_completes_with_the_tenant_is_found(work: Work, tenant: Path) -> None:
    work.write({"main.tf": SUBSCRIPTION + IDENTITY + NARROWER})
    assert [code for code, _, _ in found(check(work)[1])] == ["MI203"]
    code, report = check(work, work.root, "--against", tenant)
    assert (code, found(report)) == (1, [("MI203", "main.tf", 15), ("MI208", "main.tf", 13)])
    assert report["run"]["tenant"] == "99999999-9999-9999-9999-999999999999"
    assert not [gap for gap in report["gaps"] if gap["reason"].startswith("skipped")]


def test_what_is_there_already_is_not_the_changes(work: Work, tenant: Path) -> None:
    work.write({"main.tf": ONE})
    assert found(check(work)[1]) == [("MI201", "main.tf", 10)]
    assert found(check(work, work.root, "--against", tenant)[1]) == []


def test_a_change_is_compared_with_the_tenant_and_the_code_as_it_was(work: Work, tenant: Path) -> None:
    work.init().write({"main.tf": SUBSCRIPTION + IDENTITY + NARROWER})
    work.commit()
    assert found(check(work, work.root, "--against", tenant, "--since", "HEAD")[1]) == []
    work.write({"main.tf": "# moved\n" + SUBSCRIPTION + IDENTITY + NARROWER + owner("known")})
    assert found(check(work, work.root, "--against", tenant, "--since", "HEAD")[1]) == []
    work.write({"more.tf": owner("new", "Contributor")})
    changed = check(work, work.root, "--against", tenant, "--since", "HEAD")[1]
    assert found(changed) == [("MI202", "more.tf", 4)]


def test_a_state_says_which_resource_of_the_tenant_code_has_made(work: Work, tenant: Path) -> None:
    named_from_outside = IDENTITY.replace('"id-app"', "var.name")
    assert named_from_outside != IDENTITY
    work.write({"infra/main.tf": 'variable "name" {}\n' + SUBSCRIPTION + named_from_outside + NARROWER})
    assert "MI208" not in [code for code, _, _ in found(check(work, work.root, "--against", tenant)[1])]
    identity = (
        f"{MAIN}/resourceGroups/rg-app/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-app"
    )
    made = [
        ("azurerm_user_assigned_identity", identity),
        ("azurerm_resource_group", f"{MAIN}/resourceGroups/rg-app"),
    ]
    resources = [
        {"mode": "managed", "type": kind, "name": "app", "instances": [{"attributes": {"id": arm_id}}]}
        for kind, arm_id in made
    ]
    state = json.dumps({"version": 4, "resources": resources})
    work.write({"infra/terraform.tfstate": state, "elsewhere.json": state})
    for given in (work.root / "infra/terraform.tfstate", f"infra={work.root / 'elsewhere.json'}"):
        report = check(work, work.root, "--against", tenant, "--state", given)[1]
        assert ("MI208", "infra/main.tf", 14) in found(report)
    refused = midas(work.root, "check", "--state", "elsewhere.json")
    assert refused.returncode == 2
    assert "--state FOLDER=FILE" in refused.stderr


def test_an_import_block_says_which_resource_of_the_tenant_code_takes_over(work: Work, tenant: Path) -> None:
    named_from_outside = (
        'variable "name" {}\n' + SUBSCRIPTION + IDENTITY.replace('"id-app"', "var.name") + NARROWER
    )
    work.write({"infra/main.tf": named_from_outside})
    assert "MI208" not in [code for code, _, _ in found(check(work, work.root, "--against", tenant)[1])]
    identity = (
        f"{MAIN}/resourceGroups/rg-app/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-app"
    )
    block = f'import {{\n  to = azurerm_user_assigned_identity.app\n  id = "{identity}"\n}}\n'
    work.write({"infra/imports.tf": block})
    report = check(work, work.root, "--against", tenant)[1]
    assert ("MI208", "infra/main.tf", 14) in found(report)


def test_a_finding_of_a_tenant_points_at_the_code_that_declares_it(work: Work, tenant: Path) -> None:
    work.write({"infra/main.tf": ONE})
    done = midas(
        work.root,
        "scan",
        "--from",
        str(tenant),
        "--code",
        ".",
        "--select",
        "MI201",
        "--output",
        "json=out.json",
    )
    assert done.returncode == 1, done.stderr
    assert found(json.loads((work.root / "out.json").read_bytes())) == [("MI201", "infra/main.tf", 10)]


def test_which_part_of_a_tenant_goes_with_azure(work: Work) -> None:
    work.write({"main.tf": ONE})
    for arguments, said in (
        (["check", "--against", "azure"], "say what to read, one of: --subscription ID"),
        (["check", "--tenant"], "go with --against azure"),
        (["check", "--against", "nowhere"], "nowhere"),
    ):
        done = midas(work.root, *arguments)
        assert done.returncode == 2, done.stderr
        assert said in done.stderr


# ---- modules

STORAGE = """\
resource st 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: 'stshop'
  location: 'westeurope'
  sku: { name: 'Standard_LRS' }
  kind: 'StorageV2'
}
output key string = st.listKeys().keys[0].value
@secure()
output safe string = st.listKeys().keys[1].value
output name string = st.name
"""
UNUSED = """\
resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-app'
  location: 'westeurope'
}
output id string = app.id
"""


def test_a_secret_that_a_module_hands_on_stays_in_its_deployment(work: Work) -> None:
    work.write({"main.bicep": "module st './st.bicep' = {\n  name: 'st'\n}\n", "st.bicep": STORAGE})
    report = check(work)[1]
    assert found(report) == [("MI602", "st.bicep", 7)]


def test_what_only_a_module_hands_on_is_not_used(work: Work) -> None:
    work.write({"main.bicep": "module id './id.bicep' = {\n  name: 'id'\n}\n", "id.bicep": UNUSED})
    assert found(check(work)[1]) == [("MI110", "id.bicep", 1)]
    work.write(
        {"main.bicep": "module id './id.bicep' = {\n  name: 'id'\n}\noutput id string = id.outputs.id\n"}
    )
    assert found(check(work)[1]) == []


# ---- plans


@pytest.mark.parametrize("indent", [None, 2])
def test_no_line_of_a_plan_is_shown_for_it_holds_secrets_as_they_are(work: Work, indent: int | None) -> None:
    secret = " ".join(["correct", "horse", "battery"])
    plan = {
        "format_version": "1.2",
        "variables": {"words": {"value": secret}},
        "planned_values": {
            "root_module": {
                "resources": [
                    {
                        "address": "azurerm_role_definition.all",
                        "mode": "managed",
                        "type": "azurerm_role_definition",
                        "name": "all",
                        "values": {
                            "name": "all",
                            "description": secret,
                            "scope": MAIN,
                            "permissions": [{"actions": ["*"]}],
                        },
                        "sensitive_values": {"description": True},
                    }
                ]
            }
        },
        "configuration": {},
    }
    work.write({"plan.json": json.dumps(plan, indent=indent)})
    formats = {
        kind: work.root.parent / f"out.{kind}"
        for kind in ("sarif", "json", "html", "markdown", "csv", "junit")
    }
    outputs = [part for kind, path in formats.items() for part in ("--output", f"{kind}={path}")]
    done = midas(work.root, "check", *outputs)
    assert done.returncode == 1, done.stderr
    assert "MI206" in done.stdout
    for text in (done.stdout, done.stderr, *(path.read_text(encoding="utf-8") for path in formats.values())):
        assert secret not in text
