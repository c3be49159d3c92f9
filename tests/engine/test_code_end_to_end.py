"""From files to what a pull request sees: fixes that are made, comments that accept, a baseline, in every language."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from reports.report import Report
from reports.sarif import render
from scanner.code_world import CodeWanted, fix, open_repository
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


CHANGES = {
    "aks_cluster_on_service_principal.bad.bicep": [
        "-    servicePrincipalProfile: {",
        "-      clientId: '8a6c2f6e-4d0b-4b58-9c1d-1f2f3a4b5c6d' // finding",
        "-      secret: clientSecret",
        "-    }",
        "+  }",
        "+  identity: {",
        "+    type: 'SystemAssigned'",
    ],
    "aks_cluster_on_service_principal.bad.json": [
        "-        ],",
        '-        "servicePrincipalProfile": {',
        '-          "clientId": "8a6c2f6e-4d0b-4b58-9c1d-1f2f3a4b5c6d", // finding',
        '-          "secret": "[parameters(\'clientSecret\')]"',
        "-        }",
        "+        ]",
        "+      },",
        '+      "identity": {',
        '+        "type": "SystemAssigned"',
    ],
    "aks_cluster_on_service_principal.bad.tf": [
        "-  service_principal {",
        '-    client_id     = "8a6c2f6e-4d0b-4b58-9c1d-1f2f3a4b5c6d" # finding',
        "-    client_secret = var.client_secret",
        "+  identity {",
        '+    type = "SystemAssigned"',
    ],
    "provider_or_backend_with_secret.bad.tf": [
        "-  client_secret   = var.client_secret # finding",
        "+  use_oidc        = true # finding",
    ],
    "secret_as_parameter_default.bad.bicep": [
        "-param administratorPassword string = 'change-me-please' // finding",
        "+param administratorPassword string // finding",
    ],
    "secret_as_parameter_default.bad.json": [
        '-      "type": "securestring",',
        '-      "defaultValue": "change-me-please" // finding',
        '+      "type": "securestring"',
    ],
    "secret_as_parameter_default.bad.tf": ['-  default   = "change-me-please" # finding'],
    "secret_in_output.bad.bicep": ["+@secure()"],
    "secret_in_output.bad.json": ['-      "type": "string",', '+      "type": "securestring",'],
    "secret_in_output.bad.tf": ["+  sensitive = true"],
    "unexpected_token_audience.bad.bicep": [
        "-    audiences: ['https://github.com/contoso'] // finding",
        "+    audiences: ['api://AzureADTokenExchange'] // finding",
    ],
    "unexpected_token_audience.bad.json": [
        '-        "audiences": [',
        '-          "https://github.com/contoso"',
        "-        ]",
        '+        "audiences": ["api://AzureADTokenExchange"]',
    ],
    "unexpected_token_audience.bad.tf": [
        '-  audience            = ["https://github.com/contoso"] # finding',
        '+  audience            = ["api://AzureADTokenExchange"] # finding',
    ],
}
"""What fixing changes in each bad example, line by line."""
SAFE = ("secret_in_output.bad.tf",)
"""Those whose fix needs nothing else."""


def test_the_changes_of_every_example_are_written_down() -> None:
    assert set(CHANGES) == {path.name for _, path in EXAMPLES}


def changed_lines(before: bytes, after: bytes) -> list[str]:
    """Return the lines that go and come, in their order, each line end that is not the file's shown."""
    lines = [data.decode().split("\n") for data in (before, after)]
    changes = difflib.unified_diff(*lines, lineterm="", n=0)
    return [line for line in changes if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=[path.name for _, path in EXAMPLES])
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("begins", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
def test_a_fix_changes_nothing_else_and_the_finding_is_gone(
    tmp_path: Path, rule: Rule, example: Path, ends: str, begins: bytes
) -> None:
    file = tmp_path / f"main{example.suffix}"
    before = begins + example.read_bytes()
    if example.name == "unexpected_token_audience.bad.json":
        # A comment inside of a value would be lost, so a value with one is left alone.
        before = before.replace(b" // finding", b"")
    file.write_bytes(before.replace(b"\n", ends.encode()))
    report = judged(tmp_path, (rule,))
    assert [len(finding.fixes) for finding in report.findings] == [1]
    of_all = judged(tmp_path, RULES).findings
    code = CodeWanted(paths=(tmp_path,), use_cache=False)
    if example.name not in SAFE:
        waiting = fix(report, code)
        assert (waiting.files, waiting.waiting) == ({}, report.findings)
    applied = fix(report, code, also_needing=True)
    assert [finding.code for finding in applied.fixed] == [rule.meta.id]
    after = file.read_bytes()
    assert after.count(b"\r\n") == (after.count(b"\n") if ends == "\r\n" else 0)
    assert changed_lines(before, after.replace(b"\r\n", b"\n")) == CHANGES[example.name]
    again = judged(tmp_path, (rule,))
    assert (again.findings, again.gaps, again.faults) == ((), (), ())
    had = {finding.code for finding in of_all}
    assert {finding.code for finding in judged(tmp_path, RULES).findings} == had - {rule.meta.id}


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=[path.name for _, path in EXAMPLES])
def test_a_viewer_that_applies_the_fix_of_sarif_makes_the_same_file(
    tmp_path: Path, rule: Rule, example: Path
) -> None:
    file = tmp_path / f"main{example.suffix}"
    # Signs outside of the basic plane count as one column, as columnKind says.
    before = (
        example.read_text(encoding="utf-8").replace("// finding", "").replace("# finding", "# \U0001f511")
    )
    file.write_bytes(before.encode())
    report = judged(tmp_path, (rule,))
    [run] = msgspec.json.decode(render(report))["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    [result] = run["results"]
    [change] = result["fixes"][0]["artifactChanges"]
    assert change["artifactLocation"]["uri"] == file.name
    lines = before.splitlines(keepends=True)
    begins = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
    text = before
    for replaced in sorted(change["replacements"], key=lambda one: -one["deletedRegion"]["startLine"]):
        region = replaced["deletedRegion"]
        start = begins[region["startLine"] - 1] + region["startColumn"] - 1
        end = begins[region["endLine"] - 1] + region["endColumn"] - 1
        text = text[:start] + replaced["insertedContent"]["text"] + text[end:]
    fix(report, CodeWanted(paths=(tmp_path,), use_cache=False), also_needing=True)
    assert file.read_text(encoding="utf-8") == text != before


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


OF_TERRAFORM_JSON = """{
  "terraform": {
    "backend": {
      "azurerm": { "key": "prod.tfstate", "access_key": "${var.key}" }
    }
  },
  "provider": {
    "azurerm": {
      "features": {},
      "client_id": "8a6c2f6e-4d0b-4b58-9c1d-1f2f3a4b5c6d",
      "client_secret": "${var.password}"
    }
  },
  "variable": {
    "password": { "type": "string", "sensitive": true, "default": "change-me-please" }
  },
  "output": {
    "password": { "value": "${var.password}" }
  },
  "resource": {
    "azurerm_user_assigned_identity": {
      "app": { "name": "id-app", "resource_group_name": "rg", "location": "westeurope" }
    },
    "azurerm_federated_identity_credential": {
      "app": {
        "name": "app",
        "resource_group_name": "rg",
        "parent_id": "${azurerm_user_assigned_identity.app.id}",
        "issuer": "https://token.actions.githubusercontent.com",
        "subject": "repo:contoso/shop:environment:production",
        "audience": [
          "https://github.com/contoso"
        ]
      }
    },
    "azurerm_kubernetes_cluster": {
      "shop": [
        {
          "name": "aks-shop",
          "resource_group_name": "rg",
          "location": "westeurope",
          "dns_prefix": "shop",
          "default_node_pool": { "name": "system", "node_count": 3, "vm_size": "Standard_D4s_v5" },
          "service_principal": { "client_id": "8a6c2f6e-4d0b-4b58-9c1d-1f2f3a4b5c6d", "client_secret": "${var.key}" }
        }
      ]
    }
  }
}
"""
FIXED_TERRAFORM_JSON = [
    ('"access_key": "${var.key}"', '"use_azuread_auth": true'),
    ('"client_secret": "${var.password}"', '"use_oidc": true'),
    (', "default": "change-me-please"', ""),
    ('"value": "${var.password}" }', '"value": "${var.password}", "sensitive": true }'),
    ('[\n          "https://github.com/contoso"\n        ]', '["api://AzureADTokenExchange"]'),
]


def test_the_json_of_terraform_is_fixed_too(tmp_path: Path) -> None:
    file = tmp_path / "main.tf.json"
    file.write_text(OF_TERRAFORM_JSON, encoding="utf-8")
    report = judged(tmp_path, RULES)
    fixable = {"MI305", "MI602", "MI603", "MI604"}
    assert {finding.code for finding in report.findings if finding.fixes} == fixable
    # A block that is written as an item of a list is left to people.
    assert [finding.fixes for finding in report.findings if finding.code == "MI108"] == [()]
    applied = fix(report, CodeWanted(paths=(tmp_path,), use_cache=False), also_needing=True)
    assert sorted(finding.code for finding in applied.fixed) == ["MI305", "MI602", "MI603", "MI604", "MI604"]
    wanted = OF_TERRAFORM_JSON
    for old, new in FIXED_TERRAFORM_JSON:
        assert wanted.count(old) == 1
        wanted = wanted.replace(old, new)
    assert file.read_text(encoding="utf-8") == wanted
    again = judged(tmp_path, RULES)
    assert {finding.code for finding in again.findings} & fixable == set()
    assert again.gaps == report.gaps


def test_a_module_that_is_called_twice_is_edited_once_in_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    module = tmp_path / "modules" / "storage.bicep"
    module.write_text(
        "param name string\n\nresource data 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {\n"
        "  name: name\n}\n\n@description('For old apps.')\noutput key string = data.listKeys().keys[0].value\n",
        encoding="utf-8",
    )
    main = (
        "module one 'modules/storage.bicep' = {\n  name: 'one'\n  params: { name: 'stone' }\n}\n\n"
        "module two 'modules/storage.bicep' = {\n  name: 'two'\n  params: { name: 'sttwo' }\n}\n"
    )
    (tmp_path / "main.bicep").write_text(main, encoding="utf-8")
    before = module.read_text(encoding="utf-8")
    report = judged(tmp_path, RULES)
    applied = fix(report, CodeWanted(paths=(tmp_path,), use_cache=False), also_needing=True)
    assert {finding.code for finding in applied.fixed} == {"MI602"}
    assert set(applied.files) == {"modules/storage.bicep"}
    assert module.read_text(encoding="utf-8") == before.replace("output key", "@secure()\noutput key")
    assert [finding.code for finding in judged(tmp_path, RULES).findings] == []


def test_two_fixes_of_one_block_are_both_made(tmp_path: Path) -> None:
    file = tmp_path / "main.tf"
    text = """terraform {
  backend "azurerm" {
    key           = "prod.tfstate" # of production
    access_key    = "c2VjcmV0"
    sas_token     = "sv=1"
    client_secret = "hidden" # of the application
  }
}
"""
    file.write_text(text, encoding="utf-8")
    report = judged(tmp_path, RULES)
    applied = fix(report, CodeWanted(paths=(tmp_path,), use_cache=False), also_needing=True)
    assert ([finding.code for finding in applied.fixed], applied.left) == (["MI604"] * 3, ())
    wanted = text.replace('access_key    = "c2VjcmV0"', "use_azuread_auth = true")
    wanted = wanted.replace('    sas_token     = "sv=1"\n', "")
    wanted = wanted.replace('client_secret = "hidden"', "use_oidc      = true")
    assert file.read_text(encoding="utf-8") == wanted
    assert [finding.code for finding in judged(tmp_path, RULES).findings] == []


NESTED = """{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "resources": [
    {
      "type": "Microsoft.Resources/deployments",
      "apiVersion": "2022-09-01",
      "name": "inner",
      "properties": {
        "mode": "Incremental",
        "expressionEvaluationOptions": { "scope": "inner" },
        "template": {
          "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
          "contentVersion": "1.0.0.0",
          "resources": [],
          "outputs": {
            "key": {
              "type": "string",
              "value": "[listKeys(resourceId('Microsoft.Storage/storageAccounts', 'st'), '2024-01-01').keys[0].value]"
            }
          }
        }
      }
    }
  ],
  "outputs": {}
}
"""


def test_an_output_that_another_template_may_read_is_not_marked(tmp_path: Path) -> None:
    (tmp_path / "azuredeploy.json").write_text(NESTED, encoding="utf-8")
    report = judged(tmp_path, RULES)
    assert [(finding.code, finding.fixes) for finding in report.findings] == [("MI602", ())]


def test_a_link_to_a_file_is_kept_and_the_file_is_edited(tmp_path: Path) -> None:
    text = 'output "a" {\n  value = azurerm_redis_cache.a.primary_access_key\n}\n'
    (tmp_path / "shared").mkdir()
    shared = tmp_path / "shared" / "outputs.tf"
    shared.write_text(text, encoding="utf-8")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "outputs.tf").symlink_to("../shared/outputs.tf")
    (tmp_path / "app" / "main.tf").write_text(
        'resource "azurerm_redis_cache" "a" {\n  name = "a"\n}\n', encoding="utf-8"
    )
    report = judged(tmp_path, tuple(rule for rule in RULES if rule.meta.id == "MI602"))
    assert [finding.code for finding in report.findings if finding.fixes] == ["MI602"]
    fix(report, CodeWanted(paths=(tmp_path,), use_cache=False))
    assert (tmp_path / "app" / "outputs.tf").is_symlink()
    assert shared.read_text(encoding="utf-8") == text.replace(
        "access_key\n", "access_key\n  sensitive = true\n"
    )
