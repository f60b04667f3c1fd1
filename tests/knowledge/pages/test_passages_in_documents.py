"""The cited span is marked in the document's own structure, wherever it begins and ends."""

import re
import time

import pytest

from knowledge.models import DocumentVersion
from knowledge.rendering import PART_CHARS, Passage, view

TEXT = """# Parental Leave Policy

Every employee may take **fifty-two weeks** of leave.

## 3 Pay

- Weeks 1 to 18: full pay.
- Weeks 19 to 39: the statutory rate.

| Weeks | Pay |
|---|---|
| 1 to 18 | Full |
| 40 to 52 | None |

```sh
leave --weeks 52
```

See [the form](https://forms.example/hr-12) and _ask early_.
"""


def version(text: str = TEXT, media_type: str = "text/markdown", **fields) -> DocumentVersion:
    outline = [
        {"level": len(m[1]), "title": m[2], "start": m.start()}
        for m in re.finditer(r"(?m)^(#+) (.*)$", text)
    ]
    return DocumentVersion(
        text=text, media_type=media_type, outline=fields.pop("outline", outline), **fields
    )


def html(start: int, end: int, **fields) -> str:
    shown = view(version(**fields), Passage(start, end))
    return "".join(sheet.html for sheet in shown.sheets)


def marked(page: str) -> str:
    """The words inside the highlighter."""
    pieces = re.findall(r'<mark class="passage"[^>]*>(.*?)</mark>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", "", piece).strip() for piece in pieces)


def test_a_sentence_in_a_paragraph_is_marked_once():
    start = TEXT.index("Every")
    page = html(start, start + len("Every employee may take **fifty-two weeks** of leave."))
    assert marked(page) == "Every employee may take fifty-two weeks of leave."
    assert page.count("<mark") == page.count('id="passage"') == 1


def test_a_span_over_list_items_is_marked_in_each():
    start, end = TEXT.index("Weeks 1 to"), TEXT.index("\n\n| Weeks")
    page = html(start, end)
    assert marked(page) == "Weeks 1 to 18: full pay. Weeks 19 to 39: the statutory rate."
    assert page.count("<li><mark") == 2
    assert page.count('id="passage"') == 1


def test_a_span_over_a_table_leaves_the_table_whole():
    start, end = TEXT.index("| Weeks"), TEXT.index("\n\n```")
    page = html(start, end)
    assert marked(page) == "Weeks Pay 1 to 18 Full 40 to 52 None"
    assert page.count("<td>") == 4


def test_a_span_in_a_code_block_and_over_its_fence():
    start = TEXT.index("leave --weeks")
    assert marked(html(start, start + 16)) == "leave --weeks 52"
    assert marked(html(TEXT.index("```sh"), TEXT.index("See") + 3)) == "leave --weeks 52 See"


def test_the_whole_document_can_be_the_span():
    page = html(0, len(TEXT))
    assert "the form" in marked(page)
    assert "Parental Leave Policy" in marked(page)


@pytest.mark.parametrize(("start", "end"), [(0, 0), (50, 50), (90, 10), (10**9, 10**9 + 5)])
def test_a_span_that_makes_no_sense_marks_nothing(start, end):
    assert "<mark" not in html(start, end)


def test_every_span_of_a_document_leaves_well_formed_pages():
    plain_page = html(0, 0)
    bare = re.sub(r"</?mark[^>]*>", "", plain_page)
    for start in range(0, len(TEXT), 3):
        for length in (1, 7, 40, 200):
            page = html(start, start + length)
            assert page.count("<mark") == page.count("</mark>")
            for tag in ("strong", "em", "a", "li", "td", "code"):
                assert page.count(f"<{tag}>") + page.count(f"<{tag} ") == page.count(f"</{tag}>")
            words = re.sub(r"<[^>]+>|\s+", "", page)
            assert words == re.sub(r"<[^>]+>|\s+", "", bare), (start, length)


def test_headings_are_places_to_jump_to_and_the_passage_knows_its_section():
    start = TEXT.index("Weeks 1 to")
    shown = view(version(), Passage(start, start + 10))
    assert [(e.title, e.is_here) for e in shown.outline] == [
        ("Parental Leave Policy", False),
        ("3 Pay", True),
    ]
    assert '<h3><span class="place" id="s1"></span>3 Pay</h3>' in shown.sheets[0].html


def test_a_pdf_is_shown_by_pages_and_its_text_is_not_markdown():
    text = "First page * not a list\n\n# not a heading <b>\nSecond page begins. It ends."
    shown = view(
        version(text, "application/pdf", pages=[0, text.index("Second")], outline=[]),
        Passage(text.index("# not"), text.index("It ends")),
    )
    assert [sheet.number for sheet in shown.sheets] == [1, 2]
    assert "&lt;b&gt;" in shown.sheets[0].html
    joined = "".join(sheet.html for sheet in shown.sheets)
    assert marked(joined) == "# not a heading &lt;b&gt; Second page begins."
    assert joined.count('id="passage"') == 1


def test_hostile_documents_are_inert():
    text = "<script>alert(1)</script>\n\n![x](https://evil.example/p.png)\n\n<iframe src=x>"
    for media_type in ("text/markdown", "text/html", "text/plain", "application/pdf"):
        page = html(0, len(text), text=text, media_type=media_type, outline=[])
        for tag in ("<script", "<img", "<iframe"):
            assert tag not in page


def test_a_document_of_a_megabyte_is_shown_in_parts_and_in_time():
    block = (
        "## Section {}\n\n"
        + "Some words that say *something* about [it](https://a.example). " * 30
        + "\n\n"
    )
    text = "".join(block.format(n) for n in range(550))
    assert len(text) > 1_000_000
    long = version(text)
    start = text.index("## Section 400")
    began = time.monotonic()
    shown = view(long, Passage(start + 20, start + 60))
    assert time.monotonic() - began < 2
    assert shown.parts > 5
    assert shown.has_passage
    assert 'id="passage"' in "".join(sheet.html for sheet in shown.sheets)
    assert sum(len(sheet.html) for sheet in shown.sheets) < 4 * PART_CHARS
    assert view(long, Passage(), part=99).part == shown.parts


def test_a_first_line_that_repeats_the_title_is_left_out_unless_it_is_quoted():
    shown = view(version(), Passage(), title="Parental leave policy")
    page = shown.sheets[0].html
    assert "Parental Leave Policy" not in page
    assert '<h2><span class="place" id="s0"></span>3 Pay</h2>' in page
    assert [entry.title for entry in shown.outline] == ["3 Pay"]
    quoted = view(version(), Passage(0, 20), title="Parental leave policy")
    assert marked(quoted.sheets[0].html).startswith("Parental Leave")
