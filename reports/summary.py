"""What several writers say of a report: the verdict, a score per family, what to fix first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from reports.report import Report
from scanner.engine.finding import Finding, Location, RuleResult
from scanner.engine.policy import nothing_judged
from scanner.facts.coverage import HIDES_NOTHING, OUTSIDE
from scanner.rule import Confidence, Effort, Severity

FAMILIES: dict[int, str] = {
    1: "Lifecycle",
    2: "Privilege",
    3: "Federation",
    4: "Exposure",
    5: "Local authentication",
    6: "Credentials",
    9: "Scanner",
}

_WEIGHTS: dict[Severity, int] = {
    Severity.CRITICAL: 10,
    Severity.HIGH: 5,
    Severity.MEDIUM: 2,
    Severity.LOW: 1,
    Severity.INFO: 0,
}

_ACRONYMS = {word.lower(): word for word in ("AKS", "ACR", "PIM", "SAS", "SQL", "VM")}


class FamilySummary(msgspec.Struct, frozen=True, kw_only=True):
    """One family of rules: counts of subjects judged by its rules, and its findings that nobody accepted.

    ``score`` is 0 to 100: the share of judged subjects that passed, each rule weighing by its severity. Unknown
    does not count as passed. None when there was nothing to judge.
    """

    family: int
    name: str
    rules: int
    failed: int
    judged: int
    unknown: int
    by_severity: dict[Severity, int]
    score: int | None

    @property
    def worst(self) -> Severity | None:
        """The worst severity among its open findings."""
        return next((severity for severity, count in self.by_severity.items() if count), None)


class Priority(msgspec.Struct, frozen=True):
    """A weakness to fix, with its findings that nobody accepted, worst first."""

    rule: RuleResult
    severity: Severity
    findings: tuple[Finding, ...]


def family_name(family: int) -> str:
    """Return the name of a family of rules."""
    return FAMILIES.get(family, f"Family {family}")


def family_of(code: str) -> int:
    """Return the family digit of a rule code."""
    return int(code[2])


def title_of(name: str) -> str:
    """Return a kebab-case rule name as words: ``owner-at-scope`` is "Owner at scope"."""
    words = [_ACRONYMS.get(word, word) for word in name.replace("_", "-").split("-") if word]
    title = " ".join(words)
    return title[:1].upper() + title[1:]


def counted(failed: int, judged: int, unknown: int) -> str:
    """Return "3 of 41 failed, 5 unknown"; the unknown part only where there is some."""
    if not judged:
        return "nothing to judge"
    text = f"{failed:,} of {judged:,} failed"
    return f"{text}, {unknown:,} unknown" if unknown else text


def plural(number: int, noun: str, nouns: str = "") -> str:
    """Return the number with the right form of the noun."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def by_severity(findings: Iterable[Finding]) -> dict[Severity, int]:
    """Count findings per severity, worst first, zeros included."""
    counts = Counter(finding.severity for finding in findings)
    return {severity: counts[severity] for severity in Severity}


def over_threshold(report: Report) -> int:
    """Count the open findings that make the exit code 1."""
    threshold = report.threshold
    if threshold is None:
        return 0
    return sum(finding.severity.rank <= threshold.rank for finding in report.open_findings)


def is_complete(report: Report) -> bool:
    """Whether all that was asked for was read, every rule ran to its end, and there was something to judge.

    A complete run may have gaps: what lies outside the scope asked for, or what the tenant has no licence for.
    Any other gap makes it incomplete, whatever the run says of itself.
    """
    left_out = HIDES_NOTHING | {OUTSIDE}
    return (
        report.run.complete
        and not report.faults
        and not nothing_judged(report.rules)
        and all(gap.reason in left_out for gap in report.gaps)
    )


def why_nothing_judged(report: Report) -> str:
    """Return why not one subject was judged, as a sentence without its full stop; empty when some were."""
    if not nothing_judged(report.rules):
        return ""
    if not report.rules:
        return "Nothing was judged: no rule was run"
    if report.faults or report.gaps:
        return "Nothing was judged: no rule found a subject in what could be read"
    return "Nothing was judged: no rule found a subject in what was read"


def scope_name(scope: str) -> str:
    """Return the scope of a gap for people: its Azure id, or "everything" for ``/``."""
    return "everything" if scope == "/" else scope


def identifier_of(finding: Finding) -> str:
    """Return what the subject of a finding is called without doubt: its Azure id, in code its address there.

    What is declared and not deployed has no id yet; where code has no address for it, its name has to do.
    """
    declared = finding.declared
    if declared is None:
        return finding.subject.id
    return declared.address or finding.subject.name or finding.subject.id


