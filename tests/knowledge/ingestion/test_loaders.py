"""What each format becomes: text, headings, pages, and a sentence where it does not."""

from random import Random

import pytest

from knowledge.ingestion.loaders import loader_for
from knowledge.ingestion.types import (
    Heading,
    LimitExceeded,
    Limits,
    UnreadableFile,
    UnsupportedFile,
)
from tests.knowledge.ingestion import making


def load(path, limits=Limits(), reported=None):  # noqa: B008 - frozen
    found = making.source(path)
    report = (lambda *told: reported.append(told)) if reported is not None else lambda *_: None
    return loader_for(found.media_type).load(path, limits, report)


def test_markdown_stays_markdown_with_its_headings(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(
        "---\ntitle: x\ntags: [a]\n---\n# Leave {#leave}\n\nText **bold**.\n\n<!-- hidden -->\n"
        "```sh\n# no heading\n<!-- shown -->\n```\nUnderlined\n-----\n\n| a |\n|---|\n"
    )
    extracted = load(path)
    assert extracted.text.startswith("# Leave")
    assert "hidden" not in extracted.text
    assert "<!-- shown -->" in extracted.text
    assert extracted.outline == (
        Heading(1, "Leave", 0),
        Heading(2, "Underlined", extracted.text.index("Underlined")),
    )


def test_rules_around_prose_are_not_taken_for_front_matter(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("---\nJust prose\n---\nMore")
    assert "Just prose" in load(path).text


def test_plain_text_has_no_headings(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("# a comment\nvalue = 1\n")
    assert load(path).outline == ()
    assert load(path).text == "# a comment\nvalue = 1"


def test_html_keeps_what_a_reader_reads(tmp_path):
    path = tmp_path / "a.html"
    path.write_text(
        "<html><head><title>T</title></head><body><nav>menu</nav><header>banner</header><main>"
        "<h1>Leave</h1><p>Thirty <b>days</b>, see <a href='https://x.example'>there</a>.</p>"
        "<p hidden>one</p><p style='display : none'>two</p><p aria-hidden=true>three</p>"
        "<script>four()</script><table><tr><th>Year<th>Days<tr><td>2024<td>12|13</table>"
        "<ol><li>first<li>second</ol></main><footer>five</footer></body></html>"
    )
    extracted = load(path)
    assert extracted.text == (
        "# Leave\n\nThirty **days**, see there.\n\n"
        "| Year | Days |\n| --- | --- |\n| 2024 | 12\\|13 |\n\n1. first\n2. second"
    )
    assert extracted.outline == (Heading(1, "Leave", 0),)


def test_a_pages_title_in_a_header_of_its_own_stays(tmp_path):
    path = tmp_path / "a.html"
    path.write_text("<body><header><h1>Title</h1></header><p>Words.</p></body>")
    assert load(path).text == "# Title\n\nWords."


def test_html_nested_too_deeply_is_refused(tmp_path):
    path = tmp_path / "a.html"
    path.write_text("<div>" * 50_000 + "deep")
    with pytest.raises(UnreadableFile):
        load(path)


def test_a_word_file_keeps_headings_and_tables(tmp_path):
    extracted = load(making.word(tmp_path / "a.docx"))
    assert extracted.text == (
        "# Leave\n\nEveryone has thirty days.\n\n## Carrying over\n\n"
        "| Year | Days |\n| --- | --- |\n| 2024 | twelve\\|13 |"
    )
    assert [heading.title for heading in extracted.outline] == ["Leave", "Carrying over"]


@pytest.mark.parametrize(
    "part",
    [
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x []><x/>'.encode("utf-16"),
        Random(1).randbytes(512 * 1024).hex().encode()[:-5] + b"<!DOCTYPE x>",
    ],
)
def test_a_word_file_with_a_doctype_is_not_opened(tmp_path, part):
    path = making.with_part(tmp_path / "a.docx", "word/footnotes.xml", part)
    with pytest.raises(UnreadableFile, match="entities"):
        load(path)


def test_a_word_file_that_unpacks_to_a_bomb_is_not_opened(tmp_path):
    path = making.with_part(tmp_path / "a.docx", "word/media/image1.png", b"0" * 8_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(LimitExceeded, match="unpacks"):
        load(path)


def test_a_word_file_with_too_much_inside_is_not_opened(tmp_path):
    path = making.word(tmp_path / "a.docx")
    with pytest.raises(LimitExceeded):
        load(path, Limits(max_unpacked_bytes=1000))
    with pytest.raises(LimitExceeded):
        load(path, Limits(max_archive_members=2))


def test_names_that_lead_out_of_an_archive_are_refused(tmp_path):
    path = making.with_part(tmp_path / "a.docx", "../../outside.txt", b"x")
    with pytest.raises(UnreadableFile):
        load(path)


def test_a_damaged_word_file_is_said_to_be_damaged(tmp_path):
    path = making.word(tmp_path / "a.docx")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UnreadableFile, match="damaged"):
        load(path)
    broken = making.with_part(tmp_path / "b.docx", "word/document.xml", b"<w:document")
    with pytest.raises(UnreadableFile, match="damaged"):
        load(broken)


def test_an_archive_that_is_no_word_file_is_unsupported(tmp_path):
    path = tmp_path / "a.docx"
    import_zip = making.zipfile.ZipFile(path, "w")
    import_zip.writestr("[Content_Types].xml", "<Types/>")
    import_zip.close()
    with pytest.raises(UnsupportedFile):
        load(path)


def test_a_pdf_knows_its_pages_and_bookmarks(tmp_path):
    pages = [["Leave policy", "Everyone has thirty days."], ["Sickness", "Call before nine."]]
    reported = []
    extracted = load(making.pdf(tmp_path / "a.pdf", pages), reported=reported)
    assert extracted.page_count == 2
    assert extracted.text[extracted.pages[1] :].startswith("Sickness")
    assert [heading.title for heading in extracted.outline] == ["Leave policy", "Sickness"]
    assert extracted.outline[1].start == extracted.pages[1]
    assert reported[-1] == (95, 2, 2)


def test_a_pdf_with_pictures_of_pages_says_how_many(tmp_path):
    extracted = load(making.pdf(tmp_path / "a.pdf", [["Words here"], [], []]))
    assert extracted.warnings == (
        (
            "2 of 3 pages have no text (pages 2–3), so nothing is found there. "
            "Pictures of text have to go through text recognition first."
        ),
    )


def test_a_pdf_without_any_text_is_told_what_to_do(tmp_path):
    with pytest.raises(UnreadableFile) as caught:
        load(making.pdf(tmp_path / "a.pdf", [[], []]))
    assert caught.value.sentence == (
        "All 2 pages are pictures without text. Run it through text recognition and add it again."
    )


def test_a_pdf_behind_a_password_says_so(tmp_path):
    with pytest.raises(UnreadableFile, match="needs a password"):
        load(making.pdf(tmp_path / "a.pdf", [["secret"]], password="open sesame"))


def test_a_broken_pdf_is_said_to_be_broken(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7\nnothing of the kind")
    with pytest.raises(UnreadableFile, match="damaged"):
        load(path)


def test_a_pdf_that_lists_its_page_200_000_times_is_over_the_limit(tmp_path):
    with pytest.raises(LimitExceeded, match="200,000 pages; at most 2,000"):
        load(making.page_bomb(tmp_path / "a.pdf", 200_000))


def test_more_characters_than_the_limit_are_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("many words " * 100)
    with pytest.raises(LimitExceeded, match="more than 500 characters"):
        load(path, Limits(max_characters=500))


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.html"])
def test_a_file_of_blanks_has_no_text(tmp_path, name):
    path = tmp_path / name
    path.write_text(" \n\t\n ")
    with pytest.raises(UnreadableFile, match="no text"):
        load(path)


def test_a_type_that_is_not_taken_has_no_loader():
    with pytest.raises(UnsupportedFile):
        loader_for("application/zip")
