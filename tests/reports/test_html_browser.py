"""The page in headless Chromium: it fetches nothing, works by keyboard, prints whole and stays quick."""

import re
import zlib
from collections.abc import Callable
from itertools import pairwise

import msgspec
import pytest

from scanner.engine.finding import Gap
from scanner.engine.registry import load_rules
from scanner.engine.source_files import SourceFiles
from tests.reports.browser import Page
from tests.reports.sample import (
    FILES,
    HOSTILE,
    OWNER,
    clean_report,
    code_report,
    finding,
    hostile_report,
    identity,
    large_report,
    make_report,
    rule,
)

Show = Callable[..., Page]

SHOWN = "[...document.querySelectorAll('.finding')].filter(row => !row.hidden).map(row => row.dataset.code)"
FOUND = "document.getElementById('found').textContent"


def pages_of(paper: bytes) -> int:
    """Count the pages of a PDF."""
    return len(re.findall(rb"/Type\s*/Page\b", paper))


def choose(page: Page, field: str, value: str) -> None:
    page.run(
        f"(() => {{ const field = document.getElementById('filter').elements['{field}']; field.value = '{value}';"
        " field.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def test_the_page_loads_without_a_request_or_a_complaint(show: Show) -> None:
    page = show(make_report())
    assert [address.partition("?")[0].rpartition("/")[2] for address in page.requests()] == ["report-0.html"]
    assert page.complaints() == []
    assert page.run(FOUND) == "Showing 2 of 3 findings"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_runs_nothing_and_is_shown(show: Show, name: str) -> None:
    page = show(hostile_report(HOSTILE[name]))
    assert page.complaints() == []
    assert len(page.requests()) == 1
    page.run("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert page.run("typeof window.hacked") == "undefined"
    assert (
        page.run("document.querySelectorAll('img, iframe, object, svg[onload], [onmouseover]').length") == 0
    )
    assert page.run(FOUND) == "Showing 1 of 2 findings"
    subject = page.run("document.querySelector('.finding .subject').textContent")
    assert subject.isprintable()


def test_the_policy_stops_what_is_not_the_pages_own(show: Show) -> None:
    page = show(make_report())
    page.run(
        "(() => { const script = document.createElement('script'); script.textContent = 'window.hacked = 1';"
        " document.body.append(script); document.body.insertAdjacentHTML('beforeend',"
        ' \'<img src="http://127.0.0.1:9/x.png" onerror="window.hacked = 2"><p id=styled style="color: red">x</p>\');'
        "})()"
    )
    assert page.run("typeof window.hacked") == "undefined"
    assert page.run("getComputedStyle(document.getElementById('styled')).color") != "rgb(255, 0, 0)"
    assert any("Content Security Policy" in complaint for complaint in page.complaints())


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("family", "2", ["MI201"]),
        ("code", "MI301", ["MI301"]),
        ("subscription", "prod", ["MI201", "MI301"]),
        ("subscription", "shop", []),
        ("accepted", "yes", ["MI101"]),
        ("accepted", "", ["MI201", "MI301", "MI101"]),
    ],
)
def test_a_filter_leaves_exactly_what_fits(show: Show, field: str, value: str, expected: list[str]) -> None:
    page = show(make_report())
    choose(page, field, value)
    assert page.run(SHOWN) == expected
    assert page.run(FOUND) == f"Showing {len(expected)} of 3 findings"
    assert page.run("document.getElementById('empty').hidden") is bool(expected)


def test_severities_are_ticked_off_and_reset(show: Show) -> None:
    page = show(make_report())
    page.run("document.querySelector('[name=severity][value=critical]').click()")
    assert page.run(SHOWN) == ["MI301"]
    page.run("document.querySelector('#filter button').click()")
    page.until(f"{SHOWN}.length === 2")


@pytest.mark.parametrize(
    ("words", "expected"),
    [("CI-DEPLOYER", ["MI201"]), ("repo:contoso", ["MI301"]), ("rg-app release", ["MI301"]), ("nowhere", [])],
)
def test_the_search_finds_every_word_in_names_ids_and_evidence(
    show: Show, words: str, expected: list[str]
) -> None:
    page = show(make_report())
    choose(page, "search", words)
    page.until(f"{FOUND}.startsWith('Showing {len(expected)} of')")
    assert page.run(SHOWN) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("severity", ["MI201", "MI301", "MI101"]),
        ("code", ["MI101", "MI201", "MI301"]),
        ("effort", ["MI301", "MI101", "MI201"]),
        ("subject", ["MI201", "MI101", "MI301"]),
    ],
)
def test_the_order_can_be_chosen(show: Show, order: str, expected: list[str]) -> None:
    page = show(make_report())
    choose(page, "accepted", "")
    choose(page, "sort", order)
    assert page.run(SHOWN) == expected


