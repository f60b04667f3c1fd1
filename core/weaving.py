"""Signs in sanitised HTML become our own elements, and nothing else is touched.

A range may begin in one paragraph and end in a list or a table. It is drawn as one element where
it can be, and as one per block where it cannot; inline elements are closed and opened again around
its ends, so what comes out is always well formed.
"""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Protocol
from urllib.parse import urlsplit

from django.utils.html import escape

from core.spans import SIGN, SIGN_IN_ADDRESS, Sign, sign_of

_PART = re.compile(r"<(?:[^>\"]|\"[^\"]*\")*>|[^<]+|<")
_TAG = re.compile(r"</?([a-z][a-z0-9]*)")
_HREF = re.compile(r' href="([^"]*)"')
_INLINE = {"a", "code", "del", "em", "s", "strong"}
_VOID = {"br", "hr"}
_SCROLL = '<div class="scroll is-bare-scroll" tabindex="0" role="group" aria-label="Table">'
_WORD = re.compile(r"\w")


class Dressing(Protocol):
    """What stands at the signs. Everything returned is safe HTML.

    A range is an outer element around inner ones; footnote marks stand in the outer, between the
    inner. ``first`` and ``last`` tell the first and the last piece of a range drawn in several.
    """

    def opening(self, index: int, *, first: bool) -> tuple[str, str]: ...

    def closing(self) -> tuple[str, str]: ...

    def tail(self, index: int) -> str: ...

    def note(self, number: int, index: int | None) -> str: ...

    def anchor(self, index: int) -> str: ...


@dataclass
class _Open:
    kind: str  # a tag's name, "outer" or "inner"
    raw: str  # how to open it again


@dataclass
class _Weaver:
    dressing: Dressing
    out: list[str] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    active: int | None = None
    drawn: set[int] = field(default_factory=set)
    host: str = ""  # of the link that is open
    shown: str = ""  # the words of that link

    def has(self, kind: str) -> bool:
        return any(entry.kind == kind for entry in self.stack)

    def words(self, raw: str) -> None:
        """Text between tags, with its signs."""
        cursor = 0
        for found in SIGN.finditer(raw):
            self.text(raw[cursor : found.start()])
            self.sign(sign_of(found[1]), int(found[2]))
            cursor = found.end()
        self.text(raw[cursor:])

    def text(self, raw: str) -> None:
        if not raw:
            return
        if self.active is not None and (raw.strip() or self.has("outer")):
            self.begin()
        self.shown += raw
        self.out.append(raw)

    def begin(self) -> None:
        """Open what the active range lacks here."""
        if self.active is None or self.has("inner"):
            return
        outer, inner = self.dressing.opening(self.active, first=self.active not in self.drawn)
        self.drawn.add(self.active)
        if not self.has("outer"):
            self.push("outer", outer)
        self.push("inner", inner)

    def push(self, kind: str, raw: str) -> None:
        self.out.append(raw)
        self.stack.append(_Open(kind, raw))

    def pop(self) -> _Open:
        entry = self.stack.pop()
        outer, inner = self.dressing.closing()
        self.out.append({"outer": outer, "inner": inner}.get(entry.kind, f"</{entry.kind}>"))
        return entry

    def close_down_to(self, kind: str) -> list[_Open]:
        """Close everything down to and with ``kind``; what lay above it, to be opened again."""
        above: list[_Open] = []
        while self.has(kind):
            entry = self.pop()
            if entry.kind == kind:
                break
            if entry.kind not in {"outer", "inner"}:
                above.append(entry)
        return above[::-1]

    def reopen(self, entries: list[_Open]) -> None:
        for entry in entries:
            self.push(entry.kind, entry.raw)

    def sign(self, sign: Sign, index: int) -> None:
        if sign is Sign.OPEN:
            self.active = index
        elif sign is Sign.CLOSE:
            self.end(index)
        elif sign is Sign.ANCHOR:
            self.out.append(self.dressing.anchor(index))
        elif self.has("code"):
            self.text(f"[{index}]")
        else:
            above = self.close_down_to("inner")
            self.out.append(self.dressing.note(index, self.active))
            self.reopen(above)

    def end(self, index: int) -> None:
        if self.active != index:
            return
        above = self.close_down_to("inner")
        if index in self.drawn:
            self.out.append(self.dressing.tail(index))
        above += self.close_down_to("outer")
        self.active = None
        self.reopen(above)

    def tag(self, raw: str, name: str) -> None:
        if name in _VOID:
            self.out.append(raw)
        elif raw.startswith("</"):
            self.close_tag(name)
        else:
            self.open_tag(raw, name)

    def open_tag(self, raw: str, name: str) -> None:
        if name in _INLINE:
            self.begin()
        else:
            self.close_down_to("outer")
        if name == "a":
            raw = SIGN_IN_ADDRESS.sub("", raw)
            address = _HREF.search(raw)
            self.host = urlsplit(unescape(address[1])).hostname or "" if address else ""
            self.shown = ""
        elif name == "table":
            self.out.append(_SCROLL)
        elif name == "pre":
            raw = '<pre tabindex="0">'
        self.push(name, raw)

    def close_tag(self, name: str) -> None:
        if not self.has(name):
            return
        while self.stack[-1].kind != name:
            self.pop()
        self.pop()
        if name == "table":
            self.out.append("</div>")
        elif name == "a" and self.host and self.host not in unescape(self.shown):
            self.out.append(f' <span class="host">({escape(self.host)})</span>')


def weave(html: str, dressing: Dressing) -> str:
    """Sanitised HTML (as ``core.markdown.render`` makes it) with our elements at the signs."""
    weaver = _Weaver(dressing)
    for part in _PART.findall(html):
        named = _TAG.match(part) if part.startswith("<") else None
        if named:
            weaver.tag(part, named[1])
        else:
            weaver.words(part)
    while weaver.stack:
        weaver.pop()
    return "".join(weaver.out)


class Plain:
    """A dressing for text without ranges."""

    def opening(self, index: int, *, first: bool) -> tuple[str, str]:
        return "", ""

    def closing(self) -> tuple[str, str]:
        return "", ""

    def tail(self, index: int) -> str:
        return ""

    def note(self, number: int, index: int | None) -> str:
        return f"[{number}]"

    def anchor(self, index: int) -> str:
        return ""
