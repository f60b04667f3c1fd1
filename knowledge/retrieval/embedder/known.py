"""Which embedders this installation has used: an older release is asked with its own."""

import logging
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from knowledge.retrieval.jsonfiles import read_json, write_json
from knowledge.retrieval.types import EmbedderUnavailable

logger = logging.getLogger(__name__)

FILE = "known.json"


@dataclass(frozen=True)
class Spec:
    """What the settings say of an embedder; no key, and nothing that only its speed depends on."""

    provider: str
    model: str
    base_url: str = ""
    query_prefix: str = ""
    passage_prefix: str = ""
    input_type: str = "auto"
    max_tokens: int = 512


def remember(root: Path, fingerprint: str, spec: Spec) -> None:
    """Note what makes the vectors of a fingerprint; a disk that does not take it is no fault."""
    try:
        known = read_json(root / FILE)
        if known.get(fingerprint) != asdict(spec):
            write_json(root / FILE, {**known, fingerprint: asdict(spec)})
    except (EmbedderUnavailable, OSError) as error:
        logger.warning("the embedding model in use is not noted: %s", type(error).__name__)


def recall(root: Path, fingerprint: str) -> Spec | None:
    """What made the vectors of a fingerprint, if it was noted here."""
    try:
        said = read_json(root / FILE).get(fingerprint)
        names = {field.name for field in fields(Spec)}
        return Spec(**{key: value for key, value in said.items() if key in names}) if said else None
    except (EmbedderUnavailable, TypeError, AttributeError):
        return None
