"""The page of each recorded status: its numbers, its silence, and that everybody can read it."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Shown
from tests.browser.statuses import NAMES, made, status

SENTENCES = {
    "converged": "orders serves from 3 Regions; us-east-1 writes;",
    "adding-a-region": "orders serves from 3 Regions; us-east-1 writes; 5 steps under way or to come.",
    "held-failover": "orders serves from 3 Regions; eu-west-1 writes;",
    "stalled": "orders serves from 3 Regions; us-east-1 writes; it does not go on by itself: a person has to look.",
    "waiting-for-a-window": "orders serves from 3 Regions; us-east-1 writes; it waits for a window: the control plane goes on at "
    "2026-01-01 22:00 UTC.",
    "waiting-for-approval": "orders serves from 3 Regions; us-east-1 writes; it waits until somebody approves its plan.",
    "twelve-regions": "orders serves from 12 Regions; us-east-1 writes;",
    "nothing-yet": "orders serves nobody yet; 19 steps under way or to come.",
}


def count(shown: Shown, selector: str) -> int:
    return shown.page.locator(selector).count()


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_are_those_of_the_document(show, name):
    document = status(name)
    shown = show(made(document))
    page, regions = shown.page, document["regions"]
    assert page.locator("h1").inner_text().startswith(SENTENCES[name])
    assert page.locator(".card h3").all_inner_texts() == [t for t in page.locator(".card h3").all_inner_texts() if t]
    assert [t.split()[0] for t in page.locator(".card h3").all_inner_texts()] == [r["name"] for r in regions]
    for region, card in zip(regions, page.locator(".card").all(), strict=True):
        words = card.inner_text()
        behind = f"{region['replicaLagMs']:.0f} ms behind" if region["replicaLagMs"] is not None else ""
        assert all(w in words for w in (region["traffic"], region["health"], region["databaseRole"], behind)), words
        assert all(f"Stack {kind}" in words and state in words for kind, state in region["stacks"].items())
    assert count(shown, ".map.wide .spot") == count(shown, ".map.narrow .spot") == len(regions)
    assert count(shown, ".map.wide .copies path") == sum(r["databaseRole"] == "reader" for r in regions)
    assert count(shown, ".finding") == len(document["findings"])
    assert count(shown, "[id$=-conditions] tbody tr") == len(document["conditions"])
    assert count(shown, "[id$=-history] tbody tr") == len(document["history"])
    assert count(shown, ".leaves li") == sum(len(s["ids"]) for s in document["structure"].values())
    assert count(shown, ".bars .done") == sum(bool(s["ended"]) for s in document["timeline"]["steps"])
    if document["waitingFor"]:
        assert document["waitingFor"][0]["detail"] in page.locator(".alerts").inner_text()
    shown.keep(f"{name}-light")
    page.emulate_media(color_scheme="dark")
    shown.keep(f"{name}-dark")
    assert shown.quiet, shown


@pytest.mark.parametrize("name", ["adding-a-region", "held-failover", "stalled", "nothing-yet"])
def test_axe_finds_nothing(show, name):
    """axe-core, by Deque: names, roles, landmarks, headings, and contrast in the light and in the dark."""
    from axe_playwright_python.sync_playwright import Axe

    shown = show(made(status(name)), bypass_csp=True, reduced_motion="reduce")
    if name != "nothing-yet":
        shown.page.locator("details.stack > summary").first.click()
    assert violations(Axe().run(shown.page, options={"resultTypes": ["violations"]})) == []
    shown.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    contrast = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}
    assert violations(Axe().run(shown.page, options=contrast)) == []


def violations(found):
    return [(v["id"], v["impact"], [n["html"][:160] for n in v["nodes"][:3]]) for v in found.response["violations"]]


def test_the_keyboard_reaches_everything(show):
    shown = show(made(status("adding-a-region")))
    wanted = shown.page.evaluate(
        """() => [...document.querySelectorAll("a[href], input, button, summary")].filter(e => e.checkVisibility()).length"""
    )
    shown.page.evaluate("window.reached = new Set()")
    for _ in range(wanted + 1):
        shown.page.keyboard.press("Tab")
        shown.page.evaluate("reached.add(document.activeElement)")
    seen = shown.page.evaluate("[...reached].filter(e => e !== document.body).length")
    assert seen == wanted > 30
    shown.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    shown.page.locator("details.stack > summary").first.focus()
    shown.page.keyboard.press("Enter")
    assert shown.page.locator("details.stack").first.get_attribute("open") is not None


def test_the_first_thing_that_the_keyboard_finds_leads_to_the_content(show):
    shown = show(made(status("converged")))
    shown.page.keyboard.press("Tab")
    assert shown.page.evaluate("document.activeElement.textContent") == "To the content"
    shown.page.keyboard.press("Enter")
    assert shown.page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("name", ["adding-a-region", "twelve-regions", "nothing-yet"])
def test_a_narrow_screen_needs_no_scrolling_sideways(show, name):
    shown = show(made(status(name)), width="phone", reduced_motion="reduce")
    shown.keep(f"{name}-phone")
    assert (shown.page.locator(".map.wide").is_visible(), shown.page.locator(".map.narrow").is_visible()) == (
        False,
        True,
    )
    shown.page.locator(".tools button[data-open='1']").click()
    for width in (390, 320):  # the second is what WCAG asks for, and a wide screen at 400 %
        shown.page.set_viewport_size({"width": width, "height": 700})
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width


def test_paper_has_no_tools_and_the_whole_width(show):
    shown = show(made(status("held-failover")))
    shown.page.emulate_media(media="print")
    assert not shown.page.locator(".tools").is_visible()
    assert not shown.page.locator(".contents").is_visible()
    assert shown.page.locator(".map.wide").is_visible()
    assert all(f.is_visible() for f in shown.page.locator(".finding").all())
    shown.keep("held-failover-print")


def test_the_search_leaves_what_was_asked_for(show):
    document = status("twelve-regions")
    shown = show(made(document))
    shown.page.get_by_role("searchbox").fill("AWS::RDS::DBCluster")
    left = shown.page.locator(".leaves li:visible")
    assert left.count() > 0
    assert all("AWS::RDS::DBCluster" in text for text in left.all_inner_texts())
    assert (
        shown.page.locator(".hits").inner_text()
        == f"{left.count()} of {shown.page.locator('.leaves li').count()} resources"
    )
    shown.page.get_by_role("searchbox").fill("no such thing")
    assert shown.page.locator(".branch:visible").count() == 0
    shown.page.get_by_role("searchbox").fill("")
    assert shown.page.locator(".branch:visible").count() == 13


def test_without_a_script_everything_is_there_and_nothing_idle(show):
    shown = show(made(status("converged")), java_script_enabled=False)
    assert not shown.page.locator(".tools").is_visible()
    assert "4m before this page was made" in shown.page.locator(".facts").inner_text()
    shown.page.locator("details.stack summary").first.click()
    assert shown.page.locator(".leaves li").first.is_visible()


def test_the_page_says_how_old_it_is_and_grows_older(show, browser):
    document = status("converged")
    shown = show(made(document))
    shown.page.clock.install(time=document["updatedAt"])
    shown.page.reload()
    assert "(just now)" in shown.page.locator(".facts").inner_text()
    shown.page.clock.fast_forward("07:00:00")
    assert "(7 h ago)" in shown.page.locator(".facts").inner_text()


def test_several_topologies_share_a_page(show):
    other = {**status("stalled"), "topology": "accounts"}
    shown = show(made(status("converged"), other))
    assert shown.page.locator("h1").inner_text() == "2 topologies"
    assert [t.split()[0] for t in shown.page.locator("h2").all_inner_texts()] == ["orders", "accounts"]
    assert shown.page.evaluate("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size") == count(
        shown, "[id]"
    )
    shown.page.get_by_role("navigation", name="Topologies").get_by_role("link", name="accounts").click()
    assert shown.page.url.endswith("#t1")
    assert shown.quiet, shown


def test_twelve_regions_with_five_hundred_resources_are_small_and_there_at_once(show):
    """Seconds of the page's own thread, so that a busy machine makes no difference: to parse, style, lay out and search."""
    html = made(grown(status("twelve-regions")))
    assert len(html.encode()) <= 1_500_000
    shown = show(html)
    measured = shown.page.context.new_cdp_session(shown.page)
    measured.send("Performance.enable", {"timeDomain": "threadTicks"})
    shown.page.reload()
    assert count(shown, ".leaves li") >= 500
    shown.page.get_by_role("searchbox").fill("another7")
    assert shown.page.locator(".leaves li:visible").count() > 0
    found = {m["name"]: m["value"] for m in measured.send("Performance.getMetrics")["metrics"]}
    assert 0 < found["TaskDuration"] <= 1
    assert shown.quiet, shown


def grown(document):
    """Until it holds five hundred resources, each with a long name."""
    held = sum(len(s["ids"]) for s in document["structure"].values())
    for address, stack in document["structure"].items():
        if held >= 500:
            break
        more = {f"Another{n}": f"arn:aws:lambda:eu-west-1:111111111111:function:{address}-{n:060}" for n in range(20)}
        stack["ids"] |= more
        held += 20
    return document
