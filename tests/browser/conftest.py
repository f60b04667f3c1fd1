"""A real server on a port of its own, and a real browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.prepared import give_prepared_model

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 30_000  # the first question waits for the embedding model
expect.set_options(timeout=PATIENCE_MS)
STAFF = ("staff@example.org", "a long enough phrase 7")  # as SEED makes them
SEED = """
from knowledge import indexing
from knowledge.services import NewDocument, add_document
from tests.browser.documents import DOCUMENTS
from users.models import User
for title, kind, text in DOCUMENTS:
    document = add_document(NewDocument(title=title, content=text, document_type=kind), owner=None)
    indexing.process_version(document.versions.get().pk)
indexing.build_index()
User.objects.create_superuser("staff@example.org", "a long enough phrase 7")
"""


def _chromium() -> str:
    found = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if not found:
        pytest.fail("These tests need a Chromium on the PATH: apt-get install chromium.")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the product of these tests runs with, and every command beside it."""
    folder = tmp_path_factory.mktemp("browser")
    give_prepared_model(folder)
    port = _free_port()
    return {
        **os.environ,
        "DATA_DIR": str(folder),
        "PORT": str(port),
        "SITE_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "CELERY_BROKER_URL": "",
        "CHAT_RATE_ANONYMOUS": "",
        "EMAIL_URL": f"filemail://{folder}/mail",
        "OPENAI_API_KEY": "",
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture(scope="session")
def server(environment: dict[str, str]) -> Iterator[str]:
    """The address of the product, with a few documents and answers quoted from them."""
    folder, port = Path(environment["DATA_DIR"]), environment["PORT"]
    python = [sys.executable, "manage.py"]
    for command in (["migrate", "-v", "0"], ["shell", "--no-imports", "-c", SEED]):
        subprocess.run([*python, *command], cwd=ROOT, env=environment, check=True, timeout=180)
    serve = [sys.executable, "-m", "uvicorn", "core.asgi:application", "--port", port]
    options = ["--log-level", "warning", "--timeout-graceful-shutdown", "2"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*serve, *options], cwd=ROOT, env=environment, stderr=log, stdout=log
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/health/", process, folder / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        if process.poll() is not None:
            pytest.fail(f"The server ended: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    pytest.fail("The server did not answer within a minute.")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=_chromium(), args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Callable[..., BrowserContext]]:
    """``visit(java_script_enabled=False)``: a fresh browser at the product; its errors fail."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(base_url=server, **options)
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on(
            "console",
            lambda message: wrong.append(message.text) if message.type == "error" else None,
        )
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert wrong == []