def test_a_link_of_the_summary_sets_the_filter(show: Show) -> None:
    page = show(make_report())
    page.run("document.querySelector('.first a[data-code=MI301]').click()")
    page.until(f"{SHOWN}.length === 1")
    assert page.run(SHOWN) == ["MI301"]
    page.run("document.querySelector('.counts a[data-only=critical]').click()")
    page.until(f"{SHOWN}.join() === 'MI201'")
    assert page.run("location.hash") == "#findings"


def test_a_finding_opens_to_its_evidence_reason_and_fix(show: Show) -> None:
    page = show(make_report())
    page.run("document.querySelector('.finding details').open = true")
    page.until("document.querySelector('.finding .advice .fix pre')")
    text = page.run("document.querySelector('.finding .body').textContent")
    for told in (
        "Owner",
        "Whoever runs code on the host",
        'az role assignment delete --ids "$ASSIGNMENT_ID"',
    ):
        assert told in text
    assert page.run("getComputedStyle(document.querySelector('.finding .advice pre')).userSelect") == "text"


def test_the_line_of_a_finding_in_code_is_marked_and_scrolls_by_itself(show: Show) -> None:
    long = FILES["infra/main.tf"].replace(b'"Owner"', b'"Owner" # ' + b"x" * 300)
    page = show(code_report(sources=SourceFiles({"infra/main.tf": long}.get)), width=360)
    page.run("document.querySelector('.finding details').open = true")
    assert page.run("document.querySelector('.source mark').textContent") == 'role_definition_name = "Owner"'
    assert page.run("document.documentElement.scrollWidth") <= 360
    assert page.run("(e => e.scrollWidth > e.clientWidth)(document.querySelector('.source'))")
    assert (
        page.run("getComputedStyle(document.querySelector('.source mark')).textDecorationLine") == "underline"
    )
    assert page.complaints() == []


def test_the_id_of_the_subject_can_be_copied(show: Show) -> None:
    page = show(make_report())
    assert page.run("document.querySelectorAll('.copy').length") == 0, "only an opened finding has the button"
    page.run(
        "Object.defineProperty(navigator, 'clipboard', {value: {writeText: async text => { window.copied = text; }}})"
    )
    page.run("document.querySelector('.finding details').open = true")
    page.until("document.querySelector('.copy')")
    page.run("document.querySelector('.copy').focus()")
    page.press("Enter")
    page.until("document.querySelector('.copy').textContent === 'Copied'")
    assert page.run("window.copied") == OWNER.subject.id
    assert page.run("document.getElementById('said').textContent") == "Copied", "a screen reader is told"
    assert page.run("document.querySelector('.finding details').open"), "the finding stays open"


def test_where_the_clipboard_is_closed_the_id_is_selected(show: Show) -> None:
    page = show(make_report())
    page.run(
        "Object.defineProperty(navigator, 'clipboard', {value: undefined}); document.execCommand = () => false"
    )
    page.run("document.querySelector('.finding details').open = true")
    page.until("document.querySelector('.copy')")
    page.run("document.querySelector('.copy').click()")
    page.until("document.querySelector('.copy').textContent === 'Selected: copy it now'")
    assert page.run("getSelection().toString()") == OWNER.subject.id


@pytest.mark.parametrize("width", [360, 800, 1280])
def test_the_name_of_a_table_is_never_broken(show: Show, width: int) -> None:
    tables = ("attachments", "federated_credentials", "eligible_assignments")
    scope = f"/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/{'g' * 60}"
    gaps = tuple(Gap(table, scope, "refused", "no permission " * 20) for table in tables)
    page = show(make_report(gaps=gaps), width=width)
    cells = "[...document.querySelectorAll('#unread tbody td:first-child')]"
    assert page.run(f"{cells}.map(cell => cell.textContent)") == list(tables)
    lines = (
        f"{cells}.map(cell => {{ const range = document.createRange(); range.selectNodeContents(cell);"
        " return range.getClientRects().length; })"
    )
    assert page.run(lines) == [1, 1, 1]
    assert page.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("weaknesses", [1, 2, 4, 5, 6])
@pytest.mark.parametrize("width", [360, 800, 1280])
def test_the_cards_of_what_to_fix_first_leave_no_hole(show: Show, weaknesses: int, width: int) -> None:
    findings = tuple(
        msgspec.structs.replace(OWNER, code=f"MI20{number}", fingerprint=str(number) * 32)
        for number in range(1, weaknesses + 1)
    )
    page = show(make_report(findings=findings), width=width)
    rows: dict[int, float] = {}
    for top, right in page.run(
        "[...document.querySelectorAll('.first > li')].map(card => card.getBoundingClientRect())"
        ".map(box => [Math.round(box.top), box.right])"
    ):
        rows[top] = max(right, rows.get(top, 0))
    edge = page.run("document.querySelector('.first').getBoundingClientRect().right")
    assert [round(right - edge) for right in rows.values()] == [0] * len(rows)


def test_a_link_to_a_finding_opens_it_whatever_the_filter_says(show: Show) -> None:
    page = show(make_report())
    accepted = page.run("document.querySelectorAll('.finding details')[2].id")
    page.run(f"location.hash = '{accepted}'")
    page.until("document.querySelectorAll('.finding details')[2].open")
    assert page.run("document.querySelectorAll('.finding')[2].hidden") is False


