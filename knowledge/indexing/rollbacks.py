"""Going back to an earlier build: what ends it, and which documents are the reason.

The row says to which build staff went back, and of each document that answered otherwise before,
the version that it answered with. The first build that is published ends it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from knowledge.indexing.rows import Chosen
from knowledge.models import Document, DocumentVersion, IndexBuild, IndexState
from knowledge.notices import Link, Notice

TOLD_FOR = timedelta(days=7)  # after it has ended
WHAT_ENDS_IT = (
    "The next change of a document makes a new build from all present versions; correct or "
    "deactivate the bad document first."
)
_KEPT = 200  # documents on the row
_SHOWN = 20


def begin(build: IndexBuild, chosen: Sequence[Chosen]) -> None:
    """Within a transaction, before the documents are pointed at it: an older build answers again.

    Going on to a newer build is no going back, and ends one.

    Args:
        build: what is to answer.
        chosen: the version of each document that it holds.
    """
    state = IndexState.objects.filter(pk=1)
    before = state.values_list("rollback", flat=True).first() or {}
    is_on = bool(before) and "ended_at" not in before
    left = before["left"] if is_on else _newest_that_answered(build)
    if left is None or build.pk >= left:
        state.update(rollback={})
        return
    held = {item.document_id: item.version_id for item in chosen}
    answering = Document.objects.exclude(active_version=None)
    were = dict(answering.values_list("pk", "active_version"))
    if is_on:
        were |= {int(pk): version for pk, version in before["documents"].items()}
    other = {str(pk): version for pk, version in were.items() if held.get(pk) != version}
    some = dict(sorted(other.items(), key=lambda item: -item[1])[:_KEPT])  # the newest versions
    state.update(rollback={"build": build.pk, "left": left, "documents": some})


def end(build: IndexBuild | None) -> None:
    """Within a transaction: another build answers, so that a rollback is over."""
    state = IndexState.objects.filter(pk=1)
    before = state.values_list("rollback", flat=True).first() or {}
    if not before or "ended_at" in before:
        return
    if build is None:
        state.update(rollback={})
        return
    ended = {"ended_by": build.pk, "ended_at": timezone.now().isoformat()}
    state.update(rollback={**before, **ended})


def notices() -> list[Notice]:
    """That staff went back and what ends it, or for a week that it has ended."""
    told = IndexState.objects.filter(pk=1).values_list("rollback", flat=True).first() or {}
    if not told:
        return []
    if "ended_at" in told:
        return _ended(told)
    is_on = IndexBuild.objects.filter(pk=told["build"], state=IndexBuild.State.ACTIVE).exists()
    if not is_on:  # it was put aside as damaged
        return []
    sentence = f"You went back to build {told['build']}. {WHAT_ENDS_IT}"
    if links := _links(told["documents"]):
        sentence += f" Other than in build {told['left']}, and not corrected yet:"
    return [Notice(sentence, links)]


def sentence_of(build: IndexBuild) -> str:
    """What who has gone back to this build is told; empty where that was no going back."""
    told = IndexState.objects.filter(pk=1).values_list("rollback", flat=True).first() or {}
    is_on = told.get("build") == build.pk and "ended_at" not in told
    return WHAT_ENDS_IT if is_on else ""


def _newest_that_answered(build: IndexBuild) -> int | None:
    """The active build, which staff leave."""
    active = IndexBuild.objects.filter(state=IndexBuild.State.ACTIVE).exclude(pk=build.pk)
    return active.values_list("pk", flat=True).first()


def _ended(told: Mapping[str, Any]) -> list[Notice]:
    ended_at = datetime.fromisoformat(told["ended_at"])
    if timezone.now() - ended_at > TOLD_FOR:
        return []
    when = date_format(timezone.localtime(ended_at), "j M Y, H:i")
    sentence = (
        f"Going back to build {told['build']} ended on {when}: build {told['ended_by']} was made "
        "from all present versions."
    )
    if links := _links(told["documents"]):
        sentence += " These documents answer again as before you went back:"
    return [Notice(sentence, links)]


def _links(documents: Mapping[str, int]) -> tuple[Link, ...]:
    """The documents that are on and whose newest version is still the one that staff left."""
    newer = DocumentVersion.objects.filter(
        document=OuterRef("document"), number__gt=OuterRef("number")
    )
    left = DocumentVersion.objects.filter(
        ~Exists(newer), pk__in=list(documents.values()), document__is_active=True
    )
    rows = left.order_by("-pk").values_list("document", "document__title")
    return tuple(
        Link(title, reverse("admin:knowledge_document_change", args=[pk]))
        for pk, title in rows[:_SHOWN]
    )
