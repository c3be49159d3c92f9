"""Rule modules on disk: what loads, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.engine.registry import RuleError, load_rule, load_rules
from scanner.rule import MarkSecret, PlainFix, RemoveProperty, SetProperty

GOOD = '''"""A resource that exists.

## What it finds
Any resource.

## Why it matters
It does not.

## How to fix it
Delete it.
"""

from scanner.rule import Facts, Frame, Meta, Severity, bad, good, resource, unknown, refused, identity

META = Meta(
    id="MI190",
    name="some-resource",
    severity=Severity.LOW,
    subject="resources",
    message="{name} is there",
    since="0.1",
)


def check(facts: Facts) -> Frame:
    """Return all."""
    return facts.resources.select("resource")


CASES = (
    bad("there", resource("vm")),
    good("nothing", identity("a")),
    unknown("unread", refused("resources"), finds=("tenant",)),
)
'''


def write(folder: Path, text: str, name: str = "some_resource.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_private_rule_is_loaded_beside_the_built_in_ones(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    rules = load_rules([tmp_path])
    assert "MI190" in [rule.meta.id for rule in rules]
    assert "MI101" in [rule.meta.id for rule in rules]
    assert [rule.meta.id for rule in rules] == sorted(rule.meta.id for rule in rules)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("def check(", "def chek("), "has no function check"),
        (("META = Meta(", "META = dict("), "has no META"),
        (("CASES = (", "CASE = ("), "has no CASES"),
        (("## Why it matters", "## Because"), "needs the headings"),
        (('id="MI190"', 'id="MI790"'), "is no code"),
        (('id="MI190"', 'id="mi190"'), "is no code"),
        (('name="some-resource"', 'name="Some_Resource"'), "is no name"),
        (('name="some-resource"', 'name="other-resource"'), "must be called other_resource.py"),
        (('subject="resources"', 'subject="recources"'), "no table is called 'recources'"),
        (('subject="resources"', 'subject="tags"'), "cannot be a subject"),
        (('since="0.1"', 'since="0.1", reads=("nowhere",)'), "no table is called 'nowhere'"),
        (('id="MI190"', 'id="MI101"'), "is taken by"),
        (("severity=Severity.LOW", 'severity="low"'), "META.severity takes Severity, not 'low'"),
        (('since="0.1"', 'since="0.1", reads="principals"'), "META.reads takes a tuple of str"),
        (('since="0.1"', 'since="0.1", parameters=("x",)'), "META.parameters takes a tuple of Parameter"),
        (('"{name} is there"', '"{name is there"'), "META.message is no template"),
        (('"{name} is there"', '"{role.nosuch} is there"'), "neither a column nor the id, name or type"),
        (('"{name} is there"', '"{kind.name} is there"'), "neither a column nor the id, name or type"),
    ],
)
def test_a_malformed_rule_is_refused_with_file_and_reason(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    assert change[0] in GOOD
    path = write(tmp_path, GOOD.replace(*change))
    with pytest.raises(RuleError) as refusal:
        load_rules([tmp_path])
    assert str(path) in str(refusal.value)
    assert words in str(refusal.value)


def test_a_syntax_error_names_the_line(tmp_path: Path) -> None:
    path = write(
        tmp_path, GOOD.replace("def check(facts: Facts) -> Frame:", "def check(facts: Facts -> Frame:")
    )
    with pytest.raises(RuleError, match=rf"{path}:\d+: is not valid Python"):
        load_rule(path)


def test_an_exception_while_importing_names_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + "\n1 / 0\n")
    line = GOOD.count("\n") + 2
    with pytest.raises(RuleError, match=rf"some_resource.py:{line}: cannot be imported: ZeroDivisionError"):
        load_rule(path)


def test_a_rule_that_ends_the_program_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + "\nimport sys\nsys.exit(0)\n")
    with pytest.raises(RuleError, match="cannot be imported: SystemExit"):
        load_rule(path)


def test_what_a_rule_prints_does_not_reach_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_rule(write(tmp_path, GOOD + '\nprint("noise")\n'))
    out, err = capsys.readouterr()
    assert (out, err) == ("", "noise\n")


def test_two_rules_of_one_code_are_refused_whatever_their_folder(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    write(tmp_path / "one", GOOD)
    write(tmp_path / "two", GOOD.replace("some-resource", "any-resource"), "any_resource.py")
    with pytest.raises(RuleError, match="MI190 any-resource is taken by"):
        load_rules([tmp_path / "one", tmp_path / "two"])


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="is not a folder"):
        load_rules([tmp_path / "nowhere"])


def test_hidden_and_underscored_files_are_not_rules(tmp_path: Path) -> None:
    write(tmp_path, "1 / 0", "_draft.py")
    (tmp_path / ".venv").mkdir()
    write(tmp_path / ".venv", "1 / 0", "thing.py")
    with pytest.raises(RuleError, match="holds no rule"):
        load_rules([tmp_path])
    write(tmp_path, GOOD)
    assert "MI190" in [rule.meta.id for rule in load_rules([tmp_path])]


def with_fix(tmp_path: Path, fix: str) -> Path:
    names = "MarkSecret, PlainFix, RemoveProperty, SetProperty"
    return write(tmp_path, GOOD + f"\nfrom scanner.rule import {names}\nFIX = {fix}\n")


def test_a_fix_is_loaded_whether_one_edit_or_several_fixes(tmp_path: Path) -> None:
    one = SetProperty("properties.a", True)
    assert load_rule(with_fix(tmp_path, "SetProperty('properties.a', True)")).fix == (PlainFix((one,)),)
    several = "PlainFix((RemoveProperty('a'), MarkSecret()), needs='it', languages=('arm',)), PlainFix((MarkSecret(),))"
    assert load_rule(with_fix(tmp_path, several)).fix == (
        PlainFix((RemoveProperty("a"), MarkSecret()), needs="it", languages=("arm",)),
        PlainFix((MarkSecret(),)),
    )
    assert load_rule(write(tmp_path, GOOD)).fix is None


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (
            "'properties.a'",
            r"FIX takes SetProperty\(...\), RemoveProperty\(...\), MarkSecret\(\) or PlainFix",
        ),
        ("()", "FIX takes"),
        ("(PlainFix((MarkSecret(),)), 'a')", "FIX takes"),
        ("SetProperty('', True)", r"FIX has an empty name in a path: \[''\]"),
        ("RemoveProperty('properties..a')", "FIX has an empty name in a path"),
        ("SetProperty('properties.a', {})", r"SetProperty takes a plain value, not \{\}"),
        ("SetProperty('properties.a', ('x', 1))", r"SetProperty takes a plain value, not \('x', 1\)"),
        ("PlainFix(())", r"PlainFix takes a tuple of edits, not \(\)"),
        ("PlainFix(MarkSecret())", r"PlainFix takes a tuple of edits, not MarkSecret\(\)"),
        ("PlainFix((MarkSecret(),), languages=('json',))", r"takes terraform, bicep, arm, not \['json'\]"),
    ],
)
def test_anything_else_under_the_name_of_a_fix_is_refused(tmp_path: Path, wrong: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason):
        load_rule(with_fix(tmp_path, wrong))
