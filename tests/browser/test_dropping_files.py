"""Files dropped in the admin: another try is offered where it may help, and only there."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import STAFF

pytestmark = pytest.mark.browser
FILES = "/admin/knowledge/document/files/"


def given(name: str, data: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


@pytest.fixture
def desk(browser: Browser, server: str) -> Page:
    """The page that files are dropped on, for staff. Refusals are errors in its console."""
    page = browser.new_context(base_url=server).new_page()
    page.goto(f"/admin/login/?next={FILES}")
    page.locator("input[name=username]").fill(STAFF[0])
    page.locator("input[name=password]").fill(STAFF[1])
    page.locator("form [type=submit]").first.click()
    expect(page.locator("#drop")).to_be_visible()
    return page


def test_a_file_that_cannot_be_taken_has_a_sentence_and_no_second_try(desk: Page) -> None:
    desk.locator("#drop input[type=file]").set_input_files(
        [given("scan.pdf", b"\x89PNG\r\n\x1a\n" + bytes(64)), given("empty.md", b"")]
    )
    expect(desk.locator("#drop-sum")).to_have_text("2 not taken")
    expect(desk.locator("#drop-list .desk-wrong")).to_have_count(2)
    expect(desk.get_by_role("button", name="Try again")).to_have_count(0)


def test_a_connection_that_broke_off_can_be_tried_again(desk: Page) -> None:
    desk.route("**/files/one/", lambda route: route.abort())
    desk.locator("#drop input[type=file]").set_input_files([given("note.md", b"# Note\n\nwords")])
    expect(desk.locator("#drop-sum")).to_have_text("1 not taken")
    desk.unroute("**/files/one/")
    desk.get_by_role("button", name="Try again").click()
    expect(desk.locator("#drop-sum")).to_have_text("1 added")
