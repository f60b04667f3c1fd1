"""Local models made ready to run without torch: where they lie, and whether they are whole.

    DATA_DIR/models/<name>@<hash>/   model.onnx (+ .data), tokenizer.json, manifest.json
    DATA_DIR/models/.<name>@<hash>.lock     held by the one process that makes it
    DATA_DIR/models/.<name>@<hash>.failed   why it could not be made, and with which libraries

A folder is complete or not there: it is written aside and renamed.
"""

import fcntl
import importlib.metadata
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from knowledge.retrieval.jsonfiles import read_json, write_json
from knowledge.retrieval.models import (
    file_sha256,
    local_fingerprint,
    model_folder,
    recipe_of,
    weights_file,
)
from knowledge.retrieval.recipes import Recipe
from knowledge.retrieval.types import EmbedderUnavailable

logger = logging.getLogger(__name__)

FORMAT = 1
GRAPH, TOKENIZER, MANIFEST = "model.onnx", "tokenizer.json", "manifest.json"
LIBRARIES = ("torch", "transformers", "sentence-transformers", "onnx", "onnxruntime")
# protobuf's limit is 2 GB, and a machine that runs more has a GPU.
LARGEST_WEIGHTS = 1_800_000_000
MOST_SECONDS = 900.0  # the bundled model takes 10, one of 1 GB two minutes
FORGOTTEN_SECONDS = 24 * 3600  # a full disk may look like a fault of the model
_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Prepared:
    """A complete folder and what its manifest says."""

    folder: Path
    fingerprint: str
    recipe: Recipe


def folder_of(root: Path, fingerprint: str) -> Path:
    """Where the model of a fingerprint lies, or would."""
    return root / fingerprint.replace("/", "--").lstrip(".")


def find(root: Path, fingerprint: str) -> Prepared | None:
    """The model, if it is there with the sizes and checksums that it was written with."""
    folder = folder_of(root, fingerprint)
    try:
        said = read_json(folder / MANIFEST)
        if said.get("format") != FORMAT or said["fingerprint"] != fingerprint:
            return None
        for name, expected in said["files"].items():
            if file_sha256(folder / name) != expected:
                logger.warning("%s of the prepared model %s is damaged", name, fingerprint)
                return None
        known = {field.name for field in fields(Recipe)}
        recipe = Recipe(**{key: value for key, value in said["recipe"].items() if key in known})
    except (EmbedderUnavailable, KeyError, TypeError, AttributeError):
        return None
    return Prepared(folder, fingerprint, recipe)


def ensure(root: Path, model: str, seconds: float = MOST_SECONDS) -> Prepared | None:
    """The prepared model, made now in a process of its own if it is not there.

    That process takes torch's memory with it when it ends. Where two ask, one makes it and the
    other waits.

    Returns:
        None where this model, this machine or this disk does not allow it; the log says why.

    Raises:
        EmbedderUnavailable: the model is not on this machine.
    """
    fingerprint = local_fingerprint(model)
    found = find(root, fingerprint)
    if found is None and may_prepare(root, model):
        _run_child(root, model, seconds)
        found = find(root, fingerprint)
    return found


def may_prepare(root: Path, model: str) -> bool:
    """Whether it is worth trying: the right kind, not too large, not failed before."""
    if not recipe_of(model).is_exportable:
        return False
    if weights_file(model_folder(model)).stat().st_size > LARGEST_WEIGHTS:
        return False
    failed = failure_file(root, local_fingerprint(model))
    with suppress(EmbedderUnavailable, OSError):
        is_recent = time.time() - failed.stat().st_mtime < FORGOTTEN_SECONDS
        return not is_recent or read_json(failed).get("versions") != versions()
    return True


def failure_file(root: Path, fingerprint: str) -> Path:
    """Where a failure that would come again is noted."""
    folder = folder_of(root, fingerprint)
    return folder.with_name(f".{folder.name}.failed")


def versions() -> dict[str, str]:
    """The libraries that make a graph; a failure counts only for the same ones."""
    return {name: importlib.metadata.version(name) for name in LIBRARIES}


@contextmanager
def sole_maker(root: Path, fingerprint: str) -> Iterator[Path]:
    """Wait for one's turn to make a model; the folder to write into is gone when it ends.

    Raises:
        OSError: the disk does not take it.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder_of(root, fingerprint)
    with target.with_name(f".{target.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # freed by the system, however the process ends
        for left in root.glob(f".{target.name}.tmp-*"):  # its maker was killed
            shutil.rmtree(left, ignore_errors=True)
        temporary = target.with_name(f".{target.name}.tmp-{os.getpid()}")
        temporary.mkdir(mode=0o700)
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def seal(temporary: Path, fingerprint: str, recipe: Recipe, said: dict[str, Any]) -> None:
    """Sync the files, write the manifest and give the folder its name; raises OSError."""
    files = {path.name: file_sha256(path) for path in sorted(temporary.iterdir())}
    values = {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "files": files,
        "recipe": asdict(recipe),
        "versions": versions(),
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        **said,
    }
    for name in files:
        _sync(temporary / name)
    write_json(temporary / MANIFEST, values)
    _sync(temporary)
    target = folder_of(temporary.parent, fingerprint)
    if target.exists():  # damaged, or of an earlier format
        shutil.rmtree(target)
    temporary.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _run_child(root: Path, model: str, seconds: float) -> None:
    command = [sys.executable, "-m", "knowledge.retrieval.embedder.exporting", model, str(root)]
    try:
        done = subprocess.run(  # noqa: S603  (our own module, no shell)
            command,
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        logger.warning("the embedding model is not prepared: %s", type(error).__name__)
        return
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        logger.warning("the embedding model is not prepared, torch runs it: %s", last[0])
