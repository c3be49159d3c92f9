"""A baseline: the findings that were there when somebody drew a line, so that only what comes later counts.

A JSON file that is kept with the code, written by ``midas baseline``. It is sorted and has one finding per line of a
list, so a change of it reads well in a review. A finding is known again by its fingerprint, and where refactoring has
changed that, by what it says; code, subject and place are there for the reader.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

import msgspec

from scanner.engine.finding import Finding
from scanner.errors import UserError

SCHEMA = "midas-baseline/v1"
FILE = "midas-baseline.json"
"""What the file is called where nothing else is said."""
_NAMED = 3
"""Findings that a notice names; it says how many more there are."""


Said = tuple[str, str]
"""What a finding says: in the unit that declares it, and in whichever unit."""


class BaselineError(UserError):
    """A baseline that cannot be used: the file, what is wrong, what to do."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One finding of a baseline. ``since`` is the day it was put there, ``reason`` why it may stay."""

    fingerprint: str
    code: str
    subject: str
    place: str = ""
    """File and line when it was put there, empty for a tenant; lines move, so nothing is compared with it."""
    since: date
    reason: str = ""
    said: str = ""
    """Two digests of what it says, with a dot between: in the unit that declares it, and in whichever unit."""

    @property
    def uri(self) -> str:
        """The file; empty for a tenant."""
        return self.place.rpartition(":")[0]


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: str
    findings: list[Entry] = []


class Baseline(msgspec.Struct, frozen=True):
    """A baseline that was read: the file as it is called in notices, and its findings by fingerprint."""

    where: str
    entries: dict[str, Entry]

    def following(
        self, findings: Sequence[Finding], said: Callable[[Finding], Said], is_gone: Callable[[str], bool]
    ) -> Baseline:
        """Return it with the fingerprints that its findings have now.

        A label that is renamed changes a fingerprint, and so does another name of a file or folder. An entry without a
        finding goes to one without an entry that says the same in the same unit, or, where ``is_gone`` says that the
        entry's file is there no more, in any; each to one at most.
        """
        there = {finding.fingerprint for finding in findings}
        lost: dict[str, list[Entry]] = {}
        for entry in self.entries.values():
            here, _, anywhere = entry.said.partition(".")
            if here and entry.fingerprint not in there:
                lost.setdefault(here, []).append(entry)
                if is_gone(entry.uri):
                    lost.setdefault(anywhere, []).append(entry)
        if not lost:
            return self
        entries = dict(self.entries)
        for finding in findings:
            if finding.location is None or finding.fingerprint in entries:
                continue
            candidates = (entry for digest in _digests(said(finding)) for entry in lost.get(digest, ()))
            old = next((one for one in candidates if one.fingerprint in entries), None)
            if old is not None:
                del entries[old.fingerprint]
                entries[finding.fingerprint] = msgspec.structs.replace(old, fingerprint=finding.fingerprint)
        return Baseline(self.where, entries)

    def notices_of_gone(
        self,
        findings: Iterable[Finding],
        judged: Container[str],
        within: Callable[[str], bool] = lambda _: True,
    ) -> Iterator[str]:
        """Yield one notice when findings of the baseline are gone.

        ``judged`` are the codes of the rules that ran, ``within`` says whether a file was looked at: of the others
        nothing can be said. An entry of a tenant has the file ``""``.
        """
        there = {finding.fingerprint for finding in findings}
        gone = [
            entry
            for entry in self.entries.values()
            if entry.fingerprint not in there and entry.code in judged and within(entry.uri)
        ]
        if gone:
            named = ", ".join(_spoken(entry) for entry in gone[:_NAMED])
            more = f" and {len(gone) - _NAMED:,} more" if len(gone) > _NAMED else ""
            findings_are, they = ("finding is", "it") if len(gone) == 1 else ("findings are", "they")
            yield (
                f"{self.where}: {len(gone):,} {findings_are} gone: {named}{more}; "
                f"write the baseline again (midas baseline) so that {they} cannot come back unseen"
            )


def _spoken(entry: Entry) -> str:
    return f"{entry.code} {entry.subject}" + (f" ({entry.place})" if entry.place else "")


def _digests(said: Said) -> tuple[str, str]:
    here, anywhere = (hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:16] for words in said)
    return here, anywhere


def read_baseline(path: Path) -> Baseline:
    """Read a baseline; raises :class:`BaselineError`."""
    try:
        document = msgspec.json.decode(path.read_bytes(), type=_Document)
    except FileNotFoundError as error:
        raise BaselineError(f"{path}: there is no such baseline; midas baseline writes one") from error
    except OSError as error:
        raise BaselineError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # msgspec says which field of which finding does not fit.
        raise BaselineError(f"{path}: is no baseline: {error}; write it again with midas baseline") from error
    if document.schema != SCHEMA:
        raise BaselineError(
            f"{path}: its schema is {document.schema!r}, this Midas reads {SCHEMA}; write it again with midas baseline"
        )
    return Baseline(path.name, {entry.fingerprint: entry for entry in document.findings})


def make_baseline(
    findings: Iterable[Finding],
    today: date,
    *,
    reason: str = "",
    before: Baseline | None = None,
    said: Callable[[Finding], Said] | None = None,
    keeps: Callable[[Entry], bool] = lambda _: False,
) -> bytes:
    """Return the baseline of all findings that nobody accepted in another way.

    What is in the baseline ``before`` keeps its day and its reason; without a finding it stays where ``keeps`` says so.
    ``said`` tells what a finding in code says.
    """
    entries: dict[str, Entry] = {}
    if before is not None:
        entries = {name: entry for name, entry in before.entries.items() if keeps(entry)}
    for finding in findings:
        if finding.suppressed is not None and finding.suppressed.kind != "baseline":
            entries.pop(finding.fingerprint, None)
            continue
        known = before.entries.get(finding.fingerprint) if before is not None else None
        location = finding.location
        address = finding.declared.address if finding.declared is not None else ""
        entries[finding.fingerprint] = Entry(
            fingerprint=finding.fingerprint,
            code=finding.code,
            subject=address or finding.subject.id,
            place=f"{location.uri}:{location.line}" if location is not None else "",
            since=known.since if known is not None else today,
            reason=known.reason if known is not None else reason,
            said=".".join(_digests(said(finding))) if said is not None and location is not None else "",
        )
    ordered = sorted(
        entries.values(), key=lambda entry: (entry.code, entry.uri, entry.subject, entry.fingerprint)
    )
    lines = ",\n".join(f"    {msgspec.json.encode(entry).decode()}" for entry in ordered)
    listed = f"\n{lines}\n  " if lines else ""
    return f'{{\n  "schema": "{SCHEMA}",\n  "findings": [{listed}]\n}}\n'.encode()
