"""Small JSON files of models: read with a sentence on failure, written whole or not at all."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from knowledge.retrieval.types import EmbedderUnavailable

_MAX_BYTES = 16 * 1024 * 1024  # the index of a large model's weights has some hundred kilobytes


def read_json(file: Path) -> dict[str, Any]:
    """The object in a file; empty where there is no file. Raises EmbedderUnavailable."""
    values = _read(file)
    return values if isinstance(values, dict) else {}


def read_json_list(file: Path) -> list[Any]:
    """The list in a file; empty where there is no file. Raises EmbedderUnavailable."""
    values = _read(file)
    return values if isinstance(values, list) else []


def write_json(file: Path, values: dict[str, Any]) -> None:
    """Replace a file at once, so that a reader sees the old one or the new one; raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            json.dump(values, opened, indent=1, ensure_ascii=False)
            opened.flush()
            os.fsync(opened.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _read(file: Path) -> Any:
    try:
        with file.open("rb") as opened:
            return json.loads(opened.read(_MAX_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise EmbedderUnavailable(f"{file.name} of the embedding model cannot be read.") from error
