"""Where a sentence turns its passage round: another figure in its place, a "not", an opposite."""

from collections.abc import Iterator, Sequence

from chat.generation.support.evidence import Alignment, Evidence, Gap
from chat.generation.support.facts import Finding, same_day
from chat.generation.support.lexicon import DENIALS, DENYING_PREFIXES, NEGATIONS, OPPOSITES
from chat.generation.support.reading import Claim, Source
from chat.generation.support.tokens import Token, Value

FIGURES = frozenset({"number", "date", "time", "ordinal"})
ALIKE = 0.5  # share of the claim that stands in the passage in the same order, from which on a
# "not" more or less is taken for a contradiction and not for another way of putting it
_LONGEST_GAP = 4
_MODIFIERS_WORDS = """
only just merely simply necessarily
"""
_MODIFIERS = frozenset(_MODIFIERS_WORDS.split())


def turned(claim: Claim, one: Source, evidence: Evidence) -> Iterator[Finding]:
    """What the passage says otherwise where it says nearly the same."""
    beside = evidence.beside
    if beside.overlap < ALIKE:
        return
    yield from _swapped(claim, one, evidence)
    yield from _measured(beside)
    yield from _put_in(beside)
    yield from _negated(beside)
    yield from _opposed(beside)


def _swapped(claim: Claim, one: Source, evidence: Evidence) -> Iterator[Finding]:
    """A figure or a name that stands where the passage has another one."""
    there = {token.key for token in evidence.beside.theirs}
    for gap in evidence.beside.gaps:
        if len(gap.ours) > _LONGEST_GAP or len(gap.theirs) > _LONGEST_GAP:
            continue
        for ours, theirs in (*_pairs(gap), *_named(gap, claim, one)):
            is_tight = gap.is_held_left and gap.is_held_right and ours.kind == theirs.kind
            is_other = not (ours.values & theirs.values or same_day(ours, theirs))
            if (
                is_other
                and (is_tight or ours.key not in there)
                and not _fits(gap, ours, one, evidence)
            ):
                yield Finding("swap", ours.text, theirs.text)


def _fits(gap: Gap, ours: Token, one: Source, evidence: Evidence) -> bool:
    """Whether another sentence of the passage has this figure, and its words better than here."""
    around = evidence.beside.ours
    near = around[max(0, gap.at - 4) : gap.at] + around[gap.at + len(gap.ours) :][:4]
    near_words = {token.key for token in near if token.kind == "word"}
    here = len(near_words & one.pieces[evidence.best].keys)
    return any(
        ours.key in piece.keys and len(near_words & piece.keys) > here
        for number, piece in enumerate(one.pieces)
        if number != evidence.best
    )


def _measured(beside: Alignment) -> Iterator[Finding]:
    """A figure of this very sentence with another unit."""
    for ours in beside.ours:
        if ours.kind == "number" and ours.unit:
            same = [t for t in beside.theirs if t.kind == "number" and t.values & ours.values]
            if same and all(other.unit and other.unit != ours.unit for other in same):
                yield Finding("unit", ours.text)


def _put_in(beside: Alignment) -> Iterator[Finding]:
    """A lone figure where the passage has none, and has it nowhere else in the sentence."""
    for gap in beside.gaps:
        is_lone = len(gap.ours) == 1 and not gap.theirs and gap.is_held_left and gap.is_held_right
        if is_lone and gap.ours[0].kind in FIGURES:
            ours = gap.ours[0]
            there = sum(bool(ours.values & token.values) for token in beside.theirs)
            here = sum(bool(ours.values & token.values) for token in beside.ours)
            if (there < here and here > 1) or not there:
                yield Finding("number", ours.text)


def _pairs(gap: Gap) -> Iterator[tuple[Token, Token]]:
    """Figures with figures of the same kind, in their order."""
    for kinds in (FIGURES, frozenset({"identifier"})):
        mine = [token for token in gap.ours if token.kind in kinds]
        others = [token for token in gap.theirs if token.kind in kinds]
        if len(mine) == len(others):
            yield from zip(mine, others, strict=True)


def _named(gap: Gap, claim: Claim, one: Source) -> Iterator[tuple[Token, Token]]:
    """A name where the passage has quite another one; a name for "it" is no swap."""
    named = [token for token in gap.ours if token in claim.names or _is_first_name(gap, token)]
    theirs = [token for token in gap.theirs if _is_large(token) and token.key in one.names]
    alike = {token.key for token in named} & {token.key for token in gap.theirs}
    if named and theirs and not alike and not one.writes_nouns_large:
        yield named[0], theirs[0]


def _is_large(token: Token) -> bool:
    return token.kind == "word" and token.text[0].isupper() and len(token.text) > 1


