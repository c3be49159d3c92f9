"""The state of evaluating one unit: its frames, limits and gaps, and the one way to the value of an expression.

An evaluation is lazy: parameters, variables, names and outputs are worked out when something asks for them, once.
Everything is bounded, for a template may be hostile: steps, depth, instances of a loop, frames, size of a value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.declared.files import Files
from scanner.sources.declared.values import Object, Unknown, Value
from scanner.sources.template.frames import (
    HANDLE_TYPES,
    Env,
    Frame,
    Held,
    InstanceIndex,
    ModuleInstance,
    ResourceInstance,
    settled,
)
from scanner.sources.template.model import Constant, Expression, Template
from scanner.sources.template.symbolic import CONTAINER_TYPES, parts_of

if TYPE_CHECKING:
    from scanner.sources.arm.generated import GeneratedTemplates
    from scanner.sources.template.compiled import Compiled

MOST_STEPS = 500_000
"""Expressions evaluated in one unit, and parts of values that functions go through: a few seconds. The largest
template of the quickstarts and the registry takes 30,000."""
MOST_DEPTH = 100
"""Expressions inside one another, variables and outputs followed included. The deepest template of the registry comes
to about 60. One takes up to seven Python frames, so that Python's own limit of 1,000 is never met."""
MOST_INSTANCES = 1000
"""Instances of one loop: Azure allows 800 copies."""
MOST_FRAMES = 2000
MOST_MODULE_DEPTH = 24
MOST_DECLARATIONS = 50_000
MOST_NODES = 100_000
"""Parts of one value, counted as often as they are used."""
MOST_VALUE_DEPTH = 60
MOST_TEXT = 1_000_000
MOST_PARTS = 5_000
"""Parts of one text that is not wholly known."""
_MOST_GAPS = 500
Form: TypeAlias = "Callable[[Evaluation, Any, Env], Held]"
PlainFunction: TypeAlias = "Callable[[list[Value]], Value]"


NOT_DEPLOYED = "its condition is false: it is not deployed"
"""Why a resource or module is not known of which there is no instance."""


class Unresolvable(Exception):  # noqa: N818 - no error: it says that a value is symbolic
    """A function cannot be worked out on these arguments: the call itself becomes the value."""


