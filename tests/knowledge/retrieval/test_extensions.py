"""A release made of another one and a few documents: quick, complete, and apart from its base."""

import hashlib
import json
import os
import shutil
import threading
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.retrieval.backends.files import FilesEngine, Options
from knowledge.retrieval.types import BuildFailed, IndexUnusable
from knowledge.retrieval.words import Term, View
from tests.knowledge.retrieval.making import scattered

OPTIONS = Options(exact_up_to=200)
BASE = scattered(1600)  # documents 1 to 400


def version(document, number, count=3):
    """A later version of a document, with chunks and words of its own."""
    made = scattered(count, per_document=count, seed=1000 * number + document, first=document)
    return [
        replace(row, version_id=document * 10 + number, text=f"{row.text} edition{number}")
        for row in made
    ]


@pytest.fixture
def engine(tmp_path):
    made = FilesEngine(tmp_path, OPTIONS)
    made.build("base", BASE, 64, {"kind": "full"})
    return made


def state(folder):
    """Names, contents and times of every file."""
    return {
        path.relative_to(folder).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
            path.stat().st_size,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def check(index, expected):
    """Everything that an index says agrees with these rows, by both searches and for readers."""
    rows = {row.chunk_id: row for row in expected}
    chunks = sorted((row.chunk_id, row.document_id, row.version_id) for row in expected)
    assert sorted(index.every_chunk()) == chunks
    assert index.versions() == {row.document_id: row.version_id for row in expected}
    assert index.manifest.rows == len(expected)
    assert index.manifest.documents == len({row.document_id for row in expected})
    documents = sorted({row.document_id for row in expected})
    for audience in (None, set(documents[::2]), set(documents[:3]), set(documents[1:])):
        may_see = [r for r in expected if audience is None or r.document_id in audience]
        allowed = index.allow(audience)
        assert allowed.count == len(may_see)
        found = index.lexical("leave desk lunch", allowed, 5000)
        words = {"leave", "desk", "lunch"}
        assert set(index.chunk_ids([hit.row for hit in found])) == {
            row.chunk_id for row in may_see if words & set(row.text.split())
        }
        hits = index.dense(BASE[5].vector, allowed, 10)
        exact = sorted((float(row.vector @ BASE[5].vector) for row in may_see), reverse=True)
        assert [hit.score for hit in hits] == pytest.approx(exact[:10], abs=1e-4)
        at = [hit.row for hit in hits]
        for row, chunk, document in zip(at, index.chunk_ids(at), index.documents(at), strict=True):
            assert rows[chunk].document_id == document
            assert np.array_equal(index.vectors([row])[0], rows[chunk].vector)


def test_it_holds_the_base_without_what_is_replaced_and_the_new_rows(engine):
    fresh = [*version(7, 1), *version(401, 0)]
    made = engine.extend("more", "base", fresh, {7, 9}, {"kind": "extension"})
    assert made.extra == {"kind": "extension"}
    assert made.recent == 6
    index = engine.open("more", verify=True)
    check(index, [row for row in BASE if row.document_id not in (7, 9)] + fresh)
    edition = index.lexical("edition1", index.allow(None), 10)
    assert index.documents([hit.row for hit in edition]) == [7, 7, 7]
    assert index.lexical("rule9", index.allow(None), 10) == []
    assert index.lexical("rule9", index.allow({9}), 10) == []


def test_a_document_that_comes_again_is_replaced_unasked(engine):
    engine.extend("more", "base", version(7, 1), (), {})
    check(engine.open("more"), [r for r in BASE if r.document_id != 7] + version(7, 1))


def test_it_may_only_take_away(engine):
    made = engine.extend("less", "base", [], {1, 2, 3, 999_999}, {})
    assert (made.rows, made.documents, made.recent) == (1588, 397, 0)
    check(engine.open("less", verify=True), BASE[12:])
    engine.extend("nothing", "less", [], range(1, 500), {})
    assert engine.open("nothing").dense(BASE[0].vector, engine.open("nothing").allow(None), 5) == []


def test_its_base_stays_as_it_is_to_the_byte(tmp_path, engine):
    before = state(tmp_path / "base")
    opened = engine.open("base")
    for name in ("one", "two", "three"):
        engine.extend(name, "base", version(7, 1), {9}, {})
    engine.extend("four", "three", version(8, 1), {7}, {})
    engine.open("four", verify=True)
    assert state(tmp_path / "base") == before
    check(opened, BASE)
    check(engine.open("base", verify=True), BASE)


def test_the_large_files_are_the_same_ones_and_keep_their_checksums(tmp_path, engine):
    engine.extend("more", "base", version(7, 1), {7}, {})
    read = [json.loads((tmp_path / n / "manifest.json").read_text()) for n in ("base", "more")]
    for name in ("base.f32", "base.codes", "base.chunks.npy"):
        assert (tmp_path / "base" / name).samefile(tmp_path / "more" / name)
        assert read[0]["files"][name] == read[1]["files"][name]
    own = [p for p in (tmp_path / "more").rglob("*") if p.is_file() and p.stat().st_nlink == 1]
    assert sum(path.stat().st_size for path in own) < 40_000
    named = {path.relative_to(tmp_path / "more").as_posix() for path in own}
    assert {name for name in named if not name.endswith((".lock", "manifest.json"))} <= set(
        read[1]["files"]
    )


def test_it_outlives_its_base(engine):
    engine.extend("more", "base", version(7, 1), {7}, {})
    engine.remove("base")
    assert engine.names() == {"more"}
    check(engine.open("more", verify=True), [r for r in BASE if r.document_id != 7] + version(7, 1))


def test_without_links_it_has_copies(tmp_path, engine, monkeypatch):
    def refuse(*_):
        raise OSError("links are not supported")

    monkeypatch.setattr(os, "link", refuse)
    engine.extend("more", "base", version(7, 1), {7}, {})
    assert not (tmp_path / "base" / "base.f32").samefile(tmp_path / "more" / "base.f32")
    check(engine.open("more", verify=True), [r for r in BASE if r.document_id != 7] + version(7, 1))


def test_damage_to_any_of_its_files_is_noticed(tmp_path, engine):
    engine.extend("more", "base", version(7, 1), {7}, {})
    folder = tmp_path / "more"
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"):
        whole = path.read_bytes()
        middle = len(whole) // 2
        path.unlink()  # the base keeps the file it shares
        with pytest.raises(IndexUnusable):
            engine.open("more")
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 4]) + whole[middle + 1 :])
        if path.name != "manifest.json":
            with pytest.raises(IndexUnusable):
                engine.open("more", verify=True)
        path.write_bytes(whole)
    engine.open("more", verify=True)


