"""The quality gate: what answers worse does not answer; a fault of its own stops nothing."""

import pytest
from django.contrib.admin.models import LogEntry

from core.errors import Conflict, Invalid
from knowledge import health, index_store, indexing
from knowledge.models import IndexBuild, IndexState
from knowledge.services import activate_build, delete_document, override_gate, request_rebuild
from tests.knowledge.conftest import LEAVE
from tests.knowledge.releases import (
    GATE,
    active,
    asked,
    chunks_of,
    folders,
    found,
    holding,
    on_disk,
    verdict,
)

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

ACTIVATE = "/api/knowledge/index/{}/activate/"


@pytest.fixture(autouse=True)
def gate(settings):
    asked.clear()
    verdict.clear()
    verdict.update(verdict="passed", reason="All found.", recall=1.0)
    settings.INDEX_GATE = GATE
    yield
    verdict.clear()


def refuse():
    verdict.update(verdict="failed", reason="Recall fell by 9 points.")


def change(settings, tokens=60):
    settings.CHUNK_TOKENS, settings.CHUNK_OVERLAP_TOKENS = tokens, 10


def refused():
    return IndexBuild.objects.get(state="refused")


def test_a_full_build_is_judged_when_it_is_complete_and_keeps_what_was_found(add_text):
    add_text("Leave", LEAVE)
    assert asked == [active().pk]
    assert active().gate == {"verdict": "passed", "reason": "All found.", "recall": 1.0}


def test_an_extension_is_not_judged(add_text):
    add_text("Leave", LEAVE)
    add_text("Parking", "bicycle words")
    assert active().base is not None
    assert len(asked) == 1


def test_the_gate_can_search_the_candidate_before_it_answers(add_text, settings, monkeypatch):
    add_text("Leave", LEAVE)
    old, seen = active(), []

    def judge(build):
        seen.append((active() == old, index_store.open_snapshot(build).index.versions()))
        return {"verdict": "passed"}

    monkeypatch.setattr("tests.knowledge.releases.judge", judge)
    change(settings)
    assert indexing.build_index()
    ((was_old, versions),) = seen
    assert was_old
    assert len(versions) == 1


def test_a_refused_build_does_not_answer_and_is_not_made_again(add_text, settings):
    add_text("Leave", LEAVE)
    old = active()
    change(settings)
    refuse()
    assert indexing.build_index() is False
    assert active() == old
    assert refused().gate["reason"] == "Recall fell by 9 points."
    assert IndexState.objects.get().refused == refused().configuration
    assert index_store.status()["refused"] == refused().configuration.name
    assert health.index()[0] == "degraded"
    assert not indexing.is_build_due()
    assert indexing.build_index() is False
    assert folders() == on_disk()


def test_new_documents_go_on_beside_the_old_release(add_text, settings):
    add_text("Leave", LEAVE)
    old = active()
    change(settings)
    refuse()
    indexing.build_index()
    add_text("Parking", "bicycle words")
    assert active().base == old
    assert active().configuration == old.configuration
    assert found("bicycle words")[0] == "Parking"
    assert IndexBuild.objects.filter(state="refused").count() == 1


def test_other_settings_get_a_chance_of_their_own(add_text, settings):
    add_text("Leave", LEAVE)
    change(settings)
    refuse()
    indexing.build_index()
    change(settings, 80)
    verdict.update(verdict="passed", reason="")
    assert indexing.build_index()
    assert active().configuration.chunk_tokens == 80
    assert health.index()[0] == "ok"


def test_staff_let_a_refused_build_in_with_a_reason(add_text, settings, bob):
    add_text("Leave", LEAVE)
    change(settings)
    refuse()
    indexing.build_index()
    add_text("Parking", "bicycle words")
    build = refused()
    for reason in ("", " \n ", "x" * 501):
        with pytest.raises(Invalid):
            override_gate(build, bob, reason)
    override_gate(build, bob, "The questions are\nout of date.")
    assert active() == build
    build.refresh_from_db()
    assert (build.overridden_by, build.override_reason) == (bob, "The questions are out of date.")
    assert "The questions are out of date." in LogEntry.objects.get(user=bob).change_message
    assert IndexState.objects.get().refused is None
    # What came since it was made follows at once.
    assert indexing.build_index()
    assert active().base == build
    assert found("bicycle words")[0] == "Parking"
    with pytest.raises(Conflict):
        override_gate(build, bob, "Again.")


