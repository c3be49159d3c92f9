"""The command line as people use it: flags, words, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scanner.cli import cli, main

SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"
IDENTITY = (
    f"{SUBSCRIPTION}/resourceGroups/web/providers/Microsoft.ManagedIdentity/userAssignedIdentities/spare"
)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A tiny tenant as `az graph query` prints it: one user-assigned identity with Owner on its subscription."""
    owner = "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    rows = [
        {
            "id": SUBSCRIPTION,
            "name": "Main",
            "type": "microsoft.resources/subscriptions",
            "subscriptionId": SUBSCRIPTION.rsplit("/", 1)[-1],
            "properties": {
                "managementGroupAncestorsChain": [{"name": "root", "displayName": "Tenant Root Group"}]
            },
        },
        {
            "id": IDENTITY,
            "name": "spare",
            "type": "microsoft.managedidentity/userassignedidentities",
            "location": "westeurope",
            "subscriptionId": SUBSCRIPTION.rsplit("/", 1)[-1],
            "resourceGroup": "web",
            "properties": {
                "principalId": "22222222-2222-2222-2222-222222222222",
                "clientId": "33333333-3333-3333-3333-333333333333",
                "tenantId": "44444444-4444-4444-4444-444444444444",
            },
        },
        {
            "id": f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/" + "5" * 8,
            "name": "5" * 8,
            "type": "microsoft.authorization/roleassignments",
            "subscriptionId": SUBSCRIPTION.rsplit("/", 1)[-1],
            "properties": {
                "principalId": "22222222-2222-2222-2222-222222222222",
                "principalType": "ServicePrincipal",
                "roleDefinitionId": owner,
                "scope": SUBSCRIPTION,
            },
        },
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"count": len(rows), "data": rows}))
    return path


def midas(*arguments: object) -> Result:
    """Run the command; usage errors and results alike come back with their exit code as the program would give it."""
    runner = CliRunner()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["midas", *map(str, arguments)])
        return runner.invoke(_Whole(), [])


class _Whole:
    """Makes :func:`main`, with its own handling of errors, look like a command to the test runner."""

    name = "midas"

    def main(self, args: object = None, prog_name: object = None, **_: object) -> None:
        main()


