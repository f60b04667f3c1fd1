"""The public sets' format: a folder with documents.jsonl and questions.jsonl, gzipped or not."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evaluation.files.fields import ANSWERABLE_KEYS
from evaluation.files.reading import objects_of, text_of
from evaluation.files.values import (
    BadFile,
    NewEvidence,
    NewQuestion,
    PublicDocument,
    PublicQuestion,
    kind_of,
)

QUESTIONS, DOCUMENTS = "questions.jsonl", "documents.jsonl"


def public_documents(folder: Path) -> list[PublicDocument]:
    """The documents of a public set; raises BadFile."""
    documents = []
    for line, values in _lines_of(folder, DOCUMENTS):
        for name in ("id", "title", "text"):
            if not isinstance(values.get(name), str):
                raise BadFile(f"{DOCUMENTS} needs “{name}” as a text.", line)
        language = values.get("lang", "")
        documents.append(
            PublicDocument(values["id"], values["title"], values["text"], str(language))
        )
    if len({document.id for document in documents}) != len(documents):
        raise BadFile(f"Two documents in {DOCUMENTS} have the same id.")
    return documents


def public_questions(folder: Path, documents: Mapping[str, PublicDocument]) -> list[PublicQuestion]:
    """The questions of a public set, with spans that lie in their documents; raises BadFile."""
    found = []
    for line, values in _lines_of(folder, QUESTIONS):
        if not isinstance(values.get("id"), str) or not isinstance(values.get("question"), str):
            raise BadFile(f"{QUESTIONS} needs “id” and “question” as texts.", line)
        relevant = values.get("relevant", [])
        if not isinstance(relevant, list) or not all(_is_entry(one, documents) for one in relevant):
            raise BadFile("“relevant” names no such place in the documents.", line)
        is_answerable = bool(values.get("answerable", bool(relevant)))
        found.append(
            PublicQuestion(values["id"], values["question"], tuple(relevant), is_answerable, values)
        )
    if len({question.id for question in found}) != len(found):
        raise BadFile(f"Two questions in {QUESTIONS} have the same id.")
    return found


def from_public(folder: Path) -> list[NewQuestion]:
    """The questions of a folder, their spans as quotes; raises BadFile."""
    documents = {document.id: document for document in public_documents(folder)}
    made = []
    for number, question in enumerate(public_questions(folder, documents), 1):
        evidence = tuple(
            _public_evidence(entry, documents[entry["document_id"]]) for entry in question.relevant
        )
        made.append(
            NewQuestion(
                line=number,
                key=question.id[:100],
                text=question.text,
                evidence=evidence,
                language=str(question.values.get("lang", ""))[:20],
                kind=kind_of(question.is_answerable, ()),
                expected_outcome=ANSWERABLE_KEYS[question.is_answerable],
                reference_answer=next(iter(question.values.get("answers") or ()), ""),
            )
        )
    return made


def _public_evidence(entry: Mapping[str, Any], document: PublicDocument) -> NewEvidence:
    grade = min(3, max(1, int(entry.get("grade") or 1)))
    beside = document.text[:200]
    if "start" not in entry:
        return NewEvidence(document.title, "", grade, beside=beside)
    quote = document.text[entry["start"] : entry["end"]]
    position = entry["start"] / len(document.text)
    return NewEvidence(document.title, quote, grade, position, beside)


def _is_entry(entry: Any, documents: Mapping[str, PublicDocument]) -> bool:
    document = documents.get(str(entry.get("document_id"))) if isinstance(entry, dict) else None
    if document is None:
        return False
    if "start" not in entry:
        return True
    start, end = entry["start"], entry.get("end")
    are_numbers = isinstance(start, int) and isinstance(end, int)
    return are_numbers and 0 <= start < end <= len(document.text)


def _lines_of(folder: Path, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    path = next((p for p in (folder / f"{name}.gz", folder / name) if p.is_file()), None)
    if path is None:
        raise BadFile(f"There is no {name} or {name}.gz in {folder}.")
    return objects_of(text_of(path.read_bytes()))
