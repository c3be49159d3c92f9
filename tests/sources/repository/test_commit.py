"""The files of a commit, without checking it out."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from scanner.sources.repository.commit import CommitContents, base_of, find_in_commit
from scanner.sources.repository.git import GitError
from tests.sources.repository.conftest import Work


def test_a_commit_is_read_as_it_was(work: Work) -> None:
    work.init().write(
        {
            "main.tf": "old",
            "gone/app.bicep": "gone",
            "notes.md": "text",
            "shared/v.tf": "v",
            "a b/ü.tf": "umlaut",
        }
    )
    (work.root / "link.tf").symlink_to("shared/v.tf")
    (work.root / "away.tf").symlink_to("/etc/hostname")
    old = work.commit()
    work.write({"main.tf": "new", "added.tf": ""})
    (work.root / "gone" / "app.bicep").unlink()
    work.commit()
    with closing(CommitContents(work.root, old)) as contents:
        assert contents.read("main.tf") == b"old"
        assert contents.read("gone/app.bicep") == b"gone"
        assert contents.read("notes.md") == b"text"
        assert contents.read("link.tf") == b"v"
        assert contents.read("a b/ü.tf") == b"umlaut"
        assert contents.read("away.tf") is None
        assert contents.read("added.tf") is None
        assert contents.read("../repository/main.tf") is None
        assert list(contents.names(".")) == ["away.tf", "link.tf", "main.tf"]
        assert list(contents.names("gone")) == ["app.bicep"]
        assert list(contents.names("nowhere")) == []
        assert list(contents.all_names(".")) == ["away.tf", "link.tf", "main.tf", "notes.md"]
        assert list(contents.all_names("nowhere")) == []
        everything = find_in_commit(work.root, contents, [])
        assert everything.files == ["a b/ü.tf", "gone/app.bicep", "link.tf", "main.tf", "shared/v.tf"]
        assert everything.links == {"link.tf": "shared/v.tf"}
        assert find_in_commit(work.root, contents, ["gone", "main.tf"]).files == ["gone/app.bicep", "main.tf"]
        contents.close()
        assert contents.read("shared/v.tf") == b"v"


def test_links_in_a_circle_lead_nowhere(work: Work) -> None:
    work.init()
    (work.root / "a.tf").symlink_to("b.tf")
    (work.root / "b.tf").symlink_to("a.tf")
    with closing(CommitContents(work.root, work.commit())) as contents:
        assert contents.read("a.tf") is None


def test_submodules_are_read_at_the_commit_they_were_at(work: Work, tmp_path: Path) -> None:
    (tmp_path / "module").mkdir()
    module = Work(tmp_path / "module").init().write({"module.tf": "first"})
    module.commit()
    work.init()
    work.git("submodule", "add", "-q", str(module.root), "modules/one")
    first = work.commit()
    Work(work.root / "modules" / "one").write({"module.tf": "second"}).commit()
    second = work.commit()
    for commit, data in ((first, b"first"), (second, b"second")):
        with closing(CommitContents(work.root, commit)) as contents:
            assert contents.read("modules/one/module.tf") == data


def test_the_base_is_where_the_branch_left(work: Work) -> None:
    work.init().write({"main.tf": "1"})
    left = work.commit()
    work.git("checkout", "-q", "-b", "change")
    work.write({"main.tf": "2"})
    work.commit()
    work.git("checkout", "-q", "main")
    work.write({"other.tf": "3"})
    work.commit()
    work.git("checkout", "-q", "change")
    assert base_of(work.root, ["main"]) == (left, None)
    assert base_of(work.root, ["origin/main", "main"]) == (left, None)
    assert base_of(work.root, [left[:10]]) == (left, None)


def test_a_base_that_is_not_known_is_an_error(work: Work) -> None:
    work.init().write({"main.tf": "1"}).commit()
    for name in ("origin/main", "--exec=true", "", "HEAD~1"):
        with pytest.raises(GitError, match="no commit is known here by this name: fetch it first"):
            base_of(work.root, [name])


def test_without_common_history_the_commit_itself_is_compared_with(work: Work) -> None:
    work.init().write({"main.tf": "1"})
    other = work.commit()
    work.git("checkout", "-q", "--orphan", "apart")
    work.commit("apart")
    commit, notice = base_of(work.root, ["main"])
    assert commit == other
    assert notice == "this branch and main have no history in common, so main itself was compared with"


def test_a_shallow_clone_says_what_to_set(work: Work, tmp_path: Path) -> None:
    work.init().write({"main.tf": "1"}).commit()
    work.git("checkout", "-q", "-b", "change")
    work.write({"main.tf": "2"}).commit()
    work.git("checkout", "-q", "main")
    work.write({"other.tf": "3"}).commit()
    clone = Work(tmp_path / "clone")
    work.git("clone", "-q", "--depth=1", "--branch=change", work.root.as_uri(), str(clone.root))
    said = "this clone is shallow, so fetch the whole history (fetch-depth: 0 for actions/checkout, "
    with pytest.raises(GitError) as refused:
        base_of(clone.root, ["origin/main", "HEAD^1"])
    assert str(refused.value).startswith(f"no commit is known here by this name: {said}")
    clone.git("fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    commit, notice = base_of(clone.root, ["origin/main"])
    assert commit == work.git("rev-parse", "main").strip()
    assert notice == (
        "where this branch left origin/main cannot be told from the history that is here, so it was compared with "
        f"origin/main itself: {said}fetchDepth: 0 in Azure Pipelines, GIT_DEPTH: 0 in GitLab)"
    )
