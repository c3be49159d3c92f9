"""A path to Owner that a change completes with the tenant it goes to, found before it is merged."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from scanner.engine.registry import load_rules
from scanner.facts.cases import (
    Element,
    World,
    assigned,
    attached,
    identity,
    member,
    person,
    principal,
    resource,
)
from scanner.facts.snapshot import Origin, write
from scanner.question import question
from tests.sources.repository.conftest import Work, work
from tests.test_check import check

__all__ = ["work"]

Tenant = Callable[..., tuple[Path, World]]
CODE = "MI401"
DEPLOYER = identity("deployer", group="deploy")
OWNER = assigned("deployer", "Owner")
MACHINE = (resource("vm", group="hosts"), identity("own", of="vm"), assigned("own", "Owner"))


@pytest.fixture
def tenant(tmp_path: Path) -> Tenant:
    """Write a snapshot of a tenant of a few elements."""

    def made(*elements: Element) -> tuple[Path, World]:
        world, asked = World(elements), question(load_rules())
        origin = Origin(
            source="azure",
            target="subscription main",
            tenant="99999999-9999-9999-9999-999999999999",
            cloud="public",
            read_at=datetime(2026, 1, 2, tzinfo=UTC),
            tables=tuple(sorted(asked.tables)),
            settings=tuple(sorted(asked.settings)),
        )
        write(world.build(), origin, tmp_path / "tenant")
        return tmp_path / "tenant", world

    return made


def terraform(world: World, group: str, role: str = "Contributor") -> str:
    subscription_id = world.id_of("subscription:main").rpartition("/")[2]
    return f"""\
provider "azurerm" {{
  features {{}}
  subscription_id = "{subscription_id}"
}}

data "azurerm_resource_group" "here" {{
  name = "{group}"
}}

resource "azurerm_user_assigned_identity" "new" {{
  name                = "id-new"
  resource_group_name = "app"
  location            = "westeurope"
}}

resource "azurerm_role_assignment" "new" {{
  scope                = data.azurerm_resource_group.here.id
  role_definition_name = "{role}"
  principal_id         = azurerm_user_assigned_identity.new.principal_id
}}
"""


def bicep(group: str) -> dict[str, str]:
    return {
        "main.bicep": f"""\
targetScope = 'subscription'
module app 'identity.bicep' = {{
  name: 'app'
  scope: resourceGroup('app')
}}
module access 'access.bicep' = {{
  name: 'access'
  scope: resourceGroup('{group}')
  params: {{ principalId: app.outputs.principalId }}
}}
""",
        "identity.bicep": """\
resource new 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-new'
  location: 'westeurope'
}
output principalId string = new.properties.principalId
""",
        "access.bicep": """\
