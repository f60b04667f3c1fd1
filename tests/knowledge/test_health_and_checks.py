"""What an operator is told about knowledge."""

import pytest

from knowledge import conf, health
from knowledge.checks import embedding_model_is_there
from tests.fakes import BagOfWordsEmbedder
from tests.knowledge.conftest import LEAVE

pytestmark = [pytest.mark.django_db]


def test_an_index_that_serves_is_ok(add_text):
    add_text("Leave", LEAVE)
    state, facts = health.index()
    assert state == "ok"
    assert facts["loaded"] == facts["active"]
    assert (facts["wanted"], facts["vectors"]) == (facts["built"], 1)


def test_another_model_than_the_builds_is_said(add_text):
    add_text("Leave", LEAVE)
    conf.set_embedder(BagOfWordsEmbedder("other@1"))
    state, facts = health.index()
    assert state == "degraded"
    assert "another embedding model" in facts["detail"]


@pytest.mark.model
def test_a_missing_model_is_a_warning_and_degrades(settings):
    assert embedding_model_is_there(None) == []
    settings.EMBEDDING_MODEL = "no/such-model"
    (warning,) = embedding_model_is_there(None)
    assert warning.id == "knowledge.W001"
    assert health.index()[0] == "degraded"
