"""Settings into embedders, the model made ready, and earlier releases asked with their own."""

import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from core import starting
from knowledge import conf, indexing
from knowledge.checks import embedding_model_is_there
from knowledge.embedders import forget
from knowledge.indexing import vectors
from knowledge.models import DocumentVersion, Embedding
from knowledge.retrieval.embedder import EmbedderUnavailable, LocalEmbedder, RemoteEmbedder
from knowledge.retrieval.embedder.prepared import find
from knowledge.search import query_vectors as asking
from knowledge.search import search
from knowledge.services import NewDocument, add_document
from tests.embedding_server import Reply, embedding_server
from tests.knowledge.conftest import LEAVE
from tests.knowledge.retrieval.tiny_models import Tiny, make_model

__all__ = ["embedding_server"]

pytestmark = [pytest.mark.model, pytest.mark.django_db]

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = "all-MiniLM-L6-v2@53aa51172d14"


@pytest.fixture(autouse=True)
def _fresh():
    forget()
    yield
    forget()


@pytest.fixture
def by_server(settings, tmp_path, embedding_server):
    settings.EMBEDDING_PROVIDER = "openai"
    settings.EMBEDDING_BASE_URL = embedding_server.url
    settings.EMBEDDING_MODEL = "words-1"
    settings.EMBEDDING_API_KEY = "secret"
    settings.MODELS_DIR = tmp_path / "models"
    forget()
    return embedding_server


@pytest.fixture
def tiny(settings, tmp_path):
    """A tiny model that the settings name, run by torch."""
    settings.MODELS_DIR = tmp_path / "models"
    settings.EMBEDDING_RUNTIME = "torch"
    settings.EMBEDDING_MODEL = str(make_model(tmp_path / "tiny"))
    forget()
    return settings.EMBEDDING_MODEL


def prepare(**options):
    said = StringIO()
    call_command("prepare_model", stdout=said, **options)
    return said.getvalue()


def test_the_bundled_model_is_prepared_once_and_needs_no_torch(settings):
    prepare()
    assert "prepared already" in prepare()
    assert prepare(quick=True) == ""
    assert find(settings.MODELS_DIR, BUNDLED).recipe.dimension == 384
    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'core.settings'; "
        "django.setup(); from pathlib import Path; from django.conf import settings; "
        f"settings.MODELS_DIR = Path({str(settings.MODELS_DIR)!r}); "
        "from knowledge import conf; from knowledge.search.query_vectors import *; "
        f"v = query_vector('annual leave', {BUNDLED!r}); e = conf.embedder(); "
        "e.embed_passages(['a passage']); "
        "print(e.runtime, v.shape, sorted({'torch', 'transformers', 'sentence_transformers'} "
        "& set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "onnx (384,) []"


def test_the_bundled_model_ranks_as_it_should():
    embedder = conf.embedder()
    assert embedder.runtime == "onnx"
    passages = embedder.embed_passages([LEAVE, "The printer stands on the second floor."])
    scores = passages @ embedder.embed_query("How many days of annual leave do I have?")
    assert scores[0] > scores[1] + 0.2


def test_up_prepares_the_model_and_says_so(settings, tmp_path, tiny):
    settings.EMBEDDING_RUNTIME = "auto"
    said = []
    starting.prepare(said.append)
    assert any("Preparing the embedding model" in line for line in said)
    assert find(settings.MODELS_DIR, conf.fingerprint()) is not None
    said.clear()
    starting.prepare(said.append)
    assert not any("model" in line for line in said)


def test_what_cannot_be_prepared_stops_no_start(settings, tmp_path, tiny):
    settings.EMBEDDING_RUNTIME = "auto"
    settings.EMBEDDING_MODEL = str(make_model(tmp_path / "dense", Tiny(dense=16)))
    assert prepare(quick=True) == ""
    with pytest.raises(CommandError, match="PyTorch runs it"):
        prepare()
    settings.EMBEDDING_MODEL = "no/such-model"
    assert prepare(quick=True) == ""
    with pytest.raises(CommandError, match="not on this machine"):
        prepare()
    settings.EMBEDDING_RUNTIME = "torch"
    assert "without preparation" in prepare()


def test_prefixes_of_the_settings_reach_the_model(settings, tiny):
    plain = conf.embedder().embed_query("query: cat")
    before = conf.fingerprint()
    settings.EMBEDDING_QUERY_PREFIX, settings.EMBEDDING_PASSAGE_PREFIX = "query: ", "passage: "
    forget()
    assert conf.embedder().embed_query("cat") == pytest.approx(plain, abs=1e-5)
    assert conf.fingerprint() == conf.embedder().fingerprint != before


def test_an_earlier_model_is_asked_as_long_as_it_is_here(settings, tmp_path, tiny):
    earlier = conf.embedder()
    expected = earlier.embed_query("annual leave")
    settings.EMBEDDING_MODEL = str(make_model(tmp_path / "next", Tiny(seed=8)))
    forget()
    assert conf.fingerprint() != earlier.fingerprint
    again = conf.embedder_for(earlier.fingerprint)
    assert again is conf.embedder_for(earlier.fingerprint)
    assert again.embed_query("annual leave") == pytest.approx(expected, abs=1e-5)
    found = asking.query_vector("annual leave", earlier.fingerprint)
    assert found == pytest.approx(expected, abs=1e-5)
    assert conf.embedder_for("unheard-of@1") is None
    assert asking.query_vector("annual leave", "unheard-of@1") is None
    (tmp_path / "tiny" / "model.safetensors").unlink()
    forget()
    assert conf.embedder_for(earlier.fingerprint) is None


