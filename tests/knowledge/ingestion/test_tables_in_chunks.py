"""A chunk of a table's rows is embedded under the names of its columns, whatever the format."""

from itertools import chain

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.ingestion.loaders import loader_for
from knowledge.ingestion.markdown import outline
from knowledge.ingestion.splitter import SplitterConfig, split
from knowledge.ingestion.tables import head_above, markdown_table
from knowledge.ingestion.types import Extracted, Heading, Limits
from tests.knowledge.ingestion import making, making_office, making_pdf
from tests.knowledge.ingestion.test_splitter import assert_sound, count

SMALL = SplitterConfig(chunk_tokens=40, overlap_tokens=8, max_tokens=48)
ROWS = [["Town", "Days"], *([f"Town {number}", f"{number} days"] for number in range(20))]


def workbook(path):
    return making_office.workbook(path.with_suffix(".xlsx"), {"Leave": ROWS})


def csv(path):
    path = path.with_suffix(".csv")
    path.write_text("\n".join(",".join(row) for row in ROWS))
    return path


def html(path):
    path = path.with_suffix(".html")
    rows = "".join(f"<tr><td>{town}<td>{days}</tr>" for town, days in ROWS)
    path.write_text(f"<h1>Leave</h1><table>{rows}</table>")
    return path


def word(path):
    document = docx.Document()
    table = document.add_table(rows=len(ROWS), cols=2)
    for cell, text in zip(table._cells, chain.from_iterable(ROWS), strict=True):
        cell.text = text
    document.save(str(path.with_suffix(".docx")))
    return path.with_suffix(".docx")


def pdf(path):
    return making_pdf.flowing(path.with_suffix(".pdf"), [making_pdf.table(ROWS, making_pdf.GRID)])


def slides(path):
    import_pptx = making_office.pptx
    deck = import_pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    table = slide.shapes.add_table(len(ROWS), 2, 0, 0, 4_000_000, 4_000_000).table
    for row, cells in enumerate(ROWS):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    deck.save(str(path.with_suffix(".pptx")))
    return path.with_suffix(".pptx")


@pytest.mark.parametrize("make", [workbook, csv, html, word, pdf, slides])
def test_every_chunk_of_rows_names_the_columns(tmp_path, make):
    source = making.source(make(tmp_path / "a"))
    extracted = loader_for(source.media_type).load(source.path, Limits(), lambda *_: None)
    found = split(extracted, "Manual", SMALL, count)
    assert_sound(extracted, found, SMALL)
    assert len(found) > 3
    for piece in found:
        assert "| Town | Days |" in piece.embedded_text
    assert "Town 19" in found[-1].text


def test_a_wide_row_is_embedded_in_parts_under_their_own_columns():
    names = [f"Attribute {number}" for number in range(30)]
    rows = [names, *([f"r{row}v{number}" for number in range(30)] for row in range(4))]
    extracted = Extracted(markdown_table(rows))
    found = split(extracted, "Manual", SMALL, count)
    assert_sound(extracted, found, SMALL)
    for row in range(4):
        for number in range(30):
            piece = next(p for p in found if f" r{row}v{number} " in f" {p.text} ")
            assert f"Attribute {number} " in piece.embedded_text
            assert f"Attribute 0: r{row}v0" in piece.embedded_text or number < 7


CELLS = st.one_of(
    st.sampled_from(
        ["", "a", "a | b", "\\", "1,5", "word " * 30, "x" * 300, "中文", "-", "---", "#"]
    ),
    st.text(max_size=12),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=12), min_size=1, max_size=12))
def test_every_table_is_covered_within_the_window(rows):
    text = f"# Sheet\n\n{markdown_table(rows)}\n\nAfter."
    extracted = Extracted(text, outline(text))
    assert_sound(extracted, split(extracted, "Manual", SMALL, count), SMALL)


def test_what_was_stored_splits_as_what_was_extracted(tmp_path):
    """Text, outline and page starts are all that splitting needs: no file is read again."""
    source = making.source(
        making.pdf(tmp_path / "a.pdf", [["Leave", "Thirty days."], ["Pay", "x"]])
    )
    extracted = loader_for(source.media_type).load(source.path, Limits(), lambda *_: None)
    stored = [vars(heading) for heading in extracted.outline]
    again = Extracted(
        text=extracted.text,
        outline=tuple(Heading(**heading) for heading in stored),
        pages=tuple(extracted.pages),
    )
    assert split(again, "Manual", SMALL, count) == split(extracted, "Manual", SMALL, count)


def test_the_head_above_a_row_is_found():
    text = "Words.\n\n| Town | Days |\n| --- | --- |\n| A | 1 |\n| B | 2 |\n\nAfter | all."
    assert head_above(text, text.index("| B")) == "| Town | Days |"
    assert head_above(text, text.index("B | 2")) == "| Town | Days |"
    assert head_above(text, text.index("| Town")) == ""
    assert head_above(text, 0) == ""
    assert head_above(text, text.index("all")) == ""
