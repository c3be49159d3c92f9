"""All that a rule author imports.

A rule is one module: a docstring (its page, under the headings ``What it finds``, ``Why it matters`` and
``How to fix it``), ``META``, ``check`` and ``CASES``; ``applies`` and ``undecided`` where it needs them, and ``FIX``
where plain edits of code are the fix: one edit, a :class:`PlainFix`, or several of them, of which a finding is offered
the first that its code allows.

``check(facts)`` returns a lazy frame with one row per failing subject (per subject and ``META.key``). It
holds the subject's key column; its other columns feed the message and the evidence. A column whose last word
is a kind of entity (``role``, ``wider_assignment``) holds keys, which the engine turns into names.

``applies(facts)`` returns the subjects that the rule is about, when these are not all rows of its subject
table, each once; the others count as not applicable. ``undecided(facts)`` returns subjects of which the facts do not
say enough, with a ``reason`` column; they are UNKNOWN unless they fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from scanner.facts.cases import (
    CONDITION_ON_BLOBS,
    CONDITION_ON_FEDERATING,
    CONDITION_ON_GRANTING,
    Case,
    Element,
    administrator,
    assigned,
    attached,
    bad,
    credential_in_use,
    custom_role,
    declared,
    denied,
    federated,
    good,
    identity,
    in_output,
    key_read,
    management_group,
    member,
    person,
    principal,
    refused,
    resource,
    role_named,
    secret_in_code,
    setting,
    subscription,
    tagged,
    unknown,
)
from scanner.facts.schema import TABLES, VIEWS, Level, table_of

if TYPE_CHECKING:
    import narwhals as nw

    from scanner.facts.store import FactStore


Frame = Any
"""A Narwhals lazy frame: the Polars-like API that runs unchanged on Polars and on Spark."""

__all__ = [
    "CONDITION_ON_BLOBS",
    "CONDITION_ON_FEDERATING",
    "CONDITION_ON_GRANTING",
    "Case",
    "Confidence",
    "Effort",
    "Element",
    "Facts",
    "Frame",
    "Level",
    "MarkSecret",
    "Meta",
    "Parameter",
    "PlainEdit",
    "PlainFix",
    "RemoveProperty",
    "SetProperty",
    "Setting",
    "Severity",
    "Stage",
    "UndeclaredTableError",
    "administrator",
    "assigned",
    "attached",
    "bad",
    "col",
    "concat",
    "credential_in_use",
    "custom_role",
    "declared",
    "denied",
    "federated",
    "good",
    "identity",
    "in_output",
    "key_read",
    "lit",
    "management_group",
    "member",
    "person",
    "principal",
    "refused",
    "resource",
    "role_named",
    "secret_in_code",
    "setting",
    "subscription",
    "tagged",
    "unknown",
    "when",
]


class Severity(StrEnum):
    """How bad it is when it is true."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class Confidence(StrEnum):
    """How sure it is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Effort(StrEnum):
    """How hard it is to fix."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Stage(StrEnum):
    """What is judged: what runs in a tenant, or what code declares before it is deployed."""

    DEPLOYED = "deployed"
    DECLARED = "declared"


class Parameter(msgspec.Struct, frozen=True):
    """A number, switch, text or list of texts that a user may set under ``[rules.CODE]`` in midas.toml."""

    name: str
    default: int | bool | str | tuple[str, ...]
    meaning: str
    minimum: int | None = None


class SetProperty(msgspec.Struct, frozen=True):
    """A plain edit: a property of what the finding is about gets a value.

    ``path`` is in ARM's words (``properties.disableLocalAuth``); of a provider or backend it is the argument. The edit
    is offered where the property is written with a plain value, which it replaces, and where it is not written and can
    be added; not where an expression stands.
    """

    path: str
    value: bool | int | str | tuple[str, ...]


class RemoveProperty(msgspec.Struct, frozen=True):
    """A plain edit: a property of what the finding is about is taken out, with all that is in it.

    ``path`` is as in :class:`SetProperty`; the default of a parameter or variable is ``defaultValue``. Of several that
    a fix takes out, those that are written count, at least one.
    """

    path: str


class MarkSecret(msgspec.Struct, frozen=True):
    """A plain edit: an output is marked as secret: ``sensitive = true``, ``@secure()``, the type ``securestring``."""


