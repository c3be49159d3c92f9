"""JSON as Azure accepts it: exact places, and what is whole of what is broken."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.sources.arm.json_reader import MOST_BYTES, MOST_DEPTH, Read, read_json
from scanner.sources.template.model import Array, Constant, Expression, ObjectLiteral


def plain(node: Expression | None) -> Any:
    if isinstance(node, ObjectLiteral):
        return {entry.name: plain(entry.value) for entry in node.entries}
    if isinstance(node, Array):
        return [plain(item) for item in node.items]
    return node.value if isinstance(node, Constant) else node


def read(text: str) -> Read:
    return read_json("a.json", text.encode())


def gaps(data: bytes) -> list[tuple[str, bytes, str]]:
    return [
        (gap.reason, data[gap.place.start : gap.place.end], gap.detail)
        for gap in read_json("a.json", data).gaps
    ]


def test_every_part_has_its_place() -> None:
    data = b'\xef\xbb\xbf// caf\xc3\xa9\r\n{ "a" : "x\\u00e9" , "b": [1, {"c": true}]\r\n}'
    root = read_json("a.json", data).root
    assert root is not None
    assert plain(root) == {"a": "xé", "b": [1, {"c": True}]}
    first, second = root.entries
    assert data[first.start : first.end] == b'"a" : "x\\u00e9"'
    assert data[first.value.start : first.value.end] == b'"x\\u00e9"'
    assert data[second.start : second.end] == b'"b": [1, {"c": true}]'
    assert isinstance(second.value, Array)
    assert data[second.value.start : second.value.end] == b'[1, {"c": true}]'
    inner = second.value.items[1]
    assert data[inner.start : inner.end] == b'{"c": true}'
    assert data[root.start : root.end].endswith(b"\r\n}")


def test_comments_trailing_commas_and_strings_over_lines_are_read() -> None:
    found = read('/* head */ {"a": 1, // one\n "b": "x\n  y", /* two */ "c": [1, 2,],\n}')
    assert found.gaps == []
    assert plain(found.root) == {"a": 1, "b": "x\n  y", "c": [1, 2]}


def test_doubles_are_kept_in_order() -> None:
    root = read('{"a": 1, "a": 2}').root
    assert root is not None
    assert [(entry.name, plain(entry.value)) for entry in root.entries] == [("a", 1), ("a", 2)]


def test_a_half_written_file_gives_what_is_whole() -> None:
    data = b'{"resources": [{"type": "x", "name": "a"}, {"type": "y", "na'
    assert plain(read_json("a.json", data).root) == {"resources": [{"type": "x", "name": "a"}, {"type": "y"}]}
    assert ("malformed", b"{", "The file ends before } closes what is opened here.") in gaps(data)


def test_a_missing_value_leaves_the_others() -> None:
    data = b'{"a": ,\n "b": 2,\n "c" 3,\n "d": 4}'
    assert plain(read_json("a.json", data).root) == {"b": 2, "d": 4}
    assert [found[:2] for found in gaps(data)] == [("malformed", b'"a"'), ("malformed", b'"c"')]


def test_a_missing_quote_ends_with_its_line() -> None:
    data = b'{"a": "one,\n "b": 2,\n "c": "three"}'
    assert plain(read_json("a.json", data).root) == {"a": "one,", "b": 2, "c": "three"}
    assert gaps(data) == [("malformed", b'"one,', "A string is not closed.")]


def test_a_missing_bracket_closes_with_what_is_around_it() -> None:
    data = b'{"a": [1, 2, "b": 3}, "c": 4}'
    found = plain(read_json("a.json", data).root)
    assert found["a"][:2] == [1, 2]
    assert "malformed" in [gap[0] for gap in gaps(data)]


def test_an_object_without_a_colon_keeps_its_name() -> None:
    assert plain(read('{"a" {"b": 1}, "c": 2}').root) == {"a": {"b": 1}, "c": 2}


def test_what_is_too_deep_is_passed_over() -> None:
    deep = '{"a": ' * (MOST_DEPTH + 50) + "1" + "}" * (MOST_DEPTH + 50)
    data = ('{"deep": ' + deep + ', "after": 2}').encode()
    found = read_json("a.json", data)
    assert found.root is not None
    assert plain(found.root.entries[1].value) == 2
    assert [(gap.reason, gap.detail) for gap in found.gaps] == [
        ("skipped", f"What is nested more than {MOST_DEPTH} deep is not read.")
    ]


def test_hostile_text_ends_soon() -> None:
    for data in (b'{"a": ' * 200_000, b"{" + b'"' * 100_001, b"{" + b"x:" * 100_000, b"{/*" * 50_000):
        found = read_json("a.json", data)
        assert found.root is not None
        assert all(gap.place.end <= len(data) for gap in found.gaps)


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert plain(read_json("a.json", b'{"a\xff": "\xfe\\ud800\\q"}').root) == {"a�": "��\\q"}


def test_numbers_of_any_length_are_read() -> None:
    text = '{"a": -1.5e3, "b": ' + "9" * 5000 + ', "c": 1e999, "d": 12}'
    assert plain(read(text).root) == {"a": -1500.0, "b": "9" * 5000, "c": "1e999", "d": 12}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(max_size=5), json_values, max_size=5), st.sampled_from([None, 2]))
def test_whatever_json_writes_is_read_back(value: dict[str, Any], indent: int | None) -> None:
    for ascii_only in (True, False):
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
        found = read_json("a.json", text.encode("utf-8", "surrogatepass"))
        assert found.gaps == []
        if "\\ud" not in text and text.isprintable():
            assert plain(found.root) == value


def test_a_file_that_is_too_large_is_one_gap() -> None:
    found = read_json("a.json", b'{"a": 1, "b": "' + b"x" * MOST_BYTES + b'"}')
    assert plain(found.root) == {}
    assert [(gap.reason, gap.place.start, gap.detail) for gap in found.gaps] == [
        ("skipped", 0, "The file is larger than 10 MB.")
    ]


SAMPLE = b'{"$schema": "x", "a": [1, "b", {"c": null}], /* d */ "e": {"f": "[g(\'h\')]"}}'


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_broken_text_never_raises_and_places_stay_inside(data: st.DataObject) -> None:
    text = bytearray(SAMPLE * data.draw(st.integers(1, 3)))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, max(len(text) - 1, 0)))
        change = data.draw(st.sampled_from(["cut", "insert", "flip"]))
        if change == "cut":
            del text[at : at + data.draw(st.integers(1, 9))]
        elif change == "insert":
            text[at:at] = data.draw(
                st.sampled_from([b'"', b"{", b"}", b"[", b"]", b":", b"\\", b"/*", b"\n", b"\xff"])
            )
        elif text:
            text[at] = data.draw(st.integers(0, 255))
    found = read_json("a.json", bytes(text))
    for gap in found.gaps:
        assert 0 <= gap.place.start <= gap.place.end <= len(text)
    waiting: list[Expression] = [found.root] if found.root is not None else []
    while waiting:
        node = waiting.pop()
        assert 0 <= node.start <= node.end <= len(text)
        if isinstance(node, ObjectLiteral):
            waiting.extend(entry.value for entry in node.entries)
        elif isinstance(node, Array):
            waiting.extend(node.items)
