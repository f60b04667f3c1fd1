"""What a run was made with: everything that may change its figures."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from knowledge.index_store import Snapshot
from knowledge.reader import fingerprint

_REVISION = 40  # hexadecimal digits


def configuration_of(snapshot: Snapshot) -> dict[str, Any]:
    """The release's own settings and those of searching."""
    made_with = snapshot.configuration
    return {
        "embedding_model": snapshot.model,
        "splitter": made_with.splitter,
        "chunk_tokens": made_with.chunk_tokens,
        "chunk_overlap_tokens": made_with.chunk_overlap_tokens,
        "top_k": made_with.top_k,
        "engine": settings.VECTOR_INDEX,
        "reranker": settings.RERANKER_MODEL,
        "query_expansion": settings.QUERY_EXPANSION,
        "reader": fingerprint(),
        "refused_answerable": settings.REFUSED_ANSWERABLE,
        "not_found_fit": str(snapshot.calibration or ""),
    }


def hash_of(configuration: dict[str, Any]) -> str:
    """SHA-256 of a configuration, whatever the order of its names."""
    return hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()


@cache
def revision() -> str:
    """The commit of the source code, read from ``.git``; empty where there is none."""
    folder = settings.BASE_DIR / ".git"
    try:
        head = (folder / "HEAD").read_text(encoding="ascii").strip()
        if not head.startswith("ref: "):
            return head[:_REVISION]
        name = head.removeprefix("ref: ")
        loose = folder / name
        if loose.is_file():
            return loose.read_text(encoding="ascii").strip()[:_REVISION]
        return _packed(folder / "packed-refs", name)
    except (OSError, ValueError):
        return ""


def _packed(path: Path, name: str) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    found = (line.split(" ")[0] for line in lines if line.endswith(f" {name}"))
    return next(found, "")[:_REVISION]
