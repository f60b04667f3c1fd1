"""What a search looked at and did not give, for whoever asks later why."""

from collections.abc import Sequence

from knowledge.passages import LeftOut, Passage, Scores
from knowledge.retrieval.retriever import RetrievedHit
from knowledge.search.reading import Read

DUPLICATE, BEYOND = "duplicate", "beyond limit"


def left_out(
    hits: Sequence[RetrievedHit], known: Read, given: Sequence[Passage]
) -> tuple[LeftOut, ...]:
    """The hits that are not among the passages given, best first.

    Those whose row the asker may not see are not named at all: ``SearchResult.hidden`` counts them.
    """
    there = {passage.chunk_id for passage in given}
    return tuple(
        LeftOut(
            chunk_id=str(hit.chunk_id),
            document_id=hit.document_id,
            score=hit.relevance,
            scores=Scores(dense=hit.dense, lexical=hit.lexical, fused=hit.fused),
            why=DUPLICATE if hit.chunk_id in known.repeated else BEYOND,
        )
        for hit in hits
        if str(hit.chunk_id) not in there and hit.chunk_id not in known.unseen
    )
