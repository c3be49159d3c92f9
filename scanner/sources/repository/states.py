"""Which root module a Terraform state belongs to."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import Path

from scanner.sources.repository.find import RepositoryError
from scanner.sources.repository.units import Sorted

LARGEST_STATE = 200_000_000
"""Bytes."""


def read_states(
    root: Path, by: Sorted, states: Sequence[tuple[str | None, Path]]
) -> dict[str, dict[str, str]]:
    """Return the ids in each state by the folder of its root module.

    Raises :class:`RepositoryError` for a file that cannot be read or is no state, and for one that belongs to no
    Terraform folder of those that were found.
    """
    from scanner.sources.terraform.state import StateError, read_state

    found: dict[str, dict[str, str]] = {}
    for folder, path in states:
        # What is wrong with the file says more than where it lies: a pointer to a remote state lies in .terraform.
        try:
            if path.stat().st_size > LARGEST_STATE:
                raise StateError(
                    f"is larger than {LARGEST_STATE // 1_000_000} MB: give the state of one root module"
                )
            addresses = read_state(path.read_bytes())
        except StateError as error:
            raise RepositoryError(f"--state {path}: {error}") from error
        except OSError as error:
            raise RepositoryError(f"--state {path}: {(error.strerror or str(error)).lower()}") from error
        where = _folder_of(root, path) if folder is None else posixpath.normpath(folder.strip("/") or ".")
        if where not in by.terraform:
            raise RepositoryError(
                f"--state {path}: there is no Terraform in {where or 'its folder'}: say which root module it is of, "
                "from the repository's root: --state FOLDER=FILE"
            )
        if where in found:
            raise RepositoryError(
                f"--state {path}: another state is given for {where}: a root module has one"
            )
        found[where] = addresses
    return found


def _folder_of(root: Path, path: Path) -> str:
    """Return the folder a file lies in from the root, with forward slashes; empty when it lies outside."""
    folder = path.resolve().parent
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else ""
