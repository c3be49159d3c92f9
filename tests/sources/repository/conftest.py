"""Repositories made at run time."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

IDENTITY = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com")


class Work:
    """A folder with files, a git work tree when asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, files: Mapping[str, str | bytes]) -> Work:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.root), *IDENTITY, "-c", "protocol.file.allow=always", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def init(self) -> Work:
        self.git("init", "-q", "-b", "main")
        return self

    def commit(self, message: str = "state") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD").strip()


@pytest.fixture
def work(tmp_path: Path) -> Work:
    root = tmp_path / "repository"
    root.mkdir()
    return Work(root)
