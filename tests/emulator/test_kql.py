"""Which operators and functions a collector may use, each shown by its answer."""

from __future__ import annotations

import pytest

from scanner.emulator.hierarchy import window
from scanner.emulator.kql import InvalidQueryError, Inventory, StoredRow


def row(name, **more):
    identity = more.pop("identity", None)
    properties = more.pop("properties", None)
    shown = {"id": f"/r/{name}", "name": name, "type": "t/x", "subscriptionId": "s1"}
    return StoredRow(
        {**shown, "identity": identity, "properties": properties, **more}, "s1", f"/r/{name}", False
    )


@pytest.fixture(scope="module")
def inventory():
    made = Inventory(
        {
            "resources": [
                row(
                    "a",
                    identity={"type": "SystemAssigned"},
                    properties={"a": {"b": "X"}, "l": [1, 2], "on": True},
                    kind="app",
                ),
                row(
                    "B",
                    type="t/y",
                    subscriptionId="S2",
                    properties={"a": None, "it's": 'q"uote', "kind": "inner"},
                ),
                row("c", properties={"l": list(range(200))}, kind="kind"),
            ],
            "resourcecontainers": [row("a", properties={"n": 1})],
        }
    )
    yield made
    made.close()


@pytest.fixture
def names(inventory, contoso):
    everything = window(
        contoso.hierarchy,
        subscriptions=None,
        groups=None,
        refused=frozenset(),
        scope_filter="AtScopeAboveAndBelow",
    )

    def run(query):
        result = inventory.run(query, everything, settled=True)
        return [tuple(row) if len(row) > 1 else row[0] for row in result.rows]

    return run


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("type =~ 'T/X'", ["a", "c"]),
        ("type !~ 'T/X'", ["B"]),
        ("subscriptionId in~ ('s1', 's9')", ["a", "c"]),
        ("subscriptionId !in~ ('s1')", ["B"]),
        ("name in ('a', 'b')", ["a"]),
        ("isnotempty(identity)", ["a"]),
        ("isnotempty(identity) and tostring(identity.type) !~ 'None'", ["a"]),
        ("isnull(identity)", ["B", "c"]),
        ("tostring(properties.a.b) =~ 'x'", ["a"]),
        ("properties.a.b == 'X'", ["a"]),
        ("properties['a']['b'] == 'X'", ["a"]),
        ("properties.on == true", ["a"]),
        ("isnotnull(properties.a.b)", ["a"]),
        ("tostring(properties) contains 'UOTE'", ["B"]),
        ("properties has 'X'", ["a"]),
        ("strcmp(id, '/r/a') > 0", ["c"]),
        ("strcmp(id, '/r/a') > 0 and name != 'strcmp(x)'", ["c"]),
        ("name startswith 'b'", ["B"]),
        ("name matches regex '^[ac]$'", ["a", "c"]),
        ("array_length(properties.l) == 2", ["a"]),
        ("not(name == 'a') or name == 'a'", ["B", "a", "c"]),
        ("tolower(name) == 'b'", ["B"]),
    ],
)
def test_where(names, where, expected):
    assert names(f"resources | where {where} | project name | order by name asc") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("resources | order by id asc | project name", ["B", "a", "c"]),
        ("resources | where name == 'a' | project x=properties.a.b", ['"X"']),
        ("resources | where name == 'a' | project x=tostring(properties.a.b)", ["X"]),
        ("resources | where name == 'a' | extend k=strcat(name, '|', type) | project k", ["a|t/x"]),
        (
            "resources | where name == 'a' | project bag_pack('n', name, 'b', properties.a)",
            ['{"n":"a","b":{"b":"X"}}'],
        ),
        ("resources | summarize n=count() by type | order by type asc", [("t/x", 2), ("t/y", 1)]),
        ("resources | count", [3]),
        ("resources | distinct type | order by type asc", ["t/x", "t/y"]),
        ("resources | project name | top 1 by name asc", ["B"]),
        ("resources | where name == 'a' | mv-expand x=properties.l | project x", ["1", "2"]),
        (
            "resources | project id | join kind=inner (ResourceContainers | project id, n=name) on id | project n",
            ["a"],
        ),
        (
            "resources | project name | union (resourcecontainers | project name) | summarize count() by name | count",
            [3],
        ),
        ("RESOURCES // all\n| where name == 'a' | project name", ["a"]),
    ],
)
def test_operators(names, query, expected):
    assert names(query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("project name, kind | order by name asc", [("B", None), ("a", "app"), ("c", "kind")]),
        ("project x=kind, ['kind'] | order by x desc | limit 1", [("kind", "kind")]),
        ("where kind == 'app' | project name", ["a"]),
        ("where kind=='app' | project name", ["a"]),
        ("where kind =~ 'APP' or name == 'kind' | project name // by kind", ["a"]),
        (
            "where isnotempty(kind) | summarize n=count() by kind | order by kind asc",
            [("app", 1), ("kind", 1)],
        ),
        ("where tostring(properties.kind) == 'inner' | project name", ["B"]),
        ("where tostring(properties['kind']) == 'inner' | project name", ["B"]),
        ("extend kind = strcat(kind, '!') | where name == 'a' | project kind", ["app!"]),
        ("where name == 'a' | join kind=inner (resources | project id, kind) on id | project kind", ["app"]),
        ("where name == 'a' | join kind = leftouter (resources | project id) on id | project kind", ["app"]),
    ],
)
def test_a_bare_kind_is_a_column(names, query, expected):
    assert names(f"resources | {query}") == expected


def test_dynamic_path_without_a_name_is_called_as_in_azure(inventory, contoso):
    everything = window(
        contoso.hierarchy,
        subscriptions=None,
        groups=None,
        refused=frozenset(),
        scope_filter="AtScopeAndBelow",
    )
    result = inventory.run("resources | project id, properties.a.b", everything, settled=True)
    assert result.columns == ("id", "properties_a_b")
    assert result.dynamic == (False, True)


def test_mv_expand_cuts_at_128_without_a_word(names):
    grown = "resources | where name == 'c' | mv-expand x=properties.l"
    assert names(f"{grown} | count") == [128]
    assert names(f"{grown} limit 150 | count") == [150]


@pytest.mark.parametrize(
    "query",
    [
        "resources | mv-expand x=properties.l limit 401",
        "resources | mv-expand x=properties.l | mv-expand y=properties.l | mv-expand z=properties.l",
        "resources | evaluate bag_unpack(properties)",
        "resources | project hash(id)",
        ".create table x (a:string)",
    ],
)
def test_what_azure_refuses_or_the_engine_cannot_do_is_refused(names, query):
    with pytest.raises(InvalidQueryError) as caught:
        names(query)
    assert caught.value.details[0]["code"] == "InvalidQuery"


def test_a_missing_engine_is_named_with_the_command_that_installs_it(monkeypatch):
    import sys

    from scanner.emulator import EngineMissingError

    monkeypatch.setitem(sys.modules, "duckdb_kql", None)
    with pytest.raises(EngineMissingError, match=r"pip install 'midas-scanner\[emulator\]'"):
        Inventory({})
