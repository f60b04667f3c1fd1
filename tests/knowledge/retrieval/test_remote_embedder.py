"""An embedding server that works, is full, hangs, lies or has become another."""

import time
from dataclasses import replace
from email.utils import formatdate
from itertools import pairwise

import numpy as np
import pytest

from knowledge.retrieval.embedder import (
    EmbedderRefused,
    EmbedderUnavailable,
    RemoteEmbedder,
    RemoteOptions,
    Server,
    count_tokens_fast,
)
from knowledge.retrieval.embedder.calls import FOR_PASSAGES, Patience
from knowledge.retrieval.embedder.estimate import cut, estimate_tokens
from tests.embedding_server import EmbeddingServer, Reply, embedding_server
from tests.fakes import BagOfWordsEmbedder

__all__ = ["embedding_server"]

QUICK = Patience(attempts=4, seconds=1.0, first_pause=0.01, longest_pause=0.05)
ONCE = replace(QUICK, attempts=1, seconds=0.5)
TEXTS = ["the cat sleeps", "rain falls on the roof", "error E-17", "annual leave"]


def embedder(server: EmbeddingServer, root=None, model="words-1", **fields):
    names = {"query_prefix", "passage_prefix", "max_tokens"}
    options = {name: fields.pop(name) for name in names & fields.keys()}
    return RemoteEmbedder(
        Server(model, server.url, **fields),
        RemoteOptions(root=root, passages=QUICK, queries=ONCE, **options),
    )


def test_vectors_come_back_in_order_and_at_length_one(embedding_server):
    vectors = embedder(embedding_server).embed_passages(TEXTS)
    fake = BagOfWordsEmbedder()
    fake.dimension = 64
    assert vectors == pytest.approx(fake.embed_passages(TEXTS), abs=1e-5)
    assert vectors.dtype == np.float32
    assert embedding_server.paths == ["/v1/embeddings"]
    assert embedding_server.requests[0] == {
        "model": "words-1",
        "input": TEXTS,
        "encoding_format": "float",
    }


def test_no_texts_are_no_request_once_the_dimension_is_known(embedding_server, tmp_path):
    assert embedder(embedding_server, tmp_path).embed_passages([]).shape == (0, 64)
    assert embedder(embedding_server, tmp_path).embed_passages([]).shape == (0, 64)
    assert len(embedding_server.requests) == 1


def test_the_dimension_is_asked_for_once_and_kept_for_later_processes(embedding_server, tmp_path):
    assert embedder(embedding_server, tmp_path).dimension == 64
    assert embedder(embedding_server, tmp_path).dimension == 64
    assert len(embedding_server.requests) == 1
    assert embedder(embedding_server, tmp_path, model="words-2").dimension == 64
    assert len(embedding_server.requests) == 2


def test_another_dimension_than_before_is_refused_with_what_to_do(embedding_server, tmp_path):
    first = embedder(embedding_server, tmp_path)
    first.embed_passages(TEXTS)
    embedding_server.script = [Reply(dimension=48)]
    for asked in (first, embedder(embedding_server, tmp_path)):
        with pytest.raises(EmbedderRefused, match=r"48 numbers, not 64.*EMBEDDING_MODEL"):
            asked.embed_passages(TEXTS)


def test_many_texts_go_in_several_requests(embedding_server):
    texts = [f"text number {number}" for number in range(80)]
    vectors = embedder(embedding_server).embed_passages(texts)
    assert [len(request["input"]) for request in embedding_server.requests] == [32, 32, 16]
    assert vectors[79] == pytest.approx(embedder(embedding_server).embed_query(texts[79]), abs=1e-5)


def test_long_texts_fill_a_request_sooner(embedding_server):
    embedder(embedding_server, max_tokens=4000).embed_passages(["word " * 3000] * 8)
    assert [len(request["input"]) for request in embedding_server.requests] == [5, 3]


def test_a_server_that_takes_fewer_texts_gets_fewer(embedding_server):
    embedding_server.most_texts = 3
    vectors = embedder(embedding_server).embed_passages([*TEXTS, "and one more"])
    assert vectors.shape == (5, 64)
    assert vectors[:4] == pytest.approx(embedder(embedding_server).embed_passages(TEXTS), abs=1e-5)


def test_one_text_that_is_too_much_is_refused(embedding_server):
    embedding_server.most_texts = 0
    with pytest.raises(EmbedderRefused, match="EMBEDDING_MAX_TOKENS"):
        embedder(embedding_server).embed_passages(["long"])


