"""What must be known before the settings: the ``.env`` file, the data folder, the signing key.

The key of an embedded installation is kept in ``DATA_DIR/secret_key``.
"""

import os
import secrets
from pathlib import Path

import environ

KEY_FILE = "secret_key"


def read_env_file(base: Path) -> None:
    """Take over ``.env`` beside ``manage.py``, or ``ENV_FILE``; what is set already wins."""
    path = os.environ.get("ENV_FILE", str(base / ".env"))
    if path and Path(path).is_file():
        environ.Env.read_env(path)


def data_dir(base: Path) -> Path:
    """``DATA_DIR`` from the environment, else ``data`` beside ``manage.py``."""
    return Path(os.environ.get("DATA_DIR") or base / "data").expanduser().resolve()


def read_key(folder: Path) -> str:
    """The stored key, or an empty string where there is none."""
    path = folder / KEY_FILE
    return path.read_text(encoding="ascii").strip() if path.is_file() else ""


def ensure_key(folder: Path) -> None:
    """Write a key once, readable by its owner alone; two starts at a time agree on one."""
    if os.environ.get("SECRET_KEY") or read_key(folder):
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = folder / f".{KEY_FILE}.{secrets.token_hex(8)}"
    temporary.touch(mode=0o600)
    temporary.write_text(secrets.token_urlsafe(50), encoding="ascii")
    try:
        os.link(temporary, folder / KEY_FILE)  # fails if another start was quicker
    except FileExistsError:
        return
    finally:
        temporary.unlink()
