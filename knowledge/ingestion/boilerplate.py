"""What a page repeats around its content: menus, banners, sidebars, comments, lists of links.

Compared with trafilatura on pages with marked content this keeps all of it (trafilatura loses
link lists and headings of short pages) and drops about as much else. What is dropped must be named
as such by its class or id, or consist of links; and never what holds most of a page or its title.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

_NAMED_SO_WORDS = """
nav navbar navigation navigations topnav sidenav subnav navlinks breadcrumb breadcrumbs crumbs
cookie cookies cookiebanner consent onetrust gdpr footer pagefooter sidebar sphinxsidebar
newsletter comments commentlist disqus advert advertisement adsbygoogle pagination pager
catlinks skiplink headerlink editsection
"""
_NAMED_SO = frozenset(_NAMED_SO_WORDS.split())
# These name content as well: a restaurant's menu, a share of the market.
_MAYBE_WORDS = """
menu mainmenu menubar submenu dropdown share sharing social related toc tableofcontents popular
trending promo banner modal popup ads sponsored subscribe tags masthead
"""
_NAMED_SO_OF_LINKS = frozenset(_MAYBE_WORDS.split())
_ABOUT_OTHERS = frozenset({"has", "with", "no", "without", "is"})  # "has-sidebar": a whole page
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_MOST = 0.5  # of the page's words: what holds more is the content
_OF_LINKS = 0.5  # of its words are links, where its name alone does not decide
_ALL_LINKS = 0.85  # of its words, where it has no name: separators stand between
_FEWEST_LINKS = 3
_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "search", "complementary", "dialog", "alertdialog"}
)
_CONTENT = ("main", "article", "h1")
_BLOCKS = frozenset({"ul", "ol", "div", "section", "p", "td", "table", "center"})
_LISTS = frozenset({"ul", "ol", "table"})
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


@dataclass
class _Words:
    """How many characters a tag shows, how many of them in links, and how many links."""

    all: int = 0
    linked: int = 0
    links: int = 0

    def add(self, other: "_Words") -> None:
        self.all += other.all
        self.linked += other.linked
        self.links += other.links

    @property
    def share(self) -> float:
        return self.linked / self.all if self.all else 0.0


def drop_boilerplate(soup: BeautifulSoup) -> None:
    """Take it out of the tree; linear in the page."""
    body = soup.body or soup
    words = _counted(body)
    most = _MOST * words[id(body)].all
    for tag in body.find_all(_has_name):
        if tag.decomposed:
            continue
        found = words[id(tag)]
        if (found.all <= most or found.share >= _ALL_LINKS) and _is_named_so(tag, found):
            _drop(tag)
    _drop_links(body, most)


def _drop_links(body: Tag, most: float) -> None:
    """Blocks of links alone, unless that would take most of the page."""
    words = _counted(body)
    found = list(_link_blocks(body, words))
    if sum(words[id(tag)].all for tag in found) <= most:
        for tag in found:
            tag.decompose()


def _counted(body: Tag) -> dict[int, _Words]:
    """The words of every tag by ``id``, children before parents."""
    words: dict[int, _Words] = {}
    for tag in [*reversed(body.find_all(True)), body]:
        total = _Words()
        for child in tag.children:
            if isinstance(child, Tag):
                total.add(words[id(child)])
            elif type(child) is NavigableString:
                total.all += len(child.strip())
        if tag.name == "a":
            total.linked, total.links = total.all, 1
        words[id(tag)] = total
    return words


def _has_name(tag: Tag) -> bool:
    return tag.has_attr("class") or tag.has_attr("id") or tag.has_attr("role")


def _is_named_so(tag: Tag, words: _Words) -> bool:
    if tag.get("role") in _ROLES:
        return True
    names = tag.get_attribute_list("class") + tag.get_attribute_list("id")
    tokens = {token.lower() for name in names for token in _TOKEN.findall(name or "")}
    if tokens & _ABOUT_OTHERS:
        return False
    return bool(tokens & _NAMED_SO) or (
        bool(tokens & _NAMED_SO_OF_LINKS) and words.share >= _OF_LINKS
    )


def _drop(tag: Tag) -> None:
    if tag.name not in _CONTENT and tag.find(_CONTENT) is None:
        tag.decompose()


def _link_blocks(body: Tag, words: dict[int, _Words]) -> Iterator[Tag]:
    """The outermost blocks that consist of links and stand for themselves."""
    taken: set[int] = set()
    content: set[int] = set()  # within the page's own main part everything stays
    for tag in body.find_all(True):
        parent = id(tag.parent)
        if parent in taken:
            taken.add(id(tag))
        elif parent in content or tag.name in {"main", "article"}:
            content.add(id(tag))
        elif tag.name in _BLOCKS and _is_list_of_links(tag, words[id(tag)]):
            taken.add(id(tag))
            yield tag


def _is_list_of_links(tag: Tag, words: _Words) -> bool:
    if words.links < _FEWEST_LINKS or words.share < _ALL_LINKS:
        return False
    return tag.find(_HEADINGS) is None and not _is_introduced(tag)


def _is_introduced(tag: Tag) -> bool:
    """Whether a heading or a paragraph stands before it: "See these pages:"."""
    before = tag.find_previous_sibling(True) if tag.name in _LISTS else None
    return isinstance(before, Tag) and before.name in {*_HEADINGS, "p"}