PlainEdit = SetProperty | RemoveProperty | MarkSecret


class PlainFix(msgspec.Struct, frozen=True):
    """How a finding in code is fixed by plain edits, all of them or none; what a module's ``FIX`` holds.

    ``needs`` is what must be so elsewhere before the change is deployed, and what fails without it: a sentence without
    its full stop. A fix that needs nothing is made by ``midas check --fix``, any other one only by ``--fix-all``.
    ``given`` maps columns of the evidence to values: only findings with one of them get the fix. ``languages``: only
    findings in one of them (terraform, bicep, arm); left out, in all. ``providers``: only in the blocks of these
    providers and backends of Terraform's.
    """

    edits: tuple[PlainEdit, ...]
    needs: str = ""
    given: Mapping[str, tuple[str, ...]] = {}
    languages: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()


class Setting(msgspec.Struct, frozen=True):
    """A resource property that a rule reads: fetched for every resource of the type."""

    type: str
    path: str


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine must know of a rule.

    ``reads`` are tables whose rows convict or acquit: with a gap there, a subject that does not fail is
    UNKNOWN. ``absent`` are tables whose lack of rows convicts: with a gap there, a subject that would fail is
    UNKNOWN. ``key`` names the columns that, with the subject, make two findings of this rule the same finding.
    ``stages``: where the rule runs; left out, on what is deployed, and, unless it has ``absent`` tables (a repository
    never shows everything), on what is declared. ``points_at``: in code, a finding points at the first of these
    properties that is written, in ARM's words (``properties.roleDefinitionId``); at the declaration when none is.
    """

    id: str
    name: str
    severity: Severity
    subject: str
    message: str
    since: str
    reads: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    key: tuple[str, ...] = ()
    confidence: Confidence = Confidence.HIGH
    effort: Effort = Effort.MEDIUM
    controls: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    points_at: tuple[str, ...] = ()

    def runs_on(self, stage: Stage) -> bool:
        """Whether the rule runs on what is deployed, or declared."""
        if self.stages:
            return stage in self.stages
        return stage is Stage.DEPLOYED or not self.absent

    @property
    def family(self) -> int:
        """The family digit of the code."""
        return int(self.id[2])

    @property
    def tables(self) -> frozenset[str]:
        """Every table or view the rule may touch."""
        settings = ("settings",) if self.settings else ()
        return frozenset((self.subject, *self.reads, *self.absent, *settings, "entities"))

    @property
    def subject_key(self) -> str:
        """The key column of the subject table."""
        row = table_of(self.subject).row
        if row is None:
            raise ValueError(
                f"{self.id}: {self.subject} has no unique row key, so nothing can be judged by it"
            )
        return row


class UndeclaredTableError(AttributeError):
    """A rule touched a table that its META does not declare."""


class Facts:
    """The facts as one rule sees them: only the tables it declared, and its parameters."""

    def __init__(self, store: FactStore, meta: Meta, parameters: Mapping[str, Any] | None = None) -> None:
        self._store = store
        self._meta = meta
        self._parameters = {p.name: p.default for p in meta.parameters} | dict(parameters or {})

    def __getattr__(self, name: str) -> Frame:
        """Return a declared table or view as a lazy frame."""
        if name not in TABLES and name not in VIEWS:
            raise UndeclaredTableError(
                f"no table is called {name!r}; the tables are {', '.join(sorted(TABLES))}"
            )
        if name not in self._meta.tables:
            raise UndeclaredTableError(
                f"{self._meta.id} reads {name} without declaring it in META.reads or META.absent"
            )
        return self._store.rule_frame(name)

    def parameter(self, name: str) -> Any:
        """Return the value of a declared parameter; :class:`KeyError` for one that is not declared."""
        return self._parameters[name]


def col(*names: str) -> nw.Expr:
    """Refer to columns."""
    import narwhals as nw

    return nw.col(*names)


def concat(*frames: Frame) -> Frame:
    """Put the rows of frames with the same columns one below the other."""
    import narwhals as nw

    return nw.concat(list(frames))


def lit(value: Any) -> nw.Expr:
    """Make a constant."""
    import narwhals as nw

    return nw.lit(value)


def when(*predicates: Any) -> Any:
    """Start a conditional expression: ``when(a).then(b).otherwise(c)``."""
    import narwhals as nw

    return nw.when(*predicates)
