"""The cast and the stage: alice owns, bob is staff, charlie is the stranger."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from knowledge import conf, index_store, indexing
from knowledge.models import Document
from knowledge.services import NewDocument, add_document
from tests.fakes import BagOfWordsEmbedder
from tests.prepared import PREPARED_MODELS
from users.models import User
from users.services import make_visitor
from users.tokens import issue_tokens

PASSWORD = "a long enough phrase 7"


@pytest.fixture(autouse=True)
def fake_embedder(request: pytest.FixtureRequest) -> Iterator[BagOfWordsEmbedder | None]:
    """Every test embeds with bags of words, unless it is marked `model`."""
    if request.node.get_closest_marker("model"):
        conf.set_embedder(None)
        yield None
        return
    fake = BagOfWordsEmbedder()
    conf.set_embedder(fake)
    yield fake
    conf.set_embedder(None)


@pytest.fixture(autouse=True)
def _own_files(tmp_path: Any, settings: Any) -> Iterator[None]:
    """Files, index and broker of each test lie in a folder of its own."""
    settings.INDEX_DIR = tmp_path / "index"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MODELS_DIR = PREPARED_MODELS
    storages = {**settings.STORAGES}
    storages["default"] = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "media"},
    }
    settings.STORAGES = storages
    index_store.forget()
    yield
    index_store.forget()


def make_member(name: str, **fields: Any) -> User:
    email = f"{name}@example.org"
    return User.objects.create_user(email, PASSWORD, first_name=name.title(), **fields)


@pytest.fixture
def alice(db: None) -> User:
    return make_member("alice", is_verified=True)


@pytest.fixture
def bob(db: None) -> User:
    return make_member("bob", is_verified=True, is_staff=True)


@pytest.fixture
def charlie(db: None) -> User:
    return make_member("charlie", is_verified=True)


@pytest.fixture
def visitor(db: None) -> User:
    return make_visitor()


@pytest.fixture
def api() -> Callable[..., APIClient]:
    """``api(user)``: a client that carries a real access token; ``api()`` carries none."""

    def client(user: User | None = None, **options: Any) -> APIClient:
        made = APIClient(**options)
        if user is not None:
            made.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access']}")
        return made

    return client


@pytest.fixture
def add_text(db: None) -> Callable[..., Document]:
    """``add_text(title, text, groups=("hr",))``: a ready document, in the active index."""

    def add(title: str, text: str, groups: tuple[str, ...] = (), **fields: Any) -> Document:
        for name in groups:
            Group.objects.get_or_create(name=name)
        new = NewDocument(title=title, content=text, groups=groups, **fields)
        document = add_document(new, owner=None)
        indexing.process_version(document.versions.get().pk)
        indexing.build_index()
        document.refresh_from_db()
        assert document.active_version is not None, document.versions.get().error
        return document

    return add


@pytest.fixture(scope="session")
def on_postgresql() -> bool:
    return not settings.USES_SQLITE