def test_what_is_not_sound_leaves_nothing_behind(tmp_path, engine):
    bad = replace(BASE[0], document_id=500, vector=BASE[0].vector * 2)
    twice = version(500, 1) * 2
    editions = [*version(500, 1), *version(500, 2)]
    for rows in ([bad], twice, editions):
        with pytest.raises(BuildFailed):
            engine.extend("more", "base", rows, (), {})
    assert engine.names() == {"base"}
    assert [path.name for path in tmp_path.iterdir()] == ["base"]
    check(engine.open("base", verify=True), BASE)


def test_a_base_that_cannot_be_used_is_said(tmp_path, engine):
    with pytest.raises(IndexUnusable):
        engine.extend("more", "nowhere", version(7, 1), (), {})
    (tmp_path / "base" / "base.f32").unlink()
    with pytest.raises(IndexUnusable):
        engine.extend("more", "base", version(7, 1), (), {})


def test_rare_words_of_new_rows_weigh_as_in_the_whole(engine):
    before = engine.open("base").lexical_weight(Term("edition1", View.WORD))
    engine.extend("more", "base", version(7, 1), {7}, {})
    more = engine.open("more")
    assert 0 < more.lexical_weight(Term("edition1", View.WORD)) < before
    (row,) = [hit.row for hit in more.lexical("edition1 part0", more.allow({7}), 1)]
    assert more.matches([Term("edition1", View.WORD)], [row, 0])[0] == frozenset()


STEPS = st.lists(
    st.tuples(
        st.booleans(),  # from the newest release, or from the first
        st.sets(st.integers(1, 30), max_size=4),  # replaced
        st.sets(st.integers(1, 40), max_size=4),  # documents with new rows
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=12, deadline=None)
@given(STEPS)
def test_any_chain_of_extensions_holds_what_it_should(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("chain")
    engine = FilesEngine(folder, Options(exact_up_to=20))
    first = BASE[:120]
    engine.build("0", first, 64, {})
    held = {"0": first}
    newest = "0"
    for number, (from_newest, replaced, added) in enumerate(steps, 1):
        base = newest if from_newest else "0"
        fresh = [row for document in sorted(added) for row in version(document, number)]
        engine.extend(str(number), base, fresh, replaced, {})
        gone = replaced | added
        held[str(number)] = [r for r in held[base] if r.document_id not in gone] + fresh
        newest = str(number)
    for name, expected in held.items():
        check(engine.open(name, verify=True), expected)
    shutil.rmtree(folder)


def test_searches_go_on_while_it_is_extended(engine):
    opened = engine.open("base")
    everyone = opened.allow(None)
    expected = opened.dense(BASE[3].vector, everyone, 5), opened.lexical("leave", everyone, 5)
    stop = threading.Event()
    wrong = []

    def ask():
        while not stop.is_set():
            found = (
                opened.dense(BASE[3].vector, everyone, 5),
                opened.lexical("leave", everyone, 5),
            )
            if found != expected:
                wrong.append(found)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(5):
        engine.extend(f"more{number}", "base", version(3, number + 1), {1}, {})
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_chunk_keeps_its_name_when_its_document_comes_back(engine):
    """A document taken away and added again with the same chunks, as after a rollback."""
    engine.extend("without", "base", [], {1}, {})
    engine.extend("again", "without", BASE[:4], (), {})
    check(engine.open("again", verify=True), BASE[4:] + BASE[:4])
    assert engine.open("again").chunk_ids([1600]) == [BASE[0].chunk_id]
    assert isinstance(engine.open("again").chunk_ids([0])[0], UUID)


def test_many_new_rows_have_codes_of_their_own(tmp_path, engine):
    fresh = scattered(1200, seed=11, first=1000)
    engine.extend("large", "base", fresh, {1}, {})
    assert (tmp_path / "large" / "recent.codes").exists()
    check(engine.open("large", verify=True), BASE[4:] + fresh)
    engine.extend("larger", "large", version(2000, 1), {1000}, {})
    check(engine.open("larger", verify=True), BASE[4:] + fresh[4:] + version(2000, 1))
