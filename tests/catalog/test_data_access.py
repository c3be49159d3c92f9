"""Which services a managed identity opens."""

from __future__ import annotations

import re

import pytest

from scanner.catalog.data_access import OPENED_BY_IDENTITY, opened_by_identity, opened_pattern

OPENED = [
    "Microsoft.Storage/storageAccounts",
    "microsoft.servicebus/namespaces/queues/authorizationrules",
    "microsoft.cache/redisenterprise/databases",
    "microsoft.documentdb/databaseaccounts",
]
CLOSED = [
    "",
    "microsoft.notificationhubs/namespaces",
    "microsoft.insights/components",
    "microsoft.web/sites",
    "microsoft.storage/storageaccountsold",
    "microsoft-storage/storageaccounts",
]


@pytest.mark.parametrize("service", OPENED)
def test_a_service_that_an_identity_opens(service: str) -> None:
    assert opened_by_identity(service)
    assert re.search(opened_pattern(), service.lower())


@pytest.mark.parametrize("service", CLOSED)
def test_a_service_that_only_its_key_opens(service: str) -> None:
    assert not opened_by_identity(service)
    assert not re.search(opened_pattern(), service.lower())


def test_the_types_are_written_as_they_are_compared() -> None:
    assert list(OPENED_BY_IDENTITY) == sorted({service.lower() for service in OPENED_BY_IDENTITY})
