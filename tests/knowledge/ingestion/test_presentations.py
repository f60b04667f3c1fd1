"""A presentation keeps its slides as pages, with titles, lists, tables and speaker notes."""

import itertools

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from knowledge.ingestion.loaders import loader_for
from knowledge.ingestion.splitter import SplitterConfig, split
from knowledge.ingestion.types import (
    Heading,
    LimitExceeded,
    Limits,
    PageKind,
    PageReport,
    UnreadableFile,
)
from tests.knowledge.ingestion import making, making_office


def load(path, limits=Limits(), told=None):  # noqa: B008 - frozen
    report = (lambda *progress: told.append(progress)) if told is not None else (lambda *_: None)
    return loader_for(making.source(path).media_type).load(path, limits, report)


def test_slides_are_pages_with_their_titles_as_headings(tmp_path):
    told = []
    extracted = load(making_office.presentation(tmp_path / "a.pptx"), told=told)
    slides = [
        extracted.text[start:end].strip()
        for start, end in itertools.pairwise([*extracted.pages, len(extracted.text)])
    ]
    first = "# Leave policy\n\n- Thirty days a year\n  - Ten may be carried over"
    notes = "Speaker notes:\n\nMention the exception for parents."
    second = "# Slide 2\n\nAbove the table"
    table = "| Region | Days |\n| --- | --- |\n| North | 30 \\| 31 |"
    assert slides == [f"{first}\n\n{notes}", f"{second}\n\n{table}", "", ""]
    assert extracted.outline == (
        Heading(1, "Leave policy", 0),
        Heading(1, "Slide 2", extracted.pages[1]),
    )
    assert told[-1] == (95, 4, 4)


def test_slides_without_text_are_reported_and_the_document_is_not_complete(tmp_path):
    extracted = load(making_office.presentation(tmp_path / "a.pptx"))
    assert extracted.page_count == 4
    assert [page.kind for page in extracted.page_report[:2]] == [PageKind.TEXT] * 2
    assert extracted.page_report[0].characters == extracted.pages[1] - 2
    assert extracted.page_report[2:] == (
        PageReport(3, 0, PageKind.PICTURE),
        PageReport(4, 0, PageKind.EMPTY),
    )
    assert not extracted.is_complete
    assert "2 of 4 slides have no text (slides 3–4)" in extracted.warnings[0]


def test_a_chunk_of_a_slide_names_its_slide(tmp_path):
    extracted = load(making_office.presentation(tmp_path / "a.pptx"))
    pieces = split(extracted, "Deck", SplitterConfig(), lambda text: len(text.split()) + 2)
    assert [(piece.heading, piece.page) for piece in pieces] == [
        ("Leave policy", 1),
        ("Slide 2", 2),
    ]


def test_a_chart_is_a_table_of_its_numbers(tmp_path):
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Growth"
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("Staff", (10, 12.5))
    place = (Inches(1), Inches(2), Inches(4), Inches(3))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data)
    deck.save(str(tmp_path / "a.pptx"))
    assert (
        "| Staff |\n| --- | --- |\n| 2023 | 10 |\n| 2024 | 12.5 |" in load(tmp_path / "a.pptx").text
    )


def test_text_in_groups_is_read(tmp_path):
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    group = slide.shapes.add_group_shape().shapes.add_group_shape()
    box = group.shapes.add_textbox(Inches(1), Inches(1), Inches(2), Inches(1))
    box.text_frame.text = "Within two groups"
    deck.save(str(tmp_path / "a.pptx"))
    assert load(tmp_path / "a.pptx").text == "# Slide 1\n\nWithin two groups"


def test_a_broken_placeholder_is_no_obstacle(tmp_path):
    path = making_office.presentation(tmp_path / "a.pptx")
    with making.zipfile.ZipFile(path) as package:
        slide = package.read("ppt/slides/slide1.xml")
    broken = slide.replace(b'idx="1"', b'idx="99"')
    assert broken != slide
    making_office.changed(path, {"ppt/slides/slide1.xml": broken})
    assert "Thirty days a year" in load(path).text


def test_more_slides_than_pages_may_be_are_refused(tmp_path):
    path = making_office.presentation(tmp_path / "a.pptx")
    with pytest.raises(LimitExceeded, match="4 slides; at most 3 are taken"):
        load(path, Limits(max_pages=3))
    many = {f"ppt/slides/slide{number}.xml": b"<x/>" for number in range(5, 3000)}
    with pytest.raises(LimitExceeded, match="slides; at most 2,000 are taken"):
        load(making_office.changed(path, many))


def test_a_presentation_of_pictures_is_told_what_to_do(tmp_path):
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_picture(str(making_office.picture(tmp_path / "a.png")), 0, 0)
    deck.save(str(tmp_path / "a.pptx"))
    with pytest.raises(UnreadableFile, match="The only slide is a picture without text"):
        load(tmp_path / "a.pptx")


def test_a_damaged_presentation_is_said_to_be_damaged(tmp_path):
    path = making_office.presentation(tmp_path / "a.pptx")
    for parts, without in [
        ({"ppt/slides/slide1.xml": b"<p:sld"}, ()),
        ({"ppt/presentation.xml": b"<x/>"}, ()),
        ({}, ("ppt/slides/slide2.xml",)),
    ]:
        broken = making_office.changed(making_office.presentation(path), parts, without)
        with pytest.raises(UnreadableFile, match="damaged or is not a PowerPoint"):
            load(broken)
