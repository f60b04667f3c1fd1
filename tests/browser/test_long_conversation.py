"""A conversation of many answers stays quick in the reader's hands."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, expect

from tests.browser.test_ask_to_history import ask

pytestmark = pytest.mark.browser
TURNS = 60
# Turns like the first one, each with ids of its own, as the server would give them.
MORE = """count => {
  const turn = document.querySelector("article.turn");
  const key = turn.querySelector(".note[data-number]").id.match(/^n(.+)-\\d+$/)[1];
  const html = turn.outerHTML.replace(/ style="[^"]*"/g, "");
  for (let at = 1; at < count; at += 1) {
    const more = document.createElement("template");
    more.innerHTML = html.replaceAll(key, `${key}x${at}`);
    turn.parentElement.append(more.content);
  }
}"""
PLACE = """async () => {
  const main = document.querySelector("script[type=module][src*='/app/main']");
  (await import(new URL("notes.js", main.src))).placeNotes();
}"""
AWAY = """() => [...document.querySelectorAll(".turn")].map(turn => {
  const note = turn.querySelector(".note[data-number]");
  const mark = turn.querySelector(`.mark[href="#${note.id}"]`);
  return Math.abs(mark.getBoundingClientRect().top - note.getBoundingClientRect().top);
})"""


def layouts(session: CDPSession) -> int:
    metrics: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    return next(int(one["value"]) for one in metrics if one["name"] == "LayoutCount")


def test_notes_of_a_long_page_are_placed_without_laying_it_out_for_each(
    visit: Callable[..., BrowserContext],
) -> None:
    page: Page = visit(viewport={"width": 1440, "height": 900}).new_page()
    ask(page)
    page.evaluate(MORE, TURNS)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    before = layouts(session)
    page.evaluate(PLACE)
    away = page.evaluate(AWAY)
    assert layouts(session) - before <= 5
    assert len(away) == TURNS
    assert max(away) < 30, "the notes are not beside their marks"


def test_a_conversation_opens_where_it_ended_and_a_link_where_it_points(
    visit: Callable[..., BrowserContext],
) -> None:
    page: Page = visit(viewport={"width": 390, "height": 700}).new_page()
    ask(page)
    for count in (2, 3):
        page.locator("#message").fill("And how many weeks of it are paid?")
        page.locator("#message").press("Enter")
        expect(page.locator("article.turn[data-state=done]")).to_have_count(count)
    turns = page.locator("article.turn")
    address, first = page.url.partition("#")[0], turns.first.get_attribute("id")
    page.goto("about:blank")
    page.goto(address)
    expect(turns.last.locator(".ask")).to_be_in_viewport()
    expect(turns.first.locator(".ask")).not_to_be_in_viewport()
    page.goto("about:blank")
    page.goto(f"{address}#{first}")
    expect(turns.first.locator(".ask")).to_be_in_viewport()