def test_a_release_answers_by_meaning_while_the_next_model_is_set(
    settings, tmp_path, tiny, add_text, alice
):
    add_text("Leave", LEAVE)
    first = search("annual leave", user=alice)
    settings.EMBEDDING_MODEL = str(make_model(tmp_path / "next", Tiny(seed=8)))
    forget()
    found = search("annual leave", user=alice)
    assert found.degraded == ()
    assert found.passages[0].scores.dense == pytest.approx(first.passages[0].scores.dense)


def test_a_server_embeds_documents_and_questions(by_server, add_text, alice):
    add_text("Leave", LEAVE)
    add_text("Printer", "The printer stands on the second floor. " * 5)
    found = search("How many days of annual leave?", user=alice)
    assert found.degraded == ()
    assert found.passages[0].title == "Leave"
    assert set(Embedding.objects.values_list("dimension", flat=True)) == {64}
    host = by_server.url.removeprefix("http://").removesuffix("/v1")
    assert conf.fingerprint() == f"words-1@{host}"
    assert set(by_server.keys) == {"secret"}


def test_a_build_that_breaks_off_goes_on_where_it_was(by_server):
    embedder = conf.embedder()
    texts = {f"hash {number}": f"text number {number}" for number in range(vectors.BATCH * 3)}
    by_server.script = [*([Reply()] * 2), Reply(401)]
    with pytest.raises(EmbedderUnavailable):
        vectors.fill(texts, embedder, lambda done: None)
    stored = Embedding.objects.count()
    assert 0 < stored < len(texts)
    by_server.script = [Reply()]
    by_server.requests.clear()
    missing = vectors.missing(list(texts), embedder.fingerprint)
    assert len(missing) == len(texts) - stored
    vectors.fill({each: texts[each] for each in missing}, embedder, lambda done: None)
    assert Embedding.objects.count() == len(texts)
    asked = [text for request in by_server.requests for text in request["input"]]
    assert len(asked) == len(missing)


def test_a_server_whose_dimension_changes_in_the_middle_stops_the_build(by_server):
    embedder = conf.embedder()
    texts = {f"hash {number}": f"text number {number}" for number in range(vectors.BATCH * 3)}
    by_server.script = [Reply(), Reply(), Reply(dimension=32)]
    with pytest.raises(EmbedderUnavailable, match="32 numbers, not 64"):
        vectors.fill(texts, embedder, lambda done: None)
    assert set(Embedding.objects.values_list("dimension", flat=True)) == {64}


def test_a_document_waits_for_a_server_that_is_down(by_server, alice):
    by_server.script = [Reply(401)]
    document = add_document(NewDocument(title="Leave", content=LEAVE), owner=None)
    version = document.versions.get()
    indexing.process_version(version.pk)
    version.refresh_from_db()
    assert version.state == DocumentVersion.State.QUEUED
    DocumentVersion.objects.update(due_at=timezone.now())
    by_server.script = [Reply()]
    indexing.process_version(version.pk)
    indexing.build_index()
    assert search("annual leave", user=alice).passages[0].title == "Leave"


def test_a_model_for_dot_products_goes_through(settings, tmp_path, tiny, add_text, alice):
    made = make_model(tmp_path / "dot", Tiny(similarity="dot", is_normalised=False))
    settings.EMBEDDING_MODEL = str(made)
    forget()
    add_text("Leave", LEAVE)
    add_text("Printer", "The printer stands on the second floor. " * 5)
    lengths = [
        np.linalg.norm(np.frombuffer(row, dtype="<f4"))
        for row in Embedding.objects.values_list("vector", flat=True)
    ]
    assert min(lengths) > 1.5
    embedder = conf.embedder()
    question = "annual leave days"
    found = search(question, user=alice)
    assert found.degraded == ()
    assert {passage.title for passage in found.passages} >= {"Leave"}
    assert 0 <= found.answerable <= 1
    assert embedder.metric == "dot"


def test_a_prefixed_model_goes_through(settings, tmp_path, tiny, add_text, alice):
    prompts = {"query": "query: ", "passage": "passage: "}
    settings.EMBEDDING_MODEL = str(make_model(tmp_path / "prefixed", Tiny(prompts=prompts)))
    forget()
    add_text("Leave", LEAVE)
    assert conf.embedder().passage_prefix == "passage: "
    assert "+" in Embedding.objects.values_list("model", flat=True).first()
    assert search("annual leave", user=alice).degraded == ()


def test_checks_say_what_is_missing_and_ask_no_server(settings, by_server):
    assert embedding_model_is_there(None) == []
    settings.EMBEDDING_MODEL, settings.EMBEDDING_BASE_URL = "all-MiniLM-L6-v2", ""
    settings.EMBEDDING_API_KEY = ""
    assert [each.id for each in embedding_model_is_there(None)] == [
        "knowledge.W002",
        "knowledge.W003",
    ]
    settings.EMBEDDING_PROVIDER, settings.EMBEDDING_RUNTIME = "local", "onnx"
    assert embedding_model_is_there(None) == []
    settings.EMBEDDING_DEVICE = "cuda"
    assert [each.id for each in embedding_model_is_there(None)] == ["knowledge.W004"]
    assert by_server.requests == []


def test_the_settings_choose_the_kind_of_embedder(settings, by_server):
    assert isinstance(conf.embedder(), RemoteEmbedder)
    assert by_server.requests == []
    settings.EMBEDDING_PROVIDER = "local"
    forget()
    assert isinstance(conf.embedder(), LocalEmbedder)
