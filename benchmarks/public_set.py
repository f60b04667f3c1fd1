"""How often are the right document and the right passage among the sources?

Loads a public question set through the API as a user would, asks every question, and counts.

    python -m benchmarks.public_set ../shared/data/handbook_tts
    python -m benchmarks.public_set ../shared/data/squad2 --questions 300

A set is a folder with documents.jsonl.gz ({"id", "title", "text"}) and questions.jsonl.gz
({"question", "relevant": [{"document_id", "start"?, "end"?}], "answerable"}).
Reported beside the answers: the same counts for the first passages of the search call, upload
to searchable, and the search's own time as its callers see it.
"""

import argparse
import contextlib
import gzip
import json
import random
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.stage import percentile, stage


def read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def upload(client: httpx.Client, documents: list[dict[str, Any]]) -> tuple[dict[str, int], float]:
    """Add every document; returns their ids and the seconds until all of them were searchable."""
    started = time.monotonic()
    ids = {}
    for document in documents:
        body = {
            "title": document["title"][:200] or document["id"],
            "content": document["text"],
            "source": document["id"][:200],
        }
        answer = client.post("/api/knowledge/documents/", json=body)
        answer.raise_for_status()
        ids[document["id"]] = answer.json()["id"]
    while True:
        stats = client.get("/api/knowledge/stats/").json()
        if not stats["pending"]:
            break
        time.sleep(0.5)
    if stats["failed"]:
        print(f"failed documents: {stats['failed']}")
    print(f"documents {stats['documents']}, chunks {stats['chunks']}, index {stats['index']}")
    return ids, time.monotonic() - started


def squeeze(text: str) -> str:
    return " ".join(text.split())


def covers(content: str, gold: str) -> bool:
    """Whether a source shows at least half of the gold words, or lies inside them."""
    content, gold = squeeze(content), squeeze(gold)
    if not gold or not content:
        return False
    if gold in content or content in gold:
        return True
    words, shown = gold.split(), set(content.split())
    runs = [" ".join(words[i : i + 6]) in content for i in range(0, max(1, len(words) - 5), 3)]
    return sum(runs) >= len(runs) / 2 and len(set(words) & shown) >= len(set(words)) / 2


class Count:
    """Right documents and right passages among the sources of the questions asked."""

    def __init__(self) -> None:
        self.questions = self.spans = self.document = self.first = self.passage = 0

    def add(
        self,
        question: dict[str, Any],
        sources: list[dict[str, Any]],
        texts: dict[str, str],
        ids: dict[str, int],
    ) -> None:
        right = {ids[r["document_id"]] for r in question["relevant"] if r["document_id"] in ids}
        golds = [
            texts[r["document_id"]][r["start"] : r["end"]]
            for r in question["relevant"]
            if "start" in r
        ]
        self.questions += 1
        self.document += any(s["document_id"] in right for s in sources)
        self.first += bool(sources) and sources[0]["document_id"] in right
        if golds:
            self.spans += 1
            self.passage += any(
                s["document_id"] in right and covers(s["content"] or "", gold)
                for s in sources
                for gold in golds
            )

    def line(self, name: str) -> str:
        def share(part: int, whole: int) -> str:
            return f"{part / whole:.3f}" if whole else "  –  "

        return (
            f"{name:28} n={self.questions:4}  right document {share(self.document, self.questions)}"
            f"  first {share(self.first, self.questions)}"
            f"  right passage {share(self.passage, self.spans)} (n={self.spans})"
        )


def ask_all(
    client: httpx.Client,
    questions: list[dict[str, Any]],
    texts: dict[str, str],
    ids: dict[str, int],
) -> None:
    answered, searched, top1 = Count(), Count(), Count()
    refused = claimed = unanswerable = 0
    seconds, took = [], []
    for question in questions:
        text = question["question"][:5000]
        started = time.perf_counter()
        found = client.post("/api/knowledge/search/", json={"query": text, "top_k": 5})
        took.append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        answer = client.post("/api/chat/send/", json={"message": text}).json()
        seconds.append(time.perf_counter() - started)
        if not question["relevant"]:
            unanswerable += 1
            claimed += answer["outcome"] == "answered"
            continue
        refused += answer["outcome"] != "answered"
        answered.add(question, answer["sources"], texts, ids)
        searched.add(question, found.json()["results"], texts, ids)
        top1.add(question, found.json()["results"][:1], texts, ids)
    print(answered.line("sources of the answer"))
    print(searched.line("search, first 5 passages"))
    print(top1.line("search, first passage"))
    print(
        f"answerable but refused {refused} of {answered.questions};"
        f" unanswerable but answered {claimed} of {unanswerable}"
    )
    print(
        f"search call p50 {percentile(took, 0.5):.1f} ms, p99 {percentile(took, 0.99):.1f} ms;"
        f" answer p50 {percentile(seconds, 0.5):.2f} s, p95 {percentile(seconds, 0.95):.2f} s"
    )


def time_one_upload(client: httpx.Client) -> None:
    """From the upload of one more document until a search finds it."""
    needle = "The quibblestone depot opens at half past seven."
    started = time.monotonic()
    made = client.post(
        "/api/knowledge/documents/",
        json={"title": "Depot hours", "content": f"# Depot\n\n{needle}\n"},
    )
    made.raise_for_status()
    address = f"/api/knowledge/documents/{made.json()['id']}/"
    while client.get(address).json()["status"] != "ready":
        time.sleep(0.1)
    seconds = time.monotonic() - started
    body = {"query": "quibblestone depot", "top_k": 3}
    while (found := client.post("/api/knowledge/search/", json=body)).status_code == 429:
        time.sleep(int(found.headers["Retry-After"]))  # the questions used up the minute's limit
    assert found.json()["results"][0]["document_id"] == made.json()["id"]
    print(f"one more document, upload to searchable: {seconds:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--questions", type=int, default=0, help="ask a random sample of this many")
    arguments = parser.parse_args()
    documents = read(arguments.folder / "documents.jsonl.gz")
    questions = read(arguments.folder / "questions.jsonl.gz")
    if arguments.questions:
        questions = random.Random(7).sample(questions, min(arguments.questions, len(questions)))
    with stage() as running, contextlib.closing(running.client()) as client:
        ids, seconds = upload(client, documents)
        print(f"all {len(documents)} documents, upload to searchable: {seconds:.1f} s")
        ask_all(client, questions, {d["id"]: d["text"] for d in documents}, ids)
        time_one_upload(client)
        for name in running.processes:
            for command, megabytes in running.memory_mb(name):
                print(f"memory (unique) {name:7} {megabytes:5} MB  …{command}")


if __name__ == "__main__":
    main()
