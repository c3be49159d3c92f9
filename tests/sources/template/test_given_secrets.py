"""Secrets that stand in a parameter file, or where a module is called."""

from typing import Any

import pytest

from scanner.sources.declared.declaration import Declaration, Unit
from tests.sources.template.evaluating import PARAMETERS, inner, resource, run

MADE_UP = "Not" + "ASecret" + "42!"
BICEP = "@secure()\nparam adminPassword string\nparam size string = 'S'\n"
ARM = inner(parameters={"adminPassword": {"type": "secureString"}, "size": {"type": "string"}}, resources=[])


def given(unit: Unit) -> list[Declaration]:
    return [
        declared
        for declared in unit.declarations
        if declared.type == "parameter" and declared.body.get("given") is not None
    ]


def written(unit: Unit, files: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Address, file and text of each secret that is given."""
    return [
        (
            declared.address,
            declared.place.uri,
            files[declared.place.uri][declared.place.start : declared.place.end],
        )
        for declared in given(unit)
    ]


def json_parameters(**values: Any) -> dict[str, Any]:
    return {"$schema": PARAMETERS, "parameters": values}


def test_in_a_parameter_file_of_arm_it_stands_at_its_value() -> None:
    from tests.sources.template.evaluating import encoded

    file = encoded(json_parameters(adminPassword={"value": MADE_UP}, size={"value": "L"}))
    unit = run({"a.json": ARM, "a.parameters.json": file}, "a.json", "a.parameters.json")
    found = written(unit, {"a.parameters.json": file.decode()})
    assert found == [("param.adminPassword", "a.parameters.json", f'"{MADE_UP}"')]
    only = given(unit)[0]
    assert only.language == "arm"
    assert only.name == "adminPassword"
    assert only.body.properties["value"].value == MADE_UP
    assert only.body.properties["secure"].value is True


def test_in_a_parameter_file_of_bicep_and_in_one_that_it_extends() -> None:
    files = {
        "main.bicep": BICEP + "@secure()\nparam key string\n",
        "base.bicepparam": f"using none\nparam key = '{MADE_UP}'\nparam adminPassword = '{MADE_UP}'\n",
        "a.bicepparam": f"using 'main.bicep'\nextends 'base.bicepparam'\nparam adminPassword = '{MADE_UP}'\n",
    }
    assert written(run(files, "main.bicep", "a.bicepparam"), files) == [
        ("param.adminPassword", "a.bicepparam", f"'{MADE_UP}'"),
        ("param.key", "base.bicepparam", f"'{MADE_UP}'"),
    ]


def test_a_default_and_a_value_are_two() -> None:
    files = {
        "main.bicep": f"@secure()\nparam adminPassword string = '{MADE_UP}'\n",
        "a.bicepparam": f"using 'main.bicep'\nparam adminPassword = '{MADE_UP}'\n",
    }
    unit = run(files, "main.bicep", "a.bicepparam")
    parameters = [declared for declared in unit.declarations if declared.type == "parameter"]
    assert [(declared.address, declared.name, declared.place.uri) for declared in parameters] == [
        ("param.adminPassword", "adminPassword", "main.bicep"),
        ("param.adminPassword#2", "adminPassword", "a.bicepparam"),
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"reference": {"keyVault": {"id": "/subscriptions/s"}, "secretName": "x"}},
        {"value": None},
        {"value": ""},
        {"value": {}},
        {},
    ],
)
def test_what_is_read_from_a_vault_or_empty_is_no_secret(value: dict[str, Any]) -> None:
    file = json_parameters(adminPassword=value)
    assert given(run({"a.json": ARM, "p.json": file}, "a.json", "p.json")) == []


@pytest.mark.parametrize("value", ["az.getSecret('s', 'g', 'v', 'n')", "readEnvironmentVariable('P')", "''"])
def test_what_bicep_reads_elsewhere_is_no_secret(value: str) -> None:
    files = {"main.bicep": BICEP, "a.bicepparam": f"using 'main.bicep'\nparam adminPassword = {value}\n"}
    assert given(run(files, "main.bicep", "a.bicepparam")) == []


def test_where_a_module_is_called_a_text_that_is_written_there() -> None:
    files = {
        "main.bicep": f"""
param other string = 'a'
var chosen = 'b'
module one 'm.bicep' = {{ params: {{ adminPassword: '{MADE_UP}', size: 'L' }} }}
module two 'm.bicep' = {{ params: {{ adminPassword: other }} }}
module three 'm.bicep' = {{ params: {{ adminPassword: chosen }} }}
module four 'm.bicep' = {{ params: {{ adminPassword: newGuid() }} }}
module five 'm.bicep' = [for n in [1, 2]: {{ params: {{ adminPassword: '{MADE_UP}' }} }}]
""",
        "m.bicep": BICEP,
    }
    assert written(run(files, "main.bicep"), files) == [
        ("one.param.adminPassword", "main.bicep", f"'{MADE_UP}'"),
        ("five[0].param.adminPassword", "main.bicep", f"'{MADE_UP}'"),
    ]


def test_a_nested_deployment_of_arm_is_given_one() -> None:
    deployment = {
        **resource("Microsoft.Resources/deployments", "d"),
        "properties": {
            "mode": "Incremental",
            "expressionEvaluationOptions": {"scope": "inner"},
            "template": ARM,
            "parameters": {"adminPassword": {"value": MADE_UP}, "size": {"value": "S"}},
        },
    }
    unit = run({"a.json": inner(resources=[deployment])}, "a.json")
    assert [declared.name for declared in given(unit)] == ["adminPassword"]
