"""Which findings a change brings: those that were not there before.

A finding was there when the same one was, by its fingerprint. Refactoring changes the ids of what code gives no name of
its own, and so fingerprints: a label is renamed, a resource goes into a module, a file or folder gets another name.
Then a finding was there when one that is gone said the same: of the same rule, about the same scope, role, holder and
whatever else its evidence names. Once more than before is new. So is what another unit says as long as the one that
said it before is still there: the same assignment in another deployment is another assignment.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from scanner.engine.finding import Finding, Gap, RuleResult, Unknown
from scanner.engine.source_files import SourceFiles
from scanner.engine.whereabouts import CALLED_HERE

NEW, UNCHANGED = "new", "unchanged"
_NAMED_AT_RANDOM = "microsoft.authorization/roleassignments"
"""The type whose name means nothing: who is given what, and where, tells one from another."""
_UNIT = re.compile(r"\((?!resource-group\))[^()/]*\)")
"""What stands in an id for the unit that declares a thing, where code does not say more: ``(infra:prod)``."""
_LONGEST_CHAIN = 5
"""Moves of one thing that follow each other."""


def compared(
    findings: Sequence[Finding],
    before: Sequence[Finding],
    sources: SourceFiles | None,
    moves: Callable[[], Sequence[tuple[str, str]]] = tuple,
) -> tuple[Finding, ...]:
    """Return all findings, each marked as new or unchanged.

    ``sources`` are the files of now; ``moves`` returns old and new addresses of what code says has moved, and is only
    called when it can matter.
    """
    had = {finding.fingerprint for finding in before}
    there = {finding.fingerprint for finding in findings}
    gone = [finding for finding in before if finding.fingerprint not in there]
    fresh = any(finding.fingerprint not in had for finding in findings)
    waiting = _Gone(gone if fresh else [], sources, moves)
    marked = []
    for finding in findings:
        known = finding.fingerprint in had or waiting.take(finding)
        marked.append(msgspec.structs.replace(finding, change=UNCHANGED if known else NEW))
    return tuple(marked)


def only_new(
    results: Sequence[RuleResult],
    findings: Sequence[Finding],
    unknown: Sequence[Unknown] = (),
    had_unknown: Sequence[Unknown] = (),
) -> tuple[tuple[RuleResult, ...], tuple[Finding, ...], tuple[Unknown, ...]]:
    """Return the new findings and unknowns, and the rules with what was there before as not applicable to the change.

    An unknown was there when the rule could not speak of the same subject for the same reason.
    """
    new = tuple(finding for finding in findings if finding.change == NEW)
    failing: dict[str, set[str]] = {}
    for finding in new:
        failing.setdefault(finding.code, set()).add(finding.subject.id.lower())
    left = Counter((one.code, _file_of(one.subject), one.reason) for one in had_unknown)
    unclear: list[Unknown] = []
    before: Counter[str] = Counter()
    for one in unknown:
        about = (one.code, _file_of(one.subject), one.reason)
        if left[about] > 0:
            left[about] -= 1
            before[one.code] += 1
        else:
            unclear.append(one)
    counted = []
    for result in results:
        failed = len(failing.get(result.code, ()))
        still = max(result.unknown - before[result.code], 0)
        counted.append(
            msgspec.structs.replace(
                result,
                failed=failed,
                unknown=still,
                not_applicable=result.not_applicable + result.failed - failed + result.unknown - still,
            )
        )
    return tuple(counted), new, tuple(unclear)


def new_gaps(
    gaps: Sequence[Gap],
    before: Sequence[Gap],
    sources: SourceFiles | None,
    sources_before: SourceFiles | None,
) -> tuple[Gap, ...]:
    """Return the gaps that a change is to be told of: those that were not there, and those in files that it touches.

    What could not be read of a file may be just what the change changes in it. A gap of a tenant always counts, for
    what the code comes to is judged by what was read of it.
    """
    left = Counter((gap.table, _file_of(gap.scope), gap.reason, gap.detail) for gap in before)
    told = []
    for gap in gaps:
        uri = _file_of(gap.scope)
        about = (gap.table, uri, gap.reason, gap.detail)
        had = left[about] > 0
        left[about] -= had
        if not had or uri.startswith("/") or _touched(uri, sources, sources_before):
            told.append(gap)
    return tuple(told)


def _touched(uri: str, sources: SourceFiles | None, sources_before: SourceFiles | None) -> bool:
    if sources is None or sources_before is None:
        return False
    now, then = sources.lines(uri), sources_before.lines(uri)
    return (now.data if now else None) != (then.data if then else None)


def _file_of(place: str) -> str:
    """Return a place in code without its line, which moves; an id as it is."""
    uri, _, line = place.rpartition(":")
    return uri if uri and line.isdigit() and not place.startswith("/") else place


def said(finding: Finding) -> tuple[str, str]:
    """Return what a finding says, for knowing it again: in its own unit, and in whichever."""
    words, mark = _words(finding), _unit(finding)
    return words, _elsewhere(words, mark) if mark else words


def once_for_each_place(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return one finding of a rule for each place in code; its evidence says under ``also`` whom it is about besides.

    One declaration stands for many things: in a loop, in a module called often, with several parameter files. Where it
    is not the same that is said of them, as of a module that makes role assignments, all that is said is kept.
    """
    kept: dict[object, Finding] = {}
    also: dict[object, list[str]] = {}
    for finding in findings:
        accepted = finding.suppressed is not None
        key = (finding.code, finding.location, accepted) if finding.location else finding.fingerprint
        if key in kept:
            same = finding.message == kept[key].message
            also.setdefault(key, []).append(finding.subject.name if same else finding.message)
        else:
            kept[key] = finding
    return tuple(
        msgspec.structs.replace(finding, evidence={**finding.evidence, "also": sorted(set(also[key]))})
        if key in also
        else finding
        for key, finding in kept.items()
    )


