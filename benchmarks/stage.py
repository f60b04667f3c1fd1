"""A stage for the benchmarks: a Footnote of its own in a temporary folder, and its figures.

Nothing here is timed; it starts processes, signs in and reads /proc.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
EMAIL, PASSWORD = "bench@example.org", secrets.token_urlsafe(16)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class Stage:
    """A running Footnote: its address, its processes and a signed-in client."""

    url: str
    env: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def client(self, **options: object) -> httpx.Client:
        client = httpx.Client(base_url=self.url, timeout=120, **options)
        answer = client.post("/api/users/login/", json={"email": EMAIL, "password": PASSWORD})
        answer.raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['access']}"
        return client

    def tree(self, name: str) -> list[psutil.Process]:
        parent = psutil.Process(self.processes[name].pid)
        return [parent, *parent.children(recursive=True)]

    def memory_mb(self, name: str) -> list[tuple[str, int]]:
        """(short command, unique set size in MB) of each process below a name."""
        return [
            (" ".join(p.cmdline())[-60:], p.memory_full_info().uss // 2**20)
            for p in self.tree(name)
        ]

    def threads(self, name: str) -> int:
        return sum(p.num_threads() for p in self.tree(name))

    def open_database_files(self, name: str) -> int:
        """Connections to SQLite that are open now, counted as descriptors of the database file."""
        path = str(Path(self.env["DATA_DIR"]) / "db.sqlite3")
        return sum(f.path == path for p in self.tree(name) for f in p.open_files())


def _manage(env: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip


def _wait_for(url: str, seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health/", timeout=2).status_code == 200:
                return
        time.sleep(0.2)
    raise SystemExit(f"{url} did not come up")


@contextlib.contextmanager
def stage(*, worker: bool = True, web_processes: int = 2, **settings: str) -> Iterator[Stage]:
    """Start web (and worker) in a folder of their own; all is gone at the end.

    With a ``DATA_DIR`` among the settings they run on what is there, and leave it.
    """
    own = "" if "DATA_DIR" in settings else tempfile.mkdtemp(prefix="footnote-bench-")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = {
        **os.environ,
        "ENV_FILE": "", "SECRET_KEY": secrets.token_hex(32), "DATA_DIR": own, "PORT": str(port),
        "SITE_URL": url, "CHAT_RATE_USER": "", "CHAT_RATE_ANONYMOUS": "", "LOG_LEVEL": "WARNING",
        # The same is asked again and again here, and each answer is to be written.
        "ANSWER_CACHE_HOURS": "0",
        "DJANGO_SUPERUSER_EMAIL": EMAIL, "DJANGO_SUPERUSER_PASSWORD": PASSWORD, **settings,
    }  # fmt: skip
    _manage(env, "migrate")
    _manage(env, "ensure_admin")
    made = Stage(url, env)
    try:
        made.processes["web"] = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--only", "web"],
            cwd=ROOT, env={**env, "WEB_CONCURRENCY": str(web_processes)},
            stdout=subprocess.DEVNULL)  # fmt: skip
        if worker:
            made.processes["worker"] = subprocess.Popen(
                [sys.executable, "-m", "celery", "-q", "-A", "core", "worker", "-l", "warning"],
                cwd=ROOT, env=env)  # fmt: skip
            made.processes["beat"] = subprocess.Popen(
                [sys.executable, "-m", "celery", "-q", "-A", "core", "beat", "-l", "warning"],
                cwd=ROOT, env=env)  # fmt: skip
        _wait_for(url)
        yield made
    finally:
        for process in made.processes.values():
            process.terminate()
        for process in made.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
        if own:
            shutil.rmtree(own, ignore_errors=True)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
