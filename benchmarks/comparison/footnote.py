"""Footnote in the comparison: rows in bulk, a real build, the real search and the real ingestion.

`python -m benchmarks.comparison.footnote fill|build|ask|ingest ORDER.json`, each step a process of
its own on the database below DATA_DIR. What is measured is what a web process or a worker does:
nothing is left out, from the asker's groups to the last look at the rows.
"""
# ruff: noqa: E402  (Django wants to be set up before its models are imported)

import hashlib
import itertools
import json
import os
import sys
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django

django.setup()

import numpy as np
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from benchmarks.comparison.corpus import PART, Corpus
from benchmarks.comparison.measuring import as_plain, load, pss_mb, seconds_since_start, step
from knowledge import conf, index_store, indexing
from knowledge.models import Chunk, Document, DocumentVersion, Embedding, IndexBuild
from knowledge.search import search
from knowledge.services import NewDocument, add_document
from users.models import User

PASSAGES = 10  # a document: about four pages
GROUPS = 10
RESTRICTED = 5  # every fifth document is for one group
MEMBER_OF = 3  # groups of the asker, who so may read 86 % of the documents
TOP = 10
EMAIL = "reader@example.org"


def tell(**figures: Any) -> None:
    print("FIGURE " + json.dumps(figures), flush=True)


def fill(order: dict[str, Any]) -> None:
    """Documents, versions, chunks and vectors as ingestion leaves them, ready for a build."""
    corpus = Corpus(Path(order["corpus"]))
    groups = [Group.objects.create(name=f"group {n}") for n in range(GROUPS)]
    reader = User.objects.create_user(EMAIL, uuid.uuid4().hex)
    reader.groups.set(groups[:MEMBER_OF])
    for at in range(0, order["chunks"], PART):
        with transaction.atomic():
            _insert_part(corpus, at, min(at + PART, order["chunks"]))
    with transaction.atomic():
        index_store.want_build(full=True)


def _insert_part(corpus: Corpus, start: int, end: int) -> None:
    texts = [corpus.text(number) for number in range(start, end)]
    vectors = corpus.vectors(start, end)
    documents = range(start // PASSAGES, (end + PASSAGES - 1) // PASSAGES)
    splitter = conf.splitter_config().identity
    _insert(Document, (_document(number) for number in documents))
    _insert(
        DocumentVersion,
        (_version(n, texts[n * PASSAGES - start :][:PASSAGES]) for n in documents),
    )
    _insert(Document.groups.through, _audience(documents))
    _insert(Chunk, (_chunk(start + i, text, splitter) for i, text in enumerate(texts)))
    _insert(Embedding, (_vector(start + i, vector) for i, vector in enumerate(vectors)))


def _document(number: int) -> dict[str, Any]:
    return {
        "id": number + 1,
        "title": f"Document {number}",
        "is_restricted": number % RESTRICTED == 0,
    }


def _audience(documents: Iterable[int]) -> Iterator[dict[str, Any]]:
    groups = list(Group.objects.order_by("pk").values_list("pk", flat=True))
    for number in documents:
        if number % RESTRICTED == 0:
            group = groups[number // RESTRICTED % GROUPS]
            yield {"id": number + 1, "document_id": number + 1, "group_id": group}


def _version(number: int, texts: list[str]) -> dict[str, Any]:
    return {
        "id": number + 1,
        "document_id": number + 1,
        "number": 1,
        "file": f"{number}.md",
        "file_name": f"{number}.md",
        "media_type": "text/markdown",
        "size": sum(map(len, texts)),
        "sha256": hashlib.sha256(str(number).encode()).hexdigest(),
        "text": "\n\n".join(texts),
        "chunk_count": len(texts),
        "state": DocumentVersion.State.EMBEDDED,
    }


def _chunk(number: int, text: str, splitter: str) -> dict[str, Any]:
    ordinal = number % PASSAGES
    return {
        "id": uuid.UUID(int=number + 1),
        "version_id": number // PASSAGES + 1,
        "splitter": splitter,
        "ordinal": ordinal,
        "start": ordinal * 1000,
        "end": ordinal * 1000 + len(text),
        "text": text,
        "tokens": len(text) // 5,
        "content_hash": _hash(number),
    }


def _vector(number: int, vector: np.ndarray) -> dict[str, Any]:
    return {
        "id": number + 1,
        "content_hash": _hash(number),
        "model": conf.fingerprint(),
        "dimension": len(vector),
        "vector": vector.astype("<f4").tobytes(),
    }


def _hash(number: int) -> str:
    return hashlib.sha256(f"passage {number}".encode()).hexdigest()


def _insert(model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    """Rows with given keys by one prepared statement; what is not given has the field's default."""
    options = model._meta  # noqa: SLF001  (Django documents it as public)
    fields = options.concrete_fields
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    table = connection.ops.quote_name(options.db_table)
    values = [
        tuple(
            field.get_db_prep_save(
                row[field.attname] if field.attname in row else _default(field), connection
            )
            for field in fields
        )
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)


def _default(field: Any) -> Any:
    is_time = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    return timezone.now() if is_time else field.get_default()


def build(order: dict[str, Any]) -> None:
    """Rows and stored vectors into an active release."""
    with step() as taken:
        done = indexing.build_index()
    active = IndexBuild.objects.get(state=IndexBuild.State.ACTIVE)
    assert done, "nothing was built"
    assert active.vectors == order["chunks"], active.vectors
    tell(build=as_plain(taken), bytes=active.bytes)


def ask(order: dict[str, Any]) -> None:
    reader = User.objects.get(email=EMAIL)
    questions = itertools.cycle(_lines(order["questions"]))
    found = search(next(questions), user=reader, limit=TOP)
    tell(start=round(seconds_since_start(), 2), found=len(found.passages))
    assert not found.degraded, found.degraded

    def answer(query: str) -> None:
        search(query, user=reader, limit=TOP)

    for _ in range(5):
        answer(next(questions))
    for callers in order["callers"]:
        tell(load=as_plain(load(answer, questions, callers, order["seconds"], order["most"])))
    tell(pss=round(pss_mb()))


def ingest(order: dict[str, Any]) -> None:
    """New texts through the services and the work of a worker, until a search finds them."""
    new = _lines(order["new"])
    conf.embedder().embed_passages(["warm up"])  # a worker has its model loaded
    search("warm up", user=None)
    with step() as taken:
        last = _add_documents(new)
        for version_id in indexing.due_version_ids(len(new)):
            indexing.process_version(version_id)
        with step() as built:
            indexing.build_index()
    found = search(" ".join(new[-1].split()[:20]), user=None, limit=TOP)
    assert last in {passage.document_id for passage in found.passages}, "it is not found"
    tell(ingest={**as_plain(taken), "passages": len(new)}, publish=as_plain(built))


def _add_documents(texts: list[str]) -> int:
    for at in range(0, len(texts), PASSAGES):
        content = "\n\n".join(texts[at : at + PASSAGES])
        made = add_document(NewDocument(title=f"New {at}", content=content), owner=None)
    return made.pk


def _lines(path: str) -> list[str]:
    with Path(path).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main() -> None:
    name, path = sys.argv[1:]
    order = json.loads(Path(path).read_text(encoding="utf-8"))
    {"fill": fill, "build": build, "ask": ask, "ingest": ingest}[name](order)


if __name__ == "__main__":
    main()
