"""Everything of one person, as JSON at once and as a ZIP in the background."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.storage import default_storage
from django.test import AsyncClient, Client
from django.utils import timezone
from rest_framework.test import APIClient

from core.models import OutboundMail
from tests.users.people import path_in
from users import cleaning, exporting, services
from users.exporting import make_export
from users.models import DataExport, User

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
PATH = "/api/users/export/"
Api = Callable[..., APIClient]


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def many_of(user: User) -> Iterator[dict[str, Any]]:
    yield from ({"number": number} for number in range(1000))


def broken_of(user: User) -> Iterator[dict[str, Any]]:
    yield {"number": 1}
    raise RuntimeError("the section broke")


def interrupted_of(user: User) -> Iterator[dict[str, Any]]:
    """While it is read, another worker takes the export over."""
    DataExport.objects.filter(user=user).update(attempts=2)
    yield {"number": 1}


@pytest.fixture
def ordered(alice: User) -> DataExport:
    return services.request_export(alice)


def test_the_json_holds_account_and_sections(alice: User, api: Api) -> None:
    answer = api(alice).get(PATH)
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'attachment; filename="footnote.json"'
    body = json.loads(body_of(answer))
    assert body["user"]["email"] == alice.email
    assert body["section"] == [
        {"title": "Leave", "user": alice.pk},
        {"title": "Ümlaut", "user": alice.pk},
    ]
    assert "argon2" not in json.dumps(body)


def test_a_visitor_can_take_the_json_too(visitor: User, api: Api) -> None:
    assert json.loads(body_of(api(visitor).get(PATH)))["user"]["user_type"] == "anonymous"


def test_a_section_that_breaks_is_an_error_and_not_half_an_answer(
    alice: User, api: Api, settings: Any
) -> None:
    settings.EXPORT_SECTIONS = [f"{__name__}.broken_of"]
    with pytest.raises(RuntimeError):
        api(alice).get(PATH)


@pytest.mark.django_db(transaction=True)
def test_on_an_asynchronous_server_it_is_streamed_too(alice: User) -> None:
    async def fetch() -> bytes:
        client = AsyncClient()
        await client.aforce_login(alice)
        answer = await client.get(PATH)
        return b"".join([piece async for piece in answer.streaming_content])

    assert json.loads(async_to_sync(fetch)())["user"]["id"] == alice.pk


def test_a_zip_is_made_in_the_background_and_its_link_is_mailed(
    alice: User, api: Api, sent: Callable[[], list[Any]]
) -> None:
    assert api(alice).post(PATH).status_code == 202
    assert make_export(DataExport.objects.get().pk)
    (message,) = sent()
    client = Client()
    client.force_login(alice)
    answer = client.get(path_in(message.body))
    with zipfile.ZipFile(io.BytesIO(body_of(answer))) as archive:
        assert sorted(archive.namelist()) == ["account.json", "section.json"]
        assert json.loads(archive.read("section.json"))[0]["title"] == "Leave"


def test_the_link_works_for_its_owner_alone(ordered: DataExport, charlie: User) -> None:
    make_export(ordered.pk)
    path = f"/accounts/export/{ordered.token}/"
    stranger = Client()
    stranger.force_login(charlie)
    assert stranger.get(path).status_code == 404
    nobody = Client().get(path)
    assert nobody.status_code == 302
    assert nobody["Location"].startswith("/accounts/login/?next=/accounts/export/")


def test_the_link_ends_after_48_hours(ordered: DataExport, alice: User) -> None:
    make_export(ordered.pk)
    ordered.refresh_from_db()
    assert timedelta(hours=47) < ordered.expires_at - timezone.now() <= timedelta(hours=48)
    DataExport.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    client = Client()
    client.force_login(alice)
    assert client.get(f"/accounts/export/{ordered.token}/").status_code == 404


@pytest.mark.parametrize("state", ["queued", "running", "failed"])
def test_an_export_that_is_not_ready_is_404(ordered: DataExport, alice: User, state: str) -> None:
    DataExport.objects.update(state=state)
    client = Client()
    client.force_login(alice)
    assert client.get(f"/accounts/export/{ordered.token}/").status_code == 404


def test_a_ready_export_whose_file_is_gone_is_404(ordered: DataExport, alice: User) -> None:
    make_export(ordered.pk)
    ordered.refresh_from_db()
    default_storage.delete(ordered.file)
    client = Client()
    client.force_login(alice)
    assert client.get(f"/accounts/export/{ordered.token}/").status_code == 404


def test_one_export_at_a_time(alice: User, api: Api) -> None:
    client = api(alice)
    assert [client.post(PATH).status_code for _ in range(2)] == [202, 202]
    assert DataExport.objects.count() == 1


def test_exports_are_limited(alice: User, api: Api, settings: Any) -> None:
    settings.RATES = {"export": "1/hour"}
    client = api(alice)
    first = client.get(PATH)
    assert (first.status_code, bool(body_of(first))) == (200, True)
    assert client.post(PATH).status_code == 429


def test_a_visitor_has_no_address_for_the_link(visitor: User, api: Api) -> None:
    answer = api(visitor).post(PATH)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert not DataExport.objects.exists()


def test_a_task_that_comes_twice_makes_one_export(ordered: DataExport) -> None:
    assert [make_export(ordered.pk), make_export(ordered.pk)] == [True, False]
    assert OutboundMail.objects.filter(key__startswith="export:").count() == 1


def test_a_task_for_a_deleted_export_does_nothing(ordered: DataExport) -> None:
    pk = ordered.pk
    ordered.delete()
    assert not make_export(pk)


def _dead_worker(export: DataExport, attempts: int) -> None:
    DataExport.objects.filter(pk=export.pk).update(
        state="running", attempts=attempts, lease_until=timezone.now() - timedelta(seconds=1)
    )


def test_a_dead_worker_s_export_is_made_by_the_next(ordered: DataExport) -> None:
    _dead_worker(ordered, attempts=1)
    assert cleaning.waiting_exports(timezone.now()) == [ordered.pk]
    assert make_export(ordered.pk)
    ordered.refresh_from_db()
    assert (ordered.state, ordered.attempts) == ("ready", 2)


def test_a_living_worker_s_export_is_left_alone(ordered: DataExport) -> None:
    DataExport.objects.update(
        state="running", attempts=1, lease_until=timezone.now() + timedelta(minutes=1)
    )
    assert cleaning.waiting_exports(timezone.now()) == []
    assert not make_export(ordered.pk)


def test_after_three_attempts_it_is_failed(ordered: DataExport) -> None:
    _dead_worker(ordered, attempts=3)
    assert cleaning.give_up_exports(timezone.now()) == 1
    assert not make_export(ordered.pk)
    ordered.refresh_from_db()
    assert ordered.state == "failed"


def test_a_broken_section_leaves_the_export_to_the_next_attempt(
    ordered: DataExport, settings: Any
) -> None:
    settings.EXPORT_SECTIONS = [f"{__name__}.broken_of"]
    with pytest.raises(RuntimeError):
        make_export(ordered.pk)
    ordered.refresh_from_db()
    assert (ordered.state, ordered.attempts) == ("running", 1)
    assert not default_storage.exists(exporting.FOLDER)


def test_a_worker_that_lost_its_lease_leaves_no_trace(ordered: DataExport, settings: Any) -> None:
    settings.EXPORT_SECTIONS = [f"{__name__}.interrupted_of"]
    assert not make_export(ordered.pk)
    ordered.refresh_from_db()
    assert (ordered.state, ordered.attempts) == ("running", 2)
    assert not default_storage.exists(exporting.FOLDER)
    assert not OutboundMail.objects.filter(key__startswith="export:").exists()


def test_a_long_export_keeps_its_lease(ordered: DataExport, settings: Any) -> None:
    settings.EXPORT_SECTIONS = [f"{__name__}.many_of"]
    assert make_export(ordered.pk)
