"""No secret of a line is shown, and what says where it comes from stays."""

from __future__ import annotations

import base64
import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.redact import MASK, carries_secret, opens_secret, redact, says_secret

RANDOM = random.Random(7)
LETTERS = string.ascii_letters + string.digits


def made(length: int, signs: str = LETTERS) -> str:
    return "".join(RANDOM.choices(signs, k=length))


STORAGE_KEY = base64.b64encode(RANDOM.randbytes(64)).decode()


@pytest.mark.parametrize(
    ("before", "secret", "after"),
    [
        (
            'conn = "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=',
            STORAGE_KEY,
            ';EndpointSuffix=y"',
        ),
        ("value: 'Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=", "short", "'"),
        ('conn = "Server=tcp:x;User Id=a;Password=', "hunter2", ';Encrypt=true"'),
        ('url = "https://x.blob.core.windows.net/c?sv=2024&sig=', "a%2Bb", '&se=1"'),
        ('password = "', "hunter2", '"'),
        ('  "adminPassword": "', "hunter2", '",'),
        ("param adminPassword string = '", "hunter2", "'"),
        ("  clientSecret: '", "hunter2", "'"),
        ('secret_access_key = "', "hunter2", '" # why'),
        ('"connectionString": "', "anything at all", '"'),
        ('x = "', STORAGE_KEY, '"'),
        ("# old key: ", STORAGE_KEY, ""),
        ("token: ", f"eyJ{made(30)}.eyJ{made(40)}.{made(43)}", ""),
        ("echo ", f"{made(3)}8Q~{made(34)}", ""),
        ("x = foo('", "ghp_" + made(36), "')"),
        ('key_hex = "', RANDOM.randbytes(16).hex(), '"'),
        ("x: ", "-----BEGIN RSA PRIVATE KEY-----", ""),
    ],
)
def test_a_secret_is_masked_and_what_is_around_it_stays(before: str, secret: str, after: str) -> None:
    assert redact(before + secret + after).text == before + MASK + after


@pytest.mark.parametrize(
    "line",
    [
        'role_definition_name = "Owner"',
        "password = var.admin_password",
        'password = "${random_password.admin.result}"',
        "adminPassword: vault.getSecret('admin')",
        '"adminPassword": "[parameters(\'adminPassword\')]"',
        'value = "@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/a)"',
        'secret_name = "database-password"',
        'secret_permissions = ["Get", "List"]',
        'tenant_id = "0a1b2c3d-1111-2222-3333-444455556666"',
        "/subscriptions/0a1b2c3d-1111-2222-3333-444455556666/resourceGroups/rg-platform-weu-001/providers/Microsoft.Web",
        "resource x 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {",
        'name = "${var.prefix}-appGatewayFrontendPort80-rule2Listener"',
        'encryption_key = "https://x.vault.azure.net/keys/cmk"',
        "AccountKey=${storage.listKeys().keys[0].value}",
        "immediatePurgeDataOn30Days: true",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert redact(line).text == line


def test_between_interpolations_the_literal_part_of_a_secret_is_masked() -> None:
    assert redact('password = "abc${var.x}def"').text == 'password = "***${var.x}***"'


def test_of_an_address_only_the_random_part_is_masked() -> None:
    part = RANDOM.randbytes(16).hex()
    line = f'uri = "https://x.vault.azure.net/secrets/name/{part}"'
    assert redact(line).text == line.replace(part, MASK)


def test_where_a_secret_is_known_to_be_every_given_text_is_masked() -> None:
    assert redact("  value: 'hunter2'", suspect=True).text == "  value: '***'"
    assert redact('    default = "hunter2"', suspect=True).text == '    default = "***"'
    assert redact('list = ["hunter2"]', suspect=True).text == 'list = ["***"]'
    assert redact('variable "client_secret" {', suspect=True).text == 'variable "client_secret" {'
    assert redact("  { name: 'DB'", suspect=True).text == "  { name: 'DB'"
    assert redact('  "setting": 1', suspect=True).text == '  "setting": 1'
    handed_on = "  value: 'AccountName=${s.name};AccountKey=${s.listKeys().keys[0].value}'"
    assert redact(handed_on, suspect=True).text == handed_on


def test_random_texts_are_found_nearly_always() -> None:
    texts = [base64.b64encode(RANDOM.randbytes(32)).decode() for _ in range(300)]
    texts += [made(40) for _ in range(300)]
    missed = [text for text in texts if MASK not in redact(f'x = f("{text}")').text]
    assert len(missed) <= 6


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("client_secret", True),
        ("adminPassword", True),
        ("STORAGE_ACCOUNT_KEY", True),
        ("sasToken", True),
        ("password2", True),
        ("secret_name", False),
        ("key_vault_id", False),
        ("keys", False),
        ("monkey", False),
    ],
)
def test_a_name_says_whether_it_holds_a_secret(name: str, is_one: bool) -> None:
    assert says_secret(name) is is_one


def test_a_secret_that_goes_on_below_is_seen_where_it_begins() -> None:
    assert opens_secret("  password = <<-EOT")
    assert opens_secret("param adminPassword string = '''")
    assert not opens_secret("description = <<EOT")
    assert not opens_secret("adminPassword: '''x'''")


def test_a_literal_may_belong_to_a_name_on_another_line() -> None:
    assert carries_secret("  value: 'hunter2'", ["  name: 'DB_PASSWORD'"])
    assert carries_secret('  default = "hunter2"', ['variable "client_secret" {'])
    assert not carries_secret("  value: 'hunter2'", ["  name: 'COLOUR'"])
    assert not carries_secret("  value: x", ["  name: 'DB_PASSWORD'"])


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200), st.booleans())
def test_any_line_is_redacted_within_itself(line: str, suspect: bool) -> None:
    redacted = redact(line, suspect=suspect)
    last = 0
    for start, end in redacted.masked:
        assert last <= start < end <= len(line)
        last = end
    if not redacted.masked:
        assert redacted.text == line


@pytest.mark.parametrize(
    "line", ["a=" * 50_000, '"' * 99_999, "x = '" + "\\" * 99_000, "${" * 50_000, "A1b" * 33_000]
)
def test_a_very_long_line_is_redacted_in_no_time(line: str) -> None:
    redact(line, suspect=True)
