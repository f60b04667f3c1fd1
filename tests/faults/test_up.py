"""`manage.py up` as a real process: started, drained, killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.prepared import give_prepared_model

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Up:
    """The product under one process, with a folder and a port of its own."""

    def __init__(self, folder: Path, port: int, *options: str, **values: str) -> None:
        self.folder, self.port = folder, port
        self.log = folder / f"up-{time.monotonic_ns()}.log"
        if not (folder / "data").exists():
            give_prepared_model(folder / "data")
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment = {
            **kept,
            "ENV_FILE": "",
            "DATA_DIR": str(folder / "data"),
            "PORT": str(port),
            "EMAIL_URL": "dummymail://",
            "DJANGO_SUPERUSER_EMAIL": "admin@example.org",
            "DJANGO_SUPERUSER_PASSWORD": "a long enough phrase 7",
            **values,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--no-docs", *options],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, *words: str) -> psutil.Process:
        for process in self.children():
            if all(word in " ".join(process.cmdline()) for word in words):
                return process
        raise AssertionError(f"no {words} among the children:\n{self.text()}")

    def get(self, path: str, timeout: float = 10) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{path}", timeout=timeout
            ) as a:
                return a.status, a.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def is_alive(self) -> bool:
        try:
            return self.get("/health/", timeout=2)[0] == 200
        except OSError:
            return False

    def await_start(self) -> "Up":
        wait_until(lambda: "is ready" in self.text(), START_SECONDS, self.text)
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(40)

    def end(self) -> None:
        """Whatever became of the test, leave nothing behind."""
        everyone = [self.process.pid]
        with suppress(psutil.NoSuchProcess):
            everyone += [process.pid for process in self.children()]
        for pid in everyone:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(10)


def wait_until(
    condition: Callable[[], Any], seconds: float, explain: Callable[[], str] = lambda: ""
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the module: the second start on is quick."""
    return tmp_path_factory.mktemp("up")


@pytest.fixture
def start(data: Path) -> Iterator[Callable[..., Up]]:
    made: list[Up] = []

    def begin(*options: str, folder: Path = data, port: int = 0, **values: str) -> Up:
        made.append(Up(folder, port or free_port(), *options, **values))
        return made[-1]

    yield begin
    for up in made:
        up.end()


def test_one_command_starts_everything_and_sigterm_ends_everything(
    start: Callable[..., Up],
) -> None:
    up = start().await_start()
    assert up.get("/health")[0] == 200
    status, body = up.get("/health/ready/")
    assert status == 200, body
    assert json.loads(body)["parts"]["database"]["status"] == "ok"
    up.child("celery", "worker")
    up.child("celery", "beat")
    assert up.child("celery", "worker").nice() == 10
    everyone = up.children()
    assert up.stop() == 0
    assert not any(process.is_running() for process in everyone)
    labels = {line.split(" ")[0] for line in up.text().splitlines() if " |" in line[:12]}
    assert {"footnote", "web"} <= labels
    assert "Traceback" not in up.text()


def test_a_first_start_prepares_the_model_and_nothing_loads_torch(
    start: Callable[..., Up], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir(mode=0o700)  # nothing is prepared in it
    up = start(folder=tmp_path, WEB_CONCURRENCY="1")
    wait_until(lambda: "search.warm_up took" in up.text(), 3 * START_SECONDS, up.text)
    assert up.text().count("Preparing the embedding model") == 1
    wait_until(lambda: "is ready" in up.text(), START_SECONDS, up.text)
    maps = {
        process.pid: " ".join(each.path for each in process.memory_maps())
        for process in up.children()
    }
    assert "onnxruntime" in maps[up.child("core.hosting").pid]
    assert "onnxruntime" not in maps[up.child("celery", "beat").pid]
    assert not any("libtorch" in mapped for mapped in maps.values())


def test_the_second_start_takes_seconds(start: Callable[..., Up]) -> None:
    start().await_start().stop()
    begun_at = time.monotonic()
    start().await_start()
    assert time.monotonic() - begun_at < 60  # three on a quiet machine


@pytest.mark.parametrize("words", [("core.hosting",), ("celery", "worker"), ("celery", "beat")])
def test_a_child_that_is_killed_is_started_again(
    start: Callable[..., Up], words: tuple[str, ...]
) -> None:
    up = start(WEB_CONCURRENCY="1").await_start()
    victim = up.child(*words)
    victim.kill()
    wait_until(lambda: "starts again" in up.text(), 10, up.text)
    wait_until(
        lambda: any(
            all(w in " ".join(p.cmdline()) for w in words) and p.pid != victim.pid
            for p in up.children()
        ),
        20,
        up.text,
    )
    wait_until(up.is_alive, 30, up.text)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's promise is Linux's")
def test_children_do_not_outlive_a_killed_supervisor(start: Callable[..., Up]) -> None:
    up = start().await_start()
    everyone = up.children()
    assert len(everyone) >= 4
    up.process.kill()
    up.process.wait(10)
    wait_until(lambda: not any(is_running(process) for process in everyone), 10)
    start().await_start()  # and the folder and its lock are free


def is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_taken_port_is_said_in_a_sentence(start: Callable[..., Up]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        up = start(port=port)
        assert up.process.wait(60) != 0
    assert f"Port {port} is taken" in up.text()
    assert "Traceback" not in up.text()


def test_a_second_start_on_the_same_folder_is_refused(start: Callable[..., Up]) -> None:
    first = start().await_start()
    second = start()
    assert second.process.wait(60) != 0
    assert f"process {first.process.pid}" in second.text()
    assert first.is_alive()


def test_a_bad_setting_ends_the_start_with_its_name(start: Callable[..., Up]) -> None:
    up = start(CHAT_RATE_USER="now and then")
    assert up.process.wait(60) == 78
    assert "CHAT_RATE_USER" in up.text()
    assert "now and then" not in up.text()


def test_garbage_in_the_queue_is_put_aside_and_the_worker_lives(start: Callable[..., Up]) -> None:
    up = start().await_start()
    broker = up.folder / "data" / "broker"
    wait_until((broker / "queue").is_dir, 30, up.text)
    worker = up.child("celery", "worker").pid
    (broker / "queue" / "0_0.celery.msg").write_bytes(b"")
    wait_until((broker / "quarantine" / "0_0.celery.msg").exists, 30, up.text)
    time.sleep(1)
    assert up.child("celery", "worker").pid == worker


def test_the_logs_hold_routes_and_no_queries(start: Callable[..., Up]) -> None:
    up = start().await_start()
    up.get("/health/ready/?q=salary-of-alice")
    up.stop()
    assert "GET /health/ready/ 200" in up.text()
    assert "salary" not in up.text()
