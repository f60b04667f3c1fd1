"""The path without torch: a prepared graph run by onnxruntime."""

import importlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from knowledge.retrieval.embedder.prepared import GRAPH, TOKENIZER, Prepared
from knowledge.retrieval.embedder.tokens import Ids, Tokens, padded
from knowledge.retrieval.recipes import Recipe
from knowledge.retrieval.types import EmbedderUnavailable, Vectors

# Tokens of one run, padding included. Measured on 256-token chunks, CPU ms each: 61 with one or
# two in a run, 71 with four, 97 with sixteen, whose layers no longer fit into the core's cache.
RUN_TOKENS = 512
# A run that is spread over threads hands work over some fifty times. Measured for a short question
# on two cores, p50 and CPU ms: 4.4 and 4.7 with one thread, 3.6 and 6.9 with two that sleep at each
# handing-over, 2.9 and 5.8 with two that wait this long first, 2.9 and 10 with ORT's own waiting.
_WAIT_MICROSECONDS = "50"


class OnnxEncoder:
    """Threads may share it; a call that fits one run is done in the caller's own thread.

    Passages are best embedded with one thread a run: two runs side by side finish sooner than one
    that is spread over two threads. A lone question has no run beside it: it is spread.
    """

    runtime = "onnx"

    def __init__(self, session: Any, tokens: Tokens, recipe: Recipe, threads: int) -> None:
        self.tokens = tokens
        self._session = session
        self._inputs = [each.name for each in session.get_inputs()]
        self._recipe = recipe
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="embedder")

    @classmethod
    def open(
        cls, prepared: Prepared, recipe: Recipe, threads: int = 1, spread: int = 1
    ) -> "OnnxEncoder":
        """Load a prepared model; raises EmbedderUnavailable.

        Args:
            prepared: its folder, complete and verified.
            recipe: how to use it; the one of its folder unless the model's has changed since.
            threads: runs side by side, of calls with many texts.
            spread: threads of each run.
        """
        try:
            runtime: Any = importlib.import_module("onnxruntime")
            options = runtime.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = spread, 1
            options.add_session_config_entry(
                "session.intra_op.spin_duration_us", _WAIT_MICROSECONDS
            )
            # The arena keeps the largest run's memory for ever: 300 MB after some passages.
            options.enable_cpu_mem_arena = False
            options.log_severity_level = 3
            session = runtime.InferenceSession(
                str(prepared.folder / GRAPH), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own have no common class
            raise EmbedderUnavailable(
                f"The prepared embedding model does not load ({type(error).__name__})."
            ) from error
        tokens = Tokens.load(
            prepared.folder / TOKENIZER,
            max_tokens=recipe.max_tokens,
            lowercases=recipe.lowercases,
        )
        return cls(session, tokens, recipe, threads)

    def encode(self, texts: Sequence[str], prefix: str = "") -> Vectors:
        """Vectors of the model's own length, shape (n, dimension), in the order of the texts."""
        vectors: Vectors = np.zeros((len(texts), self._recipe.dimension), dtype=np.float32)
        ids = self.tokens.ids([prefix + text for text in texts])
        runs = _runs([len(each) for each in ids])
        batches = [[ids[number] for number in run] for run in runs]
        done = map(self._run, batches) if len(runs) < 2 else self._pool.map(self._run, batches)
        for run, found in zip(runs, done, strict=True):
            vectors[run] = found
        return vectors

    def _run(self, batch: list[list[int]]) -> Vectors:
        ids, mask = padded(batch, self.tokens.pad)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        try:
            (hidden,) = self._session.run(None, {name: given[name] for name in self._inputs})
        except Exception as error:  # onnxruntime's own have no common class
            raise EmbedderUnavailable(
                f"The embedding model failed ({type(error).__name__})."
            ) from error
        return _pool(hidden, mask, self._recipe.pooling)


def _pool(hidden: Vectors, mask: Ids, pooling: str) -> Vectors:
    """The vectors of the tokens (n, length, d) as one of each text, padding left out."""
    pooled: Vectors
    if pooling == "cls":
        pooled = hidden[:, 0]
    elif pooling == "max":
        pooled = np.where(mask[:, :, None] == 1, hidden, -np.inf).max(axis=1)
    else:
        weights = mask[:, None, :].astype(np.float32)
        pooled = np.matmul(weights, hidden)[:, 0] / weights.sum(axis=2)
    return pooled


def _runs(lengths: Sequence[int]) -> list[list[int]]:
    """Numbers of texts by run: texts of like length together, none of RUN_TOKENS or more alone."""
    runs: list[list[int]] = []
    for number in sorted(range(len(lengths)), key=lambda each: lengths[each]):
        # Sorted, so that this one is the longest of its run.
        if runs and (len(runs[-1]) + 1) * lengths[number] <= RUN_TOKENS:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs[::-1]  # the longest first: the short ones fill the gaps at the end
