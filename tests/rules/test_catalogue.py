"""What holds for every rule of the catalogue: form, page, names, declarations."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from reports.pages import first_sentence, read_page
from scanner.catalog.identity_types import COMPUTE_TYPES
from scanner.engine.registry import HEADINGS, Rule, builtin_folder, load_rule, load_rules
from scanner.facts.cases import Case
from scanner.facts.schema import is_key_column
from scanner.rule import Stage

RULES = load_rules()
FAMILIES = {
    1: "lifecycle",
    2: "privilege",
    3: "federation",
    4: "exposure",
    5: "local_authentication",
    6: "credentials",
}
CATALOGUE = {
    "MI101": "orphaned-user-assigned-identity",
    "MI102": "orphaned-identity-with-access",
    "MI103": "dangling-identity-attachment",
    "MI104": "assignment-to-deleted-principal",
    "MI105": "identity-shared-by-many-resources",
    "MI106": "identity-shared-across-subscriptions",
    "MI107": "compute-without-identity",
    "MI108": "aks-cluster-on-service-principal",
    "MI109": "classic-administrator-left",
    "MI110": "identity-declared-and-never-used",
    "MI201": "owner-at-subscription-or-above",
    "MI202": "contributor-at-subscription-or-above",
    "MI203": "unconditioned-role-assignment-write",
    "MI204": "privileged-role-at-management-group",
    "MI205": "data-role-at-subscription-or-above",
    "MI206": "custom-role-with-wildcard-actions",
    "MI207": "custom-role-that-can-grant-roles",
    "MI208": "redundant-assignment-under-wider-one",
    "MI209": "access-in-another-subscription",
    "MI210": "identity-with-many-scopes",
    "MI211": "role-assignment-to-a-person-in-code",
    "MI212": "role-name-that-does-not-exist",
    "MI301": "wildcard-federated-subject",
    "MI302": "federated-pull-request-subject",
    "MI303": "issuer-outside-allow-list",
    "MI304": "default-service-account-subject",
    "MI305": "unexpected-token-audience",
    "MI601": "key-read-by-reference",
    "MI602": "secret-in-output",
    "MI603": "secret-as-parameter-default",
    "MI604": "provider-or-backend-with-secret",
    "MI605": "application-password-instead-of-federation",
    "MI606": "key-copied-into-vault",
}
DEPLOYED_ONLY = frozenset(["MI101", "MI102", "MI103", "MI104", "MI109"])
DECLARED_ONLY = frozenset(["MI110", "MI211", "MI212", "MI601", "MI602", "MI603", "MI604", "MI605", "MI606"])
CONTROLS = frozenset(
    [f"mcsb:IM-{number}" for number in range(1, 10)] + [f"mcsb:PA-{number}" for number in range(1, 9)]
)
PASTED = frozenset(["sh", "bicep", "hcl", "terraform", "yaml", "toml", "python", "json"])
_FENCE = re.compile(r"^```(\w*)$", re.MULTILINE)

every_rule = pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.meta.id) for rule in RULES])


def section(rule: Rule, heading: str) -> str:
    _, _, after = rule.page.partition(f"## {heading}\n")
    return re.split(r"^## ", after, maxsplit=1, flags=re.MULTILINE)[0].strip()


def tree(rule: Rule) -> ast.Module:
    return ast.parse(rule.path.read_text(encoding="utf-8"))


def test_the_first_rules_are_all_there_and_no_code_changed_its_name() -> None:
    names = {rule.meta.id: rule.meta.name for rule in RULES}
    assert {code: names.get(code) for code in CATALOGUE} == CATALOGUE


@every_rule
def test_it_lies_in_the_folder_of_its_family(rule: Rule) -> None:
    assert rule.path.parent == builtin_folder() / FAMILIES[rule.meta.family]


def test_where_each_rule_runs() -> None:
    """What proves an absence is for tenants, unless it is one within the code; what only code says is for code."""
    deployed = {rule.meta.id for rule in RULES if rule.meta.runs_on(Stage.DEPLOYED)}
    declared = {rule.meta.id for rule in RULES if rule.meta.runs_on(Stage.DECLARED)}
    assert deployed & set(CATALOGUE) == set(CATALOGUE) - DECLARED_ONLY
    assert declared & set(CATALOGUE) == set(CATALOGUE) - DEPLOYED_ONLY


@every_rule
def test_it_points_at_properties_where_it_judges_code(rule: Rule) -> None:
    assert not rule.meta.points_at or rule.meta.runs_on(Stage.DECLARED)
    assert all(
        re.fullmatch(r"[a-z][A-Za-z]*(\.[a-z][A-Za-z]*(\[\])?)*", path) for path in rule.meta.points_at
    )


@every_rule
def test_its_name_says_the_weakness_not_the_cure(rule: Rule) -> None:
    words = rule.meta.name.split("-")
    assert not {"avoid", "use", "ensure", "require", "disable", "enable", "should", "no"} & set(words[:1])
    assert rule.path.stem == rule.meta.name.replace("-", "_")


@every_rule
def test_its_page_has_the_headings_in_order_and_each_says_something(rule: Rule) -> None:
    found = re.findall(r"^## (.+)$", rule.page, re.MULTILINE)
    assert found in ([*HEADINGS], [*HEADINGS, "References"])
    for heading in found:
        assert len(section(rule, heading).split()) >= (1 if heading == "References" else 15), heading
    summary = rule.page.splitlines()[0]
    assert summary.endswith("."), summary
    assert rule.page.splitlines()[1] == ""


@every_rule
def test_its_fix_can_be_pasted(rule: Rule) -> None:
    fences = _FENCE.findall(rule.page)
    assert fences[1::2] == [""] * (len(fences) // 2), "a code block is not closed"
    assert set(fences[::2]) <= PASTED, "a code block says no language"
    assert _FENCE.search(section(rule, "How to fix it")), "there is nothing to paste"


@every_rule
def test_its_commands_say_to_a_shell_what_they_say_to_a_reader(rule: Rule) -> None:
    for commands in re.findall(r"^```sh\n(.*?)^```", rule.page, re.MULTILINE | re.DOTALL):
        unquoted = re.sub(r'"[^"]*"', "", commands)
        assert "<" not in unquoted, "a shell takes <placeholder> for a redirect: write it in quotes"
        assert not re.search(r"\\\\$", commands, re.MULTILINE), (
            "one backslash goes on in the next line, two do not"
        )
        for line in commands.splitlines():
            here_only = (
                "az role assignment list" in line and " --all" in line and "--subscription" not in line
            )
            assert not here_only, "--all means all of one subscription: say which"


@every_rule
def test_its_first_sentences_stand_alone(rule: Rule) -> None:
    """Reports show the first sentence of why and of how without the rest of the page."""
    page = read_page(rule.page)
    for sentence in (first_sentence(page.why), first_sentence(page.fix)):
        assert sentence.endswith("."), sentence
        assert sentence.split()[0] not in {"It", "Its", "This", "These", "They", "If", "Then", "See"}, (
            sentence
        )


@every_rule
def test_its_references_are_public_pages(rule: Rule) -> None:
    for line in section(rule, "References").splitlines():
        assert re.fullmatch(r"- https://(learn\.microsoft\.com|docs\.github\.com)/\S+", line), line


@every_rule
def test_it_has_each_kind_of_case_and_no_title_twice(rule: Rule) -> None:
    assert {"fail", "pass", "unknown"} <= {case.verdict for case in rule.cases}
    titles = [case.title for case in rule.cases]
    assert sorted(set(titles)) == sorted(titles)
    assert all(isinstance(case, Case) and case.title.strip() for case in rule.cases)


@every_rule
def test_its_controls_exist_and_it_names_one(rule: Rule) -> None:
    assert rule.meta.controls
    assert set(rule.meta.controls) <= CONTROLS


@every_rule
def test_its_message_names_parts_of_keys_only(rule: Rule) -> None:
    fields = [name for _, name, _, _ in string.Formatter().parse(rule.meta.message) if name is not None]
    assert "name" in fields or any(is_key_column(name.partition(".")[0]) for name in fields)
    for name in fields:
        column, _, part = name.partition(".")
        assert not part or (is_key_column(column) and part in {"id", "name", "type"}), name


@every_rule
def test_its_parameters_have_defaults_that_it_would_accept(rule: Rule) -> None:
    for parameter in rule.meta.parameters:
        assert parameter.meaning.strip()
        if parameter.minimum is not None:
            assert isinstance(parameter.default, int)
            assert parameter.default >= parameter.minimum
        if isinstance(parameter.default, tuple):
            assert all(isinstance(text, str) and text for text in parameter.default)


@every_rule
def test_it_imports_what_a_rule_author_imports(rule: Rule) -> None:
    nodes = list(ast.walk(tree(rule)))
    assert [node for node in nodes if isinstance(node, ast.Import)] == []
    modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert modules <= {"scanner.rule", "__future__"}


@every_rule
def test_it_leaves_reading_to_the_engine(rule: Rule) -> None:
    called = {node.attr for node in ast.walk(tree(rule)) if isinstance(node, ast.Attribute)}
    assert not called & {"collect", "to_native", "to_polars", "to_pandas", "map_elements", "map_batches"}


@every_rule
def test_its_public_functions_say_what_they_return(rule: Rule) -> None:
    functions = [node for node in tree(rule).body if isinstance(node, ast.FunctionDef)]
    silent = [
        node.name for node in functions if not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == []


@every_rule
def test_it_can_be_read_in_one_sitting(rule: Rule) -> None:
    lines = rule.path.read_text(encoding="utf-8").splitlines()
    assert lines.index("CASES = (") <= 180, "page, META and functions"
    assert len(lines) <= 350, "with its cases"


def test_compute_is_what_the_catalogue_calls_compute() -> None:
    rule = load_rule(builtin_folder() / "lifecycle" / "compute_without_identity.py")
    own = next(
        ast.literal_eval(node.value)
        for node in tree(rule).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "COMPUTE"
    )
    assert set(own) == set(COMPUTE_TYPES) - {"microsoft.containerservice/managedclusters"}
    assert list(own) == sorted(own)


def test_only_rule_modules_lie_in_the_folders() -> None:
    folders = {
        path.name for path in builtin_folder().iterdir() if path.is_dir() and path.name != "__pycache__"
    }
    assert folders <= set(FAMILIES.values())
    loaded = {rule.path for rule in RULES}
    modules = {Path(path) for folder in folders for path in (builtin_folder() / folder).rglob("*.py")}
    assert {path for path in modules if path.name != "__init__.py"} == loaded
