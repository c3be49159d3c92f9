"""What counts: findings that settings, comments or the baseline accept, and the threshold. The only filter there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date

import msgspec

from scanner.engine.baseline import Baseline
from scanner.engine.finding import Finding, Gap, RuleFault, RuleResult, Suppression
from scanner.engine.ignores import Ignore, notices_of
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
    findings: Sequence[Finding],
    exceptions: Sequence[PolicyException],
    today: date,
    *,
    judged: Collection[str],
    ignores: Sequence[Ignore] = (),
    baseline: Baseline | None = None,
    within: Callable[[str], bool] = lambda _: True,
    codes: Collection[str] = (),
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Mark accepted findings and return them all, in their order, with notices.

    A finding is accepted by an exception of the settings, by a comment in the code, or by the baseline, told in this
    order. ``judged`` are the codes of the rules that ran, ``codes`` those of all there are; ``within`` says whether a
    file of the repository was read as a whole: of the others' comments and baseline nothing can be said.

    An exception holds through its day of expiry. An expired one hides nothing and says so; so does one that
    matches no finding, because what it accepted is gone or its subject is misspelt. A comment without a reason hides
    nothing.
    """
    used: set[int] = set()
    by_rule: dict[str, list[tuple[int, PolicyException]]] = {}
    for number, exception in enumerate(exceptions):
        by_rule.setdefault(exception.rule, []).append((number, exception))
    by_file: dict[tuple[str, str], list[Ignore]] = {}
    for ignore in ignores:
        for code in () if ignore.problem else ignore.codes:
            by_file.setdefault((ignore.uri, code), []).append(ignore)
    used_ignores: set[tuple[Ignore, str]] = set()
    known = baseline.entries if baseline is not None else {}
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
        for ignore in _about(finding, by_file) if by_file else ():
            used_ignores.add((ignore, finding.code))
            suppressed = suppressed or Suppression(kind="inline", reason=ignore.reason)
        entry = known.get(finding.fingerprint)
        if entry is not None and suppressed is None:
            since = f"in the baseline since {entry.since.isoformat()}"
            suppressed = Suppression(
                kind="baseline", reason=f"{entry.reason} ({since})" if entry.reason else since
            )
        marked.append(msgspec.structs.replace(finding, suppressed=suppressed) if suppressed else finding)
    notices = []
    for number, exception in enumerate(exceptions):
        what = f"the exception for {exception.rule} on {exception.subject} ({exception.where})"
        if number in used and exception.expires < today:
            notices.append(f"{what} expired on {exception.expires.isoformat()} and no longer hides anything")
        elif number not in used and exception.rule in judged:
            notices.append(f"{what} matches no finding: remove it, or check its subject")
    notices.extend(notices_of(ignores, used_ignores, judged, within, codes))
    if baseline is not None:
        notices.extend(baseline.notices_of_gone(findings, judged, within))
    return tuple(marked), tuple(notices)


def _about(finding: Finding, by_file: Mapping[tuple[str, str], Sequence[Ignore]]) -> Iterator[Ignore]:
    """Yield the comments that are about a finding: in the file it points at, or where its module is called."""
    if finding.location is None:
        return
    files = dict.fromkeys([finding.location.uri, *(related.location.uri for related in finding.related)])
    if finding.declared is not None:
        files[finding.declared.place.uri] = None
    for uri in files:
        for ignore in by_file.get((uri, finding.code), ()):
            if ignore.covers(finding):
                yield ignore


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