def test_all_of_it_works_by_keyboard(show: Show) -> None:
    page = show(make_report())
    page.press("Tab")
    assert page.run("document.activeElement.className") == "skip"
    assert page.run("document.activeElement.getBoundingClientRect().top >= 0"), (
        "the skip link shows when focused"
    )
    page.press("Enter")
    page.until("location.hash === '#findings'")
    page.press("Tab")
    assert page.run("document.activeElement.id") == "search"
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.run("document.activeElement.blur()")
    page.press("/")
    assert page.run("document.activeElement.id") == "search"
    page.run("document.querySelector('.finding summary').focus()")
    page.press("Enter")
    page.until("document.querySelector('.finding details').open")


def test_every_control_has_a_name_for_a_screen_reader(show: Show) -> None:
    page = show(make_report())
    page.call("Accessibility.enable")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    named = {
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node.get("ignored")
    }
    controls = {"button", "checkbox", "combobox", "link", "searchbox", "img", "image", "DisclosureTriangle"}
    assert [role for role, name in named if role in controls and not name.strip()] == []
    landmarks = {role for role, _ in named}
    assert {"banner", "main", "contentinfo", "navigation", "search", "status"} <= landmarks
    assert ("search", "Filter the findings") in named
    for name in ("Critical", "High", "Medium", "Low", "Info"):
        assert ("checkbox", name) in named


def test_the_colours_follow_the_reader(show: Show) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert show(make_report()).run(ground) == "rgb(245, 246, 244)"
    assert show(make_report(), dark=True).run(ground) == "rgb(18, 23, 21)"
    assert show(make_report(), dark=True, printed=True).run(ground) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("name", ["sample", "long"])
def test_a_narrow_screen_scrolls_down_only(show: Show, name: str) -> None:
    page = show(make_report() if name == "sample" else hostile_report(HOSTILE["long"]), width=360, height=740)
    page.run("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert page.run("document.documentElement.scrollWidth") <= 360


def test_without_scripting_everything_is_there(show: Show) -> None:
    page = show(make_report(), script=False)
    page.media(script=True)
    assert page.run(f"{SHOWN}") == ["MI201", "MI301", "MI101"]
    assert page.run("document.getElementById('filter').hidden") is True


def test_on_paper_every_finding_and_rule_is_open(show: Show) -> None:
    page = show(make_report())
    page.run(
        "window.open_on_paper = []; matchMedia('print').addEventListener('change', event => { if (event.matches)"
        " open_on_paper = [...document.querySelectorAll('.finding:not([hidden]) details, .rule')].map(d => d.open); })"
    )
    paper = page.pdf()
    assert page.run("open_on_paper") == [True] * 6
    assert page.run("document.querySelectorAll('details[open]').length") == 0, "closed again afterwards"
    assert pages_of(paper) >= 2
    assert zlib.crc32(paper) != zlib.crc32(show(clean_report()).pdf())


def test_fifty_findings_and_their_rules_are_twenty_pages_or_fewer(show: Show) -> None:
    rules = tuple(
        rule(one.meta.id, one.meta.name, one.page, one.meta.severity, passed=30, failed=2)
        for one in load_rules(())[:25]
    )
    evidence = OWNER.evidence | {"level": "subscription", "group": None, "pattern": "*/write"}
    findings = tuple(
        finding(
            one.code,
            one.name,
            one.severity,
            identity(f"id-workload-{number}"),
            f"id-workload-{number} has full control of Contoso Platform (Owner at subscription scope)",
            evidence=evidence,
        )
        for one in rules
        for number in (1, 2)
    )
    assert {"MI101", "MI201", "MI301"} <= {one.code for one in findings}
    assert pages_of(show(make_report(rules=rules, findings=findings)).pdf()) <= 20


def test_five_thousand_findings_are_filtered_and_sorted(show: Show) -> None:
    page = show(large_report(5_000))
    assert page.run(FOUND) == "Showing 5,000 of 5,000 findings"
    choose(page, "code", "MI301")
    choose(page, "sort", "subject")
    assert page.run(FOUND) == "Showing 1,667 of 5,000 findings"
    assert set(page.run(SHOWN)) == {"MI301"}
    # What keeps it quick: rows out of sight are not laid out, and none is a list item, which the browser
    # would number anew each time one hides (20 seconds here).
    assert page.run("getComputedStyle(document.querySelector('.finding')).contentVisibility") == "auto"
    assert page.run("[...new Set([...document.querySelectorAll('.finding')].map(row => row.tagName))]") == [
        "DIV"
    ]


def test_headings_skip_no_level(show: Show) -> None:
    page = show(make_report())
    page.run("document.querySelectorAll('.finding details').forEach(details => details.open = true)")
    page.until("document.querySelector('.finding .advice .fix')")
    levels = page.run("[...document.querySelectorAll('h1, h2, h3, h4')].map(heading => +heading.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert [(above, below) for above, below in pairwise(levels) if below > above + 1] == []
