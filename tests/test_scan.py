"""The main job, end to end: the real command in a process of its own against the local Azure."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from scanner.emulator import Behaviour, Emulator, load_tenant, with_switches
from scanner.engine.registry import load_rules
from scanner.rule import Stage

READS = {
    ("POST", "/providers/Microsoft.ResourceGraph/resources"),
    ("POST", "/v1.0/directoryObjects/getByIds"),
}


@pytest.fixture(scope="module")
def contoso() -> Iterator[Emulator]:
    with Emulator(load_tenant("contoso")) as azure:
        yield azure


def environment(azure: Emulator, home: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AZURE_", "MIDAS_", "IDENTITY_"))
    }
    return kept | {"XDG_CACHE_HOME": str(home / "cache")} | dict(azure.environment())


def midas(env: Mapping[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scanner", *map(str, arguments)]
    return subprocess.run(command, env=dict(env), capture_output=True, text=True, timeout=120, check=False)


def scan(azure: Emulator, home: Path, *arguments: object) -> tuple[int, dict[str, Any], str]:
    out = home / "report.json"
    env = environment(azure, home)
    live = ("scan", "--auth", "managed-identity", "--output", f"json={out}")
    done = midas(env, *live, *(arguments or ("--tenant",)))
    report = json.loads(out.read_bytes()) if out.exists() else {}
    return done.returncode, report, done.stderr


def comparable(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be equal of two reports on the same facts: all but times."""
    return {name: report[name] for name in ("rules", "findings", "unknown", "gaps")}


