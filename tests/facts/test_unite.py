"""A tenant and code as one world."""

from __future__ import annotations

from typing import Any

from scanner.facts.schema import Kind, Level
from scanner.facts.store import FactsBuilder, FactStore
from scanner.facts.unite import is_only_in_code, unite, with_places

MAIN = "/subscriptions/11111111-1111-1111-1111-111111111111"
OTHER = "/subscriptions/22222222-2222-2222-2222-222222222222"
APP = "/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app"
OWNER = "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
OWNER_GUID = OWNER.rsplit("/", 1)[-1]
CUSTOM = f"{MAIN}/providers/Microsoft.Authorization/roleDefinitions/33333333-3333-3333-3333-333333333333"
PRINCIPAL = "44444444-4444-4444-4444-444444444444"
SITE = "/resourceGroups/rg/providers/Microsoft.Web/sites/site"


def identity(builder: FactsBuilder, subscription: str, principal_id: str) -> tuple[int, int]:
    key = builder.entity(Kind.IDENTITY, subscription + APP)
    builder.scope(subscription + APP)
    principal = builder.entity(Kind.PRINCIPAL, principal_id)
    builder.add("identities", identity=key, user_assigned=True, principal=principal)
    builder.add("principals", principal=principal, type="ServicePrincipal", managed=True)
    return key, principal


def assigned(builder: FactsBuilder, assignment: str, principal: int, role_id: str, scope_id: str) -> None:
    role = builder.entity(Kind.ROLE, role_id)
    builder.add(
        "assignments",
        assignment=builder.entity(Kind.ASSIGNMENT, assignment),
        principal=principal,
        role=role,
        scope=builder.scope(scope_id),
        level=int(Level.SUBSCRIPTION),
        eligible=False,
        workload=True,
    )


def role(builder: FactsBuilder, role_id: str, name: str, *, custom: bool, pattern: str = "") -> None:
    key = builder.entity(Kind.ROLE, role_id, name=name)
    guid = role_id.rsplit("/", 1)[-1]
    builder.add("roles", role=key, guid=guid if "-" in guid else "", custom=custom, readable=bool(pattern))
    if pattern:
        builder.add("permissions", role=key, entry=0, part="actions", pattern=pattern)


def finished(builder: FactsBuilder) -> FactStore:
    for table in ("identities", "assignments", "roles"):
        builder.covered(table)
    return builder.finish()


def rows(store: FactStore, table: str, *columns: str) -> set[tuple[Any, ...]]:
    """Return rows with ids in place of keys."""
    names = dict(store.frame("entities").select("entity", "id").collect().iter_rows())
    found = store.frame(table).select(columns).collect()
    keys = {"entity", "identity", "principal", "resource", "assignment", "role", "scope", "holder"}
    return {
        tuple(names[value] if column in keys else value for column, value in zip(columns, row, strict=True))
        for row in found.iter_rows()
    }


def tenant() -> FactsBuilder:
    builder = FactsBuilder()
    builder.scope(OTHER)
    identity(builder, MAIN, PRINCIPAL)
    principal = builder.entity(Kind.PRINCIPAL, PRINCIPAL)
    role(builder, OWNER, "Owner", custom=False, pattern="*")
    role(builder, CUSTOM, "Deployer", custom=True, pattern="Microsoft.Web/sites/*")
    assigned(builder, f"{MAIN}/providers/Microsoft.Authorization/roleAssignments/a1", principal, OWNER, MAIN)
    site = builder.entity(Kind.RESOURCE, MAIN + SITE)
    builder.add(
        "resources",
        resource=site,
        type="microsoft.web/sites",
        system_assigned=False,
        user_assigned=False,
        identity_capable=True,
    )
    builder.add("settings", resource=site, path="properties.httpsOnly", value="true", resolved=True)
    return builder


def test_an_identity_of_code_is_that_of_the_tenant_with_all_it_holds_there() -> None:
    code = FactsBuilder()
    key, principal = identity(code, MAIN.upper(), "(infra)/app")
    assigned(
        code, f"{OTHER}/providers/Microsoft.Authorization/roleAssignments/{{guid()}}", principal, OWNER, OTHER
    )
    role(code, OWNER, "Owner", custom=False, pattern="*")
    code.add("places", entity=key, uri="main.tf", line=1, column=1, end_line=1, end_column=9)
    both = unite(finished(tenant()), finished(code))
    assert rows(both, "identities", "identity", "principal") == {(MAIN + APP, PRINCIPAL)}
    assert rows(both, "grants", "holder", "role", "scope") == {
        (PRINCIPAL, OWNER, MAIN),
        (PRINCIPAL, OWNER, OTHER),
    }
    assert rows(both, "places", "entity", "uri") == {(MAIN + APP, "main.tf")}
    assert len(both.frame("permissions").collect()) == 2


