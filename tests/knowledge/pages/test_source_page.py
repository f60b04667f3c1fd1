"""A document's page is for those who may read it; it marks the passage and runs nothing."""

import io

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext

from knowledge import indexing, storage
from knowledge.models import DocumentVersion, VersionState
from knowledge.services import NewFile, add_version

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
TEXT = "# Leave\n\n## Pay\n\nWeeks 1 to 18 are at full pay. The rest is not.\n"


def client_of(user=None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


@pytest.fixture
def leave(add_text):
    return add_text("Leave policy", TEXT)


def address(document, number=1, query="") -> str:
    return f"/sources/{document.pk}/v{number}/{query}"


def test_the_passage_is_marked_and_named(leave):
    start = TEXT.index("Weeks")
    page = client_of().get(address(leave, query=f"?start={start}&end={start + 30}"))
    body = page.content.decode()
    assert page.status_code == 200
    assert (
        '<mark class="passage" id="passage" tabindex="-1">Weeks 1 to 18 are at full pay.</mark>'
        in body
    )
    assert '<a href="#s1" aria-current="location">Pay</a>' in body


@pytest.mark.parametrize(
    "query",
    ["", "?start=5", "?end=5", "?start=a&end=b", "?start=-1&end=5", "?start=9&end=3", "?part=x",
     "?start=99999999999999999999&end=5", "?start=0&end=999999999", "?start=٣&end=٥", "?part=0",
     "?part=99999", "?from=%22%3E%3Cscript%3E&n=1", "?start=%00&end=1"],
)  # fmt: skip
def test_any_query_is_answered_with_the_document(leave, query):
    page = client_of().get(address(leave, query=query))
    assert page.status_code == 200
    assert "<script>" not in page.content.decode()


def test_a_groups_document_is_404_for_everybody_else_staff_included(add_text, alice, bob, charlie):
    secret = add_text("Board minutes", TEXT, groups=("board",))
    alice.groups.add(Group.objects.get(name="board"))
    for query in ("", "original/"):
        mine = client_of(alice).get(address(secret, query=query))
        assert mine.status_code == 200
        if mine.streaming:
            assert b"".join(mine.streaming_content).startswith(b"# Leave")
        for user in (bob, charlie, None):
            assert client_of(user).get(address(secret, query=query)).status_code == 404


def test_an_inactive_document_an_unready_version_and_nonsense_are_404(leave):
    unready = [VersionState.QUEUED, VersionState.FAILED, VersionState.PROCESSING]
    for number, state in enumerate(unready, start=2):
        DocumentVersion.objects.create(
            document=leave, number=number, state=state, text="secret", size=1, file="x"
        )
        assert client_of().get(address(leave, number)).status_code == 404
        assert client_of().get(address(leave, number, "original/")).status_code == 404
    for path in ("/sources/1/v0/", "/sources/999999/v1/", "/sources/99999999999999999999/v1/"):
        assert client_of().get(path).status_code == 404
    assert client_of().get(address(leave, 99999999999999999999)).status_code == 404
    leave.is_active = False
    leave.save()
    assert client_of().get(address(leave)).status_code == 404


def test_an_older_version_says_that_it_was_changed_and_leads_to_the_newer(leave):
    before = client_of().get(address(leave)).content.decode()
    assert "Changed since" not in before
    changed = io.BytesIO(TEXT.replace("18", "20").encode())
    version = add_version(leave, NewFile(changed, "leave.md"))
    indexing.process_version(version.pk)
    indexing.build_index()
    body = client_of().get(address(leave, query="?start=0&end=5&from=x")).content.decode()
    assert "Changed since this answer." in body
    assert f'href="/sources/{leave.pk}/v2/"' in body
    assert "Changed since" not in client_of().get(address(leave, 2)).content.decode()


def test_the_original_is_a_download_that_no_browser_runs(add_text):
    hostile = add_text("Page", "<script>alert(1)</script>\n\nSome words.")
    answer = client_of().get(address(hostile, query="original/"))
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Content-Type"] == "application/octet-stream"
    assert b"".join(answer.streaming_content).startswith(b"<script>")
    page = client_of().get(address(hostile)).content.decode()
    assert "<script>alert" not in page


def test_the_page_costs_the_same_queries_with_many_versions(leave, alice):
    client = client_of(alice)

    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address(leave)).status_code == 200
        return len(seen)

    before = count()
    DocumentVersion.objects.bulk_create(
        DocumentVersion(
            document=leave, number=n, state=VersionState.READY, text="x", size=1, file=f"{n}"
        )
        for n in range(2, 302)
    )
    assert count() == before <= 8


@pytest.mark.django_db(transaction=True)
def test_on_an_asynchronous_server_the_original_is_read_piece_by_piece(add_text):
    text = "# Größe\n\n" + "Some words. " * 20_000
    document = add_text('Grö"ße', text)

    async def fetch():
        answer = await AsyncClient().get(address(document, query="original/"))
        assert answer.is_async  # else the whole file would lie in memory
        return answer, [piece async for piece in answer.streaming_content]

    answer, pieces = async_to_sync(fetch)()
    assert b"".join(pieces).decode().startswith("# Größe")
    assert len(pieces) > 1
    assert int(answer["Content-Length"]) == sum(map(len, pieces))
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''")


def test_an_original_that_is_gone_is_404(leave):
    storage.remove([leave.versions.get().file])
    assert client_of().get(address(leave, query="original/")).status_code == 404