@pytest.fixture(scope="module")
def contoso_snapshot(
    contoso: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    home = tmp_path_factory.mktemp("contoso")
    snapshot = home / "snapshot"
    code, report, stderr = scan(contoso, home, "--tenant", "--out", snapshot)
    assert code == 1, stderr
    return snapshot, report


def test_every_rule_finds_something_in_contoso_and_finds_something_in_order(
    contoso_snapshot: tuple[Path, dict[str, Any]],
) -> None:
    _, report = contoso_snapshot
    silent = [rule["code"] for rule in report["rules"] if not rule["fail"]]
    assert silent == []
    no_good_side = [rule["code"] for rule in report["rules"] if not rule["pass"] + rule["not_applicable"]]
    assert set(no_good_side) <= {"MI109"}  # every classic administrator is one too many
    deployed = [rule.meta.id for rule in load_rules() if rule.meta.runs_on(Stage.DEPLOYED)]
    assert [rule["code"] for rule in report["rules"]] == deployed
    assert report["gaps"] == []
    assert report["run"]["complete"] is True


def test_the_scan_only_read(contoso: Emulator, contoso_snapshot: tuple[Path, dict[str, Any]]) -> None:
    snapshot, report = contoso_snapshot
    assert contoso.writes == []
    log = [json.loads(line) for line in (snapshot / "requests.jsonl").read_text().splitlines()]
    assert len(log) == report["run"]["requests"] > 50
    assert {(entry["method"], entry["path"]) for entry in log if entry["method"] != "GET"} <= READS


def test_a_snapshot_gives_the_same_verdicts_again(
    contoso_snapshot: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    snapshot, live = contoso_snapshot
    again = tmp_path / "again.json"
    assert midas(os.environ, "scan", "--from", snapshot, "--output", f"json={again}").returncode == 1
    assert comparable(json.loads(again.read_bytes())) == comparable(live)
    outputs = [f"--output={kind}={tmp_path / kind}" for kind in ("sarif", "html", "json")]
    assert midas(os.environ, "report", "--from", snapshot, *outputs).returncode == 1
    assert comparable(json.loads((tmp_path / "json").read_bytes())) == comparable(live)
    assert json.loads((tmp_path / "sarif").read_bytes())["version"] == "2.1.0"
    assert (tmp_path / "html").read_text().startswith("<!doctype html>")


def test_a_snapshot_is_readable_by_its_owner_only(contoso_snapshot: tuple[Path, dict[str, Any]]) -> None:
    snapshot, _ = contoso_snapshot
    assert stat.S_IMODE(snapshot.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in snapshot.iterdir()} == {0o600}
    assert not snapshot.with_name("snapshot.partial").exists()


def test_an_edited_snapshot_is_refused(contoso_snapshot: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(contoso_snapshot[0], copy)
    with (copy / "assignments.parquet").open("r+b") as file:
        file.seek(40)
        file.write(b"\0\0\0\0")
    done = midas(os.environ, "scan", "--from", copy)
    assert done.returncode == 2
    assert "assignments.parquet is not what was written" in done.stderr


def test_scopes_narrow_the_scan(contoso: Emulator, tmp_path: Path) -> None:
    code, whole, _ = scan(contoso, tmp_path, "--management-group", "landing-zones")
    assert code == 1
    names = {
        finding["subject"]["id"].split("/")[2]
        for finding in whole["findings"]
        if "/subscriptions/" in finding["subject"]["id"]
    }
    assert len(names) == 2
    one = next(iter(sorted(names)))
    code, part, _ = scan(contoso, tmp_path, "--subscription", one)
    assert code == 1
    assert {
        f["subject"]["id"].split("/")[2]
        for f in part["findings"]
        if f["subject"]["id"].startswith("/subscriptions/")
    } == {one}


def test_a_messy_tenant_is_scanned_with_its_gaps_told(tmp_path: Path) -> None:
    with Emulator(load_tenant("messy")) as azure:
        snapshot = tmp_path / "messy"
        outputs = [f"--output={kind}={tmp_path / kind}" for kind in ("sarif", "html")]
        code, report, stderr = scan(
            azure, tmp_path, "--tenant", "--fail-on", "never", "--strict", "--out", snapshot, *outputs
        )
        assert code == 3, stderr
        assert azure.writes == []
    reasons = {(gap["table"], gap["reason"].split(":")[0]) for gap in report["gaps"]}
    assert ("assignments", "unlicensed") in reasons
    assert ("identities", "refused") in reasons
    assert any(rule["unknown"] for rule in report["rules"])
    assert "\x1b" not in stderr
    html = (tmp_path / "html").read_text()
    assert "<script>alert" not in html
    sarif = json.loads((tmp_path / "sarif").read_bytes())
    assert sarif["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_a_subscription_that_is_not_there_is_said_so(contoso: Emulator, tmp_path: Path) -> None:
    code, report, stderr = scan(contoso, tmp_path, "--subscription", "99999999-9999-9999-9999-999999999999")
    assert code == 2
    assert "99999999-9999-9999-9999-999999999999" in stderr
    assert "Traceback" not in stderr
    assert report == {}


def test_another_tenant_than_asked_for_is_refused(contoso: Emulator, tmp_path: Path) -> None:
    other = "99999999-9999-9999-9999-999999999999"
    code, report, stderr = scan(contoso, tmp_path, "--tenant", "--tenant-id", other)
    assert code == 2
    assert "the sign-in reads the tenant 6f1e3b52-0a64-4d0f-9f43-1f0b1f5e7c10" in stderr
    assert report == {}


def test_no_login_is_one_clear_message(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    done = midas(env, "scan", "--tenant", "--auth", "environment")
    assert done.returncode == 2
    assert "AZURE_" in done.stderr
    assert "Traceback" not in done.stderr


def test_code_is_judged_with_what_a_scan_kept_and_nothing_is_missing(
    contoso_snapshot: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "main.tf").write_text('resource "azurerm_resource_group" "g" {\n  name = "g"\n}\n')
    out = tmp_path / "out.json"
    arguments = ["--against", contoso_snapshot[0], "--output", f"json={out}", "--quiet"]
    done = midas(os.environ, "check", tmp_path, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(out.read_bytes())["gaps"] == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_collection_goes_on_and_ends_with_the_same_facts(
    contoso_snapshot: tuple[Path, dict[str, Any]], tmp_path: Path, how: signal.Signals
) -> None:
    slow = with_switches(Behaviour(), ["latency=0.3"])
    out = tmp_path / "snapshot"
    arguments = ["collect", "--tenant", "--auth", "managed-identity", "--out", str(out)]
    with Emulator(load_tenant("contoso"), behaviour=slow) as azure:
        env = environment(azure, tmp_path)
        running = subprocess.Popen(
            [sys.executable, "-m", "scanner", *arguments], env=env, stderr=subprocess.PIPE, text=True
        )
        assert running.stderr is not None
        running.stderr.readline()  # the first stage is told when it has ended
        running.send_signal(how)
        _, stderr = running.communicate(timeout=60)
        if how is signal.SIGKILL:
            assert running.returncode == -signal.SIGKILL
        else:
            assert running.returncode == 130, stderr
            assert "--resume" in stderr
        assert not out.exists()
        before = len(azure.requests)
    with Emulator(load_tenant("contoso")) as azure:
        done = midas(environment(azure, tmp_path), *arguments, "--resume")
        assert done.returncode == 0, done.stderr
        assert before > 0
    whole = json.loads((contoso_snapshot[0] / "manifest.json").read_bytes())
    resumed = json.loads((out / "manifest.json").read_bytes())
    assert resumed["content"] == whole["content"]
