"""The page as text: what it contains, what its policy allows, whether its colours can be read."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

import reports
from reports import html
from reports.pictures import bar_chart, heat_map
from reports.report import Exposure, Report
from reports.summary import families
from scanner.engine.finding import Gap, Unknown
from scanner.rule import Severity
from tests.reports.sample import (
    HOSTILE,
    OWNER,
    SECRET,
    clean_report,
    code_report,
    hostile_code_report,
    hostile_report,
    large_report,
    make_report,
)

STYLE = (Path(reports.__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Collects the elements of a page with their attributes, and its text."""

    def __init__(self, document: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, str] = {}
        self.words: list[str] = []
        self._inside = ""
        self.feed(document.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in ("style", "script"):
            self.raw[self._inside] = self.raw.get(self._inside, "") + data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read(report: Report) -> Reader:
    return Reader(html.render(report))


def test_the_policy_allows_the_own_style_and_script_by_hash_and_nothing_else() -> None:
    page = read(make_report())
    [policy] = [
        meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    digests = {
        tag: base64.b64encode(hashlib.sha256(page.raw[tag].encode()).digest()).decode()
        for tag in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digests['style']}'; script-src 'sha256-{digests['script']}'; "
        "base-uri 'none'; form-action 'none'"
    )


@pytest.mark.parametrize("name", [*HOSTILE, "sample"])
def test_nothing_in_the_page_fetches_or_runs(name: str) -> None:
    page = read(make_report() if name == "sample" else hostile_report(HOSTILE[name]))
    assert len(page.all("script")) == 1
    assert len(page.all("style")) == 1
    assert {tag for tag, _ in page.elements} & {
        "img",
        "iframe",
        "object",
        "embed",
        "link",
        "base",
        "image",
    } == set()
    for tag, attributes in page.elements:
        assert [key for key in attributes if key == "style" or key.startswith("on")] == [], tag
        for key in ("src", "href", "action", "formaction", "xlink:href", "srcset"):
            value = attributes.get(key) or ""
            assert value.startswith(("#", "https://")) or not value, (tag, key, value)


def test_what_was_not_read_stands_before_the_findings_and_is_not_folded() -> None:
    document = html.render(make_report()).decode()
    unread = document.index('id="unread"')
    assert unread < document.index('id="first"') < document.index('id="findings"')
    section = document[unread : document.index('id="first"')]
    assert "<details" not in section
    for told in (
        "MI303",
        "ColumnNotFoundError: issuer",
        "/subscriptions/lab",
        "Reader is missing on the subscription",
        "the exception for MI101 on old-job matched nothing",
    ):
        assert told in section


def test_a_clean_page_has_no_alarm() -> None:
    page = read(clean_report())
    assert "Not everything was read" not in page.text
    assert "No open findings: 1 rule passed" in page.text
    assert "There is no open finding." in page.text


def test_an_incomplete_run_without_a_named_gap_is_still_told() -> None:
    page = read(make_report(gaps=(), faults=(), notices=()))
    assert "The run says it is incomplete and names no gap." in page.text


def test_each_rule_says_how_many_of_how_many() -> None:
    text = read(make_report()).text
    for counts in (
        "1 of 40 failed, 2 unknown",
        "1 of 41 failed",
        "1 of 4 failed",
        "0 of 4 failed, 4 unknown",
    ):
        assert counts in text


def test_what_to_fix_first_says_why_and_how() -> None:
    text = read(make_report()).text
    first = text[text.index("What to fix first") : text.index("Score per family")]
    assert first.index("Owner at subscription or above") < first.index("Wildcard federated subject")
    assert "Whoever runs code on the host can take the token and own the whole subscription." in first
    assert (
        "Fix: Replace the assignment by the roles that the workload uses, on its own resource group." in first
    )


def test_a_run_that_judged_nothing_never_looks_clean() -> None:
    idle = msgspec.structs.replace(clean_report().rules[0], passed=0, not_applicable=41)
    for rules in ((), (idle,)):
        document = html.render(msgspec.structs.replace(clean_report(), rules=rules)).decode()
        assert 'class="verdict is-partial"' in document
        page = Reader(document.encode())
        assert "Nothing was judged: no rule" in page.text
        assert "Unknown: nothing was judged." in page.text
        assert "There is no open finding" not in page.text
        assert "names no gap" not in page.text
        assert [section for section in page.all("section") if section.get("id") == "unread"]


def test_the_bar_of_a_family_has_the_colour_of_its_worst_open_finding_whatever_the_score() -> None:
    def bars(report: Report) -> list[str | None]:
        wanted = [tag for tag in read(report).all("rect") if tag.get("height") == "10"]
        return [bar["class"] for bar in wanted if bar["class"] != "track"]

    assert bars(make_report()) == ["part", "sev-critical", "sev-high"], "the finding of lifecycle is accepted"
    assert bars(clean_report()) == ["full"]
    text = read(make_report()).text
    assert "not of safety" in text
    assert "1 of 41 failed Critical × 1" in text


def test_a_gap_of_everything_is_called_so() -> None:
    assert "grants everything refused" in read(make_report(gaps=(Gap("grants", "/", "refused", ""),))).text


def test_a_pattern_is_explained() -> None:
    evidence = {"pattern": "*/write", "group": None}
    text = read(make_report(findings=(msgspec.structs.replace(OWNER, evidence=evidence),))).text
    assert "allowed by */write every write operation of every provider" in text
    assert "held through no group: directly" in text


def test_a_finding_shows_its_evidence_and_who_accepted_it() -> None:
    text = read(make_report()).text
    assert "role Owner /providers/Microsoft.Authorization/roleDefinitions/owner" in text
    assert "scopes prod /subscriptions/11111111-1111-1111-1111-111111111111" in text
    assert "place infra/main.tf:12:3" in text
    assert "Accepted: kept for the audit; accepted by platform team; until 2026-12-31" in text


def test_a_long_list_of_evidence_is_shortened_and_says_so() -> None:
    many = msgspec.structs.replace(OWNER, evidence={"scopes": [f"scope-{number}" for number in range(25)]})
    text = read(make_report(findings=(many,))).text
    assert "scope-19 and 5 more" in text
    assert "scope-20" not in text


def test_every_id_is_unique_and_every_reference_has_its_target() -> None:
    page = read(make_report(findings=(OWNER, OWNER, *make_report().findings)))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        for key in ("aria-labelledby", "for"):
            for target in (attributes.get(key) or "").split():
                assert target in ids, (tag, key, target)
        link = attributes.get("href") or ""
        if link.startswith("#"):
            assert link[1:] in ids, link


def test_pictures_have_a_title_a_description_and_a_table() -> None:
    page = read(make_report())
    pictures = [attributes for attributes in page.all("svg") if attributes.get("role") == "img"]
    assert [picture["aria-labelledby"] for picture in pictures] == [
        "bars-title bars-description",
        "heat-title heat-description",
    ]
    assert "Widest: 1 with full control at subscription." in page.text
    assert page.text.count("The same as a table") == 2


def test_the_heat_map_is_stronger_where_more_is_reached_not_where_more_are() -> None:
    report = make_report()
    picture = heat_map(report)
    assert picture is not None
    shades = {(cell.privilege, cell.level): cell.shade for cell in picture.cells if cell.identities}
    assert shades == {
        ("full control", "subscription"): 4,
        ("write", "resource group"): 3,
        ("read", "resource"): 1,
    }
    assert dict(picture.table)["write"] == (0, 0, 0, 12, 0)


def test_a_privilege_or_level_that_nobody_ordered_is_shown_all_the_same() -> None:
    picture = heat_map(make_report(exposure=(Exposure("galaxy", "odd", 7),)))
    assert picture is not None
    assert picture.levels[-1] == "galaxy"
    assert dict(picture.table)["odd"][-1] == 7
    assert heat_map(make_report(exposure=())) is None


def test_a_bar_has_a_part_for_each_severity_and_a_single_finding_stays_visible() -> None:
    chart = bar_chart(families(large_report(3_000)))
    assert chart is not None
    assert {bar.family: bar.total for bar in chart.bars} == {
        "Lifecycle": 1000,
        "Privilege": 1000,
        "Federation": 1000,
    }
    lone = bar_chart(
        families(make_report(findings=(*large_report(3_000).findings[:1500], make_report().findings[1])))
    )
    assert lone is not None
    [federation] = [bar for bar in lone.bars if bar.family == "Federation"]
    assert federation.segments[-1].severity is Severity.HIGH
    assert all(segment.width >= 3 for bar in lone.bars for segment in bar.segments)
    assert bar_chart(families(clean_report())) is None


def test_beyond_the_limit_the_worst_stay_and_the_page_says_how_many_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(html, "FINDING_LIMIT", 2)
    accepted = msgspec.structs.replace(
        OWNER, fingerprint="a" * 32, suppressed=make_report().findings[2].suppressed
    )
    page = read(make_report(findings=(accepted, *make_report().findings)))
    rows = [
        attributes for attributes in page.all("div") if "finding" in (attributes.get("class") or "").split()
    ]
    assert [(row["data-code"], row["data-accepted"]) for row in rows] == [("MI201", "no"), ("MI301", "no")]
    assert "2 findings of 4, the least severe, are left out of this page" in page.text


def test_very_many_gaps_and_unknowns_are_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "LIST_LIMIT", 1)
    report = make_report(
        gaps=tuple(Gap("assignments", f"/subscriptions/{name}", "refused", "") for name in ("a", "b")),
        unknown=tuple(Unknown("MI101", f"/subscriptions/{name}", "why") for name in ("c", "d", "e")),
    )
    text = read(report).text
    assert "/subscriptions/a" in text
    assert "/subscriptions/b" not in text
    assert "1 more gap: see the JSON report." in text
    assert "2 more: see the JSON report." in text


