"""What the product itself says in an answer."""

from typing import TypedDict

from core.errors import Code

REMOVED = "*This passage was removed from the documents.*"
RESTRICTED = "*You may no longer read this passage.*"


LEFT_OUT = "left_out"  # the code where sentences were not shown


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
NOTHING_SUPPORTED = Notice(
    code=LEFT_OUT,
    detail="Quoted, not written. The documents do not support what the model wrote, so you see the "
    "sentences of the documents themselves.",
)
SEARCH_FAILED = Notice(
    code=Code.RETRIEVAL_UNAVAILABLE,
    detail="The documents could not be searched. Your question is saved; ask it again in a minute.",
)
FAILED = Notice(
    code=Code.GENERATION_FAILED,
    detail="The answer could not be written. Your question is saved; ask it again in a minute.",
)


def left_out(sentences: int, other: Notice | None) -> Notice | None:
    """That some sentences are not shown, behind whatever else there is to say."""
    if not sentences:
        return other
    subject = "One sentence was" if sentences == 1 else f"{sentences} sentences were"
    they = "its passage does" if sentences == 1 else "their passages do"
    detail = f"Left out. {subject} not shown, because {they} not say it."
    if sentences > 1:
        detail = f"Left out. {subject} not shown, because {they} not say them."
    return (
        Notice(code=other["code"], detail=f"{other['detail']} {detail}")
        if other
        else Notice(code=LEFT_OUT, detail=detail)
    )


def not_found(searched: int) -> str:
    """The answer where the documents give none."""
    if searched == 0:
        return "Not in my documents. There is no document yet that I could search for you."
    if searched == 1:
        return (
            "Not in my documents. I searched 1 document and it does not answer this. "
            "I would rather not guess."
        )
    return (
        f"Not in my documents. I searched {searched:,} documents and none of them answers this. "
        "I would rather not guess."
    )


def steps(searched: int, passages: int) -> list[str]:
    """What was done before the first word."""
    documents = "1 document" if searched == 1 else f"{searched:,} documents"
    read = "1 passage" if passages == 1 else f"{passages} passages"
    return [f"Searched {documents}", f"Read {read}"] if passages else [f"Searched {documents}"]
