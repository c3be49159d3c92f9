"""One unit from files to facts: the readers of the languages, the mapping to ARM, the translation into facts."""

from __future__ import annotations

import traceback
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scanner.sources.declared.declaration import Place, SourceGap, Unit
from scanner.sources.declared.files import Files
from scanner.sources.declared.unit_facts import UnitFacts
from scanner.sources.repository.contents import Contents, Digests
from scanner.sources.repository.located import LocatedGap, LocatedUnit, Locator
from scanner.sources.repository.units import UnitSpec

if TYPE_CHECKING:
    from scanner.sources.arm.generated import GeneratedTemplates
    from scanner.sources.declared.wanted import Wanted
    from scanner.sources.template.model import ParameterFile, Template
    from scanner.sources.terraform.configuration import ParsedFiles
    from scanner.sources.terraform.model import TerraformObject

KEPT_PARSED = 4_000_000
"""Bytes of files of which the parsed form is kept for the next units; it takes some 50 times as much memory."""

_DERIVED_KEY = "[{"
"""How the addresses of objects look that are made in a loop whose keys are worked out from values not known."""

ROOTS_TOGETHER = 100
"""Root modules after which parsed Terraform files are forgotten; those that share modules lie near each other."""


class Evaluator:
    """Evaluates units one after the other; templates that several units use are parsed once."""

    def __init__(self, contents: Contents, wanted: Wanted) -> None:
        self._contents = contents
        self._wanted = wanted
        self._digests = Digests(contents)
        self._locator = Locator(contents, self._digests)
        self._templates: OrderedDict[str, tuple[Template | None, int]] = OrderedDict()
        self._kept = 0
        self._generated: GeneratedTemplates | None = None
        self._parsed_terraform: ParsedFiles | None = None
        self._roots = 0

    def read(self, spec: UnitSpec) -> LocatedUnit:
        """Return a unit's facts.

        The one broad guard of all sources: whatever goes wrong in reading a unit is a fault of Midas itself, and the
        other units must not be lost by it. It becomes a gap of reason ``failed`` that names the kind of error and the
        line of Midas's code, never its text, which might quote what was read.
        """
        files = Files(self._contents.read, self._contents.names, self._contents.all_names)
        try:
            return self._read(spec, files)
        except Exception as error:  # noqa: BLE001 -- see above
            return failed(spec, f"it is a fault of Midas itself, {_fault(error)}")

    def _read(self, spec: UnitSpec, files: Files) -> LocatedUnit:
        from scanner.sources.declared.translate import translate

        unit = self._unit(spec, files)
        for name in unit.files:
            files.seen[name] = None
        return self._locator.locate(translate(unit, self._wanted), list(files.seen))

    def _unit(self, spec: UnitSpec, files: Files) -> Unit:
        if spec.kind == "terraform":
            return self._terraform(spec, files)
        if spec.kind == "plan":
            return _plan(spec, files)
        if self._generated is None:
            from scanner.sources.arm.generated import GeneratedTemplates

            self._generated = GeneratedTemplates()
        return _template(spec, files, self._parsed, self._generated)

    def _terraform(self, spec: UnitSpec, files: Files) -> Unit:
        from scanner.sources.terraform.configuration import ParsedFiles
        from scanner.sources.terraform.evaluate import evaluate_root

        if self._parsed_terraform is None or self._roots == ROOTS_TOGETHER:
            self._parsed_terraform, self._roots = ParsedFiles(), 0
        self._roots += 1
        objects, gaps = evaluate_root(files, spec.path, files.names(spec.path), self._parsed_terraform)
        return _of_terraform(spec, files, "terraform", objects, gaps)

    def _parsed(self, uri: str, data: bytes) -> Template | None:
        """Return a template, parsed once for all units that come soon after one another."""
        known = self._templates.get(uri)
        if known is not None:
            self._templates.move_to_end(uri)
            return known[0]
        template = read_template(uri, data)
        self._templates[uri] = (template, len(data))
        self._kept += len(data)
        while self._kept > KEPT_PARSED and len(self._templates) > 1:
            _, (_, size) = self._templates.popitem(last=False)
            self._kept -= size
        return template


