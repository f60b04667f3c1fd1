"""What answering tells the message's row and the trace of what it did."""

from collections.abc import Sequence
from typing import Any

from chat.candidates import candidate_of
from chat.conf import ANSWERABLE
from chat.generation.understanding.merging import Found
from chat.holding import StrictGate
from chat.jobs import Job
from chat.tracing import Tracer
from chat.understanding import Asked
from chat.writing import Written


def stored_search(found: Found) -> dict[str, Any]:
    """The search as it is kept with the message: places and scores, and headings, no text."""
    return {
        "query": found.query,
        "answerable": round(found.answerable, 4),
        "certainty": round(found.certainty, 4),
        "unknown": list(found.unknown),
        "signals": {name: round(value, 4) for name, value in found.signals.items()},
        "took_ms": round(found.took_ms, 1),
        "build_id": found.build_id,
        "candidates": [candidate_of(passage) for passage in found.passages],
    }


def note_search(trace: Tracer, job: Job, asked: Sequence[Asked], found: Found) -> None:
    """How the message was understood, what was searched for it, and what was decided."""
    trace.note(
        language=job.language,
        parts=len(asked),
        by=[one.by for one in asked],
        needed=ANSWERABLE,
        answerable=round(found.answerable, 4),
    )
    trace.remembered(job.turns, job.frame.summary, job.summary_documents)
    for look in found.looks:
        trace.searched(look.question, look.wording, look.result)


def note_held(trace: Tracer, written: Written, strict: StrictGate | None) -> None:
    """What the strict policy did to the model's sentences."""
    if strict is not None:
        trace.note(
            held={
                "left_out": written.left_out,
                "reworded": written.reworded,
                "unchecked": strict.unchecked,
            }
        )
