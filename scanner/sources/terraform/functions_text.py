"""Functions over text. What is made of text that is not wholly known is :class:`Text` again where that can be told."""

from __future__ import annotations

import re
from collections.abc import Callable

from scanner.sources.declared.values import KeyRead, Object, Property, Ref, Text, Unknown, Value
from scanner.sources.declared.values import text as joined_text
from scanner.sources.terraform.operators import as_number
from scanner.sources.terraform.symbolic import (
    MOST_TEXT,
    Failed,
    OpenList,
    Undetermined,
    brief,
    is_secret,
    scalar_text,
    shorten,
    unknown,
    why,
)

_VERB = re.compile(
    r"%(?:(?P<percent>%)|(?:\[(?P<index>\d{1,3})\])?(?P<flags>[-+ #0]*)(?P<width>\d{0,4})"
    r"(?:\.(?P<precision>\d{1,3}))?(?P<verb>[a-zA-Z]))"
)
_UNBOUNDED = re.compile(r"(?<!\\)(?:[*+]|\{\d+,\})")
_NOT_RE2 = re.compile(r"\(\?[=!<]|\\[1-9]")
_NESTED = re.compile(r"\)[*+{]")
_MOST_PATTERN = 200
_MOST_SEARCHED = 2_000


def known_text(value: Value) -> str:
    """Return a known scalar as text. Raises :class:`Undetermined` for what is not known."""
    text = scalar_text(value)
    if text is not None:
        return text
    if isinstance(value, Unknown | Ref | Text | KeyRead):
        raise Undetermined(why(value))
    raise Failed("null, a list or an object is no text")


def bounded(text: str) -> str:
    """Return text that a function made, unless it is too long to be kept."""
    if len(text) > MOST_TEXT:
        raise Undetermined(f"its text has more than {MOST_TEXT:,} characters")
    return text


def _each(name: str, change: Callable[[str], str]) -> Callable[[list[Value]], Value]:
    """Return a function that changes every character by itself, so that known parts of a text can be changed too."""

    def changed(arguments: list[Value]) -> Value:
        value = arguments[0]
        if not isinstance(value, Text):
            return change(known_text(value))
        parts: list[Value] = []
        for part in value.parts:
            if isinstance(part, str):
                parts.append(change(part))
            else:
                parts.append(unknown(shorten(f"{name}({brief(part)})"), why(part), secret=is_secret(part)))
        return joined_text(parts)

    return changed


def _join(arguments: list[Value]) -> Value:
    separator = known_text(arguments[0])
    items: list[Value] = []
    for each in arguments[1:]:
        if isinstance(each, OpenList) or not isinstance(each, list):
            if isinstance(each, list | Unknown | Ref | Text | KeyRead):
                raise Undetermined(why(each))
            raise Failed("it is no list")
        items.extend(each)
    parts: list[Value] = []
    for item in items:
        if item is None or isinstance(item, list | Object):
            raise Failed("null, a list or an object is no text")
        parts += [separator, item] if parts else [item]
    if sum(len(part) for part in parts if isinstance(part, str)) > MOST_TEXT:
        raise Undetermined(f"its text has more than {MOST_TEXT:,} characters")
    return joined_text(parts) if parts else ""


def _split(arguments: list[Value]) -> Value:
    separator, text = known_text(arguments[0]), known_text(arguments[1])
    return list(text.split(separator)) if separator else list(text[:20_000])


def _replace(arguments: list[Value]) -> Value:
    value, old, new = arguments[0], known_text(arguments[1]), known_text(arguments[2])
    text = known_text(value)
    if len(old) > 1 and old.startswith("/") and old.endswith("/"):
        pattern = _pattern(old[1:-1], text)
        return bounded(pattern.sub(lambda match: _expand(new, match), text))
    if text.count(old) * len(new) > MOST_TEXT:
        raise Undetermined(f"its text has more than {MOST_TEXT:,} characters")
    return bounded(text.replace(old, new))


