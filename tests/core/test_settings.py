"""A bad setting stops the start, names the variable, and keeps its value to itself."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EX_CONFIG = 78
SECRET = "s3cret-value"
BAD = {
    "PORT": f"{SECRET}",
    "WEB_CONCURRENCY": "0",
    "DEBUG": f"{SECRET}",
    "HTTPS": f"{SECRET}",
    "SITE_URL": f"ftp://{SECRET}",
    "TIME_ZONE": f"Mars/{SECRET}",
    "DATABASE_URL": f"mysql://root:{SECRET}@host/name",
    "EMAIL_URL": f"carrier-pigeon://{SECRET}",
    "TOP_K": "1000",
    "CHUNK_TOKENS": "7",
    "CHUNK_OVERLAP_TOKENS": "200",
    "MAX_UPLOAD_MB": "-5",
    "RETENTION_DAYS": "0",
    "MESSAGE_MAX_CHARS": f"{SECRET}",
    "ACCESS_TOKEN_MINUTES": "99999",
    "TRUSTED_PROXY_COUNT": "-1",
    "LOG_LEVEL": f"{SECRET}",
    "OPENAI_BASE_URL": f"{SECRET}",
    "REDIS_URL": f"http://{SECRET}",
    "EMBEDDING_DEVICE": f"{SECRET}",
    "SECRET_KEY": "",
    "EMBEDDING_PROVIDER": f"{SECRET}",
    "VECTOR_INDEX": f"{SECRET}",
    "SUPPORT_POLICY": f"{SECRET}",
    "SUPPORT_JUDGE": f"{SECRET}",
    "VECTOR_DATABASE_URL": f"mysql://{SECRET}",
    "PII_POLICY": f"{SECRET}",
    "INJECTION_POLICY": f"{SECRET}",
    "PHONE_REGION": f"{SECRET}",
    "MODERATION_TIMEOUT_MS": "1",
    "TOOL_ROUNDS": "99",
    "ANSWER_CACHE_HOURS": "-1",
}


def environment(folder: Path, **values: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    base = {"ENV_FILE": "", "SECRET_KEY": "only-for-the-tests", "DATA_DIR": str(folder)}
    return {**kept, **base, **values}


def start(folder: Path, **values: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=environment(folder, **values),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("data")
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda item: start(folder, **{item[0]: item[1]}), BAD.items())
    return dict(zip(BAD, made, strict=True))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_stops_the_start_and_is_named(
    starts: dict[str, subprocess.CompletedProcess[str]], name: str
) -> None:
    process = starts[name]
    assert process.returncode == EX_CONFIG, process.stderr
    assert name in process.stderr
    assert SECRET not in process.stderr + process.stdout
    assert "Traceback" not in process.stderr


def read(folder: Path, **values: str) -> dict[str, object]:
    """Every plain setting under this environment."""
    code = (
        "import json, core.settings as s; plain = (str, int, list, bool, dict);"
        "print(json.dumps({n: getattr(s, n) for n in dir(s) if n.isupper()"
        " and isinstance(getattr(s, n), plain)}, default=str))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(folder, **values),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def test_the_example_file_changes_nothing(tmp_path: Path) -> None:
    example = str(ROOT / ".env.example")
    assert read(tmp_path, ENV_FILE=example) == read(tmp_path)


def test_values_are_read_from_the_file_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("TOP_K=3\nRETENTION_DAYS=7\n")
    values = read(tmp_path, ENV_FILE=str(file), TOP_K="4")
    assert (values["TOP_K"], values["RETENTION_DAYS"]) == (4, 7)


def test_nothing_insecure_is_the_default(tmp_path: Path) -> None:
    values = read(tmp_path)
    assert values["DEBUG"] is False
    assert values["HOST"] == "127.0.0.1"
    assert values["CORS_ALLOWED_ORIGINS"] == []
    assert "*" not in values["ALLOWED_HOSTS"]  # type: ignore[operator]
