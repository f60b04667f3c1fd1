"""What the product itself says in an answer."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from chat.generation.understanding import phrasebook
from core.errors import Code

REMOVED = "*This passage was removed from the documents.*"
RESTRICTED = "*You may no longer read this passage.*"


LEFT_OUT = "left_out"  # the code where sentences were not shown
REWORDED = "reworded"  # where some are shown in other words than the model's first ones
UNCHECKED = "unchecked"  # where sentences could not be compared with their passages
OTHER_LANGUAGE = "other_language"
WEB = "from_web"  # the code where a function has read the web


class Notice(TypedDict):
    """A word about how an answer came to be, shown under it."""

    code: str
    detail: str


MODEL_TIMEOUT = Notice(
    code=Code.MODEL_TIMEOUT,
    detail="Quoted, not written. The writing model did not answer in time, so you see the "
    "sentences of the documents themselves.",
)
MODEL_FAILED = Notice(
    code=Code.GENERATION_FAILED,
    detail="Quoted, not written. The writing model could not answer, so you see the sentences of "
    "the documents themselves.",
)
CUT_BY_TIMEOUT = Notice(
    code=Code.MODEL_TIMEOUT,
    detail="Cut short. The writing model stopped in the middle. What is above stands, but it may "
    "not be all.",
)
CUT = Notice(
    code=Code.GENERATION_FAILED,
    detail="Cut short. The writing model broke off. What is above stands, but it may not be all.",
)
BUDGET = Notice(
    code=Code.BUDGET_EXHAUSTED,
    detail="Quoted, not written. Today's budget for the writing model is used up, so you see the "
    "sentences of the documents themselves.",
)
PERSONAL_DATA = Notice(
    code=Code.PERSONAL_DATA,
    detail="Quoted, not written. The question or its documents hold personal data, which is not "
    "sent to the writing model, so you see the sentences of the documents themselves.",
)
TOO_LONG = Notice(
    code=Code.TOO_LARGE,
    detail="Quoted, not written. The question is too long for the writing model, so you see the "
    "sentences of the documents themselves. Ask in fewer words.",
)
ORDERS = Notice(
    code=Code.MESSAGE_REFUSED,
    detail="This message was not answered. It reads like an order to the assistant and not like a "
    "question to the documents. Ask what you want to know in your own words.",
)
QUESTION_MODERATED = Notice(
    code=Code.MODERATED,
    detail="This message was not answered. The moderation of this site objects to it. Ask in other "
    "words, or ask the people who run this site.",
)
NOT_MODERATED = Notice(
    code=Code.MODERATED,
    detail="This message was not answered. The moderation of this site could not be asked about "
    "it. Your question is saved; ask it again in a minute.",
)
ANSWER_MODERATED = Notice(
    code=Code.MODERATED,
    detail="Cut short. The moderation of this site objects to what the writing model wrote. What "
    "is above was shown before that was known; do not rely on it.",
)
NOTHING_SUPPORTED = Notice(
    code=LEFT_OUT,
    detail="Quoted, not written. The documents do not support what the model wrote, so you see the "
    "sentences of the documents themselves.",
)
NOTHING_CHECKED = Notice(
    code=UNCHECKED,
    detail="Quoted, not written. What the model wrote could not be checked, so you see the "
    "sentences of the documents themselves.",
)
NOT_CHECKED = Notice(
    code=UNCHECKED,
    detail="Not checked. The sentences of this answer could not be compared with their passages. "
    "Compare them yourself before you rely on them.",
)
IN_ANOTHER_LANGUAGE = Notice(
    code=OTHER_LANGUAGE,
    detail="In another language. The writing model did not answer in the language of your "
    "question. Ask again, or name the language in your question.",
)
SEARCH_FAILED = Notice(
    code=Code.RETRIEVAL_UNAVAILABLE,
    detail="The documents could not be searched. Your question is saved; ask it again in a minute.",
)
FAILED = Notice(
    code=Code.GENERATION_FAILED,
    detail="The answer could not be written. Your question is saved; ask it again in a minute.",
)


GENERAL = Notice(
    code=Code.NOT_FOUND,
    detail="Not from the documents. No document that you may read answers this, so the model wrote "
    "from its own general knowledge. Check it before you rely on it.",
)
GENERAL_CUT = Notice(
    code=Code.NOT_FOUND,
    detail="Not from the documents, and cut short. No document that you may read answers this, so "
    "the model wrote from its own general knowledge, and it broke off. Check it before you rely on "
    "it.",
)
FROM_WEB = Notice(
    code=WEB,
    detail="Partly from the web. The model has searched the web for this answer. What comes from "
    "there has no footnote and was not checked; check it before you rely on it.",
)
# The notices that other languages have words for, by their keys there.
_TRANSLATED = {
    "quoted_timeout": MODEL_TIMEOUT,
    "quoted_failed": MODEL_FAILED,
    "cut_timeout": CUT_BY_TIMEOUT,
    "cut_failed": CUT,
    "search_failed": SEARCH_FAILED,
    "failed": FAILED,
    "general": GENERAL,
    "general_cut": GENERAL_CUT,
    "other_language": IN_ANOTHER_LANGUAGE,
    "from_web": FROM_WEB,
}


def written_by_another(code: str, model: str) -> Notice:
    """Why a model wrote that stands further down in the list; ``code`` is what stopped the first.

    The name is the operator's own word for the model.
    """
    why = {
        Code.BUDGET_EXHAUSTED: "Today's budget for the usual model is used up.",
        Code.MODEL_TIMEOUT: "The usual model did not answer in time.",
    }.get(Code(code), "The usual model could not answer.")
    return Notice(code=code, detail=f"Written by {model}. {why}")


def left_out(sentences: int, other: Notice | None, *, unchecked: int = 0) -> Notice | None:
    """That some sentences are not shown, behind whatever else there is to say.

    ``unchecked`` of them were dropped because nothing is known of them.
    """
    if not sentences:
        return other
    was = "One sentence was" if sentences == 1 else f"{sentences} sentences were"
    if sentences == unchecked:
        it = "it" if sentences == 1 else "they"
        return _behind(
            other, UNCHECKED, f"Left out. {was} not shown, because {it} could not be checked."
        )
    why = "its passage does not say it" if sentences == 1 else "their passages do not say them"
    return _behind(other, LEFT_OUT, f"Left out. {was} not shown, because {why}.")


def groundless(sentences: int, other: Notice | None) -> Notice | None:
    """That sentences are not shown which rest on nothing, behind whatever else there is to say."""
    if not sentences:
        return other
    was = "One sentence was" if sentences == 1 else f"{sentences} sentences were"
    why = "no document that was found, and no function, says"
    return _behind(
        other,
        LEFT_OUT,
        f"Left out. {was} not shown, because {why} {'it' if sentences == 1 else 'them'}.",
    )


def reworded(sentences: int, other: Notice | None) -> Notice | None:
    """That some sentences were said anew, behind whatever else there is to say."""
    if not sentences:
        return other
    they = "One sentence was" if sentences == 1 else f"{sentences} sentences were"
    why = "its passage did not say it" if sentences == 1 else "their passages did not say them"
    return _behind(other, REWORDED, f"Reworded. {they} said anew, because {why}.")


def behind(first: Notice | None, second: Notice) -> Notice:
    """Two notices as one, with the code of the first."""
    return _behind(first, second["code"], second["detail"])


def _behind(other: Notice | None, code: str, detail: str) -> Notice:
    if other is None:
        return Notice(code=code, detail=detail)
    return Notice(code=other["code"], detail=f"{other['detail']} {detail}")


def from_web(other: Notice | None) -> Notice:
    """That the web was searched, before whatever else there is to say."""
    if other is None:
        return FROM_WEB
    return Notice(code=WEB, detail=f"{FROM_WEB['detail']} {other['detail']}")


def in_language(notice: Notice | None, language: str) -> Notice | None:
    """A notice in the reader's language; as it is where that has no words for it."""
    for key, known in _TRANSLATED.items():
        if notice == known:
            return Notice(
                code=known["code"], detail=phrasebook.notice(language, key, known["detail"])
            )
    return notice


