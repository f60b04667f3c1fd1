"""An archive: each member a document of its own, none twice, none lost without a word."""

import zipfile
from io import BytesIO

import pytest
from celery import current_app
from django.contrib.auth.models import Group
from django.core.files.storage import default_storage

from knowledge import indexing
from knowledge.models import Document, DocumentVersion
from knowledge.schedule import sweep, unpack
from knowledge.search import search
from knowledge.services import (
    NewDocument,
    add_document,
    add_version,
    archives,
    cancel,
    reprocess,
    set_groups,
)
from knowledge.services.archives import Budget
from tests.knowledge.conftest import newest
from tests.knowledge.test_document_calls import URL

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


def packed(members: dict[str, bytes]) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def notes(count: int) -> dict[str, bytes]:
    return {
        f"notes/n{n:03}.md": f"# Note {n}\n\nWord{n} stands here.".encode() for n in range(count)
    }


@pytest.fixture(autouse=True)
def hints(monkeypatch):
    """What is sent to workers, instead of a broker."""
    sent = []
    monkeypatch.setattr(
        current_app, "send_task", lambda name, args=(), **_: sent.append((name, *args))
    )
    return sent


@pytest.fixture
def staff(api, bob):
    return api(bob)


@pytest.fixture
def add_zip(new_file):
    """``add_zip(members)``: an archive that waits for a worker."""

    def add(members, **fields):
        file = new_file("batch.zip", packed(members))
        return add_document(NewDocument(file=file, **fields), owner=None)

    return add


def titles():
    return set(Document.objects.values_list("title", flat=True))


def test_each_member_becomes_a_document_by_api(staff, upload, work, bob):
    Group.objects.create(name="hr")
    members = {"Leave_policy.md": b"# Leave\n\nFive days.", "deep/travel.txt": b"Trains only."}
    body = {
        "file": upload("batch.zip", packed(members)),
        "groups": ["hr"],
        "document_type": "policy",
    }
    response = staff.post(URL, body, format="multipart")
    assert response.status_code == 201
    results = response.json()["results"]
    assert [r["name"] for r in results] == list(members)
    assert all(r["document"]["status"] == "queued" for r in results)
    assert all(r["document"]["groups"] == ["hr"] for r in results)
    assert titles() == {"Leave policy", "travel"}
    made = Document.objects.get(title="travel")
    assert (made.source, made.owner, made.document_type, made.is_restricted) == (
        "batch.zip/deep/travel.txt", bob, "policy", True,
    )  # fmt: skip
    assert len(default_storage.listdir("documents")[1]) == 2
    work()
    assert {newest(d).state for d in Document.objects.all()} == {"ready"}
    assert search("trains", user=None).passages == ()


def test_a_member_that_is_refused_is_named_and_holds_up_no_other(staff, upload):
    members = {
        "a.md": b"# A",
        "picture.png": b"\x89PNG",
        "broken.pdf": b"no pdf",
        "empty.md": b"",
        "b.txt": b"b",
    }
    files = [upload("batch.zip", packed(members)), upload("c.md", b"# C")]
    results = staff.post(URL, {"files": files}, format="multipart").json()["results"]
    assert [r["name"] for r in results] == [*members, "c.md"]
    refused = {r["name"]: r for r in results if "document" not in r}
    assert set(refused) == {"picture.png", "broken.pdf", "empty.md"}
    assert all(r["detail"].endswith(".") and r["code"] for r in refused.values())
    assert titles() == {"a", "b", "c"}


def test_a_damaged_archive_is_400_and_leaves_nothing(staff, upload):
    data = packed(notes(3))
    response = staff.post(URL, {"file": upload("batch.zip", data[:80])}, format="multipart")
    assert response.status_code == 400
    assert "file" in response.json()
    assert not Document.objects.exists()
    assert default_storage.listdir("documents")[1] == []


def test_too_many_members_are_413_and_leave_nothing(staff, upload, settings):
    settings.MAX_ARCHIVE_MEMBERS = 5
    response = staff.post(URL, {"file": upload("batch.zip", packed(notes(6)))}, format="multipart")
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert not Document.objects.exists()