def test_an_assignment_that_is_there_already_is_the_same_whatever_code_calls_it() -> None:
    code = FactsBuilder()
    _, principal = identity(code, MAIN, "(infra)/app")
    role(code, OWNER, "Owner", custom=False, pattern="*")
    assigned(
        code, f"{MAIN}/providers/Microsoft.Authorization/roleAssignments/{{guid()}}", principal, OWNER, MAIN
    )
    key = code.key_of(f"{MAIN}/providers/Microsoft.Authorization/roleAssignments/{{guid()}}")
    code.add("places", entity=key, uri="main.tf", line=7, column=1, end_line=7, end_column=9)
    both = unite(finished(tenant()), finished(code))
    there = f"{MAIN}/providers/Microsoft.Authorization/roleAssignments/a1"
    assert rows(both, "assignments", "assignment") == {(there,)}
    assert rows(both, "places", "entity", "line") == {(there, 7)}


def test_what_code_declares_counts_before_what_is_there() -> None:
    code = FactsBuilder()
    site = code.entity(Kind.RESOURCE, MAIN + SITE)
    code.add(
        "resources",
        resource=site,
        type="microsoft.web/sites",
        system_assigned=True,
        user_assigned=False,
        identity_capable=True,
    )
    code.add("settings", resource=site, path="properties.httpsOnly", value="false", resolved=True)
    role(code, CUSTOM, "Deployer", custom=True, pattern="*")
    both = unite(finished(tenant()), finished(code))
    assert rows(both, "settings", "resource", "value") == {(MAIN + SITE, "false")}
    assert rows(both, "resources", "resource", "system_assigned") == {(MAIN + SITE, True)}
    assert rows(both, "permissions", "role", "pattern") == {(OWNER, "*"), (CUSTOM, "*")}
    assert (CUSTOM, "full_control") in rows(both, "capabilities", "role", "power")


def test_a_role_that_code_only_names_is_that_of_the_tenant() -> None:
    code = FactsBuilder()
    _, principal = identity(code, OTHER, "(infra)/app")
    name = "(infra)/Deployer"
    assigned(code, f"{OTHER}/providers/Microsoft.Authorization/roleAssignments/x", principal, name, OTHER)
    code.add("roles", role=code.entity(Kind.ROLE, name), guid="", custom=True, readable=False)
    key = code.key_of(f"{OTHER}/providers/Microsoft.Authorization/roleAssignments/x")
    code.add("role_names", assignment=key, name="deployer", found=False)
    both = unite(finished(tenant()), finished(code))
    assert (OTHER, CUSTOM) in rows(both, "assignments", "scope", "role")
    assert rows(both, "role_names", "name", "found") == {("deployer", True)}


def test_gaps_of_both_stay() -> None:
    first, second = tenant(), FactsBuilder()
    first.gap("assignments", OTHER, "refused", "It was refused.")
    second.gap("places", "main.tf:3", "malformed", "It is broken.")
    both = unite(finished(first), finished(second))
    found = {(gap["scope_id"], gap["reason"]) for gap in both.gaps()}
    assert {(OTHER, "refused"), ("main.tf:3", "malformed")} <= found


def test_a_tenant_alone_is_only_told_where_code_declares_it() -> None:
    code = FactsBuilder()
    known, _ = identity(code, MAIN, "(infra)/app")
    new, _ = identity(code, OTHER, "(infra)/other")
    for key, line in ((known, 1), (new, 9)):
        code.add("places", entity=key, uri="main.tf", line=line, column=1, end_line=line, end_column=9)
    there = finished(tenant())
    placed = with_places(there, finished(code))
    assert rows(placed, "places", "entity", "line") == {(MAIN + APP, 1)}
    assert rows(placed, "identities", "identity") == rows(there, "identities", "identity")


def test_what_code_only_looks_up_is_not_declared_there() -> None:
    code = FactsBuilder()
    known, _ = identity(code, MAIN, "(infra)/app")
    code.add("places", entity=known, uri="main.tf", line=1, column=1, end_line=1, end_column=9)
    code.add(
        "declarations",
        entity=known,
        address="data.azurerm_user_assigned_identity.app",
        language="terraform",
        unit="infra",
        existing=True,
        conditional=False,
        referenced=True,
        exported=False,
    )
    assert rows(with_places(finished(tenant()), finished(code)), "places", "entity") == set()


def test_an_empty_code_leaves_a_tenant_as_it_is() -> None:
    there = finished(tenant())
    both = unite(there, FactsBuilder().finish())
    for table in ("identities", "assignments", "roles", "permissions", "settings", "grants", "capabilities"):
        assert both.frame(table).collect().equals(there.frame(table).collect()), table


def test_tables_that_only_code_fills() -> None:
    assert is_only_in_code("declarations")
    assert is_only_in_code("needless_key_reads")
    assert not is_only_in_code("credentials")
