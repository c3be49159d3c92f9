"""From files to what a pull request sees: fixes that are made, comments that accept, a baseline, in every language."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.report import Report
from scanner.acquire import CodeWanted, fix, open_repository
from scanner.engine.casework import try_rule
from scanner.engine.registry import Rule, load_rules
from scanner.run import scan
from scanner.settings import Settings

RULES = load_rules(())


def bad_examples() -> Iterator[tuple[Rule, Path]]:
    """Yield every rule that offers a fix, with each of its bad examples."""
    for rule in RULES:
        if rule.fix is not None:
            for path in sorted(rule.path.parent.glob(f"{rule.path.stem}.bad.*")):
                yield rule, path


EXAMPLES = list(bad_examples())


def judged(folder: Path, rules: tuple[Rule, ...]) -> Report:
    code = CodeWanted(paths=(folder,), use_cache=False)
    return scan(lambda wanted: open_repository(code, wanted), rules, Settings())


def test_there_are_examples_in_three_languages() -> None:
    assert {path.suffix for _, path in EXAMPLES} == {".tf", ".bicep", ".json"}


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=[path.name for _, path in EXAMPLES])
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_fix_changes_the_value_alone_and_the_finding_is_gone(
    tmp_path: Path, rule: Rule, example: Path, ends: str
) -> None:
    file = tmp_path / f"main{example.suffix}"
    # A comment inside of a value would be lost, so a value with one is left alone.
    before = example.read_bytes().replace(b" // finding", b"").replace(b"\n", ends.encode())
    file.write_bytes(before)
    report = judged(tmp_path, (rule,))
    assert [len(finding.fixes) for finding in report.findings] == [1]
    applied = fix(report, CodeWanted(paths=(tmp_path,), use_cache=False))
    assert [finding.code for finding in applied.fixed] == [rule.meta.id]
    after = file.read_bytes()
    lines = [data.decode().splitlines(keepends=True) for data in (before, after)]
    changed = [line for line in difflib.ndiff(*lines) if line.startswith(("+ ", "- "))]
    assert sum(line.startswith("+ ") for line in changed) == 1
    assert after.count(b"\r\n") == (after.count(b"\n") if ends == "\r\n" else 0)
    again = judged(tmp_path, (rule,))
    assert (again.findings, again.gaps) == ((), ())
    assert again.run.complete


SHARED_KEY_RULE = '''"""A storage account takes its shared key.

## What it finds
One that does.

## Why it matters
It is a key.

## How to fix it
Switch it off.
"""

from scanner.rule import (
    Facts, Frame, Meta, SetProperty, Setting, Severity, bad, col, good, refused, resource, setting, unknown
)

TYPE = "Microsoft.Storage/storageAccounts"

META = Meta(
    id="MI590",
    name="shared-key-allowed",
    severity=Severity.MEDIUM,
    subject="resources",
    settings=(Setting(TYPE, "properties.allowSharedKeyAccess"),),
    message="{name} takes its shared key",
    since="0.1",
    points_at=("properties.allowSharedKeyAccess",),
)

FIX = SetProperty("properties.allowSharedKeyAccess", False)


def applies(facts: Facts) -> Frame:
    """Return storage accounts."""
    return facts.resources.filter(col("type") == TYPE.lower()).select("resource")


def check(facts: Facts) -> Frame:
    """Return those whose key is not off."""
    off = facts.settings.filter(col("value") == "false").select("resource")
    return applies(facts).join(off, on="resource", how="anti").select("resource")


CASES = (
    bad("on", resource("a", TYPE)),
    good("off", resource("a", TYPE), setting("a", "properties.allowSharedKeyAccess", False)),
    unknown("unread", refused("resources"), finds=("tenant",)),
)
'''

STORAGE = {
    "main.tf": """resource "azurerm_storage_account" "logs" {
  name                     = "logs"
  resource_group_name      = "rg"
  location                 = "westeurope"
  account_tier             = "Standard"
  account_replication_type = "LRS" # cheap

  identity {
    type = "SystemAssigned"
  }
}
""",
    "main.bicep": """@description('logs { }')
