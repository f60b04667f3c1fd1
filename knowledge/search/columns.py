"""What the columns are called where a passage begins in the middle of a table."""

from dataclasses import replace

from django.db.models import F, Value
from django.db.models.functions import Greatest, Substr

from knowledge.ingestion.tables import head_above
from knowledge.models import Chunk, DocumentVersion
from knowledge.passages import Passage, Span

_ABOVE = 60_000  # code points above a passage in which its table's head is looked for
_LONGEST = 1000  # code points of a head that is shown


def with_columns(passages: tuple[Passage, ...]) -> tuple[Passage, ...]:
    """The passages, with the head of the table in which they begin.

    One query, and only where a passage begins with a row; the passages are those that their asker
    may see.
    """
    begun = [passage.chunk_id for passage in passages if _begins_with_row(passage.text)]
    heads = _heads(begun) if begun else {}
    return tuple(
        replace(passage, columns=heads[passage.chunk_id])
        if heads.get(passage.chunk_id)
        else passage
        for passage in passages
    )


def columns_at(span: Span) -> str:
    """The head of the table in which a stretch of a version begins; empty where there is none.

    For pages of staff: it asks nobody's permission.
    """
    if span.document_id is None:
        return ""
    rows = DocumentVersion.objects.filter(
        document_id=span.document_id, number=span.version_number
    ).annotate(window=Substr("text", max(span.start - _ABOVE, 0) + 1, min(span.start, _ABOVE) + 2))
    window = rows.values_list("window", flat=True).first()
    return head_above(window, min(span.start, _ABOVE))[:_LONGEST] if window else ""


def _begins_with_row(text: str) -> bool:
    """A line with a bar; the one above a rule is a head itself."""
    first, _, rest = text.partition("\n")
    return "|" in first and not rest.replace(" ", "").startswith(("|-", "|:-"))


def _heads(chunks: list[str]) -> dict[str, str]:
    above = Greatest(F("start") - Value(_ABOVE), Value(0))
    rows = (
        Chunk.objects.filter(pk__in=chunks)
        .order_by()
        # substr counts from 1; two more characters show that the line is a row.
        .annotate(window=Substr("version__text", above + 1, F("start") - above + 2))
        .values_list("pk", "window", "start")
    )
    return {
        str(pk): head_above(window, min(start, _ABOVE))[:_LONGEST] for pk, window, start in rows
    }
