"""What the README shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

from scanner.engine.casework import try_rule
from scanner.engine.registry import load_rule, load_rules
from scanner.rule import Severity
from scanner.settings import Settings, SettingsFile, load_settings

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
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
