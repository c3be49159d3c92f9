"""The examples beside each rule: what is bad is found on the marked line, what is good is passed, in each language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scanner.engine.registry import Rule, builtin_folder, load_rules
from scanner.rule import Stage
from tests.rules.code import found, judged, marked

RULES = {rule.meta.id: rule for rule in load_rules() if rule.meta.runs_on(Stage.DECLARED)}
LANGUAGES = ("tf", "bicep", "json")
ONLY = {
    # Two subscriptions in one file: a Bicep file deploys to one, a Terraform file's resources to its provider's.
    "MI106": {"json"},
    "MI209": {"tf", "json"},
    # What only Terraform has: roles by name, providers and backends, applications of Entra.
    "MI212": {"tf"},
    "MI604": {"tf"},
    "MI605": {"tf"},
}
_NEIGHBOUR = re.compile(r"([a-z0-9_]+)\.(bad|good)\.(tf|bicep|json)")


def neighbour(rule: Rule, kind: str, language: str) -> Path:
    return rule.path.with_name(f"{rule.path.stem}.{kind}.{language}")


EXAMPLES = [
    pytest.param(rule, kind, language, id=f"{rule.meta.id}-{kind}-{language}")
    for rule in RULES.values()
    for language in LANGUAGES
    for kind in ("bad", "good")
    if neighbour(rule, kind, language).exists()
]


@pytest.mark.parametrize("rule", [pytest.param(rule, id=code) for code, rule in RULES.items()])
def test_each_rule_has_an_example_of_both_kinds_in_each_language_that_can_say_it(rule: Rule) -> None:
    there = {
        language
        for language in LANGUAGES
        if neighbour(rule, "bad", language).exists() and neighbour(rule, "good", language).exists()
    }
    assert ONLY.get(rule.meta.id, set(LANGUAGES)) == there


def test_each_example_lies_beside_its_rule_and_has_a_counterpart() -> None:
    stems = {rule.path.with_suffix("") for rule in RULES.values()}
    others = [
        path for path in builtin_folder().glob("*/*") if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert others
    for path in others:
        named = _NEIGHBOUR.fullmatch(path.name)
        assert named, f"{path.name}: an example is called <rule>.bad.<language> or <rule>.good.<language>"
        stem, kind, language = named.groups()
        assert path.with_name(stem) in stems, f"{path.name} has no rule"
        assert path.with_name(f"{stem}.{'good' if kind == 'bad' else 'bad'}.{language}").exists()


@pytest.mark.parametrize(("rule", "kind", "language"), EXAMPLES)
def test_what_is_bad_is_found_on_its_line_and_what_is_good_is_passed(
    rule: Rule, kind: str, language: str, tmp_path: Path
) -> None:
    files = {f"main.{language}": neighbour(rule, kind, language).read_text(encoding="utf-8")}
    report = judged(tmp_path, files, [rule])
    assert [gap for gap in report.gaps if gap.reason != "unresolved"] == []
    assert report.faults == ()
    assert found(report, rule.meta.id) == marked(files)
    if kind == "bad":
        assert len(report.findings) == len(marked(files)) == 1
    else:
        assert report.findings == ()
        assert report.unknown == ()


@pytest.mark.parametrize(
    ("rule", "kind", "language"), [param for param in EXAMPLES if "good" in param.values]
)
def test_a_good_example_is_good_by_every_rule(rule: Rule, kind: str, language: str, tmp_path: Path) -> None:
    """What a page recommends must not be another rule's finding."""
    files = {f"main.{language}": neighbour(rule, kind, language).read_text(encoding="utf-8")}
    report = judged(tmp_path, files, RULES.values())
    assert [(finding.code, finding.message) for finding in report.findings] == []