class Evaluation:
    """One unit's evaluation. ``forms`` says how each class of expression is evaluated; see ``template.evaluate``."""

    def __init__(
        self,
        files: Files,
        read: Callable[[str, bytes], Template | None],
        forms: dict[type, Form],
        generated: GeneratedTemplates,
    ) -> None:
        self.files = files
        self.read = read
        self.generated = generated
        self.gaps: list[SourceGap] = []
        self.by_type: dict[str, InstanceIndex] = {}
        self.declared: dict[str, ResourceInstance] = {}
        self.modules: list[ModuleInstance] = []
        self.deployments: dict[str, ModuleInstance | None] = {}
        """What is behind deployments that Bicep writes as resources, by their addresses."""
        self.compiled: dict[str, Compiled | None] = {}
        """What compilers left beside the Bicep, by the path of the file and of the deployment in it."""
        self.frames: list[Frame] = []
        self.libraries: dict[str, Frame | None] = {}
        self.extended: set[str] = set()
        """Parameter files that others extend."""
        self._forms = forms
        self._steps = 0
        self.depth = 0
        """Counted up by one for each expression, and for each variable, name, loop or output that is worked out."""
        self._told: set[SourceGap] = set()
        self._addresses: dict[str, int] = {}
        self._measured: dict[int, tuple[Value, int, int]] = {}
        self._exhausted = False

    def value(self, node: Expression, env: Env) -> Held:
        """Return the value of an expression."""
        self._steps += 1
        if type(node) is Constant:
            return node.value
        if self.depth >= MOST_DEPTH:
            return self._too_deep(node, env)
        if self._steps > MOST_STEPS:
            return self._too_long(node, env)
        self.depth += 1
        try:
            return self._forms[type(node)](self, node, env)
        finally:
            self.depth -= 1

    def plain(self, node: Expression, env: Env) -> Value:
        """Return the value of an expression as something that a declaration can hold."""
        found = self.value(node, env)
        return settled(found) if type(found) in HANDLE_TYPES else found  # type: ignore[return-value]

    def charge(self, arguments: list[Value]) -> None:
        """Count the work that a function has with its arguments as steps."""
        for argument in arguments:
            kind = type(argument)
            if kind is str:
                self._steps += len(argument) >> 10  # type: ignore[arg-type]  # its type was looked at
            elif kind is list or kind is Object:
                self._steps += self._size(argument, 2) >> 2

    def _size(self, value: Value, depth: int) -> int:
        """Estimate the parts of a value: what is large comes from a variable and was measured there."""
        found = self._measured.get(id(value))
        if found is not None:
            return found[2]
        inner = parts_of(value)
        if depth == 0 or len(inner) > 64:
            return len(inner)
        return 1 + sum(self._size(part, depth - 1) for part in inner if type(part) in _MANY)

    @property
    def exhausted(self) -> bool:
        """Whether the unit took all the steps it may take."""
        return self._exhausted

    def _too_deep(self, node: Expression, env: Env) -> Value:
        self.tell(
            env.frame, node, "skipped", f"What depends on more than {MOST_DEPTH} others is not evaluated."
        )
        return Unknown("...", "it depends on too much else")

    def _too_long(self, node: Expression, env: Env) -> Value:
        if not self._exhausted:
            self._exhausted = True
            self.tell(
                env.frame,
                node,
                "skipped",
                f"The unit takes more than {MOST_STEPS:,} steps: its rest is not evaluated.",
            )
        return Unknown("...", "the unit is too large")

    def release(self) -> None:
        """Let go of all frames: what was worked out for this unit is not needed any more."""
        for frame in (*self.frames, *self.libraries.values()):
            if frame is not None:
                frame.release()

    def tell(self, frame: Frame, node: Any, reason: str, detail: str) -> None:
        """Record a gap at something with a start and an end in the file of a frame."""
        place = frame.standing.place if frame.standing is not None else None
        self.gap(SourceGap(place or Place(frame.template.uri, node.start, node.end), reason, detail))

    def gap(self, gap: SourceGap) -> None:
        """Record a gap, once; after very many one that says so."""
        if gap in self._told or len(self._told) > _MOST_GAPS:
            return
        self._told.add(gap)
        if len(self._told) > _MOST_GAPS:
            gap = SourceGap(
                gap.place, "skipped", f"There are more than {_MOST_GAPS} gaps: the others are not told."
            )
        self.gaps.append(gap)

    def address(self, wanted: str) -> str:
        """Return an address that nothing else in the unit has."""
        count = self._addresses.get(wanted, 0)
        self._addresses[wanted] = count + 1
        return wanted if count == 0 else self.address(f"{wanted}#{count + 1}")

    def bounded(self, value: Held, frame: Frame, node: Any) -> Held:
        """Return a value, or what stands for it when it is too large or too deep to be gone through."""
        if not isinstance(value, _MANY):
            return value
        depth, nodes = self._measure(value)
        if depth <= MOST_VALUE_DEPTH and nodes <= MOST_NODES:
            return value
        self.tell(frame, node, "skipped", "A value is too large to be evaluated.")
        return Unknown("...", "it is too large")

    def _measure(self, value: Value) -> tuple[int, int]:
        """Return depth and number of parts. Parts that are shared are measured once and counted each time."""
        measured = self._measured
        known = measured.get(id(value))
        if known is not None:
            return known[1], known[2]
        stack: list[tuple[Value, bool]] = [(value, False)]
        while stack:
            each, ready = stack.pop()
            if id(each) in measured:
                continue
            inner = parts_of(each)
            if not ready:
                stack.append((each, True))
                stack.extend([(part, False) for part in inner if type(part) in CONTAINER_TYPES])
                continue
            depth, nodes = 0, 1
            for part in inner:
                if type(part) in CONTAINER_TYPES:
                    _, below, count = measured.get(id(part), _LEAF)
                    depth = max(depth, below)
                    nodes += count
                else:
                    nodes += 1
            # The value is kept with its measure, so that its id stays its own.
            measured[id(each)] = (each, depth + 1, min(nodes, MOST_NODES * 2))
        found = measured.get(id(value), (None, 0, 1))
        return found[1], found[2]


_LEAF: tuple[None, int, int] = (None, 0, 1)
_MANY = (list, Object)
