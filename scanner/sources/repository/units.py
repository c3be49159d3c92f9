"""What belongs together: root modules, templates with their parameter files, plans.

A file that another one uses is read with that one. Who uses whom is told from a look at the text, which is quick and
may err; so whatever no unit turns out to have read is read as a unit of its own afterwards (see ``read``).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from hashlib import blake2b
from typing import Literal

import msgspec

from scanner.sources.declared.files import Files
from scanner.sources.repository.beside import set_aside
from scanner.sources.repository.contents import Contents, Digests
from scanner.sources.repository.find import FileGap, Found
from scanner.sources.repository.recognise import (
    is_binary,
    is_generated_from_bicep,
    is_utf16,
    recognise_json,
)
from scanner.sources.terraform.file_names import CONFIGURATION, TERRAFORM
from scanner.sources.terraform.recognise import taken_for_plan

MARK = b"midas:"
"""How a comment begins that speaks to Midas, in any case of letters."""

UnitKind = Literal["terraform", "plan", "bicep", "arm"]

_INDENT = rb"(?:\xef\xbb\xbf)?[ \t]*"
"""What may stand before the first word of a line; a file may begin with a byte-order mark."""
_BICEP_MODULE = re.compile(rb"^" + _INDENT + rb"module[ \t]+\w+[ \t]+'([^'$]+)'", re.MULTILINE)
_DEPLOYMENT = b"Microsoft.Resources/deployments@"
_LOADED = re.compile(rb"load(?:Json|Text)Content\([ \t\r\n]*'([^'$]+)'")
"""A template that Bicep loads is deployed where Bicep writes a deployment as a resource."""
_USING = re.compile(rb"^" + _INDENT + rb"using[ \t]+'([^'$]+)'", re.MULTILINE)
_LINKED = re.compile(rb"[\w\-./]+\.json", re.IGNORECASE)
_TERRAFORM_SOURCE = re.compile(rb'^[ \t]*"?source"?[ \t]*[=:][ \t]*"(\.\.?(?:/[^"$]*)?)"', re.MULTILINE)
_NOT_IN_A_NAME = re.compile(r"[^0-9A-Za-z]")


class UnitSpec(msgspec.Struct, frozen=True):
    """One unit to read: a Terraform folder, or a template with a parameter file or without one."""

    kind: UnitKind
    path: str
    """A folder (``.`` for the root) for Terraform, else a file."""
    parameters: str | None = None
    called: bool = False
    """A Terraform folder that another one calls, if perhaps never: what it puts out stays within Terraform."""

    @property
    def name(self) -> str:
        """What tells it from the others of a repository."""
        return f"{self.kind} {self.path} {self.parameters or ''}{' called' if self.called else ''}"


class Sorted(msgspec.Struct):
    """The files of a repository by what they are."""

    terraform: dict[str, list[str]] = {}
    """Folder to the names of its Terraform files, variable files included."""
    bicep: list[str] = []
    arm: list[str] = []
    parameters: list[str] = []
    plans: list[str] = []
    used: set[str] = set()
    """Templates that another one deploys, and Terraform folders that another one calls."""
    using: dict[str, str] = {}
    """Parameter file to the template that it names."""
    generated: dict[str, str] = {}
    """ARM templates that were compiled from a Bicep file that is there: to that file."""
    gaps: list[FileGap] = []
    sizes: dict[str, int] = {}
    """Bytes of every file that was looked at."""
    speaking: list[str] = []
    """Files that hold a word to Midas."""

    def mark(self, digests: Digests, gaps: Iterable[tuple[str, str, str]]) -> bytes:
        """Return what tells one state of all that matters from another: which files there are, and what is in them."""
        folders = [f"{folder}/{name}" for folder, names in sorted(self.terraform.items()) for name in names]
        mark = blake2b(digest_size=16)
        for uri in (*folders, *self.bicep, *self.arm, *self.parameters, *self.plans):
            mark.update(uri.encode() + b"\0" + digests.of(posixpath.normpath(uri)))
        for known in (sorted(self.generated.items()), sorted(self.using.items()), sorted(gaps)):
            mark.update(repr(known).encode())
        return mark.digest()

    def files_of(self, spec: UnitSpec) -> list[str]:
        """Return the files that make a unit by themselves, without what it uses."""
        if spec.kind != "terraform":
            return [spec.path]
        return [posixpath.normpath(f"{spec.path}/{name}") for name in self.terraform.get(spec.path, ())]


def sort_files(found: Found, contents: Contents) -> Sorted:
    """Look at every file that was found and tell what it is and whom it uses."""
    there = frozenset(found.files)
    folders = found.by_folder()
    by = Sorted()
    json_files = []
    binary: set[str] = set()
    for uri in found.files:
        lower = uri.lower()
        target = found.links.get(uri)
        terraform = lower.endswith(TERRAFORM)
        if target is not None and not terraform and (target in there or uri not in found.asked):
            continue  # read where it lies
        data = contents.read(uri)
        if data is None:
            by.gaps.append(FileGap(uri, "failed", "The file cannot be read."))
            continue
        by.sizes[uri] = len(data)
        if MARK in data.lower():
            by.speaking.append(uri)
        if is_binary(data):
            contents.forget(uri)
            binary |= {uri} if terraform else set()
            why = "is UTF-16; Midas reads UTF-8" if is_utf16(data) else "is binary, not text"
            by.gaps.append(FileGap(uri, "malformed", f"The file {why}."))
        elif terraform:
            folder, _, name = uri.rpartition("/")
            by.terraform.setdefault(folder or ".", []).append(name)
            if lower.endswith(CONFIGURATION):
                by.used.update(_called(folder, data, folders))
        elif lower.endswith(".bicep"):
            by.bicep.append(uri)
            by.used.update(_resolved(uri, _BICEP_MODULE.findall(data), there))
            if _DEPLOYMENT in data:
                by.used.update(_resolved(uri, _LOADED.findall(data), there))
        elif lower.endswith(".bicepparam"):
            by.parameters.append(uri)
            by.using.update((uri, template) for template in _resolved(uri, _USING.findall(data), there))
        else:
            json_files.append(uri)
    # A module tells of its own files what cannot be read.
    by.gaps = [gap for gap in by.gaps if not (gap.uri in binary and _in_module(gap.uri, by))]
    # A template that was named is read, also beside what it was compiled from.
    sources = there - found.company
    for uri in json_files:
        _sort_json(uri, contents, there, sources, by)
        if uri in found.asked and (mistaken := taken_for_plan(contents.read(uri) or b"")) is not None:
            detail = f"It is {mistaken}; Midas reads a plan: terraform show -json PLAN."
            by.gaps.append(FileGap(uri, "unsupported", detail))
    if found.company:
        set_aside(by, found.company)
    return by


def _in_module(uri: str, by: Sorted) -> bool:
    """Whether a file lies in a Terraform module of which something can be read."""
    names = by.terraform.get(posixpath.dirname(uri) or ".", ())
    return any(name.endswith(CONFIGURATION) for name in names)


def _sort_json(
    uri: str, contents: Contents, there: frozenset[str], sources: frozenset[str], by: Sorted
) -> None:
    data = contents.read(uri) or b""
    kind = recognise_json(data)
    if kind == "template":
        source = _bicep_beside(uri, sources) if is_generated_from_bicep(data) else None
        if source is not None:
            by.generated[uri] = source
            contents.forget(uri)
            return
        by.arm.append(uri)
        if b"emplateLink" in data:
            by.used.update(_resolved(uri, _LINKED.findall(data), there))
    elif kind == "parameters":
        by.parameters.append(uri)
    elif kind == "plan":
        by.plans.append(uri)
    else:
        contents.forget(uri)


def _bicep_beside(uri: str, there: frozenset[str]) -> str | None:
    folder, name = posixpath.split(uri)
    for stem in (name.rpartition(".")[0], "main"):
        candidate = posixpath.join(folder, f"{stem}.bicep")
        if candidate in there:
            return candidate
    return None


def _resolved(uri: str, names: Iterable[bytes], there: frozenset[str]) -> set[str]:
    found = set()
    for name in names:
        path = Files.beside(uri, name.decode("utf-8", "replace"))
        if path is not None and path in there and path != uri:
            found.add(path)
    return found


def _called(folder: str, data: bytes, folders: dict[str, list[str]]) -> set[str]:
    called: set[str] = set()
    if b'".' not in data:  # most files call no module, and looking for this is quick
        return called
    for source in _TERRAFORM_SOURCE.findall(data):
        path = posixpath.normpath(posixpath.join(folder, source.decode("utf-8", "replace")))
        if path != (folder or ".") and any(name.endswith(CONFIGURATION) for name in folders.get(path, ())):
            called.add(path)
    return called


# ---- units


def units_of(by: Sorted) -> list[UnitSpec]:
    """Return the units that nothing else uses, in the order of their paths."""
    with_parameters, _ = _parameter_files(by)
    specs = [
        UnitSpec("terraform", folder)
        for folder, names in by.terraform.items()
        if folder not in by.used and any(name.endswith(CONFIGURATION) for name in names)
    ]
    specs += [UnitSpec("plan", uri) for uri in by.plans]
    kinds: tuple[tuple[UnitKind, list[str]], ...] = (("bicep", by.bicep), ("arm", by.arm))
    for kind, templates in kinds:
        for uri in templates:
            files = with_parameters.get(uri)
            if files:
                # Where there are parameter files it is these that are deployed, also when others use the template.
                specs += [UnitSpec(kind, uri, parameters) for parameters in files]
            elif uri not in by.used:
                specs.append(UnitSpec(kind, uri))
    return sorted(specs, key=lambda spec: (spec.path, spec.kind, spec.parameters or ""))


def left_over(by: Sorted, seen: Set[str]) -> Iterator[UnitSpec]:
    """Yield units that read what no unit has read so far; ``seen`` must grow with what each of them reads.

    Files that use each other in a circle are such, and files that only seemed to be used.
    """
    for folder in sorted(by.terraform):
        configuration = [name for name in by.terraform[folder] if name.endswith(CONFIGURATION)]
        if configuration and not any(
            posixpath.normpath(f"{folder}/{name}") in seen for name in configuration
        ):
            yield UnitSpec("terraform", folder, called=folder in by.used)
    kinds: tuple[tuple[UnitKind, list[str]], ...] = (("bicep", by.bicep), ("arm", by.arm))
    for kind, templates in kinds:
        for uri in templates:
            if uri not in seen:
                yield UnitSpec(kind, uri)


def stray_parameters(by: Sorted) -> list[str]:
    """Return the parameter files of which it cannot be told to what template they belong."""
    return _parameter_files(by)[1]


def _parameter_files(by: Sorted) -> tuple[dict[str, list[str]], list[str]]:
    """Return the parameter files of each template, and those that have none."""
    own: dict[str, list[str]] = {}
    templates = template_of_each(by)
    for parameters, template in templates.items():
        own.setdefault(template, []).append(parameters)
    return own, [uri for uri in by.parameters if uri not in templates]


def template_of_each(by: Sorted) -> dict[str, str]:
    """Return the template of every parameter file of which it can be told."""
    templates: dict[str, list[str]] = {}
    for uri in (*by.bicep, *by.arm):
        templates.setdefault(posixpath.dirname(uri), []).append(uri)
    found = {}
    for uri in by.parameters:
        template = by.using.get(uri)
        if template is None and not uri.lower().endswith(".bicepparam"):
            folder = posixpath.dirname(uri)
            template = _template_of(uri, templates.get(folder, [])) or _template_of(
                uri, templates.get(posixpath.dirname(folder), []) if folder else []
            )
        if template is not None:
            found[uri] = template
    return found


def _template_of(parameters: str, templates: Sequence[str]) -> str | None:
    """Return the template that a parameter file's name begins with (main.parameters.dev.json), else the only one."""
    name = posixpath.basename(parameters).lower()
    named = []
    for uri in templates:
        stem = posixpath.basename(uri).lower().rpartition(".")[0]
        if name.startswith(stem) and _NOT_IN_A_NAME.match(name[len(stem) :]):
            named.append((len(stem), uri))
    if named:
        return max(named)[1]
    return templates[0] if len(templates) == 1 else None
