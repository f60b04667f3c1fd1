"""Every sentence of an answer beside the passages that it cites: supported, not, or cannot tell.

Three steps, each only for what the one before left open: the deterministic findings, the weighed
figures, and a classifier where one is set. A model's own judgement is a fourth, in ``judging``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from chat.generation.sentences import Sentence, Support
from chat.generation.support.facts import Finding
from chat.generation.support.figures import Embed, Weighed, meanings, weigh
from chat.generation.support.scoring import by_words, with_meaning
from chat.generation.understanding.language import is_in_another, language_of
from knowledge.passages import Passage

# (passage's words, sentence) pairs to a chance 0..1 that the first says the second; None where
# that is not known.
Classify = Callable[[Sequence[tuple[str, str]]], Sequence[float | None]]

CLASSIFIED_FROM, CLASSIFIED_BELOW = 0.6, 0.4  # in between a classifier does not tell either
NO_FOOTNOTE = "No document is cited for this sentence."
PARTLY = "The cited passage says only a part of this."
WHOLE, HARDLY = 0.8, 0.34  # shares of a clause's words
UNLIKELY = "The cited passage does not seem to say this."
FOREIGN = "The cited passage is in another language."
# What can be compared across languages: figures and codes, not words.
_SHARED = frozenset({"number", "date", "time", "identifier"})
_WHY = {
    "number": "“{}” is not in the cited passage.",
    "unit": "“{}” stands with another unit in the cited passage.",
    "date": "“{}” is not a date of the cited passage.",
    "time": "“{}” is not a time of the cited passage.",
    "identifier": "“{}” is not in the cited passage.",
    "quoted": "The cited passage does not have the quoted words “{}”.",
    "name": "“{}” is not named in the cited passage.",
    "swap": "The cited passage says something else in the place of “{}”.",
    "opposite": "The cited passage says the opposite of “{}”.",
}


@dataclass(frozen=True)
class Checked:
    """A sentence with its verdict and the passages of its ``numbers``.

    ``is_open`` where a model may still tell. ``by`` names the step that decided: findings, words,
    language (the passages have another one), meaning, classifier or judge; ``chance`` (0..1) and
    ``figures`` are what was weighed, if it was.
    """

    sentence: Sentence
    words: str
    numbers: tuple[int, ...] = ()
    passages: tuple[Passage, ...] = ()
    is_open: bool = False
    by: str = ""
    chance: float | None = None
    figures: tuple[float, ...] = ()


@dataclass(frozen=True)
class Tools:
    """What may help: both are slow beside the rest, and either may be missing."""

    embed: Embed | None = None
    classify: Classify | None = None


def check(
    text: str, sentences: Sequence[Sentence], cited: Mapping[int, Passage], tools: Tools
) -> list[Checked]:
    """The verdicts of an answer's sentences. CPU work: some 5 ms a sentence and passage.

    Args:
        text: the answer.
        sentences: as ``written_sentences`` finds them.
        cited: the passages by footnote number.
        tools: an embedder and a classifier, where there are any.
    """
    checked = [_begun(text, sentence, cited) for sentence in sentences]
    places = [at for at, one in enumerate(checked) if one.passages]
    weighed = [weigh(checked[at].words, checked[at].passages) for at in places]
    for at, one in zip(places, weighed, strict=True):
        checked[at] = _weighed(checked[at], one)
    unsure = [
        (at, one)
        for at, one in zip(places, weighed, strict=True)
        if checked[at].is_open and checked[at].by == "words" and _is_unknown(checked[at])
    ]
    if tools.embed is not None and unsure:
        _compare(checked, unsure, tools.embed)
    if tools.classify is not None:
        _classify(checked, tools.classify)
    return checked


def _begun(text: str, sentence: Sentence, cited: Mapping[int, Passage]) -> Checked:
    numbers = tuple(number for number in sentence.numbers if number in cited)
    passages = tuple(cited[number] for number in numbers)
    words = text[sentence.start : sentence.end]
    if sentence.support == "unsupported" and not passages:
        sentence = replace(sentence, why=NO_FOOTNOTE)
    return Checked(sentence, words, numbers, passages)


def _weighed(one: Checked, found: Weighed) -> Checked:
    """The verdict of the findings, or of the words alone where these are enough."""
    weights = by_words()
    chance = weights.chance(found.figures)
    one = replace(one, figures=found.figures, chance=chance)
    is_foreign = _is_foreign(one)
    findings = [f for f in found.findings if not is_foreign or f.kind in _SHARED]
    if findings:
        return replace(_said(one, "unsupported", why_of(findings[0])), by="findings")
    if is_foreign:
        return replace(_said(one, "unknown", FOREIGN), by="language", is_open=True)
    one = replace(one, by="words")
    if chance >= weights.supported_from:
        return _said(one, "supported")
    if _is_half_said(found):
        return replace(_said(one, "partly", PARTLY), is_open=True)
    return replace(one, is_open=True)


def _is_foreign(one: Checked) -> bool:
    """Whether the sentence is surely in another language than each of its passages."""
    spoken = [language_of(passage.text) for passage in one.passages]
    return all(is_in_another(one.words, language) for language in spoken)


def _is_unknown(one: Checked) -> bool:
    return one.sentence.support == "unknown"


def _is_half_said(found: Weighed) -> bool:
    """One part of the sentence stands there as a whole, and of another part hardly a word."""
    return len(found.clauses) > 1 and max(found.clauses) >= WHOLE and min(found.clauses) < HARDLY


def why_of(finding: Finding) -> str:
    """A sentence for the reader; of the passage's own words it holds at most a "not"."""
    if finding.kind == "negation":
        if finding.ours:
            return f"The cited passage says this without “{finding.ours}”."
        return f"The cited passage says “{finding.theirs}” here."
    return _WHY[finding.kind].format(finding.ours)


