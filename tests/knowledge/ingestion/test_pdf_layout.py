"""What a PDF shows as tables, columns, headings and headers is read as such."""

import itertools

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from knowledge.ingestion.loaders import loader_for
from knowledge.ingestion.markdown import plain_title
from knowledge.ingestion.pdf.flow import Flow, hyphenated_words
from knowledge.ingestion.pdf.words import Box, TextLine
from knowledge.ingestion.splitter import SplitterConfig, split
from knowledge.ingestion.types import Limits, PageKind, UnreadableFile
from tests.knowledge.ingestion import making, making_office, making_pdf

ROWS = [["Region", "Days of leave", "Contact"]] + [
    [f"Region {number}", str(20 + number), f"Person {number}"] for number in range(6)
]


def load(path):
    return loader_for(making.source(path).media_type).load(path, Limits(), lambda *_: None)


def pages_of(extracted):
    ends = [*extracted.pages[1:], len(extracted.text)]
    return [
        extracted.text[start:end].strip() for start, end in zip(extracted.pages, ends, strict=True)
    ]


@pytest.mark.parametrize("style", [making_pdf.GRID, making_pdf.BELOW, making_pdf.BOOK])
def test_a_table_with_rules_is_a_table(tmp_path, style):
    story = [making_pdf.paragraph(), making_pdf.table(ROWS, style), making_pdf.paragraph()]
    text = load(making_pdf.flowing(tmp_path / "a.pdf", story)).text
    table = text.split("\n\n")[1]
    assert table.splitlines()[:3] == [
        "| Region | Days of leave | Contact |",
        "| --- | --- | --- |",
        "| Region 0 | 20 | Person 0 |",
    ]
    assert len(table.splitlines()) == 8
    assert text.startswith("Everyone")
    assert text.endswith("own.")


def test_a_table_without_rules_stays_lines_that_keep_their_rows(tmp_path):
    story = [making_pdf.table(ROWS, [])]
    assert "Region 3 23 Person 3" in load(making_pdf.flowing(tmp_path / "a.pdf", story)).text


def test_a_cell_over_several_rows_stands_in_each(tmp_path):
    rows = [["Area", "Town", "Days"], ["North", "Oslo", "1"], ["", "Turku", "2"]]
    style = [*making_pdf.GRID, ("SPAN", (0, 1), (0, 2))]
    text = load(making_pdf.flowing(tmp_path / "a.pdf", [making_pdf.table(rows, style)])).text
    assert "| North | Turku | 2 |" in text


def test_a_table_that_goes_on_over_pages_names_its_columns_on_each(tmp_path):
    rows = [ROWS[0], *([f"Region {number}", "20", "Person"] for number in range(90))]
    extracted = load(
        making_pdf.flowing(tmp_path / "a.pdf", [making_pdf.table(rows, making_pdf.GRID)])
    )
    assert extracted.page_count > 1
    for page in pages_of(extracted):
        assert page.startswith(
            "| Region | Days of leave | Contact |\n| --- | --- | --- |\n| Region"
        )
    found = split(extracted, "Leave", SplitterConfig(60, 0, 80), lambda text: len(text.split()) + 2)
    assert all("Days of leave" in piece.embedded_text for piece in found)


