"""Of an HTML page the content is kept, and what every page of its site repeats is not."""

import pytest

from knowledge.ingestion.html_text import to_markdown
from knowledge.ingestion.markdown import outline

TEXT = (
    "<h1>Leave</h1><p>Everyone has thirty days of leave.</p><h2>Carrying over</h2>"
    "<p>Ten days may be carried over to the next year, if you ask for it.</p>"
)
THREE = "<a href='/a'>{0}</a> | <a href='/b'>{0}</a> | <a href='/c'>{0}</a>"
LINKS = "<ul>" + "".join(f"<li><a href='/{n}'>Boiler {n}</a></li>" for n in range(6)) + "</ul>"


def kept(body):
    return to_markdown(f"<html><head><title>Boiler</title></head><body>{body}</body></html>")


@pytest.mark.parametrize(
    "around",
    [
        "<nav>{links}</nav>{text}",
        "<div class='main-menu'>{links}</div><div>{text}</div>",
        "<div>{links}</div><div>{text}</div>",
        "<div class='cookieBanner'><p>Boiler: we use cookies.</p></div>{text}",
        "<div id='onetrust-consent-sdk'><div><p>Boiler</p></div></div>{text}",
        "<div role='dialog'>Boiler</div>{text}",
        "<div class='breadcrumb'><a href='/'>Boiler</a> » Boiler</div>{text}",
        "<div class='wrap has-sidebar'>{text}</div><div class='sidebar'><p>Boiler</p>{links}</div>",
        "{text}<div id='comments'><p>Boiler, a comment.</p><p>Boiler, another.</p></div>",
        "{text}<footer>Boiler</footer>",
        "{text}<div class='page-footer'>Boiler {links}</div>",
        "{text}<div>{three}</div>",
        "<table><tr><td>{three}</td><td>{text}</td></tr></table>",
    ],
)
def test_what_is_around_the_content_goes(around):
    text = kept(around.format(text=TEXT, links=LINKS, three=THREE.format("Boiler")))
    assert "Boiler" not in text
    assert [heading.title for heading in outline(text)] == ["Leave", "Carrying over"]
    assert "Ten days may be carried over" in text


@pytest.mark.parametrize(
    "content",
    [
        f"<p>See these forms:</p><ul><li>{THREE.format('Kept')}</li></ul>",
        f"<h2>Downloads</h2><ul><li>{THREE.format('Kept')}</li></ul>",
        "<div class='menu'><p>Kept: soup of the day, and bread.</p></div>",
        "<p>Kept: how we bake cookies.</p>",
        "<dl><dt>Kept</dt><dd>Meaning</dd></dl>",
        "<details><summary>Kept?</summary><p>Yes.</p></details>",
    ],
)
def test_content_that_looks_like_it_stays(content):
    assert "Kept" in kept(f"<div>{TEXT}{content}</div>")


def test_a_page_of_links_alone_is_not_emptied():
    assert "Boiler 5" in kept(f"<h1>Forms</h1><div>{LINKS}</div>")


def test_a_page_that_is_named_like_a_menu_keeps_its_title():
    assert "Everyone has" in kept(f"<div class='menu nav'>{TEXT}</div>")


def test_a_short_page_keeps_its_words_and_loses_its_long_menu():
    text = kept(f"<div class='menu'>{LINKS}</div><div><h1>Hours</h1><p>Nine to five.</p></div>")
    assert text == "# Hours\n\nNine to five."


def test_spans_are_unfolded_so_that_every_cell_has_its_column():
    text = kept(
        "<h1>T</h1><table><thead><tr><th rowspan=2>Region<th colspan=2>Days</tr>"
        "<tr><th>2023<th>2024</tr></thead>"
        "<tr><td rowspan=2>North<td>1<td>2</tr><tr><td>3<td>4</tr></table>"
    )
    assert text.split("\n\n")[1].splitlines() == [
        "| Region | Days 2023 | Days 2024 |",
        "| --- | --- | --- |",
        "| North | 1 | 2 |",
        "| North | 3 | 4 |",
    ]


def test_a_caption_row_goes_above_its_table():
    text = kept(
        "<h1>T</h1><table><tr><td colspan=2>Table 1: leave</tr><tr><td>Region<td>Days</tr>"
        "<tr><td>North<td>30</tr></table>"
    )
    assert text.endswith("Table 1: leave\n\n| Region | Days |\n| --- | --- |\n| North | 30 |")
