"""What a search says of itself: how it is judged, with a reader and without one."""

from dataclasses import replace
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from knowledge.models import Calibration
from knowledge.retrieval.answerability import as_dict, shipped
from knowledge.retrieval.reader import Page, Reading
from knowledge.search import read_on, search
from knowledge.services import set_groups
from tests.conftest import make_member
from tests.fakes import BagOfWordsEmbedder
from tests.knowledge.conftest import LEAVE

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

QUESTION = "how many days of annual leave are carried over"


class Sceptic:
    """A reader that finds an answer in pages with a word, and keeps what it was given."""

    fingerprint = "reader@sceptic"

    def __init__(self, word: str = "") -> None:
        self.word = word
        self.calls: list[tuple[str, list[Page]]] = []

    def read(self, question, pages):
        self.calls.append((question, list(pages)))
        return [self._reading(page) for page in pages]

    def _reading(self, page):
        if self.word == "broken":
            raise RuntimeError("a library of others")
        said = [page.text[start:end] for start, end in page.spans]
        scores = tuple(0.99 if self.word and self.word in text else 0.001 for text in said)
        return Reading(max(scores, default=0.001), scores)


@pytest.fixture
def reads(monkeypatch):
    """``reads(word)``: from now on this reader reads."""

    def install(word=""):
        made = Sceptic(word)
        monkeypatch.setattr("knowledge.search.judging.reader", lambda: made)
        monkeypatch.setattr("knowledge.search.judging.fingerprint", lambda: made.fingerprint)
        known = replace(shipped(), provenance={"reader": made.fingerprint})
        monkeypatch.setattr("knowledge.search.judging.shipped", lambda: known)
        return made

    return install


def test_a_code_that_no_document_has_is_not_found_and_named(add_text):
    add_text("Errors", "Error C4996 says that something is deprecated. What does it mean? This.")
    found = search("what does error C4997 mean?", user=None)
    assert (found.answerable, found.unknown) == (0.0, ("C4997",))
    assert found.passages
    assert search("what does error C4996 mean?", user=None).unknown == ()


def test_a_code_of_a_hidden_document_is_as_unknown_as_any(add_text, alice):
    add_text("Open", "An open page about errors and what they mean.")
    hidden = add_text("Secret", "Error C4996 says that something is deprecated.")
    Group.objects.create(name="hr")
    set_groups(hidden, ["hr"])
    member = make_member("harriet")
    member.groups.add(*hidden.groups.all())
    assert search("what does error C4996 mean?", user=alice).unknown == ("C4996",)
    assert search("what does error C4996 mean?", user=member).unknown == ()


def test_without_a_reader_the_search_alone_decides(add_text):
    add_text("Leave", LEAVE)
    found = search(QUESTION, user=None)
    assert "page" not in found.signals
    assert all(passage.judged is None for passage in found.passages)
    assert found.degraded == ()


@pytest.mark.parametrize(
    ("word", "is_worth", "count"), [("zebra", True, 2), ("zebra", False, 1), ("leave", True, 1)]
)
def test_one_passage_is_read_to_decide_and_one_more_to_quote_unless_it_is_sure(
    add_text, reads, word, is_worth, count
):
    for number in range(4):
        add_text(f"Leave {number}", f"{LEAVE}\n\nParagraph {number} is about annual leave too.")
    reader = reads(word)
    found = search(QUESTION, user=None)
    assert [p.judged is not None for p in found.passages] == [True, False, False, False]
    offered = []

    def worth(question, read, following):
        offered.append((question, [p.chunk_id for p in read if p.judged], following.chunk_id))
        return is_worth

    quoted = read_on(QUESTION, found.passages, worth)
    first, second = (passage.chunk_id for passage in found.passages[:2])
    assert offered == ([] if word == "leave" else [(QUESTION, [first], second)])
    assert [asked for asked, _ in reader.calls] == [QUESTION] * count
    pages = [page for _, (page,) in reader.calls]
    assert [page.text for page in pages] == [p.text for p in found.passages[:count]]
    for page, passage in zip(pages, quoted, strict=False):
        assert passage.judged is not None
        assert [tuple(span[:2]) for span in passage.judged.spans] == list(page.spans)
    assert not any(passage.judged for passage in quoted[count:])
    assert [passage.chunk_id for passage in quoted] == [p.chunk_id for p in found.passages]


def test_without_a_reader_no_passage_is_read_to_quote(add_text):
    add_text("Leave", LEAVE)
    found = search(QUESTION, user=None)
    assert read_on(QUESTION, found.passages, lambda *_: True) == found.passages


