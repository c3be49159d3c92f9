"""The examples beside each rule as Terraform plans: every rule that runs before deployment fires on a plan alike."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scanner.engine.finding import Location
from scanner.engine.registry import Rule, load_rules
from scanner.rule import Stage
from tests.rules.code import judged
from tests.rules.planned import SECRET, planned

RULES = [rule for rule in load_rules() if rule.meta.runs_on(Stage.DECLARED)]
NOT_IN_THE_PLAN = {
    # A value that is only known after apply is left out: of a map the map is shown, else the head.
    "MI601": "app_settings",
    "MI602": "",
    "MI606": "",
}
"""Where the plan has no member for what is marked in the example, what is shown in its place."""
EXAMPLES = [pytest.param(rule, id=rule.meta.id) for rule in RULES]
FORMS: dict[str, Callable[[str], str]] = {
    "as printed": str,
    "indented": lambda text: json.dumps(json.loads(text), indent=2),
    "sorted": lambda text: json.dumps(json.loads(text), indent=2, sort_keys=True),
}
"""How a plan is kept: as Terraform prints it, on one line, or as other programs write it again."""
HOLDERS = {
    ("planned_values", "outputs"): "output",
    ("configuration", "provider_config"): "provider",
    ("configuration", "root_module", "variables"): "var",
}
"""What is no resource: where a plan has it, and how its address begins."""
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+')
_HEAD = re.compile(
    r'\s*(?P<mode>resource|data|output|variable|provider) "(?P<first>\w+)"(?: "(?P<second>\w+)")?'
)


def two_subscriptions(identity_of_prod: str) -> str:
    return f"""
provider "azurerm" {{
  features {{}}
  subscription_id = "0f3a1c5e-7b2d-4e86-9c41-d5e8f7a6b302"
}}

provider "azurerm" {{
  alias = "prod"
  features {{}}
  subscription_id = "5c6f3b8e-1d2a-4f0b-9a57-3e8d1c2b4a60"
}}

variable "plan_id" {{
  type = string
}}

resource "azurerm_user_assigned_identity" "dev" {{ # finding
  name                = "id-dev"
  resource_group_name = "rg-shop-dev"
  location            = "westeurope"
}}

resource "azurerm_user_assigned_identity" "prod" {{
  provider            = azurerm.prod
  name                = "id-prod"
  resource_group_name = "rg-shop-prod"
  location            = "westeurope"
}}

resource "azurerm_linux_web_app" "dev" {{
  name                = "app-shop-dev"
  resource_group_name = "rg-shop-dev"
  location            = "westeurope"
  service_plan_id     = var.plan_id

  site_config {{}}

  identity {{
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.dev.id]
  }}
}}

resource "azurerm_linux_web_app" "prod" {{
  provider            = azurerm.prod
  name                = "app-shop-prod"
  resource_group_name = "rg-shop-prod"
  location            = "westeurope"
  service_plan_id     = var.plan_id

  site_config {{}}

  identity {{
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.{identity_of_prod}.id]
  }}
}}
"""


OWN = {"MI106": {"bad": two_subscriptions("dev"), "good": two_subscriptions("prod")}}
"""Examples of rules that have none in Terraform beside them."""


def example(rule: Rule, kind: str) -> str:
    if rule.meta.id in OWN:
        return OWN[rule.meta.id][kind]
    return rule.path.with_name(f"{rule.path.stem}.{kind}.tf").read_text(encoding="utf-8")


def places(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield where every member and item of a JSON text begins, and its path."""
    path: list[str] = []
    kinds: list[str] = []
    is_name = False
    for found in _PIECE.finditer(text):
        piece = found[0]
        if kinds and kinds[-1] == "[" and is_name and piece != "]":
            yield found.start(), [*path]
            is_name = False
        if piece in "{[":
            kinds.append(piece)
            path.append("" if piece == "{" else "0")
            is_name = True
        elif piece in "}]":
            kinds.pop()
            path.pop()
            is_name = False
        elif piece == ",":
            is_name = True
            if kinds[-1] == "[":
                path[-1] = str(int(path[-1]) + 1)
        elif kinds[-1] == "{" and is_name and piece != ":":
            path[-1] = json.loads(piece)
            is_name = False
            yield found.start(), [*path]


def offset(text: str, line: int, column: int) -> int:
    return sum(map(len, text.splitlines(keepends=True)[: line - 1])) + column - 1


def pointed_at(text: str, location: Location) -> tuple[str, str]:
    """The address of what holds the member of a plan at a location, and the member's name; empty for its head."""
    start = offset(text, location.line, location.column)
    end = offset(text, location.end_line, location.end_column)
    members = [(at, path) for at, path in places(text) if at <= start]
    at, path = members[-1]
    # A member begins with its name; of an address only the value is shown.
    shown = text[start:end]
    if path[-1] == "address":
        assert text[at:end] in (f'"address":{shown}', f'"address": {shown}')
    else:
        assert at == start
        assert shown.startswith(json.dumps(path[-1]))
    for holder, word in HOLDERS.items():
        if tuple(path[: len(holder)]) == holder:
            address = f"{word}.{path[len(holder)]}"
            return address, path[-1] if len(path) > len(holder) + 1 else ""
    assert path[:3] == ["planned_values", "root_module", "resources"]
    resource = json.loads(text)["planned_values"]["root_module"]["resources"][int(path[3])]
    return resource["address"], "" if path[4:] == ["address"] else path[-1]


def expected(text: str) -> tuple[str, str]:
    """The address of what holds the marked line of an example, and the name on that line; empty for its head."""
    address = ""
    for line in text.splitlines():
        head = _HEAD.match(line)
        if head is not None:
            word = {"resource": "", "variable": "var."}.get(head["mode"], f"{head['mode']}.")
            address = word + ".".join(filter(None, (head["first"], head["second"])))
        if line.endswith("# finding"):
            return address, "" if head is not None else line.split()[0]
    raise AssertionError("no line is marked")


@pytest.mark.parametrize("rule", EXAMPLES)
@pytest.mark.parametrize("form", FORMS)
def test_what_is_bad_is_found_in_its_plan(rule: Rule, form: str, tmp_path: Path) -> None:
    text = FORMS[form](planned(example(rule, "bad")))
    report = judged(tmp_path, {"plan.json": text}, [rule])
    assert [gap for gap in report.gaps if gap.reason != "unresolved"] == []
    assert report.faults == ()
    assert [finding.code for finding in report.findings] == [rule.meta.id]
    assert SECRET not in repr(report)
    location = report.findings[0].location
    assert location is not None
    assert location.uri == "plan.json"
    address, name = expected(example(rule, "bad"))
    assert pointed_at(text, location) == (address, NOT_IN_THE_PLAN.get(rule.meta.id, name))


@pytest.mark.parametrize("rule", EXAMPLES)
def test_what_is_good_is_passed_in_its_plan(rule: Rule, tmp_path: Path) -> None:
    report = judged(tmp_path, {"plan.json": planned(example(rule, "good"))}, [rule])
    assert [gap for gap in report.gaps if gap.reason != "unresolved"] == []
    assert report.faults == ()
    assert [finding.code for finding in report.findings] == []
    assert report.unknown == ()
