"""Modules of a registry, read from the ARM template that a compiler left beside the Bicep."""

import json
from typing import Any

import pytest

from scanner.sources.declared.declaration import Place, Unit
from scanner.sources.declared.values import Property, Ref, Unknown
from tests.sources.template.evaluating import (
    ASSIGNMENTS,
    DEPLOYMENTS,
    IDENTITIES,
    OWNER,
    addresses,
    at,
    gaps,
    inner,
    output,
    resource,
    run,
    value,
)

GENERATOR = {"_generator": {"name": "bicep", "version": "0.30.0", "templateHash": "1"}}
CALL = """
param place string
module app 'br/public:avm/res/managed-identity/user-assigned-identity:0.4.0' = {
  name: 'app'
  params: {
    name: 'id-app'
    location: place
  }
}
output principal string = app.outputs.principalId
"""
GAP = (
    "skipped",
    "The module br/public:avm/res/managed-identity/user-assigned-identity:0.4.0 is in a registry and not in this "
    "repository.",
)
IDENTITY = inner(
    languageVersion="2.0",
    metadata=GENERATOR,
    parameters={
        "name": {"type": "string"},
        "location": {"type": "string"},
        "token": {"type": "securestring", "defaultValue": "made up for this test"},
    },
    resources={
        "identity": resource(IDENTITIES, "[parameters('name')]", location="[parameters('location')]"),
        "owner": resource(
            ASSIGNMENTS,
            "[guid(resourceGroup().id)]",
            properties={
                "roleDefinitionId": f"[subscriptionResourceId('{ASSIGNMENTS}', '{OWNER}')]",
                "principalId": "[reference('identity').principalId]",
            },
        ),
        "more": {
            **resource(DEPLOYMENTS, "more"),
            "properties": {
                "mode": "Incremental",
                "expressionEvaluationOptions": {"scope": "inner"},
                "parameters": {"name": {"value": "[parameters('name')]"}},
                "template": inner(
                    parameters={"name": {"type": "string"}},
                    resources=[resource("A.B/c", "[parameters('name')]", properties={"x": 1})],
                ),
            },
        },
    },
    outputs={"principalId": {"type": "string", "value": "[reference('identity').principalId]"}},
)


def deployed(template: dict[str, Any], **given: str) -> dict[str, Any]:
    """What the compiler makes of a module."""
    return {
        **resource(DEPLOYMENTS, "app"),
        "properties": {
            "expressionEvaluationOptions": {"scope": "inner"},
            "mode": "Incremental",
            "parameters": {name: {"value": held} for name, held in given.items()},
            "template": template,
        },
    }


GIVEN = {"name": "id-app", "location": "[parameters('place')]"}


def compiled(resources: Any, **more: Any) -> bytes:
    whole = {"languageVersion": "2.0", "metadata": GENERATOR, "resources": resources, **more}
    return json.dumps(inner(**whole), indent=2).encode()


def check(compiled_file: bytes, call: str = CALL) -> Unit:
    return run({"main.bicep": call, "main.json": compiled_file}, "main.bicep")


WHOLE = compiled({"app": deployed(IDENTITY, **GIVEN)})


def test_what_was_compiled_is_read_and_stands_where_people_wrote_the_call() -> None:
    unit = check(WHOLE)
    assert gaps(unit) == []
    assert addresses(unit) == [
        "app.param.token",
        "app.identity",
        "app.owner",
        "app.more.A.B/c/{parameters('name')}",
        "output.principal",
    ]
    head = CALL.index("module app")
    for declared in unit.declarations[:4]:
        assert declared.place == Place("main.bicep", head, CALL.index("{\n  name") - 1)
        assert declared.language == "bicep"
        assert declared.calls == ()
    assert at(unit, "app.identity").whole.end == CALL.index("output") - 1
    assert at(unit, "app.identity").name == "id-app"
    assert value(unit, "app.identity", "location") == Unknown(
        "param place", "no value is given for the parameter"
    )
    assert value(unit, "app.owner", "properties", "principalId") == Ref(
        "app.identity", ("properties", "principalId"), "reference(app.identity).principalId"
    )
    assert output(unit, "principal") == value(unit, "app.owner", "properties", "principalId")
    assert unit.files == ["main.bicep", "main.json"]


