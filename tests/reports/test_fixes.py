"""Every report says what a fix needs first, and which flag makes it."""

from __future__ import annotations

from typing import Any

import msgspec

from reports import html, json_report, sarif
from reports.report import Report
from tests.reports.sample import CODE_KEY, code_report
from tests.reports.test_listing import told

NEEDS = "who reads {it} must [sign](in)"


def report(needs: str) -> Report:
    [fix] = CODE_KEY.fixes
    fixed = msgspec.structs.replace(CODE_KEY, fixes=(msgspec.structs.replace(fix, needs=needs),))
    return code_report(findings=(fixed,))


def document(made: bytes) -> Any:
    return msgspec.json.decode(made)


def test_the_terminal_says_what_is_needed_first() -> None:
    lines = told(report(NEEDS))
    assert (
        f"   = fix: set shared_access_key_enabled to false (midas check --fix-all does it); {NEEDS}" in lines
    )
    lines = told(report(""))
    assert "   = fix: set shared_access_key_enabled to false (midas check --fix does it)" in lines


def test_sarif_says_it_where_a_viewer_shows_the_fix() -> None:
    def text(needs: str) -> str:
        [result] = document(sarif.render(report(needs)))["runs"][0]["results"]
        said: str = result["fixes"][0]["description"]["text"]
        return said

    assert text("") == "set shared_access_key_enabled to false"
    # No viewer takes it for a placeholder or a link.
    assert text(NEEDS) == "set shared_access_key_enabled to false; who reads {{it}} must [sign] (in)"


def test_json_has_it_where_there_is_something() -> None:
    def fix(needs: str) -> dict[str, Any]:
        [found] = document(json_report.render(report(needs)))["findings"]
        [only] = found["fixes"]
        assert isinstance(only, dict)
        return only

    assert fix(NEEDS)["needs"] == NEEDS
    assert "needs" not in fix("")


def test_the_page_says_it() -> None:
    page = html.render(report(NEEDS)).decode()
    assert "(<code>midas check --fix-all</code> does it); who reads {it} must [sign](in)." in page
    assert "(<code>midas check --fix</code> does it)." in html.render(report("")).decode()


def test_what_a_rule_says_is_text_in_the_page() -> None:
    page = html.render(report("<script>x</script>")).decode()
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "<script>x" not in page