def place_of(finding: Finding) -> str:
    """Return where in code a finding is, as editors know it: ``infra/main.tf:12:3``; empty in a tenant."""
    return place_text(finding.location) if finding.location is not None else ""


def place_text(location: Location) -> str:
    """Return ``infra/main.tf:12:3``."""
    return f"{location.uri}:{location.line}:{location.column}"


def verdict(report: Report) -> str:
    """Return the result of the run as one sentence without its full stop.

    What is incomplete, and what judged nothing, never sounds clean.
    """
    rules = plural(len(report.rules), "rule")
    unknown = sum(rule.unknown for rule in report.rules)
    count = len(report.open_findings)
    if count:
        failing = len({finding.code for finding in report.open_findings})
        text = f"{plural(count, 'open finding')} from {failing:,} of {rules}"
        if not is_complete(report):
            text += ", and not everything could be read"
        return text
    if nothing_judged(report.rules):
        return why_nothing_judged(report)
    if not is_complete(report):
        return "No open findings in what could be read, but not everything could be read"
    if unknown:
        return f"No open findings, but {plural(unknown, 'answer')} unknown"
    idle = sum(not rule.judged for rule in report.rules)
    if idle:
        return (
            f"No open findings: {len(report.rules) - idle:,} of {rules} passed, {idle:,} had nothing to judge"
        )
    return f"No open findings: {rules} passed"


def score(rules: Iterable[RuleResult]) -> int | None:
    """Return the weighted share of judged subjects that passed, 0 to 100; 100 only if none failed or is unknown."""
    judged = passed = 0
    flawless = True
    for rule in rules:
        judged += _WEIGHTS[rule.severity] * rule.judged
        passed += _WEIGHTS[rule.severity] * rule.passed
        flawless = flawless and not rule.failed and not rule.unknown
    if not judged:
        return None
    return 100 if flawless else min(99, passed * 100 // judged)


def families(report: Report) -> list[FamilySummary]:
    """Return the families that have rules, by number."""
    rules: dict[int, list[RuleResult]] = {}
    for rule in report.rules:
        rules.setdefault(family_of(rule.code), []).append(rule)
    findings: dict[int, list[Finding]] = {}
    for finding in report.open_findings:
        findings.setdefault(finding.family, []).append(finding)
    return [
        FamilySummary(
            family=family,
            name=family_name(family),
            rules=len(members),
            failed=sum(rule.failed for rule in members),
            judged=sum(rule.judged for rule in members),
            unknown=sum(rule.unknown for rule in members),
            by_severity=by_severity(findings.get(family, ())),
            score=score(members),
        )
        for family, members in sorted(rules.items())
    ]


def priorities(report: Report) -> list[Priority]:
    """Return the weaknesses in the order to fix them.

    The worst first; among equals the surest, then the one that is easiest to fix, then the most frequent.
    """
    rules = {rule.code: rule for rule in report.rules}
    groups: dict[str, list[Finding]] = {}
    for finding in report.open_findings:
        groups.setdefault(finding.code, []).append(finding)
    confidences, efforts = list(Confidence), list(Effort)

    def order(priority: Priority) -> tuple[int, int, int, int, str]:
        first = priority.findings[0]
        return (
            priority.severity.rank,
            confidences.index(first.confidence),
            efforts.index(first.effort),
            -len(priority.findings),
            first.code,
        )

    found = []
    for code, members in groups.items():
        members.sort(key=lambda finding: finding.severity.rank)
        first = members[0]
        # A finding whose rule is not among the results still has to be shown.
        rule = rules.get(code) or RuleResult(
            code=code,
            name=first.name,
            severity=first.severity,
            confidence=first.confidence,
            effort=first.effort,
            page="",
        )
        found.append(Priority(rule, first.severity, tuple(members)))
    return sorted(found, key=order)


def busiest_subjects(report: Report, limit: int) -> list[tuple[Finding, ...]]:
    """Return the open findings of subjects that fail two rules or more, at most ``limit`` subjects, worst first."""
    groups: dict[str, list[Finding]] = {}
    for finding in report.open_findings:
        groups.setdefault(finding.subject.id.lower(), []).append(finding)

    def order(findings: Sequence[Finding]) -> tuple[int, int, str]:
        codes = len({finding.code for finding in findings})
        return (min(f.severity.rank for f in findings), -codes, findings[0].subject.id.lower())

    several = [members for members in groups.values() if len({finding.code for finding in members}) > 1]
    return [tuple(members) for members in sorted(several, key=order)[:limit]]
