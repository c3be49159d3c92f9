"""midas.toml: what it may say, and that every mistake names file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.engine.registry import load_rules
from scanner.rule import Severity
from scanner.settings import Settings, SettingsError, SettingsFile, find_file, load_settings

GOOD = """\
select = ["MI1", "MI2"]
ignore = ["MI107"]
fail-on = "high"

[severity]
MI101 = "info"

[rules.MI105]
maximum = 12

[[exceptions]]
rule = "MI101"
subject = "spare"
reason = "kept for recovery"
owner = "platform team"
expires = 2027-01-31
"""


def load(folder: Path, text: str, name: str = "midas.toml") -> Settings:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_settings(SettingsFile(path), load_rules(), Settings())


def parameter_of(code: str) -> str:
    (rule,) = [rule for rule in load_rules() if rule.meta.id == code]
    return rule.meta.parameters[0].name


def good() -> str:
    return GOOD.replace("maximum", parameter_of("MI105"))


def test_a_whole_file(tmp_path: Path) -> None:
    settings = load(tmp_path, good())
    assert settings.select == ("MI1", "MI2")
    assert settings.ignore == ("MI107",)
    assert settings.fail_on is Severity.HIGH
    assert settings.severities == {"MI101": Severity.INFO}
    assert settings.parameters == {"MI105": {parameter_of("MI105"): 12}}
    (exception,) = settings.exceptions
    assert (exception.rule, exception.subject, exception.owner) == ("MI101", "spare", "platform team")
    assert exception.where == "midas.toml:12"


def test_never_is_no_threshold(tmp_path: Path) -> None:
    assert load(tmp_path, 'fail-on = "never"').fail_on is None


def test_the_same_in_pyproject(tmp_path: Path) -> None:
    settings = load(tmp_path, '[project]\nname = "x"\n[tool.midas]\nselect = ["MI1"]\n', "pyproject.toml")
    assert settings.select == ("MI1",)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('slect = ["MI1"]', 1, "'slect' is not a setting"),
        ('\nselect = "MI1"', 2, "takes a list of texts"),
        ('select = ["MI8"]', 1, "no rule's code begins with 'MI8'"),
        ('fail-on = "worst"', 1, "'worst' is no severity"),
        ('[severity]\n\nMI101 = "worst"', 3, "'worst' is no severity"),
        ('[severity]\nMI999 = "low"', 2, "there is no rule 'MI999'"),
        ("[rules.MI999]\nx = 1", 1, "there is no rule 'MI999'"),
        ("[rules.MI105]\nmaximun = 1", 2, "has no parameter 'maximun'"),
        ("[rules.MI105]\n# why\nPARAMETER = true", 3, "takes a whole number, not True"),
        ('[rules.MI105]\nPARAMETER = "many"', 2, "takes a whole number"),
        ("[rules.MI105]\nPARAMETER = -1", 2, "must be at least"),
        ('[[exceptions]]\nrule = "MI101"', 1, "an exception needs subject"),
        (GOOD[GOOD.index("[[exc") :].replace("2027-01-31", '"2027-01-31"'), 6, "takes a date"),
        (GOOD[GOOD.index("[[exc") :].replace('"kept for recovery"', '" "'), 4, "needs reason"),
        (GOOD[GOOD.index("[[exc") :].replace("owner =", "ownr ="), 5, "has no 'ownr'"),
        (
            GOOD[GOOD.index("[[exc") :] + GOOD[GOOD.index("[[exc") :].replace("MI101", "MI1"),
            8,
            "no rule 'MI1'",
        ),
        ("select = [", None, "is not valid TOML"),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path: Path, text: str, line: int | None, words: str) -> None:
    with pytest.raises(SettingsError) as mistake:
        load(tmp_path, text.replace("PARAMETER", parameter_of("MI105")))
    assert words in str(mistake.value)
    assert str(mistake.value).startswith(str(tmp_path / "midas.toml") + (f":{line}:" if line else ":"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such file"):
        SettingsFile(tmp_path / "midas.toml")
    (tmp_path / "midas.toml").write_bytes(b"x = '\xff'")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        SettingsFile(tmp_path / "midas.toml")


def test_which_file_is_found(tmp_path: Path) -> None:
    assert find_file(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    assert find_file(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text("[tool.midas]\n")
    assert find_file(tmp_path) == tmp_path / "pyproject.toml"
    (tmp_path / "midas.toml").write_text("")
    assert find_file(tmp_path) == tmp_path / "midas.toml"
