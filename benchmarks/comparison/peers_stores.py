"""Chroma, txtai and Haystack, as their own documentation puts them together."""
# ruff: noqa: PLC0415  (one library alone is imported, as each is measured in a process of its own)

from typing import Any

import numpy as np
from peer import TOP, Peer, model_folder


class Chroma(Peer):
    """PersistentClient, cosine HNSW, its SentenceTransformer function."""

    def ready(self) -> None:
        import chromadb
        from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

        self.library = chromadb
        self.model = SentenceTransformerEmbeddingFunction(
            model_name=model_folder(), normalize_embeddings=True
        )

    def _collection(self) -> Any:
        settings = self.library.Settings(anonymized_telemetry=False)
        client = self.library.PersistentClient(str(self.folder), settings)
        return client.get_or_create_collection(
            "passages", embedding_function=self.model, metadata={"hnsw:space": "cosine"}
        )

    def build(self, texts: list[str], vectors: np.ndarray) -> None:
        collection = self._collection()
        for at in range(0, len(texts), 5000):  # its own limit is a little above
            part = texts[at : at + 5000]
            ids = [str(at + number) for number in range(len(part))]
            collection.add(ids=ids, documents=part, embeddings=vectors[at : at + len(part)])

    def open(self) -> None:
        self.ready()
        self.collection = self._collection()

    def ask(self, query: str) -> list[str]:
        found: list[str] = self.collection.query(query_texts=[query], n_results=TOP)["documents"][0]
        return found

    def add(self, texts: list[str]) -> None:
        ids = [f"new-{number}" for number in range(len(texts))]
        self.collection.add(ids=ids, documents=texts)


class Txtai(Peer):
    """Embeddings with content, its defaults otherwise; behind a lock for several threads."""

    takes_turns = True

    def ready(self) -> None:
        from txtai import Embeddings

        settings = {"path": model_folder(), "content": True, "hybrid": self.is_hybrid}
        self.index = Embeddings(settings)
        self.index.model = self.index.model or self.index.loadvectors()

    def build(self, texts: list[str], vectors: np.ndarray) -> None:
        index = self.index
        stored = dict(zip(texts, vectors, strict=True))
        # The vectors are given: only for the time of the build nothing is encoded.
        encode = index.model.encode
        index.model.encode = lambda data, category=None: np.stack([stored[t] for t in data])
        index.index((str(number), text, None) for number, text in enumerate(texts))
        index.model.encode = encode
        index.save(str(self.folder / "index"))

    def open(self) -> None:
        from txtai import Embeddings

        self.index = Embeddings()
        self.index.load(str(self.folder / "index"))

    def ask(self, query: str) -> list[str]:
        return [found["text"] for found in self.index.search(query, TOP)]

    def add(self, texts: list[str]) -> None:
        self.index.upsert((f"new-{number}", text, None) for number, text in enumerate(texts))


class TxtaiHybrid(Txtai):
    """The same with its own BM25 beside."""

    is_hybrid = True


class Haystack(Peer):
    """InMemoryDocumentStore with its embedding retriever."""

    def ready(self) -> None:
        import haystack.document_stores.in_memory

        self.library = haystack

    def build(self, texts: list[str], vectors: np.ndarray) -> None:
        from haystack import Document
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        store = InMemoryDocumentStore(embedding_similarity_function="cosine")
        pairs = zip(texts, vectors.tolist(), strict=True)
        store.write_documents([Document(content=text, embedding=vector) for text, vector in pairs])
        store.save_to_disk(str(self.folder / "store.json"))

    def open(self) -> None:
        from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
        from haystack.document_stores.in_memory import InMemoryDocumentStore
        from haystack_integrations.components.embedders.sentence_transformers import (
            SentenceTransformersDocumentEmbedder,
            SentenceTransformersTextEmbedder,
        )

        self.store = InMemoryDocumentStore.load_from_disk(str(self.folder / "store.json"))
        self.texts = SentenceTransformersDocumentEmbedder(model=model_folder(), progress_bar=False)
        self.query = SentenceTransformersTextEmbedder(model=model_folder(), progress_bar=False)
        self.texts.warm_up()
        self.query.warm_up()
        self.retriever = InMemoryEmbeddingRetriever(self.store, top_k=TOP)

    def ask(self, query: str) -> list[str]:
        vector = self.query.run(text=query)["embedding"]
        found = self.retriever.run(query_embedding=vector)["documents"]
        return [document.content for document in found]

    def add(self, texts: list[str]) -> None:
        from haystack import Document

        documents = self.texts.run(documents=[Document(content=text) for text in texts])
        self.store.write_documents(documents["documents"])
