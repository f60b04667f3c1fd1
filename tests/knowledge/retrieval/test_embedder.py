"""The local model: found without a network, checked, shared by threads."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from knowledge.retrieval import models
from knowledge.retrieval.embedder import (
    LocalEmbedder,
    LocalOptions,
    count_tokens_fast,
    local_fingerprint,
)
from knowledge.retrieval.types import EmbedderUnavailable
from tests.prepared import PREPARED_MODELS

NAME = "all-MiniLM-L6-v2"


@pytest.fixture(scope="module", params=["onnx", "torch"])
def embedder(request):
    return LocalEmbedder(NAME, LocalOptions(runtime=request.param, root=PREPARED_MODELS))


def test_the_model_is_known_without_loading_it(embedder):
    assert embedder.fingerprint == local_fingerprint(NAME) == "all-MiniLM-L6-v2@53aa51172d14"
    assert (embedder.dimension, embedder.max_tokens) == (384, 256)
    assert (embedder.metric, embedder.query_prefix, embedder.passage_prefix) == ("cosine", "", "")
    assert embedder.name == NAME
    assert LocalEmbedder("sentence-transformers/all-MiniLM-L6-v2").fingerprint == (
        embedder.fingerprint
    )


def test_tokens_are_counted_without_a_limit(embedder):
    for count in (count_tokens_fast(NAME), embedder.count_tokens):
        assert count("") == 2
        assert count("hello world") == 4
        assert count("word " * 1000) == 1002


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = (
        "import sys; from knowledge.retrieval.embedder import *; "
        "import knowledge.retrieval.retriever, knowledge.retrieval.backends.files; "
        f"e = LocalEmbedder({NAME!r}); e.fingerprint, e.dimension, e.count_tokens('a'); "
        "print({'torch', 'sentence_transformers', 'onnxruntime', 'faiss', 'django'} "
        "& set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_model_that_is_not_here_is_unavailable_and_not_downloaded():
    with pytest.raises(EmbedderUnavailable, match="not on this machine"):
        LocalEmbedder("nobody/no-such-model").embed_query("x")
    with pytest.raises(EmbedderUnavailable):
        local_fingerprint("nobody/no-such-model")


def test_another_models_hash_is_that_of_its_weights(tmp_path):
    (tmp_path / "config.json").write_text('{"hidden_size": 8}')
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    first = local_fingerprint(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    assert local_fingerprint(str(tmp_path)) != first
    assert first.startswith(f"{tmp_path.name}@")
    assert LocalEmbedder(str(tmp_path)).dimension == 8
    with pytest.raises(EmbedderUnavailable):
        LocalEmbedder(str(tmp_path)).embed_query("x")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("modules.json", '[{"type": "x"}]'),
        ("modules.json", "[1, 2]"),
        ("config.json", "no json"),
        ("config.json", "[]"),
        ("tokenizer.json", "{}"),
    ],
)
def test_a_folder_that_is_no_model_is_unavailable(tmp_path, file, content):
    (tmp_path / "config.json").write_text('{"hidden_size": 8, "model_type": "bert"}')
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / file).write_text(content)
    with pytest.raises(EmbedderUnavailable):
        LocalEmbedder(str(tmp_path), LocalOptions(root=tmp_path / "models")).embed_query("x")
    if file == "tokenizer.json":
        with pytest.raises(EmbedderUnavailable, match="tokenizer"):
            LocalEmbedder(str(tmp_path)).count_tokens("x")


def test_a_damaged_bundled_model_is_refused(monkeypatch):
    monkeypatch.setattr(models, "BUNDLED_SHA256", "0" * 64)
    with pytest.raises(EmbedderUnavailable, match="damaged"):
        LocalEmbedder(NAME).embed_query("x")


@pytest.mark.model
def test_vectors_have_unit_length_and_keep_the_order(embedder):
    texts = ["A cat sleeps. " * 60, "dog", "", "The economy grew by two percent.", "cat"]
    vectors = embedder.embed_passages(texts)
    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)
    assert vectors[4] @ vectors[0] > vectors[4] @ vectors[3]
    assert embedder.embed_query("dog") == pytest.approx(vectors[1], abs=1e-4)
    assert embedder.embed_passages([]).shape == (0, 384)


@pytest.mark.model
def test_many_threads_get_their_own_vectors(embedder):
    words = [f"word {number}" for number in range(24)]
    expected = embedder.embed_passages(words)
    with ThreadPoolExecutor(8) as pool:
        found = np.stack(list(pool.map(embedder.embed_query, words)))
    assert found == pytest.approx(expected, abs=1e-4)
