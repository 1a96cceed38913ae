"""Whatever stands in a status, in any of its fields: on the page it is text. Without the page's own rules, which would stop a script
that got through, and with them."""

from __future__ import annotations

import pytest

from tests.browser.statuses import everywhere, made, status

PAYLOADS = (
    "<script>hit=1</script>",
    "<img src=x onerror=hit=1>",
    '"><svg onload=hit=1><animate onbegin=hit=1 attributeName=x dur=1s>',
    "' autofocus onfocus='hit=1' x='",
    "</style><style>*{display:none}</style></script><script>hit=1</script>",
    "</title><script>hit=1</script><!--",
    "]]><a href=javascript:hit=1>x</a>",
    "javascript:hit=1",
    "{{ 7*7 }}{% raise %}{# x #}${7*7}",
    "https://evil.example/?<link rel=stylesheet href=//evil.example/x.css>",
    "\u202egnp.exe\u2066\u200f\x00\x07\x1b[2J\x7f\ufeff\ud800",
    '#t0" class="spot" data-since="2020-01-01T00:00:00Z',
)
INERT = """() => [window.hit, document.querySelectorAll("script").length,
  [...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => a.name.startsWith("on") || a.name === "style"
    || (["href", "src", "action", "xlink:href"].includes(a.name) && !a.value.startsWith("#") && !a.value.startsWith("data:image/svg")))).length,
  document.querySelectorAll("img, iframe, object, embed, base, form, link:not([rel=icon]), animate, style:not(head > style)").length]"""


@pytest.mark.parametrize("rules", [True, False], ids=["with-rules", "without"])
@pytest.mark.parametrize("name", ["held-failover", "adding-a-region"])
def test_what_strangers_wrote_is_text(show, name, rules):
    """All of them on one page, one topology each: every text of the document is the payload, and every name that is data."""
    recorded = {**status(name), "suspension": {"reason": "x", "by": "x", "at": "x", "regions": ["x"]}}
    recorded["problems"] = [{"code": "x", "step": "x", "message": "x"}]
    recorded["refusals"] = [{"code": "x", "path": "x", "message": "x"}]
    times = {"updatedAt": recorded["updatedAt"]}
    hostile = [{**everywhere(recorded, lambda _, p=p: p), **(times if p is PAYLOADS[0] else {})} for p in PAYLOADS]
    shown = show(made(*hostile), bypass_csp=not rules, reduced_motion="reduce")
    assert shown.page.evaluate(INERT) == [None, 1, 0, 0]
    assert shown.page.locator("article").count() == len(PAYLOADS)
    for link in shown.page.locator("a[href]:visible").all()[:: len(PAYLOADS)]:
        link.focus()
    assert shown.page.evaluate("window.hit") is None
    text = shown.page.locator("body").inner_text()
    assert "<script>hit=1</script>" in text
    assert "{{ 7*7 }}" in text
    assert not set(text) & set("\u202e\u2066\u200f\x00\x07\x1b\x7f\ufeff")
    assert shown.quiet, shown