def test_nothing_of_it_has_a_place_in_a_file_that_nobody_writes() -> None:
    unit = check(WHOLE)
    properties = at(unit, "app.more.A.B/c/{parameters('name')}").body.get("properties")
    assert properties is not None
    assert not properties.written
    assert properties.value.properties == {"x": Property(1)}  # type: ignore[union-attr]  # an object
    assert not at(unit, "app.param.token").body.properties["value"].written


def test_a_module_in_a_module_is_found_in_what_was_made_of_the_outermost() -> None:
    outer = inner(languageVersion="2.0", metadata=GENERATOR, resources={"app": deployed(IDENTITY, **GIVEN)})
    unit = run(
        {
            "main.bicep": "module access 'parts/access.bicep' = { params: { place: 'here' } }",
            "parts/access.bicep": CALL,
            "main.json": compiled({"access": deployed(outer, place="here")}),
        },
        "main.bicep",
    )
    assert gaps(unit) == []
    identity = at(unit, "access.app.identity")
    assert identity.place.uri == "parts/access.bicep"
    assert [call.uri for call in identity.calls] == ["main.bicep"]
    assert value(unit, "access.app.identity", "location") == "here"
    assert unit.files == ["main.bicep", "parts/access.bicep", "parts/access.json", "main.json"]


TWO = (
    """
module other 'other.bicep' = { params: { name: 'x' } }
"""
    + CALL
)


def test_without_symbolic_names_the_order_tells() -> None:
    telemetry = {**deployed({"resources": []}), "name": "telemetry"}
    other = deployed(inner(metadata=GENERATOR, resources=[]), name="x")
    unit = run(
        {
            "main.bicep": TWO,
            "other.bicep": "param name string",
            "main.json": compiled([telemetry, other, deployed(IDENTITY, **GIVEN)]),
        },
        "main.bicep",
    )
    assert gaps(unit) == []
    assert at(unit, "app.identity").name == "id-app"


def test_without_symbolic_names_as_many_modules_must_be_there() -> None:
    files = {"main.bicep": TWO, "other.bicep": "param name string"}
    unit = run({**files, "main.json": compiled([deployed(IDENTITY, **GIVEN)])}, "main.bicep")
    assert gaps(unit) == [GAP]


@pytest.mark.parametrize(
    "file",
    [
        compiled({"app": deployed(IDENTITY, name="id-app")}),
        compiled({"app": deployed(IDENTITY, **GIVEN, tags="x")}),
        compiled({"another": deployed(IDENTITY, **GIVEN)}),
        compiled({"app": deployed(IDENTITY, **GIVEN)}, metadata={}),
        compiled({"app": {**resource(DEPLOYMENTS, "app"), "properties": {"templateLink": {"id": "x"}}}}),
        compiled({"app": resource("A.B/c", "app")}),
        WHOLE[: len(WHOLE) // 2],
        WHOLE.replace(b'"app": {', b'"\xff": {'),
        b'{"metadata": {"_generator": {"name": "bicep"}}, "resources": ' + b"[" * 100_000,
        b"",
    ],
    ids=[
        "fewer parameters",
        "more parameters",
        "no such module",
        "not made of Bicep",
        "elsewhere",
        "no deployment",
        "half a file",
        "no text",
        "deep",
        "empty",
    ],
)
def test_what_does_not_fit_leaves_the_gap(file: bytes) -> None:
    unit = check(file)
    assert gaps(unit) == [GAP]
    assert addresses(unit) == ["output.principal"]
    assert output(unit, "principal") == Unknown("app.outputs.principalId", "its module is in a registry")


def test_a_loop_gives_each_instance_its_own() -> None:
    call = CALL.replace("= {\n  name: 'app'", "= [for n in ['a', 'b']: {\n  name: n").replace(
        "  }\n}\n", "  }\n}]\n"
    )
    call = call.replace("'id-app'", "'id-${n}'").replace("app.outputs", "app[1].outputs")
    unit = check(WHOLE, call)
    assert gaps(unit) == []
    assert [at(unit, f"app[{number}].identity").name for number in (0, 1)] == ["id-a", "id-b"]
