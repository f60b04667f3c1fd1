"""The admin's own pages fit a phone and a small screen: nothing leaves the side."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import ROOT
from tests.browser.desk import ANSWER, EMAIL, PASSWORD

pytestmark = pytest.mark.browser
LISTS = {
    "document": "/admin/knowledge/document/",
    "build": "/admin/knowledge/indexbuild/",
    "receipt": "/admin/knowledge/receipt/",
    "set": "/admin/evaluation/questionset/",
    "run": "/admin/evaluation/run/",
}
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
# What sticks out although no ancestor of it scrolls or cuts it off on purpose.
CUT_OFF = """() => [...document.querySelectorAll('.scroll .table')].filter(table => {
  const box = table.parentElement;
  return box.getBoundingClientRect().right > innerWidth + 1;
}).length"""


@pytest.fixture(scope="module")
def desk(server: str, environment: dict[str, str]) -> None:
    seed = "from tests.browser.desk import seed; seed()"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", seed]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=180)


def logged_in(page: Page) -> Page:
    page.goto("/admin/login/?next=/admin/")
    page.fill("input[name=username]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url("**/admin/")
    return page


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_the_screen(
    desk: None, visit: Callable[..., BrowserContext], width: int
) -> None:
    page = logged_in(visit(viewport={"width": width, "height": 900}).new_page())
    for name, address in LISTS.items():
        page.goto(address)
        assert page.evaluate(SIDEWAYS) <= 0, f"the list of {name}"
        page.locator("#result_list a[href*='/change/']").first.click()
        page.wait_for_url("**/change/**")
        assert page.evaluate(SIDEWAYS) <= 0, f"the page of a {name}"
        assert page.evaluate(CUT_OFF) == 0, f"a table of a {name}"


def test_a_long_title_leaves_room_for_the_other_columns(
    desk: None, visit: Callable[..., BrowserContext]
) -> None:
    page = logged_in(visit(viewport={"width": 1280, "height": 900}).new_page())
    page.goto(LISTS["document"])
    row = page.locator("#result_list tr", has_text="Kapazitaetsplanung").first
    box = row.locator(".field-changed").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 1280


@pytest.mark.parametrize("width", [360, 1280])
def test_the_trace_of_an_answer_and_what_is_made_of_it_again_fit(
    desk: None, visit: Callable[..., BrowserContext], width: int
) -> None:
    page = logged_in(visit(viewport={"width": width, "height": 800}).new_page())
    page.goto(f"/admin/chat/message/{ANSWER}/trace/")
    prompt = page.locator(".desk-calls details").first
    expect(prompt).not_to_have_attribute("open", "")
    prompt.locator("summary").first.click()
    expect(page.get_by_text("Letter by letter as sent")).to_have_count(3)
    expect(page.locator(".desk-prompt").last).to_be_visible()
    assert page.evaluate(SIDEWAYS) <= 0
    page.select_option("#again-model", "extractive")
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_text("quoted without a model")).to_be_visible()
    expect(page.get_by_role("link", name="Back to the trace")).to_be_visible()
    assert page.evaluate(SIDEWAYS) <= 0
    assert page.evaluate(CUT_OFF) == 0
    table = page.locator(".desk-then")
    box = table.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= width
