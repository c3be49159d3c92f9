"""JUnit XML, for pipelines that show test results: a suite per family, a case per rule and subject that fails."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from reports.hostile import LABEL_LIMIT, shown
from reports.report import Report
from reports.summary import (
    counted,
    family_name,
    family_of,
    identifier_of,
    is_complete,
    place_of,
    title_of,
    why_nothing_judged,
)
from scanner.engine.finding import Finding, RuleResult


def render(report: Report) -> bytes:
    """Return the report as JUnit XML.

    A finding is a failure, an accepted one is skipped; a rule without findings passes, or is skipped where it
    had nothing to judge or knows no answer for some subject. What was not read, and a run that judged nothing,
    is an error, so that incomplete is never green.
    """
    root = Xml.Element("testsuites", name="midas")
    findings: dict[str, list[Finding]] = {}
    for finding in report.findings:
        findings.setdefault(finding.code, []).append(finding)
    rules: dict[int, list[RuleResult]] = {}
    for rule in report.rules:
        rules.setdefault(family_of(rule.code), []).append(rule)
    for family, members in sorted(rules.items()):
        suite = Xml.SubElement(root, "testsuite", name=family_name(family))
        for rule in members:
            _rule(suite, rule, findings.get(rule.code, []))
        _count(suite)
    if not is_complete(report):
        suite = Xml.SubElement(root, "testsuite", name="Completeness")
        for fault in report.faults:
            _case(suite, fault.code, "rule ran to its end", "error", fault.error)
        for gap in report.gaps:
            detail = f": {gap.detail}" if gap.detail else ""
            _case(suite, gap.table, f"read {gap.table} in {gap.scope}", "error", f"{gap.reason}{detail}")
        idle = why_nothing_judged(report)
        if idle:
            _case(suite, "run", "something was judged", "error", idle)
        if not idle and not report.faults and not report.gaps:
            _case(suite, "run", "everything was read", "error", "the run is incomplete")
        _count(suite)
    Xml.indent(root)
    document: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _rule(suite: Xml.Element, rule: RuleResult, findings: list[Finding]) -> None:
    for finding in findings:
        name = f"{rule.code} {title_of(rule.name)}: {finding.subject.name or finding.subject.id}"
        if finding.suppressed:
            _case(suite, rule.code, name, "skipped", f"accepted: {finding.suppressed.reason}")
        else:
            place = place_of(finding)
            case = _case(
                suite, rule.code, name, "failure", f"{place}: {finding.message}" if place else finding.message
            )
            if finding.location is not None:
                case.set("file", shown(finding.location.uri))
                case.set("line", str(finding.location.line))
            case[0].set("type", finding.severity.value)
            case[0].text = shown(f"{place}: " if place else "") + shown(
                f"{finding.message} [{identifier_of(finding)}]"
            )
    if not findings:
        name = f"{rule.code} {title_of(rule.name)}"
        text = counted(rule.failed, rule.judged, rule.unknown)
        _case(suite, rule.code, name, "skipped" if rule.unknown or not rule.judged else "", text)


def _case(suite: Xml.Element, group: str, name: str, outcome: str, message: str) -> Xml.Element:
    case = Xml.SubElement(suite, "testcase", classname=shown(group, LABEL_LIMIT), name=shown(name))
    if outcome:
        Xml.SubElement(case, outcome, message=shown(message))
    return case


def _count(suite: Xml.Element) -> None:
    suite.set("tests", str(len(suite)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
