"""The little of Markdown that ingestion must know: fences, headings, what is hidden.

Everything works line by line and is linear in the text.
"""

import re
from collections.abc import Iterator

from knowledge.ingestion.types import Heading

_FRONT_MATTER_LINES = 200
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_BLOCK_START = re.compile(r" {0,3}(?:[-*+>|#]|\d{1,9}[.)]|<)")
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()]{0,500}\)")
_ATTRIBUTES = re.compile(r"[ \t]*\{[#.:][^{}]{0,200}\}$")
_EMPHASIS = re.compile(r"[*`]|\b_|_\b")
_TITLE_MAX = 200


def lines_with_starts(text: str) -> Iterator[tuple[int, str]]:
    """Each line without its line end, and its offset."""
    start = 0
    for line in text.split("\n"):
        yield start, line
        start += len(line) + 1


def fence_mark(line: str) -> str:
    """The run of backticks or tildes that opens or closes a code block; empty if there is none."""
    stripped = line.lstrip(" ")
    if len(line) - len(stripped) > 3 or not stripped.startswith(("```", "~~~")):
        return ""
    run = stripped[: len(stripped) - len(stripped.lstrip(stripped[0]))]
    if run[0] == "`" and "`" in stripped[len(run) :]:
        return ""  # inline code, not a fence
    return run


def closes(mark: str, line: str) -> bool:
    """Whether a line closes the code block that ``mark`` opened."""
    run = fence_mark(line)
    return run.startswith(mark) and line.strip() == run


def with_fences(text: str) -> Iterator[tuple[int, str, bool]]:
    """Each line with its offset, and whether it belongs to fenced code."""
    mark = ""
    for start, line in lines_with_starts(text):
        if mark:
            yield start, line, True
            if closes(mark, line):
                mark = ""
            continue
        mark = fence_mark(line)
        yield start, line, bool(mark)


def outline(text: str) -> tuple[Heading, ...]:
    """The headings of a Markdown text, ATX and underlined, outside fenced code."""
    found: list[Heading] = []
    before, before_start = "", 0  # the line above, where it can be a heading's text
    for start, line, is_code in with_fences(text):
        heading = None if is_code else _heading(start, line, before, before_start)
        if heading is not None and heading.title:
            found.append(heading)
        can_be_title = not is_code and heading is None and not _BLOCK_START.match(line)
        before, before_start = (line if can_be_title else ""), start
    return tuple(found)


def _heading(start: int, line: str, before: str, before_start: int) -> Heading | None:
    mark = _ATX.match(line)
    if mark:
        body = line[mark.end(1) :].strip()
        closed = body.rstrip("#")
        title = closed if closed.endswith((" ", "\t")) or not closed else body
        return Heading(len(mark.group(1)), plain_title(title), start)
    underline = _SETEXT.match(line) if before.strip() else None
    if underline:
        level = 1 if underline.group(1)[0] == "=" else 2
        return Heading(level, plain_title(before), before_start)
    return None


def plain_title(title: str) -> str:
    """A heading's words without Markdown's marks."""
    bare = _ATTRIBUTES.sub("", title[:1000].strip())
    words = _EMPHASIS.sub("", _LINK.sub(r"\1", bare))
    return " ".join(words.replace("\\", "").split())[:_TITLE_MAX]


def without_front_matter(text: str) -> str:
    """The text after a YAML block at its very beginning."""
    if not text.startswith("---\n"):
        return text
    lines = text.split("\n", _FRONT_MATTER_LINES)
    for number, line in enumerate(lines[1:_FRONT_MATTER_LINES], start=1):
        if line in {"---", "..."}:
            return "\n".join(lines[number + 1 :]) if number > 1 else text
        if line.strip() and ":" not in line and not line.startswith((" ", "-", "#")):
            return text  # prose between two rules, not YAML
    return text


def without_hidden(text: str) -> str:
    """The text without comments, scripts and styles, which a page would not show."""
    parts: list[str] = []
    prose: list[str] = []
    for _, line, is_code in with_fences(text):
        if is_code:
            parts.extend(_shown(prose))
            parts.append(line)
            prose = []
        else:
            prose.append(line)
    parts.extend(_shown(prose))
    return "\n".join(parts)


def _shown(lines: list[str]) -> list[str]:
    if not lines:
        return []
    text = "\n".join(lines)
    for begin, end in (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>")):
        text = _cut(text, begin, end)
    return [text]


def _cut(text: str, begin: str, end: str) -> str:
    """The text without spans from ``begin`` to ``end``; an unclosed one stays."""
    lowered = text.lower()
    if begin not in lowered or len(lowered) != len(text):  # a few letters change length in lower()
        return text
    kept: list[str] = []
    at = 0
    while (start := lowered.find(begin, at)) >= 0:
        stop = lowered.find(end, start)
        if stop < 0:
            break
        kept.append(text[at:start])
        at = stop + len(end)
    kept.append(text[at:])
    return "".join(kept)
