"""System checks, and the pools that a worker may not have."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import checks

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/export /mnt/share nfs4 rw 0 0
tmpfs /mnt/share/fast tmpfs rw 0 0
"""


def ids(found: list[Any]) -> list[str]:
    return [message.id for message in found]


def test_a_rate_that_cannot_be_read_is_named_by_its_variable(settings: Any) -> None:
    settings.RATES = {"chat_user": "lots/day", "login": "5/min", "mail": ""}
    (found,) = checks.rates_can_be_read(None)
    assert "CHAT_RATE_USER" in found.msg
    assert "lots" not in found.msg


@pytest.mark.parametrize("name", ["WARM_UP", "WIND_DOWN", "DOCUMENT_FORGOTTEN_HOOKS"])
def test_a_callable_that_is_not_there_is_an_error(settings: Any, name: str) -> None:
    setattr(settings, name, ["core.nothing.at_all"])
    assert "core.E002" in ids(checks.named_callables_exist(None))


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/srv/data", "ext4"), ("/mnt/share/data", "nfs4"), ("/mnt/share/fast/x", "tmpfs")],
)
def test_the_nearest_mount_decides(folder: str, kind: str) -> None:
    assert checks.file_system_of(Path(folder), MOUNTS) == kind


def test_sqlite_on_a_network_file_system_is_an_error(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(checks, "MOUNTS", mounts)
    settings.DATA_DIR, settings.USES_SQLITE = tmp_path, True
    assert ids(checks.data_is_on_a_local_disk(None)) == ["core.E004"]
    settings.USES_SQLITE = False
    assert checks.data_is_on_a_local_disk(None) == []


def test_debug_pages_are_not_for_other_machines(settings: Any) -> None:
    settings.DEBUG, settings.HOST = True, "0.0.0.0"
    assert ids(checks.debug_stays_at_home(None)) == ["core.W001"]
    settings.HOST = "127.0.0.1"
    assert checks.debug_stays_at_home(None) == []


@pytest.mark.parametrize("pool", ["prefork", "processes", "celery.concurrency.prefork", "gevent"])
def test_a_pool_that_forks_is_refused(pool: str) -> None:
    with pytest.raises(SystemExit, match="threads"):
        checks.refuse_pools_that_fork(sender=SimpleNamespace(pool_cls=pool))


@pytest.mark.parametrize("pool", ["threads", "solo", "celery.concurrency.thread"])
def test_a_pool_in_one_process_is_fine(pool: str) -> None:
    checks.refuse_pools_that_fork(sender=SimpleNamespace(pool_cls=pool))
