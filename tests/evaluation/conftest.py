"""A small office whose documents answer some questions, and golden questions about them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group

from evaluation.files.values import PublicDocument
from evaluation.models import Evidence, Question, QuestionSet
from evaluation.public.loading import load
from evaluation.public.shelf import VectorShelf
from knowledge.models import Document
from knowledge.services import set_groups

LEAVE = """# Leave

## Annual leave

Up to five days of annual leave may be carried into the next year.

## Parental leave

Parents take twenty weeks of parental leave with full pay.
"""
PARKING = """# Parking

Ask the front desk for a parking badge before you park in the garage.
"""
PAY = """# Salaries

The salary band of grade seven begins at ninety thousand.
"""


@pytest.fixture
def office(db: None, tmp_path: Path) -> dict[str, Document]:
    """Three documents in the active index; the one about salaries is for the group hr alone."""
    texts = {"Leave policy": LEAVE, "Parking": PARKING, "Pay scale": PAY}
    documents = [PublicDocument(title, title, text) for title, text in texts.items()]
    load(documents, VectorShelf(tmp_path / "vectors", "fake"), lambda words: None)
    set_groups(Document.objects.get(title="Pay scale"), [make_group("hr").name])
    titles = {"leave": "Leave policy", "parking": "Parking", "pay": "Pay scale"}
    return {name: Document.objects.get(title=title) for name, title in titles.items()}


def make_group(name: str) -> Group:
    return Group.objects.get_or_create(name=name)[0]


@pytest.fixture
def golden(db: None) -> QuestionSet:
    return QuestionSet.objects.create(name="Golden", slug="golden")


@pytest.fixture
def ask(golden: QuestionSet) -> Callable[..., Question]:
    """``ask(text, document, quote)``: an accepted question; without a document nothing answers."""

    def add(
        text: str, document: Document | None = None, quote: str = "", **fields: Any
    ) -> Question:
        outcome = Question.Outcome.ANSWERED if document else Question.Outcome.NOT_FOUND
        values = {
            "question_set": golden,
            "key": text[:100],
            "text": text,
            "expected_outcome": outcome,
            "status": Question.Status.ACCEPTED,
            **fields,
        }
        question = Question.objects.create(**values)
        if document is not None:
            Evidence.objects.create(question=question, document=document, quote=quote)
        return question

    return add


@pytest.fixture
def questions(office: dict[str, Document], ask: Callable[..., Question]) -> list[Question]:
    """Six answerable questions, one of them for hr, and two that nothing answers."""
    leave, parking, pay = office["leave"], office["parking"], office["pay"]
    return [
        ask("How much annual leave may be carried?", leave, "Up to five days of annual leave"),
        ask("Is annual leave carried into next year?", leave, "carried into the next year"),
        ask("How long is parental leave?", leave, "twenty weeks of parental leave"),
        ask("Where is a parking badge?", parking, "Ask the front desk for a parking badge"),
        ask("Who gives badges for the garage?", parking, "Ask the front desk"),
        ask("Where does grade seven begin?", pay, "begins at ninety", as_groups=["hr"]),
        ask("What is the capital of Peru?"),
        ask("Which zebra sings?"),
    ]
