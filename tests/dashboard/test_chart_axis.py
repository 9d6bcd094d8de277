"""The labels of the chart's axis, as they are drawn."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from browser_server import Server
from dashboard_page import DashboardPage, open_numbers
from playwright.sync_api import expect

pytestmark = pytest.mark.once

# Records every text that a canvas draws, with its pixels.
_SPY = """
  window.drawn = [];
  const {fillText, clearRect} = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
    const {width} = this.measureText(text);
    const left = {left: 0, start: 0, center: width / 2, right: width, end: width};
    const {e, f} = this.getTransform();
    const at = e + x - left[this.textAlign];
    drawn.push({text, left: at, right: at + width, y: f + y, canvas: this.canvas.width,
                height: this.canvas.height});
    fillText.call(this, text, x, y, ...rest);
  };
  CanvasRenderingContext2D.prototype.clearRect = function (...rest) {
    drawn.length = 0;
    clearRect.call(this, ...rest);
  };
"""


@pytest.mark.parametrize("width", [1280, 400])
def test_labels_are_whole_parts_and_are_not_cut(
    dashboard: DashboardPage, server: Server, width: int
) -> None:
    page = dashboard.page
    page.set_viewport_size({"width": width, "height": 800})
    page.add_init_script(_SPY)
    dashboard.sign_in(server.admin.access_token)
    section = dashboard.section("By date")
    open_numbers(section)
    for chosen, interval in (
        ("All time", "Week"),
        ("All time", "Month"),
        ("7 days", "Day"),
        ("30 days", "Day"),
        ("90 days", "Day"),
        ("1 year", "Week"),
    ):
        dashboard.choose(chosen)
        dashboard.choose(interval)
        # uPlot draws when the browser is ready.
        page.evaluate("new Promise(done => setTimeout(done, 100))")
        drawn = page.evaluate("drawn")
        dates = [label for label in drawn if label["text"][:2] == "20"]
        length = 7 if interval == "Month" else 10
        starts = [
            name[:length] for name in section.locator("tbody th").all_inner_texts()
        ]

        if interval == "Week":
            # The first week may have begun before the time range.
            starts[0] = dates[0]["text"]
        assert len(dates) >= 2, drawn
        assert {label["text"] for label in dates} <= set(starts)
        assert all(
            label["left"] >= 0 and label["right"] <= label["canvas"] for label in drawn
        )
        _assert_apart(sorted(dates, key=lambda label: label["left"]))
        unit = {"Day": "Days", "Week": "Weeks", "Month": "Months"}[interval]
        assert [label for label in drawn if label["text"].startswith(unit)]


def _assert_apart(labels: Sequence[dict[str, Any]]) -> None:
    for one, other in pairwise(labels):
        assert one["right"] < other["left"]


def test_labels_stay_when_the_window_changes(
    dashboard: DashboardPage, server: Server
) -> None:
    page = dashboard.page
    page.add_init_script(_SPY)
    dashboard.sign_in(server.admin.access_token)
    wide = dashboard.section("By date").locator("canvas").bounding_box()
    page.set_viewport_size({"width": 500, "height": 800})
    assert wide is not None
    expect(dashboard.section("By date").locator("canvas")).not_to_have_css(
        "width", f"{wide['width']}px"
    )
    page.evaluate("new Promise(done => setTimeout(done, 100))")
    dates = [label for label in page.evaluate("drawn") if label["text"][:2] == "20"]
    assert len(dates) >= 2
    _assert_apart(sorted(dates, key=lambda label: label["left"]))
