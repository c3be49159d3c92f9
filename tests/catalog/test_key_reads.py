import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanner.catalog.compile import main
from scanner.catalog.key_reads import KeyServiceFile, key_service_of, key_services, reads_key

SOURCE = {"repository": "github.com/contoso/facts", "commit": "0123456789abcdef", "date": "2026-01-02"}
ROW = {"type": "Microsoft.ServiceBus/namespaces"}
OPERATIONS = [
    "Microsoft.ServiceBus/namespaces/queues/authorizationRules/listkeys/action",
    "Microsoft.ServiceBus/namespaces/queues/authorizationRules/regenerateKeys/action",
    "Microsoft.Relay/namespaces/authorizationRules/listKeys/action",
    "Microsoft.Logic/workflows/accessKeys/read",
]


def compiled(folder: Path, document: object) -> int:
    path = folder / "input.json"
    path.write_text(json.dumps(document))
    return main(["--keys", str(path), "--out", str(folder / "out")])


def collected(**more: Any) -> dict[str, Any]:
    return {"sources": [SOURCE, {"repository": "x"}], "rows": [ROW], "keyOperations": OPERATIONS, **more}


def test_the_file_is_made_of_operations_that_read_a_key(tmp_path: Path) -> None:
    assert compiled(tmp_path, collected()) == 0
    made = msgspec.json.decode((tmp_path / "out" / "key_reads.json").read_bytes(), type=KeyServiceFile)
    assert (made.date, made.sources) == (
        "2026-01-02",
        ("github.com/contoso/facts, 0123456789ab, 2026-01-02",),
    )
    assert [(service.type, service.owners) for service in made.services] == [
        ("microsoft.relay/namespaces", {"microsoft.relay/namespaces/authorizationrules": "listKeys"}),
        (
            "microsoft.servicebus/namespaces",
            {"microsoft.servicebus/namespaces/queues/authorizationrules": "listkeys"},
        ),
    ]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "expected an object with lists"),
        (collected(rows=[{}]), "element 0 of rows has no type"),
        (collected(keyOperations=["x"]), "element 0 of keyOperations is no operation"),
        (collected(keyOperations=[]), "expected an object with lists"),
        (collected(sources=None), "names no source"),
    ],
)
def test_wrong_input_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], document: object, says: str
) -> None:
    assert compiled(tmp_path, document) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("part", "service"),
    [
        ("Microsoft.Storage/storageAccounts", "microsoft.storage/storageaccounts"),
        ("Microsoft.ServiceBus/namespaces/topics/authorizationRules", "microsoft.servicebus/namespaces"),
        ("Microsoft.EventHub/namespaces/eventhubs/authorizationRules", "microsoft.eventhub/namespaces"),
        ("Microsoft.Devices/IotHubs/iotHubKeys", "microsoft.devices/iothubs"),
        ("Microsoft.Cache/redisEnterprise/databases", "microsoft.cache/redisenterprise/databases"),
        ("Microsoft.Search/searchServices/queryKeys", "microsoft.search/searchservices"),
        ("Microsoft.Example/things/parts", "microsoft.example/things/parts"),
    ],
)
def test_the_key_of_a_part_is_that_of_its_service(part: str, service: str) -> None:
    assert key_service_of(part) == service


@pytest.mark.parametrize(
    ("kind", "operation", "expected"),
    [
        ("Microsoft.Storage/storageAccounts", "listKeys", True),
        ("microsoft.storage/storageaccounts", "LISTACCOUNTSAS", True),
        ("microsoft.signalrservice/signalr", "listkeys", True),
        ("microsoft.web/sites/config", "list", False),
        ("microsoft.example/things", "listOutputs", False),
        ("microsoft.example/things", "listKeys", True),
        ("", "listSecrets", True),
        ("", "listServiceSas", True),
        ("", "listCallbackUrl", True),
        ("", "listSasDefinitions", False),
        ("", "primary_access_key", True),
        ("", "kube_admin_config_raw", True),
        ("", "", False),
    ],
)
def test_which_operations_read_a_key(kind: str, operation: str, expected: bool) -> None:
    assert reads_key(kind, operation) is expected


def test_the_shipped_file_knows_the_services_with_keys() -> None:
    for service in (
        "microsoft.storage/storageaccounts",
        "microsoft.documentdb/databaseaccounts",
        "microsoft.cognitiveservices/accounts",
        "microsoft.containerregistry/registries",
        "microsoft.operationalinsights/workspaces",
    ):
        assert service in key_services()
    assert all(owner.startswith(name) for name, one in key_services().items() for owner in one.owners)
