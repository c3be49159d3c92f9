"""Which root module a Terraform state belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scanner.sources.repository.find import RepositoryError
from scanner.sources.repository.units import Sorted


def read_states(
    root: Path, by: Sorted, states: Sequence[tuple[str | None, Path]]
) -> dict[str, dict[str, str]]:
    """Return the ids in each state by the folder of its root module.

    Raises :class:`RepositoryError` for a file that cannot be read or is no state, and for one that belongs to no
    Terraform folder of those that were found.
    """
    from scanner.sources.terraform.state import StateError, read_state

    found = {}
    for folder, path in states:
        where = _folder_of(root, path) if folder is None else folder.strip("/") or "."
        if where not in by.terraform:
            raise RepositoryError(
                f"--state {path}: there is no Terraform in {where or 'its folder'}: say which root module it is of, "
                "from the repository's root: --state FOLDER=FILE"
            )
        try:
            found[where] = read_state(path.read_bytes())
        except StateError as error:
            raise RepositoryError(f"--state {path}: {error}") from error
        except OSError as error:
            raise RepositoryError(f"--state {path}: {(error.strerror or str(error)).lower()}") from error
    return found


def _folder_of(root: Path, path: Path) -> str:
    """Return the folder a file lies in from the root, with forward slashes; empty when it lies outside."""
    folder = path.resolve().parent
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else ""