resource logs 'Microsoft.Storage/storageAccounts@2023-01-01' = {
  name: 'logs'
  location: 'westeurope'
  sku: { name: 'Standard_LRS' }
  kind: 'StorageV2'
  properties: {
    minimumTlsVersion: 'TLS1_2' // as agreed
  }
}
""",
    "azuredeploy.json": """{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "resources": [
    {
      "type": "Microsoft.Storage/storageAccounts",
      "apiVersion": "2023-01-01",
      "name": "logs",
      "location": "westeurope"
    }
  ]
}
""",
}
ADDED = {
    "main.tf": ["+  shared_access_key_enabled = false"],
    "main.bicep": ["+    allowSharedKeyAccess: false"],
    "azuredeploy.json": [
        '-      "location": "westeurope"',
        '+      "location": "westeurope",',
        '+      "properties": {',
        '+        "allowSharedKeyAccess": false',
        "+      }",
    ],
}


@pytest.mark.parametrize("name", STORAGE)
def test_a_switch_that_is_missing_is_added_and_the_finding_is_gone(tmp_path: Path, name: str) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "shared_key_allowed.py").write_text(SHARED_KEY_RULE, encoding="utf-8")
    rule = next(rule for rule in load_rules((rules,)) if rule.meta.id == "MI590")
    assert try_rule(rule) == []
    code = tmp_path / "code"
    code.mkdir()
    (code / name).write_text(STORAGE[name], encoding="utf-8")
    report = judged(code, (rule,))
    assert [finding.code for finding in report.findings] == ["MI590"]
    applied = fix(report, CodeWanted(paths=(code,), use_cache=False))
    assert applied.left == ()
    after = (code / name).read_text(encoding="utf-8")
    changes = difflib.unified_diff(STORAGE[name].splitlines(), after.splitlines(), lineterm="", n=0)
    assert [line for line in changes if not line.startswith(("+++", "---", "@@"))] == ADDED[name]
    again = judged(code, (rule,))
    assert (again.findings, again.gaps) == ((), ())


COMMENT = {
    ".tf": "# midas: ignore[{code}] agreed with the platform team\n",
    ".bicep": "// midas: ignore[{code}] agreed with the platform team\n",
    ".json": "// midas: ignore[{code}] agreed with the platform team\n",
}


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=[path.name for _, path in EXAMPLES])
def test_a_comment_above_the_line_or_at_its_end_accepts(tmp_path: Path, rule: Rule, example: Path) -> None:
    file = tmp_path / f"main{example.suffix}"
    text = example.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    [found] = judged(tmp_path, (rule,)).findings
    assert found.location is not None
    assert found.declared is not None
    comment = COMMENT[example.suffix].format(code=rule.meta.id)
    lines = text.splitlines(keepends=True)
    line, head = found.location.line - 1, found.declared.place.line - 1
    above = [*lines[:line], comment, *lines[line:]]
    beside = [*lines[:line], lines[line].rstrip("\n") + " " + comment, *lines[line + 1 :]]
    at_head = [*lines[:head], comment, *lines[head:]]
    for changed in (above, beside, at_head):
        file.write_text("".join(changed), encoding="utf-8")
        report = judged(tmp_path, (rule,))
        [accepted] = report.findings
        assert accepted.suppressed is not None, "".join(changed)
        assert (accepted.suppressed.kind, accepted.suppressed.reason) == (
            "inline",
            "agreed with the platform team",
        )
        assert report.notices == ()
    file.write_text(text + comment, encoding="utf-8")
    report = judged(tmp_path, (rule,))
    assert [finding.suppressed for finding in report.findings] == [None]
    [notice] = report.notices
    assert f"main{example.suffix}:" in notice
    assert f"midas: ignore[{rule.meta.id}] matches no finding of {rule.meta.id}" in notice
