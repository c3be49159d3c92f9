"""A repository into facts: what is united, what is told, what one unit's fault costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scanner.facts.schema import Kind
from scanner.sources.declared.declaration import Unit
from scanner.sources.declared.files import Files
from scanner.sources.declared.unit_facts import UnitFacts
from scanner.sources.declared.wanted import Wanted
from scanner.sources.repository.evaluate import Evaluator
from scanner.sources.repository.find import RepositoryError
from scanner.sources.repository.located import LocatedGap, LocatedPlace, LocatedUnit
from scanner.sources.repository.merge import State, in_subscription
from scanner.sources.repository.read import Reading, read_repository
from scanner.sources.repository.units import UnitSpec
from tests.sources.repository.conftest import Work
from tests.sources.repository.test_units import COMPILED, PARAMETERS, TEMPLATE

IDENTITY = """resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-app'
  location: 'westeurope'
}
"""
WANTED = Wanted(tables=frozenset(["identities", "declarations"]))


def read(work: Work, **how: Any) -> Any:
    return read_repository([work.root], Reading(wanted=WANTED, **how))


def ids(state: State) -> list[str]:
    builder = state.facts()
    return [builder.id_of(row["identity"]) for row in builder.rows("identities")]


def test_the_fault_of_one_unit_costs_that_unit_and_tells_no_text(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.write({"a.bicep": IDENTITY, "b.bicep": IDENTITY.replace("id-app", "id-b"), "c.bicep": IDENTITY})
    real = Evaluator._unit

    def unit(self: Evaluator, spec: UnitSpec, files: Files) -> Unit:
        if spec.path == "b.bicep":
            raise KeyError("what the file says")
        return real(self, spec, files)

    monkeypatch.setattr(Evaluator, "_unit", unit)
    cache = work.root.parent / "cache"
    state = read(work, cache=cache).state
    assert sorted(ids(state)) == [
        f"/subscriptions/({name}.bicep)/resourceGroups/(resource-group)/providers/"
        "microsoft.managedidentity/userassignedidentities/id-app"
        for name in "ac"
    ]
    (gap,) = state.facts().rows("gaps")
    assert (gap["scope_id"], gap["reason"]) == ("b.bicep", "failed")
    assert gap["detail"].startswith(
        "Nothing of it was read: it is a fault of Midas itself, KeyError (test_read.py:"
    )
    assert "what the file says" not in str(state)
    # The fault is not kept: when it is mended, the unit is read.
    monkeypatch.setattr(Evaluator, "_unit", real)
    again = read(work, cache=cache)
    assert (again.reused, len(again.state.units)) == (2, 3)
    assert again.state.facts().rows("gaps") == []


def test_what_is_left_out_is_told(work: Work) -> None:
    work.write(
        {"main.bicep": IDENTITY, "main.json": COMPILED, "x/y/stray.json": PARAMETERS, "y/t.json": TEMPLATE}
    )
    found = read(work)
    assert found.notices == (
        "1 ARM template that Bicep made, not read beside what was compiled: main.json from main.bicep",
        "1 parameter file could not be assigned to a template: x/y/stray.json",
    )
    assert found.files == {"main.bicep", "main.json", "x/y/stray.json", "y/t.json"}
    assert len(found.state.units) == 2


def test_files_in_a_circle_are_read_and_told(work: Work) -> None:
    work.write(
        {
            "a.bicep": "module b 'b.bicep' = {\n  name: 'b'\n}\n" + IDENTITY,
            "b.bicep": "module a 'a.bicep' = {\n  name: 'a'\n}\n",
        }
    )
    state = read(work).state
    assert [unit.facts.unit for unit in state.units] == ["a.bicep"]
    assert len(ids(state)) == 1
    assert {gap["scope_id"].partition(":")[0] for gap in state.facts().rows("gaps")} <= {"a.bicep", "b.bicep"}


def test_a_word_to_midas_is_noticed(work: Work) -> None:
    work.write({"a.bicep": IDENTITY + "// MIDAS: ignore[MI110] later\n", "b.bicep": IDENTITY})
    assert read(work).speaking == ("a.bicep",)


def test_meanwhile_is_called_once(work: Work) -> None:
    work.write({"a.bicep": IDENTITY})
    called: list[str] = []
    read(work, meanwhile=lambda _: called.append("called"))
    assert called == ["called"]


def test_the_state_before_is_read_only_where_it_differs(work: Work) -> None:
    work.init().write({"a.bicep": IDENTITY, "b.bicep": IDENTITY})
    work.commit()
    assert read(work, since=("HEAD",)).base.state is None
    work.write({"b.bicep": IDENTITY.replace("id-app", "id-new"), "c.bicep": IDENTITY})
    found = read(work, since=("main",))
    base = found.base.state
    assert [unit.facts.unit for unit in found.state.units] == ["a.bicep", "b.bicep", "c.bicep"]
    assert [unit.facts.unit for unit in base.units] == ["a.bicep", "b.bicep"]
    assert base.units[0] is found.state.units[0]
    assert [name.rsplit("/", 1)[-1] for name in sorted(ids(base))] == ["id-app", "id-app"]
    found.base.contents.close()


def test_a_state_that_git_does_not_know_is_an_error(work: Work) -> None:
    work.init().write({"a.bicep": IDENTITY}).commit()
    with pytest.raises(RepositoryError, match="origin/main or main2: no commit is known here by this name"):
        read(work, since=("origin/main", "main2"))


def test_the_cache_in_the_repository_is_only_kept_where_it_pays(work: Work) -> None:
    work.write({"a.bicep": IDENTITY})
    read(work)
    assert not (work.root / ".midas-cache").exists()
    work.write({"a.bicep": IDENTITY + "//" + "x" * 200_000})
    assert read(work).reused == 0
    assert read(work).reused == 1
    assert read(work, use_cache=False).reused == 0


def test_a_cache_that_leads_elsewhere_is_not_followed(work: Work, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    work.write({"a.bicep": IDENTITY + "//" + "x" * 200_000})
    (work.root / ".midas-cache").symlink_to(tmp_path / "elsewhere")
    read(work)
    assert list((tmp_path / "elsewhere").iterdir()) == []


# ---- uniting units

APP = "/subscriptions/(a)/resourceGroups/rg/providers/Microsoft.Web/sites/app"


def unit(name: str, *, existing: bool, value: str, line: int) -> LocatedUnit:
    facts = UnitFacts(
        unit=name,
        entities=[(str(Kind.RESOURCE), APP, "app", None)],
        rows={
            "settings": [{"resource": 0, "path": "p", "value": value, "resolved": True}],
            "tags": [{"entity": 0, "tag": "t", "value": "same"}],
            "declarations": [
                {
                    "entity": 0,
                    "address": f"{name}.app",
                    "language": "bicep",
                    "unit": name,
                    "existing": existing,
                    "conditional": False,
                    "referenced": True,
                    "exported": False,
                    "whole": True,
                }
            ],
        },
    )
    place = LocatedPlace("places", 0, "", f"{name}.bicep", line, 1, line, 5)
    return LocatedUnit(facts, [place], [LocatedGap("places", "x.tf:1", "skipped", "Left out.")], [])


def test_where_a_thing_is_declared_counts_not_where_it_is_looked_up() -> None:
    first, second = unit("a", existing=True, value="1", line=3), unit("b", existing=False, value="2", line=7)
    builder = State([first, second], [("y.tf", "malformed", "Broken.")]).facts()
    assert [row["uri"] for row in builder.rows("places")] == ["b.bicep"]
    assert [row["address"] for row in builder.rows("declarations")] == ["b.app"]
    assert [row["value"] for row in builder.rows("settings")] == ["1"]
    assert len(builder.rows("tags")) == 1
    assert [(gap["scope_id"], gap["reason"]) for gap in builder.rows("gaps")] == [
        ("x.tf:1", "skipped"),
        ("y.tf", "malformed"),
    ]
    # A unit is not changed by being added: the other state of the repository may hold it too.
    assert "declarations" in first.facts.rows


def test_no_table_is_missing_in_a_repository() -> None:
    assert State([], []).facts().finish().gaps() == []


def test_a_subscription_that_is_known_after_all_takes_the_place_of_the_units_own() -> None:
    state = State([unit("a", existing=False, value="1", line=1)], [])
    real = "/subscriptions/11111111-1111-1111-1111-111111111111"
    assert state.tails() == {
        "/subscriptions/(a)": {"/resourcegroups/rg/providers/microsoft.web/sites/app"},
    }
    assert (
        state.facts({"/subscriptions/(a)": real}).key_of(APP.replace("/subscriptions/(a)", real)) is not None
    )
    assert in_subscription("/providers/x") == ("", "/providers/x")
    assert in_subscription("(a)/output") == ("", "(a)/output")


KEY_OUTPUT = """resource "azurerm_storage_account" "data" {
  name                     = "data"
  resource_group_name      = "rg"
  location                 = "westeurope"
  account_tier             = "Standard"
  account_replication_type = "LRS"
}