def test_a_member_above_the_limit_of_a_file_is_refused_alone(staff, upload, settings):
    settings.MAX_UPLOAD_MB = 1
    settings.MAX_ARCHIVE_RATIO = 10_000
    members = {"a.md": b"# A", "big.txt": b"words and " * 150_000}
    results = staff.post(
        URL, {"file": upload("batch.zip", packed(members))}, format="multipart"
    ).json()["results"]
    assert [r.get("code") for r in results] == [None, "too_large"]
    assert titles() == {"a"}


def test_an_archive_is_no_version_of_a_document(staff, queued, new_file, upload):
    document = queued()
    file = upload("batch.zip", packed(notes(1)))
    response = staff.patch(f"{URL}{document.pk}/", {"file": file}, format="multipart")
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_type")
    assert len(default_storage.listdir("documents")[1]) == 1


def test_what_is_too_much_for_a_request_goes_to_a_worker(staff, upload, monkeypatch, hints):
    monkeypatch.setattr("knowledge.api.adding._BUDGET", Budget(members=2, seconds=60))
    response = staff.post(URL, {"file": upload("batch.zip", packed(notes(5)))}, format="multipart")
    results = response.json()["results"]
    assert [r["name"] for r in results] == ["notes/n000.md", "notes/n001.md", "batch.zip"]
    waiting = results[-1]["document"]
    assert (waiting["status"], waiting["progress"]["pages_done"]) == ("queued", 2)
    assert ("knowledge.schedule.unpack", newest(Document.objects.get(pk=waiting["id"])).pk) in hints
    for name, *given in list(hints):
        if name == "knowledge.schedule.unpack":
            unpack(*given)
    assert titles() == {f"n{n:03}" for n in range(5)}


def test_a_worker_is_told_and_the_sweep_finds_what_was_not(add_zip, hints):
    version = newest(add_zip(notes(2)))
    assert hints == [("knowledge.schedule.unpack", version.pk)]
    hints.clear()
    sweep()
    assert hints == [("knowledge.schedule.unpack", version.pk)]
    assert indexing.process_version(version.pk) is False
    assert indexing.due_version_ids(10) == []


def test_refused_members_keep_the_archive_as_failed_with_a_sentence_for_each(add_zip):
    document = add_zip({"a.md": b"# A", "picture.png": b"\x89PNG", "b.exe": b"MZ"})
    unpack(newest(document).pk)
    version = newest(document)
    assert (version.state, version.error) == (
        "failed", "2 of 3 files in this archive were not taken: picture.png, b.exe.",
    )  # fmt: skip
    assert [w.partition(":")[0] for w in version.warnings] == ["picture.png", "b.exe"]
    assert version.is_complete is False
    assert titles() == {"a", "batch"}


def test_of_many_refused_members_the_first_are_named_and_the_rest_counted(add_zip):
    pictures = {f"{'deep/' * 30}p{n}.png": b"\x89PNG" for n in range(40)}
    document = add_zip({"a.md": b"# A", **pictures})
    unpack(newest(document).pk)
    error = newest(document).error
    assert error.startswith("40 of 41 files in this archive were not taken: …")
    assert error.endswith("/p4.png and 35 more.")
    assert len(error) < 500


def test_a_bomb_is_too_large_also_where_it_says_so_itself(staff, upload):
    data = packed({"a.md": b"# A", "bomb.txt": b"0" * 30_000_000})
    given = {"file": upload("batch.zip", data)}
    results = staff.post(URL, given, format="multipart").json()["results"]
    assert [r.get("code") for r in results if r["name"] == "bomb.txt"] == ["too_large"]
    assert titles() == {"a"}


def test_an_archive_in_an_archive_has_one_code_whatever_its_name(staff, upload):
    inner = packed(notes(1))
    data = packed({"a.md": b"# A", "inner.zip": inner, "inner.tgz": b"\x1f\x8b"})
    given = {"file": upload("batch.zip", data)}
    results = staff.post(URL, given, format="multipart").json()["results"]
    assert [r.get("code") for r in results] == [None, "unsupported_type", "unsupported_type"]