def _is_first_name(gap: Gap, token: Token) -> bool:
    """The first word of a sentence may be a name where the passage begins with one too."""
    return gap.at == 0 and token is gap.ours[0] and _is_large(token)


def _negated(beside: Alignment) -> Iterator[Finding]:
    """A negation that only one of the two has, beside words that both have."""
    mine = _cues(beside.ours)
    others = [at for at in _cues(beside.theirs) if _is_reached(beside, at)]
    for at in list(mine):
        near = _near(beside.ours, at)
        twin = max(others, key=lambda i: len(near & _near(beside.theirs, i)), default=None)
        if twin is not None and near & _near(beside.theirs, twin):
            mine.remove(at)
            others.remove(twin)
    if len(mine) == len(others):
        return  # as many, beside other words: put in another way
    for at in mine:
        words = _beside(beside.ours, at)
        if _is_said(beside.theirs, words) and not _is_spelled(beside.theirs, beside.ours, words):
            yield Finding("negation", beside.ours[at].text)
    for at in others:
        words = _beside(beside.theirs, at)
        if _is_said(beside.ours, words) and not _is_spelled(beside.ours, beside.theirs, words):
            yield Finding("negation", "", beside.theirs[at].text)


def _cues(found: Sequence[Token]) -> list[int]:
    return [
        at
        for at, token in enumerate(found)
        if (token.key[1] in NEGATIONS or token.text.casefold() in DENIALS)
        and not (at + 1 < len(found) and found[at + 1].text.casefold() in _MODIFIERS)
    ]


def _beside(found: Sequence[Token], at: int) -> frozenset[Value]:
    """The words that a negation stands with: two after it and one before it."""
    near = (*found[max(0, at - 1) : at], *found[at + 1 : at + 3])
    return frozenset(t.key for t in near if t.key[1] not in NEGATIONS)


def _is_said(found: Sequence[Token], words: frozenset[Value]) -> bool:
    return any(token.key in words for token in found)


def _is_reached(beside: Alignment, at: int) -> bool:
    """Whether it stands in the stretch that the sentence renders, or right beside it."""
    return beside.reach[0] - 2 <= at <= beside.reach[1] + 1


def _near(found: Sequence[Token], at: int) -> frozenset[Value]:
    near = (*found[max(0, at - 3) : at], *found[at + 1 : at + 4])
    return frozenset(token.key for token in near)


def _is_spelled(found: Sequence[Token], other: Sequence[Token], words: frozenset[Value]) -> bool:
    """Whether one of these words is denied here by a prefix or an opposite that the other lacks."""
    spelled = {str(token.key[1]) for token in found} - {str(token.key[1]) for token in other}
    roots = {str(word[1]) for word in words}
    return any(
        prefix + root in spelled or OPPOSITES.get(root, frozenset()) & spelled
        for root in roots
        for prefix in DENYING_PREFIXES
    )


def _opposed(beside: Alignment) -> Iterator[Finding]:
    """A word whose opposite stands in its place; a negation beside either one makes up for it."""
    ours = {str(token.key[1]): at for at, token in enumerate(beside.ours)}
    theirs = {str(token.key[1]): at for at, token in enumerate(beside.theirs)}
    reached = [at for at in _cues(beside.theirs) if _is_reached(beside, at)]
    is_even = len(_cues(beside.ours)) == len(reached)
    if not is_even:
        return
    for word, at in ours.items():
        if word in theirs:
            continue
        for other in _opposites_of(word, theirs):
            if other not in ours and _share_place(beside, at, theirs[other]):
                yield Finding("opposite", beside.ours[at].text, beside.theirs[theirs[other]].text)
                break


def _opposites_of(word: str, there: dict[str, int]) -> list[str]:
    by_list = [other for other in OPPOSITES.get(word, ()) if other in there]
    by_prefix = [p + word for p in DENYING_PREFIXES if len(word) >= 4 and p + word in there]
    without = [word.removeprefix(p) for p in DENYING_PREFIXES if word.startswith(p)]
    return by_list + by_prefix + [rest for rest in without if len(rest) >= 4 and rest in there]


def _share_place(beside: Alignment, at: int, other: int) -> bool:
    """Whether the two stand beside a word in common, or at the same end."""
    mine = {t.key for t in beside.ours[max(0, at - 2) : at + 3]}
    theirs = {t.key for t in beside.theirs[max(0, other - 2) : other + 3]}
    in_one_gap = any(
        beside.ours[at] in gap.ours and beside.theirs[other] in gap.theirs for gap in beside.gaps
    )
    return in_one_gap or bool(mine & theirs)
