"""A rule's page (its docstring) taken apart: sections, plain text, HTML."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_HEADING = re.compile(
    r"^[ \t]*(?:\#{1,6}[ \t]*)?(?P<title>What it finds|Why it matters|How to fix it|References)[ \t]*\#*[ \t]*\n"
    r"(?:[ \t]*[=~-]{3,}[ \t]*(?:\n|\Z))?",
    re.MULTILINE | re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s+(?=[A-Z`*\"(])")

_ONLY_CODE = re.compile(r"[A-Za-z](?:[^`\\&<>\[\]*_!#|~\n]|\n(?=[A-Za-z(`])|`[^`]+`)*")
"""A paragraph in which nothing but code spans is markup."""

_CODE = r"(?<!`)`[^`\s](?:[^`\n]*[^`\s])?`(?!`)"
_EMPHASIS = (
    r"(?<![\w*`])(?P<stars>\*\*?)[A-Za-z](?:(?:[A-Za-z -]|\n(?=[A-Za-z]))*[A-Za-z])?(?P=stars)(?![\w*`])"
)
_SIMPLE = re.compile(
    rf"(?=[A-Za-z(`*])(?:[^`\\&<>\[\]*_!#|~\n]|\n(?=[A-Za-z(`*]|[0-9]+[^0-9.)])|{_CODE}|{_EMPHASIS})*"
)
"""A paragraph in which code spans and whole words in stars are all the markup."""
_MARKS = re.compile(rf"(?P<code>{_CODE})|{_EMPHASIS}")
_SIMPLE_HEADING = re.compile(r"#{1,6} +(?=[A-Za-z])(?P<text>[^`\\&<>\[\]*_!#|~]*)")
_FENCE = re.compile(r"```[A-Za-z]*")


class RulePage(msgspec.Struct, frozen=True):
    """The sections of a rule's page, each Markdown; a section that the page lacks is empty."""

    title: str
    finds: str
    why: str
    fix: str
    references: str
    markdown: str
    """The whole page."""


def read_page(page: str) -> RulePage:
    """Take a rule's docstring apart at its fixed headings; what stands before the first one is the title."""
    markdown = inspect.cleandoc(page)
    parts: dict[str, str] = {}
    matches = list(_HEADING.finditer(markdown + "\n"))
    ends = [match.start() for match in matches[1:]] + [len(markdown)]
    for match, end in zip(matches, ends, strict=False):
        parts[match["title"].lower()] = markdown[match.end() : end].strip()
    head = markdown[: matches[0].start()] if matches else markdown
    title = head.strip().partition("\n")[0].lstrip("# ").rstrip(".")
    return RulePage(
        title=title,
        finds=parts.get("what it finds", ""),
        why=parts.get("why it matters", ""),
        fix=parts.get("how to fix it", ""),
        references=parts.get("references", ""),
        markdown=markdown,
    )


def first_sentence(markdown: str) -> str:
    """Return the first sentence of a section as one line of plain text."""
    # Split while code is still marked: a sentence may begin with code, and code may begin with any letter.
    paragraph = re.split(r"\n\s*\n|\n\s*(?:```|[-*] )", markdown.strip(), maxsplit=1)[0]
    first = _SENTENCE.split(paragraph, maxsplit=1)[0]
    # Nearly every sentence has no markup but code: read without the parser, whose import a small check would feel.
    plain = first.replace("`", "") if _ONLY_CODE.fullmatch(first) else plain_text(first)
    sentence = " ".join(plain.split()).removeprefix("- ")
    return f"{sentence[:-1]}." if sentence.endswith(":") else sentence


def plain_text(markdown: str) -> str:
    """Return Markdown as plain text: paragraphs apart by an empty line, list items with a dash, code indented."""
    simple = _simple_text(markdown)
    if simple is not None:
        return simple
    blocks: list[str] = []
    marker = ""
    for token in _parser().parse(markdown):
        if token.type == "list_item_open":
            marker = "- "
        elif token.type == "inline":
            blocks.append(marker + _inline_text(token.children or []))
            marker = ""
        elif token.type in ("fence", "code_block"):
            blocks.append("\n".join(f"    {line}".rstrip() for line in token.content.rstrip().split("\n")))
    return "\n\n".join(blocks)


def _simple_text(markdown: str) -> str | None:
    """Return the plain text of Markdown that needs no parser, as the pages of rules are; None for any other.

    The parser takes longer than a small check does to write all the rest of a report.
    """
    lines = markdown.strip("\n").split("\n")
    if not all(line.isprintable() and line == line.rstrip() for line in lines):
        return None
    blocks: list[str] = []
    paragraph: list[str] = []
    code: list[str] | None = None
    marker = ""
    for line in [*lines, ""]:
        if code is not None:
            if line == "```":
                blocks.append(
                    "\n".join(f"    {part}".rstrip() for part in "\n".join(code).rstrip().split("\n"))
                )
                code = None
            else:
                code.append(line)
            continue
        heading, is_fence = _SIMPLE_HEADING.fullmatch(line), _FENCE.fullmatch(line) is not None
        is_item = line.startswith("- ")
        if line and heading is None and not is_fence and not is_item:
            paragraph.append(line.removeprefix("  ") if marker and paragraph else line)
            continue
        if paragraph:
            text = "\n".join(paragraph)
            if _SIMPLE.fullmatch(text) is None:
                return None
            blocks.append(marker + _MARKS.sub(_unmarked, text).replace("\n", " "))
        paragraph, marker = ([line[2:]], "- ") if is_item else ([], "")
        if heading is not None:
            blocks.append(heading["text"])
        elif is_fence:
            code = []
    return "\n\n".join(blocks) if code is None else None


def _unmarked(mark: re.Match[str]) -> str:
    return mark[0].strip("`" if mark["code"] else "*")


def _inline_text(tokens: list[Any]) -> str:
    pieces = []
    for token in tokens:
        if token.type in ("text", "code_inline", "text_special"):
            pieces.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            pieces.append(" ")
    return "".join(pieces)


def to_html(markdown: str) -> str:
    """Return Markdown as HTML that needs no trust: raw HTML is escaped, there are no images and no styles.

    Headings become ``h4``, below the report's own; code blocks can be reached and scrolled by keyboard.
    """
    parser = _parser()
    tokens = parser.parse(markdown)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h4"
        # Column alignment arrives as a style attribute, which the page's policy forbids.
        token.attrs.pop("style", None)
        for child in token.children or []:
            if child.type == "link_open":
                child.attrs["rel"] = "noopener noreferrer"
    html: str = parser.renderer.render(tokens, parser.options, {})
    return html.replace("<pre>", '<pre tabindex="0">')


def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
