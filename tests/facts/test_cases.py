"""The words of cases: each makes what it says, and what cannot be is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scanner.engine.casework import try_case
from scanner.engine.registry import Rule
from scanner.facts.cases import (
    CONDITION_ON_BLOBS,
    CONDITION_ON_FEDERATING,
    CONDITION_ON_GRANTING,
    CaseError,
    Element,
    World,
    administrator,
    assigned,
    attached,
    bad,
    credential_in_use,
    custom_role,
    denied,
    federated,
    good,
    identity,
    management_group,
    member,
    person,
    principal,
    refused,
    resource,
    setting,
    subscription,
    tagged,
    unknown,
)
from scanner.facts.schema import Level
from scanner.facts.store import FactStore
from scanner.rule import Meta, Severity, col

Build = Callable[..., FactStore]
Named = Callable[..., set[tuple[Any, ...]]]


def test_a_case_is_a_verdict_a_title_and_elements() -> None:
    one = identity("app")
    assert bad("t", one, finds=["app"], most=3).finds == ("app",)
    assert bad("t", one, most=3).parameters == {"most": 3}
    assert (bad("t", one).verdict, bad("t", one).finds) == ("fail", None)
    assert (good("t", one).verdict, good("t", one).finds) == ("pass", ())
    assert (unknown("t", one).verdict, unknown("t", one).elements) == ("unknown", (one,))


def test_an_empty_world_is_one_subscription_read_whole(world: Build, named: Named) -> None:
    store = world()
    assert named(store, "scopes", "scope", "level", "parent") == {
        ("tenant root", Level.TENANT, None),
        ("corp", Level.MANAGEMENT_GROUP, "tenant root"),
        ("main", Level.SUBSCRIPTION, "corp"),
    }
    assert store.gaps() == []


def test_the_order_of_elements_does_not_matter(world: Build, named: Named) -> None:
    elements = [
        assigned("own", "reader", at="resource_group:other/web"),
        member("app", of="team"),
        identity("own", of="vm"),
        identity("app", subscription="other"),
        custom_role("reader", actions=["*/read"]),
        principal("team", "Group"),
        resource("vm"),
        subscription("other", under="management_group:inner"),
        management_group("inner"),
    ]
    forth, back = world(*elements), world(*reversed(elements))
    for table, columns in (
        ("entities", ("id", "kind", "name")),
        ("grants", ("holder", "role", "scope")),
        ("scopes", ("scope", "parent")),
    ):
        assert named(forth, table, *columns) == named(back, table, *columns)


def test_identities_lie_where_they_are_said_to(world: Build, named: Named) -> None:
    store = world(
        subscription("other"), resource("vm"), identity("app", subscription="other"), identity("own", of="vm")
    )
    assert named(store, "identities", "identity", "user_assigned", "resource") == {
        ("app", True, None),
        ("own", False, "vm"),
    }
    placed = named(store, "entities", "entity", "subscription", "parent")
    assert {("app", "other", "app"), ("own", "main", "vm")} <= placed
    assert named(store, "attachments", "identity", "resource", "property") == {
        ("own", "vm", "identity.principalId")
    }


def test_an_attachment_makes_its_resource_and_may_dangle(world: Build, named: Named) -> None:
    store = world(
        attached("gone", to="vm"), identity("app"), attached("app", to="vm", property="properties.x")
    )
    assert named(store, "attachments", "identity", "resource", "property", "found") == {
        ("gone", "vm", "identity.userAssignedIdentities", False),
        ("app", "vm", "properties.x", True),
    }
    unread = world(attached("gone", to="vm"), refused("identities", at="subscription:main"))
    assert named(unread, "attachments", "identity", "found") == {("gone", None)}


def test_principals_exist_or_not(world: Build, named: Named) -> None:
    store = world(
        principal("gone", exists=False),
        principal("unasked", exists=None),
        principal("far", managed=True),
        person("somebody"),
        identity("app"),
    )
    assert named(store, "principals", "principal", "type", "exists", "managed") == {
        ("gone", "ServicePrincipal", False, False),
        ("unasked", "ServicePrincipal", None, False),
        ("far", "ServicePrincipal", True, True),
        ("somebody", "User", True, False),
        ("app", "ServicePrincipal", True, True),
    }


def test_a_federated_credential_has_its_name_and_identity(world: Build, named: Named) -> None:
    store = world(
        identity("app"),
        federated("app", issuer="https://i", expression="claims['sub'] eq 'x'", credential="c"),
    )
    assert named(
        store, "federated_credentials", "credential", "identity", "issuer", "subject", "expression"
    ) == {("c", "app", "https://i", None, "claims['sub'] eq 'x'")}


def test_a_custom_role_goes_before_a_built_in_one_of_its_name(world: Build, named: Named) -> None:
    store = world(
        identity("app"),
        custom_role("Owner", actions=["*/read"], second={"data_actions": ["a/b"]}),
        assigned("app", "Owner"),
        assigned("app", "Contributor"),
    )
    assert named(store, "roles", "role", "custom") == {("Owner", True), ("Contributor", False)}
    assert {
        row for row in named(store, "permissions", "role", "entry", "part", "pattern") if row[0] == "Owner"
    } == {
        ("Owner", 0, "actions", "*/read"),
        ("Owner", 1, "dataActions", "a/b"),
    }


def test_a_role_that_is_not_readable_is_a_gap(world: Build, named: Named) -> None:
    store = world(custom_role("odd", actions=["*"], readable=False))
    assert named(store, "roles", "role", "readable") == {("odd", False)}
    assert named(store, "permissions", "role", "pattern") == {("odd", "*")}
    assert [(gap["table"], gap["reason"]) for gap in store.gaps()] == [("roles", "malformed")]


def test_an_assignment_is_at_its_scope(world: Build, named: Named) -> None:
    store = world(
        subscription("other"),
        identity("app"),
        assigned("app", "Reader", at="resource_group:other/web", condition="c", eligible=True, as_="mine"),
        assigned("app", "Owner", at="identity:app"),
    )
    assert named(store, "assignments", "assignment", "scope", "level", "condition", "eligible") == {
        ("mine", "web", Level.RESOURCE_GROUP, "c", True),
        ("app Owner", "app", Level.RESOURCE, None, False),
    }


def test_a_denial_names_whom_it_hits_and_spares(world: Build, named: Named) -> None:
    store = world(
        identity("app"),
        person("admin"),
        denied(None, actions=["a/*"], data_actions=["b/*"], spares=["admin"], below=False),
    )
    assert named(store, "deny_assignments", "principal", "excluded", "part", "pattern", "below") == {
        (None, False, "actions", "a/*", False),
        (None, False, "dataActions", "b/*", False),
        ("admin", True, "actions", "a/*", False),
        ("admin", True, "dataActions", "b/*", False),
    }


def test_settings_credentials_and_administrators(world: Build, named: Named) -> None:
    store = world(
        resource("app", "Microsoft.Web/sites"),
        setting("app", "properties.httpsOnly", False),
        setting("app", "properties.absent", None),
        setting("app", "properties.later", None, resolved=False),
        credential_in_use("app", "storage-key", property="properties.key"),
        administrator("root@contoso.com"),
    )
    assert named(store, "settings", "resource", "path", "value", "resolved") == {
        ("app", "properties.httpsOnly", "false", True),
        ("app", "properties.absent", None, True),
        ("app", "properties.later", None, False),
    }
    assert named(store, "credentials", "credential", "resource", "type") == {
        ("properties.key", "app", "storage-key")
    }
    assert named(store, "classic_administrators", "administrator", "scope", "type") == {
        ("root@contoso.com", "main", "CoAdministrator")
    }


def test_tags_are_on_elements_and_on_scopes(world: Build, named: Named) -> None:
    store = world(
        identity("app"),
        resource("vm"),
        tagged("app", owner="shop", **{"cost center": "1001", "name": "x"}),
        tagged("vm", owner=""),
        tagged("subscription:main", env="prod"),
        tagged("resource_group:web", env="test"),
    )
    assert named(store, "tags", "entity", "tag", "value") == {
        ("app", "owner", "shop"),
        ("app", "cost center", "1001"),
        ("app", "name", "x"),
        ("vm", "owner", ""),
        ("main", "env", "prod"),
        ("web", "env", "test"),
    }
    assert store.gaps() == []
    unread = world(identity("app"), refused("tags", at="subscription:main"))
    assert [(gap["table"], gap["reason"]) for gap in unread.gaps()] == [("tags", "refused")]


def test_a_rule_about_tags_has_cases() -> None:
    rule = Rule(
        meta=Meta(
            id="MI190",
            name="identity-without-owner",
            severity=Severity.LOW,
            subject="user_assigned_identities",
            absent=("tags",),
            message="{name} has no owner",
            since="0.1",
        ),
        page="",
        path=Path(__file__),
        check=lambda facts: facts.user_assigned_identities.select("identity").join(
            facts.tags.filter(col("tag") == "owner"), left_on="identity", right_on="entity", how="anti"
        ),
        cases=(
            bad("no tag at all", identity("app")),
            bad("another one is tagged", identity("app"), resource("vm"), tagged("vm", owner="shop")),
            good("it says who", identity("app"), tagged("app", owner="shop")),
            unknown("tags were not read", identity("app"), refused("tags")),
        ),
    )
    assert [try_case(rule, case) for case in rule.cases] == [[], [], [], []]


@pytest.mark.parametrize(
    ("condition", "role", "restricted"),
    [
        (CONDITION_ON_GRANTING, "User Access Administrator", {"grant_access"}),
        (CONDITION_ON_FEDERATING, "Managed Identity Contributor", {"federate_identity"}),
        (CONDITION_ON_BLOBS, "Storage Blob Data Reader", {"data_access"}),
    ],
)
def test_the_sample_conditions_restrict_what_they_are_named_after(
    world: Build, named: Named, condition: str, role: str, restricted: set[str]
) -> None:
    store = world(identity("app"), assigned("app", role, condition=condition))
    powers = named(store, "access", "power", "conditioned")
    assert restricted <= {power for power, conditioned in powers if conditioned}
    assert not restricted & {power for power, conditioned in powers if not conditioned}


def test_what_is_refused_is_a_gap_in_the_tables_behind_it(world: Build) -> None:
    store = world(identity("app"), refused("denials", at="identity:app", reason="throttled"))
    gaps = {(gap["table"], gap["reason"], gap["scope_id"].rsplit("/", 1)[-1]) for gap in store.gaps()}
    assert gaps == {("deny_assignments", "throttled", "app"), ("memberships", "throttled", "app")}


def test_every_element_can_be_found_by_its_name() -> None:
    case = World([identity("app"), assigned("app", "Reader"), principal("ci"), resource("vm")])
    case.build()
    assert case.id_of("app").endswith("/userAssignedIdentities/app")
    assert "/roleAssignments/" in case.id_of("app Reader")
    assert case.id_of("subscription:main").startswith("/subscriptions/")
    assert case.id_of("tenant") == "/"


@pytest.mark.parametrize(
    ("elements", "complaint"),
    [
        ([assigned("nobody", "Reader")], "no identity or principal is called 'nobody'"),
        (
            [identity("app"), assigned("app", "No Such Role")],
            "no built-in role and no element is called 'No Such Role'",
        ),
        ([identity("app"), assigned("app", "Reader", at="resource:vm")], "no element is called 'vm'"),
        ([identity("own", of="vm")], "identity 'own': no resource is called 'vm'"),
        ([federated("app", issuer="i")], "federated credential 'ci': no identity is called 'app'"),
        ([setting("vm", "p", 1)], "no resource is called 'vm'"),
        (
            [identity("app"), setting("app", "p", 1), member("app", of="team")],
            "no identity or principal is called 'team'",
        ),
        ([credential_in_use("vm", "key")], "no resource is called 'vm'"),
        ([tagged("vm", owner="shop")], "no element is called 'vm'"),
    ],
)
def test_a_case_that_contradicts_itself_is_refused(elements: list[Element], complaint: str) -> None:
    with pytest.raises(CaseError, match=complaint):
        World(elements).build()
