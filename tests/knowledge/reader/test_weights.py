"""Weights that are damaged, missing or switched off, and what the product does then."""

import json
import logging
import shutil

import pytest

from knowledge import health, reader
from knowledge.retrieval.reader import BUNDLED, Reader, ReaderUnavailable

pytestmark = [pytest.mark.model]


@pytest.fixture(autouse=True)
def _fresh():
    reader.forget()
    yield
    reader.forget()


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(BUNDLED, tmp_path / "weights")
    return tmp_path / "weights"


def test_one_changed_byte_is_refused_by_name(copy):
    data = bytearray((copy / "reader.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (copy / "reader.onnx").write_bytes(data)
    with pytest.raises(ReaderUnavailable, match=r"reader\.onnx of the reader is damaged"):
        Reader(copy)


@pytest.mark.parametrize("name", ["reader.onnx", "reader.json"])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(ReaderUnavailable, match=name):
        Reader(copy)


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"format": 1, "sha256": "0"}', '{"format": 9}'])
def test_a_damaged_description_is_named(copy, said):
    (copy / "reader.json").write_text(said)
    with pytest.raises(ReaderUnavailable, match=r"reader\.json"):
        Reader(copy)


def test_a_graph_that_is_none_does_not_load(copy):
    (copy / "reader.onnx").write_bytes(b"no graph")
    about = json.loads((copy / "reader.json").read_text())
    about["sha256"] = "bd72b0a7b7a2dd27a2b0c2ea1a4b6ac6"
    (copy / "reader.json").write_text(json.dumps(about))
    with pytest.raises(ReaderUnavailable):
        Reader(copy)


def test_the_process_has_one_reader_with_a_fingerprint(settings):
    settings.READER = True
    assert reader.reader() is reader.reader()
    assert reader.fingerprint().startswith("reader@")
    assert reader.state() == "ok"


def test_switched_off_there_is_none_and_no_complaint(settings, caplog):
    settings.READER = False
    assert reader.reader() is None
    assert (reader.fingerprint(), reader.state()) == ("", "off")
    assert not caplog.records


def test_damaged_weights_are_said_once_and_answers_go_on_without(
    settings, copy, caplog, monkeypatch
):
    settings.READER = True
    (copy / "reader.onnx").unlink()
    monkeypatch.setattr(reader, "BUNDLED", copy)
    with caplog.at_level(logging.WARNING):
        assert reader.reader() is None
        assert reader.reader() is None
    assert len(caplog.records) == 1
    assert reader.state() == "missing"


@pytest.mark.django_db
def test_the_health_page_has_a_line_for_it(settings):
    settings.READER = True
    assert health.index()[1]["reader"] == "ok"
    settings.READER = False
    assert health.index()[1]["reader"] == "off"
