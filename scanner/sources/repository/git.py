"""What git knows of a folder: which files belong to it, and what they were in another commit.

Git is only asked to list and to print. A repository that is checked may be hostile: nothing its configuration names is
run (no file system monitor, no hook, no fetch from a promisor), and who owns its folder does not matter for reading.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SECONDS = 120
"""How long git may take to answer; a listing of a million files takes a few seconds."""

_SAFE = (
    "--literal-pathspecs",
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "safe.directory=*",
    "-c",
    "protocol.allow=never",
)
_TRACKED = re.compile(rb"(\d{6}) [0-9a-f]{40,64} \d\t(.*)", re.DOTALL)
_CLOSED = re.compile(rb"^warning: could not open directory '(.+)': ", re.MULTILINE)
_MODE_LINK, _MODE_SUBMODULE = b"120000", b"160000"


class GitError(Exception):
    """Git is not there, or does not answer: what it said, in one line."""


class Listed(NamedTuple):
    """The files of a work tree by path from its top, and what is a repository of its own in it."""

    files: list[bytes]
    links: list[bytes]
    """Symbolic links, to files or folders."""
    repositories: list[bytes]
    """Submodules, and repositories inside that are not known to this one."""
    closed: Sequence[bytes] = ()
    """Folders that git may not list."""


def top_of(path: Path) -> Path | None:
    """Return the top of the work tree that holds a path, or None; looks for ``.git`` without asking git."""
    folder = path if path.is_dir() else path.parent
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    return None


def git(folder: Path, arguments: Sequence[str], *, given: bytes | None = None) -> bytes:
    """Run git in a folder and return what it prints; :class:`GitError` when it fails."""
    return _run(folder, arguments, given)[0]


def _run(folder: Path, arguments: Sequence[str], given: bytes | None = None) -> tuple[bytes, bytes]:
    """Return what git prints, and what it says of it."""
    import subprocess  # only where there is a repository: it takes a while

    command = [*safe_command(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 -- a fixed program, its arguments never pass a shell
            command, input=given, capture_output=True, env=environment(), timeout=SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise GitError("git is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git did not answer within {SECONDS} seconds") from error
    except OSError as error:
        raise GitError(f"git cannot be started: {error.strerror or error}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitError(said[-1] if said else f"git ended with {done.returncode}")
    return done.stdout, done.stderr


def safe_command(folder: Path) -> list[str]:
    """Return how git is called in a folder so that it runs nothing that the repository configures."""
    return ["git", "-C", str(folder), *_SAFE]


def environment() -> dict[str, str]:
    """Return the environment git runs in: a hook or a job may have set variables that point it elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def list_files(folder: Path, below: Sequence[str] = (), *, others: bool = True) -> Listed:
    """List what git knows, and what it would add unless not wanted; ignored files are left out.

    ``below`` are paths from ``folder``, or all.
    """
    new = ["--others", "--exclude-standard"] if others else []
    answer, said = _run(folder, ["ls-files", "-z", "--stage", "--cached", *new, "--", *below])
    files: dict[bytes, None] = {}
    links: dict[bytes, None] = {}
    repositories: dict[bytes, None] = {}
    for entry in answer.split(b"\0"):
        tracked = _TRACKED.fullmatch(entry)
        if tracked is None:
            if entry.endswith(b"/"):
                repositories[entry[:-1]] = None
            elif entry:
                files[entry] = None
        elif tracked[1] == _MODE_SUBMODULE:
            repositories[tracked[2]] = None
        else:
            (links if tracked[1] == _MODE_LINK else files)[tracked[2]] = None
    closed = [path.rstrip(b"/") for path in _CLOSED.findall(said)]
    return Listed(list(files), list(links), list(repositories), closed)
