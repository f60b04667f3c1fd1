"""What the documents answer is told from what they do not, in a corpus of a few pages too."""

import pytest

from knowledge.retrieval.answerability import LINE, shipped, signals_of
from knowledge.retrieval.calibration import THRESHOLD, Features, HitFeatures, relevance
from knowledge.retrieval.embedder import LocalEmbedder
from knowledge.retrieval.retriever import RetrieverConfig, retrieve
from tests.knowledge.retrieval.making import index

MANUAL = [
    "To add a document, choose its file under Documents. Markdown, text, HTML and PDF are taken.",
    "Delete the account under Settings. Your conversations and your name are removed for good.",
    "A document may be limited to groups. Only members of these groups find it in their answers.",
    "Conversations are kept for thirty days after the last message, then they are deleted.",
    "A footnote opens the passage of the document that the sentence rests on, highlighted.",
    "Sign up with an e-mail address and a password of at least eight characters.",
    "The index is built again when documents change. An earlier build can be activated.",
    "Press Stop to end an answer that is being written. What is written so far is kept.",
]


@pytest.fixture(scope="module")
def embedder():
    return LocalEmbedder("all-MiniLM-L6-v2")


@pytest.fixture(scope="module")
def manual(tmp_path_factory, embedder):
    return index(tmp_path_factory.mktemp("manual"), MANUAL, title="Manual", embedder=embedder)


def answerable(features):
    return shipped().judge(signals_of(features), 0.05).answerable


def ask(manual, embedder, question):
    vector = embedder.embed_query(question) if embedder else None
    return retrieve(question, vector, manual, manual.allow(None), RetrieverConfig())


@pytest.mark.model
@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("How do I add a document?", 0),
        ("Is PDF taken, or only Markdown?", 0),
        ("how do I remove my account", 1),
        ("Who can find a document?", 2),
        ("How long are conversations kept?", 3),
        ("stop an answer", 7),
    ],
)
def test_the_manuals_own_questions_are_answerable(manual, embedder, question, row):
    found = ask(manual, embedder, question)
    assert found.hits[0].row == row
    assert answerable(found.features) >= LINE
    assert found.hits[0].relevance >= THRESHOLD


@pytest.mark.model
@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of France?",
        "best pizza in Naples",
        "Who won the world cup in 2018?",
        "how do I bake a cake",
        "what is the weather today",
        "hello",
        "asdkjh qwe zxcv",
        "🙂",
    ],
)
def test_strangers_questions_are_not(manual, embedder, question):
    found = ask(manual, embedder, question)
    assert answerable(found.features) < LINE
    assert all(hit.relevance < THRESHOLD for hit in found.hits)


def test_without_vectors_words_decide(manual):
    assert answerable(ask(manual, None, "How do I add a document?").features) >= LINE
    assert answerable(ask(manual, None, "What is the capital of France?").features) < LINE
    assert ask(manual, None, "How do I add a document?").hits[0].dense is None


def test_more_likeness_is_never_less_likely():
    steps = [0.0, 0.2, 0.5, 0.8, 1.0]
    for judge, kind in ((answerable, Features), (relevance, HitFeatures)):
        for share in steps:
            rising = [judge(kind(dense, share)) for dense in steps]
            assert rising == sorted(rising)
            rising = [judge(kind(share, covered)) for covered in steps]
            assert rising == sorted(rising)
            rising = [judge(kind(None, covered)) for covered in steps]
            assert rising == sorted(rising)
            assert all(0 <= value <= 1 for value in rising)


def test_only_what_may_be_seen_is_judged_by(manual):
    question = "Is PDF taken, or only Markdown?"
    whole = retrieve(question, None, manual, manual.allow(None), RetrieverConfig()).features
    assert (whole.passages, whole.found > 1, whole.depth > 0.5) == (len(MANUAL), True, True)
    hidden = manual.allow(range(2, len(MANUAL) + 1))  # all but the first
    narrow = retrieve(question, None, manual, hidden, RetrieverConfig()).features
    assert narrow.passages == len(MANUAL) - 1
    assert narrow.found <= 1
    assert narrow.matched < whole.matched / 2
    nothing = retrieve("zebra", None, manual, hidden, RetrieverConfig())
    assert (nothing.hits, nothing.features) == ((), Features(passages=len(MANUAL) - 1))


def test_a_question_without_terms_has_no_depth(manual):
    found = retrieve("?", manual.vectors([0])[0], manual, manual.allow(None), RetrieverConfig())
    assert (found.features.found, found.features.matched, found.features.depth) == (0, 0.0, 0.0)


def test_a_broken_vector_leaves_the_words(manual):
    broken = manual.vectors([0])[0] * float("nan")
    found = retrieve("add a document", broken, manual, manual.allow(None), RetrieverConfig())
    assert found.hits[0].row == 0
    assert found.hits[0].dense is None