def test_a_reader_that_finds_no_answer_makes_one_less_likely(add_text, reads):
    add_text("Leave", LEAVE)
    reads("leave")
    likely = search(QUESTION, user=None)
    reads("zebra")
    unlikely = search(QUESTION, user=None)
    assert unlikely.answerable <= likely.answerable
    assert unlikely.signals["page"] < likely.signals["page"]


def test_a_reader_that_the_calibration_does_not_know_decides_nothing(add_text, reads, monkeypatch):
    add_text("Leave", LEAVE)
    plain = search(QUESTION, user=None)
    reads("zebra")
    monkeypatch.setattr("knowledge.search.judging.shipped", shipped)
    found = search(QUESTION, user=None)
    assert found.answerable == plain.answerable
    assert found.passages[0].judged is None


def test_who_only_wants_passages_waits_for_no_reader(add_text, reads):
    add_text("Leave", LEAVE)
    reader = reads("leave")
    assert search(QUESTION, user=None, is_judged=False).passages[0].judged is None
    assert reader.calls == []


def test_a_reader_that_breaks_leaves_the_search_and_is_told(add_text, reads):
    add_text("Leave", LEAVE)
    plain = search(QUESTION, user=None)
    reads("broken")
    found = search(QUESTION, user=None)
    assert found.degraded == ("reader",)
    assert found.answerable == plain.answerable


def fit(model: str, reader: str = "", **fields):
    """A fit after which nothing is answered."""
    values = as_dict(shipped())
    values["provenance"] = {"embedding_model": model, "reader": reader}
    for variant in values["variants"].values():
        variant["lines"] = {"0.05": 50.0}
    made = {"state": Calibration.State.DONE, "finished_at": timezone.now(), "values": values}
    return Calibration.objects.create(**{**made, **fields})


def test_a_fit_decides_from_the_next_search_on_and_not_after_it_is_undone(add_text):
    add_text("Leave", LEAVE)
    before = search(QUESTION, user=None).answerable
    made = fit(BagOfWordsEmbedder().fingerprint)
    assert search(QUESTION, user=None).answerable < 1e-6 < before
    Calibration.objects.filter(pk=made.pk).update(undone_at=timezone.now())
    assert search(QUESTION, user=None).answerable == before


@pytest.mark.parametrize(
    "fields",
    [{"model": "another@model"}, {"model": BagOfWordsEmbedder().fingerprint, "reader": "x"}],
)
def test_a_fit_of_other_models_decides_nothing(add_text, fields):
    add_text("Leave", LEAVE)
    before = search(QUESTION, user=None).answerable
    fit(**fields)
    assert search(QUESTION, user=None).answerable == before


def test_a_fit_by_the_signals_of_an_earlier_version_decides_nothing_and_says_so(add_text, caplog):
    add_text("Leave", LEAVE)
    before = search(QUESTION, user=None).answerable
    values = as_dict(shipped())
    values["provenance"] = {"embedding_model": BagOfWordsEmbedder().fingerprint, "reader": ""}
    earlier = {"dense": 9.0, "coverage": 4.3, "lead": 3.1, "lexical_lead": 0.1}
    values["variants"]["meaning"].update(weights=earlier, lines={"0.05": 50.0})
    fit(BagOfWordsEmbedder().fingerprint, pk=uuid4(), values=values)
    assert search(QUESTION, user=None).answerable == before
    assert "other signals than this version in meaning" in caplog.text
    assert "Fit it again." in caplog.text


@pytest.mark.parametrize("values", [{}, {"variants": {}}, {"variants": "no"}])
def test_a_damaged_fit_decides_nothing(add_text, values):
    add_text("Leave", LEAVE)
    before = search(QUESTION, user=None).answerable
    fit(BagOfWordsEmbedder().fingerprint, pk=uuid4(), values=values)
    assert search(QUESTION, user=None).answerable == before


def test_who_may_refuse_more_refuses_more(add_text, settings):
    add_text("Leave", LEAVE)
    judged = []
    for share in (0.0, 0.05, 0.5):
        settings.REFUSED_ANSWERABLE = share
        judged.append(search(QUESTION, user=None).answerable)
    assert judged == sorted(judged, reverse=True)


def test_a_passage_that_begins_within_a_table_names_its_columns(add_text, settings):
    rows = "\n".join(f"| Town {n} | {n} days of annual leave in the town {n} |" for n in range(60))
    add_text("Towns", f"# Towns\n\n| Town | Days |\n| --- | --- |\n{rows}\n")
    found = search("annual leave in the town 57", user=None)
    cut = [p for p in found.passages if p.text.startswith("|") and "Days" not in p.text]
    assert cut
    assert all(passage.columns == "| Town | Days |" for passage in cut)
    assert all(not p.columns for p in found.passages if p not in cut)
