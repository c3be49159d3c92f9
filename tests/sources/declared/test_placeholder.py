"""What stands where a secret belongs and plainly is none."""

import pytest

from scanner.sources.declared.placeholder import holds_secret, is_to_be_filled_in

MADE_UP = "Not" + "ASecret" + "42!"
RANDOM = "q7" + "Zk" * 20 + "=="


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("adminPassword", "changeme"),
        ("adminPassword", "ChangeMe123!"),
        ("adminPassword", "GEN-PASSWORD"),
        ("adminPassword", "pasGEN-PASSWORDsword"),
        ("serverPassword", "GET-PREREQ-serverPassword"),
        ("aadClientSecret", "YourClientSecret"),
        ("clientSecret", "Your Service principal Secret"),
        ("storageAccountKey", "keyofyourstorageaccount"),
        ("sshStorageAccountKey", "storageAccountKey"),
        ("accessKey", "access-key"),
        ("tenantSecret", "AZURE-AD-TENANT"),
        ("githubSecret", "clientsecret"),
        ("licenseFileText", "Contoso License"),
        ("databasePassword", "$(secretOrRandomPassword ${AZURE_KEY_VAULT_NAME} databasePassword)"),
        ("adminPassword", "enter your password"),
        ("adminPassword", "see readme.md for details on how to create it"),
        ("adminPassword", "<put it here"),
        ("adminUserName", "somebody1"),
        ("clientId", "not-a-secret"),
        ("settings", {"userName": "somebody1", "password": "changeme"}),
    ],
)
def test_a_text_that_asks_for_another_is_no_secret_in_a_parameter_file(name: str, value: object) -> None:
    assert not holds_secret(name, value, given=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("adminPassword", MADE_UP),
        ("adminPassword", "password"),
        ("adminPassword", "Password"),
        ("adminPassword", "secret"),
        ("storageAccountKey", RANDOM),
        ("privateKey", "-----BEGIN " + "RSA PRIVATE KEY-----\nabcdefgh"),
        ("adminPassword", "two words1"),
        ("settings", {"userName": "somebody1", "password": MADE_UP}),
        ("many", [{"name": "one", "value": MADE_UP}]),
    ],
)
def test_what_can_be_a_secret_is_one_in_a_parameter_file(name: str, value: object) -> None:
    assert holds_secret(name, value, given=True)


def test_as_a_default_a_weak_password_is_one() -> None:
    assert holds_secret("adminPassword", "changeme")
    assert is_to_be_filled_in("adminPassword", "changeme")


@pytest.mark.parametrize(
    "value",
    [
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB somebody",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNh",
        "-----BEGIN PUBLIC KEY-----\nabcdefgh",
        "-----BEGIN CERTIFICATE-----\nabcdefgh",
    ],
)
def test_the_public_half_of_a_key_is_no_secret(value: str) -> None:
    assert not holds_secret("adminPasswordOrKey", value)


@pytest.mark.parametrize(
    "value",
    [
        "ssh-rsaNotAKey",
        "-----BEGIN CERTIFICATE-----\nabcdefgh\n-----BEGIN " + "PRIVATE KEY-----\nabcdefgh",
        "-----BEGIN " + "OPENSSH PRIVATE KEY-----\nabcdefgh",
    ],
)
def test_the_private_half_of_a_key_is_a_secret(value: str) -> None:
    assert holds_secret("adminPasswordOrKey", value)
