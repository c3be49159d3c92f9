import pytest

from scanner.catalog.capabilities import Capability, capabilities
from scanner.catalog.permissions import read_permissions
from scanner.catalog.powers import Power
from scanner.catalog.privilege import Privilege, privilege
from scanner.catalog.roles import role_by_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Owner", "full control"),
        ("User Access Administrator", "grants access"),
        ("Role Based Access Control Administrator", "grants access"),
        ("Contributor", "manages everything"),
        ("Key Vault Data Access Administrator", "grants some access"),
        ("Managed Identity Operator", "identity or code"),
        ("Virtual Machine Contributor", "identity or code"),
        ("Website Contributor", "identity or code"),
        ("Managed Identity Contributor", "identity or code"),
        ("Key Vault Secrets User", "data"),
        ("Key Vault Contributor", "data"),
        ("Storage Blob Data Reader", "data"),
        ("Backup Contributor", "reads credentials"),
        ("Tag Contributor", "limited"),
        ("Monitoring Metrics Publisher", "limited"),
        ("Reader", "read only"),
    ],
)
def test_the_rank_of_a_built_in_role(name: str, expected: str) -> None:
    role = role_by_name(name)
    assert role is not None
    assert privilege(capabilities(role.permissions)).label == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ([{"dataActions": ["*"]}], Privilege.IDENTITY_OR_CODE),
        ([{"dataActions": ["*/read"]}], Privilege.ALL_DATA),
        ([{"actions": ["*/read"], "notActions": 5}], Privilege.NOT_UNDERSTOOD),
        ([{"actions": ["*"], "notActions": 5}], Privilege.FULL_CONTROL),
        ([], Privilege.NOTHING),
        ([{}], Privilege.NOTHING),
        (None, Privilege.NOT_UNDERSTOOD),
    ],
)
def test_the_rank_of_a_custom_role(raw: object, expected: Privilege) -> None:
    assert privilege(capabilities(read_permissions(raw))) is expected


def test_every_power_has_a_rank() -> None:
    for power in Power:
        assert privilege([Capability(power, 0, "*", "x")]) > Privilege.NOTHING


def test_only_granting_access_is_less_under_a_condition() -> None:
    lowered = {
        power
        for power in Power
        if privilege([Capability(power, 0, "*", "x", conditioned=True)])
        < privilege([Capability(power, 0, "*", "x")])
    }
    assert lowered == {Power.GRANT_ACCESS, Power.WRITE_ROLE_ASSIGNMENTS, Power.DEFINE_ROLES}
