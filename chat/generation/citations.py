"""Footnote marks in a stream of tokens, found wherever a token ends.

A model is asked to write ``[2]``; it also writes ``[1, 2]``, ``[1-3]``, ``[1][3]`` and ``【1】``.
Each becomes plain ``[n]`` marks, numbered anew in order of appearance. A number that was not in the
prompt is dropped. Inside code and links nothing is a mark. What comes out is final: text is only
ever appended, and it is the same however the stream was cut into tokens.
"""

import re
from dataclasses import dataclass, field

_BODY = re.compile(r"\s*\^?(\d{1,3}(?:\s*[-–,;]\s*\d{1,3})*)\s*(?:†[^】\]\n]*)?\Z")
_COULD_BE_BODY = re.compile(r"\s*\^?[\d\s,;–-]*(?:†[^】\]\n]*)?\Z")
_PART = re.compile(r"(\d{1,3})(?:\s*[-–]\s*(\d{1,3}))?")
_INNER = re.compile(r"(?<!\\)\[(\d{1,3})\]")
_CLOSING = {"[": "]", "【": "】"}
LONGEST_MARK = 40  # code points between the brackets
LONGEST_LINK = 300  # code points of a link's words or address
_WIDEST_RANGE = 10  # "[1-3]" is a range of footnotes, "[10-99]" is not


@dataclass(frozen=True)
class Words:
    """Text to send as it is."""

    text: str


@dataclass(frozen=True)
class Mark:
    """A footnote mark: ``number`` as shown, ``source`` as numbered in the prompt, from 1."""

    number: int
    source: int
    is_new: bool

    @property
    def text(self) -> str:
        return f"[{self.number}]"


Found = Words | Mark


