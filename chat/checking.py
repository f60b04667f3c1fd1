"""The check of a whole answer: settings and models around ``chat.generation.support``.

What costs CPU runs in the desk's threads; a check that fails leaves the sentences as they were.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from django.conf import settings

from chat.calls import CountedModel
from chat.conf import support_classifier, support_judge
from chat.desks import Desk
from chat.generation.binding import bind_closely
from chat.generation.dissent import Said, dissent
from chat.generation.sentences import Sentence, written_sentences
from chat.generation.support import judging
from chat.generation.support.checking import Checked, Tools, check
from chat.generation.support.computed import with_computed
from chat.generation.support.holding import Gate
from chat.runs import Quoted, Run
from knowledge.passages import Passage
from knowledge.search import EmbedderUnavailable, embed

logger = logging.getLogger(__name__)


async def check_answer(run: Run, desk: Desk, found: Sequence[Passage]) -> tuple[Sentence, ...]:
    """Check what a model wrote, and bind each footnote anew to what carries its sentences.

    Where a passage that was found contradicts one that is cited, a sentence is added that says so.
    """
    passages = {number: quoted.passage for number, quoted in run.quotes.items()}
    checked = await desk.cpu(partial(_checked, run.text, passages))
    checked = await desk.cpu(partial(with_computed, checked, run.computed))
    checked = await _judged(checked, desk, run.message_id)
    for number, span in (await desk.cpu(partial(_bound, checked))).items():
        run.cite(Quoted(number, passages[number], *span))
    sentences = tuple(one.sentence for one in checked)
    said = {number: Said(one.passage, one.start, one.end) for number, one in run.quotes.items()}
    more = await desk.cpu(partial(dissent, run.text, said, found, sentences))
    if more is None:
        return sentences
    for number, quoted in more.quoted:
        run.cite(Quoted(number, quoted.passage, quoted.start, quoted.end))
    run.write(more.text)
    return (*sentences, *more.sentences)


def gate(desk: Desk, run: Run) -> Gate | None:
    """What holds a sentence back until it was checked; None where all are shown at once."""
    message_id = run.message_id
    if settings.SUPPORT_POLICY != "strict":
        return None

    async def may_be_shown(words: str, cited: Mapping[int, Passage]) -> bool:
        sentence = Sentence(0, len(words), tuple(cited), "unknown" if cited else "unsupported")
        checked = await desk.cpu(partial(_tested, words, [sentence], cited))
        checked = await desk.cpu(partial(with_computed, checked, run.computed))
        found = (await _judged(checked, desk, message_id))[0].sentence
        return found.support != "unsupported"

    return may_be_shown


def _checked(text: str, passages: Mapping[int, Passage]) -> list[Checked]:
    return _tested(text, written_sentences(text), passages)


def _tested(
    text: str, sentences: Sequence[Sentence], passages: Mapping[int, Passage]
) -> list[Checked]:
    """With meaning where there is an embedding model, else by words."""
    try:
        return _with_tools(text, sentences, passages)
    except Exception:  # an answer is worth more than its check: it stays, and is called unchecked
        logger.exception("sentences could not be checked")
        return [Checked(one, text[one.start : one.end]) for one in sentences]


def _with_tools(
    text: str, sentences: Sequence[Sentence], passages: Mapping[int, Passage]
) -> list[Checked]:
    classifier = support_classifier()
    classify = classifier.classify if classifier else None
    try:
        return check(text, sentences, passages, Tools(embed, classify))
    except EmbedderUnavailable:
        logger.warning("sentences are checked by words alone: there is no embedding model")
        return check(text, sentences, passages, Tools(None, classify))


async def _judged(checked: list[Checked], desk: Desk, message_id: UUID) -> list[Checked]:
    """The chat model's word on what is still open, where it is asked for that."""
    config = support_judge()
    if config is None or not any(one.is_open for one in checked):
        return checked
    return await judging.judge(checked, CountedModel(desk, config, "judge", message_id))


def _bound(checked: Sequence[Checked]) -> dict[int, tuple[int, int]]:
    """For each footnote the stretch that holds the evidence of all its sentences.

    One that is not supported has no evidence to add, so it only counts where it stands alone.
    """
    spans: dict[int, tuple[int, int]] = {}
    order = sorted(checked, key=lambda one: one.sentence.support == "unsupported")
    for one in order:
        is_false = one.sentence.support == "unsupported"
        for number, passage in zip(one.numbers, one.passages, strict=True):
            if is_false and number in spans:
                continue
            start, end = bind_closely(one.words, passage)
            known = spans.get(number, (start, end))
            spans[number] = min(start, known[0]), max(end, known[1])
    return spans
