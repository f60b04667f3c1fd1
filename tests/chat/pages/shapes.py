"""Turns without a database, for what only draws them."""

import uuid
from typing import Any

from chat.models import ChatSession, Message
from chat.reading import Note, Turn
from chat.templatetags.answers import answer_html


def note(number: int, quote: str | None = "The words.", **fields: Any) -> Note:
    given = {
        "before": "", "after": "", "title": "Parental Leave Policy", "heading": "Pay › 3.2 Pay",
        "page": None, "version": 3, "url": "/sources/1/v3/?start=1&end=9", "gone": None,
        "current_version": 3, "uploaded_at": "2026-03-04T10:00:00+00:00", "same_document_as": None,
        "review_due": "",
    }  # fmt: skip
    return Note(number=number, quote=quote, **{**given, **fields})


def sentence(start: int, end: int, numbers: list[int], support: str = "supported") -> dict:
    return {"start": start, "end": end, "numbers": numbers, "support": support}


def turn(text: str, notes: list[Note], sentences: list[dict] | None = None, **body: Any) -> Turn:
    session = ChatSession(id=uuid.uuid4())
    question = Message(session=session, ordinal=0, role="user", text="How long?")
    answer = Message(session=session, ordinal=1, role="assistant", text=text, question=question)
    sentences = sentences or []
    given = {
        "message": text, "state": "done", "outcome": "answered", "sentences": sentences,
        "unsupported": [s for s in sentences if s["support"] == "unsupported"],
        "notice": None, "nearest": [], "model": "extractive", "processing_time": 3100,
    }  # fmt: skip
    return Turn(question=question, answer=answer, body={**given, **body}, notes=notes)


def rendered(one: Turn) -> str:
    return str(answer_html(one))
