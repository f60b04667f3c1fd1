"""LangChain and LlamaIndex, as their own documentation puts them together."""
# ruff: noqa: PLC0415  (one library alone is imported, as each is measured in a process of its own)

import pickle
from typing import Any

import numpy as np
from peer import DIMENSION, TOP, Peer, model_folder


class LangChain(Peer):
    """FAISS store (flat, L2) with HuggingFaceEmbeddings."""

    def ready(self) -> None:
        from langchain_community.vectorstores import FAISS
        from langchain_huggingface import HuggingFaceEmbeddings

        self.library = FAISS
        self.model = HuggingFaceEmbeddings(
            model_name=model_folder(), encode_kwargs={"normalize_embeddings": True}
        )

    def build(self, texts: list[str], vectors: np.ndarray) -> None:
        pairs = list(zip(texts, vectors.tolist(), strict=True))
        self.library.from_embeddings(pairs, self.model).save_local(str(self.folder))

    def open(self) -> None:
        self.ready()
        self.store = self.library.load_local(
            str(self.folder), self.model, allow_dangerous_deserialization=True
        )

    def ask(self, query: str) -> list[str]:
        return [found.page_content for found in self.store.similarity_search(query, k=TOP)]

    def add(self, texts: list[str]) -> None:
        self.store.add_texts(texts)


class LangChainEnsemble(LangChain):
    """EnsembleRetriever of BM25Retriever and the FAISS store, half and half."""

    is_hybrid = True

    def build(self, texts: list[str], vectors: np.ndarray) -> None:
        super().build(texts, vectors)
        self._words(texts)
        with (self.folder / "words.pickle").open("wb") as file:
            pickle.dump(self.words, file)

    def open(self) -> None:
        from langchain_classic.retrievers import EnsembleRetriever

        super().open()
        with (self.folder / "words.pickle").open("rb") as file:
            self.words = pickle.load(file)
        dense = self.store.as_retriever(search_kwargs={"k": TOP})
        self.retriever = EnsembleRetriever(retrievers=[self.words, dense], weights=[0.5, 0.5])

    def _words(self, texts: list[str]) -> None:
        from langchain_community.retrievers import BM25Retriever

        self.words = BM25Retriever.from_texts(texts, k=TOP)

    def ask(self, query: str) -> list[str]:
        return [found.page_content for found in self.retriever.invoke(query)[:TOP]]

    def add(self, texts: list[str]) -> None:
        super().add(texts)
        # It cannot be added to: it is made again of all texts.
        self._words([found.page_content for found in self.words.docs] + texts)


class LlamaIndex(Peer):
    """VectorStoreIndex with its default store."""

    def _store(self) -> Any:
        return None

    def ready(self) -> None:
        import llama_index.core
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        self.library = llama_index.core
        self.model = HuggingFaceEmbedding(model_name=model_folder())

    def build(self, texts: list[str], vectors: np.ndarray) -> None:
        from llama_index.core.schema import TextNode

        pairs = zip(texts, vectors.tolist(), strict=True)
        nodes = [TextNode(text=text, embedding=vector) for text, vector in pairs]
        store = self._store()
        context = self.library.StorageContext.from_defaults(vector_store=store) if store else None
        index = self.library.VectorStoreIndex(
            nodes, embed_model=self.model, storage_context=context
        )
        index.storage_context.persist(str(self.folder))

    def open(self) -> None:
        self.ready()
        context = self.library.StorageContext.from_defaults(
            vector_store=self._opened(), persist_dir=str(self.folder)
        )
        self.index = self.library.load_index_from_storage(context, embed_model=self.model)
        self.retriever = self.index.as_retriever(similarity_top_k=TOP)

    def _opened(self) -> Any:
        return None

    def ask(self, query: str) -> list[str]:
        return [found.node.get_content() for found in self.retriever.retrieve(query)]

    def add(self, texts: list[str]) -> None:
        from llama_index.core.schema import TextNode

        self.index.insert_nodes([TextNode(text=text) for text in texts])


class LlamaIndexFaiss(LlamaIndex):
    """The same with FaissVectorStore (flat, inner product)."""

    def _store(self) -> Any:
        import faiss
        from llama_index.vector_stores.faiss import FaissVectorStore

        return FaissVectorStore(faiss_index=faiss.IndexFlatIP(DIMENSION))

    def _opened(self) -> Any:
        from llama_index.vector_stores.faiss import FaissVectorStore

        return FaissVectorStore.from_persist_dir(str(self.folder))
