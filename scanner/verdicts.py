"""What judging a world comes to, before anybody's policy: the part of a scan that depends on facts and rules alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from scanner import __version__
from scanner.engine.finding import Finding, Gap, RuleFault, RuleResult, Unknown
from scanner.engine.picture import Exposure
from scanner.engine.registry import Rule
from scanner.facts.store import FactStore
from scanner.settings import Settings


class Verdicts(msgspec.Struct, frozen=True, kw_only=True):
    """All that rules say of a world, in the words of a report."""

    results: tuple[RuleResult, ...]
    findings: tuple[Finding, ...]
    unknown: tuple[Unknown, ...]
    gaps: tuple[Gap, ...]
    faults: tuple[RuleFault, ...]
    exposure: tuple[Exposure, ...]
    privileges: tuple[str, ...]
    seen: dict[str, int]


class Memory(Protocol):
    """Keeps what judging came to while the world stays the same."""

    def recall(self, asked: bytes) -> bytes | None:
        """Return what was kept for a question, if nothing it depends on has changed."""
        ...

    def keep(self, asked: bytes, answer: bytes) -> None:
        """Keep an answer for the next time."""
        ...


def judge(
    store: FactStore,
    rules: Sequence[Rule],
    settings: Settings,
    memory: Memory | None = None,
    elsewhere: Callable[[], bytes | None] | None = None,
) -> Verdicts:
    """Judge a world, or recall what the same rules said of it when it was the same.

    ``elsewhere`` has it judged by another process: encoded verdicts, or None when that gave none.
    """
    asked = b"" if memory is None else _asked(rules, settings)
    if memory is not None:
        kept = memory.recall(asked)
        if kept is not None:
            try:
                return msgspec.msgpack.decode(kept, type=Verdicts)
            except msgspec.MsgspecError:
                pass  # another shape, from another state of the code: judged anew and replaced
    encoded = None if elsewhere is None else elsewhere()
    if encoded is None:
        verdicts = judge_here(store, rules, settings)
        encoded = b"" if memory is None else msgspec.msgpack.encode(verdicts)
    else:
        verdicts = msgspec.msgpack.decode(encoded, type=Verdicts)
    if memory is not None:
        memory.keep(asked, encoded)
    return verdicts


def judge_here(store: FactStore, rules: Sequence[Rule], settings: Settings) -> Verdicts:
    """Judge a world."""
    from scanner.engine import describe, evaluate
    from scanner.engine.picture import exposure, seen

    judgement = evaluate.judge(store, rules, settings.parameters)
    entities = describe.entities_of(store, judgement)
    cells, privileges = exposure(store)
    return Verdicts(
        results=describe.results(judgement, settings.severities),
        findings=describe.findings(judgement, entities, settings.severities),
        unknown=describe.unknowns(judgement, entities),
        gaps=tuple(Gap(g["table"], g["scope_id"], g["reason"], g["detail"]) for g in store.gaps()),
        faults=judgement.faults,
        exposure=cells,
        privileges=privileges,
        seen=seen(store),
    )


def _asked(rules: Sequence[Rule], settings: Settings) -> bytes:
    """Return what tells one question to a world from another: the rules as they stand, and the settings they mind."""
    stands = []
    for rule in rules:
        about = rule.path.stat()
        stands.append((rule.meta.id, str(rule.path), about.st_size, about.st_mtime_ns))
    asked = (__version__, stands, settings.parameters, settings.severities)
    return hashlib.blake2b(msgspec.msgpack.encode(asked, order="deterministic"), digest_size=16).digest()
