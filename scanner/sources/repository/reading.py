"""Units from files to located facts: known from the cache, else read in processes; two states of a repository at once.

A unit whose files are the same on both sides is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from scanner.sources.repository.cache import Cache
from scanner.sources.repository.evaluate import Evaluator, failed
from scanner.sources.repository.located import LocatedUnit
from scanner.sources.repository.side import Side
from scanner.sources.repository.units import UnitSpec, left_over
from scanner.sources.repository.workers import Workers


class Pair(msgspec.Struct, array_like=True):
    """A unit as it is on the first side and on the second one, where it is there at all."""

    first: LocatedUnit | None = None
    second: LocatedUnit | None = None
    same: bool = False
    """Whether the first one stands for the second one too."""


class Read(msgspec.Struct, frozen=True):
    """All units of each side, in the order of their specs; ``same`` when both sides are alike."""

    units: list[list[LocatedUnit]]
    same: bool
    reused: int


def read_sides(
    sides: Sequence[Side], cache: Cache | None, processes: int, meanwhile: Callable[[int], object]
) -> Read:
    """Read the units of one side or of two."""
    reader = _Reader(sides, cache)
    pairs = reader.read(processes, meanwhile)
    units = [[pair.first for pair in pairs if pair.first is not None]]
    if len(sides) > 1:
        seconds = [pair.first if pair.same else pair.second for pair in pairs]
        units.append([unit for unit in seconds if unit is not None])
    for side, read in zip(sides, units, strict=True):
        reader.read_left_over(side, read)
    same = all(pair.same for pair in pairs) and len({len(read) for read in units}) == 1
    return Read(units, same, reader.reused)


class _Reader:
    def __init__(self, sides: Sequence[Side], cache: Cache | None) -> None:
        self._first = sides[0]
        self._second = sides[1] if len(sides) > 1 else None
        self._evaluators = {side: Evaluator(side.contents, side.wanted) for side in sides}
        self._cache = cache
        self._encoder = msgspec.msgpack.Encoder()
        self.reused = 0

    def read(self, processes: int, meanwhile: Callable[[int], object]) -> list[Pair]:
        """Return every unit of either side, those of the first one first."""
        names = list(dict.fromkeys((*self._first.specs, *(self._second.specs if self._second else ()))))
        pairs = [self._known(name) for name in names]
        missing = [number for number, name in enumerate(names) if not self._is_whole(name, pairs[number])]
        decoder = msgspec.msgpack.Decoder(Pair)

        def work(task: int) -> bytes:
            number = missing[task]
            return self._encoder.encode(self._read(names[number], pairs[number]))

        def lost(task: int, why: str) -> bytes:
            number = missing[task]
            first, second = self._specs(names[number])
            pair = Pair(
                None if first is None else failed(first, why), None if second is None else failed(second, why)
            )
            return self._encoder.encode(pair)

        with Workers(len(missing), work, lost, processes=processes) as workers:
            if missing:
                meanwhile(processes)
            for task, encoded in workers.results():
                pairs[missing[task]] = decoder.decode(encoded)
        return pairs

    def read_left_over(self, side: Side, units: list[LocatedUnit]) -> None:
        """Add the units of a side that read what no other unit has read."""
        seen = {name for unit in units for name, _ in unit.seen}
        seen.update(name for spec in side.specs.values() for name in side.by.files_of(spec))
        for spec in left_over(side.by, seen):
            unit = self._from_cache(spec, side) or self._evaluate(spec, side)
            seen.update(name for name, _ in unit.seen)
            seen.update(side.by.files_of(spec))
            units.append(unit)

    def _specs(self, name: str) -> tuple[UnitSpec | None, UnitSpec | None]:
        return self._first.specs.get(name), self._second.specs.get(name) if self._second else None

    def _is_whole(self, name: str, pair: Pair) -> bool:
        first, second = self._specs(name)
        return (first is None or pair.first is not None) and (
            second is None or pair.same or pair.second is not None
        )

    def _known(self, name: str) -> Pair:
        """Return what the cache knows of a unit."""
        pair = Pair()
        first, second = self._specs(name)
        if first is not None:
            pair.first = self._from_cache(first, self._first)
        if second is not None and self._second is not None:
            pair.same = pair.first is not None and self._second.holds(pair.first)
            if not pair.same:
                pair.second = self._from_cache(second, self._second)
        return pair

    def _read(self, name: str, pair: Pair) -> Pair:
        """Return a unit with what was not known of it."""
        first, second = self._specs(name)
        if first is not None and pair.first is None:
            pair.first = self._evaluate(first, self._first)
        if second is not None and self._second is not None and pair.second is None:
            pair.same = pair.first is not None and self._second.holds(pair.first)
            if not pair.same:
                pair.second = self._evaluate(second, self._second)
        return pair

    def _from_cache(self, spec: UnitSpec, side: Side) -> LocatedUnit | None:
        if self._cache is None:
            return None
        unit = self._cache.get(self._entry(spec, side), side.digests)
        self.reused += unit is not None
        return unit

    def _evaluate(self, spec: UnitSpec, side: Side) -> LocatedUnit:
        unit = self._evaluators[side].read(spec)
        if self._cache is not None and unit.seen:
            self._cache.put_bytes(self._entry(spec, side), self._encoder.encode(unit))
        return unit

    def _entry(self, spec: UnitSpec, side: Side) -> str:
        """Return what the cache knows a unit by; both states of one are kept."""
        return spec.name if side is self._first else f"{spec.name} before"
