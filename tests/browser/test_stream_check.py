"""The page that tells an operator what a proxy does to streams, in a browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

pytestmark = pytest.mark.browser
Visit = Callable[..., BrowserContext]
JUDGE = """async () => {
  const { judge } = await import("/static/footnote/app/stream-check.js");
  const sent = Array.from({ length: 12 }, (_, n) => n / 4);
  return [
    judge(sent, sent.map((at) => at + 9), true),
    judge(sent, sent.map((_, n) => 9 + n / 1000), true),
    judge(sent, sent.map((_, n) => Math.floor(n / 4)), true),
    judge(sent.slice(0, 5), sent.slice(0, 5), false),
    judge([], [], false),
  ];
}"""


def test_the_page_reads_the_stream_and_says_that_it_comes_one_by_one(visit: Visit) -> None:
    page = visit().new_page()
    page.goto("/health/stream/")
    expect(page.locator("[data-verdict=good]")).to_contain_text("one by one")
    assert page.locator("[data-times] tbody tr").count() == 12
    page.get_by_role("button", name="Check again").click()
    expect(page.locator("[data-verdict=good]")).to_be_visible()


def test_the_page_judges_like_the_command(visit: Visit) -> None:
    page = visit().new_page()
    page.goto("/health/stream/")
    assert page.evaluate(JUDGE) == ["good", "held", "gathered", "cut", "empty"]
