"""Every case of every rule, through the real engine."""

from __future__ import annotations

import string

import pytest

from scanner.engine.casework import try_case
from scanner.engine.describe import entities_of, findings
from scanner.engine.evaluate import judge
from scanner.engine.registry import Rule, load_rules
from scanner.facts.cases import Case
from scanner.facts.store import FactStore

RULES = load_rules()
CASES = [
    pytest.param(rule, case, id=f"{rule.meta.id}-{case.verdict}-{case.title.replace(' ', '_')}")
    for rule in RULES
    for case in rule.cases
]
BAD = [param for param in CASES if param.values[1].verdict == "fail"]


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_the_rule_gives_the_verdict_of_its_case(rule: Rule, case: Case) -> None:
    assert try_case(rule, case) == []


@pytest.mark.parametrize(("rule", "case"), BAD)
def test_a_finding_says_all_that_its_message_promises(rule: Rule, case: Case, build: object) -> None:
    assert callable(build)
    store: FactStore = build(case)
    judgement = judge(store, [rule], {rule.meta.id: dict(case.parameters)})
    found = findings(judgement, entities_of(store, judgement))
    columns = {
        name.partition(".")[0] for _, name, _, _ in string.Formatter().parse(rule.meta.message) if name
    } - {"name"}
    for finding in found:
        missing = sorted(name for name in columns if finding.evidence.get(name) is None)
        assert missing == [], finding.message
    assert len({finding.fingerprint for finding in found}) == len(found)