@pytest.mark.parametrize(
    "fault",
    [
        Reply(500),
        Reply(503),
        Reply(429),
        Reply(kind="garbage"),
        Reply(kind="shapeless"),
        Reply(kind="fewer"),
        Reply(kind="doubled"),
        Reply(kind="nan"),
        Reply(kind="cut"),
        Reply(kind="hang", delay=1.5),
    ],
    ids=lambda reply: f"{reply.status}-{reply.kind}",
)
def test_what_passes_is_tried_again(embedding_server, fault):
    embedding_server.script = [fault, fault, Reply()]
    assert embedder(embedding_server).embed_passages(TEXTS).shape == (4, 64)
    assert len(embedding_server.requests) == 3


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Reply(500), "status 500"),
        (Reply(kind="garbage"), "no list of vectors"),
        (Reply(kind="fewer"), "3 vectors for 4 texts"),
        (Reply(kind="doubled"), "4 vectors for 4 texts"),
        (Reply(kind="nan"), "no numbers"),
        (Reply(kind="cut"), "cannot be reached"),
        (Reply(kind="hang", delay=1.5), "in time"),
    ],
)
def test_what_does_not_pass_is_said(embedding_server, fault, words):
    embedding_server.script = [fault]
    with pytest.raises(EmbedderUnavailable, match=words) as caught:
        embedder(embedding_server).embed_passages(TEXTS)
    assert not isinstance(caught.value, EmbedderRefused)
    assert len(embedding_server.requests) == QUICK.attempts


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "EMBEDDING_API_KEY"), (403, "key"), (404, "EMBEDDING_MODEL"), (400, "status 400")],
)
def test_what_will_not_pass_is_tried_once(embedding_server, status, words):
    embedding_server.script = [Reply(status)]
    with pytest.raises(EmbedderRefused, match=words):
        embedder(embedding_server).embed_passages(TEXTS)
    assert len(embedding_server.requests) == 1


def test_a_server_that_is_not_there_is_unavailable():
    with EmbeddingServer() as gone:
        url = gone.url
    asked = RemoteEmbedder(Server("words-1", url), RemoteOptions(passages=QUICK))
    with pytest.raises(EmbedderUnavailable, match="cannot be reached"):
        asked.embed_passages(TEXTS)


def test_the_server_says_how_long_to_wait(embedding_server):
    embedding_server.script = [Reply(429, retry_after="1"), Reply()]
    embedder(embedding_server).embed_passages(TEXTS)
    first, second = embedding_server.times
    assert 1.0 <= second - first < 1.5


def test_the_server_may_say_it_as_a_date(embedding_server):
    in_two = formatdate(time.time() + 2, usegmt=True)
    embedding_server.script = [Reply(503, retry_after=in_two), Reply()]
    embedder(embedding_server).embed_passages(TEXTS)
    first, second = embedding_server.times
    assert 0.9 <= second - first < 2.5


def test_a_date_that_no_calendar_has_is_no_date(embedding_server):
    never = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"
    embedding_server.script = [Reply(429, retry_after=never), Reply()]
    embedder(embedding_server).embed_passages(TEXTS)
    assert len(embedding_server.requests) == 2


def test_who_asks_for_an_hour_is_left_to_a_later_build(embedding_server):
    embedding_server.script = [Reply(429, retry_after="3600")]
    with pytest.raises(EmbedderUnavailable, match="429"):
        embedder(embedding_server).embed_passages(TEXTS)
    assert len(embedding_server.requests) == 1


def test_pauses_grow(embedding_server):
    embedding_server.script = [Reply(500)]
    patience = Patience(attempts=5, seconds=1.0, first_pause=0.05, longest_pause=1.0)
    asked = RemoteEmbedder(Server("m", embedding_server.url), RemoteOptions(passages=patience))
    with pytest.raises(EmbedderUnavailable):
        asked.embed_passages(TEXTS)
    gaps = [after - before for before, after in pairwise(embedding_server.times)]
    assert all(gap < 0.05 * 2**number + 0.1 for number, gap in enumerate(gaps))
    assert FOR_PASSAGES.attempts >= 5


def test_a_question_is_asked_once(embedding_server):
    embedding_server.script = [Reply(500), Reply()]
    with pytest.raises(EmbedderUnavailable):
        embedder(embedding_server).embed_query("what now?")
    assert len(embedding_server.requests) == 1


