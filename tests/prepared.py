"""The bundled model prepared once for all tests of this environment, as it takes ten seconds."""

import os
import sys
from pathlib import Path

from knowledge.retrieval.embedder import prepared
from knowledge.retrieval.models import BUNDLED, local_fingerprint

PREPARED_MODELS = Path(sys.prefix) / "prepared-models"


def give_prepared_model(data_dir: Path) -> None:
    """Lay it into a data folder, as `manage.py prepare_model` would; without it torch serves."""
    made = prepared.ensure(PREPARED_MODELS, BUNDLED)
    if made is None:
        return
    folder = prepared.folder_of(data_dir / "models", local_fingerprint(BUNDLED))
    folder.mkdir(parents=True)
    for file in made.folder.iterdir():
        try:
            os.link(file, folder / file.name)
        except OSError:  # another file system
            (folder / file.name).write_bytes(file.read_bytes())
