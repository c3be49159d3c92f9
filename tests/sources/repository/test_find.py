"""Which files are read: as git knows them, or in a plain folder; and what cannot be read is told."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from scanner.sources.repository import find as finding
from scanner.sources.repository import git as asking_git
from scanner.sources.repository.find import FileGap, RepositoryError, find
from tests.sources.repository.conftest import Work


def test_git_decides_what_belongs_to_a_repository(work: Work) -> None:
    work.init().write(
        {
            ".gitignore": "build/\n*.secret.tf\n",
            "main.tf": "",
            "kept/app.bicep": "",
            "kept/app.bicepparam": "",
            "kept/notes.md": "",
            "build/out.tf": "",
            "my.secret.tf": "",
            "deleted.tf": "",
        }
    )
    work.commit()
    (work.root / "deleted.tf").unlink()
    work.write({"new/added.tf.json": "{}"})
    found = find([work.root])
    assert found.root == work.root
    assert found.in_git
    assert found.files == ["kept/app.bicep", "kept/app.bicepparam", "main.tf", "new/added.tf.json"]
    assert found.gaps == []
    assert found.notices == []


def test_a_folder_or_file_inside_is_told_from_the_top(work: Work) -> None:
    work.init().write({"infra/a/main.tf": "", "infra/b/main.tf": "", "other.bicep": ""})
    assert find([work.root / "infra" / "a"]).files == ["infra/a/main.tf"]
    named = find([work.root / "infra" / "b" / "main.tf", work.root / "other.bicep"])
    assert named.files == ["infra/b/main.tf", "other.bicep"]
    assert named.asked == {"infra/b/main.tf", "other.bicep"}


def test_what_is_named_is_read_though_git_ignores_it(work: Work) -> None:
    work.init().write({".gitignore": "build/\n", "build/deep/out.tf": "", "main.tf": ""})
    by_folder = find([work.root / "build"])
    assert by_folder.files == ["build/deep/out.tf"]
    assert by_folder.notices == ["git ignores build/, so every file there was looked at"]
    assert find([work.root / "build" / "deep" / "out.tf"]).files == ["build/deep/out.tf"]


def test_submodules_and_repositories_inside_are_followed(work: Work, tmp_path: Path) -> None:
    (tmp_path / "module").mkdir()
    module = Work(tmp_path / "module").init().write({"module.tf": "", ".gitignore": "left-out.tf\n"})
    module.commit()
    work.init().write({"main.tf": ""})
    work.commit()
    work.git("submodule", "add", "-q", str(module.root), "modules/one")
    work.write({"modules/one/left-out.tf": ""})
    (work.root / "clone").mkdir()
    Work(work.root / "clone").init().write({"inner.bicep": ""})
    assert find([work.root]).files == ["clone/inner.bicep", "main.tf", "modules/one/module.tf"]


def test_nothing_that_a_repository_configures_is_run(work: Work, tmp_path: Path) -> None:
    work.init().write({"main.tf": ""})
    work.commit()
    trap, sprung = tmp_path / "trap.sh", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\n")
    trap.chmod(0o755)
    work.git("config", "core.fsmonitor", str(trap))
    assert find([work.root]).files == ["main.tf"]
    assert not sprung.exists()


def test_variables_that_a_hook_sets_do_not_lead_elsewhere(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.init().write({"main.tf": ""})
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nowhere" / "index"))
    assert find([work.root]).files == ["main.tf"]


def test_without_git_every_file_is_looked_at(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    work.init().write({"main.tf": "", ".terraform/modules/x/x.tf": "", "node_modules/p/template.json": "{}"})
    monkeypatch.setenv("PATH", "")
    found = find([work.root])
    assert found.files == ["main.tf"]
    assert found.notices == [
        "git could not be asked which files belong to repository, so every file there was looked at: "
        "git is not installed"
    ]


def test_a_plain_folder_is_told_from_the_working_folder(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    work.write({"infra/main.tf": "", "infra/deep/er/t.JSON": "{}", "infra/readme.txt": ""})
    assert find([work.root / "infra"]).files == ["deep/er/t.JSON", "main.tf"]
    monkeypatch.chdir(work.root)
    assert find([Path("infra")]).files == ["infra/deep/er/t.JSON", "infra/main.tf"]


def test_links_are_followed_inside_and_never_outside(work: Work, tmp_path: Path) -> None:
    (tmp_path / "outside.tf").write_text("")
    (tmp_path / "elsewhere").mkdir()
    work.write({"shared/variables.tf": "", "app/main.tf": ""})
    (work.root / "app" / "variables.tf").symlink_to("../shared/variables.tf")
    (work.root / "app" / "outside.tf").symlink_to(tmp_path / "outside.tf")
    (work.root / "app" / "gone.tf").symlink_to("nowhere.tf")
    (work.root / "loop.tf").symlink_to("loop.tf")
    (work.root / "circle").symlink_to(".")
    (work.root / "away").symlink_to(tmp_path / "elsewhere")
    for in_git in (False, True):
        if in_git:
            work.init().commit()
        found = find([work.root])
        assert found.files == ["app/main.tf", "app/variables.tf", "shared/variables.tf"]
        assert found.links == {"app/variables.tf": "shared/variables.tf"}
        assert found.gaps == [
            FileGap("app/gone.tf", "failed", "The symbolic link leads nowhere."),
            FileGap(
                "app/outside.tf",
                "skipped",
                "The symbolic link leads out of the repository and is not followed.",
            ),
            FileGap("away", "skipped", "The symbolic link leads out of the repository and is not followed."),
            FileGap("loop.tf", "failed", "The symbolic link leads in a circle."),
        ]


def test_pipes_and_huge_files_are_gaps(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "LARGEST", 2_000_000)
    work.write({"big.json": b"x" * 3_000_000, "main.tf": ""})
    os.mkfifo(work.root / "pipe.tf")
    found = find([work.root])
    assert found.files == ["main.tf"]
    assert found.gaps == [
        FileGap("big.json", "skipped", "The file has 3 MB; more than 2 MB are not read."),
        FileGap("pipe.tf", "skipped", "It is no regular file but a device or a pipe."),
    ]


def test_a_name_that_is_not_utf_8_is_a_gap(work: Work) -> None:
    with open(os.fsencode(work.root) + b"/caf\xe9.tf", "wb"):
        pass
    found = find([work.root])
    assert found.files == []
    assert found.gaps == [FileGap("caf\\xe9.tf", "skipped", "The file's name is not UTF-8.")]


def test_what_is_not_there_or_no_infrastructure_is_said_at_once(work: Work) -> None:
    with pytest.raises(RepositoryError, match="nowhere: there is no such file or folder"):
        find([work.root / "nowhere"])
    work.write({"notes.md": ""})
    with pytest.raises(
        RepositoryError, match=r"notes\.md: no infrastructure file ends like this; there are \.tf,"
    ):
        find([work.root / "notes.md"])
    (work.root / "loop").symlink_to("loop")
    with pytest.raises(RepositoryError, match="loop: cannot be read"):
        find([work.root / "loop"])


def test_a_folder_that_cannot_be_listed_is_a_gap(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    work.write({"open/main.tf": "", "shut/main.tf": ""})
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(finding.os, "scandir", scandir)
    found = find([work.root])
    assert found.files == ["open/main.tf"]
    assert found.gaps == [FileGap("shut", "failed", "The folder cannot be read: permission denied.")]


def test_a_folder_that_git_may_not_list_is_a_gap(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    work.init().write({"open/main.tf": ""})
    real = asking_git._run

    def run(folder: Path, arguments: Sequence[str], given: bytes | None = None) -> tuple[bytes, bytes]:
        warning = b"warning: could not open directory 'a b/shut/': Permission denied\n"
        return real(folder, arguments, given)[0], warning

    monkeypatch.setattr(asking_git, "_run", run)
    found = find([work.root])
    assert found.files == ["open/main.tf"]
    assert found.gaps == [FileGap("a b/shut", "failed", "The folder cannot be read: git may not list it.")]


def test_what_may_belong_to_a_named_file_is_found_beside_it(work: Work) -> None:
    files = [
        "main.tf",
        "more.tf.json",
        "prod.tfvars",
        "main.bicep",
        "ignored.tf",
        "below/main.tf",
        "notes.md",
    ]
    work.init().write(dict.fromkeys(files, "") | {".gitignore": "ignored.tf\n", "sub/x.parameters.json": ""})
    found = find([work.root / "main.tf"])
    assert found.asked == {"main.tf"}
    assert found.company == {"more.tf.json", "prod.tfvars"}
    found = find([work.root / "sub" / "x.parameters.json"])
    assert (found.asked, found.company) == ({"sub/x.parameters.json"}, {"main.bicep"})
    assert find([work.root / "below" / "main.tf"]).company == set()
    assert find([work.root, work.root / "main.tf"]).company == set()
