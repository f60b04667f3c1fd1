"""What a question names exactly comes first, among many names that are nearly the same."""

import pytest

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


def test_a_name_that_no_text_has_is_no_other_name(pages):
    question = "what does C4997 mean?"
    vector = EMBEDDER.embed_query(question)
    found = retrieve(question, vector, pages, pages.allow(None), RetrieverConfig())
    assert (
        found.answerable
        < retrieve(
            "what does C4996 mean?",
            EMBEDDER.embed_query("what does C4996 mean?"),
            pages,
            pages.allow(None),
            RetrieverConfig(),
        ).answerable
    )
