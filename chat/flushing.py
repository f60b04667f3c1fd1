"""What running answers have said goes to their rows."""

import logging
from collections.abc import Sequence
from uuid import UUID

from django.db import Error, OperationalError

from chat import journal
from chat.journal import Draft, Flushed
from chat.runs import Run

logger = logging.getLogger(__name__)

UNWRITABLE = (Error, ValueError)  # refused by the database, or not to be encoded for it


def draft_of(run: Run, *, full: bool = False) -> Draft:
    """What there is to write; everything, or nothing but a renewal where nothing is new."""
    if run.lease_token is None:
        raise ValueError("a run that is followed writes nothing")
    if not full and not run.is_dirty:
        return Draft(run.message_id, run.lease_token)
    fields = run.fields if full or run.fields != run.flushed_fields else {}
    quotes = tuple(run.quotes.values())
    noted = run.trace.noted() if full or run.trace.changes != run.flushed_trace else None
    row = run.row if full else None
    return Draft(run.message_id, run.lease_token, run.text, quotes, fields, noted, row)


def note_flushed(run: Run, draft: Draft, now: float) -> None:
    """Remember what of a run is in its row."""
    run.renewed = now
    run.flushed_chars = max(run.flushed_chars, len(draft.text or ""))
    run.flushed_quotes = max(run.flushed_quotes, len(draft.quotes))
    run.flushed_fields = draft.fields or run.flushed_fields
    if draft.trace is not None:
        run.flushed_trace = draft.trace.changes


def flush_or_look(drafts: Sequence[Draft], ids: Sequence[UUID]) -> tuple[Flushed, frozenset[UUID]]:
    """Write the drafts; without any only look who is asked to stop: no lock is taken.

    Returns:
        What was found, and the answers that could not be written.
    """
    if not drafts:
        return Flushed(frozenset(), journal.stops(ids)), frozenset()
    flushed, failed = _flush(drafts)
    return Flushed(flushed.lost, flushed.stopping | journal.stops(ids)), failed


def _flush(drafts: Sequence[Draft]) -> tuple[Flushed, frozenset[UUID]]:
    """All at once, and where that fails each alone, so that a bad one fails no other."""
    try:
        return journal.flush(drafts), frozenset()
    except OperationalError:  # the database, not what is written
        raise
    except UNWRITABLE:
        logger.exception("answers could not be written together; each is written alone")
    lost: set[UUID] = set()
    stopping: set[UUID] = set()
    failed: set[UUID] = set()
    for draft in drafts:
        try:
            one = journal.flush([draft])
        except UNWRITABLE:
            logger.exception("message %s could not be written", draft.message_id)
            failed.add(draft.message_id)
        else:
            lost |= one.lost
            stopping |= one.stopping
    return Flushed(frozenset(lost), frozenset(stopping)), frozenset(failed)
