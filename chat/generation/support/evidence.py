"""Where in a passage a sentence's evidence stands, and how the two lie beside each other."""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import SequenceMatcher

from chat.generation.support.lexicon import BOUNDS, NEGATIONS, OPPOSITES, SMALL
from chat.generation.support.reading import Claim, Source
from chat.generation.support.tokens import Token, Value

GAIN = 0.12  # a further sentence is evidence where it adds this share of the claim's words
LOOKED_AT = 3  # pieces with the most words in common, of which the one most alike is the best
LONGEST = 150  # tokens that are laid beside each other: alignment is quadratic
MOST = 3  # sentences that one sentence of an answer is taken to rest on
_KEPT = NEGATIONS | BOUNDS


@dataclass(frozen=True)
class Gap:
    """A stretch where sentence and evidence differ, between stretches where they agree."""

    theirs: tuple[Token, ...]
    ours: tuple[Token, ...]
    is_held_left: bool  # the tokens before it agree
    is_held_right: bool
    at: int  # of ours, in the claim's sequence


@dataclass(frozen=True)
class Alignment:
    """The two token sequences without small words, beside each other.

    ``reach`` is the stretch of theirs between the first and the last token that both have;
    ``overlap`` the share of ours that stands there in the same order.
    """

    ours: tuple[Token, ...]
    theirs: tuple[Token, ...]
    gaps: tuple[Gap, ...]
    reach: tuple[int, int]
    overlap: float


@dataclass(frozen=True)
class Evidence:
    """``pieces`` are indices into the source's, in reading order, ``best`` the first choice.

    ``coverage`` is the weighted share (0..1) of the claim's words that they hold.
    """

    pieces: tuple[int, ...]
    best: int
    coverage: float
    beside: Alignment

    @property
    def overlap(self) -> float:
        return self.beside.overlap


def covered(wanted: Collection[Value], there: Collection[Value], one: Source) -> float:
    """The weighted share of the wanted keys that are there; 1 where nothing is wanted."""
    most = max(one.weights.values(), default=1.0)
    total = sum(one.weights.get(key, most) for key in wanted)
    found = sum(one.weights.get(key, most) for key in wanted if key in there)
    return found / total if total else 1.0


def find(claim: Claim, one: Source) -> Evidence | None:
    """The pieces that carry a claim; None where the passage has no words at all."""
    if not one.pieces:
        return None
    wanted = frozenset(claim.words)
    facts = {token.key for token in claim.tokens if token.kind not in {"word", "identifier"}}
    around = frozenset(token.key for token in one.around)
    scores = [_score(wanted, facts, piece.keys, one) for piece in one.pieces]
    order = sorted(range(len(scores)), key=lambda at: (-scores[at], at))
    ours = _sequence(claim.tokens)
    beside = {at: _aligned(ours, one.pieces[at].tokens) for at in order[:LOOKED_AT]}
    best = max(beside, key=lambda at: (round(scores[at] + beside[at].overlap, 6), -at))
    chosen = _further(best, wanted, facts, one)
    held = {key for at in chosen for key in one.pieces[at].keys}
    coverage = covered(wanted, held | around, one)
    return Evidence(tuple(sorted(chosen)), best, coverage, beside[best])


def _further(best: int, wanted: frozenset[Value], facts: set[Value], one: Source) -> list[int]:
    """The best piece and those that add what it lacks."""
    chosen = [best]
    held = set(one.pieces[best].keys)
    while len(chosen) < MOST:
        now = _score(wanted, facts, held, one)
        gains = [_score(wanted, facts, held | piece.keys, one) - now for piece in one.pieces]
        further = max(range(len(gains)), key=lambda at: (gains[at], -at))
        if gains[further] < GAIN:
            break
        chosen.append(further)
        held |= one.pieces[further].keys
    return chosen


def _score(
    wanted: frozenset[Value], facts: set[Value], there: Collection[Value], one: Source
) -> float:
    """Words first; of two pieces with the same words the one with the same figures."""
    shared = sum(key in there for key in facts) / len(facts) if facts else 0.0
    return covered(wanted, there, one) + 0.15 * shared


def _sequence(found: tuple[Token, ...]) -> tuple[Token, ...]:
    return tuple(token for token in found if _counts(token))[:LONGEST]


def _counts(token: Token) -> bool:
    """Small words are left out, but not those that turn a statement round."""
    word = token.text.casefold()
    is_telling = word in _KEPT or str(token.key[1]) in _KEPT or token.key[1] in OPPOSITES
    return token.kind != "word" or is_telling or word not in SMALL


def beside(theirs: tuple[Token, ...], ours: tuple[Token, ...]) -> Alignment:
    """Two sentences beside each other."""
    return _aligned(_sequence(ours), theirs)


def _aligned(ours: tuple[Token, ...], found: tuple[Token, ...]) -> Alignment:
    theirs = _sequence(found)
    matcher = SequenceMatcher(
        None, [token.key for token in theirs], [token.key for token in ours], autojunk=False
    )
    codes = matcher.get_opcodes()
    gaps = []
    for number, (kind, i1, i2, j1, j2) in enumerate(codes):
        if kind != "equal":
            left = number > 0 or (i1 == 0 and j1 == 0)
            right = number + 1 < len(codes) or (i2 == len(theirs) and j2 == len(ours))
            gaps.append(Gap(theirs[i1:i2], ours[j1:j2], left, right, j1))
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    reach = (blocks[0].a, blocks[-1].a + blocks[-1].size) if blocks else (0, 0)
    matched = sum(block.size for block in blocks)
    return Alignment(ours, theirs, tuple(gaps), reach, matched / (len(ours) or 1))
