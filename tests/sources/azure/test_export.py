"""An export gives the facts that a live collection gives, and says what it does not hold."""

from __future__ import annotations

import json

import pytest

from scanner.sources.azure.errors import SourceError
from scanner.sources.azure.export import load_export

SETTINGS = frozenset([("Microsoft.Storage/storageAccounts", "properties.allowSharedKeyAccess")])
SHARED = (
    "identities",
    "attachments",
    "resources",
    "roles",
    "permissions",
    "tags",
    "settings",
    "credentials",
    "scopes",
)


@pytest.fixture
def exported(start_azure, tmp_path):
    """Write the emulator's own rows as the three forms of a file that are accepted."""

    def write(tenant="contoso"):
        emulator = start_azure(tenant)
        tables = emulator.tenant.tables
        federated = [
            {**row, "id": f"{identity}/federatedIdentityCredentials/{row['name']}", "type": CREDENTIAL}
            for identity, rows in emulator.tenant.federated.items()
            for row in rows
        ]
        forms = [
            tables["resources"],
            {"count": 1, "data": tables["resourcecontainers"], "skip_token": None},
            {"value": tables["authorizationresources"]},
            [row for name, rows in tables.items() if name not in KNOWN for row in rows],
            federated,
        ]
        files = []
        for number, form in enumerate(forms):
            files.append(tmp_path / f"{number}.json")
            files[-1].write_text(json.dumps(form))
        return emulator, files

    return write


CREDENTIAL = "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials"
KNOWN = ("resources", "resourcecontainers", "authorizationresources")


def test_an_export_is_as_good_as_the_tenant(exported, gather, in_words):
    _, files = exported()
    live = in_words(gather(), *SHARED, "federated_credentials", "classic_administrators")
    given = in_words(load_export(files, frozenset(SHARED), SETTINGS), *live)
    for table in ("roles", "permissions", "federated_credentials", "classic_administrators"):
        assert given[table] == live[table], table
    # Resources of types that no rule speaks of are in the export and not asked for live.
    for table in ("attachments", "tags", "settings", "credentials"):
        assert set(live[table]) <= set(given[table]), table
    assert set(given["attachments"]) == set(live["attachments"])
    assert set(live["resources"]) <= set(given["resources"])
    # The application id of a resource's own identity is known only to the directory.
    without_client = {
        table: [row[:4] + row[5:] for row in said["identities"]]
        for table, said in (("a", live), ("b", given))
    }
    assert without_client["a"] == without_client["b"]


def test_assignments_are_those_of_the_export(exported, in_words):
    emulator, files = exported()
    said = in_words(load_export(files, frozenset()), "assignments")["assignments"]
    expected = {row["id"].lower() for row in emulator.tenant.rows("microsoft.authorization/roleassignments")}
    assert {row[0] for row in said} == expected


def test_what_is_not_said_to_be_complete_is_a_gap(exported):
    _, files = exported()
    found = {
        gap["table"]: gap["reason"]
        for gap in load_export(files, frozenset(["identities", "attachments"])).gaps()
    }
    assert "identities" not in found
    assert "attachments" not in found
    assert {found[table] for table in ("assignments", "roles", "principals", "deny_assignments")} == {
        "skipped"
    }


def test_a_derived_table_or_view_can_be_complete(exported):
    _, files = exported()
    store = load_export(files, frozenset(["capabilities", "user_assigned_identities"]))
    assert {"roles", "identities"}.isdisjoint({gap["table"] for gap in store.gaps()})


def test_an_identity_that_a_complete_export_does_not_hold_is_missing(tmp_path, in_words):
    sub = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/"
    gone = f"{sub}Microsoft.ManagedIdentity/userAssignedIdentities/gone"
    row = {
        "id": f"{sub}Microsoft.Web/sites/web",
        "type": "microsoft.web/sites",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {gone: {}}},
        "properties": {},
    }
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([row]))
    whole = in_words(load_export([file], frozenset(["identities"])), "attachments")["attachments"]
    part = in_words(load_export([file], frozenset()), "attachments")["attachments"]
    assert [found[3] for found in whole] == [False]
    assert [found[3] for found in part] == [None]


def test_a_row_given_twice_counts_once(exported, in_words):
    _, files = exported()
    once = in_words(load_export(files, frozenset(SHARED)), "tags", "permissions")
    assert in_words(load_export([*files, *files], frozenset(SHARED)), "tags", "permissions") == once


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_written_by_powershell(exported, in_words, encoding):
    _, files = exported()
    for file in files:
        file.write_text(file.read_text(), encoding=encoding)
    assert in_words(load_export(files, frozenset()), "identities")["identities"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", r"rows.json:1:1.*"),
        (b'[{"id": "/x"},\n {"id": }]', r"not JSON: Expecting value \(.*rows.json:2:9\)"),
        (b'{"rows": []}', "neither by itself nor under data or value"),
        (b'"text"', "no list of rows"),
        (b'{"data": {"columns": [], "rows": []}}', "no list of rows"),
        (b'[{"id": "/x", "type": "a/b"}, 7]', "element 1 of the list is int, not a row"),
        (b"[\xff]", "byte 1 is not"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_export_is_said_with_its_place(tmp_path, content, says):
    file = tmp_path / "rows.json"
    file.write_bytes(content)
    with pytest.raises(SourceError, match=says) as caught:
        load_export([file], frozenset())
    assert "az graph query" in str(caught.value)


def test_a_file_that_is_not_there_and_a_table_that_does_not_exist(tmp_path):
    with pytest.raises(SourceError, match="No such file"):
        load_export([tmp_path / "none.json"], frozenset())
    with pytest.raises(SourceError, match="no table is called 'identites'"):
        load_export([], frozenset(["identites"]))


def test_the_messy_tenant_as_an_export_tells_the_same_malformed_rows(exported, gather):
    _, files = exported("messy")

    def malformed(store):
        return {(g["table"], g["scope_id"]) for g in store.gaps() if g["reason"] == "malformed"}

    live = malformed(gather())
    assert live
    assert live <= malformed(load_export(files, frozenset(), SETTINGS))