def _said(one: Checked, support: Support, why: str = "") -> Checked:
    return replace(one, sentence=replace(one.sentence, support=support, why=why), is_open=False)


def _compare(checked: list[Checked], unsure: Sequence[tuple[int, Weighed]], embed: Embed) -> None:
    """Weigh meaning too, for the sentences that words alone leave open."""
    weights = with_meaning()
    rows = meanings([one for _, one in unsure], embed)
    for (at, _), figures in zip(unsure, rows, strict=True):
        chance = weights.chance(figures)
        checked[at] = replace(checked[at], figures=figures, chance=chance, by="meaning")
        if chance >= weights.supported_from:
            checked[at] = _said(checked[at], "supported")
        elif chance < weights.unsupported_below:
            checked[at] = replace(_said(checked[at], "unsupported", UNLIKELY), is_open=True)


def _classify(checked: list[Checked], classify: Classify) -> None:
    """A classifier's word on what the findings do not decide; it may also take a green back."""
    places = [at for at, one in enumerate(checked) if one.passages and not _is_found(one)]
    pairs = [(_premise(checked[at]), checked[at].words) for at in places]
    for at, chance in zip(places, classify(pairs) if pairs else (), strict=True):
        if chance is None:
            continue
        checked[at] = replace(checked[at], chance=chance, by="classifier")
        if chance >= CLASSIFIED_FROM:
            checked[at] = _said(checked[at], "supported")
        elif chance < CLASSIFIED_BELOW:
            checked[at] = _said(checked[at], "unsupported", UNLIKELY)
        else:
            checked[at] = replace(_said(checked[at], "unknown"), is_open=True)


def _is_found(one: Checked) -> bool:
    """Whether a finding decided: what it found is not there, whatever a model thinks."""
    return one.sentence.support == "unsupported" and not one.is_open


def _premise(one: Checked) -> str:
    return "\n".join(f"{p.title}\n{p.heading}\n{p.text}".strip() for p in one.passages)
