"""An answer's Markdown without what loads by itself, leads away, or is HTML; token by token.

What a model writes may have been dictated by a document. An image, or a link with the reader's
words in its address, would carry those words out of the house, and whoever reads the API draws
Markdown with a renderer of their own. So the text itself is made harmless, before it is shown or
stored, and every door shows the same:

- an image becomes its description, a link to elsewhere its words;
- a link to an allowed host stays; a bare address stays as code, and only if it stands letter by
  letter in a passage of the prompt, so that nothing can have been written into it;
- a tag of HTML, the definition of a link and whatever could be read as one are escaped.

Code is left as it is, where a renderer surely takes it for code as well: a span that ends on its
line, a block whose fence stands at the line's very start. Other backticks and fences are escaped,
so that there cannot be two opinions on where code ends (CommonMark 0.31, sections 4.5 and 6.1).
"""

import re
from dataclasses import dataclass, field

from chat.generation.addresses import Addresses, trimmed

REMOVED = "(address removed)"
LONGEST_CODE = 300  # code points of a code span; a longer one is shown as text
LONGEST_LINK = 1500  # code points of a whole link
LONGEST_ADDRESS = 2000

_SPECIAL = re.compile(r"[`~\\<!\[\]\n:]|(?<![A-Za-z0-9])(?:(?:https?|ftp)://|www\.)", re.IGNORECASE)
_BEGINS_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9])(?:h(?:t(?:t(?:p(?:s?:?/?)?)?)?)?|f(?:t(?:p(?::?/?)?)?)?|ww?w?)\Z",
    re.IGNORECASE,
)
# Printable ASCII but for what ends an address in running text.
_ADDRESS = re.compile(r"[!#-;=?-Z_a-z~]*")
_LINK = re.compile(
    r"!?\[(?P<words>(?:[^\[\]\\\n]|\\.){0,300})\]"
    r"\([ \t]*<?(?P<to>[^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?"
    r"(?:[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*\)"
)
_LINK_START = re.compile(
    r"!?\[(?:[^\[\]\\\n]|\\.){0,300}(?:\\|\](?:\([^()\n]*(?:\([^()\n]*)?)?)?\Z"
)
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*)>")
_AUTOLINK_START = re.compile(r"<(?:[A-Za-z][A-Za-z0-9+.-]{0,31}(?::[^\s<>]*)?)?\Z")
_FENCE = re.compile(r"(`{3,}|~{3,})([^\n]*)\n")
_ESCAPABLE = frozenset("!\"#$%&'()*+,-./;<=>?@[]\\^_`{|}~")  # and the colon, which is looked at


def disarmed(text: str, addresses: Addresses | None = None) -> str:
    """A whole text made harmless; by default its own addresses stay as words."""
    filtering = Outgoing(addresses or Addresses.of([text]))
    return filtering.feed(text) + filtering.close()