@dataclass
class CitationParser:
    """Push tokens in with ``feed``, take words and marks out; ``close`` gives what was held back.

    ``sources`` is how many numbered passages the prompt held.
    """

    sources: int
    dropped: int = 0  # numbers that were not in the prompt
    _held: str = ""
    _numbers: dict[int, int] = field(default_factory=dict)
    _code: str = ""  # the backticks that close the code we are in
    _fenced: bool = False
    _in_address: bool = False  # inside (…) of a link
    _at_line_start: bool = True
    _is_last: bool = False  # nothing more will come, so nothing is waited for
    _out: list[Found] = field(default_factory=list)

    def feed(self, token: str) -> list[Found]:
        self._held += token
        return self._drain(is_last=False)

    def close(self) -> list[Found]:
        return self._drain(is_last=True)

    def _drain(self, *, is_last: bool) -> list[Found]:
        self._out = []
        self._is_last = is_last
        while self._held:
            taken = self._step()
            if not taken:
                break
            self._held = self._held[taken:]
        return _joined(self._out)

    def _step(self) -> int:
        """Consume something from the start of what is held; 0 asks for more text."""
        if self._fenced:
            return self._inside_fence()
        if self._code:
            return self._inside_code()
        if self._in_address:
            return self._inside_address()
        if self._at_line_start and self._held[0] in " `~":
            fence = self._fence()
            if fence is not None:
                return fence
        return self._plain()

    def _plain(self) -> int:
        first = self._held[0]
        if first == "`":
            return self._opens_code()
        if first == "\\":
            return self._say(2) if len(self._held) > 1 or self._is_last else 0
        if first in " \t":
            return self._spaces()
        if first in _CLOSING:
            return self._bracket(0)
        if first == "]":
            return self._closing_bracket()
        run = re.match(r"[^`\\ \t\[【\]\n]+|\n", self._held)
        return self._say(run.end() if run else 1)

    def _say(self, length: int) -> int:
        """Send the first characters of what is held."""
        text = self._held[:length]
        self._out.append(Words(text))
        self._at_line_start = text.endswith("\n")
        return len(text)

    def _fence(self) -> int | None:
        """Open a fenced block; None where this line does not, 0 where that is not known yet."""
        start = re.match(r" {0,3}(`+|~+|)", self._held)
        if not start:
            return None
        if start.end() == len(self._held) and not self._is_last:
            return 0
        if len(start.group(1)) < 3:
            return None
        line, newline, _ = self._held[:LONGEST_LINK].partition("\n")
        if not newline and len(line) < LONGEST_LINK and not self._is_last:
            return 0
        if "`" in line[start.end() :] and start.group(1)[0] == "`":
            return None  # ```code``` in a line
        self._code, self._fenced = start.group(1), True
        return self._say(len(line) + len(newline))

    def _inside_fence(self) -> int:
        line, newline, _ = self._held.partition("\n")
        fence = re.escape(self._code[0])
        if self._at_line_start and re.match(rf" {{0,3}}{fence}*\s*\Z", line):
            if not newline and not self._is_last:
                return 0
            if re.match(rf" {{0,3}}{fence}{{{len(self._code)},}}\s*\Z", line):
                self._code, self._fenced = "", False
        return self._say(len(line) + len(newline))

    def _opens_code(self) -> int:
        run = len(self._held) - len(self._held.lstrip("`"))
        if run == len(self._held) and not self._is_last:
            return 0
        self._code = "`" * run
        return self._say(run)

    def _inside_code(self) -> int:
        """Up to the same run of backticks; a blank line ends it, as it ends a paragraph."""
        match = re.match(r"[^`\n]+", self._held)
        if match:
            return self._say(match.end())
        if self._held[0] == "\n":
            if len(self._held) < 2 and not self._is_last:
                return 0
            if self._held[1:2] == "\n":
                self._code = ""
            return self._say(1)
        run = len(self._held) - len(self._held.lstrip("`"))
        if run == len(self._held) and not self._is_last:
            return 0
        if run == len(self._code):
            self._code = ""
        return self._say(run)

    def _closing_bracket(self) -> int:
        if len(self._held) < 2 and not self._is_last:
            return 0
        if self._held[1:2] != "(":
            return self._say(1)
        self._in_address = True
        return self._say(2)

    def _inside_address(self) -> int:
        match = re.match(r"[^)\n]+", self._held)
        if match:
            return self._say(match.end())
        self._in_address = False
        return self._say(1)

    def _link_end(self) -> int | None:
        """Length of ``[words](`` where a link begins here; -1 where none does; None: not known."""
        depth = 0
        for at, character in enumerate(self._held[:LONGEST_LINK]):
            if character == "\n":
                return -1
            depth += (character == "[") - (character == "]")
            if depth == 0:
                if at + 1 < len(self._held):
                    return at + 2 if self._held[at + 1] == "(" else -1
                return -1 if self._is_last else None
        return -1 if self._is_last or len(self._held) >= LONGEST_LINK else None

    def _spaces(self) -> int:
        """Blanks before marks that are dropped go with them, unless something follows closely."""
        run = len(self._held) - len(self._held.lstrip(" \t"))
        at = run
        unknown = 0
        while True:
            if at == len(self._held) and not self._is_last:
                return 0
            found = self._mark_at(at)
            if found is None:
                return 0
            numbers, length = found
            if not length or self._known(numbers):
                break
            unknown += len(numbers)
            at += length
        follows_closely = length or re.match(r"\w", self._held[at:])
        if at == run or follows_closely:
            self._say(run)
        self.dropped += unknown
        return at

    def _bracket(self, at: int) -> int:
        found = self._mark_at(at)
        if found is None:
            return 0
        numbers, length = found
        if length:
            self._cite(numbers)
            self._at_line_start = False
            return length
        if self._held[at] == "【":
            return self._say(1)
        link = self._link_end()
        if link is None:
            return 0
        return self._link(link) if link > 0 else self._say(1)

    def _link(self, length: int) -> int:
        """The words of a link are sent with their brackets made inert."""
        words = self._held[1 : length - 2]
        self._out.append(Words("[" + _INNER.sub(r"\\[\1\\]", words) + "]("))
        self._in_address = True
        self._at_line_start = False
        return length

    def _mark_at(self, at: int) -> tuple[list[int], int] | None:
        """Numbers and length of a mark; length 0 where there is none; None: not known yet."""
        closing = _CLOSING.get(self._held[at : at + 1])
        if closing is None:
            return [], 0
        stop = self._held.find(closing, at, at + LONGEST_MARK + 2)
        if stop < 0:
            rest = self._held[at + 1 :]
            undecided = len(rest) <= LONGEST_MARK and _COULD_BE_BODY.match(rest)
            return None if undecided and not self._is_last else ([], 0)
        body = _BODY.match(self._held[at + 1 : stop])
        if not body:
            return [], 0
        if closing == "]" and self._held[stop + 1 : stop + 2] == "(":
            return [], 0
        if closing == "]" and stop + 1 == len(self._held) and not self._is_last:
            return None
        return _numbers(body.group(1)), stop + 1 - at

    def _known(self, numbers: list[int]) -> list[int]:
        return [number for number in numbers if 1 <= number <= self.sources]

    def _cite(self, numbers: list[int]) -> None:
        known = self._known(numbers)
        self.dropped += len(numbers) - len(known)
        for source in dict.fromkeys(known):
            is_new = source not in self._numbers
            shown = self._numbers.setdefault(source, len(self._numbers) + 1)
            self._out.append(Mark(shown, source, is_new))


def _numbers(body: str) -> list[int]:
    found: list[int] = []
    for match in _PART.finditer(body):
        first = int(match.group(1))
        last = int(match.group(2) or first)
        is_range = first <= last <= first + _WIDEST_RANGE
        found.extend(range(first, last + 1) if is_range else (first, last))
    return found


def _joined(found: list[Found]) -> list[Found]:
    """Neighbouring words as one piece."""
    joined: list[Found] = []
    for piece in found:
        if isinstance(piece, Words) and joined and isinstance(joined[-1], Words):
            joined[-1] = Words(joined[-1].text + piece.text)
        else:
            joined.append(piece)
    return joined


def inert(text: str) -> str:
    """Quoted text in which nothing can be taken for a footnote mark: ``[3]`` as ``\\[3\\]``."""
    return re.sub(r"(?<!\\)\[(\d{1,3}(?:\s*[-–,;]\s*\d{1,3})*)\]", r"\\[\1\\]", text)
