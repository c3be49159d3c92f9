"""Code that is judged in a process of its own: the same report, and whatever a rule does there ends well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scanner.cli import cli
from scanner.sources.repository.workers import cores
from tests.engine.test_registry import GOOD
from tests.sources.repository.conftest import Work, work
from tests.test_check import ONE, midas

__all__ = ["work"]


def rule(folder: Path, body: str) -> Path:
    """Write a private rule whose check begins with these lines, and return its folder."""
    rules = folder / "private"
    rules.mkdir()
    text = GOOD.replace(
        '    return facts.resources.select("resource")', f"    {body}\n    return _all(facts)"
    )
    text = text.replace("from scanner.rule import", "import os, signal, sys\nfrom scanner.rule import")
    text = text.replace(
        "CASES =", 'def _all(facts):\n    return facts.resources.select("resource")\n\n\nCASES ='
    )
    (rules / "some_resource.py").write_text(text)
    return rules


def report_of(path: Path) -> dict[str, Any]:
    """Return a JSON report without its times."""
    report: dict[str, Any] = json.loads(path.read_bytes())
    for name in ("started", "finished", "facts_from"):
        report["run"].pop(name)
    return report


STORAGE = """
resource "azurerm_storage_account" "data" {
  name                = "stdata"
  resource_group_name = "rg-app"
}
"""
CODE = {
    "main.tf": ONE
    + STORAGE
    + """
resource "azurerm_role_assignment" "whom" {
  scope                = data.azurerm_subscription.current.id
  role_definition_name = var.role
  principal_id         = "é"
}
""",
    "broken.bicep": "resource x 'Microsoft.Web/sites@2024-04-01' = {",
}


def test_it_says_what_is_said_when_judged_here(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    work.write(CODE)
    monkeypatch.chdir(work.root)
    there, here = work.root.parent / "there.json", work.root.parent / "here.json"
    ran = midas(work.root, "check", "--quiet", "--output", f"json={there}")
    assert cli.main(["check", "--quiet", "--output", f"json={here}"], standalone_mode=False) == ran.returncode
    assert report_of(there) == report_of(here)
    assert {"MI201"} <= {finding["code"] for finding in report_of(there)["findings"]}
    assert report_of(there)["gaps"]


def test_a_rule_prints_once_and_there(work: Work) -> None:
    work.write({"main.tf": ONE + STORAGE})
    rules = rule(work.root.parent, "print('judged by', os.getpid())")
    command = [sys.executable, "-m", "scanner", "check", str(work.root), "--rules", str(rules)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        said, errors = process.communicate(timeout=60)
    [line] = errors.splitlines()
    assert (line == f"judged by {process.pid}") == (cores() == 1)
    assert line.startswith("judged by ")
    assert "judged by" not in said


def test_a_rule_that_crashes_there_is_set_aside_with_its_line(work: Work) -> None:
    work.write({"main.tf": ONE + STORAGE})
    rules = rule(work.root.parent, "raise ValueError('no idea')")
    out = work.root.parent / "report.json"
    ran = midas(work.root, "check", "--rules", str(rules), "--quiet", "--output", f"json={out}")
    assert (ran.returncode, ran.stderr) == (1, "")
    [fault] = json.loads(out.read_bytes())["run"]["faults"]
    assert fault["code"] == "MI190"
    assert fault["error"].startswith("ValueError: no idea (some_resource.py:")


@pytest.mark.parametrize("end", ["os._exit(9)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_process_that_ends_is_no_matter_the_work_is_done_here(work: Work, end: str) -> None:
    work.write({"main.tf": ONE + STORAGE})
    mark = work.root.parent / "ended"
    # The first process that judges ends; where there is only one, nothing does.
    mark.touch() if cores() == 1 else None
    rules = rule(
        work.root.parent, f"os.path.exists({str(mark)!r}) or (open({str(mark)!r}, 'w').close(), {end})"
    )
    out = work.root.parent / "report.json"
    ran = midas(work.root, "check", "--rules", str(rules), "--quiet", "--output", f"json={out}")
    assert (ran.returncode, ran.stderr) == (1, "")
    assert mark.exists()
    assert {finding["code"] for finding in json.loads(out.read_bytes())["findings"]} >= {"MI201", "MI190"}


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_both(work: Work, signal_number: signal.Signals) -> None:
    work.write({"main.tf": ONE + STORAGE})
    rules = rule(work.root.parent, "print('judging', file=sys.stderr, flush=True); signal.pause()")
    command = [sys.executable, "-m", "scanner", "check", str(work.root), "--rules", str(rules)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "judging\n"
        process.send_signal(signal_number)
        # It returns when both have let go of what they print to.
        said, errors = process.communicate(timeout=60)
    assert (process.returncode, said, errors) == (130, "", "\nmidas: interrupted\n")


def test_what_a_cache_knows_is_not_judged_anywhere(work: Work) -> None:
    work.write({"main.tf": ONE + STORAGE})
    rules = rule(work.root.parent, "print('judged')")
    command = ["check", "--rules", str(rules), "--cache", str(work.root.parent / "cache"), "--quiet"]
    assert midas(work.root, *command).stderr == "judged\n"
    again = midas(work.root, *command)
    assert (again.returncode, again.stderr) == (1, "")


def test_a_closed_output_is_no_hindrance(work: Work) -> None:
    work.write({"main.tf": ONE})
    shell = f"{sys.executable} -m scanner check {work.root} --quiet >&- 2>&-"
    assert subprocess.run(["sh", "-c", shell], check=False, timeout=60, env=os.environ).returncode == 1
