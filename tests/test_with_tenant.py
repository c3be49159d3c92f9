"""Code together with Contoso, the emulated tenant: what only both together show, and where code declares the tenant."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.emulator import Emulator, load_tenant
from tests.sources.repository.conftest import Work, work

__all__ = ["work"]

AZURE = ("--tenant", "--auth", "managed-identity")


@pytest.fixture(scope="module")
def azure() -> Iterator[Emulator]:
    with Emulator(load_tenant("contoso")) as emulator:
        yield emulator
    assert emulator.writes == []


@pytest.fixture(scope="module")
def snapshot(azure: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contoso")
    done = midas(azure, folder, "collect", *AZURE, "--out", "snapshot")
    assert done.returncode == 0, done.stderr
    return folder / "snapshot"


def midas(azure: Emulator, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scanner", *arguments],
        cwd=cwd,
        env=os.environ | azure.environment() | {"XDG_CACHE_HOME": str(cwd.parent / "cache")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def judged(azure: Emulator, work: Work, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = midas(azure, work.root, *arguments, "--quiet", "--output", "json=../report.json")
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads((work.root.parent / "report.json").read_bytes())
    return done.returncode, report


def places(report: dict[str, Any]) -> set[tuple[str, str, int]]:
    return {
        (finding["code"], finding["location"]["uri"], finding["location"]["line"])
        for finding in report["findings"]
        if finding.get("location")
    }


# ---- a change, judged with the tenant

WEB = """\
data "azurerm_subscription" "current" {}
data "azurerm_user_assigned_identity" "web" {
  name                = "id-shop-web"
  resource_group_name = "rg-shop-web"
}
"""
EDITOR = """\
resource "azurerm_role_assignment" "editor" {
  scope                = data.azurerm_subscription.current.id
  role_definition_name = "Contoso Editor"
  principal_id         = data.azurerm_user_assigned_identity.web.principal_id
}
"""
ACCOUNT = """\
data "azurerm_storage_account" "shop" {
  name                = "stcontososhop"
  resource_group_name = "rg-shop-data"
}
resource "azurerm_role_assignment" "again" {
  scope                = data.azurerm_storage_account.shop.id
  role_definition_name = "Storage Queue Data Reader"
  principal_id         = data.azurerm_user_assigned_identity.web.principal_id
}
resource "azurerm_role_assignment" "queues" {
  scope                = "${data.azurerm_subscription.current.id}/resourceGroups/rg-shop-data"
  role_definition_name = "Storage Blob Data Reader"
  principal_id         = data.azurerm_user_assigned_identity.web.principal_id
}
"""
RUNNER = """\
provider "azurerm" {
  features {}
}
provider "azurerm" {
  alias           = "data"
  subscription_id = var.data_subscription
  features {}
}
variable "data_subscription" {}
resource "azurerm_container_group" "runner" {
  provider            = azurerm.data
  name                = "ci-report"
  resource_group_name = "rg-data-report"
  location            = "westeurope"
  os_type             = "Linux"
  container {
    name   = "report"
    image  = "report"
    cpu    = 1
    memory = 1
  }
  identity {
    type         = "UserAssigned"
    identity_ids = [data.azurerm_user_assigned_identity.web.id]
  }
}
"""


def test_a_role_that_only_the_tenant_knows_makes_an_owner(azure: Emulator, work: Work) -> None:
    work.init().write({"shop/main.tf": WEB})
    work.commit()
    work.write({"shop/editor.tf": EDITOR})
    assert places(judged(azure, work, "check")[1]) == {("MI212", "shop/editor.tf", 3)}
    code, report = judged(azure, work, "check", "--against", "azure", *AZURE, "--since", "HEAD")
    assert (code, places(report)) == (1, {("MI201", "shop/editor.tf", 3)})
    messages = {finding["code"]: finding["message"] for finding in report["findings"] if finding["location"]}
    assert messages == {
        "MI201": "id-shop-web has full control of Contoso Shop Production (Contoso Editor at subscription scope)"
    }
    # Whoever can already become that identity controls the subscription from now on; the rule is named by no test
    # of the change alone, which knows nobody else.
    becoming = [finding for finding in report["findings"] if finding["code"] == "MI401"]
    assert {finding["evidence"]["holder"]["name"] for finding in becoming} >= {
        "id-shop-orders",
        "id-github-shop",
    }
    told = {(place["message"], place["location"]["line"]) for place in becoming[0]["related"]}
    assert ("target identity id-shop-web", 2) in told
    assert report["run"]["tenant"] == azure.tenant.tenant_id


def test_a_second_subscription_makes_an_identity_shared(azure: Emulator, work: Work, snapshot: Path) -> None:
    work.write({"main.tf": WEB + RUNNER})
    assert places(judged(azure, work, "check")[1]) == set()
    code, report = judged(azure, work, "check", "--against", str(snapshot))
    assert (code, places(report)) == (1, {("MI106", "main.tf", 2)})


def test_a_way_to_the_owner_that_is_there_is_completed(azure: Emulator, work: Work, snapshot: Path) -> None:
    (platform,) = azure.tenant.subscription_ids(["platform"])
    group = f"/subscriptions/{platform.rpartition('/')[2]}/resourceGroups/rg-pipelines"
    desk = EDITOR.replace("data.azurerm_subscription.current.id", f'"{group}"').replace(
        "Contoso Editor", "Managed Identity Contributor"
    )
    work.write({"main.tf": WEB + desk})
    assert places(judged(azure, work, "check")[1]) == set()
    code, report = judged(azure, work, "check", "--against", str(snapshot), "--select", "MI401")
    becoming = {finding["message"].partition(",")[0] for finding in report["findings"]}
    assert code == 1
    # Those who can become the web shop's identity follow it.
    assert becoming >= {"id-shop-web can become id-github-platform", "id-shop-orders can become id-shop-web"}
    assert places(report) == {("MI401", "main.tf", 8)}


def test_what_the_tenant_has_already_is_not_the_changes(azure: Emulator, work: Work, snapshot: Path) -> None:
    work.write({"main.tf": WEB + ACCOUNT})
    code, report = judged(azure, work, "check", "--against", str(snapshot))
    assert (code, places(report)) == (0, set())


# ---- the tenant, pointed at code

IDENTITIES = """\
variable "environment" {}
resource "azurerm_user_assigned_identity" "promo" {
  name                = "id-promo-2023"
  resource_group_name = "rg-shop-web"
  location            = "westeurope"
}
module "old" {
  source = "./identities"
  names  = ["id-import-old", "id-new"]
}
resource "azurerm_user_assigned_identity" "elsewhere" {
  name                = "id-shop-shared"
  resource_group_name = "rg-shop-data"
  location            = "westeurope"
}
resource "azurerm_user_assigned_identity" "unknown" {
  name                = "id-backup${var.environment}"
  resource_group_name = "rg-shop-legacy"
  location            = "westeurope"
}
"""
MODULE = """\
variable "names" { type = list(string) }
resource "azurerm_user_assigned_identity" "all" {
  for_each            = toset(var.names)
  name                = each.key
  resource_group_name = "rg-shop-data"
  location            = "westeurope"
}
"""
TEMPLATE = """\
param name string
resource id 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: 'westeurope'
}
resource trust 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {
  parent: id
  name: 'pull-requests'
  properties: {
    issuer: 'https://token.actions.githubusercontent.com'
    subject: 'repo:contoso/shop:pull_request'
    audiences: ['api://AzureADTokenExchange']
  }
}
"""


def test_a_finding_of_the_tenant_points_at_its_declaration_and_at_no_other(
    azure: Emulator, work: Work, snapshot: Path
) -> None:
    work.write({"main.tf": IDENTITIES, "identities/main.tf": MODULE})
    _, report = judged(azure, work, "scan", "--from", str(snapshot), "--code", ".")
    assert places(report) == {("MI101", "main.tf", 2), ("MI102", "identities/main.tf", 2)}
    [old] = [finding for finding in report["findings"] if finding["code"] == "MI102"]
    assert [(place["message"], place["location"]["line"]) for place in old["related"]] == [("called here", 7)]


def test_code_and_tenant_share_a_baseline(azure: Emulator, work: Work, snapshot: Path) -> None:
    work.write({"main.tf": WEB + EDITOR.replace("Contoso Editor", "Owner")})
    tenant = ("--from", str(snapshot), "--select", "MI101,MI102")
    drawn = midas(azure, work.root, "baseline", *tenant)
    assert (
        drawn.stderr
        == "midas-baseline.json: 2 findings written down; --baseline midas-baseline.json accepts them\n"
    )
    both = midas(azure, work.root, "baseline", "main.tf")
    assert both.stderr.startswith(
        "midas-baseline.json: 1 finding written down and 2 kept that could not be looked for;"
    )
    for command in (("scan", *tenant), ("check", "main.tf")):
        done = midas(azure, work.root, *command, "--baseline", "midas-baseline.json")
        assert done.returncode == 0, done.stdout
        assert "gone" not in done.stdout

    path = work.root / "midas-baseline.json"
    document = json.loads(path.read_bytes())
    of_tenant = next(entry for entry in document["findings"] if not entry["place"])
    document["findings"].append({**of_tenant, "fingerprint": "0" * 32, "subject": "/old"})
    path.write_text(json.dumps(document))
    said = midas(azure, work.root, "scan", *tenant, "--baseline", "midas-baseline.json").stdout
    assert f"1 finding is gone: {of_tenant['code']} /old;" in said


def test_of_a_comment_in_code_a_scan_of_the_tenant_does_not_say_that_it_is_of_no_use(
    azure: Emulator, work: Work, snapshot: Path
) -> None:
    comment = "# midas: ignore[MI101, MI201] a spare\n"
    work.write(
        {"main.tf": IDENTITIES.replace("resource", f"{comment}resource", 1) + f"{comment}locals {{}}\n"}
    )
    scan = ("scan", "--from", str(snapshot), "--code", ".", "--select", "MI101")
    said = midas(azure, work.root, *scan).stdout
    assert "1 accepted" in said
    assert "matches no finding" not in said


def test_a_template_belongs_to_the_group_that_has_its_names(
    azure: Emulator, work: Work, snapshot: Path
) -> None:
    parameters = "using 'main.bicep'\nparam name = '{}'\n"
    work.write(
        {
            "main.bicep": TEMPLATE,
            "shop.bicepparam": parameters.format("id-github-shop"),
            "data.bicepparam": parameters.format("id-shop-shared"),
        }
    )
    _, report = judged(azure, work, "scan", "--from", str(snapshot), "--code", ".", "--select", "MI302")
    assert places(report) == {("MI302", "main.bicep", 11)}
    assert [
        finding["evidence"]["identity"]["name"] for finding in report["findings"] if finding["location"]
    ] == ["id-github-shop"]
    said = midas(azure, work.root, "scan", "--from", str(snapshot), "--code", ".", "--select", "MI302")
    assert "nothing says where in the tenant data.bicepparam is deployed to" in said.stdout
    assert "shop.bicepparam" not in said.stdout


def test_a_state_of_something_else_is_told(azure: Emulator, work: Work, snapshot: Path) -> None:
    other = {
        "type": "azurerm_resource_group",
        "name": "other",
        "instances": [
            {"attributes": {"id": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/x"}}
        ],
    }
    work.write(
        {
            "infra/main.tf": WEB,
            "infra/terraform.tfstate": json.dumps({"version": 4, "resources": [other]}),
        }
    )
    said = midas(
        azure, work.root, "check", "--against", str(snapshot), "--state", "infra/terraform.tfstate"
    ).stdout
    assert "the state given for infra holds nothing that is declared there (1 id): is it the state of" in said