def test_a_refused_build_is_not_activated_without_a_reason(add_text, settings, api, bob, charlie):
    add_text("Leave", LEAVE)
    change(settings)
    refuse()
    indexing.build_index()
    build = refused()
    with pytest.raises(Conflict):
        activate_build(build)
    url = ACTIVATE.format(build.pk)
    assert api(charlie).post(url, {"reason": "Because."}).status_code == 403
    assert api().post(url, {"reason": "Because."}).status_code == 401
    assert api(bob).post(url).status_code == 409
    assert api(bob).post(url, {"reason": "x" * 501}).status_code == 400
    assert api(bob).post(url, {"reason": ["a"]}).status_code == 400
    body = api(bob).post(url, {"reason": "Because."}).json()
    assert (body["state"], body["override_reason"]) == ("active", "Because.")
    assert body["gate"] == {"verdict": "failed", "reason": "Recall fell by 9 points."}
    assert active() == build


@pytest.mark.parametrize(
    "answer",
    [{"error": "broken"}, {"verdict": "perhaps"}, {}, {"verdict": None}],
)
def test_a_gate_that_breaks_or_mumbles_stops_nothing(add_text, settings, answer):
    verdict.clear()
    verdict.update(answer)
    add_text("Leave", LEAVE)
    assert active().gate["verdict"] == "skipped"
    assert active().gate["reason"]


def test_without_a_gate_every_build_answers(add_text, settings):
    settings.INDEX_GATE = ""
    add_text("Leave", LEAVE)
    assert active().gate["verdict"] == "skipped"


def test_a_gate_that_is_not_there_stops_nothing(add_text, settings):
    settings.INDEX_GATE = "no.such.gate"
    add_text("Leave", LEAVE)
    assert active().gate["verdict"] == "skipped"


def test_the_first_build_answers_whatever_the_gate_says(add_text):
    refuse()
    add_text("Leave", LEAVE)
    assert active().gate["verdict"] == "failed"


def test_a_rebuild_of_the_same_configuration_can_be_refused_and_is_not_repeated(add_text):
    add_text("Leave", LEAVE)
    old = active()
    refuse()
    request_rebuild()
    assert indexing.build_index() is False
    assert active() == old
    assert not indexing.is_build_due()
    add_text("Parking", "bicycle words")
    assert active().base == old


def test_an_erasure_is_not_held_up_by_the_gate(add_text):
    gone = add_text("Gone", "needleone words")
    add_text("Leave", LEAVE)
    refuse()
    chunks = chunks_of(gone)
    delete_document(gone)
    assert holding(chunks)
    assert indexing.build_index()
    assert active().gate["verdict"] == "failed"
    assert holding(chunks) == []
    assert folders() == [active().folder]


def test_while_a_configuration_is_refused_an_erasure_builds_the_old_one(add_text, settings):
    gone = add_text("Gone", "needleone words")
    add_text("Leave", LEAVE)
    old = active().configuration
    change(settings)
    refuse()
    indexing.build_index()
    chunks = chunks_of(gone)
    assert any(refused().folder in str(path) for path in holding(chunks))
    delete_document(gone)
    assert indexing.build_index()
    assert active().configuration == old
    # The refused build held the words too.
    assert IndexBuild.objects.filter(state="refused").count() == 0
    assert holding(chunks) == []
    assert not indexing.is_build_due()


def test_only_the_newest_refused_build_is_kept(add_text, settings):
    add_text("Leave", LEAVE)
    refuse()
    for tokens in (60, 80, 100):
        change(settings, tokens)
        indexing.build_index()
    assert refused().configuration.chunk_tokens == 100
    assert folders() == on_disk()
