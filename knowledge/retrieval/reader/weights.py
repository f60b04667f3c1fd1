"""The reader's files: what they are, and whether they are whole.

    reader.onnx     the network, int8
    reader.json     its sha256, what turns its logits into chances, and where it comes from

The tokenizer is the bundled embedding model's, which the network was made of.
"""

from dataclasses import dataclass
from pathlib import Path

from knowledge.retrieval.jsonfiles import read_json
from knowledge.retrieval.models import file_sha256
from knowledge.retrieval.types import EmbedderUnavailable, RetrievalError

BUNDLED = Path(__file__).parent / "weights"
GRAPH, ABOUT = "reader.onnx", "reader.json"
FORMAT = 1
_HASH_LENGTH = 12


class ReaderUnavailable(RetrievalError):
    """The reader's weights are missing or damaged; the message says which file."""


@dataclass(frozen=True)
class Calibration:
    """Of the network's logits, fitted on questions that it was not trained on.

    answerable = sigmoid(bias + judged * j + pointed * p), p being the log-odds of the pointers for
    any place in the passage; pointer logits are divided by the temperature first.
    """

    bias: float
    judged: float
    pointed: float
    temperature: float


@dataclass(frozen=True)
class Weights:
    graph: Path
    sha256: str
    calibration: Calibration

    @property
    def fingerprint(self) -> str:
        return f"reader@{self.sha256[:_HASH_LENGTH]}"


def verified(folder: Path) -> Weights:
    """The weights in a folder; raises ReaderUnavailable."""
    try:
        about = read_json(folder / ABOUT)
        if about and about.get("format") != FORMAT:
            raise ReaderUnavailable(f"{ABOUT} of the reader is of another release.")
        expected = str(about["sha256"])
        calibration = Calibration(**{k: float(v) for k, v in about["calibration"].items()})
    except (EmbedderUnavailable, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ReaderUnavailable(f"{ABOUT} of the reader is missing or damaged.") from error
    try:
        found = file_sha256(folder / GRAPH)
    except EmbedderUnavailable as error:
        raise ReaderUnavailable(f"{GRAPH} of the reader is missing or cannot be read.") from error
    if found != expected:
        raise ReaderUnavailable(f"{GRAPH} of the reader is damaged: its checksum differs.")
    return Weights(folder / GRAPH, expected, calibration)
