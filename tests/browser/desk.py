"""What staff see on the admin's widest pages: long names, several versions, a run and a gate."""

from typing import Any
from uuid import UUID

from chat.generation import titling
from chat.generation.llm import ModelConfig
from chat.generation.modelconfig import Limits
from chat.models import ChatSession, Message, ModelCall, Trace
from chat.moderating import NOTED, sealed
from chat.outgoing import Outgoing, entry_of
from chat.spending import today
from evaluation import runs, watching
from evaluation.models import Evidence, Question, QuestionSet, Run
from knowledge import indexing
from knowledge.models import Document
from knowledge.services import (
    NewDocument,
    add_document,
    add_version,
    delete_document,
    request_rebuild,
)
from users.models import User

EMAIL, PASSWORD = "desk@example.org", "a long enough phrase 7"
LONG = "Kapazitaetsplanung" * 11
SET = "Golden questions of the whole office"
STAYS = "Jars of the pantry are filled by the steward every Monday."
ANSWER = UUID("11111111-2222-4333-8444-555555555555")
GATHERED = "The copper kettle stands on the third shelf of the pantry."


def seed() -> None:
    """Staff, documents about kettles, which no other test asks for, and what was asked of them."""
    User.objects.create_superuser(EMAIL, PASSWORD)
    document = _read(NewDocument(title=LONG[:200], content=f"{GATHERED}\n\n{'word ' * 400}"))
    document.versions.update(
        file_name="a-file-with-quite-a-long-name-of-the-third-quarter.pdf",
        warnings=["Pages 3 to 7 are pictures, and what they show could not be read."],
        is_complete=False,
    )
    golden = QuestionSet.objects.create(name=SET, slug="office")
    for number in range(6):
        _ask(golden, f"Where is kettle {number}?", document, GATHERED)
    pantry = _read(NewDocument(title="Pantry", content=f"# Pantry\n\n{STAYS}"))
    for number in range(6):
        _ask(golden, f"Who fills jar {number} of the pantry?", pantry, STAYS)
    indexing.build_index()
    watching.check_changed()
    before = _run(golden)
    version = add_version(document, "Nothing but other words.")
    indexing.process_version(version.pk)
    indexing.build_index()
    watching.check_changed()
    _run(golden, before)
    request_rebuild()
    indexing.build_index()
    gone = _read(NewDocument(title="Gone", content="Words that will be erased."))
    delete_document(gone)
    Document.objects.filter(pk=document.pk).update(document_type="policy")
    _answered()


def _answered() -> None:
    """An answer with the trace of a call, all of it in long words."""
    session = ChatSession.objects.create(user=User.objects.get(email=EMAIL), title=LONG[:200])
    asked = Message.objects.create(
        session=session, ordinal=0, role="user", text=f"Where is kettle {LONG}?"
    )
    answer = Message.objects.create(
        id=ANSWER,
        session=session,
        ordinal=1,
        role="assistant",
        question=asked,
        text=f"On the third shelf of {LONG}.",
        outcome="answered",
        model=LONG[:100],
    )
    call = ModelCall.objects.create(
        day=today(), message=answer, model=LONG[:100], purpose="title", outcome="done"
    )
    config = ModelConfig(LONG[:100], "")
    out = Outgoing(call.pk, config, titling.request(asked.text, "code"), Limits(40, 1.0))
    entry = entry_of({"kind": "title", "marker": "code"}, out)
    body = {"prompts": [entry], NOTED: _judged(asked, answer)}
    Trace.objects.create(message=answer, day=today(), body=body)


def _judged(asked: Message, answer: Message) -> list[dict[str, Any]]:
    """Calls of a moderation: one that passed, one that objected, and one that failed."""
    common = {"model": LONG[:100], "host": f"{LONG[:60]}.example.org", "ms": 120}
    common |= {"personal_data": "redact", "phone_region": ""}
    listed = (
        ("question", asked, {"outcome": "done", "flagged": False, "categories": []}),
        ("answer", answer, {"outcome": "done", "flagged": True, "categories": ["hate", LONG[:60]]}),
        ("answer", asked, {"outcome": "failed", "failed": "nothing came in time"}),
    )
    return [
        {**common, "what": what, "characters": len(row.text), "seal": sealed(row.text), **found}
        for what, row, found in listed
    ]


def _ask(golden: QuestionSet, text: str, document: Document, quote: str) -> None:
    question = Question.objects.create(question_set=golden, key=text, text=text, status="accepted")
    Evidence.objects.create(question=question, document=document, quote=quote)


def _read(new: NewDocument) -> Document:
    document = add_document(new, owner=None)
    indexing.process_version(document.versions.get().pk)
    return document


def _run(golden: QuestionSet, before: Run | None = None) -> Run:
    made = runs.create(runs.Wanted(golden, baseline=before))
    runs.execute(made.pk)
    return Run.objects.get(pk=made.pk)