def failed(spec: UnitSpec, why: str) -> LocatedUnit:
    """Return what stands for a unit that could not be read: a gap. It depends on nothing, so that no cache keeps it."""
    gap = LocatedGap("places", spec.path, "failed", f"Nothing of it was read: {why}.")
    return LocatedUnit(UnitFacts(unit=spec.path), [], [gap], [])


def _fault(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    at = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{at}"


def _plan(spec: UnitSpec, files: Files) -> Unit:
    from scanner.sources.terraform.plan import read_plan

    return _of_terraform(spec, files, "plan", *read_plan(spec.path, files.read(spec.path) or b""))


def _of_terraform(
    spec: UnitSpec, files: Files, language: str, objects: list[TerraformObject], gaps: list[SourceGap]
) -> Unit:
    from scanner.sources.terraform.declare import declare, unit_scope

    if spec.called:
        # Terraform keeps the mark of a secret in what a module hands to its caller, and shows it nowhere.
        objects = [_masked(item) if item.mode == "output" else item for item in objects]
    declarations, more = declare(objects)
    return Unit(
        root=spec.path,
        language=language,
        scope=unit_scope(objects),
        declarations=declarations,
        gaps=[*gaps, *more],
        mentioned=_mentioned(objects),
        whole=not any(_DERIVED_KEY in item.address for item in objects),
        files=list(files.seen),
    )


def _masked(output: TerraformObject) -> TerraformObject:
    from scanner.sources.declared.values import Object, Property

    body = Object({**output.body.properties, "sensitive": Property(True)}, output.body.open)
    return msgspec.structs.replace(output, body=body)


def _mentioned(objects: list[TerraformObject]) -> frozenset[str]:
    """Return what the objects refer to, outputs left out: Terraform has arguments that no declaration shows."""
    from scanner.sources.declared.values import Ref
    from scanner.sources.declared.walking import MOST_STEPS, Budget, not_known

    budget = Budget(MOST_STEPS)
    mentioned = frozenset(
        leaf.value.target
        for item in objects
        if item.mode != "output"
        for leaf in not_known(item.body, budget)
        if isinstance(leaf.value, Ref) and leaf.value.target != item.address
    )
    # More than is looked at: anything may be referred to, so that nothing is taken for unused.
    return frozenset(item.address for item in objects) if budget.spent else mentioned


def _template(
    spec: UnitSpec,
    files: Files,
    read: Callable[[str, bytes], Template | None],
    generated: GeneratedTemplates,
) -> Unit:
    from scanner.sources.template.evaluate import evaluate

    parameters = None if spec.parameters is None else _parameters(spec.parameters, files)
    unit = evaluate(files, spec.path, read=read, parameters=parameters, generated=generated)
    if spec.parameters is None:
        return unit
    # What is deployed with other parameters is another deployment: it is called by them.
    unit.root = spec.parameters
    if parameters is None:
        place = Place(spec.parameters, 0, 0)
        unit.gaps.append(SourceGap(place, "malformed", "The parameter file cannot be understood."))
    return unit


def read_template(uri: str, data: bytes) -> Template | None:
    """Read a template in the language its name says."""
    if uri.lower().endswith(".bicep"):
        from scanner.sources.bicep.read import read_template as read_bicep

        return read_bicep(uri, data)
    from scanner.sources.arm.read import read_template as read_arm

    return read_arm(uri, data)


def _parameters(uri: str, files: Files) -> ParameterFile | None:
    data = files.read(uri)
    if data is None:
        return None
    if uri.lower().endswith(".bicepparam"):
        from scanner.sources.bicep.read import read_parameter_file as read_bicep

        return read_bicep(uri, data)
    from scanner.sources.arm.read import read_parameter_file as read_arm

    return read_arm(uri, data)