param principalId string
var contributor = 'b24988ac-6180-42a0-ab88-20f7382dd24c'
resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributor)
  }
}
""",
    }


def paths(report: dict[str, Any]) -> list[tuple[str, int, str, str]]:
    """Return the place of each path, who takes it, and whom it leads to; of a tenant's finding its subject's name."""
    found = []
    for finding in report["findings"]:
        if finding["code"] == CODE:
            place, evidence = finding.get("location"), finding["evidence"]
            where = (place["uri"], place["line"]) if place else (finding["subject"]["name"], 0)
            found.append((*where, evidence["holder"]["name"], evidence["target_identity"]["name"]))
    return sorted(found)


def test_contributor_where_an_owner_lies_is_found_on_its_line(work: Work, tenant: Tenant) -> None:
    snapshot, world = tenant(DEPLOYER, OWNER)
    work.write({"main.tf": terraform(world, "deploy")})
    assert paths(check(work)[1]) == [], "alone it is harmless"
    code, report = check(work, work.root, "--against", snapshot)
    assert code == 1
    assert paths(report) == [("main.tf", 18, "id-new", "deployer")]
    work.write({"main.tf": terraform(world, "elsewhere")})
    assert paths(check(work, work.root, "--against", snapshot)[1]) == []


def test_so_it_is_in_bicep(work: Work, tenant: Tenant) -> None:
    snapshot, _ = tenant(DEPLOYER, OWNER, resource("other", group="app"))
    work.write(bicep("deploy"))
    assert paths(check(work)[1]) == []
    report = check(work, work.root, "--against", snapshot)[1]
    assert paths(report) == [("access.bicep", 8, "id-new", "deployer")]
    work.write(bicep("elsewhere"))
    assert paths(check(work, work.root, "--against", snapshot)[1]) == []


@pytest.mark.parametrize(
    ("role", "group", "found"),
    [
        ("Virtual Machine Contributor", "hosts", [("main.tf", 18, "id-new", "own")]),
        ("Contributor", "hosts", [("main.tf", 18, "id-new", "own")]),
        ("Website Contributor", "hosts", []),
        ("Virtual Machine Contributor", "elsewhere", []),
    ],
)
def test_a_machine_that_is_an_owner(
    role: str, group: str, found: list[tuple[str, int, str, str]], work: Work, tenant: Tenant
) -> None:
    snapshot, world = tenant(*MACHINE)
    work.write({"main.tf": terraform(world, group, role)})
    assert paths(check(work, work.root, "--against", snapshot)[1]) == found


def test_the_other_half_of_the_path_may_be_the_tenants(work: Work, tenant: Tenant) -> None:
    """The change makes an owner; who could become it all along is told of, and the owner stands on its line."""
    ci = (principal("ci"), assigned("ci", "Contributor", at="resource_group:deploy"))
    snapshot, world = tenant(DEPLOYER, *ci)
    subscription_id = world.id_of("subscription:main").rpartition("/")[2]
    code = f"""\
provider "azurerm" {{
  features {{}}
  subscription_id = "{subscription_id}"
}}

data "azurerm_subscription" "here" {{}}

data "azurerm_user_assigned_identity" "deployer" {{
  name                = "deployer"
  resource_group_name = "deploy"
}}

resource "azurerm_role_assignment" "deployer" {{
  scope                = data.azurerm_subscription.here.id
  role_definition_name = "Owner"
  principal_id         = data.azurerm_user_assigned_identity.deployer.principal_id
}}
"""
    work.write({"main.tf": code})
    report = check(work, work.root, "--against", snapshot)[1]
    assert paths(report) == [("ci Contributor", 0, "ci", "deployer")]
    assert [f["location"]["line"] for f in report["findings"] if f["code"] == "MI201"] == [15]


NEW_IDENTITY = """
resource "azurerm_user_assigned_identity" "new" {
  name                = "id-new"
  resource_group_name = "app"
  location            = "westeurope"
}
"""


def of_tenant(report: dict[str, Any]) -> tuple[str, set[tuple[str, int]]]:
    """Return whose assignment the one finding of the tenant is, and what of it the change declares on which line."""
    (finding,) = (finding for finding in report["findings"] if finding["code"] == CODE)
    assert finding.get("location") is None
    declared = {(place["message"], place["location"]["line"]) for place in finding["related"]}
    return finding["subject"]["name"], declared


def provider(world: World) -> str:
    subscription_id = world.id_of("subscription:main").rpartition("/")[2]
    return f'provider "azurerm" {{\n  features {{}}\n  subscription_id = "{subscription_id}"\n}}\n'


def test_a_change_that_attaches_the_owner_to_a_new_host(work: Work, tenant: Tenant) -> None:
    ops = (principal("ops"), assigned("ops", "Website Contributor", at="resource_group:app"))
    snapshot, world = tenant(DEPLOYER, OWNER, *ops)
    code = """
data "azurerm_user_assigned_identity" "deployer" {
  name                = "deployer"
  resource_group_name = "deploy"
}

