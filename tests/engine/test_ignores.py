"""Comments that accept findings: where they count, what they must say, what is told of those that do not count."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.engine.comments import ignores_in
from scanner.engine.finding import Declared, Finding, Location, Related
from scanner.engine.ignores import Ignore, ignores_of
from scanner.engine.policy import accept
from scanner.engine.source_files import SourceFiles
from scanner.engine.whereabouts import CALLED_HERE
from tests.engine.test_policy import finding

TODAY = date(2026, 11, 25)

HCL = """# midas: ignore[MI201] the platform owns it
resource "azurerm_role_assignment" "ci" {
  scope = "/subscriptions/x"
  role_definition_name = "Owner" // midas: ignore[MI203]: two words
  text = "# midas: ignore[MI204] no comment"
  doc  = <<EOT
# midas: ignore[MI205] no comment
EOT
  nested { /* midas: ignore[MI206] all of the block */
    deep = 1
  }
}

# midas: ignore[MI207, mi208] several
# another remark

locals {
  a = 1
}
"""
BICEP = """// midas: ignore[MI201] through the decorators
@description('a { b')
@allowed([
  'x'
])
param p string = 'x'

/* midas: ignore[MI202] a text of lines */ var t = '''
// midas: ignore[MI203] no comment
'''
resource r 'Microsoft.App/x@2024-01-01' = if (p == 'x') { // midas: ignore[MI204] the resource
  name: '${p}// midas: ignore[MI205] no comment'
}
"""
JSON = """{
  "resources": [
    // midas: ignore[MI201] the resource
    {
      "type": "Microsoft.App/x", /* midas: ignore[MI202] the type */
      "name": "// midas: ignore[MI203] no comment"
    }
  ]
}
"""
TF_JSON = """{"resource": {"azurerm_x": {"y": {
  "//": "midas: ignore[MI201] an object",
  "name": "midas: ignore[MI202] no comment"
}}}}
"""


def told(uri: str, text: str) -> list[tuple[str, int, str, int, int]]:
    return [
        (",".join(ignore.codes), ignore.line, ignore.reason, ignore.first, ignore.last)
        for ignore in ignores_in(uri, text.encode())
    ]


def test_comments_of_terraform() -> None:
    assert told("main.tf", HCL) == [
        ("MI201", 1, "the platform owns it", 2, 12),
        ("MI203", 4, "two words", 4, 4),
        ("MI206", 9, "all of the block", 9, 11),
        ("MI207,MI208", 14, "several", 17, 19),
    ]


def test_comments_of_bicep() -> None:
    assert told("main.bicep", BICEP) == [
        ("MI201", 1, "through the decorators", 2, 6),
        ("MI202", 8, "a text of lines", 8, 10),
        ("MI204", 11, "the resource", 11, 13),
    ]


def test_comments_of_arm_json() -> None:
    assert told("azuredeploy.json", JSON) == [
        ("MI201", 3, "the resource", 4, 7),
        ("MI202", 5, "the type", 5, 5),
    ]


def test_comments_of_terraform_json_are_properties_and_about_their_object() -> None:
    assert told("main.tf.json", TF_JSON) == [("MI201", 2, "an object", 1, 4)]


def test_line_ends_and_marks_of_other_systems() -> None:
    text = "\ufeff# midas: ignore[MI201] why\r\n\r\nlocals {\r\n}\r\n"
    assert told("a.tf", text) == [("MI201", 1, "why", 3, 4)]


def test_what_has_no_comments_or_no_mark_is_not_looked_at() -> None:
    assert told("README.md", "# midas: ignore[MI201] why") == []
    assert told("a.tf", "# nothing to see\nlocals {}\n") == []


def test_a_file_that_no_reader_takes_is_not_searched() -> None:
    comment = b"# midas: ignore[MI201] why\n"
    assert [ignore.reason for ignore in ignores_in("a.tf", comment)] == ["why"]
    assert ignores_in("a.tf", comment + b" " * 10_000_000) == ()


def test_the_last_comment_may_be_about_nothing() -> None:
    assert told("a.tf", "locals {}\n# midas: ignore[MI201] why\n") == [("MI201", 2, "why", 0, 0)]


@pytest.mark.parametrize(
    ("comment", "problem"),
    [
        ("midas: ignore[MI201]", "it gives no reason; write why after the bracket"),
        ("midas: ignore[MI201] - ", "it gives no reason; write why after the bracket"),
        ("midas: ignore", "it names no rule; write midas: ignore[MI203] and the reason"),
        ("midas: ignore[] why", "it names no rule; write midas: ignore[MI203] and the reason"),
        ("midas: ignore[all] why", "'ALL' is no code of a rule; write midas: ignore[MI203] and the reason"),
        ("midas:ignore [ mi201 ] why", ""),
        ("Midas: Ignore[MI201] why", ""),
        ("midas: ignore(MI201) why", "it names no rule; write midas: ignore[MI203] and the reason"),
    ],
)
def test_what_is_wrong_with_a_comment(comment: str, problem: str) -> None:
    [ignore] = ignores_in("a.tf", f"/* {comment} */ locals {{}}".encode())
    assert ignore.problem == problem


# ---- policy


def in_code(line: int, uri: str = "main.tf", code: str = "MI102", **values: object) -> Finding:
    return msgspec.structs.replace(finding(code), location=Location(uri, line, 3, line, 9), **values)


def ignore(first: int, last: int, *codes: str, uri: str = "main.tf", reason: str = "known") -> Ignore:
    return Ignore(uri=uri, line=first - 1, codes=codes or ("MI102",), reason=reason, first=first, last=last)


def accepted(found: Finding, *ignores: Ignore) -> tuple[str, tuple[str, ...]]:
    (one,), notices = accept([found], [], TODAY, judged={"MI101", "MI102"}, ignores=ignores)
    return ("" if one.suppressed is None else f"{one.suppressed.kind}: {one.suppressed.reason}"), notices


def test_a_finding_in_the_lines_of_a_comment_is_accepted() -> None:
    assert accepted(in_code(5), ignore(5, 5)) == ("inline: known", ())
    assert accepted(in_code(7), ignore(5, 9)) == ("inline: known", ())


@pytest.mark.parametrize(
    "other",
    [ignore(4, 4), ignore(6, 9), ignore(5, 5, uri="other.tf"), ignore(5, 5, "MI101"), ignore(0, 0)],
    ids=["before", "after", "file", "code", "nothing"],
)
def test_another_place_or_rule_is_not_accepted_and_the_comment_is_told_of(other: Ignore) -> None:
    said, (notice,) = accepted(in_code(5), other)
    assert said == ""
    assert notice == (
        f"{other.uri}:{other.line}: midas: ignore[{other.codes[0]}] matches no finding of {other.codes[0]}: "
        "remove it, or put it where the finding is"
    )


def test_a_comment_above_the_declaration_is_about_all_of_it() -> None:
    declared = Declared(Location("main.tf", 5, 1, 5, 20))
    assert accepted(in_code(30, declared=declared), ignore(5, 5)) == ("inline: known", ())


def test_a_comment_above_a_module_call_is_about_what_comes_through_it() -> None:
    call = Related(Location("prod.tf", 2, 1, 2, 14), CALLED_HERE)
    assert accepted(in_code(5, related=(call,)), ignore(2, 4, uri="prod.tf")) == ("inline: known", ())
    holder = msgspec.structs.replace(call, message="holder app")
    assert accepted(in_code(5, related=(holder,)), ignore(2, 4, uri="prod.tf"))[0] == ""


def test_without_a_reason_nothing_is_accepted_and_the_place_is_told() -> None:
    said, notices = accepted(in_code(5), ignore(5, 5, reason=""))
    assert said == ""
    assert notices == (
        "main.tf:4: midas: ignore[MI102] ignores nothing: it gives no reason; write why after the bracket",
    )


def test_of_several_codes_the_unused_one_is_named_and_of_rules_that_did_not_run_nothing_is_said() -> None:
    said, notices = accepted(in_code(5), ignore(5, 5, "MI102", "MI101", "MI305"))
    assert said == "inline: known"
    assert notices == (
        "main.tf:4: midas: ignore[MI102, MI101, MI305] matches no finding of MI101: "
        "remove it, or put it where the finding is",
    )


def test_a_code_that_no_rule_has_is_told_of_where_all_are_known() -> None:
    found, comment = in_code(5), ignore(5, 5, "MI102", "MI999")
    (one,), notices = accept(
        [found], [], TODAY, judged={"MI102"}, ignores=[comment], codes={"MI101", "MI102"}
    )
    assert one.suppressed is not None
    assert notices == (
        "main.tf:4: midas: ignore[MI102, MI999]: there is no rule MI999; `midas rules` lists them",
    )
    assert accepted(found, comment) == ("inline: known", ())


def test_a_tenant_finding_is_never_accepted_by_a_comment() -> None:
    (one,), _ = accept([finding()], [], TODAY, judged={"MI102"}, ignores=[ignore(1, 99)])
    assert one.suppressed is None


def test_the_comments_of_files_come_by_file_and_what_cannot_be_read_has_none() -> None:
    files = {"b.tf": b"# midas: ignore[MI201] b\nlocals {}", "a.tf": b"# midas: ignore[MI201] a\nlocals {}"}
    found = ignores_of(["b.tf", "gone.tf", "a.tf", "b.tf"], SourceFiles(files.get))
    assert [(one.uri, one.reason) for one in found] == [("a.tf", "a"), ("b.tf", "b")]


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=40), st.sampled_from(["a.tf", "a.bicep", "a.json", "a.tf.json"]), st.binary(max_size=30)
)
def test_anything_may_stand_around_and_in_a_comment(text: str, uri: str, after: bytes) -> None:
    data = f"/* midas: ignore[{text}] {text} */".encode("utf-8", "replace") + b"\n" + after
    for one in ignores_in(uri, data):
        assert one.line >= 1
        assert one.first <= one.last
        assert isinstance(one.problem, str)