output "key" {
  value = azurerm_storage_account.data.primary_access_key
}
"""


def test_a_module_that_is_called_never_puts_a_secret_out(work: Work) -> None:
    work.write(
        {
            "main.tf": 'module "data" {\n  source   = "./data"\n  for_each = toset([])\n}\n',
            "data/main.tf": KEY_OUTPUT,
            "root/main.tf": KEY_OUTPUT,
        }
    )
    wanted = Wanted(tables=frozenset(["credentials"]))
    builder = read_repository([work.root], Reading(wanted=wanted)).state.facts()
    assert [builder.id_of(row["credential"]) for row in builder.rows("credentials")] == [
        "(root)/output.key#key"
    ]


def test_a_loop_whose_names_are_worked_out_from_what_is_not_known_may_use_anything(work: Work) -> None:
    made = """resource "azurerm_user_assigned_identity" "app" {
  name                = "id-app"
  resource_group_name = "rg"
  location            = "westeurope"
}

variable "assigned" {}
"""
    loop = """
resource "azurerm_resource_group" "more" {
  for_each = { for key in var.assigned : "rg-${key}" => key }
  name     = each.key
  location = "westeurope"
}
"""
    work.write({"known/main.tf": made, "not-known/main.tf": made + loop})
    builder = read(work).state.facts()
    rows = {
        row["unit"]: row["whole"]
        for row in builder.rows("declarations")
        if "id-app" in builder.id_of(row["entity"])
    }
    assert rows == {"known": True, "not-known": False}
