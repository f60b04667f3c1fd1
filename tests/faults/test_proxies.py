"""Streams behind a real nginx, set up well and badly: what comes through, and what is told."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.faults.test_up import free_port
from tests.prepared import give_prepared_model

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[2]
GOOD = """
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_read_timeout 75s;
"""
# nginx 1.22 sends small events on although it buffers; its compressor, told to, holds them back.
BUFFERING = """
proxy_buffering on;
proxy_ignore_headers X-Accel-Buffering;
proxy_hide_header Content-Encoding;
"""
COMPRESSING = "gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any;"
CONFIG = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {http}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            {location}
        }}
    }}
}}
"""
Proxy = Callable[..., str]


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{url}/health/", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, log.read_text(errors="replace")
            time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("proxied")
    give_prepared_model(folder)
    return {
        **os.environ, "ENV_FILE": "", "DATA_DIR": str(folder), "SECRET_KEY": "s" * 50,
        "DATABASE_URL": "", "REDIS_URL": "", "CELERY_BROKER_URL": "",
    }  # fmt: skip


@pytest.fixture(scope="module")
def upstream(environment: dict[str, str]) -> Iterator[int]:
    """Footnote itself, on a port of its own."""
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v", "0"],
        cwd=ROOT, env=environment, check=True, timeout=180,
    )  # fmt: skip
    port, log = free_port(), Path(environment["DATA_DIR"]) / "web.log"
    command = [sys.executable, "-m", "uvicorn", "core.asgi:application", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    try:
        wait_for(f"http://127.0.0.1:{port}", process, log)
        yield port
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def proxy(upstream: int, tmp_path: Path) -> Iterator[Proxy]:
    """``proxy(location, http)``: the address of an nginx with these lines."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not nginx:
        pytest.fail("These tests need nginx: apt-get install nginx-light.")
    started: list[subprocess.Popen[bytes]] = []

    def start(location: str, http: str = "") -> str:
        port = free_port()
        config = CONFIG.format(
            folder=tmp_path, port=port, upstream=upstream, location=location, http=http
        )
        (tmp_path / "nginx.conf").write_text(config)
        log = tmp_path / "nginx.log"
        with log.open("wb") as out:
            command = [
                nginx,
                "-p",
                str(tmp_path),
                "-c",
                str(tmp_path / "nginx.conf"),
                "-e",
                str(log),
            ]
            process = subprocess.Popen(command, stdout=out, stderr=out)
        started.append(process)
        wait_for(f"http://127.0.0.1:{port}", process, log)
        return f"http://127.0.0.1:{port}"

    yield start
    for process in started:
        process.terminate()
        process.wait(10)


def check(environment: dict[str, str], url: str, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "manage.py", "check_stream", url, *options],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_with_nothing_in_front_events_come_one_by_one(
    environment: dict[str, str], upstream: int
) -> None:
    code, said = check(environment, f"http://127.0.0.1:{upstream}")
    assert code == 0, said
    assert "one by one" in said


@pytest.mark.parametrize(
    ("location", "http"),
    [
        (GOOD, ""),
        ("", ""),  # nginx's own defaults: our headers are enough
        (GOOD, "gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;"),
    ],
)
def test_a_good_nginx_lets_events_through_as_they_come(
    location: str, http: str, environment: dict[str, str], proxy: Proxy
) -> None:
    code, said = check(environment, proxy(location, http))
    assert code == 0, said


def test_an_nginx_that_buffers_and_compresses_in_spite_of_our_headers_is_told(
    environment: dict[str, str], proxy: Proxy
) -> None:
    code, said = check(environment, proxy(f"{GOOD} {BUFFERING}", COMPRESSING))
    assert code == 1, said
    assert "All events came at once" in said
    assert int(re.search(r"(\d+) separate", said).group(1)) <= 2
    assert "compressed (gzip)" in said


def test_an_nginx_that_ends_quiet_connections_is_told(
    environment: dict[str, str], proxy: Proxy
) -> None:
    url = proxy("proxy_http_version 1.1; proxy_read_timeout 1s;")
    assert check(environment, url)[0] == 0
    code, said = check(environment, url, "--silence", "3")
    assert code == 1
    assert "cut before its end" in said


UPGRADING = """
proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection "upgrade";
proxy_read_timeout 75s;
"""


def test_a_socket_goes_through_an_nginx_that_passes_the_upgrade_on(proxy: Proxy) -> None:
    url = proxy(UPGRADING)
    made = urllib.request.Request(f"{url}/api/users/anonymous/", method="POST")
    with urllib.request.urlopen(made, timeout=30) as answer:
        token = json.load(answer)["access"]
    with connect(f"{url.replace('http', 'ws')}/ws/chat/", origin=url, proxy=None) as socket:
        socket.send(json.dumps({"type": "auth", "token": token}))
        socket.send(json.dumps({"type": "message", "message": "What can you do?"}))
        kinds = []
        while kinds[-1:] != ["done"]:
            kinds.append(json.loads(socket.recv(timeout=60))["type"])
    assert kinds[0] == "session"
    assert "token" in kinds
    with pytest.raises(InvalidStatus):
        connect(f"{url.replace('http', 'ws')}/ws/chat/", origin="https://evil.example", proxy=None)


def test_a_stranger_behind_the_proxy_reads_neither_page_nor_stream(proxy: Proxy) -> None:
    url = proxy(GOOD)
    for path in ("/health/stream/", "/health/stream/events/"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url + path, timeout=10)
        assert refused.value.code == 404
        refused.value.close()


def test_an_address_where_nobody_answers_is_a_sentence(environment: dict[str, str]) -> None:
    code, said = check(environment, f"http://127.0.0.1:{free_port()}")
    assert code == 1
    assert "did not answer" in said
    assert "Traceback" not in said
