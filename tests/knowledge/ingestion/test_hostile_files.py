"""A hostile file of any format ends in a sentence, soon, and harms nothing else."""

import contextlib
import time
import zipfile

import pytest

from knowledge.ingestion.loaders import loader_for
from knowledge.ingestion.sandbox import extract
from knowledge.ingestion.types import IngestionError, LimitExceeded, Limits, UnreadableFile
from tests.knowledge.ingestion import making, making_office

BILLION = b"".join(
    [b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a0 "lol">']
    + [b'<!ENTITY a%d "%b">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)]
    + [b"]><l>&a9;</l>"]
)
IN_UTF_7 = b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE x +AFsAXQA+-<x/>'
PARTS = {
    "docx": ("word/document.xml", "word/styles.xml", "word/_rels/document.xml.rels"),
    "pptx": ("ppt/presentation.xml", "ppt/slides/slide1.xml", "ppt/theme/theme1.xml"),
    "xlsx": ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"),
}


def office(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    if kind == "docx":
        return making.word(path)
    if kind == "pptx":
        return making_office.presentation(path)
    return making_office.workbook(path, {"S": [["Name", "Days"], ["North", 30]]})


def load(path, limits=Limits()):  # noqa: B008 - frozen
    return loader_for(making.source(path).media_type).load(path, limits, lambda *_: None)


@pytest.mark.parametrize("content", [making_office.DOCTYPE, BILLION, IN_UTF_7])
@pytest.mark.parametrize(("kind", "part"), [(k, part) for k, ps in PARTS.items() for part in ps])
def test_no_part_of_an_office_file_may_declare_a_document_type(tmp_path, kind, part, content):
    path = making_office.changed(office(tmp_path, kind), {part: content})
    with pytest.raises(UnreadableFile, match="entities"):
        load(path)


@pytest.mark.parametrize("kind", PARTS)
def test_a_document_type_hides_in_no_other_part_and_encoding(tmp_path, kind):
    for name, content in [
        ("[Content_Types].xml", making_office.DOCTYPE),
        ("custom/anything.dat", making_office.DOCTYPE),
        ("customXml/item1.xml", making_office.DOCTYPE.decode().encode("utf-16")),
    ]:
        path = making_office.changed(office(tmp_path, kind), {name: content})
        with pytest.raises(UnreadableFile, match="entities"):
            load(path)


@pytest.mark.parametrize("kind", PARTS)
def test_an_office_file_that_unpacks_to_a_bomb_is_not_opened(tmp_path, kind):
    bomb = making_office.changed(office(tmp_path, kind), {"media/image1.png": b"0" * 9_000_000})
    assert bomb.stat().st_size < 100_000
    with pytest.raises(LimitExceeded, match="unpacks"):
        load(bomb)
    with pytest.raises(LimitExceeded, match="unpacks"):
        load(office(tmp_path, kind), Limits(max_archive_members=3))
    with pytest.raises(LimitExceeded, match="unpacks"):
        load(office(tmp_path, kind), Limits(max_unpacked_bytes=2000))


@pytest.mark.parametrize("kind", PARTS)
def test_an_office_file_that_lies_about_a_size_is_damaged(tmp_path, kind):
    path = office(tmp_path, kind)
    making_office.lying_about_its_size(path, PARTS[kind][0], 100)
    with pytest.raises(UnreadableFile, match="damaged"):
        load(path)


@pytest.mark.parametrize("kind", PARTS)
def test_names_that_lead_out_of_an_office_file_are_refused(tmp_path, kind):
    path = making_office.changed(office(tmp_path, kind), {"../../outside.xml": b"<x/>"})
    with pytest.raises(UnreadableFile, match="damaged"):
        load(path)


@pytest.mark.parametrize("kind", PARTS)
def test_an_office_file_with_macros_is_refused(tmp_path, kind):
    folder = PARTS[kind][0].split("/")[0]
    path = making_office.changed(office(tmp_path, kind), {f"{folder}/vbaProject.bin": b"x"})
    with pytest.raises(IngestionError, match="holds macros"):
        load(path)


@pytest.mark.parametrize(("kind", "other"), [("docx", "pptx"), ("pptx", "xlsx"), ("xlsx", "docx")])
def test_an_office_file_of_another_kind_is_told_its_own_name(tmp_path, kind, other):
    path = office(tmp_path, kind)
    renamed = path.rename(tmp_path / f"renamed.{other}")
    with pytest.raises(IngestionError, match=f"Name it .{kind}"):
        loader_for(making.SUPPORTED[other]).load(renamed, Limits(), lambda *_: None)


@pytest.mark.parametrize("kind", PARTS)
def test_a_truncated_office_file_is_damaged(tmp_path, kind):
    path = office(tmp_path, kind)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(UnreadableFile, match="damaged"):
        load(path)


@pytest.mark.faults
def test_a_workbook_with_a_million_rows_ends_within_its_limits(tmp_path):
    row = b'<row r="%d"><c r="A%d"><v>%d</v></c></row>'
    rows = b"".join(row % (n, n, n) for n in range(1, 1_000_001))
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        + rows
        + b"</sheetData></worksheet>"
    )
    path = office(tmp_path, "xlsx")
    making_office.changed(path, {"xl/worksheets/sheet1.xml": sheet})
    extracted = extract(making.source(path), Limits(max_rows=20_000))
    assert not extracted.is_complete
    assert "more than 20,000 rows" in extracted.warnings[0]
    assert extracted.text.endswith("| 20000 |")


@pytest.mark.faults
def test_a_csv_file_of_one_endless_line_ends_in_a_sentence(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a," * 25_000_000)
    started = time.monotonic()
    with pytest.raises(LimitExceeded, match="characters"):
        extract(making.source(path))
    assert time.monotonic() - started < 30


def test_a_csv_line_of_a_million_cells_is_cut(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a," * 1_000_000)
    extracted = load(path)
    assert not extracted.is_complete
    assert "more than 256 columns" in extracted.warnings[0]


@pytest.mark.faults
def test_a_page_of_nested_tables_and_spans_ends_within_its_limits(tmp_path):
    path = tmp_path / "a.html"
    path.write_text("<table><tr><td rowspan=60000 colspan=900>x" * 3000)
    started = time.monotonic()
    with contextlib.suppress(IngestionError):  # read or refused
        extract(making.source(path), Limits(wall_seconds=20))
    assert time.monotonic() - started < 40


@pytest.mark.faults
def test_an_image_bomb_within_a_presentation_is_never_decoded(tmp_path):
    path = office(tmp_path, "pptx")
    with zipfile.ZipFile(path) as package:
        name = next(name for name in package.namelist() if name.endswith(".png"))
        data = package.read(name)
    huge = data.replace(b"\0\0\0\1\0\0\0\1", b"\0\xff\xff\xff\0\xff\xff\xff", 1)
    making_office.changed(path, {name: huge})
    assert "Leave policy" in extract(making.source(path)).text