def test_frames_and_charts_are_no_tables(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.rect(50, 400, 300, 300)
    canvas.line(200, 400, 200, 700)
    for level in range(400, 700, 30):
        canvas.line(50, level, 350, level)
    canvas.drawString(60, 690, "A note in a frame.")
    canvas.drawString(60, 300, "Text below.")
    canvas.save()
    assert load(tmp_path / "a.pdf").text == "A note in a frame.\nText below."


def columns(count, x, word):
    return [
        (x, 700 - 14 * line, f"{word} column has line {line} of its words") for line in range(count)
    ]


def test_columns_that_are_written_across_are_read_down(tmp_path):
    left, right = columns(20, 60, "Left"), columns(20, 320, "Right")
    across = [part for pair in zip(left, right, strict=True) for part in pair]
    path = making_pdf.drawn(
        tmp_path / "a.pdf",
        [[(60, 740, "A title that stands over both columns of this page, as titles do"), *across]],
    )
    lines = load(path).text.split("\n")
    assert lines[0].startswith("A title")
    assert [line for line in lines if line][1:] == [text for _, _, text in [*left, *right]]


def test_columns_that_are_in_order_are_left_so(tmp_path):
    left, right = columns(20, 60, "Left"), columns(20, 320, "Right")
    path = making_pdf.drawn(tmp_path / "a.pdf", [[*left, *right]])
    assert load(path).text.splitlines() == [text for _, _, text in [*left, *right]]


def test_short_cells_beside_each_other_are_not_taken_for_columns(tmp_path):
    words = [
        part
        for line in range(20)
        for part in ((60, 700 - 14 * line, f"Item {line}"), (400, 700 - 14 * line, f"{line} euros"))
    ]
    assert "Item 7 7 euros" in load(making_pdf.drawn(tmp_path / "a.pdf", [words])).text


def test_a_word_broken_at_a_line_end_is_one_word(tmp_path):
    lines = [
        "Those who work from home need inter-",
        "national insurance and a self-",
        "service account. A self-service desk is open.",
        "Ask about the Budget-",
        "Office and COVID-",
        "19.",
    ]
    words = [(60, 700 - 14 * number, line) for number, line in enumerate(lines)]
    text = load(making_pdf.drawn(tmp_path / "a.pdf", [words])).text
    assert "need international insurance" in text
    assert "a self-service account" in text
    assert "Budget-Office and COVID-19" in text


def furnished(path, pages=5):
    def draw(canvas, document):
        canvas.drawString(60, 810, "ACME Corp – Handbook")
        canvas.drawString(60, 30, f"Page {document.page} of {pages}")

    parts = [
        [making_pdf.paragraph(f"Chapter {n}", "Heading1"), making_pdf.paragraph()]
        for n in range(1, pages + 1)
    ]
    story = list(itertools.chain.from_iterable([*part, making_pdf.new_page()] for part in parts))
    return making_pdf.flowing(path, story[:-1], draw)


def test_headers_and_page_numbers_that_pages_repeat_are_taken_out(tmp_path):
    text = load(furnished(tmp_path / "a.pdf")).text
    assert text.count("ACME Corp") == 1
    assert "Page" not in text
    assert text.count("Chapter") == 5
    assert text.count("screen of their own") == 20


def test_two_pages_repeat_nothing(tmp_path):
    assert load(furnished(tmp_path / "a.pdf", pages=2)).text.count("ACME Corp") == 2


def test_without_bookmarks_what_is_printed_larger_is_a_heading(tmp_path):
    extracted = load(furnished(tmp_path / "a.pdf", pages=3))
    assert [(heading.level, heading.title) for heading in extracted.outline] == [
        (1, "Chapter 1"), (1, "Chapter 2"), (1, "Chapter 3"),
    ]  # fmt: skip
    for heading in extracted.outline:
        assert extracted.text[heading.start :].startswith(heading.title + "\n\n")
    found = split(extracted, "Book", SplitterConfig(), lambda text: len(text.split()) + 2)
    assert {piece.heading for piece in found if piece.page == 2} == {"Chapter 2"}


def test_text_of_one_size_has_no_headings(tmp_path):
    assert load(making_pdf.drawn(tmp_path / "a.pdf", [columns(10, 60, "A")])).outline == ()


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_page_is_read_like_any_other(tmp_path, rotation):
    story = [making_pdf.paragraph(), making_pdf.table(ROWS, making_pdf.GRID)]
    upright = load(making_pdf.flowing(tmp_path / "a.pdf", story)).text
    document = pypdfium2.PdfDocument(tmp_path / "a.pdf")
    page = document[0]
    page.set_rotation(rotation)
    page.close()
    document.save(tmp_path / "b.pdf")
    document.close()
    # The page's text runs as before, it is only shown turned: its words are all there.
    turned = load(tmp_path / "b.pdf").text
    assert sorted(turned.replace("|", " ").replace("---", " ").split()) == sorted(
        upright.replace("|", " ").replace("---", " ").split()
    )


def test_the_report_tells_pictures_from_empty_pages(tmp_path):
    pages = [["Words here"], [], ["More words"]]
    extracted = load(making.pdf(tmp_path / "a.pdf", pages))
    assert [page.kind for page in extracted.page_report] == [
        PageKind.TEXT, PageKind.PICTURE, PageKind.TEXT,
    ]  # fmt: skip
    assert [page.characters for page in extracted.page_report] == [10, 0, 10]
    assert not extracted.is_complete
    blank = load(making_pdf.drawn(tmp_path / "b.pdf", [[(60, 700, "Words")], []]))
    assert [page.kind for page in blank.page_report] == [PageKind.TEXT, PageKind.EMPTY]
    assert "1 of 2 pages has no text (page 2)" in blank.warnings[0]


def test_a_document_with_text_on_every_page_is_complete(tmp_path):
    extracted = load(making.pdf(tmp_path / "a.pdf", [["One"], ["Two"]]))
    assert extracted.is_complete
    assert extracted.warnings == ()


def test_a_scan_with_a_stamp_on_every_page_is_still_a_scan(tmp_path):
    picture = making_office.picture(tmp_path / "a.png")
    path = making_pdf.scanned(tmp_path / "a.pdf", picture, 4, stamp="Scanned by ACME 5000")
    with pytest.raises(UnreadableFile, match="All 4 pages are pictures"):
        load(path)


LINES = st.builds(
    TextLine,
    text=st.sampled_from(
        ["A title", "words go on", "inter\x02", "Ends here.", "• a point", "\x02", " ", "co-op",
         "| a | b |\n| --- | --- |\n| 1 | 2 |", "é́", "12"]
    ),
    box=st.builds(
        Box, st.just(50.0), st.integers(0, 700).map(float), st.just(300.0), st.just(712.0)
    ),
    size=st.sampled_from([10.0, 14.0, 0.0]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(LINES, max_size=6), max_size=5), st.sets(st.integers(0, 30)))
def test_pages_and_headings_are_where_they_are_said_to_be(pages, headings):
    lines = [line for page in pages for line in page]
    levels = {id(line): 1 for number, line in enumerate(lines) if number in headings}
    flow = Flow(hyphenated_words(pages), levels)
    for page in pages:
        flow.add_page(page)
    for start, text in zip(flow.starts, flow.pages, strict=True):
        assert flow.text[start : start + len(text)] == text
    for heading in flow.headings:
        rest = flow.text[heading.start :][:300].replace("\n", " ")
        assert plain_title(rest)[: len(heading.title) - 1] == heading.title[:-1]
    assert "\x02" not in flow.text
