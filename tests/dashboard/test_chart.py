"""The chart, its numbers, which are those of the API, and its keys and pointer."""

from typing import Any

import pytest
from browser_server import DAY_MS, SOURCES, Server
from dashboard_page import DashboardPage, open_numbers, read_rows
from numbers_support import LABELS, first_day, legend_item, read_legend
from playwright.sync_api import expect
from reading import day, days, files, human, total

pytestmark = pytest.mark.once


def test_chart_has_the_numbers_of_the_api(
    signed_in: DashboardPage, server: Server
) -> None:
    open_numbers(signed_in.section("By date"))
    for interval in ("day", "week", "month"):
        signed_in.choose(interval.capitalize())
        _assert_numbers(signed_in, server, interval)


def _assert_numbers(signed_in: DashboardPage, server: Server, interval: str) -> None:
    section = signed_in.section("By date")
    signed_in.choose("Added")
    buckets = {
        source: server.ask("timeline", {"source": source, "interval": interval})
        for source in SOURCES
    }
    by_date: dict[str, dict[str, Any]] = {}
    for source in SOURCES:
        for bucket in buckets[source]["buckets"]:
            by_date.setdefault(bucket["date"], {})[source] = bucket
    nothing = {"media_count": 0, "media_length": 0}
    rows = [
        (
            next(iter(found.values())),
            {source: found.get(source, nothing) for source in SOURCES},
        )
        for _, found in sorted(by_date.items())
    ]

    assert read_legend(section) == [
        legend_item(LABELS[source], total(row[source] for _, row in rows))
        for source in SOURCES
    ]
    for mode in ("Added", "Running total"):
        signed_in.choose(mode)
        for measure in ("Size", "Files"):
            section.get_by_role("radio", name=measure).check()
            in_bytes = measure == "Size"
            key = "media_length" if in_bytes else "media_count"
            form = human if in_bytes else files
            expected = []
            sums = dict.fromkeys(SOURCES, 0)
            for bucket, row in rows:
                for source in SOURCES:
                    sums[source] += row[source][key]
                shown = (
                    sums
                    if mode == "Running total"
                    else {source: row[source][key] for source in SOURCES}
                )
                expected.append(
                    [
                        days(bucket["from_ts"], bucket["until_ts"]),
                        *(form(shown[source]) for source in SOURCES),
                    ]
                )
            assert read_rows(section) == expected


def test_running_total_begins_with_what_was_there(
    signed_in: DashboardPage, server: Server
) -> None:
    signed_in.choose("30 days")
    section = signed_in.section("By date")
    open_numbers(section)
    signed_in.choose("Running total")

    # All files that are stored now.
    everything = [
        total(server.ask("timeline", {"source": source})["buckets"])
        for source in SOURCES
    ]
    assert read_rows(section)[-1][1:] == [
        human(usage["media_length"]) for usage in everything
    ]
    assert read_legend(section) == [
        legend_item(LABELS[source], usage)
        for source, usage in zip(SOURCES, everything, strict=True)
    ]
    since = {"from_ts": first_day(30)}
    first = server.ask("timeline", {**since, "source": "local"})["buckets"][0]
    before = everything[0]["media_length"] - sum(
        bucket["media_length"]
        for bucket in server.ask("timeline", {**since, "source": "local"})["buckets"]
    )
    assert before > 0
    assert read_rows(section)[0][1] == human(before + first["media_length"])


def test_chart_is_drawn_and_read_by_keyboard(signed_in: DashboardPage) -> None:
    section = signed_in.section("By date")
    chart = section.get_by_role("slider")
    colours = chart.locator("canvas").evaluate(
        """canvas => {
          const {data} = canvas.getContext("2d")
            .getImageData(0, 0, canvas.width, canvas.height);
          const found = {};
          for (let i = 0; i < data.length; i += 4) {
            const key = data.slice(i, i + 4).join();
            found[key] = (found[key] ?? 0) + 1;
          }
          return found;
        }"""
    )
    # Local and remote, in the colours of the legend.
    for colour in ("47,111,222,255", "224,138,30,255"):
        assert colours.get(colour, 0) > 50

    open_numbers(section)
    rows = read_rows(section)
    for key, index in (("End", -1), ("ArrowLeft", -2), ("Home", 0), ("ArrowUp", 1)):
        chart.press(key)
        name, local, remote = rows[index]
        told = f"{name}: Local {local}, Remote {remote}"
        expect(chart).to_have_attribute("aria-valuetext", told)
        expect(section.locator(".readout")).to_have_text(told)


def test_dragging_on_the_chart_chooses_days(
    signed_in: DashboardPage, server: Server
) -> None:
    signed_in.choose("7 days")
    page = signed_in.page
    area = signed_in.section("By date").locator(".u-over")
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    # From within the third day to within the fifth.
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 2.5 / 7, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 3.5 / 7, middle)
    page.mouse.move(box["x"] + box["width"] * 4.5 / 7, middle)
    # The hand may leave the chart above or below.
    page.mouse.move(box["x"] + box["width"] * 4.5 / 7, box["y"] + box["height"] + 60)
    page.mouse.up()
    signed_in.wait_until_loaded()

    from_ts = first_day(5)
    until_ts = from_ts + 3 * DAY_MS - 1
    expect(page.get_by_label("From")).to_have_value(day(from_ts))
    expect(page.get_by_label("to", exact=True)).to_have_value(day(until_ts))
    window = {"from_ts": from_ts, "until_ts": until_ts}
    assert read_legend(signed_in.section("By date")) == [
        legend_item(
            LABELS[source],
            total(server.ask("timeline", {**window, "source": source})["buckets"]),
        )
        for source in SOURCES
    ]
    # The next click is one.
    area.click()
    expect(signed_in.section("Files").get_by_role("heading", level=2)).to_be_focused()


def test_clicking_on_a_bar_lists_its_files(signed_in: DashboardPage) -> None:
    """Those of the source that was clicked: local below, remote above."""
    page = signed_in.page
    bucket = {
        "date": day(first_day(1)),
        "from_ts": first_day(1),
        "until_ts": first_day(0) - 1,
        "media_count": 3,
        "media_length": 1 << 20,
    }
    nothing = {"media_count": 0, "media_length": 0}
    answer = {"buckets": [bucket], "before": nothing, "after": nothing}
    page.route("**/v1/timeline?*", lambda route: route.fulfill(json=answer))
    signed_in.choose("Day")
    area = signed_in.section("By date").locator(".u-over")
    box = area.bounding_box()
    assert box is not None
    for height, source in ((0.75, "local"), (0.25, "remote")):
        area.click(position={"x": box["width"] / 2, "y": box["height"] * height})
        files = signed_in.section("Files")
        expect(files.get_by_role("heading", level=2)).to_be_focused()
        expect(files.get_by_role("radio", name=LABELS[source])).to_be_checked()
        expect(page.get_by_label("From")).to_have_value(day(first_day(1)))
        signed_in.wait_until_loaded()
    # Files without an owner are in no bar.
    page.go_back()
    expect(files.get_by_role("button", name="Not: without an owner")).to_be_visible()
