"""From the first question to a kept history, in a browser: with script, without, on a phone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

pytestmark = pytest.mark.browser
QUESTION = "How many weeks of parental leave may an employee take?"
PASSWORD = "a long enough phrase 7"
Visit = Callable[..., BrowserContext]


def is_in_view(page: Page, selector: str) -> bool:
    return bool(
        page.evaluate(
            """selector => {
              const box = document.querySelector(selector).getBoundingClientRect();
              return box.top >= 0 && box.bottom <= innerHeight && box.height > 0;
            }""",
            selector,
        )
    )


def ask(page: Page, question: str = QUESTION) -> None:
    page.goto("/")
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")
    expect(page).to_have_url(re.compile(r"/c/[0-9a-f-]{36}/"))
    expect(page.locator("article.turn[data-state=done]")).to_be_visible()


def sign_up(page: Page, email: str) -> None:
    page.get_by_label("E-mail").fill(email)
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    expect(page).not_to_have_url(re.compile("/accounts/(convert|signup)/"))


def test_ask_stream_footnote_sign_up_history(visit: Visit) -> None:
    page = visit(viewport={"width": 1440, "height": 900}).new_page()
    joined: list[str] = []
    page.on(
        "request", lambda request: joined.append(request.url) if "/stream/" in request.url else None
    )
    ask(page)
    conversation = page.url
    assert joined, "the page joined no stream"
    expect(page.locator("#status")).to_contain_text("have a source")

    mark = page.locator("a.mark[role=doc-noteref]").first
    note = page.locator(".note[data-number]").first
    mark.hover()
    expect(page.locator(".claim.is-lit")).to_have_count(1)
    expect(note).to_have_class(re.compile("is-lit"))
    assert abs(mark.bounding_box()["y"] - note.bounding_box()["y"]) < 30, (
        "the note is not beside its mark"
    )
    mark.press("Enter")
    expect(note).to_be_focused()

    quoted = note.locator("mark").inner_text()
    note.locator(".note-src a").click()
    expect(page).to_have_url(re.compile(r"/sources/\d+/v1/\?start=\d+&end=\d+.*#passage"))
    passage = page.locator("mark.passage").first
    expect(passage).to_be_in_viewport()
    assert quoted.split()[:4] == passage.inner_text().split()[:4]
    assert is_in_view(page, "#passage")
    expect(page.locator("#said-1")).to_contain_text("Your answer says")
    page.get_by_role("link", name="Back to the answer").click()
    expect(page).to_have_url(re.compile(re.escape(conversation)))

    page.get_by_role("link", name="Sign up to keep this").first.click()
    sign_up(page, "ada@example.org")
    page.goto("/")
    row = page.locator(".side .past a").first
    expect(row).to_contain_text("parental leave")
    row.click()
    expect(page.locator(".turn .ask")).to_have_text(QUESTION)
    expect(page.locator(".side-end")).to_contain_text("Conversations are kept for")


def test_a_follow_up_a_new_name_deletion_and_undo(visit: Visit) -> None:
    page = visit(viewport={"width": 1440, "height": 900}).new_page()
    ask(page)
    page.get_by_label("Your question").fill("What is the hotel limit in Lyon?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("article.turn[data-state=done]")).to_have_count(2)
    expect(page.get_by_label("Your question")).to_have_value("")

    page.get_by_role("link", name="Rename").first.click()
    page.get_by_label("New name").fill("Weeks of leave")
    page.get_by_label("New name").press("Enter")
    expect(page.locator(".side .past a").first).to_have_text("Weeks of leave")
    expect(page).to_have_title("Weeks of leave · Footnote")

    page.goto("/")
    page.locator(".side .past").hover()
    page.get_by_role("link", name="More for “Weeks of leave”").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".past.is-gone")).to_be_visible()
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".side .past a").first).to_have_text("Weeks of leave")


def test_what_was_typed_is_there_again_and_too_much_is_said(visit: Visit) -> None:
    page = visit().new_page()
    page.goto("/")
    page.get_by_label("Your question").fill("Half a question")
    page.reload()
    expect(page.get_by_label("Your question")).to_have_value("Half a question")
    page.get_by_label("Your question").fill("x" * 5001)
    expect(page.locator("#message-wrong")).to_contain_text("Shorten it by 1")
    expect(page.get_by_role("button", name="Ask")).to_be_disabled()


def test_everything_works_without_script(visit: Visit) -> None:
    page = visit(java_script_enabled=False, viewport={"width": 1280, "height": 900}).new_page()
    page.goto("/")
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Ask").click()
    expect(page).to_have_url(re.compile(r"/c/[0-9a-f-]{36}/#m-"))
    # The page asks for itself every two seconds until the answer is there.
    expect(page.locator("article.turn[data-state=done]")).to_be_visible()

    page.locator("a.mark[role=doc-noteref]").first.click()
    expect(page).to_have_url(re.compile("#n1-1"))
    page.locator("#n1-1 .note-src a").click()
    expect(page.locator("#passage")).to_be_in_viewport()
    page.get_by_role("link", name="Back to the answer").click()

    page.get_by_role("button", name="This did not help").click()
    expect(page.get_by_text("What was wrong?")).to_be_visible()
    page.get_by_label("It misses the point").check()
    page.get_by_role("button", name="Send").click()
    page.locator(".bar").get_by_role("link", name="More for this conversation").click()
    page.get_by_label("Name").fill("Leave")
    page.get_by_role("button", name="Rename").click()
    expect(page.locator(".bar-title")).to_have_text("Leave")
    page.locator(".bar").get_by_role("link", name="More for this conversation").click()
    page.get_by_role("link", name="Delete this conversation").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".bar-title")).to_have_text("Leave")

    page.get_by_role("link", name="Sign up to keep this").first.click()
    sign_up(page, "grace@example.org")
    page.goto("/history/")
    expect(page.locator(".hit h2 a")).to_have_text("Leave")


def test_on_a_phone_a_mark_opens_its_source_as_a_sheet(visit: Visit) -> None:
    page = visit(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True).new_page()
    ask(page)
    mark = page.locator("a.mark[role=doc-noteref]").first
    mark.click()
    sheet = page.locator("dialog.sheet")
    expect(sheet).to_be_visible()
    expect(sheet.locator("h2")).to_contain_text("Source 1 of")
    expect(page.locator(".claim.is-lit")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(mark).to_be_focused()
    mark.click()
    sheet.get_by_role("link", name="Open in the document").click()
    expect(page.locator("#passage")).to_be_in_viewport()

    page.goto("/")
    page.get_by_role("link", name="Open conversations").click()
    drawer = page.locator("dialog.is-drawer")
    expect(drawer.locator(".past a").first).to_contain_text("parental leave")
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    for address in ("/", "/history/", "/accounts/login/", "/accounts/signup/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address


def test_the_keyboard_alone_reaches_everything(visit: Visit) -> None:
    page = visit(viewport={"width": 1440, "height": 900}).new_page()
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("main").evaluate("() => document.activeElement.blur()")
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
