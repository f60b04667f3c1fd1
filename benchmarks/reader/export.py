"""Export trained weights as int8 ONNX with their calibration.

    python -m benchmarks.reader.export ../shared/data --trained DIR --out FOLDER
    python -m benchmarks.reader.export ../shared/data --trained DIR DIR --out FOLDER

Of several folders the mean of their weights is exported: of one training and of the one that went
on from it (Wortsman et al., "Model soups", 2022).
The graph is fused as the embedder's is, then quantised: weights int8 per output channel,
activations int8 with a scale of each run. The calibration is fitted on the exported graph, on the
held-out articles and on what search finds for their questions.
"""

import argparse
import importlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.fit_calibration import balanced, fit
from benchmarks.reader.measuring import features, sentence_loss, wandered
from benchmarks.reader.network import ReaderNetwork
from benchmarks.reader.sets import Question, load
from knowledge.retrieval.models import file_sha256
from knowledge.retrieval.reader.reader import LONGEST
from knowledge.retrieval.reader.weights import ABOUT, FORMAT, GRAPH

_OPSET = 17  # the newest that the tracing exporter's patterns are fused in
TEMPERATURES = (0.8, 1.0, 1.3)
NEUTRAL = {"bias": 0.0, "judged": 1.0, "pointed": 0.0, "temperature": 1.0}


def plain(network: ReaderNetwork, target: Path, *, joins_attention: bool = True) -> None:
    """The network as a fused graph of floats; the attention's weights joined, or left apart."""
    raw = target.with_suffix(".raw.onnx")
    ids = torch.tensor([[2, 5, 6, 7, 3], [2, 8, 9, 3, 3]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]])
    names = ["input_ids", "attention_mask", "token_type_ids"]
    free = {0: "batch", 1: "length"}
    with torch.inference_mode():
        torch.onnx.export(
            network.eval(),
            (ids, mask, torch.zeros_like(ids)),
            str(raw),
            input_names=names,
            output_names=["judged", "pointed"],
            dynamic_axes={**dict.fromkeys((*names, "pointed"), free), "judged": {0: "batch"}},
            opset_version=_OPSET,
            dynamo=False,
        )
    optimizer: Any = importlib.import_module("onnxruntime.transformers.optimizer")
    fusion: Any = importlib.import_module("onnxruntime.transformers.fusion_options")
    options = fusion.FusionOptions("bert")
    options.use_multi_head_attention = not joins_attention
    config = network.body.config
    fused = optimizer.optimize_model(
        str(raw), model_type="bert", num_heads=int(config.num_attention_heads),
        hidden_size=int(config.hidden_size), opt_level=0, optimization_options=options,
    )  # fmt: skip
    fused.save_model_to_file(str(target))
    raw.unlink()


def quantised(source: Path, target: Path) -> None:
    """The same with int8 weights; the two heads stay as they are, being tiny."""
    onnx: Any = importlib.import_module("onnx")
    quantization: Any = importlib.import_module("onnxruntime.quantization")
    graph = onnx.load(str(source)).graph
    sizes = {each.name: min(each.dims, default=0) for each in graph.initializer}
    products = [x for x in graph.node if x.op_type in {"MatMul", "Gemm"}]
    heads = [x.name for x in products if any(0 < sizes.get(y, 0) <= 2 for y in x.input)]
    heads += [f"{name}_MatMul" for name in heads]  # what the quantiser calls a Gemm's
    quantization.quantize_dynamic(
        str(source), str(target), weight_type=quantization.QuantType.QInt8, per_channel=True,
        nodes_to_exclude=heads,
        extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
    )  # fmt: skip


def load_trained(folders: Sequence[Path], attention: str = "eager") -> ReaderNetwork:
    """The network with the mean of the weights in these folders."""
    network = ReaderNetwork(attention)
    states = [torch.load(folder / "reader.pt", weights_only=True) for folder in folders]
    mean = {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(one.dtype)
        for name, one in states[0].items()
    }
    network.load_state_dict(mean)
    return network.eval()


def write(graph: Path, out: Path, calibration: dict[str, float], about: dict[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    if graph != out / GRAPH:
        (out / GRAPH).write_bytes(graph.read_bytes())
    said = {"format": FORMAT, "sha256": file_sha256(out / GRAPH), "calibration": calibration}
    (out / ABOUT).write_text(json.dumps({**said, "trained": about}, indent=2) + "\n")


def calibrated(folder: Path, held_out: Sequence[Question]) -> dict[str, float]:
    """Constants fitted on the exported graph: first the sentences' temperature, then the page's.

    Right paragraphs and, as many, the near-misses of the held-out articles; the questions with the
    paragraph of another question stand for pages that search brings in vain.
    """
    losses = {x: sentence_loss(folder, held_out[::3], x, LONGEST) for x in TEMPERATURES}
    temperature = min(losses, key=lambda x: losses[x])
    astray = wandered(held_out)
    asked = [*held_out, *astray]
    inputs = features(folder, asked, temperature, LONGEST)
    labels = np.array([float(bool(x.answers)) for x in asked])
    kinds = [("astray" if at >= len(held_out) else "own", bool(x.answers))
             for at, x in enumerate(asked)]  # fmt: skip
    weights = balanced(kinds)
    weights[labels == 1] *= 2  # against two kinds of wrong pages
    judged, pointed, bias = fit(inputs, labels, weights)
    found = {"bias": bias, "judged": judged, "pointed": pointed, "temperature": temperature}
    return {name: round(float(value), 4) for name, value in found.items()}


def story(folders: Sequence[Path]) -> dict[str, Any]:
    """How the weights came about."""
    told = [json.loads((folder / "trained.json").read_text()) for folder in folders]
    return told[0] if len(told) == 1 else {"mean_of": told}


def export(trained: Sequence[Path], out: Path) -> None:
    """Write graph and neutral calibration; the calibration needs the exported graph."""
    with tempfile.TemporaryDirectory() as folder:
        floats, small = Path(folder, "floats.onnx"), Path(folder, "small.onnx")
        plain(load_trained(trained), floats)
        quantised(floats, small)
        write(small, out, NEUTRAL, story(trained))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--trained", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="fit on every n-th question held out")
    given = parser.parse_args()
    export(given.trained, given.out)
    found = calibrated(given.out, load(given.data).held_out[:: given.every])
    write(given.out / GRAPH, given.out, found, story(given.trained))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
