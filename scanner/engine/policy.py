"""What counts: accepted findings, expired exceptions, the threshold. The only place that filters."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from datetime import date

import msgspec

from scanner.engine.finding import Finding, Gap, RuleFault, RuleResult, Suppression
from scanner.facts.coverage import HIDES_NOTHING, OUTSIDE
from scanner.rule import Severity


class PolicyException(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that somebody accepts. ``subject`` is an Azure id or a name; ``*`` stands for any run of characters."""

    rule: str
    subject: str
    reason: str
    owner: str
    expires: date
    where: str
    """File and line, for notices."""

    def covers(self, finding: Finding) -> bool:
        """Whether it is about this finding; case does not matter."""
        if finding.code != self.rule:
            return False
        parts = self.subject.lower().rstrip("/").split("*")
        pattern = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
        return any(
            pattern.fullmatch(value.lower().rstrip("/"))
            for value in (finding.subject.id, finding.subject.name)
        )


def accept(
    findings: Sequence[Finding], exceptions: Sequence[PolicyException], today: date, *, judged: Container[str]
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Mark accepted findings and return them all, in their order, with notices.

    ``judged`` are the codes of the rules that ran: of the others' exceptions nothing can be said.

    An exception holds through its day of expiry. An expired one hides nothing and says so; so does one that
    matches no finding, because what it accepted is gone or its subject is misspelt.
    """
    used: set[int] = set()
    by_rule: dict[str, list[tuple[int, PolicyException]]] = {}
    for number, exception in enumerate(exceptions):
        by_rule.setdefault(exception.rule, []).append((number, exception))
    marked = []
    for finding in findings:
        suppressed = None
        for number, exception in by_rule.get(finding.code, ()):
            if exception.covers(finding):
                used.add(number)
                if exception.expires >= today and suppressed is None:
                    suppressed = Suppression(
                        kind="exception",
                        reason=exception.reason,
                        owner=exception.owner,
                        expires=exception.expires.isoformat(),
                    )
        marked.append(msgspec.structs.replace(finding, suppressed=suppressed) if suppressed else finding)
    notices = []
    for number, exception in enumerate(exceptions):
        what = f"the exception for {exception.rule} on {exception.subject} ({exception.where})"
        if number in used and exception.expires < today:
            notices.append(f"{what} expired on {exception.expires.isoformat()} and no longer hides anything")
        elif number not in used and exception.rule in judged:
            notices.append(f"{what} matches no finding: remove it, or check its subject")
    return tuple(marked), tuple(notices)


def reaches(findings: Sequence[Finding], threshold: Severity | None) -> bool:
    """Whether a finding that nobody accepted is at the threshold or worse."""
    return threshold is not None and any(
        finding.suppressed is None and finding.severity.rank <= threshold.rank for finding in findings
    )


def chosen(code: str, select: Sequence[str], ignore: Sequence[str]) -> bool:
    """Whether a rule runs: selected by code or by the beginning of one (``MI2``), and not ignored in the same way."""
    return (not select or any(code.startswith(part.upper()) for part in select)) and not any(
        code.startswith(part.upper()) for part in ignore
    )


def is_complete(results: Sequence[RuleResult], gaps: Sequence[Gap], faults: Sequence[RuleFault]) -> bool:
    """Whether all that was asked for was read and judged; gaps that hide nothing, or lie outside it, do not count."""
    left_out = HIDES_NOTHING | {OUTSIDE}
    return not faults and not nothing_judged(results) and all(gap.reason in left_out for gap in gaps)


def nothing_judged(results: Sequence[RuleResult]) -> bool:
    """Whether not one subject was judged by any rule: a scan that saw nothing must not look clean."""
    return not any(result.judged for result in results)
