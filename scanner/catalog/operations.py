"""The operations of Azure's resource providers, and which of them a pattern covers.

A set of operations is a Python integer used as a bit set: bit *i* stands for the *i*-th name in sorted order. Union
and difference of whole roles are then single machine-speed operations, and the share of Azure a role can write
is a bit count. The names come from `data/operations.json`, made by `python -m scanner.catalog.compile`.

How Azure matches, and so does this module: without regard to case; `*` stands for any run of characters,
slashes included, anywhere and any number of times; `a/*/b` also covers `a/b`, or Managed Identity Operator
(`userAssignedIdentities/*/assign/action`) would not be able to assign an identity
(`userAssignedIdentities/assign/action`).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from itertools import accumulate

import msgspec

from scanner.catalog.data_files import data

# Patterns with a star that are kept, 3 KB each: the built-in roles have about 1,900.
_PATTERNS_KEPT = 8_192
# `a/*/b/*/c` and no more: 2 to the power of this many spellings are tried.
_MIDDLE_STARS = 4
# Candidates below which testing each is faster than searching all names for one more piece.
_WORTH_A_SCAN = 1_000
PLANES = ("control", "data", "unknown", "derived")


class ResourceOperations(msgspec.Struct, frozen=True, array_like=True):
    """The operations of one resource type: the ends of the names after `type/`, with blanks between them.

    `derived` are control plane operations made from the published resource types by the verb rule of
    Resource Manager; the provider may not list them. `unknown`: listed, plane not known.
    """

    type: str
    control: str = ""
    data: str = ""
    unknown: str = ""
    derived: str = ""


class OperationFile(msgspec.Struct, frozen=True):
    """The shape of `data/operations.json`."""

    schema: int
    date: str
    sources: tuple[str, ...]
    types: tuple[ResourceOperations, ...]


class Operations:
    """All known operations in sorted order, with the bit sets `control` and `data` of the two planes.

    An operation whose plane is not known stands in both, so that no role looks smaller than it is.
    """

    def __init__(self, types: Iterable[ResourceOperations]) -> None:
        planes: dict[str, int] = {}
        spellings: dict[str, str] = {}
        for entry in types:
            for ends, plane in ((entry.control, 1), (entry.derived, 1), (entry.data, 2), (entry.unknown, 3)):
                for end in ends.split():
                    name = f"{entry.type}/{end}"
                    key = name.lower()
                    planes[key] = planes.get(key, 0) | plane
                    spellings.setdefault(key, name)
        self.names: tuple[str, ...] = tuple(sorted(planes))
        self._spellings = spellings
        self.control = mask_of(len(self.names), (i for i, name in enumerate(self.names) if planes[name] & 1))
        self.data = mask_of(len(self.names), (i for i, name in enumerate(self.names) if planes[name] & 2))
        # Names reversed and sorted, so that `*/listKeys/action` is found by its end as fast as by a start.
        order = sorted(range(len(self.names)), key=lambda i: self.names[i][::-1])
        self._reversed = [self.names[i][::-1] for i in order]
        self._reversed_index = order
        # All names in one text, so that a piece in the middle of a pattern is found at the speed of str.find.
        self._text = "\n".join(self.names)
        self._starts = [0, *accumulate(len(name) + 1 for name in self.names)][: len(self.names)]
        self._covered_by_stars: Callable[[str], int] = lru_cache(maxsize=_PATTERNS_KEPT)(self._search)

    def spelling(self, index: int) -> str:
        """The operation at a bit, as its provider writes it."""
        return self._spellings[self.names[index]]

    def index(self, name: str) -> int | None:
        """The bit of a name (any case); None if the catalogue does not know it."""
        key = name.lower()
        at = bisect_left(self.names, key)
        return at if at < len(self.names) and self.names[at] == key else None

    def mask(self, names: Iterable[str]) -> int:
        """The bit set of the names the catalogue knows; others are left out."""
        return mask_of(len(self.names), (i for i in map(self.index, names) if i is not None))

    def where(self, test: Callable[[str], object]) -> int:
        """The bit set of the operations whose lower-case name passes the test."""
        return mask_of(len(self.names), (i for i, name in enumerate(self.names) if test(name)))

    def covered(self, pattern: str) -> int:
        """The bit set a pattern covers; the pattern is lower-case, without blanks around it."""
        if "*" in pattern:
            return self._covered_by_stars(pattern)
        at = self.index(pattern)
        return 0 if at is None else 1 << at

    def _search(self, pattern: str) -> int:
        head, _, rest = pattern.partition("*")
        low, high = self._range(self.names, head)
        if not rest.strip("*"):
            # `a/*` covers everything below a; the bits are one run.
            return ((1 << (high - low)) - 1) << low
        if head.endswith("/") and rest.startswith("/"):
            # `a/*/b` also covers `a/b`, which sorts elsewhere than `a/`+anything only by its shorter name.
            low, high = self._range(self.names, head[:-1])
        matches = compile_pattern(pattern)
        candidates: Sequence[int] = range(low, high)
        tail = pattern.rpartition("*")[2]
        if tail:
            from_end, to_end = self._range(self._reversed, tail[::-1])
            if to_end - from_end < len(candidates):
                candidates = self._reversed_index[from_end:to_end]
        # A middle star may stand for nothing, so a slash at either end of a piece is not required of the name.
        middle = max((piece.strip("/") for piece in pattern.split("*")), key=len)
        if middle and len(candidates) > _WORTH_A_SCAN:
            candidates = min((candidates, self._holding(middle)), key=len)
        return mask_of(len(self.names), (i for i in candidates if matches(self.names[i])))

    def _holding(self, piece: str) -> list[int]:
        """The operations whose name holds the text."""
        found: list[int] = []
        at = self._text.find(piece)
        while at >= 0:
            index = bisect_right(self._starts, at) - 1
            found.append(index)
            following = index + 1
            at = self._text.find(piece, self._starts[following]) if following < len(self._starts) else -1
        return found

    @staticmethod
    def _range(names: Sequence[str], prefix: str) -> tuple[int, int]:
        # chr(0x10FFFF) sorts after every character that can follow the prefix.
        return bisect_left(names, prefix), bisect_left(names, prefix + chr(0x10FFFF))


def mask_of(size: int, indexes: Iterable[int]) -> int:
    """A bit set of `size` bits with the given bits on; linear, where or-ing bit by bit is quadratic."""
    octets = bytearray(size // 8 + 1)
    for index in indexes:
        octets[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(octets, "little")


def lowest_bit(mask: int) -> int:
    """The index of the lowest bit of a mask that is not zero."""
    return (mask & -mask).bit_length() - 1


@lru_cache(maxsize=_PATTERNS_KEPT)
def compile_pattern(pattern: str) -> Callable[[str], object]:
    """A test for lower-case operation names against one lower-case pattern.

    Runs of stars are one star. The pattern is cut at its stars and searched piece by piece from the left,
    which takes linear time whatever the pattern: a regular expression with many stars would not.
    """
    pattern = re.sub(r"\*{2,}", "*", pattern)
    spellings = {pattern}
    # Each `/*/` may stand for a single slash on its own; with more than a few, only all or none.
    places = [match.start() for match in re.finditer(r"(?=/\*/)", pattern)]
    choices = range(1, 1 << len(places)) if len(places) <= _MIDDLE_STARS else [(1 << len(places)) - 1]
    for chosen in choices:
        text = pattern
        for bit in reversed(range(len(places))):
            if chosen >> bit & 1:
                text = text[: places[bit]] + text[places[bit] + 2 :]
        spellings.add(text)
    pieces = [spelling.split("*") for spelling in sorted(spellings)]
    return lambda name: any(_matches(name, cut) for cut in pieces)


def _matches(name: str, pieces: Sequence[str]) -> bool:
    if len(pieces) == 1:
        return name == pieces[0]
    first, *middle, last = pieces
    if not (name.startswith(first) and name.endswith(last) and len(name) >= len(first) + len(last)):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:
        found = name.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


@cache
def operation_file() -> OperationFile:
    """The shipped file with its date and sources."""
    raw = data("operations.json")
    return msgspec.json.decode(raw, type=OperationFile)


@cache
def operations() -> Operations:
    """All known operations; built at the first call (about 0.1 s) and kept."""
    return Operations(operation_file().types)
