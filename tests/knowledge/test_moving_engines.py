"""Another engine behind the same product: moving there, extensions, rollback, and the way back."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from knowledge import engines, indexing
from knowledge.indexing import drift
from knowledge.models import Document, IndexBuild
from knowledge.search import search
from knowledge.services import activate_build, delete_document, request_rebuild
from tests.knowledge.retrieval.engines import postgresql

pytestmark = pytest.mark.django_db

LEAVE = "Parental leave lasts 52 weeks. The first 18 weeks are paid in full."
BIKES = "Bicycles are kept in the cellar behind the red door."


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgresql() as found:
        yield found


@pytest.fixture
def elsewhere(settings: Any, address: str, tmp_path: Any) -> Iterator[Callable[[str], None]]:
    """``elsewhere("pgvector")``: the operator has changed the setting."""
    settings.VECTOR_DATABASE_URL = address
    settings.MILVUS_URI = str(tmp_path / "milvus.db")

    def change(name: str) -> None:
        settings.VECTOR_INDEX = name

    yield change
    for name in ("pgvector", "milvus"):
        settings.VECTOR_INDEX = name
        made = engines.engine(name)
        for release in made.names():
            made.remove(release)
        made.close()  # type: ignore[attr-defined]


def titles(question: str) -> list[str]:
    return [passage.title for passage in search(question, user=None).passages]


@pytest.mark.parametrize("name", ["pgvector", "milvus"])
def test_the_index_moves_while_the_old_engine_answers(
    elsewhere: Callable[[str], None], add_text: Callable[..., Document], name: str
) -> None:
    add_text("Leave", LEAVE)
    elsewhere(name)
    assert titles("How long is parental leave?") == ["Leave"]  # files answer still
    request_rebuild()
    indexing.build_index()
    active = IndexBuild.objects.get(state="active")
    assert active.engine == name
    assert titles("How long is parental leave?") == ["Leave"]
    cellar = add_text("Bicycles", BIKES)
    newest = IndexBuild.objects.get(state="active")
    assert (newest.engine, newest.base) == (name, active)
    assert titles("Where are bicycles kept?")[0] == "Bicycles"
    assert drift.measure().is_zero
    delete_document(cellar)
    assert "Bicycles" not in titles("Where are bicycles kept?")
    indexing.build_index()
    assert drift.measure().is_zero
    assert cellar.pk not in engines.open_build(IndexBuild.objects.get(state="active")).versions()


def test_a_rollback_leads_back_to_files(
    elsewhere: Callable[[str], None], add_text: Callable[..., Document]
) -> None:
    add_text("Leave", LEAVE)
    files = IndexBuild.objects.get(state="active")
    elsewhere("pgvector")
    request_rebuild()
    indexing.build_index()
    activate_build(files)
    assert IndexBuild.objects.get(state="active").engine == "files"
    assert titles("How long is parental leave?") == ["Leave"]
