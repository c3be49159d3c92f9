"""Every table a rule declares: unread, it turns the verdict that rests on it into UNKNOWN."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.engine.evaluate import Judged, judge
from scanner.engine.registry import Rule, load_rules
from scanner.facts.cases import Case, refused
from scanner.facts.schema import gap_tables
from scanner.facts.store import FactStore

RULES = load_rules()


def concerning(rule: Rule, names: tuple[str, ...]) -> list[str]:
    """The tables whose gaps concern subjects that were seen, as the engine understands it."""
    own = gap_tables(rule.meta.subject)
    return [name for name in names if gap_tables(name) - own]


def judged(store: FactStore, rule: Rule, case: Case) -> Judged:
    judgement = judge(store, [rule], {rule.meta.id: dict(case.parameters)})
    assert judgement.faults == ()
    return judgement.judged[0]


def failing(one: Judged) -> set[int]:
    return set(one.failing[one.rule.meta.subject_key].to_list())


def unknown(one: Judged) -> set[int]:
    key = one.rule.meta.subject_key
    return {subject for frame, _ in one.unknown for subject in frame[key].to_list()}


ABSENT = [
    pytest.param(rule, table, id=f"{rule.meta.id}-{table}") for rule in RULES for table in rule.meta.absent
]
READS = [
    pytest.param(rule, table, id=f"{rule.meta.id}-{table}")
    for rule in RULES
    for table in concerning(rule, rule.meta.reads + (("settings",) if rule.meta.settings else ()))
]


@pytest.mark.parametrize(("rule", "table"), ABSENT)
def test_nobody_is_convicted_by_the_absence_of_what_was_not_read(rule: Rule, table: str, build: Any) -> None:
    assert concerning(rule, (table,)), f"a gap in {table} never concerns a {rule.meta.subject} that was seen"
    for case in rule.cases:
        if case.verdict != "fail":
            continue
        convicted = failing(judged(build(case), rule, case))
        doubted = judged(build(case, refused(table)), rule, case)
        assert failing(doubted) == set(), case.title
        assert convicted <= unknown(doubted), case.title


@pytest.mark.parametrize(("rule", "table"), READS)
def test_nobody_is_passed_by_what_was_not_read(rule: Rule, table: str, build: Any) -> None:
    applied = 0
    for case in rule.cases:
        if case.verdict != "pass":
            continue
        doubted = judged(build(case, refused(table)), rule, case)
        assert doubted.subjects == len(unknown(doubted)), case.title
        applied += doubted.subjects
    assert applied, "no good case has a subject that the rule applies to"


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.meta.id) for rule in RULES])
def test_what_hides_subjects_is_said(rule: Rule, build: Any) -> None:
    """With the subject table itself unread, something is unknown whatever else was seen."""
    case = next(case for case in rule.cases if case.verdict == "pass")
    assert [gap.scope_id for gap in judged(build(case, refused(rule.meta.subject)), rule, case).unread] == [
        "/"
    ]
