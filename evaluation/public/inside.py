"""What the process of one public set does, in its private installation."""

import json
import sys
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command

from evaluation.files.public import public_documents, public_questions
from evaluation.public.installation import FACTS, LINES, Order, is_complete, mark_complete
from evaluation.public.loading import Loaded, load
from evaluation.public.measuring import Task, measure
from evaluation.public.shelf import VectorShelf
from evaluation.public.variants import variants
from knowledge import conf, index_store
from knowledge.reader import fingerprint


def work(order: Order) -> None:
    """Load and index the set where that is not done yet, and ask its questions."""

    def say(words: str) -> None:
        sys.stderr.write(f"{order.name}: {words}\n")
        sys.stderr.flush()

    documents = public_documents(Path(order.set_folder))
    by_id = {document.id: document for document in documents}
    questions = public_questions(Path(order.set_folder), by_id)
    loaded = _loaded(order, documents, say)
    out = Path(order.out)
    asked = variants(order.name, questions, order.limit, across=order.across)
    with (out / LINES).open("w", encoding="utf-8") as lines:
        lost = measure(Task(order.name, by_id, order.methods), asked, lines, say)
    facts = {**asdict(loaded), "lost_spans": lost, "configuration": _configuration()}
    (out / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _loaded(order: Order, documents: Any, say: Any) -> Loaded:
    call_command("prepare_model", quick=True, stdout=StringIO())
    data = Path(settings.DATA_DIR)
    snapshot = index_store.current() if is_complete(data) else None
    if snapshot is not None:
        say(f"{snapshot.index.size} chunks are kept from an earlier run")
        return Loaded(len(documents), snapshot.index.size, 0.0)
    call_command("migrate", verbosity=0)
    model = f"{conf.fingerprint()} {settings.EMBEDDING_PASSAGE_PREFIX}"
    loaded = load(documents, VectorShelf(Path(order.vectors), model), say)
    mark_complete(data)
    return loaded


def _configuration() -> dict[str, Any]:
    return {
        "embedding_model": conf.fingerprint(),
        "splitter": conf.splitter_config().identity,
        "top_k": settings.TOP_K,
        "reranker": settings.RERANKER_MODEL,
        "query_expansion": settings.QUERY_EXPANSION,
        "reader": fingerprint(),
        "refused_answerable": settings.REFUSED_ANSWERABLE,
    }
