import pytest

from scanner.catalog.identity_types import (
    COMPUTE_TYPES,
    can_have_identity,
    compute_reason,
    identity_type_file,
    identity_types,
)


@pytest.mark.parametrize(
    ("resource_type", "system", "user"),
    [
        ("microsoft.compute/virtualmachines", True, True),
        ("microsoft.batch/batchaccounts/pools", False, True),
        ("microsoft.resources/deploymentscripts", False, True),
        ("microsoft.storage/storageaccounts", True, True),
    ],
)
def test_which_kinds_a_type_accepts(resource_type: str, system: bool, user: bool) -> None:
    entry = identity_types()[resource_type]
    assert (entry.system, entry.user) == (system, user)


def test_who_can_have_an_identity() -> None:
    assert can_have_identity("Microsoft.Compute/virtualMachines")
    assert not can_have_identity("Microsoft.Network/virtualNetworks")
    assert not can_have_identity("microsoft.importexport/jobs")  # read only
    assert not can_have_identity("microsoft.purview/accounts/kafkaconfigurations")  # nested paths alone


def test_every_compute_type_can_have_an_identity() -> None:
    assert {name for name in COMPUTE_TYPES if not can_have_identity(name)} == set()


@pytest.mark.parametrize(
    "resource_type",
    [
        "Microsoft.Compute/virtualMachines",
        "microsoft.web/sites",
        "microsoft.app/jobs",
        "microsoft.logic/workflows",
    ],
)
def test_compute_has_a_reason(resource_type: str) -> None:
    reason = compute_reason(resource_type)
    assert reason is not None
    assert not reason.endswith(".")


def test_what_is_not_compute() -> None:
    assert compute_reason("microsoft.storage/storageaccounts") is None


def test_the_file_is_lower_case_and_has_no_accidental_paths() -> None:
    types = identity_type_file().types
    assert [entry.type for entry in types] == sorted(entry.type.lower() for entry in types)
    assert [path for entry in types for path in entry.paths if path.lower().endswith("vmsize")] == []
    assert [path for entry in types for path in entry.paths if "[*]" in path] == []
