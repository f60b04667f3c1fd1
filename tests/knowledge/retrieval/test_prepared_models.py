"""Models that run without torch: equal to their originals, or not used at all."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from knowledge.retrieval.embedder import EmbedderUnavailable, LocalEmbedder, LocalOptions, exporting
from knowledge.retrieval.embedder import prepared as prepared_models
from knowledge.retrieval.embedder.onnx_encoder import RUN_TOKENS
from knowledge.retrieval.embedder.prepared import failure_file, find, folder_of
from knowledge.retrieval.models import local_fingerprint
from tests.knowledge.retrieval.tiny_models import Tiny, make_model

pytestmark = [
    pytest.mark.model,
    pytest.mark.filterwarnings("ignore"),  # the tracing exporter's
]

ROOT = Path(__file__).resolve().parents[3]
TEXTS = [
    "The cat sleeps.",
    "",
    "annual leave: 17 days",
    "rain falls on the roof " * 30,
    "員工年假",
    "Zürich? déjà",
    *(f"the dog runs {number}" for number in range(60)),
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def root(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    exporting.prepare(str(tiny), folder)
    return folder


def by_torch(model, **options):
    return LocalEmbedder(str(model), LocalOptions(runtime="torch", **options))


def by_onnx(model, root, **options):
    return LocalEmbedder(str(model), LocalOptions(runtime="onnx", root=root, **options))


def assert_same(found, expected):
    assert found.embed_passages(TEXTS) == pytest.approx(expected.embed_passages(TEXTS), abs=2e-4)
    assert found.embed_query(TEXTS[2]) == pytest.approx(expected.embed_query(TEXTS[2]), abs=2e-4)
    assert found.embed_passages([]).shape == (0, expected.dimension)
    assert found.fingerprint == expected.fingerprint
    assert (found.metric, found.max_tokens) == (expected.metric, expected.max_tokens)


def test_vectors_and_fingerprint_are_those_of_torch(tiny, root):
    found = by_onnx(tiny, root)
    assert found.runtime == "onnx"
    assert_same(found, by_torch(tiny))
    assert len({vector.tobytes() for vector in found.embed_passages(TEXTS)}) == len(TEXTS)


def test_the_graph_is_fused_and_its_weights_lie_beside_it(tiny, root):
    folder = folder_of(root, local_fingerprint(str(tiny)))
    assert {path.name for path in folder.iterdir()} == {
        "model.onnx", "model.onnx.data", "tokenizer.json", "manifest.json",
    }  # fmt: skip
    kinds = [
        node.op_type
        for node in importlib.import_module("onnx").load(str(folder / "model.onnx")).graph.node
    ]
    assert (kinds.count("Attention"), kinds.count("SkipLayerNormalization")) == (2, 4)
    assert (kinds.count("BiasGelu"), kinds.count("EmbedLayerNormalization")) == (2, 1)
    said = json.loads((folder / "manifest.json").read_text())
    assert said["verified"]["least_cosine"] >= 0.9999
    assert set(said["versions"]) == set(prepared_models.LIBRARIES)
    assert not [path for path in root.iterdir() if ".tmp-" in path.name]


@pytest.mark.parametrize(
    "tiny_model",
    [
        Tiny(pooling="cls"),
        Tiny(pooling="max"),
        Tiny(architecture="roberta", window=40),
        Tiny(architecture="distilbert"),
        Tiny(similarity="dot", is_normalised=False),
        Tiny(prompts={"query": "query: ", "passage": "passage: "}),
    ],
    ids=["cls", "max", "roberta", "distilbert", "dot", "prompts"],
)
def test_other_kinds_of_models_are_equal_too(tmp_path, tiny_model):
    model = make_model(tmp_path / "model", tiny_model)
    exporting.prepare(str(model), tmp_path)
    assert_same(by_onnx(model, tmp_path), by_torch(model))


def test_vectors_made_for_dot_products_keep_their_length(tmp_path):
    model = make_model(tmp_path / "dot", Tiny(similarity="dot", is_normalised=False))
    exporting.prepare(str(model), tmp_path)
    found = by_onnx(model, tmp_path)
    assert found.metric == "dot"
    lengths = np.linalg.norm(found.embed_passages(TEXTS), axis=1)
    assert lengths.max() > 1.5
    assert np.ptp(lengths) > 0.01


def test_a_model_that_ends_in_unit_vectors_is_compared_by_cosine(tmp_path):
    model = make_model(tmp_path / "unit", Tiny(similarity="dot"))
    assert LocalEmbedder(str(model)).metric == "cosine"
    strange = make_model(tmp_path / "far", Tiny(similarity="euclidean", is_normalised=False))
    with pytest.raises(EmbedderUnavailable, match="euclidean"):
        _ = LocalEmbedder(str(strange)).metric


def test_a_models_own_prompts_are_used_unless_others_are_set(tmp_path, tiny):
    prompts = {"query": "query: ", "passage": "passage: "}
    model = make_model(tmp_path / "prompts", Tiny(prompts=prompts))
    found = by_torch(model)
    assert (found.query_prefix, found.passage_prefix) == ("query: ", "passage: ")
    plain = by_torch(tiny)  # the same weights without the prompts
    assert found.embed_query("cat") == pytest.approx(plain.embed_query("query: cat"), abs=1e-5)
    expected = plain.embed_passages(["passage: cat"])
    assert found.embed_passages(["cat"]) == pytest.approx(expected, abs=1e-5)
    assert found.max_tokens == 48 - 2
    assert found.count_tokens("cat") == 3
    set_otherwise = by_torch(model, query_prefix="e: ", passage_prefix="the ")
    assert set_otherwise.embed_query("cat") == pytest.approx(plain.embed_query("e: cat"), abs=1e-5)


def test_the_prefix_of_passages_is_part_of_the_fingerprint(tiny):
    plain = by_torch(tiny).fingerprint
    assert by_torch(tiny, query_prefix="query: ").fingerprint == plain
    prefixed = by_torch(tiny, passage_prefix="passage: ").fingerprint
    assert prefixed.startswith(f"{plain}+")
    assert prefixed != by_torch(tiny, passage_prefix="text: ").fingerprint


@pytest.mark.parametrize(
    "tiny_model", [Tiny(dense=16), Tiny(pooling="lasttoken")], ids=["dense", "last token"]
)
def test_other_modules_go_by_torch(tmp_path, tiny_model):
    model = make_model(tmp_path / "model", tiny_model)
    found = LocalEmbedder(str(model), LocalOptions(root=tmp_path))
    assert found.runtime == "torch"
    assert found.embed_passages(TEXTS).shape == (len(TEXTS), found.dimension)
    with pytest.raises(EmbedderUnavailable, match="EMBEDDING_RUNTIME"):
        by_onnx(model, tmp_path).embed_query("a")


def test_a_graph_with_other_vectors_is_not_used_and_not_tried_again(tiny, tmp_path, monkeypatch):
    real = exporting._network

    def wrong(model, recipe):
        network = real(model, recipe)
        network.encoder.layer[1].output.dense.weight.data.mul_(1.2)
        return network

    monkeypatch.setattr(exporting, "_network", wrong)
    with pytest.raises(exporting.NotTheSame):
        exporting.prepare(str(tiny), tmp_path)
    fingerprint = local_fingerprint(str(tiny))
    assert find(tmp_path, fingerprint) is None
    assert "NotTheSame" in failure_file(tmp_path, fingerprint).read_text()
    found = LocalEmbedder(str(tiny), LocalOptions(root=tmp_path))
    began = time.monotonic()
    assert found.runtime == "torch"
    assert time.monotonic() - began < 5  # no export was begun


def test_a_failure_is_forgotten_with_other_libraries_and_after_a_day(tiny, tmp_path):
    failed = failure_file(tmp_path, local_fingerprint(str(tiny)))
    failed.write_text(json.dumps({"versions": prepared_models.versions(), "reason": "x"}))
    assert not prepared_models.may_prepare(tmp_path, str(tiny))
    os.utime(failed, (0, 0))
    assert prepared_models.may_prepare(tmp_path, str(tiny))
    failed.write_text(json.dumps({"versions": {"torch": "1.0"}}))
    assert prepared_models.may_prepare(tmp_path, str(tiny))
    failed.write_text("no json")
    assert prepared_models.may_prepare(tmp_path, str(tiny))


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "tokenizer.json"])
def test_a_damaged_file_is_made_again(tiny, tmp_path, name):
    exporting.prepare(str(tiny), tmp_path)
    folder = folder_of(tmp_path, local_fingerprint(str(tiny)))
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    assert find(tmp_path, local_fingerprint(str(tiny))) is None
    exporting.prepare(str(tiny), tmp_path)
    assert_same(by_onnx(tiny, tmp_path), by_torch(tiny))


def test_two_at_once_make_it_once_and_both_have_it(tiny, tmp_path):
    command = [sys.executable, "-m", "knowledge.retrieval.embedder.exporting", str(tiny)]
    both = [subprocess.Popen([*command, str(tmp_path)], cwd=ROOT) for _ in range(2)]
    assert [each.wait(120) for each in both] == [0, 0]
    assert find(tmp_path, local_fingerprint(str(tiny))) is not None
    assert not list(tmp_path.glob(".*.tmp-*"))


def test_a_maker_that_is_killed_leaves_nothing_that_is_used(tiny, tmp_path):
    command = [sys.executable, "-m", "knowledge.retrieval.embedder.exporting", str(tiny)]
    maker = subprocess.Popen([*command, str(tmp_path)], cwd=ROOT)
    until = time.monotonic() + 60
    while not list(tmp_path.glob(".*.tmp-*/raw.onnx")) and maker.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.002)
    maker.send_signal(signal.SIGKILL)
    maker.wait()
    fingerprint = local_fingerprint(str(tiny))
    if find(tmp_path, fingerprint) is None:  # it was not quicker than the signal
        assert list(tmp_path.glob(".*.tmp-*"))
        exporting.prepare(str(tiny), tmp_path)
    assert find(tmp_path, fingerprint) is not None
    assert not list(tmp_path.glob(".*.tmp-*"))


def test_a_full_disk_means_torch_today_and_another_try_later(tiny, tmp_path):
    code = (
        "import resource, sys; from pathlib import Path; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); "
        "from knowledge.retrieval.embedder import prepared; "
        f"print(prepared.ensure(Path({str(tmp_path)!r}), {str(tiny)!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "None"
    assert not list(tmp_path.glob(".*.tmp-*"))
    assert not failure_file(tmp_path, local_fingerprint(str(tiny))).exists()
    assert prepared_models.may_prepare(tmp_path, str(tiny))


def test_a_data_folder_that_cannot_be_written_means_torch(tiny, tmp_path):
    (tmp_path / "models").write_text("a file where the folder should be")
    found = LocalEmbedder(str(tiny), LocalOptions(root=tmp_path / "models"))
    assert found.runtime == "torch"


def test_neither_torch_nor_transformers_is_imported(tiny, root):
    code = (
        "import sys; from pathlib import Path; from knowledge.retrieval.embedder import *; "
        f"e = LocalEmbedder({str(tiny)!r}, LocalOptions(root=Path({str(root)!r}))); "
        "e.embed_query('a'); e.embed_passages(['b', 'c']); e.count_tokens('d'); "
        "print(e.runtime, sorted({'torch', 'transformers', 'sentence_transformers', 'onnx'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "onnx []"


def test_another_device_goes_by_torch(tiny, root):
    with pytest.raises(EmbedderUnavailable):
        LocalEmbedder(
            str(tiny), LocalOptions(root=root, device="cuda", runtime="onnx")
        ).embed_query("a")


def test_a_prepared_model_outlives_its_original(tiny, root, tmp_path):
    expected = by_onnx(tiny, root).embed_query("cat")
    made = find(root, local_fingerprint(str(tiny)))
    found = LocalEmbedder("/no/such/folder", LocalOptions(root=root), made)
    assert found.embed_query("cat") == pytest.approx(expected)
    assert found.fingerprint == local_fingerprint(str(tiny))
    assert found.count_tokens("cat") == 3


def test_a_run_never_has_more_tokens_than_it_should(tiny, root):
    found = by_onnx(tiny, root)
    encoder = found._loaded()
    shapes = []
    real = encoder._session.run
    encoder._session = type(
        "Counted",
        (),
        {
            "run": lambda _, names, given: (
                shapes.append(given["input_ids"].shape) or real(names, given)
            )
        },
    )()
    found.embed_passages(TEXTS)
    assert all(count * length <= RUN_TOKENS or count == 1 for count, length in shapes)
    assert sum(count for count, _ in shapes) == len(TEXTS)
