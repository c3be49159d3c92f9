"""Which services a managed identity opens."""

from __future__ import annotations

import re

import pytest

from scanner.catalog.data_access import (
    OPENED_BY_IDENTITY,
    only_by_key_pattern,
    opened_by_identity,
    opened_pattern,
)

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


JOB = "microsoft.streamanalytics/streamingjobs"
TWINS = "microsoft.digitaltwins/digitaltwinsinstances/endpoints"
HUB, STORAGE = "microsoft.devices/iothubs", "microsoft.storage/storageaccounts"
SOURCE = "properties.datasource.properties"


@pytest.mark.parametrize(
    ("receiver", "service", "path", "only"),
    [
        (f"{JOB}/inputs", HUB, f"{SOURCE}.sharedaccesspolicykey", True),
        (JOB, HUB, f"properties.inputs[0].{SOURCE}.sharedaccesspolicykey", True),
        (f"{JOB}/outputs", STORAGE, f"{SOURCE}.accountkey", True),
        (f"{JOB}/outputs", STORAGE, f"{SOURCE}.storageaccounts[0].accountkey", False),
        (JOB, STORAGE, "properties.jobstorageaccount.accountkey", False),
        (f"{JOB}/inputs", "microsoft.eventhub/namespaces", f"{SOURCE}.sharedaccesspolicykey", False),
        (TWINS, "microsoft.eventgrid/topics", "properties.accesskey1", True),
        (TWINS, "microsoft.eventhub/namespaces", "properties.connectionstringprimarykey", False),
        ("microsoft.devices/provisioningservices", HUB, "properties.iothubs[0].connectionstring", True),
        ("microsoft.web/sites", "microsoft.eventgrid/topics", "topic_key", False),
    ],
)
def test_where_nothing_but_a_key_will_do(receiver: str, service: str, path: str, *, only: bool) -> None:
    assert bool(re.search(only_by_key_pattern(), f"{receiver}|{service}|{path}")) is only
