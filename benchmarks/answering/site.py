"""A Footnote with many documents for the benchmarks, and people who may ask it.

    python -m benchmarks.answering.site people COUNT

The second form runs inside the site's own settings and prints an access token a line.
"""
# ruff: noqa: PLC0415  (Django is set up first)

import json
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.comparison.corpus import texts
from benchmarks.stage import ROOT

SENTENCE_WORDS = 9


class Site:
    """Documents of the corpus in FOLDER, as ``benchmarks.retrieval`` makes them, and its settings.

    Where DATABASE_URL and REDIS_URL are set, they are used: the database must be empty.
    """

    def __init__(self, folder: Path, chunks: int) -> None:
        self.folder, self.chunks = folder, chunks
        self.data = folder / f"answers-{chunks}"
        self.secret = secrets.token_hex(32)

    @property
    def is_there(self) -> bool:
        """Whether an earlier run was told to keep it."""
        return (self.data / "made").exists()

    def make(self) -> None:
        """Documents, vectors and an active index."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True)
        order = self.data / "order.json"
        order.write_text(json.dumps({"corpus": str(self.folder), "chunks": self.chunks}))
        self._run("manage.py", "migrate", "-v", "0")
        self._run("manage.py", "prepare_model")
        for step in ("fill", "build"):
            self._run("-m", "benchmarks.comparison.footnote", step, str(order))
        (self.data / "made").touch()

    def remove(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)

    def settings(self, **more: str) -> dict[str, str]:
        return {
            "ENV_FILE": "",
            "SECRET_KEY": self.secret,
            "DATA_DIR": str(self.data),
            "LOG_LEVEL": "WARNING",
            "ACCESS_TOKEN_MINUTES": "600",
            "TITLE_TIMEOUT_MS": "0",  # the scripted model says as much for a title as for an answer
            **more,
        }

    def people(self, count: int) -> list[str]:
        """Access tokens of new visitors."""
        done = self._run("-m", "benchmarks.answering.site", "people", str(count))
        return done.stdout.split()

    def _run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        env = {**os.environ, **self.settings()}
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=env, check=True, text=True,
            stdout=subprocess.PIPE,
        )  # fmt: skip

    def questions(self, count: int) -> list[str]:
        """Questions whose words stand in a passage of the index, each of another one."""
        every = texts(self.folder, min(self.chunks, 50_000))
        step = max(1, len(every) // count)
        found = []
        for text in every[::step][:count]:
            words = [word.strip(".,;:()[]\"'`") for word in text.split()]
            start = len(words) // 3
            found.append(f"What about {' '.join(words[start : start + SENTENCE_WORDS])}?")
        return found


def people(count: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    import django

    django.setup()
    from django.db import transaction

    from users.services.visitors import make_visitor
    from users.tokens import issue_tokens

    with transaction.atomic():
        for _ in range(count):
            print(issue_tokens(make_visitor())["access"])


if __name__ == "__main__":
    people(int(sys.argv[2]))
