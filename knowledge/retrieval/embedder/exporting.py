"""A sentence-transformers model as one fused ONNX graph that gives the same vectors.

    python -m knowledge.retrieval.embedder.exporting MODEL ROOT

Attention must be exported in its eager form and by the tracing exporter: only that pattern is
fused by onnxruntime's optimizer (Attention, SkipLayerNormalization, BiasGelu,
EmbedLayerNormalization), which is most of the gain. Whatever the graph, it is used only if its
vectors are those of sentence-transformers.
"""

import importlib
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.retrieval.embedder.onnx_encoder import OnnxEncoder
from knowledge.retrieval.embedder.prepared import (
    GRAPH,
    TOKENIZER,
    Prepared,
    failure_file,
    find,
    seal,
    sole_maker,
    versions,
)
from knowledge.retrieval.embedder.reference import REFERENCE_TEXTS
from knowledge.retrieval.embedder.torch_encoder import TorchEncoder
from knowledge.retrieval.jsonfiles import write_json
from knowledge.retrieval.models import (
    local_fingerprint,
    model_folder,
    recipe_of,
    tokenizer_file,
    verify_bundled,
    weights_sha256,
)
from knowledge.retrieval.recipes import Recipe
from knowledge.retrieval.types import EmbedderUnavailable, Vectors

LEAST_COSINE = 0.9999
_LENGTH_TOLERANCE = 1e-3  # of a vector's own length, where the metric is dot
_OPSET = 17  # the newest that the tracing exporter's patterns are fused in
_SEGMENTED = frozenset({"bert", "electra"})  # they add a vector for the first or second text


class NotTheSame(Exception):
    """The graph does not give the vectors of the model that it was made from."""


def prepare(model: str, root: Path) -> None:
    """Export, verify and publish a model, unless it is there.

    Raises:
        OSError: the disk does not take it; worth trying again.
        Exception: whatever the libraries raise on a model that they cannot export. It would come
            again, so it is noted beside the folder.
    """
    fingerprint = local_fingerprint(model)
    with sole_maker(root, fingerprint) as temporary:
        if find(root, fingerprint) is not None:
            return
        verify_bundled(model)
        try:
            least = _make(model, temporary, fingerprint)
        except (OSError, MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:
            said = {"versions": versions(), "reason": f"{type(error).__name__}: {error}"[:500]}
            write_json(failure_file(root, fingerprint), said)
            raise
        seal(
            temporary,
            fingerprint,
            recipe_of(model),
            {
                "source_sha256": weights_sha256(model),
                "verified": {"texts": len(REFERENCE_TEXTS), "least_cosine": least},
            },
        )
        failure_file(root, fingerprint).unlink(missing_ok=True)


def _make(model: str, folder: Path, fingerprint: str) -> float:
    """Write graph and tokenizer; returns the least cosine to the reference vectors."""
    recipe = recipe_of(model)
    expected = TorchEncoder.load(model, "cpu").encode(REFERENCE_TEXTS)
    shutil.copyfile(tokenizer_file(model), folder / TOKENIZER)
    raw = folder / "raw.onnx"
    network = _network(model, recipe)
    _export(network, recipe, raw)
    _fuse(raw, folder / GRAPH, network.config)
    raw.unlink()
    encoder = OnnxEncoder.open(Prepared(folder, fingerprint, recipe), recipe)
    return _compare(encoder.encode(REFERENCE_TEXTS), expected, recipe)


def _network(model: str, recipe: Recipe) -> Any:
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    network = transformers.AutoModel.from_pretrained(
        str(model_folder(model) / recipe.transformer),
        attn_implementation="eager",
        dtype=torch.float32,
        local_files_only=True,
        trust_remote_code=False,
    )
    return network.eval()


def _export(network: Any, recipe: Recipe, file: Path) -> None:
    torch: Any = importlib.import_module("torch")
    names = ["input_ids", "attention_mask"]
    if recipe.architecture in _SEGMENTED:
        names.append("token_type_ids")

    class Hidden(torch.nn.Module):  # type: ignore[misc]
        """Tensors in the order of ``names``, the last layer out."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, *tensors: Any) -> Any:
            return self.network(**dict(zip(names, tensors, strict=True))).last_hidden_state

    # Two rows of different lengths, so that nothing of the mask is folded into a constant. The
    # ids are any that each vocabulary has, but for 0 and 1, which may mean padding.
    ids = torch.tensor([[2, 5, 6, 7, 3], [2, 8, 9, 3, 3]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]])
    example = (ids, mask, torch.zeros_like(ids))[: len(names)]
    free = {0: "batch", 1: "length"}
    with torch.inference_mode():
        torch.onnx.export(
            Hidden().eval(),
            example,
            str(file),
            input_names=names,
            output_names=["hidden"],
            dynamic_axes=dict.fromkeys((*names, "hidden"), free),
            opset_version=_OPSET,
            dynamo=False,
        )


def _fuse(raw: Path, target: Path, config: Any) -> None:
    """Fuse the graph; the weights go into a file of their own, which processes map and share."""
    optimizer: Any = importlib.import_module("onnxruntime.transformers.optimizer")
    fused = optimizer.optimize_model(
        str(raw),
        model_type="bert",
        num_heads=int(config.num_attention_heads),
        hidden_size=int(config.hidden_size),
        opt_level=0,
    )
    fused.save_model_to_file(str(target), use_external_data_format=True)


def _compare(found: Vectors, expected: Vectors, recipe: Recipe) -> float:
    lengths, true_lengths = (np.linalg.norm(each, axis=1) for each in (found, expected))
    cosines = (found * expected).sum(axis=1) / (lengths * true_lengths)
    least = float(cosines.min())
    if not least >= LEAST_COSINE:  # NaN fails too
        raise NotTheSame(f"the least cosine to the reference vectors is {least:.6f}")
    if recipe.metric == "dot" and not np.allclose(lengths, true_lengths, rtol=_LENGTH_TOLERANCE):
        raise NotTheSame("the vectors have other lengths than the reference vectors")
    return least


def main() -> int:
    """For a process of its own; the reason of a failure is the last line of stderr."""
    warnings.simplefilter("ignore")  # the tracing exporter's, about what is verified below
    model, root = sys.argv[1:3]
    try:
        prepare(model, Path(root))
    except EmbedderUnavailable as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    except Exception as error:  # noqa: BLE001  (edge: a process; its parent logs the line)
        sys.stderr.write(f"\n{type(error).__name__}: {str(error)[:500]!r}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
