"""Retry, Edit and the arrows between versions in a browser: with script, without, by keyboard."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.test_ask_to_history import QUESTION, ask

pytestmark = pytest.mark.browser
OTHER = "How many weeks of parental leave are paid in full?"
Visit = Callable[..., BrowserContext]
SIZES = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def settled(page: Page) -> None:
    expect(page.locator("article.turn[data-state=running]")).to_have_count(0)
    expect(page.locator("article.turn").last).to_be_visible()


def count(page: Page, what: str) -> str:
    return page.get_by_role("group", name=f"Versions of the {what}").locator(".num").inner_text()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_an_answer_is_made_again_and_both_versions_are_reached(
    size: dict[str, int], visit: Visit
) -> None:
    page = visit(viewport=size).new_page()
    ask(page)
    first = page.locator("article.turn").get_attribute("id")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("article.turn")).to_have_count(1)
    expect(page.locator(".versions .num")).to_have_text("2 of 2")
    settled(page)
    second = page.locator("article.turn").get_attribute("id")
    assert first != second
    page.get_by_role("button", name="Earlier version of the answer").press("Enter")
    expect(page.locator(f"#{first}")).to_be_visible()
    assert count(page, "answer") == "1 of 2"
    expect(page.locator("#status")).to_have_text("Version 1 of 2 of the answer.")
    later = page.get_by_role("button", name="Later version of the answer")
    expect(later).to_be_focused()  # the other one leads nowhere
    later.press("Enter")
    expect(page.locator(f"#{second}")).to_be_visible()
    page.reload()
    assert count(page, "answer") == "2 of 2"


def test_a_question_is_edited_where_it_stands(visit: Visit) -> None:
    page = visit(viewport=SIZES[0]).new_page()
    ask(page)
    link = page.get_by_role("link", name="Edit the question")
    link.click()
    field = page.locator(".turn textarea")
    expect(field).to_be_focused()
    expect(field).to_have_value(QUESTION)
    field.press("Escape")
    expect(field).to_have_count(0)
    expect(link).to_be_focused()
    link.press("Enter")
    field.fill("   ")
    field.press("Enter")
    expect(page.locator(".turn [role=alert]")).to_have_text("Write a question first.")
    field.fill(OTHER)
    field.press("Enter")
    expect(page.get_by_role("heading", name=OTHER, level=2)).to_be_visible()
    settled(page)
    expect(page.locator("article.turn")).to_have_count(1)
    assert count(page, "question") == "2 of 2"
    page.get_by_label("Your question").fill("When does it begin?")
    page.get_by_label("Your question").press("Enter")
    expect(page.locator("article.turn")).to_have_count(2)
    settled(page)
    page.get_by_role("button", name="Earlier version of the question").click()
    expect(page.get_by_role("heading", name=QUESTION, level=2)).to_be_visible()
    expect(page.locator("article.turn")).to_have_count(1)
    page.get_by_role("button", name="Later version of the question").click()
    expect(page.locator("article.turn")).to_have_count(2)


def test_versions_work_without_script(visit: Visit) -> None:
    page = visit(viewport=SIZES[0], java_script_enabled=False).new_page()
    page.goto("/")
    page.get_by_label("Your question").fill(QUESTION)
    page.locator("#composer button[type=submit]").click()
    expect(page).to_have_url(re.compile(r"/c/[0-9a-f-]{36}/"))
    expect(page.locator("article.turn[data-state=done]")).to_be_visible()
    page.get_by_role("link", name="Edit the question").click()
    field = page.get_by_label("The question")
    expect(field).to_have_value(QUESTION)
    field.fill(OTHER)
    page.get_by_role("button", name="Ask this").click()
    expect(page.locator("article.turn[data-state=done]")).to_be_visible()
    assert count(page, "question") == "2 of 2"
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("article.turn[data-state=done]")).to_be_visible()
    assert count(page, "answer") == "2 of 2"
    page.get_by_role("button", name="Earlier version of the question").click()
    expect(page.get_by_role("heading", name=QUESTION, level=2)).to_be_visible()


def test_a_document_leads_back_to_an_earlier_version_without_choosing_it(visit: Visit) -> None:
    page = visit(viewport=SIZES[0]).new_page()
    ask(page)
    source = page.locator(".note-src a").first.get_attribute("href")
    first = str(page.locator("article.turn").get_attribute("data-message"))
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".versions .num")).to_have_text("2 of 2")
    settled(page)
    conversation = page.url
    assert source
    page.goto(f"/m/{first}/")
    expect(page.get_by_text("An earlier version.")).to_be_visible()
    expect(page.locator(f"#m-{first}")).to_be_visible()
    expect(page.locator("#composer")).to_have_count(0)
    page.get_by_role("link", name="Back to the other one").click()
    expect(page.locator("#composer")).to_be_visible()
    page.goto(f"/m/{first}/")
    page.get_by_role("button", name="Go on from here").click()
    expect(page.locator("#composer")).to_be_visible()
    expect(page.locator(f"#m-{first}")).to_be_visible()
    assert page.url.split("#")[0].split("?")[0] == conversation.split("#")[0].split("?")[0]
