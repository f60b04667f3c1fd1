"""The public sets as questions with passages, and which of them are never trained on.

Whole articles of squad2 are held out, chosen by the hash of their titles; xquad, which is made of
the same encyclopaedia's articles, loses the articles of those titles too. handbook_tts and mtrag
are not trained on at all, nor are cranfield's documents.
"""

import gzip
import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.ingestion.sentences import sentence_spans

HELD_OUT_SHARE = 4  # one article in so many
Span = tuple[int, int]


@dataclass(frozen=True)
class Question:
    """A question with the passage that it was written for."""

    name: str  # of the set
    article: str
    question: str
    passage: str
    heading: str
    # Places in the passage that hold the answer, alternatives of one another; empty: no answer.
    answers: tuple[Span, ...]
    is_exact: bool = True  # the places are the answer itself, not the sentence around it


@dataclass(frozen=True)
class Sets:
    trained: list[Question]
    held_out: list[Question]  # squad2's held-out articles
    passages: list[tuple[str, str, str]]  # article, heading, text: for made-up questions
    strangers: list[str]  # requests that no passage answers


def read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def held_out_articles(titles: set[str]) -> set[str]:
    """A quarter of the titles, those with the smallest hashes."""
    ranked = sorted(titles, key=lambda title: hashlib.sha256(title.encode()).hexdigest())
    return set(ranked[: len(ranked) // HELD_OUT_SHARE])


def load(data: Path) -> Sets:
    paragraphs = {x["id"]: x for x in read(data / "squad2" / "documents.jsonl.gz")}
    held = held_out_articles({x["title"] for x in paragraphs.values()})
    squad = _own_paragraph("squad2", read(data / "squad2" / "questions.jsonl.gz"), paragraphs)
    english = {x["id"]: x for x in read(data / "xquad" / "documents.jsonl.gz") if x["lang"] == "en"}
    asked = [x for x in read(data / "xquad" / "questions.jsonl.gz") if x["lang"] == "en"]
    xquad = _own_paragraph("xquad", asked, english)
    faq, entries = _faq(data)
    claims, abstracts = _claims(data)
    trained = [x for x in squad + xquad if x.article not in held] + faq + claims + _turns(data)
    documents = [*paragraphs.values(), *english.values()]
    passages = [(x["title"], x["title"], x["text"]) for x in documents if x["title"] not in held]
    pages = read(data / "identifiers" / "documents.jsonl.gz")
    passages += [*entries, *abstracts, *((x["id"], x["title"], x["text"][:6000]) for x in pages)]
    strangers = [x["text"] for x in read(data / "offtopic_clinc" / "texts.jsonl.gz")]
    # The second half is left for measuring.
    return Sets(trained, [x for x in squad if x.article in held], passages, strangers[::2])


def _own_paragraph(
    name: str, asked: list[dict[str, Any]], paragraphs: dict[str, dict[str, Any]]
) -> list[Question]:
    found = []
    for each in asked:
        paragraph = paragraphs[each["about"]]
        spans = tuple((x["start"], x["end"]) for x in each["relevant"] if "start" in x)
        if bool(spans) == each["answerable"]:
            title, text = paragraph["title"], paragraph["text"]
            found.append(Question(name, title, each["question"], text, title, spans))
    return found


def _faq(data: Path) -> tuple[list[Question], list[tuple[str, str, str]]]:
    """Questions with the entry that answers them: anywhere in it, as far as the set tells."""
    entries = {x["id"]: x for x in read(data / "faq_quebec" / "documents.jsonl.gz")}
    found = []
    for each in read(data / "faq_quebec" / "questions.jsonl.gz"):
        entry = entries[each["relevant"][0]["document_id"]]
        text = entry["text"]
        everywhere = ((0, len(text)),)
        made = Question(
            "faq_quebec", entry["id"], each["question"], text, entry["title"], everywhere,
            is_exact=False,
        )  # fmt: skip
        found.append(made)
    return found, [(x["id"], x["title"], x["text"]) for x in entries.values()]


def _claims(data: Path) -> tuple[list[Question], list[tuple[str, str, str]]]:
    """Claims with the abstract whose sentence speaks for or against them."""
    abstracts = {x["id"]: x for x in read(data / "scifact" / "documents.jsonl.gz")}
    found = []
    for each in read(data / "scifact" / "questions.jsonl.gz"):
        places: dict[str, list[Span]] = defaultdict(list)
        for x in each["relevant"]:
            if "start" in x:
                places[x["document_id"]].append((x["start"], x["end"]))
        for number, spans in places.items():
            text, title = abstracts[number]["text"], abstracts[number]["title"]
            made = Question(
                "scifact", number, each["question"], text, title, tuple(spans), is_exact=False
            )
            found.append(made)
    return found, [(x["id"], x["title"], x["text"]) for x in abstracts.values()]


def _turns(data: Path) -> list[Question]:
    """Rewritten questions of conversations; the passage is all that was answered in its course.

    The answers of a conversation come from one section of an encyclopaedia article, which the set
    does not have: in the order of the questions they read nearly like it.
    """
    talks: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in read(data / "followups_canard" / "questions.jsonl.gz"):
        talks[each["conversation"]].append(each)
    found = []
    for name, turns in talks.items():
        turns.sort(key=lambda each: len(each["history"]))
        longest = [x["text"] for x in turns[-1]["history"]]
        said = dict(zip(longest[::2], longest[1::2], strict=False))
        found += _answered(name, turns, said)
    return found


def _answered(name: str, turns: list[dict[str, Any]], said: dict[str, str]) -> list[Question]:
    texts = list(dict.fromkeys(x for x in said.values() if _says_something(x)))
    passage = " ".join(texts)
    heading = f"{turns[0]['title']} > {turns[0]['section']}"
    found = []
    for each in turns:
        answer = said.get(each["question"])
        if answer is None or not passage:
            continue
        spans: tuple[Span, ...] = ()
        if _says_something(answer):
            at = sum(len(x) + 1 for x in texts[: texts.index(answer)])
            spans = ((at, at + len(answer)),)
        found.append(
            Question("canard", name, each["rewrite"], passage, heading, spans, is_exact=False)
        )
    return found


def _says_something(answer: str) -> bool:
    return "CANNOTANSWER" not in answer and not answer.lower().startswith("i don't know")


def sentences(text: str) -> list[Span]:
    return sentence_spans(text) or [(0, len(text))]