class Killed(BaseException):
    """As by kill -9: nothing of ours gets to run."""


@pytest.mark.parametrize("moment", ["before the bytes", "after the bytes", "in the transaction"])
def test_killed_in_the_middle_nothing_is_twice_and_nothing_is_missing(add_zip, monkeypatch, moment):
    document = add_zip({**notes(4), "picture.png": b"\x89PNG", "z.md": b"# Z"})
    version = newest(document)
    place = {
        "before the bytes": "store_file",
        "after the bytes": "_document_of",
        "in the transaction": "queue_version",
    }[moment]
    for at in (2, 1, 0):
        plain = getattr(archives, place)
        calls = []

        def die(*given, plain=plain, calls=calls, at=at, **named):
            if len(calls) == at:
                raise Killed
            calls.append(1)
            return plain(*given, **named)

        with monkeypatch.context() as deadly:
            deadly.setattr(archives, place, die)
            with pytest.raises(Killed):
                archives.unpack(version.pk)
        assert archives.unpack(version.pk) is None  # its lease lasts
        DocumentVersion.objects.filter(pk=version.pk).update(lease_until="2020-01-01T00:00Z")
    archives.unpack(version.pk)
    found = sorted(Document.objects.exclude(pk=document.pk).values_list("title", flat=True))
    assert found == ["n000", "n001", "n002", "n003", "z"]
    version.refresh_from_db()
    assert (version.pages_done, version.error) == (
        6,
        "1 of 6 files in this archive were not taken: picture.png.",
    )


def test_a_second_worker_that_comes_meanwhile_takes_nothing(add_zip, monkeypatch):
    version = newest(add_zip(notes(3)))
    plain, second = archives.store_file, []

    def with_a_visitor(new):
        second.append(archives.unpack(version.pk))
        return plain(new)

    monkeypatch.setattr(archives, "store_file", with_a_visitor)
    archives.unpack(version.pk)
    assert second == [None, None, None]
    assert titles() == {"n000", "n001", "n002"}


def test_cancelled_it_takes_no_more(add_zip):
    document = add_zip(notes(4))
    archives.unpack(newest(document).pk, Budget(members=2, seconds=60))
    assert cancel(document).state == "cancelled"
    assert archives.unpack(newest(document).pk) is None
    assert len(titles()) == 3
    reprocess(document)
    archives.unpack(newest(document).pk)
    assert titles() == {f"n{n:03}" for n in range(4)}


def test_a_restriction_that_comes_in_between_holds_for_the_rest(add_zip):
    Group.objects.create(name="hr")
    document = add_zip(notes(2))
    archives.unpack(newest(document).pk, Budget(members=1, seconds=60))
    set_groups(document, ["hr"])
    archives.unpack(newest(document).pk)
    assert Document.objects.get(title="n001").is_restricted


def test_the_same_content_in_many_members_is_stored_and_embedded_once(add_zip, work, fake_embedder):
    archives.unpack(newest(add_zip({f"{n}.md": b"# Same\n\nWords." for n in range(20)})).pk)
    assert len(default_storage.listdir("documents")[1]) == 1
    work()
    assert {newest(d).state for d in Document.objects.all()} == {"ready"}
    assert len(fake_embedder.embedded) == 1


def test_a_full_disk_lets_it_wait(add_zip, settings):
    version = newest(add_zip(notes(2)))
    settings.MIN_FREE_BYTES = 2**62
    assert archives.unpack(version.pk) is None
    version.refresh_from_db()
    assert (version.state, version.attempts) == ("queued", 0)


def test_a_missing_file_fails_with_a_sentence(add_zip):
    document = add_zip(notes(2))
    default_storage.delete(newest(document).file)
    archives.unpack(newest(document).pk)
    assert (newest(document).state, newest(document).error) == ("failed", archives.GONE)


def test_an_archive_takes_no_text_as_its_next_version_by_mistake(add_zip):
    document = add_zip(notes(2))
    assert add_version(document, "# A text").media_type == "text/markdown"
