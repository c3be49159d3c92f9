"""Every function of ARM templates and of Bicep is worked out, or deliberately not, with a reason."""

from typing import Any

import pytest

from scanner.sources.declared.values import KeyRead, Object, Ref, Unknown, Value
from scanner.sources.template.unknown_functions import REASONS
from tests.sources.template.evaluating import computed, output, plain, resource, run

STORE = "Microsoft.Storage/storageAccounts"
ID = "/subscriptions/s/resourceGroups/g/providers/" + STORE + "/st"

KNOWN: dict[str, tuple[str, Any]] = {
    # arrays
    "array": ("array('a')", ["a"]),
    "concat": ("concat('a', 'b')", "ab"),
    "contains": ("contains('abc', 'b')", True),
    "createArray": ("createArray(1, 2)", [1, 2]),
    "empty": ("empty('')", True),
    "first": ("first(createArray(1, 2))", 1),
    "flatten": ("flatten(createArray(createArray(1), createArray(2)))", [1, 2]),
    "indexFromEnd": ("indexFromEnd(createArray(1, 2, 3), 1)", 3),
    "indexOf": ("indexOf('test', 't')", 0),
    "intersection": ("intersection(createArray(1, 2), createArray(2, 3))", [2]),
    "last": ("last('One')", "e"),
    "lastIndexOf": ("lastIndexOf('test', 't')", 3),
    "length": ("length('four')", 4),
    "max": ("max(1, 3, 2)", 3),
    "min": ("min(createArray(4, 3))", 3),
    "range": ("range(5, 3)", [5, 6, 7]),
    "skip": ("skip('one two', 4)", "two"),
    "take": ("take('one two', 3)", "one"),
    "tryGet": ("tryGet(createObject('a', 1), 'b')", None),
    "tryIndexFromEnd": ("tryIndexFromEnd(createArray(1), 2)", None),
    "union": ("union(createArray('a'), createArray('a', 'b'))", ["a", "b"]),
    # addresses, as their documentation shows them
    "parseCidr": (
        "parseCidr('10.144.0.0/20')",
        {
            "network": "10.144.0.0",
            "netmask": "255.255.240.0",
            "broadcast": "10.144.15.255",
            "firstUsable": "10.144.0.1",
            "lastUsable": "10.144.15.254",
            "cidr": 20,
        },
    ),
    "cidrSubnet": ("cidrSubnet('fdad:3236:5555::/48', 52, 4)", "fdad:3236:5555:4000::/52"),
    "cidrHost": ("cidrHost('10.144.3.0/24', 4)", "10.144.3.5"),
    # comparisons
    "coalesce": ("coalesce(null(), 'a')", "a"),
    "equals": ("equals(1, 1)", True),
    "greater": ("greater(2, 1)", True),
    "greaterOrEquals": ("greaterOrEquals(1, 1)", True),
    "less": ("less('a', 'b')", True),
    "lessOrEquals": ("lessOrEquals(2, 1)", False),
    # lambdas
    "filter": ("filter(createArray(1, 2), lambda('x', greater(lambdaVariables('x'), 1)))", [2]),
    "groupBy": ("groupBy(createArray('a1'), lambda('x', take(lambdaVariables('x'), 1)))", {"a": ["a1"]}),
    "map": ("map(createArray(1), lambda('x', add(lambdaVariables('x'), 1)))", [2]),
    "mapValues": ("mapValues(createObject('a', 1), lambda('x', add(lambdaVariables('x'), 1)))", {"a": 2}),
    "reduce": ("reduce(createArray(1, 2), 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))", 3),
    "sort": ("sort(createArray(2, 1), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))", [1, 2]),
    "toObject": ("toObject(createArray('a'), lambda('x', lambdaVariables('x')))", {"a": "a"}),
    # logic
    "and": ("and(true(), false())", False),
    "bool": ("bool('true')", True),
    "false": ("false()", False),
    "if": ("if(true(), 1, 2)", 1),
    "not": ("not(false())", True),
    "or": ("or(false(), true())", True),
    "true": ("true()", True),
    # numbers
    "add": ("add(1, 2)", 3),
    "div": ("div(7, 2)", 3),
    "float": ("float('3.5')", 3.5),
    "int": ("int('3')", 3),
    "mod": ("mod(7, 2)", 1),
    "mul": ("mul(2, 3)", 6),
    "sub": ("sub(3, 2)", 1),
    # objects
    "createObject": ("createObject('a', 1)", {"a": 1}),
    "items": ("items(createObject('a', 1))", [{"key": "a", "value": 1}]),
    "json": ("json('{\"a\": [1]}')", {"a": [1]}),
    "null": ("null()", None),
    "objectKeys": ("objectKeys(createObject('a', 1))", ["a"]),
    "shallowMerge": ("shallowMerge(createArray(createObject('a', 1), createObject('a', 2)))", {"a": 2}),
    # texts
    "base64": ("base64('one')", "b25l"),
    "base64ToJson": ("base64ToJson(base64('{\"a\": 1}'))", {"a": 1}),
    "base64ToString": ("base64ToString('b25l')", "one"),
    "dataUri": ("dataUri('Hello')", "data:text/plain;charset=utf8;base64,SGVsbG8="),
    "dataUriToString": ("dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", "Hello, World!"),
    "endsWith": ("endsWith('abc', 'BC')", True),
    "format": ("format('{0}-{1}', 'a', 1)", "a-1"),
    "join": ("join(createArray('a', 'b'), ', ')", "a, b"),
    "padLeft": ("padLeft(123, 5, '0')", "00123"),
    "replace": ("replace('a-b', '-', '')", "ab"),
    "split": ("split('a;b', ';')", ["a", "b"]),
    "startsWith": ("startsWith('abc', 'AB')", True),
    "string": ("string(createArray(1))", "[1]"),
    "substring": ("substring('abc', 1, 1)", "b"),
    "toLower": ("toLower('A')", "a"),
    "toUpper": ("toUpper('a')", "A"),
    "trim": ("trim(' a ')", "a"),
    "uri": ("uri('http://a.org/firstpath', 'sub')", "http://a.org/sub"),
    "uriComponent": ("uriComponent('a b')", "a%20b"),
    "uriComponentToString": ("uriComponentToString('a%20b')", "a b"),
    # ids
    "extensionResourceId": ("extensionResourceId('/a', 'B.C/d', 'e')", "/a/providers/B.C/d/e"),
    "managementGroupResourceId": (
        "managementGroupResourceId('m', 'B.C/d', 'e')",
        "/providers/Microsoft.Management/managementGroups/m/providers/B.C/d/e",
    ),
    "resourceId": (f"resourceId('s', 'g', '{STORE}', 'st')", ID),
    "subscriptionResourceId": ("subscriptionResourceId('s', 'B.C/d', 'e')", "/subscriptions/s/providers/B.C/d/e"),
    "tenantResourceId": ("tenantResourceId('B.C/d', 'e')", "/providers/B.C/d/e"),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_a_function_is_worked_out(name: str) -> None:
    expression, expected = KNOWN[name]
    assert plain(computed(expression)) == expected


DEPLOYED: dict[str, tuple[str, type]] = {
    "copyIndex": ("copyIndex()", Unknown),
    "listKeys": (f"listKeys('{ID}', '2023-01-01')", KeyRead),
    "managementGroup": ("managementGroup()", Object),
    "parameters": ("parameters('p')", Unknown),
    "reference": ("reference('st')", Ref),
    "references": ("references('none')", Unknown),
    "resourceGroup": ("resourceGroup()", Object),
    "subscription": ("subscription()", Object),
    "tenant": ("tenant()", Object),
    "variables": ("variables('v')", Unknown),
    "fail": ("fail('no')", Unknown),
    "getSecret": ("getSecret('v', 's')", Unknown),
    "loadYamlContent": ("loadYamlContent('x.yaml')", Unknown),
}


@pytest.mark.parametrize("name", DEPLOYED)
def test_what_stands_for_what_is_known_when_deploying(name: str) -> None:
    expression, kind = DEPLOYED[name]
    found = computed(expression, resources=[resource(STORE, "st")])
    assert isinstance(found, kind)


ARGUMENTS = {
    "guid": "'a'",
    "uniqueString": "'a'",
    "newGuid": "",
    "utcNow": "'yyyy'",
    "dateTimeAdd": "utcNow(), 'P1D'",
    "dateTimeFromEpoch": "1",
    "dateTimeToEpoch": "'2024-01-01'",
    "pickZones": "'a', 'b', 'c'",
    "toLogicalZone": "'s', 'l', 'z'",
    "toLogicalZones": "'s', 'l', createArray('z')",
    "toPhysicalZone": "'s', 'l', 'z'",
    "toPhysicalZones": "'s', 'l', createArray('z')",
    "providers": "'A.B', 'c'",
    "deployment": "",
    "deployer": "",
    "environment": "",
    "buildUri": "createObject('host', 'a')",
    "parseUri": "'https://a'",
    "loadDirectoryFileInfo": "'x'",
}


def test_each_function_that_is_not_worked_out_has_a_case() -> None:
    assert {name.lower() for name in ARGUMENTS} == set(REASONS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_function_is_not_worked_out_for_a_reason(name: str) -> None:
    found = computed(f"{name}({ARGUMENTS[name]})")
    assert isinstance(found, Unknown)
    assert found.why == REASONS[name.lower()]
    assert found.shown.startswith(f"{name}(")


IN_PARAMETER_FILES = {
    "readEnvironmentVariable('X')": "it is read from the environment",
    "externalInput('sys.cli', 'x')": "it is read from the environment",
    "readCliArg('x')": "it is read from the environment",
    "az.getSecret('s', 'g', 'v', 'n')": "it is read from a vault when deploying",
}


@pytest.mark.parametrize("call", IN_PARAMETER_FILES)
def test_functions_of_parameter_files_are_known_when_deploying(call: str) -> None:
    files = {
        "main.bicep": "param p string\noutput o string = p",
        "a.bicepparam": f"using 'main.bicep'\nparam p = {call}",
    }
    found = output(run(files, "main.bicep", "a.bicepparam"), "o")
    assert isinstance(found, Unknown)
    assert found.why == IN_PARAMETER_FILES[call]


BICEP_ONLY: dict[str, tuple[str, Any]] = {
    "any": ("any('a')", "a"),
    "nameof": ("nameof(p)", "p"),
    "loadTextContent": ("loadTextContent('a.txt')", "text"),
    "loadJsonContent": ("loadJsonContent('a.json')", {"x": 1}),
    "loadFileAsBase64": ("loadFileAsBase64('a.txt')", "dGV4dA=="),
    "sys": ("sys.concat('a', 'b')", "ab"),
    "az": ("az.tenantResourceId('B.C/d', 'e')", "/providers/B.C/d/e"),
    "az and a scope": ("az.subscriptionResourceId('s', 'B.C/d', 'e')", "/subscriptions/s/providers/B.C/d/e"),
    "from the end": ("[1, 2, 3][^2]", 2),
    "from the end, further": ("[{ x: { y: 1 } }][?^1].x.y", 1),
    "from the end, not there": ("[1][?^2].x.y", None),
}  # fmt: skip


@pytest.mark.parametrize("name", BICEP_ONLY)
def test_functions_that_only_bicep_has(name: str) -> None:
    expression, expected = BICEP_ONLY[name]
    files = {
        "main.bicep": f"param p string = ''\noutput o object = {expression}",
        "a.txt": "text",
        "a.json": b'{"x": 1}',
    }
    assert plain(output(run(files, "main.bicep"), "o")) == expected


def test_what_yaml_holds_is_not_known_and_depends_on_the_file() -> None:
    files = {"main.bicep": "output o object = loadYamlContent('a.yaml').x", "a.yaml": "x: 1"}
    unit = run(files, "main.bicep")
    assert output(unit, "o") == Unknown("loadYamlContent('a.yaml').x", "what is in the file is not looked at")
    assert unit.files == ["main.bicep", "a.yaml"]


@pytest.mark.parametrize(
    "expression",
    [
        "cidrSubnet('10.0.0.0/24', 25, 2)",
        "cidrSubnet('10.0.0.0/24', 20, 0)",
        "cidrSubnet('10.0.0.0/24', 33, 0)",
        "cidrHost('10.0.0.0/30', 5)",
        "cidrHost('10.0.0.0/24', -1)",
        "parseCidr('10.0.0.300/24')",
        "parseCidr('10.0.0.1')",
        "parseCidr(1)",
        "dataUriToString('text')",
        "indexFromEnd(createArray(1), 2)",
        "indexFromEnd(createArray(1), 0)",
    ],
)
def test_what_would_fail_when_deploying_is_not_known(expression: str) -> None:
    found: Value = computed(expression)
    assert isinstance(found, Unknown)
