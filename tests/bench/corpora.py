"""Fetch the repositories that ``make bench`` checks: ``make corpora``. They are never part of Midas.

Each at the commit its figures were measured with, without history and as a plain folder.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench.check import CORPORA


@dataclass(frozen=True)
class Source:
    """A public repository; ``folder`` is the part of it that is checked, all of it when empty."""

    name: str
    url: str
    commit: str
    folder: str = ""


SOURCES = (
    Source(
        "azurerm-examples",
        "https://github.com/hashicorp/terraform-provider-azurerm",
        "69697b7fe6a923fc89e88f386bc95c3ed1ee2ec6",
        "examples",
    ),
    Source(
        "azure-quickstart-templates",
        "https://github.com/anthony-c-martin/azure-quickstart-templates",
        "46ff92f7dbe92d4b8fd2b8b325de03056542c3da",
    ),
    Source(
        "bicep-registry-modules",
        "https://github.com/Azure/bicep-registry-modules",
        "9f9ea1a18204e262be9a4a64e3e3cc7fbe5e509d",
    ),
    Source(
        "terragoat",
        "https://github.com/bridgecrewio/terragoat",
        "729f8da62c6a85ce4af5ad3d123de97776d954c4",
    ),
)


def fetch(source: Source, into: Path) -> None:
    """Fetch one repository; raises :class:`subprocess.CalledProcessError` when git cannot."""
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent) as folder:
        work = Path(folder) / "work"

        def git(*arguments: str) -> None:
            subprocess.run(["git", "-C", str(work), *arguments], check=True)

        subprocess.run(["git", "init", "--quiet", str(work)], check=True)
        git("remote", "add", "origin", source.url)
        if source.folder:
            # The rest of such a repository is many times larger than what is checked.
            git("sparse-checkout", "set", "--no-cone", f"/{source.folder}/")
        git("fetch", "--quiet", "--depth", "1", "--filter=blob:none", "origin", source.commit)
        git("checkout", "--quiet", "FETCH_HEAD")
        shutil.rmtree(work / ".git")
        (work / source.folder).rename(into)


def main() -> int:
    """Fetch those that are not there yet."""
    for source in SOURCES:
        into = CORPORA / source.name
        if into.is_dir():
            print(f"{into} is there")
            continue
        print(f"fetching {source.url} at {source.commit[:12]}", flush=True)
        try:
            fetch(source, into)
        except subprocess.CalledProcessError as error:
            print(f"{source.name} could not be fetched: git ended with {error.returncode}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
