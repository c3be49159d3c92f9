"""Where in code a finding is: the line to change, the declaration, what belongs to it."""

from __future__ import annotations

from typing import Any

from scanner.engine.describe import entities_of, findings
from scanner.engine.evaluate import judge
from scanner.engine.finding import Declared, Finding, Location, Related
from scanner.engine.registry import Rule
from scanner.facts.cases import World, assigned, identity
from scanner.facts.schema import TABLES
from scanner.facts.store import FactStore, polars_schema
from scanner.rule import Facts, Frame
from tests.engine.test_evaluate import rule

HEAD = Location("infra/main.tf", 5, 1, 5, 45)
ROLE = Location("infra/main.tf", 7, 3, 7, 33)
SCOPE = Location("infra/main.tf", 6, 3, 6, 40)


def with_rows(store: FactStore, **rows: list[dict[str, Any]]) -> FactStore:
    """Return the facts with the rows of some tables replaced."""
    import polars as pl

    frames = {name: store.frame(name) for name in TABLES}
    for name, values in rows.items():
        frames[name] = pl.LazyFrame(values, schema=polars_schema(TABLES[name]))
    return FactStore(frames)


def at(entity: int, place: Location, **more: Any) -> dict[str, Any]:
    return {
        "entity": entity,
        "uri": place.uri,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        **more,
    }


def declaration(entity: int, address: str) -> dict[str, Any]:
    flags = dict.fromkeys(("existing", "conditional", "referenced", "exported"), False)
    return {"entity": entity, "address": address, "language": "terraform", "unit": "infra", **flags}


def held(facts: Facts) -> Frame:
    return facts.workload_assignments.select("assignment", "principal", "role", "scope")


def check(rule_of: Rule, **rows: Any) -> Finding:
    world = World((identity("app"), assigned("app", "Owner")))
    store = world.build()
    keys = {
        entity_id: key
        for key, entity_id in store.frame("entities").select("entity", "id").collect().iter_rows()
    }
    assignment = next(key for entity_id, key in keys.items() if "roleAssignments" in entity_id)
    holder = store.frame("assignments").collect()["principal"][0]
    made = {name: build(assignment, holder) for name, build in rows.items()}
    store = with_rows(store, **made)
    judgement = judge(store, [rule_of])
    [finding] = findings(judgement, entities_of(store, judgement))
    return finding


def assignment_rule(**meta: Any) -> Rule:
    return rule(
        held, subject="workload_assignments", message="{principal} holds {role}", key=("principal",), **meta
    )


PROPERTIES = lambda subject, _: [  # noqa: E731
    at(subject, SCOPE, path="properties.scope"),
    at(subject, ROLE, path="properties.roleDefinitionId"),
]
PLACES = lambda subject, _: [at(subject, HEAD)]  # noqa: E731


def test_a_tenant_has_no_places() -> None:
    finding = check(assignment_rule(points_at=("properties.roleDefinitionId",)))
    assert (finding.location, finding.declared, finding.related) == (None, None, ())


def test_a_finding_points_at_the_declaration_when_the_rule_says_nothing() -> None:
    finding = check(assignment_rule(), places=PLACES, property_places=PROPERTIES)
    assert finding.location == HEAD
    assert finding.declared == Declared(HEAD)
    assert finding.related == ()


def test_it_points_at_the_first_property_of_the_rule_that_is_written() -> None:
    named = assignment_rule(
        points_at=("properties.principalId", "PROPERTIES.roledefinitionid", "properties.scope")
    )
    finding = check(
        named,
        places=PLACES,
        property_places=PROPERTIES,
        declarations=lambda subject, _: [declaration(subject, "azurerm_role_assignment.app")],
    )
    assert finding.location == ROLE
    assert finding.declared == Declared(HEAD, "azurerm_role_assignment.app", "terraform")
    assert finding.related == (Related(HEAD, "declared here"),)


def test_what_the_evidence_names_and_the_calls_are_related_the_innermost_call_first() -> None:
    holder_place = Location("infra/identity.tf", 1, 1, 1, 50)
    inner, outer = Location("modules/a/main.tf", 3, 1, 3, 11), Location("main.tf", 9, 1, 9, 11)
    finding = check(
        assignment_rule(),
        places=lambda subject, holder: [at(subject, HEAD), at(holder, holder_place)],
        module_calls=lambda subject, _: [at(subject, outer, depth=0), at(subject, inner, depth=1)],
    )
    assert finding.related == (
        Related(holder_place, "principal app"),
        Related(inner, "called here"),
        Related(outer, "called here"),
    )


def test_of_two_declarations_of_one_thing_the_first_place_counts_and_its_own_properties() -> None:
    other_head, other_role = Location("b.tf", 1, 1, 1, 9), Location("a/other.tf", 2, 3, 2, 9)
    finding = check(
        assignment_rule(points_at=("properties.roleDefinitionId",)),
        places=lambda subject, _: [at(subject, HEAD), at(subject, other_head)],
        property_places=lambda subject, _: [
            at(subject, other_role, path="properties.roleDefinitionId"),
            at(subject, Location("b.tf", 2, 3, 2, 20), path="properties.roleDefinitionId"),
        ],
    )
    assert finding.declared == Declared(other_head)
    assert finding.location == Location("b.tf", 2, 3, 2, 20)


def test_of_a_subject_that_no_code_declares_the_places_of_what_it_speaks_of_are_told() -> None:
    finding = check(assignment_rule(), places=lambda _, holder: [at(holder, HEAD)])
    assert (finding.location, finding.declared) == (None, None)
    assert finding.related == (Related(HEAD, "principal app"),)
