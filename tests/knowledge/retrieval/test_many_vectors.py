"""Above some thousands of rows compressed codes are scanned first: nothing may be lost by it."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.retrieval.backends.files import FileIndex, FilesEngine, Options
from knowledge.retrieval.types import IndexUnusable
from tests.knowledge.retrieval.making import scattered

ROWS = 6000
DOCUMENTS = ROWS // 4
OPTIONS = Options(exact_up_to=1000)
STORED = scattered(ROWS)
MATRIX = np.stack([row.vector for row in STORED])
OWNERS = np.array([row.document_id for row in STORED])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("releases")
    FilesEngine(folder, OPTIONS).build("many", STORED, 64, {})
    return folder


@pytest.fixture(scope="module")
def many(root):
    return FilesEngine(root, OPTIONS).open("many", verify=True)


def by_scan(vector, documents, limit):
    """The nearest allowed rows as a multiplication with every vector finds them."""
    allowed = np.ones(ROWS, bool) if documents is None else np.isin(OWNERS, list(documents))
    scores = np.where(allowed, MATRIX @ vector, -np.inf)
    return np.argsort(-scores, kind="stable")[: min(limit, allowed.sum())].tolist()


def recall(index, documents, limit=10, questions=60):
    found = wanted = 0
    allowed = index.allow(documents)
    chance = np.random.default_rng(5)
    for _ in range(questions):
        vector = MATRIX[chance.integers(ROWS)] + 0.1 * chance.normal(size=64).astype(np.float32)
        expected = set(by_scan(vector, documents, limit))
        found += len(expected & {hit.row for hit in index.dense(vector, allowed, limit)})
        wanted += len(expected)
    return found / wanted


def readers():
    """Everyone, and readers of a half, a fifth, a hundredth and a thousandth of the documents."""
    chance = np.random.default_rng(9)
    everything = np.arange(1, DOCUMENTS + 1)
    nearness = -(MATRIX[2::4] @ MATRIX[0])
    yield "everyone", None
    for share in (0.5, 0.2, 0.01, 0.001):
        count = max(1, int(DOCUMENTS * share))
        yield f"{share} random", set(chance.choice(everything, count, replace=False).tolist())
        yield f"{share} related", set(everything[np.argsort(nearness)[:count]].tolist())
    yield "all but one", set(everything[1:].tolist())


def test_the_release_has_codes(root):
    assert (root / "many" / "base.codes").stat().st_size < ROWS * 40
    assert not (root / "many" / "recent.f32").exists()


@pytest.mark.parametrize("reader", list(readers()), ids=lambda reader: reader[0])
def test_recall_against_a_whole_scan_is_at_least_99_percent_for_everyone(many, reader):
    assert recall(many, reader[1]) >= 0.99
    assert recall(many, reader[1], limit=50, questions=20) >= 0.99


@settings(max_examples=40, deadline=None)
@given(
    st.sets(st.integers(-3, DOCUMENTS + 5), max_size=40),
    st.booleans(),
    st.integers(0, ROWS - 1),
    st.sampled_from([1, 10, 100, 2000]),
)
def test_rows_of_other_documents_never_come_back(many, chosen, is_left_out, row, limit):
    documents = set(range(1, DOCUMENTS + 1)) - chosen if is_left_out else chosen
    allowed = many.allow(documents)
    expected = np.isin(OWNERS, list(documents))
    assert np.array_equal(allowed.mask, expected)
    assert allowed.count == expected.sum()
    hits = many.dense(MATRIX[row], allowed, limit)
    assert len(hits) == min(limit, allowed.count)
    assert all(expected[hit.row] for hit in hits)
    assert len({hit.row for hit in hits}) == len(hits)
    if expected[row]:
        assert hits[0].row == row
        assert hits[0].score == pytest.approx(1.0, abs=1e-4)


def test_an_audience_is_the_same_as_a_set_a_list_or_an_array(many):
    chosen = [5, 700, 3, 10**6]
    masks = [
        many.allow(kind).mask
        for kind in (set(chosen), chosen, np.array(chosen), {*chosen, 2**80, -(2**70)})
    ]
    assert masks[0].sum() == 12
    assert all(np.array_equal(mask, masks[0]) for mask in masks[1:])


def test_without_faiss_numpy_finds_the_same_in_the_same_files(root, many):
    plain = FileIndex.open(root / "many", options=Options(with_faiss=False))
    for documents in (None, set(range(1, 900)), {4, 5, 6}):
        vector = MATRIX[17]
        found = plain.dense(vector, plain.allow(documents), 10)
        assert [hit.row for hit in found] == by_scan(vector, documents, 10)
    assert np.array_equal(plain.vectors([3, 17]), many.vectors([3, 17]))


def test_without_faiss_a_large_release_is_built_without_codes(tmp_path):
    engine = FilesEngine(tmp_path, Options(exact_up_to=100, with_faiss=False))
    engine.build("slow", STORED[:400], 64, {})
    assert not (tmp_path / "slow" / "base.codes").exists()
    for opened in (engine.open("slow"), FilesEngine(tmp_path).open("slow")):
        assert opened.dense(MATRIX[7], opened.allow(None), 1)[0].row == 7


@pytest.mark.parametrize("dimension", [3, 6, 30, 100, 513])
def test_vectors_of_any_length_have_codes(tmp_path, dimension):
    stored = scattered(1500, dimension=dimension)
    engine = FilesEngine(tmp_path, Options(exact_up_to=1000))
    engine.build("odd", stored, dimension, {})
    assert (tmp_path / "odd" / "base.codes").exists()
    index = engine.open("odd")
    matrix = np.stack([row.vector for row in stored])
    for row in range(0, 1500, 100):
        exact = np.sort(matrix @ matrix[row])[::-1][:5]
        hits = index.dense(matrix[row], index.allow(None), 5)
        assert [hit.score for hit in hits] == pytest.approx(exact.tolist(), abs=1e-4)


def test_damaged_codes_are_noticed(tmp_path):
    engine = FilesEngine(tmp_path, OPTIONS)
    engine.build("many", STORED[:1500], 64, {})
    path = tmp_path / "many" / "base.codes"
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    with pytest.raises(IndexUnusable, match="size"):
        engine.open("many")
    path.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    with pytest.raises(IndexUnusable, match="checksum"):
        engine.open("many", verify=True)
    path.write_bytes(b"\0" * len(whole))
    with pytest.raises(IndexUnusable, match="read"):
        engine.open("many")


def test_many_threads_find_what_one_finds(many):
    audiences = [many.allow(documents) for _, documents in readers()]
    questions = [(row, allowed) for row in range(0, 400, 10) for allowed in audiences]
    expected = [many.dense(MATRIX[row], allowed, 10) for row, allowed in questions]
    found: dict[int, list] = {}

    def ask(thread):
        for at in range(thread, len(questions), 8):
            row, allowed = questions[at]
            found[at] = many.dense(MATRIX[row], allowed, 10)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[at] for at in range(len(questions))] == expected
