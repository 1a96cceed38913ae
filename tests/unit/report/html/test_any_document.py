"""A page is made of any document: whatever is not as it should be reads as nothing, and nothing leaves its place."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.report.html import page
from tests.browser.statuses import NAMES, made, status

AT = datetime(2026, 1, 1, 5, tzinfo=UTC)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["<b onclick=x>", "\ud800", "PT9M"]),
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(st.text(max_size=5), deeper, max_size=3),
    max_leaves=5,
)


def places(value, path=()):
    """Every place of a document, by its keys."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


class Read(HTMLParser):
    """Tags in order, and attributes that could do something."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.active = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.active += [
            (tag, name, value)
            for name, value in attrs
            if name.startswith("on")
            or name == "style"
            or (name in {"href", "src"} and not (value or "").startswith(("#", "data:image/svg")))
        ]


def inert(html):
    read = Read(html)
    assert read.active == []
    assert (read.tags.count("script"), read.tags.count("style"), read.tags.count("img")) == (1, 1, 0)


PLACES = {name: list(places(status(name))) for name in ("held-failover", "adding-a-region")}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_stands_in_any_place(data):
    name = data.draw(st.sampled_from(sorted(PLACES)))
    document = copy.deepcopy(status(name))
    for path in data.draw(st.lists(st.sampled_from(PLACES[name][1:]), min_size=1, max_size=4)):
        inner = document
        try:
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = data.draw(ANYTHING)
        except (IndexError, KeyError, TypeError):  # an earlier change took that place away
            continue
    inert(page([document], AT))


@pytest.mark.parametrize(
    "document", [{}, {"regions": None, "findings": 7, "plan": [], "timeline": "x", "structure": [1]}]
)
def test_whatever_is_no_status(document):
    inert(page([document], AT))


def test_of_nothing_the_page_says_how_to_begin():
    assert "meridian converge" in page([], AT)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_document_gives_the_same_page(name):
    text = made(status(name))
    assert text == made(copy.deepcopy(status(name)))
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
