"""What the chosen rules need to know of a world; whoever opens one is asked for exactly that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from scanner.rule import Stage

if TYPE_CHECKING:
    from scanner.engine.registry import Rule


class Question(msgspec.Struct, frozen=True):
    """What the chosen rules need to know: tables, ARM type and path of resource properties, and of what is pointed at.

    ``points_at`` are paths of properties whose places in code findings show; a tenant has none.
    """

    tables: frozenset[str]
    settings: frozenset[tuple[str, str]]
    points_at: frozenset[str] = frozenset()


def question(rules: Sequence[Rule]) -> Question:
    """Return what must be collected so that these rules can judge."""
    return Question(
        tables=frozenset[str]().union(*(rule.meta.tables for rule in rules)),
        settings=frozenset((s.type.lower(), s.path) for rule in rules for s in rule.meta.settings),
        points_at=frozenset(path for rule in rules for path in rule.meta.points_at),
    )


def of_tenant(question: Question) -> Question:
    """Return what of a question a tenant can answer."""
    from scanner.facts.unite import is_only_in_code

    tables = frozenset(name for name in question.tables if not is_only_in_code(name))
    return msgspec.structs.replace(question, tables=tables, points_at=frozenset())


def question_to_keep(rules: Sequence[Rule]) -> Question:
    """Return what a snapshot has to hold, so that the tenant can be judged by it, and code together with the tenant."""
    own = question([rule for rule in rules if rule.meta.runs_on(Stage.DEPLOYED)])
    with_code = of_tenant(question(rules))
    return msgspec.structs.replace(
        own, tables=own.tables | with_code.tables, settings=own.settings | with_code.settings
    )