def there_before(called: str, findings: int, unknown: int, gaps: int) -> tuple[str, ...]:
    """Return what is said of that which a change did not bring; ``called`` says what it was compared with."""
    findings_were = "finding was" if findings == 1 else "findings were"
    told = [f"{f'{findings:,}' if findings else 'no'} {findings_were} there before ({called})"]
    also = [
        f"{count:,} {what}{'' if count == 1 else 's'}"
        for count, what in ((unknown, "unknown verdict"), (gaps, "gap"))
        if count
    ]
    if also:
        were = "was" if unknown + gaps == 1 else "were"
        told.append(f"{' and '.join(also)} {were} there before, too: run it without --since to see all")
    return tuple(told)


class _Gone:
    """Findings that are there no more under their own fingerprint; each may come back once under another one."""

    def __init__(
        self,
        gone: Sequence[Finding],
        sources: SourceFiles | None,
        moves: Callable[[], Sequence[tuple[str, str]]],
    ) -> None:
        self._said: dict[str, list[int]] = {}
        self._taken: set[int] = set()
        moved = _Moved(moves()) if gone else None
        for number, finding in enumerate(gone):
            mark = _unit(finding) if _root_is_gone(finding, sources) else ""
            for words in () if moved is None else moved.each(_words(finding)):
                self._said.setdefault(words, []).append(number)
                if mark:
                    self._said.setdefault(_elsewhere(words, mark), []).append(number)

    def take(self, finding: Finding) -> bool:
        """Whether one of them said the same, which then cannot stand for another finding."""
        if not self._said:
            return False
        words = _words(finding)
        mark = _unit(finding)
        for key in (words, _elsewhere(words, mark)) if mark else (words,):
            left = self._said.get(key, [])
            while left:
                number = left.pop()
                if number not in self._taken:
                    self._taken.add(number)
                    return True
        return False


class _Moved:
    """Texts as they read after things have moved to other addresses."""

    def __init__(self, moves: Sequence[tuple[str, str]]) -> None:
        # The longest first: an instance may go elsewhere than the rest of its resource.
        self._to = {old.lower(): new.lower() for old, new in sorted(moves, key=lambda move: -len(move[0]))}
        written = "|".join(re.escape(old) for old in self._to)
        # As part of a longer address it counts with a module before it, but it names no data source.
        self._old = re.compile(rf"(?<![\w-])(?<!data\.)(?:{written})(?![\w-])") if written else None

    def each(self, words: str) -> Iterator[str]:
        """Yield a text as it is, then after one move, after two, and so on."""
        seen: set[str] = set()
        while words not in seen and len(seen) < _LONGEST_CHAIN:
            seen.add(words)
            yield words
            if self._old is not None:
                words = self._old.sub(lambda found: self._to[found[0]], words)


def _words(finding: Finding) -> str:
    """Return what a finding says, without the name of its subject where that means nothing."""
    subject = finding.subject
    about = subject.id
    address = finding.declared.address if finding.declared else ""
    last = about.rpartition("/")[2]
    if subject.type == _NAMED_AT_RANDOM or (address and "{" + address in last):
        about = about[: len(about) - len(last)]
    evidence = [f"{name}={_named(value)}" for name, value in sorted(finding.evidence.items())]
    return "\x1f".join([finding.code, subject.type, subject.name, about, *evidence]).lower()


def _named(value: Any) -> Any:
    """Return a value of evidence; of an entity its id, for its name may be made of a label."""
    return value.get("id", value) if isinstance(value, dict) else value


def _unit(finding: Finding) -> str:
    """Return what stands for the unit in the ids of a finding; empty where code says where all of it lies."""
    found = _UNIT.search(finding.subject.id.lower())
    return "" if found is None else found[0]


def _elsewhere(words: str, mark: str) -> str:
    """Return what a finding says, in whichever unit."""
    return words.replace(mark, "()")


def _root_is_gone(finding: Finding, sources: SourceFiles | None) -> bool:
    """Whether the file is there no more in which a finding's unit begins: the outermost module call, or its own."""
    if finding.declared is None or sources is None:
        return False
    place = finding.declared.place
    if finding.related and finding.related[-1].message == CALLED_HERE:
        place = finding.related[-1].location
    return sources.is_gone(place.uri)
