"""Comments in code that accept a finding: ``midas: ignore[MI203] reason``.

Such a comment stands on a line of code, or above one: then it is about the next line that has code. When that line
opens a block (a resource, a module call, an object), it is about all of the block; in Bicep also when decorators stand
between. It accepts findings of its rules that point into these lines, or whose subject is declared there or comes
through a module call there. Several codes stand between commas. A reason is required.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator

import msgspec

from scanner.engine.finding import Finding
from scanner.engine.source_files import SourceFiles
from scanner.engine.whereabouts import CALLED_HERE

_CODE = re.compile(r"[A-Z]{2,5}[0-9]{3}")


class Ignore(msgspec.Struct, frozen=True, kw_only=True):
    """One comment: where it stands, the rules it names, why, and the lines it is about (0 when there are none)."""

    uri: str
    line: int
    codes: tuple[str, ...]
    reason: str
    first: int
    last: int

    @property
    def where(self) -> str:
        """File and line, for notices."""
        return f"{self.uri}:{self.line}"

    @property
    def written(self) -> str:
        """The comment without its reason, for notices."""
        return f"midas: ignore[{', '.join(self.codes)}]" if self.codes else "midas: ignore"

    @property
    def problem(self) -> str:
        """Why it ignores nothing, whatever was found; empty when it is well formed."""
        wrong = [code for code in self.codes if not _CODE.fullmatch(code)]
        if not self.codes or wrong:
            what = f"{wrong[0]!r} is no code of a rule" if wrong else "it names no rule"
            return f"{what}; write midas: ignore[MI203] and the reason"
        if not self.reason:
            return "it gives no reason; write why after the bracket"
        return ""

    def covers(self, finding: Finding) -> bool:
        """Whether it is about this finding."""
        if finding.code not in self.codes or finding.location is None:
            return False
        places = [finding.location]
        if finding.declared is not None:
            places.append(finding.declared.place)
        places += [related.location for related in finding.related if related.message == CALLED_HERE]
        return any(place.uri == self.uri and self.first <= place.line <= self.last for place in places)


def ignores_of(uris: Iterable[str], sources: SourceFiles) -> tuple[Ignore, ...]:
    """Return the comments of these files, by file and line; files that cannot be read have none."""
    found: list[Ignore] = []
    for uri in sorted(set(uris)):
        # Few repositories have such a comment, and the others need not load what reads them.
        from scanner.engine.comments import ignores_in

        lines = sources.lines(uri)
        if lines is not None:
            found += ignores_in(uri, lines.data)
    return tuple(found)


def notices_of(
    ignores: Iterable[Ignore],
    used: set[tuple[Ignore, str]],
    judged: Iterable[str],
    within: Callable[[str], bool] = lambda _: True,
    codes: Collection[str] = (),
) -> Iterator[str]:
    """Yield what is to be said of comments: those that are not well formed, and those that matched no finding.

    ``used`` are comments with the code of a finding that they are about; ``judged`` the codes of the rules that ran,
    ``codes`` those of all there are, where that is known. ``within`` says whether a file was read as a whole: in others
    a finding may only not have been made.
    """
    ran, known = set(judged), set(codes)
    for ignore in ignores:
        if ignore.problem:
            yield f"{ignore.where}: {ignore.written} ignores nothing: {ignore.problem}"
            continue
        strange = [code for code in ignore.codes if known and code not in known]
        if strange:
            yield f"{ignore.where}: {ignore.written}: there is no rule {', '.join(strange)}; `midas rules` lists them"
        unused = [code for code in ignore.codes if code in ran and (ignore, code) not in used]
        if unused and within(ignore.uri):
            yield (
                f"{ignore.where}: {ignore.written} matches no finding of {', '.join(unused)}: "
                "remove it, or put it where the finding is"
            )
