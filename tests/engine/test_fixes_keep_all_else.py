"""However an object is written, an edit changes the one property and nothing else, as the readers of files see it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.engine.code_object import CodeObject
from scanner.engine.code_text import Language, take_apart
from scanner.engine.object_edits import ObjectEdits
from scanner.sources.arm.json_reader import read_json
from scanner.sources.bicep.read import read_template
from scanner.sources.template import model
from scanner.sources.terraform import syntax
from scanner.sources.terraform.parser import parse

Value = bool | int | str | list[Any] | dict[str, Any]

NAMES = ("alpha", "beta", "gamma", "flag", "outer")
SCALARS: st.SearchStrategy[Value] = st.one_of(
    st.booleans(),
    st.integers(0, 99),
    st.sampled_from(["", "plain", "a { b", "# no", "// no", "/* no", "it, that", "}", "a: 1", "é🔑"]),
)
OBJECTS: st.SearchStrategy[dict[str, Value]] = st.dictionaries(
    st.sampled_from(NAMES),
    st.one_of(
        SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.sampled_from(NAMES), SCALARS, max_size=3)
    ),
    max_size=5,
)
WRITING = st.fixed_dictionaries(
    {
        "end": st.sampled_from(["\n", "\r\n"]),
        "indent": st.sampled_from(["  ", "    ", "\t"]),
        "one_line": st.booleans(),
        "inner_one_line": st.booleans(),
        "comments": st.lists(
            st.sampled_from(["", "", " ", " {line} why, {{", " /* a: 1, */"]), min_size=7, max_size=7
        ),
        "above": st.lists(
            st.sampled_from(["", "", "{line} above: [", "/* b = 2\n, */"]), min_size=7, max_size=7
        ),
    }
)


class Writer:
    """Writes an object in one of the languages, in some way that the language allows."""

    def __init__(self, language: Language, how: dict[str, Any]) -> None:
        self.language, self.how = language, how
        self.line = {"hcl": "#", "bicep": "//", "json": "//"}[language]
        self.sign = " = " if language == "hcl" else ": "

    def scalar(self, value: Value) -> str:
        if isinstance(value, str):
            return f"'{value}'" if self.language == "bicep" else json.dumps(value, ensure_ascii=False)
        if isinstance(value, list):
            return f"[{', '.join(self.scalar(item) for item in value)}]"
        return json.dumps(value)

    def value(self, value: Value, depth: int) -> str:
        if not isinstance(value, dict):
            return self.scalar(value)
        return self.object(value, depth, one_line=self.how["inner_one_line"])

    def object(self, value: dict[str, Value], depth: int, *, one_line: bool) -> str:
        how, end = self.how, self.how["end"]
        entries = [
            f"{json.dumps(name) if self.language == 'json' else name}{self.sign}{self.value(held, depth + 1)}"
            for name, held in value.items()
        ]
        if one_line:
            return f"{{ {', '.join(entries)} }}" if entries else "{}"
        indent = how["indent"] * (depth + 1)
        lines = []
        for place, entry in enumerate(entries):
            above = how["above"][place].format(line=self.line).replace("\n", end)
            lines += [indent + above] if above else []
            comma = "," if self.language == "json" and place < len(entries) - 1 else ""
            comment = (
                how["comments"][place].format(line=self.line) if "{line}" in how["comments"][place] else ""
            )
            lines.append(f"{indent}{entry}{comma}{comment or how['comments'][place].replace('{line}', '')}")
        return end.join(["{", *lines, how["indent"] * depth + "}"])


def plain(node: Any) -> Any:
    """Return what a reader has read as Python has it."""
    if isinstance(node, model.ObjectLiteral):
        return {entry.name: plain(entry.value) for entry in node.entries}
    if isinstance(node, model.Array):
        return [plain(item) for item in node.items]
    if isinstance(node, model.Constant | syntax.Literal):
        return node.value
    if isinstance(node, syntax.Sequence):
        return [plain(item) for item in node.items]
    if isinstance(node, syntax.Mapping):
        return {plain(key): plain(value) for key, value, _, _ in node.items}
    if isinstance(node, syntax.Name):
        return node.name
    if isinstance(node, syntax.Body):
        read = {name: plain(attribute.value) for name, attribute in node.attributes.items()}
        return read | {block.type: plain(block.body) for block in node.blocks}
    raise AssertionError(node)


def read(language: Language, text: str) -> Any:
    data = text.encode()
    if language == "json":
        found = read_json("a.json", data)
        assert found.gaps == []
        return plain(found.root)
    if language == "bicep":
        template = read_template("a.bicep", data)
        assert template.gaps == []
        return plain(template.resources[0].body)
    parsed = parse("a.tf", data)
    assert parsed.gaps == []
    return plain(parsed.body.blocks[0].body)


def written(language: Language, value: dict[str, Value], how: dict[str, Any]) -> str:
    one_line = how["one_line"] and (language != "hcl" or len(value) < 2)
    # A block of one line holds nothing that takes several.
    writer = Writer(language, how | {"inner_one_line": how["inner_one_line"] or one_line})
    body = writer.object(value, 0, one_line=one_line)
    head = {"json": "", "bicep": "resource a 'x/y@2024-01-01' = ", "hcl": 'resource "x" "y" '}[language]
    return f"{head}{body}{how['end']}"


def changed(language: Language, text: str, edits: ObjectEdits) -> str | None:
    made = edits.text_edits()
    if made is None:
        return None
    for edit in reversed(made):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def opened(language: Language, text: str) -> CodeObject:
    code = take_apart(text, language)
    body = min((span for span in code.brackets if text[span.start] == "{"), key=lambda span: span.start)
    return CodeObject(code, language, body, is_block=language == "hcl")


LANGUAGES: st.SearchStrategy[Language] = st.sampled_from(["hcl", "bicep", "json"])


@settings(max_examples=80, deadline=None)
@given(LANGUAGES, OBJECTS, WRITING, st.sampled_from([("flag",), ("outer", "flag")]))
def test_a_property_is_set(
    language: Language, value: dict[str, Value], how: dict[str, Any], path: tuple[str, ...]
) -> None:
    text = written(language, value, how)
    assert read(language, text) == value
    edits = ObjectEdits()
    is_made = edits.set(opened(language, text), path, "new")
    after = changed(language, text, edits) if is_made else None
    if after is None:
        # An object is no plain value, what is none gets no property, and Terraform's blocks are not made up.
        refused = isinstance(value.get("flag"), dict)
        if len(path) == 2:
            refused = not isinstance(value["outer"], dict) if "outer" in value else language == "hcl"
        assert refused or "/*" in text
        return
    wanted = {**value}
    if len(path) == 1:
        wanted["flag"] = "new"
    else:
        inner = value.get("outer", {})
        assert isinstance(inner, dict)
        wanted["outer"] = {**inner, "flag": "new"}
    assert read(language, after) == wanted
    assert [line for line in after.split("\n") if line.endswith("\r")] == (
        after.split("\n")[:-1] if how["end"] == "\r\n" else []
    ) or "\n" not in text[:-2]


@settings(max_examples=80, deadline=None)
@given(LANGUAGES, OBJECTS, WRITING, st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
def test_properties_are_removed(
    language: Language, value: dict[str, Value], how: dict[str, Any], names: list[str]
) -> None:
    text = written(language, value, how)
    here, edits = opened(language, text), ObjectEdits()
    for name in names:
        assert edits.remove(here, [name]) is (True if name in value else None)
    after = changed(language, text, edits)
    assert after is not None
    assert read(language, after) == {name: held for name, held in value.items() if name not in names}


@settings(max_examples=80, deadline=None)
@given(LANGUAGES, OBJECTS, WRITING, st.sampled_from(NAMES))
def test_what_goes_makes_room_for_what_comes(
    language: Language, value: dict[str, Value], how: dict[str, Any], name: str
) -> None:
    text = written(language, value, how)
    here, edits = opened(language, text), ObjectEdits()
    edits.remove(here, [name])
    assert edits.set(here, ["fresh"], True)
    assert edits.set(here, ["other"], 7)
    after = changed(language, text, edits)
    if after is None:
        assert "/*" in text
        return
    wanted = {held: inside for held, inside in value.items() if held != name}
    assert read(language, after) == {**wanted, "fresh": True, "other": 7}
