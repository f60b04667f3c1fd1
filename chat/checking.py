"""The check of a whole answer: settings and models around ``chat.generation.support``.

What costs CPU runs in the desk's threads. This is the named edge of what looks over an answer: an
error in it is logged and costs no reader the answer, and what was not looked over is never called
checked.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from chat import prompted
from chat.calls import CountedModel
from chat.conf import support_classifier, support_judge
from chat.desks import Desk
from chat.generation.binding import bind_closely
from chat.generation.dissent import Dissent, Said, dissent
from chat.generation.prompts import new_marker
from chat.generation.sentences import Sentence, written_sentences
from chat.generation.support import judging
from chat.generation.support.checking import Checked, Tools, check
from chat.generation.support.computed import with_computed
from chat.generation.support.grounds import with_grounds
from chat.runs import Quoted, Run
from knowledge.passages import Passage
from knowledge.search import EmbedderUnavailable, embed

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Review:
    """The sentences of an answer; ``checked`` is None where they could not be checked."""

    sentences: tuple[Sentence, ...]
    checked: tuple[Checked, ...] | None


async def check_answer(run: Run, desk: Desk, found: Sequence[Passage]) -> Review:
    """Check what a model wrote, and bind each footnote anew to what carries its sentences.

    Where a passage that was found contradicts one that is cited, a sentence is added that says so.
    """
    passages = {number: quoted.passage for number, quoted in run.quotes.items()}
    written = written_sentences(run.text)
    checked = await desk.cpu(partial(tested, run.text, written, passages))
    if checked is None:
        return Review(tuple(written), None)
    checked = await desk.cpu(partial(with_computed, checked, run.computed))
    checked = await desk.cpu(partial(with_grounds, checked, run.grounds))
    checked = await judged(checked, desk, run)
    for number, span in (await desk.cpu(partial(_bound, checked))).items():
        run.cite(Quoted(number, passages[number], *span))
    sentences = tuple(one.sentence for one in checked)
    said = {number: Said(one.passage, one.start, one.end) for number, one in run.quotes.items()}
    more = await desk.cpu(partial(compared, run.text, said, found, sentences))
    if more is None:
        return Review(sentences, tuple(checked))
    for number, quoted in more.quoted:
        run.cite(Quoted(number, quoted.passage, quoted.start, quoted.end))
    run.write(more.text)
    return Review((*sentences, *more.sentences), tuple(checked))


def compared(
    text: str, cited: Mapping[int, Said], passages: Sequence[Passage], told: Sequence[Sentence] = ()
) -> Dissent | None:
    """As ``dissent``; None as well where the documents could not be compared."""
    return _unless_broken("compared", partial(dissent, text, cited, passages, told))


def tested(
    text: str, sentences: Sequence[Sentence], passages: Mapping[int, Passage]
) -> list[Checked] | None:
    """The verdicts, with meaning where there is an embedding model, else by words.

    None where the check itself broke: then nothing is known of any of them.
    """
    return _unless_broken("checked", partial(_tested, text, sentences, passages))


def _unless_broken(what: str, work: Callable[[], T]) -> T | None:
    """The edge: whatever a text does to the code that looks it over, the answer goes on."""
    try:
        return work()
    except Exception:
        logger.exception("an answer could not be %s", what)
        return None


def _tested(
    text: str, sentences: Sequence[Sentence], passages: Mapping[int, Passage]
) -> list[Checked]:
    classifier = support_classifier()
    classify = classifier.classify if classifier else None
    try:
        return check(text, sentences, passages, Tools(embed, classify))
    except EmbedderUnavailable:
        logger.warning("sentences are checked by words alone: there is no embedding model")
        return check(text, sentences, passages, Tools(None, classify))


async def judged(
    checked: list[Checked], desk: Any, run: Run, *, is_shown: bool = True
) -> list[Checked]:
    """The chat model's word on what is still open, where it is asked for that.

    ``is_shown``: the sentences stand in the answer's text, at their offsets.
    """
    config = support_judge()
    if config is None:
        return checked
    places = judging.open_of(checked, config.window - config.answer_tokens)
    if not places:
        return checked
    marker = new_marker()
    asked = [checked[at] for at in places]
    recipe = partial(prompted.judge, run.trace, marker, asked, is_shown=is_shown)
    model = CountedModel(
        desk, config, "judge", run.message_id, tell=partial(run.trace.asked, recipe)
    )
    return await judging.judge(checked, places, model, marker)


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