def _expand(new: str, match: re.Match[str]) -> str:
    def group(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        try:
            return match[int(name)] or "" if name.isdigit() else match[name] or ""
        except IndexError:
            return ""

    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", group, new)


def _pattern(written: str, searched: str) -> re.Pattern[str]:
    """Compile a pattern that is sure to end soon; Terraform's own engine takes no steps back, Python's does."""
    if _NOT_RE2.search(written):
        raise Failed("its pattern is none that Terraform takes")
    risky = len(_UNBOUNDED.findall(written)) > 2 or _NESTED.search(written)
    if len(written) > _MOST_PATTERN or len(searched) > _MOST_SEARCHED or risky:
        raise Undetermined("its pattern is not evaluated")
    try:
        return re.compile(written)
    except (re.error, OverflowError):
        raise Undetermined("its pattern is not evaluated") from None


def _found(match: re.Match[str]) -> Value:
    named = match.groupdict()
    if named:
        return Object({name: Property(text) for name, text in sorted(named.items())})
    groups: list[Value] = list(match.groups())
    return groups if groups else match[0]


def _regex(arguments: list[Value]) -> Value:
    written, text = known_text(arguments[0]), known_text(arguments[1])
    match = _pattern(written, text).search(text)
    if match is None:
        raise Failed("its pattern does not match")
    return _found(match)


def _regexall(arguments: list[Value]) -> Value:
    written, text = known_text(arguments[0]), known_text(arguments[1])
    return [_found(match) for match in _pattern(written, text).finditer(text)]


def _substr(arguments: list[Value]) -> Value:
    text = known_text(arguments[0])
    offset, length = int(as_number(known_text(arguments[1]))), int(as_number(known_text(arguments[2])))
    start = len(text) + offset if offset < 0 else offset
    start = max(start, 0)
    return text[start:] if length < 0 else text[start : start + length]


def _trim(strip: Callable[[str, str], str]) -> Callable[[list[Value]], Value]:
    return lambda arguments: strip(known_text(arguments[0]), known_text(arguments[1]))


def _trimprefix(arguments: list[Value]) -> Value:
    value, prefix = arguments[0], known_text(arguments[1])
    if isinstance(value, Text) and isinstance(value.parts[0], str) and value.parts[0].startswith(prefix):
        return joined_text([value.parts[0].removeprefix(prefix), *value.parts[1:]])
    return known_text(value).removeprefix(prefix)


def _trimsuffix(arguments: list[Value]) -> Value:
    value, suffix = arguments[0], known_text(arguments[1])
    if isinstance(value, Text) and isinstance(value.parts[-1], str) and value.parts[-1].endswith(suffix):
        return joined_text([*value.parts[:-1], value.parts[-1].removesuffix(suffix)])
    return known_text(value).removesuffix(suffix)


def _startswith(arguments: list[Value]) -> Value:
    value, prefix = arguments[0], known_text(arguments[1])
    if isinstance(value, Text) and isinstance(value.parts[0], str):
        known = value.parts[0]
        if known.startswith(prefix):
            return True
        if not prefix.startswith(known):
            return False
    return known_text(value).startswith(prefix)


def _endswith(arguments: list[Value]) -> Value:
    value, suffix = arguments[0], known_text(arguments[1])
    if isinstance(value, Text) and isinstance(value.parts[-1], str) and value.parts[-1].endswith(suffix):
        return True
    return known_text(value).endswith(suffix)


def _strcontains(arguments: list[Value]) -> Value:
    value, wanted = arguments[0], known_text(arguments[1])
    if isinstance(value, Text) and any(isinstance(part, str) and wanted in part for part in value.parts):
        return True
    return wanted in known_text(value)


def _indent(arguments: list[Value]) -> Value:
    count = int(as_number(known_text(arguments[0])))
    if not 0 <= count <= 1000:
        raise Undetermined("its indentation is too large")
    value = arguments[1]
    pad = "\n" + " " * count
    if isinstance(value, Text):
        return joined_text(
            [part.replace("\n", pad) if isinstance(part, str) else part for part in value.parts]
        )
    text = known_text(value)
    if text.count("\n") * len(pad) > MOST_TEXT:
        raise Undetermined(f"its text has more than {MOST_TEXT:,} characters")
    return bounded(text.replace("\n", pad))


def _strrev(arguments: list[Value]) -> Value:
    return known_text(arguments[0])[::-1]


def _title(arguments: list[Value]) -> Value:
    return re.sub(r"(^|\s)(\S)", lambda match: match[1] + match[2].upper(), known_text(arguments[0]))


def _chomp(arguments: list[Value]) -> Value:
    return known_text(arguments[0]).rstrip("\r\n")


def formatted(arguments: list[Value]) -> Value:
    """Return ``format(spec, ...)``: unknown arguments become parts of the text where they are shown as they are."""
    spec = known_text(arguments[0])
    given = arguments[1:]
    parts: list[Value] = []
    end = used = 0
    for match in _VERB.finditer(spec):
        parts.append(spec[end : match.start()])
        end = match.end()
        if match["percent"]:
            parts.append("%")
            continue
        position = int(match["index"]) - 1 if match["index"] else used
        used = position + 1
        if not 0 <= position < len(given):
            raise Failed("format is given too few arguments")
        parts.append(_formatted(match, given[position]))
    parts.append(spec[end:])
    if sum(len(part) for part in parts if isinstance(part, str)) > MOST_TEXT:
        raise Undetermined(f"its text has more than {MOST_TEXT:,} characters")
    return joined_text(parts)


def _formatted(match: re.Match[str], value: Value) -> Value:
    verb, width, flags = match["verb"], match["width"], match["flags"]
    if isinstance(value, Unknown | Ref | Text | KeyRead):
        if verb in "sv" and not width and match["precision"] is None:
            return value
        return unknown(shorten(f'format("{match[0]}", {brief(value)})'), why(value), secret=is_secret(value))
    if verb in "sv":
        shown = known_text(value)
        if match["precision"] is not None:
            shown = shown[: int(match["precision"])]
    elif verb == "d":
        shown = str(int(as_number(value)))
    elif verb == "q":
        import json

        shown = json.dumps(known_text(value), ensure_ascii=False)
    elif verb == "t":
        shown = known_text(value)
    elif verb in "fFeEgG":
        precision = match["precision"] or ("6" if verb in "fFeE" else "")
        shown = format(float(as_number(value)), f".{precision}{verb}" if precision else verb)
    elif verb in "xXob":
        shown = format(int(as_number(value)), verb)
    else:
        raise Undetermined(f"the verb %{verb} is not formatted")
    if width:
        size = min(int(width), 1000)
        if "-" in flags:
            return shown.ljust(size)
        return shown.zfill(size) if "0" in flags and verb not in "svqt" else shown.rjust(size)
    return shown


def _formatlist(arguments: list[Value]) -> Value:
    lists = [each for each in arguments[1:] if isinstance(each, list)]
    if any(isinstance(each, Unknown) for each in arguments[1:]):
        raise Undetermined(why(arguments[1:]))
    if not lists:
        return [formatted(arguments)]
    length = len(lists[0])
    if any(len(each) != length for each in lists):
        raise Failed("the lists are not of one length")
    rows: list[Value] = []
    for at in range(length):
        rows.append(
            formatted(
                [arguments[0], *(each[at] if isinstance(each, list) else each for each in arguments[1:])]
            )
        )
    return OpenList(rows) if any(isinstance(each, OpenList) for each in lists) else rows


TEXTS: dict[str, Callable[[list[Value]], Value]] = {
    "chomp": _chomp,
    "endswith": _endswith,
    "format": formatted,
    "formatlist": _formatlist,
    "indent": _indent,
    "join": _join,
    "lower": _each("lower", str.lower),
    "regex": _regex,
    "regexall": _regexall,
    "replace": _replace,
    "split": _split,
    "startswith": _startswith,
    "strcontains": _strcontains,
    "strrev": _strrev,
    "substr": _substr,
    "title": _title,
    "trim": _trim(str.strip),
    "trimprefix": _trimprefix,
    "trimspace": lambda arguments: known_text(arguments[0]).strip(),
    "trimsuffix": _trimsuffix,
    "upper": _each("upper", str.upper),
}
