"""What was read before: used while nothing changed, never when damaged."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from scanner.sources.declared.unit_facts import UnitFacts
from scanner.sources.repository.cache import Cache, code_stamp
from scanner.sources.repository.contents import Digests, DiskContents
from scanner.sources.repository.located import LocatedGap, LocatedPlace, LocatedUnit
from scanner.sources.repository.memory import MOST_ANSWERS, RepositoryMemory
from tests.sources.repository.conftest import Work


def digests(work: Work) -> Digests:
    return Digests(DiskContents(work.root, {}))


def entry(work: Work) -> LocatedUnit:
    of = digests(work).of
    return LocatedUnit(
        UnitFacts(
            unit="a",
            entities=[("identity", "/subscriptions/x", "app", None)],
            rows={"tags": [{"entity": 0, "tag": "t", "value": "v"}]},
            scopes=[(0, "")],
        ),
        [LocatedPlace("places", 0, "", "a.tf", 1, 2, 3, 4)],
        [LocatedGap("places", "a.tf:3", "malformed", "It is broken.")],
        [(name, of(name)) for name in ("a.tf", "gone.tf", "./")],
    )


def test_an_entry_counts_while_nothing_it_depends_on_changes(work: Work) -> None:
    work.write({"a.tf": "one"})
    cache = Cache(work.root / "cache", b"question")
    kept = entry(work)
    cache.put_bytes("terraform a", msgspec.msgpack.encode(kept))
    assert cache.get("terraform a", digests(work)) == kept
    assert cache.get("terraform b", digests(work)) is None
    assert Cache(work.root / "cache", b"another question").get("terraform a", digests(work)) is None
    work.write({"a.tf": "two"})
    assert cache.get("terraform a", digests(work)) is None
    work.write({"a.tf": "one", "gone.tf": "here now"})
    assert cache.get("terraform a", digests(work)) is None
    (work.root / "gone.tf").unlink()
    assert cache.get("terraform a", digests(work)) == kept
    work.write({"new.tf": ""})  # the folder's names were asked for
    assert cache.get("terraform a", digests(work)) is None


def test_a_damaged_entry_is_as_good_as_none(work: Work) -> None:
    work.write({"a.tf": "one"})
    cache = Cache(work.root / "cache", b"question")
    kept = entry(work)
    encoded = msgspec.msgpack.encode(kept)
    cache.put_bytes("a", encoded)
    (file,) = [path for path in cache.folder.rglob("*") if path.is_file() and path.name != ".gitignore"]
    whole = file.read_bytes()
    for damaged in (b"", whole[:10], whole[:-1], whole + b"x", whole[:40] + b"\xff" + whole[41:], b"x" * 100):
        file.write_bytes(damaged)
        assert cache.get("a", digests(work)) is None
        cache.put_bytes("a", encoded)
        assert cache.get("a", digests(work)) == kept
    file.unlink()
    file.mkdir()
    assert cache.get("a", digests(work)) is None
    cache.put_bytes("a", encoded)  # cannot be written: no error


def test_an_entry_in_the_place_of_another_is_none(work: Work) -> None:
    work.write({"a.tf": "one"})
    cache = Cache(work.root / "cache", b"question")
    encoded = msgspec.msgpack.encode(entry(work))
    cache.put_bytes("a", encoded)
    (first,) = [path for path in cache.folder.rglob("*") if path.is_file() and path.name != ".gitignore"]
    cache.put_bytes("b", msgspec.msgpack.encode(msgspec.structs.replace(entry(work), gaps=[])))
    (second,) = [
        path
        for path in cache.folder.rglob("*")
        if path.is_file() and path.name != ".gitignore" and path != first
    ]
    second.replace(first)
    assert cache.get("a", digests(work)) is None


def test_the_folder_tells_git_to_ignore_it(work: Work) -> None:
    work.init()
    cache = Cache(work.root / ".midas-cache", b"question")
    cache.put_bytes("a", b"entry")
    assert work.git("status", "--short") == ""
    assert [path.name for path in cache.folder.rglob("*") if path.name.startswith(".writing")] == []


def test_where_nothing_can_be_written_nothing_is_kept(work: Work) -> None:
    work.write({"file": ""})
    cache = Cache(work.root / "file" / "cache", b"question")
    cache.put_bytes("a", b"entry")
    assert cache.get("a", digests(work)) is None


def test_another_state_of_the_code_is_another_question(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "module.py").write_text("one")
    before = code_stamp([tmp_path])
    assert code_stamp([tmp_path]) == before
    (tmp_path / "package" / "module.py").write_text("longer")
    assert code_stamp([tmp_path]) != before


@pytest.mark.parametrize("seal", [True, False])
def test_an_entry_of_another_shape_is_none(work: Work, seal: bool) -> None:
    cache = Cache(work.root / "cache", b"question")
    cache.put_bytes("a", msgspec.msgpack.encode(["not", "a", "unit"]) if seal else b"\xc1")
    assert cache.get("a", digests(work)) is None


def test_answers_are_kept_while_nothing_changes(work: Work) -> None:
    work.write({"a.tf": "one"})

    def memory(mark: bytes = b"mark") -> RepositoryMemory:
        return RepositoryMemory(
            Cache(work.root / "cache", b"question"), "everything", mark, Digests(DiskContents(work.root, {}))
        )

    first = memory()
    assert not first.holds
    first.keep(b"asked", b"too early")  # what it depends on is not known yet
    assert not memory().holds
    first.depends_on(entry(work).seen)
    first.keep(b"asked", b"answer")
    again = memory()
    assert again.holds
    assert again.recall(b"asked") == b"answer"
    assert again.recall(b"something else") is None
    for number in range(MOST_ANSWERS):
        again.keep(f"more {number}".encode(), b"answer")
    assert memory().recall(b"asked") is None
    assert memory().recall(b"more 0") == b"answer"
    assert not memory(b"another mark").holds
    work.write({"a.tf": "two"})
    assert not memory().holds