@dataclass
class Outgoing:
    """Push text in with ``feed``, take harmless text out; ``close`` gives what was held back."""

    addresses: Addresses = field(default_factory=Addresses)
    _held: str = ""
    _last: str = "\n"  # the character before what comes next
    _fence: str = ""  # the run that opened the block of code we are in
    _skips: bool = False  # inside an address that is longer than any
    _is_last: bool = False
    _out: list[str] = field(default_factory=list)

    def feed(self, text: str) -> str:
        self._held += text
        return self._drain(is_last=False)

    def close(self) -> str:
        return self._drain(is_last=True)

    def mark(self, mark: str) -> str:
        """What stands before a footnote mark, which is ours and goes out as it is."""
        before = self._drain(is_last=True)
        self._last = mark[-1:]
        self._skips = False
        return before

    def _drain(self, *, is_last: bool) -> str:
        self._out, self._is_last = [], is_last
        while self._held and self._step():
            pass
        return "".join(self._out)

    def _step(self) -> bool:
        """Take something from the start of what is held; False asks for more text."""
        if self._fence:
            return self._in_fence()
        if self._skips:
            return self._skip()
        seen = self._last + self._held  # a scheme begins where no word goes on
        begins = None if self._is_last else _BEGINS_ADDRESS.search(seen, 1)
        end = begins.start() if begins else len(seen)
        found = _SPECIAL.search(seen, 1, end)
        if found is None or found.start() > 1:
            return self._emit((found.start() if found else end) - 1)
        return self._special(found.group())

    def _special(self, found: str) -> bool:
        if found in "`~":
            return self._code(found)
        if found in "![":
            return self._bracket()
        if len(found) > 1:
            return self._address()
        return {"\\": self._escape, "<": self._tag, ":": self._colon}.get(found, self._one)()

    def _one(self) -> bool:
        return self._emit(1)

    def _emit(self, length: int, *, before: str = "") -> bool:
        """Send the first characters of what is held; False where that is none."""
        text, self._held = before + self._held[:length], self._held[length:]
        self._put(text)
        return bool(text)

    def _put(self, text: str) -> None:
        """Send; what would make a link of a ``]`` before it is escaped."""
        if self._last == "]" and text[:1] in {"(", ":"}:
            text = "\\" + text
        if text:
            self._out.append(text)
            self._last = text[-1]

    def _wait(self) -> bool:
        return False

    def _escape(self) -> bool:
        if len(self._held) < 2 and not self._is_last:
            return self._wait()
        return self._emit(2 if self._held[1:2] in _ESCAPABLE else 1)

    def _tag(self) -> bool:
        auto = _AUTOLINK.match(self._held)
        if auto:
            self._held = self._held[auto.end() :]
            self._show(auto.group(1))
            return True
        is_short = len(self._held) < LONGEST_ADDRESS
        if not self._is_last and is_short and _AUTOLINK_START.match(self._held):
            return self._wait()
        is_tag = re.match(r"<[A-Za-z/!?]", self._held)
        return self._emit(1, before="\\" if is_tag else "")

    def _colon(self) -> bool:
        if self._held.startswith("://"):
            return self._address()
        if not self._is_last and "://".startswith(self._held):
            return self._wait()
        return self._emit(1)

    # --- code -----------------------------------------------------------------------------------

    def _code(self, sign: str) -> bool:
        run = len(self._held) - len(self._held.lstrip(sign))
        if run == len(self._held) and not self._is_last:
            return self._wait()
        if run >= 3 and self._last == "\n":
            opened = self._open_fence()
            if opened is not None:
                return opened
        if sign == "~":
            return self._literal(run) if run >= 3 else self._emit(run)
        return self._span(run)

    def _open_fence(self) -> bool | None:
        """Begin a block; None where this line does not, False where that is not known yet."""
        found = _FENCE.match(self._held)
        if found is None:
            knows = "\n" in self._held or self._is_last or len(self._held) > LONGEST_CODE
            return None if knows else self._wait()
        if "`" in found.group(1) and "`" in found.group(2):
            return None
        self._fence = found.group(1)
        return self._emit(found.end())

    def _in_fence(self) -> bool:
        line, newline, _ = self._held.partition("\n")
        if self._last != "\n":
            return self._as_it_is(len(line) + len(newline))
        sign = re.escape(self._fence[0])
        if not newline and not self._is_last and re.match(rf" {{0,3}}{sign}*[ \t]*\Z", line):
            return self._wait()
        if re.match(rf" {{0,3}}{sign}{{{len(self._fence)},}}[ \t]*\Z", line):
            self._fence = ""
        return self._as_it_is(len(line) + len(newline))

    def _as_it_is(self, length: int) -> bool:
        self._out.append(self._held[:length])
        self._last = self._held[length - 1]
        self._held = self._held[length:]
        return True

    def _span(self, run: int) -> bool:
        """A span of code goes out whole; a backtick that ends no span on its line is escaped."""
        line = self._held[: LONGEST_CODE + run].partition("\n")[0]
        end = re.compile(rf"(?<!`)`{{{run}}}(?!`)").search(line, run)
        is_at_end = end is not None and end.end() == len(self._held)
        is_open = end is None and line == self._held and len(line) < LONGEST_CODE + run
        if (is_open or is_at_end) and not self._is_last:
            return self._wait()
        if end is None or "|" in line[: end.start()]:  # a bar ends the cell of a table, and code
            return self._literal(run)
        return self._emit(end.end())

    def _literal(self, run: int) -> bool:
        sign = self._held[0]
        self._held = self._held[run:]
        self._put(f"\\{sign}" * run)
        return True

    # --- links and addresses --------------------------------------------------------------------

    def _bracket(self) -> bool:
        is_image = self._held[0] == "!"
        if is_image and len(self._held) == 1 and not self._is_last:
            return self._wait()
        if is_image and self._held[1:2] != "[":
            return self._emit(1)
        found = _LINK.match(self._held)
        if found:
            self._held = self._held[found.end() :]
            self._link(found["words"], "" if is_image else found["to"])
            return True
        is_short = len(self._held) < LONGEST_LINK
        if not self._is_last and is_short and _LINK_START.match(self._held):
            return self._wait()
        return self._emit(1, before="\\" if is_image else "")

    def _link(self, words: str, to: str) -> None:
        """Put what is left of a link before what is held, to be looked at once more."""
        if to and self.addresses.may_link(to):
            label = re.sub(r"[<>`\\\[\]!~]|://|www\.", "", words).strip() or "link"
            self._put(f"[{label}]" if self._last != "!" else f" [{label}]")
            self._out.append(f"({to})")
            self._last = ")"
            return
        if words.isdigit():
            words = f"[{words}]"
        if re.match(r"[\w./:@]", self._last):
            self._put(" ")  # else letters before and in the link could join to an address
        shown = f" <{to}>" if trimmed(to) == to and to in self.addresses.quoted else ""
        if to.lower().startswith("mailto:") and "?" not in to:
            shown = f" ({to[7:]})" if to[7:] not in words else ""
        self._held = words + shown + self._held

    def _address(self) -> bool:
        start = 3 if self._held.startswith("://") else 0
        end = _ADDRESS.match(self._held, start).end()  # type: ignore[union-attr]  # always matches
        if end == len(self._held) and not self._is_last:
            if end <= LONGEST_ADDRESS:
                return self._wait()
            self._skips = True
        address = self._held[:end] if self._skips else trimmed(self._held[:end]) or self._held[:end]
        self._held = self._held[len(address) :]
        self._show(address)
        return True

    def _skip(self) -> bool:
        end = _ADDRESS.match(self._held).end()  # type: ignore[union-attr]  # always matches
        self._skips = end == len(self._held)
        self._held = self._held[end:]
        return True

    def _show(self, address: str) -> None:
        if self.addresses.may_link(address):
            self._put(address)
        elif address in self.addresses.quoted:
            self._put(f"`{address}`")
        else:
            self._put(REMOVED if self._last != "]" else f" {REMOVED}")
