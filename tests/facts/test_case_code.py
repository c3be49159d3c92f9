"""The words of cases for what only code says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scanner.facts.cases import (
    CaseError,
    assigned,
    attached,
    declared,
    federated,
    identity,
    in_output,
    key_read,
    resource,
    role_named,
    secret_in_code,
    subscription,
)
from scanner.facts.schema import Level
from scanner.facts.store import FactStore

Build = Callable[..., FactStore]
Named = Callable[..., set[tuple[Any, ...]]]


def test_what_is_declared(world: Build, named: Named) -> None:
    store = world(
        identity("app"),
        declared("app", referenced=False, exported=True),
        identity("far"),
        declared("far", existing=True, conditional=True, whole=False),
    )
    columns = ("entity", "existing", "conditional", "referenced", "exported", "whole")
    assert named(store, "declarations", *columns) == {
        ("app", False, False, False, True, True),
        ("far", True, True, True, False, False),
    }


def test_a_key_is_handed_from_a_service_to_a_host(world: Build, named: Named) -> None:
    store = world(
        resource("shop", "Microsoft.Web/sites"),
        resource("data", "Microsoft.Storage/storageAccounts"),
        key_read("STORAGE", to="shop", of="data"),
        in_output("redisKey", service="Microsoft.Cache/redis", operation="primary_access_key"),
    )
    columns = ("credential", "read_resource", "service", "operation", "resource", "sink", "property")
    assert named(store, "key_reads", *columns) == {
        (
            "STORAGE",
            "data",
            "microsoft.storage/storageaccounts",
            "listKeys",
            "shop",
            "app_setting",
            "STORAGE",
        ),
        ("redisKey", None, "microsoft.cache/redis", "primary_access_key", None, "output", "redisKey"),
    }


def test_two_hosts_may_have_settings_of_one_name(world: Build, named: Named) -> None:
    store = world(
        resource("one", "Microsoft.Web/sites"),
        resource("two", "Microsoft.Web/sites"),
        key_read("STORAGE", to="one"),
        key_read("STORAGE", to="two"),
    )
    assert named(store, "key_reads", "resource") == {("one",), ("two",)}


def test_a_secret_outside_any_resource(world: Build, named: Named) -> None:
    store = world(secret_in_code("client_secret", "provider-client-secret"))
    assert named(store, "credentials", "credential", "resource", "type", "property") == {
        ("client_secret", None, "provider-client-secret", "client_secret")
    }


def test_a_role_is_given_by_its_name(world: Build, named: Named) -> None:
    store = world(
        identity("app"), assigned("app", "Reader", as_="given"), role_named("given", "Redaer", found=False)
    )
    assert named(store, "role_names", "assignment", "name", "found") == {("given", "Redaer", False)}


def test_needless_key_reads_are_those_of_services_that_an_identity_opens(world: Build, named: Named) -> None:
    store = world(
        in_output("storage"),
        in_output("hub", service="Microsoft.NotificationHubs/namespaces"),
        in_output("anything", service=""),
    )
    assert named(store, "needless_key_reads", "credential") == {("storage",)}


def test_a_subscription_that_code_does_not_give(world: Build, named: Named) -> None:
    store = world(
        subscription("unit", known=False),
        subscription("given"),
        identity("app", subscription="unit"),
        attached("app", to="vm", subscription="given"),
    )
    assert named(store, "subscriptions_not_given", "scope", "level") == {("unit", Level.SUBSCRIPTION)}


def test_a_federated_credential_is_unresolved_only_in_code(world: Build, named: Named) -> None:
    store = world(
        identity("app"),
        federated("app", issuer="https://gitlab.com", subject="{var.subject}", credential="open"),
        federated("app", issuer="https://gitlab.com", subject="{braces}", credential="deployed"),
        federated(
            "app", issuer="https://gitlab.com", subject="project_path:contoso/shop", credential="plain"
        ),
        declared("open"),
        declared("plain"),
    )
    assert named(store, "unresolved_federated_credentials", "credential") == {("open",)}


@pytest.mark.parametrize(
    "element",
    [declared("nobody"), key_read("STORAGE", to="nobody"), role_named("nothing", "Reader", found=True)],
)
def test_a_word_that_names_nothing_is_refused(world: Build, element: Any) -> None:
    with pytest.raises(CaseError, match="is called"):
        world(element)
