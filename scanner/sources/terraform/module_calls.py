"""Where the modules are that a configuration calls: folders beside it, or copies that ``terraform init`` made."""

from __future__ import annotations

import posixpath
import re

import msgspec

from scanner.sources.declared.declaration import Place
from scanner.sources.declared.files import Files
from scanner.sources.terraform.configuration import Configuration, ParsedFiles, inside, load
from scanner.sources.terraform.scope import Budget
from scanner.sources.terraform.syntax import Block, Literal

MOST_NESTED = 20
"""Modules called by modules."""
_LOCAL = ("./", "../", ".\\", "..\\")
_INDEX = ".terraform/modules/modules.json"


def source_of(block: Block) -> str:
    """Return where a module block says that its module is; empty when that is not written as plain text."""
    attribute = block.body.attributes.get("source")
    if (
        attribute is None
        or not isinstance(attribute.value, Literal)
        or not isinstance(attribute.value.value, str)
    ):
        return ""
    return attribute.value.value


class Calls:
    """Finds and keeps the modules that one root module calls, directly or not."""

    def __init__(self, files: Files, root: str, parsed: ParsedFiles, budget: Budget) -> None:
        self._files = files
        self._root = root
        self._parsed = parsed
        self._budget = budget
        self._loaded: dict[str, Configuration] = {}
        self._installed: dict[str, str] | None = None

    def target(
        self, folders: tuple[str, ...], address: str, block: Block, name: str, place: Place
    ) -> Configuration | None:
        """Return the module that a call leads to; None when it is not here, with a gap that says so.

        ``folders`` are those of the modules around the call, ``address`` is that of the innermost.
        """
        source = source_of(block)
        folder = self._folder(address, block, name, source)
        called = f"The module {source}" if source else "The module"
        if folder is None:
            if source.startswith(_LOCAL):
                self._budget.tell(place, "skipped", f"{called} lies outside the repository.")
            else:
                self._budget.tell(
                    place, "skipped", f"{called} is not in the repository, so nothing of it is read."
                )
            return None
        if folder in folders:
            self._budget.tell(place, "skipped", f"{called} calls itself in a circle.")
            return None
        if len(folders) > MOST_NESTED:
            self._budget.tell(place, "skipped", f"Modules are nested more than {MOST_NESTED} deep.")
            return None
        configuration = self._loaded.get(folder)
        if configuration is None:
            configuration = load(self._files, folder, self._files.names(folder), self._parsed)
            self._loaded[folder] = configuration
        if configuration.empty:
            self._budget.tell(
                place, "skipped", f"{called} is not there: its folder has no file of Terraform."
            )
            return None
        for gap in configuration.gaps:
            self._budget.tell(gap.place, gap.reason, gap.detail)
        return configuration

    def _folder(self, address: str, block: Block, name: str, source: str) -> str | None:
        if source.startswith(_LOCAL) or source in (".", ".."):
            return Files.beside(block.uri, source)
        # Only the names of the calls are in the list of installed modules, not their instances.
        steps = re.sub(r'\[(?:"(?:[^"\\]|\\.)*"|[^\]]*)\]', "", address).replace("module.", "")
        return self._install_folders().get(f"{steps}.{name}" if steps else name)

    def _install_folders(self) -> dict[str, str]:
        """Return the folders of installed modules by the names of the calls that lead to them, joined by points."""
        if self._installed is None:
            self._installed = {}
            data = self._files.read(inside(self._root, _INDEX))
            for key, path in _entries(data or b""):
                joined = posixpath.normpath(posixpath.join(self._root, path))
                if not joined.startswith(("../", "/")) and joined != "..":
                    self._installed[key] = joined
        return self._installed


class _Entry(msgspec.Struct, rename="pascal"):
    key: str
    dir: str


class _Index(msgspec.Struct, rename="pascal"):
    modules: list[_Entry] = []


def _entries(data: bytes) -> list[tuple[str, str]]:
    try:
        index = msgspec.json.decode(data, type=_Index)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    return [(entry.key, entry.dir) for entry in index.modules if entry.key]