resource "azurerm_linux_web_app" "web" {
  name                = "web"
  resource_group_name = "app"
  location            = "westeurope"
  service_plan_id     = "plan"
  site_config {}
  identity {
    type         = "UserAssigned"
    identity_ids = [data.azurerm_user_assigned_identity.deployer.id]
  }
}
"""
    work.write({"main.tf": provider(world) + code})
    report = check(work, work.root, "--against", snapshot)[1]
    assert of_tenant(report) == (
        "ops Website Contributor",
        {("host resource web", 11), ("target identity deployer", 6)},
    )
    check(work, work.root, "--against", snapshot, "--output", f"sarif={work.root.parent / 'out.sarif'}")
    log = json.loads((work.root.parent / "out.sarif").read_bytes())
    (result,) = (one for one in log["runs"][0]["results"] if one["ruleId"] == CODE)
    (shown,) = result["locations"]
    assert shown["physicalLocation"]["artifactLocation"]["uri"] == "main.tf", "where a reviewer sees it"
    assert shown["physicalLocation"]["region"]["startLine"] == 11
    assert shown["logicalLocations"][0]["name"] == "ops Website Contributor"
    work.write({"main.tf": provider(world) + code.replace('"app"', '"elsewhere"')})
    assert paths(check(work, work.root, "--against", snapshot)[1]) == []


@pytest.mark.parametrize(
    ("tenants", "expected"),
    [
        (
            (DEPLOYER, OWNER, assigned("team", "Contributor", at="resource_group:deploy")),
            ("team Contributor", {("holder id-new", 6)}),
        ),
        (
            (
                assigned("team", "Owner"),
                principal("ops"),
                assigned("ops", "Contributor", at="resource_group:app"),
            ),
            ("ops Contributor", {("target identity id-new", 6)}),
        ),
    ],
    ids=["of those who can take an owner", "of owners"],
)
def test_a_change_that_puts_an_identity_into_a_group(
    tenants: tuple[Element, ...], expected: tuple[str, set[tuple[str, int]]], work: Work, tenant: Tenant
) -> None:
    team = (principal("team", "Group"), person("somebody"), member("somebody", of="team"))
    snapshot, world = tenant(*team, *tenants)
    joins = f"""
resource "azuread_group_member" "new" {{
  group_object_id  = "{world.id_of("team")}"
  member_object_id = azurerm_user_assigned_identity.new.principal_id
}}
"""
    work.write({"main.tf": provider(world) + NEW_IDENTITY})
    assert paths(check(work, work.root, "--against", snapshot)[1]) == []
    work.write({"main.tf": provider(world) + NEW_IDENTITY + joins})
    assert of_tenant(check(work, work.root, "--against", snapshot)[1]) == expected


def test_a_change_that_makes_an_owner_where_somebody_else_writes(work: Work, tenant: Tenant) -> None:
    ops = (principal("ops"), assigned("ops", "Contributor", at="resource_group:app"))
    snapshot, world = tenant(*ops)
    owner = """
resource "azurerm_role_assignment" "owner" {
  scope                = "/providers/Microsoft.Management/managementGroups/corp"
  role_definition_name = "User Access Administrator"
  principal_id         = azurerm_user_assigned_identity.new.principal_id
}
"""
    work.write({"main.tf": provider(world) + NEW_IDENTITY + owner})
    report = check(work, work.root, "--against", snapshot)[1]
    assert of_tenant(report) == ("ops Contributor", {("target identity id-new", 6)})


def test_a_role_of_the_change_that_federates_an_owner_of_the_tenant(work: Work, tenant: Tenant) -> None:
    snapshot, world = tenant(DEPLOYER, OWNER)
    code = """
data "azurerm_user_assigned_identity" "deployer" {
  name                = "deployer"
  resource_group_name = "deploy"
}

resource "azurerm_role_definition" "federator" {
  name  = "federator"
  scope = data.azurerm_user_assigned_identity.deployer.id
  permissions {
    actions = ["Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/*"]
  }
}