def colours(dark: bool) -> dict[str, str]:
    light, _, rest = STYLE.partition("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    if dark:
        found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", rest.partition("*, *::before")[0]))
    return found


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_can_be_read_on_what_it_stands_on(dark: bool) -> None:
    palette = colours(dark)
    pairs = [
        (text, ground)
        for text in ("ink", "muted", "link", "critical", "high", "medium", "low", "info", "good")
        for ground in ("paper", "surface")
    ]
    pairs += [(text, "alarm") for text in ("ink", "muted")] + [(text, "code") for text in ("ink", "muted")]
    pairs += [("on-severity", severity.value) for severity in Severity]
    pairs += [(f"heat{step}-ink", f"heat{step}") for step in range(1, 6)]
    weak = {pair: round(contrast(palette[pair[0]], palette[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}
    assert contrast(palette["focus"], palette["paper"]) >= 3


def test_a_finding_in_code_shows_its_line_marked_and_where_else_to_look() -> None:
    document = html.render(code_report()).decode()
    assert '<span class="no">7</span>  <mark>role_definition_name = &#34;Owner&#34;</mark>\n' in document
    assert '<code class="place">infra/main.tf:7:3</code>' in document
    assert '<code class="id subject-id">azurerm_role_assignment.ci</code>' in document
    assert "<div><dt>called here</dt><dd><code>main.tf:4:1</code></dd></div>" in document
    assert "<b>Fix:</b> set shared_access_key_enabled to false" in document
    assert SECRET not in document
    assert "(infra)" not in document, "an id that stands for nothing deployed is shown nowhere"


def test_of_a_repository_no_tenant_is_named() -> None:
    page = read(code_report())
    assert "Tenant" not in page.text
    assert "Nothing was sent anywhere." in page.text
    assert "Tenant 99999999-" in read(make_report()).text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_code_is_text(name: str) -> None:
    page = read(hostile_code_report(HOSTILE[name]))
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert not [
        attributes for _, attributes in page.elements if any(key.startswith("on") for key in attributes)
    ]