def not_found(
    searched: int, language: str = phrasebook.ENGLISH, unknown: Sequence[str] = ()
) -> str:
    """The answer where the documents give none; ``unknown`` are codes that none of them has."""
    return phrasebook.not_found(language, searched, unknown)


def searched_for(queries: Sequence[str]) -> str:
    """How a message was understood, as a step."""
    return f"Searched for: {'; '.join(queries)}"


_DATES = {"add_to_date", "days_between"}
_LONGEST_STEP = 120  # code points of what a function looks for


def tool_step(language: str, kind: str, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """What a function does, as a step: with what it looks for, and without.

    ``kind`` is a function of ours, ``web`` or ``site``. The words may be a document's, so the step
    is told without them to who may not read all documents any more.
    """
    name = "dates" if kind in _DATES else kind
    said = arguments.get("query") or arguments.get("expression") or ""
    words = " ".join(str(said).split())[:_LONGEST_STEP]
    plain = phrasebook.tool_step(language, name, "")
    return phrasebook.tool_step(language, name, words), plain


def steps(searched: int, passages: int) -> list[str]:
    """What was done before the first word."""
    documents = "1 document" if searched == 1 else f"{searched:,} documents"
    read = "1 passage" if passages == 1 else f"{passages} passages"
    return [f"Searched {documents}", f"Read {read}"] if passages else [f"Searched {documents}"]
