import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import pages
from reports.pages import first_sentence, plain_text, read_page, to_html
from scanner.engine.registry import load_rules
from tests.reports.sample import ORPHAN_PAGE, OWNER_PAGE

PARTS = st.one_of(
    st.sampled_from(
        ["word", "A", "`code`", "`a b`", "` x `", "``", "`", "**bold**", "*it is*", "*", " ", "\n", "\n\n"]
    ),
    st.sampled_from(
        ["```sh\n", "\n```\n", "# ", "## Head\n", "- item", "1. x", "30 x", "(see)", "-", "---", "==="]
    ),
    st.sampled_from(
        ["+ ", "&amp;", "<b>", "[x](y)", "!", '"q"', "  \n", "    ", "\t", ".", "é", "_u_", "~", "|"]
    ),
    st.sampled_from(
        ["x*y*", "{", "$", "'", "https://a.b/c", "\n  ", "- it\n  is", "\\", "~~~", ">", "\u00a0"]
    ),
)


def test_sections_are_found_under_both_styles_of_heading() -> None:
    for page, title in (
        (OWNER_PAGE, "Owner or equivalent at subscription scope or wider"),
        (ORPHAN_PAGE, "User-assigned identity that nothing uses"),
    ):
        read = read_page(page)
        assert read.title == title
        assert read.finds.startswith(("A managed identity whose", "An identity attached"))
        assert read.why.startswith(("Whoever runs code", "Nobody watches"))
        assert read.fix.startswith(("Replace the assignment", "Delete the identity"))


def test_an_indented_docstring_is_read_like_any_other() -> None:
    indented = OWNER_PAGE.replace("\n", "\n    ")
    assert read_page(indented).fix == read_page(OWNER_PAGE).fix


def test_a_page_without_headings_is_only_a_title() -> None:
    read = read_page("Something is wrong.")
    assert (read.title, read.finds, read.why, read.fix) == ("Something is wrong", "", "", "")


def test_code_stays_in_the_section_and_in_the_plain_text() -> None:
    fix = read_page(OWNER_PAGE).fix
    assert '    az role assignment delete --ids "$ASSIGNMENT_ID"' in plain_text(fix)
    assert '<pre tabindex="0"><code' in to_html(fix)


def test_the_first_sentence_is_one_line_of_plain_text() -> None:
    assert first_sentence("Use `az` for\nthis, e.g. **now**. Then stop.") == "Use az for this, e.g. now."
    assert first_sentence("First things. `code` begins the second.") == "First things."
    assert first_sentence("Delete it:\n\n```sh\naz x\n```") == "Delete it."
    assert first_sentence("- Either this\n- or that") == "Either this"
    assert first_sentence("") == ""


def test_html_needs_no_trust() -> None:
    html = to_html(
        "<script>x</script> ![p](http://evil.example/p.png) [l](javascript:alert(1)) [ok](https://example.org)\n\n"
        "| a | b |\n| :-- | --: |\n| 1 | <b> |\n\n# Big"
    )
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert '<a href="https://example.org" rel="noopener noreferrer">' in html
    assert "style=" not in html
    assert "<h4>Big</h4>" in html


def by_parser(monkeypatch: pytest.MonkeyPatch, markdown: str) -> str:
    with monkeypatch.context() as patched:
        patched.setattr(pages, "_simple_text", lambda _: None)
        return plain_text(markdown)


@given(st.lists(PARTS, max_size=14).map("".join))
def test_what_needs_no_parser_is_read_as_the_parser_does(markdown: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        assert plain_text(markdown) == by_parser(patched, markdown)


def test_simple_text_has_paragraphs_lists_and_code(monkeypatch: pytest.MonkeyPatch) -> None:
    markdown = "A *b* `c d`\n30 e:\n- f\n- g\n\n## H\n```sh\naz x \\\n  --y <z>\n```\nI **j**."
    text = "A b c d 30 e:\n\n- f\n\n- g\n\nH\n\n    az x \\\n      --y <z>\n\nI j."
    assert pages._simple_text(markdown) == text == by_parser(monkeypatch, markdown)


def test_the_pages_of_the_rules_need_no_parser_and_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for rule in load_rules():
        page = read_page(rule.page)
        for markdown in (page.markdown, page.finds, page.why, page.fix):
            said = pages._simple_text(markdown)
            assert said is not None, f"{rule.meta.id}: markup that a small check has to load the parser for"
            assert said == by_parser(monkeypatch, markdown)


def test_a_report_of_code_is_written_without_the_parser() -> None:
    program = (
        "import sys; from scanner.engine.registry import load_rules; from reports.pages import plain_text, read_page\n"
        "for rule in load_rules(): plain_text(read_page(rule.page).markdown)\n"
        "print('markdown_it' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout == "False\n"
