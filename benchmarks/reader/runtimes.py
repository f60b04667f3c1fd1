"""The same trained reader in four forms: how good each is, how large, and how long it takes.

    python -m benchmarks.reader.runtimes ../shared/data --trained DIR [--questions 300]

floats; int8 weights and activations (what is shipped); int8 weights in blocks of 32 with int8
sums; and PyTorch in bf16, for time alone: onnxruntime has no bf16 on a CPU. One core each, in the
core's own time.
"""

import argparse
import importlib
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.native import limit_threads

limit_threads()

import numpy as np  # noqa: E402 - after the native libraries' environment
import torch  # noqa: E402

from benchmarks.reader.export import NEUTRAL, load_trained, plain, quantised, write  # noqa: E402
from benchmarks.reader.measuring import first_is_right, read_all  # noqa: E402
from benchmarks.reader.network import ReaderNetwork  # noqa: E402
from benchmarks.reader.sets import Question, load  # noqa: E402
from knowledge.retrieval.metrics import auc  # noqa: E402
from knowledge.retrieval.reader import Reader  # noqa: E402
from knowledge.retrieval.reader.weights import GRAPH  # noqa: E402

LENGTHS = (64, 112, 160, 256)
ROUNDS = 25
BLOCK = 32


def in_blocks(network: ReaderNetwork, target: Path) -> None:
    """Weights int8 in blocks; the attention's are left apart for that."""
    onnx: Any = importlib.import_module("onnx")
    floats = target.with_suffix(".floats.onnx")
    plain(network, floats, joins_attention=False)
    model = onnx.load(str(floats))
    graph = model.graph
    constants = {each.name: each for each in graph.initializer}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in constants:
            weights = onnx.numpy_helper.to_array(constants[node.input[1]])
            if weights.shape[1] > 2:  # the pointers' are left as they are
                _block(onnx, graph, node, weights)
    used = {name for node in graph.node for name in node.input}
    kept = [each for each in graph.initializer if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    onnx.save(model, str(target))


def _block(onnx: Any, graph: Any, node: Any, weights: np.ndarray) -> None:
    """Make a product one with weights int8, a scale for each block of BLOCK inputs."""
    inputs, outputs = weights.shape
    blocks = weights.T.reshape(outputs, inputs // BLOCK, BLOCK)
    scales = np.maximum(np.abs(blocks).max(axis=2), 1e-8) / 127
    packed = (np.round(blocks / scales[..., None]) + 128).astype(np.uint8)
    name = node.input[1]
    to_tensor = onnx.numpy_helper.from_array
    graph.initializer.append(to_tensor(packed, f"{name}_packed"))
    graph.initializer.append(to_tensor(scales.astype(np.float32).ravel(), f"{name}_scales"))
    node.op_type, node.domain = "MatMulNBits", "com.microsoft"
    node.input[:] = [node.input[0], f"{name}_packed", f"{name}_scales"]
    for key, value in (("K", inputs), ("N", outputs), ("bits", 8), ("block_size", BLOCK),
                       ("accuracy_level", 4)):  # fmt: skip
        node.attribute.append(onnx.helper.make_attribute(key, value))


def milliseconds(run: Callable[[np.ndarray], object], length: int) -> float:
    ids = np.random.default_rng(3).integers(1000, 20_000, (1, length))
    took = []
    for _ in range(ROUNDS):
        started = time.process_time()
        run(ids)
        took.append(1000 * (time.process_time() - started))
    return float(np.median(took))


def of_graph(graph: Path) -> Callable[[np.ndarray], object]:
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = runtime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    names = ("input_ids", "attention_mask", "token_type_ids")

    def run(ids: np.ndarray) -> object:
        return session.run(
            None, dict(zip(names, (ids, np.ones_like(ids), np.zeros_like(ids)), strict=True))
        )

    return run


def of_torch(network: ReaderNetwork) -> Callable[[np.ndarray], object]:
    small = network.to(torch.bfloat16)
    torch.set_num_threads(1)

    def run(given: np.ndarray) -> object:
        ids = torch.from_numpy(given)
        with torch.inference_mode():
            return small(ids, torch.ones_like(ids), torch.zeros_like(ids))

    return run


def line(name: str, size: int, run: Callable[[np.ndarray], object], quality: str) -> None:
    times = "  ".join(f"{length}: {milliseconds(run, length):5.1f}" for length in LENGTHS)
    print(f"{name:24} {size / 1e6:5.1f} MB   ms by tokens  {times}   {quality}", flush=True)


def quality(folder: Path, asked: Sequence[Question]) -> str:
    found = read_all(Reader(folder, longest=256), asked)
    yes = [x.reading.answerable for x in found if x.question.answers]
    no = [x.reading.answerable for x in found if not x.question.answers]
    return f"near-miss AUC {auc(yes, no):.3f}  right sentence first {first_is_right(found):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--trained", type=Path, nargs="+", required=True)
    parser.add_argument("--questions", type=int, default=300)
    given = parser.parse_args()
    asked = load(given.data).held_out
    asked = asked[:: max(1, len(asked) // given.questions)]
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        network = load_trained(given.trained)
        plain(network, root / "floats.onnx")
        quantised(root / "floats.onnx", root / "int8.onnx")
        in_blocks(network, root / "blocks.onnx")
        for name in ("floats", "int8", "blocks"):
            graph, folder = root / f"{name}.onnx", root / name
            write(graph, folder, {**NEUTRAL, "pointed": 1.0}, {})
            size = (folder / GRAPH).stat().st_size
            line(name, size, of_graph(graph), quality(folder, asked))
        line("PyTorch bf16", 2 * sum(x.numel() for x in network.parameters()),
             of_torch(load_trained(given.trained, "sdpa")), "")  # fmt: skip


if __name__ == "__main__":
    main()