resource "azurerm_role_assignment" "federator" {
  scope              = data.azurerm_user_assigned_identity.deployer.id
  role_definition_id = azurerm_role_definition.federator.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.new.principal_id
}
"""
    work.write({"main.tf": provider(world) + NEW_IDENTITY + code})
    report = check(work, work.root, "--against", snapshot)[1]
    assert paths(report) == [("main.tf", 27, "id-new", "deployer")]
    work.write(
        {"main.tf": provider(world) + NEW_IDENTITY + code.replace("Credentials/*", "Credentials/read")}
    )
    assert paths(check(work, work.root, "--against", snapshot)[1]) == []


def test_a_step_of_a_longer_path_is_found_where_it_is_made(work: Work, tenant: Tenant) -> None:
    middle = (
        identity("middle", group="middle"),
        assigned("middle", "Contributor", at="resource_group:deploy"),
    )
    snapshot, world = tenant(DEPLOYER, OWNER, *middle)
    work.write({"main.tf": terraform(world, "middle")})
    report = check(work, work.root, "--against", snapshot)[1]
    assert paths(report) == [("main.tf", 18, "id-new", "middle")]
    (finding,) = (finding for finding in report["findings"] if finding["code"] == CODE)
    assert finding["evidence"]["owner_identity"]["name"] == "deployer"
    assert finding["evidence"]["steps"] == 2
    assert (
        "id-new can become middle, which leads on to one that has full control of main" in finding["message"]
    )


def test_only_what_the_change_brings_is_told(work: Work, tenant: Tenant) -> None:
    snapshot, world = tenant(DEPLOYER, OWNER, *MACHINE, attached("deployer", to="vm"))
    work.init().write({"main.tf": terraform(world, "deploy")})
    work.commit()
    since = ("--against", snapshot, "--since", "HEAD")
    assert paths(check(work, work.root, *since)[1]) == []
    more = terraform(world, "hosts", "Virtual Machine Contributor").partition("\nresource ")[2]
    named = (
        f"resource{more}".replace('"new"', '"more"').replace("id-new", "id-more").replace(".new.", ".more.")
    )
    hosts = 'data "azurerm_resource_group" "hosts" {\n  name = "hosts"\n}\n'
    work.write(
        {"more.tf": hosts + named.replace("azurerm_resource_group.here", "azurerm_resource_group.hosts")}
    )
    found = paths(check(work, work.root, *since)[1])
    assert [(uri, line, holder) for uri, line, holder, _ in found] == [("more.tf", 12, "id-more")]


def test_a_template_goes_to_the_group_that_is_told(
    work: Work, tenant: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file for a resource group says nowhere which one: nothing in it need be there already."""
    snapshot, world = tenant(DEPLOYER, OWNER)
    files = bicep("deploy")
    role = (
        files["access.bicep"]
        .replace("param principalId string\n", "")
        .replace("principalId: principalId\n", "principalId: new.properties.principalId\n")
    )
    new = files["identity.bicep"].replace("output principalId string = new.properties.principalId\n", "")
    work.write(
        {
            "apps/main.bicep": new
            + role.replace("resourceGroup().id, principalId", "resourceGroup().id, new.id")
        }
    )
    against = (work.root, "--against", snapshot)
    assert paths(check(work, *against)[1]) == []
    group = world.id_of("resource_group:deploy")
    expected = [("apps/main.bicep", 11, "id-new", "deployer")]
    for told in (group, f"apps={group}", f"apps/main.bicep={group}/"):
        assert paths(check(work, *against, "--deployed-to", told)[1]) == expected, told
    both = (
        "--deployed-to",
        f"apps={world.id_of('subscription:main')}",
        "--deployed-to",
        f"apps/main.bicep={group}",
    )
    assert paths(check(work, *against, *both)[1]) == expected
    for told in (f"other={group}", f"{group}-new"):
        assert paths(check(work, *against, "--deployed-to", told)[1]) == [], told


def test_where_code_goes_is_told_with_a_tenant_and_by_an_id(work: Work, tenant: Tenant) -> None:
    snapshot, world = tenant(DEPLOYER, OWNER)
    work.write(bicep("deploy"))
    group = world.id_of("resource_group:deploy")
    with pytest.raises(click.UsageError, match="--deployed-to goes with --against"):
        check(work, work.root, "--deployed-to", group)
    for wrong in ("deploy", "apps=/subscriptions/one", f"{group}/providers/Microsoft.Web/sites/site"):
        with pytest.raises(
            click.UsageError, match="give the Azure id of a subscription or of a resource group"
        ):
            check(work, work.root, "--against", snapshot, "--deployed-to", wrong)
