from reports.pages import first_sentence, plain_text, read_page, to_html
from tests.reports.sample import ORPHAN_PAGE, OWNER_PAGE


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