def test_an_export_is_judged_and_what_it_does_not_hold_is_unknown(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "midas.json"
    result = midas("scan", "--from-export", export, "--output", f"json={out}", "--quiet")
    assert result.exit_code == 1, result.output
    report = json.loads(out.read_bytes())
    assert "MI201" in [finding["code"] for finding in report["findings"]]
    assert "MI102" not in [finding["code"] for finding in report["findings"]]
    assert IDENTITY in [entry["subject"] for entry in report["unknown"] if entry["code"] == "MI102"]
    assert "federated_credentials" in [gap["table"] for gap in report["gaps"]]
    assert report["run"]["complete"] is False


def test_complete_tables_of_an_export_convict(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "midas.json"
    complete = [
        "--complete",
        "attachments",
        "--complete",
        "federated_credentials",
        "--complete",
        "identities",
    ]
    result = midas("scan", "--from-export", export, *complete, "--output", f"json={out}", "--quiet")
    assert result.exit_code == 1
    found = {
        finding["code"]: finding["subject"]["id"] for finding in json.loads(out.read_bytes())["findings"]
    }
    assert found["MI102"] == IDENTITY


def test_an_empty_tenant_is_not_clean(tmp_path: Path) -> None:
    empty, out = tmp_path / "empty.json", tmp_path / "midas.json"
    empty.write_text('{"count": 0, "data": []}')
    arguments = ("scan", "--from-export", empty, "--complete", "all", "--output", f"json={out}")
    assert midas(*arguments, "--strict").exit_code == 3
    assert midas(*arguments).exit_code == 0
    report = json.loads(out.read_bytes())
    assert report["run"]["complete"] is False
    assert "nothing was judged" in report["run"]["notices"][0]


def test_codes_and_severities_are_read_in_any_case(export: Path) -> None:
    assert (
        midas("scan", "--from-export", export, "--select", "mi201", "--fail-on", "CRITICAL", "-q").exit_code
        == 1
    )


def test_json_on_standard_output_is_only_json(export: Path) -> None:
    result = midas("scan", "--from-export", export, "--output", "json=-")
    assert json.loads(result.stdout)["schema"] == "midas/v1"
    assert "MI201" in result.stderr


def test_strict_tells_incomplete_from_clean(export: Path) -> None:
    assert midas("scan", "--from-export", export, "--fail-on", "never", "-q").exit_code == 0
    assert midas("scan", "--from-export", export, "--fail-on", "never", "--strict", "-q").exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scan"], "say what to judge"),
        (["scan", "--tenant", "--from", "x"], "say what to judge"),
        (["collect", "--out", "x"], "say what to read"),
        (["collect", "--out", "x", "--tenant", "--subscription", "y"], "say what to read"),
        (["scan", "--from", "EXPORT", "--out", "x"], "go with --subscription"),
        (["scan", "--from", "x", "--complete", "roles"], "--complete speaks of an export"),
        (["scan", "--from-export", "EXPORT", "--complete", "rolls"], "no table is called that"),
        (["scan", "--from-export", "EXPORT", "--output", "pdf=x"], "FORMAT one of"),
        (["scan", "--from-export", "EXPORT", "--output", "json"], "FORMAT=FILE"),
        (
            ["scan", "--from-export", "EXPORT", "--output", "json=-", "--output", "sarif=-"],
            "only one --output",
        ),
        (["scan", "--from-export", "EXPORT", "--output", "json=/nowhere/x.json"], "does not exist"),
        (["scan", "--from-export", "EXPORT", "--fail-on", "bad"], "'bad' is no severity"),
        (["scan", "--from-export", "EXPORT", "--select", "MI8"], "no rule's code begins with 'MI8'"),
        (["scan", "--from-export", "EXPORT", "--rules", "/nowhere"], "is not a folder"),
        (["scan", "--from-export", "EXPORT", "--config", "/nowhere/midas.toml"], "there is no such file"),
        (["scan", "--from-export", "/nowhere.json"], "/nowhere.json"),
        (["scan", "--from", "/nowhere"], "is not a snapshot"),
        (["scan", "--tenant", "--client-id", "x"], "go with --auth managed-identity"),
        (["explain", "MI999"], "there is no rule 'MI999'"),
        (["scan", "--from-export", "EXPORT", "--select", "MI2", "--ignore", "MI2"], "no rule is left to run"),
        (
            ["scan", "--from-export", "EXPORT", "--output", "json=x", "--output", "html=x"],
            "two --output options",
        ),
        (["scan", "--from-export", "EXPORT", "--complete", "grants"], "no table is called that"),
        (["scan", "--colour"], "No such option"),
        (["paint"], "No such command"),
    ],
)
def test_a_mistake_gets_one_clear_message_and_exit_code_2(
    export: Path, arguments: list[str], words: str
) -> None:
    result = midas(*[export if argument == "EXPORT" else argument for argument in arguments])
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_a_broken_rule_stops_the_run_with_file_and_line(export: Path, tmp_path: Path) -> None:
    broken = tmp_path / "policies"
    broken.mkdir()
    (broken / "half_written.py").write_text('"""Half."""\n\ndef check(facts:\n')
    result = midas("scan", "--from-export", export, "--rules", broken)
    assert result.exit_code == 2
    assert f"{broken / 'half_written.py'}:3: is not valid Python" in result.stderr


def test_a_settings_mistake_names_file_and_line(export: Path, tmp_path: Path) -> None:
    settings = tmp_path / "midas.toml"
    settings.write_text('[severity]\nMI101 = "awful"\n')
    result = midas("scan", "--from-export", export, "--config", settings)
    assert result.exit_code == 2
    assert f"{settings}:2: 'awful' is no severity" in result.stderr


def test_a_fault_of_midas_itself_says_so(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a wheel came off")

    monkeypatch.setattr("scanner.run.scan", broken)
    result = midas("scan", "--from-export", export)
    assert result.exit_code == 4
    assert "a wheel came off" in result.stderr
    assert "fault of Midas itself" in result.stderr


def test_rules_are_listed_explained_and_tried() -> None:
    listing = midas("rules", "--select", "MI1")
    assert listing.exit_code == 0
    assert "MI101" in listing.stdout
    assert "MI201" not in listing.stdout
    page = midas("explain", "mi201")
    assert "# MI201 owner-at-subscription-or-above (critical)" in page.stdout
    assert "## How to fix it" in page.stdout
    before = page.stdout.index("## Before (Terraform)\n```tf\n")
    assert (
        before < page.stdout.index("## After (Terraform)\n```tf\n") < page.stdout.index("## Before (Bicep)")
    )
    assert midas("explain", "owner-at-subscription-or-above").stdout == page.stdout
    tried = midas("test", "--select", "MI101")
    assert tried.exit_code == 0, tried.stdout
    assert "1 of 1 rules do what their cases say" in tried.stdout


def test_help_does_not_load_what_it_does_not_need() -> None:
    import subprocess
    import sys

    code = "import sys; from scanner.cli import cli; cli.main(['--help'], standalone_mode=False); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    for heavy in (
        "polars",
        "azure.core",
        "azure.identity",
        "jinja2",
        "rich",
        "duckdb",
        "msgspec",
        "narwhals",
    ):
        assert heavy not in loaded


def test_every_command_has_help() -> None:
    for name in cli.commands:
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0
        assert "Usage:" in result.output
