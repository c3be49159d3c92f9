"""What a fix makes of code can be read, and no secret stands in it."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import html
from reports.changes import CONTEXT, LINE_ROOM, LINES_OF_HUNK, Changes, Hunk, unified
from scanner.engine.finding import Edit
from scanner.engine.source_files import SourceFiles
from tests.reports.sample import CODE_KEY, code_report


def hunks(text: str | bytes, *edits: Edit, suspect: bool = False, name: str = "main.tf") -> tuple[Hunk, ...]:
    data = text if isinstance(text, bytes) else text.encode()
    files = {name: data}
    return Changes(SourceFiles(files.get)).hunks(edits, suspect=suspect)


def diff(
    text: str | bytes, *edits: Edit, suspect: bool = False, name: str = "main.tf", head: bool = False
) -> list[str]:
    found = unified(hunks(text, *edits, suspect=suspect, name=name))
    return found if head else [line for line in found if not line.startswith(("@@", "---", "+++"))]


def edit(start: tuple[int, int], end: tuple[int, int], text: str = "", name: str = "main.tf") -> Edit:
    return Edit(name, *start, *end, text)


LETTERS = "".join(f"{letter}\n" for letter in "abcdefghijklmnopqrstuvwxyz")


def test_three_lines_around_and_where_it_stands() -> None:
    assert diff(LETTERS, edit((5, 1), (6, 1)), edit((20, 2), (20, 2), "!\nnew"), head=True) == [
        "--- a/main.tf",
        "+++ b/main.tf",
        "@@ -2,7 +2,6 @@",
        " b",
        " c",
        " d",
        "-e",
        " f",
        " g",
        " h",
        "@@ -17,7 +16,8 @@",
        " q",
        " r",
        " s",
        "-t",
        "+t!",
        "+new",
        " u",
        " v",
        " w",
    ]


LINES = st.lists(st.text("ab ", max_size=3), min_size=1, max_size=40)


@given(LINES, st.lists(st.tuples(st.integers(0, 200), st.integers(0, 9), LINES), max_size=4), st.booleans())
def test_a_diff_makes_of_the_old_text_the_new_one(
    lines: list[str], changes: list[tuple[int, int, list[str]]], ended: bool
) -> None:
    text = "\n".join(lines) + ("\n" if ended else "")
    edits: list[Edit] = []
    after, free = text, len(text)
    for start, length, new in sorted(changes, key=lambda change: change[0], reverse=True):
        end = min(start + length, free)
        if start < end:
            edits.append(edit(_place(text, start), _place(text, end), "\n".join(new)))
            after = after[:start] + "\n".join(new) + after[end:]
            free = start - 1
    rest = text.split("\n")
    for hunk in reversed(hunks(text, *edits)):
        first, count = hunk.before
        kept = [line.text for line in hunk.lines if line.sign != "+"]
        assert (kept, hunk.more) == (rest[first - 1 : first - 1 + count], 0)
        rest[first - 1 : first - 1 + count] = [line.text for line in hunk.lines if line.sign != "-"]
    assert "\n".join(rest) == after


def _place(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def test_neighbours_are_one_hunk() -> None:
    [hunk] = hunks(LETTERS, edit((4, 1), (4, 2), "4"), edit((4 + 2 * CONTEXT, 1), (4 + 2 * CONTEXT, 2), "10"))
    assert [(line.sign, line.text) for line in hunk.lines if line.sign != " "] == [
        ("-", "d"),
        ("+", "4"),
        ("-", "j"),
        ("+", "10"),
    ]


def test_the_ends_of_a_file_and_its_marks() -> None:
    assert diff(b"\xef\xbb\xbfa\r\nb", edit((1, 1), (1, 2), "\u0430"), edit((2, 2), (2, 2), "\r\nc")) == [
        "-a",
        "+\u0430",
        " b",
        "+c",
    ]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("main.tf", 'variable "p" {\n  sensitive = true\n  default = "{}"\n', "}\n"),
        ("main.tf", 'provider "azurerm" {\n  x = 1\n  client_secret = <<EOT\n{}\n{}\nEOT\n', "}\n"),
        ("main.bicep", "@secure()\n\nparam p string = '''{}\n{}\n'''\n", "\n"),
        ("main.json", '{"parameters": {\n"p": {"type": "secureString",\n"defaultValue": "{}"\n', "}}}\n"),
    ],
)
def test_a_secret_is_seen_neither_where_it_goes_nor_around(name: str, before: str, after: str) -> None:
    hidden = [secrets.token_urlsafe(9), secrets.token_hex(5)]
    for secret in hidden:
        before = before.replace("{}", secret, 1)
    text = before + after
    last = before.count("\n") + 1
    gone = diff(text, edit((3, 1), (last, 1), "", name), suspect=True, name=name)
    assert gone[2].startswith("-")
    stays = diff(text, edit((1, 1), (1, 1), "# new\n", name), suspect=True, name=name)
    below = diff(text, edit((last, 1), (last, 1), "# new\n", name), suspect=True, name=name)
    for told in ("\n".join(lines) for lines in (gone, stays, below)):
        assert "***" in told
        assert not any(secret in told for secret in hidden)


def test_a_secret_that_is_left_in_a_line_is_not_seen_after_the_edit() -> None:
    secret = secrets.token_urlsafe(9)
    line = f'x = {{ a = 1, client_secret = "{secret}" }}\n'
    assert diff(line, edit((1, 7), (1, 14))) == [
        '-x = { a = 1, client_secret = "***" }',
        '+x = { client_secret = "***" }',
    ]


def test_what_a_rule_writes_is_shown_but_not_what_stood_there_before() -> None:
    secret = secrets.token_urlsafe(9)
    assert diff('x = "string"\n', edit((1, 5), (1, 13), '"securestring"'), suspect=True) == [
        '-x = "***"',
        '+x = "securestring"',
    ]
    again = f'{{\n  default = "{secret}"\n  name = "shown"\n}}'
    assert diff(f'x {{ default = "{secret}" }}\n', edit((1, 3), (1, 31), again), suspect=True) == [
        '-x { default = "***" }',
        "+x {",
        '+  default = "***"',
        '+  name = "shown"',
        "+}",
    ]


@pytest.mark.parametrize("text", ["x" * 5_000 + "\n", "a\n"])
def test_what_cannot_be_shown_is_left_out(text: str) -> None:
    assert hunks(text, edit((1, 4), (1, 4), "y"), edit((2, 9), (3, 1), "z")) == ()
    assert hunks(text, edit((1, 1), (1, 1), "y", "other.tf")) == ()


def test_a_hunk_and_a_line_have_an_end() -> None:
    [hunk] = hunks("".join(f"{number}\n" for number in range(500)), edit((1, 1), (400, 1)))
    assert (len(hunk.lines), hunk.more) == (LINES_OF_HUNK, 399 + CONTEXT - LINES_OF_HUNK)
    assert unified([hunk])[-1] == f"... and {hunk.more} more lines"
    [long] = hunks("- " * LINE_ROOM + "\n", edit((1, 1), (1, 1), "x"))
    assert {len(line.text) for line in long.lines if line.sign != " "} == {LINE_ROOM}


def test_nothing_invisible_is_shown() -> None:
    [gone, came, *_] = diff("a\x1b[31m\u202eb\n", edit((1, 1), (1, 1), "\x1b]0;"))
    assert (gone, came) == ("-a\u241b[31m\\u202eb", "+\u241b]0;a\u241b[31m\\u202eb")


def test_the_page_shows_what_the_fix_makes_of_the_code() -> None:
    page = html.render(code_report(findings=(CODE_KEY,))).decode()
    assert "<ins>+" in page
