import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanner.catalog.compile import main
from scanner.catalog.operations import OperationFile, Operations
from scanner.catalog.roles import RoleFile

SOURCE = {
    "repository": "github.com/contoso/facts",
    "path": "a.json",
    "commit": "0123456789abcdef",
    "date": "2026-01-02",
}
ENTRY = {"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []}
GUID = "11111111-2222-3333-4444-555555555555"
ROLE = {"id": GUID, "name": "Tester", "status": "removed", "permissions": [ENTRY], "assignableScopes": ["/"]}
FROM_AZ = {
    "name": GUID.upper(),
    "roleName": "Tester",
    "roleType": "BuiltInRole",
    "permissions": [{**ENTRY, "condition": None, "conditionVersion": None}],
    "assignableScopes": ["/providers/Microsoft.Capacity"],
    "description": "not kept",
}


def write(folder: Path, document: object) -> str:
    path = folder / "input.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return str(path)


def run(folder: Path, kind: str, document: object, *more: str) -> int:
    return main([f"--{kind}", write(folder, document), "--out", str(folder / "out"), *more])


def collected(**lists: Any) -> dict[str, Any]:
    return {"schema": 1, "sources": [SOURCE], **lists}


def made(folder: Path, name: str) -> bytes:
    return (folder / "out" / name).read_bytes()


def test_roles_from_the_collected_list(tmp_path: Path) -> None:
    assert run(tmp_path, "roles", collected(roles=[ROLE])) == 0
    file = msgspec.json.decode(made(tmp_path, "builtin_roles.json"), type=RoleFile)
    assert (file.date, file.sources) == (
        "2026-01-02",
        ("github.com/contoso/facts, a.json, 0123456789ab, 2026-01-02",),
    )
    assert [(role.guid, role.name, role.status) for role in file.roles] == [(GUID, "Tester", "removed")]
    assert file.roles[0].permissions[0].actions == ("*/read",)


def test_roles_as_az_prints_them(tmp_path: Path) -> None:
    custom = {**FROM_AZ, "roleType": "CustomRole", "roleName": "Ours"}
    assert run(tmp_path, "roles", [custom, FROM_AZ], "--date", "2026-03-04") == 0
    file = msgspec.json.decode(made(tmp_path, "builtin_roles.json"), type=RoleFile)
    assert (file.date, file.sources) == ("2026-03-04", ("az role definition list",))
    assert [(role.guid, role.name, role.status) for role in file.roles] == [(GUID, "Tester", "current")]
    assert file.roles[0].assignable_scopes == ("/providers/Microsoft.Capacity",)


def test_operations(tmp_path: Path) -> None:
    operations = [
        {"name": "A.B/c/start/action", "isDataAction": False},
        {"name": "A.B/c/read", "isDataAction": False},
        {"name": "A.B/c/items/read", "isDataAction": True},
        {"name": "A.B/d/read", "isDataAction": None},
    ]
    assert (
        run(tmp_path, "operations", collected(operations=operations, derivedFromTypes=["A.B/c/write"])) == 0
    )
    content = made(tmp_path, "operations.json")
    assert (
        b'["A.B/c","read start/action","","","write"],\n["A.B/c/items","","read"],\n["A.B/d","","","read"]'
        in content
    )
    known = Operations(msgspec.json.decode(content, type=OperationFile).types)
    assert known.names == (
        "a.b/c/items/read",
        "a.b/c/read",
        "a.b/c/start/action",
        "a.b/c/write",
        "a.b/d/read",
    )
    assert (known.control, known.data) == (0b11110, 0b10001)


def test_escalations_and_types(tmp_path: Path) -> None:
    action = {"action": "A.B/c/write", "outcome": "run-code", "reach": "*", "technique": "t", "needs": []}
    assert run(tmp_path, "escalations", collected(actions=[action])) == 0
    assert b'{"action":"A.B/c/write","outcome":"run-code","reach":"*","technique":"t"}' in made(
        tmp_path, "escalation_actions.json"
    )
    kinds = {"type": "A.B/c", "systemAssigned": True, "userAssigned": False, "readOnly": False}
    paths = [{"type": "A.B/c", "paths": ["properties.a[*].identity", "properties.vmSize"]}]
    assert run(tmp_path, "types", collected(types=[kinds], identityReferencePaths=paths)) == 0
    assert b'{"type":"a.b/c","system":true,"paths":["properties.a[].identity"]}' in made(
        tmp_path, "identity_types.json"
    )


def test_the_order_of_the_input_does_not_matter(tmp_path: Path) -> None:
    other = {**ROLE, "id": GUID.replace("1", "a"), "name": "another"}
    run(tmp_path, "roles", collected(roles=[ROLE, other]))
    first = made(tmp_path, "builtin_roles.json")
    run(tmp_path, "roles", collected(roles=[other, ROLE]))
    assert made(tmp_path, "builtin_roles.json") == first


def test_check_says_stale_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "roles", collected(roles=[ROLE]), "--check") == 1
    assert not (tmp_path / "out").exists()
    assert "stale   builtin_roles.json" in capsys.readouterr().out
    run(tmp_path, "roles", collected(roles=[ROLE]))
    assert run(tmp_path, "roles", collected(roles=[ROLE]), "--check") == 0
    assert "fresh   builtin_roles.json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "document", "message"),
    [
        ("roles", "{", "not JSON"),
        ("roles", {"roles": []}, "expected an object with a list under 'sources'"),
        ("roles", collected(), "expected an object with a list under 'roles'"),
        ("roles", collected(roles=[]), "holds no built-in role"),
        ("roles", collected(roles=[5]), "element 0 of roles is int, not an object"),
        ("roles", collected(roles=[{**ROLE, "id": "owner"}]), "role 0 ('Tester'): id is 'owner', not a GUID"),
        (
            "roles",
            collected(roles=[{**ROLE, "status": "old"}]),
            "status 'old' is none of current, seen-elsewhere, removed",
        ),
        (
            "roles",
            collected(roles=[{**ROLE, "assignableScopes": "/"}]),
            "assignableScopes is not a list of text",
        ),
        ("roles", collected(roles=[ROLE, ROLE]), f"{GUID} stands twice"),
        (
            "roles",
            collected(roles=[{**ROLE, "permissions": [{"actions": 5}]}]),
            "role 'Tester', permission entry 0: actions is a number, not a list",
        ),
        ("roles", [FROM_AZ], "give --date YYYY-MM-DD"),
        ("operations", collected(operations=[]), "holds no operation"),
        ("operations", collected(operations=[{"name": "a/*"}]), "'a/*' is not the name of one operation"),
        (
            "operations",
            collected(operations=[{"name": "a/b", "isDataAction": "no"}]),
            "isDataAction is neither",
        ),
        (
            "operations",
            collected(operations=[], derivedFromTypes=[1]),
            "'derivedFromTypes' is not a list of text",
        ),
        (
            "escalations",
            collected(actions=[{"action": "a"}]),
            "action 0: Object missing required field `outcome`",
        ),
        ("escalations", collected(actions=[]), "holds no action"),
        ("types", collected(types=[], identityReferencePaths=[]), "holds no type"),
        (
            "types",
            collected(types=[{"type": "a/b", "systemAssigned": 1}], identityReferencePaths=[]),
            "a/b: systemAssigned, userAssigned, readOnly have to be true or false",
        ),
        (
            "types",
            collected(types=[], identityReferencePaths=[{"type": "a"}]),
            "'paths' is not a list of text",
        ),
        ("types", {"sources": [], "types": []}, "names no source"),
    ],
)
def test_wrong_input_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, document: object, message: str
) -> None:
    assert run(tmp_path, kind, document) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "input.json" in error
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_list_of_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "roles", [{"id": 1}], "--date", "2026-01-01") == 2
    assert "element 0: 'roleType' is missing or not text" in capsys.readouterr().err


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--roles", str(tmp_path / "none.json")]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'none.json'}: No such file or directory\n"


def test_a_wrong_day_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "roles", [FROM_AZ], "--date", "yesterday") == 2
    assert "--date: 'yesterday' is not a day as YYYY-MM-DD" in capsys.readouterr().err


def test_nothing_asked_for_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2
    assert "give at least one of --roles" in capsys.readouterr().err