def test_nvidia_is_told_what_a_text_is(embedding_server):
    asked = embedder(embedding_server, input_type="on")
    asked.embed_passages(TEXTS)
    asked.embed_query("who sleeps?")
    passage, query = embedding_server.requests
    assert (passage["input_type"], passage["truncate"]) == ("passage", "END")
    assert (query["input_type"], query["truncate"]) == ("query", "END")
    assert Server("m", "https://integrate.api.nvidia.com/v1").is_nvidia
    assert not Server("m", "https://nvidia.com.example.org/v1").is_nvidia


def test_a_server_that_asks_for_the_kind_of_text_is_told_from_then_on(embedding_server):
    embedding_server.needs_input_type = True
    asked = embedder(embedding_server)
    assert asked.embed_query("who sleeps?").shape == (64,)
    asked.embed_passages(TEXTS)
    kinds = [request.get("input_type") for request in embedding_server.requests]
    assert kinds == [None, "query", "passage"]


def test_a_server_that_must_not_be_told_is_not(embedding_server):
    embedding_server.knows_input_type = False
    embedder(embedding_server).embed_passages(TEXTS)
    assert len(embedding_server.requests) == 1
    with pytest.raises(EmbedderRefused):
        embedder(embedding_server, input_type="on").embed_passages(TEXTS)


def test_prefixes_go_before_questions_and_passages(embedding_server):
    asked = embedder(embedding_server, query_prefix="query: ", passage_prefix="passage: ")
    asked.embed_query("who sleeps?")
    asked.embed_passages(["the cat"])
    assert [request["input"] for request in embedding_server.requests] == [
        ["query: who sleeps?"],
        ["passage: the cat"],
    ]


def test_the_key_is_sent_as_a_bearer(embedding_server):
    embedding_server.key = "secret"
    embedder(embedding_server, api_key="secret").embed_query("a")
    with pytest.raises(EmbedderRefused):
        embedder(embedding_server, api_key="wrong").embed_query("a")
    with pytest.raises(EmbedderRefused):
        embedder(embedding_server).embed_query("a")
    assert embedding_server.keys == ["secret", "wrong", ""]


def test_the_fingerprint_names_server_model_and_prefix_but_no_key():
    def fingerprint(**fields):
        prefix = fields.pop("passage_prefix", "")
        server = Server(**{"model": "m-1", "base_url": "https://Api.Example.org/v1", **fields})
        return RemoteEmbedder(server, RemoteOptions(passage_prefix=prefix)).fingerprint

    plain = fingerprint()
    assert plain == "m-1@api.example.org" == fingerprint(api_key="secret")
    others = {
        fingerprint(model="m-2"),
        fingerprint(base_url="https://api.example.org:8443/v1"),
        fingerprint(base_url="https://api.example.org/other/v1"),
        fingerprint(passage_prefix="passage: "),
        fingerprint(input_type="on"),
    }
    assert len(others | {plain}) == 6
    assert fingerprint(base_url="") == "m-1@api.openai.com"


def test_texts_that_no_server_takes_are_made_sendable(embedding_server):
    asked = embedder(embedding_server, max_tokens=64)
    asked.embed_passages(["", "half a pair \ud83d", "long " * 500])
    empty, half, long = embedding_server.requests[0]["input"]
    assert empty == " "
    assert half == "half a pair ?"
    assert estimate_tokens(long) <= 64
    assert long.startswith("long long ")


def test_an_estimate_is_above_what_tokenizers_count():
    count = count_tokens_fast("all-MiniLM-L6-v2")
    texts = [
        "Employees may carry over five days of annual leave into the next calendar year. " * 5,
        "def estimate(text): return sum(1 for each in PIECES.finditer(text) if each)\n" * 8,
        "ERROR E-4711 XR/200.b 0x8F3A91C2 192.168.17.254 2024-05-17T08:15:00Z " * 6,
        "员工可以将五天年假结转到下一年。" * 10,
        "Сотрудник должен уведомить руководителя не позднее чем за две недели. " * 5,
        "🙂👍🏽 ¿qué? " * 20,
    ]
    for text in texts:
        assert count(text) <= estimate_tokens(text) <= 4 * count(text), text
        short = cut(text, 50)
        assert estimate_tokens(short) <= 50
        assert text.startswith(short)
    assert cut("short", 50) == "short"
