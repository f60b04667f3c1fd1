"""What a question names exactly comes first, among many names that are nearly the same."""

import pytest

from knowledge.retrieval.names import codes, unknown_codes
from knowledge.retrieval.retriever import RetrieverConfig, retrieve
from tests.knowledge.retrieval.making import EMBEDDER, index

# Each name's own page, a page that mentions it, and pages of names that differ by a sign.
NAMES = [
    "C4996",
    "C4995",
    "C2104",
    "E1102",
    "no-unused-vars",
    "no-unused-labels",
    "no-unused-expressions",
    "prefer-spread",
    "always-prefer-spread",
    "settings.DEBUG",
    "settings.DEBUG_PROPAGATE",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "--no-inline-config",
    "--no-config-lookup",
    "--max-warnings",
    "/etc/app/config.yml",
    "/etc/app/config.yaml",
    "web-config.yml",
    "v2.13.0",
    "v2.13.1",
    "useState",
    "useStateful",
    "std::vector",
    "node.js",
    "TLS1.2",
    "TLS1.3",
    "RFC-2119",
    "user@example.org",
]
PAGES = [
    f"{name} is explained here: what it means, what causes it and what to do." for name in NAMES
]
MENTIONS = [
    f"This long page on something else, causes and what to do, explains a lot and ends: see {name}."
    for name in NAMES
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    return index(tmp_path_factory.mktemp("identifiers"), [*PAGES, *MENTIONS], title="Reference")


@pytest.mark.parametrize("form", ["{}", "what does {} mean?", "how do I fix {}", "{}!", "({})"])
@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_a_name_comes_first(pages, name, form):
    question = form.format(name)
    for vector in (EMBEDDER.embed_query(question), None):
        found = retrieve(question, vector, pages, pages.allow(None), RetrieverConfig(limit=5))
        assert found.hits[0].row == NAMES.index(name)


@pytest.mark.parametrize("name", ["c4996", "SETTINGS.debug", "No-Unused-Vars"])
def test_capitals_make_no_difference(pages, name):
    vector = EMBEDDER.embed_query(name)
    found = retrieve(name, vector, pages, pages.allow(None), RetrieverConfig(limit=1))
    assert PAGES[found.hits[0].row].lower().startswith(name.lower())


def test_a_code_that_no_text_has_is_told_from_its_neighbour(pages):
    everyone = pages.allow(None)
    assert unknown_codes("what does C4997 mean?", pages, everyone) == ("C4997",)
    assert unknown_codes("what does c4996 mean?", pages, everyone) == ()


def test_a_code_is_unknown_to_whoever_may_not_read_its_document(pages):
    own = (1, len(NAMES) + 1)  # its page, and the one that mentions it
    hidden = pages.allow([number for number in range(1, pages.size + 1) if number not in own])
    assert unknown_codes("what does C4996 mean?", pages, hidden) == ("C4996",)


def test_one_known_code_among_several_is_enough(pages):
    assert unknown_codes("Is C4997 worse than C4996?", pages, pages.allow(None)) == ()


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("what does error LNK1108 mean?", ["LNK1108"]),
        ("Which form is DS-2019, and what is EMAIL_USE_TLS?", ["DS-2019", "EMAIL_USE_TLS"]),
        ("How did COVID-19 and the 1990s change the G20, iPhone users and U.S. schools?", []),
        ("When was the 20th-century treaty of 1914/1918 signed, at 10:30 or 1,000 km away?", []),
        ("Write to user@example.org or see example.org/page", []),
        ("", []),
    ],
)
def test_only_what_can_be_nothing_else_is_a_code(question, named):
    assert codes(question) == named


@pytest.mark.parametrize("written", ["RFC 2119", "RFC2119", "rfc-2119"])
def test_a_code_may_be_written_in_several_ways(tmp_path, written):
    pages = index(tmp_path, [f"Words such as MUST are explained in {written}, in short."])
    for asked in ("RFC-2119", "RFC2119"):
        assert unknown_codes(f"what is {asked}?", pages, pages.allow(None)) == ()
