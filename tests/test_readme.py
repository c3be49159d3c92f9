"""What the README shows works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.engine.casework import try_rule
from scanner.engine.registry import load_rule, load_rules
from scanner.rule import Severity
from scanner.settings import Settings, SettingsFile, load_settings
from tests.sources.repository.conftest import Work, work

__all__ = ["work"]

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The first block of a language."""
    found, *_ = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return str(found)


def test_the_rule_does_what_its_cases_say(tmp_path: Path) -> None:
    path = tmp_path / "identity_outside_identity_groups.py"
    path.write_text(block("python"), encoding="utf-8")
    rule = load_rule(path)
    assert rule.meta.id not in {other.meta.id for other in load_rules()}
    assert try_rule(rule) == []


def test_the_settings_are_valid(tmp_path: Path) -> None:
    path = tmp_path / "midas.toml"
    path.write_text(block("toml"), encoding="utf-8")
    settings = load_settings(SettingsFile(path), load_rules(), Settings())
    assert settings.fail_on is Severity.MEDIUM
    assert settings.parameters["MI303"] == {"issuers": ("https://token.actions.githubusercontent.com",)}
    assert [exception.subject for exception in settings.exceptions] == ["id-recovery"]


BEFORE = """\
data "azurerm_subscription" "current" {}
resource "azurerm_user_assigned_identity" "app" {
  name                = "id-app"
  resource_group_name = "rg-app"
  location            = "westeurope"
}
resource "azurerm_role_assignment" "before" {
  scope                = data.azurerm_subscription.current.id
  role_definition_name = "Contributor"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
}
"""
CHANGE = (
    BEFORE[BEFORE.index('resource "azurerm_role') :]
    .replace("before", "change")
    .replace("Contributor", "Owner")
)
JOBS = {
    "GitHub Actions": {"GITHUB_BASE_REF": "main", "GITHUB_REF": "refs/pull/1/merge"},
    "Azure Pipelines": {"SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"},
    "GitLab": {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "main"},
}


@pytest.mark.parametrize("job", JOBS)
def test_the_commands_of_a_job_find_what_its_pull_request_brings(job: str, work: Work) -> None:
    section = README[README.index(f"\n{job}") :]
    commands = re.findall(r"\bmidas (check .*)", section[: section.index("```\n\n")])
    work.init().write({"main.tf": BEFORE}).commit()
    work.git("checkout", "-q", "-b", "change")
    work.write({"change.tf": CHANGE}).commit()
    kept = {n: value for n, value in os.environ.items() if not n.startswith(("GITHUB_", "SYSTEM_", "CI_"))}
    codes = {}
    for command in commands[: 2 if job == "GitHub Actions" else 1]:
        words = command.split()
        done = subprocess.run(
            [sys.executable, "-m", "scanner", *words],
            cwd=work.root,
            env=kept | JOBS[job],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.stderr == ""
        kind, _, file = words[-1].partition("=")
        report = (work.root / file).read_text("utf-8")
        codes[kind] = done.returncode
        assert "change.tf" in report
        assert ("main.tf:9" in report) is False or "--since" not in words
    assert (
        codes
        == {
            "GitHub Actions": {"sarif": 0, "markdown": 1},
            "Azure Pipelines": {"junit": 1},
            "GitLab": {"junit": 1},
        }[job]
    )
