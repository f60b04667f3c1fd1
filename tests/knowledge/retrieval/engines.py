"""Real engines for the conformance tests: files, PostgreSQL with pgvector, Milvus.

PostgreSQL and Milvus come out of Python packages and are started here, so that the tests need no
server of the machine's.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from knowledge.retrieval.backends.files import FilesEngine
from knowledge.retrieval.backends.milvus import MilvusEngine
from knowledge.retrieval.backends.pgvector import PgvectorEngine

ENGINES = ("files", "pgvector", "milvus")


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL with pgvector, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="footnote-pg-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # where the package keeps a lock
        import pgserver  # noqa: PLC0415  (it reads the environment when it is imported)

        Path(folder).chmod(0o755)  # the server runs as a user of its own where we are root
        server = pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def engine(kind: str, folder: Path) -> Iterator[Any]:
    """An empty engine of a kind."""
    if kind == "files":
        yield FilesEngine(folder)
    elif kind == "milvus":
        with closing(MilvusEngine(str(folder / "milvus.db"))) as made:
            yield made
    else:
        with postgresql() as address, closing(PgvectorEngine(address)) as made:
            yield made


def clear(made: Any) -> None:
    """Remove every release."""
    for name in made.names():
        made.remove(name)
